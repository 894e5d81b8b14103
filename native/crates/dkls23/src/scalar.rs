//! Scalars modulo the group order: encoding, hashing into, drawing.

use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use rand_core::CryptoRngCore;
use zeroize::{Zeroize, Zeroizing};

/// 32 bytes, big-endian.
pub(crate) fn encode(scalar: &Scalar) -> [u8; 32] {
    scalar.to_bytes().into()
}

/// The scalar of 32 big-endian bytes below the order; zero is allowed.
pub(crate) fn decode(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_repr((*bytes).into()).into()
}

/// 32 bytes of a hash as a scalar (bias 2^-128).
pub(crate) fn reduce(bytes: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(bytes.into())
}

/// A uniform scalar that is not zero: 32 bytes, drawn again while zero or not below the order.
pub(crate) fn draw<R: CryptoRngCore + ?Sized>(rng: &mut R) -> Zeroizing<Scalar> {
    let mut bytes = [0; 32];
    loop {
        rng.fill_bytes(&mut bytes);
        // A rejected draw is unrelated to the one that is kept: the branch tells nothing about it.
        if let Some(scalar) = decode(&bytes).filter(|scalar| !bool::from(scalar.is_zero())) {
            bytes.zeroize();
            return Zeroizing::new(scalar);
        }
    }
}
