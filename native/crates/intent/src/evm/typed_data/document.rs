use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{B256, U256};

use super::json::{self, Json};
use super::types::{Member, TypeName, Types};
use super::value::{MAX_NESTING, Values, elementary};
use crate::evm::eip712::{self, domain_separator};
use crate::registry::Domain;
use crate::{Refusal, Registry};

/// The fields of a domain with their types, in the order in which they are hashed.
const DOMAIN_FIELDS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];

/// A document of typed data that was read completely.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TypedData {
    /// What verifies it.
    pub domain: Domain,
    /// Name of the struct that is signed.
    pub primary_type: String,
    /// `encodeType` of it: its members and all structs in them.
    pub encoded_type: String,
    /// Its values, by the names of its members.
    pub message: DynSolValue,
    /// `hashStruct(message)`.
    pub struct_hash: B256,
    /// `encodeType` of each member of the struct that is itself a struct, for messages in messages.
    pub(super) inner_types: Vec<Option<(String, B256)>>,
}

/// Reads a document for the chain `declared`.
pub(in crate::evm) fn decode(
    bytes: &[u8],
    declared: u64,
    registry: &Registry,
) -> Result<TypedData, Refusal> {
    let document = json::parse(bytes)?;
    let keys = ["types", "primaryType", "domain", "message"];
    let [types, primary_type, domain, message] = document.entries(keys)?;
    let primary_type = primary_type.text()?;
    let types = Types::read(types, primary_type)?;
    let domain = read_domain(domain, types.domain.as_deref())?;
    match domain.chain_id {
        Some(chain_id) if chain_id != U256::from(declared) => {
            return Err(Refusal::ChainMismatch { offset: 0 });
        }
        Some(_) if domain.verifying_contract.is_some() => {}
        _ if registry.has_domain(&domain) => {}
        _ => return Err(Refusal::TypedDataDomain),
    }
    let message = Values::new(&types).read(TypeName::new(primary_type), message, MAX_NESTING)?;
    let hash = |value: &DynSolValue| {
        types.resolver.eip712_data_word(value).map_err(|_| Refusal::TypedDataTypes)
    };
    let members = types.members(primary_type).unwrap_or_default();
    let values = message.as_fixed_seq().unwrap_or_default();
    let inner_types = members
        .iter()
        .zip(values)
        .map(|((_, kind), value)| match types.members(kind) {
            Some(_) => Ok(Some((types.encode_type(kind)?, hash(value)?))),
            None => Ok(None),
        })
        .collect::<Result<_, Refusal>>()?;
    Ok(TypedData {
        domain,
        primary_type: primary_type.to_owned(),
        encoded_type: types.encode_type(primary_type)?,
        struct_hash: hash(&message)?,
        message,
        inner_types,
    })
}

impl TypedData {
    /// `keccak256(0x19 ‖ 0x01 ‖ domain separator ‖ struct hash)`.
    pub(in crate::evm) fn digest(&self) -> [u8; 32] {
        eip712::digest(domain_separator(&self.domain), self.struct_hash)
    }
}

/// Reads a domain. Where its type is declared, that must be what is hashed: its fields in their
/// standard order.
fn read_domain(json: &Json, declared: Option<&[Member]>) -> Result<Domain, Refusal> {
    let entries = json.object()?;
    let mut present = Vec::new();
    let mut domain = Domain::default();
    for (field, kind) in DOMAIN_FIELDS {
        let Some((_, json)) = entries.iter().find(|(key, _)| key == field) else { continue };
        present.push((field, kind));
        let kind = DynSolType::parse(kind).map_err(|_| Refusal::TypedDataDomain)?;
        match (field, elementary(&kind, json)?) {
            ("name", DynSolValue::String(text)) => domain.name = Some(text),
            ("version", DynSolValue::String(text)) => domain.version = Some(text),
            ("chainId", DynSolValue::Uint(id, _)) => domain.chain_id = Some(id),
            ("verifyingContract", DynSolValue::Address(address)) => {
                domain.verifying_contract = Some(address);
            }
            ("salt", DynSolValue::FixedBytes(salt, _)) => domain.salt = Some(salt.0),
            _ => return Err(Refusal::TypedDataDomain),
        }
    }
    if present.len() != entries.len() {
        return Err(Refusal::TypedDataKeys);
    }
    let is_declared = |declared: &[Member]| {
        declared.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).eq(present)
    };
    if declared.is_none_or(is_declared) { Ok(domain) } else { Err(Refusal::TypedDataDomain) }
}
