//! Why something that came from outside has no effect here.

use core::fmt;

/// A refusal leaves everything as it was. It names the rule, never a value, so it is safe to log and to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Bytes that are not the canonical form of what they should be, or longer than it may be.
    Malformed,
    /// A stored record that is damaged or was cut off.
    Damaged,
    /// A replacement that replaces nobody, or an approver key where none belongs or none where one belongs.
    Impossible,
    /// A key that is no Ed25519 public key in canonical form, or one of small order.
    BadKey,
    /// More approvers than a list may have.
    TooManyApprovers,
    /// An approver is listed for a party behind which no person stands.
    RoleWithoutApprovers,
    /// One key would count for two roles.
    KeyOfTwoRoles,
    /// The document is of another wallet.
    OtherWallet,
    /// The document is about another replacement: other rosters, another lost party, another newcomer.
    OtherReplacement,
    /// The signing key is not on the list of approvers.
    UnknownApprover,
    /// The signature is not the key's over this document.
    BadSignature,
    /// The role has no such say in this ceremony.
    NoSay,
    /// The document has expired.
    Lapsed,
    /// The document would be good for longer than an approval may be.
    LivesTooLong,
    /// The clock is not believed until the operator confirms it.
    ClockJumped,
    /// The recovery was vetoed or rejected before.
    Ended,
    /// The key has a say about as many recoveries as it may.
    TooManyRecoveries,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "not a canonical signed document",
            Self::Damaged => "the stored record is damaged",
            Self::Impossible => "not a replacement of one party by another",
            Self::BadKey => "not an approver key",
            Self::TooManyApprovers => "a wallet has at most 16 approvers",
            Self::RoleWithoutApprovers => "no person stands behind the agent",
            Self::KeyOfTwoRoles => "an approver key counts for one role only",
            Self::OtherWallet => "the document is of another wallet",
            Self::OtherReplacement => "the document is about another replacement",
            Self::UnknownApprover => "the key is not an approver of this wallet",
            Self::BadSignature => "the signature does not verify",
            Self::NoSay => "the approver has no such say in this ceremony",
            Self::Lapsed => "the document has expired",
            Self::LivesTooLong => "an approval is good for 30 days at most",
            Self::ClockJumped => "the clock jumped and was not confirmed",
            Self::Ended => "the recovery was vetoed or rejected",
            Self::TooManyRecoveries => "a person's key has a say about 16 recoveries at most",
        })
    }
}

impl core::error::Error for Refusal {}
