//! A vault with a record in it, always the same one.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use vault::{Error, Kdf, Kek, RecordName, VaultHeader, WrappingKey};

pub(crate) const PASSWORD: &[u8] = b"correct horse battery staple";
/// The least that the limits allow: some milliseconds.
pub(crate) const KDF: Kdf = Kdf { memory_kib: 8_192, iterations: 1, lanes: 1 };

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn password_vault() -> (VaultHeader, Kek) {
    VaultHeader::with_password(PASSWORD, KDF, &mut rng(1)).unwrap()
}

pub(crate) fn wrapping_key() -> WrappingKey {
    WrappingKey::generate(&mut rng(2))
}

pub(crate) fn wrapped_vault() -> (VaultHeader, Kek) {
    let wrapped = b"what the keychain made of it";
    VaultHeader::with_wrapping_key(&wrapping_key(), "keychain", wrapped, &mut rng(3)).unwrap()
}

/// A key of a vault of its own.
pub(crate) fn kek(seed: u64) -> Kek {
    let key = WrappingKey::generate(&mut rng(seed));
    VaultHeader::with_wrapping_key(&key, "test", &[], &mut rng(seed)).unwrap().1
}

pub(crate) fn share_name() -> RecordName {
    RecordName {
        kind: "share".to_owned(),
        wallet_id: [7; 32],
        key_id: "ecdsa".to_owned(),
        suite: "dkls23-secp256k1".to_owned(),
        index: 1,
        required: 2,
        total: 3,
        group_public_key: [vec![2], vec![9; 32]].concat(),
        epoch: 5,
    }
}

/// A record that is no share.
pub(crate) fn identity_name() -> RecordName {
    RecordName {
        kind: "identity".to_owned(),
        wallet_id: [0; 32],
        key_id: String::new(),
        suite: String::new(),
        index: 0,
        required: 0,
        total: 0,
        group_public_key: Vec::new(),
        epoch: 0,
    }
}

/// The error, of results whose values are secret and have no `Debug`.
pub(crate) fn refused<T>(result: Result<T, Error>) -> Option<Error> {
    result.err()
}

/// One byte changed, at every place and in several ways.
pub(crate) fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).flat_map(move |place| {
        [1, 0x80, 0xff].map(|mask| {
            let mut flipped = bytes.to_vec();
            flipped[place] ^= mask;
            (place, flipped)
        })
    })
}
