//! What is on disk before what leaves: seen sessions, shares, acknowledgements, certificates.

use std::sync::atomic::{AtomicBool, Ordering};

use ceremony::envelope::peek;
use ceremony::session::{Event, Io, Output, Report, Status, Step, advance};
use ceremony::store::{Commit, Key, MemoryStore, ReadBack, Secret, Store, StoreError, Write};
use ceremony::{Class, ECDSA_KEY_ID, Invitation, Role, Session};

use crate::committee::{NOW_MS, accept, committee, payload, request};
use crate::hostile::ROUND_ABORT;
use crate::recording::{KEYGEN, Recording, Rehearsal, failure};

/// The commits of a key generation, in order.
const COMMITS: [&str; 4] = ["session", "share", "acknowledgement", "certificate"];

type GivesBack = fn(&mut ReadBack);

/// A disk on which one commit goes wrong.
#[derive(Default)]
struct Disk {
    records: MemoryStore,
    commits: Vec<&'static str>,
    fault: Option<(usize, Fault)>,
}

#[derive(Clone, Copy)]
enum Fault {
    Says(StoreError),
    /// It says that all is well and gives back something else.
    GivesBack(GivesBack),
}

impl Disk {
    fn failing(at: usize, fault: Fault) -> Self {
        Self { fault: Some((at, fault)), ..Self::default() }
    }
}

impl Store for Disk {
    fn commit(&mut self, commit: Commit) -> Result<ReadBack, StoreError> {
        let at = self.commits.len();
        self.commits.push(kind(&commit));
        match self.fault {
            Some((fault, Fault::Says(error))) if fault == at => Err(error),
            Some((fault, Fault::GivesBack(change))) if fault == at => {
                let mut read_back = self.records.commit(commit)?;
                change(&mut read_back);
                Ok(read_back)
            }
            _ => self.records.commit(commit),
        }
    }
}

fn kind(commit: &Commit) -> &'static str {
    let written = commit.writes.iter().find_map(|write| match write {
        Write::Put(key, _) | Write::Create(key, _) | Write::Increment(key) => Some(key),
        Write::Delete(_) | Write::ForgetSessionsBefore(_) => None,
    });
    match written.unwrap() {
        Key::Identity => "identity",
        Key::SeenSession(_) => "session",
        Key::Prepared { .. } | Key::Share { .. } => "share",
        Key::Intent { .. } => "intent",
        Key::Replaced { .. } => "replaced key",
        Key::PendingRecovery { .. } => "recovery",
        Key::LastBackup { .. } | Key::Restored { .. } => "backup",
        Key::PolicyState { .. }
        | Key::FreezeState { .. }
        | Key::Approvals { .. }
        | Key::Spending { .. } => "authority",
        Key::Acknowledged { .. } => "acknowledgement",
        Key::Certificate { .. } => "certificate",
        Key::SetupFailures(..)
        | Key::Poisonings(..)
        | Key::Cheats(..)
        | Key::LostVerdicts { .. } => "count",
    }
}

/// Lives the user's part of the recorded key generation on a disk; all reports.
fn live(recording: &Recording, disk: &mut Disk) -> Vec<Report> {
    let Rehearsal { mut party, mut session } = recording.rehearse(Role::User);
    let mut reports = Vec::new();
    let mut step = |event: Event<'_>| {
        let mut io = Io { rng: &mut party.rng, now_ms: NOW_MS, cancel: &|| false };
        let mut report = advance(&mut session, event, disk, &mut io);
        if let Status::Confirm(words) = &report.status {
            let words: Vec<String> = words.words.iter().map(ToString::to_string).collect();
            report = advance(&mut session, Event::Confirm(&words), disk, &mut io);
        }
        let ended = matches!(report.status, Status::Aborted(_) | Status::Done(_));
        reports.push(report);
        ended
    };
    let mut ended = step(Event::Begin(&[]));
    for round in 0..=7 {
        if !ended {
            ended = step(Event::Receive(&recording.sent_to(Role::User, round)));
        }
    }
    reports
}

fn rounds(report: &Report) -> Vec<u16> {
    report.outgoing.iter().map(|sent| peek(sent).unwrap().round).collect()
}

#[test]
fn a_key_generation_commits_session_share_acknowledgement_and_certificate_in_this_order() {
    let mut disk = Disk::default();

    let reports = live(&KEYGEN, &mut disk);

    assert_eq!(disk.commits, COMMITS);
    assert!(matches!(reports.last().unwrap().status, Status::Done(_)));
}

#[test]
fn a_disk_that_fails_stops_a_key_generation_before_anything_leaves_that_depends_on_it() {
    for (at, name) in COMMITS.iter().enumerate() {
        let mut disk = Disk::failing(at, Fault::Says(StoreError::Unavailable));

        let reports = live(&KEYGEN, &mut disk);

        let (last, earlier) = reports.split_last().unwrap();
        assert_eq!(failure(last).class, Class::Storage, "{name}");
        assert!(failure(last).culprits.is_empty(), "{name}");
        assert_eq!(rounds(last), [ROUND_ABORT, ROUND_ABORT], "{name}: only the news that it stops");
        assert_eq!(disk.commits, COMMITS[..=at], "{name}: nothing is written after the failure");
        // The session before the opening, the share before the confirmation, the acknowledgement before itself.
        let sent: Vec<u16> = earlier.iter().flat_map(rounds).collect();
        let first_that_depends = [0, 4, 7, 8][at];
        assert!(sent.iter().all(|round| *round < first_that_depends), "{name}: {sent:?}");
        let furthest = sent.last().copied();
        assert_eq!(furthest, [None, Some(3), Some(6), Some(7)][at], "{name}");
    }
}

#[test]
fn a_record_that_exists_stops_a_key_generation_in_silence() {
    for (at, name) in COMMITS.iter().enumerate().take(3) {
        let mut disk = Disk::failing(at, Fault::Says(StoreError::Exists));

        let reports = live(&KEYGEN, &mut disk);

        let last = reports.last().unwrap();
        assert_eq!(failure(last).class, Class::Config, "{name}");
        assert!(last.outgoing.is_empty(), "{name}: another session may be alive under this id");
    }
}

#[test]
fn a_share_that_is_not_read_back_as_it_was_made_is_not_acknowledged() {
    let faults: [(&str, GivesBack); 5] = [
        ("nothing", |read_back| read_back.clear()),
        ("no record", |read_back| read_back[0] = None),
        ("one bit changed", |read_back| {
            let mut bytes = read_back[0].take().unwrap().0.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            read_back[0] = Some(Secret::copy_from(&bytes));
        }),
        ("cut", |read_back| {
            let bytes = read_back[0].take().unwrap().0.to_vec();
            read_back[0] = Some(Secret::copy_from(&bytes[..bytes.len() - 1]));
        }),
        ("the share of another epoch", |read_back| {
            read_back[0] = Some(Secret::copy_from(&other_share()));
        }),
    ];
    for (name, fault) in faults {
        let mut disk = Disk::failing(1, Fault::GivesBack(fault));

        let reports = live(&KEYGEN, &mut disk);

        let last = reports.last().unwrap();
        assert_eq!(failure(last).class, Class::Storage, "{name}");
        assert_eq!(rounds(last), [ROUND_ABORT, ROUND_ABORT], "{name}");
        assert_eq!(disk.commits, COMMITS[..2], "{name}");
    }
}

/// A sound share that is not of the recorded epoch.
fn other_share() -> Vec<u8> {
    let (mut parties, wallets) = committee(1_000);
    let wallet = &wallets[&Role::User];
    let key = Key::Share {
        wallet_id: *wallet.roster().wallet_id(),
        epoch: 1,
        key_id: ECDSA_KEY_ID.to_owned(),
    };
    parties.get_mut(&Role::User).unwrap().stored(key).unwrap().0.to_vec()
}

#[test]
fn a_session_that_was_seen_is_refused_in_silence_even_after_a_restart() {
    let recording: &Recording = &KEYGEN;
    let mut disk = Disk::default();
    live(recording, &mut disk);

    // The program was restarted: nothing is left but the disk, and somebody replays the descriptor.
    disk.commits.clear();
    let reports = live(recording, &mut disk);

    let [only] = &reports[..] else { panic!("it went on") };
    assert_eq!(failure(only).class, Class::Config);
    assert_eq!(failure(only).reason, "a session or epoch that this party has seen before");
    assert!(only.outgoing.is_empty());
    assert_eq!(disk.commits, ["session"]);
}

#[test]
fn a_replayed_invitation_does_not_disturb_the_session_that_it_is_of() {
    let (mut parties, wallets) = committee(1_010);
    let mut initiator = request(&mut parties, &wallets, (Role::Agent, Role::User), &["once"], &[]);
    let begun = parties.get_mut(&Role::Agent).unwrap().step(&mut initiator, Event::Begin(&[]));
    let invitation = Invitation::open(
        &wallets[&Role::User],
        &initiator.descriptor(),
        initiator.descriptor_signature().as_ref(),
        &begun.outgoing[0],
        NOW_MS,
    )
    .unwrap();
    let user = parties.get_mut(&Role::User).unwrap();
    let join = || {
        let authorization = accept(&invitation, vec![payload("once")], NOW_MS).unwrap();
        Session::join(&invitation, authorization, NOW_MS).unwrap()
    };
    let (mut first, mut second) = (join(), join());
    let live = user.step(&mut first, Event::Begin(&begun.outgoing[1..]));
    assert_eq!(rounds(&live), [1, 2]);

    let replayed = user.step(&mut second, Event::Begin(&begun.outgoing[1..]));

    assert_eq!(failure(&replayed).class, Class::Config);
    assert!(replayed.outgoing.is_empty(), "a stop would end the session that is alive");
    let agent = parties.get_mut(&Role::Agent).unwrap();
    let answer = agent.step(&mut initiator, Event::Receive(&live.outgoing));
    let user = parties.get_mut(&Role::User).unwrap();
    let done = user.step(&mut first, Event::Receive(&answer.outgoing));
    assert!(matches!(done.status, Status::Done(Output::Signatures(_))));
}

#[test]
fn a_seen_session_is_kept_until_it_has_expired_and_then_forgotten() {
    let mut store = MemoryStore::new();
    let seen = |byte: u8| Key::SeenSession([byte; 32]);
    let create = |byte: u8, expires: u64| {
        Write::Create(seen(byte), Secret::copy_from(&expires.to_be_bytes()))
    };
    let commit = |writes: Vec<Write>| Commit { writes, read_back: Vec::new() };
    store.commit(commit(vec![create(1, 100), create(2, 101)])).unwrap();

    store.commit(commit(vec![Write::ForgetSessionsBefore(100)])).unwrap();

    assert!(store.commit(commit(vec![create(1, 200)])).is_ok(), "it had expired at 100");
    assert_eq!(store.commit(commit(vec![create(2, 200)])).unwrap_err(), StoreError::Exists);
}

#[test]
fn a_commit_that_fails_writes_nothing() {
    let mut store = MemoryStore::new();
    let (first, second) = (Key::SeenSession([1; 32]), Key::SeenSession([2; 32]));
    let create = |key: &Key| Write::Create(key.clone(), Secret::copy_from(&[0xff; 8]));
    let commit = |writes, read_back| Commit { writes, read_back };
    store.commit(commit(vec![create(&second)], vec![])).unwrap();

    let failed = store.commit(commit(vec![create(&first), create(&second)], vec![]));

    assert_eq!(failed.unwrap_err(), StoreError::Exists);
    let read = store.commit(commit(vec![], vec![first, second])).unwrap();
    assert!(read[0].is_none() && read[1].is_some());
}

#[test]
fn a_disk_that_fails_stops_signing_before_anything_leaves() {
    let (mut parties, wallets) = committee(1_020);
    for (error, class) in
        [(StoreError::Unavailable, Class::Storage), (StoreError::Exists, Class::Config)]
    {
        let mut session =
            request(&mut parties, &wallets, (Role::Agent, Role::User), &["unsaid"], &[]);
        let agent = parties.get_mut(&Role::Agent).unwrap();
        let mut disk = Disk::failing(0, Fault::Says(error));
        let mut io = Io { rng: &mut agent.rng, now_ms: NOW_MS, cancel: &|| false };

        let report = advance(&mut session, Event::Begin(&[]), &mut disk, &mut io);

        assert_eq!(failure(&report).class, class);
        assert!(rounds(&report).iter().all(|round| *round == ROUND_ABORT));
        assert_eq!(report.outgoing.is_empty(), error == StoreError::Exists);
    }
}

#[test]
fn a_setup_that_failed_eight_times_is_not_tried_again() {
    let recording: &Recording = &KEYGEN;
    let own = recording.rehearse(Role::User).party.identity.identity_key();
    let peer = recording.cards[2].identity_key;
    let stranger = [9; 32];
    let after = |failures: &[u8], key: Key| {
        let mut disk = Disk::default();
        let count = Write::Put(key, Secret::copy_from(failures));
        disk.records.commit(Commit { writes: vec![count], read_back: vec![] }).unwrap();
        live(recording, &mut disk)
    };
    let of_peer = |failures: u32| after(&failures.to_be_bytes(), Key::SetupFailures(own, peer));
    let goes_on = |reports: &[Report]| matches!(reports.last().unwrap().status, Status::Done(_));

    assert!(goes_on(&of_peer(7)), "the eighth attempt");
    for refused in [of_peer(8), of_peer(9), after(b"unreadable", Key::SetupFailures(own, peer))] {
        let [only] = &refused[..] else { panic!("it went on") };
        assert_eq!(failure(only).class, Class::Refused);
        assert_eq!(rounds(only), [ROUND_ABORT, ROUND_ABORT]);
    }
    let eight = 8_u32.to_be_bytes();
    assert!(goes_on(&after(&eight, Key::SetupFailures(own, stranger))), "of somebody else");
    assert!(goes_on(&after(&eight, Key::SetupFailures(peer, own))), "the peer's own count");
    assert!(goes_on(&after(&eight, Key::Cheats(own, peer))), "of another kind");
}

#[test]
fn a_cancel_while_the_certificate_is_written_does_not_unmake_the_wallet() {
    let recording: &Recording = &KEYGEN;
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.play_to(recording, 7);
    let cancelled = AtomicBool::new(false);
    let cancel = || cancelled.load(Ordering::Relaxed);
    let Rehearsal { party, session } = &mut rehearsal;
    let mut io = Io { rng: &mut party.rng, now_ms: NOW_MS, cancel: &cancel };
    let arriving = recording.sent_to(Role::User, 7);
    let Step::Commit(commit) = session.step(Event::Receive(&arriving), &mut io) else {
        panic!("no certificate to write")
    };
    assert_eq!(kind(&commit), "certificate");

    let committed = party.store.commit(commit);
    cancelled.store(true, Ordering::Relaxed);
    io.now_ms = u64::MAX;
    let step = session.step(Event::Committed(committed), &mut io);

    let Step::Report(report) = step else { panic!("another commit") };
    assert!(matches!(report.status, Status::Done(Output::Epoch(_))));
}

#[test]
fn a_session_that_has_ended_answers_config_and_sends_nothing() {
    let recording: &Recording = &KEYGEN;
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.play_to(recording, 7);
    let done = rehearsal.step(Event::Receive(&recording.sent_to(Role::User, 7)));
    assert!(matches!(done.status, Status::Done(_)));
    let mut post = recording.post_office();
    let honest = post.open(recording.envelope(6, Role::Agent, Role::User));
    let stop = post.insiders[&Role::Agent].abort(&honest.header, 5, 0xff);

    for arriving in [vec![], vec![stop], recording.sent_to(Role::User, 3), vec![b"junk".to_vec()]] {
        let report = rehearsal.step(Event::Receive(&arriving));
        assert_eq!(failure(&report).class, Class::Config);
        assert!(report.outgoing.is_empty(), "peers may still be at work");
    }
    for report in [rehearsal.session.stop(), rehearsal.session.refuse()] {
        assert_eq!(failure(&report).class, Class::Config);
        assert!(report.outgoing.is_empty());
    }
}
