//! GF(2^128) modulo x^128 + x^7 + x^2 + x + 1; bit i of a `u128` is the coefficient of x^i.
//!
//! GHASH multiplies in the same field with the bits of every byte in reverse (SP 800-38D, §6.3), so the `ghash`
//! crate serves: carry-less multiplication where the processor has it, a constant-time fallback elsewhere.

use ghash::universal_hash::{KeyInit, UniversalHash};
use ghash::{Block, GHash};

/// A fixed factor.
pub(crate) struct Factor(GHash);

impl Factor {
    pub(crate) fn new(factor: u128) -> Self {
        Self(GHash::new(&mirrored(factor)))
    }

    /// factor · element.
    pub(crate) fn times(&self, element: u128) -> u128 {
        let mut hash = self.0.clone();
        hash.update(&[mirrored(element)]); // (0 ⊕ element) · factor
        u128::from_be_bytes(hash.finalize().into()).reverse_bits()
    }
}

/// Little-endian bytes with the bits of each in reverse.
fn mirrored(element: u128) -> Block {
    element.reverse_bits().to_be_bytes().into()
}
