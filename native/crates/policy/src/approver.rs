//! The persons who may decide, as the wallet's policy document lists them.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::rulebook::PolicyApprover;
use crate::webauthn::{self, P256_KEY_BYTES};
use crate::{Refusal, RelyingParty, Role};

/// Bytes of an Ed25519 public key.
pub const KEY_BYTES: usize = 32;
/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// The most approver keys of a wallet.
pub const MAX_APPROVERS: usize = 16;

/// A key of a person, never a daemon's identity key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApproverKey {
    /// A device key (RFC 8032).
    Ed25519([u8; KEY_BYTES]),
    /// A passkey on P-256 (WebAuthn, COSE algorithm −7): the compressed point of SEC 1, §2.3.3.
    Passkey([u8; P256_KEY_BYTES]),
}

impl ApproverKey {
    /// Whether it is a point in its one canonical form, and not of small order.
    ///
    /// # Errors
    /// `BadKey`.
    pub fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Ed25519(key) => read_key(key).map(drop),
            Self::Passkey(key) => webauthn::read_key(key).map(drop),
        }
    }
}

impl From<[u8; KEY_BYTES]> for ApproverKey {
    fn from(key: [u8; KEY_BYTES]) -> Self {
        Self::Ed25519(key)
    }
}

/// One key of the agreed list: a person's device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approver {
    /// For which party the person speaks.
    pub role: Role,
    /// What the person signs with.
    pub key: ApproverKey,
}

/// A checked list: every key is sound and speaks for one role. Made from the policy document that all parties
/// agreed on, never from what a peer sends with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers {
    roles: BTreeMap<ApproverKey, Role>,
    relying_party: Option<RelyingParty>,
}

impl Approvers {
    /// Checks a list without passkeys; a key that is listed twice for the same role counts once.
    ///
    /// # Errors
    /// `TooManyApprovers`, `RoleWithoutApprovers`, `BadKey`, `KeyOfTwoRoles` for one person in two roles, and
    /// `NoRelyingParty` for a passkey.
    pub fn new(listed: &[Approver]) -> Result<Self, Refusal> {
        Self::check(listed, None)
    }

    /// As [`new`](Self::new), with passkeys that were registered at this site.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_passkeys(listed: &[Approver], site: RelyingParty) -> Result<Self, Refusal> {
        Self::check(listed, Some(site))
    }

    /// Checks the persons of a policy. All passkeys are of one site.
    ///
    /// # Errors
    /// As [`with_passkeys`](Self::with_passkeys); `BadRelyingParty` for passkeys of two sites.
    pub fn of(listed: &[PolicyApprover]) -> Result<Self, Refusal> {
        let mut site: Option<RelyingParty> = None;
        let mut approvers = Vec::with_capacity(listed.len());
        for approver in listed {
            let key = match approver {
                PolicyApprover::Ed25519 { key, .. } => ApproverKey::Ed25519(key.0),
                PolicyApprover::Webauthn { key, origins, rp_id, .. } => {
                    let of = RelyingParty::new(rp_id.clone(), origins.clone())?;
                    if site.get_or_insert_with(|| of.clone()) != &of {
                        return Err(Refusal::BadRelyingParty);
                    }
                    ApproverKey::Passkey(key.0)
                }
            };
            approvers.push(Approver { role: approver.role(), key });
        }
        Self::check(&approvers, site)
    }

    fn check(listed: &[Approver], relying_party: Option<RelyingParty>) -> Result<Self, Refusal> {
        if listed.len() > MAX_APPROVERS {
            return Err(Refusal::TooManyApprovers);
        }
        let mut roles = BTreeMap::new();
        for Approver { role, key } in listed {
            if !role.has_approvers() {
                return Err(Refusal::RoleWithoutApprovers);
            }
            key.check()?;
            if matches!(key, ApproverKey::Passkey(_)) && relying_party.is_none() {
                return Err(Refusal::NoRelyingParty);
            }
            if roles.insert(*key, *role).is_some_and(|before| before != *role) {
                return Err(Refusal::KeyOfTwoRoles);
            }
        }
        Ok(Self { roles, relying_party })
    }

    /// The role for which a key speaks.
    pub fn role_of(&self, key: &ApproverKey) -> Option<Role> {
        self.roles.get(key).copied()
    }

    /// The site whose passkeys are listed.
    pub fn relying_party(&self) -> Option<&RelyingParty> {
        self.relying_party.as_ref()
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
