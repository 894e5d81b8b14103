//! What a ledger stores, and what it does not take for its own.

use policy::Refusal;
use policy::ledger::{Ledger, LedgerLimits, RecordId, Spending};
use tagged_hash::tags;

use crate::books::{Books, USDC, exposure, item, payment, request, spend};
use crate::forgeries::{names, sealed, unsealed};
use crate::persons::NOW_MS;

/// A ledger with every kind of record and every optional field.
fn full() -> Books {
    let mut books = Books::new();
    books.reserve(&payment(1, 10), NOW_MS).unwrap();
    books.landed(1, 1, NOW_MS + 1).unwrap();
    let allowance = item(2, None, vec![exposure(USDC, 20, Some(NOW_MS + 9))]);
    let mut reservation = request(2, vec![allowance, item(3, Some(3), vec![spend(USDC, 5)])]);
    reservation.principal = Some([7; 32]);
    books.reserve(&reservation, NOW_MS).unwrap();
    books.landed(2, 2, NOW_MS + 2).unwrap();
    books.revoked(2, 2, NOW_MS + 3).unwrap();
    books.wait(4, vec![spend(USDC, 30)]).unwrap();
    books
}

fn load<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Result<(), Refusal> {
    Ledger::load(LedgerLimits::default(), records).map(drop)
}

/// Loads the store with one record in another form.
fn with(books: &Books, id: &RecordId, bytes: &[u8]) -> Result<(), Refusal> {
    let others = books.store.iter().filter(|(other, _)| *other != id);
    load(others.map(|(_, bytes)| &bytes[..]).chain([bytes]))
}

#[test]
fn every_record_is_canonical_and_read_whole_or_damaged() {
    let books = full();
    assert_eq!(books.store.len(), 5);
    for (id, bytes) in &books.store {
        assert!(names(&unsealed(bytes)).is_sorted());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(with(&books, id, &changed), Err(Refusal::Damaged));
            assert_eq!(with(&books, id, &bytes[..at]), Err(Refusal::Damaged));
        }
        assert_eq!(with(&books, id, &[&bytes[..], b" "].concat()), Err(Refusal::Damaged));
    }
}

#[test]
fn a_record_that_contradicts_itself_is_damaged_even_under_a_true_checksum() {
    let books = full();
    let cases = [
        (RecordId::Request([1; 32]), "\"state\":\"signed\"", "\"state\":\"reserved\"", true),
        (RecordId::Request([1; 32]), "\"shareLeft\":true", "\"shareLeft\":false", false),
        (RecordId::Request([1; 32]), "\"kind\":\"spend\"", "\"kind\":\"gift\"", false),
        (RecordId::Request([1; 32]), "\"amount\":\"10\"", "\"amount\":\"010\"", false),
        (RecordId::Request([1; 32]), "\"amount\":\"10\"", "\"amount\":\"-1\"", false),
        (RecordId::Request([1; 32]), "\"asset\":\"eip", "\"asset\":\" eip", false),
        (RecordId::Request([1; 32]), "\"first\":\"1", "\"first\":\"x", false),
        (RecordId::Request([1; 32]), "\"digest\":\"AQEB", "\"digest\":\"AgEB", false),
        (RecordId::Request([1; 32]), "spending@1", "spending@2", false),
        (RecordId::Request([1; 32]), "\"request\":{", "\"request\":{\"zone\":1,", false),
        (RecordId::Request([2; 32]), "\"kind\":\"exposure\"", "\"kind\":\"spend\"", false),
        (RecordId::Request([2; 32]), "\"digest\":\"AwMD", "\"digest\":\"AgMD", true),
        (
            RecordId::Request([2; 32]),
            "\"landed\":{\"at\":\"1800000000002\",\"digest\":\"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\"},",
            "",
            false,
        ),
        (RecordId::Request([2; 32]), "\"principal\":\"Bw", "\"principal\":\"BwBw", false),
        (RecordId::Waiting([4; 32]), "\"amount\":\"30\"", "\"amount\":\"\"", false),
        (RecordId::State, "\"requests\":\"2\"", "\"requests\":\"3\"", true),
        (RecordId::State, "\"requests\":\"2\"", "\"requests\":\"1\"", true),
        (RecordId::State, "\"limitsFull\":false", "\"limitsFull\":0", false),
        (
            RecordId::State,
            "\"state\":{",
            "\"recipient\":{\"firstPaid\":\"1\",\"recipient\":\"x\"},\"state\":{",
            false,
        ),
    ];
    for (id, from, to, expected) in cases {
        let json = unsealed(&books.store[&id]);
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json, "{from}");
        let result = with(&books, &id, &sealed(tags::SPENDING, &changed));
        assert_eq!(result.is_ok(), expected, "{from} {to} {result:?}");
    }
    let id = RecordId::Request([2; 32]);
    let json = unsealed(&books.store[&id]);
    let twice = json.replace(
        "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM\",\"reservedAt",
        "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\",\"reservedAt",
    );
    assert_ne!(twice, json);
    assert_eq!(with(&books, &id, &sealed(tags::SPENDING, &twice)), Err(Refusal::Damaged));
    let nothing = sealed(tags::SPENDING, "{\"schema\":\"mpc-wallet/spending@1\"}");
    assert_eq!(with(&books, &RecordId::Waiting([4; 32]), &nothing), Err(Refusal::Damaged));
}

#[test]
fn a_record_that_is_missing_or_stands_twice_is_noticed() {
    let books = full();
    let all = || books.store.values().map(Vec::as_slice);
    assert_eq!(load(all()), Ok(()));
    assert_eq!(load([]), Err(Refusal::Damaged));
    for (id, bytes) in &books.store {
        assert_eq!(load(all().chain([&bytes[..]])), Err(Refusal::Damaged), "{id:?}");
        let without = books.store.iter().filter(|(other, _)| *other != id);
        let result = load(without.map(|(_, bytes)| &bytes[..]));
        assert_eq!(result.is_err(), *id == RecordId::State, "{id:?}");
        let without = books.store.iter().filter(|(other, _)| *other != id);
        let records = without.map(|(_, bytes)| &bytes[..]);
        if let Ok((ledger, _)) = Ledger::load(LedgerLimits::default(), records) {
            let is_counted = matches!(id, RecordId::Request(_));
            assert_eq!(ledger.limits_full(), is_counted, "{id:?}");
        }
    }
}

/// A removal that was not written leaves a request that goes on counting.
#[test]
fn more_requests_than_the_state_counts_are_read_and_count() {
    let books = full();
    let fewer = unsealed(&books.store[&RecordId::State]).replacen(
        "\"requests\":\"2\"",
        "\"requests\":\"1\"",
        1,
    );
    let state = sealed(tags::SPENDING, &fewer);
    let others = books.store.iter().filter(|(id, _)| **id != RecordId::State);
    let records = others.map(|(_, bytes)| &bytes[..]).chain([&state[..]]);

    let (ledger, _) = Ledger::load(LedgerLimits::default(), records).unwrap();

    assert_eq!((ledger.len(), ledger.limits_full()), (2, false));
}

#[test]
fn a_ledger_that_was_killed_at_any_moment_counts_what_its_store_says() {
    let mut books = full();
    let before = (books.spent(0), books.spent(NOW_MS + 2), books.ledger.len());
    for _ in 0..2 {
        books.killed();
        let after = (books.spent(0), books.spent(NOW_MS + 2), books.ledger.len());
        assert_eq!(after, before, "a share may have left for what was only reserved");
    }
}
