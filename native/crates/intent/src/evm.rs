//! Unsigned EVM transactions: their fields, the reader, and what they do.

mod access_list;
mod chain_id;
mod decode;
mod effects;
mod rlp;
mod transaction;

pub use access_list::{AccessListEntry, MAX_ACCESS_LIST_ENTRIES, MAX_STORAGE_KEYS};
pub use chain_id::MAX_CHAIN_ID;
pub use transaction::{MAX_NONCE, Transaction, TransactionType};

use alloy_primitives::keccak256;

use crate::parsed::{Content, Meaning};
use crate::{Payload, Refusal};

/// Reads an unsigned legacy (EIP-155), EIP-2930 or EIP-1559 transaction.
pub(crate) fn read_transaction(payload: &Payload<'_>) -> Result<Meaning, Refusal> {
    let chain_id = chain_id::from_caip2(payload.chain)?;
    let transaction = decode::transaction(payload.bytes, chain_id)?;
    transaction.must_encode_to(payload.bytes)?;
    let effects = effects::of(&transaction)?;
    let digest = keccak256(payload.bytes).0;
    Ok(Meaning { digest, effects, content: Content::EvmTransaction(transaction) })
}
