//! Vectors of other projects. They are not part of this repository; without them these tests say
//! so.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

use intent::{Domain, Own, Payload, Registry, U256, parse};
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use crate::encoder::{Item, list, text};
use crate::payloads::{OWN, read_as};

/// The file's contents, or a line that names it. Written past the capture of test output.
fn public(file: &str) -> Option<Value> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/vectors"));
    match std::fs::read(folder.join(file)) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            let line = format!("skipped: public vectors {file} are not beside this repository\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            None
        }
    }
}

fn bytes(hexadecimal: &Value) -> Vec<u8> {
    hex::decode(hexadecimal.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

fn item(decoded: &Value) -> Item {
    match decoded {
        Value::Array(items) => list(items.iter().map(item)),
        string => text(bytes(string)),
    }
}

/// The outcome as one line: digest or reason.
fn outcome(chain: impl Display, unsigned: &[u8]) -> Result<[u8; 32], &'static str> {
    let chain = format!("eip155:{chain}");
    read_as("evm.transaction", &chain, unsigned)
        .map(|intent| intent.digest())
        .map_err(|refusal| refusal.code())
}

/// ethers.js testcases, `rlp` (MIT).
#[test]
fn the_oracle_of_these_tests_encodes_the_public_rlp_vectors() {
    for vector in public("rlp.json").iter().flat_map(|file| file.as_array().unwrap()) {
        assert_eq!(
            item(&vector["decoded"]).encode(),
            bytes(&vector["encoded"]),
            "{}",
            vector["name"]
        );
    }
}

/// ethers.js testcases, `transactions` (MIT): 1 000 transactions, each in every type and signed.
#[test]
fn the_public_transactions_are_read_or_refused_for_the_reason_in_their_fields() {
    let mut verified = 0;
    let file = public("evm-transactions.json");
    for vector in file.iter().flat_map(|file| file.as_array().unwrap()) {
        let key = SigningKey::from_slice(&bytes(&vector["privateKey"])).unwrap();
        let chain_id = quantity(vector, "chainId");
        let declared = chain_id.max(1);
        for form in ["Eip155", "Berlin", "London"] {
            if vector[format!("unsigned{form}")] == "" {
                continue; // ethers makes no EIP-155 form without a chain
            }
            let name = format!("{} {form}", vector["name"]);
            let unsigned = outcome(declared, &bytes(&vector[format!("unsigned{form}")]));
            match (chain_id, reason_in_fields(vector, form)) {
                (0, _) => assert_eq!(unsigned, Err("chain-mismatch"), "{name}"),
                (_, Some(reason)) => assert_eq!(unsigned, Err(reason), "{name}"),
                (_, None) => {
                    // Their signature says what their digest was.
                    let signature = signature(&vector[format!("signature{form}")]);
                    key.verifying_key()
                        .verify_prehash(&unsigned.unwrap(), &signature)
                        .expect(&name);
                    verified += 1;
                }
            }
        }
        // The signature of a legacy transaction comes last, so an earlier field is named first.
        let reason = reason_in_fields(vector, "Legacy").unwrap_or("signed");
        for (form, reason) in [
            ("unsignedLegacy", "legacy-without-chain-id"),
            ("unsignedCancun", "blob-transaction"),
            ("signedLegacy", reason),
            ("signedEip155", reason),
            ("signedBerlin", "signed"),
            ("signedLondon", "signed"),
            ("signedCancun", "blob-transaction"),
        ] {
            if vector[form] != "" {
                let name = format!("{} {form}", vector["name"]);
                assert_eq!(outcome(declared, &bytes(&vector[form])), Err(reason), "{name}");
            }
        }
    }
    assert_eq!(verified > 1000, file.is_some(), "only {verified} transactions could be read");
}

/// ethers.js testcases, `typed-data` (MIT). Many of their domains lack chain or contract, so the
/// policy lists each.
#[test]
fn the_public_typed_data_has_its_digest() {
    let mut read = 0;
    let file = public("eip712-typed-data.json");
    for vector in file.iter().flat_map(|file| file.as_array().unwrap()) {
        let name = &vector["name"];
        let document = json!({
            "types": vector["types"],
            "primaryType": vector["primaryType"],
            "domain": vector["domain"],
            "message": vector["data"],
        });
        let chain = vector["domain"]["chainId"].as_u64().unwrap_or(1);
        let mut registry = Registry::new();
        registry.add_domain(domain(&vector["domain"])).unwrap();
        let text = document.to_string();
        let chain = format!("eip155:{chain}");
        let payload = Payload { kind: "evm.typedData", chain: &chain, bytes: text.as_bytes() };

        let intent = parse(&payload, &Own::new(OWN), &registry)
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));

        assert_eq!(intent.digest().to_vec(), bytes(&vector["digest"]), "{name}");
        read += 1;
    }
    assert_eq!(read > 50, file.is_some(), "only {read} documents could be read");
}

fn domain(fields: &Value) -> Domain {
    let text = |field: &str| fields[field].as_str().map(str::to_owned);
    Domain {
        name: text("name"),
        version: text("version"),
        chain_id: fields["chainId"].as_u64().map(U256::from),
        verifying_contract: text("verifyingContract").map(|address| address.parse().unwrap()),
        salt: text("salt").map(|_| bytes(&fields["salt"]).try_into().unwrap()),
    }
}

fn reason_in_fields(vector: &Value, form: &str) -> Option<&'static str> {
    let fields = &vector["transaction"];
    if form == "London"
        && quantity(vector, "maxPriorityFeePerGas") > quantity(vector, "maxFeePerGas")
    {
        return Some("priority-fee-above-max-fee");
    }
    let is_empty = matches!(fields["data"].as_str(), None | Some("0x"));
    (fields["to"].is_null() && is_empty).then_some("creation-without-code")
}

fn quantity(vector: &Value, field: &str) -> u64 {
    match &vector["transaction"][field] {
        Value::Null => 0,
        Value::Number(number) => number.as_u64().unwrap(),
        text => u64::from_str_radix(&text.as_str().unwrap()[2..], 16).unwrap(),
    }
}

fn signature(rs: &Value) -> Signature {
    let [r, s] = ["r", "s"].map(|half| <[u8; 32]>::try_from(bytes(&rs[half])).unwrap());
    Signature::from_scalars(r, s).unwrap()
}
