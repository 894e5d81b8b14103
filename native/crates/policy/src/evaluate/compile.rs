//! A policy document as one signer evaluates it: lists as sets, rules in the order of their ids.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use alloy_primitives::U256;

use crate::Role;
use crate::caip::{AccountId, AssetId, ChainId};
use crate::effect::{Domain, EffectKind, Selector};
use crate::number::Decimal;
use crate::rulebook::{
    ArgumentCheck, BusinessHours, ContractKind, ContractRestrictions, Exception, FiatLimits,
    Limits, PolicyApprover, PolicyConfig, PolicyDocument, Quorum, Quorums, Recipients, Rule,
    RuleBody, TimeBounds, Velocity,
};

/// A compiled policy, for the signer in whose ledger requests count.
#[derive(Debug)]
pub struct Policy {
    pub(super) version: u64,
    pub(super) hash: [u8; 32],
    /// Percent of every windowed limit that this signer may use.
    pub(super) share: u8,
    pub(super) permissive: bool,
    pub(super) unsafe_prehashed: bool,
    pub(super) quorums: Quorums,
    pub(super) approvers: Vec<(Role, Vec<u8>)>,
    pub(super) principals: Vec<KnownPrincipal>,
    pub(super) custom_rules: Vec<Arc<str>>,
    pub(super) currencies: BTreeSet<String>,
    pub(super) delegates: HashSet<AccountId>,
    pub(super) unknown_calls: HashSet<(AccountId, Option<Selector>)>,
    pub(super) owner_changes: HashSet<AccountId>,
    pub(super) messages: HashSet<Domain>,
    pub(super) rules: Vec<CompiledRule>,
    unlimited: HashMap<AssetId, HashSet<AccountId>>,
    empty: bool,
}

#[derive(Debug)]
pub(super) struct KnownPrincipal {
    pub(super) key: [u8; 32],
    pub(super) expires_at_ms: u64,
}

#[derive(Debug)]
pub(super) struct CompiledRule {
    pub(super) id: Arc<str>,
    /// Key of the principal that it is about.
    pub(super) principal: Option<[u8; 32]>,
    pub(super) body: CompiledBody,
}

#[derive(Debug)]
pub(super) enum CompiledBody {
    Spending(Limits),
    Fees(Limits),
    Whitelist(RecipientSet),
    Blacklist(RecipientSet),
    TimeBounds(TimeBounds),
    BusinessHours(BusinessHours),
    Contracts(Restrictions),
    Threshold(Threshold),
    Velocity(Velocity),
    NewRecipients { cool_down_ms: u64 },
    Messages(HashSet<Domain>),
    Principals(HashSet<[u8; 32]>),
    Fiat(FiatLimits),
}

#[derive(Debug)]
pub(super) struct RecipientSet {
    pub(super) chain: Option<ChainId>,
    pub(super) recipients: HashSet<AccountId>,
}

#[derive(Debug)]
pub(super) struct Restrictions {
    pub(super) chain: Option<ChainId>,
    pub(super) allowed_contracts: Option<HashSet<AccountId>>,
    pub(super) allowed_selectors: Option<HashSet<Selector>>,
    pub(super) blocked_selectors: HashSet<Selector>,
    pub(super) arguments: HashMap<(AccountId, Selector), Vec<(usize, Check)>>,
    pub(super) delegate_calls: bool,
    pub(super) deployment: bool,
    pub(super) unknown: bool,
}

/// A condition on an argument, its texts in the spelling of decoded ones.
#[derive(Debug)]
pub(super) enum Check {
    OneOf(HashSet<String>),
    AtMost(U256),
}

#[derive(Debug)]
pub(super) struct Threshold {
    pub(super) above: Option<(AssetId, U256)>,
    pub(super) kinds: BTreeSet<EffectKind>,
    pub(super) quorum: Quorum,
}

impl Policy {
    /// Compiles a document for the co-signer in whose ledger requests count.
    pub fn compile(document: &PolicyDocument, signer: Role) -> Self {
        Self::compile_at(document, signer, signer)
    }

    /// Compiles it for a party that evaluates only to stop early: by the limits of the co-signer that it will ask,
    /// and with verdicts of its own custom rules.
    pub fn compile_at(document: &PolicyDocument, party: Role, signer: Role) -> Self {
        let config = document.config();
        let mut policy = Self {
            version: document.version(),
            hash: document.hash(),
            share: config.allotments.of(signer),
            permissive: config.permissive,
            unsafe_prehashed: config.unsafe_prehashed,
            quorums: config.quorums,
            approvers: document
                .approvers()
                .iter()
                .map(|approver| (approver.role(), approver.key().to_vec()))
                .collect(),
            principals: config
                .principals
                .iter()
                .map(|it| KnownPrincipal { key: it.key.0, expires_at_ms: it.expires_at_ms })
                .collect(),
            custom_rules: custom_rules(config, party),
            currencies: BTreeSet::new(),
            delegates: config
                .contracts
                .iter()
                .filter(|contract| contract.kind == ContractKind::Delegate)
                .map(|contract| contract.address.clone())
                .collect(),
            unknown_calls: HashSet::new(),
            owner_changes: HashSet::new(),
            messages: HashSet::new(),
            rules: Vec::with_capacity(config.rules.len()),
            unlimited: HashMap::new(),
            empty: config.rules.is_empty() && config.custom_rules.is_empty(),
        };
        config.exceptions.iter().for_each(|exception| policy.except(exception));
        policy.add_rules(config, "");
        policy
    }

    /// With every limit whole, for a party that asks several co-signers and knows what it asked all of them: each of
    /// them holds it to its own share.
    #[must_use]
    pub fn with_whole_limits(mut self) -> Self {
        if self.share > 0 {
            self.share = 100;
        }
        self
    }

    /// With these persons in place of those that the document lists: a recovery replaced somebody.
    #[must_use]
    pub fn with_approvers(mut self, persons: &[PolicyApprover]) -> Self {
        self.approvers = persons.iter().map(|one| (one.role(), one.key().to_vec())).collect();
        self
    }

    /// The policy with rules of this party's own besides, reported as `local/…`. Rules only forbid or ask, so it can
    /// only tighten: whatever else the supplement says, exceptions, shares or `permissive`, is left out.
    #[must_use]
    pub fn supplemented_by(mut self, supplement: &PolicyConfig, party: Role) -> Self {
        self.add_rules(supplement, "local/");
        self.custom_rules.extend(custom_rules(supplement, party));
        self.custom_rules.sort();
        self.custom_rules.dedup();
        self
    }

    /// Version of the document.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Hash of the document.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Ids of the custom rules whose verdicts this party must bring.
    pub fn custom_rules(&self) -> &[Arc<str>] {
        &self.custom_rules
    }

    /// Whether there is anything to judge by, or the owner opted out.
    pub(super) fn has_rules(&self) -> bool {
        self.permissive || !self.empty
    }

    /// Whether the policy names this approval without an amount.
    pub(super) fn allows_unlimited(&self, asset: &AssetId, spender: Option<&AccountId>) -> bool {
        spender.is_some_and(|spender| {
            self.unlimited.get(asset).is_some_and(|spenders| spenders.contains(spender))
        })
    }

    fn except(&mut self, exception: &Exception) {
        match exception {
            Exception::UnknownCall { contract, selector } => {
                self.unknown_calls.insert((contract.clone(), *selector));
            }
            Exception::UnlimitedApproval { asset, spender } => {
                self.unlimited.entry(asset.clone()).or_default().insert(spender.clone());
            }
            Exception::OwnerChange { account } => {
                self.owner_changes.insert(account.clone());
            }
            Exception::Message { domain } => {
                self.messages.insert(domain.clone());
            }
        }
    }

    fn add_rules(&mut self, config: &PolicyConfig, prefix: &str) {
        let keys: BTreeMap<&str, [u8; 32]> =
            config.principals.iter().map(|it| (it.name.as_str(), it.key.0)).collect();
        for rule in &config.rules {
            if let RuleBody::FiatLimits(limits) = &rule.body {
                self.currencies.insert(limits.currency.clone());
            }
            self.rules.push(compile(rule, prefix, &keys, self.quorums));
        }
        self.rules.sort_by(|one, other| one.id.cmp(&other.id));
    }
}

fn custom_rules(config: &PolicyConfig, party: Role) -> Vec<Arc<str>> {
    let here = config.custom_rules.iter().filter(|rule| rule.roles.contains(&party));
    let mut ids: Vec<Arc<str>> = here.map(|rule| rule.id.as_str().into()).collect();
    ids.sort();
    ids
}

fn compile(
    rule: &Rule,
    prefix: &str,
    keys: &BTreeMap<&str, [u8; 32]>,
    quorums: Quorums,
) -> CompiledRule {
    let body = match &rule.body {
        RuleBody::SpendingLimits(limits) => CompiledBody::Spending(limits.clone()),
        RuleBody::FeeLimits(limits) => CompiledBody::Fees(limits.clone()),
        RuleBody::Whitelist(recipients) => CompiledBody::Whitelist(recipient_set(recipients)),
        RuleBody::Blacklist(recipients) => CompiledBody::Blacklist(recipient_set(recipients)),
        RuleBody::TimeBounds(bounds) => CompiledBody::TimeBounds(bounds.clone()),
        RuleBody::BusinessHours(hours) => CompiledBody::BusinessHours(hours.clone()),
        RuleBody::ContractRestrictions(it) => CompiledBody::Contracts(restrictions(it)),
        RuleBody::ApprovalThreshold(threshold) => CompiledBody::Threshold(Threshold {
            above: threshold.asset.clone().zip(threshold.above.map(|Decimal(above)| above)),
            kinds: threshold.kinds.iter().copied().collect(),
            quorum: threshold.quorum.unwrap_or(quorums.approval),
        }),
        RuleBody::Velocity(velocity) => CompiledBody::Velocity(velocity.clone()),
        RuleBody::NewRecipients(it) => {
            CompiledBody::NewRecipients { cool_down_ms: it.cool_down_ms }
        }
        RuleBody::Messages(it) => CompiledBody::Messages(it.domains.iter().cloned().collect()),
        RuleBody::Principals(it) => CompiledBody::Principals(
            it.allowed.iter().filter_map(|name| keys.get(name.as_str()).copied()).collect(),
        ),
        RuleBody::FiatLimits(limits) => CompiledBody::Fiat(limits.clone()),
    };
    let principal = rule.principal.as_ref().and_then(|name| keys.get(name.as_str()).copied());
    CompiledRule { id: format!("{prefix}{}", rule.id).into(), principal, body }
}

fn recipient_set(recipients: &Recipients) -> RecipientSet {
    RecipientSet {
        chain: recipients.chain.clone(),
        recipients: recipients.recipients.iter().cloned().collect(),
    }
}

fn restrictions(restrictions: &ContractRestrictions) -> Restrictions {
    let mut arguments: HashMap<_, Vec<_>> = HashMap::new();
    for rule in &restrictions.arguments {
        let check = match &rule.check {
            ArgumentCheck::Equals(text) => Check::OneOf(HashSet::from([spelling(text)])),
            ArgumentCheck::In(texts) => Check::OneOf(texts.iter().map(|it| spelling(it)).collect()),
            ArgumentCheck::AtMost(Decimal(most)) => Check::AtMost(*most),
        };
        let function = (rule.contract.clone(), rule.selector);
        arguments.entry(function).or_default().push((usize::from(rule.argument), check));
    }
    Restrictions {
        chain: restrictions.chain.clone(),
        allowed_contracts: set(restrictions.allowed_contracts.as_deref()),
        allowed_selectors: set(restrictions.allowed_selectors.as_deref()),
        blocked_selectors: restrictions.blocked_selectors.iter().copied().collect(),
        arguments,
        delegate_calls: restrictions.delegate_calls,
        deployment: restrictions.deployment,
        unknown: restrictions.unknown,
    }
}

fn set<T: Clone + Eq + std::hash::Hash>(list: Option<&[T]>) -> Option<HashSet<T>> {
    list.map(|list| list.iter().cloned().collect())
}

/// An address in any spelling is the one that a decoder writes; other text stays as it is.
fn spelling(text: &str) -> String {
    AccountId::parse(text).map_or_else(|_| text.to_owned(), |account| account.to_string())
}
