//! A policy that lists one contract of each kind, transactions that call them, and what they do in
//! one line each.

use intent::{
    Account, Address, Amount, AssetId, Confidence, ContractKind, ENTRY_POINT, Effect, EffectKind,
    Function, Intent, MULTICALL3, Own, PERMIT2, Payload, Refusal, Registry, RouterVersion, U256,
    Value, parse,
};

use crate::encoder::{integer, text};
use crate::payloads::{CHAIN, OWN, Type, draft};

pub(crate) const OTHER: Address = Address::repeat_byte(0x0f);
pub(crate) const ACCOUNT: Address = Address::repeat_byte(0xac);
pub(crate) const STRANGER: Address = Address::repeat_byte(0x55);
pub(crate) const SPENDER: Address = Address::repeat_byte(0x5d);
pub(crate) const TOKEN: Address = Address::repeat_byte(0x20);
pub(crate) const COIN: Address = Address::repeat_byte(0x21);
pub(crate) const WETH: Address = Address::repeat_byte(0x22);
pub(crate) const BATCHING: Address = Address::repeat_byte(0x23);
pub(crate) const NFT: Address = Address::repeat_byte(0x72);
pub(crate) const ITEMS: Address = Address::repeat_byte(0x11);
pub(crate) const ROUTER: Address = Address::repeat_byte(0xee);
pub(crate) const LISTED: Address = Address::repeat_byte(0x15);
pub(crate) const FACTORY: Address = Address::repeat_byte(0xfa);
pub(crate) const DELEGATE: Address = Address::repeat_byte(0xde);
pub(crate) const PAYMASTER: Address = Address::repeat_byte(0xba);
pub(crate) const UNLISTED: Address = Address::repeat_byte(0x99);

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    let claim = Function::parse("claim(address to, uint256 amount)").unwrap();
    let contracts = [
        (ACCOUNT, ContractKind::Account),
        (TOKEN, ContractKind::Erc20 { decimals: 6 }),
        (COIN, ContractKind::Erc20 { decimals: 18 }),
        (WETH, ContractKind::WrappedNative),
        (BATCHING, ContractKind::Multicall(Box::new(ContractKind::Erc20 { decimals: 18 }))),
        (NFT, ContractKind::Erc721),
        (ITEMS, ContractKind::Erc1155),
        (ROUTER, ContractKind::Router { version: RouterVersion::V2 }),
        (LISTED, ContractKind::Other { functions: vec![claim] }),
        (FACTORY, ContractKind::Factory),
        (DELEGATE, ContractKind::Delegate),
        (PAYMASTER, ContractKind::Paymaster),
    ];
    for (address, kind) in contracts {
        registry.add(1, address, kind).unwrap();
    }
    registry
}

pub(crate) fn own() -> Own {
    Own::new(OWN).with_others([OTHER])
}

/// Reads a payload under the policy of these tests.
pub(crate) fn intent(kind: &str, bytes: &[u8]) -> Result<Intent, Refusal> {
    parse(&Payload { kind, chain: CHAIN, bytes }, &own(), &registry())
}

/// The transaction that calls `to`.
pub(crate) fn transaction(to: Address, value: u64, data: &[u8]) -> Vec<u8> {
    draft(Type::Eip1559)
        .with("to", text(to))
        .with("value", integer(value.to_be_bytes()))
        .with("data", text(data))
        .bytes()
}

/// What a call of `to` does besides its fee, in a line for each effect.
pub(crate) fn called(to: Address, value: u64, data: &[u8]) -> Result<Vec<String>, Refusal> {
    let intent = intent("evm.transaction", &transaction(to, value, data))?;
    let (fee, effects) = intent.effects().split_last().unwrap();
    assert_eq!(fee.kind, EffectKind::FeeOnly);
    Ok(effects.iter().map(said).collect())
}

/// Holds what a call does against what is expected.
#[track_caller]
pub(crate) fn does(to: Address, value: u64, data: &[u8], expected: &[&str]) {
    assert_eq!(called(to, value, data).unwrap(), expected);
}

/// Selector and arguments of a function.
pub(crate) fn calldata(signature: &str, arguments: &[Value]) -> Vec<u8> {
    let selector = alloy_primitives::keccak256(signature);
    [&selector[..4], &Value::Tuple(arguments.to_vec()).abi_encode_params()].concat()
}

pub(crate) fn address(address: Address) -> Value {
    Value::Address(address)
}

pub(crate) fn uint(value: impl TryInto<U256, Error: std::fmt::Debug>) -> Value {
    Value::Uint(value.try_into().unwrap(), 256)
}

pub(crate) fn word(byte: u8) -> Value {
    Value::FixedBytes(alloy_primitives::B256::repeat_byte(byte), 32)
}

pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> Value {
    Value::Bytes(bytes.as_ref().to_vec())
}

pub(crate) fn tuple<const N: usize>(members: [Value; N]) -> Value {
    Value::Tuple(members.to_vec())
}

pub(crate) fn array(elements: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(elements.into_iter().collect())
}

/// `transfer(STRANGER, amount)`.
pub(crate) fn transfer(amount: u64) -> Vec<u8> {
    calldata("transfer(address,uint256)", &[address(STRANGER), uint(amount)])
}

pub(crate) fn name(address: Address) -> String {
    let names = [
        (OWN, "own"),
        (OTHER, "other"),
        (ACCOUNT, "account"),
        (STRANGER, "stranger"),
        (SPENDER, "spender"),
        (TOKEN, "token"),
        (COIN, "coin"),
        (WETH, "weth"),
        (BATCHING, "batching"),
        (NFT, "nft"),
        (ITEMS, "items"),
        (ROUTER, "router"),
        (LISTED, "listed"),
        (FACTORY, "factory"),
        (DELEGATE, "delegate"),
        (PAYMASTER, "paymaster"),
        (UNLISTED, "unlisted"),
        (PERMIT2, "permit2"),
        (MULTICALL3, "multicall3"),
        (ENTRY_POINT, "entrypoint"),
    ];
    let known = names.into_iter().find(|(known, _)| *known == address);
    known.map_or_else(|| address.to_string(), |(_, name)| name.to_owned())
}

/// An effect in one line: what is not there is not said, and neither is that it was decoded.
pub(crate) fn said(effect: &Effect) -> String {
    let account = |account: Account| {
        let Account::Evm { chain_id, address } = account;
        assert_eq!(chain_id, 1);
        name(address)
    };
    let mut words = vec![format!("{:?}", effect.kind).to_lowercase()];
    match effect.amount {
        Amount::Exact(amount) => words.push(amount.to_string()),
        Amount::UpTo(amount) => words.push(format!("≤{amount}")),
        Amount::Unlimited => words.push("unlimited".to_owned()),
        Amount::None => {}
    }
    words.extend(effect.asset.map(asset));
    words.extend(effect.from.map(|from| format!("from {}", account(from))));
    words.extend(effect.to.map(|to| format!("to {}", account(to))));
    words.extend(effect.spender.map(|spender| format!("by {}", account(spender))));
    words.extend(
        effect
            .receive
            .map(|received| format!("for ≥{} {}", received.minimum, asset(received.asset))),
    );
    words.extend(effect.expiry.map(|expiry| format!("until {expiry}")));
    words.extend(effect.deferred.then(|| "deferred".to_owned()));
    match effect.confidence {
        Confidence::Exact => words.push("exactly".to_owned()),
        Confidence::Decoded => {}
        Confidence::Unknown => words.push("perhaps".to_owned()),
    }
    if !effect.at.0.is_empty() {
        words.push(format!("at {}", effect.at));
    }
    words.join(" ")
}

fn asset(asset: AssetId) -> String {
    let token = |id: Option<U256>| id.map(|id| format!("#{id}")).unwrap_or_default();
    match asset {
        AssetId::EvmNative { .. } => "wei".to_owned(),
        AssetId::Erc20 { contract, .. } => name(contract),
        AssetId::Erc721 { contract, token_id, .. }
        | AssetId::Erc1155 { contract, token_id, .. } => {
            format!("{}{}", name(contract), token(token_id))
        }
    }
}
