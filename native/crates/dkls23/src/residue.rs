//! Arithmetic modulo the group order q that reduces late: the VOLE adds and multiplies thousands of
//! scalars of which few are ever sent. Constant time, 64-bit limbs with the least significant
//! first.

use k256::Scalar;
use zeroize::{DefaultIsZeroes, Zeroize};

use crate::scalar;

/// c = 2^256 − q.
const C: [u64; 3] = [0x402d_a173_2fc9_bebf, 0x4551_2319_50b7_5fc4, 1];

/// A number below 2^256 that stands for its residue modulo q.
#[derive(Clone, Copy, Default)]
pub(crate) struct Residue([u64; 4]);

impl DefaultIsZeroes for Residue {}

impl Residue {
    /// 32 bytes, big-endian, of any value.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
            *limb = u64::from_be_bytes(*bytes);
        }
        Self(limbs)
    }

    /// 32 bytes, big-endian, of a value below q.
    pub(crate) fn decode(bytes: &[u8; 32]) -> Option<Self> {
        let Self(limbs) = Self::from_bytes(bytes);
        let (_, not_below) = plus_c(limbs, 1);
        (not_below == 0).then_some(Self(limbs))
    }

    /// The value below q, 32 bytes, big-endian.
    pub(crate) fn encode(self) -> [u8; 32] {
        let (reduced, not_below) = plus_c(self.0, 1);
        let mask = not_below.wrapping_neg();
        let mut bytes = [0; 32];
        let limbs = self.0.iter().zip(&reduced).rev();
        for (bytes, (limb, reduced)) in bytes.as_chunks_mut().0.iter_mut().zip(limbs) {
            *bytes = (limb ^ (limb ^ reduced) & mask).to_be_bytes();
        }
        bytes
    }

    /// The sum of up to 2^32 numbers.
    pub(crate) fn sum<const N: usize>(terms: [Self; N]) -> Self {
        let mut sum = [0; 4];
        let mut carry = 0;
        for Self(term) in terms {
            carry += u64::from(add(&mut sum, &term));
        }
        Self::folded(sum, carry)
    }

    /// `number + 2^256·carry`.
    fn folded(number: [u64; 4], carry: u64) -> Self {
        // 2^256 ≡ c. The second time the carry is at most 1 and leaves little, so there is no
        // third.
        let (number, carry) = plus_c(number, carry);
        let (number, _) = plus_c(number, carry);
        Self(number)
    }

    /// `−1 − x` modulo 2^256, which is `c − 1 − x` modulo q: [`Residue::complement_of_zero`] minus
    /// x.
    pub(crate) fn complement(self) -> Self {
        Self(self.0.map(|limb| !limb))
    }

    /// `c − 1` as a scalar.
    pub(crate) fn complement_of_zero() -> Scalar {
        scalar::reduce(&[0xff; 32])
    }

    /// The number, or zero if `choice` is 0 instead of 1.
    pub(crate) fn times(self, choice: u8) -> Self {
        let mask = u64::from(choice).wrapping_neg();
        Self(self.0.map(|limb| limb & mask))
    }
}

impl From<&Residue> for Scalar {
    fn from(residue: &Residue) -> Self {
        scalar::reduce(&residue.encode())
    }
}

impl From<&Scalar> for Residue {
    fn from(scalar: &Scalar) -> Self {
        Self::from_bytes(&scalar::encode(scalar))
    }
}

/// A sum of up to 2^32 products of two residues, so less than 2^544.
pub(crate) struct Wide([u64; 9]);

impl Wide {
    pub(crate) fn zero() -> Self {
        Self([0; 9])
    }

    /// Adds `a`.
    pub(crate) fn add(&mut self, a: &Residue) {
        let Residue([a, b, c, d]) = *a;
        add(&mut self.0, &[a, b, c, d, 0, 0, 0, 0, 0]);
    }

    /// Adds `a·b`.
    pub(crate) fn add_product(&mut self, a: &Residue, b: &Residue) {
        add(&mut self.0, &product(&a.0, &b.0));
    }

    /// The sum modulo q.
    pub(crate) fn reduce(&self) -> Residue {
        // Twice x = low + 2^256·high ≡ low + c·high, where c < 2^129: less than 2^544 becomes less
        // than 2^418, then less than 2^292. What is left above 2^256 then fits one limb.
        let Self([a, b, c, d, high @ ..]) = &self;
        let mut folded: [u64; 8] = product(high, &C);
        add(&mut folded, &[*a, *b, *c, *d, 0, 0, 0, 0]);
        let [a, b, c, d, high @ ..] = folded;
        let mut folded: [u64; 7] = product(&high, &C);
        add(&mut folded, &[a, b, c, d, 0, 0, 0]);
        let [a, b, c, d, high, ..] = folded;
        Residue::folded([a, b, c, d], high)
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// `number + times·c` and its carry; `times` is small.
fn plus_c([a, b, c, d]: [u64; 4], times: u64) -> ([u64; 4], u64) {
    let [c_0, c_1, c_2] = C.map(|limb| u128::from(limb) * u128::from(times));
    let (a, carry) = split(c_0 + u128::from(a));
    let (b, carry) = split(c_1 + u128::from(b) + u128::from(carry));
    let (c, carry) = split(c_2 + u128::from(c) + u128::from(carry));
    let (d, carry) = split(u128::from(d) + u128::from(carry));
    ([a, b, c, d], carry)
}

/// `a·b`.
fn product<const A: usize, const B: usize, const P: usize>(a: &[u64; A], b: &[u64; B]) -> [u64; P] {
    const { assert!(A + B <= P, "the product fits") };
    let mut product = [0; P];
    for (offset, limb) in a.iter().enumerate() {
        let mut carry = 0;
        let mut digits = product.iter_mut().skip(offset);
        for (other, digit) in b.iter().zip(digits.by_ref()) {
            // At most (2^64 − 1)² + 2·(2^64 − 1) = 2^128 − 1.
            let column = u128::from(*limb) * u128::from(*other);
            (*digit, carry) = split(column + u128::from(*digit) + u128::from(carry));
        }
        if let Some(digit) = digits.next() {
            *digit = carry;
        }
    }
    product
}

/// `sum ← sum + term`; the carry out of the last limb.
fn add<const N: usize>(sum: &mut [u64; N], term: &[u64; N]) -> bool {
    let mut carry = false;
    for (digit, limb) in sum.iter_mut().zip(term) {
        let (partial, first) = digit.overflowing_add(*limb);
        let (total, second) = partial.overflowing_add(carry.into());
        (*digit, carry) = (total, first | second);
    }
    carry
}

/// (low, high) limb.
#[expect(clippy::cast_possible_truncation, reason = "the low limb is what is meant")]
fn split(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use k256::elliptic_curve::PrimeField;
    use proptest::prelude::*;

    use super::*;

    /// Any 32 bytes, and often some at the ends of the range or around q.
    fn bytes() -> impl Strategy<Value = [u8; 32]> {
        let near = |center: Scalar| {
            any::<u8>()
                .prop_map(move |offset| scalar::encode(&(center + Scalar::from(u64::from(offset)))))
        };
        let high = any::<u8>().prop_map(|last| {
            let mut bytes = [0xff; 32];
            bytes[31] = last;
            bytes
        });
        prop_oneof![any::<[u8; 32]>(), near(Scalar::ZERO), near(-Scalar::from(200u64)), high]
    }

    #[test]
    fn zero_to_beyond_the_order_is_read_and_reduced() {
        let order_minus_one = -Scalar::ONE;
        let mut order = scalar::encode(&order_minus_one);
        order[31] += 1;

        assert!(Residue::decode(&[0; 32]).is_some());
        assert!(Residue::decode(&scalar::encode(&order_minus_one)).is_some());
        assert!(Residue::decode(&order).is_none());
        assert!(Residue::decode(&[0xff; 32]).is_none());
        assert_eq!(Residue::from_bytes(&order).encode(), [0; 32]);
    }

    #[test]
    fn the_largest_sum_of_products_is_reduced() {
        let largest = Residue::from_bytes(&[0xff; 32]);
        let mut sum = Wide::zero();
        for _ in 0..1000 {
            sum.add_product(&largest, &largest);
            sum.add(&largest);
        }
        let value = scalar::reduce(&[0xff; 32]);
        assert_eq!(Scalar::from(&sum.reduce()), (value * value + value) * Scalar::from(1000u64));
    }

    proptest! {
        #[test]
        fn agrees_with_k256(a in bytes(), b in bytes(), c in bytes(), choice in 0u8..2) {
            let [x, y, z] = [a, b, c].each_ref().map(scalar::reduce);
            let [a, b, c] = [a, b, c].each_ref().map(Residue::from_bytes);

            prop_assert_eq!(Scalar::from_repr(a.encode().into()).unwrap(), x);
            prop_assert_eq!(Scalar::from(&Residue::sum([a, b, c])), x + y + z);
            let offset = Residue::complement_of_zero();
            prop_assert_eq!(Scalar::from(&a.complement()), offset - x);
            let chosen = if choice == 1 { x } else { Scalar::ZERO };
            prop_assert_eq!(Scalar::from(&a.times(choice)), chosen);
            let mut sum = Wide::zero();
            sum.add(&c);
            sum.add_product(&a, &b);
            sum.add_product(&b, &c);
            prop_assert_eq!(Scalar::from(&sum.reduce()), z + x * y + y * z);
        }

        #[test]
        fn reads_exactly_what_k256_reads(bytes in bytes()) {
            let canonical = scalar::decode(&bytes);
            prop_assert_eq!(Residue::decode(&bytes).map(|x| x.encode()), canonical.map(|_| bytes));
        }
    }
}
