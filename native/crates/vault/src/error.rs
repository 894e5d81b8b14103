//! Why something was not sealed or opened.

use core::fmt;

/// Why a vault refused. Never carries bytes; safe to log and to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not the bytes of a header, a sealed record or a backup file.
    Unreadable,
    /// Written by a format that this version does not know.
    Version,
    /// The key is right and the bytes are not what was written, or they were written under another name.
    Corrupt,
    /// Not the password or wrapping key of this header, or somebody rewrote the header.
    WrongKey,
    /// Sealed under another key-encryption key.
    OtherKey,
    /// The header opens with a password where a wrapping key was given, or the other way round.
    OtherUnlock,
    /// Parameters of the password hash outside of what this version computes.
    Parameters,
    /// The memory that the password hash needs could not be had.
    Memory,
    /// A field or a record is longer than the format allows.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unreadable => "the bytes are not of the vault's format",
            Self::Version => "the bytes are of another version of the vault's format",
            Self::Corrupt => "the bytes are not what was sealed under this name",
            Self::WrongKey => "the password or key is not the one of this vault",
            Self::OtherKey => "the bytes are sealed under another key",
            Self::OtherUnlock => "the vault is unlocked in another way",
            Self::Parameters => "the parameters of the password hash are outside of their limits",
            Self::Memory => "there is not enough memory for the password hash",
            Self::TooLong => "a field or a record is longer than the format allows",
        })
    }
}

impl core::error::Error for Error {}
