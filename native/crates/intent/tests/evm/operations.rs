//! User operations of ERC-4337, alone and inside `handleOps`.

use intent::{
    Account, Address, Content, ENTRY_POINT, Exclusion, Intent, Own, Payload, Refusal, Signer, U256,
    Value, parse,
};

use crate::encoder::{Item, integer, list, number, text};
use crate::payloads::{CHAIN, OWN};
use crate::scene::{
    self, ACCOUNT, DELEGATE, FACTORY, PAYMASTER, STRANGER, TOKEN, UNLISTED, address, array, bytes,
    calldata, called, registry, said, transfer, tuple, uint,
};

/// The items of a user operation by name. It pays 3 wei out of the account.
#[derive(Clone)]
struct Operation(Vec<(&'static str, Item)>);

fn packed(high: u128, low: u128) -> Item {
    text([high.to_be_bytes(), low.to_be_bytes()].concat())
}

fn execute(target: Address, value: u64, data: &[u8]) -> Vec<u8> {
    let arguments = [address(target), uint(value), bytes(data)];
    calldata("execute(address,uint256,bytes)", &arguments)
}

fn operation() -> Operation {
    Operation(vec![
        ("chainId", number(1)),
        ("entryPoint", text(ENTRY_POINT)),
        ("delegate", text([])),
        ("sender", text(ACCOUNT)),
        ("nonce", number(5)),
        ("initCode", text([])),
        ("callData", text(execute(STRANGER, 3, &[]))),
        ("accountGasLimits", packed(100_000, 50_000)),
        ("preVerificationGas", number(21_000)),
        ("gasFees", packed(1, 10)),
        ("paymasterAndData", text([])),
    ])
}

impl Operation {
    fn with(mut self, field: &str, item: Item) -> Self {
        self.0.iter_mut().find(|(name, _)| *name == field).unwrap().1 = item;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        list(self.0.iter().map(|(_, item)| item.clone())).encode()
    }

    fn read(&self) -> Result<Intent, Refusal> {
        scene::intent("evm.userOperation", &self.bytes())
    }

    fn code(&self) -> &'static str {
        self.read().unwrap_err().code()
    }
}

fn effects(operation: &Operation) -> Vec<String> {
    operation.read().unwrap().effects().iter().map(said).collect()
}

fn paymaster(paymaster: Address, data: &[u8]) -> Item {
    let gas = [30_000_u128.to_be_bytes(), 20_000_u128.to_be_bytes()].concat();
    text([paymaster.as_slice(), &gas, data].concat())
}

#[test]
fn an_operation_is_its_calls_and_one_fee() {
    let fee = (100_000 + 50_000 + 21_000) * 10;
    assert_eq!(
        effects(&operation()),
        [
            "transfer 3 wei from account to stranger exactly at 0".to_owned(),
            format!("feeonly ≤{fee} wei from account exactly"),
        ]
    );
}

#[test]
fn a_paymaster_pays_all_five_limits() {
    let fee = (100_000 + 50_000 + 21_000 + 30_000 + 20_000) * 10;
    let sponsored = operation().with("paymasterAndData", paymaster(PAYMASTER, &[1]));
    assert_eq!(effects(&sponsored)[1..], [format!("feeonly ≤{fee} wei from paymaster exactly")]);
}

/// It may move what it was allowed to take.
#[test]
fn a_paymaster_that_nobody_lists_is_unknown() {
    let sponsored = operation().with("paymasterAndData", paymaster(UNLISTED, &[1]));
    assert_eq!(effects(&sponsored)[0], "unknown from account to unlisted perhaps");
}

#[test]
fn the_digest_is_the_eip_712_hash_of_the_entry_point() {
    // Computed by alloy's typed data from the same fields.
    let document = serde_json::json!({
        "types": { "PackedUserOperation": [
            { "name": "sender", "type": "address" }, { "name": "nonce", "type": "uint256" },
            { "name": "initCode", "type": "bytes" }, { "name": "callData", "type": "bytes" },
            { "name": "accountGasLimits", "type": "bytes32" },
            { "name": "preVerificationGas", "type": "uint256" },
            { "name": "gasFees", "type": "bytes32" }, { "name": "paymasterAndData", "type": "bytes" },
        ] },
        "primaryType": "PackedUserOperation",
        "domain": { "name": "ERC4337", "version": "1", "chainId": 1, "verifyingContract": ENTRY_POINT },
        "message": {
            "sender": ACCOUNT,
            "nonce": "5",
            "initCode": "0x",
            "callData": format!("0x{}", hex::encode(execute(STRANGER, 3, &[]))),
            "accountGasLimits": format!("0x{:032x}{:032x}", 100_000, 50_000),
            "preVerificationGas": 21_000,
            "gasFees": format!("0x{:032x}{:032x}", 1, 10),
            "paymasterAndData": "0x",
        },
    });
    let typed: alloy_dyn_abi::TypedData = serde_json::from_value(document.clone()).unwrap();

    let read = operation().read().unwrap();
    assert_eq!(read.digest(), typed.eip712_signing_hash().unwrap().0);

    // The same operation by the other door.
    let as_typed_data = scene::intent("evm.typedData", document.to_string().as_bytes()).unwrap();
    assert_eq!(as_typed_data.digest(), read.digest());
    assert_eq!(as_typed_data.effects(), read.effects());
    assert!(as_typed_data.excludes(&read));
}

#[test]
fn a_first_operation_names_a_listed_factory() {
    let with = |factory: Address| {
        operation().with("initCode", text([factory.as_slice(), &[1, 2, 3, 4, 5]].concat()))
    };
    assert_eq!(effects(&with(FACTORY))[0], "deploy from account to factory");
    for other in [UNLISTED, TOKEN, ACCOUNT] {
        assert_eq!(with(other).code(), "factory-unlisted");
    }
    for length in 1..20 {
        let short = operation().with("initCode", text(vec![0xfa; length]));
        assert_eq!(short.code(), "init-code-invalid");
    }
    assert!(operation().with("initCode", text([0xfa; 20])).read().is_ok());
}

/// The account is a key's own, and runs the delegate from this operation on.
#[test]
fn the_marker_stands_for_a_listed_delegate() {
    let marker = |code: Vec<u8>, delegate: &[u8]| {
        operation()
            .with("sender", text(OWN))
            .with("initCode", text(code))
            .with("delegate", text(delegate))
    };
    let padded = |data: &[u8]| [&[0x77, 0x02][..], &[0; 18], data].concat();
    for code in [vec![0x77, 0x02], padded(&[]), padded(&[9, 9])] {
        let read = marker(code, DELEGATE.as_slice());
        assert_eq!(effects(&read)[0], "transfer 3 wei from own to stranger exactly at 0");
    }
    let digest = |code: Vec<u8>, delegate: &[u8]| marker(code, delegate).read().unwrap().digest();
    let short = digest(vec![0x77, 0x02], DELEGATE.as_slice());
    assert_eq!(short, digest(padded(&[]), DELEGATE.as_slice()));
    assert_ne!(short, digest(padded(&[9]), DELEGATE.as_slice()));

    assert_eq!(marker(vec![0x77, 0x02], UNLISTED.as_slice()).code(), "delegate-unlisted");
    assert_eq!(marker(vec![0x77, 0x02], FACTORY.as_slice()).code(), "delegate-unlisted");
    assert_eq!(marker(vec![0x77, 0x02], &[]).code(), "delegate-misplaced");
    assert_eq!(marker(vec![], DELEGATE.as_slice()).code(), "delegate-misplaced");
    assert_eq!(marker(vec![0x77, 0x02, 0], DELEGATE.as_slice()).code(), "init-code-invalid");
    // Not the marker, but a factory whose address begins like it.
    let mut factory = padded(&[]);
    factory[19] = 1;
    assert_eq!(marker(factory.clone(), DELEGATE.as_slice()).code(), "delegate-misplaced");
    assert_eq!(marker(factory, &[]).code(), "factory-unlisted");
}

/// EntryPoint v0.8: `keccak256(delegate ‖ initCode[20..])` stands for the init code.
#[test]
fn the_hash_has_the_delegate_in_the_place_of_the_marker() {
    let code = [&[0x77, 0x02][..], &[0; 18], &[9, 9]].concat();
    let marked = operation()
        .with("sender", text(OWN))
        .with("initCode", text(code))
        .with("delegate", text(DELEGATE));
    let replaced = operation()
        .with("sender", text(OWN))
        .with("initCode", text([DELEGATE.as_slice(), &[9, 9]].concat()));

    assert_eq!(marked.read().unwrap().digest(), replaced.read().unwrap().digest());
}

#[test]
fn the_sender_is_an_account_of_this_key() {
    for other in [STRANGER, TOKEN, scene::OTHER] {
        assert_eq!(operation().with("sender", text(other)).code(), "sender-foreign");
    }
    let of_the_key = operation().with("sender", text(OWN));
    // Which code it runs is not listed.
    assert_eq!(effects(&of_the_key)[0], "unknown from entrypoint to own perhaps");
}

#[test]
fn only_the_entry_point_v0_8_is_read() {
    // v0.6, v0.7, v0.9
    for other in [
        "5FF137D4b0FDCD49DcA30c7CF57E578a026d2789",
        "0000000071727De22E5E9d8BAf0edAc6f37da032",
        "433709009B8330FDa32311DF1C2AFA402eD8D009",
    ] {
        let other = text(hex::decode(other).unwrap());
        assert_eq!(operation().with("entryPoint", other).code(), "entry-point-unsupported");
    }
}

#[test]
fn gas_limits_and_fees_have_120_bits() {
    const MOST: u128 = (1 << 120) - 1;
    let at = |value: u128| {
        [
            operation().with("accountGasLimits", packed(value, 0)).with("gasFees", packed(0, 1)),
            operation().with("accountGasLimits", packed(0, value)).with("gasFees", packed(0, 1)),
            operation().with("preVerificationGas", integer(value.to_be_bytes())),
            operation().with("gasFees", packed(value, 1)),
            operation().with("gasFees", packed(1, value)),
        ]
    };
    for (just, over) in at(MOST).into_iter().zip(at(MOST + 1)) {
        assert!(just.read().is_ok());
        assert_eq!(over.code(), "user-operation-gas");
    }
    let huge = operation().with("preVerificationGas", integer([1; 17]));
    assert_eq!(huge.code(), "user-operation-gas");
}

#[test]
fn paymaster_data_has_an_address_and_two_limits() {
    for length in [1, 19, 20, 51] {
        let short = operation().with("paymasterAndData", text(vec![1; length]));
        assert_eq!(short.code(), "paymaster-invalid");
    }
    let exact = [PAYMASTER.as_slice(), &[0; 32]].concat();
    assert!(operation().with("paymasterAndData", text(exact)).read().is_ok());
}

#[test]
fn the_fields_are_in_their_one_encoding() {
    assert_eq!(operation().with("chainId", number(2)).code(), "chain-mismatch");
    assert_eq!(operation().with("nonce", text([0, 5])).code(), "integer-not-minimal");
    assert_eq!(operation().with("sender", text([1; 19])).code(), "length-invalid");
    assert_eq!(operation().with("delegate", text([1; 21])).code(), "length-invalid");
    assert_eq!(operation().with("accountGasLimits", text([1; 31])).code(), "length-invalid");
    assert_eq!(operation().with("callData", list([])).code(), "string-expected");
    let mut longer = operation();
    longer.0.push(("signature", text([0; 65])));
    assert_eq!(longer.code(), "item-count");
    let mut trailing = operation().bytes();
    trailing.push(0);
    let refusal = scene::intent("evm.userOperation", &trailing).unwrap_err();
    assert_eq!(refusal.code(), "trailing-bytes");
}

#[test]
fn its_nonce_is_what_it_uses_up() {
    let read = operation().read().unwrap();
    let exclusion = Exclusion::UserOperation {
        chain_id: 1,
        entry_point: ENTRY_POINT,
        sender: ACCOUNT,
        nonce: U256::from(5),
    };
    assert_eq!(read.exclusion(), Some(exclusion));
    let dearer = operation().with("gasFees", packed(2, 20)).read().unwrap();
    assert!(read.excludes(&dearer));
    assert!(!read.excludes(&operation().with("nonce", number(6)).read().unwrap()));
}

#[test]
fn a_yes_outlives_nonce_gas_fees_and_the_data_of_a_listed_paymaster() {
    let signer = Signer { suite: "ecdsa", key_id: "evm", path: &[] };
    let hash = |operation: &Operation| operation.read().unwrap().content_hash(&signer);
    let base = || operation().with("paymasterAndData", paymaster(PAYMASTER, &[1]));
    let approved = hash(&base());

    for (field, changed) in [
        ("nonce", number(6)),
        ("accountGasLimits", packed(100_001, 50_001)),
        ("preVerificationGas", number(21_001)),
        ("gasFees", packed(2, 20)),
        ("paymasterAndData", paymaster(PAYMASTER, &[2, 3])),
    ] {
        let later = base().with(field, changed);
        assert_eq!(hash(&later), approved, "{field}");
        assert!(base().read().unwrap().covers(&later.read().unwrap()), "{field}");
    }
    for (field, changed) in [
        ("sender", text(OWN)),
        ("initCode", text([FACTORY.as_slice(), &[1]].concat())),
        ("callData", text(execute(STRANGER, 4, &[]))),
        ("paymasterAndData", paymaster(UNLISTED, &[1])),
        ("paymasterAndData", text([])),
    ] {
        assert_ne!(hash(&base().with(field, changed)), approved, "{field}");
    }
    let unlisted = |data| hash(&operation().with("paymasterAndData", paymaster(UNLISTED, data)));
    assert_ne!(unlisted(&[1]), unlisted(&[2]));
}

#[test]
fn none_of_the_five_gas_limits_may_fall() {
    let paymaster_gas = |verification: u128, post_op: u128| {
        let gas = [verification.to_be_bytes(), post_op.to_be_bytes()].concat();
        text([PAYMASTER.as_slice(), &gas].concat())
    };
    let base = || operation().with("paymasterAndData", paymaster_gas(30, 20));
    let approved = base().read().unwrap();
    assert_eq!(approved.gas_limits(), [100_000, 50_000, 21_000, 30, 20].map(U256::from));
    for (field, lower) in [
        ("accountGasLimits", packed(99_999, 50_000)),
        ("accountGasLimits", packed(100_000, 49_999)),
        ("preVerificationGas", number(20_999)),
        ("paymasterAndData", paymaster_gas(29, 20)),
        ("paymasterAndData", paymaster_gas(30, 19)),
    ] {
        assert!(!approved.covers(&base().with(field, lower).read().unwrap()), "{field}");
    }
}

#[test]
fn a_description_has_the_fields_unpacked() {
    let read = operation().with("paymasterAndData", paymaster(PAYMASTER, &[7])).read().unwrap();
    let description: serde_json::Value = serde_json::from_str(&read.describe()).unwrap();
    let operation = &description["userOperation"];
    assert_eq!(operation["sender"], ACCOUNT.to_string());
    assert_eq!(operation["verificationGasLimit"], "100000");
    assert_eq!(operation["callGasLimit"], "50000");
    assert_eq!(operation["paymasterPostOpGasLimit"], "20000");
    assert_eq!(operation["paymaster"], PAYMASTER.to_string());
    assert_eq!(operation["paymasterData"], "0x07");
    assert_eq!(operation["maxFeePerGas"], "10");
    let Content::EvmUserOperation(fields) = read.content() else { panic!() };
    assert_eq!(fields.max_priority_fee_per_gas, 1);
}

#[test]
fn every_flipped_bit_changes_the_digest_or_refuses() {
    let code = [FACTORY.as_slice(), &[1, 2, 3, 4]].concat();
    let original = operation()
        .with("initCode", text(code))
        .with("paymasterAndData", paymaster(PAYMASTER, &[1, 2]))
        .bytes();
    let digest = scene::intent("evm.userOperation", &original).unwrap().digest();
    let mut read_again = 0;
    for bit in 0..original.len() * 8 {
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(intent) = scene::intent("evm.userOperation", &bytes) {
            assert_ne!(intent.digest(), digest, "bit {bit}");
            read_again += 1;
        }
    }
    assert!(read_again > 500, "{read_again}");
}

fn handle_ops(sender: Address, init_code: &[u8], beneficiary: Address) -> Vec<u8> {
    let word = |high: u128, low: u128| {
        let bytes = [high.to_be_bytes(), low.to_be_bytes()].concat();
        Value::FixedBytes(alloy_primitives::B256::from_slice(&bytes), 32)
    };
    let operation = tuple([
        address(sender),
        uint(5),
        bytes(init_code),
        bytes(execute(TOKEN, 0, &transfer(7))),
        word(100, 50),
        uint(21),
        word(1, 10),
        bytes([]),
        bytes([1; 65]),
    ]);
    calldata(
        "handleOps((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes)[],address)",
        &[array([operation]), address(beneficiary)],
    )
}

#[test]
fn own_operations_are_handled_for_an_own_beneficiary() {
    scene::does(
        ENTRY_POINT,
        0,
        &handle_ops(ACCOUNT, &[], OWN),
        &[
            "transfer 7 token from account to stranger at 0.0",
            "transfer ≤1710 wei from account to own at 0",
        ],
    );
    let unknown = ["unknown from own to entrypoint perhaps"];
    scene::does(ENTRY_POINT, 0, &handle_ops(STRANGER, &[], OWN), &unknown);
    scene::does(ENTRY_POINT, 0, &handle_ops(ACCOUNT, &[], STRANGER), &unknown);
    // Which delegate that is, is not in these bytes.
    scene::does(ENTRY_POINT, 0, &handle_ops(ACCOUNT, &[0x77, 0x02], OWN), &unknown);
    let unlisted = handle_ops(ACCOUNT, UNLISTED.as_slice(), OWN);
    assert_eq!(called(ENTRY_POINT, 0, &unlisted), Err(Refusal::FactoryUnlisted));
}

#[test]
fn the_account_of_an_intent_is_whose_key_signs() {
    let bytes = operation().bytes();
    let payload = Payload { kind: "evm.userOperation", chain: CHAIN, bytes: &bytes };
    let intent = parse(&payload, &Own::new(STRANGER), &registry()).unwrap();
    assert_eq!(intent.account(), Account::Evm { chain_id: 1, address: STRANGER });
}
