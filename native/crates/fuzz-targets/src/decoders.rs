//! Fixed layouts.

use std::sync::LazyLock;

use ceremony::descriptor::Descriptor;
use ceremony::envelope::{HEADER_BYTES, peek};
use ceremony::store::Key;
use ceremony::{Card, ECDSA_KEY_ID, Role};
use dkls23::{Epoch, KeyShare};
use sha2::{Digest, Sha256};
use tagged_hash::{hash, tags};

use crate::committee::{Party, committee};
use crate::hostile::Insider;
use crate::program::Program;
use crate::recording::KEYGEN;

const SEED: u64 = 2_000;

/// A card as it came, and the same fields signed by the key that the fuzzer has.
pub fn card(data: &[u8]) {
    if let Some(card) = Card::decode(data) {
        assert_eq!(card.approver_key.is_some(), card.role.has_approver());
    }
    let Ok(mut signed) = <[u8; Card::BYTES]>::try_from(data) else { return };
    let insider = Insider::steal(Role::User, SEED);
    signed[6..38].copy_from_slice(&insider.identity_key());
    insider.sign_card(&mut signed);
    if let Some(card) = Card::decode(&signed) {
        assert_eq!(signed[..4], *b"MPCC");
        assert_eq!([signed[4], signed[5]], [1, card.role.byte()]);
        assert_eq!(card.identity_key, signed[6..38]);
        assert_eq!(card.sealing_key, signed[38..70]);
        assert_eq!(card.approver_key.unwrap_or_default(), signed[70..102]);
        assert_eq!(card.nonce_commitment, signed[102..134]);
        assert_eq!(card.approver_key.is_some(), card.role.has_approver());
    }
}

pub(crate) fn card_seeds() -> Vec<Vec<u8>> {
    Role::ALL.map(|role| Party::new(role, SEED).pair().card()).into()
}

/// A descriptor.
pub fn descriptor(data: &[u8]) {
    if let Some(descriptor) = Descriptor::decode(data) {
        assert_eq!(descriptor.encode(), data);
        assert_eq!(descriptor.session_id(), *Sha256::digest(data));
        assert!(descriptor.participants.iter().any(|one| one.role == descriptor.initiator));
    }
}

pub(crate) fn descriptor_seeds() -> Vec<Vec<u8>> {
    vec![KEYGEN.descriptor.clone(), crate::proposal::Proposal::honest().descriptor.encode()]
}

/// An envelope's header.
pub fn envelope(data: &[u8]) {
    if let Some(header) = peek(data) {
        assert_eq!(header.encode(), data[..HEADER_BYTES]);
        assert_eq!(data.len() - HEADER_BYTES - 64, usize::try_from(header.body_length).unwrap());
        assert!(header.part < header.parts);
    }
}

pub(crate) fn envelope_seeds() -> Vec<Vec<u8>> {
    KEYGEN.transcript.iter().filter(|envelope| envelope.len() < 1_000).cloned().collect()
}

/// The body of an epoch.
pub fn epoch(data: &[u8]) {
    if let Ok(epoch) = Epoch::decode(data) {
        assert_eq!(epoch.encode(), data);
        assert!(epoch.public_shares().len() >= 2);
    }
}

pub(crate) fn epoch_seeds() -> Vec<Vec<u8>> {
    vec![KeyShare::decode(&SHARE).unwrap().epoch().encode()]
}

/// A stored share that signs nothing but what the fuzzer makes of it.
static SHARE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (mut parties, wallets) = committee(SEED);
    let wallet = &wallets[&Role::User];
    let key = Key::Share {
        wallet_id: *wallet.roster().wallet_id(),
        epoch: wallet.epoch(),
        key_id: ECDSA_KEY_ID.to_owned(),
    };
    parties.get_mut(&Role::User).unwrap().stored(key).unwrap().0.to_vec()
});

/// A stored share as it came; and a program that edits a true one and puts the checksum right.
pub fn share(data: &[u8]) {
    if let Ok(share) = KeyShare::decode(data) {
        assert_eq!(*share.encode(), data);
    }
    let mut program = Program::new(data);
    let mut bytes = SHARE[..SHARE.len() - 32].to_vec();
    while program.edit(&mut bytes).is_some() {}
    let checksum = hash(tags::SHARE, &[&bytes]);
    bytes.extend(checksum);
    if let Ok(share) = KeyShare::decode(&bytes) {
        assert_eq!(*share.encode(), bytes);
        assert!(share.threshold() >= 2 && share.threshold() <= share.parties());
        assert!(share.pair(share.index()).is_none());
    }
}

pub(crate) fn share_seeds() -> Vec<Vec<u8>> {
    vec![SHARE.clone(), vec![0, 0, 0, 1, 7], vec![0, 2, 1, 0, 1], vec![0, 0x80, 0xf0, 0, 3]]
}
