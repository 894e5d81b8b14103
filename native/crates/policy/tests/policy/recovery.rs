//! Who must agree, who may object, and for how long a survivor waits.

use policy::{Approver, Approvers, Decision, PendingRecovery, Refusal, Replacement, Role, Verdict};

use crate::persons::{
    DAY_MS, EXPIRY_MS, HOUR_MS, NOW_MS, Person, Survivor, approvers, clock, delay_ms, objector,
    replacing, replacing_with, required,
};

const VERDICTS: [Verdict; 3] = [Verdict::Approve, Verdict::Reject, Verdict::Veto];
const PERSONS_WITH_ROLES: [Role; 2] = [Role::User, Role::Recovery];

/// What the table of the design says about two verdicts given at once, a time later.
fn expected(lost: Role, said: &[(Person, Verdict)], after_ms: u64) -> Decision {
    let needed: Vec<Role> = required(lost).iter().filter_map(|person| person.role()).collect();
    for (person, verdict) in said {
        let Some(role) = person.role() else { continue };
        if *verdict == Verdict::Veto && objector(lost).and_then(Person::role) == Some(role) {
            return Decision::Vetoed;
        }
        if *verdict == Verdict::Reject && needed.contains(&role) {
            return Decision::Rejected;
        }
    }
    let has = |role: &Role| {
        said.iter()
            .any(|(person, verdict)| person.role() == Some(*role) && *verdict == Verdict::Approve)
    };
    let missing: Vec<Role> = needed.iter().copied().filter(|role| !has(role)).collect();
    if !missing.is_empty() {
        let lapsed = NOW_MS + after_ms >= EXPIRY_MS;
        return Decision::NeedsApproval { missing: if lapsed { needed } else { missing } };
    }
    if NOW_MS + after_ms >= EXPIRY_MS {
        Decision::Expired
    } else if after_ms >= delay_ms(lost) {
        Decision::Approved
    } else {
        Decision::Waiting { until_ms: NOW_MS + delay_ms(lost) }
    }
}

#[test]
fn every_pair_of_verdicts_is_decided_as_the_table_says_at_every_time() {
    let sayings: Vec<(Person, Verdict)> = Person::ALL
        .into_iter()
        .flat_map(|person| VERDICTS.map(|verdict| (person, verdict)))
        .collect();
    for lost in Role::ALL {
        let documents: Vec<_> = sayings
            .iter()
            .map(|(person, verdict)| person.says(*verdict, replacing(lost), EXPIRY_MS))
            .collect();
        for (first, one) in sayings.iter().zip(&documents) {
            for (second, two) in sayings.iter().zip(&documents) {
                let mut record = PendingRecovery::new(replacing(lost), clock(0));
                let _ = record.observe(one, &approvers(), clock(0));
                let _ = record.observe(two, &approvers(), clock(0));
                let record = PendingRecovery::decode(&record.encode()).unwrap();

                let delay = delay_ms(lost);
                for after_ms in [0, delay.saturating_sub(1), delay, 20 * DAY_MS - 1, 20 * DAY_MS] {
                    let decision = record.clone().decide(&approvers(), clock(after_ms));
                    let expected = expected(lost, &[*first, *second], after_ms);
                    assert_eq!(decision, expected, "{lost:?} {first:?} {second:?} {after_ms}");
                }
            }
        }
    }
}

#[test]
fn who_has_no_say_is_told_so_and_changes_nothing() {
    for lost in Role::ALL {
        for person in Person::ALL {
            for verdict in VERDICTS {
                let mut survivor = Survivor::of(lost);
                let before = survivor.record.clone();
                let has_say = match verdict {
                    Verdict::Veto => objector(lost).and_then(Person::role) == person.role(),
                    _ => required(lost).iter().any(|one| one.role() == person.role()),
                };
                let expected = match person.role() {
                    None => Err(Refusal::UnknownApprover),
                    Some(_) if !has_say => Err(Refusal::NoSay),
                    Some(_) => Ok(()),
                };

                let result = survivor
                    .observe(&person.says(verdict, replacing(lost), EXPIRY_MS), clock(HOUR_MS));

                assert_eq!(result, expected, "{lost:?} {person:?} {verdict:?}");
                assert_eq!(survivor.record == before, expected.is_err());
            }
        }
    }
}

#[test]
fn two_devices_of_one_person_are_one_approval() {
    let mut survivor = Survivor::of(Role::Agent);
    for person in [Person::User, Person::Phone, Person::User] {
        let yes = person.says(Verdict::Approve, replacing(Role::Agent), EXPIRY_MS);
        survivor.observe(&yes, clock(0)).unwrap();
    }

    assert_eq!(
        survivor.decide(clock(30 * HOUR_MS)),
        Decision::NeedsApproval { missing: vec![Role::Recovery] }
    );
}

#[test]
fn a_veto_before_during_or_after_the_delay_is_final() {
    for lost in PERSONS_WITH_ROLES {
        let yes = required(lost)[0].says(Verdict::Approve, replacing(lost), EXPIRY_MS);
        let veto = objector(lost).unwrap().says(Verdict::Veto, replacing(lost), EXPIRY_MS);
        for veto_at in [0, delay_ms(lost) / 2, delay_ms(lost), delay_ms(lost) + DAY_MS] {
            let mut survivor = Survivor::asked_to_replace(lost);
            survivor.decide(clock(veto_at));
            survivor.observe(&veto, clock(veto_at)).unwrap();

            assert_eq!(survivor.observe(&yes, clock(veto_at)), Err(Refusal::Ended));
            assert_eq!(survivor.decide(clock(veto_at)), Decision::Vetoed);
            assert_eq!(survivor.decide(clock(40 * DAY_MS)), Decision::Vetoed);
        }

        let mut survivor = Survivor::of(lost);
        survivor.observe(&veto, clock(0)).unwrap();
        assert_eq!(survivor.observe(&yes, clock(1)), Err(Refusal::Ended));
        assert_eq!(survivor.decide(clock(delay_ms(lost))), Decision::Vetoed);
    }
}

#[test]
fn a_rejection_by_a_person_who_agreed_before_ends_the_recovery() {
    for lost in Role::ALL {
        for person in required(lost) {
            let mut survivor = Survivor::asked_to_replace(lost);
            let no = person.says(Verdict::Reject, replacing(lost), EXPIRY_MS);
            survivor.observe(&no, clock(1)).unwrap();

            assert_eq!(survivor.decide(clock(delay_ms(lost))), Decision::Rejected);
        }
    }
}

#[test]
fn a_document_about_anything_else_changes_nothing() {
    for lost in Role::ALL {
        let new_approver = |person: Person| lost.has_approvers().then(|| person.key());
        let other = |wallet, old, new, person| {
            Replacement::new([wallet; 32], lost, [old; 32], [new; 32], new_approver(person))
                .unwrap()
        };
        let mut cases = vec![
            (other(9, 2, 3, Person::Newcomer), Refusal::OtherWallet),
            (other(1, 9, 3, Person::Newcomer), Refusal::OtherReplacement),
            (replacing_with(lost, 4), Refusal::OtherReplacement),
        ];
        cases.extend(
            Role::ALL
                .into_iter()
                .filter(|role| *role != lost)
                .map(|role| (replacing(role), Refusal::OtherReplacement)),
        );
        if lost.has_approvers() {
            cases.push((other(1, 2, 3, Person::Stranger), Refusal::OtherReplacement));
        }
        for (about, refusal) in cases {
            for person in [Person::User, Person::Guardian] {
                for verdict in VERDICTS {
                    let mut survivor = Survivor::of(lost);
                    let before = survivor.record.clone();

                    let result =
                        survivor.observe(&person.says(verdict, about, EXPIRY_MS), clock(HOUR_MS));

                    assert_eq!(result, Err(refusal));
                    assert_eq!(survivor.record, before);
                }
            }
        }
    }
}

#[test]
fn a_document_expires_at_its_time() {
    for lost in Role::ALL {
        for (expires_at_ms, expected) in [
            (NOW_MS + 999, Err(Refusal::Lapsed)),
            (NOW_MS + 1_000, Err(Refusal::Lapsed)),
            (NOW_MS + 1_001, Ok(())),
        ] {
            let mut sayings =
                vec![(required(lost)[0], Verdict::Approve), (required(lost)[0], Verdict::Reject)];
            sayings.extend(objector(lost).map(|person| (person, Verdict::Veto)));
            for (person, verdict) in sayings {
                let mut survivor = Survivor::of(lost);
                let said = person.says(verdict, replacing(lost), expires_at_ms);
                assert_eq!(survivor.observe(&said, clock(1_000)), expected);
            }
        }
    }
}

#[test]
fn an_approval_is_good_for_thirty_days_at_most_and_a_no_for_ever() {
    for (lifetime, expected) in [
        (30 * DAY_MS - 1, Ok(())),
        (30 * DAY_MS, Ok(())),
        (30 * DAY_MS + 1, Err(Refusal::LivesTooLong)),
        (u64::MAX - NOW_MS, Err(Refusal::LivesTooLong)),
    ] {
        let yes = Person::Guardian.says(Verdict::Approve, replacing(Role::User), NOW_MS + lifetime);
        assert_eq!(Survivor::of(Role::User).observe(&yes, clock(0)), expected);
    }
    let veto = Person::User.says(Verdict::Veto, replacing(Role::User), u64::MAX);
    assert_eq!(Survivor::of(Role::User).observe(&veto, clock(0)), Ok(()));
}

#[test]
fn an_approval_that_lapses_takes_the_waiting_with_it() {
    for lost in PERSONS_WITH_ROLES {
        let person = required(lost)[0];
        let mut survivor = Survivor::of(lost);
        let short = person.says(Verdict::Approve, replacing(lost), NOW_MS + DAY_MS);
        survivor.observe(&short, clock(0)).unwrap();
        assert_eq!(
            survivor.decide(clock(DAY_MS - 1)),
            Decision::Waiting { until_ms: NOW_MS + delay_ms(lost) }
        );
        assert_eq!(survivor.decide(clock(DAY_MS)), Decision::Expired);

        let renewed = person.says(Verdict::Approve, replacing(lost), EXPIRY_MS);
        survivor.observe(&renewed, clock(2 * DAY_MS)).unwrap();

        let until_ms = NOW_MS + 2 * DAY_MS + delay_ms(lost);
        assert_eq!(survivor.decide(clock(2 * DAY_MS)), Decision::Waiting { until_ms });
        assert_eq!(survivor.decide(clock(until_ms - NOW_MS - 1)), Decision::Waiting { until_ms });
        assert_eq!(survivor.decide(clock(until_ms - NOW_MS)), Decision::Approved);
    }
}

#[test]
fn an_approval_that_lapses_unseen_takes_the_waiting_with_it() {
    let mut survivor = Survivor::of(Role::User);
    let short = Person::Guardian.says(Verdict::Approve, replacing(Role::User), NOW_MS + DAY_MS);
    survivor.observe(&short, clock(0)).unwrap();

    let renewed = Person::Guardian.says(Verdict::Approve, replacing(Role::User), EXPIRY_MS);
    survivor.observe(&renewed, clock(8 * DAY_MS)).unwrap();

    assert_eq!(
        survivor.decide(clock(8 * DAY_MS)),
        Decision::Waiting { until_ms: NOW_MS + 15 * DAY_MS }
    );
}

#[test]
fn an_approval_renewed_in_time_keeps_the_waiting_and_an_older_one_does_not_shorten_it() {
    let mut survivor = Survivor::of(Role::User);
    let yes = |days| {
        Person::Guardian.says(Verdict::Approve, replacing(Role::User), NOW_MS + days * DAY_MS)
    };
    survivor.observe(&yes(3), clock(0)).unwrap();
    survivor.observe(&yes(8), clock(2 * DAY_MS)).unwrap();
    survivor.observe(&yes(3), clock(2 * DAY_MS)).unwrap();

    assert_eq!(survivor.decide(clock(7 * DAY_MS)), Decision::Approved);
    assert_eq!(survivor.decide(clock(8 * DAY_MS)), Decision::Expired);
}

#[test]
fn nobody_starts_the_delay_by_announcing_a_recovery_that_no_person_approved() {
    let mut survivor = Survivor::of(Role::User);
    assert_eq!(
        survivor.decide(clock(10 * DAY_MS)),
        Decision::NeedsApproval { missing: vec![Role::Recovery] }
    );
    let yes = Person::Guardian.says(Verdict::Approve, replacing(Role::User), EXPIRY_MS);
    survivor.observe(&yes, clock(10 * DAY_MS)).unwrap();

    assert_eq!(
        survivor.decide(clock(10 * DAY_MS)),
        Decision::Waiting { until_ms: NOW_MS + 17 * DAY_MS }
    );
    assert_eq!(survivor.record.first_sight_ms(), NOW_MS);
}

#[test]
fn a_person_who_is_no_longer_listed_does_not_count() {
    let mut survivor = Survivor::asked_to_replace(Role::User);
    survivor.decide(clock(6 * DAY_MS));
    survivor.approvers = Approvers::new(&[]).unwrap();
    assert_eq!(
        survivor.decide(clock(7 * DAY_MS)),
        Decision::NeedsApproval { missing: vec![Role::Recovery] }
    );

    survivor.approvers = approvers();
    assert_eq!(
        survivor.decide(clock(8 * DAY_MS)),
        Decision::Waiting { until_ms: NOW_MS + 14 * DAY_MS }
    );
}

#[test]
fn no_approval_counts_once_the_newcomers_approver_speaks_for_another_party() {
    let mut survivor = Survivor::asked_to_replace(Role::User);
    let listed = [(Role::Recovery, Person::Guardian), (Role::Recovery, Person::Newcomer)]
        .map(|(role, person)| Approver { role, key: person.key().into() });
    survivor.approvers = Approvers::new(&listed).unwrap();

    assert_eq!(
        survivor.decide(clock(7 * DAY_MS)),
        Decision::NeedsApproval { missing: vec![Role::Recovery] }
    );
}
