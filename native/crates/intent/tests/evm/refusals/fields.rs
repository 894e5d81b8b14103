//! The range of each field, and what fields say about each other.

use intent::{Refusal, U256};

use super::{accepted, each, refused};
use crate::encoder::{integer, number, text};
use crate::payloads::{TYPES, Type, draft};

fn full(value: U256) -> [u8; 32] {
    value.to_be_bytes()
}

#[test]
fn a_nonce_stays_below_the_largest_of_an_account() {
    for (draft, field) in each(&["nonce"]) {
        accepted(&draft.clone().with(field, number(u64::MAX - 2)));
        accepted(&draft.clone().with(field, number(u64::MAX - 1)));
        for above in [integer(u64::MAX.to_be_bytes()), text([1, 0, 0, 0, 0, 0, 0, 0, 0])] {
            let draft = draft.clone().with(field, above);
            let offset = draft.offset(field);
            refused(&draft, Refusal::IntegerOutOfRange { field, offset });
        }
    }
}

#[test]
fn gas_has_64_bits() {
    for (draft, field) in each(&["gas"]) {
        accepted(&draft.clone().with(field, number(u64::MAX - 1)));
        accepted(&draft.clone().with(field, number(u64::MAX)));
        let draft = draft.with(field, text([1, 0, 0, 0, 0, 0, 0, 0, 0]));
        let offset = draft.offset(field);
        refused(&draft, Refusal::IntegerOutOfRange { field, offset });
    }
}

#[test]
fn amounts_have_256_bits() {
    for transaction_type in TYPES {
        // Nothing is paid for gas, or no gas is used, so that only the field itself is at its edge.
        let value = draft(transaction_type).with_fee([]);
        accepted(&value.clone().with("value", integer(full(U256::MAX - U256::ONE))));
        accepted(&value.clone().with("value", integer(full(U256::MAX))));
        let fee = draft(transaction_type).with("gas", number(0));
        accepted(&fee.clone().with_fee(full(U256::MAX - U256::ONE)));
        accepted(&fee.with_fee(full(U256::MAX)));
    }
    let amounts = ["chainId", "value", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"];
    for (draft, field) in each(&amounts) {
        for length in [33, 34, 64] {
            let draft = draft.clone().with(field, text(vec![1; length]));
            let offset = draft.offset(field);
            refused(&draft, Refusal::IntegerOutOfRange { field, offset });
        }
    }
}

#[test]
fn a_priority_fee_is_part_of_the_maximum_fee() {
    let draft = draft(Type::Eip1559).with("maxFeePerGas", number(1000));
    for (priority, is_read) in [(0, true), (999, true), (1000, true), (1001, false)] {
        let draft = draft.clone().with("maxPriorityFeePerGas", number(priority));
        let offset = draft.offset("maxPriorityFeePerGas");
        if is_read {
            accepted(&draft);
        } else {
            refused(&draft, Refusal::PriorityFeeAboveMaxFee { offset });
        }
    }
}

#[test]
fn the_maximum_fee_has_256_bits() {
    for transaction_type in TYPES {
        // gas × fee = 2^256 − 2, and 2^256
        let draft = draft(transaction_type).with("gas", number(2)).with("value", number(0));
        let half = U256::MAX >> 1;
        accepted(&draft.clone().with_fee(full(half - U256::ONE)));
        accepted(&draft.clone().with_fee(full(half)));
        refused(&draft.with_fee(full(half + U256::ONE)), Refusal::CostOverflow);
    }
}

#[test]
fn value_and_maximum_fee_together_have_256_bits() {
    for transaction_type in TYPES {
        let draft = draft(transaction_type).with("gas", number(21_000)).with_fee([10]);
        let rest = U256::MAX - U256::from(210_000);
        accepted(&draft.clone().with("value", integer(full(rest - U256::ONE))));
        accepted(&draft.clone().with("value", integer(full(rest))));
        refused(&draft.with("value", integer(full(rest + U256::ONE))), Refusal::CostOverflow);
    }
}

#[test]
fn a_recipient_has_20_bytes_or_none() {
    for (draft, field) in each(&["to"]) {
        let draft = draft.with("data", text([0xfe]));
        for length in [1, 19, 21, 32] {
            let draft = draft.clone().with(field, text(vec![0xee; length]));
            let offset = draft.offset(field);
            refused(&draft, Refusal::LengthInvalid { field, offset });
        }
        accepted(&draft.clone().with(field, text([])));
        accepted(&draft.with(field, text([0xee; 20])));
    }
}

#[test]
fn a_transaction_without_recipient_carries_code() {
    for (draft, field) in each(&["data"]) {
        let creation = draft.clone().with("to", text([]));
        let offset = creation.offset(field);
        refused(&creation, Refusal::CreationWithoutCode { offset });
        accepted(&creation.with(field, text([0x00])));
        accepted(&draft.with(field, text([])));
    }
}
