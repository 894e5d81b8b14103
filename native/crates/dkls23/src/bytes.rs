//! Fixed-size byte strings, and reading them from untrusted ones.

use k256::{AffinePoint, Scalar};

use crate::residue::Residue;
use crate::{point, scalar};

/// `a ‖ b`, of a length that is checked when compiled.
pub(crate) fn join<const A: usize, const B: usize, const N: usize>(
    a: &[u8; A],
    b: &[u8; B],
) -> [u8; N] {
    const { assert!(A + B == N, "the parts fill the whole") };
    let mut whole = [0; N];
    let (head, tail) = whole.split_at_mut(A);
    head.copy_from_slice(a);
    tail.copy_from_slice(b);
    whole
}

/// `target ← target ⊕ other`.
pub(crate) fn xor_into<const N: usize>(target: &mut [u8; N], other: &[u8; N]) {
    for (byte, other) in target.iter_mut().zip(other) {
        *byte ^= other;
    }
}

/// Reads fields from the front of a byte string; `None` where it ends too early or a value is out
/// of range.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(field)
    }

    pub(crate) fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| *byte)
    }

    pub(crate) fn scalar(&mut self) -> Option<Scalar> {
        scalar::decode(self.array()?)
    }

    /// A canonical scalar.
    pub(crate) fn residue(&mut self) -> Option<Residue> {
        Residue::decode(self.array()?)
    }

    pub(crate) fn point33(&mut self) -> Option<AffinePoint> {
        point::decode33(self.array()?)
    }

    pub(crate) fn point64(&mut self) -> Option<AffinePoint> {
        point::decode64(self.array()?)
    }
}
