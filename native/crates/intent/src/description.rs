use alloy_primitives::Address;
use serde_json::{Map, Value};

use crate::evm::{AccessListEntry, Transaction, TransactionType};
use crate::parsed::Content;
use crate::{Amount, Call, Confidence, Effect, EffectKind, Intent};

pub(crate) fn describe(intent: &Intent) -> String {
    let content = match intent.content() {
        Content::EvmTransaction(transaction) => ("transaction", describe_transaction(transaction)),
    };
    object([
        ("kind", text(intent.kind().name())),
        ("chain", text(intent.chain())),
        ("digest", hex(&intent.digest())),
        ("effects", intent.effects().iter().map(describe_effect).collect()),
        content,
    ])
    .to_string()
}

fn describe_transaction(transaction: &Transaction) -> Value {
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

fn describe_effect(effect: &Effect) -> Value {
    let Effect { kind, asset, amount, to, call, confidence } = effect;
    let kind = match kind {
        EffectKind::Transfer => "transfer",
        EffectKind::Deploy => "deploy",
        EffectKind::FeeOnly => "feeOnly",
        EffectKind::Unknown => "unknown",
    };
    let amount = match amount {
        Amount::Exact(amount) => object([("exact", text(amount))]),
        Amount::UpTo(amount) => object([("upTo", text(amount))]),
        Amount::None => Value::Null,
    };
    let confidence = match confidence {
        Confidence::Exact => "exact",
        Confidence::Unknown => "unknown",
    };
    object([
        ("kind", text(kind)),
        ("asset", optional(asset.as_ref(), text)),
        ("amount", amount),
        ("to", optional(to.as_ref(), text)),
        ("call", optional(call.as_ref(), describe_call)),
        ("confidence", text(confidence)),
    ])
}

fn describe_call(call: &Call) -> Value {
    let Call { target, selector, value, data_hash } = call;
    object([
        ("target", optional(target.as_ref(), text)),
        ("selector", optional(selector.as_ref(), |selector| hex(selector))),
        ("value", text(value)),
        ("dataHash", hex(data_hash.as_slice())),
    ])
}

/// Also every integer: JSON numbers lose digits beyond 2^53.
fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn hex(bytes: &[u8]) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

fn address(address: &Address) -> Value {
    Value::String(address.to_checksum(None))
}

fn optional<T>(value: Option<T>, describe: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, describe)
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect::<Map<_, _>>())
}
