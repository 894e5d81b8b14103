//! Why a party does not do what it was asked.

use core::fmt;

use ceremony::Failure;

/// A refusal that is no decision of the policy: the request cannot be judged at all.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// An argument is wrong.
    Input(&'static str),
    /// A payload cannot be read.
    Payload {
        /// Of the payload in the request.
        position: usize,
        /// Why.
        refusal: intent::Refusal,
    },
    /// A document, approval or reservation has no effect here.
    Document(policy::Refusal),
    /// A policy that is not sound.
    Policy(String),
    /// The ceremony's own reason.
    Ceremony(Failure),
}

impl From<policy::Refusal> for Refused {
    fn from(refusal: policy::Refusal) -> Self {
        Self::Document(refusal)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(reason) => formatter.write_str(reason),
            Self::Payload { position, refusal } => write!(formatter, "item {position}: {refusal}"),
            Self::Document(refusal) => refusal.fmt(formatter),
            Self::Policy(reason) => formatter.write_str(reason),
            Self::Ceremony(failure) => failure.fmt(formatter),
        }
    }
}

impl core::error::Error for Refused {}
