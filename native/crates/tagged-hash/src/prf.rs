//! The keyed oracle `R_K`: one compression per 32 bytes of output.

use sha2::compress256;
use sha2::digest::consts::U64;
use sha2::digest::generic_array::GenericArray;
use zeroize::Zeroize;

use crate::Tag;

/// First state of SHA-256 (FIPS 180-4, §5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// `R_K(tag; x) = SHA-256(T(tag) ‖ K ‖ x ‖ u8 counter)`, blocks from counter 0, cut to the length asked for.
///
/// Tag and key fill the first block of SHA-256, so its state is computed once per key; whatever fits
/// into the second block beside the padding costs one compression per 32 bytes. The key may be secret:
/// its state is wiped on drop. Like `sha2` itself, the oracle does not wipe its stack frame.
pub struct Prf {
    keyed: [u32; 8],
}

impl Prf {
    /// The oracle of one domain and one key.
    pub fn new(tag: Tag, key: &[u8; 32]) -> Self {
        let mut first = GenericArray::<u8, U64>::default();
        for (slot, byte) in first.iter_mut().zip(tag.digest().iter().chain(key)) {
            *slot = *byte;
        }
        let mut keyed = INITIAL;
        compress256(&mut keyed, core::slice::from_ref(&first));
        first.as_mut_slice().zeroize();
        Self { keyed }
    }

    /// Fills `output` with `R_K(tag; x)`. The length of `x` is part of its layout, hence of its type.
    ///
    /// # Panics
    /// If `output` is longer than the counter reaches, 8 192 bytes: a bug of the caller, never an input.
    pub fn fill<const N: usize>(&self, x: &[u8; N], output: &mut [u8]) {
        const {
            assert!(
                N + 1 + 1 + 8 <= 64,
                "x, counter and padding fit into one block"
            )
        };
        assert!(output.len() <= 256 * 32, "output of the keyed oracle");
        let mut block = GenericArray::<u8, U64>::default();
        for (slot, byte) in block.iter_mut().zip(x.iter().chain(&[0x00, 0x80])) {
            *slot = *byte;
        }
        let bits = 8 * (64 + N as u64 + 1);
        for (slot, byte) in block.iter_mut().rev().zip(bits.to_le_bytes()) {
            *slot = byte;
        }
        for (counter, chunk) in (0..=u8::MAX).zip(output.chunks_mut(32)) {
            if let Some(slot) = block.get_mut(N) {
                *slot = counter;
            }
            let mut state = self.keyed;
            compress256(&mut state, core::slice::from_ref(&block));
            for (bytes, word) in chunk.chunks_mut(4).zip(state) {
                for (slot, byte) in bytes.iter_mut().zip(word.to_be_bytes()) {
                    *slot = byte;
                }
            }
        }
    }

    /// The first 32 bytes of `R_K(tag; x)`.
    pub fn block<const N: usize>(&self, x: &[u8; N]) -> [u8; 32] {
        let mut output = [0; 32];
        self.fill(x, &mut output);
        output
    }
}

impl Drop for Prf {
    fn drop(&mut self) {
        self.keyed.zeroize();
    }
}
