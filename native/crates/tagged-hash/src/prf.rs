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

type Block = GenericArray<u8, U64>;

/// `R_K(tag; x) = SHA-256(T(tag) ‖ K ‖ x ‖ u8 counter)` for x of `N` bytes, `B` blocks from counter
/// 0, for `M` different x at a time.
///
/// Tag and key fill the first block of SHA-256, so its state is computed once per key; x, counter
/// and padding fit into a second one, so every 32 bytes cost one compression. The second blocks of
/// `M` inputs are laid out before the first is compressed: a compression of bytes just written
/// waits for them, and several at a time overlap in the processor, which makes `M` of 8 or more a
/// third faster than one by one.
///
/// Key and inputs may be secret: both are wiped on drop. Like `sha2`, the oracle does not wipe its
/// stack frame.
pub struct Prf<const N: usize, const B: usize = 1, const M: usize = 1> {
    keyed: [u32; 8],
    inputs: Box<[[Block; B]; M]>,
}

impl<const N: usize, const B: usize, const M: usize> Prf<N, B, M> {
    /// The oracle of one domain and one key.
    pub fn new(tag: Tag, key: &[u8; 32]) -> Self {
        const { assert!(N + 1 + 1 + 8 <= 64, "x, counter and padding fit into one block") };
        const { assert!(B <= 256, "the counter is one byte") };
        let mut first = Block::default();
        for (slot, byte) in first.iter_mut().zip(tag.digest().iter().chain(key)) {
            *slot = *byte;
        }
        let mut keyed = INITIAL;
        compress256(&mut keyed, core::slice::from_ref(&first));
        first.as_mut_slice().zeroize();

        let mut inputs = Box::new([[Block::default(); B]; M]);
        for (counter, input) in inputs.iter_mut().flat_map(|blocks| (0..=u8::MAX).zip(blocks)) {
            let (text, length) = input.split_at_mut(56);
            length.copy_from_slice(&(8 * (64 + N as u64 + 1)).to_be_bytes());
            for (slot, byte) in text.iter_mut().skip(N).zip([counter, 0x80]) {
                *slot = byte;
            }
        }
        Self { keyed, inputs }
    }

    /// The blocks of `R_K(tag; x)` for each x.
    pub fn each(&mut self, xs: &[[u8; N]; M]) -> impl Iterator<Item = [[u8; 32]; B]> {
        for (blocks, x) in self.inputs.iter_mut().zip(xs) {
            for block in blocks {
                let (text, _) = block.split_at_mut(N);
                text.copy_from_slice(x);
            }
        }
        self.inputs.iter().map(|blocks| blocks.each_ref().map(|block| self.compress(block)))
    }

    fn compress(&self, block: &Block) -> [u8; 32] {
        let mut state = self.keyed;
        compress256(&mut state, core::slice::from_ref(block));
        let mut output = [0; 32];
        for (bytes, word) in output.as_chunks_mut().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        output
    }
}

impl<const N: usize> Prf<N> {
    /// `R_K(tag; x)`, 32 bytes.
    pub fn block(&mut self, x: &[u8; N]) -> [u8; 32] {
        self.each(&[*x]).fold([0; 32], |_, [block]| block)
    }
}

impl<const N: usize, const B: usize, const M: usize> Drop for Prf<N, B, M> {
    fn drop(&mut self) {
        self.keyed.zeroize();
        for block in self.inputs.as_flattened_mut() {
            block.as_mut_slice().zeroize();
        }
    }
}
