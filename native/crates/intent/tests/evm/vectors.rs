//! Our own vectors, made with viem: `__test__/vectors/intent/evm-transactions.json`.

use intent::{Amount, EffectKind, PayloadKind};
use serde_json::Value;

use crate::payloads::{read, read_as};

fn vectors() -> Vec<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../__test__/vectors/intent/evm-transactions.json"
    );
    let mut file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let Value::Array(vectors) = file["vectors"].take() else { panic!("no vectors") };
    assert!(vectors.len() > 200, "the file lost vectors");
    vectors
}

fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    hex::decode(vector[field].as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

#[test]
fn every_transaction_that_viem_makes_is_read_as_viem_wrote_it() {
    for vector in vectors() {
        let name = &vector["name"];
        let unsigned = bytes(&vector, "unsigned");
        let chain = vector["chain"].as_str().unwrap();
        let intent = read_as("evm.transaction", chain, &unsigned).expect(chain);

        assert_eq!(intent.digest().to_vec(), bytes(&vector, "digest"), "{name}");
        assert_eq!(intent.payload_hash().to_vec(), bytes(&vector, "payloadHash"), "{name}");
        assert_eq!(intent.bytes(), unsigned, "{name}");
        assert_eq!(intent.chain(), chain, "{name}");
        let described: Value = serde_json::from_str(&intent.describe()).unwrap();
        assert_eq!(described["transaction"], vector["transaction"], "{name}");
        assert_eq!(described["digest"], vector["digest"], "{name}");
        if let Some(call) = &intent.effects()[0].call {
            assert_eq!(call.data_hash.to_vec(), bytes(&vector, "dataHash"), "{name}");
        }
    }
}

#[test]
fn a_transaction_for_one_chain_is_refused_for_another() {
    for vector in vectors() {
        let unsigned = bytes(&vector, "unsigned");
        for chain in ["eip155:1", "eip155:2", "eip155:137"] {
            let refused = read_as("evm.transaction", chain, &unsigned).is_err();
            assert_eq!(refused, vector["chain"] != chain, "{} as {chain}", vector["name"]);
        }
    }
}

/// https://eips.ethereum.org/EIPS/eip-155, "Example".
#[test]
fn the_example_of_eip_155_has_the_digest_it_states() {
    let bytes = hex::decode(
        "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080",
    )
    .unwrap();

    let intent = read(&bytes).unwrap();

    let digest = "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53";
    assert_eq!(hex::encode(intent.digest()), digest);
    assert_eq!(intent.kind(), PayloadKind::EvmTransaction);
    assert_eq!(intent.kind().digest_kind(), 1);
    assert_eq!(intent.resolved_hash(), [0; 32]);
    assert_eq!(intent.effects()[0].kind, EffectKind::Transfer);
    assert_eq!(intent.effects()[0].amount, Amount::Exact(intent.transaction().unwrap().value));
}
