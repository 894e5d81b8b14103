//! What changes between two policies, and whether it gets looser.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash;

use crate::Role;
use crate::caip::ChainId;

use super::{
    ApprovalThreshold, BusinessHours, Contract, ContractRestrictions, CustomRule, Exception,
    FiatLimits, Limits, Messages, PolicyConfig, PolicyDocument, Principal, Principals, Quorum,
    Quorums, Rule, RuleBody, TimeBounds,
};

/// One difference between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where, such as `rules[daily-eth]`.
    pub path: String,
    /// What, for people.
    pub description: String,
    /// Whether something that was refused could be allowed now. Whatever is not proven to tighten, loosens.
    pub loosens: bool,
}

/// The differences, in the order of paths. Without one that loosens, the new policy approves nothing that the old one
/// refused, and asks wherever the old one asked.
pub fn diff(old: &PolicyDocument, new: &PolicyDocument) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    if old.wallet_id() != new.wallet_id() {
        changes.add("walletId", "is another wallet", true);
    }
    if old.approvers() != new.approvers() {
        changes.add("approvers", "other persons approve", true);
    }
    let (old, new) = (old.config(), new.config());
    parties(&mut changes, old, new);
    contracts(&mut changes, old, new);
    exceptions(&mut changes, old, new);
    rules(&mut changes, old, new);
    custom_rules(&mut changes, old, new);
    changes.0.sort_by(|one, other| one.path.cmp(&other.path));
    changes.0
}

struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, path: impl Into<String>, description: impl Into<String>, loosens: bool) {
        self.0.push(Change { path: path.into(), description: description.into(), loosens });
    }
}

fn parties(changes: &mut Changes, old: &PolicyConfig, new: &PolicyConfig) {
    let flag = |on: bool| if on { "is switched on" } else { "is switched off" };
    if old.permissive != new.permissive {
        changes.add("permissive", flag(new.permissive), new.permissive);
    }
    if old.unsafe_prehashed != new.unsafe_prehashed {
        changes.add("unsafePrehashed", flag(new.unsafe_prehashed), new.unsafe_prehashed);
    }
    for (name, of) in [
        ("approval", (|it| it.approval) as fn(Quorums) -> Quorum),
        ("loosen", |it| it.loosen),
        ("tighten", |it| it.tighten),
        ("unfreeze", |it| it.unfreeze),
    ] {
        let (before, after) = (of(old.quorums), of(new.quorums));
        if before != after {
            let text = format!("{after} instead of {before}");
            changes.add(format!("quorums.{name}"), text, !after.covers(before));
        }
    }
    for (name, role) in [("recovery", Role::Recovery), ("user", Role::User)] {
        let (before, after) = (old.allotments.of(role), new.allotments.of(role));
        if before != after {
            let text = format!("{after} % instead of {before} %");
            // Without any share a signer asks persons instead of counting, so 0 is another rule and not less.
            changes.add(format!("allotments.{name}"), text, after == 0 || after > before);
        }
    }
    let before: BTreeMap<_, _> = old.principals.iter().map(|it| (&it.name, it)).collect();
    let after: BTreeMap<_, _> = new.principals.iter().map(|it| (&it.name, it)).collect();
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let shorter = |old: &Principal, new: &Principal| {
            old.key == new.key && old.expires_at_ms >= new.expires_at_ms
        };
        let path = format!("principals[{name}]");
        match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) if old != new => {
                changes.add(path, "key or expiry changes", !shorter(old, new));
            }
            (Some(_), None) => changes.add(path, "is removed", false),
            (None, Some(_)) => changes.add(path, "is added", true),
            _ => {}
        }
    }
}

/// Without its entry a contract's calls are unknown, which is refused unless something allows them.
fn contracts(changes: &mut Changes, old: &PolicyConfig, new: &PolicyConfig) {
    let before: BTreeMap<_, _> = old.contracts.iter().map(|it| (&it.address, it)).collect();
    let after: BTreeMap<_, _> = new.contracts.iter().map(|it| (&it.address, it)).collect();
    let unknown_passes = |gone: &Contract| {
        new.permissive
            || new.exceptions.iter().any(|exception| match exception {
                Exception::UnknownCall { contract, .. } => *contract == gone.address,
                Exception::Message { .. } => true,
                Exception::UnlimitedApproval { .. } | Exception::OwnerChange { .. } => false,
            })
    };
    for address in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let path = format!("contracts[{address}]");
        match (before.get(address), after.get(address)) {
            (Some(old), Some(new)) if old != new => {
                changes.add(path, "is read as something else", true);
            }
            (Some(gone), None) => changes.add(path, "is removed", unknown_passes(gone)),
            (None, Some(_)) => changes.add(path, "is added", true),
            _ => {}
        }
    }
}

fn exceptions(changes: &mut Changes, old: &PolicyConfig, new: &PolicyConfig) {
    let before: BTreeSet<_> = old.exceptions.iter().collect();
    let after: BTreeSet<_> = new.exceptions.iter().collect();
    for exception in after.difference(&before) {
        changes.add("exceptions", format!("allows {}", exception.describe()), true);
    }
    for exception in before.difference(&after) {
        changes.add("exceptions", format!("no longer allows {}", exception.describe()), false);
    }
}

fn rules(changes: &mut Changes, old: &PolicyConfig, new: &PolicyConfig) {
    let before: BTreeMap<_, _> = old.rules.iter().map(|it| (&it.id, it)).collect();
    let after: BTreeMap<_, _> = new.rules.iter().map(|it| (&it.id, it)).collect();
    let no_rules =
        |it: &PolicyConfig| it.rules.is_empty() && it.custom_rules.is_empty() && !it.permissive;
    if no_rules(old) && !no_rules(new) {
        changes.add("rules", "are the first ones: until now nothing was signed", true);
    }
    for id in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let path = format!("rules[{id}]");
        match (before.get(id), after.get(id)) {
            (Some(one), Some(other)) if one != other => {
                let text = format!("{}, instead of {}", other.describe(), one.describe());
                changes.add(path, text, !tightens(one, other, old.quorums, new.quorums));
            }
            (Some(gone), None) => changes.add(path, format!("no more {}", gone.describe()), true),
            (None, Some(added)) => changes.add(path, added.describe(), false),
            _ => {}
        }
    }
}

fn custom_rules(changes: &mut Changes, old: &PolicyConfig, new: &PolicyConfig) {
    let before: BTreeMap<_, _> = old.custom_rules.iter().map(|it| (&it.id, it)).collect();
    let after: BTreeMap<_, _> = new.custom_rules.iter().map(|it| (&it.id, it)).collect();
    let runs_wherever = |old: &CustomRule, new: &CustomRule| superset(&new.roles, &old.roles);
    for id in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let path = format!("customRules[{id}]");
        match (before.get(id), after.get(id)) {
            (Some(old), Some(new)) if old != new => {
                changes.add(path, "runs at other parties", !runs_wherever(old, new));
            }
            (Some(_), None) => changes.add(path, "is removed", true),
            (None, Some(_)) => changes.add(path, "is added", false),
            _ => {}
        }
    }
}

/// Whether the new rule refuses or asks for whatever the old one did.
fn tightens(old: &Rule, new: &Rule, quorums: Quorums, new_quorums: Quorums) -> bool {
    if new.principal.is_some() && new.principal != old.principal {
        return false;
    }
    match (&old.body, &new.body) {
        (RuleBody::SpendingLimits(old), RuleBody::SpendingLimits(new))
        | (RuleBody::FeeLimits(old), RuleBody::FeeLimits(new)) => lower_limits(old, new),
        (RuleBody::Whitelist(old), RuleBody::Whitelist(new)) => {
            wider(old.chain.as_ref(), new.chain.as_ref())
                && superset(&old.recipients, &new.recipients)
        }
        (RuleBody::Blacklist(old), RuleBody::Blacklist(new)) => {
            wider(old.chain.as_ref(), new.chain.as_ref())
                && superset(&new.recipients, &old.recipients)
        }
        (RuleBody::TimeBounds(old), RuleBody::TimeBounds(new)) => shorter_time(old, new),
        (RuleBody::BusinessHours(old), RuleBody::BusinessHours(new)) => shorter_hours(old, new),
        (RuleBody::ContractRestrictions(old), RuleBody::ContractRestrictions(new)) => {
            fewer_calls(old, new)
        }
        (RuleBody::ApprovalThreshold(old), RuleBody::ApprovalThreshold(new)) => {
            let of =
                |it: &ApprovalThreshold, quorums: Quorums| it.quorum.unwrap_or(quorums.approval);
            asks_sooner(old, new) && of(new, new_quorums).covers(of(old, quorums))
        }
        (RuleBody::Velocity(old), RuleBody::Velocity(new)) => {
            new.count <= old.count && new.window_ms >= old.window_ms
        }
        (RuleBody::NewRecipients(old), RuleBody::NewRecipients(new)) => {
            new.cool_down_ms >= old.cool_down_ms
        }
        (
            RuleBody::Messages(Messages { domains: old }),
            RuleBody::Messages(Messages { domains: new }),
        ) => superset(old, new),
        (
            RuleBody::Principals(Principals { allowed: old }),
            RuleBody::Principals(Principals { allowed: new }),
        ) => superset(old, new),
        (RuleBody::FiatLimits(old), RuleBody::FiatLimits(new)) => lower_fiat(old, new),
        _ => false,
    }
}

/// Whether a rule about the new chain is about the old one too.
fn wider(old: Option<&ChainId>, new: Option<&ChainId>) -> bool {
    new.is_none() || new == old
}

fn superset<T: Eq + Hash>(large: &[T], small: &[T]) -> bool {
    let large: HashSet<&T> = large.iter().collect();
    small.iter().all(|entry| large.contains(entry))
}

/// Whether a limit is at most what it was; none is more than any.
fn lower<T: PartialOrd>(old: Option<T>, new: Option<T>) -> bool {
    match (old, new) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => new <= old,
    }
}

fn lower_limits(old: &Limits, new: &Limits) -> bool {
    let windows = old.daily.is_some() || old.weekly.is_some();
    old.asset == new.asset
        && (!windows || old.time_zone == new.time_zone)
        && lower(old.per_transaction, new.per_transaction)
        && lower(old.daily, new.daily)
        && lower(old.weekly, new.weekly)
}

fn lower_fiat(old: &FiatLimits, new: &FiatLimits) -> bool {
    let windows = old.daily.is_some() || old.weekly.is_some();
    old.currency == new.currency
        && (!windows || old.time_zone == new.time_zone)
        && lower(old.per_transaction, new.per_transaction)
        && lower(old.daily, new.daily)
        && lower(old.weekly, new.weekly)
        && new.max_age_ms <= old.max_age_ms
}

fn shorter_time(old: &TimeBounds, new: &TimeBounds) -> bool {
    let later = old.not_before.is_none_or(|old| new.not_before.is_some_and(|new| new >= old));
    later && lower(old.not_after, new.not_after)
}

fn shorter_hours(old: &BusinessHours, new: &BusinessHours) -> bool {
    let wraps = |hours: &BusinessHours| hours.end < hours.start;
    let within = if wraps(old) || wraps(new) {
        old.start == new.start && old.end == new.end
    } else {
        new.start >= old.start && new.end <= old.end
    };
    within && old.time_zone == new.time_zone && superset(&old.days, &new.days)
}

fn fewer_calls(old: &ContractRestrictions, new: &ContractRestrictions) -> bool {
    fn narrower<T: Eq + Hash>(old: Option<&[T]>, new: Option<&[T]>) -> bool {
        old.is_none_or(|old| new.is_some_and(|new| superset(old, new)))
    }
    let still = |old: bool, new: bool| old || !new;
    wider(old.chain.as_ref(), new.chain.as_ref())
        && narrower(old.allowed_contracts.as_deref(), new.allowed_contracts.as_deref())
        && narrower(old.allowed_selectors.as_deref(), new.allowed_selectors.as_deref())
        && superset(&new.blocked_selectors, &old.blocked_selectors)
        && old.arguments.iter().all(|rule| new.arguments.contains(rule))
        && still(old.delegate_calls, new.delegate_calls)
        && still(old.deployment, new.deployment)
        && still(old.unknown, new.unknown)
}

fn asks_sooner(old: &ApprovalThreshold, new: &ApprovalThreshold) -> bool {
    let amount = old.above.is_none_or(|above| {
        old.asset == new.asset && new.above.is_some_and(|sooner| sooner <= above)
    });
    amount && superset(&new.kinds, &old.kinds)
}
