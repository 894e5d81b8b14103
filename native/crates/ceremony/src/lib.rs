//! Ceremonies between the three parties of a wallet, without I/O, clocks or threads.
//!
//! A [`Session`] is one ceremony at one party. It starts from an authorization of its kind, turns envelopes
//! into envelopes, asks for commits where something must be on disk first, and ends in an [`session::Output`]
//! or a [`Failure`] that names a class and culprits. Everything that travels is an [`envelope`]: signed by its
//! sender, and from round 2 on sealed to the recipient's key for this session.

mod acknowledgement;
mod authorization;
mod behind;
mod body;
mod channel;
mod confirm;
pub mod descriptor;
mod document;
pub mod envelope;
pub mod epochs;
mod error;
mod identity;
mod invitation;
mod keygen;
mod making;
mod membership;
pub mod notice;
mod persons;
mod reshare;
mod role;
mod roster;
mod sealing;
pub mod session;
mod sign;
pub mod store;
mod wallet;
mod wire;

pub use acknowledgement::Certificate;
pub use authorization::{ConsentedItem, ParsedPayload, SigningAuthorization};
pub use channel::{DropCode, Dropped};
pub use document::{MAX_ITEMS, MAX_TRAVELLING_POLICY_BYTES, Origin, Principal, ProposedItem};
pub use error::{Class, Failure};
pub use identity::{Card, Identity, Pairing};
pub use invitation::Invitation;
pub use keygen::Words;
pub use membership::{Membership, Refusal};
pub use persons::Persons;
pub use reshare::ReshareAuthorization;
pub use role::Role;
pub use roster::{Member, Roster, THRESHOLD, Threshold};
pub use session::Session;
pub use wallet::{ECDSA_KEY_ID, Wallet};
