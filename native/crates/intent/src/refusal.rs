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
    /// A set-code transaction (EIP-7702) without recipient.
    RecipientMissing {
        /// Where it is.
        offset: usize,
    },
    /// No authorization, or more than [`crate::evm::MAX_AUTHORIZATIONS`].
    AuthorizationCount {
        /// Where it is.
        offset: usize,
    },
    /// An authorization with chain id 0, which holds on every chain.
    AuthorizationForEveryChain {
        /// Where it is.
        offset: usize,
    },
    /// An authorization in a transaction that the signing account did not sign.
    AuthorizationForeign,
    /// A user operation for another EntryPoint than [`crate::ENTRY_POINT`].
    EntryPointUnsupported,
    /// A user operation of an account that is not of this key.
    SenderForeign,
    /// Init code too short for a factory.
    InitCodeInvalid,
    /// A delegate without the marker 0x7702 in the init code, or the marker without a delegate.
    DelegateMisplaced,
    /// A user operation under a delegate that the registry does not list.
    DelegateUnlisted,
    /// A user operation with a factory that the registry does not list.
    FactoryUnlisted,
    /// Paymaster data shorter than address and gas limits.
    PaymasterInvalid,
    /// A gas limit or fee above [`crate::evm::MAX_GAS_VALUE`].
    UserOperationGas,
    /// Calldata of a known function in an encoding that no encoder makes.
    CalldataNotCanonical,
    /// More calls inside each other than [`crate::evm::MAX_CALL_DEPTH`].
    CallTooDeep,
    /// More effects than [`crate::evm::MAX_EFFECTS`].
    EffectsTooMany,
    /// A message of 32 bytes: it is somebody's hash.
    MessageIsHash,
    /// A bare hash, where the policy does not allow them.
    HashNotAllowed,
    /// A message that asks to sign in and is not the form of EIP-4361.
    SignInInvalid,
    /// A sign-in for an account that is not of this key.
    SignInForeign,
    /// Not JSON, or JSON with null, a fraction, a number beyond 2^53 − 1 or a repeated key.
    TypedDataNotJson,
    /// A key that is missing or not declared.
    TypedDataKeys,
    /// A declared type that is invalid, unused, cyclic or under another name than it is hashed.
    TypedDataTypes,
    /// A domain without chain or contract that the registry does not list, or declared otherwise than
    /// it is hashed.
    TypedDataDomain,
    /// A value that is not of its type, or not in its one spelling.
    TypedDataValue,
    /// More types, members, structs or nesting than is read.
    TypedDataTooComplex,
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
            Self::RecipientMissing { .. } => "recipient-missing",
            Self::AuthorizationCount { .. } => "authorization-count",
            Self::AuthorizationForEveryChain { .. } => "authorization-for-every-chain",
            Self::AuthorizationForeign => "authorization-foreign",
            Self::EntryPointUnsupported => "entry-point-unsupported",
            Self::SenderForeign => "sender-foreign",
            Self::InitCodeInvalid => "init-code-invalid",
            Self::DelegateMisplaced => "delegate-misplaced",
            Self::DelegateUnlisted => "delegate-unlisted",
            Self::FactoryUnlisted => "factory-unlisted",
            Self::PaymasterInvalid => "paymaster-invalid",
            Self::UserOperationGas => "user-operation-gas",
            Self::CalldataNotCanonical => "calldata-not-canonical",
            Self::CallTooDeep => "call-too-deep",
            Self::EffectsTooMany => "effects-too-many",
            Self::MessageIsHash => "message-is-hash",
            Self::HashNotAllowed => "hash-not-allowed",
            Self::SignInInvalid => "sign-in-invalid",
            Self::SignInForeign => "sign-in-foreign",
            Self::TypedDataNotJson => "typed-data-not-json",
            Self::TypedDataKeys => "typed-data-keys",
            Self::TypedDataTypes => "typed-data-types",
            Self::TypedDataDomain => "typed-data-domain",
            Self::TypedDataValue => "typed-data-value",
            Self::TypedDataTooComplex => "typed-data-too-complex",
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
            | Self::CreationWithoutCode { offset }
            | Self::RecipientMissing { offset }
            | Self::AuthorizationCount { offset }
            | Self::AuthorizationForEveryChain { offset } => Some(offset),
            Self::KindUnknown
            | Self::PayloadEmpty
            | Self::PayloadTooLarge
            | Self::ChainInvalid
            | Self::NotATransaction
            | Self::BlobTransaction
            | Self::TransactionTypeUnknown { .. }
            | Self::LegacyWithoutChainId
            | Self::Signed
            | Self::NotRebuilt
            | Self::CostOverflow
            | Self::AuthorizationForeign
            | Self::EntryPointUnsupported
            | Self::SenderForeign
            | Self::InitCodeInvalid
            | Self::DelegateMisplaced
            | Self::DelegateUnlisted
            | Self::FactoryUnlisted
            | Self::PaymasterInvalid
            | Self::UserOperationGas
            | Self::CalldataNotCanonical
            | Self::CallTooDeep
            | Self::EffectsTooMany
            | Self::MessageIsHash
            | Self::HashNotAllowed
            | Self::SignInInvalid
            | Self::SignInForeign
            | Self::TypedDataNotJson
            | Self::TypedDataKeys
            | Self::TypedDataTypes
            | Self::TypedDataDomain
            | Self::TypedDataValue
            | Self::TypedDataTooComplex => None,
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
            Self::RecipientMissing { .. } => {
                f.write_str("a set-code transaction must name its recipient")
            }
            Self::AuthorizationCount { .. } => write!(
                f,
                "a set-code transaction has 1 to {} authorizations",
                crate::evm::MAX_AUTHORIZATIONS
            ),
            Self::AuthorizationForEveryChain { .. } => {
                f.write_str("an authorization for every chain (chain id 0) is never signed")
            }
            Self::AuthorizationForeign => f.write_str(
                "every authorization must be signed by the account that signs the transaction",
            ),
            Self::EntryPointUnsupported => {
                f.write_str("only user operations for EntryPoint v0.8 are supported")
            }
            Self::SenderForeign => f.write_str(
                "the sender must be the signing account or an account that the policy lists",
            ),
            Self::InitCodeInvalid => {
                f.write_str("initCode must be empty, 0x7702, or at least 20 bytes")
            }
            Self::DelegateMisplaced => {
                f.write_str("a delegate belongs to initCode 0x7702, and only to it")
            }
            Self::DelegateUnlisted => f.write_str("the policy does not list the delegate"),
            Self::FactoryUnlisted => f.write_str("the policy does not list the factory"),
            Self::PaymasterInvalid => {
                f.write_str("paymasterAndData must be empty or at least 52 bytes")
            }
            Self::UserOperationGas => {
                f.write_str("gas limits and fees of a user operation have at most 120 bits")
            }
            Self::CalldataNotCanonical => {
                f.write_str("calldata must be the one canonical encoding of its arguments")
            }
            Self::CallTooDeep => {
                write!(f, "calls nest at most {} deep", crate::evm::MAX_CALL_DEPTH)
            }
            Self::EffectsTooMany => {
                write!(f, "a payload has at most {} effects", crate::evm::MAX_EFFECTS)
            }
            Self::MessageIsHash => f.write_str(
                "a message of 32 bytes is a hash of something, and must be allowed as one",
            ),
            Self::HashNotAllowed => {
                f.write_str("a bare hash is signed only where the policy holds unsafe_prehashed")
            }
            Self::SignInInvalid => {
                f.write_str("a message that asks to sign in must have the form of EIP-4361")
            }
            Self::SignInForeign => f.write_str("a sign-in must be for the account that signs it"),
            Self::TypedDataNotJson => f.write_str(
                "typed data must be JSON without null, fractions, large numbers and repeated keys",
            ),
            Self::TypedDataKeys => f.write_str("typed data must have exactly the declared keys"),
            Self::TypedDataTypes => {
                f.write_str("every declared type must be valid, used and free of cycles")
            }
            Self::TypedDataDomain => f.write_str(
                "a domain must name chain and contract in the standard order, or be listed",
            ),
            Self::TypedDataValue => {
                f.write_str("every value must be of its type and in its one spelling")
            }
            Self::TypedDataTooComplex => write!(
                f,
                "typed data has at most {} types, {} members, {} structs and {} levels",
                crate::evm::MAX_TYPES,
                crate::evm::MAX_MEMBERS,
                crate::evm::MAX_STRUCTS,
                crate::evm::MAX_NESTING
            ),
        }?;
        match self.offset() {
            Some(offset) => write!(f, " (byte {offset})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Refusal {}
