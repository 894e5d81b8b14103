//! The policy of a wallet as a document: canonical JSON that every party holds in the same bytes.

mod contracts;
mod describe;
mod diff;
mod document;
mod exceptions;
mod json;
mod parties;
mod rule;
mod times;
mod validate;

pub use contracts::{Contract, ContractKind, MAX_CONTRACTS, MAX_FUNCTIONS};
pub use diff::{Change, diff};
pub use document::{CONFIG_SCHEMA, MAX_POLICY_BYTES, PolicyConfig, PolicyDocument, SCHEMA};
pub use exceptions::{Exception, MAX_EXCEPTIONS};
pub use json::Invalid;
pub(crate) use json::{read, sorted, strict};
pub use parties::{
    Allotments, ApproverKey, CustomRule, MAX_CUSTOM_RULES, MAX_ORIGINS, MAX_PRINCIPALS,
    PolicyApprover, Principal, Quorum, Quorums, WEBAUTHN_KEY_BYTES,
};
pub use rule::{
    ApprovalThreshold, ArgumentCheck, ArgumentRule, BusinessHours, ContractRestrictions,
    FiatLimits, Limits, MAX_LIST, MAX_RULES, Messages, NewRecipients, Principals, Recipients, Rule,
    RuleBody, TimeBounds, Velocity,
};
pub use times::{Day, TimeOfDay, TimeZone};
pub use validate::{MAX_TEXT_BYTES, MAX_WINDOW_MS};
