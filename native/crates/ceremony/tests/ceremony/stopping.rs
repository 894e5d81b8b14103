//! Who stops a ceremony, how, and what the others hear of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use ceremony::envelope::peek;
use ceremony::session::{Event, Io, Output, Report, Status, advance};
use ceremony::{Class, Role};

use crate::committee::{Meeting, NOW_MS, TIMES, committee, meet};
use crate::hostile::ROUND_ABORT;
use crate::recording::{KEYGEN, Recording, Rehearsal, failure};

fn stops(report: &Report) -> Vec<[u8; 2]> {
    report
        .outgoing
        .iter()
        .map(|sent| {
            assert_eq!(peek(sent).unwrap().round, ROUND_ABORT);
            [sent[156], sent[157]]
        })
        .collect()
}

#[test]
fn a_peers_stop_means_what_its_class_says_and_its_word_about_culprits_nothing() {
    let recording: &Recording = &KEYGEN;
    let mut post = recording.post_office();
    let header = post.open(recording.envelope(1, Role::Agent, Role::User)).header;
    let agent = vec![Role::Agent.index()];
    for class in 0..=255 {
        let (means, culprits) = match class {
            1 => (Class::Config, vec![]),
            2 => (Class::Equivocation, vec![]),
            8 => (Class::Refused, agent.clone()),
            11 => (Class::EpochBehind, vec![]),
            12 => (Class::RefreshNeeded, agent.clone()),
            13 => (Class::PolicyStale, vec![]),
            _ => (Class::Stopped, vec![]), // it may have stopped for the third party's act
        };
        for claimed in [0, 0b1000, 0b0100, 0xff] {
            let stop = post.insiders[&Role::Agent].abort(&header, class, claimed);
            let mut rehearsal = recording.rehearse(Role::User);
            rehearsal.step(Event::Begin(&[]));

            let report = rehearsal.step(Event::Receive(&[stop]));

            let failure = failure(&report);
            assert_eq!(failure.class, means, "class {class}");
            assert_eq!(failure.culprits, culprits, "class {class}, claim {claimed:#b}");
            let [told] = &report.outgoing[..] else { panic!("class {class}: one envelope") };
            assert_eq!(peek(told).unwrap().to, Role::Recovery.index(), "the other one hears of it");
        }
    }
}

#[test]
fn a_stop_of_another_session_or_signed_by_another_party_stops_nothing() {
    let recording: &Recording = &KEYGEN;
    let mut post = recording.post_office();
    let honest = post.open(recording.envelope(1, Role::Agent, Role::User)).header;
    let mut of_another_session = honest.clone();
    of_another_session.session_id[0] ^= 1;
    let mut from_nobody = honest.clone();
    from_nobody.from = Role::User.index();
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.step(Event::Begin(&[]));

    for (stop, code) in [
        (
            post.insiders[&Role::Agent].abort(&of_another_session, 5, 0),
            "ENVELOPE_NOT_FOR_THIS_SESSION",
        ),
        (post.insiders[&Role::Recovery].abort(&honest, 5, 0), "ENVELOPE_BAD_SIGNATURE"),
        (post.insiders[&Role::User].abort(&from_nobody, 5, 0), "ENVELOPE_UNKNOWN_SENDER"),
    ] {
        let report = rehearsal.step(Event::Receive(&[stop]));
        assert!(matches!(report.status, Status::Waiting { .. }));
        assert_eq!(report.dropped[0].code.name(), code);
    }
}

#[test]
fn a_party_that_refuses_or_stops_tells_both_peers() {
    let recording: &Recording = &KEYGEN;
    let begun = || {
        let mut rehearsal = recording.rehearse(Role::User);
        rehearsal.play_to(recording, 1);
        rehearsal
    };

    let refused = begun().session.refuse();
    let stopped = begun().session.stop();

    assert_eq!((failure(&refused).class, stops(&refused)), (Class::Refused, vec![[8, 0]; 2]));
    assert_eq!((failure(&stopped).class, stops(&stopped)), (Class::Cancelled, vec![[9, 0]; 2]));
    assert!(failure(&refused).culprits.is_empty() && failure(&stopped).culprits.is_empty());
}

#[test]
fn words_confirmed_before_they_are_shown_confirm_nothing() {
    let recording: &Recording = &KEYGEN;
    let mut shown = recording.rehearse(Role::User);
    shown.step(Event::Begin(&[]));
    let arriving = recording.sent_to(Role::User, 0);
    let report = shown.party.step(&mut shown.session, Event::Receive(&arriving));
    let Status::Confirm(words) = report.status else { panic!("no words") };
    let words: Vec<String> = words.words.iter().map(ToString::to_string).collect();
    let Rehearsal { mut party, mut session } = recording.rehearse(Role::User);
    party.step(&mut session, Event::Begin(&[]));

    let early = party.step(&mut session, Event::Confirm(&words));
    let report = party.step(&mut session, Event::Receive(&arriving));

    assert!(matches!(early.status, Status::Waiting { round: 0, .. }));
    assert!(matches!(report.status, Status::Confirm(_)));
    assert!(report.outgoing.is_empty());
}

#[test]
fn other_words_stop_a_key_generation_and_nothing_of_it_leaves() {
    let recording: &Recording = &KEYGEN;
    let shown = {
        let mut rehearsal = recording.rehearse(Role::User);
        rehearsal.step(Event::Begin(&[]));
        let arriving = recording.sent_to(Role::User, 0);
        let report = rehearsal.party.step(&mut rehearsal.session, Event::Receive(&arriving));
        let Status::Confirm(words) = report.status else { panic!("no words") };
        words.words.iter().map(ToString::to_string).collect::<Vec<String>>()
    };
    let mut others = vec![Vec::new(), shown[..5].to_vec(), [&shown[..], &shown[..1]].concat()];
    others.push(shown.iter().rev().cloned().collect());
    others.push(shown.iter().map(|word| word.to_uppercase()).collect());
    others.extend((0..6).map(|at| {
        let mut other = shown.clone();
        other[at].push('s');
        other
    }));
    others.push(vec![shown.join(" ")]);
    for other in others {
        let mut rehearsal = recording.rehearse(Role::User);
        rehearsal.step(Event::Begin(&[]));
        let Rehearsal { party, session } = &mut rehearsal;
        party.step(session, Event::Receive(&recording.sent_to(Role::User, 0)));

        let report = party.step(session, Event::Confirm(&other));

        assert_eq!((failure(&report).class, stops(&report)), (Class::Refused, vec![[8, 0]; 2]));
    }
}

/// Takes a step with a flag that is raised after so many looks at it; how often it was looked at.
fn step_until(rehearsal: &mut Rehearsal, arriving: &[Vec<u8>], looks: usize) -> (Report, usize) {
    let looked = AtomicUsize::new(0);
    let cancel = || looked.fetch_add(1, Ordering::Relaxed) >= looks;
    let Rehearsal { party, session } = rehearsal;
    let mut io = Io { rng: &mut party.rng, now_ms: NOW_MS, cancel: &cancel };
    let report = advance(session, Event::Receive(arriving), &mut party.store, &mut io);
    (report, looked.into_inner())
}

#[test]
fn a_cancel_stops_a_key_generation_within_the_step_that_it_finds() {
    let recording: &Recording = &KEYGEN;
    for round in [1, 2, 3, 4, 5] {
        let arriving = recording.sent_to(Role::User, round);
        let mut undisturbed = recording.rehearse(Role::User);
        undisturbed.play_to(recording, round);
        let (_, all) = step_until(&mut undisturbed, &arriving, usize::MAX);
        assert!(all >= 3, "round {round}: looked {all} times");
        for looks in [0, 1, all / 2, all - 1] {
            let mut rehearsal = recording.rehearse(Role::User);
            rehearsal.play_to(recording, round);

            let (report, _) = step_until(&mut rehearsal, &arriving, looks);

            let name = format!("round {round}, look {looks} of {all}");
            assert_eq!(failure(&report).class, Class::Cancelled, "{name}");
            assert_eq!(stops(&report), vec![[9, 0]; 2], "{name}");
        }
    }
}

#[test]
fn a_cancel_stops_signing_within_the_step_that_it_finds_and_no_share_leaves() {
    let (mut parties, wallets) = committee(1_200);
    let pair = (Role::Agent, Role::User);
    let mut begin_until = |looks: usize| {
        let Meeting { mut sessions, begun } = meet(&mut parties, &wallets, pair, &["x"], &[]);
        let mut user = sessions.remove(&Role::User).unwrap();
        let looked = AtomicUsize::new(0);
        let cancel = || looked.fetch_add(1, Ordering::Relaxed) >= looks;
        let party = parties.get_mut(&Role::User).unwrap();
        let mut io = Io { rng: &mut party.rng, now_ms: NOW_MS, cancel: &cancel };
        let arriving = &begun.1.outgoing[1..];
        let report = advance(&mut user, Event::Begin(arriving), &mut party.store, &mut io);
        (report, looked.into_inner())
    };
    let (undisturbed, all) = begin_until(usize::MAX);
    assert!(matches!(undisturbed.status, Status::Waiting { round: 2, .. }));
    assert!(all >= 4, "looked {all} times");

    for looks in 0..all {
        let (report, _) = begin_until(looks);

        assert_eq!(failure(&report).class, Class::Cancelled, "look {looks} of {all}");
        assert_eq!(stops(&report), [[9, 0]]);
        assert!(!report.share_leaves);
    }
}

#[test]
fn a_session_ends_when_its_descriptor_expires_or_the_clock_is_set_back() {
    let expires = NOW_MS + TIMES.lifetime_ms;
    for (now_ms, expected) in [
        (expires - 1, None),
        (expires, Some("the descriptor has expired")),
        (u64::MAX, Some("the descriptor has expired")),
        (NOW_MS - 120_000, None),
        (NOW_MS - 120_001, Some("the descriptor is from the future")),
        (0, Some("the descriptor is from the future")),
    ] {
        let recording: &Recording = &KEYGEN;
        let mut rehearsal = recording.rehearse(Role::User);
        rehearsal.play_to(recording, 1);
        rehearsal.party.now_ms = now_ms;

        let report = rehearsal.step(Event::Receive(&recording.sent_to(Role::User, 1)));

        match expected {
            None => assert!(matches!(report.status, Status::Waiting { round: 2, .. })),
            Some(reason) => {
                assert_eq!(
                    (failure(&report).class, failure(&report).reason),
                    (Class::Config, reason)
                );
                assert_eq!(stops(&report), vec![[1, 0]; 2], "and nothing of round 2");
            }
        }
    }
}

#[test]
fn the_share_of_a_signature_is_announced_once_and_with_the_flight_that_carries_it() {
    let (mut parties, wallets) = committee(1_210);
    let pair = (Role::Agent, Role::User);
    let Meeting { mut sessions, begun } = meet(&mut parties, &wallets, pair, &["once"], &[]);
    let rounds = |report: &Report| -> Vec<u16> {
        report.outgoing.iter().map(|sent| peek(sent).unwrap().round).collect()
    };
    let mut step = |role: Role, event: Event<'_>| {
        let party = parties.get_mut(&role).unwrap();
        party.step(sessions.get_mut(&role).unwrap(), event)
    };

    // A message that comes while its sender has more to say starts the next round at once: four flights.
    let first = begun.1;
    assert_eq!((rounds(&first), first.share_leaves), (vec![0, 1], false));
    let second = step(Role::User, Event::Begin(&first.outgoing[1..]));
    assert_eq!((rounds(&second), second.share_leaves), (vec![1, 2], false));
    let third = step(Role::Agent, Event::Receive(&second.outgoing));
    assert_eq!((rounds(&third), third.share_leaves), (vec![2, 3], true));
    let idle = step(Role::Agent, Event::Receive(&[]));
    assert_eq!((rounds(&idle), idle.share_leaves), (vec![], false));
    let fourth = step(Role::User, Event::Receive(&third.outgoing));
    assert_eq!((rounds(&fourth), fourth.share_leaves), (vec![3], true));
    assert!(matches!(fourth.status, Status::Done(Output::Signatures(_))));
    let end = step(Role::Agent, Event::Receive(&fourth.outgoing));
    assert_eq!((rounds(&end), end.share_leaves), (vec![], false));
    assert!(matches!(end.status, Status::Done(Output::Signatures(_))));
}
