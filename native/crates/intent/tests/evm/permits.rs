//! Permit2, as a contract that is called.

use intent::{PERMIT2, U256, Value};

use crate::payloads::OWN;
use crate::scene::{
    COIN, NFT, SPENDER, STRANGER, TOKEN, UNLISTED, address, array, bytes, calldata, called, does,
    tuple, uint, word,
};

fn amount(value: u64) -> Value {
    Value::Uint(U256::from(value), 160)
}

fn time(value: u64) -> Value {
    Value::Uint(U256::from(value), 48)
}

const NEVER: u64 = (1 << 48) - 1;

#[test]
fn an_allowance_has_an_expiry() {
    let approve = |token, granted, expiration| {
        let function = "approve(address,address,uint160,uint48)";
        calldata(function, &[address(token), address(SPENDER), granted, time(expiration)])
    };
    let largest = (U256::ONE << 160) - U256::ONE;
    let most = Value::Uint(largest, 160);
    let below = Value::Uint(largest - U256::ONE, 160);

    let limited = ["approve ≤5 token from own by spender until 1900000000"];
    does(PERMIT2, 0, &approve(TOKEN, amount(5), 1_900_000_000), &limited);
    let endless = ["approve unlimited token from own by spender"];
    does(PERMIT2, 0, &approve(TOKEN, most, NEVER), &endless);
    let last =
        [format!("approve ≤{} token from own by spender until {}", largest - U256::ONE, NEVER - 1)];
    assert_eq!(called(PERMIT2, 0, &approve(TOKEN, below, NEVER - 1)).unwrap(), last);
    // Zero is the time of the block.
    let now = ["approve ≤5 token from own by spender"];
    does(PERMIT2, 0, &approve(TOKEN, amount(5), 0), &now);
    does(PERMIT2, 0, &approve(TOKEN, amount(0), 9), &["revoke token from own by spender"]);
}

/// Permit2 would call `transferFrom` of any contract, with a number that may be a token.
#[test]
fn only_listed_tokens_move_by_it() {
    let transfer = |token| {
        let function = "transferFrom(address,address,uint160,address)";
        calldata(function, &[address(OWN), address(STRANGER), amount(5), address(token)])
    };

    does(PERMIT2, 0, &transfer(TOKEN), &["transfer 5 token from own to stranger"]);
    for other in [NFT, UNLISTED] {
        does(PERMIT2, 0, &transfer(other), &["unknown from own to permit2 perhaps"]);
    }
}

#[test]
fn a_submitted_permit_grants_each_of_its_tokens() {
    let details = |token, granted, end| {
        tuple([address(token), amount(granted), time(end), Value::Uint(U256::ZERO, 48)])
    };
    let permit = |details| tuple([details, address(SPENDER), uint(1_800_000_000)]);

    let single = calldata(
        "permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)",
        &[address(OWN), permit(details(TOKEN, 5, 9)), bytes([1; 65])],
    );
    does(PERMIT2, 0, &single, &["permit ≤5 token from own by spender until 9"]);

    let batch = |details| {
        calldata(
            "permit(address,((address,uint160,uint48,uint48)[],address,uint256),bytes)",
            &[address(OWN), permit(array(details)), bytes([1; 65])],
        )
    };
    does(
        PERMIT2,
        0,
        &batch(vec![details(TOKEN, 5, 9), details(COIN, 0, 9)]),
        &["permit ≤5 token from own by spender until 9", "revoke coin from own by spender"],
    );
    // One that is not listed makes all of it unknown, not only itself.
    let unknown = ["unknown from own to permit2 perhaps"];
    does(PERMIT2, 0, &batch(vec![details(TOKEN, 5, 9), details(UNLISTED, 5, 9)]), &unknown);
}

#[test]
fn transfers_in_a_list_are_all_listed() {
    let detail = |from, token| tuple([address(from), address(STRANGER), amount(5), address(token)]);
    let transfers = |details: Vec<Value>| {
        calldata("transferFrom((address,address,uint160,address)[])", &[array(details)])
    };

    does(
        PERMIT2,
        0,
        &transfers(vec![detail(OWN, TOKEN), detail(SPENDER, COIN), detail(OWN, COIN)]),
        &[
            "transfer 5 token from own to stranger",
            "call from spender to stranger",
            "transfer 5 coin from own to stranger",
        ],
    );
}

#[test]
fn a_transfer_by_signature_moves_what_is_requested() {
    let permitted = |token, most: u64| tuple([address(token), uint(most)]);
    let request = |amount: u64| tuple([address(STRANGER), uint(amount)]);
    let permit = |permitted| tuple([permitted, uint(0), uint(9)]);

    let single = calldata(
        "permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)",
        &[permit(permitted(TOKEN, 9)), request(4), address(OWN), bytes([1; 65])],
    );
    does(PERMIT2, 0, &single, &["transfer 4 token from own to stranger"]);

    let batch = |requests: Vec<Value>| {
        calldata(
            "permitTransferFrom(((address,uint256)[],uint256,uint256),(address,uint256)[],address,bytes)",
            &[
                permit(array([permitted(TOKEN, 9), permitted(COIN, 8)])),
                array(requests),
                address(OWN),
                bytes([1; 65]),
            ],
        )
    };
    does(
        PERMIT2,
        0,
        &batch(vec![request(4), request(3)]),
        &["transfer 4 token from own to stranger", "transfer 3 coin from own to stranger"],
    );
    does(PERMIT2, 0, &batch(vec![request(4)]), &["unknown from own to permit2 perhaps"]);
}

#[test]
fn a_lockdown_revokes_and_voiding_a_nonce_does_not() {
    let pair = |token| tuple([address(token), address(SPENDER)]);
    let lockdown = calldata("lockdown((address,address)[])", &[array([pair(TOKEN), pair(COIN)])]);
    let revoked = ["revoke token from own by spender", "revoke coin from own by spender"];
    does(PERMIT2, 0, &lockdown, &revoked);

    let nonces = calldata(
        "invalidateNonces(address,address,uint48)",
        &[address(TOKEN), address(SPENDER), time(4)],
    );
    does(PERMIT2, 0, &nonces, &["call from own to permit2"]);
    let unordered =
        calldata("invalidateUnorderedNonces(uint256,uint256)", &[uint(0), uint(U256::MAX)]);
    does(PERMIT2, 0, &unordered, &["call from own to permit2"]);
}

#[test]
fn a_witness_whose_meaning_is_its_verifiers_is_unknown() {
    let data = calldata(
        "permitWitnessTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes32,string,bytes)",
        &[
            tuple([tuple([address(TOKEN), uint(9)]), uint(0), uint(9)]),
            tuple([address(STRANGER), uint(4)]),
            address(OWN),
            word(1),
            Value::String("Order order)".to_owned()),
            bytes([1; 65]),
        ],
    );
    does(PERMIT2, 0, &data, &["unknown from own to permit2 perhaps"]);
}
