//! Cards, opened nonces and the six words.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use ceremony::descriptor::Descriptor;
use ceremony::envelope::{Header, peek};
use ceremony::session::{Event, Status};
use ceremony::store::Key;
use ceremony::{Card, Class, ECDSA_KEY_ID, Identity, Pairing, Role, Roster, Session, THRESHOLD};
use dkls23::KeyShare;
use policy::rulebook::PolicyConfig;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use tagged_hash::{Hasher, hash, tags};

use crate::committee::{NOW_MS, Party, TIMES, committee, generator, opted_out, parties};
use crate::hostile::{Insider, Letter, SEALED_INVITATION, seal};
use crate::recording::{KEYGEN, Recording, SEED, failure};

fn card(pairing: &Pairing) -> Card {
    Card::decode(&pairing.card()).unwrap()
}

/// Cards of a seed's parties; the second party changes its own before it hands it out.
fn cards(seed: u64, change: impl Fn(&mut Vec<u8>)) -> Vec<Card> {
    Role::ALL
        .into_iter()
        .map(|role| {
            let mut bytes = Party::new(role, seed).pair().card();
            if role == Role::User {
                change(&mut bytes);
                Insider::steal(role, seed).sign_card(&mut bytes);
            }
            Card::decode(&bytes).unwrap()
        })
        .collect()
}

/// The words of `docs/protocol.md`, section G.7, computed a second time.
fn words(roster_hash: &[u8; 32], policy_hash: &[u8; 32], nonces: &[[u8; 32]; 3]) -> Vec<String> {
    let mut hasher = Hasher::new(tags::WORDS, 5);
    hasher.part(roster_hash);
    hasher.part(policy_hash);
    nonces.iter().for_each(|nonce| hasher.part(nonce));
    let bits: String = hasher.finish().iter().map(|byte| format!("{byte:08b}")).collect();
    let list = bip39::Language::English.word_list();
    bits.as_bytes()
        .chunks(11)
        .take(6)
        .map(|bits| {
            let bits = core::str::from_utf8(bits).unwrap();
            list[usize::from_str_radix(bits, 2).unwrap()].to_owned()
        })
        .collect()
}

fn nonces(recording: &Recording) -> [[u8; 32]; 3] {
    let mut post = recording.post_office();
    Role::ALL.map(|role| {
        let other = if role == Role::User { Role::Agent } else { Role::User };
        let body = post.open(recording.envelope(0, role, other)).body;
        if role != Role::Agent {
            return body.try_into().unwrap();
        }
        let details: serde_json::Value = serde_json::from_slice(&body[32..]).unwrap();
        Base64UrlUnpadded::decode_vec(details["nonce"].as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap()
    })
}

#[test]
fn the_words_are_66_bits_over_roster_policy_and_everybodys_nonce() {
    let recording: &Recording = &KEYGEN;
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.step(Event::Begin(&[]));
    let arriving = recording.sent_to(Role::User, 0);
    let report = rehearsal.party.step(&mut rehearsal.session, Event::Receive(&arriving));
    let Status::Confirm(shown) = report.status else { panic!("no words") };

    let wallet = &recording.wallets[&Role::User];
    let (roster, policy) = (wallet.roster().hash(), wallet.policy().hash());
    let nonces = nonces(recording);

    assert_eq!(shown.words, words(&roster, &policy, &nonces));
    assert_eq!((shown.roster_hash, shown.policy.hash()), (roster, policy));
    let mut others = BTreeSet::from([words(&roster, &policy, &nonces)]);
    let mut inputs = 0;
    for position in 0..5 {
        for bit in 0..256 {
            let mut all = [roster, policy, nonces[0], nonces[1], nonces[2]];
            all[position][bit / 8] ^= 1 << (bit % 8);
            others.insert(words(&all[0], &all[1], &[all[2], all[3], all[4]]));
            inputs += 1;
        }
    }
    assert_eq!(others.len(), inputs + 1, "one bit anywhere gives other words");
}

/// The words that the agent of a seed shows for these cards, given what the other two open.
fn words_shown(seed: u64, cards: &[Card], openings: [(&Insider, [u8; 32]); 2]) -> Vec<String> {
    let mut agent = Party::new(Role::Agent, seed);
    let (pairing, identity) = (agent.pair(), Arc::clone(&agent.identity));
    let mut session = Session::create_wallet(
        identity,
        pairing,
        cards.to_vec(),
        &opted_out(),
        TIMES,
        &mut agent.rng,
    )
    .unwrap();
    let begun = agent.step(&mut session, Event::Begin(&[]));
    let sent = peek(&begun.outgoing[0]).unwrap();
    let sealing_key = Insider::steal(Role::Agent, seed).sealing_key();
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let openings: Vec<Vec<u8>> = openings
        .into_iter()
        .map(|(from, nonce)| {
            let header = Header {
                from: from.role.index(),
                to: Role::Agent.index(),
                body_length: 80,
                ..sent.clone()
            }
            .encode();
            let body = seal(&sealing_key, SEALED_INVITATION, &header, &nonce, &mut rng);
            from.sign_envelope(&header, &body)
        })
        .collect();
    match agent.step(&mut session, Event::Receive(&openings)).status {
        Status::Confirm(words) => words.words.iter().map(ToString::to_string).collect(),
        _ => panic!("no words"),
    }
}

#[test]
fn another_key_approver_or_nonce_on_any_card_gives_other_words() {
    let seed = 910;
    let honest = cards(seed, |_| {});
    let [user, recovery] = [Role::User, Role::Recovery].map(|role| Insider::steal(role, seed));
    let stranger = Insider::steal(Role::User, 911);
    let nonce_of = |role, seed| {
        let mut rng = generator(role, seed);
        drop(Identity::generate(role, &mut rng));
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        nonce
    };
    let [users, guardians] = [Role::User, Role::Recovery].map(|role| nonce_of(role, seed));
    let mut with_stranger = honest.clone();
    with_stranger[1] = card(&Party::new(Role::User, 911).pair());
    let of_cards =
        |cards: &[Card]| words_shown(seed, cards, [(&user, users), (&recovery, guardians)]);

    let shown = [
        of_cards(&honest),
        of_cards(&cards(seed, |card| card[38..70].copy_from_slice(&stranger.sealing_key()))),
        of_cards(&cards(seed, |card| card[70..102].copy_from_slice(&stranger.identity_key()))),
        words_shown(
            seed,
            &with_stranger,
            [(&stranger, nonce_of(Role::User, 911)), (&recovery, guardians)],
        ),
        words_shown(
            seed,
            &cards(seed, |card| {
                card[102..134].copy_from_slice(&hash(tags::PAIRING_NONCE, &[&[7; 32]]));
            }),
            [(&user, [7; 32]), (&recovery, guardians)],
        ),
    ];

    assert_eq!(shown[0], of_cards(&honest), "the same for the same");
    assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len());
}

#[test]
fn a_nonce_that_its_card_does_not_commit_to_is_its_senders_fault() {
    let recording: &Recording = &KEYGEN;
    let mut post = recording.post_office();
    let mut rehearsal = recording.rehearse(Role::User);
    rehearsal.step(Event::Begin(&[]));
    let honest = post.open(recording.envelope(0, Role::Recovery, Role::User));
    let forged = post.post(&Letter { header: honest.header, body: vec![7; 32] });

    let agents = recording.envelope(0, Role::Agent, Role::User).to_vec();
    let report = rehearsal.step(Event::Receive(&[agents, forged]));

    let failure = failure(&report);
    assert_eq!(
        (failure.class, failure.culprits.as_slice()),
        (Class::Malformed, &[Role::Recovery.index()][..])
    );
    assert!(failure.reason.contains("commit"));
}

/// A descriptor of the recorded ceremony over other details, signed by its initiator, and the same details
/// posted; with the other joiner's opening.
fn hostile_opening(recording: &Recording, details: &str) -> (Descriptor, [u8; 64], Vec<Vec<u8>>) {
    let mut post = recording.post_office();
    let salted = [&[9; 32][..], details.as_bytes()].concat();
    let mut descriptor = Descriptor::decode(&recording.descriptor).unwrap();
    descriptor.setup_details_hash = hash(tags::SETUP_DETAILS, &[&salted[..32], &salted[32..]]);
    let signature = post.insiders[&Role::Agent].sign_descriptor(&descriptor);
    let openings = [Role::Agent, Role::Recovery]
        .map(|from| {
            let mut letter = post.open(recording.envelope(0, from, Role::User));
            letter.header.session_id = descriptor.session_id();
            if from == Role::Agent {
                letter.body = salted.clone();
            }
            post.post(&letter)
        })
        .into();
    (descriptor, signature, openings)
}

fn details(nonce: &[u8; 32], policy: &[u8]) -> String {
    format!(
        r#"{{"nonce":"{}","policy":"{}","schema":"mpc-wallet/keygen-details@1"}}"#,
        Base64UrlUnpadded::encode_string(nonce),
        Base64UrlUnpadded::encode_string(policy),
    )
}

/// What the user's session says of an initiator's details.
fn says_of(details: &str) -> Result<Vec<String>, (Class, Vec<u8>)> {
    says_to(None, details)
}

/// The same of a user that expects a policy.
fn says_to(config: Option<&PolicyConfig>, details: &str) -> Result<Vec<String>, (Class, Vec<u8>)> {
    let recording: &Recording = &KEYGEN;
    let (descriptor, signature, openings) = hostile_opening(recording, details);
    let mut user = Party::new(Role::User, SEED);
    let pairing = user.pair();
    let identity = Arc::clone(&user.identity);
    let mut session = Session::join_wallet(
        identity,
        pairing,
        recording.cards.clone(),
        config,
        (&descriptor.encode(), &signature),
        NOW_MS,
    )
    .unwrap();
    user.step(&mut session, Event::Begin(&[]));
    let report = user.step(&mut session, Event::Receive(&openings));
    match report.status {
        Status::Confirm(words) => Ok(words.words.iter().map(ToString::to_string).collect()),
        Status::Aborted(failure) => {
            Err((failure.class, failure.culprits.iter().map(|party| party.get()).collect()))
        }
        _ => panic!("neither words nor a failure"),
    }
}

#[test]
fn an_initiators_nonce_that_its_card_does_not_commit_to_is_its_fault() {
    let policy = KEYGEN.wallets[&Role::User].policy().bytes().to_vec();
    let honest = details(&nonces(&KEYGEN)[0], &policy);
    assert!(says_of(&honest).is_ok(), "the forger's own honest details are taken");

    assert_eq!(says_of(&details(&[7; 32], &policy)), Err((Class::Malformed, vec![1])));
}

#[test]
fn an_initiator_decides_nothing_of_the_policy_that_the_cards_decide() {
    let [nonce, ..] = nonces(&KEYGEN);
    let policy = String::from_utf8(KEYGEN.wallets[&Role::User].policy().bytes().to_vec()).unwrap();
    let wallet_id =
        Base64UrlUnpadded::encode_string(KEYGEN.wallets[&Role::User].roster().wallet_id());
    let approver = KEYGEN.cards.iter().find_map(|card| card.approver_key).unwrap();
    let stranger = KEYGEN.cards[0].identity_key;
    for other in [
        policy.replace(&wallet_id, &Base64UrlUnpadded::encode_string(&[7; 32])),
        policy.replace(
            &Base64UrlUnpadded::encode_string(&approver),
            &Base64UrlUnpadded::encode_string(&stranger),
        ),
        policy.replace("\"1\"", "\"2\""),
        policy.replace('{', "{ "),
        String::new(),
    ] {
        assert_ne!(other, policy);
        assert_eq!(says_of(&details(&nonce, other.as_bytes())), Err((Class::Config, vec![])));
    }
}

#[test]
fn a_party_without_a_policy_of_its_own_takes_the_initiators_and_the_words_cover_it() {
    let [nonce, ..] = nonces(&KEYGEN);
    let policy = String::from_utf8(KEYGEN.wallets[&Role::User].policy().bytes().to_vec()).unwrap();
    let stricter = policy.replace("\"permissive\":true", "\"permissive\":false");
    assert_ne!(stricter, policy);

    let words = says_of(&details(&nonce, policy.as_bytes())).unwrap();
    let others = says_of(&details(&nonce, stricter.as_bytes())).unwrap();

    assert_ne!(words, others);
}

#[test]
fn a_party_with_a_policy_of_its_own_takes_no_other() {
    let [nonce, ..] = nonces(&KEYGEN);
    let policy = KEYGEN.wallets[&Role::User].policy();
    let honest = details(&nonce, policy.bytes());
    let expects = |config: &[u8]| {
        let config = PolicyConfig::read(config).unwrap();
        says_to(Some(&config), &honest)
    };

    assert!(expects(br#"{"permissive":true,"schema":"mpc-wallet/policy-config@1"}"#).is_ok());
    let other = expects(br#"{"schema":"mpc-wallet/policy-config@1"}"#);
    assert_eq!(other, Err((Class::Config, vec![])));
}

#[test]
fn an_initiators_details_in_another_form_are_refused() {
    let policy = KEYGEN.wallets[&Role::User].policy().bytes().to_vec();
    let honest = details(&nonces(&KEYGEN)[0], &policy);
    let (nonce, rest) = honest.split_at(honest.find(",\"policy\"").unwrap());
    for other in [
        honest.replace(':', ": "),
        format!("{honest}\n"),
        format!(" {honest}"),
        honest.replace("@1", "@2"),
        honest.replace("}", ",\"zone\":\"\"}"),
        honest.replace("\"nonce\"", "\"nonces\""),
        format!("{nonce},{}{rest}", &nonce[1..]),
        format!("{{{},{}}}", &rest[1..rest.len() - 1], &nonce[1..]),
        honest.replace("\",\"policy", "=\",\"policy"),
        honest.replace("nonce", "\\u006eonce"),
        "null".to_owned(),
        "{}".to_owned(),
        "[".repeat(10_000),
        String::new(),
    ] {
        assert_eq!(says_of(&other), Err((Class::Config, vec![])), "{other:.80}");
    }
}

#[test]
fn a_committee_has_one_card_of_each_role_and_no_key_twice() {
    let seed = 920;
    let honest = cards(seed, |_| {});
    let agent = Insider::steal(Role::Agent, seed);
    let user = Insider::steal(Role::User, seed);
    let recovery = honest[2].clone();
    let approver = |key: [u8; 32]| cards(seed, |card| card[70..102].copy_from_slice(&key));
    let sealing = |key: [u8; 32]| cards(seed, |card| card[38..70].copy_from_slice(&key));
    let mut of_another_role = honest.clone();
    of_another_role[1] = recovery.clone();
    let mut four = honest.clone();
    four.push(card(&Party::new(Role::User, 921).pair()));
    for (name, cards) in [
        ("no card", Vec::new()),
        ("two cards", honest[..2].to_vec()),
        ("two of one role", of_another_role),
        ("four cards", four),
        ("the agent's sealing key", sealing(agent.sealing_key())),
        ("the agent's identity key as a sealing key", sealing(agent.identity_key())),
        ("the own identity key as a sealing key", sealing(user.identity_key())),
        ("the agent's identity key as an approver", approver(agent.identity_key())),
        ("the guardian's approver", approver(recovery.approver_key.unwrap())),
    ] {
        let failure = Roster::from_cards([1; 32], &cards).unwrap_err();
        assert_eq!(failure.class, Class::Config, "{name}");
    }
    assert!(Roster::from_cards([1; 32], &honest).is_ok());
    let backwards: Vec<Card> = honest.iter().rev().cloned().collect();
    assert_eq!(
        Roster::from_cards([1; 32], &backwards).unwrap(),
        Roster::from_cards([1; 32], &honest).unwrap(),
        "the order of the cards says nothing"
    );
}

#[test]
fn a_card_with_one_other_bit_is_no_card() {
    for role in Role::ALL {
        let bytes = Party::new(role, 930).pair().card();
        assert!(Card::decode(&bytes).is_some());
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Card::decode(&changed).is_none(), "{role:?}, bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Card::decode(&bytes[..length]).is_none());
        }
        assert!(Card::decode(&[&bytes[..], &[0]].concat()).is_none());
    }
}

#[test]
fn a_well_signed_card_is_refused_if_its_fields_do_not_fit_its_role() {
    let of = |role: Role, change: &dyn Fn(&mut [u8])| {
        let mut bytes = Party::new(role, 940).pair().card();
        change(&mut bytes);
        Insider::steal(role, 940).sign_card(&mut bytes);
        Card::decode(&bytes)
    };
    let user = Insider::steal(Role::User, 940);
    // The point of order one, and one of order eight.
    let mut identity = [0; 32];
    identity[0] = 1;
    let order_eight: [u8; 32] =
        hex::decode("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
            .unwrap()
            .try_into()
            .unwrap();
    assert!(ed25519_dalek::VerifyingKey::from_bytes(&order_eight).unwrap().is_weak());

    assert!(of(Role::User, &|_| {}).is_some(), "signed again, unchanged");
    assert!(of(Role::Agent, &|card| card[70..102].fill(7)).is_none(), "an agent has no approver");
    assert!(of(Role::User, &|card| card[70..102].fill(0)).is_none(), "a user has one");
    assert!(of(Role::User, &|card| card[5] = 1).is_none(), "an agent with an approver");
    assert!(of(Role::User, &|card| card[5] = 4).is_none(), "no such role");
    assert!(of(Role::User, &|card| card[4] = 2).is_none(), "no such version");
    assert!(of(Role::User, &|card| card[70..102].copy_from_slice(&user.identity_key())).is_none());
    assert!(of(Role::User, &|card| card[70..102].copy_from_slice(&identity)).is_none());
    assert!(of(Role::User, &|card| card[70..102].copy_from_slice(&order_eight)).is_none());
    assert!(of(Role::User, &|card| card[6..38].copy_from_slice(&order_eight)).is_none());
}

#[test]
fn a_party_whose_sealing_key_is_of_small_order_gets_no_invitation_and_is_blamed() {
    let cards = cards(950, |card| card[38..70].fill(0));
    let mut agent = Party::new(Role::Agent, 950);
    let (pairing, identity) = (agent.pair(), Arc::clone(&agent.identity));
    let mut session =
        Session::create_wallet(identity, pairing, cards, &opted_out(), TIMES, &mut agent.rng)
            .unwrap();

    let report = agent.step(&mut session, Event::Begin(&[]));

    let failure = failure(&report);
    assert_eq!(
        (failure.class, failure.culprits.as_slice()),
        (Class::Malformed, &[Role::User.index()][..])
    );
}

#[test]
fn a_pairing_serves_the_identity_and_the_card_it_was_made_for() {
    let mut all = parties(960);
    let cards: Vec<Card> = all.values_mut().map(|party| card(&party.pair())).collect();
    let create = |pairing: Pairing, cards: &[Card], agent: &mut Party| {
        let identity = Arc::clone(&agent.identity);
        Session::create_wallet(
            identity,
            pairing,
            cards.to_vec(),
            &opted_out(),
            TIMES,
            &mut agent.rng,
        )
        .err()
        .map(|failure| failure.class)
    };
    let users = all.get_mut(&Role::User).unwrap().pair();
    let agent = all.get_mut(&Role::Agent).unwrap();
    let later = agent.pair();

    assert_eq!(create(users, &cards, agent), Some(Class::Config), "another party's");
    assert_eq!(create(later, &cards, agent), Some(Class::Config), "of a later card");
    let again = agent.pair();
    let mut current = cards.clone();
    current[0] = card(&again);
    assert_eq!(create(again, &current, agent), None);
}

#[test]
fn every_wallet_is_two_of_three() {
    let (mut parties, wallets) = committee(970);
    for (role, wallet) in &wallets {
        let key = Key::Share {
            wallet_id: *wallet.roster().wallet_id(),
            epoch: 1,
            key_id: ECDSA_KEY_ID.to_owned(),
        };
        let record = parties.get_mut(role).unwrap().stored(key).unwrap();
        let share = KeyShare::decode(&record.0).unwrap();

        assert_eq!((share.threshold(), share.parties()), (2, 3));
        assert_eq!((THRESHOLD.required, THRESHOLD.total), (2, 3));
        assert_eq!(share.index(), role.index());
        assert_eq!(share.roster_hash(), wallet.roster().hash());
        assert_eq!(wallet.roster().members().len(), 3);
    }
}
