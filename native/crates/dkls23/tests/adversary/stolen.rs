//! What is in a share, read from its bytes: an attacker has its own, and the referee of a test has everybody's.

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23::{Epoch, KeyShare, PartyIndex};
use k256::Scalar;
use k256::elliptic_curve::PrimeField;
use rand_core::RngCore;
use tagged_hash::{hash, tags};

pub type Seed = [u8; 16];

/// One peer's part of a share.
#[derive(Clone)]
pub struct StolenPair {
    pub zero_seed: [u8; 32],
    /// Name of the setup in which the share's holder is Bob.
    pub as_bob: [u8; 32],
    pub as_alice: [u8; 32],
    /// None once poisoned.
    pub state: Option<OtState>,
}

#[derive(Clone)]
pub struct OtState {
    /// Bob's: all leaves of all trees.
    pub leaves: Vec<[Seed; 16]>,
    /// Alice's: bits 4i to 4i + 3 are the hole of tree i.
    pub delta: u128,
    /// Alice's: entry y - 1 of tree i is leaf y ⊕ hole.
    pub known: Vec<[Seed; 15]>,
}

impl OtState {
    pub fn hole(&self, tree: usize) -> u8 {
        (self.delta >> (4 * tree) & 15) as u8
    }

    /// Alice's choice bit in a base OT: the hole is the complement of the choices, level 0 its most significant bit.
    pub fn choice(&self, tree: usize, level: usize) -> usize {
        usize::from(self.hole(tree) >> (3 - level) & 1 == 0)
    }
}

/// A share in the clear.
#[derive(Clone)]
pub struct Stolen {
    /// Version, key id, index, threshold, parties, roster, epoch.
    head: Vec<u8>,
    pub index: PartyIndex,
    pub epoch_id: [u8; 32],
    pub public_key: [u8; 33],
    pub secret: Scalar,
    pub peers: BTreeMap<PartyIndex, StolenPair>,
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(length);
        self.0 = rest;
        piece
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap()
    }

    fn trees<const N: usize>(&mut self) -> Vec<[Seed; N]> {
        (0..32).map(|_| std::array::from_fn(|_| self.array())).collect()
    }
}

impl Stolen {
    pub fn of(share: &KeyShare) -> Self {
        let encoded = share.encode();
        let head_length = 1 + 1 + share.key_id().len() + 3 + 32 + share.epoch().encode().len();
        let mut bytes = Bytes(&encoded[..encoded.len() - 32]);
        let head = bytes.take(head_length).to_vec();
        let secret = Scalar::from_repr(bytes.array::<32>().into()).unwrap();
        let peers = (1..=share.parties()).filter_map(PartyIndex::new);
        let peers = peers.filter(|peer| *peer != share.index());
        let peers = peers.map(|peer| (peer, read_pair(&mut bytes))).collect();
        assert!(bytes.0.is_empty());
        let (epoch_id, public_key) = (share.epoch().id(), share.public_key());
        Self { head, index: share.index(), epoch_id, public_key, secret, peers }
    }

    pub fn share(&self) -> Arc<KeyShare> {
        let mut bytes = self.head.clone();
        bytes.extend(self.secret.to_bytes());
        for pair in self.peers.values() {
            bytes.extend([pair.zero_seed, pair.as_bob, pair.as_alice].as_flattened());
            bytes.push(pair.state.is_some().into());
            if let Some(OtState { leaves, delta, known }) = &pair.state {
                bytes.extend(leaves.as_flattened().as_flattened());
                bytes.extend(delta.to_le_bytes());
                bytes.extend(known.as_flattened().as_flattened());
            }
        }
        let checksum = hash(tags::SHARE, &[&bytes]);
        bytes.extend(checksum);
        Arc::new(KeyShare::decode(&bytes).unwrap())
    }

    /// The share with another group key in its epoch.
    pub fn under_group_key(mut self, key: &[u8; 33]) -> Arc<KeyShare> {
        // Version, key id, indices and roster; then session id, number, sid and T2.
        let at = 2 + usize::from(self.head[1]) + 3 + 32 + 104;
        self.head[at..at + 33].copy_from_slice(key);
        self.share()
    }

    /// What an attacker holds after a ceremony in which it ran its own code; it is never encoded.
    pub fn own(
        index: PartyIndex,
        epoch: &Epoch,
        secret: Scalar,
        peer: PartyIndex,
        pair: StolenPair,
    ) -> Self {
        let (epoch_id, public_key) = (epoch.id(), epoch.public_key());
        let peers = BTreeMap::from([(peer, pair)]);
        Self { head: Vec::new(), index, epoch_id, public_key, secret, peers }
    }

    pub fn state(&self, peer: PartyIndex) -> &OtState {
        self.peers[&peer].state.as_ref().unwrap()
    }
}

fn read_pair(bytes: &mut Bytes<'_>) -> StolenPair {
    let (zero_seed, as_bob, as_alice) = (bytes.array(), bytes.array(), bytes.array());
    let state = (bytes.array() == [1]).then(|| OtState {
        leaves: bytes.trees(),
        delta: u128::from_le_bytes(bytes.array()),
        known: bytes.trees(),
    });
    StolenPair { zero_seed, as_bob, as_alice, state }
}

/// A fresh OT setup of the direction bob → alice, as an ideal dealer would make it: 256 of them cost less than one ceremony.
pub fn deal_setup(bob: &mut Stolen, alice: &mut Stolen, rng: &mut impl RngCore) {
    let (b, a) = (bob.index, alice.index);
    let at_bob = bob.peers.get_mut(&a).unwrap().state.as_mut().unwrap();
    let at_alice = alice.peers.get_mut(&b).unwrap().state.as_mut().unwrap();
    let mut delta = [0; 16];
    rng.fill_bytes(&mut delta);
    at_alice.delta = u128::from_le_bytes(delta);
    for tree in 0..32 {
        let hole = usize::from(at_alice.hole(tree));
        at_bob.leaves[tree].iter_mut().for_each(|leaf| rng.fill_bytes(leaf));
        for distance in 1..16 {
            at_alice.known[tree][distance - 1] = at_bob.leaves[tree][hole ^ distance];
        }
    }
}
