//! Lies in key generation that no changed byte can tell: polynomials, commitments and proofs that are wrong in themselves.

use dkls23::Abort;
use k256::elliptic_curve::PrimeField;
use k256::{ProjectivePoint, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::attacker::{draw_scalar, point33, times_generator};
use crate::committee::party;
use crate::dealer::{hash_point, ot_session};
use crate::duel::{Duel, KeygenDraws, KeygenDuel};
use crate::layout;
use crate::router::Channel::{Broadcast, Private};
use crate::router::{Refusal, body, edit};
use crate::story::{KeygenStory, generator, named};

const DEALER: u8 = 2;

fn in_round_2(abort: Abort) -> Option<Refusal> {
    Some(Refusal::new(2, abort))
}

#[test]
fn a_dealer_written_from_the_specification_makes_a_key_with_the_engine_and_signs_with_it() {
    for victim in [1, 2] {
        let duel = KeygenDuel::start("two implementations make a key", victim);

        let (share, stolen) = duel.finish().unwrap();

        let [theirs, engines] = Duel::start("and sign", &share, stolen).finish().unwrap();
        assert_eq!(theirs, engines);
    }
}

#[test]
fn a_polynomial_of_another_length_is_malformed_although_commitment_proofs_and_share_fit() {
    for length in [0, 1, 3, 1000] {
        let mut duel = KeygenDuel::start("another length", 1);
        let mut rng = ChaCha20Rng::from_seed(named("coefficients"));
        let coefficients: Vec<_> = (0..length).map(|_| draw_scalar(&mut rng)).collect();
        duel.dealer.points = coefficients.iter().map(times_generator).collect();
        duel.dealer.coefficients = coefficients;

        let end = duel.finish().err();

        assert_eq!(end, in_round_2(Abort::Malformed(party(DEALER))), "{length} coefficients");
    }
}

#[test]
fn a_vector_of_proofs_of_another_length_is_malformed() {
    for length in [0, 1, 3, 1000] {
        let mut duel = KeygenDuel::start("another number of proofs", 1).hello().unwrap();
        let proofs: Vec<_> = (0..length).flat_map(|k| duel.dealer.prove(k % 2)).collect();
        duel.dealer.proofs = Some(proofs);

        let end = duel.open().err();

        assert_eq!(end, in_round_2(Abort::Malformed(party(DEALER))), "{length} proofs");
    }
}

#[test]
fn a_rogue_key_chosen_after_the_others_opened_does_not_open_the_commitment() {
    let mut duel = KeygenDuel::start("a rogue key", 1).hello().unwrap();
    let secret = Scalar::from(0xC0FFEEu32);
    let theirs = point33(&duel.sent.broadcast[32..65]);

    // The sum of both is secret·G.
    duel.dealer.points[0] = (ProjectivePoint::from(times_generator(&secret)) - theirs).to_affine();

    assert_eq!(duel.open().err(), in_round_2(Abort::Cheat(party(DEALER))));
}

#[test]
fn a_polynomial_chosen_after_the_others_opened_does_not_open_the_commitment_although_it_is_proved()
{
    let mut duel = KeygenDuel::start("a late choice", 1).hello().unwrap();
    // Known, proved and dealt consistently; but it may depend on what the others opened.
    duel.dealer.coefficients[0] += Scalar::ONE;
    duel.dealer.points[0] = times_generator(&duel.dealer.coefficients[0]);

    assert_eq!(duel.open().err(), in_round_2(Abort::Cheat(party(DEALER))));
}

#[test]
fn a_key_without_a_known_logarithm_has_no_proof_even_if_it_was_committed_to() {
    let mut duel = KeygenDuel::start("an unknown logarithm", 1);
    // F_1 is chosen so that the share for party 1 fits: only the proof is missing.
    let unknown = ProjectivePoint::GENERATOR * Scalar::from(7u32) + duel.dealer.points[0];
    let share = duel.dealer.share_for(party(1));
    duel.dealer.points[0] = unknown.to_affine();
    duel.dealer.points[1] = (ProjectivePoint::from(times_generator(&share)) - unknown).to_affine();

    assert_eq!(duel.finish().err(), in_round_2(Abort::Cheat(party(DEALER))));
}

#[test]
fn proofs_exchanged_between_two_coefficients_are_a_cheat() {
    let mut duel = KeygenDuel::start("exchanged proofs", 1).hello().unwrap();
    duel.dealer.proofs = Some([duel.dealer.prove(1), duel.dealer.prove(0)].concat());

    assert_eq!(duel.open().err(), in_round_2(Abort::Cheat(party(DEALER))));
}

#[test]
fn a_copied_commitment_opening_and_proof_are_a_cheat_in_2_of_2() {
    let mut duel = KeygenDuel::start("a copy", 1);
    let [_, nonce, commitment] = duel.sent.broadcast.as_chunks().0 else { panic!("96 bytes") };
    (duel.dealer.nonce, duel.dealer.commitment) = (*nonce, Some(*commitment));
    let mut duel = duel.hello().unwrap();
    let copied = duel.sent.broadcast.clone();
    let mut opening = duel.dealer.round2();
    opening.broadcast = copied;

    assert_eq!(duel.receive(opening).err(), Some(Abort::Cheat(party(DEALER))));
}

#[test]
fn a_copied_commitment_opening_proof_and_share_are_a_cheat_in_2_of_3() {
    let story = KeygenStory::new("a copy among three", 2, 3);
    let [copied, copier, honest] = [1, 2, 3].map(party);
    let ends = story.run(&mut |round, bodies| {
        if round < 3 {
            let broadcast = body(bodies, copied, honest, Broadcast).to_vec();
            for to in [copied, honest] {
                edit(bodies, copier, to, Broadcast, |body| body.clone_from(&broadcast));
            }
        }
        if round == 2 {
            let private = body(bodies, copied, honest, Private).to_vec();
            edit(bodies, copier, honest, Private, |body| *body = private);
        }
    });

    for member in [copied, honest] {
        assert_eq!(ends[&member].refusal(), in_round_2(Abort::Cheat(copier)));
    }
}

#[test]
fn a_copied_proof_proves_nothing_for_another_party_even_of_the_same_coefficients() {
    for copied in [false, true] {
        let name = "a copied proof";
        let mut duel = KeygenDuel::start(name, 1);
        // More than an attacker can know: the victim's polynomial, before the victim opens it.
        let draws = KeygenDraws::from(&mut generator(name, party(1)), 2, 1);
        duel.dealer.points = draws.points();
        duel.dealer.coefficients = draws.coefficients;
        let mut duel = duel.hello().unwrap();
        if copied {
            let first = layout::keygen(2)[1].field("A", 0).offset;
            duel.dealer.proofs = Some(duel.sent.broadcast[first..].to_vec());
        }

        let end = duel.open().err();

        // The index in the challenge is all that stops it: with proofs of its own the dealer gets on.
        let expected = if copied { in_round_2(Abort::Cheat(party(DEALER))) } else { None };
        assert_eq!(end, expected);
    }
}

#[test]
fn a_base_ot_request_that_makes_a_senders_point_the_identity_is_malformed() {
    for side in [0, 1] {
        let mut duel = KeygenDuel::start("an identity", 1).hello().unwrap();
        let sid_ot = ot_session(&duel.dealer.sid, party(DEALER), party(1));
        let mut requests = duel.dealer.requests();
        let [idx, c] = [5, u8::try_from(side).unwrap()];
        let mask = hash_point(&sid_ot, idx.into(), c, &requests[usize::from(idx)][1 - side]);
        requests[usize::from(idx)][side] = (-mask).to_affine();
        duel.dealer.requests = Some(requests);

        assert_eq!(duel.open().err(), in_round_2(Abort::Malformed(party(DEALER))), "side {side}");
    }
}

#[test]
fn bad_base_ot_pads_pass_exactly_if_every_choice_bit_there_is_zero_and_then_leave_no_trace() {
    let mut passed = 0;
    for attempt in 0..16u8 {
        let name = "bad pads";
        let rng = ChaCha20Rng::from_seed(named(&format!("{name}, victim {attempt}")));
        let draws = KeygenDraws::from(&mut rng.clone(), 2, 1);
        let mut duel = KeygenDuel::with_rng(name, 1, rng);
        // One bad pad at each level in turn, then two in different trees.
        let idx = usize::from(attempt);
        duel.dealer.bad_pads = if attempt < 12 { vec![9 * idx] } else { vec![idx, 127 - idx] };
        let chosen = |idx: &usize| draws.choices[idx / 8] >> (idx % 8) & 1 == 1;
        let any_is_chosen = duel.dealer.bad_pads.iter().any(chosen);

        let end = duel.finish();

        if any_is_chosen {
            let expected = Refusal::new(3, Abort::SetupCheat(party(DEALER)));
            assert_eq!(end.err(), Some(expected), "attempt {attempt}");
        } else {
            let (share, stolen) = end.unwrap();
            Duel::start("after bad pads", &share, stolen).finish().unwrap();
            passed += 1;
        }
    }
    assert!((1..16).contains(&passed));
}

#[test]
fn a_share_of_zero_for_a_party_is_dealt_like_any_other() {
    let mut duel = KeygenDuel::start("a share of zero", 1);
    let slope = Scalar::from_u128(11);
    duel.dealer.coefficients = vec![-slope, slope];
    duel.dealer.points = [-slope, slope].iter().map(times_generator).collect();
    assert_eq!(duel.dealer.share_for(party(1)), Scalar::ZERO);

    let (share, stolen) = duel.finish().unwrap();

    Duel::start("after a share of zero", &share, stolen).finish().unwrap();
}
