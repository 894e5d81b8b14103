use core::fmt;

use alloy_primitives::{Address, B256, U256};

/// One thing that a signature over the payload allows.
///
/// `amount` of `asset` is what the protocol itself takes from the account, and no two effects of one
/// payload state the same money: the amounts of an asset add up. Effects have no sender yet, because
/// unsigned EVM bytes name none.
///
/// The enums below are exhaustive on purpose. Whoever maps them to decisions has no default arm, so
/// a new effect is a compile error there and not a silent permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What happens.
    pub kind: EffectKind,
    /// What leaves, where `amount` says something.
    pub asset: Option<AssetId>,
    /// How much of it.
    pub amount: Amount,
    /// Who receives it, or is called.
    pub to: Option<Account>,
    /// The code that runs, where bytes are given to it.
    pub call: Option<Call>,
    /// How the reader knows.
    pub confidence: Confidence,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKind {
    /// Value leaves to a recipient. A transfer of zero still runs the recipient's code, so it is
    /// listed.
    Transfer,
    /// A contract is created; `call.data_hash` is the hash of its init code.
    Deploy,
    /// The most that the payload can cost in fees. Exactly one per transaction.
    FeeOnly,
    /// A call whose meaning is not established. `amount` is the native value that goes with it;
    /// what the code moves beyond that is not known, and so it is never the number zero.
    Unknown,
}

/// How much leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// This much, in base units.
    Exact(U256),
    /// At most this much, in base units.
    UpTo(U256),
    /// The effect states no amount.
    None,
}

/// How the reader knows what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The protocol guarantees it for these bytes.
    Exact,
    /// It is not established.
    Unknown,
}

/// Bytes that are given to code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The contract that is called; none where one is created.
    pub target: Option<Account>,
    /// The first four bytes of calldata, if it has as many. Only a hint: its meaning is the
    /// target's.
    pub selector: Option<[u8; 4]>,
    /// Native value that goes with the call; counted in [`Effect::amount`], not once more.
    pub value: U256,
    /// keccak-256 of the calldata or the init code.
    pub data_hash: B256,
}

/// An account on one chain. Displays as CAIP-10, EVM addresses with their EIP-55 checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// An account or contract of an EVM chain.
    Evm {
        /// The chain.
        chain_id: u64,
        /// Its address there.
        address: Address,
    },
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evm { chain_id, address } => {
                write!(f, "eip155:{chain_id}:{}", address.to_checksum(None))
            }
        }
    }
}

/// An asset on one chain. Displays as CAIP-19.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetId {
    /// The native asset of an EVM chain. Always written with coin type 60: the chain already tells
    /// them apart, and a list of coin types would be one more thing that two parties could disagree
    /// about.
    EvmNative {
        /// The chain.
        chain_id: u64,
    },
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EvmNative { chain_id } => write!(f, "eip155:{chain_id}/slip44:60"),
        }
    }
}
