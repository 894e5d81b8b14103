//! JSON as it is written: every key, in order, also those that are there twice.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::Refusal;

/// A JSON value. Numbers are non-negative integers up to `2^53 − 1`, or negative ones down to its
/// opposite: readers disagree about all others.
#[derive(Debug)]
pub(super) enum Json {
    Bool(bool),
    Integer(i64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Reads a document; nothing but white space may follow it.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, Refusal> {
    serde_json::from_slice(bytes).map_err(|_| Refusal::TypedDataNotJson)
}

impl Json {
    /// The entries of an object that has exactly these keys, in this order.
    pub(super) fn entries<const N: usize>(&self, keys: [&str; N]) -> Result<[&Json; N], Refusal> {
        let entries = self.object()?;
        if entries.len() != N {
            return Err(Refusal::TypedDataKeys);
        }
        let entry = |key| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let found: Vec<_> = keys.iter().filter_map(|key| entry(*key)).collect();
        found.try_into().map_err(|_| Refusal::TypedDataKeys)
    }

    /// The entries of an object with as many different keys.
    pub(super) fn object(&self) -> Result<&[(String, Json)], Refusal> {
        match self {
            Self::Object(entries) => Ok(entries),
            _ => Err(Refusal::TypedDataValue),
        }
    }

    pub(super) fn list(&self) -> Result<&[Json], Refusal> {
        match self {
            Self::List(elements) => Ok(elements),
            _ => Err(Refusal::TypedDataValue),
        }
    }

    pub(super) fn text(&self) -> Result<&str, Refusal> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Refusal::TypedDataValue),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsWritten)
    }
}

struct AsWritten;

impl<'de> Visitor<'de> for AsWritten {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without null, fractions, large numbers and repeated keys")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        let value = i64::try_from(value).map_err(|_| E::custom("number"))?;
        self.visit_i64(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        if (-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            Ok(Json::Integer(value))
        } else {
            Err(E::custom("number"))
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut keys = std::collections::BTreeSet::new();
        while let Some((key, value)) = entries.next_entry::<String, Json>()? {
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom("repeated key"));
            }
            object.push((key, value));
        }
        Ok(Json::Object(object))
    }
}
