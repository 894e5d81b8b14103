//! The persons who may decide, as the wallet's policy document lists them.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{Refusal, Role};

/// Bytes of an Ed25519 public key.
pub const KEY_BYTES: usize = 32;
/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// The most approver keys of a wallet.
pub const MAX_APPROVERS: usize = 16;

/// One key of the agreed list: a person's device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approver {
    /// For which party the person speaks.
    pub role: Role,
    /// Ed25519. Never a daemon's identity key.
    pub key: [u8; KEY_BYTES],
}

/// A checked list: every key is sound and speaks for one role. Made from the policy document that all parties
/// agreed on, never from what a peer sends with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers(BTreeMap<[u8; KEY_BYTES], Role>);

impl Approvers {
    /// Checks a list; a key that is listed twice for the same role counts once.
    ///
    /// # Errors
    /// `TooManyApprovers`, `RoleWithoutApprovers`, `BadKey`, and `KeyOfTwoRoles` for one person in two roles.
    pub fn new(listed: &[Approver]) -> Result<Self, Refusal> {
        if listed.len() > MAX_APPROVERS {
            return Err(Refusal::TooManyApprovers);
        }
        let mut roles = BTreeMap::new();
        for Approver { role, key } in listed {
            if !role.has_approvers() {
                return Err(Refusal::RoleWithoutApprovers);
            }
            read_key(key)?;
            if roles.insert(*key, *role).is_some_and(|before| before != *role) {
                return Err(Refusal::KeyOfTwoRoles);
            }
        }
        Ok(Self(roles))
    }

    /// The role for which a key speaks.
    pub fn role_of(&self, key: &[u8; KEY_BYTES]) -> Option<Role> {
        self.0.get(key).copied()
    }
}

/// A key in its one canonical form and not of small order, under which more than one message would verify.
pub(crate) fn read_key(key: &[u8; KEY_BYTES]) -> Result<VerifyingKey, Refusal> {
    VerifyingKey::from_bytes(key)
        .ok()
        .filter(|read| !read.is_weak() && VerifyingKey::from(read.to_edwards()).to_bytes() == *key)
        .ok_or(Refusal::BadKey)
}

/// Strict Ed25519 over a tagged hash: one signature per key and message verifies everywhere or nowhere.
pub(crate) fn verify(
    key: &[u8; KEY_BYTES],
    hash: &[u8; 32],
    signature: &[u8; SIGNATURE_BYTES],
) -> Result<(), Refusal> {
    read_key(key)?
        .verify_strict(hash, &Signature::from_bytes(signature))
        .map_err(|_| Refusal::BadSignature)
}
