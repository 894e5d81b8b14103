//! What an approved decision is worth to whoever signs.

use crate::evaluate::{PolicyDecision, Ruling};

/// A policy's yes to signing exactly these digests together. Nothing but an approved [`PolicyDecision`] makes one, and
/// it serves once: a session of signing takes it.
#[derive(Debug)]
pub struct Permit {
    policy_hash: [u8; 32],
    digests: Vec<[u8; 32]>,
}

impl Permit {
    /// For the payloads whose effects were decided, in their order; `None` unless the answer was yes.
    pub fn of(decision: &PolicyDecision, digests: Vec<[u8; 32]>) -> Option<Self> {
        let approved = decision.ruling == Ruling::Approved && !digests.is_empty();
        approved.then_some(Self { policy_hash: decision.policy_hash, digests })
    }

    /// Whether it was given under this policy, for exactly these digests in this order.
    pub fn allows<'a>(
        &self,
        policy_hash: &[u8; 32],
        digests: impl Iterator<Item = &'a [u8; 32]>,
    ) -> bool {
        &self.policy_hash == policy_hash && self.digests.iter().eq(digests)
    }
}
