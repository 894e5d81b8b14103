use alloy_dyn_abi::{DynSolType, DynSolValue, Specifier};
use alloy_json_abi::{Function as AbiFunction, Param};

use super::RegistryError;
use crate::evm::abi;
use crate::{Argument, Refusal};

/// The longest fixed array that a signature may name.
const MAX_FIXED_ARRAY: usize = 64;

/// How deep the types of a signature may nest.
const MAX_TYPE_DEPTH: usize = 6;

/// A function by its human-readable signature, such as `mint(address to, uint256 amount)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    signature: String,
    name: String,
    selector: [u8; 4],
    parameters: Vec<Param>,
    types: Vec<DynSolType>,
}

impl Function {
    /// Reads a signature. Names of parameters are optional, and members of tuples have none; return
    /// values and modifiers are refused,
    /// as are types that hold nothing, fixed arrays above 64 elements and nesting beyond 6.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let invalid = RegistryError::FunctionInvalid;
        let AbiFunction { name, inputs, outputs, .. } =
            AbiFunction::parse(text).map_err(|_| invalid)?;
        if !text.ends_with(')') || !outputs.is_empty() {
            return Err(invalid);
        }
        let types = inputs
            .iter()
            .map(|parameter| {
                parameter.resolve().ok().filter(|kind| is_bounded(kind, MAX_TYPE_DEPTH))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or(invalid)?;
        let listed: Vec<_> = inputs.iter().map(Param::selector_type).collect();
        let signature = format!("{name}({})", listed.join(","));
        let hash = alloy_primitives::keccak256(&signature);
        let selector = hash.first_chunk().copied().ok_or(invalid)?;
        Ok(Self { signature, name, selector, parameters: inputs, types })
    }

    /// The signature as it is hashed.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// The first four bytes of its calldata.
    pub fn selector(&self) -> [u8; 4] {
        self.selector
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The arguments in `data`, which starts with the selector; refused unless they encode to
    /// exactly these bytes.
    pub(crate) fn decode(&self, data: &[u8]) -> Result<Vec<DynSolValue>, Refusal> {
        abi::decode(&self.types, data.get(4..).unwrap_or_default())
    }

    pub(crate) fn arguments(&self, values: &[DynSolValue]) -> Vec<Argument> {
        let argument = |(parameter, value): (&Param, &DynSolValue)| Argument {
            name: parameter.name.clone(),
            type_name: parameter.selector_type().into_owned(),
            value: value.clone(),
        };
        self.parameters.iter().zip(values).map(argument).collect()
    }
}

/// Every value takes bytes, so that a short payload cannot describe a long list.
fn is_bounded(kind: &DynSolType, depth: usize) -> bool {
    let Some(inner) = depth.checked_sub(1) else { return false };
    match kind {
        DynSolType::Array(element) => is_bounded(element, inner),
        DynSolType::FixedArray(element, length) => {
            (1..=MAX_FIXED_ARRAY).contains(length) && is_bounded(element, inner)
        }
        DynSolType::Tuple(members) => {
            !members.is_empty() && members.iter().all(|member| is_bounded(member, inner))
        }
        DynSolType::CustomStruct { .. } => false,
        _ => true,
    }
}
