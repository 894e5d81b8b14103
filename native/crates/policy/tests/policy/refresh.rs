//! When a party joins a refresh.

use policy::{RefreshDecision, RefreshRequest};

use crate::persons::{DAY_MS, NOW_MS};

fn request(last_refresh_ms: Option<u64>, operator_agrees: bool) -> RefreshRequest {
    RefreshRequest {
        old_roster: [2; 32],
        new_roster: [2; 32],
        last_refresh_ms,
        now_ms: NOW_MS,
        operator_agrees,
    }
}

#[test]
fn one_refresh_a_day_needs_no_operator_and_more_do() {
    for (last, alone) in [
        (None, RefreshDecision::Allowed),
        (Some(NOW_MS - DAY_MS - 1), RefreshDecision::Allowed),
        (Some(NOW_MS - DAY_MS), RefreshDecision::Allowed),
        (Some(NOW_MS - DAY_MS + 1), RefreshDecision::NeedsOperator),
        (Some(NOW_MS), RefreshDecision::NeedsOperator),
        (Some(NOW_MS + 1), RefreshDecision::NeedsOperator),
        (Some(u64::MAX), RefreshDecision::NeedsOperator),
    ] {
        assert_eq!(request(last, false).decide(), alone, "{last:?}");
        assert_eq!(request(last, true).decide(), RefreshDecision::Allowed, "{last:?}");
    }
}

#[test]
fn a_refresh_that_changes_the_roster_is_allowed_by_nobody() {
    for last in [None, Some(NOW_MS), Some(NOW_MS - 2 * DAY_MS)] {
        for operator_agrees in [false, true] {
            let request = RefreshRequest { new_roster: [3; 32], ..request(last, operator_agrees) };
            assert_eq!(request.decide(), RefreshDecision::RosterChanged);
        }
    }
}
