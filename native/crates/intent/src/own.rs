use std::collections::BTreeSet;

use alloy_primitives::Address;

/// Whose payload it is: unsigned EVM bytes name no sender.
///
/// The caller derives these addresses from its own keys; the reader computes none. Accounts with code
/// are not here but in the [`Registry`](crate::Registry), since their addresses belong to one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    account: Address,
    others: BTreeSet<Address>,
}

impl Own {
    /// The account whose key signs this payload.
    pub fn new(account: Address) -> Self {
        Self { account, others: BTreeSet::new() }
    }

    /// Also `addresses` are accounts of the wallet: what goes there does not leave it.
    #[must_use]
    pub fn with_others(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        self.others.extend(addresses);
        self
    }

    /// The account whose key signs.
    pub fn account(&self) -> Address {
        self.account
    }

    /// Whether a key of the wallet controls `address` directly.
    pub fn contains(&self, address: Address) -> bool {
        address == self.account || self.others.contains(&address)
    }
}
