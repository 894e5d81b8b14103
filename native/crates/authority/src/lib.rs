//! What one party demands before it signs.
//!
//! Data flows one way: bytes → [`intent`] → [`policy`] → [`ceremony::SigningAuthorization`]. Here the parts meet: an
//! [`Authority`] holds one party's policy, freeze, ledger and approvals of one wallet, parses what it is asked to sign
//! with the contracts of its own policy, decides, reserves, and makes the authorization that a session starts from.
//! Both signers do all of it, each with its own.
//!
//! No I/O and no clock: what must be durable comes back as writes, to be committed before anything is acted on.

mod authority;
mod contracts;
mod describe;
mod effects;
mod records;
mod refused;
mod request;
mod statements;

pub use authority::{Authority, Authorized, Evidence, PolicyUpdate};
pub use describe::{describe_changes, describe_decision, read_evidence, read_fees};
pub use refused::Refused;
pub use request::{Asked, Question, Reading, principal_hash};
pub use statements::Taken;

/// A role as the policy names it.
pub(crate) const fn role_of(role: ceremony::Role) -> policy::Role {
    match role {
        ceremony::Role::Agent => policy::Role::Agent,
        ceremony::Role::User => policy::Role::User,
        ceremony::Role::Recovery => policy::Role::Recovery,
    }
}
