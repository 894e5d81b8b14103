//! A backup: records of a store in one encrypted file, with a header of its own.
//!
//! `"MPCB" ‖ u16 format ‖ u64 exported at, ms ‖ u32 length ‖ header ‖ sealed`, where `sealed` is a record of the
//! layout of [`crate::seal`] around `u32 count ‖ (name ‖ u32 length ‖ plaintext)*`, names ascending.

use std::collections::BTreeMap;

use rand_core::CryptoRngCore;
use tagged_hash::{hash, tags};
use zeroize::Zeroizing;

use crate::reader::{Reader, put_counted};
use crate::sealed::{open_bound, seal_bound};
use crate::{Error, Kek, MAX_RECORD_BYTES, RecordName, VaultHeader};

const MAGIC: [u8; 4] = *b"MPCB";
const FORMAT: u16 = 1;
/// The longest backup file: 64 MiB.
pub const MAX_BACKUP_BYTES: usize = 64 << 20;

/// What a backup file holds. The records are secret and wiped on drop.
pub struct Backup {
    /// When it was exported, in milliseconds.
    pub export_ms: u64,
    /// Plaintext by name.
    pub records: BTreeMap<RecordName, Zeroizing<Vec<u8>>>,
}

/// A file's parts before anything is opened.
struct Parts<'a> {
    export_ms: u64,
    header: VaultHeader,
    associated_data: [u8; 32],
    sealed: &'a [u8],
}

impl Backup {
    /// The file, sealed under the key of `header`, which stands in it. A backup has a header of its own, so that its
    /// password may differ from the store's.
    ///
    /// # Errors
    /// [`Error::OtherKey`] if the key is not the header's; [`Error::TooLong`].
    pub fn write(
        &self,
        header: &VaultHeader,
        kek: &Kek,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, Error> {
        if header.kek_id() != kek.id() {
            return Err(Error::OtherKey);
        }
        let header = header.encode()?;
        let sealed =
            seal_bound(kek, &associated_data(self.export_ms, &header), &self.encode()?, rng)?;
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&FORMAT.to_be_bytes());
        file.extend_from_slice(&self.export_ms.to_be_bytes());
        put_counted(&mut file, &header)?;
        file.extend_from_slice(&sealed);
        if file.len() > MAX_BACKUP_BYTES { Err(Error::TooLong) } else { Ok(file) }
    }

    /// How to unlock a file: nothing of it is checked but its form.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Version`], and those of [`VaultHeader::decode`].
    pub fn header(file: &[u8]) -> Result<VaultHeader, Error> {
        Parts::decode(file).map(|parts| parts.header)
    }

    /// Opens a file with the key that its header unlocks to.
    ///
    /// # Errors
    /// Those of [`Backup::header`]; [`Error::OtherKey`] if the key is not the header's; [`Error::Corrupt`].
    pub fn read(file: &[u8], kek: &Kek) -> Result<Self, Error> {
        let Parts { export_ms, header, associated_data, sealed } = Parts::decode(file)?;
        if header.kek_id() != kek.id() {
            return Err(Error::OtherKey);
        }
        let records = decode_records(&open_bound(kek, &associated_data, sealed)?)?;
        Ok(Self { export_ms, records })
    }

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut names = Vec::with_capacity(self.records.len());
        let mut length = 4_usize;
        for (name, plaintext) in &self.records {
            if plaintext.len() > MAX_RECORD_BYTES {
                return Err(Error::TooLong);
            }
            let mut encoded = Vec::new();
            name.encode_to(&mut encoded)?;
            length = length.saturating_add(encoded.len() + 4 + plaintext.len());
            names.push(encoded);
        }
        if length > MAX_BACKUP_BYTES {
            return Err(Error::TooLong);
        }
        // Reserved whole: a vector that grew would leave plaintext behind.
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        let count = u32::try_from(names.len()).map_err(|_| Error::TooLong)?;
        out.extend_from_slice(&count.to_be_bytes());
        for (name, plaintext) in names.iter().zip(self.records.values()) {
            out.extend_from_slice(name);
            put_counted(&mut out, plaintext)?;
        }
        Ok(out)
    }
}

impl<'a> Parts<'a> {
    fn decode(file: &'a [u8]) -> Result<Self, Error> {
        if file.len() > MAX_BACKUP_BYTES {
            return Err(Error::Unreadable);
        }
        let mut reader = Reader::new(file, &MAGIC, FORMAT)?;
        let (export_ms, header) = (reader.u64()?, reader.counted()?);
        let associated_data = associated_data(export_ms, header);
        Ok(Self {
            export_ms,
            header: VaultHeader::decode(header)?,
            associated_data,
            sealed: reader.rest(),
        })
    }
}

fn associated_data(export_ms: u64, header: &[u8]) -> [u8; 32] {
    hash(tags::BACKUP, &[&FORMAT.to_be_bytes(), &export_ms.to_be_bytes(), header])
}

/// Only whoever has the key can write these bytes, and still they are read as untrusted.
fn decode_records(bytes: &[u8]) -> Result<BTreeMap<RecordName, Zeroizing<Vec<u8>>>, Error> {
    let mut reader = Reader::inner(bytes);
    let mut records = BTreeMap::new();
    for _ in 0..reader.u32()? {
        let name = RecordName::decode_from(&mut reader)?;
        let plaintext = reader.counted()?;
        let ascending = records.last_key_value().is_none_or(|(last, _)| *last < name);
        if !ascending || plaintext.len() > MAX_RECORD_BYTES {
            return Err(Error::Unreadable);
        }
        records.insert(name, Zeroizing::new(plaintext.to_vec()));
    }
    reader.finish()?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `u32 count ‖ records`, each of an index and no more.
    fn records(indices: &[u8], count: u32) -> Vec<u8> {
        let mut bytes = count.to_be_bytes().to_vec();
        for index in indices {
            bytes.extend([&[0; 35][..], &[*index], &[0; 15]].concat());
        }
        bytes
    }

    #[test]
    fn only_one_order_of_records_is_read() {
        let read = |indices: &[u8], count| {
            decode_records(&records(indices, count)).map(|records| records.len())
        };

        assert_eq!(read(&[], 0), Ok(0));
        assert_eq!(read(&[1, 2, 9], 3), Ok(3));
        assert_eq!(read(&[2, 1], 2), Err(Error::Unreadable));
        assert_eq!(read(&[1, 1], 2), Err(Error::Unreadable));
        assert_eq!(read(&[1, 2], 1), Err(Error::Unreadable));
        assert_eq!(read(&[1, 2], 3), Err(Error::Unreadable));
        assert_eq!(read(&[1, 2], u32::MAX), Err(Error::Unreadable));
    }

    proptest! {
        #[test]
        fn any_records_are_refused_or_read_as_themselves(
            indices in prop::collection::vec(0_u8..4, 0..4),
            place: prop::sample::Index,
            mask: u8,
        ) {
            let count = u32::try_from(indices.len()).unwrap();
            let mut bytes = records(&indices, count);
            let place = place.index(bytes.len());
            bytes[place] ^= mask;
            if let Ok(records) = decode_records(&bytes) {
                prop_assert_eq!(&*Backup { export_ms: 0, records }.encode().unwrap(), &bytes);
            }
        }
    }
}
