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
    /// An EIP-7702 authorization, `rlp([chainId, delegate, nonce])`; its digest is the keccak-256 of
    /// 0x05 and the bytes.
    EvmAuthorization,
    /// A user operation for EntryPoint v0.8: an RLP list of `chainId, entryPoint, delegate, sender,
    /// nonce, initCode, callData, accountGasLimits, preVerificationGas, gasFees, paymasterAndData`;
    /// its digest is what `getUserOpHash` gives.
    EvmUserOperation,
    /// A message without the prefix of EIP-191, which its digest has.
    EvmMessage,
    /// The JSON document of typed data; its digest is that of EIP-712.
    EvmTypedData,
    /// 32 bytes that are the digest.
    EvmHash,
}

impl PayloadKind {
    pub(crate) fn from_name(name: &str) -> Result<Self, Refusal> {
        match name {
            "evm.transaction" => Ok(Self::EvmTransaction),
            "evm.authorization" => Ok(Self::EvmAuthorization),
            "evm.userOperation" => Ok(Self::EvmUserOperation),
            "evm.message" => Ok(Self::EvmMessage),
            "evm.typedData" => Ok(Self::EvmTypedData),
            "evm.hash" => Ok(Self::EvmHash),
            _ => Err(Refusal::KindUnknown),
        }
    }

    /// The name in requests and in the payload hash.
    pub fn name(self) -> &'static str {
        match self {
            Self::EvmTransaction => "evm.transaction",
            Self::EvmAuthorization => "evm.authorization",
            Self::EvmUserOperation => "evm.userOperation",
            Self::EvmMessage => "evm.message",
            Self::EvmTypedData => "evm.typedData",
            Self::EvmHash => "evm.hash",
        }
    }

    /// The number that stands for the kind in a signing context. Never reused.
    pub fn digest_kind(self) -> u8 {
        match self {
            Self::EvmTransaction => 1,
            Self::EvmAuthorization => 2,
            Self::EvmUserOperation => 3,
            Self::EvmMessage => 4,
            Self::EvmTypedData => 5,
            Self::EvmHash => 6,
        }
    }
}
