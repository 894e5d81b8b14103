//! GF(2^128) modulo x^128 + x^7 + x^2 + x + 1; bit i of a `u128` is the coefficient of x^i.
//!
//! GHASH multiplies in the same field with the bits of every byte in reverse (SP 800-38D, §6.3), so
//! the `ghash` crate serves: carry-less multiplication where the processor has it, a constant-time
//! fallback elsewhere.

use ghash::universal_hash::{KeyInit, UniversalHash};
use ghash::{Block, GHash};

/// A fixed factor.
pub(crate) struct Factor(GHash);

impl Factor {
    pub(crate) fn new(factor: u128) -> Self {
        Self(GHash::new(&mirrored(factor)))
    }

    /// factor · element, mirrored.
    fn times(&self, element: u128) -> u128 {
        let mut hash = self.0.clone();
        hash.update(&[mirrored(element)]); // (0 ⊕ element) · factor
        u128::from_be_bytes(hash.finalize().into())
    }
}

/// Σ factor · element.
pub(crate) fn sum_of_products<const N: usize>(factors: &[Factor; N], elements: &[u128; N]) -> u128 {
    let products = factors.iter().zip(elements).map(|(factor, element)| factor.times(*element));
    products.fold(0, |sum, product| sum ^ product).reverse_bits()
}

/// Little-endian bytes with the bits of each in reverse.
fn mirrored(element: u128) -> Block {
    element.reverse_bits().to_be_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times(a: u128, b: u128) -> u128 {
        sum_of_products(&[Factor::new(a)], &[b])
    }

    /// Shift and add, bit by bit.
    fn times_by_the_book(a: u128, b: u128) -> u128 {
        (0..128).rev().fold(0, |sum: u128, bit| {
            let carry = sum >> 127;
            let doubled = sum << 1 ^ if carry == 1 { 0x87 } else { 0 };
            doubled ^ if b >> bit & 1 == 1 { a } else { 0 }
        })
    }

    #[test]
    fn reduces_by_the_polynomial() {
        assert_eq!(times(1 << 127, 2), 0x87);
        assert_eq!(times(1, 5), 5);
    }

    #[test]
    fn every_element_is_its_power_two_to_128() {
        let element = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978;
        assert_eq!((0..128).fold(element, |power, _| times(power, power)), element);
    }

    proptest! {
        #[test]
        fn multiplies_as_by_the_book(a: u128, b: u128, c: u128, d: u128) {
            prop_assert_eq!(times(a, b), times_by_the_book(a, b));
            let sum = sum_of_products(&[Factor::new(a), Factor::new(c)], &[b, d]);
            prop_assert_eq!(sum, times(a, b) ^ times(c, d));
        }
    }
}
