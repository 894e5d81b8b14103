//! Calls that carry calls: whose they are, how deep they go, how many they may be.

use intent::{ENTRY_POINT, MULTICALL3, Refusal, U256, Value};

use crate::payloads::OWN;
use crate::scene::{
    ACCOUNT, BATCHING, LISTED, STRANGER, TOKEN, UNLISTED, address, array, bytes, calldata, called,
    does, transfer, tuple, uint, word,
};

fn aggregate3(calls: &[(intent::Address, &[u8])]) -> Vec<u8> {
    let call = |(target, data): &(intent::Address, &[u8])| {
        tuple([address(*target), Value::Bool(true), bytes(data)])
    };
    calldata("aggregate3((address,bool,bytes)[])", &[array(calls.iter().map(call))])
}

fn execute(target: intent::Address, value: u64, data: &[u8]) -> Vec<u8> {
    let arguments = [address(target), uint(value), bytes(data)];
    calldata("execute(address,uint256,bytes)", &arguments)
}

fn multicall(calls: &[&[u8]]) -> Vec<u8> {
    calldata("multicall(bytes[])", &[array(calls.iter().map(bytes))])
}

/// The same transfer, of three different senders.
#[test]
fn an_inner_call_comes_from_whoever_makes_it() {
    let data = transfer(7);

    let through = aggregate3(&[(TOKEN, &data)]);
    does(MULTICALL3, 0, &through, &["transfer 7 token from multicall3 to stranger at 0"]);
    does(BATCHING, 0, &multicall(&[&data]), &["transfer 7 batching from own to stranger at 0"]);
    let calls = array([tuple([address(TOKEN), uint(0), bytes(&data)])]);
    let batch = calldata("executeBatch((address,uint256,bytes)[])", &[calls]);
    does(ACCOUNT, 0, &batch, &["transfer 7 token from account to stranger at 0"]);
}

/// Whoever approved Multicall3 is taken from by anybody.
#[test]
fn what_is_taken_from_us_through_multicall3_is_ours() {
    let function = "transferFrom(address,address,uint256)";
    let data = calldata(function, &[address(OWN), address(STRANGER), uint(5)]);
    let through = aggregate3(&[(TOKEN, &data)]);
    does(MULTICALL3, 0, &through, &["transfer 5 token from own to stranger at 0"]);
}

#[test]
fn every_form_of_multicall3_is_walked() {
    let pair = || array([tuple([address(TOKEN), bytes(transfer(7))])]);
    let forms = [
        calldata("aggregate((address,bytes)[])", &[pair()]),
        calldata("tryAggregate(bool,(address,bytes)[])", &[Value::Bool(false), pair()]),
        aggregate3(&[(TOKEN, &transfer(7))]),
    ];
    for data in forms {
        does(MULTICALL3, 0, &data, &["transfer 7 token from multicall3 to stranger at 0"]);
    }
    let call = tuple([address(STRANGER), Value::Bool(true), uint(4), bytes([])]);
    let valued = calldata("aggregate3Value((address,bool,uint256,bytes)[])", &[array([call])]);
    does(
        MULTICALL3,
        4,
        &valued,
        &[
            "transfer 4 wei from multicall3 to stranger exactly at 0",
            "transfer 4 wei from own to multicall3 exactly",
        ],
    );
}

#[test]
fn every_form_of_multicall_is_walked_and_its_value_moves_once() {
    let calls = || array([bytes(transfer(1)), bytes(transfer(2))]);
    let forms = [
        calldata("multicall(bytes[])", &[calls()]),
        calldata("multicall(uint256,bytes[])", &[uint(1_900_000_000), calls()]),
        calldata("multicall(bytes32,bytes[])", &[word(3), calls()]),
    ];
    for data in forms {
        does(
            BATCHING,
            9,
            &data,
            &[
                "transfer 1 batching from own to stranger at 0",
                "transfer 2 batching from own to stranger at 1",
                "transfer 9 wei from own to batching exactly",
            ],
        );
    }
    does(BATCHING, 0, &transfer(1), &["transfer 1 batching from own to stranger"]);
    does(BATCHING, 0, &multicall(&[&[]]), &["unknown from own to batching perhaps"]);
    // A contract that is not said to have it.
    does(TOKEN, 0, &multicall(&[&transfer(1)]), &["unknown from own to token perhaps"]);
}

#[test]
fn an_account_executes_as_itself() {
    let paid = execute(STRANGER, 3, &[]);
    does(ACCOUNT, 0, &paid, &["transfer 3 wei from account to stranger exactly at 0"]);
    let unknown = execute(UNLISTED, 3, &transfer(1));
    does(ACCOUNT, 0, &unknown, &["unknown 3 wei from account to unlisted perhaps at 0"]);

    let mode = |first: u8, second: u8| {
        let mut mode = [0; 32];
        (mode[0], mode[1]) = (first, second);
        Value::FixedBytes(mode.into(), 32)
    };
    let list = |target| {
        let call = tuple([address(target), uint(3), bytes([])]);
        bytes(tuple([array([call])]).abi_encode_params())
    };
    let erc7821 = |mode, target| calldata("execute(bytes32,bytes)", &[mode, list(target)]);
    let plain = erc7821(mode(1, 0), STRANGER);
    does(ACCOUNT, 0, &plain, &["transfer 3 wei from account to stranger exactly at 0"]);
    for other in [mode(0, 0), mode(1, 1), mode(2, 0), mode(0xff, 0)] {
        let unknown = ["unknown from own to account perhaps"];
        does(ACCOUNT, 0, &erc7821(other, STRANGER), &unknown);
    }
    let to_zero = erc7821(mode(1, 0), intent::Address::ZERO);
    does(ACCOUNT, 0, &to_zero, &["unknown from own to account perhaps"]);
    let loose = calldata("execute(bytes32,bytes)", &[mode(1, 0), bytes([0; 31])]);
    assert_eq!(called(ACCOUNT, 0, &loose), Err(Refusal::CalldataNotCanonical));
}

#[test]
fn changes_of_an_account_are_changes_of_its_owner() {
    let upgrade =
        calldata("upgradeToAndCall(address,bytes)", &[address(UNLISTED), bytes([1, 2, 3, 4])]);
    does(ACCOUNT, 0, &upgrade, &["ownerchange from own to account"]);
    let itself = execute(ACCOUNT, 0, &upgrade);
    does(ACCOUNT, 0, &itself, &["ownerchange from account to account at 0"]);
    let owner = calldata("transferOwnership(address)", &[address(STRANGER)]);
    does(ACCOUNT, 2, &owner, &["ownerchange 2 wei from own to account"]);
    let unknown = calldata("setEverything(uint256)", &[uint(1)]);
    does(ACCOUNT, 0, &unknown, &["unknown from own to account perhaps"]);
}

/// Its code is whatever delegate it has, and no list says which.
#[test]
fn a_call_of_ones_own_key_is_unknown() {
    let data = execute(STRANGER, 3, &[]);
    does(OWN, 0, &data, &["unknown from own to own perhaps"]);
    does(OWN, 5, &[], &["transfer 5 wei from own to own exactly"]);
}

#[test]
fn a_listed_function_is_a_call_with_its_arguments() {
    let data = calldata("claim(address,uint256)", &[address(OWN), uint(5)]);
    does(LISTED, 2, &data, &["call 2 wei from own to listed"]);
    let other = calldata("claim(address)", &[address(OWN)]);
    does(LISTED, 0, &other, &["unknown from own to listed perhaps"]);
}

#[test]
fn the_entry_point_holds_deposits() {
    let deposit = calldata("depositTo(address)", &[address(ACCOUNT)]);
    does(ENTRY_POINT, 5, &deposit, &["transfer 5 wei from own to account"]);
    let withdraw = calldata("withdrawTo(address,uint256)", &[address(STRANGER), uint(4)]);
    does(ENTRY_POINT, 0, &withdraw, &["transfer 4 wei from own to stranger"]);
    does(ENTRY_POINT, 1, &withdraw, &["unknown 1 wei from own to entrypoint perhaps"]);
    let stake = calldata("withdrawStake(address)", &[address(STRANGER)]);
    does(ENTRY_POINT, 0, &stake, &["transfer unlimited wei from own to stranger"]);
    let unlock = calldata("unlockStake()", &[]);
    does(ENTRY_POINT, 0, &unlock, &["unknown from own to entrypoint perhaps"]);
}

/// The innermost call is a transfer `depth` calls deep.
fn nested(depth: usize) -> Result<Vec<String>, Refusal> {
    let transfer = execute(STRANGER, 1, &[]);
    let data = (2..depth).fold(transfer, |data, _| execute(ACCOUNT, 0, &data));
    called(ACCOUNT, 0, &data)
}

#[test]
fn calls_nest_eight_deep() {
    let last = |depth: usize| {
        let path = vec!["0"; depth - 1].join(".");
        vec![format!("transfer 1 wei from account to stranger exactly at {path}")]
    };
    assert_eq!(nested(7).unwrap(), last(7));
    assert_eq!(nested(8).unwrap(), last(8));
    assert_eq!(nested(9), Err(Refusal::CallTooDeep));
}

#[test]
fn a_payload_has_256_effects_with_its_fee() {
    let outcome = |count: usize| {
        let calls = vec![(TOKEN, &[0xff; 4][..]); count];
        called(MULTICALL3, 0, &aggregate3(&calls)).map(|effects| effects.len() + 1)
    };
    assert_eq!(outcome(254), Ok(255));
    assert_eq!(outcome(255), Ok(256));
    assert_eq!(outcome(256), Err(Refusal::EffectsTooMany));
}

#[test]
fn an_unknown_call_hides_nothing_around_it() {
    let data =
        aggregate3(&[(TOKEN, &transfer(1)), (UNLISTED, &[1, 2, 3, 4]), (TOKEN, &transfer(2))]);
    does(
        MULTICALL3,
        0,
        &data,
        &[
            "transfer 1 token from multicall3 to stranger at 0",
            "unknown from multicall3 to unlisted perhaps at 1",
            "transfer 2 token from multicall3 to stranger at 2",
        ],
    );
}

#[test]
fn the_arguments_of_a_call_are_shown_with_names() {
    let bytes = crate::scene::transaction(TOKEN, 0, &transfer(7));
    let intent = crate::scene::intent("evm.transaction", &bytes).unwrap();

    let call = intent.effects()[0].call.clone().unwrap();
    assert_eq!(call.function.as_deref(), Some("transfer(address,uint256)"));
    let names: Vec<_> = call.arguments.iter().map(|argument| argument.name.as_str()).collect();
    assert_eq!(names, ["to", "amount"]);
    assert_eq!(call.arguments[1].type_name, "uint256");
    assert_eq!(call.arguments[1].value, Value::Uint(U256::from(7), 256));
}
