//! What the owner allows although it would be refused in any policy.
//!
//! Exceptions are no rules: a rule only ever forbids or asks, so that adding one can never allow anything.

use serde::{Deserialize, Serialize};

use crate::caip::{AccountId, AssetId};
use crate::effect::{Domain, Selector};

/// The most exceptions of a policy.
pub const MAX_EXCEPTIONS: usize = 1_000;

/// One thing that is allowed by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields, rename_all = "camelCase")]
pub enum Exception {
    /// A call that cannot be decoded. What it moves beyond its native value is not known and not counted.
    UnknownCall {
        /// Whose code.
        contract: AccountId,
        /// Which function; without one, calls that have no selector.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        selector: Option<Selector>,
    },
    /// An approval without an amount. It counts against no limit.
    UnlimitedApproval {
        /// Of what.
        asset: AssetId,
        /// To whom.
        spender: AccountId,
    },
    /// Changes of owner, keys, modules or code of an account. A person approves each of them all the same.
    OwnerChange {
        /// Whose.
        account: AccountId,
    },
    /// Messages and typed data without an effect that can be decoded.
    Message {
        /// Exactly this domain.
        domain: Domain,
    },
}
