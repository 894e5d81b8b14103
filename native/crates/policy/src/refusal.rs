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
    /// A key that is no public key in canonical form, or one of small order.
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
    /// A passkey is listed, and no site at which it was registered.
    NoRelyingParty,
    /// A site without a domain or origins, or with origins that are too many, too long, twice there or not plain text.
    BadRelyingParty,
    /// Authenticator data that is cut off or contradicts its flags.
    BadAuthenticatorData,
    /// The authenticator did not see a person.
    UserAbsent,
    /// The authenticator did not verify the person.
    UserNotVerified,
    /// Client data that is not the JSON of a browser.
    BadClientData,
    /// Client data of something else than an assertion.
    OtherCeremony,
    /// The assertion is over another document.
    OtherChallenge,
    /// The assertion was made in a page of one site within another.
    CrossOrigin,
    /// The assertion is for another site's passkeys.
    OtherRelyingParty,
    /// The assertion was made on a page that the policy does not name.
    OtherOrigin,
    /// Signatures over different documents where one is signed by several persons.
    OtherDocument,
    /// Nobody is named whose signature would be needed.
    NoQuorum,
    /// A role that has to agree did not sign.
    Unsigned,
    /// A release where a freeze belongs.
    NotAFreeze,
    /// A freeze where a release belongs.
    NotARelease,
    /// A freeze or release that a later one has overtaken.
    OldSequence,
    /// A sequence number too far above the last one.
    SequenceTooFar,
    /// The document is about another request.
    OtherRequest,
    /// The approval is of something else than what is to be signed, or by another key or path.
    OtherContent,
    /// The approval names two other parties to sign.
    OtherQuorum,
    /// The approval was given under another version of the policy.
    OtherPolicy,
    /// The approval was given in another epoch.
    OtherEpoch,
    /// The approval was given to somebody else.
    OtherRequester,
    /// The approval of a request would be good for longer than it may.
    ApprovalLivesTooLong,
    /// Approvals are missing, withdrawn or refused.
    NotApproved,
    /// The approval served a digest that can land next to this one.
    Used,
    /// The change is not of the version that is in force.
    OldVersion,
    /// The policy is not the one that was signed.
    OtherPolicyBytes,
    /// A nonce too far beyond the pending count: its signature could be kept back.
    NonceTooFar,
    /// A digest that is known gives away something else than it did.
    OtherCharges,
    /// The digest is final, or another one is that excludes it.
    Landed,
    /// The digest is not final, so it can land later.
    NotLanded,
    /// A share of the signature left, so it may exist.
    ShareLeft,
    /// The ledger knows no such request.
    UnknownRequest,
    /// The request has no such digest.
    UnknownDigest,
    /// More requests, or larger sums, wait for persons than may.
    TooManyWaiting,
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
            Self::NoRelyingParty => "a list with passkeys names the site of their registration",
            Self::BadRelyingParty => "not a site with 1 to 8 origins",
            Self::BadAuthenticatorData => "the authenticator data is not that of an assertion",
            Self::UserAbsent => "the authenticator saw nobody",
            Self::UserNotVerified => "the authenticator did not verify the person",
            Self::BadClientData => "the client data cannot be read",
            Self::OtherCeremony => "the client data is not of an assertion",
            Self::OtherChallenge => "the assertion is over another document",
            Self::CrossOrigin => "the assertion was made inside a page of another site",
            Self::OtherRelyingParty => "the assertion is for another site",
            Self::OtherOrigin => "the assertion was made on a page that the policy does not name",
            Self::OtherDocument => "the signatures are over different documents",
            Self::NoQuorum => "no role is named that has to agree",
            Self::Unsigned => "a role that has to agree did not sign",
            Self::NotAFreeze => "the document does not freeze",
            Self::NotARelease => "the document does not release",
            Self::OldSequence => "a later freeze or release is known",
            Self::SequenceTooFar => "the sequence number is too far ahead",
            Self::OtherRequest => "the document is about another request",
            Self::OtherContent => "the approval is of another content",
            Self::OtherQuorum => "the approval is for another quorum",
            Self::OtherPolicy => "the approval was given under another policy",
            Self::OtherEpoch => "the approval was given in another epoch",
            Self::OtherRequester => "the approval was given to another requester",
            Self::ApprovalLivesTooLong => "an approval of a request is good for 24 hours at most",
            Self::NotApproved => "the request is not approved",
            Self::Used => "the approval was used",
            Self::OldVersion => "the change is not of the policy in force",
            Self::OtherPolicyBytes => "the policy is not the one that was signed",
            Self::NonceTooFar => "the nonce is too far ahead of the account",
            Self::OtherCharges => "the digest is known with other amounts",
            Self::Landed => "the transaction is final",
            Self::NotLanded => "the transaction is not final",
            Self::ShareLeft => "a share of the signature left",
            Self::UnknownRequest => "the ledger does not know the request",
            Self::UnknownDigest => "the request has no such digest",
            Self::TooManyWaiting => "too many requests wait for approval",
        })
    }
}

impl core::error::Error for Refusal {}
