//! RS1024: a Reed-Solomon code over GF(1024) that finds up to three wrong words.

const GENERATOR: [u32; 10] = [
    0x00e0_e040,
    0x01c1_c080,
    0x0383_8100,
    0x0707_0200,
    0x0e0e_0009,
    0x1c0c_2412,
    0x3808_6c24,
    0x3090_fc48,
    0x21b1_f890,
    0x03f3_f120,
];

/// The remainder of `customization ‖ words` before the last three words are chosen; 1 if they are right.
fn remainder(customization: &[u8], words: impl Iterator<Item = u16>) -> u32 {
    let values = customization.iter().map(|byte| u16::from(*byte)).chain(words);
    values.fold(1, |sum: u32, value| {
        // secret-dependent
        let top = sum >> 20;
        let shifted = ((sum & 0xf_ffff) << 10) ^ u32::from(value);
        (0..).zip(GENERATOR).fold(shifted, |sum, (bit, generator)| {
            sum ^ (generator & ((top >> bit) & 1).wrapping_neg())
        })
    })
}

fn customization(extendable: bool) -> &'static [u8] {
    if extendable { b"shamir_extendable" } else { b"shamir" }
}

/// The three words to append.
pub(crate) fn create(extendable: bool, words: &[u16]) -> [u16; 3] {
    let words = words.iter().copied().chain([0; 3]);
    let sum = remainder(customization(extendable), words) ^ 1;
    // Ten bits each.
    [20, 10, 0].map(|shift| u16::try_from((sum >> shift) & 1_023).unwrap_or_default())
}

/// Whether the last three words are right.
pub(crate) fn verify(extendable: bool, words: &[u16]) -> bool {
    remainder(customization(extendable), words.iter().copied()) == 1
}
