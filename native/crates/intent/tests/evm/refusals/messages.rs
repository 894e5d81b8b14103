//! What a refusal tells: a stable code and a rule, and never the payload.

use std::collections::BTreeSet;

use intent::evm::{
    MAX_ACCESS_LIST_ENTRIES, MAX_AUTHORIZATIONS, MAX_CALL_DEPTH, MAX_CHAIN_ID, MAX_EFFECTS,
    MAX_GAS_VALUE, MAX_MEMBERS, MAX_NESTING, MAX_NONCE, MAX_STORAGE_KEYS, MAX_STRUCTS, MAX_TYPES,
};
use intent::{MAX_PAYLOAD, Refusal};

fn all() -> Vec<Refusal> {
    let (field, offset) = ("nonce", 77);
    vec![
        Refusal::KindUnknown,
        Refusal::PayloadEmpty,
        Refusal::PayloadTooLarge,
        Refusal::ChainInvalid,
        Refusal::ChainMismatch { offset },
        Refusal::NotATransaction,
        Refusal::BlobTransaction,
        Refusal::TransactionTypeUnknown { transaction_type: 5 },
        Refusal::LegacyWithoutChainId,
        Refusal::Signed,
        Refusal::Truncated { offset },
        Refusal::TrailingBytes { offset },
        Refusal::NotCanonical { offset },
        Refusal::NotRebuilt,
        Refusal::ListExpected { field, offset },
        Refusal::StringExpected { field, offset },
        Refusal::ItemCount { expected: 9, found: 8, offset },
        Refusal::LengthInvalid { field, offset },
        Refusal::IntegerNotMinimal { field, offset },
        Refusal::IntegerOutOfRange { field, offset },
        Refusal::AccessListTooLong { offset },
        Refusal::PriorityFeeAboveMaxFee { offset },
        Refusal::CostOverflow,
        Refusal::CreationWithoutCode { offset },
        Refusal::RecipientMissing { offset },
        Refusal::AuthorizationCount { offset },
        Refusal::AuthorizationForEveryChain { offset },
        Refusal::AuthorizationForeign,
        Refusal::EntryPointUnsupported,
        Refusal::SenderForeign,
        Refusal::InitCodeInvalid,
        Refusal::DelegateMisplaced,
        Refusal::DelegateUnlisted,
        Refusal::FactoryUnlisted,
        Refusal::PaymasterInvalid,
        Refusal::UserOperationGas,
        Refusal::CalldataNotCanonical,
        Refusal::CallTooDeep,
        Refusal::EffectsTooMany,
        Refusal::MessageIsHash,
        Refusal::HashNotAllowed,
        Refusal::SignInInvalid,
        Refusal::SignInForeign,
        Refusal::TypedDataNotJson,
        Refusal::TypedDataKeys,
        Refusal::TypedDataTypes,
        Refusal::TypedDataDomain,
        Refusal::TypedDataValue,
        Refusal::TypedDataTooComplex,
    ]
}

/// Callers branch on codes: this list only grows.
#[test]
fn the_codes_are_these() {
    let codes: Vec<&str> = all().iter().map(Refusal::code).collect();
    assert_eq!(
        codes,
        [
            "kind-unknown",
            "payload-empty",
            "payload-too-large",
            "chain-invalid",
            "chain-mismatch",
            "not-a-transaction",
            "blob-transaction",
            "transaction-type-unknown",
            "legacy-without-chain-id",
            "signed",
            "truncated",
            "trailing-bytes",
            "not-canonical",
            "not-rebuilt",
            "list-expected",
            "string-expected",
            "item-count",
            "length-invalid",
            "integer-not-minimal",
            "integer-out-of-range",
            "access-list-too-long",
            "priority-fee-above-max-fee",
            "cost-overflow",
            "creation-without-code",
            "recipient-missing",
            "authorization-count",
            "authorization-for-every-chain",
            "authorization-foreign",
            "entry-point-unsupported",
            "sender-foreign",
            "init-code-invalid",
            "delegate-misplaced",
            "delegate-unlisted",
            "factory-unlisted",
            "paymaster-invalid",
            "user-operation-gas",
            "calldata-not-canonical",
            "call-too-deep",
            "effects-too-many",
            "message-is-hash",
            "hash-not-allowed",
            "sign-in-invalid",
            "sign-in-foreign",
            "typed-data-not-json",
            "typed-data-keys",
            "typed-data-types",
            "typed-data-domain",
            "typed-data-value",
            "typed-data-too-complex",
        ]
    );
    assert_eq!(BTreeSet::from_iter(&codes).len(), codes.len());
}

#[test]
fn a_message_names_the_rule_and_the_place() {
    for refusal in all() {
        let message = refusal.to_string();
        assert!(!message.is_empty() && !message.ends_with('.'), "{message}");
        assert_eq!(message.contains("(byte 77)"), refusal.offset().is_some(), "{message}");
    }
    assert_eq!(
        Refusal::ItemCount { expected: 9, found: 8, offset: 1 }.to_string(),
        "the list must have 9 items, not 8 (byte 1)"
    );
    assert_eq!(
        Refusal::IntegerNotMinimal { field: "nonce", offset: 4 }.to_string(),
        "nonce must not have leading zeros (byte 4)"
    );
}

#[test]
fn the_limits_are_these() {
    assert_eq!(MAX_PAYLOAD, 131_072);
    assert_eq!(MAX_CHAIN_ID, 9_223_372_036_854_775_771); // EIP-2294
    assert_eq!(MAX_NONCE, 18_446_744_073_709_551_614); // EIP-2681
    assert_eq!(MAX_ACCESS_LIST_ENTRIES, 256);
    assert_eq!(MAX_STORAGE_KEYS, 1024);
    assert_eq!(MAX_AUTHORIZATIONS, 16);
    assert_eq!((MAX_CALL_DEPTH, MAX_EFFECTS), (8, 256));
    assert_eq!(MAX_GAS_VALUE, 0xff_ffff_ffff_ffff_ffff_ffff_ffff_ffff);
    assert_eq!((MAX_TYPES, MAX_MEMBERS, MAX_STRUCTS, MAX_NESTING), (64, 256, 256, 16));
}
