//! A key-encryption key under another one: what keeps a store readable by either while its records move between them.

use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::{Error, Kek, KekId, RecordName, open, seal};

/// Seals `kek` under another key. Whoever has the other key, now or later, has this one: such a record is for the
/// time of a move, and is erased behind it.
///
/// # Errors
/// As of [`seal`].
pub fn seal_kek(under: &Kek, kek: &Kek, rng: &mut dyn CryptoRngCore) -> Result<Vec<u8>, Error> {
    seal(under, &name(kek.id), &**kek.key, rng)
}

/// The key that [`seal_kek`] sealed; `id` is what the header of its vault says.
///
/// # Errors
/// As of [`open`]; [`Error::Corrupt`] if the record is of a key with another id.
pub fn open_kek(under: &Kek, id: KekId, sealed: &[u8]) -> Result<Kek, Error> {
    let plain = open(under, &name(id), sealed)?;
    let key: &[u8; 32] = plain.as_slice().try_into().map_err(|_| Error::Corrupt)?;
    let mut kek = Kek { key: Box::new(Zeroizing::new([0; 32])), id };
    kek.key.copy_from_slice(key);
    Ok(kek)
}

fn name(KekId(id): KekId) -> RecordName {
    RecordName {
        kind: "kek".to_owned(),
        wallet_id: id,
        key_id: String::new(),
        suite: String::new(),
        index: 0,
        required: 0,
        total: 0,
        group_public_key: Vec::new(),
        epoch: 0,
    }
}
