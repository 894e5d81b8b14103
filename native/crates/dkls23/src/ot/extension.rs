//! SoftSpokenOT extension, k = 4, with its consistency check (ePrint 2022/192; specification,
//! section C).
//!
//! A row has 544 bits: ξ = 416 columns, then the 128-bit mask of the check. Row 4i + b belongs to
//! bit b of tree i's leaf numbers. Bits, bytes and blocks are little-endian.

use subtle::{Choice, ConstantTimeEq};
use tagged_hash::{Hasher, Prf, tags};
use zeroize::{Zeroize, Zeroizing};

use super::{AliceState, BobState};
use crate::bytes::join;
use crate::gf128::{Factor, sum_of_products};
use crate::parameters::{BLOCKS, LAMBDA_C, LEAVES, LEVELS, ROW_BYTES, SEED_BYTES, TREES, XI};
use crate::secret::Secret;

/// VOLE message 1: `u_0 … u_31`, `x̃`, `t̃_0 … t̃_127`.
pub(crate) const MESSAGE_BYTES: usize = TREES * ROW_BYTES + 16 + LAMBDA_C * 16;

/// The receiver's draw: choice bits β (416), then the pad π (128).
pub(crate) type Draw = [u8; ROW_BYTES];

/// The transposed rows: for each of the ξ columns, bit r is row r's.
pub(crate) type ColumnSet = Secret<[u128; XI]>;

/// 544 bits in nine words, the last half used.
type Row = [u64; ROW_BYTES.div_ceil(8)];

/// `P_{i,x}` for `M` leaves of a tree: 68 of 96 bytes.
type Prg<const M: usize> = Prf<PRG_INPUT_BYTES, 3, M>;

/// Tree, leaf number, leaf.
const PRG_INPUT_BYTES: usize = 2 + SEED_BYTES;

/// The rows that share a tree.
type TreeRows = [Row; LEVELS];

/// Bob.1: columns `v` and message 1 for the draw `X = β‖π`.
// Not inlined, here and below: in one frame with a whole round these loops run out of registers.
#[inline(never)]
pub(crate) fn bob_extend(sid1: &[u8; 32], state: &BobState, draw: &Draw) -> (ColumnSet, Vec<u8>) {
    let mut message = Vec::with_capacity(MESSAGE_BYTES);
    let v = stretch(sid1, state, draw, &mut message);
    let check = Check::new(sid1, &message);
    message.extend(check.value(&row(draw)).to_le_bytes());
    for row in v.as_flattened() {
        message.extend(check.value(row).to_le_bytes());
    }
    (columns(&v), message)
}

/// For tree i and leaf x, `P_{i,x} = PRG(sid1, i, x, leaf)`; `u_i = X ⊕ ⊕_x P_{i,x}` is appended to
/// the message; the rows are `v_{4i+b} = ⊕ P_{i,x}` over the x with bit b set.
fn stretch(
    sid1: &[u8; 32],
    state: &BobState,
    draw: &Draw,
    message: &mut Vec<u8>,
) -> Secret<[TreeRows; TREES]> {
    let mut prg = Prg::<LEAVES>::new(tags::PRG, sid1);
    let mut inputs = Zeroizing::new([[0; PRG_INPUT_BYTES]; LEAVES]);
    let x = Zeroizing::new(row(draw));
    let mut v = Secret::new([[[0; 9]; LEVELS]; TREES]);
    for ((tree, leaves), rows) in (0u8..).zip(state.leaves.iter()).zip(v.iter_mut()) {
        for ((input, leaf), number) in inputs.iter_mut().zip(leaves).zip(0u8..) {
            *input = join(&[tree, number], leaf);
        }
        let mut u = *x;
        for (number, stretched) in (0u8..).zip(prg.each(&inputs)) {
            let stretched = row(stretched.as_flattened());
            xor(&mut u, &stretched);
            fold(rows, number, &stretched);
        }
        message.extend(row_bytes(&u));
    }
    v
}

/// The first half of Alice.2: columns `w`, and whether `R(w_r) = t̃_r ⊕ Δ_r·x̃` for all 128 rows.
/// The answer tells bits of Δ, so it goes to the pair's verdict gate and nowhere else.
///
/// `w_{4i+b} = ⊕ P_{i,x}` over the x with bit b of `x ⊕ Δ_i` set, `⊕ Δ_{i,b}·u_i`. The state is in
/// order of that distance `y = x ⊕ Δ_i`, so the loop is the same for every Δ.
#[inline(never)]
pub(crate) fn alice_extend(
    sid1: &[u8; 32],
    state: &AliceState,
    message: &[u8; MESSAGE_BYTES],
) -> (ColumnSet, Choice) {
    let mut prg = Prg::<{ LEAVES - 1 }>::new(tags::PRG, sid1);
    let mut inputs = Zeroizing::new([[0; PRG_INPUT_BYTES]; LEAVES - 1]);
    let (u, checks) = message.split_at(TREES * ROW_BYTES);
    let mut w = Secret::new([[[0; 9]; LEVELS]; TREES]);
    let trees = (0u8..).zip(state.holes()).zip(state.leaves.iter());
    for ((((tree, hole), leaves), u), rows) in
        trees.zip(u.chunks_exact(ROW_BYTES)).zip(w.iter_mut())
    {
        for ((input, leaf), distance) in inputs.iter_mut().zip(leaves).zip(1u8..) {
            *input = join(&[tree, distance ^ hole], leaf);
        }
        for (distance, stretched) in (1u8..).zip(prg.each(&inputs)) {
            fold(rows, distance, &row(stretched.as_flattened()));
        }
        let u = row(u);
        for (bit, row) in rows.iter_mut().enumerate() {
            let mask = u64::from(hole >> bit & 1).wrapping_neg(); // secret-dependent
            for (word, u) in row.iter_mut().zip(u) {
                *word ^= u & mask;
            }
        }
    }

    let check = Check::new(sid1, u);
    let mut values =
        checks.chunks_exact(16).map(|bytes| bytes.try_into().map_or(0, u128::from_le_bytes));
    let x = values.next().unwrap_or(0);
    let mut difference = 0;
    for ((row, t), r) in w.as_flattened().iter().zip(values).zip(0u32..) {
        let mask = (*state.delta >> r & 1).wrapping_neg(); // secret-dependent
        difference |= check.value(row) ^ t ^ (x & mask);
    }
    let holds = difference.ct_eq(&0);
    difference.zeroize();
    (columns(&w), holds)
}

/// `H("m1"; u_0 … u_31, x̃, t̃_0 … t̃_127)`, which enters sid2.
pub(crate) fn message_hash(message: &[u8]) -> [u8; 32] {
    let (u, checks) = message.split_at_checked(TREES * ROW_BYTES).unwrap_or((message, &[]));
    let mut hasher = Hasher::new(tags::M1, TREES + 1 + LAMBDA_C);
    u.chunks(ROW_BYTES).chain(checks.chunks(16)).for_each(|part| hasher.part(part));
    hasher.finish()
}

/// Adds a leaf's stretched row to the rows of the bits that `number` has. The number is public.
fn fold(rows: &mut TreeRows, number: u8, stretched: &Row) {
    for (bit, row) in rows.iter_mut().enumerate() {
        if number >> bit & 1 == 1 {
            xor(row, stretched);
        }
    }
}

fn xor(target: &mut Row, other: &Row) {
    for (word, other) in target.iter_mut().zip(other) {
        *word ^= other;
    }
}

/// The row of the first 68 bytes.
fn row(bytes: &[u8]) -> Row {
    let mut row = [0; 9];
    let (words, rest) = bytes.as_chunks::<8>();
    for (slot, bytes) in row.iter_mut().zip(words) {
        *slot = u64::from_le_bytes(*bytes);
    }
    let [.., last] = &mut row;
    *last = match rest.first_chunk() {
        Some(half) => u32::from_le_bytes(*half).into(), // 68 bytes
        None => *last & u64::from(u32::MAX),            // more of them
    };
    row
}

fn row_bytes(row: &Row) -> impl Iterator<Item = u8> {
    row.iter().flat_map(|word| word.to_le_bytes()).take(ROW_BYTES)
}

/// The universal hash `R(row) = Σ_j χ_j·block_j(row) ⊕ mask(row)` in GF(2^128), j over the four
/// blocks of the columns, the last padded with zeros. Its coefficients hash all of u, so they are
/// known only when u is fixed.
struct Check {
    factors: [Factor; BLOCKS],
}

impl Check {
    fn new(sid1: &[u8; 32], u: &[u8]) -> Self {
        let mut hasher = Hasher::new(tags::CHI, 1 + TREES);
        hasher.part(sid1);
        u.chunks_exact(ROW_BYTES).for_each(|row| hasher.part(row));
        let mut chi = Prf::new(tags::CHI_J, &hasher.finish());
        Self {
            factors: [0u8, 1, 2, 3].map(|j| {
                let block = chi.block(&[j]);
                Factor::new(block.first_chunk().map_or(0, |half| u128::from_le_bytes(*half)))
            }),
        }
    }

    fn value(&self, row: &Row) -> u128 {
        let [a, b, c, d, e, f, g, h, i] = row.map(u128::from);
        let blocks = [a | b << 64, c | d << 64, e | f << 64, g & u128::from(u32::MAX)];
        let mask = g >> 32 | h << 32 | i << 96;
        mask ^ sum_of_products(&self.factors, &blocks)
    }
}

/// Transposes the 416 columns: 64 rows by 64 columns at a time, shifts and masks only.
fn columns(rows: &[TreeRows; TREES]) -> ColumnSet {
    let mut columns = Secret::new([0u128; XI]);
    let (low, high) = rows.as_flattened().split_at(LAMBDA_C / 2);
    for (word, columns) in columns.chunks_mut(64).enumerate() {
        let low = transposed(low, word);
        let high = transposed(high, word);
        for ((column, low), high) in columns.iter_mut().zip(low.iter()).zip(high.iter()) {
            *column = u128::from(*low) | u128::from(*high) << 64;
        }
    }
    columns
}

/// Word `word` of 64 rows as a 64 × 64 matrix, transposed by halves (Hacker's Delight, §7-3).
fn transposed(rows: &[Row], word: usize) -> Zeroizing<[u64; 64]> {
    let mut matrix = Zeroizing::new([0; 64]);
    for (slot, row) in matrix.iter_mut().zip(rows) {
        *slot = row.get(word).copied().unwrap_or(0);
    }
    let mut width = 32;
    let mut mask = u64::from(u32::MAX); // the low half of every group of 2·width bits
    while width > 0 {
        for block in matrix.chunks_exact_mut(2 * width) {
            let (upper, lower) = block.split_at_mut(width);
            for (x, y) in upper.iter_mut().zip(lower) {
                let exchanged = (*x >> width ^ *y) & mask;
                *y ^= exchanged;
                *x ^= exchanged << width;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
    matrix
}

/// The choice bits β of a draw.
pub(crate) fn choices(draw: &Draw) -> impl Iterator<Item = u8> {
    draw.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)).take(XI)
}

/// A message 1 that passes exactly if the victim's hole in `tree` is `guess`: bit 0 of `u_tree` is
/// flipped, and x̃ and t̃ are computed anew, moved to fit the guess. With the right guess, the
/// sender's column 0 then differs from the honest one by the hole's bits.
#[cfg(test)]
pub(crate) fn guessing_message(
    sid1: &[u8; 32],
    state: &BobState,
    draw: &Draw,
    tree: usize,
    guess: u8,
) -> Vec<u8> {
    let mut message = Vec::with_capacity(MESSAGE_BYTES);
    let v = stretch(sid1, state, draw, &mut message);
    if let Some(byte) = message.get_mut(tree * ROW_BYTES) {
        *byte ^= 1;
    }
    let check = Check::new(sid1, &message);
    let mut flipped = [0; 9];
    flipped[0] = 1;
    let error = check.value(&flipped);
    message.extend(check.value(&row(draw)).to_le_bytes());
    for (i, rows) in v.iter().enumerate() {
        for (bit, row) in rows.iter().enumerate() {
            let moved = i == tree && guess >> bit & 1 == 1;
            let value = check.value(row) ^ if moved { error } else { 0 };
            message.extend(value.to_le_bytes());
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;
    use crate::pair_setup::order_by_distance;

    /// Both sides of a setup whose leaves and Δ are drawn here.
    fn setup(seed: u64) -> (BobState, AliceState) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut bob = Secret::new([[[0; SEED_BYTES]; LEAVES]; TREES]);
        bob.as_flattened_mut().iter_mut().for_each(|leaf| rng.fill_bytes(leaf));
        let mut delta = [0; 16];
        rng.fill_bytes(&mut delta);
        let mut alice = AliceState {
            delta: Secret::new(u128::from_le_bytes(delta)),
            leaves: Secret::new([[[0; SEED_BYTES]; LEAVES - 1]; TREES]),
        };
        let holes: Vec<_> = alice.holes().collect();
        for ((tree, hole), slots) in bob.iter().zip(holes).zip(alice.leaves.iter_mut()) {
            let mut ordered = *tree;
            order_by_distance(&mut ordered, hole);
            slots.copy_from_slice(&ordered[1..]);
        }
        (BobState { leaves: bob }, alice)
    }

    fn check(alice: &AliceState, message: &[u8]) -> (ColumnSet, bool) {
        let (columns, holds) = alice_extend(&[1; 32], alice, message.try_into().unwrap());
        (columns, holds.into())
    }

    #[test]
    fn columns_differ_by_delta_where_the_choice_bit_is_1() {
        let (bob, alice) = setup(1);
        let mut draw = [0; ROW_BYTES];
        ChaCha20Rng::seed_from_u64(2).fill_bytes(&mut draw);

        let (v, message) = bob_extend(&[1; 32], &bob, &draw);
        let (w, holds) = check(&alice, &message);

        assert!(holds);
        for ((v, w), choice) in v.iter().zip(w.iter()).zip(choices(&draw)) {
            assert_eq!(*w, v ^ if choice == 1 { *alice.delta } else { 0 });
        }
    }

    #[test]
    fn a_bit_flipped_anywhere_in_the_message_fails_the_check() {
        let (bob, alice) = setup(3);
        let (_, message) = bob_extend(&[1; 32], &bob, &[5; ROW_BYTES]);
        assert!(check(&alice, &message).1);

        for position in (0..MESSAGE_BYTES).step_by(97).chain([MESSAGE_BYTES - 1]) {
            let mut changed = message.clone();
            changed[position] ^= 0x10;
            assert!(!check(&alice, &changed).1, "byte {position}");
        }
    }

    #[test]
    fn a_guess_passes_exactly_if_it_is_right() {
        let (bob, alice) = setup(4);
        for (tree, hole) in alice.holes().enumerate().step_by(11) {
            for guess in 0..16 {
                let message = guessing_message(&[1; 32], &bob, &[6; ROW_BYTES], tree, guess);
                assert_eq!(check(&alice, &message).1, guess == hole);
            }
        }
    }

    #[test]
    fn the_session_is_part_of_every_output() {
        let (bob, alice) = setup(5);
        let (v, message) = bob_extend(&[1; 32], &bob, &[7; ROW_BYTES]);
        let (other, _) = bob_extend(&[2; 32], &bob, &[7; ROW_BYTES]);

        assert!(v.iter().zip(other.iter()).all(|(v, other)| v != other));
        let (_, holds) = alice_extend(&[2; 32], &alice, message.as_slice().try_into().unwrap());
        assert!(!bool::from(holds));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn transposes_every_bit(seed: u64) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut rows = [[[0; 9]; LEVELS]; TREES];
            let words = rows.as_flattened_mut().as_flattened_mut();
            words.iter_mut().for_each(|word| *word = rng.next_u64());

            for (j, column) in columns(&rows).iter().enumerate() {
                for (r, row) in rows.as_flattened().iter().enumerate() {
                    prop_assert_eq!(column >> r & 1, u128::from(row[j / 64] >> (j % 64) & 1));
                }
            }
        }
    }
}
