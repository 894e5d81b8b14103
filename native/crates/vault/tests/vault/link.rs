//! Keys under other keys.

use vault::{Error, open, open_kek, seal, seal_kek};

use crate::scene::{flips, kek, refused, rng, share_name};

fn link() -> Vec<u8> {
    seal_kek(&kek(1), &kek(2), &mut rng(9)).unwrap()
}

#[test]
fn a_key_comes_back_from_under_another_one_and_opens_its_records() {
    let record = seal(&kek(2), &share_name(), b"a share", &mut rng(10)).unwrap();

    let back = open_kek(&kek(1), kek(2).id(), &link()).unwrap();

    assert_eq!(back.id(), kek(2).id());
    assert_eq!(*open(&back, &share_name(), &record).unwrap(), b"a share");
}

#[test]
fn a_key_is_not_opened_by_another_key_or_as_another_one() {
    assert_eq!(refused(open_kek(&kek(3), kek(2).id(), &link())), Some(Error::OtherKey));
    assert_eq!(refused(open_kek(&kek(1), kek(3).id(), &link())), Some(Error::Corrupt));
}

#[test]
fn a_record_of_another_kind_is_no_key() {
    let record = seal(&kek(1), &share_name(), &[7; 32], &mut rng(10)).unwrap();

    assert_eq!(refused(open_kek(&kek(1), kek(2).id(), &record)), Some(Error::Corrupt));
    assert_eq!(refused(open(&kek(1), &share_name(), &link())), Some(Error::Corrupt));
}

#[test]
fn no_changed_byte_of_it_gives_a_key() {
    for (place, flipped) in flips(&link()) {
        assert!(refused(open_kek(&kek(1), kek(2).id(), &flipped)).is_some(), "{place}");
    }
}
