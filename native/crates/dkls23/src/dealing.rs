//! Dealing a secret among a committee in three rounds: what key generation, refresh and recovery
//! have in common. Feldman sharing with commit and reveal, proofs of knowledge, and the OT setup of
//! every pair (specification, sections B and E).
//!
//! Key generation is everybody dealing a random secret. In a reshare the dealers deal their part of
//! the key that exists, and say which epoch it is from; the others only take.

mod round1;
mod round2;
mod round3;

use std::collections::BTreeMap;

use k256::AffinePoint;
use rand_core::CryptoRngCore;
use tagged_hash::{Hasher, Tag, tags};

use crate::dlog_proof::PROOF_BYTES;
use crate::epoch::Epoch;
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

/// Who this party is and what the ceremony is about, in all rounds.
pub(crate) struct Party {
    pub(crate) header: ShareHeader,
    pub(crate) session_id: [u8; 32],
    pub(crate) epoch_no: u64,
    pub(crate) ctx: [u8; 32],
    /// Ascending.
    pub(crate) dealers: Vec<PartyIndex>,
    /// None in key generation.
    pub(crate) old: Option<OldEpoch>,
}

/// The epoch whose key is dealt anew.
pub(crate) struct OldEpoch {
    pub(crate) id: [u8; 32],
    /// None at a newcomer until the dealers described it.
    pub(crate) known: Option<Epoch>,
}

impl Party {
    const ROUND3: Lengths = Lengths { broadcast: 0, private: 32 + pair_setup::ANSWER_BYTES };

    fn me(&self) -> PartyIndex {
        self.header.index
    }

    fn deals(&self, party: PartyIndex) -> bool {
        self.dealers.contains(&party)
    }

    fn round1_lengths(&self, sender: PartyIndex) -> Lengths {
        Lengths { broadcast: if self.deals(sender) { 96 } else { 64 }, private: 0 }
    }

    fn round2_lengths(&self, sender: PartyIndex) -> Lengths {
        let mut lengths = Lengths { broadcast: 32, private: pair_setup::REQUEST_BYTES };
        if self.deals(sender) {
            let chain_code_share = if self.old.is_none() { 32 } else { 0 };
            let threshold = usize::from(self.header.threshold);
            lengths.broadcast += threshold * (33 + PROOF_BYTES) + chain_code_share + 32;
            lengths.private += 32 + self.old_epoch_length();
        }
        lengths
    }

    /// The length of what a dealer says about the old epoch.
    fn old_epoch_length(&self) -> usize {
        self.old.as_ref().map_or(0, |_| Epoch::length(self.header.parties))
    }

    /// Draws the nonce, what `deal` draws, and the rest of the opening; commits to it.
    pub(crate) fn start<R: CryptoRngCore + ?Sized>(
        self,
        deal: impl FnOnce(&mut R) -> Option<Polynomial>,
        rng: &mut R,
    ) -> (Round1, Outgoing) {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let dealing = deal(rng).map(|polynomial| {
            let points = polynomial.commitments();
            let chain_code_share = self.old.is_none().then(|| draw(rng));
            (polynomial, Opening { points, chain_code_share, blind: draw(rng) })
        });
        let commit = |(_, opening): &(_, Opening)| opening.commitment(&self, self.me(), &nonce);
        let hello = Hello { nonce, commitment: dealing.as_ref().map(commit) };
        let mut broadcast = [self.ctx, hello.nonce].concat();
        broadcast.extend(hello.commitment.iter().flatten());
        let outgoing = Outgoing { broadcast, private: BTreeMap::new() };
        (Round1 { party: self, hello, dealing }, outgoing)
    }

    /// `sid = H("dkg-sid" or "reshare-sid"; ctx, (j ‖ nonce_j ‖ commit_j) …)`; whoever does not
    /// deal has no commitment.
    fn session(&self, hellos: &BTreeMap<PartyIndex, Hello>) -> [u8; 32] {
        let mut hasher = Hasher::new(self.tag(tags::DKG_SID, tags::RESHARE_SID), 1 + hellos.len());
        hasher.part(&self.ctx);
        for (party, Hello { nonce, commitment }) in hellos {
            hasher.part_from(&[&party.byte(), nonce, commitment.as_slice().as_flattened()]);
        }
        hasher.finish()
    }

    /// `T2 = H("dkg-T2" or "reshare-T2"; sid, (j ‖ round-2 broadcast of j) …)`.
    fn transcript(&self, sid: &[u8; 32], broadcasts: &BTreeMap<PartyIndex, &Vec<u8>>) -> [u8; 32] {
        let mut hasher =
            Hasher::new(self.tag(tags::DKG_T2, tags::RESHARE_T2), 1 + broadcasts.len());
        hasher.part(sid);
        for (party, broadcast) in broadcasts {
            hasher.part_from(&[&party.byte(), broadcast]);
        }
        hasher.finish()
    }

    fn tag(&self, keygen: Tag, reshare: Tag) -> Tag {
        if self.old.is_none() { keygen } else { reshare }
    }
}

fn draw<R: CryptoRngCore + ?Sized>(rng: &mut R) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// A party's message of round 1, after ctx.
#[derive(Clone, Copy)]
struct Hello {
    nonce: [u8; 32],
    /// None for who does not deal.
    commitment: Option<[u8; 32]>,
}

/// What a dealer commits to in round 1 and opens in round 2.
struct Opening {
    /// `F_0 … F_{t−1}`.
    points: Vec<AffinePoint>,
    /// None in a reshare, which keeps the chain code.
    chain_code_share: Option<[u8; 32]>,
    blind: [u8; 32],
}

impl Opening {
    fn read(party: &Party, broadcast: &mut Reader<'_>) -> Result<Self, Abort> {
        let threshold = party.header.threshold;
        Ok(Self {
            points: (0..threshold).map(|_| broadcast.point33()).collect::<Result<_, _>>()?,
            chain_code_share: match party.old {
                None => Some(*broadcast.array()?),
                Some(_) => None,
            },
            blind: *broadcast.array()?,
        })
    }

    fn write(&self, broadcast: &mut Vec<u8>) {
        broadcast.extend(self.points.iter().flat_map(point::encode33));
        broadcast.extend(self.chain_code_share.iter().flatten());
        broadcast.extend(self.blind);
    }

    /// Bound to context, dealer and nonce, so that a copied commitment opens for nobody else.
    fn commitment(&self, party: &Party, dealer: PartyIndex, nonce: &[u8; 32]) -> [u8; 32] {
        let tag = party.tag(tags::DKG_COM, tags::RESHARE_COM);
        let parts = 4 + self.points.len() + self.chain_code_share.iter().len();
        let mut hasher = Hasher::new(tag, parts);
        hasher.part(&party.ctx);
        hasher.part(&dealer.byte());
        hasher.part(nonce);
        self.points.iter().for_each(|point| hasher.part(&point::encode33(point)));
        self.chain_code_share.iter().for_each(|share| hasher.part(share));
        hasher.part(&self.blind);
        hasher.finish()
    }
}
