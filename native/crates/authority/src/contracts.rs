//! What the policy says that addresses are, as the reader looks it up.

use intent::{Address, Function, Registry, RegistryError, RouterVersion};
use policy::effect::Domain;
use policy::rulebook::{Contract, ContractKind, Exception, PolicyConfig};

/// The registry of a policy.
///
/// # Errors
/// A contract that the reader cannot use: the policy is refused, or a rule about it would never apply.
pub(crate) fn registry(config: &PolicyConfig) -> Result<Registry, RegistryError> {
    let mut registry = Registry::new();
    if config.unsafe_prehashed() {
        registry = registry.unsafe_prehashed();
    }
    for contract in config.contracts() {
        // Of chains whose reader is not here yet nothing is looked up.
        if let Some((chain_id, address)) = evm_address(contract.address.as_str()) {
            registry.add(chain_id, address, kind(contract)?)?;
        }
    }
    for exception in config.exceptions() {
        if let Exception::Message { domain: Domain::TypedData { chain, contract, name } } =
            exception
            && (chain.is_none() || contract.is_none())
        {
            let chain_id = chain.as_ref().and_then(|chain| chain.as_str().strip_prefix("eip155:"));
            registry.add_domain(intent::Domain {
                name: name.clone(),
                version: None,
                chain_id: chain_id.and_then(|chain| chain.parse().ok()),
                verifying_contract: contract
                    .as_ref()
                    .and_then(|contract| evm_address(contract.as_str()))
                    .map(|(_, address)| address),
                salt: None,
            })?;
        }
    }
    Ok(registry)
}

fn evm_address(account: &str) -> Option<(u64, Address)> {
    let (chain_id, address) = account.strip_prefix("eip155:")?.split_once(':')?;
    Some((chain_id.parse().ok()?, address.parse().ok()?))
}

fn kind(contract: &Contract) -> Result<intent::ContractKind, RegistryError> {
    Ok(match &contract.kind {
        ContractKind::Erc20 { decimals } => intent::ContractKind::Erc20 { decimals: *decimals },
        ContractKind::Erc721 => intent::ContractKind::Erc721,
        ContractKind::Erc1155 => intent::ContractKind::Erc1155,
        ContractKind::WrappedNative => intent::ContractKind::WrappedNative,
        ContractKind::Router { version } => {
            intent::ContractKind::Router { version: RouterVersion::from_name(version)? }
        }
        ContractKind::Account => intent::ContractKind::Account,
        ContractKind::Delegate => intent::ContractKind::Delegate,
        ContractKind::Factory => intent::ContractKind::Factory,
        ContractKind::Sponsor => intent::ContractKind::Paymaster,
        ContractKind::Multicall => {
            intent::ContractKind::Multicall(Box::new(intent::ContractKind::Other {
                functions: Vec::new(),
            }))
        }
        ContractKind::Other { functions } => {
            let read = |signature: &String| Function::parse(signature);
            let functions = functions.iter().map(read).collect::<Result<_, _>>()?;
            intent::ContractKind::Other { functions }
        }
    })
}
