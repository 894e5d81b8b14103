//! Reading RLP where only the one canonical encoding of a value passes (Yellow Paper, appendix B).

use alloy_primitives::U256;
use alloy_rlp::{Error, Header};

use crate::Refusal;

/// The items of a list, or of a whole payload, that were not read yet. Knows where it is in the
/// payload.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    end: usize,
}

/// The bytes of one string item, and where the item starts.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads `payload` from `start` to its end.
    pub(super) fn new(payload: &'a [u8], start: usize) -> Self {
        Self { rest: payload.get(start..).unwrap_or_default(), end: payload.len() }
    }

    /// Where the next item starts.
    pub(super) fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many items are left. Their headers are checked, their contents are not.
    pub(super) fn count(&self) -> Result<usize, Refusal> {
        let mut items = self.clone();
        let mut count = 0;
        while !items.is_empty() {
            items.item()?;
            count += 1;
        }
        Ok(count)
    }

    /// The next item, which must be a list.
    pub(super) fn list(&mut self, field: &'static str) -> Result<Self, Refusal> {
        let offset = self.offset();
        match self.item()? {
            (true, items) => Ok(items),
            (false, _) => Err(Refusal::ListExpected { field, offset }),
        }
    }

    /// The next item, which must be a string.
    pub(super) fn string(&mut self, field: &'static str) -> Result<Text<'a>, Refusal> {
        let offset = self.offset();
        match self.item()? {
            (false, contents) => Ok(Text { bytes: contents.rest, offset }),
            (true, _) => Err(Refusal::StringExpected { field, offset }),
        }
    }

    /// The next item as a string of exactly `N` bytes.
    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], Refusal> {
        let Text { bytes, offset } = self.string(field)?;
        bytes.try_into().map_err(|_| Refusal::LengthInvalid { field, offset })
    }

    /// The next item as an integer of at most 256 bits.
    pub(super) fn integer(&mut self, field: &'static str) -> Result<U256, Refusal> {
        let Text { bytes, offset } = self.string(field)?;
        if bytes.first() == Some(&0) {
            return Err(Refusal::IntegerNotMinimal { field, offset });
        }
        U256::try_from_be_slice(bytes).ok_or(Refusal::IntegerOutOfRange { field, offset })
    }

    /// The next item as an integer of at most `maximum`.
    pub(super) fn integer_up_to(
        &mut self,
        field: &'static str,
        maximum: u64,
    ) -> Result<u64, Refusal> {
        let offset = self.offset();
        u64::try_from(self.integer(field)?)
            .ok()
            .filter(|value| *value <= maximum)
            .ok_or(Refusal::IntegerOutOfRange { field, offset })
    }

    /// The next item: whether it is a list, and its contents.
    fn item(&mut self) -> Result<(bool, Self), Refusal> {
        let offset = self.offset();
        // Ends after the header, or before the byte that is its own encoding.
        let Header { list, payload_length } =
            Header::decode(&mut self.rest).map_err(|error| match error {
                Error::InputTooShort | Error::Custom(_) => Refusal::Truncated { offset },
                _ => Refusal::NotCanonical { offset },
            })?;
        let (contents, rest) =
            self.rest.split_at_checked(payload_length).ok_or(Refusal::Truncated { offset })?;
        self.rest = rest;
        Ok((list, Self { rest: contents, end: self.end - rest.len() }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::Value;

    use super::*;

    fn read(items: &mut Reader<'_>) -> Value {
        match items.item().unwrap() {
            (true, mut contents) => {
                let mut list = Vec::new();
                while !contents.is_empty() {
                    list.push(read(&mut contents));
                }
                Value::Array(list)
            }
            (false, contents) => Value::String(format!("0x{}", hex::encode(contents.rest))),
        }
    }

    /// ethers.js testcases, `rlp` (MIT); not part of this repository, and skipped in words without
    /// it.
    #[test]
    fn the_public_rlp_vectors_are_read_as_they_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/vectors/rlp.json");
        let Ok(file) = std::fs::read(path) else {
            let line = b"skipped: public vectors rlp.json are not beside this repository\n";
            return std::io::stderr().write_all(line).unwrap(); // past the capture of test output
        };
        let vectors: Vec<Value> = serde_json::from_slice(&file).unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let encoded = hex::decode(&vector["encoded"].as_str().unwrap()[2..]).unwrap();
            let mut reader = Reader::new(&encoded, 0);
            assert_eq!(read(&mut reader), vector["decoded"], "{}", vector["name"]);
            assert!(reader.is_empty(), "{}", vector["name"]);

            let cut = &encoded[..encoded.len() - 1];
            let outcome = Reader::new(cut, 0).item().map(|_| ());
            assert_eq!(outcome, Err(Refusal::Truncated { offset: 0 }), "{}", vector["name"]);
        }
    }
}
