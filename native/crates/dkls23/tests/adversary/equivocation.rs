//! An adversary that tells two parties two stories, each consistent in itself. The next round notices, and blames nobody.

use dkls23::{Abort, PartyIndex};
use k256::Scalar;
use tagged_hash::{hash, tags};

use crate::attacker::{encode, reduce, scalar};
use crate::committee::party;
use crate::dealer::{commitment, prove, session};
use crate::duel::{KeygenDraws, to};
use crate::layout;
use crate::router::Channel::{Broadcast, Private};
use crate::router::{Body, Dealing, Refusal, Sign, body, edit, slot};
use crate::story::{KeygenStory, Signing, THREE_OF_FIVE, generator};

fn members() -> [PartyIndex; 3] {
    [1, 2, 3].map(party)
}

fn equivocation(round: u8) -> Option<Refusal> {
    Some(Refusal::new(round, Abort::Equivocation))
}

#[test]
fn two_commitments_to_two_polynomials_are_equivocation_in_round_2() {
    let story = KeygenStory::new("two polynomials", 2, 3);
    let [first, liar, second] = members();
    let rng = generator("the other face", liar);
    let (_, other_face) = Dealing::keygen(story.setup(), liar, rng).unwrap();

    let ends = story.run(&mut |round, bodies| {
        if round == 1 {
            edit(bodies, liar, second, Broadcast, |body| body.clone_from(&other_face.broadcast));
        }
    });

    for member in [first, second] {
        assert_eq!(ends[&member].refusal(), equivocation(2));
    }
}

#[test]
fn two_chain_code_shares_each_well_committed_to_are_equivocation_in_round_2() {
    let story = KeygenStory::new("two chain codes", 2, 3);
    let [first, liar, second] = members();
    let draws = KeygenDraws::from(&mut generator(story.name, liar), 2, 2);
    let mut other_share = draws.chain_code_share;
    other_share[0] ^= 1;
    let opening = layout::keygen(2).remove(1);

    let mut hellos = Vec::new();
    let ends = story.run(&mut |round, bodies| {
        if round == 1 {
            edit(bodies, liar, second, Broadcast, |body| {
                let KeygenDraws { nonce, blind, .. } = &draws;
                let commitment =
                    commitment(&body[..32], liar, nonce, &draws.points(), &other_share, blind);
                body[64..].copy_from_slice(&commitment);
            });
            // What the second party saw.
            for from in members() {
                let to = if from == second { first } else { second };
                hellos.push((from, body(bodies, from, to, Broadcast).to_vec()));
            }
        }
        if round == 2 {
            edit(bodies, liar, second, Broadcast, |body| {
                let sid = session(&hellos[0].1[..32], &hellos);
                *body = opening.field("sid", 0).replaced(body, &sid);
                *body = opening.field("cc", 0).replaced(body, &other_share);
            });
        }
    });

    for member in [first, second] {
        assert_eq!(ends[&member].refusal(), equivocation(2));
    }
}

#[test]
fn two_valid_proofs_of_one_coefficient_are_equivocation_in_round_3() {
    let story = KeygenStory::new("two proofs", 2, 3);
    let [first, liar, second] = members();
    let draws = KeygenDraws::from(&mut generator(story.name, liar), 2, 2);
    let opening = layout::keygen(2).remove(1);

    let ends = story.run(&mut |round, bodies| {
        if round == 2 {
            edit(bodies, liar, second, Broadcast, |body| {
                let sid = body[..32].try_into().unwrap();
                let proof = prove(&sid, liar, 0, &draws.coefficients[0], &Scalar::from(3u32));
                *body = opening.field("A", 0).replaced(body, &proof[..33]);
                *body = opening.field("z", 0).replaced(body, &proof[33..]);
            });
        }
    });

    for member in [first, second] {
        assert_eq!(ends[&member].refusal(), equivocation(3));
    }
}

#[test]
fn two_nonces_and_commitments_of_one_signer_are_equivocation_in_round_2_and_poison_nothing() {
    let shares = THREE_OF_FIVE.shares();
    let signing = Signing::new("two faces", &[1, 2, 3]);
    let [first, liar, second] = members();
    let rng = generator("the other face", liar);
    let (_, hello) = Sign::start(&shares[&liar], signing.setup(), rng).unwrap();
    let mut hello = to(&hello, second);

    let ends = signing.run(&shares, &mut |round, bodies| {
        if round == 1 {
            for channel in [Broadcast, Private] {
                let other = slot(&mut hello, channel).clone();
                edit(bodies, liar, second, channel, |body| *body = other);
            }
        }
    });

    for member in [first, second] {
        assert_eq!(ends[&member].refusal(), equivocation(2));
    }
    assert!(Signing::new("once more", &[1, 2, 3]).succeeds(&shares));
}

fn changed_for_the_second(name: &str, round3: impl Fn(&mut Vec<u8>)) -> [Option<Refusal>; 2] {
    let shares = THREE_OF_FIVE.shares();
    let [first, liar, second] = members();
    let ends = Signing::new(name, &[1, 2, 3]).run(&shares, &mut |round, bodies: &mut Vec<Body>| {
        if round == 3 {
            edit(bodies, liar, second, Broadcast, |body| round3(body));
        }
    });
    assert!(ends[&first].is_done());
    assert!(Signing::new("once more", &[1, 2, 3]).succeeds(&shares));
    [first, second].map(|member| ends[&member].refusal())
}

#[test]
fn another_transcript_in_round_3_is_equivocation_for_who_sees_it() {
    let other = hash(tags::SIGN_T2, &[]);
    let [first, second] =
        changed_for_the_second("another T2'", |body| body[..32].copy_from_slice(&other));

    assert_eq!([first, second], [None, equivocation(3)]);
}

#[test]
fn another_partial_signature_for_one_of_two_is_unattributed_there_and_names_nobody() {
    let [first, second] = changed_for_the_second("another w", |body| {
        let w = scalar(&body[32..64]) + reduce(&[1; 32]);
        body[32..64].copy_from_slice(&encode(&w));
    });

    assert_eq!([first, second], [None, Some(Refusal::new(3, Abort::Unattributed(None)))]);
}
