//! What a person says about the replacement of a party.

use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::{Tag, tags};

use crate::approver::{KEY_BYTES, read_key};
use crate::{Document, Refusal, Role, record};

const SCHEMA: &str = "mpc-wallet/ceremony@1";
const KIND: &str = "recover";

/// A longer document is refused before it is read; the longest that can be written has 358.
pub const MAX_DOCUMENT_BYTES: usize = 512;

/// One party of one wallet giving way to one newcomer. Two replacements that differ in anything are two: each
/// needs its own yes and waits its own delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    wallet_id: [u8; 32],
    lost: Role,
    old_roster: [u8; 32],
    new_roster: [u8; 32],
    new_approver: Option<[u8; KEY_BYTES]>,
}

impl Replacement {
    /// The replacement of `lost`. The roster hashes cover every party's identity and sealing key, so the new one
    /// names the newcomer. Its approver key stands in no roster, so it is named here: otherwise a yes to a new
    /// device would be a yes to whichever person its owner later claims to be.
    ///
    /// # Errors
    /// `Impossible` for equal rosters, and unless there is a new approver key exactly if a person stands behind
    /// the lost party; `BadKey`.
    pub fn new(
        wallet_id: [u8; 32],
        lost: Role,
        old_roster: [u8; 32],
        new_roster: [u8; 32],
        new_approver: Option<[u8; KEY_BYTES]>,
    ) -> Result<Self, Refusal> {
        if old_roster == new_roster || new_approver.is_some() != lost.has_approvers() {
            return Err(Refusal::Impossible);
        }
        if let Some(key) = &new_approver {
            read_key(key)?;
        }
        Ok(Self { wallet_id, lost, old_roster, new_roster, new_approver })
    }

    /// The wallet.
    pub fn wallet_id(&self) -> &[u8; 32] {
        &self.wallet_id
    }

    /// The party that is replaced.
    pub fn lost(&self) -> Role {
        self.lost
    }

    /// Hash of the roster that has the lost party.
    pub fn old_roster(&self) -> &[u8; 32] {
        &self.old_roster
    }

    /// Hash of the roster that has the newcomer in its place.
    pub fn new_roster(&self) -> &[u8; 32] {
        &self.new_roster
    }

    /// The approver key of the person behind the newcomer.
    pub fn new_approver(&self) -> Option<&[u8; KEY_BYTES]> {
        self.new_approver.as_ref()
    }
}

/// What a person decides. It is part of the signed bytes, so a no is never read as a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes, until the document expires.
    Approve,
    /// No, from a person whose yes is needed. Final.
    Reject,
    /// No, from a person who may only object. Final.
    Veto,
}

/// `mpc-wallet/ceremony@1`: one person's verdict on one replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CeremonyDocument {
    /// What it is about.
    pub replacement: Replacement,
    /// What the person says.
    pub verdict: Verdict,
    /// From this time on, in milliseconds since 1970, the document says nothing.
    pub expires_at_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    decision: Verdict,
    #[serde(rename = "expiresAt")]
    expires_at: String,
    kind: String,
    lost: Role,
    #[serde(rename = "newApprover", default, skip_serializing_if = "Option::is_none")]
    new_approver: Option<Base64>,
    #[serde(rename = "newRoster")]
    new_roster: Base64,
    #[serde(rename = "oldRoster")]
    old_roster: Base64,
    schema: String,
    #[serde(rename = "walletId")]
    wallet_id: Base64,
}

impl CeremonyDocument {
    /// The canonical JSON.
    pub fn encode(&self) -> Vec<u8> {
        let Replacement { wallet_id, lost, old_roster, new_roster, new_approver } =
            &self.replacement;
        let fields = Fields {
            decision: self.verdict,
            expires_at: self.expires_at_ms.to_string(),
            kind: KIND.to_owned(),
            lost: *lost,
            new_approver: new_approver.map(|key| Base64(key.to_vec())),
            new_roster: Base64(new_roster.to_vec()),
            old_roster: Base64(old_roster.to_vec()),
            schema: SCHEMA.to_owned(),
            wallet_id: Base64(wallet_id.to_vec()),
        };
        record::canonical(&fields)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// `Malformed` for any other bytes; `Impossible` and `BadKey` as [`Replacement::new`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(Refusal::Malformed);
        }
        let fields: Fields = canonical::decode(bytes).ok_or(Refusal::Malformed)?;
        if fields.schema != SCHEMA || fields.kind != KIND {
            return Err(Refusal::Malformed);
        }
        let hash = |bytes: &Base64| bytes.array().ok_or(Refusal::Malformed);
        Ok(Self {
            replacement: Replacement::new(
                hash(&fields.wallet_id)?,
                fields.lost,
                hash(&fields.old_roster)?,
                hash(&fields.new_roster)?,
                fields.new_approver.as_ref().map(hash).transpose()?,
            )?,
            verdict: fields.decision,
            expires_at_ms: read_decimal(&fields.expires_at).ok_or(Refusal::Malformed)?,
        })
    }

    /// `H("doc/ceremony"; bytes)`: what an approver signs.
    pub fn hash(&self) -> [u8; 32] {
        Document::hash(self)
    }
}

impl Document for CeremonyDocument {
    const MAX_BYTES: usize = MAX_DOCUMENT_BYTES;
    const TAG: Tag = tags::DOC_CEREMONY;

    fn encode(&self) -> Vec<u8> {
        self.encode()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::decode(bytes)
    }
}

/// A number in the one form that is written: no sign, no leading zero.
pub(crate) fn read_decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}
