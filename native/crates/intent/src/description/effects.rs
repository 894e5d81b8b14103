use alloy_dyn_abi::DynSolValue;
use serde_json::Value;

use super::{address, hex, object, optional, text};
use crate::{Amount, Argument, Call, Confidence, Effect, EffectKind, Received};

pub(super) fn effect(effect: &Effect) -> Value {
    let Effect {
        kind,
        asset,
        amount,
        receive,
        from,
        to,
        spender,
        call,
        expiry,
        deferred,
        confidence,
        at,
    } = effect;
    let kind = match kind {
        EffectKind::Transfer => "transfer",
        EffectKind::Approve => "approve",
        EffectKind::Revoke => "revoke",
        EffectKind::Permit => "permit",
        EffectKind::Delegate => "delegate",
        EffectKind::Swap => "swap",
        EffectKind::Deploy => "deploy",
        EffectKind::Call => "call",
        EffectKind::Message => "message",
        EffectKind::OwnerChange => "ownerChange",
        EffectKind::FeeOnly => "feeOnly",
        EffectKind::Unknown => "unknown",
    };
    let amount = match amount {
        Amount::Exact(amount) => object([("exact", text(amount))]),
        Amount::UpTo(amount) => object([("upTo", text(amount))]),
        Amount::Unlimited => object([("unlimited", Value::Bool(true))]),
        Amount::None => Value::Null,
    };
    let confidence = match confidence {
        Confidence::Exact => "exact",
        Confidence::Decoded => "decoded",
        Confidence::Unknown => "unknown",
    };
    object([
        ("kind", text(kind)),
        ("asset", optional(asset.as_ref(), text)),
        ("amount", amount),
        ("receive", optional(receive.as_ref(), received)),
        ("from", optional(from.as_ref(), text)),
        ("to", optional(to.as_ref(), text)),
        ("spender", optional(spender.as_ref(), text)),
        ("call", optional(call.as_deref(), describe_call)),
        ("expiry", optional(expiry.as_ref(), text)),
        ("deferred", Value::Bool(*deferred)),
        ("confidence", text(confidence)),
        ("at", text(at)),
    ])
}

fn received(received: &Received) -> Value {
    let Received { asset, minimum } = received;
    object([("asset", text(asset)), ("minimum", text(minimum))])
}

fn describe_call(call: &Call) -> Value {
    let Call { target, selector, value, data_hash, function, arguments } = call;
    object([
        ("target", optional(target.as_ref(), text)),
        ("selector", optional(selector.as_ref(), |selector| hex(selector))),
        ("value", text(value)),
        ("dataHash", hex(data_hash.as_slice())),
        ("function", optional(function.as_ref(), text)),
        ("arguments", arguments.iter().map(argument).collect()),
    ])
}

fn argument(argument: &Argument) -> Value {
    let Argument { name, type_name, value: decoded } = argument;
    object([("name", text(name)), ("type", text(type_name)), ("value", value(decoded))])
}

/// A decoded value: structs of typed data by the names of their members, everything else by position.
pub(super) fn value(decoded: &DynSolValue) -> Value {
    match decoded {
        DynSolValue::Bool(value) => Value::Bool(*value),
        DynSolValue::Int(value, _) => text(value),
        DynSolValue::Uint(value, _) => text(value),
        DynSolValue::FixedBytes(word, size) => hex(word.get(..*size).unwrap_or_default()),
        DynSolValue::Address(account) => address(account),
        DynSolValue::Function(function) => hex(function.as_slice()),
        DynSolValue::Bytes(bytes) => hex(bytes),
        DynSolValue::String(string) => text(string),
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values) => values.iter().map(value).collect(),
        DynSolValue::CustomStruct { prop_names, tuple, .. } => {
            object(prop_names.iter().zip(tuple).map(|(name, decoded)| (name, value(decoded))))
        }
    }
}
