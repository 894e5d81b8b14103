//! Key generation: openings and six words (round 0), then the epoch is made. Nothing leaves after round 0 before a person at this party confirmed the words.

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23::PartyIndex;
use dkls23::keygen::{KeygenSetup, start};
use policy::rulebook::PolicyDocument;
use tagged_hash::{Hasher, tags};

use crate::channel::Channel;
use crate::document::{self, KeygenDetails, first_policy};
use crate::envelope::ROUND_INVITATION;
use crate::epochs::Change;
use crate::identity::{Card, Pairing, nonce_commitment};
use crate::making::Making;
use crate::membership::Membership;
use crate::roster::THRESHOLD;
use crate::session::{Input, Io, Next};
use crate::store::{Commit, Key, ReadBack, count};
use crate::wallet::ECDSA_KEY_ID;
use crate::{Failure, Persons};

/// The epoch that a key generation makes.
pub(crate) const FIRST_EPOCH: u64 = 1;
/// The keys of a wallet, in key order.
const KEY_IDS: [&str; 1] = [ECDSA_KEY_ID];
/// A pair of identity keys may fail the oblivious-transfer setup so often: each failure may have told a
/// hostile sender one bit of what the accepted setup must keep secret (`docs/protocol.md`, B.4).
const MAX_SETUP_FAILURES: u32 = 8;

/// What the operator compares with the other two before anything is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Six words of the BIP-39 English list: 66 bits over roster, policy and everybody's nonces.
    pub words: Vec<&'static str>,
    /// The policy that the words cover.
    pub policy: Arc<PolicyDocument>,
    /// The roster that the words cover.
    pub roster_hash: [u8; 32],
}

pub(crate) struct Keygen {
    pairing: Pairing,
    cards: BTreeMap<PartyIndex, Card>,
    /// What this party expects; without an expectation it takes what the initiator proposes, and its person sees it.
    policy: Option<Arc<PolicyDocument>>,
    details: Option<Vec<u8>>,
    membership: Arc<Membership>,
    state: State,
}

enum State {
    Starting,
    Registering,
    Opening,
    Confirming(Words),
    Making(Box<Making>),
}

impl Keygen {
    /// `details` is the salted round 0 of the initiator, `None` at a joiner.
    pub(crate) fn new(
        pairing: Pairing,
        cards: Vec<Card>,
        policy: Option<PolicyDocument>,
        details: Option<Vec<u8>>,
        membership: Membership,
    ) -> Self {
        let cards = cards.into_iter().map(|card| (card.role.index(), card)).collect();
        let membership = Arc::new(membership);
        let policy = policy.map(Arc::new);
        Self { pairing, cards, policy, details, membership, state: State::Starting }
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
        self.making().map_or(ROUND_INVITATION, Making::round)
    }

    /// The second part, once it has begun.
    pub(crate) fn making(&self) -> Option<&Making> {
        match &self.state {
            State::Making(making) => Some(making),
            _ => None,
        }
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
                Next::Commit(self.register(channel, io.now_ms)?)
            }
            State::Registering => {
                check_setup_failures(&input.committed()?)?;
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
            State::Making(making) => {
                let (making, next) = making.advance(channel, outgoing, input, io)?;
                self.state = State::Making(Box::new(making));
                next
            }
        };
        Ok((self, next))
    }

    fn wait(&mut self, state: State) -> Next {
        self.state = state;
        Next::Wait
    }

    /// Takes the epoch's number and writes the session down before its first message, and reads how often these
    /// peers' setups failed.
    fn register(&self, channel: &Channel, now_ms: u64) -> Result<Commit, Failure> {
        let (roster, session_id) = (channel.roster(), channel.session_id());
        let epochs = &mut self.membership.state().epochs;
        let mut writes = channel.registration(now_ms);
        writes.extend(epochs.intend(Change::Found, 0, FIRST_EPOCH, roster, session_id)?);
        epochs.note_intent(FIRST_EPOCH);
        Ok(Commit { writes, read_back: setup_failures(channel) })
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
        let policy = self.policy()?;
        let words = six_words(&roster_hash, &policy.hash(), nonces.values());
        self.state = State::Confirming(Words { words, policy, roster_hash });
        Ok(Next::Wait)
    }

    fn policy(&self) -> Result<Arc<PolicyDocument>, Failure> {
        self.policy.clone().ok_or_else(|| Failure::config("the initiator proposed no policy"))
    }

    fn read_details(&mut self, channel: &Channel, salted: &[u8]) -> Result<[u8; 32], Failure> {
        if document::setup_details_hash(salted) != Some(channel.descriptor().setup_details_hash) {
            return Err(Failure::config("the details are not those of the descriptor"));
        }
        let details = salted.get(32..).and_then(canonical::decode::<KeygenDetails>);
        let (nonce, policy) = details
            .as_ref()
            .and_then(KeygenDetails::read)
            .ok_or_else(|| Failure::config("the details are not those of a key generation"))?;
        let expected = match &self.policy {
            Some(expected) => Arc::clone(expected),
            None => Arc::new(self.proposed(channel, policy)?),
        };
        if expected.bytes() != policy {
            return Err(Failure::config("the initiator proposes another policy"));
        }
        self.policy = Some(expected);
        Ok(nonce)
    }

    /// Whatever the initiator decided, with the wallet and the persons that this party knows.
    fn proposed(&self, channel: &Channel, policy: &[u8]) -> Result<PolicyDocument, Failure> {
        let proposed = PolicyDocument::decode(policy)
            .map_err(|_| Failure::config("the initiator proposes no policy that can be read"))?;
        let cards: Vec<Card> = self.cards.values().cloned().collect();
        first_policy(proposed.config(), channel.roster(), &cards)
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
        let membership = Arc::clone(&self.membership);
        let agreed = (self.policy()?, Persons::default());
        let making = Making::new(membership, (0, FIRST_EPOCH), agreed, rounds);
        self.state = State::Making(Box::new(making));
        Ok(())
    }
}

/// How often the setup with each peer failed.
pub(crate) fn setup_failures(channel: &Channel) -> Vec<Key> {
    let own = channel.identity().identity_key();
    let members = channel.peers().iter().filter_map(|peer| channel.roster().member(*peer));
    members.map(|member| Key::SetupFailures(own, member.identity_key)).collect()
}

pub(crate) fn check_setup_failures(counts: &ReadBack) -> Result<(), Failure> {
    let worst = counts.iter().flatten().map(count).max().unwrap_or(0);
    if worst >= MAX_SETUP_FAILURES {
        return Err(Failure::refused(
            "the oblivious-transfer setup with a peer failed eight times: replace that party's keys",
        ));
    }
    Ok(())
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
