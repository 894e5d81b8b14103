//! How a state is stored: `checksum 32 ‖ canonical JSON`. The checksum finds damage; against a forger the record is
//! sealed like everything else in the store.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tagged_hash::{Tag, hash};

const CHECKSUM_BYTES: usize = 32;

pub(crate) fn write<T: Serialize>(tag: Tag, fields: &T) -> Vec<u8> {
    match canonical::encode(fields) {
        Some(json) => [&hash(tag, &[&json])[..], &json].concat(),
        None => unreachable!("text in fields with names is JSON"),
    }
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
