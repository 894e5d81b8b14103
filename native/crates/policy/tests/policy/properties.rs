//! No story without the required signatures and without the delay ends in a yes.

use std::cell::Cell;
use std::collections::BTreeMap;

use policy::{Clock, Decision, Role, Verdict};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::persons::{
    DAY_MS, HOUR_MS, NOW_MS, Person, Survivor, delay_ms, objector, replacing, replacing_with,
    required,
};

#[derive(Debug, Clone)]
enum Event {
    Said { person: Person, verdict: Verdict, about: u8, lives_ms: u64 },
    Passed { hours: u64 },
    WallSet { by_ms: i64 },
    Rebooted { off_hours: u64 },
    Confirmed,
}

fn event() -> impl Strategy<Value = Event> {
    let person = prop::sample::select(Person::ALL.to_vec());
    let verdict = prop_oneof![
        8 => Just(Verdict::Approve), 1 => Just(Verdict::Reject), 1 => Just(Verdict::Veto)
    ];
    prop_oneof![
        4 => (person, verdict, prop_oneof![5 => Just(3_u8), 1 => Just(4)], 0..30_u64).prop_map(
            |(person, verdict, about, days)| Event::Said { person, verdict, about, lives_ms: days * DAY_MS }
        ),
        4 => (0..100_u64).prop_map(|hours| Event::Passed { hours }),
        1 => (-400_000..400_000_i64).prop_map(|by_ms| Event::WallSet { by_ms }),
        1 => (0..100_u64).prop_map(|off_hours| Event::Rebooted { off_hours }),
        1 => Just(Event::Confirmed),
    ]
}

#[test]
fn a_yes_has_every_signature_the_whole_delay_and_no_objection() {
    let approved = Cell::new(0);
    let stories = (prop::sample::select(Role::ALL.to_vec()), prop::collection::vec(event(), 1..40));
    TestRunner::new(ProptestConfig::with_cases(200))
        .run(&stories, |(lost, events)| tell(lost, events, &approved))
        .unwrap();
    assert!(approved.get() > 0, "no story reached a yes");
}

/// Plays a story and compares every answer with what a bystander knows.
fn tell(lost: Role, events: Vec<Event>, approved: &Cell<u32>) -> Result<(), TestCaseError> {
    let mut survivor = Survivor::of(lost);
    let mut clock = Clock { wall_ms: NOW_MS, monotonic_ms: 0, run: [0; 16] };
    // What a bystander knows: when the latest yes of each role lapses, and how long the party ran with all.
    let mut yes: BTreeMap<Role, u64> = BTreeMap::new();
    let mut ran_ms = 0;
    let mut objected = false;
    for event in events {
        let needed: Vec<Role> = required(lost).iter().filter_map(|one| one.role()).collect();
        match event {
            Event::Said { person, verdict, about, lives_ms } => {
                let expires_at_ms = clock.wall_ms + lives_ms;
                let said = person.says(verdict, replacing_with(lost, about), expires_at_ms);
                let taken = survivor.observe(&said, clock).is_ok();
                prop_assert!(!taken || said.document().replacement == replacing(lost));
                let role = person.role();
                let may_object = verdict == Verdict::Veto
                    && role == objector(lost).and_then(Person::role)
                    || verdict == Verdict::Reject
                        && role.is_some_and(|role| needed.contains(&role));
                objected |= taken && may_object;
                if let (true, Verdict::Approve, Some(role)) = (taken, verdict, role) {
                    let until = yes.entry(role).or_default();
                    *until = expires_at_ms.max(*until);
                }
            }
            Event::Passed { hours } => {
                let passed = hours * HOUR_MS;
                clock.wall_ms += passed;
                clock.monotonic_ms += passed;
                if needed.iter().all(|role| yes.contains_key(role)) {
                    ran_ms += passed;
                }
            }
            Event::WallSet { by_ms } => clock.wall_ms = clock.wall_ms.saturating_add_signed(by_ms),
            Event::Rebooted { off_hours } => {
                clock.wall_ms += off_hours * HOUR_MS;
                clock.monotonic_ms = 0;
                clock.run[0] += 1;
            }
            Event::Confirmed => survivor.confirm_clock(clock),
        }
        let decision = survivor.decide(clock);
        prop_assert!(!objected || matches!(decision, Decision::Vetoed | Decision::Rejected));
        if decision == Decision::Approved {
            approved.set(approved.get() + 1);
            for role in &needed {
                prop_assert!(yes.get(role).is_some_and(|until| clock.wall_ms < *until));
            }
            prop_assert!(ran_ms >= delay_ms(lost));
        }
    }
    Ok(())
}
