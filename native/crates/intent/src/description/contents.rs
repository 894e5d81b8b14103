use serde_json::Value;

use super::effects::value;
use super::{address, hex, object, optional, text};
use crate::Domain;
use crate::evm::{
    AccessListEntry, Authorization, Message, SignIn, SignedAuthorization, Transaction,
    TransactionType, TypedData, UserOperation, UserOperationGas,
};

pub(super) fn transaction(transaction: &Transaction) -> Value {
    let Transaction { transaction_type, chain_id, nonce, gas, to, value, data } = transaction;
    let mut fields = vec![
        ("chainId", text(chain_id)),
        ("nonce", text(nonce)),
        ("gas", text(gas)),
        ("to", optional(to.as_ref(), address)),
        ("value", text(value)),
        ("data", hex(data)),
    ];
    match transaction_type {
        TransactionType::Legacy { gas_price } => {
            fields.extend([("type", text("legacy")), ("gasPrice", text(gas_price))]);
        }
        TransactionType::Eip2930 { gas_price, access_list } => fields.extend([
            ("type", text("eip2930")),
            ("gasPrice", text(gas_price)),
            ("accessList", access_list.iter().map(access_list_entry).collect()),
        ]),
        TransactionType::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas, access_list } => {
            fields.extend([
                ("type", text("eip1559")),
                ("maxFeePerGas", text(max_fee_per_gas)),
                ("maxPriorityFeePerGas", text(max_priority_fee_per_gas)),
                ("accessList", access_list.iter().map(access_list_entry).collect()),
            ]);
        }
        TransactionType::Eip7702 {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            access_list,
            authorizations,
        } => fields.extend([
            ("type", text("eip7702")),
            ("maxFeePerGas", text(max_fee_per_gas)),
            ("maxPriorityFeePerGas", text(max_priority_fee_per_gas)),
            ("accessList", access_list.iter().map(access_list_entry).collect()),
            ("authorizationList", authorizations.iter().map(signed_authorization).collect()),
        ]),
    }
    object(fields)
}

fn access_list_entry(entry: &AccessListEntry) -> Value {
    let AccessListEntry { address: account, storage_keys } = entry;
    object([
        ("address", address(account)),
        ("storageKeys", storage_keys.iter().map(|key| hex(key.as_slice())).collect()),
    ])
}

fn signed_authorization(signed: &SignedAuthorization) -> Value {
    let SignedAuthorization { authorization: unsigned, y_parity, r, s } = signed;
    let mut fields = authorization(unsigned);
    if let Value::Object(fields) = &mut fields {
        let word = |number: &alloy_primitives::U256| hex(&number.to_be_bytes::<32>());
        fields.insert("yParity".to_owned(), text(u8::from(*y_parity)));
        fields.insert("r".to_owned(), word(r));
        fields.insert("s".to_owned(), word(s));
    }
    fields
}

pub(super) fn authorization(authorization: &Authorization) -> Value {
    let Authorization { chain_id, delegate, nonce } = authorization;
    object([("chainId", text(chain_id)), ("address", address(delegate)), ("nonce", text(nonce))])
}

pub(super) fn user_operation(operation: &UserOperation) -> Value {
    let UserOperation {
        sender,
        nonce,
        init_code,
        delegate,
        call_data,
        gas,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        paymaster,
    } = operation;
    let UserOperationGas {
        verification,
        call,
        pre_verification,
        paymaster_verification,
        paymaster_post_op,
    } = gas;
    object([
        ("sender", address(sender)),
        ("nonce", text(nonce)),
        ("initCode", hex(init_code)),
        ("delegate", optional(delegate.as_ref(), address)),
        ("callData", hex(call_data)),
        ("verificationGasLimit", text(verification)),
        ("callGasLimit", text(call)),
        ("preVerificationGas", text(pre_verification)),
        ("paymasterVerificationGasLimit", text(paymaster_verification)),
        ("paymasterPostOpGasLimit", text(paymaster_post_op)),
        ("maxFeePerGas", text(max_fee_per_gas)),
        ("maxPriorityFeePerGas", text(max_priority_fee_per_gas)),
        ("paymaster", optional(paymaster.as_ref(), |(paymaster, _)| address(paymaster))),
        ("paymasterData", optional(paymaster.as_ref(), |(_, data)| hex(data))),
    ])
}

/// Texts are a stranger's: they are values here, and never part of a name.
pub(super) fn message(message: &Message, bytes: &[u8]) -> Value {
    let Message { text: readable, sign_in: request } = message;
    object([
        ("bytes", hex(bytes)),
        ("text", optional(readable.as_ref(), text)),
        ("signIn", optional(request.as_ref(), sign_in)),
    ])
}

fn sign_in(request: &SignIn) -> Value {
    let SignIn {
        origin,
        address: account,
        statement,
        uri,
        nonce,
        issued_at,
        expires_at,
        not_before,
        request_id,
        resources,
    } = request;
    object([
        ("origin", text(origin)),
        ("address", address(account)),
        ("statement", optional(statement.as_ref(), text)),
        ("uri", text(uri)),
        ("nonce", text(nonce)),
        ("issuedAt", text(issued_at)),
        ("expiresAt", optional(expires_at.as_ref(), text)),
        ("notBefore", optional(not_before.as_ref(), text)),
        ("requestId", optional(request_id.as_ref(), text)),
        ("resources", resources.iter().map(text).collect()),
    ])
}

pub(super) fn typed_data(document: &TypedData) -> Value {
    let Domain { name, version, chain_id, verifying_contract, salt } = &document.domain;
    let domain = object([
        ("name", optional(name.as_ref(), text)),
        ("version", optional(version.as_ref(), text)),
        ("chainId", optional(chain_id.as_ref(), text)),
        ("verifyingContract", optional(verifying_contract.as_ref(), address)),
        ("salt", optional(salt.as_ref(), |salt| hex(salt))),
    ]);
    object([
        ("domain", domain),
        ("primaryType", text(&document.primary_type)),
        ("type", text(&document.encoded_type)),
        ("message", value(&document.message)),
    ])
}
