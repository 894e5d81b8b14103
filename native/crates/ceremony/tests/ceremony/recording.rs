//! A key generation that went well, and one party's part of it lived again from the same randomness: what the
//! other two sent once fits again, so that a single message can be changed and everything before it is real.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use ceremony::envelope::peek;
use ceremony::session::{Event, Report, Status};
use ceremony::store::Key;
use ceremony::{Card, Certificate, ECDSA_KEY_ID, Failure, Role, Session, Wallet};

use crate::committee::{NOW_MS, Party, TIMES, deliver, keygen_sessions, opted_out, run};
use crate::hostile::PostOffice;

pub const SEED: u64 = 500;

/// The recording that most tests share; nothing in it changes.
pub static KEYGEN: LazyLock<Recording> = LazyLock::new(|| Recording::of_keygen(SEED, 0));
/// Another ceremony of the same three parties.
pub static OTHER_KEYGEN: LazyLock<Recording> = LazyLock::new(|| Recording::of_keygen(SEED, 1));

pub struct Recording {
    seed: u64,
    pairings: usize,
    pub cards: Vec<Card>,
    pub descriptor: Vec<u8>,
    pub descriptor_signature: [u8; 64],
    /// Every envelope, in the order of sending.
    pub transcript: Vec<Vec<u8>>,
    pub wallets: BTreeMap<Role, Arc<Wallet>>,
    pub certificate: Certificate,
}

impl Recording {
    /// A key generation of the parties of a seed, after so many pairings that came to nothing.
    pub fn of_keygen(seed: u64, pairings: usize) -> Self {
        let mut parties: BTreeMap<Role, Party> =
            Role::ALL.into_iter().map(|role| (role, before(role, seed, pairings))).collect();
        let cards = parties.keys().map(|role| {
            let card = before(*role, seed, pairings).pair().card();
            Card::decode(&card).unwrap()
        });
        let cards = cards.collect();
        let sessions = keygen_sessions(&mut parties);
        let initiator = &sessions[&Role::Agent];
        let (descriptor, signature) =
            (initiator.descriptor(), initiator.descriptor_signature().to_owned());
        let made = run(&mut parties, sessions, &mut deliver);
        Self {
            seed,
            pairings,
            cards,
            descriptor,
            descriptor_signature: signature,
            transcript: made.transcript,
            wallets: made.ends.iter().map(|(role, end)| (*role, end.wallet())).collect(),
            certificate: made.ends[&Role::Agent].member().certificate().unwrap(),
        }
    }

    /// Everything that was sent to a party in a round.
    pub fn sent_to(&self, to: Role, round: u16) -> Vec<Vec<u8>> {
        self.transcript
            .iter()
            .filter(|envelope| {
                let header = peek(envelope).unwrap();
                header.round == round && header.to == to.index()
            })
            .cloned()
            .collect()
    }

    /// The envelope of one round from one party to another.
    pub fn envelope(&self, round: u16, from: Role, to: Role) -> &[u8] {
        self.transcript
            .iter()
            .find(|envelope| {
                let header = peek(envelope).unwrap();
                (header.round, header.from, header.to) == (round, from.index(), to.index())
            })
            .unwrap()
    }

    /// All keys, those of this session included.
    pub fn post_office(&self) -> PostOffice {
        let generators = Role::ALL.map(|role| {
            let mut party = before(role, self.seed, self.pairings);
            drop(party.pair());
            (role, party.rng)
        });
        let mut post = PostOffice::new(self.seed, generators.into());
        self.transcript.iter().for_each(|envelope| post.watch(envelope));
        post
    }

    /// A party at the start of the recorded ceremony, with an empty store.
    pub fn rehearse(&self, role: Role) -> Rehearsal {
        let mut party = before(role, self.seed, self.pairings);
        let pairing = party.pair();
        let (identity, cards) = (Arc::clone(&party.identity), self.cards.clone());
        let session = if role == Role::Agent {
            Session::create_wallet(identity, pairing, cards, &opted_out(), TIMES, &mut party.rng)
                .unwrap()
        } else {
            Session::join_wallet(
                identity,
                pairing,
                cards,
                None,
                (&self.descriptor, &self.descriptor_signature),
                NOW_MS,
            )
            .map_err(|rejected| rejected.failure)
            .unwrap()
        };
        Rehearsal { party, session }
    }
}

/// A party of a seed after so many pairings.
fn before(role: Role, seed: u64, pairings: usize) -> Party {
    let mut party = Party::new(role, seed);
    (0..pairings).for_each(|_| drop(party.pair()));
    party
}

/// One party in the recorded ceremony.
pub struct Rehearsal {
    pub party: Party,
    pub session: Session,
}

impl Rehearsal {
    /// Takes a step and confirms the words if it is asked to.
    pub fn step(&mut self, event: Event<'_>) -> Report {
        let report = self.party.step(&mut self.session, event);
        match report.status {
            Status::Confirm(words) => {
                let words: Vec<String> = words.words.iter().map(ToString::to_string).collect();
                self.party.step(&mut self.session, Event::Confirm(&words))
            }
            Status::Waiting { .. } | Status::Done(_) | Status::Aborted(_) => report,
        }
    }

    /// Lives through the rounds before `round` with what was recorded.
    pub fn play_to(&mut self, recording: &Recording, round: u16) {
        self.step(Event::Begin(&[]));
        let me = self.party.identity.role();
        for earlier in 0..round {
            let report = self.step(Event::Receive(&recording.sent_to(me, earlier)));
            assert!(
                matches!(report.status, Status::Waiting { .. }),
                "the recording goes on after round {earlier}"
            );
        }
    }

    /// What is in the store: share, acknowledgement, certificate.
    pub fn persisted(&mut self, recording: &Recording) -> [bool; 3] {
        let wallet_id = *recording.wallets[&Role::Agent].roster().wallet_id();
        [
            Key::Share { wallet_id, epoch: 1, key_id: ECDSA_KEY_ID.to_owned() },
            Key::Acknowledged { wallet_id, epoch: 1 },
            Key::Certificate { wallet_id, epoch: 1 },
        ]
        .map(|key| self.party.stored(key).is_some())
    }
}

/// The failure of a report, or a panic that says what was there instead.
pub fn failure(report: &Report) -> &Failure {
    match &report.status {
        Status::Aborted(failure) => failure,
        Status::Waiting { round, missing } => panic!("waits in round {round} for {missing:?}"),
        Status::Confirm(_) => panic!("asks for a confirmation"),
        Status::Done(_) => panic!("is done"),
    }
}
