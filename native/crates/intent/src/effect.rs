use core::fmt;
use std::sync::Arc;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256};

/// One thing that a signature over the payload allows.
///
/// No two effects of one payload state the same money: the amounts of an asset that leave one account
/// add up. Only effects whose [`from`](Self::from) is an own account spend; all are listed.
///
/// The enums below are exhaustive on purpose. Whoever maps them to decisions has no default arm, so
/// a new effect is a compile error there and not a silent permission.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What happens.
    pub kind: EffectKind,
    /// What leaves or may be taken, where `amount` says something.
    pub asset: Option<AssetId>,
    /// How much of it.
    pub amount: Amount,
    /// What a swap gives back at least.
    pub receive: Option<Received>,
    /// Whose asset it is, who grants, or who acts.
    pub from: Option<Account>,
    /// Who receives it, or is called.
    pub to: Option<Account>,
    /// Who may take it.
    pub spender: Option<Account>,
    /// The code that runs, where bytes are given to it. Shared by the effects of one call.
    pub call: Option<Arc<Call>>,
    /// When the effect ends by itself, in unix seconds; none if it never does.
    pub expiry: Option<u64>,
    /// Whether it happens only if somebody submits the signature later.
    pub deferred: bool,
    /// How the reader knows.
    pub confidence: Confidence,
    /// Where in the tree of calls.
    pub at: CallPath,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// Value leaves `from` to `to`. A transfer of zero still runs the recipient's code, so it is
    /// listed.
    Transfer,
    /// `spender` may take up to `amount` of what `from` has, until `expiry`.
    Approve,
    /// `spender` may take nothing more; for a delegate, the account has no code any more.
    Revoke,
    /// The same as [`EffectKind::Approve`], by a signature of `from`.
    Permit,
    /// The code of `to` runs as the account `from` from now on (EIP-7702).
    Delegate,
    /// At most `amount` leaves, and at least `receive` arrives at `to`, an own account.
    Swap,
    /// A contract is created; `call.data_hash` is the hash of its init code, or of a factory's
    /// calldata.
    Deploy,
    /// A function whose signature is known runs. What it moves beyond the native value is not.
    Call,
    /// A text is signed.
    Message,
    /// Who controls an account, or what code it has, changes.
    OwnerChange,
    /// The most that the payload can cost in fees. Exactly one per transaction or user operation.
    FeeOnly,
    /// Something whose meaning is not established. `amount` is the native value that goes with it;
    /// what the code moves beyond that is not known, and so it is never the number zero.
    Unknown,
}

/// How much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// This much, in base units.
    Exact(U256),
    /// At most this much, in base units.
    UpTo(U256),
    /// As much as there is, or will ever be.
    Unlimited,
    /// The effect states no amount.
    None,
}

/// What arrives in exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The asset.
    pub asset: AssetId,
    /// At least this much, in base units.
    pub minimum: U256,
}

/// How the reader knows what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The protocol guarantees it for these bytes.
    Exact,
    /// The bytes are a call that the registry explains, and encode again to the same bytes.
    Decoded,
    /// It is not established.
    Unknown,
}

/// The place of a call: the position of each call among those of its caller, from the outermost
/// inwards. Empty for the payload itself. Displays as `0.2`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallPath(pub Vec<u16>);

impl CallPath {
    /// The path of the call at `position` inside this one.
    pub(crate) fn inner(&self, position: usize) -> Self {
        let position = u16::try_from(position).unwrap_or(u16::MAX); // a payload holds no 65 535 calls
        Self(self.0.iter().copied().chain([position]).collect())
    }

    /// How many calls deep it is: 1 for the payload's own.
    pub(crate) fn depth(&self) -> usize {
        self.0.len() + 1
    }
}

impl fmt::Display for CallPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, position) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(".")?;
            }
            write!(f, "{position}")?;
        }
        Ok(())
    }
}

/// Bytes that are given to code, or values that are given to whoever verifies a signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The contract that is called or verifies; none where one is created.
    pub target: Option<Account>,
    /// The first four bytes of calldata, if it has as many. Only a hint: its meaning is the
    /// target's.
    pub selector: Option<[u8; 4]>,
    /// Native value that goes with the call; counted in an effect's amount, not once more.
    pub value: U256,
    /// keccak-256 of the calldata or the init code; of typed data the EIP-712 hash of the struct.
    pub data_hash: B256,
    /// The function's signature or the type of typed data, where the registry explains the target.
    pub function: Option<String>,
    /// What the function is given.
    pub arguments: Vec<Argument>,
}

/// A decoded value and its place in a signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its name there; empty if it has none.
    pub name: String,
    /// Its Solidity type.
    pub type_name: String,
    /// The value.
    pub value: DynSolValue,
}

/// An account on one chain. Displays as CAIP-10, EVM addresses with their EIP-55 checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssetId {
    /// The native asset of an EVM chain. Always written with coin type 60: the chain already tells
    /// them apart, and a list of coin types would be one more thing that two parties could disagree
    /// about.
    EvmNative {
        /// The chain.
        chain_id: u64,
    },
    /// A token with balances.
    Erc20 {
        /// The chain.
        chain_id: u64,
        /// The token's contract.
        contract: Address,
    },
    /// One token of a collection, or all of them.
    Erc721 {
        /// The chain.
        chain_id: u64,
        /// The collection.
        contract: Address,
        /// The token; none for all that an account has of the collection.
        token_id: Option<U256>,
    },
    /// One token of a collection with balances, or all of them.
    Erc1155 {
        /// The chain.
        chain_id: u64,
        /// The collection.
        contract: Address,
        /// The token; none for all that an account has of the collection.
        token_id: Option<U256>,
    },
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chain_id, standard, contract, token_id) = match self {
            Self::EvmNative { chain_id } => return write!(f, "eip155:{chain_id}/slip44:60"),
            Self::Erc20 { chain_id, contract } => (chain_id, "erc20", contract, None),
            Self::Erc721 { chain_id, contract, token_id } => {
                (chain_id, "erc721", contract, *token_id)
            }
            Self::Erc1155 { chain_id, contract, token_id } => {
                (chain_id, "erc1155", contract, *token_id)
            }
        };
        write!(f, "eip155:{chain_id}/{standard}:{}", contract.to_checksum(None))?;
        token_id.map_or(Ok(()), |token_id| write!(f, "/{token_id}"))
    }
}
