//! Key generation: openings and six words (round 0), the keys' protocols (1–3), confirmation (4–6),
//! acknowledgements (7). Nothing leaves after round 0 before a person at this party confirmed the words.

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23::keygen::{KeygenSetup, Round1, Round2, Round3, start};
use dkls23::{KeyShare, PartyIndex};
use tagged_hash::{Hasher, tags};

use crate::acknowledgement::{Certificate, Transition, transcript};
use crate::channel::{Channel, Messages};
use crate::confirm::{Confirmation, Progress};
use crate::document::{self, KeygenDetails, PolicyDocument};
use crate::envelope::ROUND_INVITATION;
use crate::identity::{Card, Pairing, SIGNATURE_BYTES, nonce_commitment};
use crate::roster::THRESHOLD;
use crate::session::{Input, Io, Next, Output};
use crate::store::{Commit, Key, ReadBack, Secret, Write, count};
use crate::wallet::{ECDSA_KEY_ID, Wallet};
use crate::{Failure, Roster};

/// The epoch that a key generation makes.
pub(crate) const FIRST_EPOCH: u64 = 1;
/// The keys of a wallet, in key order.
const KEY_IDS: [&str; 1] = [ECDSA_KEY_ID];
const PROTOCOL_ROUNDS: core::ops::RangeInclusive<u16> = 1..=3;
const ROUND_ACKNOWLEDGE: u16 = 7;
/// A pair of identity keys may fail the oblivious-transfer setup so often: each failure may have told a
/// hostile sender one bit of what the accepted setup must keep secret (`docs/protocol.md`, B.4).
const MAX_SETUP_FAILURES: u32 = 8;

/// What the operator compares with the other two before anything is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Six words of the BIP-39 English list: 66 bits over roster, policy and everybody's nonces.
    pub words: Vec<&'static str>,
    /// The policy that the words cover.
    pub policy: PolicyDocument,
    /// The roster that the words cover.
    pub roster_hash: [u8; 32],
}

pub(crate) struct Keygen {
    pairing: Pairing,
    cards: BTreeMap<PartyIndex, Card>,
    policy: PolicyDocument,
    details: Option<Vec<u8>>,
    state: State,
}

enum State {
    Starting,
    Registering,
    Opening,
    Confirming(Words),
    Round1(Vec<Round1>),
    Round2(Vec<Round2>),
    Round3(Vec<Round3>),
    Storing { epoch_ids: Vec<[u8; 32]> },
    Proving { keys: Keys, transition: Transition, confirmation: Confirmation },
    Acknowledging { keys: Keys, transition: Transition, own: [u8; SIGNATURE_BYTES] },
    Collecting { keys: Keys, transition: Transition, own: [u8; SIGNATURE_BYTES] },
    Certifying { keys: Keys, certificate: Certificate },
}

type Keys = Vec<Arc<KeyShare>>;

impl Keygen {
    /// `details` is the salted round 0 of the initiator, `None` at a joiner.
    pub(crate) fn new(
        pairing: Pairing,
        cards: Vec<Card>,
        policy: PolicyDocument,
        details: Option<Vec<u8>>,
    ) -> Self {
        let cards = cards.into_iter().map(|card| (card.role.index(), card)).collect();
        Self { pairing, cards, policy, details, state: State::Starting }
    }

    /// The initiator's salted details: nonce and policy.
    pub(crate) fn details(
        pairing: &Pairing,
        policy: &PolicyDocument,
        salt: &[u8; 32],
    ) -> Result<Vec<u8>, Failure> {
        let bytes = document::encode(&KeygenDetails::new(pairing.nonce(), policy))?;
        Ok([salt.as_slice(), &bytes].concat())
    }

    /// The round that this party waits for.
    pub(crate) fn round(&self) -> u16 {
        match &self.state {
            State::Starting | State::Registering | State::Opening | State::Confirming(_) => 0,
            State::Round1(_) => 1,
            State::Round2(_) => 2,
            State::Round3(_) | State::Storing { .. } => 3,
            State::Proving { confirmation, .. } => confirmation.round(),
            State::Acknowledging { .. } | State::Collecting { .. } | State::Certifying { .. } => {
                ROUND_ACKNOWLEDGE
            }
        }
    }

    /// Whether this party acknowledged the epoch. From here on no peer can talk it out of the wallet: others
    /// may hold its acknowledgement already.
    pub(crate) fn is_acknowledged(&self) -> bool {
        matches!(self.state, State::Collecting { .. } | State::Certifying { .. })
    }

    /// Whether everybody acknowledged and only this party's own record of it is under way: there is a wallet,
    /// whatever the caller or the clock says now.
    pub(crate) fn is_certified(&self) -> bool {
        matches!(self.state, State::Certifying { .. })
    }

    /// The words, while the operator's answer is awaited.
    pub(crate) fn words(&self) -> Option<&Words> {
        match &self.state {
            State::Confirming(words) => Some(words),
            _ => None,
        }
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
                Next::Commit(self.register(channel, io.now_ms))
            }
            State::Registering => {
                self.check_setup_failures(&input.committed()?)?;
                outgoing.extend(self.send_opening(channel, io)?);
                self.state = State::Opening;
                Next::Again
            }
            State::Opening => self.open(channel)?,
            State::Confirming(words) => match input.confirmed() {
                None => {
                    self.state = State::Confirming(words);
                    Next::Wait
                }
                Some(confirmed) if confirmed.iter().eq(words.words.iter()) => {
                    self.start_protocols(channel, outgoing, io)?;
                    Next::Again
                }
                Some(_) => {
                    return Err(Failure::refused("the confirmed words are not the ones shown"));
                }
            },
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
                    self.store(channel, &shares)
                }
            },
            State::Storing { epoch_ids } => {
                let keys = read_back(&input.committed()?, &epoch_ids)?;
                self.prove(channel, outgoing, keys, io)?
            }
            State::Proving { keys, transition, confirmation } => {
                match channel.take_bodies(confirmation.round(), keys.len())? {
                    None => self.wait(State::Proving { keys, transition, confirmation }),
                    Some(inboxes) => {
                        let round = confirmation.round();
                        match confirmation.receive(inboxes, io)? {
                            Progress::Next(confirmation, out) => {
                                outgoing.extend(channel.send_bodies(round + 1, &out, io.rng)?);
                                self.state = State::Proving { keys, transition, confirmation };
                                Next::Again
                            }
                            Progress::Confirmed => self.acknowledge(channel, keys, transition),
                        }
                    }
                }
            }
            State::Acknowledging { keys, transition, own } => {
                input.committed()?;
                for peer in channel.peers().to_vec() {
                    outgoing.extend(channel.send(ROUND_ACKNOWLEDGE, peer, &[&own], io.rng)?);
                }
                self.state = State::Collecting { keys, transition, own };
                Next::Again
            }
            State::Collecting { keys, transition, own } => {
                match channel.take_round(ROUND_ACKNOWLEDGE)? {
                    None => self.wait(State::Collecting { keys, transition, own }),
                    Some(messages) => self.certify(channel, keys, transition, own, messages)?,
                }
            }
            State::Certifying { keys, certificate } => {
                input.committed()?;
                let keys =
                    keys.into_iter().map(|share| (share.key_id().to_owned(), share)).collect();
                let wallet = Wallet::new(
                    Arc::clone(channel.identity()),
                    channel.roster().clone(),
                    self.policy.clone(),
                    certificate,
                    keys,
                );
                Next::Done(Output::Wallet(Box::new(wallet)))
            }
        };
        Ok((self, next))
    }

    fn wait(&mut self, state: State) -> Next {
        self.state = state;
        Next::Wait
    }

    /// Writes the session down before its first message, and reads how often these peers' setups failed.
    fn register(&self, channel: &Channel, now_ms: u64) -> Commit {
        let own = channel.identity().identity_key();
        let failures = channel
            .peers()
            .iter()
            .filter_map(|peer| channel.roster().member(*peer))
            .map(|member| Key::SetupFailures(own, member.identity_key));
        Commit { writes: channel.registration(now_ms), read_back: failures.collect() }
    }

    fn check_setup_failures(&self, counts: &ReadBack) -> Result<(), Failure> {
        let worst = counts.iter().flatten().map(count).max().unwrap_or(0);
        if worst >= MAX_SETUP_FAILURES {
            return Err(Failure::refused(
                "the oblivious-transfer setup with a peer failed eight times: replace that party's keys",
            ));
        }
        Ok(())
    }

    fn send_opening(
        &self,
        channel: &mut Channel,
        io: &mut Io<'_>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let message = self.details.clone().unwrap_or_else(|| self.pairing.nonce().to_vec());
        let mut envelopes = Vec::new();
        for peer in channel.peers().to_vec() {
            envelopes.extend(channel.send(ROUND_INVITATION, peer, &[&message], io.rng)?);
        }
        Ok(envelopes)
    }

    /// Takes everybody's opened nonce; each must be the one its pinned card commits to.
    fn open(&mut self, channel: &mut Channel) -> Result<Next, Failure> {
        let Some(messages) = channel.take_round(ROUND_INVITATION)? else {
            return Ok(self.wait(State::Opening));
        };
        let initiator = channel.descriptor().initiator.index();
        let mut nonces =
            BTreeMap::from([(channel.identity().role().index(), *self.pairing.nonce())]);
        for (peer, message) in messages {
            let nonce = if peer == initiator {
                self.read_details(channel, &message)?
            } else {
                message
                    .as_slice()
                    .try_into()
                    .map_err(|_| Failure::malformed(peer, "an opened nonce has 32 bytes"))?
            };
            let committed = self.cards.get(&peer).map(|card| card.nonce_commitment);
            if committed != Some(nonce_commitment(&nonce)) {
                return Err(Failure::malformed(peer, "a nonce that its card does not commit to"));
            }
            nonces.insert(peer, nonce);
        }
        let roster_hash = channel.roster().hash();
        let words = six_words(&roster_hash, &self.policy.hash(), nonces.values());
        self.state = State::Confirming(Words { words, policy: self.policy.clone(), roster_hash });
        Ok(Next::Wait)
    }

    fn read_details(&self, channel: &Channel, salted: &[u8]) -> Result<[u8; 32], Failure> {
        if document::setup_details_hash(salted) != Some(channel.descriptor().setup_details_hash) {
            return Err(Failure::config("the details are not those of the descriptor"));
        }
        salted
            .get(32..)
            .and_then(canonical::decode::<KeygenDetails>)
            .and_then(|details| details.nonce_if(&self.policy))
            .ok_or_else(|| Failure::config("the initiator proposes another policy"))
    }

    fn start_protocols(
        &mut self,
        channel: &mut Channel,
        outgoing: &mut Vec<Vec<u8>>,
        io: &mut Io<'_>,
    ) -> Result<(), Failure> {
        let (mut rounds, mut out) = (Vec::new(), Vec::new());
        for key_id in KEY_IDS {
            let setup = KeygenSetup::new(
                *channel.session_id(),
                key_id,
                THRESHOLD.required,
                THRESHOLD.total,
                channel.roster().hash(),
                FIRST_EPOCH,
            )?;
            let (round, sent) = start(setup, channel.identity().role().index(), io.rng)?;
            rounds.push(round);
            out.push(sent);
        }
        outgoing.extend(channel.send_bodies(1, &out, io.rng)?);
        self.state = State::Round1(rounds);
        Ok(())
    }

    /// Writes the shares; what goes on is what is read back.
    fn store(&mut self, channel: &Channel, shares: &[KeyShare]) -> Next {
        let wallet_id = *channel.roster().wallet_id();
        let key = |share: &KeyShare| Key::Share {
            wallet_id,
            epoch: FIRST_EPOCH,
            key_id: share.key_id().to_owned(),
        };
        let writes =
            shares.iter().map(|share| Write::Create(key(share), Secret(share.encode()))).collect();
        let read_back = shares.iter().map(key).collect();
        self.state =
            State::Storing { epoch_ids: shares.iter().map(|share| share.epoch().id()).collect() };
        Next::Commit(Commit { writes, read_back })
    }

    fn prove(
        &mut self,
        channel: &mut Channel,
        outgoing: &mut Vec<Vec<u8>>,
        keys: Keys,
        io: &mut Io<'_>,
    ) -> Result<Next, Failure> {
        let broadcasts = channel.final_broadcasts_hash(PROTOCOL_ROUNDS);
        let transition = Transition {
            wallet_id: *channel.roster().wallet_id(),
            base: FIRST_EPOCH - 1,
            next: FIRST_EPOCH,
            transcript: transcript(
                &broadcasts,
                keys.iter().map(|share| (share.key_id(), share.epoch().id())),
            ),
            roster_hash: channel.roster().hash(),
        };
        let session_id = *channel.session_id();
        let (confirmation, out) =
            Confirmation::start(session_id, &transition.transcript, &keys, channel.peers(), io)?;
        outgoing.extend(channel.send_bodies(confirmation.round(), &out, io.rng)?);
        self.state = State::Proving { keys, transition, confirmation };
        Ok(Next::Again)
    }

    /// The acknowledgement is on disk before it leaves: one transcript per number, for ever.
    fn acknowledge(&mut self, channel: &Channel, keys: Keys, transition: Transition) -> Next {
        let key = Key::Acknowledged { wallet_id: transition.wallet_id, epoch: transition.next };
        let write = Write::Create(key, Secret::copy_from(&transition.transcript));
        let own = transition.acknowledge(channel.identity());
        self.state = State::Acknowledging { keys, transition, own };
        Next::Commit(Commit { writes: vec![write], read_back: Vec::new() })
    }

    fn certify(
        &mut self,
        channel: &Channel,
        keys: Keys,
        transition: Transition,
        own: [u8; SIGNATURE_BYTES],
        messages: Messages,
    ) -> Result<Next, Failure> {
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
        let key = Key::Certificate { wallet_id: transition.wallet_id, epoch: transition.next };
        let certificate = Certificate::new(transition, channel.roster(), signatures)
            .ok_or_else(|| Failure::config("a certificate needs everybody's acknowledgement"))?;
        let write = Write::Put(key, Secret::copy_from(&certificate.encode()));
        self.state = State::Certifying { keys, certificate };
        Ok(Next::Commit(Commit { writes: vec![write], read_back: Vec::new() }))
    }
}

/// The shares as storage gave them back; each must be of the epoch just made.
fn read_back(records: &ReadBack, epoch_ids: &[[u8; 32]]) -> Result<Keys, Failure> {
    if records.len() != epoch_ids.len() {
        return Err(Failure::storage());
    }
    records
        .iter()
        .zip(epoch_ids)
        .map(|(record, epoch_id)| {
            let share = KeyShare::decode(&record.as_ref()?.0).ok()?;
            (&share.epoch().id() == epoch_id).then(|| Arc::new(share))
        })
        .collect::<Option<_>>()
        .ok_or_else(Failure::storage)
}

/// The first 66 bits of `H("words"; roster hash, policy hash, nonce_1, nonce_2, nonce_3)`, 11 bits a word.
fn six_words<'a>(
    roster_hash: &[u8; 32],
    policy_hash: &[u8; 32],
    nonces: impl ExactSizeIterator<Item = &'a [u8; 32]>,
) -> Vec<&'static str> {
    let mut hasher = Hasher::new(tags::WORDS, 2 + nonces.len());
    hasher.part(roster_hash);
    hasher.part(policy_hash);
    for nonce in nonces {
        hasher.part(nonce);
    }
    let digest = hasher.finish();
    let bit = |position: usize| {
        digest.get(position / 8).is_some_and(|byte| byte >> (7 - position % 8) & 1 == 1)
    };
    let list = bip39::Language::English.word_list();
    (0..6)
        .filter_map(|word| {
            let index =
                (0..11).fold(0, |index, offset| index << 1 | usize::from(bit(11 * word + offset)));
            list.get(index).copied()
        })
        .collect()
}

/// The roster that a descriptor's wallet id makes of the pinned cards.
pub(crate) fn roster_and_policy(
    wallet_id: [u8; 32],
    cards: &[Card],
) -> Result<(Roster, PolicyDocument), Failure> {
    let roster = Roster::from_cards(wallet_id, cards)?;
    let policy = PolicyDocument::first(&roster, cards)?;
    Ok((roster, policy))
}
