//! A pair whose oblivious transfer was attacked, and sessions that run beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceremony::envelope::peek;
use ceremony::session::{Event, Io, Output, Report, Status, Step};
use ceremony::store::{Commit, Key, Store, StoreError, Write};
use ceremony::{Class, ECDSA_KEY_ID, Role, Session, Wallet};
use dkls23::KeyShare;

use crate::committee::{
    Meeting, NOW_MS, Party, assert_signs, committee, deliver, meet, payload, sign,
};
use crate::hostile::{PostOffice, ROUND_ABORT};
use crate::recording::{KEYGEN, Recording, failure};

/// The agent attacks the user.
struct Attack {
    seed: u64,
    parties: BTreeMap<Role, Party>,
    wallets: BTreeMap<Role, Arc<Wallet>>,
}

/// One session that the agent asked for, its first round, and all keys.
struct Talk {
    user: Session,
    agent: Session,
    opening: Vec<u8>,
    post: PostOffice,
}

impl Talk {
    /// The agent's first round with the last bit of the oblivious transfer wrong.
    fn poisoned(&mut self) -> Vec<u8> {
        let mut letter = self.post.open(&self.opening);
        *letter.body.last_mut().unwrap() ^= 1;
        self.post.post(&letter)
    }
}

impl Attack {
    fn new(seed: u64) -> Self {
        let (parties, wallets) = committee(seed);
        Self { seed, parties, wallets }
    }

    fn talk(&mut self, text: &str) -> Talk {
        let generators =
            self.parties.iter().map(|(role, party)| (*role, party.rng.clone())).collect();
        let pair = (Role::Agent, Role::User);
        let Meeting { mut sessions, begun } =
            meet(&mut self.parties, &self.wallets, pair, &[text], &[]);
        Talk {
            user: sessions.remove(&Role::User).unwrap(),
            agent: sessions.remove(&Role::Agent).unwrap(),
            opening: begun.1.outgoing[1].clone(),
            post: PostOffice::new(self.seed, generators),
        }
    }

    fn user(&mut self) -> &mut Party {
        self.parties.get_mut(&Role::User).unwrap()
    }

    fn begin(&mut self, talk: &mut Talk) -> Report {
        let opening = talk.opening.clone();
        self.user().step(&mut talk.user, Event::Begin(&[opening]))
    }

    fn receive(&mut self, talk: &mut Talk, arriving: &[Vec<u8>]) -> Report {
        self.user().step(&mut talk.user, Event::Receive(arriving))
    }

    fn agent_answers(&mut self, talk: &mut Talk, arriving: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let agent = self.parties.get_mut(&Role::Agent).unwrap();
        agent.step(&mut talk.agent, Event::Receive(arriving)).outgoing
    }

    fn count(&mut self, key: fn([u8; 32], [u8; 32]) -> Key) -> u32 {
        let [own, peer] =
            [Role::User, Role::Agent].map(|role| self.parties[&role].identity.identity_key());
        let record = self.user().stored(key(own, peer));
        record.map_or(0, |count| u32::from_be_bytes(count.0.as_slice().try_into().unwrap()))
    }

    fn others_sign(&mut self) {
        for pair in [(Role::User, Role::Recovery), (Role::Recovery, Role::Agent)] {
            let run = sign(&mut self.parties, &self.wallets, pair, "others", &[], &mut deliver);
            let signature = run.ends[&pair.0].signatures()[0];
            assert_signs(&self.wallets[&pair.0], &[], &payload("others").digest, &signature);
        }
    }
}

fn is_done(report: &Report) -> bool {
    matches!(report.status, Status::Done(Output::Signatures(_)))
}

fn tells_only_that_it_stops(report: &Report) -> bool {
    report.outgoing.iter().all(|sent| peek(sent).unwrap().round == ROUND_ABORT)
}

#[test]
fn a_poisoning_is_on_disk_before_anybody_hears_of_it() {
    let mut attack = Attack::new(1_100);
    let mut talk = attack.talk("poisoned");
    let bad = talk.poisoned();
    let wallet = Arc::clone(&attack.wallets[&Role::User]);
    let own = attack.parties[&Role::User].identity.identity_key();
    let peer = attack.parties[&Role::Agent].identity.identity_key();
    let user = attack.user();
    let mut io = Io { rng: &mut user.rng, now_ms: NOW_MS, cancel: &|| false };
    let Step::Commit(seen) = talk.user.step(Event::Begin(&[bad]), &mut io) else {
        panic!("the session is registered first")
    };

    let step = talk.user.step(Event::Committed(user.store.commit(seen)), &mut io);

    let Step::Commit(Commit { writes, .. }) = step else { panic!("reported before it is on disk") };
    assert_eq!(wallet.poisoned_peers(), [Role::Agent], "in memory at once");
    let [Write::Put(key, record), Write::Increment(count)] = &writes[..] else {
        panic!("the share without its state, and one more poisoning: {writes:?}")
    };
    let wallet_id = *wallet.roster().wallet_id();
    let key_id = ECDSA_KEY_ID.to_owned();
    assert_eq!(*key, Key::Share { wallet_id, epoch: 1, key_id });
    assert_eq!(*count, Key::Poisonings(own, peer));
    let share = KeyShare::decode(&record.0).unwrap();
    assert!(share.pair(Role::Agent.index()).unwrap().is_poisoned());
    assert!(!share.pair(Role::Recovery.index()).unwrap().is_poisoned());

    let committed = user.store.commit(Commit { writes, read_back: Vec::new() });
    let Step::Report(report) = talk.user.step(Event::Committed(committed), &mut io) else {
        panic!("one commit is enough")
    };
    let failure = failure(&report);
    assert_eq!(failure.class, Class::OtPoisoned);
    assert_eq!(failure.culprits, [Role::Agent.index()]);
    assert!(tells_only_that_it_stops(&report));
}

#[test]
fn a_poisoned_pair_signs_nothing_more_and_the_others_sign() {
    let mut attack = Attack::new(1_110);
    let mut talk = attack.talk("poisoned");
    let bad = talk.poisoned();
    let report = attack.user().step(&mut talk.user, Event::Begin(&[bad]));
    assert_eq!(failure(&report).class, Class::OtPoisoned);

    for later in 0..3 {
        let mut talk = attack.talk(&format!("later {later}"));
        let report = attack.begin(&mut talk);
        let failure = failure(&report);
        assert_eq!((failure.class, failure.culprits.len()), (Class::Config, 0));
        assert!(tells_only_that_it_stops(&report));
    }
    assert_eq!(attack.count(Key::Poisonings), 1, "refusing is no poisoning");
    attack.others_sign();
}

#[test]
fn every_running_session_of_a_poisoned_pair_stops_and_nothing_of_it_leaves() {
    let mut attack = Attack::new(1_120);
    let mut beginning = attack.talk("before it begins");
    let mut waiting = attack.talk("after round 2");
    let mut attacked = attack.talk("attacked");
    let sent = attack.begin(&mut waiting);
    let last = attack.agent_answers(&mut waiting, &sent.outgoing);
    waiting.user.release().expect("the gate is open");
    let bad = attacked.poisoned();

    let report = attack.user().step(&mut attacked.user, Event::Begin(&[bad]));
    assert_eq!(failure(&report).class, Class::OtPoisoned);

    assert_eq!(waiting.user.release().unwrap_err().class, Class::OtPoisoned);
    let report = attack.receive(&mut waiting, &last);
    assert_eq!(failure(&report).class, Class::OtPoisoned, "whatever its own verdict was");
    assert!(tells_only_that_it_stops(&report) && !report.share_leaves);
    let report = attack.begin(&mut beginning);
    assert_eq!(failure(&report).class, Class::Config);
    assert_eq!(attack.count(Key::Poisonings), 1, "one failed check, however many sessions stop");
    attack.others_sign();
}

#[test]
fn a_poisoning_that_cannot_be_written_is_a_failed_disk_and_the_next_session_counts_it() {
    let mut attack = Attack::new(1_130);
    let mut beside = attack.talk("beside");
    let mut attacked = attack.talk("attacked");
    let sent = attack.begin(&mut beside);
    assert!(!sent.outgoing.is_empty());
    let bad = attacked.poisoned();
    let user = attack.user();
    let mut io = Io { rng: &mut user.rng, now_ms: NOW_MS, cancel: &|| false };
    let Step::Commit(seen) = attacked.user.step(Event::Begin(&[bad]), &mut io) else { panic!() };
    let Step::Commit(_) = attacked.user.step(Event::Committed(user.store.commit(seen)), &mut io)
    else {
        panic!("nothing to write")
    };

    let step = attacked.user.step(Event::Committed(Err(StoreError::Unavailable)), &mut io);

    let Step::Report(report) = step else { panic!("another commit") };
    assert_eq!(failure(&report).class, Class::Storage);
    assert!(tells_only_that_it_stops(&report));
    assert_eq!(attack.wallets[&Role::User].poisoned_peers(), [Role::Agent], "in memory it holds");
    assert_eq!(attack.count(Key::Poisonings), 0);
    let report = attack.receive(&mut beside, &[]);
    assert_eq!(failure(&report).class, Class::OtPoisoned);
    assert_eq!(attack.count(Key::Poisonings), 1);
}

#[test]
fn a_cheat_stops_the_sessions_that_run_is_counted_once_and_spares_those_that_start_later() {
    let mut attack = Attack::new(1_140);
    let mut beside = attack.talk("beside");
    let beside_sent = attack.begin(&mut beside);
    let beside_last = attack.agent_answers(&mut beside, &beside_sent.outgoing);
    let mut attacked = attack.talk("attacked");
    let sent = attack.begin(&mut attacked);
    attacked.post.watch(&sent.outgoing[0]);
    let answer = attack.agent_answers(&mut attacked, &sent.outgoing);
    let mut letter = attacked.post.open(&answer[0]);
    let salt = letter.body.len() - 64 - 32;
    letter.body[salt] ^= 1;
    let bad = attacked.post.post(&letter);

    let report = attack.receive(&mut attacked, &[bad]);
    assert_eq!(failure(&report).class, Class::Cheat);
    assert_eq!(failure(&report).culprits, [Role::Agent.index()]);

    let mut later = attack.talk("later");
    let later_sent = attack.begin(&mut later);
    assert_eq!(beside.user.release().unwrap_err().class, Class::Cheat);
    let report = attack.receive(&mut beside, &beside_last);
    assert_eq!(failure(&report).class, Class::Cheat);
    assert!(tells_only_that_it_stops(&report) && !report.share_leaves);
    assert_eq!(attack.count(Key::Cheats), 1, "one cheat, however many sessions stop");
    later.user.release().expect("the session beside was no cheat of its own");
    let answer = attack.agent_answers(&mut later, &later_sent.outgoing);
    assert!(is_done(&attack.receive(&mut later, &answer)));
    assert!(attack.wallets[&Role::User].poisoned_peers().is_empty());
}

#[test]
fn the_last_flight_does_not_leave_if_the_pair_was_poisoned_meanwhile() {
    let mut attack = Attack::new(1_150);
    let mut talk = attack.talk("late");
    let sent = attack.begin(&mut talk);
    let answer = attack.agent_answers(&mut talk, &sent.outgoing);
    let report = attack.receive(&mut talk, &answer);
    assert!(is_done(&report) && !report.outgoing.is_empty() && report.share_leaves);
    talk.user.release().expect("the gate is open");

    let share = attack.wallets[&Role::User].shares().next().unwrap();
    share.pair(Role::Agent.index()).unwrap().poison();

    let found = talk.user.release().unwrap_err();
    assert_eq!(
        (found.class, found.culprits.as_slice()),
        (Class::OtPoisoned, &[Role::Agent.index()][..])
    );
    let Step::Commit(commit) = talk.user.fail(found) else {
        panic!("reported before it is on disk")
    };
    let user = attack.user();
    let mut io = Io { rng: &mut user.rng, now_ms: NOW_MS, cancel: &|| false };
    let Step::Report(report) = talk.user.step(Event::Committed(user.store.commit(commit)), &mut io)
    else {
        panic!("one commit is enough")
    };
    assert_eq!(failure(&report).class, Class::OtPoisoned);
    assert!(tells_only_that_it_stops(&report) && !report.share_leaves);
    talk.user.release().expect("the stop itself may leave");
}

#[test]
fn a_signature_that_needs_no_further_flight_is_kept_whatever_happens_to_the_pair_afterwards() {
    let mut attack = Attack::new(1_160);
    let mut talk = attack.talk("complete");
    let sent = attack.begin(&mut talk);
    let answer = attack.agent_answers(&mut talk, &sent.outgoing);
    let last = attack.receive(&mut talk, &answer).outgoing;
    let agent = attack.parties.get_mut(&Role::Agent).unwrap();
    let report = agent.step(&mut talk.agent, Event::Receive(&last));
    assert!(is_done(&report) && report.outgoing.is_empty());

    let share = attack.wallets[&Role::Agent].shares().next().unwrap();
    share.pair(Role::User.index()).unwrap().poison();

    talk.agent.release().expect("nothing leaves");
}

#[test]
fn a_poisoning_found_in_a_key_generation_is_counted_against_the_identity() {
    let recording: &Recording = &KEYGEN;
    let mut post = recording.post_office();
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.play_to(recording, 4);
    let mut letter = post.open(recording.envelope(4, Role::Agent, Role::User));
    *letter.body.last_mut().unwrap() ^= 1;
    let forged = post.post(&letter);

    let guardians = recording.envelope(4, Role::Recovery, Role::User).to_vec();
    let report = rehearsal.step(Event::Receive(&[forged, guardians]));

    assert_eq!(failure(&report).class, Class::OtPoisoned);
    let own = rehearsal.party.identity.identity_key();
    let mut count = |role: usize| {
        let key = Key::Poisonings(own, recording.cards[role].identity_key);
        rehearsal.party.stored(key).map(|count| count.0.to_vec())
    };
    assert_eq!(count(0), Some(vec![0, 0, 0, 1]));
    assert_eq!(count(2), None);
}
