//! What one request has reserved, and what became of it.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::sums::{Piece, Wide};
use crate::DigestUse;

/// What an amount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChargeKind {
    /// It leaves when the transaction lands.
    Spend,
    /// The most that the network may take.
    Fee,
    /// Somebody else may take it from when it is signed: an allowance, a permit, a delegation.
    Exposure,
}

/// An amount that a signature gives away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// CAIP-19.
    pub asset: String,
    /// In base units.
    pub amount: U256,
    /// What it is.
    pub kind: ChargeKind,
    /// Who gets it or may take it (CAIP-10).
    pub recipient: Option<String>,
    /// For an exposure: the time, in milliseconds since 1970, after which nobody can take anything, whatever lands
    /// when. The deadline of a permit is not that: its allowance outlives it.
    pub expires_at_ms: Option<u64>,
}

/// How far a digest got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DraftState {
    /// No share of this party has left.
    Reserved,
    /// A share has left, so a signature may exist.
    Left,
    /// The signature is known.
    Signed,
}

/// One digest of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) digest: [u8; 32],
    pub(super) state: DraftState,
    pub(super) reserved_at_ms: u64,
    pub(super) charges: Vec<Charge>,
}

/// A digest that is final on its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Landed {
    pub(super) digest: [u8; 32],
    pub(super) at_ms: u64,
}

/// Digests of which at most one lands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) exclusion: Option<[u8; 32]>,
    pub(super) drafts: Vec<Draft>,
    pub(super) landed: Option<Landed>,
    /// When the exposure that landed was taken back.
    pub(super) revoked_at_ms: Option<u64>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) request_id: [u8; 32],
    pub(super) principal: Option<[u8; 32]>,
    pub(super) first_ms: u64,
    /// Whether a share ever left for it: then it counts as a request, even when nothing of it can land any more.
    pub(super) share_left: bool,
    pub(super) slots: Vec<Slot>,
}

impl Slot {
    /// What it counts for: of what landed that, else of each asset the largest amount of any of its digests.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let landed = self.landed.map(|landed| landed.digest);
        let mut largest: BTreeMap<(&str, Option<u64>), Wide> = BTreeMap::new();
        for draft in &self.drafts {
            if landed.is_some_and(|digest| digest != draft.digest) {
                continue;
            }
            let mut sums: BTreeMap<(&str, Option<u64>), Wide> = BTreeMap::new();
            for charge in &draft.charges {
                let sum = sums.entry((&charge.asset, self.end_of(draft, charge))).or_default();
                *sum = sum.saturating_add(Wide::from(charge.amount));
            }
            for (place, sum) in sums {
                let kept = largest.entry(place).or_default();
                *kept = sum.max(*kept);
            }
        }
        let counts = largest.into_iter().filter(|(_, amount)| !amount.is_zero());
        counts
            .map(|((asset, end_ms), amount)| Piece { asset: asset.to_owned(), end_ms, amount })
            .collect()
    }

    /// The last time at which money can leave by a charge. Nothing ends before it was reserved, whatever a chain or
    /// a payload says, or it would never have counted.
    fn end_of(&self, draft: &Draft, charge: &Charge) -> Option<u64> {
        let end = match charge.kind {
            ChargeKind::Spend | ChargeKind::Fee => self.landed.map(|landed| landed.at_ms),
            ChargeKind::Exposure => match (self.revoked_at_ms, charge.expires_at_ms) {
                (Some(revoked), Some(expires)) => Some(revoked.min(expires)),
                (revoked, expires) => revoked.or(expires),
            },
        };
        end.map(|end| end.max(draft.reserved_at_ms))
    }

    pub(super) fn draft(&self, digest: &[u8; 32]) -> Option<&Draft> {
        self.drafts.iter().find(|draft| draft.digest == *digest)
    }

    /// Whether it takes part in no window that begins at this time or later.
    fn is_over(&self, before_ms: u64) -> bool {
        self.pieces().iter().all(|piece| piece.end_ms.is_some_and(|end| end < before_ms))
    }
}

impl Entry {
    /// The slot of a digest.
    pub(super) fn slot_mut(&mut self, digest: &[u8; 32]) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.draft(digest).is_some())
    }

    /// The slot whose digests this one excludes.
    pub(super) fn slot_for(&mut self, digest: &DigestUse) -> Option<&mut Slot> {
        let key = digest.exclusion?;
        self.slots.iter_mut().find(|slot| slot.exclusion == Some(key))
    }

    /// Takes it that a share has left for whatever is reserved.
    pub(super) fn share_may_have_left(&mut self) {
        let mut found = false;
        for draft in self.drafts_mut().filter(|draft| draft.state == DraftState::Reserved) {
            draft.state = DraftState::Left;
            found = true;
        }
        self.share_left |= found;
    }

    pub(super) fn drafts_mut(&mut self) -> impl Iterator<Item = &mut Draft> {
        self.slots.iter_mut().flat_map(|slot| &mut slot.drafts)
    }

    /// Takes back what no share left for; whether there was any.
    pub(super) fn release(&mut self) -> bool {
        let before = self.drafts_mut().count();
        for slot in &mut self.slots {
            let landed = slot.landed.map(|landed| landed.digest);
            slot.drafts.retain(|draft| {
                draft.state != DraftState::Reserved || landed == Some(draft.digest)
            });
        }
        self.slots.retain(|slot| !slot.drafts.is_empty());
        self.drafts_mut().count() < before
    }

    pub(super) fn is_over(&self, before_ms: u64) -> bool {
        self.first_ms < before_ms && self.slots.iter().all(|slot| slot.is_over(before_ms))
    }
}
