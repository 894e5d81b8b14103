//! A wallet on two chains, its requests, and a ledger whose answers a test sets.

use std::collections::{BTreeMap, BTreeSet};

use policy::caip::{AccountId, AssetId, ChainId};
use policy::effect::{Amount, Call, Confidence, Effect, EffectKind, Selector};
use policy::evaluate::{
    GrantedApproval, Item, PayloadKind, Policy, PolicyDecision, Price, Request, RuleVerdict,
    Ruling, Spending, evaluate,
};
use policy::rulebook::{ApproverKey, PolicyApprover, PolicyConfig, PolicyDocument};
use policy::{Decimal, Role, U256};
use serde_json::{Value, json};

pub const CHAIN: &str = "eip155:1";
pub const ETH: &str = "eip155:1/slip44:60";
pub const USDC: &str = "eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
pub const USDC_CONTRACT: &str = "eip155:1:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
/// Wednesday, 2026-07-15, 12:00 UTC.
pub const NOON_MS: u64 = 1_784_116_800_000;
pub const HOUR_MS: u64 = 3_600_000;
pub const DAY_MS: u64 = 24 * HOUR_MS;

pub fn chain() -> ChainId {
    ChainId::parse(CHAIN).unwrap()
}

pub fn account(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

pub fn asset(text: &str) -> AssetId {
    AssetId::parse(text).unwrap()
}

/// Somebody, by number.
pub fn somebody(number: u8) -> AccountId {
    account(&format!("{CHAIN}:0x{}{number:02x}", "a1".repeat(19)))
}

/// This wallet's account.
pub fn own() -> AccountId {
    account(&format!("{CHAIN}:0x{}", "0e".repeat(20)))
}

pub fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

pub fn exact(amount: u64) -> Amount {
    Amount::Exact(Decimal(U256::from(amount)))
}

pub fn effect(kind: EffectKind) -> Effect {
    Effect {
        kind,
        asset: None,
        amount: Amount::None,
        from: Some(own()),
        to: None,
        spender: None,
        call: None,
        domain: None,
        expiry: None,
        deferred: false,
        confidence: Confidence::Exact,
    }
}

pub fn transfer(of: &str, amount: u64, to: AccountId) -> Effect {
    Effect {
        asset: Some(asset(of)),
        amount: exact(amount),
        to: Some(to),
        ..effect(EffectKind::Transfer)
    }
}

pub fn approve(of: &str, amount: Amount, spender: AccountId) -> Effect {
    Effect {
        asset: Some(asset(of)),
        amount,
        spender: Some(spender),
        call: Some(call(USDC_CONTRACT, "0x095ea7b3")),
        confidence: Confidence::Decoded,
        ..effect(EffectKind::Approve)
    }
}

pub fn fee(amount: u64) -> Effect {
    Effect { asset: Some(asset(ETH)), amount: exact(amount), ..effect(EffectKind::FeeOnly) }
}

pub fn call(target: &str, function: &str) -> Call {
    Call {
        target: Some(account(target)),
        selector: Some(selector(function)),
        delegated: false,
        arguments: Vec::new(),
    }
}

pub fn unknown_call(target: &str, function: &str) -> Effect {
    Effect {
        call: Some(call(target, function)),
        confidence: Confidence::Unknown,
        ..effect(EffectKind::Unknown)
    }
}

/// A transaction with these effects and a fee of 1.
pub fn transaction(effects: Vec<Effect>) -> Item {
    let effects = effects.into_iter().chain([fee(1)]).collect();
    Item { chain: chain(), effects, kind: PayloadKind::EvmTransaction }
}

/// A payload without fee.
pub fn payload(kind: PayloadKind, effects: Vec<Effect>) -> Item {
    Item { chain: chain(), effects, kind }
}

pub fn batch(items: Vec<Item>) -> Request {
    Request { items, own: BTreeSet::from([own()]), principal: None, time_ms: NOON_MS }
}

pub fn request(effects: Vec<Effect>) -> Request {
    batch(vec![transaction(effects)])
}

/// A payment of wei to somebody.
pub fn pay(amount: u64) -> Request {
    request(vec![transfer(ETH, amount, somebody(1))])
}

pub fn at(time_ms: u64, request: Request) -> Request {
    Request { time_ms, ..request }
}

/// A ledger that answers what a test tells it.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    /// What was spent, when, and by whom.
    pub spent: Vec<(&'static str, u64, u64, Option<[u8; 32]>)>,
    pub requests: Vec<(u64, Option<[u8; 32]>)>,
    pub first_paid: BTreeMap<String, u64>,
    pub full: bool,
}

impl Spending for Ledger {
    fn spent(&self, asset: &str, since_ms: u64, principal: Option<&[u8; 32]>) -> U256 {
        let counted = self.spent.iter().filter(|(of, at, _, by)| {
            *of == asset
                && *at >= since_ms
                && (principal.is_none() || by.is_none() || by.as_ref() == principal)
        });
        counted.map(|(_, _, amount, _)| U256::from(*amount)).sum()
    }

    fn count(&self, since_ms: u64, principal: Option<&[u8; 32]>) -> u32 {
        let counted = self.requests.iter().filter(|(at, by)| {
            *at >= since_ms && (principal.is_none() || by.is_none() || by.as_ref() == principal)
        });
        counted.count().try_into().unwrap()
    }

    fn first_paid_ms(&self, recipient: &str) -> Option<u64> {
        self.first_paid.get(recipient).copied()
    }

    fn limits_full(&self) -> bool {
        self.full
    }
}

/// A key that verifies signatures, by number.
pub fn key(number: u8) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(&[number; 32]).verifying_key().to_bytes()
}

pub const USER_KEY: u8 = 1;
pub const GUARDIAN_KEY: u8 = 2;

pub fn approvers() -> Vec<PolicyApprover> {
    vec![
        PolicyApprover::Ed25519 { key: ApproverKey(key(USER_KEY)), role: Role::User },
        PolicyApprover::Ed25519 { key: ApproverKey(key(GUARDIAN_KEY)), role: Role::Recovery },
    ]
}

pub fn yes_of(role: Role) -> GrantedApproval {
    let number = if role == Role::User { USER_KEY } else { GUARDIAN_KEY };
    GrantedApproval { key: key(number).to_vec(), role }
}

/// A config with some members.
pub fn config(members: Value) -> Value {
    let mut config = members;
    config["schema"] = json!("mpc-wallet/policy-config@1");
    config
}

pub fn read(members: Value) -> PolicyConfig {
    PolicyConfig::read(config(members).to_string().as_bytes()).unwrap()
}

/// Why a config is none.
pub fn refusal(members: Value) -> String {
    PolicyConfig::read(config(members).to_string().as_bytes()).unwrap_err().to_string()
}

pub fn document(members: Value) -> PolicyDocument {
    PolicyDocument::first(read(members), [7; 32], approvers()).unwrap()
}

/// The policy as the user's party evaluates it.
pub fn policy(members: Value) -> Policy {
    Policy::compile(&document(members), Role::User)
}

/// A policy of one rule, whose id is `rule`.
pub fn rule(fields: Value) -> Policy {
    let mut fields = fields;
    fields["id"] = json!("rule");
    policy(json!({ "rules": [fields] }))
}

/// What is said where the ledger is empty and nobody else says anything.
pub fn decide(policy: &Policy, request: &Request) -> PolicyDecision {
    evaluate(policy, request, &Ledger::default(), &[], &[], &[])
}

pub fn decide_with(policy: &Policy, request: &Request, ledger: &Ledger) -> PolicyDecision {
    evaluate(policy, request, ledger, &[], &[], &[])
}

pub fn decide_hearing(
    policy: &Policy,
    request: &Request,
    approvals: &[GrantedApproval],
) -> PolicyDecision {
    evaluate(policy, request, &Ledger::default(), approvals, &[], &[])
}

pub fn decide_after(policy: &Policy, verdicts: &[RuleVerdict]) -> PolicyDecision {
    evaluate(policy, &pay(1), &Ledger::default(), &[], verdicts, &[])
}

pub fn decide_by(policy: &Policy, request: &Request, prices: &[Price]) -> PolicyDecision {
    evaluate(policy, request, &Ledger::default(), &[], &[], prices)
}

/// `approved`, or the id of the rule that rejects or asks, after `no:` or `ask:`.
pub fn said(decision: &PolicyDecision) -> String {
    match &decision.ruling {
        Ruling::Approved => "approved".to_owned(),
        Ruling::Rejected { rule_id, .. } => format!("no: {rule_id}"),
        Ruling::RequiresAdditionalApproval { rule_id, .. } => format!("ask: {rule_id}"),
    }
}
