//! A backup file, and the same one in other hands.

use std::collections::BTreeMap;

use vault::{Backup, Error, MAX_RECORD_BYTES, RecordName, VaultHeader};
use zeroize::Zeroizing;

use crate::scene::{
    PASSWORD, flips, identity_name, kek, password_vault, refused, rng, share_name, wrapped_vault,
    wrapping_key,
};

const EXPORT_MS: u64 = 1_764_000_000_000;
const HEADER_AT: usize = 18;

fn records() -> BTreeMap<RecordName, Zeroizing<Vec<u8>>> {
    let earlier = RecordName { epoch: 4, ..share_name() };
    [(share_name(), "a share"), (identity_name(), "an identity"), (earlier, "")]
        .map(|(name, plaintext)| (name, Zeroizing::new(plaintext.as_bytes().to_vec())))
        .into()
}

fn file() -> Vec<u8> {
    let (header, kek) = wrapped_vault();
    let backup = Backup { export_ms: EXPORT_MS, records: records() };
    backup.write(&header, &kek, &mut rng(9)).unwrap()
}

#[test]
fn a_backup_comes_back_whole_with_its_password() {
    let (header, kek) = password_vault();
    let backup = Backup { export_ms: EXPORT_MS, records: records() };
    let file = backup.write(&header, &kek, &mut rng(9)).unwrap();

    let unlocked = Backup::header(&file).unwrap().unlock_with_password(PASSWORD).unwrap();
    let read = Backup::read(&file, &unlocked).unwrap();

    assert_eq!(read.export_ms, EXPORT_MS);
    assert!(read.records == records());
    assert!(!file.windows(7).any(|seen| seen == b"a share" || seen == b"identit"));
}

#[test]
fn a_backup_comes_back_with_its_wrapping_key() {
    let file = file();

    let header = Backup::header(&file).unwrap();
    let read = Backup::read(&file, &header.unlock_with_wrapping_key(&wrapping_key()).unwrap());

    assert!(read.unwrap().records == records());
}

#[test]
fn an_empty_backup_is_one() {
    let (header, kek) = wrapped_vault();
    let empty = Backup { export_ms: 0, records: BTreeMap::new() };

    let file = empty.write(&header, &kek, &mut rng(9)).unwrap();

    assert!(Backup::read(&file, &kek).unwrap().records.is_empty());
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let (file, kek) = (file(), wrapped_vault().1);
    let sealed_at = HEADER_AT + wrapped_vault().0.encode().unwrap().len();
    for (place, flipped) in flips(&file) {
        let error = refused(Backup::read(&flipped, &kek)).unwrap();
        let expected: &[Error] = match place.wrapping_sub(sealed_at) {
            0..4 => &[Error::Unreadable],
            4..6 => &[Error::Version],
            6..38 => &[Error::OtherKey],
            _ if place >= sealed_at => &[Error::Corrupt],
            _ => match place {
                0..4 => &[Error::Unreadable],
                4..6 => &[Error::Version],
                6..14 => &[Error::Corrupt],
                14..HEADER_AT => &[Error::Unreadable],
                _ => &[Error::Unreadable, Error::Version, Error::Corrupt],
            },
        };
        assert!(expected.contains(&error), "{place}: {error:?}");
    }
}

#[test]
fn a_file_cut_short_or_drawn_out_does_not_open() {
    let (file, kek) = (file(), wrapped_vault().1);
    for length in 0..file.len() {
        let error = refused(Backup::read(&file[..length], &kek)).unwrap();
        assert!([Error::Unreadable, Error::Corrupt].contains(&error), "{length}: {error:?}");
    }
    let longer = [&file[..], &[0]].concat();
    assert_eq!(refused(Backup::read(&longer, &kek)), Some(Error::Corrupt));
}

#[test]
fn a_backup_under_another_key_is_neither_written_nor_read() {
    let backup = Backup { export_ms: EXPORT_MS, records: records() };

    let written = backup.write(&wrapped_vault().0, &kek(5), &mut rng(9));

    assert_eq!(refused(written), Some(Error::OtherKey));
    assert_eq!(refused(Backup::read(&file(), &kek(5))), Some(Error::OtherKey));
}

#[test]
fn the_header_of_another_vault_does_not_open_a_backup() {
    let (file, other) = (file(), password_vault());
    let own = wrapped_vault().0.encode().unwrap();
    let header: VaultHeader = other.0;
    let encoded = header.encode().unwrap();
    let length = u32::try_from(encoded.len()).unwrap().to_be_bytes();
    let swapped = [&file[..14], &length, &encoded, &file[18 + own.len()..]].concat();

    assert_eq!(refused(Backup::read(&swapped, &other.1)), Some(Error::OtherKey));
}

#[test]
fn a_backup_that_nothing_could_read_back_is_not_written() {
    let (header, kek) = wrapped_vault();
    let write = |name: RecordName, length: usize, copies: u64| {
        let records = (0..copies)
            .map(|epoch| (RecordName { epoch, ..name.clone() }, Zeroizing::new(vec![1; length])))
            .collect();
        let file = Backup { export_ms: 0, records }.write(&header, &kek, &mut rng(9));
        file.map(|file| Backup::read(&file, &kek).is_ok())
    };
    let long = RecordName { suite: "s".repeat(256), ..share_name() };

    assert_eq!(write(share_name(), MAX_RECORD_BYTES, 1), Ok(true));
    assert_eq!(write(share_name(), MAX_RECORD_BYTES + 1, 1), Err(Error::TooLong));
    assert_eq!(write(share_name(), MAX_RECORD_BYTES, 4), Err(Error::TooLong));
    assert_eq!(write(long, 1, 1), Err(Error::TooLong));
}
