//! Reading the one canonical ABI encoding of a list of values (Solidity's ABI specification).

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, I256, U256};

use crate::Refusal;

const WORD: usize = 32;

/// The values that `data` encodes, if it is what an encoder makes of them.
///
/// Contracts also accept other encodings: offsets that point backwards, into each other or over
/// gaps, dirty upper bits, bytes after the end. This reader follows no offset but reads where an
/// encoder would have written, so its time and memory are in proportion to `data`; what it read is
/// then encoded again by another implementation and compared.
pub(crate) fn decode(types: &[DynSolType], data: &[u8]) -> Result<Vec<DynSolValue>, Refusal> {
    let mut reader = Reader { data, tail: 0 };
    let values = reader.sequence(types.iter(), 0).ok_or(Refusal::CalldataNotCanonical)?;
    let tuple = DynSolValue::Tuple(values);
    if tuple.abi_encode_params() != data {
        return Err(Refusal::CalldataNotCanonical);
    }
    match tuple {
        DynSolValue::Tuple(values) => Ok(values),
        _ => Err(Refusal::CalldataNotCanonical),
    }
}

struct Reader<'a> {
    data: &'a [u8],
    /// Where the next dynamic value must be.
    tail: usize,
}

impl Reader<'_> {
    /// Values whose heads start at `start`, and whose tails follow the heads.
    fn sequence<'t>(
        &mut self,
        types: impl ExactSizeIterator<Item = &'t DynSolType> + Clone,
        start: usize,
    ) -> Option<Vec<DynSolValue>> {
        let heads =
            types.clone().try_fold(0usize, |sum, kind| sum.checked_add(head_size(kind)?))?;
        self.tail = start.checked_add(heads).filter(|tail| *tail <= self.data.len())?;
        let mut head = start;
        let mut values = Vec::with_capacity(types.len());
        for kind in types {
            values.push(self.value(kind, head)?);
            head = head.checked_add(head_size(kind)?)?;
        }
        Some(values)
    }

    fn value(&mut self, kind: &DynSolType, head: usize) -> Option<DynSolValue> {
        if is_dynamic(kind) {
            // Its offset is not followed: the comparison at the end holds it against the encoder's.
            return self.dynamic(kind);
        }
        Some(match kind {
            DynSolType::Bool => match self.number(head)? {
                0 => DynSolValue::Bool(false),
                1 => DynSolValue::Bool(true),
                _ => return None,
            },
            // The encoder writes these words as they are, so the comparison would not see dirty bits.
            DynSolType::Int(bits) => {
                let value = I256::from_be_bytes(self.word(head)?);
                let unused = 256usize.checked_sub(*bits)?;
                if value.wrapping_shl(unused).asr(unused) != value {
                    return None;
                }
                DynSolValue::Int(value, *bits)
            }
            DynSolType::Uint(bits) => {
                let value = U256::from_be_bytes(self.word(head)?);
                if value.bit_len() > *bits {
                    return None;
                }
                DynSolValue::Uint(value, *bits)
            }
            DynSolType::FixedBytes(size) => {
                let word = self.word(head)?;
                if word.get(*size..)?.iter().any(|byte| *byte != 0) {
                    return None;
                }
                DynSolValue::FixedBytes(word.into(), *size)
            }
            DynSolType::Address => {
                DynSolValue::Address(Address::from_word(self.word(head)?.into()))
            }
            DynSolType::FixedArray(element, length) => DynSolValue::FixedArray(
                self.fixed(core::iter::repeat_n(&**element, *length), head)?,
            ),
            DynSolType::Tuple(members) => DynSolValue::Tuple(self.fixed(members.iter(), head)?),
            _ => return None, // no signature names the other types
        })
    }

    /// Members of a static value: they stand in its head, and nothing follows.
    fn fixed<'t>(
        &mut self,
        types: impl Iterator<Item = &'t DynSolType>,
        mut head: usize,
    ) -> Option<Vec<DynSolValue>> {
        let mut values = Vec::new();
        for kind in types {
            values.push(self.value(kind, head)?);
            head = head.checked_add(head_size(kind)?)?;
        }
        Some(values)
    }

    /// A value whose encoding starts at the tail.
    fn dynamic(&mut self, kind: &DynSolType) -> Option<DynSolValue> {
        let start = self.tail;
        Some(match kind {
            DynSolType::Bytes => DynSolValue::Bytes(self.bytes(start)?),
            DynSolType::String => DynSolValue::String(String::from_utf8(self.bytes(start)?).ok()?),
            DynSolType::Array(element) => {
                let length = self.number(start)?;
                // Every element has a head, so a length that the data cannot hold ends here.
                if length > self.data.len() / WORD {
                    return None;
                }
                let elements = core::iter::repeat_n(&**element, length);
                DynSolValue::Array(self.sequence(elements, start.checked_add(WORD)?)?)
            }
            DynSolType::FixedArray(element, length) => {
                let elements = core::iter::repeat_n(&**element, *length);
                DynSolValue::FixedArray(self.sequence(elements, start)?)
            }
            DynSolType::Tuple(members) => DynSolValue::Tuple(self.sequence(members.iter(), start)?),
            _ => return None,
        })
    }

    fn bytes(&mut self, start: usize) -> Option<Vec<u8>> {
        let length = self.number(start)?;
        let first = start.checked_add(WORD)?;
        let bytes = self.data.get(first..first.checked_add(length)?)?;
        self.tail = first.checked_add(length.checked_next_multiple_of(WORD)?)?;
        Some(bytes.to_vec())
    }

    fn word(&self, at: usize) -> Option<[u8; WORD]> {
        self.data.get(at..)?.first_chunk().copied()
    }

    /// A word as a length or an offset.
    fn number(&self, at: usize) -> Option<usize> {
        usize::try_from(U256::from_be_bytes(self.word(at)?)).ok()
    }
}

fn is_dynamic(kind: &DynSolType) -> bool {
    match kind {
        DynSolType::Bytes | DynSolType::String | DynSolType::Array(_) => true,
        DynSolType::FixedArray(element, _) => is_dynamic(element),
        DynSolType::Tuple(members) => members.iter().any(is_dynamic),
        _ => false,
    }
}

/// What a value takes among the heads of its sequence, in bytes.
fn head_size(kind: &DynSolType) -> Option<usize> {
    match kind {
        _ if is_dynamic(kind) => Some(WORD),
        DynSolType::FixedArray(element, length) => head_size(element)?.checked_mul(*length),
        DynSolType::Tuple(members) => {
            members.iter().try_fold(0usize, |sum, member| sum.checked_add(head_size(member)?))
        }
        _ => Some(WORD),
    }
}
