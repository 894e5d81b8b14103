//! One list of words: the bits behind it.
//!
//! `identifier 15 ‖ extendable 1 ‖ iteration exponent 4 ‖ group index 4 ‖ group threshold − 1: 4 ‖ group count − 1: 4 ‖
//! member index 4 ‖ member threshold − 1: 4 ‖ value, with zeros in front of it ‖ checksum 30`, ten bits a word.

use zeroize::Zeroizing;

use crate::{Error, checksum, words};

const HEADER_WORDS: usize = 4;
const CHECKSUM_WORDS: usize = 3;
/// Secrets have 128 bits or more.
const MIN_WORDS: usize = HEADER_WORDS + 13 + CHECKSUM_WORDS;

/// What all shares of a secret have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) identifier: u16,
    pub(crate) extendable: bool,
    pub(crate) iteration_exponent: u8,
    pub(crate) group_threshold: u8,
    pub(crate) group_count: u8,
}

/// One of them.
pub(crate) struct Share {
    pub(crate) set: Set,
    pub(crate) group_index: u8,
    pub(crate) member_index: u8,
    pub(crate) member_threshold: u8,
    pub(crate) value: Zeroizing<Vec<u8>>,
}

impl Share {
    pub(crate) fn encode(&self) -> Zeroizing<String> {
        let Set { identifier, extendable, iteration_exponent, group_threshold, group_count } =
            self.set;
        let fields = [
            iteration_exponent,
            self.group_index,
            group_threshold.wrapping_sub(1),
            group_count.wrapping_sub(1),
            self.member_index,
            self.member_threshold.wrapping_sub(1),
        ];
        let identifier = (u64::from(identifier) << 1) | u64::from(extendable);
        let header = fields.iter().fold(identifier, |sum, field| sum << 4 | u64::from(field & 15));

        let value_words = (8 * self.value.len()).div_ceil(10);
        let total = HEADER_WORDS + value_words + CHECKSUM_WORDS;
        let mut indices = Zeroizing::new(Vec::with_capacity(total));
        indices.extend([30, 20, 10, 0].map(|shift| ten_bits(header >> shift)));
        let (mut pending, mut bits) = (0_u64, 10 * value_words - 8 * self.value.len());
        for byte in self.value.iter() {
            (pending, bits) = (pending << 8 | u64::from(*byte), bits + 8);
            if bits >= 10 {
                bits -= 10;
                indices.push(ten_bits(pending >> bits));
            }
        }
        let checksum = checksum::create(extendable, &indices);
        indices.extend(checksum);
        words::join(&indices)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, Error> {
        let indices = words::parse(text)?;
        if indices.len() < MIN_WORDS {
            return Err(Error::Length);
        }
        let (header, rest) = indices.split_at_checked(HEADER_WORDS).ok_or(Error::Length)?;
        let header = header.iter().fold(0, |sum, word| sum << 10 | u64::from(*word));
        let extendable = header >> 24 & 1 == 1;
        if !checksum::verify(extendable, &indices) {
            return Err(Error::Checksum);
        }

        let value_words = rest.len().checked_sub(CHECKSUM_WORDS).ok_or(Error::Length)?;
        let value = decode_value(rest.get(..value_words).ok_or(Error::Length)?)?;
        let field = |shift: u32| four_bits(header >> shift);
        let set = Set {
            identifier: u16::try_from(header >> 25).map_err(|_| Error::Length)?,
            extendable,
            iteration_exponent: field(20),
            group_threshold: field(12) + 1,
            group_count: field(8) + 1,
        };
        if set.group_threshold > set.group_count {
            return Err(Error::Threshold);
        }
        Ok(Self {
            set,
            group_index: field(16),
            member_index: field(4),
            member_threshold: field(0) + 1,
            value,
        })
    }
}

/// Whole pairs of bytes behind at most eight zero bits.
fn decode_value(words: &[u16]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let padding = (10 * words.len()) % 16;
    if padding > 8 {
        return Err(Error::Length);
    }
    let mut value = Zeroizing::new(Vec::with_capacity((10 * words.len() - padding) / 8));
    let (mut pending, mut bits) = (0_u64, 0);
    for (position, word) in words.iter().enumerate() {
        (pending, bits) = (pending << 10 | u64::from(*word), bits + 10);
        if position == 0 {
            bits -= padding;
            if pending >> bits != 0 {
                return Err(Error::Length);
            }
        }
        while bits >= 8 {
            bits -= 8;
            value.push(eight_bits(pending >> bits));
        }
    }
    Ok(value)
}

/// The low ten bits, and so on: masked, so that the conversion never fails.
fn ten_bits(number: u64) -> u16 {
    u16::try_from(number & 1_023).unwrap_or_default()
}

fn eight_bits(number: u64) -> u8 {
    u8::try_from(number & 255).unwrap_or_default()
}

fn four_bits(number: u64) -> u8 {
    u8::try_from(number & 15).unwrap_or_default()
}
