//! The strict front end: one spelling for each value, nothing undeclared, nothing missing.

use intent::evm::{MAX_MEMBERS, MAX_NESTING, MAX_STRUCTS, MAX_TYPES};
use intent::{Domain, Own, Payload, Refusal, parse};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::payloads::{CHAIN, OWN};
use crate::scene::{self, UNLISTED as VERIFIER, registry};
use crate::typed_data::{document, mail, read};

#[track_caller]
fn refused(document: &Value, refusal: Refusal) {
    assert_eq!(read(document).map(|_| ()), Err(refusal));
}

/// A document with one value of one type.
fn one(kind: &str, value: &Value) -> Result<(), Refusal> {
    let encoded = format!("T({kind} x)");
    read(&document(VERIFIER, &[&encoded], json!({ "x": value }))).map(|_| ())
}

#[track_caller]
fn values(kind: &str, accepted: &[Value], refused: &[Value]) {
    for value in accepted {
        assert_eq!(one(kind, value), Ok(()), "{kind} {value}");
    }
    for value in refused {
        assert_eq!(one(kind, value), Err(Refusal::TypedDataValue), "{kind} {value}");
    }
}

#[test]
fn a_document_has_four_keys() {
    for key in ["types", "primaryType", "domain", "message"] {
        let mut missing = mail();
        missing.as_object_mut().unwrap().remove(key);
        refused(&missing, Refusal::TypedDataKeys);
    }
    let mut more = mail();
    more["extra"] = json!(1);
    refused(&more, Refusal::TypedDataKeys);
    for other in [json!([]), json!("{}"), json!(1)] {
        refused(&other, Refusal::TypedDataValue);
    }
}

#[test]
fn keys_are_exactly_the_declared_ones_at_every_level() {
    for path in ["/message", "/message/from", "/domain", "/types/Mail/0"] {
        let mut more = mail();
        more.pointer_mut(path).unwrap()["extra"] = json!("1");
        refused(&more, Refusal::TypedDataKeys);
    }
    for (path, key) in
        [("/message", "contents"), ("/message/to", "name"), ("/types/Person/1", "type")]
    {
        let mut fewer = mail();
        fewer.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(key);
        refused(&fewer, Refusal::TypedDataKeys);
    }
    let mut renamed = mail();
    let contents = renamed["message"].as_object_mut().unwrap().remove("contents").unwrap();
    renamed["message"]["content"] = contents;
    refused(&renamed, Refusal::TypedDataKeys);
}

#[test]
fn a_key_is_there_once() {
    let text = mail().to_string();
    for (once, twice) in [
        (r#""name":"Bob""#, r#""name":"Bob","name":"Eve""#),
        (r#""primaryType":"Mail""#, r#""primaryType":"Mail","primaryType":"Mail""#),
    ] {
        let twice = text.replacen(once, twice, 1);
        assert_ne!(twice, text);
        let outcome = scene::intent("evm.typedData", twice.as_bytes());
        assert_eq!(outcome, Err(Refusal::TypedDataNotJson));
    }
}

#[test]
fn json_is_one_value_of_utf_8() {
    let text = mail().to_string();
    let outcome = |bytes: &[u8]| scene::intent("evm.typedData", bytes).map(|_| ());
    assert_eq!(outcome(text.as_bytes()), Ok(()));
    assert_eq!(outcome(format!(" {text}\n").as_bytes()), Ok(()));
    for broken in [format!("{text}{{}}"), format!("{text},"), text[..text.len() - 1].to_owned()] {
        assert_eq!(outcome(broken.as_bytes()), Err(Refusal::TypedDataNotJson));
    }
    let latin: Vec<u8> = text.replace("Bob!", "B\u{f6}b!").chars().map(|c| c as u8).collect();
    assert_eq!(outcome(&latin), Err(Refusal::TypedDataNotJson));
    let deep = [vec![b'['; 60_000], vec![b']'; 60_000]].concat();
    assert_eq!(outcome(&deep), Err(Refusal::TypedDataNotJson));
}

#[test]
fn a_domain_names_chain_and_contract_unless_it_is_listed() {
    for field in ["chainId", "verifyingContract"] {
        let mut document = mail();
        document["domain"].as_object_mut().unwrap().remove(field);
        refused(&document, Refusal::TypedDataDomain);
    }
    let mut document = mail();
    document["domain"] = json!({ "name": "Login" });
    refused(&document, Refusal::TypedDataDomain);

    let mut registry = registry();
    let domain = Domain { name: Some("Login".to_owned()), ..Domain::default() };
    registry.add_domain(domain).unwrap();
    let text = document.to_string();
    let payload = Payload { kind: "evm.typedData", chain: CHAIN, bytes: text.as_bytes() };
    assert!(parse(&payload, &Own::new(OWN), &registry).is_ok());
}

#[test]
fn a_domain_is_for_the_declared_chain() {
    for other in [
        json!(0),
        json!(2),
        json!("115792089237316195423570985008687907853269984665640564039457584007913129639935"),
    ] {
        let mut document = mail();
        document["domain"]["chainId"] = other;
        refused(&document, Refusal::ChainMismatch { offset: 0 });
    }
    let mut document = mail();
    document["domain"]["chainId"] = json!("1");
    assert!(read(&document).is_ok());
}

#[test]
fn a_declared_domain_is_what_is_hashed() {
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let standard = || {
        vec![
            field("name", "string"),
            field("version", "string"),
            field("chainId", "uint256"),
            field("verifyingContract", "address"),
        ]
    };
    let declared = |fields: Vec<Value>| {
        let mut document = mail();
        document["types"]["EIP712Domain"] = Value::Array(fields);
        read(&document).map(|intent| intent.digest())
    };

    assert_eq!(declared(standard()), read(&mail()).map(|intent| intent.digest()));
    let mut swapped = standard();
    swapped.swap(0, 1);
    let mut fewer = standard();
    fewer.pop();
    let mut more = standard();
    more.push(field("salt", "bytes32"));
    let mut other = standard();
    other[2] = field("chainId", "uint64");
    for fields in [swapped, fewer, more, other, vec![]] {
        assert_eq!(declared(fields), Err(Refusal::TypedDataDomain));
    }
}

#[test]
fn an_integer_is_a_number_or_decimal_digits_within_its_range() {
    values(
        "uint8",
        &[json!(0), json!(255), json!("0"), json!("255")],
        &[
            json!(256),
            json!(300),
            json!("256"),
            json!(-1),
            json!("-1"),
            json!(""),
            json!("01"),
            json!("+1"),
            json!(" 1"),
            json!("0x1"),
            json!("1e1"),
            json!(true),
            json!([1]),
        ],
    );
    values(
        "int8",
        &[json!(127), json!(-128), json!("-128"), json!("127"), json!(0)],
        &[json!(128), json!(-129), json!("128"), json!("-129"), json!("-0"), json!("--1")],
    );
    let most = "57896044618658097711785492504343953926634992332820282019728792003956564819967";
    let least = "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
    let over = "57896044618658097711785492504343953926634992332820282019728792003956564819968";
    values("int256", &[json!(most), json!(least)], &[json!(over)]);
}

#[test]
fn numbers_are_what_every_reader_reads_as_the_same() {
    let largest: i64 = (1 << 53) - 1;
    assert_eq!(one("uint256", &json!(largest - 1)), Ok(()));
    assert_eq!(one("uint256", &json!(largest)), Ok(()));
    assert_eq!(one("uint256", &json!(largest + 1)), Err(Refusal::TypedDataNotJson));
    assert_eq!(one("int256", &json!(-largest)), Ok(()));
    assert_eq!(one("int256", &json!(-largest - 1)), Err(Refusal::TypedDataNotJson));
    for number in [json!(1.0), json!(1.5), json!(1e3), json!(u64::MAX), Value::Null] {
        assert_eq!(one("uint256", &number), Err(Refusal::TypedDataNotJson), "{number}");
    }
}

#[test]
fn every_other_value_has_one_spelling_too() {
    values("bool", &[json!(true), json!(false)], &[json!("true"), json!(1), json!("")]);
    values("string", &[json!(""), json!("a\u{0}b")], &[json!(1), json!(true), json!(["a"])]);
    values(
        "bytes4",
        &[json!("0x01020304"), json!("0x0102030A")],
        &[json!("0x0102030405"), json!("0x010203"), json!("01020304"), json!([1, 2, 3, 4])],
    );
    values(
        "bytes",
        &[json!("0x"), json!("0x01")],
        &[json!(""), json!("0x1"), json!("0xgg"), json!("01"), json!([1]), json!("0X01")],
    );
    values(
        "address",
        &[
            json!("0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826"),
            json!("0xCD2A3D9F938E13CD947EC05ABC7FE734DF8DD826"),
            json!("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
        ],
        &[
            json!("0xcD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
            json!("cd2a3d9f938e13cd947ec05abc7fe734df8dd826"),
            json!("0xcd2a3d9f938e13cd947ec05abc7fe734df8dd8"),
            json!("0xcd2a3d9f938e13cd947ec05abc7fe734df8dd82600"),
            json!(1),
        ],
    );
    values("uint8[]", &[json!([]), json!([1, "2"])], &[json!("[]"), json!([256]), json!({})]);
    values("uint8[2]", &[json!([1, 2])], &[json!([1]), json!([1, 2, 3])]);
    values("uint8[2][]", &[json!([[1, 2], [3, 4]])], &[json!([[1, 2, 3]]), json!([1, 2])]);
}

#[test]
fn a_type_has_the_name_under_which_it_is_hashed() {
    for kind in [
        "uint",
        "int",
        "byte",
        "uint7",
        "uint264",
        "bytes0",
        "bytes33",
        "function",
        "(uint256)",
        "uint256[0]",
        "uint256[01]",
        "uint256[-1]",
        "uint256[",
        "uint256]",
        "uint256[2",
        " uint256",
        "uint256 ",
        "address payable",
        "fixed128x18",
        "Missing",
        "tuple",
        "",
    ] {
        let mut document = document(VERIFIER, &["T(uint256 x)"], json!({ "x": 1 }));
        document["types"]["T"][0]["type"] = json!(kind);
        refused(&document, Refusal::TypedDataTypes);
    }
}

#[test]
fn types_are_used_and_without_cycles() {
    let mut unused = mail();
    unused["types"]["Other"] = json!([{ "name": "x", "type": "uint256" }]);
    refused(&unused, Refusal::TypedDataTypes);
    let mut itself = mail();
    itself["types"]["Person"][0]["type"] = json!("Person");
    refused(&itself, Refusal::TypedDataTypes);
    let mut list_of_itself = mail();
    list_of_itself["types"]["Person"][0]["type"] = json!("Person[]");
    refused(&list_of_itself, Refusal::TypedDataTypes);
    let mut each_other = mail();
    each_other["types"]["Person"][0]["type"] = json!("Mail[]");
    refused(&each_other, Refusal::TypedDataTypes);
    let mut empty = mail();
    empty["types"]["Person"] = json!([]);
    refused(&empty, Refusal::TypedDataTypes);
    let mut missing = mail();
    missing["primaryType"] = json!("Letter");
    refused(&missing, Refusal::TypedDataTypes);
    let mut domain = mail();
    domain["primaryType"] = json!("EIP712Domain");
    refused(&domain, Refusal::TypedDataTypes);
}

#[test]
fn names_are_identifiers_and_no_member_is_there_twice() {
    for name in ["", "1x", "a b", "a,b", "a)", "\u{e4}", &"x".repeat(65)] {
        let mut document = document(VERIFIER, &["T(uint256 x)"], json!({ name: 1 }));
        document["types"]["T"][0]["name"] = json!(name);
        refused(&document, Refusal::TypedDataTypes);
    }
    for name in ["uint256", "address", "bytes4", "bool", "string", "1T", "T)"] {
        let types = json!({ name: [{ "name": "x", "type": "uint256" }] });
        let mut document = document(VERIFIER, &["T(uint256 x)"], json!({ "x": 1 }));
        document["types"] = types;
        document["primaryType"] = json!(name);
        refused(&document, Refusal::TypedDataTypes);
    }
    refused(
        &document(VERIFIER, &["T(uint256 x,uint256 x)"], json!({ "x": 1 })),
        Refusal::TypedDataTypes,
    );
    let longest = "x".repeat(64);
    let encoded = format!("T(uint256 {longest})");
    assert!(read(&document(VERIFIER, &[&encoded], json!({ longest: 1 }))).is_ok());
}

#[test]
fn a_document_is_bounded() {
    let too_complex = Err(Refusal::TypedDataTooComplex);
    let members = |count: usize| {
        let names: Vec<_> = (0..count).map(|number| format!("x{number}")).collect();
        let list: Vec<_> = names.iter().map(|name| format!("bool {name}")).collect();
        let message: Map<_, _> = names.into_iter().map(|name| (name, json!(true))).collect();
        let encoded = format!("T({})", list.join(","));
        read(&document(VERIFIER, &[&encoded], Value::Object(message))).map(|_| ())
    };
    assert_eq!(members(MAX_MEMBERS - 1), Ok(()));
    assert_eq!(members(MAX_MEMBERS), Ok(()));
    assert_eq!(members(MAX_MEMBERS + 1), too_complex);

    let types = |count: usize| {
        let mut document = document(VERIFIER, &["T0(bool x)"], json!({ "x": true }));
        let names: Vec<_> = (1..count).map(|number| format!("T{number}")).collect();
        let mut message = Map::from_iter([("x".to_owned(), json!(true))]);
        for name in names {
            let member = json!({ "name": name, "type": name });
            document["types"]["T0"].as_array_mut().unwrap().push(member);
            document["types"][&name] = json!([{ "name": "x", "type": "bool" }]);
            message.insert(name, json!({ "x": true }));
        }
        document["message"] = Value::Object(message);
        read(&document).map(|_| ())
    };
    assert_eq!(types(MAX_TYPES - 1), Ok(()));
    assert_eq!(types(MAX_TYPES), Ok(()));
    assert_eq!(types(MAX_TYPES + 1), too_complex);

    let structs = |count: usize| {
        let list = vec![json!({ "x": true }); count - 1];
        let encoded = ["T(S[] list)", "S(bool x)"];
        read(&document(VERIFIER, &encoded, json!({ "list": list }))).map(|_| ())
    };
    assert_eq!(structs(MAX_STRUCTS - 1), Ok(()));
    assert_eq!(structs(MAX_STRUCTS), Ok(()));
    assert_eq!(structs(MAX_STRUCTS + 1), too_complex);

    let nesting = |levels: usize| {
        let lists = levels - 2; // the struct, and what is in the innermost list
        let value = (0..lists).fold(json!(true), |value, _| json!([value]));
        let kind = format!("bool{}", "[]".repeat(lists));
        one(&kind, &value)
    };
    assert_eq!(nesting(MAX_NESTING - 1), Ok(()));
    assert_eq!(nesting(MAX_NESTING), Ok(()));
    assert_eq!(nesting(MAX_NESTING + 1), too_complex);
}

/// Each type names the next one twice: written out, there would be 2^60 values.
#[test]
fn types_that_multiply_cost_no_more_than_their_text() {
    let mut document = document(VERIFIER, &["T0(T1 a,T1 b)"], json!({}));
    for number in 1..60 {
        let next = format!("T{}", number + 1);
        let kind = if number == 59 { "bool" } else { next.as_str() };
        let members = json!([{ "name": "a", "type": kind }, { "name": "b", "type": kind }]);
        document["types"][format!("T{number}")] = members;
    }
    refused(&document, Refusal::TypedDataKeys);
}

#[test]
fn every_flipped_bit_changes_the_digest_or_refuses() {
    let text = mail().to_string();
    let digest = read(&mail()).unwrap().digest();
    let mut read_again = 0;
    for bit in 0..text.len() * 8 {
        let mut bytes = text.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(intent) = scene::intent("evm.typedData", &bytes) {
            // Addresses are the same in capital letters if all of them are; these are not.
            assert_ne!(intent.digest(), digest, "bit {bit}");
            read_again += 1;
        }
    }
    assert!(read_again > 100, "{read_again}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_document_makes_it_panic(text in ".{0,200}", at in any::<prop::sample::Index>()) {
        let mut bytes = mail().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes.splice(at..at, text.into_bytes());
        let _ = scene::intent("evm.typedData", &bytes);
    }
}
