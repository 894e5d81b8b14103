//! Decisions and changes as JSON, for the SDK and for people.

use std::collections::BTreeMap;

use policy::U256;
use policy::evaluate::{PolicyDecision, RuleResult, Ruling};
use policy::rulebook::Change;
use serde_json::{Value, json};

/// A decision with every rule's part in it, and the same in lines that a person reads.
pub fn describe_decision(decision: &PolicyDecision) -> String {
    let ruling = match &decision.ruling {
        Ruling::Approved => json!({ "type": "approved" }),
        Ruling::Rejected { rule_id, reason } => {
            json!({ "type": "rejected", "ruleId": &**rule_id, "reason": reason })
        }
        Ruling::RequiresAdditionalApproval { rule_id, reason, approvers, quorum } => json!({
            "type": "requiresAdditionalApproval",
            "ruleId": &**rule_id,
            "reason": reason,
            "approvers": approvers,
            "quorum": quorum,
        }),
    };
    let outcomes: Vec<Value> = decision
        .outcomes
        .iter()
        .map(|outcome| {
            let (result, reason) = match &outcome.result {
                RuleResult::Passed => ("passed", None),
                RuleResult::NotApplicable => ("notApplicable", None),
                RuleResult::NeedsApproval { reason, .. } => ("needsApproval", Some(reason)),
                RuleResult::Rejected { reason } => ("rejected", Some(reason)),
            };
            json!({ "ruleId": &*outcome.rule_id, "result": result, "reason": reason })
        })
        .collect();
    json!({
        "explain": decision.explain(),
        "outcomes": outcomes,
        "policyHash": alloy_primitives::hex::encode_prefixed(decision.policy_hash),
        "policyVersion": decision.policy_version.to_string(),
        "ruling": ruling,
    })
    .to_string()
}

/// The differences between two versions of a policy.
pub fn describe_changes(changes: &[Change]) -> String {
    let change = |Change { path, description, loosens }: &Change| json!({ "path": path, "description": description, "loosens": loosens });
    Value::from(changes.iter().map(change).collect::<Vec<_>>()).to_string()
}

/// What code and price sources said, from the JSON of the SDK; `None` for anything else.
pub fn read_evidence(
    verdicts: &str,
    prices: &str,
) -> Option<(Vec<policy::evaluate::RuleVerdict>, Vec<policy::evaluate::Price>)> {
    Some((serde_json::from_str(verdicts).ok()?, serde_json::from_str(prices).ok()?))
}

/// Fees by asset, from a JSON object of decimal text; `None` for anything else.
pub fn read_fees(json: &str) -> Option<BTreeMap<String, U256>> {
    let fees: BTreeMap<String, String> = serde_json::from_str(json).ok()?;
    let amount = |text: &str| {
        let digits = (1..=78).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        let read = U256::from_str_radix(text, 10).ok().filter(|_| digits)?;
        (read.to_string() == text).then_some(read)
    };
    fees.into_iter().map(|(asset, text)| Some((asset, amount(&text)?))).collect()
}
