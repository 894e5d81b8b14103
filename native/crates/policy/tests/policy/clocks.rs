//! A survivor waits by its own clock, and says so when it cannot believe it.

use policy::{Clock, Decision, MAX_AHEAD_MS, MAX_BACK_MS, Refusal, Role, Verdict};

use crate::persons::{DAY_MS, EXPIRY_MS, HOUR_MS, NOW_MS, Person, Survivor, clock, replacing};

const DELAY_MS: u64 = 7 * DAY_MS;

/// A clock that runs well but whose wall time is off by so much.
fn ahead(after_ms: u64, by_ms: u64) -> Clock {
    Clock { wall_ms: clock(after_ms).wall_ms + by_ms, ..clock(after_ms) }
}

fn behind(after_ms: u64, by_ms: u64) -> Clock {
    Clock { wall_ms: clock(after_ms).wall_ms - by_ms, ..clock(after_ms) }
}

/// An honest wall clock in another run, whose monotonic clock began anew.
fn rebooted(after_ms: u64, run: u8, monotonic_ms: u64) -> Clock {
    Clock { monotonic_ms, run: [run; 16], ..clock(after_ms) }
}

fn survivor() -> Survivor {
    Survivor::asked_to_replace(Role::User)
}

#[test]
fn the_delay_is_over_at_its_last_millisecond() {
    let mut survivor = survivor();
    let waiting = Decision::Waiting { until_ms: NOW_MS + DELAY_MS };
    assert_eq!(survivor.decide(clock(DELAY_MS - 1)), waiting);
    assert_eq!(survivor.decide(clock(DELAY_MS)), Decision::Approved);
    assert_eq!(survivor.decide(clock(DELAY_MS + 1)), Decision::Approved);
}

#[test]
fn a_clock_that_falls_behind_by_more_than_a_minute_is_refused_until_confirmed() {
    for (by_ms, jumped) in [(MAX_BACK_MS - 1, false), (MAX_BACK_MS, false), (MAX_BACK_MS + 1, true)]
    {
        let mut survivor = survivor();
        let decision = survivor.decide(behind(2 * HOUR_MS, by_ms));
        assert_eq!(decision == Decision::ClockJumped, jumped, "{by_ms}");
        assert_eq!(survivor.decide(clock(3 * HOUR_MS)) == Decision::ClockJumped, jumped);

        survivor.confirm_clock(clock(3 * HOUR_MS));
        assert!(matches!(survivor.decide(clock(3 * HOUR_MS)), Decision::Waiting { .. }));
    }
}

#[test]
fn a_clock_that_runs_ahead_by_more_than_five_minutes_is_refused_until_confirmed() {
    for (by_ms, jumped) in [
        (MAX_AHEAD_MS - 1, false),
        (MAX_AHEAD_MS, false),
        (MAX_AHEAD_MS + 1, true),
        (DELAY_MS, true),
    ] {
        let mut survivor = survivor();
        let decision = survivor.decide(ahead(HOUR_MS, by_ms));
        assert_eq!(decision == Decision::ClockJumped, jumped, "{by_ms}");
        assert_eq!(survivor.decide(clock(2 * HOUR_MS)) == Decision::ClockJumped, jumped);
    }
}

#[test]
fn small_deviations_do_not_add_up_to_a_large_one() {
    let mut survivor = survivor();
    let decisions: Vec<_> =
        (1..=3).map(|step| survivor.decide(behind(step * HOUR_MS, step * 30_000))).collect();
    assert!(!decisions[..2].contains(&Decision::ClockJumped));
    assert_eq!(decisions[2], Decision::ClockJumped);

    let mut survivor = Survivor::asked_to_replace(Role::User);
    let decisions: Vec<_> =
        (1..=2).map(|step| survivor.decide(ahead(step * HOUR_MS, step * 200_000))).collect();
    assert_eq!(decisions[1], Decision::ClockJumped);
}

#[test]
fn a_monotonic_clock_that_goes_back_is_refused() {
    let mut survivor = survivor();
    survivor.decide(clock(HOUR_MS));
    let back = Clock { monotonic_ms: clock(HOUR_MS).monotonic_ms - 1, ..clock(HOUR_MS) };
    assert_eq!(survivor.decide(back), Decision::ClockJumped);
}

#[test]
fn a_jump_and_its_confirmation_are_not_waiting() {
    let mut survivor = survivor();
    survivor.decide(clock(DAY_MS));
    let jumped = ahead(DAY_MS, DELAY_MS);
    assert_eq!(survivor.decide(jumped), Decision::ClockJumped);
    survivor.confirm_clock(jumped);

    let left = DELAY_MS - DAY_MS;
    assert_eq!(survivor.decide(jumped), Decision::Waiting { until_ms: jumped.wall_ms + left });
    let later = ahead(DAY_MS + left, DELAY_MS);
    assert_eq!(survivor.decide(later), Decision::Approved);
}

#[test]
fn a_jump_within_the_tolerance_does_not_shorten_the_delay() {
    let mut survivor = survivor();
    let early = ahead(DELAY_MS - 1, MAX_AHEAD_MS);
    assert!(matches!(survivor.decide(early), Decision::Waiting { .. }));
    assert_eq!(survivor.decide(clock(DELAY_MS)), Decision::Approved);
}

#[test]
fn the_time_between_two_runs_is_not_waiting() {
    let mut survivor = survivor();
    survivor.decide(clock(DAY_MS));
    assert_eq!(
        survivor.decide(rebooted(9 * DAY_MS, 8, 0)),
        Decision::Waiting { until_ms: NOW_MS + 15 * DAY_MS }
    );
    assert_eq!(survivor.decide(rebooted(15 * DAY_MS, 8, 6 * DAY_MS)), Decision::Approved);
}

#[test]
fn a_run_whose_monotonic_clock_began_late_adds_nothing_at_its_start() {
    let mut survivor = survivor();
    for run in 20..40 {
        let decision = survivor.decide(rebooted(HOUR_MS, run, u64::MAX));
        assert_eq!(decision, Decision::Waiting { until_ms: NOW_MS + HOUR_MS + DELAY_MS });
    }
}

#[test]
fn after_a_restart_a_clock_more_than_a_minute_below_the_last_reading_is_refused() {
    for (by_ms, jumped) in [(MAX_BACK_MS - 1, false), (MAX_BACK_MS, false), (MAX_BACK_MS + 1, true)]
    {
        let mut survivor = survivor();
        survivor.decide(clock(HOUR_MS));
        let decision = survivor.decide(rebooted(HOUR_MS - by_ms, 8, 0));
        assert_eq!(decision == Decision::ClockJumped, jumped, "{by_ms}");
    }
}

#[test]
fn restarts_do_not_walk_the_clock_back() {
    let mut survivor = survivor();
    survivor.decide(clock(HOUR_MS));
    assert!(matches!(survivor.decide(rebooted(HOUR_MS - 40_000, 8, 0)), Decision::Waiting { .. }));
    assert_eq!(survivor.decide(rebooted(HOUR_MS - 80_000, 9, 0)), Decision::ClockJumped);
}

#[test]
fn what_lapsed_does_not_come_back_with_a_clock_that_falls_a_little_behind() {
    let mut survivor = survivor();
    survivor.decide(clock(DELAY_MS));
    assert_eq!(survivor.decide(clock(20 * DAY_MS)), Decision::Expired);
    assert_eq!(survivor.decide(behind(20 * DAY_MS + 1, 30_000)), Decision::Expired);
}

#[test]
fn while_the_clock_is_not_believed_a_yes_is_refused_and_a_no_counts_whatever_its_expiry() {
    let jumped = ahead(HOUR_MS, 30 * DAY_MS);
    let mut refused = Survivor::of(Role::User);
    let yes =
        Person::Guardian.says(Verdict::Approve, replacing(Role::User), jumped.wall_ms + DAY_MS);
    assert_eq!(refused.observe(&yes, jumped), Err(Refusal::ClockJumped));
    refused.confirm_clock(jumped);
    assert_eq!(refused.decide(jumped), Decision::NeedsApproval { missing: vec![Role::Recovery] });

    let veto = Person::User.says(Verdict::Veto, replacing(Role::User), EXPIRY_MS);
    assert!(veto.document().expires_at_ms < jumped.wall_ms);
    let mut vetoed = survivor();
    vetoed.observe(&veto, jumped).unwrap();
    assert_eq!(vetoed.decide(jumped), Decision::Vetoed);
}

#[test]
fn clocks_at_the_ends_of_their_range_are_read_without_an_overflow() {
    let ends = [0, 1, u64::MAX - 1, u64::MAX];
    let readings: Vec<Clock> = ends
        .into_iter()
        .flat_map(|wall_ms| {
            ends.map(|monotonic_ms| {
                [7, 8].map(|run| Clock { wall_ms, monotonic_ms, run: [run; 16] })
            })
        })
        .flatten()
        .collect();
    for first in &readings {
        for second in &readings {
            let mut survivor = survivor();
            survivor.confirm_clock(*first);
            assert_ne!(survivor.decide(*second), Decision::Approved);
            assert_ne!(survivor.decide(*first), Decision::Approved);
        }
    }
}
