//! What two parties set up for signing with each other, in both directions: the zero-sharing seed
//! and the OT state. Key generation, refresh and recovery share it.
//!
//! For the ordered pair (bob, alice): alice, the base-OT receiver, sends OT1; bob answers OT2 and
//! the PPRF message.

use std::collections::BTreeMap;

use rand_core::CryptoRngCore;
use subtle::{Choice, ConditionallySelectable};
use tagged_hash::{hash, tags};

use crate::error::Abort;
use crate::ot::{AliceState, BobState, base, pprf};
use crate::pair::{OtState, PairIds};
use crate::parameters::{LAMBDA_C, LEAVES, LEVELS, SEED_BYTES, Seed, TREES};
use crate::party::PartyIndex;
use crate::secret::Secret;
use crate::wire::{Cancel, Reader, poll};
use crate::zero_share::{self, ZeroSeed};

/// `zseed ‖ OT1`, the end of a private body of round 2.
pub(crate) const REQUEST_BYTES: usize = 32 + base::MESSAGE_BYTES;
/// `OT2 ‖ PPRF`, the end of a private body of round 3.
pub(crate) const ANSWER_BYTES: usize = base::MESSAGE_BYTES + pprf::MESSAGE_BYTES;

/// One party's side of a setup whose request is sent.
pub(crate) struct Requested {
    me: PartyIndex,
    peer: PartyIndex,
    zero_seed: Secret<[u8; 32]>,
    receiver: base::Receiver,
}

/// As future Alice of every peer. Draws the zero-sharing seed of each peer ascending, then the OT
/// receiver of each.
pub(crate) fn request_all<R: CryptoRngCore + ?Sized>(
    sid: &[u8; 32],
    me: PartyIndex,
    peers: &[PartyIndex],
    rng: &mut R,
    cancel: Cancel<'_>,
) -> Result<BTreeMap<PartyIndex, Requested>, Abort> {
    let mut zero_seeds = Vec::with_capacity(peers.len());
    for _ in peers {
        let mut zero_seed = Secret::new([0; 32]);
        rng.fill_bytes(zero_seed.as_mut_slice());
        zero_seeds.push(zero_seed);
    }
    let request = |(&peer, zero_seed)| {
        let receiver = base::Receiver::request(base::session_id(sid, me, peer), rng, cancel)?;
        Ok((peer, Requested { me, peer, zero_seed, receiver }))
    };
    peers.iter().zip(zero_seeds).map(request).collect()
}

impl Requested {
    /// Appends what the peer receives.
    pub(crate) fn write(&self, body: &mut Vec<u8>) {
        body.extend(self.zero_seed.iter());
        body.extend(self.receiver.message());
    }

    /// As future Bob: appends the answer to the peer's request. The points of OT1 are read here.
    pub(crate) fn answer<R: CryptoRngCore + ?Sized>(
        self,
        sid: &[u8; 32],
        request: &mut Reader<'_>,
        body: &mut Vec<u8>,
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<Answered, Abort> {
        let Self { me, peer, zero_seed, receiver } = self;
        let zero_seed = zero_share::seed(sid, me, peer, &zero_seed, request.array()?);
        let ot1 = request.slice(base::MESSAGE_BYTES)?;
        let sid_ot = base::session_id(sid, peer, me);
        let (ot2, pads) = base::send(&sid_ot, peer, ot1, rng, cancel)?;

        let mut oracles = pprf::Oracles::new(&sid_ot);
        let mut leaves = Secret::new([[[0; SEED_BYTES]; LEAVES]; TREES]);
        let mut pprf = Vec::with_capacity(pprf::MESSAGE_BYTES);
        for ((tree, pads), slots) in (0u8..).zip(pads.as_chunks().0).zip(leaves.iter_mut()) {
            poll(cancel)?;
            let (built, message) = oracles.build(tree, pads);
            *slots = *built;
            pprf.extend(message);
        }
        let pair_id = hash(tags::OT_PAIR, &[&sid_ot, ot1, &ot2, &pprf]);
        body.extend(ot2);
        body.extend(pprf);
        Ok(Answered { peer, zero_seed, receiver, bob: BobState { leaves }, pair_id })
    }
}

/// One party's side of a setup whose answer is sent.
pub(crate) struct Answered {
    peer: PartyIndex,
    zero_seed: ZeroSeed,
    receiver: base::Receiver,
    bob: BobState,
    pair_id: [u8; 32],
}

/// Both directions of a finished setup.
pub(crate) struct Finished {
    pub(crate) zero_seed: ZeroSeed,
    pub(crate) ids: PairIds,
    pub(crate) state: OtState,
}

impl Answered {
    /// As future Alice: the peer's OT2 and PPRF message. One verdict over all trees,
    /// [`Abort::SetupCheat`].
    pub(crate) fn finish(
        self,
        answer: &mut Reader<'_>,
        cancel: Cancel<'_>,
    ) -> Result<Finished, Abort> {
        let Self { peer, zero_seed, receiver, bob, pair_id } = self;
        let ot2 = answer.slice(base::MESSAGE_BYTES)?;
        let pads = receiver.finish(peer, ot2, cancel)?;
        let pprf = answer.slice(pprf::MESSAGE_BYTES)?;

        let mut oracles = pprf::Oracles::new(receiver.sid_ot());
        let mut choices = receiver.choices();
        let mut leaves = Secret::new([[[0; SEED_BYTES]; LEAVES - 1]; TREES]);
        let mut delta = Secret::new(0u128);
        let mut holds = Choice::from(1);
        let messages = pprf.as_chunks::<{ pprf::TREE_BYTES }>().0;
        let pads: &[[Seed; LEVELS]] = pads.as_chunks().0;
        for (((tree, pads), message), slots) in
            (0u8..).zip(pads).zip(messages).zip(leaves.iter_mut())
        {
            poll(cancel)?;
            let mut choice = [Choice::from(0); LEVELS];
            choice.iter_mut().zip(choices.by_ref()).for_each(|(slot, bit)| *slot = bit);
            let (mut known, hole, tree_holds) = oracles.evaluate(tree, &choice, pads, message);
            holds &= tree_holds;
            *delta |= u128::from(hole) << (LEVELS * usize::from(tree));
            order_by_distance(&mut known, hole);
            slots.iter_mut().zip(known.iter().skip(1)).for_each(|(slot, leaf)| *slot = *leaf);
        }
        if !bool::from(holds) {
            return Err(Abort::SetupCheat(peer));
        }
        let as_alice = hash(tags::OT_PAIR, &[receiver.sid_ot(), receiver.message(), ot2, pprf]);
        Ok(Finished {
            zero_seed,
            ids: PairIds { as_bob: pair_id, as_alice },
            state: OtState { bob, alice: AliceState { delta, leaves } },
        })
    }
}

/// Moves leaf x to place `x ⊕ hole`: for each bit of the hole, exchange the leaves that differ in
/// it, or do not.
pub(crate) fn order_by_distance(leaves: &mut [Seed; LEAVES], hole: u8) {
    for bit in 0..LEVELS {
        let exchange = Choice::from(hole >> bit & 1); // secret-dependent
        for block in leaves.chunks_exact_mut(2 << bit) {
            let (low, high) = block.split_at_mut(1 << bit);
            for (low, high) in low.iter_mut().zip(high) {
                Seed::conditional_swap(low, high, exchange);
            }
        }
    }
}

const _: () = assert!(LAMBDA_C == LEVELS * TREES);
