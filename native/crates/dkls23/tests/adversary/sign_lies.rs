//! Lies in signing that no changed byte can tell: inputs, key shares, nonces and sums that are wrong in themselves.

use std::sync::Arc;

use dkls23::{Abort, KeyShare};
use k256::{ProjectivePoint, Scalar};

use crate::attacker::{MESSAGE2_BYTES, encode, is_chosen, point64, scalar, ser64, times_generator};
use crate::committee::{Each, party};
use crate::duel::{Duel, SignDraws};
use crate::layout;
use crate::router::Channel::{Broadcast, Private};
use crate::router::{Adversary, Body, End, Refusal, body, edit, nobody};
use crate::stolen::Stolen;
use crate::story::{Signing, THREE_OF_FIVE, TWO_OF_THREE, named, pair_signs};

const QUORUM: [u8; 3] = [1, 2, 3];

fn duel(name: &str) -> Duel {
    Duel::start(name, &TWO_OF_THREE.share(1), Stolen::of(&TWO_OF_THREE.share(2)))
}

/// How the session ends for the victim if the attacker puts `inputs(j, honest)` into row j.
fn with_inputs(name: &str, inputs: impl Fn(usize, [Scalar; 3]) -> [Scalar; 3]) -> Option<Refusal> {
    let mut duel = duel(name);
    let hello = duel.attacker.round1();
    let answer = duel.attacker.round2_with(&duel.sent, inputs);
    duel.receive(hello).unwrap().answer(answer).err()
}

fn in_round_2(abort: Abort) -> Option<Refusal> {
    Some(Refusal::new(2, abort))
}

#[test]
fn a_signer_written_from_the_specification_signs_with_the_engine() {
    for (victim, attacker) in [(1, 2), (2, 1), (3, 1)] {
        let stolen = Stolen::of(&TWO_OF_THREE.share(attacker));
        let duel = Duel::start("two implementations", &TWO_OF_THREE.share(victim), stolen);

        let [theirs, engines] = duel.finish().unwrap();

        assert_eq!(theirs, engines);
    }
}

#[test]
fn an_input_that_differs_in_one_row_is_caught_exactly_if_that_rows_choice_bit_is_1() {
    let mut seen = Vec::new();
    for row in 1..13 {
        let name = format!("another input in row {row}");
        let end = with_inputs(&name, |j, mut inputs| {
            inputs[row % 3] += Scalar::from(u64::from(j == row));
            inputs
        });

        let chosen = is_chosen(&SignDraws::of(&name, party(1)).x, row);
        let expected = if chosen { in_round_2(Abort::Cheat(party(2))) } else { None };
        assert_eq!(end, expected, "row {row}");
        seen.push(chosen);
    }
    assert!(seen.contains(&true) && seen.contains(&false));
}

#[test]
fn inputs_that_differ_from_row_to_row_are_a_cheat() {
    let end = with_inputs("another input in every row", |j, mut inputs| {
        inputs[0] += Scalar::from(u32::try_from(j).unwrap());
        inputs
    });

    assert_eq!(end, in_round_2(Abort::Cheat(party(2))));
}

#[test]
fn a_nonce_other_than_the_committed_one_throughout_the_vole_is_a_cheat() {
    let end = with_inputs("another nonce", |_, [r, sk, check]| [r + Scalar::ONE, sk, check]);

    assert_eq!(end, in_round_2(Abort::Cheat(party(2))));
}

#[test]
fn a_key_share_other_than_the_public_one_throughout_the_vole_is_a_cheat() {
    let end = with_inputs("another key share", |_, [r, sk, check]| [r, sk + Scalar::ONE, check]);

    assert_eq!(end, in_round_2(Abort::Cheat(party(2))));
}

#[test]
fn errors_that_would_cancel_under_another_weight_of_the_joined_check_are_a_cheat() {
    let [gamma_u, gamma_v] = ["Gamma^u", "Gamma^v"].map(|name| layout::sign(1)[2].field(name, 0));
    let shift = ProjectivePoint::from(times_generator(&Scalar::from(7u32)));
    let cheat = in_round_2(Abort::Cheat(party(2)));
    for position in 0..6 {
        let mut duel = duel("errors in both points");
        let hello = duel.attacker.round1();
        let mut answer = duel.attacker.round2(&duel.sent);
        let weight = duel.attacker.weights(&answer)[position];
        for (field, error) in [(gamma_u, shift * weight), (gamma_v, -shift)] {
            let moved = (error + point64(&answer.private[field.range()])).to_affine();
            *answer.private = field.replaced(&answer.private, &ser64(&moved));
        }
        let end = duel.receive(hello).unwrap().answer(answer).err();
        assert_eq!(end, cheat, "points, weight {position}");
    }
    for position in 0..6 {
        let mut duel = duel("errors in both inputs");
        let hello = duel.attacker.round1();
        let honest = duel.attacker.round2(&duel.sent);
        let weight = duel.attacker.weights(&honest)[position];
        let inputs = |_, [r, sk, check]: [Scalar; 3]| [r - weight, sk + Scalar::ONE, check];
        let answer = duel.attacker.round2_with(&duel.sent, inputs);
        // Everything but the matrix is what it was.
        assert_eq!(answer.private[32 + MESSAGE2_BYTES..], honest.private[32 + MESSAGE2_BYTES..]);
        let end = duel.receive(hello).unwrap().answer(answer).err();
        assert_eq!(end, cheat, "inputs, weight {position}");
    }
}

#[test]
fn a_key_share_that_is_wrong_everywhere_alike_is_unattributed_and_means_the_only_other_signer() {
    let mut duel = duel("a wrong key share");
    duel.attacker.key_error = Scalar::ONE;

    let (duel, answer) = duel.request().unwrap();

    let end = duel.answer(answer).err();
    assert_eq!(end, in_round_2(Abort::Unattributed(Some(party(2)))));
}

#[test]
fn a_copied_nonce_commitment_opens_for_nobody_else_even_with_everything_behind_it_known() {
    for copied in [false, true] {
        let name = "a copied commitment";
        let mut duel = duel(name);
        // More than an attacker can know: the victim's nonce share itself.
        let SignDraws { nonce, r, salt, .. } = SignDraws::of(name, party(1));
        (duel.attacker.nonce, duel.attacker.r, duel.attacker.salt) = (nonce, r, salt);
        if copied {
            duel.attacker.com = Some(duel.sent.broadcast[64..].try_into().unwrap());
        }

        let (duel, answer) = duel.request().unwrap();

        // The index in the commitment is all that stops it: under a commitment of its own the same R is fine.
        let expected = if copied { in_round_2(Abort::Cheat(party(2))) } else { None };
        assert_eq!(duel.answer(answer).err(), expected);
    }
}

fn run_3_of_5(
    name: &str,
    shares: &Each<Arc<KeyShare>>,
    adversary: Adversary<'_>,
) -> Each<End<Vec<dkls23::sign::Signature>>> {
    Signing::new(name, &QUORUM).run(shares, adversary)
}

/// Moves the point of party `from` by `shift` in its answer to party 1.
fn shift_point(bodies: &mut [Body], from: u8, name: &str, shift: ProjectivePoint) {
    let field = layout::sign(1)[2].field(name, 0);
    edit(bodies, party(from), party(1), Private, |body| {
        let moved = (shift + point64(&body[field.range()])).to_affine();
        *body = field.replaced(body, &ser64(&moved));
    });
}

#[test]
fn two_colluders_whose_wrong_key_shares_add_up_are_caught_and_the_first_is_named() {
    for name in ["pk", "R", "Gamma^u", "Gamma^v"] {
        let shares = THREE_OF_FIVE.shares();
        let shift = ProjectivePoint::from(times_generator(&Scalar::from(7u32)));
        let ends = run_3_of_5("two colluders", &shares, &mut |round, bodies| {
            if round == 2 {
                shift_point(bodies, 2, name, shift);
                shift_point(bodies, 3, name, -shift);
            }
        });

        assert_eq!(ends[&party(1)].refusal(), in_round_2(Abort::Cheat(party(2))), "{name}");
    }
}

#[test]
fn a_wrong_zero_share_among_three_signers_is_nobodys_in_particular_and_poisons_nothing() {
    let mut shares = THREE_OF_FIVE.shares();
    let mut stolen = Stolen::of(&shares[&party(3)]);
    stolen.peers.get_mut(&party(1)).unwrap().zero_seed[0] ^= 1;
    shares.insert(party(3), stolen.share());

    let ends = run_3_of_5("a wrong zero share", &shares, &mut nobody);

    for member in QUORUM.map(party) {
        assert_eq!(ends[&member].refusal(), in_round_2(Abort::Unattributed(None)));
    }
    assert!(Signing::new("the others", &[1, 2, 4]).succeeds(&shares));
}

/// A rushing party 2 sends, in round 3, minus the sum of everybody else's values of this field.
fn cancelling(bodies: &mut [Body], signers: &[u8], name: &str) {
    let field = layout::sign(1)[3].field(name, 0);
    let mut sum = Scalar::ZERO;
    for &from in signers.iter().filter(|from| **from != 2) {
        let to = party(2);
        sum += scalar(&body(bodies, party(from), to, Broadcast)[field.range()]);
    }
    for &to in signers.iter().filter(|to| **to != 2) {
        edit(bodies, party(2), party(to), Broadcast, |body| {
            *body = field.replaced(body, &encode(&-sum));
        });
    }
}

#[test]
fn a_rushing_party_that_makes_a_sum_zero_gets_no_signature_released() {
    for name in ["u sum", "w"] {
        let shares = TWO_OF_THREE.shares();
        let signing = Signing::new("a rushing party of two", &[1, 2]);
        let ends = signing.run(&shares, &mut |round, bodies| {
            if round == 3 {
                cancelling(bodies, &[1, 2], name);
            }
        });
        let expected = Refusal::new(3, Abort::Unattributed(Some(party(2))));
        assert_eq!(ends[&party(1)].refusal(), Some(expected), "{name}");
        assert!(pair_signs(&shares[&party(1)], &shares[&party(2)]));

        let ends = run_3_of_5("a rushing party", &THREE_OF_FIVE.shares(), &mut |round, bodies| {
            if round == 3 {
                cancelling(bodies, &QUORUM, name);
            }
        });
        for member in [1, 3].map(party) {
            let expected = Refusal::new(3, Abort::Unattributed(None));
            assert_eq!(ends[&member].refusal(), Some(expected), "{name}");
        }
    }
}

#[test]
fn a_wrong_psi_among_three_signers_is_unattributed_and_names_nobody() {
    let field = layout::sign(1)[2].field("psi", 0);
    let ends = run_3_of_5("a wrong psi", &THREE_OF_FIVE.shares(), &mut |round, bodies| {
        if round == 2 {
            edit(bodies, party(2), party(1), Private, |body| {
                *body = field.replaced(body, &encode(&Scalar::ONE));
            });
        }
    });

    for member in QUORUM.map(party) {
        let expected = Refusal::new(3, Abort::Unattributed(None));
        assert_eq!(ends[&member].refusal(), Some(expected));
    }
}

#[test]
fn a_cheat_stops_every_running_session_with_the_cheater_and_none_with_others() {
    let shares = TWO_OF_THREE.shares();
    let victim = &shares[&party(1)];
    let running = Signing::new("already running", &[1, 2]).start(victim).unwrap().0;
    let with_third = Signing::new("with the third", &[1, 3]).start(victim).unwrap().0;

    let field = layout::sign(1)[2].field("mu", 0);
    let ends = Signing::new("a cheat", &[1, 2]).run(&shares, &mut |round, bodies| {
        if round == 2 {
            edit(bodies, party(2), party(1), Private, |body| {
                *body = field.replaced(body, &named("not mu"));
            });
        }
    });

    assert_eq!(ends[&party(1)].refusal(), in_round_2(Abort::Cheat(party(2))));
    assert_eq!(running.release(), Err(Abort::Cheat(party(2))));
    assert_eq!(with_third.release(), Ok(()));
    assert!(pair_signs(victim, &shares[&party(2)]));
}
