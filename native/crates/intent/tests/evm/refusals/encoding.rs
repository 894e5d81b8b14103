//! RLP: every value has one encoding.

use intent::Refusal;

use super::{accepted, each};
use crate::encoder::{Item, text};
use crate::payloads::{TYPES, Type, draft, read};

const INTEGERS: [&str; 7] =
    ["chainId", "nonce", "gasPrice", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "value"];

#[track_caller]
fn not_canonical(field: &str, raw: &[u8]) {
    for transaction_type in TYPES {
        let draft = draft(transaction_type);
        let bytes = draft.bytes_with_raw(field, raw);
        let tail = draft.bytes().len() - draft.offset(field) - 1; // the field was one byte
        let offset = bytes.len() - raw.len() - tail;
        assert_eq!(read(&bytes), Err(Refusal::NotCanonical { offset }));
    }
}

#[track_caller]
fn canonical(field: &str, raw: &[u8]) {
    for transaction_type in TYPES {
        let bytes = draft(transaction_type).bytes_with_raw(field, raw);
        assert_eq!(read(&bytes).expect("this must be read").bytes(), bytes);
    }
}

#[test]
fn a_single_byte_has_a_prefix_from_0x80_on() {
    not_canonical("data", &[0x81, 0x00]);
    not_canonical("data", &[0x81, 0x7e]);
    not_canonical("data", &[0x81, 0x7f]);
    canonical("data", &[0x7f]);
    canonical("data", &[0x81, 0x80]);
    canonical("data", &[0x81, 0xff]);
}

#[test]
fn a_string_has_the_long_form_from_56_bytes_on() {
    let long_form = |length: u8| [&[0xb8, length][..], &vec![0xaa; length.into()]].concat();
    not_canonical("data", &long_form(0));
    not_canonical("data", &long_form(54));
    not_canonical("data", &long_form(55));
    canonical("data", &[&[0xb7][..], &[0xaa; 55]].concat());
    canonical("data", &long_form(56));
    canonical("data", &long_form(57));
}

#[test]
fn a_length_has_no_leading_zero() {
    let with_length = |header: &[u8], length| [header, &vec![0xaa; length]].concat();
    canonical("data", &with_length(&[0xb8, 0xff], 255));
    not_canonical("data", &with_length(&[0xb9, 0x00, 0xff], 255));
    canonical("data", &with_length(&[0xb9, 0x01, 0x00], 256));
    not_canonical("data", &with_length(&[0xba, 0x00, 0x01, 0x00], 256));
    not_canonical("data", &with_length(&[0xbf, 0, 0, 0, 0, 0, 0, 1, 0], 256));
}

#[test]
fn the_outer_list_has_one_header() {
    for transaction_type in TYPES {
        let draft = draft(transaction_type);
        let start = usize::from(transaction_type != Type::Legacy);
        let short = draft.bytes();
        assert!(short[start] < 0xf8, "the usual transaction has a short list");
        let contents = &short[start + 1..];
        let length = u8::try_from(contents.len()).unwrap();
        let with_header = |header: &[u8]| [&short[..start], header, contents].concat();

        accepted(&draft);
        let refusal = Err(Refusal::NotCanonical { offset: start });
        assert_eq!(read(&with_header(&[0xf8, length])), refusal);
        assert_eq!(read(&with_header(&[0xf9, 0, length])), refusal);
        assert_eq!(read(&with_header(&[0xff, 0, 0, 0, 0, 0, 0, 0, length])), refusal);
        let all = Err(Refusal::Truncated { offset: start });
        assert_eq!(read(&with_header(&[0xff; 9])), all);
        assert_eq!(read(&with_header(&[&[0xff][..], &[0x7f; 8]].concat())), all);
    }
}

#[test]
fn an_access_list_has_one_header() {
    for transaction_type in [Type::Eip2930, Type::Eip1559] {
        let draft = draft(transaction_type);
        let offset = draft.offset("accessList");
        let refusal = Err(Refusal::NotCanonical { offset });
        assert_eq!(read(&draft.bytes_with_raw("accessList", &[0xf8, 0x00])), refusal);
    }
}

#[test]
fn an_integer_has_no_leading_zero() {
    for (draft, field) in each(&INTEGERS) {
        for raw in [&[0x00][..], &[0x82, 0x00, 0x01], &[0x82, 0x00, 0x80], &[0xa0; 33]] {
            let mut raw = raw.to_vec();
            if raw.len() == 33 {
                raw[1] = 0;
            }
            let bytes = draft.bytes_with_raw(field, &raw);
            let Err(refusal) = read(&bytes) else { panic!("{field} was read from {raw:?}") };
            assert_eq!(refusal.code(), "integer-not-minimal", "{field} {raw:?}");
            let offset = refusal.offset().unwrap();
            assert_eq!(bytes[offset..offset + raw.len()], raw, "{field} is elsewhere");
        }
    }
}

#[test]
fn zero_is_the_empty_string() {
    for (draft, field) in each(&["nonce", "gasPrice", "maxPriorityFeePerGas", "gas", "value"]) {
        assert_eq!(
            draft.bytes_with_raw(field, &[0x80]),
            draft.clone().with(field, text([])).bytes()
        );
        accepted(&draft.with(field, Item::Text(Vec::new())));
    }
}
