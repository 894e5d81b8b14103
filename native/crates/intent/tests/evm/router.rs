//! Universal Router: which plans are a swap, and that all others are unknown.

use intent::{Address, Refusal, U256, Value};

use crate::payloads::OWN;
use crate::scene::{
    COIN, ITEMS, ROUTER, SPENDER, STRANGER, TOKEN, UNLISTED, WETH, address, array, bytes, calldata,
    called, does, tuple, uint,
};

const CALLER: Address = Address::with_last_byte(1);
const ITSELF: Address = Address::with_last_byte(2);
const UNKNOWN: &str = "unknown from own to router perhaps";

fn half() -> U256 {
    U256::ONE << 255
}

fn input(values: &[Value]) -> Value {
    bytes(Value::Tuple(values.to_vec()).abi_encode_params())
}

fn plan(commands: &[(u8, Value)]) -> Vec<u8> {
    let list = bytes(commands.iter().map(|(command, _)| *command).collect::<Vec<_>>());
    let inputs = array(commands.iter().map(|(_, input)| input.clone()));
    calldata("execute(bytes,bytes[],uint256)", &[list, inputs, uint(1_900_000_000)])
}

fn v3(
    command: u8,
    to: Address,
    amount: impl Into<U256>,
    limit: u64,
    path: &[Address],
    payer: bool,
) -> (u8, Value) {
    let path = path.iter().map(|token| token.to_vec()).collect::<Vec<_>>().join(&[0, 1, 0xf4][..]);
    let amount = uint(amount.into());
    (command, input(&[address(to), amount, uint(limit), bytes(path), Value::Bool(payer)]))
}

fn v2(command: u8, to: Address, amount: u64, limit: u64, path: &[Address]) -> (u8, Value) {
    let path = array(path.iter().map(|token| address(*token)));
    (command, input(&[address(to), uint(amount), uint(limit), path, Value::Bool(true)]))
}

fn wrap(to: Address, amount: U256) -> (u8, Value) {
    (0x0b, input(&[address(to), uint(amount)]))
}

fn unwrap(to: Address, minimum: u64) -> (u8, Value) {
    (0x0c, input(&[address(to), uint(minimum)]))
}

fn sweep(token: Address, to: Address, minimum: u64) -> (u8, Value) {
    (0x04, input(&[address(token), address(to), uint(minimum)]))
}

/// 100 of TOKEN for at least 90 of COIN.
fn simple() -> (u8, Value) {
    v3(0x00, CALLER, U256::from(100), 90, &[TOKEN, COIN], true)
}

#[track_caller]
fn swaps(value: u64, commands: &[(u8, Value)], expected: &str) {
    does(ROUTER, value, &plan(commands), &[expected]);
}

#[track_caller]
fn is_unknown(value: u64, commands: &[(u8, Value)]) {
    let expected = match value {
        0 => UNKNOWN.to_owned(),
        value => format!("unknown {value} wei from own to router perhaps"),
    };
    swaps(value, commands, &expected);
}

#[test]
fn a_swap_to_an_own_account_is_one() {
    let expected = "swap 100 token from own to own for ≥90 coin";
    swaps(0, &[simple()], expected);
    swaps(0, &[v3(0x00, OWN, U256::from(100), 90, &[TOKEN, WETH, COIN], true)], expected);
    swaps(0, &[v2(0x08, CALLER, 100, 90, &[TOKEN, COIN])], expected);
    let without_deadline = {
        let (command, input) = simple();
        calldata("execute(bytes,bytes[])", &[bytes([command]), array([input])])
    };
    does(ROUTER, 0, &without_deadline, &[expected]);
}

#[test]
fn an_exact_output_is_paid_up_to_the_limit() {
    let expected = "swap ≤100 token from own to own for ≥90 coin";
    // The path of v3 runs backwards here, the one of v2 does not.
    swaps(0, &[v3(0x01, CALLER, U256::from(90), 100, &[COIN, TOKEN], true)], expected);
    swaps(0, &[v2(0x09, CALLER, 90, 100, &[TOKEN, COIN])], expected);
}

#[test]
fn a_split_route_is_one_swap() {
    let second = v2(0x08, CALLER, 50, 40, &[TOKEN, WETH, COIN]);
    swaps(0, &[simple(), second], "swap 150 token from own to own for ≥130 coin");
}

#[test]
fn a_swap_to_a_stranger_is_unknown() {
    is_unknown(0, &[v3(0x00, STRANGER, U256::from(100), 90, &[TOKEN, COIN], true)]);
    let kept = v3(0x00, ITSELF, U256::from(100), 90, &[TOKEN, COIN], true);
    is_unknown(0, &[kept.clone(), sweep(COIN, STRANGER, 90)]);
}

#[test]
fn wrapped_money_is_spent_entirely() {
    let expected = "swap 100 wei from own to own for ≥90 coin";
    let swap = |amount: U256| v3(0x00, CALLER, amount, 90, &[WETH, COIN], false);
    swaps(100, &[wrap(ITSELF, U256::from(100)), swap(U256::from(100))], expected);
    swaps(100, &[wrap(ITSELF, half()), swap(half())], expected);

    is_unknown(100, &[wrap(ITSELF, U256::from(100)), swap(U256::from(99))]);
    is_unknown(100, &[wrap(ITSELF, U256::from(99)), swap(U256::from(99))]);
    is_unknown(100, &[wrap(CALLER, U256::from(100)), swap(U256::from(100))]);
    is_unknown(0, &[wrap(ITSELF, U256::ZERO), swap(U256::ZERO)]);
    is_unknown(100, &[simple()]);
    let by_caller = v3(0x00, CALLER, U256::from(100), 90, &[WETH, COIN], true);
    is_unknown(100, &[wrap(ITSELF, half()), by_caller]);
    let of_another = v3(0x00, CALLER, U256::from(100), 90, &[TOKEN, COIN], false);
    is_unknown(100, &[wrap(ITSELF, half()), of_another]);
}

#[test]
fn what_an_exact_output_did_not_need_comes_back() {
    let swap = || v3(0x01, CALLER, U256::from(90), 100, &[COIN, WETH], false);
    let expected = "swap ≤100 wei from own to own for ≥90 coin";
    swaps(100, &[wrap(ITSELF, half()), swap(), unwrap(CALLER, 0)], expected);
    is_unknown(100, &[wrap(ITSELF, half()), swap()]);
    is_unknown(100, &[wrap(ITSELF, half()), swap(), unwrap(STRANGER, 0)]);
}

#[test]
fn what_the_router_got_is_swept_or_unwrapped_to_us() {
    let to_coin = || v3(0x00, ITSELF, U256::from(100), 0, &[TOKEN, COIN], true);
    let expected = "swap 100 token from own to own for ≥90 coin";
    swaps(0, &[to_coin(), sweep(COIN, CALLER, 90)], expected);
    is_unknown(0, &[to_coin()]);
    is_unknown(0, &[to_coin(), sweep(TOKEN, CALLER, 90)]);
    is_unknown(0, &[to_coin(), unwrap(CALLER, 90)]);

    let to_weth = || v3(0x00, ITSELF, U256::from(100), 0, &[TOKEN, WETH], true);
    let unwrapped = "swap 100 token from own to own for ≥90 wei";
    swaps(0, &[to_weth(), unwrap(CALLER, 90)], unwrapped);
    is_unknown(0, &[to_weth(), unwrap(STRANGER, 90)]);
    is_unknown(0, &[to_weth(), unwrap(CALLER, 90), sweep(WETH, CALLER, 0)]);
    // It was not given to the router.
    is_unknown(0, &[simple(), unwrap(CALLER, 0)]);
}

#[test]
fn a_permit_in_front_is_listed_with_its_spender() {
    let small = |value: u64, bits| Value::Uint(U256::from(value), bits);
    let permit = |token| {
        let details = tuple([address(token), small(100, 160), small(9, 48), small(0, 48)]);
        let permit = tuple([details, address(SPENDER), uint(1_900_000_000)]);
        (0x0a, input(&[permit, bytes([1; 65])]))
    };
    does(
        ROUTER,
        0,
        &plan(&[permit(TOKEN), simple()]),
        &[
            "permit ≤100 token from own by spender until 9",
            "swap 100 token from own to own for ≥90 coin",
        ],
    );
    is_unknown(0, &[permit(UNLISTED), simple()]);
    is_unknown(0, &[simple(), permit(TOKEN)]);
}

#[test]
fn every_other_plan_is_unknown() {
    let (_, swap) = simple();
    is_unknown(0, &[]);
    // A call that may fail, reserved bits, sub-plans, NFT markets or v4.
    for command in [0x80, 0x40, 0x20, 0x21, 0x10, 0x02, 0x03, 0x05, 0x06, 0x0d, 0x0e, 0xff] {
        is_unknown(0, &[(command, swap.clone())]);
    }
    is_unknown(0, &[simple(), v3(0x00, CALLER, U256::from(1), 1, &[COIN, TOKEN], true)]);
    is_unknown(0, &[v3(0x00, CALLER, U256::from(100), 90, &[TOKEN, TOKEN], true)]);
    is_unknown(0, &[v3(0x00, CALLER, U256::from(100), 90, &[TOKEN], true)]);
    is_unknown(0, &[v3(0x00, CALLER, U256::from(100), 90, &[UNLISTED, COIN], true)]);
    is_unknown(0, &[v3(0x00, CALLER, U256::from(100), 90, &[TOKEN, ITEMS], true)]);
    // The router's balance of something that nobody gave it.
    is_unknown(0, &[v3(0x00, CALLER, half(), 90, &[TOKEN, COIN], true)]);
    is_unknown(0, &[v3(0x00, CALLER, U256::from(100), 90, &[TOKEN, COIN], false)]);
    let two = calldata("execute(bytes,bytes[])", &[bytes([0, 0]), array([swap])]);
    does(ROUTER, 0, &two, &[UNKNOWN]);
}

#[test]
fn inputs_have_one_encoding_too() {
    let (command, input) = simple();
    let Value::Bytes(mut loose) = input else { unreachable!() };
    loose.push(0);
    assert_eq!(
        called(ROUTER, 0, &plan(&[(command, bytes(loose))])),
        Err(Refusal::CalldataNotCanonical)
    );
}
