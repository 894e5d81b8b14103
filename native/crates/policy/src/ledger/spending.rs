//! What rules ask of a ledger.

use alloy_primitives::U256;

/// A ledger as far as limits depend on it.
pub trait Spending {
    /// Everything of `asset` that counts in a window that began at `since_ms`: reservations, commitments not yet landed or excluded (always), and those that landed at or after `since_ms`. Of a principal that is what was asked in its name and what was asked in nobody's; without one it is all.
    fn spent(&self, asset: &str, since_ms: u64, principal: Option<&[u8; 32]>) -> U256;
    /// Requests signed or being signed since then, whose as in [`spent`](Self::spent).
    fn count(&self, since_ms: u64, principal: Option<&[u8; 32]>) -> u32;
    /// When this recipient (CAIP-10) was first paid.
    fn first_paid_ms(&self, recipient: &str) -> Option<u64>;
    /// Whether every limit counts as used up (after restore or rollback).
    fn limits_full(&self) -> bool;
}
