//! The selective failure of the OT extension: a message 1 that passes exactly if the victim's hole in one tree was guessed.

use std::sync::Arc;

use dkls23::Abort;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::attacker::Row;
use crate::committee::party;
use crate::duel::Duel;
use crate::router::Refusal;
use crate::stolen::{Stolen, deal_setup};
use crate::story::{Signing, TWO_OF_THREE, named, pair_signs};

/// An error in one column of u.
fn error_in(column: usize) -> Row {
    let mut error = [0; 68];
    error[column / 8] = 1 << (column % 8);
    error
}

#[test]
fn a_flipped_row_with_its_check_computed_again_passes_once_in_16_fresh_setups_and_else_poisons() {
    let mut rng = ChaCha20Rng::from_seed(named("fresh setups"));
    let mut victim = Stolen::of(&TWO_OF_THREE.share(1));
    let mut attacker = Stolen::of(&TWO_OF_THREE.share(2));
    let mut passed = 0;
    for setup in 0..256 {
        deal_setup(&mut attacker, &mut victim, &mut rng);
        let tree = setup % 32;
        let share = victim.share();
        let mut duel = Duel::start(&format!("fresh setup {setup}"), &share, attacker.clone());
        // t̃ as it was: the guess is that the hole is 0.
        duel.attacker.guess = Some((tree, error_in(setup), 0));

        let end = duel.request().err();

        if victim.state(party(2)).hole(tree) == 0 {
            passed += 1;
            assert_eq!(end, None);
        } else {
            assert_eq!(end, Some(Refusal::new(1, Abort::OtPoisoned(party(2)))));
        }
        assert_eq!(share.pair(party(2)).unwrap().is_poisoned(), end.is_some());
    }
    // 16 expected; these bounds are three standard deviations wide.
    assert!((5..=27).contains(&passed), "{passed} of 256");
}

#[test]
fn a_right_guess_passes_and_signs_and_cannot_be_told_from_honesty() {
    let share = TWO_OF_THREE.share(1);
    let holes = Stolen::of(&share);
    for (tree, column) in [(0, 0), (7, 415), (19, 416), (31, 543)] {
        let stolen = Stolen::of(&TWO_OF_THREE.share(2));
        let mut duel = Duel::start(&format!("a right guess in tree {tree}"), &share, stolen);
        let guess = holes.state(party(2)).hole(tree);
        duel.attacker.guess = Some((tree, error_in(column), guess));

        let [theirs, engines] = duel.finish().unwrap();

        assert_eq!(theirs, engines);
    }
    assert!(!share.pair(party(2)).unwrap().is_poisoned());
    assert!(pair_signs(&share, &TWO_OF_THREE.share(2)));
}

#[test]
fn a_wrong_guess_poisons_the_pair_for_good_and_no_other() {
    let share = TWO_OF_THREE.share(1);
    let hole = Stolen::of(&share).state(party(2)).hole(11);
    let stolen = Stolen::of(&TWO_OF_THREE.share(2));
    let mut duel = Duel::start("a wrong guess", &share, stolen);
    duel.attacker.guess = Some((11, error_in(3), hole ^ 4));

    assert_eq!(duel.request().err(), Some(Refusal::new(1, Abort::OtPoisoned(party(2)))));

    let stored = Arc::new(dkls23::KeyShare::decode(&share.encode()).unwrap());
    for share in [&share, &stored] {
        let refused = Signing::new("after a wrong guess", &[1, 2]).start(share).err();
        assert_eq!(refused, Some(Abort::Config));
        assert!(pair_signs(share, &TWO_OF_THREE.share(3)));
    }
    assert!(Stolen::of(&share).peers[&party(2)].state.is_none());
}
