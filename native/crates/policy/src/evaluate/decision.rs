//! What came out, and why.

use std::borrow::Cow;
use std::sync::Arc;

use alloy_primitives::U256;

use crate::Role;
use crate::caip::AccountId;
use crate::rulebook::Quorum;

use super::Policy;
use super::evidence::{GrantedApproval, granted};

/// What the policy says about a request, with the outcome of every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDecision {
    /// The result: the most restrictive outcome.
    pub ruling: Ruling,
    /// Every rule, built-in ones first, each group in the order of ids.
    pub outcomes: Vec<Outcome>,
    /// Version of the policy.
    pub policy_version: u64,
    /// Hash of the policy.
    pub policy_hash: [u8; 32],
    /// What the ledger reserves before anything leaves; empty unless approved.
    pub reservations: Vec<Reservation>,
}

/// The result of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It may be signed, once its reservations are in the ledger.
    Approved,
    /// It may not be signed.
    Rejected {
        /// The rule, the first by id of those that reject.
        rule_id: Arc<str>,
        /// Why, for people.
        reason: Cow<'static, str>,
    },
    /// Persons must say yes first.
    RequiresAdditionalApproval {
        /// The rule, the first by id of those that ask.
        rule_id: Arc<str>,
        /// Why, for people.
        reason: Cow<'static, str>,
        /// Whose persons.
        approvers: Vec<Role>,
        /// How many of each: what satisfies every rule that asks.
        quorum: Quorum,
    },
}

/// What one rule said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its id; those that are in every policy begin with `builtin/`.
    pub rule_id: Arc<str>,
    /// What it said.
    pub result: RuleResult,
}

/// What a rule may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleResult {
    /// Nothing against it.
    Passed,
    /// It is not about this request.
    NotApplicable,
    /// Persons must say yes.
    NeedsApproval {
        /// Why.
        reason: Cow<'static, str>,
        /// Who.
        quorum: Quorum,
    },
    /// No.
    Rejected {
        /// Why.
        reason: Cow<'static, str>,
    },
}

impl RuleResult {
    pub(super) fn rejected(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Rejected { reason: reason.into() }
    }
}

/// What must not be spent twice: one movement of value, to be counted before anything of the signature leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Position of the payload in the request.
    pub item: usize,
    /// Under what [`super::Spending::spent`] counts it: a CAIP-19 asset; with `#fee` for fees and `#unlimited` for
    /// approvals without an amount, so that neither uses up a spending limit; or `fiat:` and a currency.
    pub asset: String,
    /// Base units, or millionths of a currency's unit.
    pub amount: U256,
    /// How it leaves.
    pub kind: ReservationKind,
    /// Who receives it or may take it.
    pub recipient: Option<AccountId>,
    /// Unix seconds after which it can no longer happen; `None` never.
    pub expiry: Option<u64>,
    /// Whether somebody else may submit it, so that only its expiry ends it, and a look at the chain.
    pub deferred: bool,
}

/// How value leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationKind {
    /// With the payload.
    Spend,
    /// As its fee.
    Fee,
    /// Whenever a spender takes it, so it counts until revoked, used or expired.
    Exposure,
}

impl PolicyDecision {
    pub(super) fn of(
        policy: &Policy,
        outcomes: Vec<Outcome>,
        approvals: &[GrantedApproval],
        reservations: Vec<Reservation>,
    ) -> Self {
        let ruling = rule(policy, &outcomes, approvals);
        let approved = ruling == Ruling::Approved;
        Self {
            ruling,
            outcomes,
            policy_version: policy.version,
            policy_hash: policy.hash,
            reservations: if approved { reservations } else { Vec::new() },
        }
    }

    pub(super) fn refused(
        policy: &Policy,
        rule_id: &str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        let outcome = Outcome { rule_id: rule_id.into(), result: RuleResult::rejected(reason) };
        Self::of(policy, vec![outcome], &[], Vec::new())
    }

    /// The answer after a person said no to the request, or took a yes back.
    pub fn denied(policy: &Policy) -> Self {
        Self::refused(policy, "builtin/approval", "a person said no to this request")
    }

    /// The answer while the wallet is frozen, whatever is asked.
    pub fn frozen(policy: &Policy) -> Self {
        Self::refused(policy, "builtin/frozen", "the wallet is frozen by one of its approvers")
    }

    /// The decision and every rule's part in it, a line each.
    pub fn explain(&self) -> Vec<String> {
        let head = match &self.ruling {
            Ruling::Approved => {
                format!("approved under version {} of the policy", self.policy_version)
            }
            Ruling::Rejected { rule_id, reason } => format!("rejected by {rule_id}: {reason}"),
            Ruling::RequiresAdditionalApproval { rule_id, reason, quorum, .. } => {
                format!("waits for approval ({quorum}), asked for by {rule_id}: {reason}")
            }
        };
        let line = |outcome: &Outcome| match &outcome.result {
            RuleResult::Passed => format!("  passed      {}", outcome.rule_id),
            RuleResult::NotApplicable => format!("  not about   {}", outcome.rule_id),
            RuleResult::NeedsApproval { reason, quorum } => {
                format!("  asks        {}: {reason} ({quorum})", outcome.rule_id)
            }
            RuleResult::Rejected { reason } => {
                format!("  rejects     {}: {reason}", outcome.rule_id)
            }
        };
        std::iter::once(head).chain(self.outcomes.iter().map(line)).collect()
    }
}

/// The most restrictive outcome.
fn rule(policy: &Policy, outcomes: &[Outcome], approvals: &[GrantedApproval]) -> Ruling {
    let mut asking: Option<(&Outcome, &Cow<'static, str>)> = None;
    let mut wanted = Quorum::default();
    for outcome in outcomes {
        match &outcome.result {
            RuleResult::Passed | RuleResult::NotApplicable => {}
            RuleResult::Rejected { reason } => {
                return Ruling::Rejected {
                    rule_id: outcome.rule_id.clone(),
                    reason: reason.clone(),
                };
            }
            RuleResult::NeedsApproval { reason, quorum } => {
                asking = asking.or(Some((outcome, reason)));
                wanted = wanted.and(*quorum);
            }
        }
    }
    match asking {
        Some((outcome, reason)) if !granted(policy, approvals).covers(wanted) => {
            Ruling::RequiresAdditionalApproval {
                rule_id: outcome.rule_id.clone(),
                reason: reason.clone(),
                approvers: wanted.roles(),
                quorum: wanted,
            }
        }
        _ => Ruling::Approved,
    }
}
