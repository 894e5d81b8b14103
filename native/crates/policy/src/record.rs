//! How a state is stored: `checksum 32 ‖ canonical JSON`. The checksum finds damage; against a forger the record is
//! sealed like everything else in the store.

use std::collections::BTreeSet;

use canonical::Base64;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tagged_hash::{Tag, hash};

use crate::{Document, Signed};

const CHECKSUM_BYTES: usize = 32;

pub(crate) fn write<T: Serialize>(tag: Tag, fields: &T) -> Vec<u8> {
    let json = canonical(fields);
    [&hash(tag, &[&json])[..], &json].concat()
}

pub(crate) fn read<T: Serialize + DeserializeOwned>(
    tag: Tag,
    bytes: &[u8],
    max_bytes: usize,
) -> Option<T> {
    let (checksum, json) = bytes.split_first_chunk::<CHECKSUM_BYTES>()?;
    if bytes.len() > max_bytes || hash(tag, &[json]) != *checksum {
        return None;
    }
    canonical::decode(json)
}

/// The canonical JSON of a type that JSON can write.
pub(crate) fn canonical<T: Serialize>(fields: &T) -> Vec<u8> {
    match canonical::encode(fields) {
        Some(json) => json,
        None => unreachable!("text in fields with names is JSON"),
    }
}

/// Documents whose signatures verify, at most one of each key.
pub(crate) fn read_signed<D: Document>(encoded: &[Base64]) -> Option<Vec<Signed<D>>> {
    let signed: Vec<Signed<D>> =
        encoded.iter().map(|bytes| Signed::decode(&bytes.0)).collect::<Result<_, _>>().ok()?;
    let keys: BTreeSet<_> = signed.iter().map(Signed::key).collect();
    (keys.len() == signed.len()).then_some(signed)
}
