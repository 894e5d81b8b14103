//! A sealed record, and the same one changed, moved, or under another key.

use std::collections::BTreeSet;

use vault::{Error, MAX_RECORD_BYTES, OVERHEAD_BYTES, RecordName, kek_id, open, rewrap, seal};

use crate::scene::{flips, identity_name, kek, refused, rng, share_name};

/// Where the parts of a record begin.
const KEK_ID: usize = 6;
const WRAPPED_KEY: usize = KEK_ID + 32;
const BODY: usize = WRAPPED_KEY + 24 + 48;

fn sealed() -> Vec<u8> {
    seal(&kek(1), &share_name(), b"a share", &mut rng(9)).unwrap()
}

#[test]
fn shares_and_records_that_are_none_come_back_under_their_name() {
    for name in [share_name(), identity_name()] {
        for plaintext in [&b""[..], b"a share", &[5; 33_000]] {
            let sealed = seal(&kek(1), &name, plaintext, &mut rng(9)).unwrap();

            assert_eq!(sealed.len(), plaintext.len() + OVERHEAD_BYTES);
            assert_eq!(*open(&kek(1), &name, &sealed).unwrap(), plaintext);
            assert!(plaintext.is_empty() || !sealed.windows(7).any(|seen| seen == b"a share"));
        }
    }
}

#[test]
fn a_record_does_not_open_under_any_other_name() {
    let name = share_name();
    let others = [
        RecordName { kind: "shar".to_owned(), key_id: "eecdsa".to_owned(), ..name.clone() },
        RecordName { kind: "identity".to_owned(), ..name.clone() },
        RecordName { wallet_id: [8; 32], ..name.clone() },
        RecordName { key_id: "ed25519".to_owned(), ..name.clone() },
        RecordName { key_id: String::new(), ..name.clone() },
        RecordName { suite: "frost-ed25519".to_owned(), ..name.clone() },
        RecordName { index: 2, ..name.clone() },
        RecordName { required: 3, ..name.clone() },
        RecordName { total: 2, ..name.clone() },
        RecordName { required: 3, total: 2, ..name.clone() },
        RecordName { group_public_key: [vec![3], vec![9; 32]].concat(), ..name.clone() },
        RecordName { group_public_key: Vec::new(), ..name.clone() },
        RecordName { epoch: 4, ..name.clone() },
        RecordName { epoch: 6, ..name.clone() },
    ];
    for other in others {
        let opened = open(&kek(1), &other, &sealed());
        let moved = rewrap(&sealed(), &other, &kek(1), &kek(2), &mut rng(10));

        assert_eq!(refused(opened), Some(Error::Corrupt), "{other:?}");
        assert_eq!(refused(moved), Some(Error::Corrupt), "{other:?}");
    }
}

#[test]
fn a_changed_byte_has_the_error_of_its_place() {
    for (place, flipped) in flips(&sealed()) {
        let expected = match place {
            0..4 => Error::Unreadable,
            4..KEK_ID => Error::Version,
            KEK_ID..WRAPPED_KEY => Error::OtherKey,
            _ => Error::Corrupt,
        };
        assert_eq!(refused(open(&kek(1), &share_name(), &flipped)), Some(expected), "{place}");
    }
}

#[test]
fn a_record_cut_short_or_drawn_out_does_not_open() {
    let sealed = sealed();
    for length in 0..sealed.len() {
        let expected = if length < OVERHEAD_BYTES { Error::Unreadable } else { Error::Corrupt };
        let opened = open(&kek(1), &share_name(), &sealed[..length]);
        assert_eq!(refused(opened), Some(expected), "{length}");
    }
    let longer = [&sealed[..], &[0]].concat();
    assert_eq!(refused(open(&kek(1), &share_name(), &longer)), Some(Error::Corrupt));
}

#[test]
fn wrapped_key_and_body_of_two_records_do_not_mix() {
    let (first, second) = (sealed(), seal(&kek(1), &share_name(), b"a share", &mut rng(10)));
    let mixed = [&first[..BODY], &second.unwrap()[BODY..]].concat();

    assert_eq!(refused(open(&kek(1), &share_name(), &mixed)), Some(Error::Corrupt));
}

#[test]
fn a_record_under_another_key_says_whose_it_is() {
    assert_eq!(refused(open(&kek(2), &share_name(), &sealed())), Some(Error::OtherKey));
    assert_eq!(kek_id(&sealed()), Ok(kek(1).id()));

    let mut renamed = sealed();
    renamed[KEK_ID..WRAPPED_KEY].copy_from_slice(&kek(2).id().0);
    assert_eq!(refused(open(&kek(2), &share_name(), &renamed)), Some(Error::Corrupt));
}

#[test]
fn rewrapping_leaves_the_body_and_moves_the_record_to_the_new_key() {
    let old = sealed();

    let new = rewrap(&old, &share_name(), &kek(1), &kek(2), &mut rng(10)).unwrap();

    assert_eq!(new[BODY..], old[BODY..]);
    assert_eq!(kek_id(&new), Ok(kek(2).id()));
    assert_eq!(*open(&kek(2), &share_name(), &new).unwrap(), b"a share");
    assert_eq!(refused(open(&kek(1), &share_name(), &new)), Some(Error::OtherKey));
    assert_eq!(*open(&kek(1), &share_name(), &old).unwrap(), b"a share");
}

#[test]
fn rewrapping_again_or_from_another_key_is_refused() {
    let new = rewrap(&sealed(), &share_name(), &kek(1), &kek(2), &mut rng(10)).unwrap();

    let again = rewrap(&new, &share_name(), &kek(1), &kek(2), &mut rng(11));
    let from_another = rewrap(&sealed(), &share_name(), &kek(3), &kek(2), &mut rng(11));

    assert_eq!(refused(again), Some(Error::OtherKey));
    assert_eq!(refused(from_another), Some(Error::OtherKey));
}

#[test]
fn data_keys_and_nonces_are_fresh_each_time() {
    let mut rng = rng(9);
    let records: Vec<_> =
        (0..50).map(|_| seal(&kek(1), &share_name(), b"a share", &mut rng).unwrap()).collect();

    let distinct = |range: core::ops::Range<usize>| {
        records.iter().map(|record| record[range.clone()].to_vec()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(distinct(WRAPPED_KEY..WRAPPED_KEY + 24), 50);
    assert_eq!(distinct(WRAPPED_KEY + 24..BODY), 50);
    assert_eq!(distinct(BODY..BODY + 24), 50);
    assert_eq!(distinct(BODY + 24..BODY + 31), 50);
}

#[test]
fn a_record_has_16_mib_and_a_field_255_bytes_and_no_more() {
    let long = |length| RecordName { key_id: "k".repeat(length), ..share_name() };
    let key = kek(1);

    let largest = seal(&key, &long(255), &vec![1; MAX_RECORD_BYTES], &mut rng(9)).unwrap();

    assert!(open(&key, &long(255), &largest).is_ok());
    let drawn_out = [&largest[..], &[0]].concat();
    assert_eq!(refused(open(&key, &long(255), &drawn_out)), Some(Error::Unreadable));
    let too_long = seal(&key, &long(255), &vec![1; MAX_RECORD_BYTES + 1], &mut rng(9));
    assert_eq!(too_long, Err(Error::TooLong));
    assert_eq!(seal(&key, &long(256), b"", &mut rng(9)), Err(Error::TooLong));
    assert_eq!(refused(open(&key, &long(256), &largest)), Some(Error::TooLong));
}
