//! How a ceremony ends badly: a class, and the parties it blames. Names parties, never values.

use core::fmt;

use dkls23::{Abort, PartyIndex};

use crate::behind::Behind;

/// The class of a failure, as callers and peers see it (`docs/protocol.md`, "Errors and blame").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// The parties disagree about the setup, or this party's own setup is impossible. Nobody is blamed.
    Config,
    /// Two parties saw different broadcasts of an earlier round. Nobody is blamed.
    Equivocation,
    /// A peer stopped the ceremony.
    Stopped,
    /// A well-signed message that no honest sender produces.
    Malformed,
    /// A cryptographic check failed; every running ceremony with the culprit stops.
    Cheat,
    /// The pair's oblivious-transfer state is destroyed; the pair signs nothing more.
    OtPoisoned,
    /// The result is wrong and no check names a party.
    Unattributed,
    /// A party's operator, owner or rule said no.
    Refused,
    /// This party's own caller cancelled.
    Cancelled,
    /// This party's store failed: nothing left that depended on what could not be written.
    Storage,
    /// A party holds other epochs than the ceremony works with. Another attempt takes what it holds into account.
    EpochBehind,
    /// A party holds only epochs that the others erased: it works with nobody until it is recovered.
    ShareStale,
    /// A party came back from a backup: it signs nothing before a refresh.
    RefreshNeeded,
    /// A party holds another version of the wallet's policy. The newer one has to reach whoever lacks it.
    PolicyStale,
}

impl Class {
    /// The byte in an abort envelope. That its own share is stale a party cannot prove: to its peers it says what it
    /// holds.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Config => 1,
            Self::Equivocation => 2,
            Self::Stopped => 3,
            Self::Malformed => 4,
            Self::Cheat => 5,
            Self::OtPoisoned => 6,
            Self::Unattributed => 7,
            Self::Refused => 8,
            Self::Cancelled => 9,
            Self::Storage => 10,
            Self::EpochBehind | Self::ShareStale => 11,
            Self::RefreshNeeded => 12,
            Self::PolicyStale => 13,
        }
    }
}

/// Why a ceremony stopped at this party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub class: Class,
    /// The parties blamed, ascending; empty where nobody is.
    pub culprits: Vec<PartyIndex>,
    /// What was wrong, lower-case, without values: safe to log and to show.
    pub reason: &'static str,
    /// What must be on disk before anybody hears of this failure.
    pub(crate) evidence: Option<Evidence>,
    /// Peers are not told: they would take it for the end of a session that is alive.
    pub(crate) silent: bool,
    /// What a party that holds other epochs said of its own.
    pub(crate) behind: Option<Box<Behind>>,
    /// The peer that told this party to stop. The others are told in turn: it may have told this one alone.
    pub(crate) told_by: Option<PartyIndex>,
}

/// A failed check that outlives the ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The proof of a peer's oblivious-transfer setup failed: retries are counted.
    SetupFailed(PartyIndex),
    /// Another check of a peer failed.
    Cheated(PartyIndex),
    /// The pair's state is gone and must not come back.
    Poisoned(PartyIndex),
}

/// A peer's signed stop.
#[derive(Clone)]
pub(crate) struct Stop {
    pub(crate) party: PartyIndex,
    pub(crate) class: u8,
    pub(crate) behind: Option<Behind>,
}

impl Failure {
    fn new(class: Class, culprits: Vec<PartyIndex>, reason: &'static str) -> Self {
        Self { class, culprits, reason, evidence: None, silent: false, behind: None, told_by: None }
    }

    pub(crate) fn config(reason: &'static str) -> Self {
        Self::new(Class::Config, Vec::new(), reason)
    }

    /// This party holds other epochs than it is asked to work with.
    pub(crate) fn epoch_behind(own: Behind) -> Self {
        let reason = "this party holds other epochs of the wallet";
        Self { behind: Some(Box::new(own)), ..Self::new(Class::EpochBehind, Vec::new(), reason) }
    }

    /// This party is asked to work under an epoch that is newer than everything it holds.
    pub(crate) fn own_share_stale(own: Behind, party: PartyIndex) -> Self {
        let reason = "this party's shares are older than those of the others: it must be recovered";
        let failure = Self::new(Class::ShareStale, vec![party], reason);
        Self { behind: Some(Box::new(own)), ..failure }
    }

    /// A peer holds nothing but epochs that this party erased.
    pub(crate) fn peer_share_stale(party: PartyIndex) -> Self {
        let reason = "a party's shares are older than those of the others: it must be recovered";
        Self::new(Class::ShareStale, vec![party], reason)
    }

    /// This party came back from a backup, which holds nothing that a pair signs with.
    pub(crate) fn refresh_needed() -> Self {
        let reason = "this party was restored from a backup and signs nothing before a refresh";
        Self::new(Class::RefreshNeeded, Vec::new(), reason)
    }

    /// Two parties hold different versions of the wallet's policy, or a party read a request under another version than
    /// the one in force.
    pub fn policy_stale() -> Self {
        Self::new(
            Class::PolicyStale,
            Vec::new(),
            "the parties hold different versions of the policy",
        )
    }

    /// A peer's device was replaced: whatever became of the attempt, this party works with it no more.
    pub(crate) fn replaced() -> Self {
        Self { silent: true, ..Self::refused("the party's device was replaced") }
    }

    /// A replayed or repeated start. The session of that id may be running here, so nobody hears of this one.
    pub(crate) fn seen_before() -> Self {
        let failure = Self::config("a session or epoch that this party has seen before");
        Self { silent: true, ..failure }
    }

    /// The failure of a session that only shares what another one found and counted. A poisoning stays evidence:
    /// whoever reports it makes sure that it is on disk.
    pub(crate) fn found_elsewhere(self) -> Self {
        let evidence = self.evidence.filter(|found| !matches!(found, Evidence::Cheated(_)));
        Self { evidence, ..self }
    }

    /// This party's own caller sent something to a session before it began; nothing has left.
    pub(crate) fn unbegun() -> Self {
        Self { silent: true, ..Self::config("the session has not begun") }
    }

    pub(crate) fn equivocation() -> Self {
        Self::new(Class::Equivocation, Vec::new(), "two parties saw different broadcasts")
    }

    pub(crate) fn malformed(party: PartyIndex, reason: &'static str) -> Self {
        Self::new(Class::Malformed, vec![party], reason)
    }

    pub(crate) fn refused(reason: &'static str) -> Self {
        Self::new(Class::Refused, Vec::new(), reason)
    }

    /// An approver froze the wallet while a session was under way.
    pub fn frozen() -> Self {
        Self::refused("the wallet is frozen")
    }

    /// What a session was permitted is void: its party gave the request up.
    pub fn released() -> Self {
        Self::refused("the request was given up")
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Class::Cancelled, Vec::new(), "cancelled by the caller")
    }

    pub(crate) fn storage() -> Self {
        Self::new(Class::Storage, Vec::new(), "the store could not be written or read back")
    }

    /// What a peer's abort envelope means here. Its word about culprits is not believed, and it is not blamed for
    /// stopping itself where it may have stopped for a third party's act: only a refusal is its own.
    pub(crate) fn stopped_by(stop: Stop, others: bool) -> Self {
        let Stop { party, class, behind } = stop;
        let (class, reason) = match class {
            1 => (Class::Config, "a peer's setup differs"),
            2 => (Class::Equivocation, "a peer saw different broadcasts"),
            8 => (Class::Refused, "a peer refused"),
            11 => (Class::EpochBehind, "a peer holds other epochs of the wallet"),
            12 => (
                Class::RefreshNeeded,
                "a peer was restored from a backup and signs nothing before a refresh",
            ),
            13 => (Class::PolicyStale, "a peer holds another version of the policy"),
            _ => (Class::Stopped, "a peer stopped the ceremony"),
        };
        let culprits = match class {
            Class::Refused | Class::RefreshNeeded => vec![party],
            Class::Stopped if !others => vec![party],
            _ => Vec::new(),
        };
        let behind = behind.map(Box::new);
        Self { told_by: Some(party), behind, ..Self::new(class, culprits, reason) }
    }
}

impl From<Abort> for Failure {
    fn from(abort: Abort) -> Self {
        let (class, reason) = match abort {
            Abort::Config => (Class::Config, "the parties' setups differ"),
            Abort::Equivocation => (Class::Equivocation, "two parties saw different broadcasts"),
            Abort::Malformed(_) => (Class::Malformed, "a message that no honest sender produces"),
            Abort::Cheat(_) => (Class::Cheat, "a cryptographic check failed"),
            Abort::SetupCheat(_) => (Class::Cheat, "the oblivious-transfer setup failed its proof"),
            Abort::OtPoisoned(_) => (Class::OtPoisoned, "the oblivious-transfer state is poisoned"),
            Abort::Unattributed(_) => (Class::Unattributed, "the result is wrong"),
            Abort::Cancelled => (Class::Cancelled, "cancelled by the caller"),
            // A class that a later engine adds stops the ceremony like a wrong result.
            _ => (Class::Unattributed, "the engine stopped"),
        };
        let evidence = match abort {
            Abort::SetupCheat(party) => Some(Evidence::SetupFailed(party)),
            Abort::Cheat(party) => Some(Evidence::Cheated(party)),
            Abort::OtPoisoned(party) => Some(Evidence::Poisoned(party)),
            _ => None,
        };
        Self { evidence, ..Self::new(class, abort.culprit().into_iter().collect(), reason) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.reason)
    }
}

impl core::error::Error for Failure {}
