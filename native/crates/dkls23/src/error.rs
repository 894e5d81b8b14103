//! How a ceremony ends badly, and how a stored share is refused.

use core::fmt;

use crate::party::PartyIndex;

/// Why a ceremony stopped. Names parties, never values: it is logged, and language models read it.
///
/// The table "Errors and blame" of the specification says what each class means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Abort {
    /// The parties disagree about the setup, or this party's setup is impossible; nobody is to
    /// blame.
    Config,
    /// Two parties saw different broadcasts of an earlier round; nobody is to blame.
    Equivocation,
    /// This party sent what no honest party can send, visible without any secret.
    Malformed(PartyIndex),
    /// A cryptographic check on this party's message failed: every running session with it stops.
    Cheat(PartyIndex),
    /// The proof of this party's oblivious-transfer setup failed. As [`Abort::Cheat`], and counted
    /// durably: each such failure may have told the party one bit of a discarded secret, so a setup
    /// with it is repeated only by the operator, and a limited number of times.
    SetupCheat(PartyIndex),
    /// The oblivious-transfer check with this party failed: the pair signs nothing more until a
    /// refresh.
    OtPoisoned(PartyIndex),
    /// The result is wrong and no check names a party. With exactly one other party it is that one.
    Unattributed(Option<PartyIndex>),
    /// The caller cancelled.
    Cancelled,
}

impl Abort {
    /// The party this failure is blamed on, if it can be blamed on one.
    pub fn culprit(self) -> Option<PartyIndex> {
        match self {
            Self::Malformed(party)
            | Self::Cheat(party)
            | Self::SetupCheat(party)
            | Self::OtPoisoned(party) => Some(party),
            Self::Unattributed(party) => party,
            Self::Config | Self::Equivocation | Self::Cancelled => None,
        }
    }

    /// A wrong result in a ceremony with these other parties.
    pub(crate) fn unattributed(others: &[PartyIndex]) -> Self {
        match others {
            [only] => Self::Unattributed(Some(*only)),
            _ => Self::Unattributed(None),
        }
    }
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => write!(f, "the parties disagree about the setup"),
            Self::Equivocation => write!(f, "the parties saw different broadcasts"),
            Self::Malformed(party) => write!(f, "party {party} sent a malformed message"),
            Self::Cheat(party) => write!(f, "a check on party {party} failed"),
            Self::SetupCheat(party) => write!(f, "the setup proof of party {party} failed"),
            Self::OtPoisoned(party) => {
                write!(f, "the oblivious-transfer state with party {party} is poisoned")
            }
            Self::Unattributed(Some(party)) => write!(f, "the result with party {party} is wrong"),
            Self::Unattributed(None) => write!(f, "the result is wrong"),
            Self::Cancelled => write!(f, "cancelled"),
        }
    }
}

impl std::error::Error for Abort {}

/// Why bytes are not a key share, or a pair is not this share's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareError {
    /// Written by another version of the format.
    Version,
    /// A wrong length, or a field out of its range.
    Encoding,
    /// Well-formed fields that contradict each other.
    Inconsistent,
    /// The pair belongs to another share, epoch or peer.
    ForeignPair,
}

impl fmt::Display for ShareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "the share was written by another version of the format",
            Self::Encoding => "the share has a wrong length or a field out of range",
            Self::Inconsistent => "the fields of the share contradict each other",
            Self::ForeignPair => "the pair belongs to another share",
        })
    }
}

impl std::error::Error for ShareError {}
