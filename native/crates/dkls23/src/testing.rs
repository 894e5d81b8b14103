//! What an attacker knows about its own side, for the attack tests and known answers. Behind the
//! feature `test-vectors`, which nothing that ships enables.

use crate::ot::extension::{self, guessing_message};
use crate::parameters::LEVELS;
use crate::sign::Round1;
use crate::{KeyShare, PartyIndex, scalar};

/// The secret share `s_i`.
pub fn secret(share: &KeyShare) -> [u8; 32] {
    scalar::encode(share.secret())
}

/// The zero-sharing seed with `peer`.
pub fn zero_seed(share: &KeyShare, peer: PartyIndex) -> Option<[u8; 32]> {
    share.zero_seed(peer).map(|seed| **seed)
}

/// Δ as VOLE sender to `peer`: bits 4i … 4i+3 are the hole of tree i.
pub fn delta(share: &KeyShare, peer: PartyIndex) -> Option<u128> {
    Some(*share.pair(peer)?.state()?.alice.delta)
}

/// The leaves as VOLE receiver of `peer`: 16 for each of 32 trees.
pub fn bob_leaves(share: &KeyShare, peer: PartyIndex) -> Option<[[[u8; 16]; 16]; 32]> {
    Some(*share.pair(peer)?.state()?.bob.leaves)
}

/// The honest message 1 (4 240 bytes) to `peer` for a session and a draw `β‖π`.
pub fn message1(
    share: &KeyShare,
    peer: PartyIndex,
    sid1: &[u8; 32],
    draw: &[u8; 68],
) -> Option<Vec<u8>> {
    Some(extension::bob_extend(sid1, &share.pair(peer)?.state()?.bob, draw).1)
}

/// A message 1 that the victim's check passes exactly if its hole in `tree` is `guess`.
pub fn guessing_message1(
    share: &KeyShare,
    victim: PartyIndex,
    sid1: &[u8; 32],
    draw: &[u8; 68],
    tree: u8,
    guess: u8,
) -> Option<Vec<u8>> {
    let state = share.pair(victim)?.state()?;
    Some(guessing_message(sid1, &state.bob, draw, tree.into(), guess))
}

/// Replaces message 1 of a running session by one that guesses the victim's hole in `tree`, and
/// goes on as if the guess were right: the new message 1, for the place of the old one at the end
/// of the private body.
pub fn guess(
    round1: &mut Round1,
    item: usize,
    victim: PartyIndex,
    tree: u8,
    guess: u8,
) -> Option<Vec<u8>> {
    let (bob, state) = round1.bob_mut(item, victim)?;
    let message = guessing_message(&bob.sid1, &state.bob, &bob.draw, tree.into(), guess);
    bob.message1_hash = extension::message_hash(&message);
    *bob.columns.first_mut()? ^= u128::from(guess) << (LEVELS * usize::from(tree));
    Some(message)
}

/// What a VOLE receiver remembers of one item between its message 1 and the answer.
pub struct BobView {
    /// `sid1[me→peer]`.
    pub sid1: [u8; 32],
    /// The hash of message 1 that enters sid2.
    pub message1_hash: [u8; 32],
    /// `β‖π`.
    pub draw: [u8; 68],
    /// The columns `v`; bit r is row r's.
    pub columns: Vec<u128>,
}

/// This party as VOLE receiver of `peer` in one item of a running session.
pub fn bob_view(round1: &mut Round1, item: usize, peer: PartyIndex) -> Option<BobView> {
    let (bob, _) = round1.bob_mut(item, peer)?;
    Some(BobView {
        sid1: bob.sid1,
        message1_hash: bob.message1_hash,
        draw: *bob.draw,
        columns: bob.columns.to_vec(),
    })
}
