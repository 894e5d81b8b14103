//! CPU per party of whole ceremonies, with signed and sealed envelopes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark stops where it goes wrong"
)]

#[path = "../tests/ceremony/committee.rs"]
#[allow(dead_code)] // the tests use what the benchmark does not
mod committee;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ceremony::envelope::peek;
use ceremony::session::{Event, Report, Status};
use ceremony::{Invitation, Role, Session, Wallet};
use committee::{NOW_MS, Party, accept, committee, consent, keygen_sessions, payload};
use measure::{Case, interleave, time};

/// One party's part of a ceremony.
#[derive(Default)]
struct Cost {
    time: Duration,
    bytes: usize,
}

fn main() -> std::io::Result<()> {
    let command = "cargo bench -p ceremony --bench ceremony";
    let mut report = measure::Report::new("ceremonies, one party, envelopes included", command);
    let (mut parties, wallets) = committee(1);
    let mut serial = 0u64;
    let mut bytes = BTreeMap::new();
    let wanted = |name: &str| {
        let mut filters =
            std::env::args().skip(1).filter(|text| !text.starts_with("--")).peekable();
        filters.peek().is_none() || filters.any(|filter| filter == name)
    };
    let runs = |name: &str, runs: usize| if wanted(name) { runs } else { 1 };
    let signing = interleave(
        runs("sign", 200),
        vec![Case {
            name: "sign, initiator",
            run: Box::new(|| {
                serial += 1;
                let costs = sign(&mut parties, &wallets, &format!("{serial}"));
                bytes.insert("sign, initiator", costs[&Role::Agent].bytes);
                bytes.insert("sign, co-signer", costs[&Role::User].bytes);
                // The mean of both roles is what a wallet pays that does each as often.
                (costs[&Role::Agent].time + costs[&Role::User].time) / 2
            }),
        }],
    );
    let keygen = interleave(
        runs("keygen", 100),
        vec![Case {
            name: "keygen 2-of-3",
            run: Box::new(|| {
                let mut parties = committee::parties(7);
                let costs = keygen(&mut parties);
                bytes.insert("keygen", costs[&Role::User].bytes);
                costs[&Role::User].time
            }),
        }],
    );
    report.references(&signing[0]);
    report.timing("sign 2-of-3, one party", Some("ceremony.sign.cpu"), &signing[0]);
    report.bytes("  sent by the initiator", Some("ceremony.sign.bytes"), bytes["sign, initiator"]);
    report.bytes("  sent by the co-signer", None, bytes["sign, co-signer"]);
    report.timing("keygen 2-of-3, one party, confirmed", Some("ceremony.keygen.cpu"), &keygen[0]);
    report.bytes("  sent", Some("ceremony.keygen.bytes"), bytes["keygen"]);
    report.finish()
}

fn sign(
    parties: &mut BTreeMap<Role, Party>,
    wallets: &BTreeMap<Role, Arc<Wallet>>,
    text: &str,
) -> BTreeMap<Role, Cost> {
    let (from, to) = (Role::Agent, Role::User);
    let mut costs: BTreeMap<Role, Cost> = BTreeMap::new();
    let agent = parties.get_mut(&from).unwrap();
    let (spent, (mut initiator, first)) = time(|| {
        let authorization = consent(&wallets[&from], text, &[0, 7]);
        let mut session = Session::sign(
            Arc::clone(&wallets[&from]),
            authorization,
            to,
            "",
            committee::TIMES,
            &mut agent.rng,
        )
        .unwrap();
        let report = agent.step(&mut session, Event::Begin(&[]));
        (session, report)
    });
    charge(&mut costs, from, spent, &first);
    let user = parties.get_mut(&to).unwrap();
    let (spent, (joined, second)) = time(|| {
        let invitation = Invitation::open(
            &wallets[&to],
            &initiator.descriptor(),
            &initiator.descriptor_signature(),
            &first.outgoing[0],
            NOW_MS,
        )
        .unwrap();
        let authorization = accept(&invitation, vec![payload(text)], NOW_MS).unwrap();
        let mut session = Session::join(&invitation, authorization, NOW_MS).unwrap();
        let report = user.step(&mut session, Event::Begin(&first.outgoing[1..]));
        (session, report)
    });
    let mut joined = joined;
    charge(&mut costs, to, spent, &second);
    let agent = parties.get_mut(&from).unwrap();
    let (spent, third) = time(|| agent.step(&mut initiator, Event::Receive(&second.outgoing)));
    charge(&mut costs, from, spent, &third);
    let user = parties.get_mut(&to).unwrap();
    let (spent, fourth) = time(|| user.step(&mut joined, Event::Receive(&third.outgoing)));
    charge(&mut costs, to, spent, &fourth);
    let agent = parties.get_mut(&from).unwrap();
    let (spent, last) = time(|| agent.step(&mut initiator, Event::Receive(&fourth.outgoing)));
    charge(&mut costs, from, spent, &last);
    assert!(matches!(last.status, Status::Done(_)) && matches!(fourth.status, Status::Done(_)));
    costs
}

fn keygen(parties: &mut BTreeMap<Role, Party>) -> BTreeMap<Role, Cost> {
    let mut sessions = keygen_sessions(parties);
    let mut costs: BTreeMap<Role, Cost> = BTreeMap::new();
    let mut inboxes: BTreeMap<Role, VecDeque<Vec<u8>>> = BTreeMap::new();
    let mut pending: VecDeque<(Role, Report)> = VecDeque::new();
    for (role, session) in &mut sessions {
        let party = parties.get_mut(role).unwrap();
        let (spent, report) = time(|| party.step(session, Event::Begin(&[])));
        charge(&mut costs, *role, spent, &report);
        pending.push_back((*role, report));
    }
    while let Some((role, report)) = pending.pop_front() {
        for envelope in report.outgoing {
            let to = Role::of(peek(&envelope).unwrap().to).unwrap();
            inboxes.entry(to).or_default().push_back(envelope);
        }
        if matches!(report.status, Status::Done(_)) {
            // What still comes, such as another's certificate, finds nobody.
            sessions.remove(&role);
            continue;
        }
        let (party, session) = (parties.get_mut(&role).unwrap(), sessions.get_mut(&role).unwrap());
        if let Status::Confirm(words) = report.status {
            let words: Vec<String> = words.words.iter().map(|word| (*word).to_owned()).collect();
            let (spent, report) = time(|| party.step(session, Event::Confirm(&words)));
            charge(&mut costs, role, spent, &report);
            pending.push_back((role, report));
        }
        if pending.is_empty() {
            for (role, inbox) in &mut inboxes {
                let envelopes: Vec<Vec<u8>> = inbox.drain(..).collect();
                if envelopes.is_empty() {
                    continue;
                }
                let Some(session) = sessions.get_mut(role) else { continue };
                let party = parties.get_mut(role).unwrap();
                let (spent, report) = time(|| party.step(session, Event::Receive(&envelopes)));
                charge(&mut costs, *role, spent, &report);
                pending.push_back((*role, report));
            }
        }
    }
    costs
}

fn charge(costs: &mut BTreeMap<Role, Cost>, role: Role, spent: Duration, report: &Report) {
    if let Status::Aborted(failure) = &report.status {
        panic!("{failure}");
    }
    let cost = costs.entry(role).or_default();
    cost.time += spent;
    cost.bytes += report.outgoing.iter().map(Vec::len).sum::<usize>();
}
