//! What is asked, before the bytes are looked at.

use intent::evm::MAX_CHAIN_ID;
use intent::{MAX_PAYLOAD, Refusal};

use super::{accepted, each, refused};
use crate::encoder::{number, text};
use crate::payloads::{CHAIN, TYPES, Type, draft, read_as};

const KINDS: [&str; 6] = [
    "evm.transaction",
    "evm.authorization",
    "evm.userOperation",
    "evm.message",
    "evm.typedData",
    "evm.hash",
];

#[test]
fn an_unknown_kind_is_refused() {
    let bytes = draft(Type::Eip1559).bytes();
    for kind in
        ["", "evm", "evm.transactio", "evm.transactions", "EVM.transaction", "evm.typeddata"]
    {
        assert_eq!(read_as(kind, CHAIN, &bytes), Err(Refusal::KindUnknown), "{kind}");
    }
}

#[test]
fn a_chain_has_one_spelling() {
    let bytes = draft(Type::Eip1559).bytes();
    let spellings = [
        "",
        "1",
        "eip155",
        "eip155:",
        "eip155:0",
        "eip155:01",
        "eip155:+1",
        "eip155:-1",
        "eip155: 1",
        "eip155:1 ",
        "eip155:0x1",
        "EIP155:1",
        "eip155:1:1",
        "eip155:１",
        "eip155:18446744073709551617",
        "bip122:1",
        "solana:1",
    ];
    for chain in spellings {
        for kind in KINDS {
            assert_eq!(read_as(kind, chain, &bytes), Err(Refusal::ChainInvalid), "{kind} {chain}");
        }
    }
}

#[test]
fn a_chain_id_goes_up_to_the_bound_of_eip_2294() {
    for transaction_type in TYPES {
        let outcome = |id| {
            let bytes = draft(transaction_type).with("chainId", number(id)).bytes();
            let chain = format!("eip155:{id}");
            read_as("evm.transaction", &chain, &bytes)
                .map(|intent| intent.transaction().unwrap().chain_id)
        };

        assert_eq!(outcome(MAX_CHAIN_ID - 1), Ok(MAX_CHAIN_ID - 1));
        assert_eq!(outcome(MAX_CHAIN_ID), Ok(MAX_CHAIN_ID));
        assert_eq!(outcome(MAX_CHAIN_ID + 1), Err(Refusal::ChainInvalid));
    }
}

#[test]
fn the_chain_in_the_bytes_is_the_declared_one() {
    for (draft, field) in each(&["chainId"]) {
        for other in [0, 2, 0x101, u64::MAX] {
            let draft = draft.clone().with(field, number(other));
            let offset = draft.offset(field);
            refused(&draft, Refusal::ChainMismatch { offset });
        }
        accepted(&draft.with(field, number(1)));
    }
}

#[test]
fn a_payload_has_at_most_128_kib() {
    for transaction_type in TYPES {
        let filled = |length| draft(transaction_type).with("data", text(vec![0; length]));
        let room = 2 * 100_000 - filled(100_000).bytes().len() + MAX_PAYLOAD - 100_000;

        assert_eq!(filled(room).bytes().len(), MAX_PAYLOAD);
        accepted(&filled(room - 1));
        accepted(&filled(room));
        refused(&filled(room + 1), Refusal::PayloadTooLarge);
    }
    for kind in KINDS {
        let outcome = read_as(kind, CHAIN, &vec![b'x'; MAX_PAYLOAD + 1]);
        assert_eq!(outcome, Err(Refusal::PayloadTooLarge), "{kind}");
    }
    assert!(read_as("evm.message", CHAIN, &vec![b'x'; MAX_PAYLOAD]).is_ok());
}

#[test]
fn an_empty_payload_is_refused() {
    for kind in KINDS {
        assert_eq!(read_as(kind, CHAIN, &[]), Err(Refusal::PayloadEmpty), "{kind}");
    }
}
