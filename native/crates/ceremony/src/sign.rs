//! Signing by the initiator and one other party: register, then three rounds; every item of a batch shares
//! them.

use std::sync::Arc;

use dkls23::derive::DerivationPath;
use dkls23::sign::{Round1, Round2, Round3, SignItem, SignSetup, start};
use dkls23::{KeyShare, PartyIndex};

use crate::authorization::Claim;
use crate::channel::Channel;
use crate::envelope::ROUND_INVITATION;
use crate::session::{Input, Io, Next, Output};
use crate::store::Commit;
use crate::wallet::ECDSA_KEY_ID;
use crate::{Failure, Wallet};

pub(crate) struct Sign {
    wallet: Arc<Wallet>,
    claim: Claim,
    details: Option<Vec<u8>>,
    state: State,
}

enum State {
    Starting,
    Registering,
    Round1(Round1),
    Round2(Round2),
    Round3(Round3),
}

impl Sign {
    /// `details` is the salted round 0 of the initiator, `None` at the co-signer.
    pub(crate) fn new(wallet: Arc<Wallet>, claim: Claim, details: Option<Vec<u8>>) -> Self {
        Self { wallet, claim, details, state: State::Starting }
    }

    pub(crate) fn wallet(&self) -> &Arc<Wallet> {
        &self.wallet
    }

    /// The round that this party waits for.
    pub(crate) fn round(&self) -> u16 {
        match self.state {
            State::Starting | State::Registering => 0,
            State::Round1(_) => 1,
            State::Round2(_) => 2,
            State::Round3(_) => 3,
        }
    }

    /// Asked before every step and again when bytes are about to leave: another session of the pair may have
    /// failed meanwhile.
    pub(crate) fn release(&self, peers: &[PartyIndex]) -> Result<(), Failure> {
        if peers.iter().any(|peer| self.wallet.is_replaced(*peer)) {
            return Err(Failure::replaced());
        }
        let released = match &self.state {
            State::Starting | State::Registering => Ok(()),
            State::Round1(round) => round.release(),
            State::Round2(round) => round.release(),
            State::Round3(round) => round.release(),
        };
        released.map_err(|abort| Failure::from(abort).found_elsewhere())
    }

    /// Whether this party's signature share has been handed out.
    pub(crate) fn share_left(&self) -> bool {
        matches!(self.state, State::Round3(_))
    }

    pub(crate) fn advance(
        mut self,
        channel: &mut Channel,
        outgoing: &mut Vec<Vec<u8>>,
        input: &mut Input,
        io: &mut Io<'_>,
    ) -> Result<(Self, Next), Failure> {
        let state = core::mem::replace(&mut self.state, State::Starting);
        let next = match state {
            State::Starting => {
                self.state = State::Registering;
                let writes = channel.registration(io.now_ms);
                Next::Commit(Commit { writes, read_back: Vec::new() })
            }
            State::Registering => {
                input.committed()?;
                if let Some(details) = &self.details {
                    for peer in channel.peers().to_vec() {
                        outgoing.extend(channel.send(
                            ROUND_INVITATION,
                            peer,
                            &[details],
                            io.rng,
                        )?);
                    }
                }
                let (round, sent) = start(self.share()?, self.setup(channel)?, io.rng, io.cancel)?;
                outgoing.extend(channel.send_bodies(1, &[sent], io.rng)?);
                self.state = State::Round1(round);
                Next::Again
            }
            State::Round1(round) => match take(channel, 1)? {
                None => self.wait(State::Round1(round)),
                Some(inbox) => {
                    let (round, sent) = round.receive(inbox, io.rng, io.cancel)?;
                    outgoing.extend(channel.send_bodies(2, &[sent], io.rng)?);
                    self.state = State::Round2(round);
                    Next::Again
                }
            },
            State::Round2(round) => match take(channel, 2)? {
                None => self.wait(State::Round2(round)),
                Some(inbox) => {
                    let (round, sent) = round.receive(inbox, io.cancel)?;
                    outgoing.extend(channel.send_bodies(3, &[sent], io.rng)?);
                    self.state = State::Round3(round);
                    Next::Again
                }
            },
            State::Round3(round) => match take(channel, 3)? {
                None => self.wait(State::Round3(round)),
                Some(inbox) => Next::Done(Output::Signatures(round.receive(inbox)?)),
            },
        };
        Ok((self, next))
    }

    fn wait(&mut self, state: State) -> Next {
        self.state = state;
        Next::Wait
    }

    fn share(&self) -> Result<Arc<KeyShare>, Failure> {
        self.wallet.key(ECDSA_KEY_ID).map(Arc::clone)
    }

    fn setup(&self, channel: &Channel) -> Result<SignSetup, Failure> {
        let quorum: Vec<_> =
            channel.descriptor().participants.iter().map(|one| one.role.index()).collect();
        let Claim { items, origin: _, policy_hash } = &self.claim;
        let items = items
            .iter()
            .map(|item| {
                Ok(SignItem {
                    digest: item.payload.digest,
                    digest_kind: item.payload.digest_kind,
                    path: DerivationPath::new(&item.path)?,
                    payload_hash: item.payload.payload_hash,
                    resolved_hash: item.payload.resolved_hash,
                    policy_hash: *policy_hash,
                })
            })
            .collect::<Result<_, Failure>>()?;
        Ok(SignSetup::new(*channel.session_id(), &quorum, items)?)
    }
}

fn take(channel: &mut Channel, round: u16) -> Result<Option<dkls23::Inbox>, Failure> {
    Ok(channel.take_bodies(round, 1)?.and_then(|inboxes| inboxes.into_iter().next()))
}
