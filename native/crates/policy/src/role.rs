//! The three parties of a wallet, as documents name them.

use serde::{Deserialize, Serialize};

/// Who a party is, and on whose behalf an approver signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The agent's server. No person stands behind it, so it has no approvers.
    Agent,
    /// The owner.
    User,
    /// The recovery guardian.
    Recovery,
}

impl Role {
    /// All roles, by ascending index.
    pub const ALL: [Self; 3] = [Self::Agent, Self::User, Self::Recovery];

    /// Whether persons stand behind this party, who hold approver keys.
    pub const fn has_approvers(self) -> bool {
        !matches!(self, Self::Agent)
    }
}
