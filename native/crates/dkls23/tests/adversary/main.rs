//! Attacks on the engine: whoever deviates is caught as the specification says, learns nothing and leaves the others able to sign.
//!
//! Rounds are the real ones, between parties that meet only through bytes. `router` delivers them past an adversary
//! that sees a round's bodies before they arrive; `attacker` (signing) and `dealer` (key generation) are parties written
//! from the specification alone, for lies that no changed byte can tell. A name fixes every seed of a story.
//!
//! The numbers are those of section G of the specification. What follows belongs elsewhere: G6, G7 (presignatures),
//! G23 and G25 (activation of an epoch, rollback of a store), the envelope's part of G11 and G26, the stores' part of G1, G20 and G29
//! (what survives a crash, how often a setup may be repeated), G32 (no Paillier here) and G33 (the kinds of keys).
//!
//! | attack | tests |
//! |---|---|
//! | every field of every message | `keygen_messages::*`, `reshare_messages::*`, `sign_messages::*`, `bodies::*`, `keygen_lies::a_share_of_zero_for_a_party_is_dealt_like_any_other` |
//! | G1 selective failure | `selective_failure::a_flipped_row_with_its_check_computed_again_passes_once_in_16_fresh_setups_and_else_poisons`, `selective_failure::a_wrong_guess_poisons_the_pair_for_good_and_no_other` |
//! | G2 guessed right | `selective_failure::a_right_guess_passes_and_signs_and_cannot_be_told_from_honesty` |
//! | G3 inconsistent inputs | `sign_lies::an_input_that_differs_in_one_row_is_caught_exactly_if_that_rows_choice_bit_is_1`, `sign_lies::inputs_that_differ_from_row_to_row_are_a_cheat` |
//! | G4 wrong Γ, ψ, pk, R | `sign_lies::a_nonce_other_than_the_committed_one_throughout_the_vole_is_a_cheat`, `sign_lies::a_key_share_other_than_the_public_one_throughout_the_vole_is_a_cheat`, `sign_lies::errors_that_would_cancel_under_another_weight_of_the_joined_check_are_a_cheat`, `sign_lies::a_key_share_that_is_wrong_everywhere_alike_is_unattributed_and_means_the_only_other_signer`, `sign_lies::two_colluders_whose_wrong_key_shares_add_up_are_caught_and_the_first_is_named`, `sign_lies::a_wrong_zero_share_among_three_signers_is_nobodys_in_particular_and_poisons_nothing`, `sign_lies::a_wrong_psi_among_three_signers_is_unattributed_and_names_nobody` |
//! | G5 sums made zero | `sign_lies::a_rushing_party_that_makes_a_sum_zero_gets_no_signature_released` |
//! | G8 repeated session, generator, snapshot | `repetition::a_repeated_session_id_with_fresh_randomness_repeats_no_output_of_the_extension`, `repetition::a_frozen_generator_repeats_the_whole_first_round_of_a_repeated_session_id`, `repetition::a_repeated_nonce_in_a_repeated_session_shows_the_difference_of_the_choice_bits`, `repetition::a_snapshot_resumed_inside_a_session_gives_the_key_and_a_session_begun_anew_does_not` |
//! | G9 replay | `replay::every_message_of_another_place_is_refused_in_key_generation_without_a_cheat`, `replay::every_message_of_another_place_is_refused_in_signing_without_a_cheat_or_poison` |
//! | G10 equivocation | `equivocation::*` |
//! | G11, G26 framing, wrong sender or recipient | `replay::a_missing_unknown_or_reflected_sender_is_config_in_every_round`, `replay::a_body_under_another_name_or_for_another_party_yields_nothing_but_can_be_blamed_on_its_sender` |
//! | G12 lengths of vectors | `keygen_lies::a_polynomial_of_another_length_is_malformed_although_commitment_proofs_and_share_fit`, `keygen_lies::a_vector_of_proofs_of_another_length_is_malformed` |
//! | G13 rogue key | `keygen_lies::a_rogue_key_chosen_after_the_others_opened_does_not_open_the_commitment`, `keygen_lies::a_polynomial_chosen_after_the_others_opened_does_not_open_the_commitment_although_it_is_proved`, `keygen_lies::a_key_without_a_known_logarithm_has_no_proof_even_if_it_was_committed_to` |
//! | G14 copies | `keygen_lies::a_copied_commitment_opening_and_proof_are_a_cheat_in_2_of_2`, `keygen_lies::a_copied_commitment_opening_proof_and_share_are_a_cheat_in_2_of_3`, `keygen_lies::a_copied_proof_proves_nothing_for_another_party_even_of_the_same_coefficients`, `keygen_lies::proofs_exchanged_between_two_coefficients_are_a_cheat`, `sign_lies::a_copied_nonce_commitment_opens_for_nobody_else_even_with_everything_behind_it_known` |
//! | G15 indices | `setups::zero_is_no_index_and_every_other_byte_is_one_index`, `setups::a_party_beyond_the_committee_cannot_start_key_generation`, `setups::a_quorum_is_exactly_threshold_members_ascending_with_oneself_or_nothing_leaves` |
//! | G16 encodings of points | `keygen_messages::*`, `sign_messages::*`, `keygen_lies::a_base_ot_request_that_makes_a_senders_point_the_identity_is_malformed` |
//! | G17 base OT | `base_ot::the_hash_to_curve_of_a_request_is_rfc_9380s_and_no_known_multiple_of_the_generator`, `base_ot::a_receiver_that_takes_the_hash_for_a_multiple_of_the_generator_does_not_get_the_other_pad`, `base_ot::one_request_repeated_in_all_base_ots_gives_different_pads_and_opens_only_its_own` |
//! | G18 choice bits | `base_ot::no_two_ordered_pairs_share_a_delta_or_a_choice_bit_pattern`, `base_ot::every_peer_gets_choice_bits_and_scalars_of_its_own_from_the_generator` |
//! | G19 indices in hashes | `repetition::both_vole_messages_are_byte_for_byte_the_specifications`, `sign_lies::a_signer_written_from_the_specification_signs_with_the_engine`, `keygen_lies::a_dealer_written_from_the_specification_makes_a_key_with_the_engine_and_signs_with_it` |
//! | G20 PPRF | `keygen_messages::a_changed_field_in_round_3_of_key_generation_is_refused_or_leaves_the_pair_unusable`, `keygen_lies::bad_base_ot_pads_pass_exactly_if_every_choice_bit_there_is_zero_and_then_leave_no_trace` |
//! | G21 chain code, epoch | `equivocation::two_chain_code_shares_each_well_committed_to_are_equivocation_in_round_2`, `setups::shares_of_one_key_in_two_epochs_do_not_sign_together_and_accuse_nobody`, `setups::the_epoch_alone_makes_two_contexts_even_if_the_oblivious_transfers_are_the_same`, `setups::an_oblivious_transfer_setup_of_another_epoch_is_config_before_it_is_used`, `reshare_lies::no_share_of_an_old_epoch_signs_with_one_of_a_new_epoch_and_nobody_is_accused`, `reshare_lies::the_key_is_in_two_shares_of_one_epoch_and_in_no_mixture_of_two` |
//! | G22 derivation | `setups::a_path_has_at_most_255_indices_and_none_is_hardened`, `setups::the_deepest_child_key_signs`, `setups::a_child_private_key_with_the_public_tweak_is_the_root_private_key` |
//! | G24 lies in a reshare | `reshare_lies::*`, `replay::every_message_of_another_place_is_refused_in_a_refresh_without_a_cheat` |
//! | G27, G28 encodings, lengths | `bodies::a_body_of_any_other_length_is_malformed_however_long_it_is`, `bodies::random_bytes_in_key_generation_never_panic_and_never_change_the_key`, `bodies::random_bytes_in_signing_never_panic_and_never_yield_a_signature` |
//! | G29 concurrency | `verdict_gate::*`, `sign_lies::a_cheat_stops_every_running_session_with_the_cheater_and_none_with_others` |
//! | G30 low s, recovery id | `signatures::released_signatures_are_low_agree_between_the_signers_and_recover_the_derived_key` |
//! | G31 quorum, differing settings | `setups::*` |
//! | G34 session id of zeros | `setups::key_generation_needs_2_to_16_parties_a_threshold_among_them_a_key_id_and_a_session_id`, `setups::a_session_signs_1_to_64_items_and_has_an_id` |
//! | G35 leaks | `leakage::*` |
//! | G36 repetition in a batch | `batch::*` |

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod attacker;
mod base_ot;
mod batch;
mod bodies;
#[allow(dead_code, reason = "every test program uses some of it")]
#[path = "../support/committee.rs"]
mod committee;
mod dealer;
mod dealing_table;
mod duel;
mod equivocation;
mod keygen_lies;
mod keygen_messages;
mod layout;
mod leakage;
mod mutation;
mod repetition;
mod replay;
mod reshare_lies;
mod reshare_messages;
mod router;
mod selective_failure;
mod setups;
mod sign_lies;
mod sign_messages;
mod signatures;
mod stolen;
mod story;
mod verdict_gate;
