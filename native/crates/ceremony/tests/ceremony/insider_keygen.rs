//! A party of a key generation that sends what no honest party sends, well signed and well sealed.

use std::collections::BTreeMap;

use ceremony::envelope::{Header, peek};
use ceremony::session::{Event, Status};
use ceremony::store::Key;
use ceremony::{Class, Role};

use crate::committee::{assert_signs, deliver, keygen_sessions, parties, payload, run, sign};
use crate::fields::{
    EQUIVOCATION, MALFORMED, Mutation, Table, Verdict, flip, mutations, of_keygen, resized,
};
use crate::hostile::{Letter, PostOffice, ROUND_ABORT};
use crate::recording::{KEYGEN, OTHER_KEYGEN, Recording, SEED, failure};

const VICTIM: Role = Role::User;
const LAST_ROUND: u16 = 7;

/// Lives as the victim up to `round`, takes `forged` instead of the insider's envelopes, and goes on with the
/// recording until it ends: with one of the verdicts, telling both peers and keeping nothing that belongs to a
/// later round; or, if there is no verdict, with a wallet.
fn ends(insider: Role, round: u16, name: &str, forged: Vec<Vec<u8>>, verdicts: &[Verdict]) {
    let recording: &Recording = &KEYGEN;
    let mut rehearsal = recording.rehearse(VICTIM);
    rehearsal.play_to(recording, round);
    let mut arriving = forged;
    arriving.push(recording.envelope(round, bystander(insider), VICTIM).to_vec());
    let mut at = round;
    let report = loop {
        let report = rehearsal.step(Event::Receive(&arriving));
        if matches!(report.status, Status::Aborted(_)) || at == LAST_ROUND {
            break report;
        }
        at += 1;
        arriving = recording.sent_to(VICTIM, at);
    };

    if verdicts.is_empty() {
        assert!(matches!(report.status, Status::Done(_)), "{name}");
        return;
    }
    let failure = failure(&report);
    let verdict = (failure.class, !failure.culprits.is_empty());
    assert!(verdicts.contains(&verdict), "{name}: {failure:?}, not one of {verdicts:?}");
    let culprits = if verdict.1 { vec![insider.index()] } else { Vec::new() };
    assert_eq!(failure.culprits, culprits, "{name}");
    let told: Vec<u16> = report.outgoing.iter().map(|told| peek(told).unwrap().round).collect();
    assert_eq!(told, [ROUND_ABORT, ROUND_ABORT], "{name}: both peers hear of it, nothing else");
    let bits = culprits.iter().fold(0, |bits, party| bits | 1 << party.get());
    assert_eq!(report.outgoing[0][156..158], [failure.class.byte(), bits], "{name}");
    // Shares are written after round 3 and erased again where nobody heard an acknowledgement, which is written after
    // round 6.
    let acknowledged = at == LAST_ROUND;
    assert_eq!(rehearsal.persisted(recording), [acknowledged, acknowledged, false], "{name}");
}

fn bystander(insider: Role) -> Role {
    Role::ALL.into_iter().find(|role| ![VICTIM, insider].contains(role)).unwrap()
}

fn letter(post: &mut PostOffice, round: u16, from: Role) -> Letter {
    post.open(KEYGEN.envelope(round, from, VICTIM))
}

fn all_changes(table: Table, round: u16, insider: Role) -> usize {
    let (mut post, mut others_post) = (KEYGEN.post_office(), OTHER_KEYGEN.post_office());
    let honest = letter(&mut post, round, insider);
    let third = letter(&mut post, round, bystander(insider));
    let earlier = others_post.open(OTHER_KEYGEN.envelope(round, insider, VICTIM));
    let layout = of_keygen(&honest.header, &honest.body);
    let mut others: Vec<(&str, &[u8])> = vec![("an earlier ceremony's", &earlier.body)];
    if third.body.len() == honest.body.len() {
        others.push(("another party's", &third.body));
    }
    let mut changes = mutations(table, &layout, &honest, &others);
    if round != 0 || insider != Role::Agent {
        changes.extend(resized(&honest));
    }
    let count = changes.len();
    for Mutation { name, body, verdicts } in changes {
        let forged = post.post(&Letter { header: honest.header.clone(), body });
        ends(insider, round, &name, vec![forged], verdicts);
    }
    count
}

#[test]
fn every_changed_field_of_the_opening_stops_a_key_generation_with_its_class_and_culprit() {
    assert!(all_changes(Table::Whole, 0, Role::Agent) >= 10);
    assert!(all_changes(Table::Whole, 0, Role::Recovery) >= 10);
}

#[test]
fn every_changed_field_of_round_1_stops_a_key_generation_with_its_class_and_culprit() {
    assert!(all_changes(Table::Whole, 1, Role::Agent) >= 30);
    assert!(all_changes(Table::Whole, 1, Role::Recovery) >= 30);
}

#[test]
fn every_changed_field_of_round_2_stops_a_key_generation_with_its_class_and_culprit() {
    assert!(all_changes(Table::Whole, 2, Role::Recovery) >= 90);
}

#[test]
fn every_changed_field_of_round_3_stops_a_key_generation_with_its_class_and_culprit() {
    assert!(all_changes(Table::Whole, 3, Role::Agent) >= 70);
}

#[test]
fn every_changed_field_of_the_confirmation_stops_a_key_generation_with_its_class_and_culprit() {
    assert!(all_changes(Table::Brief, 4, Role::Recovery) >= 15);
    assert!(all_changes(Table::Brief, 5, Role::Agent) >= 15);
    assert!(all_changes(Table::Brief, 6, Role::Recovery) >= 12);
}

#[test]
fn every_changed_acknowledgement_stops_a_key_generation_and_makes_no_certificate() {
    assert!(all_changes(Table::Whole, 7, Role::Agent) >= 10);
}

#[test]
fn another_hash_of_broadcasts_in_any_round_is_an_equivocation_and_blames_nobody() {
    let mut post = KEYGEN.post_office();
    for round in 0..=LAST_ROUND {
        let mut letter = letter(&mut post, round, Role::Recovery);
        letter.header.previous_broadcasts_hash[31] ^= 1;
        let forged = post.post(&letter);
        ends(
            Role::Recovery,
            round,
            &format!("round {round}, the hash of broadcasts"),
            vec![forged],
            &[EQUIVOCATION],
        );
    }
}

#[test]
fn a_body_that_does_not_open_is_its_signers_fault() {
    let mut post = KEYGEN.post_office();
    for round in [0, 2, 3] {
        let honest = letter(&mut post, round, Role::Recovery);
        let sealed = KEYGEN.envelope(round, Role::Recovery, VICTIM);
        let (header, body) = (&sealed[..156], &sealed[156..sealed.len() - 64]);
        for at in [0, 31, 32, body.len() - 17, body.len() - 1] {
            let mut body = body.to_vec();
            body[at] ^= 0x80;
            // X25519 ignores the highest bit of a key, but the key is part of what was encapsulated.
            let forged = post.insiders[&Role::Recovery].sign_envelope(header, &body);
            let name = format!("round {round}, byte {at} of a sealed body");
            ends(Role::Recovery, round, &name, vec![forged], &[MALFORMED]);
        }
        for length in [0, 31, 32, 47] {
            let header = Header { body_length: length, ..honest.header.clone() }.encode();
            let body = &body[..length.try_into().unwrap()];
            let forged = post.insiders[&Role::Recovery].sign_envelope(&header, body);
            let name = format!("round {round}, {length} bytes of a sealed body");
            ends(Role::Recovery, round, &name, vec![forged], &[MALFORMED]);
        }
    }
}

#[test]
fn a_message_sealed_for_another_use_or_round_does_not_open() {
    let mut post = KEYGEN.post_office();
    let opening = letter(&mut post, 0, Role::Recovery);
    let second = letter(&mut post, 2, Role::Recovery);
    for (claims, mut letter, name) in
        [(2, opening.clone(), "an opening as round 2"), (3, second.clone(), "round 2 as round 3")]
    {
        let honest = post.post(&letter);
        let body = &honest[156..honest.len() - 64];
        letter.header.round = claims;
        letter.header.previous_broadcasts_hash =
            peek(KEYGEN.envelope(claims, Role::Recovery, VICTIM)).unwrap().previous_broadcasts_hash;
        letter.header.body_length = body.len().try_into().unwrap();
        let forged = post.insiders[&Role::Recovery].sign_envelope(&letter.header.encode(), body);
        ends(Role::Recovery, claims, name, vec![forged], &[MALFORMED]);
    }
}

#[test]
fn parts_that_do_not_fit_together_are_their_signers_fault() {
    let mut post = KEYGEN.post_office();
    let honest = letter(&mut post, 2, Role::Recovery);
    let part = |part, parts, body: &[u8]| Letter {
        header: Header { part, parts, ..honest.header.clone() },
        body: body.to_vec(),
    };
    let (first, second) = honest.body.split_at(4_000);
    let other_hash = {
        let mut letter = part(1, 2, second);
        letter.header.previous_broadcasts_hash = [7; 32];
        letter
    };
    for (name, letters) in [
        ("another number of parts", [part(0, 2, first), part(1, 3, second)]),
        ("another hash of broadcasts", [part(0, 2, first), other_hash]),
        ("a part too many", [part(0, 1, &honest.body), part(1, 2, second)]),
    ] {
        let forged = letters.iter().map(|letter| post.post(letter)).collect();
        ends(Role::Recovery, 2, name, forged, &[MALFORMED]);
    }
}

#[test]
fn a_stop_of_another_length_is_its_signers_fault() {
    let mut post = KEYGEN.post_office();
    let honest = letter(&mut post, 2, Role::Recovery);
    for body in [&[][..], &[1], &[1, 0, 0], &[0; 4_096]] {
        let header = Header { round: ROUND_ABORT, ..honest.header.clone() };
        let forged = post.post(&Letter { header, body: body.to_vec() });
        ends(
            Role::Recovery,
            2,
            &format!("a stop of {} bytes", body.len()),
            vec![forged],
            &[MALFORMED],
        );
    }
}

#[test]
fn after_a_failed_setup_the_same_parties_make_a_wallet_and_sign_and_the_failure_stays_counted() {
    let mut post = KEYGEN.post_office();
    let mut parties = parties(SEED);
    let sessions = keygen_sessions(&mut parties);
    let failed = run(&mut parties, sessions, &mut |header, bytes| {
        if (header.round, header.from, header.to) != (3, Role::Recovery.index(), Role::User.index())
        {
            return deliver(header, bytes);
        }
        let Letter { header, body } = post.open(bytes);
        let last_hash_of_proofs = body.len() - 1;
        let body = flip(&body, 8 * last_hash_of_proofs);
        deliver(&header, &post.post(&Letter { header: header.clone(), body }))
    });
    let failure = failed.ends[&Role::User].failure();
    assert_eq!(failure.class, Class::Cheat);
    assert_eq!(failure.culprits, [Role::Recovery.index()]);

    let sessions = keygen_sessions(&mut parties);
    let made = run(&mut parties, sessions, &mut deliver);
    let wallets: BTreeMap<_, _> =
        made.ends.iter().map(|(role, end)| (*role, end.wallet())).collect();
    let signed =
        sign(&mut parties, &wallets, (Role::User, Role::Recovery), "after", &[], &mut deliver);

    let signature = signed.ends[&Role::User].signatures()[0];
    assert_signs(&wallets[&Role::User], &[], &payload("after").digest, &signature);
    let [own, culprit] =
        [Role::User, Role::Recovery].map(|role| parties[&role].identity.identity_key());
    let count = parties.get_mut(&Role::User).unwrap().stored(Key::SetupFailures(own, culprit));
    assert_eq!(count.unwrap().0.as_slice(), [0, 0, 0, 1]);
}
