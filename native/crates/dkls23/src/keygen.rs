//! Distributed key generation, t of n, in three rounds: Feldman sharing with commit and reveal,
//! proofs of knowledge, and the OT setup of every pair (specification, section B).
//!
//! Sent by each party: 96 bytes to all; 96 + 98t to all and 8 512 to each peer; 13 600 to each
//! peer. Nothing is poisoned by a failure. The share is of a *pending* epoch: whether all parties
//! hold it is for the ceremony around this to settle.

use rand_core::CryptoRngCore;
use tagged_hash::tags;

use crate::context::CeremonyContext;
use crate::dealing::Party;
use crate::error::Abort;
use crate::party::PartyIndex;
use crate::polynomial::Polynomial;
use crate::share::ShareHeader;
use crate::wire::Outgoing;

pub use crate::dealing::{Round1, Round2, Round3};

/// What all parties agree on before round 1. A difference surfaces as [`Abort::Config`] in round 1.
pub struct KeygenSetup {
    session_id: [u8; 32],
    key_id: String,
    threshold: u8,
    parties: u8,
    roster_hash: [u8; 32],
    epoch_no: u64,
}

impl KeygenSetup {
    /// [`Abort::Config`] unless 2 ≤ threshold ≤ parties ≤ 16, the key id has 1 to 255 bytes and the
    /// session id is not zero.
    pub fn new(
        session_id: [u8; 32],
        key_id: &str,
        threshold: u8,
        parties: u8,
        roster_hash: [u8; 32],
        epoch_no: u64,
    ) -> Result<Self, Abort> {
        let key_id = key_id.to_owned();
        let setup = Self { session_id, key_id, threshold, parties, roster_hash, epoch_no };
        // A session id that is a constant would make two ceremonies one (ids come from descriptors,
        // never from defaults).
        if session_id == [0; 32] || !setup.header(PartyIndex::MIN).is_possible() {
            return Err(Abort::Config);
        }
        Ok(setup)
    }

    fn header(&self, index: PartyIndex) -> ShareHeader {
        ShareHeader {
            key_id: self.key_id.clone(),
            index,
            threshold: self.threshold,
            parties: self.parties,
            roster_hash: self.roster_hash,
        }
    }

    fn context(&self) -> [u8; 32] {
        CeremonyContext {
            tag: tags::CTX_KEYGEN,
            session_id: &self.session_id,
            key_id: &self.key_id,
            threshold: self.threshold,
            parties: self.parties,
            roster_hash: &self.roster_hash,
            old_epoch_id: &[0; 32],
            old_epoch_no: 0,
            epoch_no: self.epoch_no,
            dealers: &[],
        }
        .hash()
    }
}

/// Starts key generation as party `index`; [`Abort::Config`] if the setup has no such party.
pub fn start<R: CryptoRngCore + ?Sized>(
    setup: KeygenSetup,
    index: PartyIndex,
    rng: &mut R,
) -> Result<(Round1, Outgoing), Abort> {
    let header = setup.header(index);
    if !header.is_possible() {
        return Err(Abort::Config);
    }
    let KeygenSetup { session_id, threshold, parties, epoch_no, .. } = setup;
    let dealers = PartyIndex::committee(parties).collect();
    let party = Party { header, session_id, epoch_no, ctx: setup.context(), dealers, old: None };
    Ok(party.start(|rng| Some(Polynomial::draw(threshold, rng)), rng))
}
