//! Punctured PRF (SoftSpokenOT, ePrint 2022/192, figures 13 and 14): four base OTs make a tree of
//! 16 leaves of which the receiver knows all but one, the hole, and the sender does not know which.
//!
//! The pads of level 0 are the root's children; node y of level l−1 expands to nodes 2y and 2y+1 of
//! level l. The hole is the complement of the choice bits, level 0 the most significant. Per tree
//! 160 bytes: for levels 1 to 3 the correction of side 0 and of side 1 (16 each), the exclusive or
//! of the leaves' proofs (32) and their hash (32).

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use tagged_hash::{Hasher, Prf, tags};
use zeroize::{Zeroize, Zeroizing};

use crate::bytes::{Cursor, join, xor_into};
use crate::parameters::{LEAVES, LEVELS, SEED_BYTES, Seed, TREES};

pub(crate) const TREE_BYTES: usize = (LEVELS - 1) * 2 * SEED_BYTES + 64;
pub(crate) const MESSAGE_BYTES: usize = TREES * TREE_BYTES;

/// The oracles of one ordered pair's setup.
pub(crate) struct Oracles {
    sid_ot: [u8; 32],
    expand: Prf<{ 3 + SEED_BYTES }>,
    prove: Prf<{ 2 + SEED_BYTES }>,
}

impl Oracles {
    pub(crate) fn new(sid_ot: &[u8; 32]) -> Self {
        Self {
            sid_ot: *sid_ot,
            expand: Prf::new(tags::PPRF, sid_ot),
            prove: Prf::new(tags::PPRF_PROVE, sid_ot),
        }
    }

    /// The sender's tree from both pads of each level: all leaves, and the message.
    pub(crate) fn build(
        &mut self,
        tree: u8,
        pads: &[[Seed; 2]; LEVELS],
    ) -> (Zeroizing<[Seed; LEAVES]>, [u8; TREE_BYTES]) {
        let [root, corrected @ ..] = pads;
        let mut nodes = Zeroizing::new(root.to_vec());
        let mut message = Vec::with_capacity(TREE_BYTES);
        for (level, pads) in (1..).zip(corrected) {
            nodes = self.children(tree, level, &nodes);
            for (side, pad) in pads.iter().enumerate() {
                let mut correction = *pad;
                for node in nodes.iter().skip(side).step_by(2) {
                    xor_into(&mut correction, node);
                }
                message.extend(correction);
            }
        }
        let proofs = self.proofs(tree, &nodes);
        message.extend(xor_all(&proofs));
        message.extend(self.proof_hash(tree, &proofs));
        (leaves(&nodes), message.try_into().unwrap_or([0; TREE_BYTES]))
    }

    /// The receiver's tree from its choice bits and the chosen side's pad of each level: the leaves
    /// with zeros at the hole, the hole, and whether the sender's proof holds. Constant time in
    /// choices, pads and hole.
    pub(crate) fn evaluate(
        &mut self,
        tree: u8,
        choices: &[Choice; LEVELS],
        pads: &[Seed; LEVELS],
        message: &[u8; TREE_BYTES],
    ) -> (Zeroizing<[Seed; LEAVES]>, u8, Choice) {
        let [root_choice, choices @ ..] = choices;
        let [root_pad, pads @ ..] = pads;
        let (corrections, proof) = message.split_at(TREE_BYTES - 64);

        // secret-dependent from here on: every node is computed, the hole's subtree from zeros, and
        // masked
        let mut hole = 1 - root_choice.unwrap_u8();
        let mut nodes =
            Zeroizing::new(vec![masked(root_pad, !*root_choice), masked(root_pad, *root_choice)]);
        let levels = (1..).zip(choices).zip(pads).zip(corrections.chunks_exact(2 * SEED_BYTES));
        for (((level, &choice), pad), corrections) in levels {
            nodes = self.children(tree, level, &nodes);
            for (y, node) in (0u8..).zip(nodes.iter_mut()) {
                *node = masked(node, !(y >> 1).ct_eq(&hole));
            }
            let mut missing = select_half(corrections, choice);
            xor_into(&mut missing, pad);
            for (y, node) in (0u8..).zip(nodes.iter()) {
                xor_into(&mut missing, &masked(node, (y & 1).ct_eq(&choice.unwrap_u8())));
            }
            let known = 2 * hole + choice.unwrap_u8();
            for (y, node) in (0u8..).zip(nodes.iter_mut()) {
                node.conditional_assign(&missing, y.ct_eq(&known));
            }
            missing.zeroize();
            hole = 2 * hole + (1 - choice.unwrap_u8());
        }

        let mut proofs = self.proofs(tree, &nodes);
        let mut of_hole = [0; 32];
        let mut proof = Cursor::new(proof);
        if let Some(all) = proof.array() {
            of_hole = *all;
        }
        for (y, proof) in (0u8..).zip(proofs.iter()) {
            xor_into(&mut of_hole, &masked(proof, !y.ct_eq(&hole)));
        }
        for (y, proof) in (0u8..).zip(proofs.iter_mut()) {
            proof.conditional_assign(&of_hole, y.ct_eq(&hole));
        }
        let expected = proof.array::<32>().unwrap_or(&[0; 32]);
        let holds = self.proof_hash(tree, &proofs).ct_eq(expected);
        (leaves(&nodes), hole, holds)
    }

    fn children(&mut self, tree: u8, level: u8, nodes: &[Seed]) -> Zeroizing<Vec<Seed>> {
        let mut children = Zeroizing::new(Vec::with_capacity(2 * nodes.len()));
        for (y, node) in (0..).zip(nodes) {
            let mut both = self.expand.block(&join(&[tree, level, y], node));
            children.extend(both.chunks_exact(SEED_BYTES).map(|half| {
                let mut child = [0; SEED_BYTES];
                child.copy_from_slice(half);
                child
            }));
            both.zeroize();
        }
        children
    }

    fn proofs(&mut self, tree: u8, leaves: &[Seed]) -> Zeroizing<Vec<[u8; 32]>> {
        let proof = |(y, leaf)| self.prove.block(&join(&[tree, y], leaf));
        Zeroizing::new((0..).zip(leaves).map(proof).collect())
    }

    fn proof_hash(&self, tree: u8, proofs: &[[u8; 32]]) -> [u8; 32] {
        let mut hasher = Hasher::new(tags::PPRF_HASH, 2 + proofs.len());
        hasher.part(&self.sid_ot);
        hasher.part(&[tree]);
        for proof in proofs {
            hasher.part(proof);
        }
        hasher.finish()
    }
}

/// `value` if `keep`, else zeros.
fn masked<const N: usize>(value: &[u8; N], keep: Choice) -> [u8; N] {
    <[u8; N]>::conditional_select(&[0; N], value, keep)
}

/// The first or second half.
fn select_half(pair: &[u8], second: Choice) -> Seed {
    let mut halves = Cursor::new(pair);
    let zeros = [0; SEED_BYTES];
    let first = halves.array().unwrap_or(&zeros);
    Seed::conditional_select(first, halves.array().unwrap_or(&zeros), second)
}

fn xor_all(values: &[[u8; 32]]) -> [u8; 32] {
    let mut sum = [0; 32];
    for value in values {
        xor_into(&mut sum, value);
    }
    sum
}

fn leaves(nodes: &[Seed]) -> Zeroizing<[Seed; LEAVES]> {
    let mut leaves = Zeroizing::new([[0; SEED_BYTES]; LEAVES]);
    for (leaf, node) in leaves.iter_mut().zip(nodes) {
        *leaf = *node;
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    const PADS: [[Seed; 2]; LEVELS] =
        [[[1; 16], [2; 16]], [[3; 16], [4; 16]], [[5; 16], [6; 16]], [[7; 16], [8; 16]]];

    fn chosen(choice: u8) -> ([Choice; LEVELS], [Seed; LEVELS]) {
        let bits = [3, 2, 1, 0].map(|bit| choice >> bit & 1);
        let mut pads = [[0; SEED_BYTES]; LEVELS];
        for ((pad, both), bit) in pads.iter_mut().zip(PADS).zip(bits) {
            *pad = both[usize::from(bit)];
        }
        (bits.map(Choice::from), pads)
    }

    #[test]
    fn every_choice_misses_exactly_its_complement() {
        let mut oracles = Oracles::new(&[9; 32]);
        let (leaves, message) = oracles.build(3, &PADS);
        for choice in 0..16 {
            let (choices, pads) = chosen(choice);
            let (known, hole, holds) = oracles.evaluate(3, &choices, &pads, &message);

            assert!(bool::from(holds));
            assert_eq!(hole, 15 - choice);
            for (y, (known, leaf)) in known.iter().zip(leaves.iter()).enumerate() {
                assert_eq!(known == leaf, y != usize::from(hole));
            }
        }
    }

    #[test]
    fn a_changed_message_fails_unless_the_change_is_on_a_side_not_chosen() {
        let mut oracles = Oracles::new(&[9; 32]);
        let (_, message) = oracles.build(3, &PADS);
        let (choices, pads) = chosen(0b1010);
        let unused = |position: usize| match position {
            0..96 => (position / 16 % 2 == 1) != bool::from(choices[1 + position / 32]),
            _ => false,
        };
        for position in 0..TREE_BYTES {
            let mut changed = message;
            changed[position] ^= 1;
            let (_, _, holds) = oracles.evaluate(3, &choices, &pads, &changed);
            assert_eq!(bool::from(holds), unused(position), "byte {position}");
        }
    }

    #[test]
    fn trees_and_sessions_have_different_leaves() {
        let (leaves, _) = Oracles::new(&[9; 32]).build(3, &PADS);
        let (other_tree, _) = Oracles::new(&[9; 32]).build(4, &PADS);
        let (other_session, _) = Oracles::new(&[8; 32]).build(3, &PADS);

        for other in [other_tree, other_session] {
            assert!(leaves.iter().zip(other.iter()).all(|(leaf, other)| leaf != other));
        }
    }
}
