//! What the simulator shows: the invariants hold in every seed, the seeds reach what they are for, and a planted bug
//! does not get through.

use simulator::{Coverage, Mutant, Pool, run};

const SEEDS: u64 = 10_000;
/// A planted bug must show within these.
const SEEDS_OF_A_MUTANT: u64 = 3_000;

/// What 10,000 seeds must have met, and how often.
const REACHED: [(&str, &[&str], u64); 13] = [
    ("intent", &CRASHES, 100),
    ("intent", &["half sent"], 50),
    ("prepare", &CRASHES, 50),
    ("prepare", &["half sent"], 20),
    ("acknowledge", &CRASHES, 20),
    ("acknowledge", &["half sent"], 10),
    ("certify", &CRASHES, 20),
    ("certify", &["half sent"], 10),
    ("abandon", &CRASHES, 10),
    ("abandon", &["at start", "at start, not on disk"], 50),
    ("poison", &CRASHES, 50),
    ("message", &["lost", "delayed", "duplicated", "reordered", "to nobody"], 1_000),
    ("process", &["killed", "restarted", "rolled back", "rolled back, a member again"], 20),
];
const CRASHES: [&str; 4] = ["planned", "on disk, not noted", "noted, not sent", "sent"];
const ALSO_REACHED: [(&str, &[&str], u64); 7] = [
    ("attempt", &["refresh", "recovery of the agent", "recovery of the user"], 1_000),
    ("attempt", &["recovery of the guardian"], 1_000),
    ("abandoned", &["with shares", "without shares", "after acknowledging"], 200),
    ("certified", &["in a session", "by another"], 1_000),
    ("end", &["refreshed", "recovered"], 1_000),
    ("hostile", &HOSTILE, 100),
    ("refused", &REFUSED, 5),
];
const HOSTILE: [&str; 9] = [
    "acknowledges anything",
    "confirms anything",
    "equivocates",
    "forges a certificate",
    "forges an acknowledgement",
    "names its second device",
    "proposes a number",
    "replays",
    "withholds",
];
const REFUSED: [&str; 8] = [
    "another transcript",
    "by the store",
    "forged acknowledgement",
    "from a replaced key",
    "number or base",
    "overtaken before it is prepared",
    "to acknowledge",
    "unauthorized",
];

#[test]
fn ten_thousand_seeds_hold_every_invariant_and_reach_every_state() {
    let (pool, mut coverage) = (Pool::default(), Coverage::new());
    for seed in 0..SEEDS {
        match run(&pool, seed, None) {
            Ok(of_seed) => {
                of_seed.into_iter().for_each(|(what, n)| *coverage.entry(what).or_default() += n);
            }
            Err(failure) => {
                panic!("{}\nseed {seed}: {:?}", failure.trace.join("\n"), failure.violation)
            }
        }
    }
    for (what, hows, least) in REACHED.into_iter().chain(ALSO_REACHED) {
        for how in hows {
            let count = coverage.iter().find(|(key, _)| **key == (what, how)).map_or(0, |it| *it.1);
            assert!(count >= least, "{what}: {how} was met {count} times, not {least}");
        }
    }
}

#[test]
fn a_seed_replays_exactly() {
    let mutant = Some(Mutant::EraseOnTwoAcknowledgements);
    let first = first_failure(mutant).expect("found");
    let again = run(&Pool::default(), first.seed, mutant).expect_err("it replays");

    assert!(first.trace.len() > 10);
    assert_eq!(first.trace, again.trace);
}

fn first_failure(mutant: Option<Mutant>) -> Option<Box<simulator::Failure>> {
    let pool = Pool::default();
    (0..SEEDS_OF_A_MUTANT).find_map(|seed| run(&pool, seed, mutant).err())
}

fn finds(mutant: Mutant, invariants: &[&str]) {
    let failure = first_failure(Some(mutant)).expect("a planted bug is found");
    let found = failure.violation.invariant;
    assert!(invariants.contains(&found), "{found}: {}", failure.violation.detail);
}

const ERASED: &str = "nothing goes before a certificate above it";
const ON_DISK: &str = "what was acknowledged is on disk";

#[test]
fn erasing_on_two_acknowledgements_is_found() {
    finds(Mutant::EraseOnTwoAcknowledgements, &[ERASED]);
}

#[test]
fn erasing_before_the_certificate_is_on_disk_is_found() {
    finds(Mutant::EraseBeforeCertificate, &[ERASED]);
}

#[test]
fn dropping_an_attempt_after_acknowledging_it_is_found() {
    finds(Mutant::DropAcknowledged, &[ERASED, ON_DISK]);
}

#[test]
fn acknowledging_before_the_shares_are_on_disk_is_found() {
    finds(Mutant::AcknowledgeBeforePrepare, &[ON_DISK]);
}

#[test]
fn forgetting_in_a_crash_what_was_acknowledged_is_found() {
    finds(Mutant::ForgetAcknowledged, &[ON_DISK]);
}

#[test]
fn taking_a_number_twice_is_found() {
    finds(Mutant::ForgetNumber, &["a number is taken once"]);
}

#[test]
fn forgetting_replaced_keys_in_a_crash_is_found() {
    finds(Mutant::ForgetReplaced, &["a replaced key never works again"]);
}

#[test]
fn believing_a_certificate_without_its_signatures_is_found() {
    finds(Mutant::BelieveCertificate, &[ERASED]);
}

#[test]
fn reporting_a_poisoning_before_it_is_on_disk_is_found() {
    finds(Mutant::ReportBeforePoison, &["a poisoning is stored before it is reported"]);
}
