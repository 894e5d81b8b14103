use core::fmt;

/// Why something cannot be listed. A registry is made of data that persons signed, so this is a
/// mistake in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// Not a chain id of EIP-2294.
    ChainInvalid,
    /// The zero address.
    AddressInvalid,
    /// It is listed already.
    Duplicate,
    /// Not the signature of a function, or one whose calldata could describe more than it holds.
    FunctionInvalid,
    /// A kind that only the constants have, or one inside another that cannot be there.
    KindInvalid,
    /// A version whose plans are not known.
    VersionUnknown,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChainInvalid => "a contract is listed for a chain id of EIP-2294",
            Self::AddressInvalid => "the zero address is no contract",
            Self::Duplicate => "an entry of the registry is listed twice",
            Self::FunctionInvalid => "a function must be written as name(type name, …)",
            Self::KindInvalid => "a contract cannot be listed as this kind",
            Self::VersionUnknown => "this version of the router is not known",
        })
    }
}

impl core::error::Error for RegistryError {}
