//! What holds for all bytes, not only for those somebody thought of.

use intent::{Amount, Intent, U256};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::encoder::{Item, integer, list, number, text, unsigned};
use crate::payloads::{CHAIN, Draft, TYPES, Type, draft, read, read_as};

/// What must be true of everything that was read.
fn check(intent: &Intent, bytes: &[u8]) {
    let transaction = intent.transaction().unwrap();
    assert_eq!(unsigned(transaction), bytes, "another encoding of the same fields");
    assert_eq!(intent.bytes(), bytes);
    assert_eq!(intent.digest(), alloy_primitives::keccak256(bytes).0);
    let cost = U256::from(transaction.gas) * transaction.max_fee_per_gas() + transaction.value;
    assert_eq!(leaving(intent), cost, "something is counted twice or not at all");
    serde_json::from_str::<serde_json::Value>(&intent.describe()).unwrap();
}

fn leaving(intent: &Intent) -> U256 {
    let amounts = intent.effects().iter().map(|effect| match effect.amount {
        Amount::Exact(amount) | Amount::UpTo(amount) => amount,
        Amount::Unlimited | Amount::None => U256::ZERO,
    });
    amounts.fold(U256::ZERO, |sum, amount| sum.checked_add(amount).unwrap())
}

/// Big-endian bytes of any length up to `longest`, short ones as likely as long ones.
fn big_endian(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    (0..=longest).prop_flat_map(|length| vec(any::<u8>(), length))
}

fn access_list() -> impl Strategy<Value = Item> {
    let entry = (any::<[u8; 20]>(), vec(any::<[u8; 32]>(), 0..4))
        .prop_map(|(address, keys)| list([text(address), list(keys.iter().map(text))]));
    vec(entry, 0..5).prop_map(list)
}

/// Transactions that must be read: any type, every field over its range.
fn valid() -> impl Strategy<Value = Draft> {
    let recipient = option::weighted(0.8, any::<[u8; 20]>());
    let data = prop_oneof![vec(any::<u8>(), 0..8), vec(any::<u8>(), 0..300)];
    let fees = (big_endian(16), big_endian(16));
    let numbers = (0..u64::MAX, any::<u64>(), big_endian(31));
    (prop::sample::select(&TYPES), numbers, fees, recipient, data, access_list()).prop_map(
        |(transaction_type, (nonce, gas, value), (fee, tip), recipient, mut data, access_list)| {
            if recipient.is_none() {
                data.push(0xfe); // a creation has code
            }
            let mut draft = draft(transaction_type)
                .with_fee(&fee)
                .with("nonce", number(nonce))
                .with("gas", number(gas))
                .with("to", text(recipient.map(Vec::from).unwrap_or_default()))
                .with("value", integer(value))
                .with("data", text(data));
            if draft.has("accessList") {
                draft = draft.with("accessList", access_list);
            }
            if transaction_type == Type::Eip1559 {
                let tip = U256::from_be_slice(&tip).min(U256::from_be_slice(&fee));
                draft = draft.with("maxPriorityFeePerGas", integer(tip.to_be_bytes::<32>()));
            }
            draft
        },
    )
}

#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Repeat(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>();
    let structural = prop::sample::select(vec![
        0x00, 0x01, 0x02, 0x03, 0x7f, 0x80, 0x81, 0x94, 0xa0, 0xb7, 0xb8, 0xb9, 0xbf, 0xc0, 0xc1,
        0xf7, 0xf8, 0xf9, 0xff,
    ]);
    prop_oneof![
        (at.clone(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (at.clone(), structural.clone()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (at.clone(), structural).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        at.clone().prop_map(Mutation::Remove),
        at.clone().prop_map(Mutation::Truncate),
        (at.clone(), at).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match mutation {
        Mutation::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Mutation::Replace(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Insert(at, byte) => bytes.insert(at.index(length), *byte),
        Mutation::Remove(at) => drop(bytes.remove(at.index(length))),
        Mutation::Truncate(at) => bytes.truncate(at.index(length)),
        Mutation::Repeat(from, to) => {
            let (from, to) = (from.index(length), to.index(length));
            let piece = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(to..to, piece);
        }
    }
}

/// Lists and strings without any plan.
fn tree() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![vec(any::<u8>(), 0..2), vec(any::<u8>(), 20), vec(any::<u8>(), 0..60)];
    leaf.prop_map(Item::Text)
        .prop_recursive(3, 40, 10, |inner| vec(inner, 0..10).prop_map(Item::List))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_transaction_of_the_second_encoder_is_read_with_its_fields(draft in valid()) {
        let bytes = draft.bytes();
        let intent = read(&bytes).unwrap();
        check(&intent, &bytes);
    }

    #[test]
    fn a_changed_transaction_is_refused_or_read_for_what_it_now_is(
        draft in valid(),
        mutations in vec(mutation(), 1..4),
    ) {
        let mut bytes = draft.bytes();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        if let Ok(intent) = read(&bytes) {
            check(&intent, &bytes);
        }
    }

    #[test]
    fn lists_without_a_plan_are_refused_or_read_for_what_they_are(
        transaction_type in option::of(0..6u8),
        items in vec(tree(), 0..12),
    ) {
        let mut bytes = Vec::from_iter(transaction_type);
        bytes.extend(list(items).encode());
        if let Ok(intent) = read(&bytes) {
            check(&intent, &bytes);
        }
    }

    #[test]
    fn no_bytes_and_no_names_make_it_panic(
        kind in prop_oneof![Just("evm.transaction".to_owned()), ".*"],
        chain in prop_oneof![Just(CHAIN.to_owned()), "eip155:[0-9]{0,22}", ".*"],
        bytes in vec(any::<u8>(), 0..200),
    ) {
        if let Ok(intent) = read_as(&kind, &chain, &bytes) {
            check(&intent, &bytes);
        }
    }
}

/// Bytes that are near something, for every kind, under a policy that lists something of each.
const KINDS: [&str; 6] = [
    "evm.transaction",
    "evm.authorization",
    "evm.userOperation",
    "evm.message",
    "evm.typedData",
    "evm.hash",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_is_read_is_bounded_and_has_one_fee_if_it_pays_one(
        kind in prop::sample::select(&KINDS),
        items in vec(tree(), 0..12),
        text in option::of(".*"),
    ) {
        let bytes = text.map_or_else(|| list(items).encode(), String::into_bytes);
        if let Ok(intent) = crate::scene::intent(kind, &bytes) {
            prop_assert_eq!(intent.bytes(), &bytes);
            let count = |kind| intent.effects().iter().filter(|effect| effect.kind == kind).count();
            let pays = !intent.gas_limits().is_empty();
            prop_assert_eq!(count(intent::EffectKind::FeeOnly), usize::from(pays));
            prop_assert!(intent.effects().len() <= intent::evm::MAX_EFFECTS);
            serde_json::from_str::<serde_json::Value>(&intent.describe()).unwrap();
        }
    }
}

#[test]
fn every_flipped_bit_changes_the_digest_or_refuses() {
    for transaction_type in TYPES {
        let draft = draft(transaction_type).with("data", text([0xa9; 60]));
        let original = draft.bytes();
        let digest = read(&original).unwrap().digest();
        let mut read_again = 0;
        for bit in 0..original.len() * 8 {
            let mut bytes = original.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(intent) = read(&bytes) {
                check(&intent, &bytes);
                assert_ne!(intent.digest(), digest);
                read_again += 1;
            }
        }
        // Calldata, recipient and most of the numbers may be anything: the test is not empty.
        assert!(read_again > 60 * 8, "{transaction_type:?}: {read_again}");
    }
}
