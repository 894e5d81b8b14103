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
