//! What the reader found, as the rules see it. Exhaustive matches: a new effect is a compile error here and never a
//! silent permission.

use std::collections::BTreeSet;

use intent::{Content, Intent, Value};
use policy::Decimal;
use policy::caip::{AccountId, AssetId, BadId, ChainId};
use policy::effect::{Amount, Argument, Call, Confidence, Domain, Effect, EffectKind, Selector};
use policy::evaluate::{Item, PayloadKind};

/// One payload for the rules.
pub(crate) fn item(intent: &Intent) -> Result<Item, BadId> {
    let domain = domain(intent)?;
    let effects = intent.effects().iter().map(|one| effect(one, domain.as_ref()));
    Ok(Item {
        chain: ChainId::parse(intent.chain())?,
        effects: effects.collect::<Result<_, _>>()?,
        kind: kind(intent.kind()),
    })
}

/// The accounts of the wallet that a request is about.
pub(crate) fn own_accounts<'a>(
    intents: impl Iterator<Item = &'a Intent>,
    addresses: &BTreeSet<intent::Address>,
) -> Result<BTreeSet<AccountId>, BadId> {
    let chains: BTreeSet<&str> = intents.map(Intent::chain).collect();
    let on = |chain: &&str| {
        let chain = (*chain).to_owned();
        addresses
            .iter()
            .map(move |address| AccountId::parse(&format!("{chain}:{}", address.to_checksum(None))))
    };
    chains.iter().flat_map(on).collect()
}

fn kind(kind: intent::PayloadKind) -> PayloadKind {
    match kind {
        intent::PayloadKind::EvmTransaction => PayloadKind::EvmTransaction,
        intent::PayloadKind::EvmAuthorization => PayloadKind::EvmAuthorization,
        intent::PayloadKind::EvmUserOperation => PayloadKind::EvmUserOperation,
        intent::PayloadKind::EvmMessage => PayloadKind::EvmMessage,
        intent::PayloadKind::EvmTypedData => PayloadKind::EvmTypedData,
        intent::PayloadKind::EvmHash => PayloadKind::EvmHash,
    }
}

fn effect(effect: &intent::Effect, domain: Option<&Domain>) -> Result<Effect, BadId> {
    let account = |account: &Option<intent::Account>| {
        account.as_ref().map(|account| AccountId::parse(&account.to_string())).transpose()
    };
    let asset = effect.asset.as_ref().map(|asset| AssetId::parse(&asset.to_string()));
    Ok(Effect {
        kind: effect_kind(effect.kind),
        asset: asset.transpose()?,
        amount: amount(effect.amount),
        from: account(&effect.from)?,
        to: account(&effect.to)?,
        spender: account(&effect.spender)?,
        call: effect.call.as_deref().map(call).transpose()?,
        domain: domain.cloned(),
        expiry: effect.expiry,
        deferred: effect.deferred,
        confidence: confidence(effect.confidence),
    })
}

fn effect_kind(kind: intent::EffectKind) -> EffectKind {
    match kind {
        intent::EffectKind::Transfer => EffectKind::Transfer,
        intent::EffectKind::Approve => EffectKind::Approve,
        intent::EffectKind::Revoke => EffectKind::Revoke,
        intent::EffectKind::Permit => EffectKind::Permit,
        intent::EffectKind::Delegate => EffectKind::Delegate,
        intent::EffectKind::Swap => EffectKind::Swap,
        intent::EffectKind::Deploy => EffectKind::Deploy,
        intent::EffectKind::Call => EffectKind::Call,
        intent::EffectKind::Message => EffectKind::Message,
        intent::EffectKind::OwnerChange => EffectKind::OwnerChange,
        intent::EffectKind::FeeOnly => EffectKind::FeeOnly,
        intent::EffectKind::Unknown => EffectKind::Unknown,
    }
}

fn amount(amount: intent::Amount) -> Amount {
    match amount {
        intent::Amount::Exact(amount) => Amount::Exact(Decimal(amount)),
        intent::Amount::UpTo(amount) => Amount::UpTo(Decimal(amount)),
        intent::Amount::Unlimited => Amount::Unlimited,
        intent::Amount::None => Amount::None,
    }
}

fn confidence(confidence: intent::Confidence) -> Confidence {
    match confidence {
        intent::Confidence::Exact => Confidence::Exact,
        intent::Confidence::Decoded => Confidence::Decoded,
        intent::Confidence::Unknown => Confidence::Unknown,
    }
}

fn call(call: &intent::Call) -> Result<Call, BadId> {
    let target = call.target.as_ref().map(|target| AccountId::parse(&target.to_string()));
    let target = target.transpose()?;
    let arguments = call.arguments.iter().map(|it| argument(&it.value, target.as_ref()));
    Ok(Call {
        arguments: arguments.collect::<Result<_, _>>()?,
        selector: call.selector.and_then(|selector| Selector::new(&selector)),
        // Whoever runs bytes by delegatecall is a change of owner or unknown to the reader.
        delegated: false,
        target,
    })
}

fn argument(value: &Value, target: Option<&AccountId>) -> Result<Argument, BadId> {
    let chain = target.map_or("", AccountId::chain);
    Ok(match value {
        Value::Uint(number, _) => Argument::Number(Decimal(*number)),
        Value::Address(address) => {
            Argument::Account(AccountId::parse(&format!("{chain}:{}", address.to_checksum(None)))?)
        }
        Value::Bool(value) => Argument::Text(value.to_string()),
        Value::Int(number, _) => Argument::Text(number.to_string()),
        Value::FixedBytes(bytes, size) => {
            let size = (*size).min(bytes.len());
            Argument::Text(alloy_primitives::hex::encode_prefixed(bytes.get(..size).unwrap_or(&[])))
        }
        Value::Bytes(bytes) => Argument::Text(alloy_primitives::hex::encode_prefixed(bytes)),
        Value::String(text) => Argument::Text(text.clone()),
        // A rule constrains no inside of a list: it compares with nothing.
        _ => Argument::Text(String::new()),
    })
}

/// What a message is for.
fn domain(intent: &Intent) -> Result<Option<Domain>, BadId> {
    Ok(match intent.content() {
        Content::EvmMessage(message) => Some(match &message.sign_in {
            Some(sign_in) => Domain::SignIn { host: host(&sign_in.origin).to_owned() },
            None => Domain::Text,
        }),
        Content::EvmTypedData(data) => {
            let chain = data.domain.chain_id.map(|chain| format!("eip155:{chain}"));
            let account = |contract: &intent::Address| {
                let chain = chain.as_deref().unwrap_or(intent.chain());
                AccountId::parse(&format!("{chain}:{}", contract.to_checksum(None)))
            };
            Some(Domain::TypedData {
                contract: data.domain.verifying_contract.as_ref().map(account).transpose()?,
                name: data.domain.name.clone(),
                chain: chain.as_deref().map(ChainId::parse).transpose()?,
            })
        }
        Content::EvmTransaction(_)
        | Content::EvmAuthorization(_)
        | Content::EvmUserOperation(_)
        | Content::EvmHash => None,
    })
}

/// Who asks for a sign-in, without the scheme.
fn host(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}
