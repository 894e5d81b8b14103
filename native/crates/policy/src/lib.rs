//! What a party demands before it acts: documents that persons sign, and rules over them and over its own clock.
//!
//! A daemon never joins a ceremony that changes who holds the wallet on the word of a peer, or a hostile agent would
//! "recover" the guardian into its own second device. Approver keys belong to persons, are listed in the policy
//! document that all parties agreed on, and are not the daemons' identity keys. Each survivor keeps its own
//! [`PendingRecovery`] and decides alone:
//!
//! | lost party | must approve | may veto | delay |
//! |---|---|---|---|
//! | Agent | a User approver and a Recovery approver | – | – |
//! | Recovery | a User approver | a Recovery approver | 48 h |
//! | User | a Recovery approver | a User approver | 7 days |
//!
//! Whether a request may be signed is another question, and [`rulebook`] and [`evaluate`] answer it: the policy of a
//! wallet as a document, and what its rules make of the effects ([`effect`]) of what somebody asks to be signed.
//! Signing is judged by each signer as well: [`Approvals`] are what persons said about one request, [`FreezeState`]
//! whether anything may be signed, [`PolicyState`] which policy is in force, and [`ledger::Ledger`] what counts
//! towards its limits. A person's document is [`Signed`] by a device key or a passkey.
//!
//! Everything here is a function of its arguments: no clock, no I/O, no randomness, no secrets. Whatever is missing,
//! unknown or not canonical is refused.

mod agreement;
mod approval;
mod approvals;
mod approver;
pub mod caip;
mod change;
mod clock;
mod document;
pub mod effect;
pub mod evaluate;
mod freeze;
pub mod ledger;
mod number;
mod pending;
mod permit;
mod policy_state;
mod record;
mod refusal;
mod role;
pub mod rulebook;
mod rules;
mod signed;
mod webauthn;

pub use alloy_primitives::U256;
pub use approval::{
    APPROVAL_LIFE_MS, ApprovalDocument, ApprovalVerdict, MAX_APPROVAL_DOCUMENT_BYTES,
    MAX_APPROVAL_LIFE_MS, MAX_APPROVED_DEPTH, MAX_APPROVED_ITEMS, MAX_ASSET_BYTES, MAX_FEE_ASSETS,
    MAX_KEY_ID_BYTES, Subject,
};
pub use approvals::{ApprovalDecision, Approvals, DigestUse, MAX_USES};
pub use approver::{Approver, ApproverKey, Approvers, KEY_BYTES, MAX_APPROVERS, SIGNATURE_BYTES};
pub use change::{ChangeDocument, MAX_CHANGE_DOCUMENT_BYTES, policy_hash};
pub use clock::{Clock, MAX_AHEAD_MS, MAX_BACK_MS};
pub use document::{CeremonyDocument, MAX_DOCUMENT_BYTES, Replacement, Verdict};
pub use freeze::{
    Freeze, FreezeDocument, FreezeState, MAX_FREEZE_DOCUMENT_BYTES, MAX_SEQUENCE_STEP,
};
pub use number::Decimal;
pub use pending::{Decision, PendingRecovery};
pub use permit::Permit;
pub use policy_state::{
    LOOSENING_DELAY_MS, MAX_POLICY_BYTES, PolicyChange, PolicyState, PolicyStatus,
};
pub use refusal::Refusal;
pub use role::Role;
pub use rules::{
    MAX_APPROVAL_MS, MAX_RECOVERIES_OF_A_KEY, RECOVERY_DELAY_MS, REFRESH_INTERVAL_MS, RecoveryRule,
    RefreshDecision, RefreshRequest, USER_DELAY_MS,
};
pub use signed::{Document, Signed, SignedDocument};
pub use webauthn::{
    Assertion, MAX_AUTHENTICATOR_DATA_BYTES, MAX_CLIENT_DATA_BYTES, MAX_ORIGIN_BYTES, MAX_ORIGINS,
    P256_KEY_BYTES, RelyingParty,
};
