//! Who decides after a device was replaced: the person behind the new one, and nobody behind the old one.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceremony::store::{Commit, Key, Secret, Store, Write};
use ceremony::{Card, Class, Identity, Membership, ReshareAuthorization, Role};

use policy::rulebook::{ApproverKey, PolicyApprover};

use crate::committee::{End, NOW_MS, Party, deliver, generator, members, run_meeting};
use crate::reshare::{Members, Parties, allow_recovery, meet, recover, refresh};

fn approvers(members: &Members) -> Vec<PolicyApprover> {
    let each: Vec<_> =
        members.values().map(|member| member.current().unwrap().approvers()).collect();
    assert!(each.windows(2).all(|two| two[0] == two[1]));
    each[0].clone()
}

fn person(parties: &Parties, role: Role) -> PolicyApprover {
    let key = ApproverKey(key_of(parties, role));
    let role = if role == Role::User { policy::Role::User } else { policy::Role::Recovery };
    PolicyApprover::Ed25519 { key, role }
}

fn key_of(parties: &Parties, role: Role) -> [u8; 32] {
    parties[&role].identity.approver_key().unwrap()
}

fn card_of(party: &mut Party) -> Card {
    Card::decode(&party.pair().card()).unwrap()
}

#[test]
fn the_person_behind_a_new_device_takes_the_place_of_the_one_behind_the_lost_one() {
    for lost in [Role::User, Role::Recovery] {
        let (mut parties, mut members) = members(1_200);
        let before = approvers(&members);
        assert_eq!(before, [person(&parties, Role::User), person(&parties, Role::Recovery)]);
        let policy = members[&Role::Agent].current().unwrap().policy();

        recover(&mut parties, &mut members, lost, 1_201);

        let after = approvers(&members);
        assert_eq!(after, [person(&parties, Role::User), person(&parties, Role::Recovery)]);
        assert_eq!(after.iter().filter(|one| before.contains(one)).count(), 1);
        assert!(members.values().all(|it| it.current().unwrap().policy() == policy));
    }
}

#[test]
fn a_new_agent_changes_no_person() {
    let (mut parties, mut members) = members(1_202);
    let before = approvers(&members);

    recover(&mut parties, &mut members, Role::Agent, 1_203);

    assert_eq!(approvers(&members), before);
}

#[test]
fn a_replaced_person_stays_replaced_after_a_refresh_a_restart_and_another_recovery() {
    let (mut parties, mut members) = members(1_204);
    recover(&mut parties, &mut members, Role::User, 1_205);
    refresh(&mut parties, &members, &mut deliver);
    recover(&mut parties, &mut members, Role::Recovery, 1_206);
    recover(&mut parties, &mut members, Role::User, 1_207);
    let expected = [person(&parties, Role::User), person(&parties, Role::Recovery)];

    for (role, party) in &parties {
        let records = party.store.records();
        let identity = Arc::clone(&party.identity);
        let wallet_id = members[role].wallet_id();
        let (loaded, _) = Membership::load(identity, wallet_id, &records).unwrap();
        assert_eq!(loaded.current().unwrap().approvers(), expected);
    }
}

#[test]
fn a_backup_keeps_who_decides() {
    let (mut parties, mut members) = members(1_208);
    recover(&mut parties, &mut members, Role::Recovery, 1_209);

    let restored = Membership::restore(&members[&Role::Agent].backup().unwrap()).unwrap();

    assert_eq!(restored.current().unwrap().approvers(), approvers(&members));
}

#[test]
fn an_attempt_that_fails_replaces_nobody() {
    let (mut parties, mut members) = members(1_210);
    let before = approvers(&members);
    let survivors = members.clone();
    let authorizations = allow_recovery(&mut parties, &members, Role::User, 1_211);

    let meeting = meet(&mut parties, Role::Agent, authorizations).unwrap();
    run_meeting(&mut parties, meeting, &mut |header, bytes| {
        if header.round >= 3 { Vec::new() } else { deliver(header, bytes) }
    });

    members.remove(&Role::User);
    assert_eq!(approvers(&members), before);
    assert!(survivors.values().all(|it| it.roster_in_force().is_ok()));
}

/// Both survivors and the newcomer compare the person's key: a hostile initiator puts no other in.
#[test]
fn an_initiator_that_names_another_person_is_refused_by_everybody() {
    for (victim, others) in [(Role::Recovery, Role::User), (Role::User, Role::Recovery)] {
        let (mut parties, members) = members(1_212);
        let mut authorizations = allow_recovery(&mut parties, &members, Role::User, 1_213);
        let mut card = card_of(parties.get_mut(&Role::User).unwrap());
        let strangers = Identity::generate(Role::User, &mut generator(Role::User, 9));
        card.approver_key = strangers.approver_key();
        let hostile = Arc::clone(&members[&Role::Agent]);
        let hostile = ReshareAuthorization::recover(hostile, &card, NOW_MS + 60_000).unwrap();
        authorizations.insert(Role::Agent, hostile);
        authorizations.remove(&others);

        let refused = meet(&mut parties, Role::Agent, authorizations).err().unwrap();

        assert_eq!(refused.class, Class::Config, "{victim:?}");
    }
}

#[test]
fn a_key_that_speaks_for_somebody_or_was_retired_succeeds_nobody() {
    let (mut parties, mut members) = members(1_214);
    let old_user = key_of(&parties, Role::User);
    recover(&mut parties, &mut members, Role::User, 1_215);
    let taken = [old_user, key_of(&parties, Role::User), key_of(&parties, Role::Recovery)];

    for key in taken {
        for lost in [Role::User, Role::Recovery] {
            let mut card = card_of(&mut Party::new(lost, 1_216));
            card.approver_key = Some(key);
            let member = Arc::clone(&members[&Role::Agent]);
            let authorization =
                ReshareAuthorization::recover(member, &card, NOW_MS + 60_000).unwrap();
            let only: BTreeMap<_, _> = [(Role::Agent, authorization)].into();

            let refused = meet(&mut parties, Role::Agent, only).err().unwrap();

            assert_eq!(refused.class, Class::Config);
        }
    }
    assert!(matches!(
        recover(&mut parties, &mut members, Role::User, 1_217).ends[&Role::User],
        End::Member(_)
    ));
}

#[test]
fn a_certificate_erases_the_records_of_recoveries_from_a_roster_of_the_past() {
    let (mut parties, mut members) = members(1_218);
    let wallet_id = members[&Role::Agent].wallet_id();
    let [past, other] = [[1; 32], [2; 32]];
    let key = |replacement| Key::PendingRecovery { wallet_id, replacement };
    let roster = members[&Role::Agent].roster_in_force().unwrap().hash();
    for (role, member) in &members {
        member.keep_recovery(past, roster);
        let writes = vec![Write::Put(key(past), Secret::copy_from(b"record"))];
        let commit = Commit { writes, read_back: Vec::new() };
        parties.get_mut(role).unwrap().store.commit(commit).unwrap();
    }

    refresh(&mut parties, &members, &mut deliver);
    assert!(members[&Role::Agent].keeps_recovery(&past), "the roster is the same");
    assert!(parties.get_mut(&Role::Agent).unwrap().stored(key(past)).is_some());

    recover(&mut parties, &mut members, Role::User, 1_219);
    let agent = &members[&Role::Agent];
    agent.keep_recovery(other, agent.roster_in_force().unwrap().hash());
    assert!(!agent.keeps_recovery(&past) && agent.keeps_recovery(&other));
    assert!(parties.get_mut(&Role::Agent).unwrap().stored(key(past)).is_none());
}

#[test]
fn the_persons_who_decide_about_a_step_are_those_of_the_roster_that_it_starts_from() {
    let (mut parties, mut members) = members(1_220);
    let agent = Arc::clone(&members[&Role::Agent]);
    let (roster, before) = (agent.roster_in_force().unwrap().hash(), approvers(&members));
    assert_eq!(agent.approvers_of(&roster).unwrap(), before);

    recover(&mut parties, &mut members, Role::User, 1_221);

    assert!(agent.approvers_of(&roster).is_err());
    let roster = agent.roster_in_force().unwrap().hash();
    assert_eq!(agent.approvers_of(&roster).unwrap(), approvers(&members));
}
