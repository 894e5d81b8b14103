//! Typed data: its digest, and what a signature over it allows.

use intent::{Address, Content, Intent, PERMIT2, Refusal};
use serde_json::{Value, json};

use crate::payloads::OWN;
use crate::scene::{
    self, ACCOUNT, COIN, DELEGATE, FACTORY, NFT, SPENDER, STRANGER, TOKEN, UNLISTED, said,
};

pub(crate) fn read(document: &Value) -> Result<Intent, Refusal> {
    scene::intent("evm.typedData", document.to_string().as_bytes())
}

pub(crate) fn effects(document: &Value) -> Vec<String> {
    read(document).unwrap().effects().iter().map(said).collect()
}

/// A document for a contract on mainnet; types are written as `encodeType` writes them.
pub(crate) fn document(verifier: Address, encoded_types: &[&str], message: Value) -> Value {
    let declared = encoded_types.iter().map(|encoded| {
        let (name, members) = encoded.strip_suffix(')').unwrap().split_once('(').unwrap();
        let members = members.split(',').map(|member| {
            let (kind, name) = member.split_once(' ').unwrap();
            json!({ "name": name, "type": kind })
        });
        (name.to_owned(), members.collect::<Value>())
    });
    json!({
        "types": declared.collect::<serde_json::Map<_, _>>(),
        "primaryType": encoded_types[0].split_once('(').unwrap().0,
        "domain": { "name": "Token", "version": "1", "chainId": 1, "verifyingContract": verifier },
        "message": message,
    })
}

const MAIL: [&str; 2] =
    ["Mail(Person from,Person to,string contents)", "Person(string name,address wallet)"];

pub(crate) fn mail() -> Value {
    let mut document = document(
        "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC".parse().unwrap(),
        &MAIL,
        json!({
            "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
            "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
            "contents": "Hello, Bob!",
        }),
    );
    document["domain"]["name"] = "Ether Mail".into();
    document
}

/// https://eips.ethereum.org/EIPS/eip-712, the example in its assets.
#[test]
fn the_example_of_eip_712_has_the_digest_it_states() {
    let intent = read(&mail()).unwrap();

    let digest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2";
    assert_eq!(hex::encode(intent.digest()), digest);
    assert_eq!(intent.kind().digest_kind(), 5);
    let Content::EvmTypedData(document) = intent.content() else { panic!() };
    assert_eq!(document.encoded_type, MAIL.concat());
    let struct_hash = "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e";
    assert_eq!(hex::encode(document.struct_hash), struct_hash);
}

#[test]
fn what_is_not_recognised_is_unknown_and_shown() {
    let intent = read(&mail()).unwrap();
    let effects: Vec<_> = intent.effects().iter().map(said).collect();
    assert_eq!(
        effects,
        ["unknown from own to 0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC deferred perhaps"]
    );

    let description: Value = serde_json::from_str(&intent.describe()).unwrap();
    let shown = &description["typedData"];
    assert_eq!(shown["primaryType"], "Mail");
    assert_eq!(shown["domain"]["name"], "Ether Mail");
    assert_eq!(shown["domain"]["chainId"], "1");
    assert_eq!(shown["domain"]["salt"], Value::Null);
    assert_eq!(shown["message"]["to"]["name"], "Bob");
    assert_eq!(shown["message"]["contents"], "Hello, Bob!");
}

const PERMIT: &str =
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";
const MAX: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

fn permit(token: Address, owner: Address, value: &str) -> Value {
    let message =
        json!({ "owner": owner, "spender": SPENDER, "value": value, "nonce": 0, "deadline": 9 });
    document(token, &[PERMIT], message)
}

/// The deadline is for submitting it: the allowance has no end.
#[test]
fn a_permit_is_an_allowance_that_somebody_may_submit() {
    let limited = ["permit ≤5 token from own by spender deferred"];
    assert_eq!(effects(&permit(TOKEN, OWN, "5")), limited);
    let unlimited = ["permit unlimited token from own by spender deferred"];
    assert_eq!(effects(&permit(TOKEN, OWN, MAX)), unlimited);
    let none = ["revoke token from own by spender deferred"];
    assert_eq!(effects(&permit(TOKEN, OWN, "0")), none);
    let of_account = ["permit ≤5 token from account by spender deferred"];
    assert_eq!(effects(&permit(TOKEN, ACCOUNT, "5")), of_account);
}

#[test]
fn a_permit_of_somebody_else_or_of_no_listed_token_is_unknown() {
    for (token, owner) in [(UNLISTED, OWN), (NFT, OWN), (TOKEN, STRANGER), (TOKEN, scene::OTHER)] {
        let outcome = effects(&permit(token, owner, "5"));
        let name = scene::name(token);
        assert_eq!(outcome, [format!("unknown from own to {name} deferred perhaps")]);
    }
}

/// Another struct of the same name has another hash, which no token checks, and other contracts may.
#[test]
fn a_look_alike_is_unknown() {
    for look_alike in [
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 expiry)",
        "Permit(address owner,address spender,uint256 value,uint256 deadline,uint256 nonce)",
        "Permit(address owner,address spender,uint128 value,uint256 nonce,uint256 deadline)",
        "permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
    ] {
        let mut message =
            json!({ "owner": OWN, "spender": SPENDER, "value": 5, "nonce": 0, "deadline": 9 });
        if look_alike.contains("expiry") {
            message =
                json!({ "owner": OWN, "spender": SPENDER, "value": 5, "nonce": 0, "expiry": 9 });
        }
        let outcome = effects(&document(TOKEN, &[look_alike], message));
        assert_eq!(outcome, ["unknown from own to token deferred perhaps"], "{look_alike}");
    }
}

#[test]
fn dais_permit_is_all_or_nothing() {
    let dai = |allowed: bool| {
        let encoded =
            "Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)";
        let message = json!({ "holder": OWN, "spender": SPENDER, "nonce": 0, "expiry": 9, "allowed": allowed });
        effects(&document(COIN, &[encoded], message))
    };
    assert_eq!(dai(true), ["permit unlimited coin from own by spender deferred"]);
    assert_eq!(dai(false), ["revoke coin from own by spender deferred"]);
}

#[test]
fn an_authorized_transfer_is_one_until_it_ends() {
    for verb in ["Transfer", "Receive"] {
        let encoded = format!(
            "{verb}WithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        let of = |from: Address, before: &str| {
            let message = json!({
                "from": from, "to": STRANGER, "value": "8", "validAfter": 0, "validBefore": before,
                "nonce": format!("0x{}", "07".repeat(32)),
            });
            effects(&document(TOKEN, &[&encoded], message))
        };
        let ends = ["transfer 8 token from own to stranger until 1900000000 deferred"];
        assert_eq!(of(OWN, "1900000000"), ends);
        assert_eq!(of(OWN, MAX), ["transfer 8 token from own to stranger deferred"]);
        let foreign = ["unknown from own to token deferred perhaps"];
        assert_eq!(of(STRANGER, "1900000000"), foreign);
    }
    let encoded = "CancelAuthorization(address authorizer,bytes32 nonce)";
    let message = json!({ "authorizer": OWN, "nonce": format!("0x{}", "07".repeat(32)) });
    let cancelled = effects(&document(TOKEN, &[encoded], message));
    assert_eq!(cancelled, ["call from own to token deferred"]);
}

const DETAILS: &str = "PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";

fn details(token: Address, amount: &str, expiration: &str) -> Value {
    json!({ "token": token, "amount": amount, "expiration": expiration, "nonce": 0 })
}

#[test]
fn permit2_grants_allowances_that_end() {
    let encoded = "PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)";
    let single = |details: Value| {
        let message =
            json!({ "details": details, "spender": SPENDER, "sigDeadline": "1800000000" });
        effects(&document(PERMIT2, &[encoded, DETAILS], message))
    };
    let limited = ["permit ≤5 token from own by spender until 1900000000 deferred"];
    assert_eq!(single(details(TOKEN, "5", "1900000000")), limited);
    let most = "1461501637330902918203684832716283019655932542975";
    let endless = ["permit unlimited token from own by spender deferred"];
    assert_eq!(single(details(TOKEN, most, "281474976710655")), endless);
    // Zero is the time of the block in which it is submitted.
    let now = ["permit ≤5 token from own by spender until 1800000000 deferred"];
    assert_eq!(single(details(TOKEN, "5", "0")), now);
    let unlisted = ["unknown from own to permit2 deferred perhaps"];
    assert_eq!(single(details(UNLISTED, "5", "9")), unlisted);

    let encoded = "PermitBatch(PermitDetails[] details,address spender,uint256 sigDeadline)";
    let batch = |details: Value| {
        let message = json!({ "details": details, "spender": SPENDER, "sigDeadline": 9 });
        effects(&document(PERMIT2, &[encoded, DETAILS], message))
    };
    assert_eq!(
        batch(json!([details(TOKEN, "5", "8"), details(COIN, "0", "8")])),
        [
            "permit ≤5 token from own by spender until 8 deferred",
            "revoke coin from own by spender deferred",
        ]
    );
    assert_eq!(batch(json!([details(TOKEN, "5", "8"), details(NFT, "5", "8")])), unlisted);
}

const PERMISSIONS: &str = "TokenPermissions(address token,uint256 amount)";

#[test]
fn permit2_lets_somebody_take_once() {
    let permitted = |token: Address| json!({ "token": token, "amount": "5" });
    let message = |permitted: Value| json!({ "permitted": permitted, "spender": SPENDER, "nonce": 0, "deadline": 9 });

    let encoded = "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)";
    let single = document(PERMIT2, &[encoded, PERMISSIONS], message(permitted(TOKEN)));
    assert_eq!(effects(&single), ["permit ≤5 token from own by spender until 9 deferred"]);

    let encoded = "PermitBatchTransferFrom(TokenPermissions[] permitted,address spender,uint256 nonce,uint256 deadline)";
    let both = json!([permitted(TOKEN), permitted(COIN)]);
    assert_eq!(
        effects(&document(PERMIT2, &[encoded, PERMISSIONS], message(both))),
        [
            "permit ≤5 token from own by spender until 9 deferred",
            "permit ≤5 coin from own by spender until 9 deferred",
        ]
    );
    // The same for another contract than Permit2.
    let elsewhere = document(TOKEN, &[encoded, PERMISSIONS], message(json!([permitted(TOKEN)])));
    assert_eq!(effects(&elsewhere), ["unknown from own to token deferred perhaps"]);
}

#[test]
fn a_witness_is_one_more_thing_that_is_unknown() {
    let encoded = "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Order order)";
    let message = json!({
        "permitted": { "token": TOKEN, "amount": "5" }, "spender": SPENDER, "nonce": 0, "deadline": 9,
        "order": { "price": "1" },
    });
    let document = document(PERMIT2, &[encoded, "Order(uint256 price)", PERMISSIONS], message);
    assert_eq!(
        effects(&document),
        [
            "permit ≤5 token from own by spender until 9 deferred",
            "unknown from own to permit2 deferred perhaps",
        ]
    );
}

const NESTED: &str = "TypedDataSign(Permit contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)";

fn nested(account: Address, chain_id: u64, owner: Address) -> Value {
    let message = json!({
        "contents": { "owner": owner, "spender": SPENDER, "value": "5", "nonce": 0, "deadline": 9 },
        "name": "Account", "version": "1", "chainId": chain_id, "verifyingContract": account,
        "salt": format!("0x{}", "00".repeat(32)),
    });
    document(TOKEN, &[NESTED, PERMIT], message)
}

/// ERC-7739: what the owner signs names the account it is for.
#[test]
fn contents_for_a_smart_account_are_read_as_its_own() {
    let own = ["permit ≤5 token from account by spender deferred"];
    assert_eq!(effects(&nested(ACCOUNT, 1, ACCOUNT)), own);
    let unknown = ["unknown from account to token deferred perhaps"];
    assert_eq!(effects(&nested(ACCOUNT, 1, OWN)), unknown);
    let not_ours = ["unknown from own to token deferred perhaps"];
    assert_eq!(effects(&nested(STRANGER, 1, STRANGER)), not_ours);
    assert_eq!(effects(&nested(ACCOUNT, 2, ACCOUNT)), not_ours);
}

#[test]
fn a_personal_message_for_a_smart_account_is_a_message() {
    let sign = |account: Address, prefixed: &[u8]| {
        let message = json!({ "prefixed": format!("0x{}", hex::encode(prefixed)) });
        effects(&document(account, &["PersonalSign(bytes prefixed)"], message))
    };
    let prefix = |length: &str, text: &str| format!("\x19Ethereum Signed Message:\n{length}{text}");

    let message = ["message from account deferred exactly"];
    assert_eq!(sign(ACCOUNT, prefix("5", "hello").as_bytes()), message);
    assert_eq!(sign(ACCOUNT, prefix("4", "1234").as_bytes()), message);
    let unknown = ["unknown from own to account deferred perhaps"];
    assert_eq!(sign(ACCOUNT, prefix("6", "hello").as_bytes()), unknown);
    assert_eq!(sign(ACCOUNT, b"hello"), unknown);
    assert_eq!(sign(ACCOUNT, prefix("32", &"x".repeat(32)).as_bytes()), unknown);
    let not_ours = sign(STRANGER, prefix("5", "hello").as_bytes());
    assert_eq!(not_ours, ["unknown from own to stranger deferred perhaps"]);
}

const OPERATION: &str = "PackedUserOperation(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,uint256 preVerificationGas,bytes32 gasFees,bytes paymasterAndData)";

fn operation(sender: Address, init_code: &[u8]) -> Value {
    let call = scene::calldata(
        "execute(address,uint256,bytes)",
        &[scene::address(STRANGER), scene::uint(3), scene::bytes([])],
    );
    let mut document = document(
        intent::ENTRY_POINT,
        &[OPERATION],
        json!({
            "sender": sender, "nonce": "5", "initCode": format!("0x{}", hex::encode(init_code)),
            "callData": format!("0x{}", hex::encode(call)),
            "accountGasLimits": format!("0x{:032x}{:032x}", 100, 50), "preVerificationGas": 21,
            "gasFees": format!("0x{:032x}{:032x}", 1, 10), "paymasterAndData": "0x",
        }),
    );
    document["domain"]["name"] = "ERC4337".into();
    document
}

#[test]
fn a_user_operation_is_read_as_one() {
    let fee = "feeonly ≤1710 wei from account exactly";
    let paid = "transfer 3 wei from account to stranger exactly at 0";
    assert_eq!(effects(&operation(ACCOUNT, &[])), [paid, fee]);
    let deploys = [FACTORY.as_slice(), &[1, 2, 3, 4]].concat();
    assert_eq!(effects(&operation(ACCOUNT, &deploys))[0], "deploy from account to factory");
    // The hash has the delegate where a factory would be.
    let delegated = effects(&operation(OWN, DELEGATE.as_slice()));
    assert_eq!(delegated[1], "transfer 3 wei from own to stranger exactly at 0");
}

#[test]
fn a_user_operation_is_held_to_its_own_rules() {
    assert_eq!(read(&operation(STRANGER, &[])), Err(Refusal::SenderForeign));
    assert_eq!(read(&operation(ACCOUNT, UNLISTED.as_slice())), Err(Refusal::FactoryUnlisted));
    assert_eq!(read(&operation(ACCOUNT, &[0x77, 0x02])), Err(Refusal::DelegateMisplaced));
    assert_eq!(read(&operation(ACCOUNT, &[1])), Err(Refusal::InitCodeInvalid));
    for (field, other) in [
        ("name", json!("ERC4338")),
        ("version", json!("2")),
        ("verifyingContract", json!("0x0000000071727De22E5E9d8BAf0edAc6f37da032")),
    ] {
        let mut document = operation(ACCOUNT, &[]);
        document["domain"][field] = other;
        assert_eq!(read(&document), Err(Refusal::EntryPointUnsupported), "{field}");
    }
}
