//! Why lists of words give nothing back.

use core::fmt;

/// Why lists were refused. Never carries words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A word that is not in the standard's list.
    Word,
    /// A list of a length that no secret has, or with bits set that are always zero.
    Length,
    /// The checksum is not right: a word is wrong, or two are swapped.
    Checksum,
    /// A set that requires more groups than it has.
    Threshold,
    /// Lists of different sets.
    OtherSet,
    /// The same list twice.
    Duplicate,
    /// Too few or too many lists.
    Count,
    /// Each list is right, and together they are not what was split.
    Digest,
    /// A passphrase with something else than printable ASCII.
    Passphrase,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Word => "a word is not in the list of SLIP-39",
            Self::Length => "a list has the wrong number of words",
            Self::Checksum => "the checksum of a list is wrong",
            Self::Threshold => "a list requires more groups than there are",
            Self::OtherSet => "the lists are of different sets",
            Self::Duplicate => "a list is there twice",
            Self::Count => "there are too few or too many lists",
            Self::Digest => "the lists do not belong together",
            Self::Passphrase => "the passphrase is not printable ascii",
        })
    }
}

impl core::error::Error for Error {}
