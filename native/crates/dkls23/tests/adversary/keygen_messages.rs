//! Every field of every message of key generation, times every mutation; and whole bodies.

use crate::dealing_table::Table;
use crate::story::KeygenStory;

#[test]
fn a_changed_field_in_rounds_1_and_2_of_key_generation_is_refused_or_leaves_the_pair_unusable() {
    Table::keygen(KeygenStory::new("fields of key generation", 2, 3)).run(&[1, 2], usize::MAX);
}

#[test]
fn a_changed_field_in_round_3_of_key_generation_is_refused_or_leaves_the_pair_unusable() {
    Table::keygen(KeygenStory::new("fields of round 3", 2, 2)).run(&[3], usize::MAX);
}

#[test]
fn a_flipped_bit_in_round_3_leaves_the_other_pairs_of_three_parties_usable() {
    Table::keygen(KeygenStory::new("bits of round 3", 2, 3)).run(&[3], 1);
}

#[test]
fn a_changed_body_of_key_generation_is_refused() {
    for parties in [2, 3] {
        Table::keygen(KeygenStory::new("bodies of key generation", 2, parties)).run_bodies();
    }
}
