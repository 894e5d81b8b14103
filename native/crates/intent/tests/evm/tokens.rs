//! ERC-20, its permits, ERC-3009, and the wrapped native asset.

use intent::{U256, Value};

use crate::payloads::OWN;
use crate::scene::{
    COIN, OTHER, SPENDER, STRANGER, TOKEN, UNLISTED, WETH, address, bytes, calldata, called, does,
    transfer, uint, word,
};

const TRANSFER_FROM: &str = "transferFrom(address,address,uint256)";
const APPROVE: &str = "approve(address,uint256)";

#[test]
fn a_transfer_is_one_from_the_caller() {
    does(TOKEN, 0, &transfer(7), &["transfer 7 token from own to stranger"]);
    does(TOKEN, 0, &transfer(0), &["transfer 0 token from own to stranger"]);
}

#[test]
fn native_value_beside_a_transfer_is_counted_too() {
    does(
        TOKEN,
        3,
        &transfer(7),
        &["transfer 7 token from own to stranger", "transfer 3 wei from own to token exactly"],
    );
}

#[test]
fn a_transfer_from_is_one_of_ours_or_a_call() {
    let from = |from| calldata(TRANSFER_FROM, &[address(from), address(STRANGER), uint(5)]);

    does(TOKEN, 0, &from(OWN), &["transfer 5 token from own to stranger"]);
    does(TOKEN, 0, &from(OTHER), &["transfer 5 token from other to stranger"]);
    does(TOKEN, 0, &from(SPENDER), &["call from own to token"]);
    does(TOKEN, 2, &from(SPENDER), &["call 2 wei from own to token"]);
}

#[test]
fn an_approval_is_limited_up_to_half_of_all_numbers() {
    let half = U256::ONE << 255;
    let approve = |amount: U256| {
        called(TOKEN, 0, &calldata(APPROVE, &[address(SPENDER), uint(amount)])).unwrap().remove(0)
    };

    assert_eq!(approve(U256::ZERO), "revoke token from own by spender");
    assert_eq!(approve(U256::ONE), "approve ≤1 token from own by spender");
    let below = half - U256::ONE;
    assert_eq!(approve(below), format!("approve ≤{below} token from own by spender"));
    assert_eq!(approve(half), "approve unlimited token from own by spender");
    assert_eq!(approve(U256::MAX), "approve unlimited token from own by spender");
}

#[test]
fn raising_an_allowance_approves_and_lowering_it_takes_back_not_all() {
    let change = |function| calldata(function, &[address(SPENDER), uint(9)]);

    let increase = change("increaseAllowance(address,uint256)");
    does(TOKEN, 0, &increase, &["approve ≤9 token from own by spender"]);
    let decrease = change("decreaseAllowance(address,uint256)");
    does(TOKEN, 0, &decrease, &["call from own to token"]);
}

/// The deadline is the signature's; the allowance has none.
#[test]
fn a_submitted_permit_is_an_allowance_of_its_owner_without_end() {
    let permit = |owner, value| {
        let function = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)";
        let v = Value::Uint(U256::from(27), 8);
        let arguments = [
            address(owner),
            address(SPENDER),
            uint(value),
            uint(1_900_000_000),
            v,
            word(1),
            word(2),
        ];
        calldata(function, &arguments)
    };

    does(TOKEN, 0, &permit(OWN, U256::from(4)), &["permit ≤4 token from own by spender"]);
    does(TOKEN, 0, &permit(OWN, U256::MAX), &["permit unlimited token from own by spender"]);
    does(TOKEN, 0, &permit(OWN, U256::ZERO), &["revoke token from own by spender"]);
    let of_a_stranger = permit(STRANGER, U256::from(4));
    does(TOKEN, 0, &of_a_stranger, &["permit ≤4 token from stranger by spender"]);
}

#[test]
fn dais_permit_is_all_or_nothing() {
    let permit = |allowed| {
        let function = "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)";
        let (allowed, v) = (Value::Bool(allowed), Value::Uint(U256::from(27), 8));
        let ends = [address(OWN), address(SPENDER), uint(0), uint(1_900_000_000)];
        calldata(function, &[&ends[..], &[allowed, v, word(1), word(2)]].concat())
    };

    does(COIN, 0, &permit(true), &["permit unlimited coin from own by spender"]);
    does(COIN, 0, &permit(false), &["revoke coin from own by spender"]);
}

#[test]
fn a_submitted_authorization_transfers_in_both_signature_forms() {
    let signature = [vec![Value::Uint(U256::from(27), 8), word(1), word(2)], vec![bytes([7; 65])]];
    let forms = ["uint8,bytes32,bytes32", "bytes"];
    for (signature, form) in signature.iter().zip(forms) {
        for verb in ["transfer", "receive"] {
            let function = format!(
                "{verb}WithAuthorization(address,address,uint256,uint256,uint256,bytes32,{form})"
            );
            let of = |from| {
                let fields = [address(from), address(STRANGER), uint(8), uint(0), uint(9), word(3)];
                calldata(&function, &[&fields[..], signature].concat())
            };
            does(TOKEN, 0, &of(OWN), &["transfer 8 token from own to stranger"]);
            does(TOKEN, 0, &of(SPENDER), &["call from own to token"]);
        }
        let function = format!("cancelAuthorization(address,bytes32,{form})");
        let cancel = calldata(&function, &[&[address(OWN), word(3)], &signature[..]].concat());
        does(TOKEN, 0, &cancel, &["call from own to token"]);
    }
}

#[test]
fn wrapping_and_unwrapping_exchange_at_one_to_one() {
    let deposit = calldata("deposit()", &[]);
    does(WETH, 6, &deposit, &["swap 6 wei from own to own for ≥6 weth"]);
    let withdraw = calldata("withdraw(uint256)", &[uint(6)]);
    does(WETH, 0, &withdraw, &["swap 6 weth from own to own for ≥6 wei"]);
    does(WETH, 1, &withdraw, &["unknown 1 wei from own to weth perhaps"]);
    does(WETH, 0, &transfer(6), &["transfer 6 weth from own to stranger"]);
    does(TOKEN, 6, &deposit, &["unknown 6 wei from own to token perhaps"]);
}

#[test]
fn a_function_that_is_not_the_kinds_is_unknown() {
    let data = calldata("mint(address,uint256)", &[address(OWN), uint(1)]);
    does(TOKEN, 0, &data, &["unknown from own to token perhaps"]);
    does(UNLISTED, 0, &transfer(1), &["unknown from own to unlisted perhaps"]);
    does(TOKEN, 0, &[0xa9, 0x05, 0x9c], &["unknown from own to token perhaps"]);
}

/// The same bytes to three contracts.
#[test]
fn an_approval_means_what_its_contract_is() {
    use crate::scene::NFT;
    let data = calldata(APPROVE, &[address(SPENDER), uint(42)]);

    does(TOKEN, 0, &data, &["approve ≤42 token from own by spender"]);
    does(NFT, 0, &data, &["approve ≤1 nft#42 from own by spender"]);
    does(UNLISTED, 0, &data, &["unknown from own to unlisted perhaps"]);
}
