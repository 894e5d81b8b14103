//! The two hashes that every typed-data signature is made of (EIP-712).

use std::borrow::Cow;

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::Eip712Domain;

use crate::registry::Domain;

/// `keccak256(0x19 ‖ 0x01 ‖ domain separator ‖ struct hash)`.
pub(super) fn digest(separator: B256, struct_hash: B256) -> [u8; 32] {
    keccak256([&[0x19, 0x01], separator.as_slice(), struct_hash.as_slice()].concat()).0
}

/// The hash of a domain over exactly the fields that it has, in their standard order.
pub(super) fn domain_separator(domain: &Domain) -> B256 {
    let Domain { name, version, chain_id, verifying_contract, salt } = domain.clone();
    let domain = Eip712Domain {
        name: name.map(Cow::Owned),
        version: version.map(Cow::Owned),
        chain_id,
        verifying_contract,
        salt: salt.map(B256::from),
    };
    domain.separator()
}
