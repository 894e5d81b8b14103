//! The secret behind a vault that no password opens.

use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// 32 random bytes that somebody else keeps: an operating system's keychain, a key-management service, or people with
/// words on paper. A [`crate::Kek`] is derived from it. Wiped on drop; neither copied nor printed.
pub struct WrappingKey(Box<Zeroizing<[u8; 32]>>);

impl WrappingKey {
    /// A fresh one, to be given to its keeper once.
    pub fn generate(rng: &mut dyn CryptoRngCore) -> Self {
        let mut key = Self(Box::default());
        rng.fill_bytes(&mut **key.0);
        key
    }

    /// One that its keeper gave back. The caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut key = Self(Box::default());
        key.0.copy_from_slice(bytes);
        key
    }

    /// The plaintext, for the keeper to wrap. Whoever has it and the header opens every record.
    pub fn expose_for_wrapping(&self) -> &[u8; 32] {
        &self.0
    }
}
