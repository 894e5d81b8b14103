//! What a person says about a request to sign.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::{Tag, tags};

use crate::document::read_decimal;
use crate::{Document, Refusal, Role, record};

const SCHEMA: &str = "mpc-wallet/approval@1";

/// A longer document is refused before it is read.
pub const MAX_APPROVAL_DOCUMENT_BYTES: usize = 18 * 1_024;
/// The most items of a request.
pub const MAX_APPROVED_ITEMS: usize = 64;
/// The most steps of a derivation path.
pub const MAX_APPROVED_DEPTH: usize = 10;
/// The most assets in which an approval limits fees.
pub const MAX_FEE_ASSETS: usize = 16;
/// The most bytes of an asset's name: CAIP-19 with a token id of 78 characters.
pub const MAX_ASSET_BYTES: usize = 256;
/// The most bytes of a key id.
pub const MAX_KEY_ID_BYTES: usize = 64;
/// How long an approval is good for unless its maker says otherwise.
pub const APPROVAL_LIFE_MS: u64 = 5 * 60 * 1_000;
/// The longest that an approval of a request is good for.
pub const MAX_APPROVAL_LIFE_MS: u64 = 24 * 60 * 60 * 1_000;

/// What is signed when the request is, and by whom: everything that an approval is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The wallet.
    pub wallet_id: [u8; 32],
    /// Names the request: its proposal and who asked.
    pub request_id: [u8; 32],
    /// What each item signs with its volatile fields cleared, in order.
    pub content_hashes: Vec<[u8; 32]>,
    /// Which key of the wallet signs, such as `ecdsa`.
    pub key_id: String,
    /// The derivation path of each item, in order; no step is hardened.
    pub paths: Vec<Vec<u32>>,
    /// The two parties that sign, ascending.
    pub quorum: [Role; 2],
    /// Hash of the policy under which it is signed.
    pub policy_hash: [u8; 32],
    /// The epoch whose shares sign.
    pub epoch: u64,
    /// The party that asks.
    pub requester: Role,
    /// The key for which it asks, if the policy tells principals apart.
    pub principal: Option<[u8; 32]>,
}

impl Subject {
    /// Whether it can be written down at all.
    ///
    /// # Errors
    /// `Malformed` unless there are 1 to 64 items with a path each of at most ten unhardened steps, two parties in
    /// ascending order of which the requester is one, and a key id of 1 to 64 printable characters.
    pub fn check(&self) -> Result<(), Refusal> {
        let [first, second] = self.quorum;
        let is_path = |path: &Vec<u32>| {
            path.len() <= MAX_APPROVED_DEPTH && path.iter().all(|step| *step < 1 << 31)
        };
        let is_sound = (1..=MAX_APPROVED_ITEMS).contains(&self.content_hashes.len())
            && self.paths.len() == self.content_hashes.len()
            && self.paths.iter().all(is_path)
            && first < second
            && self.quorum.contains(&self.requester)
            && is_name(&self.key_id, MAX_KEY_ID_BYTES);
        if is_sound { Ok(()) } else { Err(Refusal::Malformed) }
    }
}

/// Printable ASCII without a quote or a backslash, so that it is written as it is.
pub(crate) fn is_name(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

/// What a person decides. It is part of the signed bytes, so a no is never read as a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalVerdict {
    /// Yes, to exactly this, between two times.
    Approve,
    /// No, for good.
    Reject,
    /// The yes that a person of the same role gave is taken back, for good.
    Withdraw,
}

/// `mpc-wallet/approval@1`: one person's decision about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalDocument {
    /// What it is about.
    pub subject: Subject,
    /// What the person says.
    pub verdict: ApprovalVerdict,
    /// The most that all items together may pay in fees, by asset in base units. An asset that is missing pays none.
    pub max_fees: BTreeMap<String, U256>,
    /// Hash of the effects as they were shown to the person. For the audit log: signers judge effects by what they
    /// know themselves, so no decision hangs on it.
    pub effects_hash: [u8; 32],
    /// Before this time, in milliseconds since 1970, it says nothing.
    pub not_before_ms: u64,
    /// From this time on it says nothing.
    pub expires_at_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fee {
    amount: String,
    asset: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requester {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Base64>,
    role: Role,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    content_hashes: Vec<Base64>,
    decision: ApprovalVerdict,
    effects_hash: Base64,
    epoch: String,
    expires_at: String,
    key_id: String,
    max_fees: Vec<Fee>,
    not_before: String,
    paths: Vec<Vec<u32>>,
    policy_hash: Base64,
    quorum: [Role; 2],
    request_id: Base64,
    requested_by: Requester,
    schema: String,
    wallet_id: Base64,
}

impl ApprovalDocument {
    /// Whether it can be written down, and read again.
    ///
    /// # Errors
    /// `Malformed` as [`Subject::check`], for more than 16 fee assets, an asset that is not 1 to 256 printable
    /// characters, and a time of expiry that is not after the first one.
    pub fn check(&self) -> Result<(), Refusal> {
        self.subject.check()?;
        let is_sound = self.max_fees.len() <= MAX_FEE_ASSETS
            && self.max_fees.keys().all(|asset| is_name(asset, MAX_ASSET_BYTES))
            && self.not_before_ms < self.expires_at_ms;
        if is_sound { Ok(()) } else { Err(Refusal::Malformed) }
    }
}

impl Document for ApprovalDocument {
    const MAX_BYTES: usize = MAX_APPROVAL_DOCUMENT_BYTES;
    const TAG: Tag = tags::DOC_APPROVAL;

    fn encode(&self) -> Vec<u8> {
        let base64 = |hash: &[u8; 32]| Base64(hash.to_vec());
        let Subject {
            wallet_id,
            request_id,
            content_hashes,
            key_id,
            paths,
            quorum,
            policy_hash,
            epoch,
            requester,
            principal,
        } = &self.subject;
        let fee = |(asset, amount): (&String, &U256)| Fee {
            amount: amount.to_string(),
            asset: asset.clone(),
        };
        record::canonical(&Fields {
            content_hashes: content_hashes.iter().map(base64).collect(),
            decision: self.verdict,
            effects_hash: base64(&self.effects_hash),
            epoch: epoch.to_string(),
            expires_at: self.expires_at_ms.to_string(),
            key_id: key_id.clone(),
            max_fees: self.max_fees.iter().map(fee).collect(),
            not_before: self.not_before_ms.to_string(),
            paths: paths.clone(),
            policy_hash: base64(policy_hash),
            quorum: *quorum,
            request_id: base64(request_id),
            requested_by: Requester { principal: principal.as_ref().map(base64), role: *requester },
            schema: SCHEMA.to_owned(),
            wallet_id: base64(wallet_id),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read(bytes).ok_or(Refusal::Malformed)
    }
}

impl ApprovalDocument {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > Self::MAX_BYTES {
            return None;
        }
        let fields: Fields = canonical::decode(bytes)?;
        let principal = match &fields.requested_by.principal {
            Some(key) => Some(key.array()?),
            None => None,
        };
        let mut max_fees = BTreeMap::new();
        for Fee { amount, asset } in fields.max_fees {
            max_fees.insert(asset, read_amount(&amount)?);
        }
        let document = Self {
            subject: Subject {
                wallet_id: fields.wallet_id.array()?,
                request_id: fields.request_id.array()?,
                content_hashes: fields
                    .content_hashes
                    .iter()
                    .map(Base64::array)
                    .collect::<Option<_>>()?,
                key_id: fields.key_id,
                paths: fields.paths,
                quorum: fields.quorum,
                policy_hash: fields.policy_hash.array()?,
                epoch: read_decimal(&fields.epoch)?,
                requester: fields.requested_by.role,
                principal,
            },
            verdict: fields.decision,
            max_fees,
            effects_hash: fields.effects_hash.array()?,
            not_before_ms: read_decimal(&fields.not_before)?,
            expires_at_ms: read_decimal(&fields.expires_at)?,
        };
        // The order of the fees, and that no asset stands twice in them, show in the bytes.
        let is_canonical =
            fields.schema == SCHEMA && document.check().is_ok() && document.encode() == bytes;
        is_canonical.then_some(document)
    }
}

/// An amount in the one form that is written: decimal, no sign, no leading zero.
pub(crate) fn read_amount(text: &str) -> Option<U256> {
    // The longest has 78 digits; what is longer is not worth reading.
    if text.len() > 78 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    U256::from_str_radix(text, 10).ok().filter(|amount| amount.to_string() == text)
}
