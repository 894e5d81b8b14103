//! Acknowledgements of an epoch, and the certificate that all of them together are (`docs/protocol.md` §G.7).

use std::collections::BTreeMap;

use dkls23::PartyIndex;
use tagged_hash::{Hasher, tags};

use crate::Roster;
use crate::identity::{Identity, Purpose, SIGNATURE_BYTES, Verifier};
use crate::wire::Reader;

/// What an acknowledgement says: this wallet goes from epoch `base` to `next`, whose transcript is `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) wallet_id: [u8; 32],
    pub(crate) base: u64,
    pub(crate) next: u64,
    pub(crate) transcript: [u8; 32],
    pub(crate) roster_hash: [u8; 32],
}

impl Transition {
    /// This party's acknowledgement: Ed25519 over
    /// `H("ack"; walletId, u64 base, u64 next, T, roster hash, u8 i)`.
    pub(crate) fn acknowledge(&self, identity: &Identity) -> [u8; SIGNATURE_BYTES] {
        let index = identity.role().index();
        self.with_parts(index, |parts| identity.sign(Purpose::Acknowledgement, parts))
    }

    pub(crate) fn is_acknowledged_by(
        &self,
        party: PartyIndex,
        key: &Verifier,
        signature: &[u8; SIGNATURE_BYTES],
    ) -> bool {
        self.with_parts(party, |parts| key.verify(Purpose::Acknowledgement, parts, signature))
    }

    fn with_parts<T>(&self, party: PartyIndex, then: impl FnOnce(&[&[u8]]) -> T) -> T {
        let (base, next) = (self.base.to_be_bytes(), self.next.to_be_bytes());
        let index = [party.get()];
        then(&[&self.wallet_id, &base, &next, &self.transcript, &self.roster_hash, &index])
    }
}

/// All members' acknowledgements of an epoch; valid from anyone at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    transition: Transition,
    signatures: BTreeMap<PartyIndex, [u8; SIGNATURE_BYTES]>,
}

impl Certificate {
    /// The certificate, if every member of the roster signed.
    pub(crate) fn new(
        transition: Transition,
        roster: &Roster,
        signatures: BTreeMap<PartyIndex, [u8; SIGNATURE_BYTES]>,
    ) -> Option<Self> {
        let complete = signatures.len() == roster.members().len()
            && transition.roster_hash == roster.hash()
            && roster.members().iter().all(|member| {
                signatures.get(&member.index()).is_some_and(|signature| {
                    transition.is_acknowledged_by(member.index(), &member.verifier, signature)
                })
            });
        complete.then_some(Self { transition, signatures })
    }

    /// Reads [`Certificate::encode`] and verifies it under the roster that it names; `None` for anything else.
    pub fn decode(bytes: &[u8], roster: &Roster) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let transition = Transition {
            wallet_id: reader.array()?,
            base: reader.u64()?,
            next: reader.u64()?,
            transcript: reader.array()?,
            roster_hash: reader.array()?,
        };
        (&transition.wallet_id == roster.wallet_id()).then_some(())?;
        let mut signatures = BTreeMap::new();
        while !reader.is_empty() {
            let party = PartyIndex::new(reader.u8()?)?;
            if signatures.last_key_value().is_some_and(|(last, _)| *last >= party) {
                return None;
            }
            signatures.insert(party, reader.array()?);
        }
        Self::new(transition, roster, signatures)
    }

    pub(crate) fn transition(&self) -> &Transition {
        &self.transition
    }

    /// The epoch that it certifies.
    pub fn next_epoch(&self) -> u64 {
        self.transition.next
    }

    /// The transcript hash of that epoch.
    pub fn transcript(&self) -> &[u8; 32] {
        &self.transition.transcript
    }

    /// `walletId 32 ‖ u64 base ‖ u64 next ‖ T 32 ‖ roster hash 32 ‖ (u8 index ‖ signature 64)…` ascending.
    pub fn encode(&self) -> Vec<u8> {
        let Transition { wallet_id, base, next, transcript, roster_hash } = &self.transition;
        let mut out = Vec::with_capacity(112 + 65 * self.signatures.len());
        out.extend_from_slice(wallet_id);
        out.extend_from_slice(&base.to_be_bytes());
        out.extend_from_slice(&next.to_be_bytes());
        out.extend_from_slice(transcript);
        out.extend_from_slice(roster_hash);
        for (party, signature) in &self.signatures {
            out.push(party.get());
            out.extend_from_slice(signature);
        }
        out
    }
}

/// `T = H("epoch-all"; hash over the broadcasts of rounds 1–3, (key id, epoch id) in key order)`.
pub(crate) fn transcript<'a>(
    broadcasts: &[u8; 32],
    keys: impl ExactSizeIterator<Item = (&'a str, [u8; 32])>,
) -> [u8; 32] {
    let mut hasher = Hasher::new(tags::EPOCH_ALL, 1 + 2 * keys.len());
    hasher.part(broadcasts);
    for (key_id, epoch_id) in keys {
        hasher.part(key_id.as_bytes());
        hasher.part(&epoch_id);
    }
    hasher.finish()
}
