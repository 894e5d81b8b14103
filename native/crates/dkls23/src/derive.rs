//! Non-hardened BIP32 derivation from the group key: local, no rounds. Every party adds the same
//! tweak to its share.
//!
//! **Warning.** A child's private key and the parent's public key with its chain code give the
//! parent's private key (BIP32, "Security"): exporting any child is exporting the root.

use hmac::{Hmac, Mac};
use k256::elliptic_curve::group::prime::PrimeCurveAffine;
use k256::elliptic_curve::ops::MulByGenerator;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use sha2::Sha512;

use crate::bytes::Cursor;
use crate::error::Abort;
use crate::wire::{Cancel, poll};
use crate::{point, scalar};

/// Indices from here on are hardened: their children need the private key, which nobody has.
const HARDENED: u32 = 1 << 31;

/// The way from the group key to a child key: at most 255 indices, none hardened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DerivationPath(Vec<u32>);

impl DerivationPath {
    /// The path of these indices; [`Abort::Config`] for a hardened index or more than 255 of them.
    pub fn new(indices: &[u32]) -> Result<Self, Abort> {
        // BIP32 serialises the depth in one byte.
        let allowed = indices.len() <= u8::MAX.into() && indices.iter().all(|&i| i < HARDENED);
        if allowed { Ok(Self(indices.to_vec())) } else { Err(Abort::Config) }
    }

    /// The group key itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The indices, from the root on.
    pub fn indices(&self) -> &[u32] {
        &self.0
    }
}

/// A child of the group key.
#[derive(Clone, PartialEq, Eq)]
pub struct DerivedKey {
    /// The child key, SEC1 compressed.
    pub public_key: [u8; 33],
    /// Its chain code.
    pub chain_code: [u8; 32],
    /// δ: child key = group key + δ·G.
    pub tweak: [u8; 32],
}

/// Without the chain code: with it and one child's private key the root's is known.
impl core::fmt::Debug for DerivedKey {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("DerivedKey")
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

/// The child key at `path`. [`Abort::Config`] if `public_key` is no point, or if there is no key at
/// an index of the path (probability 2^-127; BIP32 says to use the next index).
pub fn derive(
    public_key: &[u8; 33],
    chain_code: &[u8; 32],
    path: &DerivationPath,
) -> Result<DerivedKey, Abort> {
    let root = point::decode33(public_key).ok_or(Abort::Config)?;
    let child = Child::of(&root, chain_code, path, &|| false)?;
    Ok(DerivedKey {
        public_key: point::encode33(&child.key),
        chain_code: child.chain_code,
        tweak: scalar::encode(&child.tweak),
    })
}

/// [`DerivedKey`] before encoding.
#[derive(Clone, Copy)]
pub(crate) struct Child {
    pub(crate) key: AffinePoint,
    pub(crate) chain_code: [u8; 32],
    pub(crate) tweak: Scalar,
}

impl Child {
    pub(crate) fn of(
        root: &AffinePoint,
        chain_code: &[u8; 32],
        path: &DerivationPath,
        cancel: Cancel<'_>,
    ) -> Result<Self, Abort> {
        let start = Self { key: *root, chain_code: *chain_code, tweak: Scalar::ZERO };
        path.indices().iter().try_fold(start, |parent, &index| {
            poll(cancel)?;
            parent.child(index)
        })
    }

    /// BIP32, public parent key → public child key: `(I_L, cc') = HMAC-SHA512(cc, ser33(K) ‖ u32
    /// i)`.
    fn child(&self, index: u32) -> Result<Self, Abort> {
        let mut mac =
            Hmac::<Sha512>::new_from_slice(&self.chain_code).map_err(|_| Abort::Config)?;
        mac.update(&point::encode33(&self.key));
        mac.update(&index.to_be_bytes());
        Self::step(self, &mac.finalize().into_bytes().into())
    }

    /// The child of an HMAC output; [`Abort::Config`] if `I_L ≥ q` or the child is the identity.
    fn step(&self, output: &[u8; 64]) -> Result<Self, Abort> {
        let mut halves = Cursor::new(output);
        let tweak = halves.scalar().ok_or(Abort::Config)?;
        let chain_code = *halves.array().ok_or(Abort::Config)?;
        let key = (ProjectivePoint::mul_by_generator(&tweak) + self.key).to_affine();
        if bool::from(key.is_identity()) {
            return Err(Abort::Config);
        }
        Ok(Self { key, chain_code, tweak: self.tweak + tweak })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP32's rare cases need an HMAC output that nobody can find: they are made here.
    #[test]
    fn an_output_without_a_key_is_refused() {
        let parent = Child { key: AffinePoint::GENERATOR, chain_code: [0; 32], tweak: Scalar::ONE };
        let output = |tweak: [u8; 32]| {
            let mut output = [9; 64];
            output[..32].copy_from_slice(&tweak);
            output
        };
        let largest = scalar::encode(&-Scalar::ONE);
        let mut order = largest;
        order[31] += 1;

        assert_eq!(parent.step(&output(order)).err(), Some(Abort::Config)); // I_L = q
        assert_eq!(parent.step(&output([0xff; 32])).err(), Some(Abort::Config));
        assert_eq!(parent.step(&output(largest)).err(), Some(Abort::Config)); // G − G
        let child = parent.step(&output(scalar::encode(&Scalar::ONE))).ok().unwrap();
        let twice = ProjectivePoint::GENERATOR.double();
        assert_eq!((twice.to_affine(), [9; 32]), (child.key, child.chain_code));
        assert_eq!(child.tweak, Scalar::from(2u64));
    }

    #[test]
    fn a_long_path_can_be_cancelled() {
        let path = DerivationPath::new(&[0; 255]).unwrap();
        let child = Child::of(&AffinePoint::GENERATOR, &[0; 32], &path, &|| true);
        assert_eq!(child.err(), Some(Abort::Cancelled));
    }
}
