//! Every fuzz target for a moment, in the ordinary tests: its seeds, and mutations of them from a fixed stream.

use fuzz_targets::{TARGETS, Target, mutate};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn smoke(name: &str) {
    let Target { run, seeds, smoke_runs, .. } =
        TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds();
    let mut rng = ChaCha20Rng::seed_from_u64(1);

    seeds.iter().for_each(|seed| run(seed));
    for number in 0..*smoke_runs {
        let input = mutate(&seeds, &mut rng);
        let failed = std::panic::catch_unwind(|| run(&input)).is_err();
        assert!(!failed, "{name}, input {number}: {input:02x?}");
    }
}

macro_rules! smoke {
    ($($test:ident: $target:literal;)*) => {
        $(#[test] fn $test() { smoke($target) })*

        #[test]
        fn every_target_is_run_here() {
            let run = [$($target),*];
            let all = TARGETS.map(|target| target.name);
            assert_eq!(run, all);
        }
    };
}

smoke! {
    any_card_is_read_or_refused: "card";
    any_descriptor_is_read_or_refused: "descriptor";
    any_envelope_is_read_or_refused: "envelope";
    any_epoch_is_read_or_refused: "epoch";
    any_stored_share_is_read_or_refused: "share";
    any_header_record_or_backup_but_the_true_one_is_refused: "vault";
    any_words_but_the_true_ones_give_nothing: "words";
    any_payload_is_read_as_itself_or_refused: "payload";
    any_calldata_is_read_as_itself_and_hides_no_value: "calldata";
    any_typed_data_is_read_as_another_reader_does_or_refused: "typed_data";
    any_request_is_read_as_itself_or_refused: "request";
    any_opening_but_the_honest_one_is_refused: "opening";
    any_verdict_is_read_as_itself_or_refused: "verdict";
    any_record_of_a_recovery_is_read_as_itself_or_refused: "record";
    no_recovery_goes_ahead_without_the_required_yes: "recovery";
    any_statement_of_a_person_is_read_as_itself_or_refused: "statement";
    no_assertion_but_a_verified_persons_verifies: "assertion";
    any_record_of_decisions_is_read_as_itself_or_refused: "decisions";
    any_records_of_a_ledger_are_read_or_refused: "spending";
    no_events_at_a_key_generation_blame_an_honest_party_or_make_another_wallet: "key_generation";
    no_bodies_at_a_reshare_blame_an_honest_party_or_make_another_epoch: "reshare";
    no_events_at_a_signing_session_blame_an_honest_party_or_make_another_signature: "signing";
}
