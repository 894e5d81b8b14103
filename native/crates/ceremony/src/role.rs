//! The three parties of a wallet. Role and index are fixed for ever when the wallet is made.

use dkls23::PartyIndex;

/// Who a party is. The index is its Shamir x-coordinate and is not chosen by the party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The agent's server, index 1.
    Agent,
    /// The owner's co-signer, index 2.
    User,
    /// The recovery guardian, index 3.
    Recovery,
}

impl Role {
    /// All roles, by ascending index.
    pub const ALL: [Self; 3] = [Self::Agent, Self::User, Self::Recovery];

    /// The byte of this role in rosters and descriptors, which is its index too.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Agent => 1,
            Self::User => 2,
            Self::Recovery => 3,
        }
    }

    /// The role of a byte read from outside.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Agent),
            2 => Some(Self::User),
            3 => Some(Self::Recovery),
            _ => None,
        }
    }

    /// The party index of this role.
    pub fn index(self) -> PartyIndex {
        match PartyIndex::new(self.byte()) {
            Some(index) => index,
            None => unreachable!("a role's byte is 1, 2 or 3"),
        }
    }

    /// The role of a party index.
    pub fn of(index: PartyIndex) -> Option<Self> {
        Self::from_byte(index.get())
    }

    /// The word used in documents and error messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::User => "user",
            Self::Recovery => "recovery",
        }
    }

    /// Whether a person stands behind this party, who then holds an approver key beside the daemon's.
    pub const fn has_approver(self) -> bool {
        match self {
            Self::Agent => false,
            Self::User | Self::Recovery => true,
        }
    }
}
