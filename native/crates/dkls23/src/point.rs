//! Points of secp256k1: the two encodings on the wire, and many conversions for the price of one.

use k256::elliptic_curve::point::BatchNormalize;
use k256::elliptic_curve::point::DecompressPoint;
use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, FieldBytes, ProjectivePoint};
use subtle::Choice;

use crate::bytes::Cursor;

/// SEC1 compressed. The identity, which no honest party sends, becomes zeros, which no decoder accepts.
pub(crate) fn encode33(point: &AffinePoint) -> [u8; 33] {
    point
        .to_encoded_point(true)
        .as_bytes()
        .try_into()
        .unwrap_or([0; 33])
}

/// x ‖ y. The identity becomes zeros, as in [`encode33`].
pub(crate) fn encode64(point: &AffinePoint) -> [u8; 64] {
    match point.to_encoded_point(false).as_bytes() {
        [_, coordinates @ ..] => coordinates.try_into().unwrap_or([0; 64]),
        [] => [0; 64],
    }
}

/// The point of a SEC1 compressed encoding; nothing else: no identity, no hybrid or compact form.
pub(crate) fn decode33(bytes: &[u8; 33]) -> Option<AffinePoint> {
    let [parity @ (2 | 3), x @ ..] = bytes else {
        return None;
    };
    AffinePoint::decompress(FieldBytes::from_slice(x), Choice::from(parity & 1)).into()
}

/// The point with these coordinates, both reduced. (0, 0) is not on the curve, so it is never the identity.
pub(crate) fn decode64(bytes: &[u8; 64]) -> Option<AffinePoint> {
    let mut coordinates = Cursor::new(bytes);
    let (x, y) = (coordinates.array::<32>()?, coordinates.array::<32>()?);
    let encoded = EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
    AffinePoint::from_encoded_point(&encoded).into()
}

/// Affine forms with one inversion for all.
pub(crate) fn normalize(points: &[ProjectivePoint]) -> Vec<AffinePoint> {
    ProjectivePoint::batch_normalize(points)
}
