//! Calldata, for contracts of each kind that a policy can list.

use alloy_primitives::{Address, keccak256};
use intent::evm::MAX_EFFECTS;
use intent::{Account, Amount, AssetId, EffectKind, MULTICALL3, PERMIT2, U256};
use serde_json::Value as Json;

use crate::contracts::{
    ACCOUNT, BATCHING, COIN, ITEMS, LISTED, NFT, ROUTER, SPENDER, STRANGER, TOKEN, WETH, address,
    array, bytes, calldata as encode, intent, transaction, transfer, tuple, uint,
};
use crate::payloads::OWN;

const TARGETS: [Address; 11] = [
    TOKEN,
    WETH,
    BATCHING,
    NFT,
    ITEMS,
    ROUTER,
    LISTED,
    ACCOUNT,
    MULTICALL3,
    PERMIT2,
    intent::ENTRY_POINT,
];

/// `u8 target ‖ u8 value ‖ calldata`, of a transaction under a policy that lists a contract of each kind.
pub fn calldata(data: &[u8]) {
    let [target, value, data @ ..] = data else { return };
    let target = TARGETS[usize::from(*target) % TARGETS.len()];
    let bytes = transaction(target, u64::from(*value), data);
    let Ok(intent) = intent("evm.transaction", &bytes) else { return };

    assert_eq!(intent.bytes(), bytes);
    assert_eq!(intent.digest(), keccak256(&bytes).0);
    assert!(intent.effects().len() <= MAX_EFFECTS);
    let fees = intent.effects().iter().filter(|effect| effect.kind == EffectKind::FeeOnly).count();
    assert_eq!(fees, 1);
    let own = Some(Account::Evm { chain_id: 1, address: OWN });
    let native = Some(AssetId::EvmNative { chain_id: 1 });
    let leaving =
        intent.effects().iter().filter(|effect| effect.from == own && effect.asset == native);
    let leaving = leaving.fold(U256::ZERO, |sum, effect| match effect.amount {
        Amount::Exact(amount) | Amount::UpTo(amount) => sum.saturating_add(amount),
        Amount::Unlimited => U256::MAX,
        Amount::None => sum,
    });
    let transaction = intent.transaction().unwrap();
    let cost = U256::from(transaction.gas) * transaction.max_fee_per_gas() + transaction.value;
    assert!(leaving >= cost, "value is hidden");
    serde_json::from_str::<Json>(&intent.describe()).unwrap();
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    use intent::Value;
    let small = |value: u64, bits| Value::Uint(U256::from(value), bits);
    let inner = || tuple([address(TOKEN), Value::Bool(true), bytes(transfer(7))]);
    let execute =
        encode("execute(address,uint256,bytes)", &[address(TOKEN), uint(3u64), bytes(transfer(7))]);
    let details = tuple([address(TOKEN), small(5, 160), small(9, 48), small(0, 48)]);
    let path = [&TOKEN[..], &[0, 1, 0xf4], &COIN[..]].concat();
    let swap = tuple([address(OWN), uint(100u64), uint(90u64), bytes(path), Value::Bool(true)]);
    let plan = [bytes([0]), array([bytes(swap.abi_encode_params())])];
    let calls = [
        (0, transfer(7)),
        (0, encode("approve(address,uint256)", &[address(SPENDER), uint(U256::MAX)])),
        (1, encode("withdraw(uint256)", &[uint(5u64)])),
        (2, encode("multicall(bytes[])", &[array([bytes(transfer(1)), bytes(transfer(2))])])),
        (3, encode("setApprovalForAll(address,bool)", &[address(SPENDER), Value::Bool(true)])),
        (
            4,
            encode(
                "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
                &[
                    address(OWN),
                    address(STRANGER),
                    array([uint(1u64)]),
                    array([uint(2u64)]),
                    bytes([]),
                ],
            ),
        ),
        (5, encode("execute(bytes,bytes[])", &plan)),
        (6, encode("claim(address,uint256)", &[address(OWN), uint(5u64)])),
        (7, execute.clone()),
        (
            7,
            encode(
                "execute(address,uint256,bytes)",
                &[address(ACCOUNT), uint(0u64), bytes(execute)],
            ),
        ),
        (8, encode("aggregate3((address,bool,bytes)[])", &[array([inner(), inner()])])),
        (
            9,
            encode(
                "permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)",
                &[address(OWN), tuple([details, address(SPENDER), uint(9u64)]), bytes([1; 65])],
            ),
        ),
        (10, encode("withdrawTo(address,uint256)", &[address(STRANGER), uint(4u64)])),
    ];
    calls.into_iter().map(|(target, data)| [&[target, 0][..], &data].concat()).collect()
}
