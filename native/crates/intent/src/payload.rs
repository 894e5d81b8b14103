use crate::Refusal;

/// The longest payload that is read, in bytes: 128 KiB, which is also what public mempools accept.
pub const MAX_PAYLOAD: usize = 128 * 1024;

/// What somebody asks to have signed. Nothing in it is trusted.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    /// How `bytes` are to be read, as in [`PayloadKind::name`].
    pub kind: &'a str,
    /// The CAIP-2 chain the request is for, such as `eip155:1`.
    pub chain: &'a str,
    /// The unsigned bytes.
    pub bytes: &'a [u8],
}

/// A way to read bytes, and with it a way to turn them into a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// An unsigned EVM transaction; its digest is the keccak-256 of the bytes.
    EvmTransaction,
}

impl PayloadKind {
    pub(crate) fn from_name(name: &str) -> Result<Self, Refusal> {
        match name {
            "evm.transaction" => Ok(Self::EvmTransaction),
            _ => Err(Refusal::KindUnknown),
        }
    }

    /// The name in requests and in the payload hash.
    pub fn name(self) -> &'static str {
        match self {
            Self::EvmTransaction => "evm.transaction",
        }
    }

    /// The number that stands for the kind in a signing context. Never reused.
    pub fn digest_kind(self) -> u8 {
        match self {
            Self::EvmTransaction => 1,
        }
    }
}
