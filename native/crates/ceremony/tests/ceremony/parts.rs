//! Messages that are too long for one envelope: batches.

use std::collections::BTreeMap;
use std::slice;

use ceremony::envelope::{MAX_ENVELOPE_BYTES, MAX_PARTS, PART_BYTES, peek};
use ceremony::session::{Event, Output, Report, Status};
use ceremony::{DropCode, Role, Session};

use crate::committee::{
    Meeting, Party, assert_signs, committee, deliver, meet, payload, run_meeting,
};

const PAIR: (Role, Role) = (Role::Agent, Role::User);

/// A batch under way: the user's session, and all that the agent answers to its first flight.
struct Batch {
    parties: BTreeMap<Role, Party>,
    user: Session,
    agent: Session,
    /// Round 2, in parts.
    answer: Vec<Vec<u8>>,
    /// Everything that was sent so far.
    sent: Vec<Vec<u8>>,
}

fn texts(items: usize) -> Vec<String> {
    (0..items).map(|item| format!("item {item}")).collect()
}

impl Batch {
    fn new(seed: u64, items: usize) -> Self {
        let (mut parties, wallets) = committee(seed);
        let texts = texts(items);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let Meeting { mut sessions, begun } = meet(&mut parties, &wallets, PAIR, &texts, &[0]);
        let mut user = sessions.remove(&Role::User).unwrap();
        let mut agent = sessions.remove(&Role::Agent).unwrap();
        let first = begun.1.outgoing;
        let party = parties.get_mut(&Role::User).unwrap();
        let second = party.step(&mut user, Event::Begin(&first[1..])).outgoing;
        let own_rounds: Vec<Vec<u8>> =
            second.iter().filter(|sent| peek(sent).unwrap().round == 1).cloned().collect();
        let party = parties.get_mut(&Role::Agent).unwrap();
        let answer = party.step(&mut agent, Event::Receive(&own_rounds)).outgoing;
        let sent = [first, second, answer.clone()].concat();
        Self { parties, user, agent, answer, sent }
    }

    fn receive(&mut self, arriving: &[Vec<u8>]) -> Report {
        let party = self.parties.get_mut(&Role::User).unwrap();
        party.step(&mut self.user, Event::Receive(arriving))
    }
}

fn waits_for(report: &Report, expected: u16) {
    let Status::Waiting { round, missing } = &report.status else { panic!("does not wait") };
    assert_eq!((*round, missing.as_slice()), (expected, &[Role::Agent.index()][..]));
}

#[test]
fn a_batch_of_64_signs_every_item_in_parts_that_fit_an_envelope() {
    let (mut parties, wallets) = committee(1_300);
    let texts = texts(64);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let meeting = meet(&mut parties, &wallets, PAIR, &texts, &[0, 7]);

    let run = run_meeting(&mut parties, meeting, &mut deliver);

    let mut parts = BTreeMap::new();
    for envelope in &run.transcript {
        let header = peek(envelope).unwrap();
        assert!(envelope.len() <= MAX_ENVELOPE_BYTES && header.parts <= MAX_PARTS);
        *parts.entry((header.from.get(), header.round)).or_insert(0) += 1;
        assert!(
            header.part + 1 == header.parts
                || usize::try_from(header.body_length).unwrap() >= PART_BYTES
        );
    }
    let expected = [
        ((1, 0), 1),
        ((1, 1), 2),
        ((1, 2), 11),
        ((1, 3), 1),
        ((2, 1), 2),
        ((2, 2), 11),
        ((2, 3), 1),
    ];
    assert_eq!(parts.into_iter().collect::<Vec<_>>(), expected);
    for role in [Role::Agent, Role::User] {
        let signatures = run.ends[&role].signatures();
        assert_eq!(signatures.len(), 64);
        for (text, signature) in texts.iter().zip(signatures) {
            assert_signs(&wallets[&role], &[0, 7], &payload(text).digest, signature);
        }
        assert_eq!(run.share_left[&role], 1);
    }
}

#[test]
fn the_parts_of_a_message_come_in_any_order_and_again() {
    let mut batch = Batch::new(1_310, 8);
    let [first, second] = batch.answer.clone().try_into().expect("eight items are two parts");

    waits_for(&batch.receive(slice::from_ref(&second)), 2);
    let report = batch.receive(&[second.clone(), second]);
    waits_for(&report, 2);
    assert!(report.dropped.iter().all(|dropped| dropped.code == DropCode::Replayed));
    assert_eq!(report.dropped.len(), 2);
    let report = batch.receive(slice::from_ref(&first));

    waits_for(&report, 3);
    let report_again = batch.receive(&[first]);
    assert_eq!(report_again.dropped[0].code, DropCode::Replayed);
    let agent = batch.parties.get_mut(&Role::Agent).unwrap();
    let users_second: Vec<Vec<u8>> = batch
        .sent
        .iter()
        .filter(|sent| {
            let header = peek(sent).unwrap();
            (header.round, header.from) == (2, Role::User.index())
        })
        .rev()
        .cloned()
        .collect();
    let third = agent.step(&mut batch.agent, Event::Receive(&users_second)).outgoing;
    let done = batch.receive(&third);
    let Status::Done(Output::Signatures(signatures)) = done.status else { panic!("not done") };
    assert_eq!(signatures.len(), 8);
}

#[test]
fn a_changed_part_is_dropped_and_the_true_one_is_awaited() {
    let mut batch = Batch::new(1_320, 8);
    let honest = batch.answer.clone();
    for part in &honest {
        for place in [82, 83, 84, 88, 120, 156, 200, part.len() - 65, part.len() - 1] {
            let mut changed = part.clone();
            changed[place] ^= 2;
            let report = batch.receive(&[changed]);
            waits_for(&report, 2);
            assert!(
                matches!(report.dropped[0].code, DropCode::BadSignature | DropCode::Layout),
                "byte {place}"
            );
        }
    }

    let report = batch.receive(&honest);

    waits_for(&report, 3);
    assert_eq!(report.outgoing.len(), 1);
}

#[test]
fn a_message_without_its_last_part_is_waited_for() {
    let mut batch = Batch::new(1_330, 8);
    let last = batch.answer.pop().unwrap();
    let all_but_one = batch.answer.clone();

    waits_for(&batch.receive(&all_but_one), 2);
    waits_for(&batch.receive(&[]), 2);
    waits_for(&batch.receive(&[last]), 3);
}
