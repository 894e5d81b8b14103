//! Who has a say: approvers, principals, quorums, and the co-signers' shares of the limits.

use canonical::Base64;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::Role;
use crate::approver::{KEY_BYTES, read_key};

/// Bytes of a passkey's public key: a compressed point of P-256 (SEC 1, §2.3.3).
pub const WEBAUTHN_KEY_BYTES: usize = 33;
/// The most principals of a policy.
pub const MAX_PRINCIPALS: usize = 64;
/// The most custom rules of a policy.
pub const MAX_CUSTOM_RULES: usize = 32;
/// The most origins of a passkey.
pub const MAX_ORIGINS: usize = 8;

/// A key of a person who approves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "algorithm", deny_unknown_fields, rename_all = "lowercase")]
pub enum PolicyApprover {
    /// A key of a person's device.
    Ed25519 {
        /// The public key.
        key: ApproverKey<KEY_BYTES>,
        /// For which party the person speaks.
        role: Role,
    },
    /// A passkey.
    Webauthn {
        /// The public key.
        key: ApproverKey<WEBAUTHN_KEY_BYTES>,
        /// Pages that may ask for an assertion, such as `https://wallet.example`.
        origins: Vec<String>,
        /// For which party the person speaks.
        role: Role,
        /// Relying party id, a domain.
        #[serde(rename = "rpId")]
        rp_id: String,
    },
}

impl PolicyApprover {
    /// For which party the person speaks.
    pub fn role(&self) -> Role {
        match self {
            Self::Ed25519 { role, .. } | Self::Webauthn { role, .. } => *role,
        }
    }

    /// The public key.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Ed25519 { key, .. } => &key.0,
            Self::Webauthn { key, .. } => &key.0,
        }
    }
}

/// A public key of exactly `N` bytes, base64url in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApproverKey<const N: usize>(pub [u8; N]);

impl<const N: usize> Serialize for ApproverKey<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Base64(self.0.to_vec()).serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for ApproverKey<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Base64::deserialize(deserializer)?;
        bytes.array().map(Self).ok_or_else(|| D::Error::custom(format!("not a key of {N} bytes")))
    }
}

/// Whether a key is one that signatures are checked under: for Ed25519 in canonical form and not of small order,
/// for P-256 with the prefix of a compressed point.
pub(crate) fn is_sound(approver: &PolicyApprover) -> bool {
    match approver {
        PolicyApprover::Ed25519 { key, .. } => read_key(&key.0).is_ok(),
        PolicyApprover::Webauthn { key, .. } => matches!(key.0.first(), Some(2 | 3)),
    }
}

/// Somebody on whose behalf requests are made, by a key that signs them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Principal {
    /// Unix milliseconds from which the key counts no more.
    #[serde(rename = "expiresAt", with = "crate::number::text_u64")]
    pub expires_at_ms: u64,
    /// Ed25519.
    pub key: ApproverKey<KEY_BYTES>,
    /// Unique; rules name it.
    pub name: String,
}

/// How many different approvers of each role must say yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// Of the recovery guardian.
    pub recovery: u8,
    /// Of the user.
    pub user: u8,
}

impl Quorum {
    /// One of each: the default for an additional approval.
    pub const BOTH: Self = Self { recovery: 1, user: 1 };
    /// The user alone.
    pub const USER: Self = Self { recovery: 0, user: 1 };

    /// Whether nobody has to say yes.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// What satisfies both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { recovery: self.recovery.max(other.recovery), user: self.user.max(other.user) }
    }

    /// Whether whatever satisfies this satisfies the other.
    pub fn covers(self, other: Self) -> bool {
        self.and(other) == self
    }

    /// Roles that must say yes.
    pub fn roles(self) -> Vec<Role> {
        let counts = [(Role::User, self.user), (Role::Recovery, self.recovery)];
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(role, _)| role).collect()
    }
}

impl core::fmt::Display for Quorum {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.user, self.recovery) {
            (0, 0) => formatter.write_str("nobody"),
            (user, 0) => write!(formatter, "{user} of the user"),
            (0, recovery) => write!(formatter, "{recovery} of the guardian"),
            (user, recovery) => {
                write!(formatter, "{user} of the user and {recovery} of the guardian")
            }
        }
    }
}

/// Who decides what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quorums {
    /// Additional approvals, where a rule names no quorum of its own.
    pub approval: Quorum,
    /// Changes that loosen.
    pub loosen: Quorum,
    /// Changes that only tighten.
    pub tighten: Quorum,
    /// Ending a freeze.
    pub unfreeze: Quorum,
}

impl Default for Quorums {
    fn default() -> Self {
        Self {
            approval: Quorum::BOTH,
            loosen: Quorum::BOTH,
            tighten: Quorum::USER,
            unfreeze: Quorum::BOTH,
        }
    }
}

/// Shares of every windowed limit, in percent. Each co-signer counts in its own ledger, so what both may use must
/// be at most the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allotments {
    /// Of the recovery party; with none it signs only with a fresh approval.
    pub recovery: u8,
    /// Of the user.
    pub user: u8,
}

impl Default for Allotments {
    fn default() -> Self {
        Self { recovery: 0, user: 100 }
    }
}

impl Allotments {
    /// The share of a co-signer.
    pub fn of(self, role: Role) -> u8 {
        match role {
            Role::Agent => 0,
            Role::User => self.user,
            Role::Recovery => self.recovery,
        }
    }
}

/// A rule that code outside of the document decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRule {
    /// Unique; verdicts carry it.
    pub id: String,
    /// The parties that run it, at least one.
    pub roles: Vec<Role>,
}
