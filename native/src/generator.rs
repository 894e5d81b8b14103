//! The random generator of one object or session.

use std::hint::black_box;

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Error, OsRng, RngCore, SeedableRng};
use tagged_hash::{hash, tags};
use zeroize::Zeroizing;

use crate::error::Fault;

/// ChaCha20, whose state is as secret as all that was drawn from it: boxed, so that moves leave no copy, and
/// overwritten when dropped, which the generator itself does not do.
pub(crate) struct Generator(Box<ChaCha20Rng>);

impl Generator {
    /// Seeded by 32 bytes of the operating system, hashed with what it is for.
    pub(crate) fn new(purpose: &[u8]) -> Result<Self, Fault> {
        let mut entropy = Zeroizing::new([0u8; 32]);
        OsRng
            .try_fill_bytes(entropy.as_mut())
            .map_err(|_| Fault::new("INTERNAL", "the operating system gave no randomness"))?;
        let seed = Zeroizing::new(hash(tags::RNG, &[entropy.as_slice(), purpose]));
        Ok(Self(Box::new(ChaCha20Rng::from_seed(*seed))))
    }
}

impl RngCore for Generator {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.try_fill_bytes(bytes)
    }
}

impl CryptoRng for Generator {}

impl Drop for Generator {
    fn drop(&mut self) {
        *self.0 = ChaCha20Rng::from_seed([0; 32]);
        black_box(&mut self.0); // so that the overwriting is not optimised away
    }
}
