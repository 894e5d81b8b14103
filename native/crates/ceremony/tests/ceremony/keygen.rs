//! Key generation of a committee.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceremony::session::{Event, Status};
use ceremony::store::Key;
use ceremony::{Card, Class, ECDSA_KEY_ID, Role, Session};

use crate::committee::{NOW_MS, Party, TIMES, keygen_sessions, members, opted_out, parties};

#[test]
fn three_parties_make_one_wallet_with_one_certificate() {
    let (_, members) = members(1);

    let wallets: Vec<_> = members.values().map(|member| member.current().unwrap()).collect();
    let keys: Vec<_> = wallets.iter().map(|wallet| wallet.root(ECDSA_KEY_ID)).collect();
    assert!(keys[0].is_some() && keys.iter().all(|key| key == &keys[0]));
    let certificates: Vec<_> = members.values().map(|member| member.certificate()).collect();
    assert!(certificates[0].is_some() && certificates.iter().all(|it| it == &certificates[0]));
    assert!(wallets.iter().all(|wallet| wallet.epoch() == 1));
}

#[test]
fn every_party_shows_the_same_six_words_and_stops_on_others() {
    let mut parties = parties(2);
    let mut sessions = keygen_sessions(&mut parties);
    let mut flights = Vec::new();
    for (role, session) in &mut sessions {
        let report = parties.get_mut(role).unwrap().step(session, Event::Begin(&[]));
        flights.extend(report.outgoing);
    }

    let mut shown = BTreeMap::new();
    for (role, session) in &mut sessions {
        let report = parties.get_mut(role).unwrap().step(session, Event::Receive(&flights));
        let Status::Confirm(words) = report.status else { panic!("no words") };
        assert_eq!(words.words.len(), 6);
        shown.insert(*role, words.words);
    }
    assert!(shown.values().all(|words| words == &shown[&Role::Agent]));

    let mut wrong: Vec<String> = shown[&Role::User].iter().map(|word| (*word).to_owned()).collect();
    wrong.swap(0, 5);
    let session = sessions.get_mut(&Role::User).unwrap();
    let report = parties.get_mut(&Role::User).unwrap().step(session, Event::Confirm(&wrong));
    let Status::Aborted(failure) = report.status else { panic!("went on") };
    assert_eq!(failure.class, Class::Refused);
}

#[test]
fn nothing_of_the_protocol_leaves_before_the_words_are_confirmed() {
    let mut parties = parties(3);
    let mut sessions = keygen_sessions(&mut parties);
    let mut flights = Vec::new();
    for (role, session) in &mut sessions {
        flights.extend(parties.get_mut(role).unwrap().step(session, Event::Begin(&[])).outgoing);
    }

    let session = sessions.get_mut(&Role::User).unwrap();
    let report = parties.get_mut(&Role::User).unwrap().step(session, Event::Receive(&flights));

    assert!(matches!(report.status, Status::Confirm(_)));
    assert!(report.outgoing.is_empty());
    assert!(flights.iter().all(|flight| ceremony::envelope::peek(flight).unwrap().round == 0));
}

#[test]
fn a_party_that_pinned_another_card_does_not_join() {
    let mut parties = parties(4);
    let mut stranger = Party::new(Role::Recovery, 99);
    let pairings: BTreeMap<_, _> =
        parties.iter_mut().map(|(role, party)| (*role, party.pair())).collect();
    let cards: Vec<Card> =
        pairings.values().map(|pairing| Card::decode(&pairing.card()).unwrap()).collect();
    let mut others = cards.clone();
    others[2] = Card::decode(&stranger.pair().card()).unwrap();
    let mut pairings = pairings.into_values();
    let agent = parties.get_mut(&Role::Agent).unwrap();
    let initiator = Session::create_wallet(
        Arc::clone(&agent.identity),
        pairings.next().unwrap(),
        cards,
        &opted_out(),
        TIMES,
        &mut agent.rng,
    )
    .unwrap();

    let user = parties.get_mut(&Role::User).unwrap();
    let joined = Session::join_wallet(
        Arc::clone(&user.identity),
        pairings.next().unwrap(),
        others,
        None,
        (&initiator.descriptor(), &initiator.descriptor_signature()),
        NOW_MS,
    );

    assert_eq!(joined.err().unwrap().failure.class, Class::Config);
}

#[test]
fn shares_acknowledgement_and_certificate_are_in_the_store() {
    let (mut parties, members) = members(6);

    for (role, member) in &members {
        let (wallet_id, expected) = (member.wallet_id(), member.certificate().unwrap());
        let party = parties.get_mut(role).unwrap();
        let share = Key::Share { wallet_id, epoch: 1, key_id: ECDSA_KEY_ID.to_owned() };
        assert!(party.stored(share).is_some());
        let acknowledged = party.stored(Key::Acknowledged { wallet_id, epoch: 1 }).unwrap();
        assert_eq!(acknowledged.0.as_slice(), expected.transcript());
        let certificate = party.stored(Key::Certificate { wallet_id, epoch: 1 }).unwrap();
        assert_eq!(certificate.0.as_slice(), expected.encode());
    }
}
