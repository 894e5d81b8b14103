//! A party that shows the other two different broadcasts.

use std::collections::BTreeMap;

use ceremony::envelope::peek;
use ceremony::session::Event;
use ceremony::store::Key;
use ceremony::{Class, Role};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::committee::{End, deliver, keygen_sessions, parties, run};
use crate::fields::flip;
use crate::hostile::Letter;
use crate::recording::{KEYGEN, Recording, Rehearsal, SEED, failure};

const HONEST: [Role; 2] = [Role::User, Role::Recovery];

/// Nobody is blamed, nothing is counted, and nothing of an epoch is kept.
fn assert_nobody_is_blamed(rehearsals: &mut BTreeMap<Role, Rehearsal>, recording: &Recording) {
    for rehearsal in rehearsals.values_mut() {
        assert_eq!(rehearsal.persisted(recording), [false; 3]);
        let own = rehearsal.party.identity.identity_key();
        for card in &recording.cards {
            for count in [Key::SetupFailures, Key::Cheats, Key::Poisonings] {
                assert!(rehearsal.party.stored(count(own, card.identity_key)).is_none());
            }
        }
    }
}

#[test]
fn another_commitment_for_each_party_is_an_equivocation_and_blames_nobody() {
    let mut post = KEYGEN.post_office();
    for place in
        [("session key", 31), ("nonce", 32 + 4 + 32 + 31), ("commitment", 32 + 4 + 64 + 31)]
    {
        let (mut parties, name) = (parties(SEED), place.0);
        let sessions = keygen_sessions(&mut parties);

        let run = run(&mut parties, sessions, &mut |header, bytes| {
            let split = header.round == 1
                && header.from == Role::Agent.index()
                && header.to == Role::User.index();
            if !split {
                return deliver(header, bytes);
            }
            let Letter { header, body } = post.open(bytes);
            let body = flip(&body, 8 * place.1 + 7);
            deliver(&header, &post.post(&Letter { header: header.clone(), body }))
        });

        for role in HONEST {
            let failure = run.ends[&role].failure();
            assert_eq!(failure.class, Class::Equivocation, "{name}, {role:?}");
            assert!(failure.culprits.is_empty(), "{name}, {role:?}");
        }
        assert!(!matches!(run.ends[&Role::Agent], End::Member(_)), "{name}");
    }
}

/// The agent runs its own program twice, and from round 2 on with other randomness for each peer: both openings
/// are of the one commitment, both proofs are right, and each of the peers sees nothing wrong by itself.
#[test]
fn another_proof_for_each_party_is_an_equivocation_and_blames_nobody() {
    let recording: &Recording = &KEYGEN;
    let mut faces = HONEST.map(|_| recording.rehearse(Role::Agent));
    let mut rehearsals: BTreeMap<Role, Rehearsal> =
        HONEST.map(|role| (role, recording.rehearse(role))).into();
    rehearsals.values_mut().for_each(|rehearsal| rehearsal.play_to(recording, 1));
    faces.iter_mut().for_each(|face| face.play_to(recording, 1));
    faces[1].party.rng = ChaCha20Rng::seed_from_u64(1);
    let shown: Vec<Vec<Vec<u8>>> = faces
        .iter_mut()
        .map(|face| face.step(Event::Receive(&recording.sent_to(Role::Agent, 1))).outgoing)
        .collect();
    let to = |outgoing: &[Vec<u8>], role: Role| {
        let own = |envelope: &&Vec<u8>| peek(envelope).unwrap().to == role.index();
        outgoing.iter().find(own).unwrap().clone()
    };

    let mut answers = BTreeMap::new();
    for (role, shown) in HONEST.into_iter().zip(&shown) {
        let rehearsal = rehearsals.get_mut(&role).unwrap();
        let honest: Vec<Vec<u8>> =
            rehearsal.step(Event::Receive(&recording.sent_to(role, 1))).outgoing;
        answers.insert(role, honest);
        let report = rehearsal.step(Event::Receive(&[to(shown, role)]));
        assert!(report.outgoing.is_empty(), "the other honest party is awaited");
    }
    let third: BTreeMap<Role, Vec<Vec<u8>>> = HONEST
        .into_iter()
        .map(|role| {
            let other = HONEST.into_iter().find(|other| *other != role).unwrap();
            let arriving = to(&answers[&other], role);
            let report = rehearsals.get_mut(&role).unwrap().step(Event::Receive(&[arriving]));
            assert!(report.outgoing.iter().all(|sent| peek(sent).unwrap().round == 3));
            (role, report.outgoing)
        })
        .collect();
    // The agent answers each of them as the face that it showed.
    for (face, role) in faces.iter_mut().zip(HONEST) {
        let other = HONEST.into_iter().find(|other| *other != role).unwrap();
        let arriving = [to(&answers[&role], Role::Agent), to(&answers[&other], Role::Agent)];
        let sent = face.step(Event::Receive(&arriving)).outgoing;
        let rehearsal = rehearsals.get_mut(&role).unwrap();
        rehearsal.step(Event::Receive(&[to(&sent, role)]));
        let report = rehearsal.step(Event::Receive(&[to(&third[&other], role)]));
        let failure = failure(&report);
        assert_eq!(failure.class, Class::Equivocation, "{role:?}");
        assert!(failure.culprits.is_empty());
    }
    assert_nobody_is_blamed(&mut rehearsals, recording);
}
