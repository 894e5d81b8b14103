//! RFC 9380, suite secp256k1_XMD:SHA-256_SSWU_RO_, for many messages at once.
//!
//! `k256` has this suite, but its map inverts three field elements per point and raises to a power
//! bit by bit: three of them per base OT were more than a third of key generation. Here the
//! fractions of all messages share two inversions and the root is one addition chain. Constants,
//! field and curve stay k256's; a test compares the two on random messages, another with the RFC's
//! vectors.
//!
//! Constant time in the messages: which of two points a base-OT receiver hashes to is its secret
//! choice.

use k256::elliptic_curve::hash2curve::{
    ExpandMsgXmd, Isogeny, OsswuMap, OsswuMapParams, hash_to_field,
};
use k256::elliptic_curve::ops::BatchInvert;
use k256::elliptic_curve::sec1::FromEncodedPoint;
use k256::{AffinePoint, EncodedPoint, FieldElement, ProjectivePoint};
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable};

use crate::error::Abort;
use crate::wire::{Cancel, poll};

/// Messages that share their inversions. More of them save nothing and delay a cancellation.
const BATCH: usize = 64;

const MAP: OsswuMapParams<FieldElement> = <FieldElement as OsswuMap>::PARAMS;

/// The points of `messages` under the domain separation tag `dst`, at most 255 bytes and not empty.
pub(crate) fn hash_to_curve<const N: usize>(
    messages: &[[u8; N]],
    dst: &[u8],
    cancel: Cancel<'_>,
) -> Result<Vec<ProjectivePoint>, Abort> {
    let mut points = Vec::with_capacity(messages.len());
    for batch in messages.chunks(BATCH) {
        let mut fractions = Vec::with_capacity(2 * batch.len());
        for message in batch {
            poll(cancel)?;
            let mut elements = [FieldElement::ZERO; 2];
            // Fails only for an impossible length or tag (RFC 9380, §5.3.1).
            hash_to_field::<ExpandMsgXmd<Sha256>, _>(&[message], &[dst], &mut elements)
                .map_err(|_| Abort::Config)?;
            fractions.extend(elements.map(|u| Fraction::simplified_swu(&u)));
        }
        poll(cancel)?;
        let summands = isogenies(&fractions);
        points.extend(summands.as_chunks().0.iter().map(|[p, q]| ProjectivePoint::from(*p) + q));
    }
    Ok(points)
}

/// A point of the isogenous curve E' before its only division: `x = x_numerator / x_denominator`,
/// `y = y_numerator / x_denominator³` up to the sign, which follows `u_is_odd`.
struct Fraction {
    x_numerator: FieldElement,
    x_denominator: FieldElement,
    y_numerator: FieldElement,
    u_is_odd: Choice,
}

impl Fraction {
    /// RFC 9380, §6.6.2 and appendix F.2: x of E' from u, and the square root of g(x).
    fn simplified_swu(u: &FieldElement) -> Self {
        let zu2 = u.square() * MAP.z;
        let tv = (zu2.square() + zu2).normalize();
        let x1_numerator = (tv + FieldElement::ONE) * MAP.map_b;
        // The exceptional case tv = 0 takes x1 = B / (Z·A).
        let divisor = FieldElement::conditional_select(&tv.negate(1), &MAP.z, tv.is_zero());
        let x_denominator = divisor * MAP.map_a;

        // g(x1) = (n³ + A·n·d² + B·d³) / d³; its root is root(numerator·d³) / d³.
        let d2 = x_denominator.square();
        let d3 = d2 * x_denominator;
        let numerator = (x1_numerator.square() + d2 * MAP.map_a) * x1_numerator + d3 * MAP.map_b;
        let radicand = numerator * d3;
        let root = root_of_it_or_its_negative(&radicand);
        let is_square = (root.square().negate(1) + radicand).normalizes_to_zero();

        // Otherwise x2 = Z·u²·x1 and g(x2) = (Z·u²)³·g(x1), whose root is root(−Z³)·u³·root.
        let other_root = root * MAP.c2 * u.square() * u;
        Self {
            x_numerator: FieldElement::conditional_select(
                &(zu2 * x1_numerator),
                &x1_numerator,
                is_square,
            ),
            x_denominator,
            y_numerator: FieldElement::conditional_select(&other_root, &root, is_square),
            u_is_odd: u.normalize().is_odd(),
        }
    }
}

/// `w^((p+1)/4)`: a square root of w if there is one, else of −w, since p ≡ 3 mod 4.
fn root_of_it_or_its_negative(w: &FieldElement) -> FieldElement {
    // (p+1)/4 in binary is 223 ones, 0, 22 ones, 0000, 11, 00; runs of ones are built by doubling
    // their length.
    let run =
        |ones: &FieldElement, shift: usize, other: &FieldElement| squarings(ones, shift) * other;
    let ones2 = run(w, 1, w);
    let ones3 = run(&ones2, 1, w);
    let ones6 = run(&ones3, 3, &ones3);
    let ones9 = run(&ones6, 3, &ones3);
    let ones11 = run(&ones9, 2, &ones2);
    let ones22 = run(&ones11, 11, &ones11);
    let ones44 = run(&ones22, 22, &ones22);
    let ones88 = run(&ones44, 44, &ones44);
    let ones176 = run(&ones88, 88, &ones88);
    let ones220 = run(&ones176, 44, &ones44);
    let ones223 = run(&ones220, 3, &ones3);
    squarings(&run(&run(&ones223, 23, &ones22), 6, &ones2), 2)
}

fn squarings(base: &FieldElement, count: usize) -> FieldElement {
    (0..count).fold(*base, |power, _| power.square())
}

/// The points of secp256k1 below the 3-isogeny (RFC 9380, §6.6.3 and appendix E.1), with one
/// inversion for all points of E' and one for all their images.
fn isogenies(fractions: &[Fraction]) -> Vec<AffinePoint> {
    let denominators: Vec<_> = fractions.iter().map(|f| f.x_denominator).collect();
    let images: Vec<_> = fractions
        .iter()
        .zip(invert_all(&denominators))
        .map(|(fraction, inverse)| {
            let x = fraction.x_numerator * inverse;
            let y = (fraction.y_numerator * inverse.square() * inverse).normalize();
            let y_sign_differs = y.is_odd() ^ fraction.u_is_odd;
            Image::of(&x, &FieldElement::conditional_select(&y, &y.negate(1), y_sign_differs))
        })
        .collect();

    let denominators: Vec<_> =
        images.iter().map(|image| image.x_denominator * image.y_denominator).collect();
    images
        .iter()
        .zip(invert_all(&denominators))
        .map(|(image, inverse)| image.divided(inverse))
        .collect()
}

/// Inverses, zero for zero. A zero has probability 2^-254: the fallback's time tells nothing.
fn invert_all(elements: &[FieldElement]) -> Vec<FieldElement> {
    let all: Option<Vec<_>> = FieldElement::batch_invert(elements).into();
    all.unwrap_or_else(|| {
        let each = elements.iter().map(|element| element.invert().unwrap_or(FieldElement::ZERO));
        each.collect()
    })
}

/// An image under the isogeny before its only division.
struct Image {
    x_numerator: FieldElement,
    x_denominator: FieldElement,
    y_numerator: FieldElement,
    y_denominator: FieldElement,
}

impl Image {
    fn of(x: &FieldElement, y: &FieldElement) -> Self {
        let map = <FieldElement as Isogeny>::COEFFICIENTS;
        let polynomial = |coefficients: &[FieldElement]| {
            coefficients.iter().rev().fold(FieldElement::ZERO, |sum, c| sum * x + c)
        };
        Self {
            x_numerator: polynomial(map.xnum),
            x_denominator: polynomial(map.xden),
            y_numerator: polynomial(map.ynum) * y,
            y_denominator: polynomial(map.yden),
        }
    }

    /// The point, given the inverse of both denominators' product. The isogeny's kernel, where that
    /// is zero, maps to the identity, and so does its (0, 0), which is on no curve with b ≠ 0.
    fn divided(&self, inverse: FieldElement) -> AffinePoint {
        let x = (self.x_numerator * self.y_denominator * inverse).normalize();
        let y = (self.y_numerator * self.x_denominator * inverse).normalize();
        let encoded = EncodedPoint::from_affine_coordinates(&x.to_bytes(), &y.to_bytes(), false);
        AffinePoint::from_encoded_point(&encoded).unwrap_or(AffinePoint::IDENTITY)
    }
}

#[cfg(test)]
mod tests {
    use k256::Secp256k1;
    use k256::elliptic_curve::PrimeField;
    use k256::elliptic_curve::hash2curve::{GroupDigest, MapToCurve};
    use proptest::prelude::*;

    use super::*;

    /// RFC 9380, appendix J.8.1: message, x and y of the point.
    fn rfc_9380() -> [(String, &'static str, &'static str); 5] {
        [
            (
                String::new(),
                "c1cae290e291aee617ebaef1be6d73861479c48b841eaba9b7b5852ddfeb1346",
                "64fa678e07ae116126f08b022a94af6de15985c996c3a91b64c406a960e51067",
            ),
            (
                "abc".to_owned(),
                "3377e01eab42db296b512293120c6cee72b6ecf9f9205760bd9ff11fb3cb2c4b",
                "7f95890f33efebd1044d382a01b1bee0900fb6116f94688d487c6c7b9c8371f6",
            ),
            (
                "abcdef0123456789".to_owned(),
                "bac54083f293f1fe08e4a70137260aa90783a5cb84d3f35848b324d0674b0e3a",
                "4436476085d4c3c4508b60fcf4389c40176adce756b398bdee27bca19758d828",
            ),
            (
                format!("q128_{}", "q".repeat(128)),
                "e2167bc785333a37aa562f021f1e881defb853839babf52a7f72b102e41890e9",
                "f2401dd95cc35867ffed4f367cd564763719fbc6a53e969fb8496a1e6685d873",
            ),
            (
                format!("a512_{}", "a".repeat(512)),
                "e3c8d35aaaf0b9b647e88a0a0a7ee5d5bed5ad38238152e4e6fd8c1f8cb7c998",
                "8446eeb6181bf12f56a9d24e262221cc2f0c4725c7e3803024b5888ee5823aa6",
            ),
        ]
    }

    #[test]
    fn hashes_as_rfc_9380_says() {
        let dst = b"QUUX-V01-CS02-with-secp256k1_XMD:SHA-256_SSWU_RO_";
        for (message, x, y) in rfc_9380() {
            let hashed = match message.len() {
                0 => hash_all::<0>(&[&message], dst),
                3 => hash_all::<3>(&[&message], dst),
                16 => hash_all::<16>(&[&message], dst),
                133 => hash_all::<133>(&[&message], dst),
                _ => hash_all::<517>(&[&message], dst),
            };
            let point = crate::point::encode64(&hashed[0].to_affine());
            assert_eq!(hex::encode(point), format!("{x}{y}"));
        }
    }

    fn hash_all<const N: usize>(messages: &[&str], dst: &[u8]) -> Vec<ProjectivePoint> {
        let messages: Vec<[u8; N]> =
            messages.iter().map(|message| message.as_bytes().try_into().unwrap()).collect();
        hash_to_curve(&messages, dst, &|| false).unwrap()
    }

    #[test]
    fn maps_the_exceptional_element_zero_as_k256_does() {
        let elements = [FieldElement::ZERO, FieldElement::ONE, -FieldElement::ONE.normalize()];
        for u in elements.map(|u| u.normalize()) {
            let [point] = isogenies(&[Fraction::simplified_swu(&u)]).try_into().unwrap();
            assert_eq!(ProjectivePoint::from(point), u.map_to_curve());
        }
    }

    #[test]
    fn a_vanishing_denominator_does_not_spoil_the_others() {
        let two = FieldElement::ONE.double();
        let inverses = invert_all(&[two, FieldElement::ZERO]);

        assert_eq!((inverses[0] * two).normalize(), FieldElement::ONE);
        assert!(bool::from(inverses[1].normalizes_to_zero()));
    }

    #[test]
    fn is_cancelled_between_messages() {
        assert_eq!(hash_to_curve(&[[0; 4]], b"dst", &|| true).err(), Some(Abort::Cancelled));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn agrees_with_k256(messages in prop::collection::vec(any::<[u8; 68]>(), 1..4)) {
            let dst = crate::ot::base::DST;
            let ours = hash_to_curve(&messages, dst, &|| false).unwrap();
            for (message, point) in messages.iter().zip(ours) {
                let theirs =
                    Secp256k1::hash_from_bytes::<ExpandMsgXmd<Sha256>>(&[message], &[dst]).unwrap();
                prop_assert_eq!(point, theirs);
            }
        }

        #[test]
        fn maps_any_element_as_k256_does(bytes: [u8; 32]) {
            if let Some(u) = Option::<FieldElement>::from(FieldElement::from_repr(bytes.into())) {
                let [point] = isogenies(&[Fraction::simplified_swu(&u)]).try_into().unwrap();
                prop_assert_eq!(ProjectivePoint::from(point), u.map_to_curve());
            }
        }
    }
}
