//! Types, lists, and where the transaction ends.

use intent::Refusal;

use super::{accepted, each, refused};
use crate::encoder::{Item, list, number, text};
use crate::payloads::{TYPES, Type, draft, read};

#[test]
fn only_the_four_types_are_read_and_the_others_refused_by_name() {
    let typed = draft(Type::Eip1559).bytes();
    for transaction_type in 0..0xc0 {
        let mut bytes = typed.clone();
        bytes[0] = transaction_type;
        let reason = match transaction_type {
            0x01 => "item-count", // nine items where its type has eight
            0x02 => continue,
            0x03 => "blob-transaction",
            0x04 => "item-count", // nine where its type has ten
            0x80.. => "not-a-transaction",
            _ => "transaction-type-unknown",
        };
        assert_eq!(read(&bytes).unwrap_err().code(), reason, "{transaction_type:#04x}");
    }
    assert!(read(&typed).is_ok());
}

#[test]
fn a_type_without_a_list_is_refused() {
    for transaction_type in [1, 2] {
        let truncated = Refusal::Truncated { offset: 1 };
        assert_eq!(read(&[transaction_type]), Err(truncated));
        let not_a_list = Refusal::ListExpected { field: "transaction", offset: 1 };
        assert_eq!(read(&[transaction_type, 0x80]), Err(not_a_list));
        assert_eq!(read(&[transaction_type, 0x01]), Err(not_a_list));
    }
}

#[test]
fn a_list_has_exactly_the_items_of_its_type() {
    for (transaction_type, expected, offset) in
        [(Type::Legacy, 9, 0), (Type::Eip2930, 8, 1), (Type::Eip1559, 9, 1)]
    {
        let draft = draft(transaction_type);
        let mut items: Vec<Item> = draft.items.iter().map(|(_, item)| item.clone()).collect();
        items.extend(vec![text([]); 6]);
        for found in 0..items.len() {
            let outcome = read(&draft.bytes_of(items.iter().take(found).cloned()));
            let refusal = match found {
                _ if found == expected => continue,
                6 if transaction_type == Type::Legacy => Refusal::LegacyWithoutChainId,
                _ if transaction_type != Type::Legacy && found == expected + 3 => Refusal::Signed,
                _ => Refusal::ItemCount { expected, found, offset },
            };
            assert_eq!(outcome, Err(refusal), "{transaction_type:?} with {found} items");
        }
        accepted(&draft);
    }
}

#[test]
fn a_legacy_transaction_with_a_signature_is_refused() {
    let draft = draft(Type::Legacy);
    for (r, s) in
        [(vec![1; 32], vec![1; 32]), (vec![1], vec![]), (vec![], vec![1]), (vec![0], vec![])]
    {
        for v in [27, 28, 37, 38, 1] {
            let signed =
                draft.clone().with("chainId", number(v)).with("r", text(&r)).with("s", text(&s));
            refused(&signed, Refusal::Signed);
        }
    }
    accepted(&draft.with("r", text([])).with("s", text([])));
}

#[test]
fn every_beginning_of_a_transaction_is_refused() {
    for transaction_type in TYPES {
        let bytes = draft(transaction_type).bytes();
        for length in 1..bytes.len() {
            let code = read(&bytes[..length]).unwrap_err().code();
            assert_eq!(code, "truncated", "{transaction_type:?} cut to {length} bytes");
        }
    }
}

#[test]
fn nothing_may_follow_a_transaction() {
    for transaction_type in TYPES {
        let bytes = draft(transaction_type).bytes();
        for tail in [&[0x00][..], &[0x80], &[0xc0], &[0xff], &[0; 32], &bytes] {
            let refusal = Refusal::TrailingBytes { offset: bytes.len() };
            assert_eq!(read(&[&bytes, tail].concat()), Err(refusal));
        }
    }
}

#[test]
fn an_item_cannot_reach_past_its_list() {
    for transaction_type in TYPES {
        // The last item claims one byte more than the list has; the byte follows the list.
        let draft = draft(transaction_type);
        let (last, raw) = match transaction_type {
            Type::Legacy => ("s", [0x81]),
            Type::Eip2930 | Type::Eip1559 => ("accessList", [0xc1]),
        };
        let mut bytes = draft.bytes_with_raw(last, &raw);
        let offset = draft.offset(last);
        assert_eq!(read(&bytes), Err(Refusal::Truncated { offset }));
        bytes.push(0xc0);
        assert_eq!(read(&bytes), Err(Refusal::TrailingBytes { offset: bytes.len() - 1 }));
    }
}

#[test]
fn a_string_field_is_not_a_list() {
    let strings = [
        "chainId",
        "nonce",
        "gasPrice",
        "maxPriorityFeePerGas",
        "maxFeePerGas",
        "gas",
        "to",
        "value",
        "data",
        "r",
        "s",
    ];
    for (draft, field) in each(&strings) {
        for item in [list([]), list([text([1])])] {
            let draft = draft.clone().with(field, item);
            let offset = draft.offset(field);
            refused(&draft, Refusal::StringExpected { field, offset });
        }
    }
}
