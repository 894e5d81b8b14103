//! SoftSpokenOT extension, k = 4, with its consistency check (ePrint 2022/192; specification, section C).
//!
//! A row has 544 bits: ξ = 416 columns, then the 128-bit mask of the check. Row 4i + b belongs to bit b of tree i's leaf
//! numbers. Bits, bytes and blocks are little-endian.

use subtle::{Choice, ConstantTimeEq};
use tagged_hash::{Hasher, Prf, tags};
use zeroize::{Zeroize, Zeroizing};

use super::{AliceState, BobState};
use crate::bytes::join;
use crate::gf128::Factor;
use crate::parameters::{BLOCKS, LAMBDA_C, LEVELS, ROW_BYTES, SEED_BYTES, TREES, XI};
use crate::secret::Secret;

/// VOLE message 1: `u_0 … u_31`, `x̃`, `t̃_0 … t̃_127`.
pub(crate) const MESSAGE_BYTES: usize = TREES * ROW_BYTES + 16 + LAMBDA_C * 16;

/// The receiver's draw: choice bits β (416), then the pad π (128).
pub(crate) type Draw = [u8; ROW_BYTES];

/// The transposed rows: for each of the ξ columns, bit r is row r's.
pub(crate) type ColumnSet = Secret<[u128; XI]>;

/// 544 bits in nine words, the last half used.
type Row = [u64; ROW_BYTES.div_ceil(8)];

/// The rows that share a tree.
type TreeRows = [Row; LEVELS];

/// Bob.1: columns `v` and message 1 for the draw `X = β‖π`.
///
/// For tree i and leaf x, `P_{i,x} = PRG(sid1, i, x, leaf)`; `u_i = X ⊕ ⊕_x P_{i,x}`;
/// `v_{4i+b} = ⊕ P_{i,x}` over the x with bit b set.
pub(crate) fn bob_extend(sid1: &[u8; 32], state: &BobState, draw: &Draw) -> (ColumnSet, Vec<u8>) {
    let prg = Prf::new(tags::PRG, sid1);
    let x = Zeroizing::new(row(draw));
    let mut v = Secret::new([[[0; 9]; LEVELS]; TREES]);
    let mut message = Vec::with_capacity(MESSAGE_BYTES);
    for ((tree, leaves), rows) in (0u8..).zip(state.leaves.iter()).zip(v.iter_mut()) {
        let mut u = *x;
        for (number, leaf) in (0u8..).zip(leaves) {
            let stretched = stretch(&prg, tree, number, leaf);
            xor(&mut u, &stretched);
            fold(rows, number, &stretched);
        }
        message.extend(row_bytes(&u));
    }
    let check = Check::new(sid1, &message);
    message.extend(check.value(&x).to_le_bytes());
    for row in v.as_flattened() {
        message.extend(check.value(row).to_le_bytes());
    }
    (columns(&v), message)
}

/// The first half of Alice.2: columns `w`, and whether `R(w_r) = t̃_r ⊕ Δ_r·x̃` for all 128 rows. The
/// answer tells bits of Δ, so it goes to the pair's verdict gate and nowhere else.
///
/// `w_{4i+b} = ⊕ P_{i,x}` over the x with bit b of `x ⊕ Δ_i` set, `⊕ Δ_{i,b}·u_i`. The state is in order of that
/// distance `y = x ⊕ Δ_i`, so the loop is the same for every Δ.
pub(crate) fn alice_extend(
    sid1: &[u8; 32],
    state: &AliceState,
    message: &[u8; MESSAGE_BYTES],
) -> (ColumnSet, Choice) {
    let prg = Prf::new(tags::PRG, sid1);
    let (u, checks) = message.split_at(TREES * ROW_BYTES);
    let mut w = Secret::new([[[0; 9]; LEVELS]; TREES]);
    let trees = (0u8..).zip(state.holes()).zip(state.leaves.iter());
    for ((((tree, hole), leaves), u), rows) in
        trees.zip(u.chunks_exact(ROW_BYTES)).zip(w.iter_mut())
    {
        for (distance, leaf) in (1u8..).zip(leaves) {
            let stretched = stretch(&prg, tree, distance ^ hole, leaf);
            fold(rows, distance, &stretched);
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
    let mut values = checks
        .chunks_exact(16)
        .map(|bytes| bytes.try_into().map_or(0, u128::from_le_bytes));
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
    let (u, checks) = message
        .split_at_checked(TREES * ROW_BYTES)
        .unwrap_or((message, &[]));
    let mut hasher = Hasher::new(tags::M1, TREES + 1 + LAMBDA_C);
    u.chunks(ROW_BYTES)
        .chain(checks.chunks(16))
        .for_each(|part| hasher.part(part));
    hasher.finish()
}

/// `P_{i,x}`.
fn stretch(prg: &Prf, tree: u8, leaf: u8, seed: &[u8; SEED_BYTES]) -> Row {
    let mut bytes = [0; ROW_BYTES];
    prg.fill(&join::<2, SEED_BYTES, 18>(&[tree, leaf], seed), &mut bytes);
    row(&bytes)
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

fn row(bytes: &[u8]) -> Row {
    let mut row = [0; 9];
    let (words, tail) = bytes.as_chunks::<8>();
    let last = tail.try_into().map_or(0, u32::from_le_bytes).into();
    let words = words.iter().map(|bytes| u64::from_le_bytes(*bytes));
    for (slot, word) in row.iter_mut().zip(words.chain([last])) {
        *slot = word;
    }
    row
}

fn row_bytes(row: &Row) -> impl Iterator<Item = u8> {
    row.iter()
        .flat_map(|word| word.to_le_bytes())
        .take(ROW_BYTES)
}

/// The universal hash `R(row) = Σ_j χ_j·block_j(row) ⊕ mask(row)` in GF(2^128), j over the four blocks of the columns,
/// the last padded with zeros. Its coefficients hash all of u, so they are known only when u is fixed.
struct Check {
    factors: [Factor; BLOCKS],
}

impl Check {
    fn new(sid1: &[u8; 32], u: &[u8]) -> Self {
        let mut hasher = Hasher::new(tags::CHI, 1 + TREES);
        hasher.part(sid1);
        u.chunks_exact(ROW_BYTES).for_each(|row| hasher.part(row));
        let chi = Prf::new(tags::CHI_J, &hasher.finish());
        Self {
            factors: [0u8, 1, 2, 3].map(|j| {
                let mut coefficient = [0; 16];
                chi.fill(&[j], &mut coefficient);
                Factor::new(u128::from_le_bytes(coefficient))
            }),
        }
    }

    fn value(&self, row: &Row) -> u128 {
        let [a, b, c, d, e, f, g, h, i] = row.map(u128::from);
        let blocks = [
            a | b << 64,
            c | d << 64,
            e | f << 64,
            g & u128::from(u32::MAX),
        ];
        let mask = g >> 32 | h << 32 | i << 96;
        self.factors
            .iter()
            .zip(blocks)
            .fold(mask, |sum, (factor, block)| sum ^ factor.times(block))
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
pub(crate) fn choices(draw: &Draw) -> impl Iterator<Item = Choice> {
    let bits = draw
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| Choice::from(byte >> bit & 1)));
    bits.take(XI)
}
