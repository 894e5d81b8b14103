//! Argon2id (RFC 9106): what makes every guess of a password expensive.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use crate::Error;

/// Parameters of Argon2id version 1.3, as they stand in a header.
///
/// Every lane is computed by the calling thread, one after the other: memory and iterations set the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kdf {
    /// Memory in KiB: 8 MiB to 256 MiB.
    pub memory_kib: u32,
    /// Passes over the memory: 1 to 16.
    pub iterations: u32,
    /// Lanes: 1 to 16.
    pub lanes: u32,
}

impl Kdf {
    /// 64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106, §4.
    pub const DEFAULT: Self = Self { memory_kib: 64 << 10, iterations: 3, lanes: 4 };
    /// 256 MiB, 4 passes, 4 lanes: for a vault that is opened seldom.
    pub const VAULT: Self = Self { memory_kib: 256 << 10, iterations: 4, lanes: 4 };

    /// Refuses what would eat the machine, and what no version of this crate ever wrote.
    ///
    /// # Errors
    /// [`Error::Parameters`].
    pub fn check(&self) -> Result<(), Error> {
        let Self { memory_kib, iterations, lanes } = self;
        let bounded = (8 << 10..=256 << 10).contains(memory_kib)
            && (1..=16).contains(iterations)
            && (1..=16).contains(lanes);
        if bounded { Ok(()) } else { Err(Error::Parameters) }
    }

    /// The 32 bytes for a password; the memory is wiped.
    pub(crate) fn derive(
        &self,
        password: &[u8],
        salt: &[u8; 32],
    ) -> Result<Zeroizing<[u8; 32]>, Error> {
        self.check()?;
        let parameters = Params::new(self.memory_kib, self.iterations, self.lanes, Some(32))
            .map_err(|_| Error::Parameters)?;
        let blocks = parameters.block_count();
        let mut memory = Zeroizing::new(Vec::new());
        memory.try_reserve_exact(blocks).map_err(|_| Error::Memory)?;
        memory.resize(blocks, Block::default());
        let mut output = Zeroizing::new([0; 32]);
        // Lengths and memory are right; what remains is a password of 4 GiB or more.
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into_with_memory(password, salt, &mut *output, memory.as_mut_slice())
            .map_err(|_| Error::TooLong)?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_and_huge_parameters_are_refused_and_the_bounds_are_not() {
        let kdf = |memory_kib, iterations, lanes| Kdf { memory_kib, iterations, lanes }.check();

        assert_eq!(Kdf::DEFAULT.check(), Ok(()));
        assert_eq!(Kdf::VAULT.check(), Ok(()));
        assert_eq!(kdf(8_192, 1, 1), Ok(()));
        assert_eq!(kdf(262_144, 16, 16), Ok(()));
        for (memory_kib, iterations, lanes) in [
            (8_191, 1, 1),
            (262_145, 1, 1),
            (u32::MAX, 1, 1),
            (8_192, 0, 1),
            (8_192, 17, 1),
            (8_192, u32::MAX, 1),
            (8_192, 1, 0),
            (8_192, 1, 17),
            (8_192, 1, u32::MAX),
        ] {
            assert_eq!(kdf(memory_kib, iterations, lanes), Err(Error::Parameters));
        }
    }

    /// Computed by the reference implementation in C.
    #[test]
    fn output_is_that_of_the_reference_implementation() {
        let kdf = Kdf { memory_kib: 8_192, iterations: 2, lanes: 4 };
        let output = kdf.derive(b"correct horse", b"0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(
            hex::encode(*output),
            "9a05845e9da5a2cd020cdaf65f9cfd1bab0fe818e3dd2312660e00859f97b006"
        );
    }
}
