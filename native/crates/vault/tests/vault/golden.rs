//! Bytes that every later version must keep opening. They were written by the format's first version and change with
//! it alone: a new format gets files of its own beside these.

use std::collections::BTreeMap;

use vault::{Backup, Kdf, VaultHeader, WrappingKey, open, seal};
use zeroize::Zeroizing;

use crate::scene::{PASSWORD, identity_name, rng, share_name};

const KDF: Kdf = Kdf { memory_kib: 8_192, iterations: 2, lanes: 4 };

fn golden(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal.split_whitespace().collect::<String>()).unwrap()
}

fn header() -> Vec<u8> {
    golden(include_str!("../golden/header.hex"))
}

fn wrapped_header() -> Vec<u8> {
    golden(include_str!("../golden/wrapped-header.hex"))
}

fn record() -> Vec<u8> {
    golden(include_str!("../golden/record.hex"))
}

fn backup() -> Vec<u8> {
    golden(include_str!("../golden/backup.hex"))
}

#[test]
fn the_first_versions_header_and_record_open() {
    let kek = VaultHeader::decode(&header()).unwrap().unlock_with_password(PASSWORD).unwrap();

    assert_eq!(*open(&kek, &share_name(), &record()).unwrap(), b"golden share");
}

#[test]
fn the_first_versions_backup_opens() {
    let (header, key) = (Backup::header(&backup()).unwrap(), WrappingKey::from_bytes(&[3; 32]));
    let backup = Backup::read(&backup(), &header.unlock_with_wrapping_key(&key).unwrap()).unwrap();

    assert_eq!(backup.export_ms, 1_764_000_000_000);
    assert_eq!(*backup.records[&share_name()], b"golden share");
    assert_eq!(*backup.records[&identity_name()], b"golden identity");
    assert_eq!(header.encode().unwrap(), wrapped_header());
}

#[test]
fn this_version_writes_the_same_bytes() {
    let mut rng = rng(2_025);
    let (by_password, kek) = VaultHeader::with_password(PASSWORD, KDF, &mut rng).unwrap();
    let sealed = seal(&kek, &share_name(), b"golden share", &mut rng).unwrap();
    let key = WrappingKey::from_bytes(&[3; 32]);
    let (by_key, kek) = VaultHeader::with_wrapping_key(&key, "words", &[], &mut rng).unwrap();
    let records: BTreeMap<_, _> =
        [(share_name(), "golden share"), (identity_name(), "golden identity")]
            .map(|(name, plaintext)| (name, Zeroizing::new(plaintext.as_bytes().to_vec())))
            .into();
    let written = Backup { export_ms: 1_764_000_000_000, records };
    let file = written.write(&by_key, &kek, &mut rng).unwrap();

    assert_eq!(hex::encode(by_password.encode().unwrap()), hex::encode(header()));
    assert_eq!(hex::encode(sealed), hex::encode(record()));
    assert_eq!(hex::encode(by_key.encode().unwrap()), hex::encode(wrapped_header()));
    assert_eq!(hex::encode(file), hex::encode(backup()));
}
