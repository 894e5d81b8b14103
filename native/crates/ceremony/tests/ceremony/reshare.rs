//! Refresh and recovery: the same keys and addresses, other shares for everybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceremony::session::Event;
use ceremony::store::{Commit, Key, MemoryStore, Store};
use ceremony::{
    Card, Class, ECDSA_KEY_ID, Failure, Identity, Membership, ReshareAuthorization, Role, Session,
    Wallet,
};

use crate::committee::{
    End, Meeting, NOW_MS, Party, Run, TIMES, Tamper, assert_signs, deliver, generator, members,
    payload, run_meeting, sign,
};

const EXPIRES_MS: u64 = NOW_MS + 60_000;
pub const PAIRS: [(Role, Role); 3] =
    [(Role::Agent, Role::User), (Role::Agent, Role::Recovery), (Role::User, Role::Recovery)];

pub type Members = BTreeMap<Role, Arc<Membership>>;
pub type Parties = BTreeMap<Role, Party>;

/// Starts an attempt at one party and lets the others join, each on its own authorization.
pub fn meet(
    parties: &mut Parties,
    initiator: Role,
    mut authorizations: BTreeMap<Role, ReshareAuthorization>,
) -> Result<Meeting, Failure> {
    let started = authorizations.remove(&initiator).unwrap();
    let party = parties.get_mut(&initiator).unwrap();
    let mut session = Session::reshare(started, TIMES, &mut party.rng)?;
    let report = party.step(&mut session, Event::Begin(&[]));
    let mut sessions = BTreeMap::new();
    for (role, authorization) in authorizations {
        let round0 = report
            .outgoing
            .iter()
            .find(|envelope| ceremony::envelope::peek(envelope).unwrap().to == role.index())
            .unwrap();
        let joined = Session::join_reshare(
            authorization,
            &session.descriptor(),
            &session.descriptor_signature(),
            round0,
            NOW_MS,
        );
        sessions.insert(role, joined.map_err(|declined| declined.refusal.failure)?);
    }
    sessions.insert(initiator, session);
    Ok(Meeting { sessions, begun: (initiator, report) })
}

pub fn allow_refresh(members: &Members) -> BTreeMap<Role, ReshareAuthorization> {
    members
        .iter()
        .map(|(role, member)| {
            let member = Arc::clone(member);
            (*role, ReshareAuthorization::refresh(member, EXPIRES_MS).unwrap())
        })
        .collect()
}

pub fn refresh(parties: &mut Parties, members: &Members, tamper: Tamper<'_>) -> Run {
    let meeting = meet(parties, Role::Agent, allow_refresh(members)).unwrap();
    run_meeting(parties, meeting, tamper)
}

/// A new device for a role; the survivors' cards are made again, as they are when somebody joins.
pub fn allow_recovery(
    parties: &mut Parties,
    members: &Members,
    lost: Role,
    seed: u64,
) -> BTreeMap<Role, ReshareAuthorization> {
    let wallet_id = members[&lost].wallet_id();
    parties.insert(lost, Party::new(lost, seed));
    let cards: Vec<Card> =
        parties.values_mut().map(|party| Card::decode(&party.pair().card()).unwrap()).collect();
    let card = cards.iter().find(|card| card.role == lost).unwrap().clone();
    parties
        .iter()
        .map(|(role, party)| {
            let authorization = if *role == lost {
                let identity = Arc::clone(&party.identity);
                ReshareAuthorization::join(identity, wallet_id, &cards, EXPIRES_MS)
            } else {
                ReshareAuthorization::recover(Arc::clone(&members[role]), &card, EXPIRES_MS)
            };
            (*role, authorization.unwrap())
        })
        .collect()
}

pub fn recover(parties: &mut Parties, members: &mut Members, lost: Role, seed: u64) -> Run {
    let authorizations = allow_recovery(parties, members, lost, seed);
    let survivor = Role::ALL.into_iter().find(|role| *role != lost).unwrap();
    let meeting = meet(parties, survivor, authorizations).unwrap();
    let run = run_meeting(parties, meeting, &mut deliver);
    if let End::Member(member) = &run.ends[&lost] {
        members.insert(lost, Arc::clone(member));
    }
    run
}

fn wallets(members: &Members) -> BTreeMap<Role, Arc<Wallet>> {
    members.iter().map(|(role, member)| (*role, member.current().unwrap())).collect()
}

pub fn assert_every_pair_signs(parties: &mut Parties, members: &Members, text: &str) {
    let wallets = wallets(members);
    for pair in PAIRS {
        let text = format!("{text} {pair:?}");
        let signed = sign(parties, &wallets, pair, &text, &[7], &mut deliver);
        for role in [pair.0, pair.1] {
            let signature = &signed.ends[&role].signatures()[0];
            assert_signs(&wallets[&role], &[7], &payload(&text).digest, signature);
        }
    }
}

pub fn roots(members: &Members) -> Vec<Option<([u8; 33], [u8; 32])>> {
    wallets(members).values().map(|wallet| wallet.root(ECDSA_KEY_ID)).collect()
}

#[test]
fn a_refresh_keeps_keys_and_addresses_and_every_pair_signs() {
    let (mut parties, members) = members(900);
    let before = roots(&members);

    let run = refresh(&mut parties, &members, &mut deliver);

    assert!(run.ends.values().all(|end| matches!(end, End::Member(_))));
    assert_eq!(roots(&members), before);
    assert!(members.values().all(|member| member.current().unwrap().epoch() == 2));
    let certificate = members[&Role::Agent].certificate().unwrap();
    assert_eq!(certificate.next_epoch(), 2);
    assert!(members.values().all(|member| member.certificate().as_ref() == Some(&certificate)));
    assert_every_pair_signs(&mut parties, &members, "refreshed");
}

#[test]
fn after_a_refresh_nobody_holds_anything_of_the_epoch_before() {
    let (mut parties, members) = members(901);
    let wallet_id = members[&Role::Agent].wallet_id();

    refresh(&mut parties, &members, &mut deliver);

    for party in parties.values_mut() {
        let share = |epoch| Key::Share { wallet_id, epoch, key_id: ECDSA_KEY_ID.to_owned() };
        assert!(party.stored(share(1)).is_none());
        assert!(party.stored(Key::Prepared { wallet_id, epoch: 1 }).is_none());
        assert!(party.stored(share(2)).is_some());
    }
}

#[test]
fn a_wallet_is_loaded_from_what_its_store_holds_and_signs() {
    let (mut parties, members) = members(902);
    refresh(&mut parties, &members, &mut deliver);
    let wallet_id = members[&Role::Agent].wallet_id();

    let loaded: Members = parties
        .iter()
        .map(|(role, party)| {
            let records = party.store.records();
            let (member, erased) =
                Membership::load(Arc::clone(&party.identity), wallet_id, &records).unwrap();
            assert!(erased.is_empty());
            (*role, member)
        })
        .collect();

    assert_eq!(roots(&loaded), roots(&members));
    assert_every_pair_signs(&mut parties, &loaded, "loaded");
}

#[test]
fn an_acknowledgement_that_one_party_never_gets_is_made_good_by_the_certificate_of_another() {
    let (mut parties, members) = members(903);

    let run = refresh(&mut parties, &members, &mut |header, bytes| {
        let lost = header.round == 7
            && (header.from, header.to) == (Role::Recovery.index(), Role::Agent.index());
        if lost { Vec::new() } else { deliver(header, bytes) }
    });

    assert!(run.ends.values().all(|end| matches!(end, End::Member(_))));
}

#[test]
fn a_refresh_whose_acknowledgements_get_lost_leaves_every_pair_able_to_sign() {
    let (mut parties, members) = members(904);
    let before = roots(&members);

    let run = refresh(&mut parties, &members, &mut |header, bytes| {
        if header.round >= 7 { Vec::new() } else { deliver(header, bytes) }
    });

    assert!(run.ends.values().all(|end| matches!(end, End::Waiting)));
    assert!(members.values().all(|member| member.held().len() == 2), "the old epoch is kept");
    assert_eq!(roots(&members), before);
    assert_every_pair_signs(&mut parties, &members, "uncertified");

    let again = refresh(&mut parties, &members, &mut deliver);
    assert!(again.ends.values().all(|end| matches!(end, End::Member(_))));
    assert!(members.values().all(|member| member.held().len() == 1));
}

#[test]
fn a_refresh_that_stops_before_it_is_stored_leaves_nothing_and_the_next_takes_another_number() {
    let (mut parties, members) = members(905);

    let run = refresh(&mut parties, &members, &mut |header, bytes| {
        if header.round == 3 { Vec::new() } else { deliver(header, bytes) }
    });
    assert!(run.ends.values().all(|end| matches!(end, End::Waiting)));
    assert!(members.values().all(|member| member.held().len() == 1));

    let again = refresh(&mut parties, &members, &mut deliver);
    assert!(again.ends.values().all(|end| matches!(end, End::Member(_))));
    assert!(members.values().all(|member| member.current().unwrap().epoch() == 3));
    assert_every_pair_signs(&mut parties, &members, "again");
}

#[test]
fn any_party_is_recovered_onto_another_device_by_the_other_two() {
    for (seed, lost) in (910..).zip(Role::ALL) {
        let (mut parties, mut members) = members(seed);
        let before = roots(&members);

        let run = recover(&mut parties, &mut members, lost, 10 * seed);

        assert!(run.ends.values().all(|end| matches!(end, End::Member(_))), "{lost:?}");
        assert_eq!(roots(&members), before, "{lost:?}");
        assert_every_pair_signs(&mut parties, &members, "recovered");
    }
}

#[test]
fn the_lost_device_signs_with_nobody_who_acknowledged_its_replacement() {
    let (mut parties, members) = members(920);
    let (mut after, old) = (members.clone(), Arc::clone(&members[&Role::Agent]));
    let lost_party = parties.remove(&Role::Agent).unwrap();
    parties.insert(Role::Agent, Party::new(Role::Agent, 9_201));
    recover(&mut parties, &mut after, Role::Agent, 9_202);

    parties.insert(Role::Agent, lost_party);
    let with_the_lost = BTreeMap::from([
        (Role::Agent, old.current().unwrap()),
        (Role::User, after[&Role::User].current().unwrap()),
    ]);
    let mut asking = crate::committee::request(
        &mut parties,
        &with_the_lost,
        (Role::Agent, Role::User),
        &["mine"],
        &[],
    );
    let report = parties.get_mut(&Role::Agent).unwrap().step(&mut asking, Event::Begin(&[]));

    let opened = after[&Role::User].open_invitation(
        &asking.descriptor(),
        &asking.descriptor_signature(),
        &report.outgoing[0],
        NOW_MS,
    );

    let refusal = opened.err().unwrap();
    assert_eq!(refusal.failure.class, Class::Config);
    assert!(refusal.outgoing.is_empty(), "a replaced device gets no answer");
}

#[test]
fn a_party_that_holds_another_epoch_says_which_and_the_next_request_is_under_that_one() {
    let (mut parties, members) = members(921);
    // Everybody but the agent gets as far as the new epoch's certificate, and erases the old one.
    let meeting = meet(&mut parties, Role::User, allow_refresh(&members)).unwrap();
    run_meeting(&mut parties, meeting, &mut |header, bytes| {
        let to_agent = header.to == Role::Agent.index() && header.round >= 7;
        if to_agent { Vec::new() } else { deliver(header, bytes) }
    });
    let epochs = |role: Role| members[&role].held().iter().map(|held| held.0).collect::<Vec<_>>();
    assert_eq!((epochs(Role::Agent), epochs(Role::User)), (vec![1, 2], vec![2]));

    // The agent asks under the epoch that only it still holds.
    let old = BTreeMap::from([(Role::Agent, members[&Role::Agent].epoch(1).unwrap())]);
    let pair = (Role::Agent, Role::User);
    let mut asking = crate::committee::request(&mut parties, &old, pair, &["old"], &[]);
    let report = parties.get_mut(&Role::Agent).unwrap().step(&mut asking, Event::Begin(&[]));
    let refusal = members[&Role::User]
        .open_invitation(
            &asking.descriptor(),
            &asking.descriptor_signature(),
            &report.outgoing[0],
            NOW_MS,
        )
        .err()
        .unwrap();
    assert_eq!(refusal.failure.class, Class::EpochBehind);

    let agent = parties.get_mut(&Role::Agent).unwrap();
    let answer = agent.step(&mut asking, Event::Receive(&refusal.outgoing));
    let failure = crate::recording::failure(&answer);
    assert_eq!(failure.class, Class::EpochBehind);
    assert_eq!(epochs(Role::Agent), [2], "the certificate came with it, so the old epoch is gone");
    assert_eq!(members[&Role::Agent].with_peer(Role::User).unwrap().epoch(), 2);
    assert_every_pair_signs(&mut parties, &members, "caught up");
}

#[test]
fn a_party_without_authorization_of_its_own_takes_no_part() {
    let (mut parties, members) = members(922);
    let mut authorizations = allow_refresh(&members);
    authorizations.insert(
        Role::User,
        ReshareAuthorization::refresh(Arc::clone(&members[&Role::User]), NOW_MS).unwrap(),
    );

    let failure = meet(&mut parties, Role::Agent, authorizations).err().unwrap();

    assert_eq!(failure.class, Class::Config, "it has expired");
}

#[test]
fn an_agent_that_replaces_the_guardian_with_its_own_second_device_gets_nothing() {
    let (mut parties, members) = members(923);
    let mut second = Party::new(Role::Recovery, 9_230);
    let card = Card::decode(&second.pair().card()).unwrap();
    let agent = Arc::clone(&members[&Role::Agent]);
    let mut authorizations = BTreeMap::new();
    let wish = ReshareAuthorization::recover(agent, &card, EXPIRES_MS).unwrap();
    authorizations.insert(Role::Agent, wish);
    // The user's own process authorized a refresh, and nothing else.
    let user = Arc::clone(&members[&Role::User]);
    let allowed = ReshareAuthorization::refresh(user, EXPIRES_MS).unwrap();
    authorizations.insert(Role::User, allowed);

    let failure = meet(&mut parties, Role::Agent, authorizations).err().unwrap();

    assert_eq!(failure.class, Class::Config);
    assert_every_pair_signs(&mut parties, &members, "as before");
}

#[test]
fn an_identity_is_sealed_and_opened_as_it_was() {
    for role in Role::ALL {
        let identity = Identity::generate(role, &mut generator(role, 930));

        let opened = Identity::decode(&identity.encode()).unwrap();

        assert_eq!(opened.encode(), identity.encode());
        assert_eq!(opened.identity_key(), identity.identity_key());
        let cut = identity.encode()[1..].to_vec();
        assert!(Identity::decode(&cut).is_none());
    }
}

#[test]
fn an_empty_store_holds_no_wallet() {
    let identity = Arc::new(Identity::generate(Role::Agent, &mut generator(Role::Agent, 931)));
    let records = MemoryStore::new().records();

    let (member, writes) = Membership::load(identity, [7; 32], &records).unwrap();

    assert!(writes.is_empty());
    assert_eq!(member.current().err().unwrap().class, Class::Config);
}

/// Counts lost verdicts of the agent against the user and commits what that writes.
fn lose(parties: &mut Parties, members: &Members, lost: u32) {
    let user = parties[&Role::User].identity.identity_key();
    let writes = members[&Role::Agent].count_lost_verdicts(&user, lost);
    let store = &mut parties.get_mut(&Role::Agent).unwrap().store;
    store.commit(Commit { writes, read_back: Vec::new() }).unwrap();
}

/// The agent's membership as a process that starts finds it.
fn reload(parties: &Parties, members: &mut Members) {
    let agent = &parties[&Role::Agent];
    let wallet_id = members[&Role::Agent].wallet_id();
    let (member, _) =
        Membership::load(Arc::clone(&agent.identity), wallet_id, &agent.store.records()).unwrap();
    members.insert(Role::Agent, member);
}

fn poisoned(members: &Members) -> Vec<Role> {
    members[&Role::Agent].current().unwrap().poisoned_peers()
}

#[test]
fn the_eighth_lost_verdict_poisons_the_pair_in_every_epoch_and_the_count_begins_anew() {
    let (mut parties, mut members) = members(930);
    refresh(&mut parties, &members, &mut |header, bytes| {
        if header.round >= 7 { Vec::new() } else { deliver(header, bytes) }
    });
    assert_eq!(members[&Role::Agent].held().len(), 2, "two epochs are held");

    lose(&mut parties, &members, 3);
    reload(&parties, &mut members);
    lose(&mut parties, &members, 4);
    reload(&parties, &mut members);
    assert_eq!(poisoned(&members), []);
    lose(&mut parties, &members, 1);
    assert_eq!(poisoned(&members), [Role::User], "at once");

    reload(&parties, &mut members);
    for (epoch, _) in members[&Role::Agent].held() {
        let wallet = members[&Role::Agent].epoch(epoch).unwrap();
        assert_eq!(wallet.poisoned_peers(), [Role::User], "epoch {epoch}");
    }
    let [own, user] = [Role::Agent, Role::User].map(|role| parties[&role].identity.identity_key());
    let agent = parties.get_mut(&Role::Agent).unwrap();
    let poisonings = agent.stored(Key::Poisonings(own, user)).unwrap();
    assert_eq!(poisonings.0.as_slice(), 1_u32.to_be_bytes());
    refresh(&mut parties, &members, &mut deliver);
    lose(&mut parties, &members, 7);
    reload(&parties, &mut members);
    assert_eq!(poisoned(&members), [], "seven of the new count");
    assert_every_pair_signs(&mut parties, &members, "repaired");
}

#[test]
fn a_refresh_keeps_the_count_of_lost_verdicts() {
    let (mut parties, mut members) = members(931);

    lose(&mut parties, &members, 7);
    refresh(&mut parties, &members, &mut deliver);
    reload(&parties, &mut members);
    lose(&mut parties, &members, 1);

    assert_eq!(poisoned(&members), [Role::User]);
}

#[test]
fn lost_verdicts_count_against_no_one_who_is_no_peer() {
    let (parties, members) = members(932);
    let own = parties[&Role::Agent].identity.identity_key();
    let user = parties[&Role::User].identity.identity_key();

    for (key, lost) in [(own, 8), ([9; 32], 8), (user, 0)] {
        assert!(members[&Role::Agent].count_lost_verdicts(&key, lost).is_empty());
    }
    assert_eq!(poisoned(&members), []);
}

#[test]
fn attempts_that_nobody_joined_do_not_end_refreshing() {
    let (mut parties, members) = members(940);
    for _ in 0..40 {
        let agent = Arc::clone(&members[&Role::Agent]);
        let allowed = ReshareAuthorization::refresh(agent, EXPIRES_MS).unwrap();
        let party = parties.get_mut(&Role::Agent).unwrap();
        let mut session = Session::reshare(allowed, TIMES, &mut party.rng).unwrap();
        party.step(&mut session, Event::Begin(&[]));
        session.stop();
    }

    let run = refresh(&mut parties, &members, &mut deliver);

    assert!(run.ends.values().all(|end| matches!(end, End::Member(_))));
    assert_every_pair_signs(&mut parties, &members, "after all");
}

#[test]
fn what_an_interrupted_attempt_left_is_erased_by_the_next_that_is_certified() {
    let (mut parties, members) = members(941);
    let wallet_id = members[&Role::Agent].wallet_id();

    let run = refresh(&mut parties, &members, &mut |header, bytes| {
        let lost = header.round == 5 && header.from == Role::Agent.index();
        if lost { Vec::new() } else { deliver(header, bytes) }
    });
    assert!(run.ends.values().all(|end| matches!(end, End::Waiting)));
    let again = refresh(&mut parties, &members, &mut deliver);

    assert!(again.ends.values().all(|end| matches!(end, End::Member(_))));
    for party in parties.values_mut() {
        let share = |epoch| Key::Share { wallet_id, epoch, key_id: ECDSA_KEY_ID.to_owned() };
        assert!(party.stored(share(2)).is_none(), "the attempt below the certificate is erased");
        assert!(party.stored(share(3)).is_some());
    }
}
