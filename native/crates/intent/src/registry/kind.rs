use std::collections::BTreeSet;

use super::{Function, RegistryError};

/// What the code at an address is, and with it what its selectors mean.
#[derive(Debug, Clone, PartialEq)]
pub enum ContractKind {
    /// A token with balances.
    Erc20 {
        /// How amounts are shown; decides nothing.
        decimals: u8,
    },
    /// A collection of tokens that are each one of a kind.
    Erc721,
    /// A collection of tokens with balances.
    Erc1155,
    /// An ERC-20 of 18 decimals that is the chain's native asset in another form (WETH).
    WrappedNative,
    /// Uniswap's Permit2. Only the constant.
    Permit2,
    /// Multicall3. Only the constant.
    Multicall3,
    /// The EntryPoint of ERC-4337 v0.8. Only the constant.
    EntryPoint,
    /// Uniswap's Universal Router.
    Router {
        /// Which table of commands it has.
        version: RouterVersion,
    },
    /// A smart account of this wallet, or one of its keys' accounts that runs a listed delegate.
    Account,
    /// Code that an account may run as its own (EIP-7702). A user operation's hash cannot tell a
    /// delegate from a factory, so this allows it as both.
    Delegate,
    /// Makes smart accounts for the init code of user operations.
    Factory,
    /// Pays for user operations, and is trusted not to move what it is allowed to take.
    Paymaster,
    /// A contract of the kind inside that also runs `multicall(bytes[])` and its forms on itself, by
    /// delegatecall.
    Multicall(Box<Self>),
    /// Functions of some other contract.
    Other {
        /// Each with another selector.
        functions: Vec<Function>,
    },
}

/// A table of Universal Router commands. The ones that are read have the same number and inputs in
/// both; they differ in what lies beyond, which is unknown in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouterVersion {
    /// The table of 2022 and 2023, with NFT markets from 0x10.
    V1,
    /// The table of 2024, with Uniswap v4 from 0x10.
    V2,
}

impl RouterVersion {
    /// Reads a version as a policy writes it: `1` or `2`. Later tables have other inputs.
    pub fn from_name(name: &str) -> Result<Self, RegistryError> {
        match name {
            "1" => Ok(Self::V1),
            "2" => Ok(Self::V2),
            _ => Err(RegistryError::VersionUnknown),
        }
    }
}

impl ContractKind {
    /// An ERC-20, whatever else it is.
    pub(crate) fn is_erc20(&self) -> bool {
        match self {
            Self::Erc20 { .. } | Self::WrappedNative => true,
            Self::Multicall(inner) => inner.is_erc20(),
            _ => false,
        }
    }

    pub(super) fn check(&self) -> Result<(), RegistryError> {
        match self {
            Self::Permit2 | Self::Multicall3 | Self::EntryPoint => Err(RegistryError::KindInvalid),
            Self::Multicall(inner) => match **inner {
                Self::Erc20 { .. }
                | Self::Erc721
                | Self::Erc1155
                | Self::WrappedNative
                | Self::Other { .. } => inner.check(),
                _ => Err(RegistryError::KindInvalid),
            },
            Self::Other { functions } => {
                let selectors: BTreeSet<_> = functions.iter().map(Function::selector).collect();
                if selectors.len() == functions.len() {
                    Ok(())
                } else {
                    Err(RegistryError::Duplicate)
                }
            }
            Self::Erc20 { .. }
            | Self::Erc721
            | Self::Erc1155
            | Self::WrappedNative
            | Self::Router { .. }
            | Self::Account
            | Self::Delegate
            | Self::Factory
            | Self::Paymaster => Ok(()),
        }
    }
}
