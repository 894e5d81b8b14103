//! Calldata has one encoding, and every other one is refused.

use intent::{
    Address, ContractKind, Function, Own, Payload, Refusal, Registry, U256, Value, parse,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::payloads::{CHAIN, OWN};
use crate::scene::{
    ACCOUNT, STRANGER, TOKEN, address, array, bytes, calldata, called, transaction, transfer,
    tuple, uint,
};

#[track_caller]
fn not_canonical(to: Address, data: &[u8]) {
    assert_eq!(called(to, 0, data), Err(Refusal::CalldataNotCanonical));
}

#[test]
fn nothing_may_follow_the_arguments() {
    for extra in [1, 4, 32] {
        not_canonical(TOKEN, &[transfer(7), vec![0; extra]].concat());
    }
}

#[test]
fn no_argument_may_be_missing() {
    let data = transfer(7);
    for length in 4..data.len() {
        not_canonical(TOKEN, &data[..length]);
    }
}

#[test]
fn the_upper_bits_of_an_address_are_zero() {
    for position in 4..16 {
        let mut data = transfer(7);
        data[position] = 1;
        not_canonical(TOKEN, &data);
    }
}

#[test]
fn a_bool_is_zero_or_one() {
    use crate::scene::NFT;
    let function = "setApprovalForAll(address,bool)";
    let mut data = calldata(function, &[address(STRANGER), Value::Bool(true)]);
    data[67] = 2;
    not_canonical(NFT, &data);
    data[67] = 1;
    data[36] = 1;
    not_canonical(NFT, &data);
}

#[test]
fn an_integer_fits_its_type() {
    let function = "approve(address,address,uint160,uint48)";
    let small = |value: u64, bits| Value::Uint(U256::from(value), bits);
    let arguments = [address(TOKEN), address(STRANGER), small(5, 160), small(9, 48)];
    let data = calldata(function, &arguments);
    assert!(called(intent::PERMIT2, 0, &data).is_ok());
    for position in [4 + 64 + 11, 4 + 96 + 25] {
        let mut data = data.clone();
        data[position] = 1;
        not_canonical(intent::PERMIT2, &data);
    }
}

fn execution() -> Vec<u8> {
    calldata("execute(address,uint256,bytes)", &[address(STRANGER), uint(1), bytes([7; 5])])
}

#[test]
fn an_offset_points_to_where_an_encoder_writes() {
    let data = execution();
    assert_eq!(data[4 + 95], 96);
    for offset in [0, 32, 64, 95, 97, 128, 255] {
        let mut data = data.clone();
        data[4 + 95] = offset;
        not_canonical(ACCOUNT, &data);
    }
    // The same bytes, further behind.
    let mut moved = data.clone();
    moved[4 + 95] = 128;
    moved.splice(4 + 96..4 + 96, [0; 32]);
    not_canonical(ACCOUNT, &moved);
}

#[test]
fn padding_is_zero() {
    let data = execution();
    for position in data.len() - 27..data.len() {
        let mut data = data.clone();
        data[position] = 1;
        not_canonical(ACCOUNT, &data);
    }
}

#[test]
fn two_elements_do_not_share_their_bytes() {
    let call = || tuple([address(STRANGER), uint(1), bytes([])]);
    let mut data = calldata("executeBatch((address,uint256,bytes)[])", &[array([call(), call()])]);
    assert!(called(ACCOUNT, 0, &data).is_ok());
    let second = 4 + 32 + 32 + 63;
    data[second] = data[second - 32];
    not_canonical(ACCOUNT, &data);
}

/// A few kilobytes that describe more elements than there are atoms.
#[test]
fn a_long_list_is_as_long_as_its_bytes() {
    let mut data = calldata("multicall(bytes[])", &[array([])]);
    for length in [[0xff; 32], U256::from(1_000_000_000_u64).to_be_bytes()] {
        data.splice(4 + 32..4 + 64, length);
        not_canonical(crate::scene::BATCHING, &data);
    }
}

#[test]
fn inner_calldata_is_held_to_the_same_rules() {
    let loose = [transfer(7), vec![0]].concat();
    let arguments = [address(TOKEN), uint(0), bytes(loose)];
    not_canonical(ACCOUNT, &calldata("execute(address,uint256,bytes)", &arguments));
}

#[test]
fn what_nobody_explains_may_be_anything() {
    for length in 1..70 {
        let effects = called(STRANGER, 0, &vec![0xab; length]).unwrap();
        assert_eq!(effects, ["unknown from own to stranger perhaps"]);
    }
}

/// Types of a listed function, and values of them.
fn typed(depth: u32) -> BoxedStrategy<(String, Value)> {
    let leaf = prop_oneof![
        any::<[u8; 20]>().prop_map(|bytes| ("address".to_owned(), Value::Address(bytes.into()))),
        any::<bool>().prop_map(|value| ("bool".to_owned(), Value::Bool(value))),
        (1..=32usize, any::<[u8; 32]>()).prop_map(|(bytes, word)| {
            let value = U256::from_be_bytes(word) >> (256 - 8 * bytes);
            (format!("uint{}", 8 * bytes), Value::Uint(value, 8 * bytes))
        }),
        any::<i64>().prop_map(|value| {
            ("int64".to_owned(), Value::Int(intent::I256::try_from(value).unwrap(), 64))
        }),
        (1..=32usize, any::<[u8; 32]>()).prop_map(|(size, mut word)| {
            word[size..].fill(0);
            (format!("bytes{size}"), Value::FixedBytes(word.into(), size))
        }),
        vec(any::<u8>(), 0..70).prop_map(|bytes| ("bytes".to_owned(), Value::Bytes(bytes))),
        ".{0,20}".prop_map(|text| ("string".to_owned(), Value::String(text))),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(|members| {
                let (types, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
                (format!("({})", types.join(",")), Value::Tuple(values))
            }),
            (inner.clone(), 0..3usize).prop_map(|((kind, value), length)| {
                (format!("{kind}[]"), Value::Array(vec![value; length]))
            }),
            (inner, 1..3usize).prop_map(|((kind, value), length)| {
                (format!("{kind}[{length}]"), Value::FixedArray(vec![value; length]))
            }),
        ]
    })
    .boxed()
}

/// A policy that lists one function of `STRANGER`, and what a call with `data` is under it.
fn under(function: &Function, data: &[u8]) -> Result<Vec<Value>, Refusal> {
    let mut registry = Registry::new();
    let functions = vec![function.clone()];
    registry.add(1, STRANGER, ContractKind::Other { functions }).unwrap();
    let bytes = transaction(STRANGER, 0, data);
    let payload = Payload { kind: "evm.transaction", chain: CHAIN, bytes: &bytes };
    let intent = parse(&payload, &Own::new(OWN), &registry)?;
    let call = intent.effects()[0].call.clone().unwrap();
    Ok(call.arguments.iter().map(|argument| argument.value.clone()).collect())
}

#[test]
fn every_word_fits_its_type() {
    let outcome = |kind: &str, word: [u8; 32]| {
        let function = Function::parse(&format!("f({kind} x)")).unwrap();
        let data = [&function.selector()[..], &word].concat();
        under(&function, &data).map(|_| ())
    };
    let word = |first: u8, last: u8, at: usize, byte: u8| {
        let mut word = [first; 32];
        word[31] = last;
        word[at] = byte;
        word
    };
    let refused = Err(Refusal::CalldataNotCanonical);

    assert_eq!(outcome("uint8", word(0, 0xff, 31, 0xff)), Ok(()));
    assert_eq!(outcome("uint8", word(0, 0xff, 30, 1)), refused);
    assert_eq!(outcome("uint256", [0xff; 32]), Ok(()));
    assert_eq!(outcome("int8", word(0, 0x7f, 0, 0)), Ok(()));
    assert_eq!(outcome("int8", word(0, 0x80, 0, 0)), refused);
    assert_eq!(outcome("int8", word(0xff, 0x80, 0, 0xff)), Ok(()));
    assert_eq!(outcome("int8", word(0xff, 0x7f, 0, 0xff)), refused);
    assert_eq!(outcome("int256", [0xff; 32]), Ok(()));
    assert_eq!(outcome("bytes4", word(0, 0, 3, 1)), Ok(()));
    assert_eq!(outcome("bytes4", word(0, 0, 4, 1)), refused);
    assert_eq!(outcome("bytes32", [0xff; 32]), Ok(()));
    assert_eq!(outcome("address", word(0, 0, 12, 1)), Ok(()));
    assert_eq!(outcome("address", word(0, 0, 11, 1)), refused);
    assert_eq!(outcome("bool", word(0, 1, 31, 1)), Ok(()));
    assert_eq!(outcome("bool", word(0, 2, 31, 2)), refused);
}

#[test]
fn text_is_utf_8() {
    let function = Function::parse("f(string x)").unwrap();
    let mut data = calldata(function.signature(), &[Value::String("a".to_owned())]);
    assert!(under(&function, &data).is_ok());
    data[4 + 64] = 0xff;
    assert_eq!(under(&function, &data), Err(Refusal::CalldataNotCanonical));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_another_encoder_writes_is_read_as_it_was(members in vec(typed(3), 0..4)) {
        let (types, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        let function = Function::parse(&format!("f({})", types.join(","))).unwrap();
        let data = calldata(function.signature(), &values);
        prop_assert_eq!(under(&function, &data).unwrap(), values);
    }

    #[test]
    fn changed_calldata_is_refused_or_encodes_again_to_itself(
        members in vec(typed(3), 1..4),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let (types, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        let function = Function::parse(&format!("f({})", types.join(","))).unwrap();
        let mut data = calldata(function.signature(), &values);
        prop_assume!(data.len() > 4);
        for (at, byte) in changes {
            let at = 4 + at.index(data.len() - 4);
            data[at] = byte;
        }
        if let Ok(values) = under(&function, &data) {
            prop_assert_eq!(calldata(function.signature(), &values), data);
        }
    }
}
