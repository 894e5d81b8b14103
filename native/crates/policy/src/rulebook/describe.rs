//! A policy in sentences, for the people who agree to it.

use crate::caip::ChainId;
use crate::number::Decimal;

use super::{
    ApprovalThreshold, BusinessHours, ContractRestrictions, Day, Exception, FiatLimits, Limits,
    PolicyConfig, Recipients, Rule, RuleBody, TimeZone,
};

impl PolicyConfig {
    /// What the policy says, a line each. Amounts are base units.
    pub fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.permissive {
            lines.push("whatever no rule forbids is allowed, read or not (permissive)".to_owned());
        } else if self.rules.is_empty() && self.custom_rules.is_empty() {
            lines.push("there are no rules, so nothing is signed".to_owned());
        }
        if self.unsafe_prehashed {
            lines.push("digests of unknown content may be signed, with approval".to_owned());
        }
        lines.extend(self.rules.iter().map(|rule| format!("{}: {}", rule.id, rule.describe())));
        let custom = |id: &str| format!("{id}: a custom rule has nothing against it");
        lines.extend(self.custom_rules.iter().map(|rule| custom(&rule.id)));
        lines
            .extend(self.exceptions.iter().map(|it| format!("allowed by name: {}", it.describe())));
        lines.push(format!(
            "limits are shared: {} % at the user, {} % at the guardian",
            self.allotments.user, self.allotments.recovery
        ));
        lines.push(format!("additional approvals: {}", self.quorums.approval));
        lines
    }
}

impl Rule {
    /// What the rule says, in a sentence.
    pub fn describe(&self) -> String {
        let text = match &self.body {
            RuleBody::SpendingLimits(limits) => limits_text("at most", limits),
            RuleBody::FeeLimits(limits) => limits_text("fees of at most", limits),
            RuleBody::Whitelist(list) => {
                format!("only to {} recipients{}", list.recipients.len(), on(list))
            }
            RuleBody::Blacklist(list) => {
                format!("nothing with {} accounts{}", list.recipients.len(), on(list))
            }
            RuleBody::TimeBounds(bounds) => {
                let from = bounds.not_before.map(|at| format!("not before {at} ms"));
                let until = bounds.not_after.map(|at| format!("not at or after {at} ms"));
                join(from.into_iter().chain(until))
            }
            RuleBody::BusinessHours(hours) => hours_text(hours),
            RuleBody::ContractRestrictions(restrictions) => restrictions_text(restrictions),
            RuleBody::ApprovalThreshold(threshold) => threshold_text(threshold),
            RuleBody::Velocity(velocity) => {
                format!("at most {} requests in {} ms", velocity.count, velocity.window_ms)
            }
            RuleBody::NewRecipients(it) => {
                format!("a new recipient is paid once, and again only after {} ms", it.cool_down_ms)
            }
            RuleBody::Messages(it) => {
                format!("messages only for: {}", join(it.domains.iter().map(ToString::to_string)))
            }
            RuleBody::Principals(it) => {
                format!("only for principals: {}", join(it.allowed.iter().cloned()))
            }
            RuleBody::FiatLimits(limits) => fiat_text(limits),
        };
        match &self.principal {
            Some(principal) => format!("{text}, for requests of {principal} or of nobody"),
            None => text,
        }
    }
}

impl Exception {
    /// What it allows, in a sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::UnknownCall { contract, selector: Some(selector) } => {
                format!("unknown function {selector} of {contract}")
            }
            Self::UnknownCall { contract, selector: None } => {
                format!("unknown calls of {contract} without a selector")
            }
            Self::UnlimitedApproval { asset, spender } => {
                format!("approvals without an amount of {asset} for {spender}")
            }
            Self::OwnerChange { account } => {
                format!("changes of owner of {account}, with approval")
            }
            Self::Message { domain } => format!("messages that are {domain}"),
        }
    }
}

fn on(list: &Recipients) -> String {
    list.chain.as_ref().map_or_else(String::new, |chain: &ChainId| format!(" on {chain}"))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn amounts(
    each: Option<Decimal>,
    daily: Option<Decimal>,
    weekly: Option<Decimal>,
    zone: Option<&TimeZone>,
) -> String {
    let (day, week) =
        if zone.is_some() { ("a calendar day", "a calendar week") } else { ("24 hours", "7 days") };
    let part = |amount: Option<Decimal>, what: &str| amount.map(|it| format!("{it} in {what}"));
    let parts = [part(each, "one request"), part(daily, day), part(weekly, week)];
    let zone = zone.map_or_else(String::new, |zone| format!(" ({})", zone.name()));
    format!("{}{zone}", join(parts.into_iter().flatten()))
}

fn limits_text(what: &str, limits: &Limits) -> String {
    let Limits { asset, daily, per_transaction, time_zone, weekly } = limits;
    let amounts = amounts(*per_transaction, *daily, *weekly, time_zone.as_ref());
    format!("{what} {amounts} of {asset}")
}

fn fiat_text(limits: &FiatLimits) -> String {
    let FiatLimits { currency, daily, max_age_ms, per_transaction, time_zone, weekly } = limits;
    let amounts = amounts(*per_transaction, *daily, *weekly, time_zone.as_ref());
    format!("at most {amounts} of millionths of {currency}, by prices of the last {max_age_ms} ms")
}

fn hours_text(hours: &BusinessHours) -> String {
    let BusinessHours { days, end, start, time_zone } = hours;
    let days = join(days.iter().map(|day: &Day| day.name().to_owned()));
    format!("only {days} from {start} until {end} ({})", time_zone.name())
}

fn restrictions_text(restrictions: &ContractRestrictions) -> String {
    let ContractRestrictions {
        allowed_contracts,
        allowed_selectors,
        arguments,
        blocked_selectors,
        chain,
        delegate_calls,
        deployment,
        unknown,
    } = restrictions;
    let may = |allowed: &bool, what: &str| (!allowed).then(|| format!("no {what}"));
    let parts = [
        allowed_contracts.as_ref().map(|list| format!("calls of {} contracts only", list.len())),
        allowed_selectors.as_ref().map(|list| format!("{} functions only", list.len())),
        (!blocked_selectors.is_empty())
            .then(|| format!("not {} functions", blocked_selectors.len())),
        (!arguments.is_empty()).then(|| format!("{} conditions on arguments", arguments.len())),
        may(deployment, "deployments"),
        may(delegate_calls, "delegate calls"),
        may(unknown, "unknown calls"),
    ];
    let on = chain.as_ref().map_or_else(String::new, |chain| format!(" on {chain}"));
    format!("{}{on}", join(parts.into_iter().flatten()))
}

fn threshold_text(threshold: &ApprovalThreshold) -> String {
    let ApprovalThreshold { above, asset, kinds, quorum } = threshold;
    let amount = above.zip(asset.as_ref());
    let amount = amount.map(|(above, asset)| format!("more than {above} of {asset}"));
    let kinds = kinds.iter().map(|kind| format!("any {}", kind.name()));
    let who = quorum.map_or_else(|| "the usual approvers".to_owned(), |it| it.to_string());
    format!("approval by {who} for {}", join(amount.into_iter().chain(kinds)))
}
