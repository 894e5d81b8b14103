//! The JSON that the SDK and the person who decides read.

use serde_json::{Value, json};

use crate::encoder::{list, number, text};
use crate::payloads::{Draft, Type, draft, read};

const SENDER: &str = "eip155:1:0x0E0e0e0E0e0E0E0e0E0e0e0E0e0e0e0e0e0e0e0E";

fn description(draft: &Draft) -> Value {
    serde_json::from_str(&read(&draft.bytes()).unwrap().describe()).unwrap()
}

#[test]
fn a_legacy_transfer() {
    assert_eq!(
        description(&draft(Type::Legacy)),
        json!({
            "kind": "evm.transaction",
            "chain": "eip155:1",
            "digest": "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53",
            "transaction": {
                "type": "legacy",
                "chainId": "1",
                "nonce": "9",
                "gas": "21000",
                "gasPrice": "20000000000",
                "to": "0x3535353535353535353535353535353535353535",
                "value": "1000000000000000000",
                "data": "0x",
            },
            "effects": [
                {
                    "kind": "transfer",
                    "asset": "eip155:1/slip44:60",
                    "amount": { "exact": "1000000000000000000" },
                    "receive": null,
                    "from": SENDER,
                    "to": "eip155:1:0x3535353535353535353535353535353535353535",
                    "spender": null,
                    "call": null,
                    "expiry": null,
                    "deferred": false,
                    "confidence": "exact",
                    "at": "",
                },
                {
                    "kind": "feeOnly",
                    "asset": "eip155:1/slip44:60",
                    "amount": { "upTo": "420000000000000" },
                    "receive": null,
                    "from": SENDER,
                    "to": null,
                    "spender": null,
                    "call": null,
                    "expiry": null,
                    "deferred": false,
                    "confidence": "exact",
                    "at": "",
                },
            ],
        })
    );
}

#[test]
fn a_call_with_an_access_list() {
    let account = hex::decode("fb6916095ca1df60bb79ce92ce3ea74c37c5d359").unwrap();
    let draft = draft(Type::Eip2930)
        .with("to", text(&account))
        .with("value", number(0))
        .with("data", text([0xa9, 0x05, 0x9c, 0xbb]))
        .with("accessList", list([list([text(&account), list([text([0x11; 32])])])]));

    let description = description(&draft);

    // Mixed case from the examples of EIP-55.
    let checksummed = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359";
    assert_eq!(
        description["transaction"]["accessList"],
        json!([{ "address": checksummed, "storageKeys": [format!("0x{}", "11".repeat(32))] }])
    );
    assert_eq!(description["transaction"]["type"], "eip2930");
    assert_eq!(description["transaction"]["to"], checksummed);
    assert_eq!(
        description["effects"][0],
        json!({
            "kind": "unknown",
            "asset": null,
            "amount": null,
            "receive": null,
            "from": SENDER,
            "to": format!("eip155:1:{checksummed}"),
            "spender": null,
            "call": {
                "target": format!("eip155:1:{checksummed}"),
                "selector": "0xa9059cbb",
                "value": "0",
                "dataHash": format!("0x{}", hex::encode(alloy_primitives::keccak256([0xa9, 0x05, 0x9c, 0xbb]))),
                "function": null,
                "arguments": [],
            },
            "expiry": null,
            "deferred": false,
            "confidence": "unknown",
            "at": "",
        })
    );
}

#[test]
fn a_contract_creation() {
    let draft = draft(Type::Eip1559).with("to", text([])).with("data", text([0x60, 0x00]));

    let description = description(&draft);

    let transaction = &description["transaction"];
    assert_eq!(transaction["type"], "eip1559");
    assert_eq!(transaction["to"], Value::Null);
    assert_eq!(transaction["maxFeePerGas"], "20000000000");
    assert_eq!(transaction["maxPriorityFeePerGas"], "1000000000");
    assert_eq!(transaction["accessList"], json!([]));
    assert_eq!(transaction["data"], "0x6000");
    let effect = &description["effects"][0];
    assert_eq!(effect["kind"], "deploy");
    assert_eq!(effect["amount"], json!({ "exact": "1000000000000000000" }));
    assert_eq!(effect["call"]["target"], Value::Null);
    assert_eq!(effect["call"]["selector"], Value::Null);
}

#[test]
fn a_printed_intent_names_the_digest_and_not_the_contents() {
    let intent = read(&draft(Type::Eip1559).with("data", text([0xab; 40])).bytes()).unwrap();

    let printed = format!("{intent:?}");

    assert!(printed.contains(&hex::encode(intent.digest())), "{printed}");
    assert!(!printed.contains("171, 171") && !printed.contains("abab"), "{printed}");
}
