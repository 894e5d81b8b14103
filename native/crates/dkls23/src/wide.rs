//! Sums of products of scalars that are reduced once, at the end.

use k256::elliptic_curve::bigint::U512;
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use zeroize::Zeroize;

/// A scalar as 64-bit limbs, least significant first.
pub(crate) type Limbs = [u64; 4];

/// 2^512 mod q.
const TWO_TO_512: U256 =
    U256::from_be_hex("9d671cd581c69bc5e697f5e45bcd07c6741496c20e7cf878896cf21467d7d140");

/// The limbs of a scalar.
pub(crate) fn limbs(scalar: &Scalar) -> Limbs {
    let bytes = scalar.to_bytes();
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = bytes.try_into().map_or(0, u64::from_be_bytes);
    }
    limbs
}

/// A sum of up to 2^64 products of two scalars, 576 bits.
pub(crate) struct Wide([u64; 9]);

impl Wide {
    pub(crate) const fn zero() -> Self {
        Self([0; 9])
    }

    /// Adds `a`.
    pub(crate) fn add(&mut self, a: &Limbs) {
        let Self(sum) = self;
        let mut carry = 0;
        let mut digits = sum.iter_mut();
        for (limb, digit) in a.iter().zip(digits.by_ref()) {
            (*digit, carry) = split(u128::from(*digit) + u128::from(*limb) + u128::from(carry));
        }
        propagate(digits, carry);
    }

    /// Adds `a·b`.
    pub(crate) fn add_product(&mut self, a: &Limbs, b: &Limbs) {
        let Self(sum) = self;
        for (offset, limb) in a.iter().enumerate() {
            let mut carry = 0;
            let mut digits = sum.iter_mut().skip(offset);
            for (other, digit) in b.iter().zip(digits.by_ref()) {
                // At most (2^64−1)² + 2·(2^64−1) = 2^128 − 1.
                let product = u128::from(*limb) * u128::from(*other);
                (*digit, carry) = split(product + u128::from(*digit) + u128::from(carry));
            }
            propagate(digits, carry);
        }
    }

    /// The sum modulo the group order.
    pub(crate) fn reduce(&self) -> Scalar {
        let Self([low @ .., high]) = self;
        let mut bytes = [0; 64];
        for (bytes, limb) in bytes.chunks_exact_mut(8).zip(low) {
            bytes.copy_from_slice(&limb.to_le_bytes());
        }
        let low = <Scalar as Reduce<U512>>::reduce(U512::from_le_slice(&bytes));
        low + Scalar::from(*high) * <Scalar as Reduce<U256>>::reduce(TWO_TO_512)
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

fn propagate<'a>(digits: impl Iterator<Item = &'a mut u64>, mut carry: u64) {
    for digit in digits {
        let (sum, overflow) = digit.overflowing_add(carry);
        *digit = sum;
        carry = overflow.into();
    }
}

/// (low, high) limb.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low limb is what is meant"
)]
fn split(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}
