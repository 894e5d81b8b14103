//! What a signature would do, as the rules see it.
//!
//! A mirror of what `intent` reads from bytes. This crate does not import that one, so that neither can change what
//! the other means: the addon maps by exhaustive matches, and every enum here is exhaustive on purpose.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::caip::{AccountId, AssetId, ChainId};
use crate::number::Decimal;

/// One thing that a signature over a payload allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Effect {
    /// What happens.
    pub kind: EffectKind,
    /// What leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetId>,
    /// How much of it.
    pub amount: Amount,
    /// Whose it is. Without one it counts as this wallet's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<AccountId>,
    /// Who receives it; of a delegation the code, of a change of owner the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<AccountId>,
    /// Who may take it later: of approvals and permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spender: Option<AccountId>,
    /// The code that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// What a message or typed data is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// Unix seconds; `None` never ends.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "crate::number::optional_u64",
        default
    )]
    pub expiry: Option<u64>,
    /// A signature that somebody else may submit later.
    pub deferred: bool,
    /// How the reader knows.
    pub confidence: Confidence,
}

/// What happens (`transfer`, `approve`, … in documents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EffectKind {
    /// Value leaves an account.
    Transfer,
    /// A spender may take up to the amount.
    Approve,
    /// An approval or a delegation ends.
    Revoke,
    /// An approval as a signature that somebody else submits.
    Permit,
    /// Code is given to the account (EIP-7702).
    Delegate,
    /// At most the amount leaves, and at least something else comes back.
    Swap,
    /// A contract is created.
    Deploy,
    /// A listed function of a listed contract is called.
    Call,
    /// Text or typed data without an effect of its own.
    Message,
    /// A key, owner, module or implementation changes.
    OwnerChange,
    /// The most that a payload costs in fees.
    FeeOnly,
    /// Something whose meaning is not established.
    Unknown,
}

impl EffectKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Transfer,
        Self::Approve,
        Self::Revoke,
        Self::Permit,
        Self::Delegate,
        Self::Swap,
        Self::Deploy,
        Self::Call,
        Self::Message,
        Self::OwnerChange,
        Self::FeeOnly,
        Self::Unknown,
    ];

    /// As a person reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Approve => "approval of a spender",
            Self::Revoke => "revocation",
            Self::Permit => "signed permit",
            Self::Delegate => "delegation of the account",
            Self::Swap => "swap",
            Self::Deploy => "deployment",
            Self::Call => "call",
            Self::Message => "message",
            Self::OwnerChange => "change of owner",
            Self::FeeOnly => "fee",
            Self::Unknown => "unknown call",
        }
    }

    /// Whether an amount that leaves this way must be stated, or the effect is refused.
    pub(crate) const fn states_amount(self) -> bool {
        match self {
            Self::Transfer | Self::Approve | Self::Permit | Self::Swap | Self::FeeOnly => true,
            Self::Revoke
            | Self::Delegate
            | Self::Deploy
            | Self::Call
            | Self::Message
            | Self::OwnerChange
            | Self::Unknown => false,
        }
    }

    /// Whether somebody may take the amount later, instead of its leaving now.
    pub(crate) const fn is_exposure(self) -> bool {
        matches!(self, Self::Approve | Self::Permit)
    }
}

/// How much leaves, in base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Amount {
    /// This much.
    Exact(Decimal),
    /// At most this much.
    UpTo(Decimal),
    /// Whatever there is.
    Unlimited,
    /// The effect states no amount.
    None,
}

impl Amount {
    /// The most that leaves; `None` where there is no most.
    pub(crate) fn most(self) -> Option<U256> {
        match self {
            Self::Exact(Decimal(amount)) | Self::UpTo(Decimal(amount)) => Some(amount),
            Self::None => Some(U256::ZERO),
            Self::Unlimited => None,
        }
    }
}

/// How the reader knows what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Confidence {
    /// A fact of the protocol in the signed bytes.
    Exact,
    /// Decoded for a contract that the policy lists, and encoded again to the same bytes.
    Decoded,
    /// Seen in a simulation only. It can only restrict.
    Simulated,
    /// Not established.
    Unknown,
}

/// Code that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Call {
    /// Whose code; none where a contract is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<AccountId>,
    /// Selector of a function, or tag of an instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// Whether the code runs with this account's storage and rights (DELEGATECALL).
    pub delegated: bool,
    /// Decoded arguments, of functions that the policy lists.
    pub arguments: Vec<Argument>,
}

/// A decoded argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Argument {
    /// An unsigned integer.
    Number(Decimal),
    /// An address.
    Account(AccountId),
    /// Anything else in its one text: `true`, `false`, `0x…`, a signed integer.
    Text(String),
}

/// Selector of a function (4 bytes on EVM chains) or tag of an instruction (1 to 8 bytes); hexadecimal in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    bytes: [u8; 8],
    length: u8,
}

impl Selector {
    /// From 1 to 8 bytes.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let length = u8::try_from(bytes.len()).ok().filter(|length| (1..=8).contains(length))?;
        let mut padded = [0; 8];
        padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Some(Self { bytes: padded, length })
    }

    /// Reads hexadecimal digits, with or without `0x`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        Self::new(&bytes?)
    }

    /// Bytes of it.
    pub fn length(&self) -> u8 {
        self.length
    }
}

impl core::fmt::Display for Selector {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("0x")?;
        let bytes = self.bytes.iter().take(self.length.into());
        bytes.into_iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Serialize for Selector {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("not a selector: 1 to 8 bytes in hexadecimal"))
    }
}

/// What a message or typed data is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields, rename_all = "camelCase")]
pub enum Domain {
    /// Text (EIP-191 and the like) that is nothing below.
    Text,
    /// A login (EIP-4361) at this host.
    SignIn {
        /// The host that asks.
        host: String,
    },
    /// Typed data (EIP-712).
    TypedData {
        /// Chain of the domain.
        #[serde(skip_serializing_if = "Option::is_none")]
        chain: Option<ChainId>,
        /// Verifying contract of the domain.
        #[serde(skip_serializing_if = "Option::is_none")]
        contract: Option<AccountId>,
        /// Name of the domain.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

impl core::fmt::Display for Domain {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Text => formatter.write_str("text"),
            Self::SignIn { host } => write!(formatter, "logins at {host}"),
            Self::TypedData { chain, contract, name } => {
                let contract = contract.as_ref().map_or("any contract", AccountId::as_str);
                let chain = chain.as_ref().map_or("no chain", ChainId::as_str);
                let name = name.as_deref().unwrap_or("no name");
                write!(formatter, "typed data of {name:?} on {chain} for {contract}")
            }
        }
    }
}
