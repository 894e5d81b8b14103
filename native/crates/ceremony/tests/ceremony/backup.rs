//! A party that comes back from its backup: what the file holds, and what the party can do with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceremony::session::Event;
use ceremony::store::{Key, Secret};
use ceremony::{Class, ConsentedItem, ECDSA_KEY_ID, Membership, Role};

use crate::committee::{End, NOW_MS, Party, authorize, deliver, members, payload, request};
use crate::reshare::{
    Members, Parties, allow_refresh, assert_every_pair_signs, meet, recover, refresh, roots,
};

type Records = Vec<(Key, Secret)>;

fn copy(records: &Records) -> Records {
    records.iter().map(|(key, value)| (key.clone(), Secret(value.0.clone()))).collect()
}

/// The party loses its store and comes back from these records.
fn restore(parties: &mut Parties, members: &mut Members, role: Role, records: &Records) {
    let member = Membership::restore(records).unwrap();
    let mut party = Party::new(role, 77_000);
    party.identity = Arc::clone(member.identity());
    parties.insert(role, party);
    members.insert(role, member);
}

#[test]
fn a_backup_is_keys_and_the_certified_epoch_without_anything_of_a_pair() {
    let (mut parties, members) = members(960);
    refresh(&mut parties, &members, &mut deliver);
    let records = members[&Role::User].backup().unwrap();

    let wallet_id = members[&Role::User].wallet_id();
    let epoch = 2;
    let share = Key::Share { wallet_id, epoch, key_id: ECDSA_KEY_ID.to_owned() };
    let keys: Vec<&Key> = records.iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            &Key::Identity,
            &share,
            &Key::Prepared { wallet_id, epoch },
            &Key::Acknowledged { wallet_id, epoch },
            &Key::Certificate { wallet_id, epoch },
        ]
    );
    let length: usize = records.iter().map(|(_, value)| value.0.len()).sum();
    assert!(length < 2_500, "{length} bytes: one pair alone has more");
    assert!(parties.get_mut(&Role::User).unwrap().stored(share).unwrap().0.len() > 30_000);
}

#[test]
fn a_restored_party_signs_nothing_until_a_refresh_and_everything_after_it() {
    let (mut parties, mut members) = members(961);
    let before = roots(&members);
    let records = members[&Role::User].backup().unwrap();
    restore(&mut parties, &mut members, Role::User, &records);

    // It does not ask,
    let user = members[&Role::User].current().unwrap();
    assert!(user.needs_refresh() && user.poisoned_peers().is_empty());
    let item = ConsentedItem { payload: payload("mine"), path: vec![] };
    let asked = authorize(&user, vec![item], NOW_MS + 1_000);
    assert_eq!(asked.err().unwrap().class, Class::RefreshNeeded);

    // and whoever asks it hears why.
    let agents = BTreeMap::from([(Role::Agent, members[&Role::Agent].current().unwrap())]);
    let pair = (Role::Agent, Role::User);
    let mut asking = request(&mut parties, &agents, pair, &["yours"], &[]);
    let report = parties.get_mut(&Role::Agent).unwrap().step(&mut asking, Event::Begin(&[]));
    let (descriptor, signature) = (asking.descriptor(), asking.descriptor_signature());
    let opened =
        members[&Role::User].open_invitation(&descriptor, &signature, &report.outgoing[0], NOW_MS);
    let refusal = opened.err().unwrap();
    assert_eq!(refusal.failure.class, Class::RefreshNeeded);
    let agent = parties.get_mut(&Role::Agent).unwrap();
    let answer = agent.step(&mut asking, Event::Receive(&refusal.outgoing));
    let failure = crate::recording::failure(&answer);
    assert_eq!(
        (failure.class, failure.culprits.clone()),
        (Class::RefreshNeeded, vec![Role::User.index()])
    );

    let run = refresh(&mut parties, &members, &mut deliver);

    assert!(run.ends.values().all(|end| matches!(end, End::Member(_))));
    assert_eq!(roots(&members), before);
    assert_every_pair_signs(&mut parties, &members, "restored");
}

#[test]
fn an_announcement_that_is_not_its_initiators_gets_no_answer_from_a_restored_party() {
    let (mut parties, mut members) = members(962);
    let records = members[&Role::User].backup().unwrap();
    restore(&mut parties, &mut members, Role::User, &records);
    let agents = BTreeMap::from([(Role::Agent, members[&Role::Agent].current().unwrap())]);
    let asking = request(&mut parties, &agents, (Role::Agent, Role::User), &["x"], &[]);
    let mut signature = asking.descriptor_signature();
    signature[0] ^= 1;

    let opened =
        members[&Role::User].open_invitation(&asking.descriptor(), &signature, &[], NOW_MS);

    let refusal = opened.err().unwrap();
    assert_eq!(refusal.failure.class, Class::Config);
    assert!(refusal.outgoing.is_empty());
}

#[test]
fn a_restored_survivor_deals_in_a_recovery() {
    let (mut parties, mut members) = members(963);
    let before = roots(&members);
    let records = members[&Role::User].backup().unwrap();
    restore(&mut parties, &mut members, Role::User, &records);

    let run = recover(&mut parties, &mut members, Role::Agent, 9_630);

    assert!(run.ends.values().all(|end| matches!(end, End::Member(_))));
    assert_eq!(roots(&members), before);
    assert_every_pair_signs(&mut parties, &members, "recovered");
}

#[test]
fn a_backup_that_a_refresh_made_old_is_found_out_and_names_who_must_be_recovered() {
    let (mut parties, mut members) = members(964);
    let old = members[&Role::User].backup().unwrap();
    refresh(&mut parties, &members, &mut deliver);
    restore(&mut parties, &mut members, Role::User, &old);

    // The restored party joins, and knows at once; the initiator knows when it heard.
    let user = meet(&mut parties, Role::Agent, allow_refresh(&members)).err().unwrap();
    assert_eq!((user.class, user.culprits), (Class::ShareStale, vec![Role::User.index()]));
    assert_eq!(members[&Role::User].current().unwrap().epoch(), 1);

    // Asked to sign, it says what it holds. The agent's next attempt, of either kind, names it.
    let agents = BTreeMap::from([(Role::Agent, members[&Role::Agent].current().unwrap())]);
    let pair = (Role::Agent, Role::User);
    let mut asking = request(&mut parties, &agents, pair, &["old"], &[]);
    let report = parties.get_mut(&Role::Agent).unwrap().step(&mut asking, Event::Begin(&[]));
    let (descriptor, signature) = (asking.descriptor(), asking.descriptor_signature());
    let opened =
        members[&Role::User].open_invitation(&descriptor, &signature, &report.outgoing[0], NOW_MS);
    let refusal = opened.err().unwrap();
    assert_eq!(refusal.failure.class, Class::ShareStale);
    let agent = parties.get_mut(&Role::Agent).unwrap();
    let answer = agent.step(&mut asking, Event::Receive(&refusal.outgoing));
    assert_eq!(crate::recording::failure(&answer).class, Class::EpochBehind);
    let signing = members[&Role::Agent].with_peer(Role::User).err().unwrap();
    let refreshing = meet(&mut parties, Role::Agent, allow_refresh(&members)).err().unwrap();
    for failure in [signing, refreshing] {
        assert_eq!(
            (failure.class, failure.culprits),
            (Class::ShareStale, vec![Role::User.index()])
        );
    }
    assert_eq!(members[&Role::Agent].with_peer(Role::Recovery).unwrap().epoch(), 2);

    // The way out.
    let run = recover(&mut parties, &mut members, Role::User, 9_640);
    assert!(run.ends.values().all(|end| matches!(end, End::Member(_))));
    assert_every_pair_signs(&mut parties, &members, "recovered");
}

#[test]
fn a_restored_party_still_knows_whom_it_replaced() {
    let (mut parties, mut members) = members(965);
    let lost = parties[&Role::Agent].identity.identity_key();
    recover(&mut parties, &mut members, Role::Agent, 9_650);

    let records = members[&Role::User].backup().unwrap();

    let wallet_id = members[&Role::User].wallet_id();
    let replaced = Key::Replaced { wallet_id, identity_key: lost };
    assert!(records.iter().any(|(key, _)| *key == replaced));
    assert!(Membership::restore(&records).is_ok());
}

#[test]
fn a_wallet_that_not_everybody_acknowledged_has_no_backup() {
    let mut parties = crate::committee::parties(966);
    let sessions = crate::committee::keygen_sessions(&mut parties);
    crate::committee::run(&mut parties, sessions, &mut |header, bytes| {
        if header.round >= 7 { Vec::new() } else { deliver(header, bytes) }
    });
    let agent = &parties[&Role::Agent];
    let records = agent.store.records();
    let wallet_id = records
        .iter()
        .find_map(|(key, _)| match key {
            Key::Prepared { wallet_id, .. } => Some(*wallet_id),
            _ => None,
        })
        .unwrap();
    let identity = Arc::clone(&agent.identity);
    let (member, _) = Membership::load(identity, wallet_id, &records).unwrap();

    assert_eq!(member.held().len(), 1);
    assert_eq!(member.backup().err().unwrap().class, Class::Config);
}

#[test]
fn records_that_no_backup_has_are_refused() {
    let (mut parties, members) = members(967);
    let good = members[&Role::User].backup().unwrap();
    let wallet_id = members[&Role::User].wallet_id();
    let share = Key::Share { wallet_id, epoch: 1, key_id: ECDSA_KEY_ID.to_owned() };
    let others = members[&Role::Agent].backup().unwrap();
    let place = |key: &Key| good.iter().position(|(of, _)| of == key).unwrap();
    let with = |key: &Key, value: Secret| {
        let mut records = copy(&good);
        records[place(key)].1 = value;
        records
    };
    let of = |records: &Records, key: &Key| {
        let (_, value) = records.iter().find(|(of, _)| of == key).unwrap();
        Secret(value.0.clone())
    };
    let mut cases: Vec<(String, Records)> = (0..good.len())
        .flat_map(|missing| {
            let mut records = copy(&good);
            let (key, value) = records.remove(missing);
            let mut flipped = copy(&good);
            let last = value.0.len() - 1;
            flipped[missing].1.0[last] ^= 1;
            [(format!("without {key:?}"), records), (format!("flipped {key:?}"), flipped)]
        })
        .collect();
    let with_pairs = parties.get_mut(&Role::User).unwrap().stored(share.clone()).unwrap();
    cases.push(("a share with its pairs".to_owned(), with(&share, with_pairs)));
    cases.push(("the share of another party".to_owned(), with(&share, of(&others, &share))));
    let identity = of(&others, &Key::Identity);
    cases.push(("the keys of another party".to_owned(), with(&Key::Identity, identity)));
    let mut beside = copy(&good);
    beside.push((Key::Intent { wallet_id, epoch: 9 }, Secret::copy_from(&[0; 32])));
    cases.push(("a record beside the others".to_owned(), beside));
    cases.push(("nothing".to_owned(), Vec::new()));

    assert!(Membership::restore(&good).is_ok());
    for (name, records) in cases {
        // Of the identity's last byte nothing but a person's approver key depends.
        if name.starts_with("flipped Identity") {
            continue;
        }
        assert!(Membership::restore(&records).is_err(), "{name}");
    }
}
