//! What a party keeps of one key in one epoch.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use k256::elliptic_curve::ops::MulByGenerator;
use k256::{ProjectivePoint, Scalar};
use tagged_hash::{hash, tags};
use zeroize::Zeroizing;

use crate::bytes::Cursor;
use crate::derive::{Child, DerivationPath};
use crate::epoch::Epoch;
use crate::error::{Abort, ShareError};
use crate::ot::{AliceState, BobState};
use crate::pair::{OtState, Pair, PairIds, PairName};
use crate::parameters::{LEAVES, MAX_PARTIES, SEED_BYTES, TREES};
use crate::party::PartyIndex;
use crate::polynomial::{lagrange_factor, lagrange_weight};
use crate::scalar;
use crate::secret::Secret;
use crate::vole::Gadget;
use crate::wire::Cancel;
use crate::zero_share::ZeroSeed;

/// The first byte of a share with its pairs.
const WHOLE: u8 = 1;
/// The first byte of a share from a backup: the same fields up to the secret, and no pairs.
const BACKUP: u8 = 2;

const BOB_LEAVES_BYTES: usize = TREES * LEAVES * SEED_BYTES;
const ALICE_LEAVES_BYTES: usize = TREES * (LEAVES - 1) * SEED_BYTES;
const PAIR_BYTES: usize = 3 * 32 + 1;
const STATE_BYTES: usize = BOB_LEAVES_BYTES + 16 + ALICE_LEAVES_BYTES;

/// One party's share of one key in one epoch: its secret scalar, and with each peer a zero-sharing
/// seed and the OT state. A share from a backup has nothing with any peer and signs nothing.
///
/// Neither `Clone` nor `Debug`; wiped when dropped. About 33 kB for a 2-of-3 key.
pub struct KeyShare {
    key_id: String,
    index: PartyIndex,
    threshold: u8,
    parties: u8,
    roster_hash: [u8; 32],
    epoch: Epoch,
    secret: Secret<Scalar>,
    /// Empty in a share from a backup.
    peers: BTreeMap<PartyIndex, Peer>,
    gadget: Gadget,
    /// Accounts that signed before: public, and the same point of the curve every time.
    children: Mutex<BTreeMap<Vec<u32>, Child>>,
}

/// How many accounts of a key are remembered.
const MAX_CHILDREN: usize = 64;

/// What a share holds of one peer.
struct Peer {
    zero_seed: ZeroSeed,
    pair: Arc<Pair>,
    /// The peer's factor in this party's interpolation weight.
    lagrange_factor: Scalar,
}

/// The settings of a share that are not derived.
pub(crate) struct ShareHeader {
    pub(crate) key_id: String,
    pub(crate) index: PartyIndex,
    pub(crate) threshold: u8,
    pub(crate) parties: u8,
    pub(crate) roster_hash: [u8; 32],
}

impl ShareHeader {
    /// 2 ≤ t ≤ n ≤ 16, a member's index, a key id of 1 to 255 bytes.
    pub(crate) fn is_possible(&self) -> bool {
        (2..=self.parties).contains(&self.threshold)
            && self.parties <= MAX_PARTIES
            && self.index.get() <= self.parties
            && (1..=usize::from(u8::MAX)).contains(&self.key_id.len())
    }

    /// Everybody but this party, ascending.
    pub(crate) fn peers(&self) -> Vec<PartyIndex> {
        PartyIndex::committee(self.parties).filter(|peer| *peer != self.index).collect()
    }
}

/// What a setup or a stored share says about one peer; no state if the pair is poisoned.
pub(crate) struct PeerMaterial {
    pub(crate) zero_seed: ZeroSeed,
    pub(crate) ids: PairIds,
    pub(crate) state: Option<OtState>,
}

impl KeyShare {
    /// Checks that the fields fit: `s·G = X_i`, `s ≠ 0`, everything about exactly the header's
    /// peers, or about none of them.
    pub(crate) fn assemble(
        header: ShareHeader,
        epoch: Epoch,
        secret: Secret<Scalar>,
        material: BTreeMap<PartyIndex, PeerMaterial>,
    ) -> Result<Self, ShareError> {
        let complete = material.is_empty() || material.keys().eq(&header.peers());
        if !header.is_possible() || !complete {
            return Err(ShareError::Encoding);
        }
        let ShareHeader { key_id, index, threshold, parties, roster_hash } = header;
        let public_share = *epoch.public_share(index).ok_or(ShareError::Inconsistent)?;
        let is_zero: bool = secret.is_zero().into();
        if is_zero || ProjectivePoint::mul_by_generator(&secret) != public_share {
            return Err(ShareError::Inconsistent);
        }
        let epoch_id = epoch.id();
        let peers = material
            .into_iter()
            .map(|(peer, PeerMaterial { zero_seed, ids, state })| {
                let name = PairName { epoch_id, me: index, peer, ids };
                let pair = Arc::new(Pair::new(name, state));
                let lagrange_factor =
                    lagrange_factor(index, peer).ok_or(ShareError::Inconsistent)?;
                Ok((peer, Peer { zero_seed, pair, lagrange_factor }))
            })
            .collect::<Result<_, _>>()?;
        let gadget = Gadget::new(&epoch_id);
        let children = Mutex::default();
        Ok(Self {
            key_id,
            index,
            threshold,
            parties,
            roster_hash,
            epoch,
            secret,
            peers,
            gadget,
            children,
        })
    }

    /// The account at a path; derived once, since each step costs a multiplication.
    pub(crate) fn child(&self, path: &DerivationPath, cancel: Cancel<'_>) -> Result<Child, Abort> {
        let remembered = || self.children.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = remembered().get(path.indices()) {
            return Ok(*child);
        }
        let root = self.epoch.key_point();
        let child = Child::of(root, &self.epoch.chain_code(), path, cancel)?;
        let mut children = remembered();
        if children.len() >= MAX_CHILDREN {
            children.pop_first();
        }
        children.insert(path.indices().to_vec(), child);
        Ok(child)
    }

    /// The name of the key, such as `evm`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The party that holds this share.
    pub fn index(&self) -> PartyIndex {
        self.index
    }

    /// How many parties sign.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// How many parties hold a share.
    pub fn parties(&self) -> u8 {
        self.parties
    }

    /// The roster this share was made for.
    pub fn roster_hash(&self) -> [u8; 32] {
        self.roster_hash
    }

    /// The epoch of the share.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The group key, SEC1 compressed.
    pub fn public_key(&self) -> [u8; 33] {
        self.epoch.public_key()
    }

    /// Whether this share is from a backup: it has no pairs, so it signs nothing until a refresh or
    /// recovery, in which it can deal. A poisoned pair is another thing ([`Pair::is_poisoned`]).
    pub fn needs_refresh(&self) -> bool {
        self.peers.is_empty()
    }

    /// The OT state with one peer behind its gate; `None` for a party without a share, for this
    /// one, and for everybody if [`KeyShare::needs_refresh`].
    pub fn pair(&self, peer: PartyIndex) -> Option<&Arc<Pair>> {
        self.peers.get(&peer).map(|peer| &peer.pair)
    }

    /// Takes the gate of another handle to the same share, so that a process has one gate for a
    /// share and peer. Poison wins: if either was poisoned, both are. [`ShareError::ForeignPair`]
    /// unless epoch, party, peer and OT setup are the same.
    pub fn adopt_pair(&mut self, peer: PartyIndex, pair: Arc<Pair>) -> Result<(), ShareError> {
        let held = self.peers.get_mut(&peer).ok_or(ShareError::ForeignPair)?;
        if held.pair.name() != pair.name() {
            return Err(ShareError::ForeignPair);
        }
        if held.pair.is_poisoned() {
            pair.poison();
        }
        held.pair = pair;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn secret(&self) -> &Scalar {
        &self.secret
    }

    pub(crate) fn gadget(&self) -> &Gadget {
        &self.gadget
    }

    pub(crate) fn zero_seed(&self, peer: PartyIndex) -> Option<&ZeroSeed> {
        self.peers.get(&peer).map(|peer| &peer.zero_seed)
    }

    /// `λ_i^Q·(s_i + δ)` for the quorum of this party and `others`; `None` if one of them is no
    /// peer.
    pub(crate) fn weighted(
        &self,
        others: &[PartyIndex],
        tweak: &Scalar,
    ) -> Option<Zeroizing<Scalar>> {
        let mut weighted = Zeroizing::new(*self.secret + tweak);
        for peer in others {
            *weighted *= self.peers.get(peer)?.lagrange_factor;
        }
        Some(weighted)
    }

    /// `λ_i^Q·s_i`: what this party deals when `dealers` share the key anew.
    pub(crate) fn part_of_key(&self, dealers: &[PartyIndex]) -> Zeroizing<Scalar> {
        Zeroizing::new(*self.secret * lagrange_weight(self.index, dealers))
    }

    /// The share as bytes, for sealing at rest: **everything secret, in the clear**. A poisoned
    /// pair is written without its OT state. The last 32 bytes are a checksum, because a flipped
    /// bit in the OT state would otherwise look like a peer that cheats.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        self.encode_with(&self.peers)
    }

    /// As [`KeyShare::encode`], without anything shared with a peer: what a backup may hold. OT
    /// state that comes back from a backup would forget that its pair was poisoned, and give the
    /// peer another guess at a Δ that old messages are still encrypted under.
    pub fn encode_for_backup(&self) -> Zeroizing<Vec<u8>> {
        self.encode_with(&BTreeMap::new())
    }

    fn encode_with(&self, peers: &BTreeMap<PartyIndex, Peer>) -> Zeroizing<Vec<u8>> {
        let epoch = self.epoch.encode();
        let capacity = 1
            + 1
            + self.key_id.len()
            + 3
            + 32
            + epoch.len()
            + 32
            + peers.len() * (PAIR_BYTES + STATE_BYTES)
            + 32;
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        bytes.push(if peers.is_empty() { BACKUP } else { WHOLE });
        // A key id has at most 255 bytes: `ShareHeader::is_possible`.
        bytes.push(u8::try_from(self.key_id.len()).unwrap_or(u8::MAX));
        bytes.extend(self.key_id.as_bytes());
        bytes.extend([self.index.get(), self.threshold, self.parties]);
        bytes.extend(self.roster_hash);
        bytes.extend(epoch);
        bytes.extend(scalar::encode(&self.secret));
        for Peer { zero_seed, pair, .. } in peers.values() {
            let PairIds { as_bob, as_alice } = pair.name().ids;
            bytes.extend(zero_seed.iter().chain(&as_bob).chain(&as_alice));
            let state = pair.state();
            bytes.push(state.is_some().into());
            if let Some(OtState { bob, alice }) = state.as_deref() {
                bytes.extend(bob.leaves.as_flattened().as_flattened());
                bytes.extend(alice.delta.to_le_bytes());
                bytes.extend(alice.leaves.as_flattened().as_flattened());
            }
        }
        let checksum = hash(tags::SHARE, &[&bytes]);
        bytes.extend(checksum);
        bytes
    }

    /// The share of bytes that [`KeyShare::encode`] or [`KeyShare::encode_for_backup`] made. Total: whatever the bytes, an error or a
    /// share that is consistent. Its pairs have gates of their own until [`KeyShare::adopt_pair`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ShareError> {
        let has_pairs = match bytes.first() {
            Some(&WHOLE) => true,
            Some(&BACKUP) => false,
            _ => return Err(ShareError::Version),
        };
        let (body, checksum) = bytes.split_last_chunk::<32>().ok_or(ShareError::Encoding)?;
        if hash(tags::SHARE, &[body]) != *checksum {
            return Err(ShareError::Encoding);
        }
        let mut fields = Cursor::new(body);
        let (header, epoch, secret) = read_head(&mut fields).ok_or(ShareError::Encoding)?;
        let epoch = Epoch::decode(epoch)?;
        let peers = if has_pairs { header.peers() } else { Vec::new() };
        let material = peers
            .into_iter()
            .map(|peer| Some((peer, read_peer(&mut fields)?)))
            .collect::<Option<_>>()
            .ok_or(ShareError::Encoding)?;
        if !fields.is_empty() {
            return Err(ShareError::Encoding);
        }
        Self::assemble(header, epoch, secret, material)
    }
}

/// Everything before the peers; the epoch's body is not yet read.
fn read_head<'a>(fields: &mut Cursor<'a>) -> Option<(ShareHeader, &'a [u8], Secret<Scalar>)> {
    let _version = fields.byte()?;
    let key_id_length = fields.byte()?;
    let key_id = str::from_utf8(fields.slice(key_id_length.into())?).ok()?;
    let header = ShareHeader {
        key_id: key_id.to_owned(),
        index: PartyIndex::new(fields.byte()?)?,
        threshold: fields.byte()?,
        parties: fields.byte()?,
        roster_hash: *fields.array()?,
    };
    if !header.is_possible() {
        return None;
    }
    let epoch = fields.slice(Epoch::length(header.parties))?;
    Some((header, epoch, Secret::new(fields.scalar()?)))
}

fn read_peer(fields: &mut Cursor<'_>) -> Option<PeerMaterial> {
    let zero_seed = Secret::new(*fields.array()?);
    let ids = PairIds { as_bob: *fields.array()?, as_alice: *fields.array()? };
    let state = match fields.byte()? {
        0 => None,
        1 => Some(read_state(fields)?),
        _ => return None,
    };
    Some(PeerMaterial { zero_seed, ids, state })
}

fn read_state(fields: &mut Cursor<'_>) -> Option<OtState> {
    let mut bob = Secret::new([[[0; SEED_BYTES]; LEAVES]; TREES]);
    let mut alice = Secret::new([[[0; SEED_BYTES]; LEAVES - 1]; TREES]);
    let bob_leaves = fields.array::<BOB_LEAVES_BYTES>()?;
    bob.as_flattened_mut().as_flattened_mut().copy_from_slice(bob_leaves);
    let delta = Secret::new(u128::from_le_bytes(*fields.array()?));
    let alice_leaves = fields.array::<ALICE_LEAVES_BYTES>()?;
    alice.as_flattened_mut().as_flattened_mut().copy_from_slice(alice_leaves);
    Some(OtState { bob: BobState { leaves: bob }, alice: AliceState { delta, leaves: alice } })
}
