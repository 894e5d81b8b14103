//! What a store and a backup hold, and words on paper.

use std::sync::LazyLock;

use ::vault::{Backup, Kek, RecordName, Unlock, VaultHeader, WrappingKey};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tagged_hash::{hash, tags};

use crate::program::Program;

struct Vault {
    key: WrappingKey,
    header: VaultHeader,
    kek: Kek,
    name: RecordName,
    record: Vec<u8>,
    backup: Vec<u8>,
}

static VAULT: LazyLock<Vault> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let key = WrappingKey::generate(&mut rng);
    let (header, kek) =
        VaultHeader::with_wrapping_key(&key, "keychain", b"wrapped", &mut rng).unwrap();
    let name = RecordName {
        kind: "share".to_owned(),
        wallet_id: [7; 32],
        key_id: "ecdsa".to_owned(),
        suite: "dkls23-secp256k1".to_owned(),
        index: 1,
        required: 2,
        total: 3,
        group_public_key: vec![2; 33],
        epoch: 5,
    };
    let record = ::vault::seal(&kek, &name, b"a share", &mut rng).unwrap();
    let records = [(name.clone(), b"a share".to_vec().into())].into();
    let backup = Backup { export_ms: 9, records }.write(&header, &kek, &mut rng).unwrap();
    Vault { key, header, kek, name, record, backup }
});

/// A header, a record and a backup file; and a program that edits a true header and puts the checksum right.
pub fn vault(data: &[u8]) {
    let Vault { key, header, kek, name, record, backup } = &*VAULT;
    if let Ok(header) = VaultHeader::decode(data) {
        assert_eq!(header.encode().unwrap(), data);
    }
    assert_eq!(::vault::open(kek, name, data).is_ok(), data == record);
    assert_eq!(Backup::read(data, kek).is_ok(), data == backup);
    if let Ok(header) = Backup::header(data) {
        assert!(header.encode().unwrap().len() < data.len());
    }

    let mut bytes = header.encode().unwrap();
    bytes.truncate(bytes.len() - 32);
    let mut program = Program::new(data);
    while program.edit(&mut bytes).is_some() {}
    let checksum = hash(tags::VAULT_HEADER, &[&bytes]);
    bytes.extend(checksum);
    if let Ok(edited) = VaultHeader::decode(&bytes) {
        assert_eq!(edited.encode().unwrap(), bytes);
        match edited.unlock() {
            Unlock::Password(kdf) => assert_eq!(kdf.check(), Ok(())),
            Unlock::WrappingKey { .. } => {
                assert_eq!(edited.unlock_with_wrapping_key(key).is_ok(), edited == *header);
            }
        }
    }
}

pub(crate) fn vault_seeds() -> Vec<Vec<u8>> {
    let Vault { header, record, backup, .. } = &*VAULT;
    vec![header.encode().unwrap(), record.clone(), backup.clone(), vec![0, 2, 0, 6, 1]]
}

static WORDS: LazyLock<[String; 3]> = LazyLock::new(|| {
    let lists = slip39::split(&[7; 32], "", &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    lists.map(|list| list.to_string())
});

/// Lists of SLIP-39 words, a line each: read beside a true one, they give its key or nothing.
pub fn words(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let lists: Vec<_> = text.lines().chain([WORDS[0].as_str()]).collect();
    if let Ok(key) = slip39::combine(&lists, "") {
        assert_eq!(*key, [7; 32]);
    }
}

pub(crate) fn words_seeds() -> Vec<Vec<u8>> {
    WORDS.iter().skip(1).map(|list| list.clone().into_bytes()).collect()
}
