//! Numbers as documents write them: decimal text, in one form, because JSON's numbers lose digits.

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

const EXPECTED: &str = "not a whole number in decimal text, without sign, point or leading zero";

/// An amount of base units: `"1000000"` in documents, never with a decimal point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(pub U256);

impl Decimal {
    /// Reads the one form.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text == "0" || !text.starts_with('0');
        let digits = (1..=78).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        (canonical && digits).then(|| U256::from_str_radix(text, 10).ok().map(Self)).flatten()
    }
}

impl core::fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(EXPECTED))
    }
}

/// A 64-bit number as decimal text.
pub(crate) mod text_u64 {
    use super::{Decimal, Deserialize, Deserializer, EXPECTED, Serializer};
    use serde::de::Error as _;

    pub(crate) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = Decimal::parse(&text).and_then(|Decimal(number)| number.try_into().ok());
        number.ok_or_else(|| D::Error::custom(EXPECTED))
    }
}

/// A 64-bit number as decimal text, or no field.
pub(crate) mod optional_u64 {
    use super::{Deserializer, Serializer, text_u64};

    #[allow(clippy::ref_option, reason = "serde gives it so")]
    pub(crate) fn serialize<S: Serializer>(
        value: &Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => text_u64::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        text_u64::deserialize(deserializer).map(Some)
    }
}
