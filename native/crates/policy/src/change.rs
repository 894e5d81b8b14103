//! What persons sign to put another version of the policy in force.

use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::{Tag, hash, tags};

use crate::document::read_decimal;
use crate::{Document, Refusal, record};

const SCHEMA: &str = "mpc-wallet/policy-change@1";

/// A longer document is refused before it is read; the longest that can be written has 274.
pub const MAX_CHANGE_DOCUMENT_BYTES: usize = 384;

/// `mpc-wallet/policy-change@1`: one version of a wallet's policy gives way to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeDocument {
    /// The wallet.
    pub wallet_id: [u8; 32],
    /// The version that comes: one above the one in force.
    pub version: u64,
    /// Hash of the policy in force.
    pub previous: [u8; 32],
    /// [`policy_hash`] of the policy that comes.
    pub next: [u8; 32],
    /// From this time on, in milliseconds since 1970, nobody begins to follow it: a change that was signed and
    /// forgotten is not found and used.
    pub expires_at_ms: u64,
}

/// `H("doc/policy"; bytes)`: the name of a version of a policy.
pub fn policy_hash(policy: &[u8]) -> [u8; 32] {
    hash(tags::DOC_POLICY, &[policy])
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    expires_at: String,
    next: Base64,
    previous: Base64,
    schema: String,
    version: String,
    wallet_id: Base64,
}

impl Document for ChangeDocument {
    const MAX_BYTES: usize = MAX_CHANGE_DOCUMENT_BYTES;
    const TAG: Tag = tags::DOC_POLICY_CHANGE;

    fn encode(&self) -> Vec<u8> {
        record::canonical(&Fields {
            expires_at: self.expires_at_ms.to_string(),
            next: Base64(self.next.to_vec()),
            previous: Base64(self.previous.to_vec()),
            schema: SCHEMA.to_owned(),
            version: self.version.to_string(),
            wallet_id: Base64(self.wallet_id.to_vec()),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(Refusal::Malformed);
        }
        let fields: Fields = canonical::decode(bytes).ok_or(Refusal::Malformed)?;
        if fields.schema != SCHEMA {
            return Err(Refusal::Malformed);
        }
        let hash = |bytes: &Base64| bytes.array().ok_or(Refusal::Malformed);
        let number = |text: &str| read_decimal(text).ok_or(Refusal::Malformed);
        Ok(Self {
            wallet_id: hash(&fields.wallet_id)?,
            version: number(&fields.version)?,
            previous: hash(&fields.previous)?,
            next: hash(&fields.next)?,
            expires_at_ms: number(&fields.expires_at)?,
        })
    }
}
