//! Running sums, so that a limit is not a walk over everything that was ever paid.

use std::collections::BTreeMap;

use alloy_primitives::{U256, Uint};

/// Holds 2^128 amounts of 256 bits: nothing in it saturates, so what was added can be taken away again.
pub(super) type Wide = Uint<384, 6>;

/// Part of what a slot counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) asset: String,
    /// The last time at which money can leave by it; `None` while that is not known.
    pub(super) end_ms: Option<u64>,
    pub(super) amount: Wide,
}

/// What one asset's pieces add up to.
#[derive(Debug, Default)]
pub(super) struct Sums {
    open: Wide,
    /// Ascending ends, each with the sum of everything up to and with it.
    ended: Vec<(u64, Wide)>,
}

impl Sums {
    pub(super) fn add(&mut self, end_ms: Option<u64>, amount: Wide) {
        let Some(end_ms) = end_ms else {
            self.open = self.open.saturating_add(amount);
            return;
        };
        let at = self.ended.partition_point(|(end, _)| *end < end_ms);
        if self.ended.get(at).is_none_or(|(end, _)| *end != end_ms) {
            self.ended.insert(at, (end_ms, self.before(at)));
        }
        for (_, sum) in self.ended.iter_mut().skip(at) {
            *sum = sum.saturating_add(amount);
        }
    }

    pub(super) fn remove(&mut self, end_ms: Option<u64>, amount: Wide) {
        let Some(end_ms) = end_ms else {
            self.open = self.open.saturating_sub(amount);
            return;
        };
        let at = self.ended.partition_point(|(end, _)| *end < end_ms);
        for (_, sum) in self.ended.iter_mut().skip(at) {
            *sum = sum.saturating_sub(amount);
        }
        if self.ended.get(at).is_some_and(|(_, sum)| *sum == self.before(at)) {
            self.ended.remove(at);
        }
    }

    /// What is open or ends at this time or later.
    pub(super) fn since(&self, since_ms: u64) -> Wide {
        let at = self.ended.partition_point(|(end, _)| *end < since_ms);
        let all = self.before(self.ended.len());
        self.open.saturating_add(all.saturating_sub(self.before(at)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_zero() && self.ended.is_empty()
    }

    /// The sum of everything in front of this place.
    fn before(&self, at: usize) -> Wide {
        at.checked_sub(1).and_then(|at| self.ended.get(at)).map_or(Wide::ZERO, |(_, sum)| *sum)
    }
}

/// The sums of one asset: of all, of each principal, and of nobody.
#[derive(Debug, Default)]
pub(super) struct AssetSums {
    pub(super) all: Sums,
    pub(super) of: BTreeMap<Option<[u8; 32]>, Sums>,
}

/// Ascending times.
#[derive(Debug, Default)]
pub(super) struct Times(Vec<u64>);

impl Times {
    pub(super) fn add(&mut self, time_ms: u64) {
        let at = self.0.partition_point(|time| *time <= time_ms);
        self.0.insert(at, time_ms);
    }

    pub(super) fn remove(&mut self, time_ms: u64) {
        let at = self.0.partition_point(|time| *time < time_ms);
        if self.0.get(at) == Some(&time_ms) {
            self.0.remove(at);
        }
    }

    pub(super) fn since(&self, since_ms: u64) -> u32 {
        let at = self.0.partition_point(|time| *time < since_ms);
        u32::try_from(self.0.len().saturating_sub(at)).unwrap_or(u32::MAX)
    }
}

/// The amount as a limit is compared with it.
pub(super) fn narrow(sum: Wide) -> U256 {
    sum.saturating_to()
}
