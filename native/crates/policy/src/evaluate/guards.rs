//! What is refused or asked in every policy. Exceptions and `permissive` relax some of it; no rule does.

use crate::effect::{Confidence, Domain, Effect, EffectKind};

use super::Inputs;
use super::decision::{Outcome, RuleResult};
use super::request::{Item, PayloadKind};

pub(super) fn outcomes(inputs: &Inputs<'_>) -> Vec<Outcome> {
    let guards: [(&str, RuleResult); 9] = [
        ("builtin/allotment", allotment(inputs)),
        ("builtin/delegate", delegate(inputs)),
        ("builtin/message", message(inputs)),
        ("builtin/owner-change", owner_change(inputs)),
        ("builtin/prehashed", prehashed(inputs)),
        ("builtin/principal", principal(inputs)),
        ("builtin/simulated", simulated(inputs)),
        ("builtin/unknown", unknown(inputs)),
        ("builtin/unlimited", unlimited(inputs)),
    ];
    guards.into_iter().map(|(id, result)| Outcome { rule_id: id.into(), result }).collect()
}

/// A signer without a share of the limits counts nothing, so persons decide each time.
fn allotment(inputs: &Inputs<'_>) -> RuleResult {
    // Where the owner opted out and limits nothing, there is nothing to count.
    if inputs.policy.share > 0 || (inputs.policy.permissive && inputs.policy.rules.is_empty()) {
        return RuleResult::Passed;
    }
    asks(inputs, "this signer has no share of the limits")
}

/// Code for the account is never a matter of rules alone.
fn delegate(inputs: &Inputs<'_>) -> RuleResult {
    let listed = |effect: &Effect| {
        effect.to.as_ref().is_some_and(|code| inputs.policy.delegates.contains(code))
    };
    let unlisted = "the code is not listed as a delegate among the policy's contracts";
    never_automatic(inputs, EffectKind::Delegate, listed, unlisted, "code for the account")
}

/// Who owns the account neither.
fn owner_change(inputs: &Inputs<'_>) -> RuleResult {
    let listed = |effect: &Effect| {
        let account = effect.call.as_ref().and_then(|call| call.target.as_ref());
        let account = account.or(effect.from.as_ref());
        account.is_some_and(|account| inputs.policy.owner_changes.contains(account))
    };
    let unlisted = "no exception of the policy allows changes of this account's owner";
    never_automatic(inputs, EffectKind::OwnerChange, listed, unlisted, "a change of owner")
}

fn never_automatic(
    inputs: &Inputs<'_>,
    kind: EffectKind,
    listed: impl Fn(&Effect) -> bool,
    unlisted: &'static str,
    what: &'static str,
) -> RuleResult {
    let mut effects = of_kind(inputs, kind).peekable();
    if effects.peek().is_none() {
        return RuleResult::NotApplicable;
    }
    if !inputs.policy.permissive && !effects.all(|(_, effect)| listed(effect)) {
        return RuleResult::rejected(unlisted);
    }
    asks(inputs, what)
}

fn message(inputs: &Inputs<'_>) -> RuleResult {
    let named = |effect: &Effect| {
        effect.domain.as_ref().is_some_and(|domain| inputs.policy.messages.contains(domain))
    };
    let reason = "no exception of the policy allows messages of this domain";
    only_named(inputs, of_kind(inputs, EffectKind::Message), named, reason)
}

/// A digest is a blank cheque.
fn prehashed(inputs: &Inputs<'_>) -> RuleResult {
    if !inputs.request.items.iter().any(is_digest) {
        return RuleResult::NotApplicable;
    }
    if !inputs.policy.unsafe_prehashed {
        return RuleResult::rejected("digests are signed only under unsafePrehashed");
    }
    asks(inputs, "a digest says nothing about what it is for")
}

fn principal(inputs: &Inputs<'_>) -> RuleResult {
    let Some(key) = inputs.request.principal else { return RuleResult::NotApplicable };
    match inputs.policy.principals.iter().find(|known| known.key == key) {
        None => RuleResult::rejected("the policy does not list this principal"),
        Some(known) if inputs.request.time_ms >= known.expires_at_ms => {
            RuleResult::rejected("the principal's key has expired")
        }
        Some(_) => RuleResult::Passed,
    }
}

/// Also a message that the reader knows nothing of: 32 bytes, which are somebody's hash.
fn is_digest(item: &Item) -> bool {
    let unknown = |effect: &Effect| effect.kind == EffectKind::Unknown;
    item.kind == PayloadKind::EvmHash
        || (item.kind == PayloadKind::EvmMessage && item.effects.iter().any(unknown))
}

fn unknown(inputs: &Inputs<'_>) -> RuleResult {
    let named = |effect: &Effect| {
        let domain = effect.domain.as_ref();
        let call = effect.call.as_ref();
        let call = call.and_then(|call| Some((call.target.clone()?, call.selector)));
        let typed = domain.filter(|domain| matches!(domain, Domain::TypedData { .. }));
        typed.is_some_and(|domain| inputs.policy.messages.contains(domain))
            || call.is_some_and(|call| inputs.policy.unknown_calls.contains(&call))
    };
    // What is in a digest is for `builtin/prehashed` to judge.
    let effects = of_kind(inputs, EffectKind::Unknown).filter(|(item, _)| !is_digest(item));
    only_named(inputs, effects, named, "what the call does is not established")
}

fn unlimited(inputs: &Inputs<'_>) -> RuleResult {
    let mut unlimited = inputs.movements.out.iter().filter(|out| out.amount.is_none()).peekable();
    if unlimited.peek().is_none() {
        return RuleResult::NotApplicable;
    }
    if inputs.policy.permissive || unlimited.all(|out| !out.counts) {
        return RuleResult::Passed;
    }
    RuleResult::rejected("the approval has no amount, and no exception of the policy names it")
}

/// A simulation that shows more than the bytes is a reason to look, never a permission.
fn simulated(inputs: &Inputs<'_>) -> RuleResult {
    let mut effects = inputs.movements.effects.iter();
    if effects.any(|(_, effect)| effect.confidence == Confidence::Simulated) {
        return asks(inputs, "a simulation shows what the bytes do not");
    }
    RuleResult::NotApplicable
}

fn of_kind<'a>(
    inputs: &'a Inputs<'_>,
    kind: EffectKind,
) -> impl Iterator<Item = (&'a Item, &'a Effect)> {
    inputs.movements.effects.iter().filter(move |(_, effect)| effect.kind == kind).copied()
}

fn only_named<'a>(
    inputs: &Inputs<'_>,
    effects: impl Iterator<Item = (&'a Item, &'a Effect)>,
    named: impl Fn(&Effect) -> bool,
    reason: &'static str,
) -> RuleResult {
    let mut effects = effects.peekable();
    if effects.peek().is_none() {
        return RuleResult::NotApplicable;
    }
    if inputs.policy.permissive || effects.all(|(_, effect)| named(effect)) {
        return RuleResult::Passed;
    }
    RuleResult::rejected(reason)
}

fn asks(inputs: &Inputs<'_>, reason: &'static str) -> RuleResult {
    RuleResult::NeedsApproval { reason: reason.into(), quorum: inputs.policy.quorums.approval }
}
