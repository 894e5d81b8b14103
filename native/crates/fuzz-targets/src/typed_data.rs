//! Documents of typed data.

use alloy_dyn_abi::TypedData;
use serde_json::{Value, json};

use crate::contracts::{SPENDER, TOKEN, intent};
use crate::payloads::OWN;

/// A document. What is read has the digest that alloy's own, lenient reader computes.
pub fn typed_data(data: &[u8]) {
    let Ok(intent) = intent("evm.typedData", data) else { return };
    assert_eq!(intent.bytes(), data);
    serde_json::from_str::<Value>(&intent.describe()).unwrap();
    let lenient: TypedData = serde_json::from_slice(data).expect("a lenient reader reads it too");
    assert_eq!(lenient.eip712_signing_hash().unwrap().0, intent.digest());
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let member = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let domain =
        json!({ "name": "Token", "version": "1", "chainId": 1, "verifyingContract": TOKEN });
    let permit = json!({
        "types": { "Permit": [
            member("owner", "address"), member("spender", "address"), member("value", "uint256"),
            member("nonce", "uint256"), member("deadline", "uint256"),
        ] },
        "primaryType": "Permit",
        "domain": domain,
        "message": { "owner": OWN, "spender": SPENDER, "value": "5", "nonce": 0, "deadline": 9 },
    });
    let nested = json!({
        "types": {
            "EIP712Domain": [
                member("name", "string"), member("version", "string"),
                member("chainId", "uint256"), member("verifyingContract", "address"),
            ],
            "Order": [
                member("items", "Item[]"), member("signed", "int64"), member("pair", "uint8[2]"),
                member("note", "string"), member("data", "bytes"),
            ],
            "Item": [member("id", "bytes4"), member("open", "bool")],
        },
        "primaryType": "Order",
        "domain": domain,
        "message": {
            "items": [{ "id": "0x01020304", "open": true }, { "id": "0x05060708", "open": false }],
            "signed": "-7", "pair": [1, "2"], "note": "hello", "data": "0x0102",
        },
    });
    [permit, nested].map(|document| document.to_string().into_bytes()).to_vec()
}
