//! Values in the one spelling of their type.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, I256, U256};

use super::json::Json;
use super::types::{Member, Shape, TypeName, Types};
use crate::Refusal;

/// How deep structs and lists may nest.
pub const MAX_NESTING: usize = 16;

/// The most structs in a document. Each is hashed with all types that it needs.
pub const MAX_STRUCTS: usize = 256;

/// Reads the values of one document.
pub(super) struct Values<'a> {
    types: &'a Types,
    structs_left: usize,
}

impl<'a> Values<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Self { types, structs_left: MAX_STRUCTS }
    }

    /// A value of the type `kind`.
    pub(super) fn read(
        &mut self,
        kind: TypeName<'a>,
        json: &Json,
        nesting_left: usize,
    ) -> Result<DynSolValue, Refusal> {
        let inner = nesting_left.checked_sub(1).ok_or(Refusal::TypedDataTooComplex)?;
        match self.types.shape(kind)? {
            Shape::Elementary(kind) => elementary(&kind, json),
            Shape::Struct(name, members) => self.read_struct(name, members, json, inner),
            Shape::List(element, length) => {
                let elements = json.list()?;
                if length.is_some_and(|length| length != elements.len()) {
                    return Err(Refusal::TypedDataValue);
                }
                let elements = elements.iter().map(|json| self.read(element, json, inner));
                let elements = elements.collect::<Result<_, _>>()?;
                Ok(match length {
                    Some(_) => DynSolValue::FixedArray(elements),
                    None => DynSolValue::Array(elements),
                })
            }
        }
    }

    fn read_struct(
        &mut self,
        name: &str,
        members: &'a [Member],
        json: &Json,
        nesting_left: usize,
    ) -> Result<DynSolValue, Refusal> {
        self.structs_left = self.structs_left.checked_sub(1).ok_or(Refusal::TypedDataTooComplex)?;
        let entries = json.object()?;
        if entries.len() != members.len() {
            return Err(Refusal::TypedDataKeys);
        }
        let mut tuple = Vec::with_capacity(members.len());
        for (member, kind) in members {
            let (_, value) =
                entries.iter().find(|(key, _)| key == member).ok_or(Refusal::TypedDataKeys)?;
            tuple.push(self.read(TypeName::new(kind), value, nesting_left)?);
        }
        Ok(DynSolValue::CustomStruct {
            name: name.to_owned(),
            prop_names: members.iter().map(|(member, _)| member.clone()).collect(),
            tuple,
        })
    }
}

/// A value of a type that is neither struct nor list.
pub(super) fn elementary(kind: &DynSolType, json: &Json) -> Result<DynSolValue, Refusal> {
    let invalid = Refusal::TypedDataValue;
    Ok(match (kind, json) {
        (DynSolType::Bool, Json::Bool(value)) => DynSolValue::Bool(*value),
        (DynSolType::Uint(bits), json) => {
            DynSolValue::Uint(unsigned(json, *bits).ok_or(invalid)?, *bits)
        }
        (DynSolType::Int(bits), json) => {
            DynSolValue::Int(signed(json, *bits).ok_or(invalid)?, *bits)
        }
        (DynSolType::Address, Json::Text(text)) => {
            DynSolValue::Address(address(text).ok_or(invalid)?)
        }
        (DynSolType::FixedBytes(size), Json::Text(text)) => {
            let bytes = hexadecimal(text).filter(|bytes| bytes.len() == *size).ok_or(invalid)?;
            DynSolValue::FixedBytes(B256::right_padding_from(&bytes), *size)
        }
        (DynSolType::Bytes, Json::Text(text)) => {
            DynSolValue::Bytes(hexadecimal(text).ok_or(invalid)?)
        }
        (DynSolType::String, Json::Text(text)) => DynSolValue::String(text.clone()),
        _ => return Err(invalid),
    })
}

/// A number, or its decimal digits without leading zeros.
fn unsigned(json: &Json, bits: usize) -> Option<U256> {
    let value = match json {
        Json::Integer(value) => U256::from(u64::try_from(*value).ok()?),
        Json::Text(text) => decimal(text)?,
        _ => return None,
    };
    (value.bit_len() <= bits).then_some(value)
}

fn signed(json: &Json, bits: usize) -> Option<I256> {
    let (is_negative, magnitude) = match json {
        Json::Integer(value) => (*value < 0, U256::from(value.unsigned_abs())),
        Json::Text(text) => match text.strip_prefix('-') {
            Some(digits) => (true, decimal(digits).filter(|value| !value.is_zero())?),
            None => (false, decimal(text)?),
        },
        _ => return None,
    };
    // Two's complement holds one negative number more.
    let limit = U256::ONE << (bits - 1);
    if is_negative && magnitude <= limit {
        Some(I256::from_raw(magnitude.wrapping_neg()))
    } else {
        (!is_negative && magnitude < limit).then(|| I256::from_raw(magnitude))
    }
}

fn decimal(digits: &str) -> Option<U256> {
    let is_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_minimal = digits == "0" || !digits.starts_with('0');
    (is_digits && is_minimal).then(|| U256::from_str_radix(digits, 10).ok()).flatten()
}

/// Twenty bytes; letters of both cases must be the checksum of EIP-55.
pub(super) fn address(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40)?;
    let is_lower = !digits.bytes().any(|byte| byte.is_ascii_uppercase());
    let is_upper = !digits.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_lower || is_upper {
        Some(Address::from(<[u8; 20]>::try_from(hex::decode(digits).ok()?).ok()?))
    } else {
        Address::parse_checksummed(text, None).ok()
    }
}

/// `0x` and two digits for each byte.
pub(super) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}
