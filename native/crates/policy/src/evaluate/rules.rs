//! What each rule of a document says about a request.

use std::collections::{HashMap, HashSet};

use alloy_primitives::U256;

use crate::caip::{AssetId, ChainId};
use crate::effect::{Argument, Call, Domain, Effect, EffectKind};
use crate::rulebook::{BusinessHours, TimeBounds, Velocity};

use super::Inputs;
use super::compile::{Check, CompiledBody, CompiledRule, RecipientSet, Restrictions, Threshold};
use super::decision::{Outcome, RuleResult};
use super::limits::{self, LIMITS_FULL, share_of_count};
use super::movements::Movement;
use super::request::PayloadKind;

pub(super) fn outcome(rule: &CompiledRule, inputs: &Inputs<'_>) -> Outcome {
    Outcome { rule_id: rule.id.clone(), result: result(rule, inputs) }
}

fn result(rule: &CompiledRule, inputs: &Inputs<'_>) -> RuleResult {
    let asker = inputs.request.principal.as_ref();
    // A request that names nobody is anybody's: every scoped rule holds, over what everybody spent.
    let principal = match (&rule.principal, asker) {
        (Some(scope), Some(asker)) if scope != asker => return RuleResult::NotApplicable,
        (Some(_), Some(asker)) => Some(asker),
        (Some(_), None) | (None, _) => None,
    };
    match &rule.body {
        CompiledBody::Spending(it) => limits::spending(it, principal, inputs),
        CompiledBody::Fees(it) => limits::fees(it, principal, inputs),
        CompiledBody::Whitelist(it) => whitelist(it, inputs),
        CompiledBody::Blacklist(it) => blacklist(it, inputs),
        CompiledBody::TimeBounds(it) => time_bounds(it, inputs.request.time_ms),
        CompiledBody::BusinessHours(it) => business_hours(it, inputs.request.time_ms),
        CompiledBody::Contracts(it) => contracts(it, inputs),
        CompiledBody::Threshold(it) => threshold(it, inputs),
        CompiledBody::Velocity(it) => velocity(it, principal, inputs),
        CompiledBody::NewRecipients { cool_down_ms } => new_recipients(*cool_down_ms, inputs),
        CompiledBody::Messages(domains) => messages(domains, inputs),
        CompiledBody::Principals(allowed) => match asker {
            Some(asker) if allowed.contains(asker) => RuleResult::Passed,
            _ => RuleResult::rejected("the request is signed by none of the rule's principals"),
        },
        CompiledBody::Fiat(it) => limits::fiat(it, principal, inputs),
    }
}

fn is_about(chain: Option<&ChainId>, of: &str) -> bool {
    chain.is_none_or(|chain| chain.as_str() == of)
}

fn whitelist(set: &RecipientSet, inputs: &Inputs<'_>) -> RuleResult {
    let payments = inputs.movements.out.iter().filter(|out| is_payment(out));
    let mut payments =
        payments.filter(|out| is_about(set.chain.as_ref(), out.asset.chain())).peekable();
    if payments.peek().is_none() {
        return RuleResult::NotApplicable;
    }
    let listed = |out: &Movement<'_>| out.payee.is_some_and(|it| set.recipients.contains(it));
    if payments.all(listed) {
        return RuleResult::Passed;
    }
    RuleResult::rejected("a recipient is not on the whitelist")
}

/// Whether somebody receives it or may take it: not a swap for an own account, nor a call without value.
fn is_payment(out: &Movement<'_>) -> bool {
    match out.effect.kind {
        EffectKind::Transfer | EffectKind::Approve | EffectKind::Permit => true,
        EffectKind::Swap => out.payee.is_some(),
        EffectKind::Revoke
        | EffectKind::Delegate
        | EffectKind::Deploy
        | EffectKind::Call
        | EffectKind::Message
        | EffectKind::OwnerChange
        | EffectKind::FeeOnly
        | EffectKind::Unknown => out.amount.is_none_or(|amount| !amount.is_zero()),
    }
}

fn blacklist(set: &RecipientSet, inputs: &Inputs<'_>) -> RuleResult {
    let mut effects = inputs
        .movements
        .effects
        .iter()
        .filter(|(item, _)| is_about(set.chain.as_ref(), item.chain.as_str()));
    let banned = |effect: &Effect| {
        let contract = match &effect.domain {
            Some(Domain::TypedData { contract, .. }) => contract.as_ref(),
            Some(Domain::Text | Domain::SignIn { .. }) | None => None,
        };
        let target = effect.call.as_ref().and_then(|call| call.target.as_ref());
        let named = [effect.to.as_ref(), effect.spender.as_ref(), target, contract];
        named.into_iter().flatten().any(|account| set.recipients.contains(account))
    };
    if effects.any(|(_, effect)| banned(effect)) {
        return RuleResult::rejected("an account is on the blacklist");
    }
    RuleResult::Passed
}

fn time_bounds(bounds: &TimeBounds, now_ms: u64) -> RuleResult {
    if bounds.not_before.is_some_and(|from| now_ms < from) {
        return RuleResult::rejected("the time of this rule has not begun");
    }
    if bounds.not_after.is_some_and(|until| now_ms >= until) {
        return RuleResult::rejected("the time of this rule is over");
    }
    RuleResult::Passed
}

fn business_hours(hours: &BusinessHours, now_ms: u64) -> RuleResult {
    let Some((day, minute)) = hours.time_zone.clock(now_ms) else {
        return RuleResult::rejected("the time is outside of the calendar");
    };
    let (start, end) = (hours.start.minutes(), hours.end.minutes());
    let inside = if start < end {
        hours.days.contains(&day) && (start..end).contains(&minute)
    } else {
        let evening = hours.days.contains(&day) && minute >= start;
        evening || hours.days.contains(&day.before()) && minute < end
    };
    if inside { RuleResult::Passed } else { RuleResult::rejected("outside of business hours") }
}

fn contracts(rule: &Restrictions, inputs: &Inputs<'_>) -> RuleResult {
    let mut result = RuleResult::NotApplicable;
    for (item, effect) in &inputs.movements.effects {
        let special =
            matches!(effect.kind, EffectKind::Deploy | EffectKind::Unknown | EffectKind::Delegate);
        if !is_about(rule.chain.as_ref(), item.chain.as_str())
            || (effect.call.is_none() && !special)
        {
            continue;
        }
        if let Some(reason) = forbidden_call(rule, effect) {
            return RuleResult::rejected(reason);
        }
        result = RuleResult::Passed;
    }
    result
}

fn forbidden_call(rule: &Restrictions, effect: &Effect) -> Option<&'static str> {
    let call = effect.call.as_ref();
    match effect.kind {
        EffectKind::Deploy => return (!rule.deployment).then_some("deployments are not allowed"),
        EffectKind::Unknown if !rule.unknown => return Some("unknown calls are not allowed"),
        EffectKind::Delegate => {
            return (!rule.delegate_calls).then_some("delegations are not allowed");
        }
        _ => {}
    }
    if call.is_some_and(|call| call.delegated) && !rule.delegate_calls {
        return Some("delegate calls are not allowed");
    }
    let target = call.and_then(|call| call.target.as_ref());
    let selector = call.and_then(|call| call.selector);
    if let Some(allowed) = &rule.allowed_contracts
        && !target.is_some_and(|target| allowed.contains(target))
    {
        return Some("the contract is not allowed");
    }
    if selector.is_some_and(|selector| rule.blocked_selectors.contains(&selector)) {
        return Some("the function is blocked");
    }
    if let Some(allowed) = &rule.allowed_selectors
        && !selector.is_some_and(|selector| allowed.contains(&selector))
    {
        return Some("the function is not allowed");
    }
    if rule.arguments.is_empty() {
        return None;
    }
    let (Some(call), Some(target), Some(selector)) = (call, target, selector) else { return None };
    let checks = rule.arguments.get(&(target.clone(), selector))?;
    let kept = checks.iter().all(|(position, check)| keeps(call, *position, check));
    (!kept).then_some("an argument of the function is not allowed")
}

fn keeps(call: &Call, position: usize, check: &Check) -> bool {
    match (call.arguments.get(position), check) {
        (None, _) => false,
        (Some(Argument::Number(number)), Check::AtMost(most)) => number.0 <= *most,
        (Some(Argument::Account(_) | Argument::Text(_)), Check::AtMost(_)) => false,
        (Some(Argument::Number(number)), Check::OneOf(texts)) => {
            texts.contains(&number.to_string())
        }
        (Some(Argument::Account(account)), Check::OneOf(texts)) => texts.contains(account.as_str()),
        (Some(Argument::Text(text)), Check::OneOf(texts)) => texts.contains(text),
    }
}

fn threshold(rule: &Threshold, inputs: &Inputs<'_>) -> RuleResult {
    let quorum = rule.quorum;
    if let Some((asset, above)) = &rule.above
        && exceeds(inputs, asset, *above)
    {
        let reason = format!("more than {above} of {asset} in one request").into();
        return RuleResult::NeedsApproval { reason, quorum };
    }
    match rule.kinds.intersection(&inputs.movements.kinds).next() {
        Some(kind) => {
            RuleResult::NeedsApproval { reason: format!("it has a {}", kind.name()).into(), quorum }
        }
        None => RuleResult::Passed,
    }
}

/// Whether more of an asset leaves. Also an approval without an amount that an exception names: it counts against no
/// limit, and is more than any number all the same.
fn exceeds(inputs: &Inputs<'_>, asset: &AssetId, above: U256) -> bool {
    let unlimited = |out: &Movement<'_>| out.amount.is_none() && out.asset == asset;
    inputs.movements.spent(asset).is_some_and(|asked| asked.is_none_or(|asked| asked > above))
        || inputs.movements.out.iter().any(unlimited)
}

fn velocity(rule: &Velocity, principal: Option<&[u8; 32]>, inputs: &Inputs<'_>) -> RuleResult {
    let too_many = || {
        let Velocity { count, window_ms } = rule;
        RuleResult::rejected(format!("more than {count} requests in {} s", window_ms / 1_000))
    };
    if rule.count == 0 {
        return too_many();
    }
    if inputs.policy.share == 0 {
        return RuleResult::Passed;
    }
    if inputs.spending.limits_full() {
        return RuleResult::rejected(LIMITS_FULL);
    }
    let since_ms = inputs.request.time_ms.saturating_sub(rule.window_ms);
    let before = inputs.spending.count(since_ms, principal);
    if before >= share_of_count(rule.count, inputs.policy.share) {
        return too_many();
    }
    RuleResult::Passed
}

fn new_recipients(cool_down_ms: u64, inputs: &Inputs<'_>) -> RuleResult {
    let mut payments: HashMap<&str, usize> = HashMap::new();
    for payee in inputs.movements.out.iter().filter_map(|out| out.payee) {
        *payments.entry(payee.as_str()).or_default() += 1;
    }
    if payments.is_empty() {
        return RuleResult::NotApplicable;
    }
    if inputs.spending.limits_full() {
        return RuleResult::rejected(LIMITS_FULL);
    }
    let now = inputs.request.time_ms;
    let too_soon = |(payee, times): (&str, usize)| match inputs.spending.first_paid_ms(payee) {
        None => times > 1,
        // A first payment in the future is a clock that was set back.
        Some(first) => now.checked_sub(first).is_none_or(|passed| passed < cool_down_ms),
    };
    if payments.into_iter().any(too_soon) {
        return RuleResult::rejected("a new recipient was paid for the first time too recently");
    }
    RuleResult::Passed
}

fn messages(domains: &HashSet<Domain>, inputs: &Inputs<'_>) -> RuleResult {
    let mut result = RuleResult::NotApplicable;
    for (item, effect) in &inputs.movements.effects {
        let is_message = match item.kind {
            PayloadKind::EvmMessage
            | PayloadKind::EvmTypedData
            | PayloadKind::EvmHash
            | PayloadKind::SolanaMessage => true,
            PayloadKind::EvmTransaction
            | PayloadKind::EvmAuthorization
            | PayloadKind::EvmUserOperation
            | PayloadKind::SolanaTransaction
            | PayloadKind::BitcoinPsbt => effect.domain.is_some(),
        };
        if !is_message {
            continue;
        }
        if !effect.domain.as_ref().is_some_and(|domain| domains.contains(domain)) {
            return RuleResult::rejected("messages of this domain are not allowed");
        }
        result = RuleResult::Passed;
    }
    result
}
