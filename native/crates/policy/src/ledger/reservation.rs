//! What a ledger is asked to reserve, and how much of it at most.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::entry::{Charge, ChargeKind};
use crate::approval::{MAX_ASSET_BYTES, is_name};
use crate::{DigestUse, Refusal};

/// The most items of a request.
pub const MAX_ITEMS: usize = 64;
/// The most amounts of an item: an effect each, and the fee.
pub const MAX_CHARGES: usize = 257;
/// The most digests that exclude each other: fee bumps.
pub const MAX_DRAFTS: usize = 16;
/// The most bytes of a recipient's name.
pub const MAX_RECIPIENT_BYTES: usize = 256;
/// The most bytes of a record. A request whose record would be longer is refused.
pub const MAX_RECORD_BYTES: usize = 1_024 * 1_024;
/// How far a nonce may lead the pending count.
pub const MAX_NONCE_GAP: u64 = 8;
/// The most requests that wait for a person.
pub const MAX_WAITING: usize = 32;

/// What a ledger takes at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLimits {
    /// How far a nonce may lead the pending count.
    pub max_nonce_gap: u64,
    /// How many requests may wait for a person.
    pub max_waiting: usize,
    /// How much all of them together may be about, by asset; an asset that is missing has no such limit.
    pub max_waiting_sums: BTreeMap<String, U256>,
}

impl Default for LedgerLimits {
    fn default() -> Self {
        Self {
            max_nonce_gap: MAX_NONCE_GAP,
            max_waiting: MAX_WAITING,
            max_waiting_sums: BTreeMap::new(),
        }
    }
}

/// The place of a transaction in its account's row, by this party's own endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoncePlace {
    /// Of the transaction.
    pub nonce: u64,
    /// The account's pending count: the next nonce that no pending transaction has.
    pub pending_count: u64,
}

/// One thing to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerItem {
    /// Its digest, and what that excludes.
    pub digest: DigestUse,
    /// Where the chain has nonces.
    pub nonce: Option<NoncePlace>,
    /// Everything that its signature gives away.
    pub charges: Vec<Charge>,
}

/// A request about to be signed, or to be signed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Names the request.
    pub request_id: [u8; 32],
    /// For whom, if the policy tells principals apart.
    pub principal: Option<[u8; 32]>,
    /// What it signs.
    pub items: Vec<LedgerItem>,
}

impl Reservation {
    pub(super) fn check(&self, max_nonce_gap: u64) -> Result<(), Refusal> {
        if !(1..=MAX_ITEMS).contains(&self.items.len()) {
            return Err(Refusal::Malformed);
        }
        let too_far =
            |place: NoncePlace| place.nonce.saturating_sub(place.pending_count) > max_nonce_gap;
        for item in &self.items {
            check_charges(&item.charges)?;
            if item.nonce.is_some_and(too_far) {
                return Err(Refusal::NonceTooFar);
            }
        }
        Ok(())
    }
}

pub(super) fn check_charges(charges: &[Charge]) -> Result<(), Refusal> {
    let is_sound = |charge: &Charge| {
        let names_somebody = |name: &String| is_name(name, MAX_RECIPIENT_BYTES);
        is_name(&charge.asset, MAX_ASSET_BYTES)
            && charge.recipient.as_ref().is_none_or(names_somebody)
            && (charge.kind == ChargeKind::Exposure || charge.expires_at_ms.is_none())
    };
    let fits = charges.len() <= MAX_CHARGES && charges.iter().all(is_sound);
    if fits { Ok(()) } else { Err(Refusal::Malformed) }
}
