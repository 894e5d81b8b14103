//! The part that all ceremonies share which make an epoch: the keys' protocols (rounds 1–3), storing, confirmation
//! (4–6), acknowledgements (7) and the certificate, which is handed on (8).

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23::KeyShare;
use dkls23::keygen::{Round1, Round2, Round3};
use policy::rulebook::PolicyDocument;

use crate::Failure;
use crate::acknowledgement::{Certificate, Transition, transcript};
use crate::channel::{Channel, Messages};
use crate::confirm::{Confirmation, Progress};
use crate::epochs::Prepared;
use crate::identity::SIGNATURE_BYTES;
use crate::membership::Membership;
use crate::persons::Persons;
use crate::session::{Input, Io, Next, Output};
use crate::store::{Commit, Key, Secret, Write};
use crate::wallet::Wallet;

const PROTOCOL_ROUNDS: core::ops::RangeInclusive<u16> = 1..=3;
const ROUND_ACKNOWLEDGE: u16 = 7;
const ROUND_CERTIFICATE: u16 = 8;

/// An attempt whose shares are being erased.
pub(crate) struct Abandoned {
    pub(crate) membership: Arc<Membership>,
    pub(crate) next: u64,
}

/// Makes one epoch.
pub(crate) struct Making {
    membership: Arc<Membership>,
    base: u64,
    next: u64,
    policy: Arc<PolicyDocument>,
    persons: Persons,
    state: State,
}

enum State {
    Round1(Vec<Round1>),
    Round2(Vec<Round2>),
    Round3(Vec<Round3>),
    Storing(Box<Prepared>),
    Proving { keys: Vec<Arc<KeyShare>>, confirmation: Confirmation },
    Acknowledging { own: [u8; SIGNATURE_BYTES] },
    Collecting { own: [u8; SIGNATURE_BYTES] },
    Certifying { certificate: Box<Certificate> },
}

impl Making {
    /// The keys' protocols have started; their first messages are sent.
    pub(crate) fn new(
        membership: Arc<Membership>,
        (base, next): (u64, u64),
        (policy, persons): (Arc<PolicyDocument>, Persons),
        rounds: Vec<Round1>,
    ) -> Self {
        Self { membership, base, next, policy, persons, state: State::Round1(rounds) }
    }

    /// The round that this party waits for.
    pub(crate) fn round(&self) -> u16 {
        match &self.state {
            State::Round1(_) => 1,
            State::Round2(_) => 2,
            State::Round3(_) | State::Storing(_) => 3,
            State::Proving { confirmation, .. } => confirmation.round(),
            State::Acknowledging { .. } | State::Collecting { .. } | State::Certifying { .. } => {
                ROUND_ACKNOWLEDGE
            }
        }
    }

    /// Whether this party acknowledged the epoch. From here on no peer can talk it out of it: others may hold its
    /// acknowledgement already.
    pub(crate) fn is_acknowledged(&self) -> bool {
        matches!(self.state, State::Collecting { .. } | State::Certifying { .. })
    }

    /// Whether everybody acknowledged and only this party's own record of it is under way.
    pub(crate) fn is_certified(&self) -> bool {
        matches!(self.state, State::Certifying { .. })
    }

    /// What to erase if this ceremony fails.
    pub(crate) fn attempt(&self) -> Abandoned {
        Abandoned { membership: Arc::clone(&self.membership), next: self.next }
    }

    pub(crate) fn advance(
        mut self,
        channel: &mut Channel,
        outgoing: &mut Vec<Vec<u8>>,
        input: &mut Input,
        io: &mut Io<'_>,
    ) -> Result<(Self, Next), Failure> {
        let state = core::mem::replace(&mut self.state, State::Round1(Vec::new()));
        let next = match state {
            State::Round1(rounds) => match channel.take_bodies(1, rounds.len())? {
                None => self.wait(State::Round1(rounds)),
                Some(inboxes) => {
                    let (mut next, mut out) = (Vec::new(), Vec::new());
                    for (round, inbox) in rounds.into_iter().zip(inboxes) {
                        let (round, sent) = round.receive(inbox, io.rng, io.cancel)?;
                        next.push(round);
                        out.push(sent);
                    }
                    outgoing.extend(channel.send_bodies(2, &out, io.rng)?);
                    self.state = State::Round2(next);
                    Next::Again
                }
            },
            State::Round2(rounds) => match channel.take_bodies(2, rounds.len())? {
                None => self.wait(State::Round2(rounds)),
                Some(inboxes) => {
                    let (mut next, mut out) = (Vec::new(), Vec::new());
                    for (round, inbox) in rounds.into_iter().zip(inboxes) {
                        let (round, sent) = round.receive(inbox, io.rng, io.cancel)?;
                        next.push(round);
                        out.push(sent);
                    }
                    outgoing.extend(channel.send_bodies(3, &out, io.rng)?);
                    self.state = State::Round3(next);
                    Next::Again
                }
            },
            State::Round3(rounds) => match channel.take_bodies(3, rounds.len())? {
                None => self.wait(State::Round3(rounds)),
                Some(inboxes) => {
                    let mut shares = Vec::new();
                    for (round, inbox) in rounds.into_iter().zip(inboxes) {
                        shares.push(round.receive(inbox, io.cancel)?);
                    }
                    self.store(channel, &shares)?
                }
            },
            State::Storing(prepared) => {
                let transcript = *prepared.transcript();
                let wallet = self.membership.note_prepared(*prepared, &input.committed()?)?;
                self.prove(channel, outgoing, &wallet, &transcript, io)?
            }
            State::Proving { keys, confirmation } => {
                let round = confirmation.round();
                match channel.take_bodies(round, keys.len())? {
                    None => self.wait(State::Proving { keys, confirmation }),
                    Some(inboxes) => match confirmation.receive(inboxes, io)? {
                        Progress::Next(confirmation, out) => {
                            outgoing.extend(channel.send_bodies(round + 1, &out, io.rng)?);
                            self.state = State::Proving { keys, confirmation };
                            Next::Again
                        }
                        Progress::Confirmed => self.acknowledge(channel)?,
                    },
                }
            }
            State::Acknowledging { own } => {
                input.committed()?;
                for peer in channel.peers().to_vec() {
                    outgoing.extend(channel.send(ROUND_ACKNOWLEDGE, peer, &[&own], io.rng)?);
                }
                self.state = State::Collecting { own };
                Next::Again
            }
            State::Collecting { own } => self.collect(channel, own)?,
            State::Certifying { certificate } => {
                input.committed()?;
                let encoded = certificate.encode();
                self.membership.note_certified(*certificate);
                // Whose acknowledgement was lost on the way to somebody: the certificate says it again.
                for peer in channel.peers().to_vec() {
                    outgoing.extend(channel.send(ROUND_CERTIFICATE, peer, &[&encoded], io.rng)?);
                }
                Next::Done(Output::Epoch(Arc::clone(&self.membership)))
            }
        };
        Ok((self, next))
    }

    fn wait(&mut self, state: State) -> Next {
        self.state = state;
        Next::Wait
    }

    /// Writes the shares; what goes on is what is read back.
    fn store(&mut self, channel: &Channel, shares: &[KeyShare]) -> Result<Next, Failure> {
        let keys: Vec<(String, [u8; 32])> =
            shares.iter().map(|share| (share.key_id().to_owned(), share.epoch().id())).collect();
        let broadcasts = channel.final_broadcasts_hash(PROTOCOL_ROUNDS);
        let roster = channel.roster().clone();
        let wallet_id = *roster.wallet_id();
        let transition = Transition {
            wallet_id,
            base: self.base,
            next: self.next,
            transcript: transcript(&broadcasts, keys.iter().map(|(id, hash)| (id.as_str(), *hash))),
            roster_hash: roster.hash(),
        };
        let (policy, persons) = (self.policy.bytes().to_vec(), self.persons.clone());
        let prepared = Prepared { transition, roster, policy, persons, keys };
        let mut writes = self.membership.state().epochs.prepare(&prepared)?;
        let epoch = self.next;
        let key =
            |share: &KeyShare| Key::Share { wallet_id, epoch, key_id: share.key_id().to_owned() };
        writes.extend(shares.iter().map(|share| Write::Create(key(share), Secret(share.encode()))));
        let read_back = shares.iter().map(key).collect();
        self.state = State::Storing(Box::new(prepared));
        Ok(Next::Commit(Commit { writes, read_back }))
    }

    fn prove(
        &mut self,
        channel: &mut Channel,
        outgoing: &mut Vec<Vec<u8>>,
        wallet: &Wallet,
        transcript: &[u8; 32],
        io: &mut Io<'_>,
    ) -> Result<Next, Failure> {
        let keys: Vec<Arc<KeyShare>> = wallet.shares().map(Arc::clone).collect();
        let session_id = *channel.session_id();
        let (confirmation, out) =
            Confirmation::start(session_id, transcript, &keys, channel.peers(), io)?;
        outgoing.extend(channel.send_bodies(confirmation.round(), &out, io.rng)?);
        self.state = State::Proving { keys, confirmation };
        Ok(Next::Again)
    }

    /// The acknowledgement is on disk before it leaves: one transcript per number, for ever.
    fn acknowledge(&mut self, channel: &Channel) -> Result<Next, Failure> {
        let mut membership = self.membership.state();
        let (writes, own) = membership.epochs.acknowledge(self.next, channel.identity())?;
        drop(membership);
        self.state = State::Acknowledging { own };
        Ok(Next::Commit(Commit { writes, read_back: Vec::new() }))
    }

    /// Everybody's acknowledgements, or the certificate from one who has them.
    fn collect(
        &mut self,
        channel: &mut Channel,
        own: [u8; SIGNATURE_BYTES],
    ) -> Result<Next, Failure> {
        if self.membership.state().epochs.certified() >= self.next {
            // A notice brought the certificate.
            return Ok(Next::Done(Output::Epoch(Arc::clone(&self.membership))));
        }
        if let Some(messages) = channel.take_round(ROUND_ACKNOWLEDGE)? {
            let certificate = self.certificate(channel, own, messages)?;
            return self.certify(certificate);
        }
        for peer in channel.peers().to_vec() {
            if let Some(message) = channel.take_from(ROUND_CERTIFICATE, peer) {
                let certificate = self.membership.read_certificate(&message).ok_or_else(|| {
                    Failure::malformed(peer, "a certificate that does not verify")
                })?;
                return self.certify(certificate);
            }
        }
        Ok(self.wait(State::Collecting { own }))
    }

    fn certificate(
        &self,
        channel: &Channel,
        own: [u8; SIGNATURE_BYTES],
        messages: Messages,
    ) -> Result<Certificate, Failure> {
        let membership = self.membership.state();
        let transition = membership
            .epochs
            .held()
            .find(|held| held.number() == self.next)
            .map(|held| held.transition.clone())
            .ok_or_else(|| Failure::config("an attempt that a later one overtook"))?;
        drop(membership);
        let mut signatures = BTreeMap::from([(channel.identity().role().index(), own)]);
        for (peer, message) in messages {
            let signature = message.as_slice().try_into().ok().filter(|signature| {
                channel.roster().member(peer).is_some_and(|member| {
                    transition.is_acknowledged_by(peer, &member.verifier, signature)
                })
            });
            let signature = signature.ok_or_else(|| {
                Failure::malformed(peer, "an acknowledgement that does not verify")
            })?;
            signatures.insert(peer, signature);
        }
        Certificate::new(transition, channel.roster(), signatures)
            .ok_or_else(|| Failure::config("a certificate needs everybody's acknowledgement"))
    }

    fn certify(&mut self, certificate: Certificate) -> Result<Next, Failure> {
        let commit = self.membership.certify(&certificate)?;
        self.state = State::Certifying { certificate: Box::new(certificate) };
        Ok(Next::Commit(commit))
    }
}
