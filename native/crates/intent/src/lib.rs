//! What unsigned bytes mean.
//!
//! [`parse`] reads a payload completely or refuses it, computes the digest that will be signed from
//! the bytes themselves, and lists what a signature over it would allow: its [`Effect`]s. Every
//! signer runs it over the bytes it received, so nobody signs on another party's description.
//!
//! Nothing is guessed. An encoding that is not the only possible one, a field out of range, a byte
//! too many: each is a [`Refusal`] that names the rule and never the payload. Calldata means what the
//! wallet's policy says of its contract, by a [`Registry`]; what that does not list is an effect of kind
//! [`EffectKind::Unknown`].
//!
//! | kind | bytes: unsigned | digest |
//! |---|---|---|
//! | `evm.transaction` | EIP-155 legacy, EIP-2930, EIP-1559, EIP-7702 | keccak-256 of bytes |
//! | `evm.authorization` | `rlp([chainId, delegate, nonce])` (EIP-7702) | keccak-256 of 0x05 ‖ bytes |
//! | `evm.userOperation` | RLP list, see [`PayloadKind::EvmUserOperation`] | EIP-712, domain `ERC4337` |
//! | `evm.message` | message | EIP-191 |
//! | `evm.typedData` | UTF-8 JSON | EIP-712 |
//! | `evm.hash` | 32 bytes | the bytes |
//!
//! All are for chains `eip155:<id>`. Nothing that these payloads mean is looked up anywhere, so there
//! is no input but the bytes, the wallet's accounts and its policy.
//!
//! ```
//! use intent::{Own, Payload, Registry, parse};
//!
//! // The example of EIP-155: one ether to 0x3535…3535 on mainnet.
//! let bytes = hex::decode(
//!     "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080",
//! )
//! .unwrap();
//! let payload = Payload { kind: "evm.transaction", chain: "eip155:1", bytes: &bytes };
//! let own = Own::new("0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F".parse().unwrap());
//! let intent = parse(&payload, &own, &Registry::new()).unwrap();
//!
//! assert_eq!(intent.transaction().unwrap().nonce, 9);
//! assert_eq!(intent.effects().len(), 2); // the transfer, and the fee
//! ```

pub mod evm;

mod description;
mod effect;
mod exclusion;
mod own;
mod parsed;
mod payload;
mod refusal;
mod registry;

pub use alloy_dyn_abi::DynSolValue as Value;
pub use alloy_primitives::{Address, B256, I256, U256};
pub use effect::{
    Account, Amount, Argument, AssetId, Call, CallPath, Confidence, Effect, EffectKind, Received,
};
pub use exclusion::Exclusion;
pub use own::Own;
pub use parsed::{Content, Intent, Signer, parse};
pub use payload::{MAX_PAYLOAD, Payload, PayloadKind};
pub use refusal::Refusal;
pub use registry::{
    ContractKind, Domain, ENTRY_POINT, Function, MULTICALL3, PERMIT2, Registry, RegistryError,
    RouterVersion,
};
