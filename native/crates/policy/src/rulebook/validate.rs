//! What a sound policy is, beyond the types of its fields.

use std::collections::HashSet;
use std::hash::Hash;

use crate::Role;
use crate::approver::MAX_APPROVERS;
use crate::caip::{AccountId, ChainId};
use crate::effect::{Domain, Selector};

use super::json::Invalid;
use super::parties::is_sound;
use super::{
    ApprovalThreshold, ArgumentCheck, BusinessHours, Contract, ContractKind, ContractRestrictions,
    CustomRule, Exception, FiatLimits, Limits, MAX_CONTRACTS, MAX_CUSTOM_RULES, MAX_EXCEPTIONS,
    MAX_FUNCTIONS, MAX_LIST, MAX_ORIGINS, MAX_PRINCIPALS, MAX_RULES, Messages, PolicyApprover,
    PolicyConfig, Principal, Principals, Quorum, Recipients, Rule, RuleBody, TimeBounds, Velocity,
};

/// The longest text of a policy: names, domains, function signatures.
pub const MAX_TEXT_BYTES: usize = 256;
/// The longest id or name.
const MAX_NAME_BYTES: usize = 64;
/// The longest window of a velocity rule: ledgers forget what is older.
pub const MAX_WINDOW_MS: u64 = 31 * 24 * 60 * 60 * 1_000;

type Checked = Result<(), Invalid>;

/// Checks a config.
pub(super) fn check(config: &PolicyConfig) -> Checked {
    let PolicyConfig {
        allotments,
        contracts,
        custom_rules,
        exceptions,
        permissive: _,
        principals,
        quorums,
        rules,
        unsafe_prehashed: _,
    } = config;
    if u16::from(allotments.user) + u16::from(allotments.recovery) > 100 {
        return Err(Invalid::new("allotments", "the shares add up to more than 100 percent"));
    }
    for (name, quorum) in [
        ("approval", quorums.approval),
        ("loosen", quorums.loosen),
        ("tighten", quorums.tighten),
        ("unfreeze", quorums.unfreeze),
    ] {
        check_quorum(&format!("quorums.{name}"), quorum)?;
    }
    if !quorums.loosen.covers(quorums.tighten) {
        return Err(Invalid::new("quorums.loosen", "takes less than tightening"));
    }
    each("contracts", contracts, MAX_CONTRACTS, check_contract)?;
    unique("contracts", contracts.iter().map(|contract| &contract.address))?;
    each("exceptions", exceptions, MAX_EXCEPTIONS, check_exception)?;
    unique("exceptions", exceptions.iter())?;
    each("principals", principals, MAX_PRINCIPALS, check_principal)?;
    unique("principals", principals.iter().map(|principal| &principal.name))?;
    unique("principals", principals.iter().map(|principal| principal.key.0))?;
    each("customRules", custom_rules, MAX_CUSTOM_RULES, check_custom_rule)?;
    let names: HashSet<&str> = principals.iter().map(|it| it.name.as_str()).collect();
    each("rules", rules, MAX_RULES, |path, rule| check_rule(path, rule, &names))?;
    let ids = rules.iter().map(|rule| &rule.id);
    unique("rules", ids.clone())?;
    unique("customRules", custom_rules.iter().map(|rule| &rule.id))?;
    let ids: HashSet<&String> = ids.collect();
    match custom_rules.iter().find(|rule| ids.contains(&rule.id)) {
        Some(rule) => Err(Invalid::new("customRules", format!("{:?} is a rule's id", rule.id))),
        None => Ok(()),
    }
}

/// Checks the persons of a document.
pub(super) fn check_approvers(approvers: &[PolicyApprover]) -> Checked {
    each("approvers", approvers, MAX_APPROVERS, |path, approver| {
        if !approver.role().has_approvers() {
            return Err(Invalid::new(path, "no person stands behind the agent"));
        }
        if !is_sound(approver) {
            return Err(Invalid::new(path, "not a key that signatures are checked under"));
        }
        if let PolicyApprover::Webauthn { origins, rp_id, .. } = approver {
            check_text(&format!("{path}.rpId"), rp_id)?;
            if origins.is_empty() {
                return Err(Invalid::new(format!("{path}.origins"), "is empty"));
            }
            each(&format!("{path}.origins"), origins, MAX_ORIGINS, |path, it| {
                check_text(path, it)
            })?;
        }
        Ok(())
    })?;
    unique("approvers", approvers.iter().map(PolicyApprover::key))
}

fn each<T>(path: &str, list: &[T], most: usize, check: impl Fn(&str, &T) -> Checked) -> Checked {
    if list.len() > most {
        return Err(Invalid::new(path, format!("has more than {most} entries")));
    }
    let mut entries = list.iter().enumerate();
    entries.try_for_each(|(index, entry)| check(&format!("{path}[{index}]"), entry))
}

/// A list whose entries need no check of their own; the paths are not even written.
fn list<T: Eq + Hash>(path: &str, list: &[T]) -> Checked {
    if list.len() > MAX_LIST {
        return Err(Invalid::new(path, format!("has more than {MAX_LIST} entries")));
    }
    unique(path, list.iter())
}

fn unique<T: Eq + Hash>(path: &str, entries: impl Iterator<Item = T>) -> Checked {
    let mut seen = HashSet::new();
    for (index, entry) in entries.enumerate() {
        if !seen.insert(entry) {
            return Err(Invalid::new(format!("{path}[{index}]"), "is there twice"));
        }
    }
    Ok(())
}

fn check_name(path: &str, name: &str) -> Checked {
    let sound = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.:".contains(&it));
    if sound {
        return Ok(());
    }
    Err(Invalid::new(path, "must be 1 to 64 letters, digits, '-', '_', '.' or ':'"))
}

fn check_text(path: &str, text: &str) -> Checked {
    let sound = (1..=MAX_TEXT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if sound {
        return Ok(());
    }
    Err(Invalid::new(path, "must be 1 to 256 bytes of text without control characters"))
}

fn check_quorum(path: &str, quorum: Quorum) -> Checked {
    if quorum.is_empty() {
        return Err(Invalid::new(path, "names nobody"));
    }
    if usize::from(quorum.user.max(quorum.recovery)) > MAX_APPROVERS {
        return Err(Invalid::new(path, "a wallet has at most 16 approvers"));
    }
    Ok(())
}

fn check_contract(path: &str, contract: &Contract) -> Checked {
    let path = format!("{path}.kind");
    match &contract.kind {
        ContractKind::Router { version } => check_text(&format!("{path}.version"), version),
        ContractKind::Other { functions } => {
            let path = format!("{path}.functions");
            each(&path, functions, MAX_FUNCTIONS, |path, signature| {
                let sound = signature.ends_with(')')
                    && signature.find('(').is_some_and(|at| at > 0)
                    && !signature.contains(char::is_whitespace);
                check_text(path, signature)?;
                sound.then_some(()).ok_or_else(|| {
                    Invalid::new(path, "not a signature such as stake(uint256,address)")
                })
            })?;
            unique(&path, functions.iter())
        }
        ContractKind::Erc20 { .. }
        | ContractKind::Erc721
        | ContractKind::Erc1155
        | ContractKind::WrappedNative
        | ContractKind::Account
        | ContractKind::Delegate
        | ContractKind::Factory
        | ContractKind::Sponsor
        | ContractKind::Multicall => Ok(()),
    }
}

fn check_exception(path: &str, exception: &Exception) -> Checked {
    match exception {
        Exception::UnknownCall { contract, selector } => {
            selector.map_or(Ok(()), |it| check_selector(&format!("{path}.selector"), contract, it))
        }
        Exception::UnlimitedApproval { asset, spender } if asset.chain() != spender.chain() => {
            Err(Invalid::new(format!("{path}.spender"), "is on another chain than the asset"))
        }
        Exception::UnlimitedApproval { .. } | Exception::OwnerChange { .. } => Ok(()),
        Exception::Message { domain } => check_domain(&format!("{path}.domain"), domain),
    }
}

fn check_selector(path: &str, contract: &AccountId, selector: Selector) -> Checked {
    if contract.as_str().starts_with("eip155:") && selector.length() != 4 {
        return Err(Invalid::new(path, "a selector has 4 bytes"));
    }
    Ok(())
}

fn check_domain(path: &str, domain: &Domain) -> Checked {
    match domain {
        Domain::Text => Ok(()),
        Domain::SignIn { host } => check_text(&format!("{path}.host"), host),
        Domain::TypedData { chain, contract, name } => {
            if chain.is_none() && contract.is_none() {
                return Err(Invalid::new(path, "names neither chain nor contract"));
            }
            name.as_ref().map_or(Ok(()), |name| check_text(&format!("{path}.name"), name))
        }
    }
}

fn check_principal(path: &str, principal: &Principal) -> Checked {
    check_name(&format!("{path}.name"), &principal.name)?;
    if crate::approver::read_key(&principal.key.0).is_err() {
        return Err(Invalid::new(format!("{path}.key"), "not an Ed25519 public key"));
    }
    Ok(())
}

fn check_custom_rule(path: &str, rule: &CustomRule) -> Checked {
    check_name(&format!("{path}.id"), &rule.id)?;
    let path = format!("{path}.roles");
    if rule.roles.is_empty() {
        return Err(Invalid::new(path, "is empty"));
    }
    each(&path, &rule.roles, Role::ALL.len(), |_, _| Ok(()))?;
    unique(&path, rule.roles.iter())
}

fn check_rule(path: &str, rule: &Rule, principals: &HashSet<&str>) -> Checked {
    check_name(&format!("{path}.id"), &rule.id)?;
    let known = |path: String, name: &str| {
        let known = principals.contains(name);
        known.then_some(()).ok_or_else(|| Invalid::new(path, format!("no principal {name:?}")))
    };
    if let Some(name) = &rule.principal {
        known(format!("{path}.principal"), name)?;
    }
    match &rule.body {
        RuleBody::SpendingLimits(limits) => check_limits(path, limits),
        RuleBody::FeeLimits(limits) => {
            let native = ChainId::parse(limits.asset.chain()).map(|chain| chain.native_asset());
            if native.as_ref() != Ok(&limits.asset) {
                return Err(Invalid::new(format!("{path}.asset"), "fees are of a native asset"));
            }
            check_limits(path, limits)
        }
        RuleBody::Whitelist(recipients) | RuleBody::Blacklist(recipients) => {
            check_recipients(path, recipients)
        }
        RuleBody::TimeBounds(bounds) => check_bounds(path, bounds),
        RuleBody::BusinessHours(hours) => check_hours(path, hours),
        RuleBody::ContractRestrictions(restrictions) => check_restrictions(path, restrictions),
        RuleBody::ApprovalThreshold(threshold) => check_threshold(path, threshold),
        RuleBody::Velocity(velocity) => check_velocity(path, velocity),
        RuleBody::NewRecipients(_) => Ok(()),
        RuleBody::Messages(Messages { domains }) => {
            let path = format!("{path}.domains");
            each(&path, domains, MAX_LIST, check_domain)?;
            unique(&path, domains.iter())
        }
        RuleBody::Principals(Principals { allowed }) => {
            let path = format!("{path}.allowed");
            each(&path, allowed, MAX_PRINCIPALS, |path, name| known(path.to_owned(), name))?;
            unique(&path, allowed.iter())
        }
        RuleBody::FiatLimits(limits) => check_fiat(path, limits),
    }
}

fn check_limits(path: &str, limits: &Limits) -> Checked {
    let windowed = limits.daily.is_some() || limits.weekly.is_some();
    if !windowed && limits.per_transaction.is_none() {
        return Err(Invalid::new(path, "names no limit"));
    }
    if !windowed && limits.time_zone.is_some() {
        return Err(Invalid::new(format!("{path}.timeZone"), "is for a daily or weekly limit"));
    }
    Ok(())
}

fn check_fiat(path: &str, limits: &FiatLimits) -> Checked {
    let windowed = limits.daily.is_some() || limits.weekly.is_some();
    let currency = &limits.currency;
    if currency.len() != 3 || !currency.bytes().all(|it| it.is_ascii_uppercase()) {
        return Err(Invalid::new(format!("{path}.currency"), "not a code of ISO 4217: USD, EUR"));
    }
    if !windowed && limits.per_transaction.is_none() {
        return Err(Invalid::new(path, "names no limit"));
    }
    if !windowed && limits.time_zone.is_some() {
        return Err(Invalid::new(format!("{path}.timeZone"), "is for a daily or weekly limit"));
    }
    Ok(())
}

fn check_recipients(path: &str, Recipients { chain, recipients }: &Recipients) -> Checked {
    let path = format!("{path}.recipients");
    list(&path, recipients)?;
    let Some(chain) = chain else { return Ok(()) };
    match recipients.iter().position(|it| it.chain() != chain.as_str()) {
        Some(at) => Err(Invalid::new(format!("{path}[{at}]"), "is on another chain than the rule")),
        None => Ok(()),
    }
}

fn check_bounds(path: &str, bounds: &TimeBounds) -> Checked {
    match (bounds.not_before, bounds.not_after) {
        (None, None) => Err(Invalid::new(path, "names no time")),
        (Some(from), Some(until)) if from >= until => {
            Err(Invalid::new(format!("{path}.notAfter"), "is not after notBefore"))
        }
        _ => Ok(()),
    }
}

fn check_hours(path: &str, hours: &BusinessHours) -> Checked {
    if hours.days.is_empty() {
        return Err(Invalid::new(format!("{path}.days"), "is empty"));
    }
    unique(&format!("{path}.days"), hours.days.iter())?;
    if hours.start == hours.end || hours.start.minutes() == 24 * 60 {
        return Err(Invalid::new(
            format!("{path}.start"),
            "begins no hours; a day is 00:00 to 24:00",
        ));
    }
    Ok(())
}

fn check_restrictions(path: &str, restrictions: &ContractRestrictions) -> Checked {
    let ContractRestrictions {
        allowed_contracts,
        allowed_selectors,
        arguments,
        blocked_selectors,
        chain: _,
        delegate_calls: _,
        deployment: _,
        unknown: _,
    } = restrictions;
    list(&format!("{path}.allowedContracts"), allowed_contracts.as_deref().unwrap_or_default())?;
    for (name, selectors) in [
        ("allowedSelectors", allowed_selectors.as_deref().unwrap_or_default()),
        ("blockedSelectors", blocked_selectors.as_slice()),
    ] {
        let path = format!("{path}.{name}");
        list(&path, selectors)?;
        if let Some(at) = selectors.iter().position(|it| it.length() != 4) {
            return Err(Invalid::new(format!("{path}[{at}]"), "a selector has 4 bytes"));
        }
    }
    each(&format!("{path}.arguments"), arguments, MAX_RULES, |path, rule| {
        check_selector(&format!("{path}.selector"), &rule.contract, rule.selector)?;
        match &rule.check {
            ArgumentCheck::Equals(text) => check_text(&format!("{path}.check.equals"), text),
            ArgumentCheck::In(texts) => {
                each(&format!("{path}.check.in"), texts, MAX_LIST, |path, it| check_text(path, it))
            }
            ArgumentCheck::AtMost(_) => Ok(()),
        }
    })
}

fn check_threshold(path: &str, threshold: &ApprovalThreshold) -> Checked {
    let ApprovalThreshold { above, asset, kinds, quorum } = threshold;
    if above.is_some() != asset.is_some() {
        return Err(Invalid::new(path, "an amount and its asset come together"));
    }
    if above.is_none() && kinds.is_empty() {
        return Err(Invalid::new(path, "names neither an amount nor a kind"));
    }
    unique(&format!("{path}.kinds"), kinds.iter())?;
    quorum.map_or(Ok(()), |quorum| check_quorum(&format!("{path}.quorum"), quorum))
}

fn check_velocity(path: &str, velocity: &Velocity) -> Checked {
    if (1..=MAX_WINDOW_MS).contains(&velocity.window_ms) {
        return Ok(());
    }
    Err(Invalid::new(format!("{path}.windowMs"), "must be 1 ms to 31 days"))
}
