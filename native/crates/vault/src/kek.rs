//! The key-encryption key and its id.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Error;

/// Names a key-encryption key, and commits to it and to its header: nobody can find two keys of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KekId(pub [u8; 32]);

/// A key-encryption key in memory: wraps the data keys of records. Wiped on drop; neither copied nor printed.
pub struct Kek {
    pub(crate) key: Box<Zeroizing<[u8; 32]>>,
    pub(crate) id: KekId,
}

impl Kek {
    /// HKDF-SHA256 of `secret` for everything in a header but the id: `key 32 ‖ id 32`.
    ///
    /// The second block is an HMAC over the first, which makes the id a commitment to the key; and as a pseudorandom
    /// output it says nothing about it. Like `sha2`, HKDF does not wipe its stack frame.
    pub(crate) fn derive(
        secret: &[u8; 32],
        salt: &[u8; 32],
        purpose: &[u8; 32],
    ) -> Result<Self, Error> {
        let mut kek = Self { key: Box::default(), id: KekId([0; 32]) };
        let mut output = Zeroizing::new([0; 64]);
        // Refused are more than 255 blocks.
        Hkdf::<Sha256>::new(Some(salt), secret)
            .expand(purpose, &mut *output)
            .map_err(|_| Error::TooLong)?;
        let (key, id) = output.split_at(32);
        kek.key.copy_from_slice(key);
        kek.id.0.copy_from_slice(id);
        Ok(kek)
    }

    /// Its id, which records carry in clear.
    pub const fn id(&self) -> KekId {
        self.id
    }
}
