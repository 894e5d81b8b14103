//! One sealed record: a data key of its own, wrapped by the key-encryption key, and the body under it.
//!
//! `"MPCS" ‖ u16 format ‖ kek id 32 ‖ nonce 24 ‖ wrapped data key 48 ‖ nonce 24 ‖ body ‖ tag 16`

use chacha20poly1305::{AeadInPlace, KeyInit, XChaCha20Poly1305};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::reader::Reader;
use crate::record_name::FORMAT;
use crate::{Error, Kek, KekId, RecordName};

const MAGIC: [u8; 4] = *b"MPCS";
const NONCE: usize = 24;
const TAG: usize = 16;

/// Bytes that sealing adds to a record.
pub const OVERHEAD_BYTES: usize = 4 + 2 + 32 + (NONCE + 32 + TAG) + (NONCE + TAG);
/// The longest record: 16 MiB. A share is about 33 kB.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// Seals a record under a fresh data key and fresh nonces; [`OVERHEAD_BYTES`] longer than `plaintext`.
///
/// # Errors
/// [`Error::TooLong`].
pub fn seal(
    kek: &Kek,
    name: &RecordName,
    plaintext: &[u8],
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, Error> {
    if plaintext.len() > MAX_RECORD_BYTES {
        return Err(Error::TooLong);
    }
    seal_bound(kek, &name.associated_data()?, plaintext, rng)
}

/// Opens a record that was sealed under this key and this name; the plaintext is wiped on drop.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Version`], [`Error::OtherKey`]; [`Error::Corrupt`] if it was changed, or sealed
/// under another name; [`Error::TooLong`] if a field of the name is.
pub fn open(kek: &Kek, name: &RecordName, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if sealed.len() > MAX_RECORD_BYTES + OVERHEAD_BYTES {
        return Err(Error::Unreadable);
    }
    open_bound(kek, &name.associated_data()?, sealed)
}

/// The same record under another key-encryption key: its data key is wrapped anew, its body stays as it is, byte for
/// byte. Whoever has a copy of the old bytes and the old key still reads them.
///
/// # Errors
/// As of [`open`]; what is wrong with the body alone is not noticed here.
pub fn rewrap(
    sealed: &[u8],
    name: &RecordName,
    from: &Kek,
    to: &Kek,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, Error> {
    let associated_data = name.associated_data()?;
    let record = Sealed::decode(sealed)?;
    let data_key = record.unwrap(from, &associated_data)?;
    let mut out = Vec::with_capacity(sealed.len());
    wrap_to(&mut out, to, &associated_data, &data_key, rng)?;
    out.extend_from_slice(&record.body_nonce);
    out.extend_from_slice(record.body);
    Ok(out)
}

/// The key-encryption key that a record asks for: what a store that is being rewrapped chooses by.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Version`].
pub fn kek_id(sealed: &[u8]) -> Result<KekId, Error> {
    Sealed::decode(sealed).map(|record| record.kek_id)
}

/// Seals what `associated_data` stands for.
pub(crate) fn seal_bound(
    kek: &Kek,
    associated_data: &[u8; 32],
    plaintext: &[u8],
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, Error> {
    let mut data_key = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *data_key);
    // Reserved whole: a vector that grew would leave plaintext behind.
    let mut out = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD_BYTES));
    wrap_to(&mut out, kek, associated_data, &data_key, rng)?;
    encrypt_to(&mut out, &data_key, associated_data, plaintext, rng)?;
    Ok(out)
}

pub(crate) fn open_bound(
    kek: &Kek,
    associated_data: &[u8; 32],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let record = Sealed::decode(sealed)?;
    let data_key = record.unwrap(kek, associated_data)?;
    decrypt(&data_key, &record.body_nonce, associated_data, record.body)
}

/// The parts of a sealed record.
struct Sealed<'a> {
    kek_id: KekId,
    key_nonce: [u8; NONCE],
    wrapped_key: [u8; 32 + TAG],
    body_nonce: [u8; NONCE],
    body: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, &MAGIC, FORMAT)?;
        let (kek_id, key_nonce) = (KekId(reader.array()?), reader.array()?);
        let (wrapped_key, body_nonce) = (reader.array()?, reader.array()?);
        let body = reader.rest();
        if body.len() < TAG {
            return Err(Error::Unreadable);
        }
        Ok(Self { kek_id, key_nonce, wrapped_key, body_nonce, body })
    }

    fn unwrap(&self, kek: &Kek, associated_data: &[u8; 32]) -> Result<DataKey, Error> {
        if self.kek_id != kek.id {
            return Err(Error::OtherKey);
        }
        let bound = wrapped_associated_data(associated_data, kek);
        let key = decrypt(&kek.key, &self.key_nonce, &bound, &self.wrapped_key)?;
        let mut data_key = DataKey::default();
        data_key.copy_from_slice(key.get(..32).ok_or(Error::Corrupt)?);
        Ok(data_key)
    }
}

type DataKey = Zeroizing<[u8; 32]>;

/// The record's associated data, and which key wraps: the only place that a rewrapping changes.
fn wrapped_associated_data(associated_data: &[u8; 32], kek: &Kek) -> [u8; 64] {
    let mut bound = [0; 64];
    let (record, id) = bound.split_at_mut(32);
    record.copy_from_slice(associated_data);
    id.copy_from_slice(&kek.id.0);
    bound
}

/// Appends everything before the body.
fn wrap_to(
    out: &mut Vec<u8>,
    kek: &Kek,
    associated_data: &[u8; 32],
    data_key: &[u8; 32],
    rng: &mut dyn CryptoRngCore,
) -> Result<(), Error> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT.to_be_bytes());
    out.extend_from_slice(&kek.id.0);
    encrypt_to(out, &kek.key, &wrapped_associated_data(associated_data, kek), data_key, rng)
}

/// Appends `nonce ‖ ciphertext ‖ tag`, encrypted where it stands.
fn encrypt_to(
    out: &mut Vec<u8>,
    key: &[u8; 32],
    associated_data: &[u8],
    plaintext: &[u8],
    rng: &mut dyn CryptoRngCore,
) -> Result<(), Error> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    out.extend_from_slice(&nonce);
    let start = out.len();
    out.extend_from_slice(plaintext);
    let (_, body) = out.split_at_mut(start);
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_in_place_detached(&nonce.into(), associated_data, body)
        .map_err(|_| Error::TooLong)?;
    out.extend_from_slice(&tag);
    Ok(())
}

fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG>().ok_or(Error::Unreadable)?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_in_place_detached(nonce.into(), associated_data, &mut plaintext, tag.into())
        .map_err(|_| Error::Corrupt)?;
    Ok(plaintext)
}
