use alloy_primitives::{Address, U256};

/// What can be used up only once, so that of all signatures with the same one at most one lands.
///
/// Equality of two of these is exclusion of the two payloads ([`Intent::excludes`]); it is an
/// equivalence for EVM payloads. Messages, typed data and bare hashes use up nothing that can be read
/// from them.
///
/// [`Intent::excludes`]: crate::Intent::excludes
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exclusion {
    /// An account's nonce: of a transaction, or of an EIP-7702 authorization, which uses one too.
    AccountNonce {
        /// The chain.
        chain_id: u64,
        /// The account.
        account: Address,
        /// Its nonce.
        nonce: u64,
    },
    /// The nonce of a smart account at an EntryPoint (ERC-4337): 192 bits of key, 64 of sequence.
    UserOperation {
        /// The chain.
        chain_id: u64,
        /// The EntryPoint that counts.
        entry_point: Address,
        /// The smart account.
        sender: Address,
        /// Its nonce.
        nonce: U256,
    },
}
