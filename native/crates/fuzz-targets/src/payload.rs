//! Unsigned payloads.

use alloy_primitives::keccak256;
use intent::{Address, Amount, Own, Payload, Registry, U256, parse};
use serde_json::Value;

use crate::encoder::unsigned;

const VECTORS: &str = include_str!("../../../../__test__/vectors/intent/evm-transactions.json");
const KIND: &str = "evm.transaction";

/// `u8 length of the chain ‖ chain ‖ bytes`: an EVM transaction for that chain.
pub fn payload(data: &[u8]) {
    let Some((length, rest)) = data.split_first() else { return };
    let (chain, bytes) = rest.split_at(usize::from(*length).min(rest.len()));
    let Ok(chain) = str::from_utf8(chain) else { return };
    let own = Own::new(Address::repeat_byte(0x0e));
    let payload = Payload { kind: KIND, chain, bytes };
    let Ok(intent) = parse(&payload, &own, &Registry::new()) else { return };
    let transaction = intent.transaction().unwrap();
    assert_eq!(unsigned(transaction), bytes, "another encoding of the same fields");
    assert_eq!((intent.bytes(), intent.chain()), (bytes, chain));
    assert_eq!(intent.digest(), keccak256(bytes).0);
    assert_eq!(format!("eip155:{}", transaction.chain_id), chain);
    let leaving = intent.effects().iter().fold(U256::ZERO, |sum, effect| match effect.amount {
        Amount::Exact(amount) | Amount::UpTo(amount) => sum.checked_add(amount).unwrap(),
        Amount::Unlimited | Amount::None => sum,
    });
    let cost = U256::from(transaction.gas) * transaction.max_fee_per_gas() + transaction.value;
    assert_eq!(leaving, cost, "something is counted twice or not at all");
    serde_json::from_str::<Value>(&intent.describe()).unwrap();
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vector| {
            let chain = vector["chain"].as_str().unwrap();
            let bytes = hex::decode(&vector["unsigned"].as_str().unwrap()[2..]).unwrap();
            [&[u8::try_from(chain.len()).unwrap()], chain.as_bytes(), &bytes].concat()
        })
        .filter(|seed| seed.len() < 1_000)
        .collect()
}
