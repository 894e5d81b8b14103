//! A party's own clock, and when it is believed.

use canonical::Base64;
use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::document::read_decimal;

/// How far a clock may fall behind.
pub const MAX_BACK_MS: u64 = 60 * 1_000;
/// How far a clock may run ahead of the monotonic one.
pub const MAX_AHEAD_MS: u64 = 5 * 60 * 1_000;

/// One reading of this party's own clocks; nothing that a peer sends goes into it.
///
/// The monotonic clock must count the time that the machine sleeps (`CLOCK_BOOTTIME`), else every sleep looks like
/// a wall clock that ran ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds since 1970.
    pub wall_ms: u64,
    /// Milliseconds since any moment that is the same for all readings of one run.
    pub monotonic_ms: u64,
    /// Names the run: the boot, or the process where the monotonic clock starts with it. Never used twice.
    pub run: [u8; 16],
}

/// What this party knows about its clocks from earlier readings, and whether it believes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockWatch {
    /// First reading of the run under way. Deviations are measured from here, so that small ones do not add up.
    pub(crate) anchor: Clock,
    /// Last believed reading of the monotonic clock in that run.
    pub(crate) monotonic_ms: u64,
    /// Latest wall time that was believed; it does not go back, so what lapsed stays lapsed.
    pub(crate) latest_wall_ms: u64,
    /// The operator has to confirm.
    pub(crate) doubted: bool,
}

impl ClockWatch {
    pub(crate) const fn start(clock: Clock) -> Self {
        Self {
            anchor: clock,
            monotonic_ms: clock.monotonic_ms,
            latest_wall_ms: clock.wall_ms,
            doubted: false,
        }
    }

    /// Takes a reading; the answer is how long this party certainly lived through since the last one, in
    /// milliseconds. Between two runs nothing is certain: the machine may have been off, or its clock set.
    pub(crate) fn read(&mut self, clock: Clock) -> Result<u64, Refusal> {
        self.doubted = self.doubted || self.has_jumped(clock);
        if self.doubted {
            return Err(Refusal::ClockJumped);
        }
        let passed = if clock.run == self.anchor.run {
            clock.monotonic_ms.saturating_sub(self.monotonic_ms)
        } else {
            self.anchor = clock;
            0
        };
        self.monotonic_ms = clock.monotonic_ms;
        self.latest_wall_ms = self.latest_wall_ms.max(clock.wall_ms);
        Ok(passed)
    }

    fn has_jumped(&self, clock: Clock) -> bool {
        if clock.run != self.anchor.run {
            return clock.wall_ms.saturating_add(MAX_BACK_MS) < self.latest_wall_ms;
        }
        if clock.monotonic_ms < self.monotonic_ms {
            return true;
        }
        let run = clock.monotonic_ms.saturating_sub(self.anchor.monotonic_ms);
        let expected = self.anchor.wall_ms.saturating_add(run);
        clock.wall_ms.saturating_add(MAX_BACK_MS) < expected
            || clock.wall_ms > expected.saturating_add(MAX_AHEAD_MS)
    }
}

/// A watch as records store it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ClockFields {
    anchor_monotonic: String,
    anchor_wall: String,
    doubted: bool,
    latest_wall: String,
    monotonic: String,
    run: Base64,
}

impl ClockFields {
    pub(crate) fn of(watch: &ClockWatch) -> Self {
        Self {
            anchor_monotonic: watch.anchor.monotonic_ms.to_string(),
            anchor_wall: watch.anchor.wall_ms.to_string(),
            doubted: watch.doubted,
            latest_wall: watch.latest_wall_ms.to_string(),
            monotonic: watch.monotonic_ms.to_string(),
            run: Base64(watch.anchor.run.to_vec()),
        }
    }

    /// `None` for what no watch can have seen.
    pub(crate) fn watch(&self) -> Option<ClockWatch> {
        let anchor = Clock {
            wall_ms: read_decimal(&self.anchor_wall)?,
            monotonic_ms: read_decimal(&self.anchor_monotonic)?,
            run: self.run.array()?,
        };
        let watch = ClockWatch {
            anchor,
            monotonic_ms: read_decimal(&self.monotonic)?,
            latest_wall_ms: read_decimal(&self.latest_wall)?,
            doubted: self.doubted,
        };
        let is_consistent =
            anchor.monotonic_ms <= watch.monotonic_ms && anchor.wall_ms <= watch.latest_wall_ms;
        is_consistent.then_some(watch)
    }
}
