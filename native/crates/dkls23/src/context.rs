//! What a ceremony is about. Every party hashes it from its own data and compares; none is taken
//! from a peer.

use tagged_hash::{Tag, hash, tags};

use crate::SUITE;

/// `ctx` of key generation, refresh and recovery, by the tag.
pub(crate) struct CeremonyContext<'a> {
    pub(crate) tag: Tag,
    pub(crate) session_id: &'a [u8; 32],
    pub(crate) key_id: &'a str,
    pub(crate) threshold: u8,
    pub(crate) parties: u8,
    pub(crate) roster_hash: &'a [u8; 32],
    /// Zeros for key generation.
    pub(crate) old_epoch_id: &'a [u8; 32],
    /// 0 for key generation.
    pub(crate) old_epoch_no: u64,
    pub(crate) epoch_no: u64,
    /// Indices of the parties that share anew, ascending; empty for key generation.
    pub(crate) dealers: &'a [u8],
}

impl CeremonyContext<'_> {
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(
            self.tag,
            &[
                self.session_id,
                SUITE.as_bytes(),
                self.key_id.as_bytes(),
                &[self.threshold],
                &[self.parties],
                self.roster_hash,
                self.old_epoch_id,
                &self.old_epoch_no.to_be_bytes(),
                &self.epoch_no.to_be_bytes(),
                self.dealers,
            ],
        )
    }
}

/// `ctx_k` of item `position` of a signing session.
pub(crate) struct SignContext<'a> {
    pub(crate) session_id: &'a [u8; 32],
    pub(crate) key_id: &'a str,
    pub(crate) epoch_id: &'a [u8; 32],
    pub(crate) quorum: &'a [u8],
    pub(crate) path: &'a [u32],
    pub(crate) delta: &'a [u8; 32],
    pub(crate) derived_key: &'a [u8; 33],
    pub(crate) position: u16,
    pub(crate) digest_kind: u8,
    pub(crate) digest: &'a [u8; 32],
    pub(crate) payload_hash: &'a [u8; 32],
    pub(crate) resolved_hash: &'a [u8; 32],
    pub(crate) policy_hash: &'a [u8; 32],
}

impl SignContext<'_> {
    pub(crate) fn hash(&self) -> [u8; 32] {
        let path: Vec<u8> = self.path.iter().flat_map(|index| index.to_be_bytes()).collect();
        hash(
            tags::CTX_SIGN,
            &[
                self.session_id,
                SUITE.as_bytes(),
                self.key_id.as_bytes(),
                self.epoch_id,
                self.quorum,
                &path,
                self.delta,
                self.derived_key,
                &self.position.to_be_bytes(),
                &[self.digest_kind],
                self.digest,
                self.payload_hash,
                self.resolved_hash,
                self.policy_hash,
            ],
        )
    }
}
