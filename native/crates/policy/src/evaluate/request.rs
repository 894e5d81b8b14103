//! A request, as the party that decides it read it from bytes.

use std::collections::BTreeSet;

use canonical::Base64;
use serde::{Deserialize, Serialize};

use crate::caip::{AccountId, ChainId};
use crate::effect::Effect;
use crate::rulebook::{Invalid, read, sorted, strict};

use super::evidence::{GrantedApproval, Price, RuleVerdict};

/// The most items of a request.
pub const MAX_ITEMS: usize = 64;
/// The most effects of an item.
pub const MAX_EFFECTS: usize = 256;
/// The most own accounts that a request is about.
pub const MAX_OWN_ACCOUNTS: usize = 256;
/// Schema of a recorded request.
pub const RECORD_SCHEMA: &str = "mpc-wallet/policy-request@1";
/// A longer record is refused before it is read.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// What somebody asks to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// 1 to 64 payloads, signed all or none.
    pub items: Vec<Item>,
    /// This wallet's accounts, as this party derived them from its own keys.
    pub own: BTreeSet<AccountId>,
    /// The key whose signature over this request was verified.
    #[serde(skip_serializing_if = "Option::is_none", with = "optional_key", default)]
    pub principal: Option<[u8; 32]>,
    /// This party's clock, Unix milliseconds.
    #[serde(with = "crate::number::text_u64")]
    pub time_ms: u64,
}

/// One payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its chain.
    pub chain: ChainId,
    /// What it does.
    pub effects: Vec<Effect>,
    /// What it is.
    pub kind: PayloadKind,
}

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PayloadKind {
    /// An unsigned EIP-2718 envelope.
    #[serde(rename = "evm.transaction")]
    EvmTransaction,
    /// An EIP-7702 authorization.
    #[serde(rename = "evm.authorization")]
    EvmAuthorization,
    /// An ERC-4337 user operation.
    #[serde(rename = "evm.userOperation")]
    EvmUserOperation,
    /// EIP-191.
    #[serde(rename = "evm.message")]
    EvmMessage,
    /// EIP-712.
    #[serde(rename = "evm.typedData")]
    EvmTypedData,
    /// A digest of something that nobody read.
    #[serde(rename = "evm.hash")]
    EvmHash,
    /// A legacy or version 0 message of a transaction.
    #[serde(rename = "solana.transaction")]
    SolanaTransaction,
    /// Other bytes.
    #[serde(rename = "solana.message")]
    SolanaMessage,
    /// BIP-174.
    #[serde(rename = "bitcoin.psbt")]
    BitcoinPsbt,
}

impl PayloadKind {
    /// Whether it pays a fee, which must be among its effects exactly once.
    pub(crate) fn pays_fee(self) -> bool {
        match self {
            Self::EvmTransaction
            | Self::EvmUserOperation
            | Self::SolanaTransaction
            | Self::BitcoinPsbt => true,
            Self::EvmAuthorization
            | Self::EvmMessage
            | Self::EvmTypedData
            | Self::EvmHash
            | Self::SolanaMessage => false,
        }
    }
}

/// A request with everything that was said about it, for the audit log and for [`super::replay`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// Approvals that were verified.
    pub approvals: Vec<GrantedApproval>,
    /// Prices that were known.
    pub prices: Vec<Price>,
    /// What was asked.
    pub request: Request,
    /// Verdicts of custom rules.
    pub verdicts: Vec<RuleVerdict>,
}

impl RecordedRequest {
    /// Canonical JSON; `None` for what JSON cannot write, which nothing here is.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut value = serde_json::to_value(self).ok()?;
        value.as_object_mut()?.insert("schema".to_owned(), RECORD_SCHEMA.into());
        canonical::encode(&sorted(value))
    }

    /// Reads canonical bytes, and nothing else.
    ///
    /// # Errors
    /// `Invalid` names the first place that is wrong, and the rule.
    pub fn decode(bytes: &[u8]) -> Result<Self, Invalid> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(Invalid::new("", "longer than 16 MiB"));
        }
        let mut value = strict(bytes)?;
        let schema = value.as_object_mut().and_then(|fields| fields.remove("schema"));
        if schema.as_ref().and_then(|it| it.as_str()) != Some(RECORD_SCHEMA) {
            return Err(Invalid::new("schema", format!("must be {RECORD_SCHEMA:?}")));
        }
        let record: Self = read(value)?;
        if record.encode().as_deref() != Some(bytes) {
            return Err(Invalid::new("", "not in canonical form (RFC 8785)"));
        }
        Ok(record)
    }
}

mod optional_key {
    use super::{Base64, Deserialize, Serialize};
    use serde::{Deserializer, Serializer, de::Error as _};

    #[allow(clippy::ref_option, reason = "serde gives it so")]
    pub(super) fn serialize<S: Serializer>(
        key: &Option<[u8; 32]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        key.map(|key| Base64(key.to_vec())).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[u8; 32]>, D::Error> {
        let bytes = Base64::deserialize(deserializer)?;
        bytes.array().map(Some).ok_or_else(|| D::Error::custom("not a key of 32 bytes"))
    }
}
