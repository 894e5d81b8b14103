//! A reading as JSON.

mod contents;
mod effects;

use alloy_primitives::Address;
use serde_json::{Map, Value};

use crate::{Content, Intent};

pub(crate) fn describe(intent: &Intent) -> String {
    let content = match intent.content() {
        Content::EvmTransaction(transaction) => {
            Some(("transaction", contents::transaction(transaction)))
        }
        Content::EvmAuthorization(authorization) => {
            Some(("authorization", contents::authorization(authorization)))
        }
        Content::EvmUserOperation(operation) => {
            Some(("userOperation", contents::user_operation(operation)))
        }
        Content::EvmMessage(message) => {
            Some(("message", contents::message(message, intent.bytes())))
        }
        Content::EvmTypedData(document) => Some(("typedData", contents::typed_data(document))),
        Content::EvmHash => None,
    };
    let fields = [
        ("kind", text(intent.kind().name())),
        ("chain", text(intent.chain())),
        ("digest", hex(&intent.digest())),
        ("effects", intent.effects().iter().map(effects::effect).collect()),
    ];
    object(fields.into_iter().chain(content)).to_string()
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

fn object<K: Into<String>>(fields: impl IntoIterator<Item = (K, Value)>) -> Value {
    let fields = fields.into_iter().map(|(name, value)| (name.into(), value));
    Value::Object(fields.collect::<Map<_, _>>())
}
