//! Oblivious transfer: base OTs and punctured PRF at setup, their extension in every signature.
//!
//! For the ordered pair (bob, alice), bob is the VOLE receiver and alice the VOLE sender of every
//! signature. In the setup their roles are reversed: alice is the base-OT receiver, and her choice
//! bits become her long-lived secret Δ.

pub(crate) mod base;
pub(crate) mod extension;
pub(crate) mod pprf;

use crate::parameters::{LEAVES, Seed, TREES};
use crate::secret::Secret;

/// What bob keeps of the setup with one alice.
pub(crate) struct BobState {
    /// All leaves of all trees.
    pub(crate) leaves: Secret<[[Seed; LEAVES]; TREES]>,
}

/// What alice keeps of the setup with one bob.
pub(crate) struct AliceState {
    /// Δ: bits 4i … 4i+3 are the hole of tree i, the one leaf she does not know.
    pub(crate) delta: Secret<u128>,
    /// The other leaves of each tree by their distance from the hole: entry y − 1 is leaf y ⊕ hole.
    /// This order is computed once, in constant time, so that no signature has a hole to hide.
    pub(crate) leaves: Secret<[[Seed; LEAVES - 1]; TREES]>,
}

impl AliceState {
    /// The hole of each tree.
    pub(crate) fn holes(&self) -> impl Iterator<Item = u8> + use<> {
        nibbles(*self.delta)
    }
}

/// The 32 nibbles of Δ, least significant first.
fn nibbles(delta: u128) -> impl Iterator<Item = u8> {
    delta.to_le_bytes().into_iter().flat_map(|byte| [byte & 0x0f, byte >> 4])
}
