//! What persons, code and price sources said about a request.

use canonical::Base64;
use serde::{Deserialize, Serialize};

use crate::Role;
use crate::caip::AssetId;
use crate::number::Decimal;
use crate::rulebook::Quorum;

use super::decision::{Outcome, RuleResult};
use super::{Inputs, Policy};

/// A person's yes whose signature over this very request was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantedApproval {
    /// The public key. It counts only if the policy lists it for the role.
    #[serde(with = "key_bytes")]
    pub key: Vec<u8>,
    /// For which party the person speaks.
    pub role: Role,
}

/// How many of the policy's persons said yes; the same key counts once.
pub(super) fn granted(policy: &Policy, approvals: &[GrantedApproval]) -> Quorum {
    let count = |role| {
        let listed = policy.approvers.iter().filter(|(of, key)| {
            *of == role && approvals.iter().any(|it| it.role == role && it.key == *key)
        });
        u8::try_from(listed.count()).unwrap_or(u8::MAX)
    };
    Quorum { recovery: count(Role::Recovery), user: count(Role::User) }
}

/// What a custom rule said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleVerdict {
    /// Id of the rule.
    pub id: String,
    /// What it said.
    pub verdict: VerdictOfRule,
}

/// What a custom rule may say. One that throws or is late said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields, rename_all = "camelCase")]
pub enum VerdictOfRule {
    /// Nothing against it.
    Approved,
    /// Not allowed.
    Rejected {
        /// Why, for people.
        reason: String,
    },
    /// A person decides.
    RequiresAdditionalApproval {
        /// Why, for people.
        reason: String,
    },
}

/// The outcome of each custom rule that this party runs.
pub(super) fn custom_outcomes<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = Outcome> + 'a {
    inputs.policy.custom_rules.iter().map(|id| {
        let mut said = inputs.verdicts.iter().filter(|it| it.id == **id).map(|it| &it.verdict);
        let missing = || RuleResult::rejected("the custom rule gave no verdict");
        let strictest = said.try_fold(None, |so_far, verdict| match verdict {
            VerdictOfRule::Approved => Ok(so_far.or(Some(RuleResult::Passed))),
            VerdictOfRule::Rejected { reason } => Err(RuleResult::rejected(reason.clone())),
            VerdictOfRule::RequiresAdditionalApproval { reason } => {
                let quorum = inputs.policy.quorums.approval;
                Ok(Some(RuleResult::NeedsApproval { reason: reason.clone().into(), quorum }))
            }
        });
        let result = strictest.map_or_else(|rejected| rejected, |it| it.unwrap_or_else(missing));
        Outcome { rule_id: id.clone(), result }
    })
}

/// What an asset was worth: `micros` millionths of a currency's unit for `per` base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Price {
    /// Of what.
    pub asset: AssetId,
    /// When, Unix milliseconds.
    #[serde(with = "crate::number::text_u64")]
    pub at_ms: u64,
    /// In what, ISO 4217.
    pub currency: String,
    /// Millionths of the currency's unit.
    pub micros: Decimal,
    /// For this many base units.
    pub per: Decimal,
}

mod key_bytes {
    use super::{Base64, Deserialize, Serialize};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(key: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        Base64(key.to_vec()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        Base64::deserialize(deserializer).map(|bytes| bytes.0)
    }
}
