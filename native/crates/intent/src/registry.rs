//! What a wallet's policy says that addresses are.

mod error;
mod function;
mod kind;

use std::collections::{BTreeSet, HashMap};

use alloy_primitives::{Address, U256, address};

pub use error::RegistryError;
pub use function::Function;
pub use kind::{ContractKind, RouterVersion};

/// The EntryPoint of ERC-4337 version 0.8, the same on every chain, and the only one that is read.
pub const ENTRY_POINT: Address = address!("4337084D9E255Ff0702461CF8895CE9E3b5Ff108");
/// Uniswap's Permit2, the same on every chain.
pub const PERMIT2: Address = address!("000000000022D473030F116dDEE9F6B43aC78BA3");
/// Multicall3, the same on every chain.
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");

/// What a wallet's policy says that addresses are: the only source of meaning for calldata.
///
/// A name or a symbol that a contract tells of itself decides nothing, and neither does a selector:
/// what is not listed is unknown. [`ENTRY_POINT`], [`PERMIT2`] and [`MULTICALL3`] are always listed.
/// Looking something up costs one hash.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    contracts: HashMap<(u64, Address), ContractKind>,
    domains: BTreeSet<Domain>,
    unsafe_prehashed: bool,
}

/// The domain of typed data (EIP-712), with exactly the fields that it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Domain {
    /// The name that the verifier gives itself.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The chain it verifies on.
    pub chain_id: Option<U256>,
    /// Its address.
    pub verifying_contract: Option<Address>,
    /// Something else that tells it apart.
    pub salt: Option<[u8; 32]>,
}

impl Registry {
    /// One that lists nothing but the constants.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists a contract. Refused if the address is listed already or is a constant, or if the kind
    /// makes no sense.
    pub fn add(
        &mut self,
        chain_id: u64,
        address: Address,
        kind: ContractKind,
    ) -> Result<(), RegistryError> {
        if chain_id == 0 || chain_id > crate::evm::MAX_CHAIN_ID {
            return Err(RegistryError::ChainInvalid);
        }
        if address.is_zero() {
            return Err(RegistryError::AddressInvalid);
        }
        kind.check()?;
        if constant(address).is_some() || self.contracts.contains_key(&(chain_id, address)) {
            return Err(RegistryError::Duplicate);
        }
        self.contracts.insert((chain_id, address), kind);
        Ok(())
    }

    /// Lists a typed-data domain, which may then lack a chain or a contract. Refused if it is listed
    /// already.
    pub fn add_domain(&mut self, domain: Domain) -> Result<(), RegistryError> {
        if self.domains.insert(domain) { Ok(()) } else { Err(RegistryError::Duplicate) }
    }

    /// Lets bare hashes and messages of 32 bytes be read, as effects that are unknown. Whoever signs
    /// one signs anything.
    #[must_use]
    pub fn unsafe_prehashed(mut self) -> Self {
        self.unsafe_prehashed = true;
        self
    }

    /// What an address is.
    pub fn contract(&self, chain_id: u64, address: Address) -> Option<&ContractKind> {
        self.contracts.get(&(chain_id, address)).or_else(|| constant(address))
    }

    /// Whether the wallet's policy lists exactly this domain.
    pub fn has_domain(&self, domain: &Domain) -> bool {
        self.domains.contains(domain)
    }

    pub(crate) fn allows_prehashed(&self) -> bool {
        self.unsafe_prehashed
    }

    /// A smart account of the wallet on this chain.
    pub(crate) fn is_account(&self, chain_id: u64, address: Address) -> bool {
        matches!(self.contract(chain_id, address), Some(ContractKind::Account))
    }
}

fn constant(address: Address) -> Option<&'static ContractKind> {
    match address {
        ENTRY_POINT => Some(&ContractKind::EntryPoint),
        PERMIT2 => Some(&ContractKind::Permit2),
        MULTICALL3 => Some(&ContractKind::Multicall3),
        _ => None,
    }
}
