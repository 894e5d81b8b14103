//! Threshold ECDSA on secp256k1: three-round signing by any `t` of `n` parties, after Doerner,
//! Kondi, Lee and shelat, "Threshold ECDSA in Three Rounds" (ePrint 2023/765), with SoftSpokenOT
//! (2022/192) and endemic base OTs (2019/706).
//!
//! The protocol only, without I/O: [`keygen`], [`reshare`] and [`sign`] turn the messages of one
//! round into those of the next, [`mod@derive`] gives child keys. Whoever drives them moves the bytes,
//! authenticates every sender, encrypts private bodies, compares hashes of the broadcasts and seals
//! [`KeyShare::encode`] at rest.
//!
//! Rounds are types that consume themselves, so nothing is answered twice. Bodies have fixed
//! lengths and are read completely or refused. Secrets are wiped when dropped, and no branch or
//! index depends on them. Randomness is a parameter. The executable model of the specification is
//! the second implementation: its vectors pin every byte.

#[cfg(test)]
extern crate self as dkls23;

mod bytes;
mod context;
mod dealing;
pub mod derive;
mod dlog_proof;
mod ecdsa;
mod epoch;
mod error;
mod gf128;
mod hash_to_curve;
pub mod keygen;
#[cfg(test)]
mod known_answers;
mod ot;
mod pair;
mod pair_setup;
mod parameters;
mod party;
mod point;
mod polynomial;
pub mod reshare;
mod residue;
mod scalar;
mod secret;
mod share;
pub mod sign;
mod vole;
mod wire;
mod zero_share;

pub use epoch::Epoch;
pub use error::{Abort, ShareError};
pub use pair::Pair;
pub use party::PartyIndex;
pub use share::KeyShare;
pub use wire::{Cancel, Inbox, Incoming, Outgoing};

/// The suite's name in every context: this protocol with these parameters on this curve.
pub const SUITE: &str = "dkls23-secp256k1";
