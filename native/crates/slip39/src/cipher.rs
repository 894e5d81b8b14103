//! The wide-block cipher between secret and shares: four Feistel rounds of PBKDF2.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::share::Set;

/// Rounds, and iterations of all of them for exponent 0.
const ROUNDS: [u8; 4] = [0, 1, 2, 3];
const ITERATIONS: u32 = 10_000;

/// Encrypts an even number of bytes.
pub(crate) fn encrypt(set: &Set, passphrase: &str, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    feistel(set, passphrase, secret, ROUNDS)
}

/// Undoes [`encrypt`]; another passphrase gives another secret.
pub(crate) fn decrypt(set: &Set, passphrase: &str, encrypted: &[u8]) -> Zeroizing<Vec<u8>> {
    let [first, second, third, fourth] = ROUNDS;
    feistel(set, passphrase, encrypted, [fourth, third, second, first])
}

fn feistel(set: &Set, passphrase: &str, block: &[u8], rounds: [u8; 4]) -> Zeroizing<Vec<u8>> {
    let (left, right) = block.split_at(block.len() / 2);
    let mut left = Zeroizing::new(left.to_vec());
    let mut right = Zeroizing::new(right.to_vec());
    for round in rounds {
        let mask = round_function(set, passphrase, round, &right);
        left.iter_mut().zip(mask.iter()).for_each(|(to, from)| *to ^= from);
        core::mem::swap(&mut left, &mut right);
    }
    let mut out = Zeroizing::new(Vec::with_capacity(block.len()));
    out.extend_from_slice(&right);
    out.extend_from_slice(&left);
    out
}

fn round_function(set: &Set, passphrase: &str, round: u8, half: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut password = Zeroizing::new(Vec::with_capacity(1 + passphrase.len()));
    password.push(round);
    password.extend_from_slice(passphrase.as_bytes());
    let mut salt = Zeroizing::new(Vec::with_capacity(8 + half.len()));
    if !set.extendable {
        salt.extend_from_slice(b"shamir");
        salt.extend_from_slice(&set.identifier.to_be_bytes());
    }
    salt.extend_from_slice(half);
    let mut output = Zeroizing::new(vec![0; half.len()]);
    // The exponent has four bits: at most 2^28 iterations.
    let iterations = (ITERATIONS << set.iteration_exponent) / 4;
    pbkdf2_hmac::<Sha256>(&password, &salt, iterations, &mut output);
    output
}
