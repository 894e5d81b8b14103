//! Shamir sharing over the scalar field and its image in the group (Feldman), x-coordinates 1 to n.

use k256::elliptic_curve::ops::{Invert, MulByGenerator};
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use zeroize::{Zeroize, Zeroizing};

use crate::party::PartyIndex;
use crate::{point, scalar};

/// A secret polynomial `f_0 + f_1 x + … + f_{t−1} x^{t−1}`.
pub(crate) struct Polynomial {
    coefficients: Vec<Scalar>,
}

impl Polynomial {
    /// Uniform coefficients, drawn from `f_0` on.
    pub(crate) fn draw<R: CryptoRngCore + ?Sized>(threshold: u8, rng: &mut R) -> Self {
        let constant = scalar::draw(rng);
        Self::with_constant(&constant, threshold, rng)
    }

    /// `f_0` given, the other coefficients uniform, drawn from `f_1` on.
    pub(crate) fn with_constant<R: CryptoRngCore + ?Sized>(
        constant: &Scalar,
        threshold: u8,
        rng: &mut R,
    ) -> Self {
        let mut coefficients = Vec::with_capacity(threshold.into());
        coefficients.push(*constant);
        coefficients.extend((1..threshold).map(|_| *scalar::draw(rng)));
        Self { coefficients }
    }

    pub(crate) fn coefficients(&self) -> &[Scalar] {
        &self.coefficients
    }

    /// `f(x)`.
    pub(crate) fn evaluate(&self, x: PartyIndex) -> Zeroizing<Scalar> {
        let x = x.scalar();
        let value = self.coefficients.iter().rev().fold(Scalar::ZERO, |sum, f| sum * x + f);
        Zeroizing::new(value)
    }

    /// `F_k = f_k·G`.
    pub(crate) fn commitments(&self) -> Vec<AffinePoint> {
        let points: Vec<_> =
            self.coefficients.iter().map(ProjectivePoint::mul_by_generator).collect();
        point::normalize(&points)
    }
}

impl Drop for Polynomial {
    fn drop(&mut self) {
        self.coefficients.zeroize();
    }
}

/// `Σ_k x^k·F_k`: the polynomial in the group, all of it public.
pub(crate) fn evaluate_points(points: &[ProjectivePoint], x: PartyIndex) -> ProjectivePoint {
    points.iter().rev().fold(ProjectivePoint::IDENTITY, |sum, point| small_multiple(sum, x) + point)
}

/// `x·P` for a public one-byte x.
fn small_multiple(point: ProjectivePoint, x: PartyIndex) -> ProjectivePoint {
    (0..u8::BITS).rev().fold(ProjectivePoint::IDENTITY, |sum, bit| {
        let doubled = sum.double();
        if x.get() >> bit & 1 == 1 { doubled + point } else { doubled }
    })
}

/// `λ_i^Q = Π_{j ∈ Q∖i} j / (j − i)`: the weight with which party i's share counts when `quorum`
/// interpolates at zero.
pub(crate) fn lagrange_weight(i: PartyIndex, quorum: &[PartyIndex]) -> Scalar {
    quorum.iter().filter_map(|j| lagrange_factor(i, *j)).product()
}

/// `j / (j − i)`: the factor of party j in party i's weight; `None` if the two are one party.
pub(crate) fn lagrange_factor(i: PartyIndex, j: PartyIndex) -> Option<Scalar> {
    let inverse: Option<Scalar> = (j.scalar() - i.scalar()).invert_vartime().into();
    inverse.map(|inverse| j.scalar() * inverse)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_party_has_no_factor_for_itself() {
        assert_eq!(lagrange_factor(PartyIndex::MIN, PartyIndex::MIN), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_quorum_interpolates_the_constant_and_no_smaller_one_does(
            seed: u64,
            quorum in (2u8..=6).prop_flat_map(|threshold| {
                prop::sample::subsequence((1u8..=16).collect::<Vec<_>>(), usize::from(threshold))
            }),
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let quorum: Vec<_> = quorum.into_iter().filter_map(PartyIndex::new).collect();
            let threshold = u8::try_from(quorum.len()).unwrap();
            let polynomial = Polynomial::draw(threshold, &mut rng);
            let at_zero = |quorum: &[PartyIndex]| -> Scalar {
                let term = |i: &PartyIndex| lagrange_weight(*i, quorum) * *polynomial.evaluate(*i);
                quorum.iter().map(term).sum()
            };

            prop_assert_eq!(at_zero(&quorum), polynomial.coefficients()[0]);
            prop_assert_ne!(at_zero(&quorum[1..]), polynomial.coefficients()[0]);
        }

        #[test]
        fn shares_fit_their_images_in_the_group(seed: u64, threshold in 2u8..6, x in 1u8..=16) {
            let x = PartyIndex::new(x).unwrap();
            let polynomial = Polynomial::draw(threshold, &mut ChaCha20Rng::seed_from_u64(seed));
            let points: Vec<_> =
                polynomial.commitments().iter().map(ProjectivePoint::from).collect();
            prop_assert_eq!(
                evaluate_points(&points, x),
                ProjectivePoint::mul_by_generator(&*polynomial.evaluate(x))
            );
        }
    }
}
