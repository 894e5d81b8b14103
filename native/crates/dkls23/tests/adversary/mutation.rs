//! What an adversary puts into a field, by the field's kind.

use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, PublicKey};

use crate::layout::{Field, Kind};

/// The field's prime, big-endian.
pub const P: [u8; 32] = {
    let mut p = [0xff; 32];
    (p[27], p[30], p[31]) = (0xfe, 0xfc, 0x2f);
    p
};

/// The group order, big-endian.
pub const Q: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// A value and what it is called in a failure.
pub struct Mutation {
    pub name: &'static str,
    pub piece: Vec<u8>,
}

/// Everything that may stand in place of `honest`; `others` are the same field of another party and of a previous session.
/// Values of a wrong length only for the first field of a name: a body's length is one number.
pub fn mutations(
    field: &Field,
    honest: &[u8],
    others: &[(&'static str, Vec<u8>)],
) -> Vec<Mutation> {
    let kind = field.kind;
    let mut all = vec![
        ("last bit flipped", flipped(honest, honest.len() - 1)),
        ("zeros", vec![0; honest.len()]),
        ("truncated", honest[..honest.len() - 1].to_vec()),
        ("extended", [honest, &[0]].concat()),
        ("left out", Vec::new()),
        ("twice", [honest, honest].concat()),
    ];
    match kind {
        Kind::Bytes(length) => {
            all.extend([("first bit flipped", flipped(honest, 0)), ("ones", vec![0xff; length])])
        }
        Kind::Scalar => all.extend([
            ("the order", Q.to_vec()),
            ("the order plus one", plus_one(&Q)),
            ("2^256 - 1", vec![0xff; 32]),
            ("plus one", plus_one(honest)),
        ]),
        Kind::Point33 => {
            let x = &honest[1..];
            let with = |prefix: u8, x: &[u8]| [&[prefix], x].concat();
            all.extend([
                ("the identity in one byte", vec![0]),
                ("x on no point", with(2, &small(5))),
                ("x = p", with(2, &P)),
                ("x = 1 + p", with(2, &plus_one(&P))),
                ("negative", with(honest[0] ^ 1, x)),
                ("the generator", AffinePoint::GENERATOR.to_encoded_point(true).to_bytes().into()),
                ("uncompressed", uncompressed(honest)),
                ("prefix 0", with(0, x)),
                ("prefix 4", with(4, x)),
                ("prefix 5", with(5, x)),
                ("hybrid prefix 6", with(6, x)),
                ("hybrid prefix 7", with(7, x)),
            ]);
        }
        Kind::Point64 => {
            let (x, y) = honest.split_at(32);
            let of_one = uncompressed(&[&[2], &small(1)[..]].concat());
            let negative = AffinePoint::from_encoded_point(&tagged(honest)).unwrap();
            all.extend([
                ("x on no point", [&small(5), y].concat()),
                ("x = p", [&P, y].concat()),
                ("y = p", [x, &P].concat()),
                ("x = 1 + p", [&plus_one(&P), &of_one[33..]].concat()),
                ("negative", (-negative).to_encoded_point(false).as_bytes()[1..].to_vec()),
                (
                    "the generator",
                    AffinePoint::GENERATOR.to_encoded_point(false).as_bytes()[1..].to_vec(),
                ),
                ("compressed", [&[2 | y[31] & 1], x].concat()),
                ("tagged as uncompressed", [&[4], honest].concat()),
                ("hybrid", [&[6 | y[31] & 1], honest].concat()),
            ]);
        }
    }
    all.extend(others.iter().cloned());
    let tried = |piece: &[u8]| piece != honest && (field.index == 0 || piece.len() == honest.len());
    let changed = all.into_iter().filter(|(_, piece)| tried(piece));
    changed.map(|(name, piece)| Mutation { name, piece }).collect()
}

/// Whether bytes are a field of this kind at all; by k256's own decoder, not the engine's.
pub fn is_well_formed(kind: Kind, piece: &[u8]) -> bool {
    let right_length = piece.len() == kind.length();
    right_length
        && match kind {
            Kind::Bytes(_) => true,
            Kind::Scalar => piece < &Q[..],
            Kind::Point33 => {
                matches!(piece[0], 2 | 3)
                    && piece[1..] < P[..]
                    && PublicKey::from_sec1_bytes(piece).is_ok()
            }
            Kind::Point64 => {
                let in_range = piece[..32] < P[..] && piece[32..] < P[..];
                in_range && PublicKey::from_sec1_bytes(tagged(piece).as_bytes()).is_ok()
            }
        }
}

fn flipped(bytes: &[u8], position: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[position] ^= 1;
    flipped
}

/// Big-endian, and not 2^256 - 1.
pub fn plus_one(number: &[u8]) -> Vec<u8> {
    let mut sum = number.to_vec();
    for byte in sum.iter_mut().rev() {
        let (next, carry) = byte.overflowing_add(1);
        *byte = next;
        if !carry {
            break;
        }
    }
    sum
}

fn small(value: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = value;
    bytes
}

fn uncompressed(point: &[u8]) -> Vec<u8> {
    PublicKey::from_sec1_bytes(point).unwrap().to_encoded_point(false).as_bytes().to_vec()
}

fn tagged(coordinates: &[u8]) -> EncodedPoint {
    EncodedPoint::from_bytes([&[4], coordinates].concat()).unwrap()
}
