//! What a signature would allow.

use intent::{
    Account, Address, Amount, AssetId, Call, CallPath, Confidence, Effect, EffectKind, U256,
};

use crate::encoder::{number, text};
use crate::payloads::{Draft, SENDER, TYPES, Type, draft, read};

const ETHER: AssetId = AssetId::EvmNative { chain_id: 1 };
const RECIPIENT: Account = Account::Evm { chain_id: 1, address: Address::repeat_byte(0x35) };

fn effects(draft: &Draft) -> Vec<Effect> {
    read(&draft.bytes()).unwrap().effects().to_vec()
}

/// What every effect of these transactions has in common.
fn effect(kind: EffectKind, confidence: Confidence) -> Effect {
    Effect {
        kind,
        asset: None,
        amount: Amount::None,
        receive: None,
        from: Some(SENDER),
        to: None,
        spender: None,
        call: None,
        expiry: None,
        deferred: false,
        confidence,
        at: CallPath::default(),
    }
}

fn exact(amount: u64) -> Amount {
    Amount::Exact(U256::from(amount))
}

#[test]
fn value_without_calldata_is_a_transfer() {
    for transaction_type in TYPES {
        let effects = effects(&draft(transaction_type));

        let transfer = Effect {
            asset: Some(ETHER),
            amount: exact(1_000_000_000_000_000_000),
            to: Some(RECIPIENT),
            ..effect(EffectKind::Transfer, Confidence::Exact)
        };
        assert_eq!(effects[0], transfer);
    }
}

#[test]
fn every_transaction_ends_with_its_highest_fee() {
    for transaction_type in TYPES {
        let effects = effects(&draft(transaction_type));

        let fee = Effect {
            asset: Some(ETHER),
            amount: Amount::UpTo(U256::from(21_000 * 20_000_000_000_u64)),
            ..effect(EffectKind::FeeOnly, Confidence::Exact)
        };
        assert_eq!(effects[1..], [fee]);
    }
}

/// Its recipient runs code too, so a policy must see who it is.
#[test]
fn a_transfer_of_nothing_still_names_its_recipient() {
    let effects = effects(&draft(Type::Eip1559).with("value", number(0)));

    assert_eq!(effects[0].kind, EffectKind::Transfer);
    assert_eq!(effects[0].amount, exact(0));
    assert_eq!(effects[0].to, Some(RECIPIENT));
}

#[test]
fn calldata_is_unknown_and_carries_target_selector_value_and_hash() {
    let calldata = hex::decode("a9059cbb0000").unwrap();
    let effects =
        effects(&draft(Type::Eip1559).with("value", number(7)).with("data", text(&calldata)));

    let call = Call {
        target: Some(RECIPIENT),
        selector: Some([0xa9, 0x05, 0x9c, 0xbb]),
        value: U256::from(7),
        data_hash: alloy_primitives::keccak256(&calldata),
        function: None,
        arguments: Vec::new(),
    };
    let unknown = Effect {
        asset: Some(ETHER),
        amount: exact(7),
        to: Some(RECIPIENT),
        call: Some(call.into()),
        ..effect(EffectKind::Unknown, Confidence::Unknown)
    };
    assert_eq!(effects[0], unknown);
    assert_eq!(effects.len(), 2);
}

#[test]
fn calldata_without_value_never_claims_that_nothing_leaves() {
    let draft = draft(Type::Legacy).with("value", number(0)).with("data", text([0xff; 4]));
    let effects = effects(&draft);

    assert_eq!(effects[0].kind, EffectKind::Unknown);
    assert_eq!(effects[0].amount, Amount::None);
    assert_eq!(effects[0].asset, None);
}

#[test]
fn a_selector_is_four_bytes_or_none() {
    for (length, selector) in [(1, None), (3, None), (4, Some([0x11; 4])), (5, Some([0x11; 4]))] {
        let effects = effects(&draft(Type::Eip2930).with("data", text(vec![0x11; length])));
        assert_eq!(effects[0].call.as_ref().unwrap().selector, selector, "{length} bytes");
    }
}

#[test]
fn a_transaction_without_recipient_deploys_its_code() {
    for (value, asset, amount) in [(0, None, Amount::None), (3, Some(ETHER), exact(3))] {
        let init_code = [0x60, 0x00, 0x60, 0x00, 0xf3];
        let draft = draft(Type::Eip1559)
            .with("to", text([]))
            .with("value", number(value))
            .with("data", text(init_code));

        let call = Call {
            target: None,
            selector: None,
            value: U256::from(value),
            data_hash: alloy_primitives::keccak256(init_code),
            function: None,
            arguments: Vec::new(),
        };
        let deploy = Effect {
            asset,
            amount,
            call: Some(call.into()),
            ..effect(EffectKind::Deploy, Confidence::Exact)
        };
        assert_eq!(effects(&draft)[0], deploy);
    }
}

#[test]
fn accounts_and_assets_are_written_as_caip_names() {
    // Mixed case from the examples of EIP-55.
    let address = Address::from(
        <[u8; 20]>::try_from(hex::decode("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed").unwrap())
            .unwrap(),
    );

    let account = Account::Evm { chain_id: 8453, address };
    let asset = AssetId::EvmNative { chain_id: 8453 };

    assert_eq!(account.to_string(), "eip155:8453:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
    assert_eq!(asset.to_string(), "eip155:8453/slip44:60");
}
