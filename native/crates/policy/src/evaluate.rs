//! What the rules say about a request.
//!
//! [`evaluate`] is a function of its arguments: the compiled policy, the request as this party read it from bytes, this
//! party's own ledger, and what persons, code and price sources said. The most restrictive outcome wins and the order
//! of rules never matters. Whatever is missing, unknown or out of range is refused.

mod compile;
mod decision;
mod evidence;
mod guards;
mod limits;
mod movements;
mod replay;
mod request;
mod rules;

pub use compile::Policy;
pub use decision::{Outcome, PolicyDecision, Reservation, ReservationKind, RuleResult, Ruling};
pub use evidence::{GrantedApproval, Price, RuleVerdict, VerdictOfRule};
pub use replay::replay;
pub use request::{
    Item, MAX_EFFECTS, MAX_ITEMS, MAX_OWN_ACCOUNTS, PayloadKind, RECORD_SCHEMA, RecordedRequest,
    Request,
};

use movements::Movements;

pub use crate::ledger::Spending;

/// Everything that a rule may look at.
struct Inputs<'a> {
    policy: &'a Policy,
    request: &'a Request,
    spending: &'a dyn Spending,
    verdicts: &'a [RuleVerdict],
    prices: &'a [Price],
    movements: Movements<'a>,
}

/// Decides a request.
///
/// `approvals` are of persons whose signatures over this very request were verified, `verdicts` of the custom rules
/// that this party runs, `prices` of its own source. All have a say only where the policy asks for them.
pub fn evaluate(
    policy: &Policy,
    request: &Request,
    spending: &dyn Spending,
    approvals: &[GrantedApproval],
    verdicts: &[RuleVerdict],
    prices: &[Price],
) -> PolicyDecision {
    let movements = match Movements::read(policy, request) {
        Ok(movements) if policy.has_rules() => movements,
        Ok(_) => return PolicyDecision::refused(policy, "builtin/no-policy", NO_POLICY),
        Err(reason) => return PolicyDecision::refused(policy, "builtin/readable", reason),
    };
    let inputs = Inputs { policy, request, spending, verdicts, prices, movements };
    let mut outcomes = guards::outcomes(&inputs);
    outcomes.extend(policy.rules.iter().map(|rule| rules::outcome(rule, &inputs)));
    outcomes.extend(evidence::custom_outcomes(&inputs));
    let reservations = inputs.movements.reservations(policy, prices);
    PolicyDecision::of(policy, outcomes, approvals, reservations)
}

const NO_POLICY: &str = "this wallet has no policy, so nothing is signed: set one with PolicyConfig, for example \
    new PolicyConfig().withDailyLimit(…), or opt out with PolicyConfig.permissive()";
