//! What a policy may list.

use intent::{
    Address, ContractKind, Domain, ENTRY_POINT, Function, MULTICALL3, PERMIT2, Registry,
    RegistryError, RouterVersion,
};

use crate::scene::{STRANGER, TOKEN};

const ERC20: ContractKind = ContractKind::Erc20 { decimals: 18 };

fn add(chain_id: u64, address: Address, kind: ContractKind) -> Result<(), RegistryError> {
    Registry::new().add(chain_id, address, kind)
}

#[test]
fn an_address_is_listed_once_for_each_chain() {
    let mut registry = Registry::new();
    assert_eq!(registry.add(1, TOKEN, ERC20), Ok(()));
    assert_eq!(registry.add(1, TOKEN, ERC20), Err(RegistryError::Duplicate));
    assert_eq!(registry.add(1, TOKEN, ContractKind::Erc721), Err(RegistryError::Duplicate));
    assert_eq!(registry.add(2, TOKEN, ContractKind::Erc721), Ok(()));
    assert_eq!(registry.contract(1, TOKEN), Some(&ERC20));
    assert_eq!(registry.contract(2, TOKEN), Some(&ContractKind::Erc721));
    assert_eq!(registry.contract(3, TOKEN), None);
}

#[test]
fn the_constants_are_listed_everywhere_and_cannot_be_anything_else() {
    let constants = [
        (ENTRY_POINT, ContractKind::EntryPoint),
        (PERMIT2, ContractKind::Permit2),
        (MULTICALL3, ContractKind::Multicall3),
    ];
    for (address, kind) in constants {
        assert_eq!(Registry::new().contract(8453, address), Some(&kind));
        assert_eq!(add(1, address, ERC20), Err(RegistryError::Duplicate));
        assert_eq!(add(1, STRANGER, kind), Err(RegistryError::KindInvalid));
    }
}

#[test]
fn a_contract_has_a_chain_and_an_address() {
    assert_eq!(add(0, TOKEN, ERC20), Err(RegistryError::ChainInvalid));
    assert_eq!(add(intent::evm::MAX_CHAIN_ID, TOKEN, ERC20), Ok(()));
    assert_eq!(add(intent::evm::MAX_CHAIN_ID + 1, TOKEN, ERC20), Err(RegistryError::ChainInvalid));
    assert_eq!(add(1, Address::ZERO, ERC20), Err(RegistryError::AddressInvalid));
}

#[test]
fn only_tokens_and_listed_functions_run_inside_a_multicall() {
    let multicall = |inner| add(1, TOKEN, ContractKind::Multicall(Box::new(inner)));
    assert_eq!(multicall(ERC20), Ok(()));
    assert_eq!(multicall(ContractKind::Other { functions: vec![] }), Ok(()));
    for inner in [
        ContractKind::Multicall(Box::new(ERC20)),
        ContractKind::Account,
        ContractKind::Permit2,
        ContractKind::Router { version: RouterVersion::V1 },
        ContractKind::Factory,
    ] {
        assert_eq!(multicall(inner), Err(RegistryError::KindInvalid));
    }
}

#[test]
fn a_function_is_listed_once() {
    let function = |text| Function::parse(text).unwrap();
    let list = |functions| add(1, TOKEN, ContractKind::Other { functions });
    assert_eq!(list(vec![function("f(uint256 a)"), function("f(uint256 a, bool b)")]), Ok(()));
    let twice = vec![function("f(uint256 a)"), function("f(uint256 b)")];
    assert_eq!(list(twice), Err(RegistryError::Duplicate));
    // Two names with one selector.
    let twins = vec![function("collate_propagate_storage(bytes16)"), function("burn(uint256)")];
    assert_eq!(twins[0].selector(), twins[1].selector());
    assert_eq!(list(twins), Err(RegistryError::Duplicate));
}

#[test]
fn a_function_is_a_signature_of_values_that_take_bytes() {
    let function =
        Function::parse("claim(address to, uint256[] amounts, (bytes,bool)[2] more)").unwrap();
    assert_eq!(function.signature(), "claim(address,uint256[],(bytes,bool)[2])");
    assert_eq!(Function::parse("f()").unwrap().signature(), "f()");
    assert_eq!(Function::parse("f(uint x)").unwrap().signature(), "f(uint256)");
    for text in [
        "",
        "f",
        "f(",
        "f(uint257)",
        "f(uint256) returns (bool)",
        "f(uint256) view",
        "f(Token token)",
        "f(())",
        "f(uint256[0])",
        "f(uint256[65])",
        "f(uint256[][][][][][])",
        "event f(uint256)",
    ] {
        assert_eq!(Function::parse(text), Err(RegistryError::FunctionInvalid), "{text}");
    }
    assert!(Function::parse("f(uint256[64])").is_ok());
    assert!(Function::parse("f(uint256[][][][][])").is_ok());
}

#[test]
fn a_domain_is_listed_once_and_exactly() {
    let domain = Domain { name: Some("a".to_owned()), ..Domain::default() };
    let mut registry = Registry::new();
    assert_eq!(registry.add_domain(domain.clone()), Ok(()));
    assert_eq!(registry.add_domain(domain.clone()), Err(RegistryError::Duplicate));
    assert!(registry.has_domain(&domain));
    assert!(!registry.has_domain(&Domain { version: Some(String::new()), ..domain }));
}

#[test]
fn a_router_has_a_version_that_is_known() {
    assert_eq!(RouterVersion::from_name("1"), Ok(RouterVersion::V1));
    assert_eq!(RouterVersion::from_name("2"), Ok(RouterVersion::V2));
    for name in ["", "0", "3", "2.1", "v2", " 2"] {
        assert_eq!(RouterVersion::from_name(name), Err(RegistryError::VersionUnknown), "{name}");
    }
}

#[test]
fn a_mistake_in_a_policy_is_named() {
    let mut messages = std::collections::BTreeSet::new();
    for error in [
        RegistryError::ChainInvalid,
        RegistryError::AddressInvalid,
        RegistryError::Duplicate,
        RegistryError::FunctionInvalid,
        RegistryError::KindInvalid,
        RegistryError::VersionUnknown,
    ] {
        assert!(messages.insert(error.to_string()));
    }
}
