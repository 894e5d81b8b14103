use alloy_primitives::{Address, U256};

use super::access_list;
use super::authorization;
use super::rlp::{Reader, Text};
use super::transaction::{EIP1559, EIP2930, EIP7702, MAX_NONCE, Transaction, TransactionType};
use crate::Refusal;

/// What the fields of a signature add to the list of a typed transaction.
const SIGNATURE_ITEMS: usize = 3;

/// Reads the unsigned bytes of a transaction for the chain `declared` (EIP-2718).
pub(super) fn transaction(bytes: &[u8], declared: u64) -> Result<Transaction, Refusal> {
    match *bytes.first().ok_or(Refusal::PayloadEmpty)? {
        EIP2930 => eip2930(items(bytes, 1)?, declared),
        EIP1559 => eip1559(items(bytes, 1)?, declared),
        0x03 => Err(Refusal::BlobTransaction),
        EIP7702 => eip7702(items(bytes, 1)?, declared),
        transaction_type @ (0x00 | 0x05..=0x7f) => {
            Err(Refusal::TransactionTypeUnknown { transaction_type })
        }
        0x80..=0xbf => Err(Refusal::NotATransaction),
        0xc0..=0xff => legacy(items(bytes, 0)?, declared),
    }
}

/// The items of the one list that fills the payload from `start` to its end.
fn items(bytes: &[u8], start: usize) -> Result<Reader<'_>, Refusal> {
    let mut payload = Reader::new(bytes, start);
    let items = payload.list("transaction")?;
    if !payload.is_empty() {
        return Err(Refusal::TrailingBytes { offset: payload.offset() });
    }
    Ok(items)
}

/// `[nonce, gasPrice, gas, to, value, data, chainId, "", ""]` (EIP-155).
fn legacy(mut fields: Reader<'_>, declared: u64) -> Result<Transaction, Refusal> {
    match fields.count()? {
        9 => {}
        6 => return Err(Refusal::LegacyWithoutChainId),
        found => {
            return Err(Refusal::ItemCount { expected: 9, found, offset: 0 });
        }
    }
    let nonce = nonce(&mut fields)?;
    let gas_price = fields.integer("gasPrice")?;
    let Call { gas, to, value, data } = call(&mut fields)?;
    let mut last = fields.clone();
    fields.string("chainId")?;
    if !fields.string("r")?.bytes.is_empty() || !fields.string("s")?.bytes.is_empty() {
        return Err(Refusal::Signed); // and the field before them is v, not a chain id
    }
    let chain_id = chain_id(&mut last, declared)?;
    let transaction_type = TransactionType::Legacy { gas_price };
    Ok(Transaction { transaction_type, chain_id, nonce, gas, to, value, data })
}

/// `[chainId, nonce, gasPrice, gas, to, value, data, accessList]`.
fn eip2930(mut fields: Reader<'_>, declared: u64) -> Result<Transaction, Refusal> {
    unsigned(&fields, 8)?;
    let chain_id = chain_id(&mut fields, declared)?;
    let nonce = nonce(&mut fields)?;
    let gas_price = fields.integer("gasPrice")?;
    let Call { gas, to, value, data } = call(&mut fields)?;
    let access_list = access_list::decode(&mut fields)?;
    let transaction_type = TransactionType::Eip2930 { gas_price, access_list };
    Ok(Transaction { transaction_type, chain_id, nonce, gas, to, value, data })
}

/// `[chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gas, to, value, data, accessList]`.
fn eip1559(mut fields: Reader<'_>, declared: u64) -> Result<Transaction, Refusal> {
    unsigned(&fields, 9)?;
    let chain_id = chain_id(&mut fields, declared)?;
    let nonce = nonce(&mut fields)?;
    let Fees { max_fee_per_gas, max_priority_fee_per_gas } = fees(&mut fields)?;
    let Call { gas, to, value, data } = call(&mut fields)?;
    let access_list = access_list::decode(&mut fields)?;
    let transaction_type =
        TransactionType::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas, access_list };
    Ok(Transaction { transaction_type, chain_id, nonce, gas, to, value, data })
}

/// `[chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gas, to, value, data, accessList,
/// authorizationList]`.
fn eip7702(mut fields: Reader<'_>, declared: u64) -> Result<Transaction, Refusal> {
    unsigned(&fields, 10)?;
    let chain_id = chain_id(&mut fields, declared)?;
    let nonce = nonce(&mut fields)?;
    let Fees { max_fee_per_gas, max_priority_fee_per_gas } = fees(&mut fields)?;
    let offset = fields.offset();
    let Call { gas, to, value, data } = call(&mut fields)?;
    if to.is_none() {
        return Err(Refusal::RecipientMissing { offset });
    }
    let access_list = access_list::decode(&mut fields)?;
    let authorizations = authorization::decode_list(&mut fields, declared)?;
    let transaction_type = TransactionType::Eip7702 {
        max_fee_per_gas,
        max_priority_fee_per_gas,
        access_list,
        authorizations,
    };
    Ok(Transaction { transaction_type, chain_id, nonce, gas, to, value, data })
}

struct Fees {
    max_fee_per_gas: U256,
    max_priority_fee_per_gas: U256,
}

fn fees(fields: &mut Reader<'_>) -> Result<Fees, Refusal> {
    let offset = fields.offset();
    let max_priority_fee_per_gas = fields.integer("maxPriorityFeePerGas")?;
    let max_fee_per_gas = fields.integer("maxFeePerGas")?;
    if max_priority_fee_per_gas > max_fee_per_gas {
        return Err(Refusal::PriorityFeeAboveMaxFee { offset });
    }
    Ok(Fees { max_fee_per_gas, max_priority_fee_per_gas })
}

/// Refuses a typed transaction whose list has other than `expected` items.
fn unsigned(fields: &Reader<'_>, expected: usize) -> Result<(), Refusal> {
    match fields.count()? {
        found if found == expected => Ok(()),
        found if found == expected + SIGNATURE_ITEMS => Err(Refusal::Signed),
        found => Err(Refusal::ItemCount { expected, found, offset: 1 }),
    }
}

fn chain_id(fields: &mut Reader<'_>, declared: u64) -> Result<u64, Refusal> {
    let offset = fields.offset();
    if fields.integer("chainId")? != U256::from(declared) {
        return Err(Refusal::ChainMismatch { offset });
    }
    Ok(declared)
}

fn nonce(fields: &mut Reader<'_>) -> Result<u64, Refusal> {
    fields.integer_up_to("nonce", MAX_NONCE)
}

/// The four fields that follow the price in every type.
struct Call {
    gas: u64,
    to: Option<Address>,
    value: U256,
    data: Vec<u8>,
}

fn call(fields: &mut Reader<'_>) -> Result<Call, Refusal> {
    let gas = fields.integer_up_to("gas", u64::MAX)?;
    let to = match fields.string("to")? {
        Text { bytes: [], .. } => None,
        Text { bytes, offset } => {
            let length_invalid = Refusal::LengthInvalid { field: "to", offset };
            Some(Address::from(<[u8; 20]>::try_from(bytes).map_err(|_| length_invalid)?))
        }
    };
    let value = fields.integer("value")?;
    let Text { bytes, offset } = fields.string("data")?;
    if to.is_none() && bytes.is_empty() {
        return Err(Refusal::CreationWithoutCode { offset });
    }
    Ok(Call { gas, to, value, data: bytes.to_vec() })
}
