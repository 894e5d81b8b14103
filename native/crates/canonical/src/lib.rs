//! Documents that are hashed or signed: JSON in RFC 8785 canonical form, and nothing but that form is read.
//!
//! It is what `serde_json` writes for structs whose fields stand in alphabetical order and hold only text, small
//! integers, booleans and lists. A document's type keeps to that and denies unknown fields; its test sorts its keys.
//! Amounts and 64-bit numbers are decimal text, bytes are [`Base64`].

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The canonical bytes; `None` for a type that JSON cannot write.
pub fn encode<T: Serialize>(document: &T) -> Option<Vec<u8>> {
    serde_json::to_vec(document).ok()
}

/// Reads a document, if the bytes are exactly those that [`encode`] writes for it.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let document: T = serde_json::from_slice(bytes).ok()?;
    (encode(&document)? == bytes).then_some(document)
}

/// Bytes as unpadded base64url text (RFC 4648, §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Base64 {
    /// The bytes, if there are exactly `N`.
    pub fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.as_slice().try_into().ok()
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Base64UrlUnpadded::decode_vec(&text).map(Self).map_err(|_| D::Error::custom("base64url"))
    }
}
