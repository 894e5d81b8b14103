//! What a ceremony starts from. Every kind has its own authorization, made natively at each party from what
//! that party itself has seen; none can be made from bytes that a peer sent.

use policy::Permit;
use tagged_hash::{hash, tags};

use crate::document::{MAX_ITEMS, Origin, ProposedItem};
use crate::wallet::check_path;
use crate::{Failure, Wallet};

/// One payload that this party parsed itself, as the reader of unsigned bytes describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedPayload {
    /// Payload kind, such as `evm.transaction`.
    pub kind: String,
    /// CAIP-2 chain.
    pub chain: String,
    /// Unsigned bytes.
    pub bytes: Vec<u8>,
    /// The digest computed from the bytes.
    pub digest: [u8; 32],
    /// What the digest is of.
    pub digest_kind: u8,
    /// Hash over kind, chain and bytes.
    pub payload_hash: [u8; 32],
    /// Hash over everything that came from facts.
    pub resolved_hash: [u8; 32],
}

/// A payload and the derivation path of the account that signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentedItem {
    /// What is signed.
    pub payload: ParsedPayload,
    /// By which account.
    pub path: Vec<u32>,
}

impl ConsentedItem {
    pub(crate) fn proposed(&self) -> ProposedItem {
        ProposedItem {
            kind: self.payload.kind.clone(),
            chain: self.payload.chain.clone(),
            bytes: self.payload.bytes.clone(),
            digest: self.payload.digest,
            digest_kind: self.payload.digest_kind,
            path: self.path.clone(),
        }
    }
}

/// The right to take part in signing exactly these payloads, once, until it expires.
///
/// It is consumed by the session that it starts. A co-signer's authorization is bound to the invitation it
/// answers, an initiator's to this wallet.
pub struct SigningAuthorization {
    wallet_id: [u8; 32],
    epoch: u64,
    policy_hash: [u8; 32],
    items: Vec<ConsentedItem>,
    origin: Origin,
    expires_at_ms: u64,
    session_id: Option<[u8; 32]>,
}

impl SigningAuthorization {
    /// The right of the party that asks, given what its policy made of exactly these payloads.
    ///
    /// `payload_hash` and digest kind are checked against the payload; that the digest is the bytes' digest is
    /// the reader's promise, whose type is mapped in one place only.
    ///
    /// # Errors
    /// `Config`: no items or too many, a confirmation digest, a path without key, a payload hash that differs, a
    /// permit for something else; `RefreshNeeded` for shares from a backup.
    pub fn new(
        wallet: &Wallet,
        permit: Permit,
        items: Vec<ConsentedItem>,
        origin: Origin,
        expires_at_ms: u64,
    ) -> Result<Self, Failure> {
        origin.check()?;
        Self::check(wallet, permit, items, origin, (expires_at_ms, None))
    }

    pub(crate) fn for_session(
        wallet: &Wallet,
        permit: Permit,
        items: Vec<ConsentedItem>,
        origin: Origin,
        (expires_at_ms, session_id): (u64, [u8; 32]),
    ) -> Result<Self, Failure> {
        Self::check(wallet, permit, items, origin, (expires_at_ms, Some(session_id)))
    }

    #[allow(clippy::needless_pass_by_value)] // a permit serves once
    fn check(
        wallet: &Wallet,
        permit: Permit,
        items: Vec<ConsentedItem>,
        origin: Origin,
        (expires_at_ms, session_id): (u64, Option<[u8; 32]>),
    ) -> Result<Self, Failure> {
        if wallet.needs_refresh() {
            return Err(Failure::refresh_needed());
        }
        if items.is_empty() || items.len() > MAX_ITEMS {
            return Err(Failure::config("a session signs 1 to 64 items"));
        }
        for ConsentedItem { payload, path } in &items {
            check_path(path)?;
            let expected = hash(
                tags::PAYLOAD,
                &[payload.kind.as_bytes(), payload.chain.as_bytes(), &payload.bytes],
            );
            if payload.payload_hash != expected {
                return Err(Failure::config("a payload hash of other bytes"));
            }
            if payload.digest_kind == crate::confirm::DIGEST_KIND {
                return Err(Failure::config("a confirmation is signed by key generation only"));
            }
        }
        let policy_hash = wallet.policy().hash();
        if !permit.allows(&policy_hash, items.iter().map(|item| &item.payload.digest)) {
            return Err(Failure::config("the policy's permit is for something else"));
        }
        Ok(Self {
            wallet_id: *wallet.roster().wallet_id(),
            epoch: wallet.epoch(),
            policy_hash,
            items,
            origin,
            expires_at_ms,
            session_id,
        })
    }

    /// The digests, in item order.
    pub fn digests(&self) -> impl Iterator<Item = [u8; 32]> + '_ {
        self.items.iter().map(|item| item.payload.digest)
    }

    /// After this no session starts from it.
    pub fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }

    /// Its items, if it is for this wallet, epoch, policy and session, and still alive.
    pub(crate) fn claim(
        self,
        wallet: &Wallet,
        session_id: Option<[u8; 32]>,
        now_ms: u64,
    ) -> Result<Claim, Failure> {
        if &self.wallet_id != wallet.roster().wallet_id() || self.epoch != wallet.epoch() {
            return Err(Failure::config("the authorization is of another wallet or epoch"));
        }
        if self.policy_hash != wallet.policy().hash() {
            return Err(Failure::config("the authorization is of another policy"));
        }
        if self.session_id != session_id {
            return Err(Failure::config("the authorization is of another session"));
        }
        if now_ms >= self.expires_at_ms {
            return Err(Failure::config("the authorization has expired"));
        }
        Ok(Claim { items: self.items, origin: self.origin, policy_hash: self.policy_hash })
    }
}

/// What a session was authorised to sign.
pub(crate) struct Claim {
    pub(crate) items: Vec<ConsentedItem>,
    pub(crate) origin: Origin,
    /// Of the policy that allowed it, which stays that of the session whatever becomes of the policy.
    pub(crate) policy_hash: [u8; 32],
}
