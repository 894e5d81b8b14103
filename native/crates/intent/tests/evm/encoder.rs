//! RLP written a second time, from the definition: the oracle for what `intent` reads.

use intent::evm::{AccessListEntry, Transaction, TransactionType};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Text(Vec<u8>),
    List(Vec<Item>),
}

/// A string item.
pub(crate) fn text(bytes: impl AsRef<[u8]>) -> Item {
    Item::Text(bytes.as_ref().to_vec())
}

/// An integer item from big-endian bytes of any width.
pub(crate) fn integer(big_endian: impl AsRef<[u8]>) -> Item {
    let bytes = big_endian.as_ref();
    text(&bytes[bytes.iter().take_while(|byte| **byte == 0).count()..])
}

pub(crate) fn number(value: u64) -> Item {
    integer(value.to_be_bytes())
}

pub(crate) fn list(items: impl IntoIterator<Item = Item>) -> Item {
    Item::List(items.into_iter().collect())
}

impl Item {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Text(bytes) if bytes.len() == 1 && bytes[0] < 0x80 => bytes.clone(),
            Self::Text(bytes) => with_header(0x80, bytes.clone()),
            Self::List(items) => with_header(0xc0, items.iter().flat_map(Self::encode).collect()),
        }
    }
}

fn with_header(base: u8, contents: Vec<u8>) -> Vec<u8> {
    let mut encoded = match contents.len() {
        short @ 0..=55 => vec![base + u8::try_from(short).unwrap()],
        long => {
            let Item::Text(length) = number(u64::try_from(long).unwrap()) else { unreachable!() };
            let mut header = vec![base + 55 + u8::try_from(length.len()).unwrap()];
            header.extend(length);
            header
        }
    };
    encoded.extend(contents);
    encoded
}

/// The unsigned bytes of what `intent` decoded.
pub(crate) fn unsigned(transaction: &Transaction) -> Vec<u8> {
    let chain_id = number(transaction.chain_id);
    let nonce = number(transaction.nonce);
    let call = [
        number(transaction.gas),
        text(transaction.to.map(|to| to.to_vec()).unwrap_or_default()),
        integer(transaction.value.to_be_bytes::<32>()),
        text(&transaction.data),
    ];
    match &transaction.transaction_type {
        TransactionType::Legacy { gas_price } => {
            let price = integer(gas_price.to_be_bytes::<32>());
            let replay = [chain_id, text([]), text([])];
            list([nonce, price].into_iter().chain(call).chain(replay)).encode()
        }
        TransactionType::Eip2930 { gas_price, access_list } => {
            let price = integer(gas_price.to_be_bytes::<32>());
            let items = [chain_id, nonce, price].into_iter().chain(call);
            typed(1, items.chain([entries(access_list)]))
        }
        TransactionType::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas, access_list } => {
            let priority = integer(max_priority_fee_per_gas.to_be_bytes::<32>());
            let fee = integer(max_fee_per_gas.to_be_bytes::<32>());
            let items = [chain_id, nonce, priority, fee].into_iter().chain(call);
            typed(2, items.chain([entries(access_list)]))
        }
        TransactionType::Eip7702 {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            access_list,
            authorizations,
        } => {
            let priority = integer(max_priority_fee_per_gas.to_be_bytes::<32>());
            let fee = integer(max_fee_per_gas.to_be_bytes::<32>());
            let items = [chain_id, nonce, priority, fee].into_iter().chain(call);
            let authorizations = list(authorizations.iter().map(|signed| {
                let authorization = signed.authorization;
                list([
                    number(authorization.chain_id),
                    text(authorization.delegate),
                    number(authorization.nonce),
                    number(signed.y_parity.into()),
                    integer(signed.r.to_be_bytes::<32>()),
                    integer(signed.s.to_be_bytes::<32>()),
                ])
            }));
            typed(4, items.chain([entries(access_list), authorizations]))
        }
    }
}

pub(crate) fn typed(transaction_type: u8, items: impl IntoIterator<Item = Item>) -> Vec<u8> {
    let mut bytes = vec![transaction_type];
    bytes.extend(list(items).encode());
    bytes
}

fn entries(access_list: &[AccessListEntry]) -> Item {
    list(access_list.iter().map(|AccessListEntry { address, storage_keys }| {
        list([text(address), list(storage_keys.iter().map(text))])
    }))
}
