//! What a yes is for, and for how long it holds.

use intent::{Intent, Own, Payload, Registry, Signer, parse};

use crate::encoder::{list, number, text};
use crate::payloads::{CHAIN, Draft, OWN, TYPES, Type, draft, read};
use crate::scene::{OTHER, STRANGER};

const SIGNER: Signer<'_> = Signer { suite: "ecdsa", key_id: "evm", path: &[60, 1] };

fn intent(draft: &Draft) -> Intent {
    read(&draft.bytes()).unwrap()
}

#[test]
fn nonce_fees_gas_and_access_list_are_not_approved() {
    for transaction_type in TYPES {
        let approved = intent(&draft(transaction_type));
        let mut later = draft(transaction_type)
            .with("nonce", number(77))
            .with("gas", number(50_000))
            .with_fee([3]);
        if later.has("accessList") {
            let entry = list([text([1; 20]), list([text([2; 32])])]);
            later = later.with("accessList", list([entry]));
        }
        let later = intent(&later);

        assert_eq!(approved.content_hash(&SIGNER), later.content_hash(&SIGNER));
        assert_ne!(approved.payload_hash(), later.payload_hash());
        assert!(approved.covers(&later));
    }
}

#[test]
fn everything_else_is() {
    for transaction_type in TYPES {
        let base = || draft(transaction_type).with("data", text([1, 2, 3, 4]));
        let approved = intent(&base());
        for changed in [
            base().with("to", text(STRANGER)),
            base().with("value", number(1)),
            base().with("data", text([1, 2, 3, 5])),
            base().with("data", text([])),
        ] {
            let changed = intent(&changed);
            assert_ne!(approved.content_hash(&SIGNER), changed.content_hash(&SIGNER));
            assert!(!approved.covers(&changed));
        }
    }
    let types =
        TYPES.map(|transaction_type| intent(&draft(transaction_type)).content_hash(&SIGNER));
    assert!(types[0] != types[1] && types[1] != types[2] && types[0] != types[2]);
}

/// Too little gas makes an inner call fail while the rest goes through.
#[test]
fn gas_may_rise_and_never_fall() {
    let at = |gas| intent(&draft(Type::Eip1559).with("gas", number(gas)));
    let approved = at(21_000);
    assert!(!approved.covers(&at(20_999)));
    assert!(approved.covers(&at(21_000)));
    assert!(approved.covers(&at(21_001)));
    assert_eq!(approved.gas_limits(), [intent::U256::from(21_000)]);
}

#[test]
fn a_yes_for_one_account_serves_no_other() {
    let bytes = draft(Type::Eip1559).bytes();
    let of = |account| {
        let payload = Payload { kind: "evm.transaction", chain: CHAIN, bytes: &bytes };
        parse(&payload, &Own::new(account), &Registry::new()).unwrap()
    };
    let (own, other) = (of(OWN), of(OTHER));

    assert_ne!(own.content_hash(&SIGNER), other.content_hash(&SIGNER));
    assert!(!own.covers(&other));
    assert!(!own.excludes(&other));
    for signer in [
        Signer { suite: "frost", ..SIGNER },
        Signer { key_id: "evm2", ..SIGNER },
        Signer { path: &[60], ..SIGNER },
        Signer { path: &[60, 2], ..SIGNER },
    ] {
        assert_ne!(own.content_hash(&SIGNER), own.content_hash(&signer));
    }
}

#[test]
fn a_replacement_excludes_what_it_replaces() {
    let with =
        |nonce, fee: u8| intent(&draft(Type::Eip1559).with("nonce", number(nonce)).with_fee([fee]));
    let first = with(9, 10);
    assert!(first.excludes(&first));
    assert!(first.excludes(&with(9, 20)));
    assert!(!first.excludes(&with(10, 20)));
    // Another content on the same nonce excludes it all the same: that is how one cancels.
    let cancel = intent(&draft(Type::Eip1559).with("to", text(OWN)).with("value", number(0)));
    assert!(first.excludes(&cancel) && !first.covers(&cancel));
}

#[test]
fn messages_have_nothing_that_may_change() {
    let message = |text: &str| crate::scene::intent("evm.message", text.as_bytes()).unwrap();
    let (one, other) = (message("one"), message("other"));
    assert_ne!(one.content_hash(&SIGNER), other.content_hash(&SIGNER));
    assert!(one.covers(&one) && !one.covers(&other));
    assert!(!one.excludes(&other) && one.excludes(&one));
    assert_eq!(one.exclusion(), None);
    assert!(one.gas_limits().is_empty());
}
