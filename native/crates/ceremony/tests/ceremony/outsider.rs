//! A network in hostile hands, without anybody's key. Whatever it makes of an envelope is dropped with its code
//! and changes nothing: the ceremony ends as it would have without it.

use std::collections::{BTreeMap, BTreeSet};

use ceremony::envelope::{HEADER_BYTES, Header, MAX_ENVELOPE_BYTES, MAX_PARTS, peek};
use ceremony::session::{Event, Output, Report, Status};
use ceremony::{DropCode, Role, Session};
use dkls23::PartyIndex;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use crate::committee::{
    Meeting, Party, Run, Tamper, assert_signs, committee, deliver, keygen_sessions, meet, parties,
    payload, run, sign,
};
use crate::hostile::ROUND_ABORT;
use crate::recording::{KEYGEN, OTHER_KEYGEN, Recording, SEED};

const SIGNATURE_BYTES: usize = 64;

/// What a recipient says of bytes that differ from a true envelope in one place: the rules of
/// `docs/protocol.md`, section G.4, for messages of a single part.
fn expected(
    honest: &Header,
    bytes: &[u8],
    last_round: u16,
    participants: &[u8],
    taken: &BTreeSet<(u16, PartyIndex)>,
) -> DropCode {
    let Some(header) = read(bytes) else { return DropCode::Layout };
    let known = header.round <= last_round || header.round == ROUND_ABORT;
    let addressed = Header {
        round: honest.round,
        from: honest.from,
        part: honest.part,
        parts: honest.parts,
        sender_sequence: honest.sender_sequence,
        previous_broadcasts_hash: honest.previous_broadcasts_hash,
        relay_chain_head: honest.relay_chain_head,
        ..header.clone()
    };
    if !known || addressed != *honest {
        DropCode::NotForThisSession
    } else if !participants.contains(&header.from.get()) || header.from == honest.to {
        DropCode::UnknownSender
    } else if taken.contains(&(header.round, header.from)) {
        DropCode::Replayed
    } else {
        DropCode::BadSignature
    }
}

/// The layout, written down a second time.
fn read(bytes: &[u8]) -> Option<Header> {
    let u32_at = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let array_at = |at: usize| <[u8; 32]>::try_from(&bytes[at..at + 32]).unwrap();
    if !(HEADER_BYTES + SIGNATURE_BYTES..=MAX_ENVELOPE_BYTES).contains(&bytes.len())
        || bytes[..5] != *b"MPCE\x01"
    {
        return None;
    }
    let header = Header {
        kind: bytes[5],
        round: u16::from_be_bytes([bytes[6], bytes[7]]),
        session_id: array_at(8),
        wallet_id: array_at(40),
        epoch: u64::from_be_bytes(bytes[72..80].try_into().unwrap()),
        from: PartyIndex::new(bytes[80])?,
        to: PartyIndex::new(bytes[81])?,
        part: bytes[82],
        parts: bytes[83],
        sender_sequence: u32_at(84),
        previous_broadcasts_hash: array_at(88),
        relay_chain_head: array_at(120),
        body_length: u32_at(152),
    };
    let body = usize::try_from(header.body_length).unwrap();
    let fits = HEADER_BYTES + body + SIGNATURE_BYTES == bytes.len();
    (fits && header.part < header.parts && header.parts <= MAX_PARTS).then_some(header)
}

/// What an outsider makes of one envelope.
fn forgeries(bytes: &[u8], bits: &[usize], other: &[u8]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = (0..HEADER_BYTES).collect();
    let body = HEADER_BYTES..bytes.len() - SIGNATURE_BYTES;
    places
        .extend(body.clone().take(70).chain(body.clone().rev().take(20)).chain(body.step_by(997)));
    places.extend(bytes.len() - SIGNATURE_BYTES..bytes.len());
    let mut forged: Vec<Vec<u8>> = Vec::new();
    for place in places {
        for bit in bits {
            let mut bytes = bytes.to_vec();
            bytes[place] ^= 1 << ((place + bit) % 8);
            forged.push(bytes);
        }
    }
    // The same header with another body of its length, and the same content with another signature.
    let (content, signature) = bytes.split_at(bytes.len() - SIGNATURE_BYTES);
    let other_signature = &other[other.len() - SIGNATURE_BYTES..];
    for field in [5..6, 6..8, 8..40, 40..72, 72..80, 82..84, 84..88, 88..120, 120..152, 152..156] {
        let mut zero = bytes.to_vec();
        zero[field.clone()].fill(0);
        let mut ones = bytes.to_vec();
        ones[field.clone()].fill(0xff);
        let mut others = bytes.to_vec();
        others[field.clone()].copy_from_slice(&other[field]);
        forged.extend([zero, ones, others].into_iter().filter(|changed| changed != bytes));
    }
    for sender in 0..=4 {
        for recipient in 0..=4 {
            let mut changed = bytes.to_vec();
            changed[80..82].copy_from_slice(&[sender, recipient]);
            forged.push(changed);
        }
    }
    for parts in [2, MAX_PARTS, MAX_PARTS + 1] {
        for part in [0, 1, parts - 1, parts] {
            let mut changed = bytes.to_vec();
            changed[82..84].copy_from_slice(&[part, parts]);
            forged.push(changed);
        }
    }
    forged.extend([
        [content, other_signature].concat(),
        [content, &[0; SIGNATURE_BYTES]].concat(),
        bytes[..bytes.len() - 1].to_vec(),
        bytes[..HEADER_BYTES].to_vec(),
        bytes[..HEADER_BYTES - 1].to_vec(),
        Vec::new(),
        [bytes, &[0]].concat(),
        [content, &[0], signature].concat(),
        [bytes, bytes].concat(),
        vec![0; MAX_ENVELOPE_BYTES],
        vec![0; MAX_ENVELOPE_BYTES + 1],
    ]);
    forged.retain(|changed| changed != bytes);
    forged
}

/// Who is told what, per recipient.
#[derive(Default)]
struct Book {
    codes: BTreeMap<Role, Vec<DropCode>>,
    taken: BTreeMap<Role, BTreeSet<(u16, PartyIndex)>>,
}

impl Book {
    /// The forgeries of an envelope, then itself.
    fn precede(
        &mut self,
        header: &Header,
        bytes: &[u8],
        (bits, other): (&[usize], &[u8]),
        (last_round, participants): (u16, &[u8]),
    ) -> Vec<(Role, Vec<u8>)> {
        let to = Role::of(header.to).unwrap();
        let taken = self.taken.entry(to).or_default();
        let codes = self.codes.entry(to).or_default();
        let mut delivered = Vec::new();
        for forged in forgeries(bytes, bits, other) {
            codes.push(expected(header, &forged, last_round, participants, taken));
            delivered.push((to, forged));
        }
        taken.insert((header.round, header.from));
        delivered.extend(deliver(header, bytes));
        delivered
    }

    fn agrees_with(&self, run: &Run) {
        for (role, dropped) in &run.dropped {
            let codes: Vec<DropCode> = dropped.iter().map(|dropped| dropped.code).collect();
            let mut expected = self.codes[role].clone();
            // A session that has ended is not asked any more.
            expected.truncate(codes.len());
            assert_eq!(codes, expected, "{role:?}");
            assert!(codes.len() > 1_000, "{role:?}");
        }
    }
}

#[test]
fn every_changed_byte_of_a_key_generation_is_dropped_with_its_code_and_changes_nothing() {
    let mut parties = parties(SEED);
    let sessions = keygen_sessions(&mut parties);
    let mut book = Book::default();

    let run = run(&mut parties, sessions, &mut |header, bytes| {
        let from = Role::of(header.from).unwrap();
        let to = Role::of(header.to).unwrap();
        let other = OTHER_KEYGEN.envelope(header.round, from, to);
        book.precede(header, bytes, (&[0], other), (7, &[1, 2, 3]))
    });

    book.agrees_with(&run);
    for role in Role::ALL {
        let certificate = run.ends[&role].member().certificate();
        assert_eq!(certificate.as_ref(), Some(&KEYGEN.certificate), "{role:?}");
    }
}

#[test]
fn every_changed_bit_of_a_signing_session_is_dropped_with_its_code_and_changes_nothing() {
    let sign_through = |tamper: Tamper<'_>| {
        let (mut parties, wallets) = committee(40);
        let pair = (Role::Agent, Role::User);
        let run = sign(&mut parties, &wallets, pair, "disturbed", &[], tamper);
        assert_signs(
            &wallets[&Role::User],
            &[],
            &payload("disturbed").digest,
            &run.ends[&Role::User].signatures()[0],
        );
        run
    };
    let mut earlier = Vec::new();
    let undisturbed = sign_through(&mut |header, bytes| {
        earlier.push(bytes.to_vec());
        deliver(header, bytes)
    });
    let mut book = Book::default();
    book.taken.entry(Role::User).or_default().insert((0, Role::Agent.index()));

    let run = sign_through(&mut |header, bytes| {
        let other = earlier.iter().rev().find(|other| *other != bytes).unwrap();
        if header.round == 0 {
            // It was opened as the invitation, before there was a session.
            return Vec::new();
        }
        book.precede(header, bytes, (&[0, 1, 2, 3, 4, 5, 6, 7], other), (3, &[1, 2]))
    });

    book.agrees_with(&run);
    for role in [Role::Agent, Role::User] {
        assert_eq!(run.ends[&role].signatures(), undisturbed.ends[&role].signatures());
    }
}

#[test]
fn everybody_may_hear_everything_and_takes_what_is_its_own() {
    let mut parties = parties(SEED);
    let sessions = keygen_sessions(&mut parties);

    let run = run(&mut parties, sessions, &mut |_, bytes| {
        Role::ALL.map(|role| (role, bytes.to_vec())).into()
    });

    for (role, dropped) in &run.dropped {
        assert!(dropped.iter().all(|dropped| dropped.code == DropCode::NotForThisSession));
        assert!(dropped.len() >= 16, "what others were sent");
        assert_eq!(run.ends[role].wallet().epoch(), 1);
    }
}

#[test]
fn envelopes_of_an_earlier_ceremony_of_the_same_parties_are_dropped() {
    let recording: &Recording = &KEYGEN;
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.step(Event::Begin(&[]));

    for round in 0..=7 {
        for earlier in OTHER_KEYGEN.sent_to(Role::User, round) {
            let report = rehearsal.step(Event::Receive(&[earlier]));
            assert_eq!(report.dropped.len(), 1);
            assert_eq!(report.dropped[0].code, DropCode::NotForThisSession);
        }
        let report = rehearsal.step(Event::Receive(&recording.sent_to(Role::User, round)));
        assert_eq!(matches!(report.status, Status::Done(_)), round == 7);
    }
}

#[test]
fn a_missing_message_is_waited_for_by_name_in_every_round() {
    let recording: &Recording = &KEYGEN;
    let mut rehearsal = recording.rehearse(Role::User);
    let report = rehearsal.step(Event::Begin(&[]));
    let everybody = vec![Role::Agent.index(), Role::Recovery.index()];
    assert_waits(&report, 0, &everybody);

    for round in 0..=7 {
        assert_waits(&rehearsal.step(Event::Receive(&[])), round, &everybody);
        let first = recording.envelope(round, Role::Agent, Role::User).to_vec();
        let report = rehearsal.step(Event::Receive(&[first]));
        assert_waits(&report, round, &[Role::Recovery.index()]);
        assert!(report.outgoing.is_empty());
        let second = recording.envelope(round, Role::Recovery, Role::User).to_vec();
        let report = rehearsal.step(Event::Receive(&[second]));
        assert_eq!(matches!(report.status, Status::Done(_)), round == 7);
    }
}

fn assert_waits(report: &Report, expected: u16, from: &[PartyIndex]) {
    let Status::Waiting { round, missing } = &report.status else { panic!("does not wait") };
    assert_eq!((*round, missing.as_slice()), (expected, from));
}

/// Delivers in any order, some of it twice or thrice and some of it again much later.
fn shuffle(
    parties: &mut BTreeMap<Role, Party>,
    sessions: &mut BTreeMap<Role, Session>,
    begun: Option<(Role, Report)>,
    seed: u64,
) -> BTreeMap<Role, Output> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut draw = |below: usize| usize::try_from(rng.next_u32()).unwrap() % below;
    let mut under_way: Vec<(Role, Vec<u8>)> = Vec::new();
    let mut reports: Vec<(Role, Report)> = begun.into_iter().collect();
    let begun = reports.first().map(|(role, _)| *role);
    for (role, session) in sessions.iter_mut().filter(|(role, _)| Some(**role) != begun) {
        reports.push((*role, parties.get_mut(role).unwrap().step(session, Event::Begin(&[]))));
    }
    let mut outputs = BTreeMap::new();
    loop {
        while let Some((role, report)) = reports.pop() {
            for envelope in report.outgoing {
                let to = Role::of(peek(&envelope).unwrap().to).unwrap();
                (0..=draw(3)).for_each(|_| under_way.push((to, envelope.clone())));
            }
            match report.status {
                Status::Waiting { .. } => {}
                Status::Confirm(words) => {
                    let words: Vec<String> = words.words.iter().map(ToString::to_string).collect();
                    let (party, session) =
                        (parties.get_mut(&role).unwrap(), sessions.get_mut(&role).unwrap());
                    reports.push((role, party.step(session, Event::Confirm(&words))));
                }
                Status::Done(output) => assert!(outputs.insert(role, output).is_none()),
                Status::Aborted(failure) => panic!("seed {seed}: {role:?} {failure:?}"),
            }
        }
        if under_way.is_empty() {
            return outputs;
        }
        let (role, envelope) = under_way.swap_remove(draw(under_way.len()));
        if !outputs.contains_key(&role) {
            let (party, session) =
                (parties.get_mut(&role).unwrap(), sessions.get_mut(&role).unwrap());
            reports.push((role, party.step(session, Event::Receive(&[envelope]))));
        }
    }
}

#[test]
fn a_key_generation_ends_well_in_any_order_and_with_duplicates() {
    for seed in 0..4 {
        let mut parties = parties(SEED);
        let mut sessions = keygen_sessions(&mut parties);

        let outputs = shuffle(&mut parties, &mut sessions, None, seed);

        assert_eq!(outputs.len(), 3, "seed {seed}");
        for (role, output) in outputs {
            let Output::Epoch(membership) = output else { panic!("no epoch") };
            let certificate = membership.certificate();
            assert_eq!(certificate.as_ref(), Some(&KEYGEN.certificate), "{role:?}, seed {seed}");
        }
    }
}

#[test]
fn signing_ends_well_in_any_order_and_with_duplicates() {
    let (mut parties, wallets) = committee(41);
    for seed in 0..30 {
        let pair = (Role::Recovery, Role::Agent);
        let text = format!("shuffled {seed}");
        let Meeting { mut sessions, begun } = meet(&mut parties, &wallets, pair, &[&text], &[1]);

        let outputs = shuffle(&mut parties, &mut sessions, Some(begun), seed);

        assert_eq!(outputs.len(), 2, "seed {seed}");
        for output in outputs.values() {
            let Output::Signatures(signatures) = output else { panic!("no signatures") };
            let wallet = &wallets[&Role::Agent];
            assert_signs(wallet, &[1], &payload(&text).digest, &signatures[0]);
        }
    }
}

#[test]
fn junk_without_end_is_counted_up_to_a_limit_and_stops_nothing() {
    let recording: &Recording = &KEYGEN;
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.step(Event::Begin(&[]));
    let mut arriving = vec![b"junk".to_vec(); 1_000];
    arriving.extend(recording.sent_to(Role::User, 0));

    let report = rehearsal.party.step(&mut rehearsal.session, Event::Receive(&arriving));

    assert_eq!(report.dropped.len(), 64);
    assert!(matches!(report.status, Status::Confirm(_)), "what came behind the junk was taken");
}
