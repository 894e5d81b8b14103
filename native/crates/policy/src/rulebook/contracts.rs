//! What a decoder may rely on: contracts that the owner vouches for.

use serde::{Deserialize, Serialize};

use crate::caip::AccountId;

/// The most contracts of a policy.
pub const MAX_CONTRACTS: usize = 1_000;
/// The most functions of one contract.
pub const MAX_FUNCTIONS: usize = 256;

/// A contract and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Where.
    pub address: AccountId,
    /// What.
    pub kind: ContractKind,
}

/// What a contract is. Its name and symbol on the chain decide nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields, rename_all = "camelCase")]
pub enum ContractKind {
    /// A fungible token.
    Erc20 {
        /// For people only: amounts are base units everywhere.
        decimals: u8,
    },
    /// Tokens of one each.
    Erc721,
    /// Tokens of many each.
    Erc1155,
    /// The wrapped native asset.
    WrappedNative,
    /// A Universal Router, with the version of its command table.
    Router {
        /// The version: the same bytes are other commands in another.
        version: String,
    },
    /// A smart account.
    Account,
    /// Code that an own account may be given (EIP-7702).
    Delegate,
    /// A factory of smart accounts.
    Factory,
    /// A paymaster.
    Sponsor,
    /// A batcher that calls others as itself.
    Multicall,
    /// Any other, with the functions that may be decoded.
    Other {
        /// Signatures such as `stake(uint256,address)`.
        functions: Vec<String>,
    },
}
