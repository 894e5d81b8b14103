//! Every field of every message of refresh and recovery, times every mutation; and whole bodies.

use crate::dealing_table::Table;
use crate::story::{ReshareStory, TWO_OF_THREE, TWO_OF_TWO};

/// Parties 1 and 2 deal, party 3 is new.
fn recovery() -> ReshareStory {
    ReshareStory::recover("fields of a recovery", TWO_OF_THREE.shares_without(3), &[1, 2])
}

#[test]
fn a_changed_field_in_rounds_1_and_2_of_a_refresh_is_refused_or_leaves_the_pair_unusable() {
    let story = ReshareStory::refresh("fields of a refresh", TWO_OF_TWO.shares());
    Table::reshare(story, [1, 2, 1]).run(&[1, 2], usize::MAX);
}

#[test]
fn a_flipped_bit_in_round_3_of_a_refresh_is_refused_or_leaves_the_pair_unusable() {
    let story = ReshareStory::refresh("bits of a refresh", TWO_OF_TWO.shares());
    Table::reshare(story, [1, 2, 1]).run(&[3], 1);
}

#[test]
fn a_changed_field_of_a_dealer_is_refused_by_another_dealer_in_a_recovery() {
    Table::reshare(recovery(), [1, 2, 3]).run(&[1, 2], 1);
}

#[test]
fn a_changed_field_of_a_dealer_is_refused_by_the_newcomer() {
    Table::reshare(recovery(), [3, 2, 1]).run(&[1, 2], 2);
}

#[test]
fn a_changed_field_of_the_newcomer_is_refused_by_a_dealer() {
    Table::reshare(recovery(), [1, 3, 2]).run(&[1, 2], 2);
}

#[test]
fn a_changed_body_of_a_refresh_is_refused() {
    let of_two = ReshareStory::refresh("bodies of a refresh", TWO_OF_TWO.shares());
    Table::reshare(of_two, [1, 2, 1]).run_bodies();
    let of_three = ReshareStory::refresh("bodies of a refresh", TWO_OF_THREE.shares());
    Table::reshare(of_three, [1, 2, 3]).run_bodies();
}
