use alloy_primitives::{Address, B256};
use alloy_rlp::Encodable;

use super::rlp::Reader;
use super::transaction::encode_list;
use crate::Refusal;

/// The most entries an access list may have. EIP-2930 sets no bound but 2 400 gas for each.
pub const MAX_ACCESS_LIST_ENTRIES: usize = 256;

/// The most storage keys an access list may have, over all its entries, at 1 900 gas each.
pub const MAX_STORAGE_KEYS: usize = 1024;

/// An account whose storage a transaction pays for in advance (EIP-2930). Repetitions are allowed
/// there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessListEntry {
    /// The account.
    pub address: Address,
    /// Slots of its storage.
    pub storage_keys: Vec<B256>,
}

pub(super) fn decode(fields: &mut Reader<'_>) -> Result<Vec<AccessListEntry>, Refusal> {
    let offset = fields.offset();
    let mut items = fields.list("accessList")?;
    let mut entries = Vec::new();
    let mut storage_keys_left = MAX_STORAGE_KEYS;
    while !items.is_empty() {
        if entries.len() == MAX_ACCESS_LIST_ENTRIES {
            return Err(Refusal::AccessListTooLong { offset });
        }
        let entry = decode_entry(&mut items)?;
        storage_keys_left = storage_keys_left
            .checked_sub(entry.storage_keys.len())
            .ok_or(Refusal::AccessListTooLong { offset })?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Reads `[address, [storageKey, …]]`. Items after these are not read, so the rebuilt transaction
/// lacks them and is refused for it.
fn decode_entry(items: &mut Reader<'_>) -> Result<AccessListEntry, Refusal> {
    let mut entry = items.list("accessList entry")?;
    let address = Address::from(entry.array("accessList address")?);
    let mut keys = entry.list("accessList storageKeys")?;
    let mut storage_keys = Vec::new();
    while !keys.is_empty() {
        storage_keys.push(B256::from(keys.array("accessList storageKey")?));
    }
    Ok(AccessListEntry { address, storage_keys })
}

pub(super) fn encode(entries: &[AccessListEntry], out: &mut Vec<u8>) {
    let mut items = Vec::new();
    for AccessListEntry { address, storage_keys } in entries {
        let mut entry = Vec::new();
        address.encode(&mut entry);
        storage_keys.encode(&mut entry);
        encode_list(&entry, &mut items);
    }
    encode_list(&items, out);
}
