//! Transactions as lists of items, so that a test can put anything anywhere.

use intent::{Account, Address, Intent, Own, Payload, Refusal, Registry, parse};

use crate::encoder::{Item, integer, list, number, text, typed};

pub(crate) const CHAIN: &str = "eip155:1";

/// The account that signs in these tests.
pub(crate) const OWN: Address = Address::repeat_byte(0x0e);
pub(crate) const SENDER: Account = Account::Evm { chain_id: 1, address: OWN };

/// Reads a transaction for mainnet, of an account whose policy lists nothing.
pub(crate) fn read(bytes: &[u8]) -> Result<Intent, Refusal> {
    read_as("evm.transaction", CHAIN, bytes)
}

pub(crate) fn read_as(kind: &str, chain: &str, bytes: &[u8]) -> Result<Intent, Refusal> {
    parse(&Payload { kind, chain, bytes }, &Own::new(OWN), &Registry::new())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Legacy,
    Eip2930,
    Eip1559,
}

pub(crate) const TYPES: [Type; 3] = [Type::Legacy, Type::Eip2930, Type::Eip1559];

/// The items of an unsigned transaction by name, in order. A transfer of one ether.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) transaction_type: Type,
    pub(crate) items: Vec<(&'static str, Item)>,
}

pub(crate) fn draft(transaction_type: Type) -> Draft {
    let fee = number(20_000_000_000);
    let call = [
        ("gas", number(21_000)),
        ("to", text([0x35; 20])),
        ("value", number(1_000_000_000_000_000_000)),
        ("data", text([])),
    ];
    let (chain_id, nonce) = (("chainId", number(1)), ("nonce", number(9)));
    let items: Vec<_> = match transaction_type {
        Type::Legacy => [nonce, ("gasPrice", fee)]
            .into_iter()
            .chain(call)
            .chain([chain_id, ("r", text([])), ("s", text([]))])
            .collect(),
        Type::Eip2930 => [chain_id, nonce, ("gasPrice", fee)]
            .into_iter()
            .chain(call)
            .chain([("accessList", list([]))])
            .collect(),
        Type::Eip1559 => [
            chain_id,
            nonce,
            ("maxPriorityFeePerGas", number(1_000_000_000)),
            ("maxFeePerGas", fee),
        ]
        .into_iter()
        .chain(call)
        .chain([("accessList", list([]))])
        .collect(),
    };
    Draft { transaction_type, items }
}

impl Draft {
    pub(crate) fn with(mut self, field: &str, item: Item) -> Self {
        let slot = self.items.iter_mut().find(|(name, _)| *name == field).unwrap();
        slot.1 = item;
        self
    }

    /// Sets the fee per gas, whatever this type calls it; the priority fee becomes zero.
    pub(crate) fn with_fee(self, big_endian: impl AsRef<[u8]>) -> Self {
        let fee = integer(big_endian);
        match self.transaction_type {
            Type::Legacy | Type::Eip2930 => self.with("gasPrice", fee),
            Type::Eip1559 => self.with("maxPriorityFeePerGas", number(0)).with("maxFeePerGas", fee),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_of(self.items.iter().map(|(_, item)| item.clone()))
    }

    /// The same type with other items.
    pub(crate) fn bytes_of(&self, items: impl IntoIterator<Item = Item>) -> Vec<u8> {
        match self.transaction_type {
            Type::Legacy => list(items).encode(),
            Type::Eip2930 => typed(1, items),
            Type::Eip1559 => typed(2, items),
        }
    }

    /// The bytes with one field's encoding replaced by bytes that no encoder makes.
    pub(crate) fn bytes_with_raw(&self, field: &str, raw: &[u8]) -> Vec<u8> {
        let contents: Vec<u8> = self
            .items
            .iter()
            .flat_map(|(name, item)| if *name == field { raw.to_vec() } else { item.encode() })
            .collect();
        // A string of the same length has the same header, 0x40 lower.
        let mut encoded = text(&contents).encode();
        encoded[0] += 0x40;
        match self.transaction_type {
            Type::Legacy => {}
            Type::Eip2930 => encoded.insert(0, 1),
            Type::Eip1559 => encoded.insert(0, 2),
        }
        encoded
    }

    /// Where a field starts in [`Draft::bytes`].
    pub(crate) fn offset(&self, field: &str) -> usize {
        let from = self.items.iter().skip_while(|(name, _)| *name != field);
        let tail: usize = from.map(|(_, item)| item.encode().len()).sum();
        self.bytes().len() - tail
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.items.iter().any(|(name, _)| *name == field)
    }
}
