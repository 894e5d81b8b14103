use alloy_primitives::{Address, U256};
use alloy_rlp::{Encodable, Header};

use super::access_list::{self, AccessListEntry};
use super::authorization::{self, SignedAuthorization};
use crate::Refusal;

/// The largest nonce a transaction can have (EIP-2681): an account's nonce never exceeds 2^64 − 1.
pub const MAX_NONCE: u64 = u64::MAX - 1;

pub(super) const EIP2930: u8 = 0x01;
pub(super) const EIP1559: u8 = 0x02;
pub(super) const EIP7702: u8 = 0x04;

/// The fields of an unsigned transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction {
    /// Its type, with the fields that only this type has.
    pub transaction_type: TransactionType,
    /// The chain in the bytes.
    pub chain_id: u64,
    /// Position in the order of the sender's transactions.
    pub nonce: u64,
    /// The most gas it may use.
    pub gas: u64,
    /// The account that is paid or called; none creates a contract.
    pub to: Option<Address>,
    /// Native value that leaves, in wei.
    pub value: U256,
    /// Calldata, or the init code of a new contract.
    pub data: Vec<u8>,
}

/// The type of a transaction, with the fields that only this type has. Fees are in wei per gas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionType {
    /// The list without a type byte, bound to a chain by EIP-155.
    Legacy {
        /// What is paid for each unit of gas.
        gas_price: U256,
    },
    /// Type 1.
    Eip2930 {
        /// What is paid for each unit of gas.
        gas_price: U256,
        /// Storage paid for in advance.
        access_list: Vec<AccessListEntry>,
    },
    /// Type 2.
    Eip1559 {
        /// The most that is paid for each unit of gas, the priority fee included.
        max_fee_per_gas: U256,
        /// The most of it that goes to the block's proposer.
        max_priority_fee_per_gas: U256,
        /// Storage paid for in advance.
        access_list: Vec<AccessListEntry>,
    },
    /// Type 4.
    Eip7702 {
        /// The most that is paid for each unit of gas, the priority fee included.
        max_fee_per_gas: U256,
        /// The most of it that goes to the block's proposer.
        max_priority_fee_per_gas: U256,
        /// Storage paid for in advance.
        access_list: Vec<AccessListEntry>,
        /// Delegates that accounts get before the transaction runs.
        authorizations: Vec<SignedAuthorization>,
    },
}

impl Transaction {
    /// The most that one unit of gas can cost.
    pub fn max_fee_per_gas(&self) -> U256 {
        match self.transaction_type {
            TransactionType::Legacy { gas_price } | TransactionType::Eip2930 { gas_price, .. } => {
                gas_price
            }
            TransactionType::Eip1559 { max_fee_per_gas, .. }
            | TransactionType::Eip7702 { max_fee_per_gas, .. } => max_fee_per_gas,
        }
    }

    /// The delegates that the transaction gives to accounts.
    pub(super) fn authorizations(&self) -> &[SignedAuthorization] {
        match &self.transaction_type {
            TransactionType::Eip7702 { authorizations, .. } => authorizations,
            TransactionType::Legacy { .. }
            | TransactionType::Eip2930 { .. }
            | TransactionType::Eip1559 { .. } => &[],
        }
    }

    /// What an approval of a person is for: everything but nonce, gas, fees and access list.
    pub(super) fn content(&self) -> Vec<u8> {
        let transaction_type = match self.transaction_type {
            TransactionType::Legacy { .. } => 0,
            TransactionType::Eip2930 { .. } => EIP2930,
            TransactionType::Eip1559 { .. } => EIP1559,
            TransactionType::Eip7702 { .. } => EIP7702,
        };
        let mut items = Vec::new();
        transaction_type.encode(&mut items);
        self.chain_id.encode(&mut items);
        self.to.as_ref().map_or(&[][..], |to| to.as_slice()).encode(&mut items);
        self.value.encode(&mut items);
        self.data.as_slice().encode(&mut items);
        authorization::encode_list_of(self.authorizations(), &mut items);
        let mut encoded = Vec::new();
        encode_list(&items, &mut encoded);
        encoded
    }

    /// Refuses bytes that are not the encoding of these fields.
    ///
    /// The decoder names what is wrong where it can; this is what makes the reading complete.
    /// Whatever it did not look at, or read leniently, is missing here: what was shown is what is
    /// signed.
    pub(super) fn must_encode_to(&self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.encode() == bytes { Ok(()) } else { Err(Refusal::NotRebuilt) }
    }

    /// The unsigned bytes of these fields.
    fn encode(&self) -> Vec<u8> {
        let mut items = Vec::new();
        let mut encoded = Vec::new();
        match &self.transaction_type {
            TransactionType::Legacy { gas_price } => {
                self.nonce.encode(&mut items);
                gas_price.encode(&mut items);
                self.encode_call(&mut items);
                self.chain_id.encode(&mut items);
                0u8.encode(&mut items); // r and s of a signature to come
                0u8.encode(&mut items);
            }
            TransactionType::Eip2930 { gas_price, access_list } => {
                encoded.push(EIP2930);
                self.chain_id.encode(&mut items);
                self.nonce.encode(&mut items);
                gas_price.encode(&mut items);
                self.encode_call(&mut items);
                access_list::encode(access_list, &mut items);
            }
            TransactionType::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas, access_list } => {
                encoded.push(EIP1559);
                self.chain_id.encode(&mut items);
                self.nonce.encode(&mut items);
                max_priority_fee_per_gas.encode(&mut items);
                max_fee_per_gas.encode(&mut items);
                self.encode_call(&mut items);
                access_list::encode(access_list, &mut items);
            }
            TransactionType::Eip7702 {
                max_fee_per_gas,
                max_priority_fee_per_gas,
                access_list,
                authorizations,
            } => {
                encoded.push(EIP7702);
                self.chain_id.encode(&mut items);
                self.nonce.encode(&mut items);
                max_priority_fee_per_gas.encode(&mut items);
                max_fee_per_gas.encode(&mut items);
                self.encode_call(&mut items);
                access_list::encode(access_list, &mut items);
                authorization::encode_list_of(authorizations, &mut items);
            }
        }
        encode_list(&items, &mut encoded);
        encoded
    }

    /// The four fields that follow the price in every type.
    fn encode_call(&self, items: &mut Vec<u8>) {
        self.gas.encode(items);
        self.to.as_ref().map_or(&[][..], |to| to.as_slice()).encode(items);
        self.value.encode(items);
        self.data.as_slice().encode(items);
    }
}

/// Appends the list of `items`, which are encoded already.
pub(super) fn encode_list(items: &[u8], out: &mut Vec<u8>) {
    Header { list: true, payload_length: items.len() }.encode(out);
    out.extend_from_slice(items);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_the_fields_do_not_encode_to_are_refused() {
        let transaction = Transaction {
            transaction_type: TransactionType::Legacy { gas_price: U256::from(2) },
            chain_id: 1,
            nonce: 9,
            gas: 3,
            to: None,
            value: U256::ZERO,
            data: vec![0xfe, 0xfe],
        };
        let bytes = transaction.encode();

        assert_eq!(transaction.must_encode_to(&bytes), Ok(()));
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            assert_eq!(transaction.must_encode_to(&changed), Err(Refusal::NotRebuilt));
        }
        let longer = [&bytes[..], &[0x80]].concat();
        let shorter = &bytes[..bytes.len() - 1];
        assert_eq!(transaction.must_encode_to(&longer), Err(Refusal::NotRebuilt));
        assert_eq!(transaction.must_encode_to(shorter), Err(Refusal::NotRebuilt));
    }
}
