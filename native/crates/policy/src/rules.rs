//! Who must agree to a ceremony, and how long it waits. Everything that policy version 1 fixes is here.

use crate::{Role, Verdict};

const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How long a replacement of the Recovery party waits after the User's yes.
pub const RECOVERY_DELAY_MS: u64 = 48 * HOUR_MS;
/// How long a replacement of the User waits after the Recovery party's yes.
pub const USER_DELAY_MS: u64 = 7 * DAY_MS;
/// The longest that an approval is good for, so that a forgotten one is not found and used.
pub const MAX_APPROVAL_MS: u64 = 30 * DAY_MS;
/// The most recoveries, under way or ended by a no, that one person's key has a say about at one party. Each is a
/// record on disk, and whoever has a key could otherwise fill it.
pub const MAX_RECOVERIES_OF_A_KEY: usize = 16;
/// The time between two refreshes without an operator.
pub const REFRESH_INTERVAL_MS: u64 = DAY_MS;

/// What replacing a party takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryRule {
    /// An approver of each of these says yes.
    pub required: &'static [Role],
    /// An approver of this role may object at any time.
    pub veto: Option<Role>,
    /// How long each survivor waits, by its own clock, after it first saw every required yes.
    pub delay_ms: u64,
}

impl RecoveryRule {
    /// The rule for a lost party. Where one person alone says yes, the other has time to object.
    pub const fn of(lost: Role) -> Self {
        match lost {
            Role::Agent => {
                Self { required: &[Role::User, Role::Recovery], veto: None, delay_ms: 0 }
            }
            Role::Recovery => Self {
                required: &[Role::User],
                veto: Some(Role::Recovery),
                delay_ms: RECOVERY_DELAY_MS,
            },
            Role::User => Self {
                required: &[Role::Recovery],
                veto: Some(Role::User),
                delay_ms: USER_DELAY_MS,
            },
        }
    }

    /// Whether an approver of this role may say this.
    pub fn has_say(&self, role: Role, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Approve | Verdict::Reject => self.required.contains(&role),
            Verdict::Veto => self.veto == Some(role),
        }
    }
}

/// A refresh that somebody asks this party to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshRequest {
    /// Hash of the roster in force.
    pub old_roster: [u8; 32],
    /// Hash of the roster that would be in force.
    pub new_roster: [u8; 32],
    /// When this party last began a refresh, by its own clock.
    pub last_refresh_ms: Option<u64>,
    /// This party's clock.
    pub now_ms: u64,
    /// Whether this party's operator said yes to this refresh.
    pub operator_agrees: bool,
}

/// What a party answers to a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshDecision {
    /// It joins.
    Allowed,
    /// A refresh changes shares, never parties; no operator can allow this.
    RosterChanged,
    /// It joins only with its operator's yes.
    NeedsOperator,
}

impl RefreshRequest {
    /// An unchanged roster, and at most one a day without the operator: a peer must not wear this party out or
    /// make its backups stale at will. A clock before the last refresh counts as too early.
    pub fn decide(&self) -> RefreshDecision {
        let rested = self.last_refresh_ms.is_none_or(|last| {
            self.now_ms.checked_sub(last).is_some_and(|passed| passed >= REFRESH_INTERVAL_MS)
        });
        if self.old_roster != self.new_roster {
            RefreshDecision::RosterChanged
        } else if self.operator_agrees || rested {
            RefreshDecision::Allowed
        } else {
            RefreshDecision::NeedsOperator
        }
    }
}
