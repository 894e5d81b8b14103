//! Distributed key generation, t of n, in three rounds: Feldman sharing with commit and reveal,
//! proofs of knowledge, and the OT setup of every pair (specification, section B).
//!
//! Sent by each party: 96 bytes to all; 96 + 98t to all and 8 512 to each peer; 13 600 to each
//! peer. Nothing is poisoned by a failure. The share is of a *pending* epoch: whether all parties
//! hold it is for the ceremony around this to settle.

mod round1;
mod round2;
mod round3;

use std::collections::BTreeMap;

use k256::AffinePoint;
use rand_core::CryptoRngCore;
use tagged_hash::{Hasher, tags};

use crate::context::CeremonyContext;
use crate::dlog_proof::PROOF_BYTES;
use crate::error::Abort;
use crate::pair_setup;
use crate::party::PartyIndex;
use crate::point;
use crate::polynomial::Polynomial;
use crate::share::ShareHeader;
use crate::wire::{Lengths, Outgoing, Reader};

pub use round1::Round1;
pub use round2::Round2;
pub use round3::Round3;

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
    let ctx = setup.context();
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let polynomial = Polynomial::draw(setup.threshold, rng);
    let mut opening = Opening::of(polynomial.commitments());
    rng.fill_bytes(&mut opening.chain_code_share);
    rng.fill_bytes(&mut opening.blind);
    let hello = Hello { nonce, commitment: opening.commitment(&ctx, index, &nonce) };
    let outgoing = Outgoing {
        broadcast: [ctx, hello.nonce, hello.commitment].concat(),
        private: BTreeMap::new(),
    };
    let party = Party { peers: header.peers(), setup, index, ctx };
    Ok((Round1 { party, hello, polynomial, opening }, outgoing))
}

/// Who this party is, in all rounds.
struct Party {
    setup: KeygenSetup,
    index: PartyIndex,
    peers: Vec<PartyIndex>,
    ctx: [u8; 32],
}

impl Party {
    const ROUND1: Lengths = Lengths { broadcast: 96, private: 0 };
    const ROUND3: Lengths = Lengths { broadcast: 0, private: 32 + pair_setup::ANSWER_BYTES };

    fn round2_lengths(&self) -> Lengths {
        let threshold = usize::from(self.setup.threshold);
        Lengths {
            broadcast: 96 + threshold * (33 + PROOF_BYTES),
            private: 32 + pair_setup::REQUEST_BYTES,
        }
    }
}

/// A party's message of round 1, after ctx.
#[derive(Clone, Copy)]
struct Hello {
    nonce: [u8; 32],
    commitment: [u8; 32],
}

/// What a party commits to in round 1 and opens in round 2.
struct Opening {
    /// `F_0 … F_{t−1}`.
    points: Vec<AffinePoint>,
    chain_code_share: [u8; 32],
    blind: [u8; 32],
}

impl Opening {
    /// Not yet filled with randomness.
    fn of(points: Vec<AffinePoint>) -> Self {
        Self { points, chain_code_share: [0; 32], blind: [0; 32] }
    }

    fn read(broadcast: &mut Reader<'_>, threshold: u8) -> Result<Self, Abort> {
        let points = (0..threshold).map(|_| broadcast.point33()).collect::<Result<_, _>>()?;
        Ok(Self { points, chain_code_share: *broadcast.array()?, blind: *broadcast.array()? })
    }

    fn write(&self, broadcast: &mut Vec<u8>) {
        broadcast.extend(self.points.iter().flat_map(point::encode33));
        broadcast.extend(self.chain_code_share);
        broadcast.extend(self.blind);
    }

    /// Bound to context, party and nonce, so that a copied commitment opens for nobody else.
    fn commitment(&self, ctx: &[u8; 32], party: PartyIndex, nonce: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Hasher::new(tags::DKG_COM, 5 + self.points.len());
        hasher.part(ctx);
        hasher.part(&party.byte());
        hasher.part(nonce);
        for point in &self.points {
            hasher.part(&point::encode33(point));
        }
        hasher.part(&self.chain_code_share);
        hasher.part(&self.blind);
        hasher.finish()
    }
}
