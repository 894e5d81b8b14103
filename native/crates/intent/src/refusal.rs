use core::fmt;

/// Why a payload was not read. Names the rule and the place, never the contents: it is logged, and
/// language models read it. Offsets count from the first byte of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No reader for this kind.
    KindUnknown,
    /// Nothing to read.
    PayloadEmpty,
    /// Longer than [`crate::MAX_PAYLOAD`].
    PayloadTooLarge,
    /// The declared chain is not a chain of this payload kind, or not in its one spelling.
    ChainInvalid,
    /// The bytes are for another chain than the declared one.
    ChainMismatch {
        /// Where the chain id is.
        offset: usize,
    },
    /// Neither a list nor a transaction type (EIP-2718).
    NotATransaction,
    /// A blob transaction (EIP-4844), type 3.
    BlobTransaction,
    /// A set-code transaction (EIP-7702), type 4.
    SetCodeTransaction,
    /// A type that nothing is known about.
    TransactionTypeUnknown {
        /// The type.
        transaction_type: u8,
    },
    /// A legacy transaction that would be valid on every chain.
    LegacyWithoutChainId,
    /// A transaction with a signature: only unsigned ones are read.
    Signed,
    /// An item runs past the end of its list or of the payload.
    Truncated {
        /// Where the item starts.
        offset: usize,
    },
    /// Bytes after the end of the transaction.
    TrailingBytes {
        /// Where they start.
        offset: usize,
    },
    /// An encoding that is not the one RLP allows for its value.
    NotCanonical {
        /// Where the item starts.
        offset: usize,
    },
    /// The bytes hold something that no field of the transaction does.
    NotRebuilt,
    /// A string where a list belongs.
    ListExpected {
        /// The field.
        field: &'static str,
        /// Where the item starts.
        offset: usize,
    },
    /// A list where a string belongs.
    StringExpected {
        /// The field.
        field: &'static str,
        /// Where the item starts.
        offset: usize,
    },
    /// A list with too few or too many items.
    ItemCount {
        /// How many it must have.
        expected: usize,
        /// How many it has.
        found: usize,
        /// Where the list starts.
        offset: usize,
    },
    /// A string of the wrong length.
    LengthInvalid {
        /// The field.
        field: &'static str,
        /// Where the item starts.
        offset: usize,
    },
    /// An integer with leading zeros.
    IntegerNotMinimal {
        /// The field.
        field: &'static str,
        /// Where the item starts.
        offset: usize,
    },
    /// An integer above the field's maximum.
    IntegerOutOfRange {
        /// The field.
        field: &'static str,
        /// Where the item starts.
        offset: usize,
    },
    /// More than [`crate::evm::MAX_ACCESS_LIST_ENTRIES`] entries or
    /// [`crate::evm::MAX_STORAGE_KEYS`] keys.
    AccessListTooLong {
        /// Where the access list starts.
        offset: usize,
    },
    /// A priority fee above the fee that contains it (EIP-1559).
    PriorityFeeAboveMaxFee {
        /// Where the priority fee is.
        offset: usize,
    },
    /// Value and maximum fee together exceed 256 bits.
    CostOverflow,
    /// No recipient and no code. It would lock its value in an account nobody controls, and is what
    /// a forgotten recipient looks like.
    CreationWithoutCode {
        /// Where the code is missing.
        offset: usize,
    },
}

impl Refusal {
    /// The reason code. Stable: callers branch on it, while messages may change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KindUnknown => "kind-unknown",
            Self::PayloadEmpty => "payload-empty",
            Self::PayloadTooLarge => "payload-too-large",
            Self::ChainInvalid => "chain-invalid",
            Self::ChainMismatch { .. } => "chain-mismatch",
            Self::NotATransaction => "not-a-transaction",
            Self::BlobTransaction => "blob-transaction",
            Self::SetCodeTransaction => "set-code-transaction",
            Self::TransactionTypeUnknown { .. } => "transaction-type-unknown",
            Self::LegacyWithoutChainId => "legacy-without-chain-id",
            Self::Signed => "signed",
            Self::Truncated { .. } => "truncated",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::NotCanonical { .. } => "not-canonical",
            Self::NotRebuilt => "not-rebuilt",
            Self::ListExpected { .. } => "list-expected",
            Self::StringExpected { .. } => "string-expected",
            Self::ItemCount { .. } => "item-count",
            Self::LengthInvalid { .. } => "length-invalid",
            Self::IntegerNotMinimal { .. } => "integer-not-minimal",
            Self::IntegerOutOfRange { .. } => "integer-out-of-range",
            Self::AccessListTooLong { .. } => "access-list-too-long",
            Self::PriorityFeeAboveMaxFee { .. } => "priority-fee-above-max-fee",
            Self::CostOverflow => "cost-overflow",
            Self::CreationWithoutCode { .. } => "creation-without-code",
        }
    }

    /// Where in the payload, if the reason is at one place.
    pub fn offset(&self) -> Option<usize> {
        match *self {
            Self::ChainMismatch { offset }
            | Self::Truncated { offset }
            | Self::TrailingBytes { offset }
            | Self::NotCanonical { offset }
            | Self::ListExpected { offset, .. }
            | Self::StringExpected { offset, .. }
            | Self::ItemCount { offset, .. }
            | Self::LengthInvalid { offset, .. }
            | Self::IntegerNotMinimal { offset, .. }
            | Self::IntegerOutOfRange { offset, .. }
            | Self::AccessListTooLong { offset }
            | Self::PriorityFeeAboveMaxFee { offset }
            | Self::CreationWithoutCode { offset } => Some(offset),
            Self::KindUnknown
            | Self::PayloadEmpty
            | Self::PayloadTooLarge
            | Self::ChainInvalid
            | Self::NotATransaction
            | Self::BlobTransaction
            | Self::SetCodeTransaction
            | Self::TransactionTypeUnknown { .. }
            | Self::LegacyWithoutChainId
            | Self::Signed
            | Self::NotRebuilt
            | Self::CostOverflow => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KindUnknown => f.write_str("the payload kind has no reader"),
            Self::PayloadEmpty => f.write_str("the payload is empty"),
            Self::PayloadTooLarge => {
                write!(f, "the payload exceeds {} bytes", crate::MAX_PAYLOAD)
            }
            Self::ChainInvalid => {
                f.write_str("the chain must be a CAIP-2 name in canonical spelling, eip155:<id>")
            }
            Self::ChainMismatch { .. } => {
                f.write_str("the chain id in the payload differs from the declared chain")
            }
            Self::NotATransaction => {
                f.write_str("an EVM transaction starts with its type or with a list")
            }
            Self::BlobTransaction => {
                f.write_str("blob transactions (type 3, EIP-4844) are not supported")
            }
            Self::SetCodeTransaction => {
                f.write_str("set-code transactions (type 4, EIP-7702) are not supported")
            }
            Self::TransactionTypeUnknown { transaction_type } => {
                write!(f, "transaction type {transaction_type} is unknown")
            }
            Self::LegacyWithoutChainId => {
                f.write_str("a legacy transaction must carry its chain id (EIP-155)")
            }
            Self::Signed => f.write_str("the transaction must not carry a signature"),
            Self::Truncated { .. } => f.write_str("an item runs past its end"),
            Self::TrailingBytes { .. } => f.write_str("nothing may follow the transaction"),
            Self::NotCanonical { .. } => {
                f.write_str("every item must be in its one canonical encoding")
            }
            Self::NotRebuilt => {
                f.write_str("the payload must be the encoding of what was read from it")
            }
            Self::ListExpected { field, .. } => write!(f, "{field} must be a list"),
            Self::StringExpected { field, .. } => write!(f, "{field} must be a byte string"),
            Self::ItemCount { expected, found, .. } => {
                write!(f, "the list must have {expected} items, not {found}")
            }
            Self::LengthInvalid { field, .. } => write!(f, "{field} has an invalid length"),
            Self::IntegerNotMinimal { field, .. } => {
                write!(f, "{field} must not have leading zeros")
            }
            Self::IntegerOutOfRange { field, .. } => write!(f, "{field} exceeds its maximum"),
            Self::AccessListTooLong { .. } => write!(
                f,
                "an access list has at most {} entries and {} storage keys",
                crate::evm::MAX_ACCESS_LIST_ENTRIES,
                crate::evm::MAX_STORAGE_KEYS
            ),
            Self::PriorityFeeAboveMaxFee { .. } => {
                f.write_str("maxPriorityFeePerGas must not exceed maxFeePerGas")
            }
            Self::CostOverflow => f.write_str("value and maximum fee together exceed 256 bits"),
            Self::CreationWithoutCode { .. } => {
                f.write_str("a contract creation must carry init code")
            }
        }?;
        match self.offset() {
            Some(offset) => write!(f, " (byte {offset})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Refusal {}
