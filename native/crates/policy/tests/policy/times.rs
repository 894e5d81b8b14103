//! Hours and days on clocks that change, and absolute times.

use policy::evaluate::Policy;
use serde_json::json;

use crate::requests::*;

fn hours(zone: &str, days: &[&str], start: &str, end: &str) -> Policy {
    rule(
        json!({ "type": "businessHours", "timeZone": zone, "days": days, "start": start, "end": end }),
    )
}

fn said_at(policy: &Policy, time_ms: u64) -> String {
    said(&decide(policy, &at(time_ms, pay(1))))
}

const WEEKDAYS: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];
const MINUTE_MS: u64 = 60_000;

#[test]
fn business_hours_begin_with_their_first_minute_and_end_before_their_last() {
    let policy = hours("UTC", &WEEKDAYS, "09:00", "17:00");
    let midnight = NOON_MS - 12 * HOUR_MS;

    for (time_ms, expected) in [
        (midnight + 9 * HOUR_MS - 1, "no: rule"),
        (midnight + 9 * HOUR_MS, "approved"),
        (midnight + 17 * HOUR_MS - 1, "approved"),
        (midnight + 17 * HOUR_MS, "no: rule"),
    ] {
        assert_eq!(said_at(&policy, time_ms), expected);
    }
}

#[test]
fn other_days_have_no_business_hours() {
    let policy = hours("UTC", &WEEKDAYS, "00:00", "24:00");
    // Noon on Friday, and the midnights that begin and end the weekend.
    let (friday, saturday) = (NOON_MS + 2 * DAY_MS, NOON_MS + 2 * DAY_MS + 12 * HOUR_MS);

    assert_eq!(said_at(&policy, friday), "approved");
    assert_eq!(said_at(&policy, saturday - 1), "approved");
    assert_eq!(said_at(&policy, saturday), "no: rule");
    assert_eq!(said_at(&policy, saturday + 2 * DAY_MS - 1), "no: rule");
    assert_eq!(said_at(&policy, saturday + 2 * DAY_MS), "approved");
}

#[test]
fn hours_across_midnight_belong_to_the_day_that_began_them() {
    let policy = hours("UTC", &["fri"], "22:00", "06:00");
    let saturday = NOON_MS + 2 * DAY_MS + 12 * HOUR_MS;

    for (time_ms, expected) in [
        (saturday - 2 * HOUR_MS - 1, "no: rule"),
        (saturday - 2 * HOUR_MS, "approved"),
        (saturday + 6 * HOUR_MS - 1, "approved"),
        (saturday + 6 * HOUR_MS, "no: rule"),
        // Friday's own early hours belong to Thursday.
        (saturday - 24 * HOUR_MS, "no: rule"),
    ] {
        assert_eq!(said_at(&policy, time_ms), expected);
    }
}

#[test]
fn hours_follow_the_clock_of_their_zone_through_summer_and_winter() {
    let policy = hours("America/New_York", &["wed"], "09:00", "17:00");
    // Wednesdays in July (UTC-4) and January (UTC-5).
    let (july, january) = (NOON_MS - 12 * HOUR_MS, 1_768_348_800_000);

    for (midnight, opens) in [(july, 13), (january, 14)] {
        assert_eq!(said_at(&policy, midnight + opens * HOUR_MS - 1), "no: rule");
        assert_eq!(said_at(&policy, midnight + opens * HOUR_MS), "approved");
    }
}

#[test]
fn an_hour_that_is_skipped_does_not_exist_and_one_that_repeats_is_there_twice() {
    // Berlin, Sunday 29 March 2026: 02:00 is followed by 03:00, at 01:00 UTC.
    let spring = hours("Europe/Berlin", &["sun"], "02:00", "03:00");
    let skipped = 1_774_746_000_000;
    assert_eq!(said_at(&spring, skipped - 1), "no: rule");
    assert_eq!(said_at(&spring, skipped), "no: rule");
    // Sunday 25 October 2026: 03:00 is followed by 02:00, at 01:00 UTC.
    let autumn = hours("Europe/Berlin", &["sun"], "02:00", "03:00");
    let repeated = 1_792_890_000_000;
    assert_eq!(said_at(&autumn, repeated - HOUR_MS), "approved");
    assert_eq!(said_at(&autumn, repeated + HOUR_MS - MINUTE_MS), "approved");
    assert_eq!(said_at(&autumn, repeated + HOUR_MS), "no: rule");
}

#[test]
fn absolute_times_hold_from_their_first_to_before_their_last_millisecond() {
    let policy = rule(json!({ "type": "timeBounds", "notBefore": "1000", "notAfter": "2000" }));

    for (time_ms, expected) in
        [(999, "no: rule"), (1_000, "approved"), (1_999, "approved"), (2_000, "no: rule")]
    {
        assert_eq!(said_at(&policy, time_ms), expected);
    }
}

#[test]
fn a_time_outside_of_the_calendar_is_refused() {
    let hours = hours("UTC", &WEEKDAYS, "00:00", "24:00");
    let calendar =
        rule(json!({ "type": "spendingLimits", "asset": ETH, "daily": "5", "timeZone": "UTC" }));

    for policy in [hours, calendar] {
        assert_eq!(said_at(&policy, u64::MAX), "no: rule");
    }
}
