//! What unsigned bytes mean.
//!
//! [`parse`] reads a payload completely or refuses it, computes the digest that will be signed from
//! the bytes themselves, and lists what a signature over it would allow: its [`Effect`]s. Every
//! signer runs it over the bytes it received, so nobody signs on another party's description.
//!
//! Nothing is guessed. An encoding that is not the only possible one, a field out of range, a byte
//! too many: each is a [`Refusal`] that names the rule and never the payload. Calldata is an effect
//! of kind [`EffectKind::Unknown`], because a selector means something only on a contract that is
//! known.
//!
//! | kind | chain | bytes: unsigned | digest |
//! |---|---|---|---|
//! | `evm.transaction` | `eip155:<id>` | EIP-155 legacy, EIP-2930, EIP-1559 | keccak-256 of bytes |
//!
//! ```
//! use intent::{Payload, parse};
//!
//! // The example of EIP-155: one ether to 0x3535…3535 on mainnet.
//! let bytes = hex::decode(
//!     "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080",
//! )
//! .unwrap();
//! let intent = parse(&Payload { kind: "evm.transaction", chain: "eip155:1", bytes: &bytes }).unwrap();
//!
//! assert_eq!(intent.transaction().nonce, 9);
//! assert_eq!(intent.effects().len(), 2); // the transfer, and the fee
//! ```

pub mod evm;

mod description;
mod effect;
mod parsed;
mod payload;
mod refusal;

pub use alloy_primitives::{Address, B256, U256};
pub use effect::{Account, Amount, AssetId, Call, Confidence, Effect, EffectKind};
pub use parsed::{Intent, parse};
pub use payload::{MAX_PAYLOAD, Payload, PayloadKind};
pub use refusal::Refusal;
