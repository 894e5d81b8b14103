//! Shamir's sharing of bytes, with a digest that tells whether shares belong together.

use hmac::{Hmac, Mac};
use rand_core::CryptoRngCore;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::field::{invert, multiply};
use crate::{Error, TOTAL};

/// Where the secret stands.
const SECRET: u8 = 255;
/// Where the digest stands.
const DIGEST: u8 = 254;
const DIGEST_BYTES: usize = 4;

/// A coordinate and the polynomials' values there.
pub(crate) type Point = (u8, Zeroizing<Vec<u8>>);

/// The lines through secret and digest at 0, 1 and 2: 2 of 3, so that no share is drawn.
pub(crate) fn split(
    secret: &Zeroizing<Vec<u8>>,
    rng: &mut dyn CryptoRngCore,
) -> Result<[Point; TOTAL], Error> {
    let mut digest = Zeroizing::new(vec![0; secret.len()]);
    let (head, random) = digest.split_at_mut_checked(DIGEST_BYTES).ok_or(Error::Length)?;
    rng.fill_bytes(random);
    head.copy_from_slice(&digest_of(secret, random)?);
    let points = [(DIGEST, digest), (SECRET, secret.clone())];
    Ok([0, 1, 2].map(|x| (x, interpolate(&points, x))))
}

/// The secret behind as many shares as it requires, with different coordinates and equal lengths.
pub(crate) fn recover(shares: &[Point]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if let [(_, secret)] = shares {
        return Ok(secret.clone());
    }
    let (secret, digest) = (interpolate(shares, SECRET), interpolate(shares, DIGEST));
    let (digest, random) = digest.split_at_checked(DIGEST_BYTES).ok_or(Error::Length)?;
    let right = digest_of(&secret, random)?.ct_eq(digest);
    if right.into() { Ok(secret) } else { Err(Error::Digest) }
}

fn digest_of(secret: &[u8], random: &[u8]) -> Result<[u8; DIGEST_BYTES], Error> {
    // Refused is no key: an HMAC takes any length.
    let mac = Hmac::<Sha256>::new_from_slice(random).map_err(|_| Error::Digest)?;
    let mac = mac.chain_update(secret).finalize().into_bytes();
    mac.first_chunk().copied().ok_or(Error::Digest)
}

/// Lagrange's formula, byte by byte; x is none of the coordinates, which are public.
fn interpolate(points: &[Point], x: u8) -> Zeroizing<Vec<u8>> {
    let length = points.iter().map(|(_, value)| value.len()).min().unwrap_or_default();
    let mut sum = Zeroizing::new(vec![0; length]);
    for (x_i, value) in points {
        let others = points.iter().map(|(x_j, _)| x_j).filter(|x_j| *x_j != x_i);
        let weight =
            others.fold(1, |product, x_j| multiply(product, multiply(x ^ x_j, invert(x_i ^ x_j))));
        sum.iter_mut().zip(value.iter()).for_each(|(to, from)| *to ^= multiply(weight, *from));
    }
    sum
}
