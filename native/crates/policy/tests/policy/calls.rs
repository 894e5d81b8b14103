//! Which code may run, and what is refused in every policy.

use policy::effect::{Amount, Argument, Confidence, Domain, Effect, EffectKind};
use policy::evaluate::{PayloadKind, Policy, Ruling};
use policy::{Decimal, Role, U256};
use serde_json::{Value, json};

use crate::requests::*;

const FUNCTION: &str = "0x11223344";
const OTHER: &str = "0x55667788";

/// A policy whose one rule is about something else, so that only what is built in speaks.
fn quiet(members: Value) -> Policy {
    let mut members = members;
    members["rules"] = json!([{ "id": "rule", "type": "timeBounds", "notBefore": "0" }]);
    policy(members)
}

fn restrictions(fields: Value) -> Policy {
    let mut fields = fields;
    fields["type"] = json!("contractRestrictions");
    fields["id"] = json!("rule");
    policy(json!({ "rules": [fields], "permissive": true }))
}

fn calling(target: &str, function: &str) -> Effect {
    Effect {
        call: Some(call(target, function)),
        confidence: Confidence::Decoded,
        ..effect(EffectKind::Call)
    }
}

fn one(policy: &Policy, effect: Effect) -> String {
    said(&decide(policy, &request(vec![effect])))
}

fn both() -> [policy::evaluate::GrantedApproval; 2] {
    [yes_of(Role::User), yes_of(Role::Recovery)]
}

#[test]
fn without_a_policy_everything_is_refused_and_the_reason_says_how_to_set_one() {
    let empty = policy(json!({}));
    let decision = decide_hearing(&empty, &pay(1), &both());

    let Ruling::Rejected { rule_id, reason } = decision.ruling else { panic!("not rejected") };
    assert_eq!(&*rule_id, "builtin/no-policy");
    assert!(reason.contains("PolicyConfig") && reason.contains("permissive()"), "{reason}");
    assert_eq!(said(&decide(&policy(json!({ "permissive": true })), &pay(1))), "approved");
}

#[test]
fn only_allowed_contracts_are_called() {
    let policy = restrictions(json!({ "allowedContracts": [somebody(1).as_str()] }));

    assert_eq!(one(&policy, calling(somebody(1).as_str(), FUNCTION)), "approved");
    assert_eq!(one(&policy, calling(somebody(2).as_str(), FUNCTION)), "no: rule");
    assert_eq!(one(&policy, transfer(ETH, 1, somebody(2))), "approved");
}

#[test]
fn selectors_are_allowed_and_blocked_with_or_without_their_prefix() {
    for written in [FUNCTION, "11223344"] {
        let allowed = restrictions(json!({ "allowedSelectors": [written] }));
        assert_eq!(one(&allowed, calling(USDC_CONTRACT, FUNCTION)), "approved");
        assert_eq!(one(&allowed, calling(USDC_CONTRACT, OTHER)), "no: rule");

        let blocked = restrictions(json!({ "blockedSelectors": [written] }));
        assert_eq!(one(&blocked, calling(USDC_CONTRACT, FUNCTION)), "no: rule");
        assert_eq!(one(&blocked, calling(USDC_CONTRACT, OTHER)), "approved");

        let both = json!({ "allowedSelectors": [FUNCTION], "blockedSelectors": [written] });
        assert_eq!(one(&restrictions(both), calling(USDC_CONTRACT, FUNCTION)), "no: rule");
    }
}

#[test]
fn a_call_without_a_selector_has_none_that_is_allowed() {
    let policy = restrictions(json!({ "allowedSelectors": [FUNCTION] }));
    let mut bare = calling(USDC_CONTRACT, FUNCTION);
    bare.call.as_mut().unwrap().selector = None;

    assert_eq!(one(&policy, bare), "no: rule");
}

#[test]
fn deployments_delegate_calls_and_unknown_calls_are_allowed_each_on_its_own() {
    let mut delegated = calling(USDC_CONTRACT, FUNCTION);
    delegated.call.as_mut().unwrap().delegated = true;
    let cases = [
        ("deployment", effect(EffectKind::Deploy)),
        ("delegateCalls", delegated),
        ("unknown", unknown_call(USDC_CONTRACT, FUNCTION)),
    ];

    for (flag, effect) in &cases {
        assert_eq!(
            one(&restrictions(json!({ *flag: false })), effect.clone()),
            "no: rule",
            "{flag}"
        );
        for (other, _) in &cases {
            let expected = if flag == other { "approved" } else { "no: rule" };
            assert_eq!(one(&restrictions(json!({ *other: true })), effect.clone()), expected);
        }
    }
}

#[test]
fn a_delegation_is_like_a_delegate_call() {
    let delegation = Effect { to: Some(somebody(1)), ..effect(EffectKind::Delegate) };

    assert_eq!(one(&restrictions(json!({})), delegation.clone()), "no: rule");
    let allowed = restrictions(json!({ "delegateCalls": true }));
    assert_eq!(one(&allowed, delegation), "ask: builtin/delegate");
}

#[test]
fn restrictions_of_another_chain_say_nothing_here() {
    let policy = restrictions(json!({ "chain": "eip155:10", "allowedContracts": [] }));
    assert_eq!(one(&policy, calling(USDC_CONTRACT, FUNCTION)), "approved");
}

fn with_argument(check: Value, argument: Option<Argument>) -> String {
    let rule =
        json!({ "contract": USDC_CONTRACT, "selector": FUNCTION, "argument": 1, "check": check });
    let policy = restrictions(json!({ "arguments": [rule] }));
    let mut effect = calling(USDC_CONTRACT, FUNCTION);
    let arguments = [Some(Argument::Text("first".to_owned())), argument];
    effect.call.as_mut().unwrap().arguments = arguments.into_iter().flatten().collect();
    one(&policy, effect)
}

fn number(value: u64) -> Option<Argument> {
    Some(Argument::Number(Decimal(U256::from(value))))
}

#[test]
fn an_argument_is_at_most_what_the_rule_says() {
    let check = json!({ "atMost": "10" });
    for (argument, expected) in [
        (number(9), "approved"),
        (number(10), "approved"),
        (number(11), "no: rule"),
        (Some(Argument::Text("9".to_owned())), "no: rule"),
        (None, "no: rule"),
    ] {
        assert_eq!(with_argument(check.clone(), argument), expected);
    }
}

#[test]
fn an_argument_equals_or_is_one_of_what_the_rule_says_in_any_spelling_of_an_address() {
    let lower = somebody(1).to_string().to_lowercase();
    for check in [json!({ "equals": lower }), json!({ "in": ["5", lower] })] {
        let said = |it: Argument| with_argument(check.clone(), Some(it));
        assert_eq!(said(Argument::Account(somebody(1))), "approved");
        assert_eq!(said(Argument::Account(somebody(2))), "no: rule");
        assert_eq!(said(Argument::Text("true".to_owned())), "no: rule");
        assert_eq!(with_argument(check.clone(), None), "no: rule");
    }
    assert_eq!(with_argument(json!({ "in": ["5"] }), number(5)), "approved");
    assert_eq!(with_argument(json!({ "in": [] }), number(5)), "no: rule");
}

#[test]
fn conditions_are_about_their_function_of_their_contract_only() {
    let rule = json!({ "contract": USDC_CONTRACT, "selector": FUNCTION, "argument": 0, "check": { "in": [] } });
    let policy = restrictions(json!({ "arguments": [rule] }));

    assert_eq!(one(&policy, calling(USDC_CONTRACT, FUNCTION)), "no: rule");
    assert_eq!(one(&policy, calling(USDC_CONTRACT, OTHER)), "approved");
    assert_eq!(one(&policy, calling(somebody(1).as_str(), FUNCTION)), "approved");
}

#[test]
fn an_unknown_call_passes_only_by_its_exact_name() {
    let named = quiet(json!({ "exceptions": [
        { "type": "unknownCall", "contract": USDC_CONTRACT, "selector": FUNCTION },
        { "type": "unknownCall", "contract": somebody(1).as_str() }
    ] }));
    let mut bare = unknown_call(somebody(1).as_str(), FUNCTION);
    bare.call.as_mut().unwrap().selector = None;

    assert_eq!(
        one(&quiet(json!({})), unknown_call(USDC_CONTRACT, FUNCTION)),
        "no: builtin/unknown"
    );
    assert_eq!(one(&named, unknown_call(USDC_CONTRACT, FUNCTION)), "approved");
    assert_eq!(one(&named, unknown_call(USDC_CONTRACT, OTHER)), "no: builtin/unknown");
    assert_eq!(one(&named, unknown_call(somebody(2).as_str(), FUNCTION)), "no: builtin/unknown");
    assert_eq!(one(&named, bare), "approved");
    assert_eq!(one(&named, unknown_call(somebody(1).as_str(), FUNCTION)), "no: builtin/unknown");
    assert_eq!(one(&named, effect(EffectKind::Unknown)), "no: builtin/unknown");
}

#[test]
fn an_unlimited_approval_passes_only_by_name_and_then_counts_against_no_limit() {
    let exception =
        json!({ "type": "unlimitedApproval", "asset": USDC, "spender": somebody(1).as_str() });
    let unlimited = |number| approve(USDC, Amount::Unlimited, somebody(number));
    let limit = json!({ "id": "limit", "type": "spendingLimits", "asset": USDC, "daily": "5" });
    let limited = policy(json!({ "exceptions": [exception], "rules": [limit] }));

    assert_eq!(one(&quiet(json!({})), unlimited(1)), "no: builtin/unlimited");
    assert_eq!(one(&limited, unlimited(1)), "approved");
    assert_eq!(one(&limited, unlimited(2)), "no: builtin/unlimited");
    let reserved = decide(&limited, &request(vec![unlimited(1)])).reservations;
    assert_eq!(reserved[1].asset, format!("{USDC}#unlimited"));
}

#[test]
fn in_a_permissive_policy_an_unlimited_approval_is_still_more_than_any_limit() {
    let limit = json!({ "id": "limit", "type": "spendingLimits", "asset": USDC, "daily": "5" });
    let policy = policy(json!({ "permissive": true, "rules": [limit] }));

    let unlimited = approve(USDC, Amount::Unlimited, somebody(1));
    assert_eq!(one(&policy, unlimited), "no: limit");
}

#[test]
fn code_for_the_account_is_listed_and_approved_by_persons() {
    let delegation = Effect { to: Some(somebody(1)), ..effect(EffectKind::Delegate) };
    let entry = |kind: &str| {
        quiet(
            json!({ "contracts": [{ "address": somebody(1).as_str(), "kind": { "type": kind } }] }),
        )
    };

    assert_eq!(one(&quiet(json!({})), delegation.clone()), "no: builtin/delegate");
    assert_eq!(one(&entry("account"), delegation.clone()), "no: builtin/delegate");
    assert_eq!(one(&entry("delegate"), delegation.clone()), "ask: builtin/delegate");
    let approved = decide_hearing(&entry("delegate"), &request(vec![delegation]), &both());
    assert_eq!(said(&approved), "approved");
}

#[test]
fn a_change_of_owner_is_named_and_approved_by_persons() {
    let exception = json!({ "type": "ownerChange", "account": USDC_CONTRACT });
    let named = quiet(json!({ "exceptions": [exception] }));
    let change =
        |target| Effect { call: Some(call(target, FUNCTION)), ..effect(EffectKind::OwnerChange) };

    assert_eq!(one(&quiet(json!({})), change(USDC_CONTRACT)), "no: builtin/owner-change");
    assert_eq!(one(&named, change(USDC_CONTRACT)), "ask: builtin/owner-change");
    assert_eq!(one(&named, change(somebody(1).as_str())), "no: builtin/owner-change");
    assert_eq!(one(&named, effect(EffectKind::OwnerChange)), "no: builtin/owner-change");
}

#[test]
fn neither_is_automatic_in_a_permissive_policy() {
    let permissive = policy(json!({ "permissive": true }));
    let delegation = Effect { to: Some(somebody(1)), ..effect(EffectKind::Delegate) };

    assert_eq!(one(&permissive, delegation), "ask: builtin/delegate");
    assert_eq!(one(&permissive, effect(EffectKind::OwnerChange)), "ask: builtin/owner-change");
    assert_eq!(one(&permissive, unknown_call(USDC_CONTRACT, FUNCTION)), "approved");
}

#[test]
fn digests_are_signed_only_under_their_own_switch_and_with_persons() {
    let digest = payload(PayloadKind::EvmHash, vec![effect(EffectKind::Unknown)]);
    let digest = batch(vec![digest]);

    let off = quiet(json!({}));
    assert_eq!(said(&decide_hearing(&off, &digest, &both())), "no: builtin/prehashed");
    let permissive = policy(json!({ "permissive": true }));
    assert_eq!(said(&decide(&permissive, &digest)), "no: builtin/prehashed");
    let on = quiet(json!({ "unsafePrehashed": true }));
    assert_eq!(said(&decide(&on, &digest)), "ask: builtin/prehashed");
    assert_eq!(said(&decide_hearing(&on, &digest, &both())), "approved");
}

fn message(domain: Domain) -> policy::evaluate::Request {
    let effect = Effect { domain: Some(domain), ..effect(EffectKind::Message) };
    batch(vec![payload(PayloadKind::EvmMessage, vec![effect])])
}

fn sign_in(host: &str) -> Domain {
    Domain::SignIn { host: host.to_owned() }
}

#[test]
fn a_message_is_signed_for_exactly_the_domains_that_are_named() {
    let domain = json!({ "type": "signIn", "host": "app.example" });
    let named = quiet(json!({ "exceptions": [{ "type": "message", "domain": domain }] }));

    assert_eq!(said(&decide(&named, &message(sign_in("app.example")))), "approved");
    assert_eq!(said(&decide(&named, &message(sign_in("app.example.evil")))), "no: builtin/message");
    assert_eq!(said(&decide(&named, &message(Domain::Text))), "no: builtin/message");
}

#[test]
fn a_rule_about_messages_holds_also_where_their_effects_are_known() {
    let typed = |name: &str| Domain::TypedData {
        chain: Some(chain()),
        contract: Some(account(USDC_CONTRACT)),
        name: Some(name.to_owned()),
    };
    let policy = rule(json!({ "type": "messages", "domains": [typed("USD Coin")] }));
    let permit = |domain| {
        let mut permit = approve(USDC, exact(1), somebody(1));
        permit.kind = EffectKind::Permit;
        permit.domain = domain;
        said(&decide(&policy, &batch(vec![payload(PayloadKind::EvmTypedData, vec![permit])])))
    };

    assert_eq!(permit(Some(typed("USD Coin"))), "approved");
    assert_eq!(permit(Some(typed("USDC"))), "no: rule");
    assert_eq!(permit(None), "no: rule");
    assert_eq!(said(&decide(&policy, &pay(1))), "approved");
}

#[test]
fn what_only_a_simulation_shows_asks_a_person() {
    let mut effect = transfer(ETH, 1, somebody(1));
    effect.confidence = Confidence::Simulated;
    assert_eq!(one(&quiet(json!({})), effect), "ask: builtin/simulated");
}

#[test]
fn a_request_that_leaves_anything_open_is_refused_even_by_a_permissive_policy() {
    let permissive = policy(json!({ "permissive": true }));
    let change = |change: fn(&mut Effect)| {
        let mut effect = transfer(USDC, 1, somebody(1));
        change(&mut effect);
        request(vec![effect])
    };
    let mut no_fee = pay(1);
    no_fee.items[0].effects.pop();
    let mut two_fees = pay(1);
    two_fees.items[0].effects.push(fee(1));
    let mut foreign_fee = pay(1);
    foreign_fee.items[0].effects[1].asset = Some(asset(USDC));
    let message_with_fee = batch(vec![payload(PayloadKind::EvmMessage, vec![fee(1)])]);
    let many = |items| batch(vec![transaction(vec![transfer(ETH, 1, somebody(1))]); items]);
    let effects = |count| request(vec![transfer(ETH, 1, somebody(1)); count]);

    let refused = [
        ("no items", batch(vec![])),
        ("65 items", many(65)),
        ("no effects", batch(vec![payload(PayloadKind::EvmTypedData, vec![])])),
        ("257 effects", effects(256)),
        ("no fee", no_fee),
        ("two fees", two_fees),
        ("a fee in tokens", foreign_fee),
        ("a message with a fee", message_with_fee),
        ("no asset", change(|it| it.asset = None)),
        ("no amount", change(|it| it.amount = Amount::None)),
        ("an unlimited transfer", change(|it| it.amount = Amount::Unlimited)),
        ("no recipient", change(|it| it.to = None)),
        ("not established", change(|it| it.confidence = Confidence::Unknown)),
        ("another chain's asset", change(|it| it.asset = Some(asset("eip155:10/slip44:60")))),
        (
            "another chain's account",
            change(|it| {
                it.to = Some(account(&format!("eip155:10:0x{}", "a1".repeat(20))));
            }),
        ),
        ("no spender", change(|it| it.kind = EffectKind::Approve)),
        ("a call of nothing", change(|it| it.kind = EffectKind::Call)),
        ("a message without domain", request(vec![effect(EffectKind::Message)])),
        ("a delegation to nothing", request(vec![effect(EffectKind::Delegate)])),
        (
            "value of no asset",
            change(|it| {
                it.kind = EffectKind::Deploy;
                it.asset = None;
            }),
        ),
    ];
    for (what, request) in refused {
        assert_eq!(said(&decide(&permissive, &request)), "no: builtin/readable", "{what}");
    }
    assert_eq!(said(&decide(&permissive, &many(64))), "approved");
    assert_eq!(said(&decide(&permissive, &effects(255))), "approved");
}

#[test]
fn at_most_256_own_accounts_are_read() {
    let permissive = policy(json!({ "permissive": true }));
    let with = |count: u16| {
        let mut request = pay(1);
        let own = |number| account(&format!("{CHAIN}:0x{}{number:04x}", "b2".repeat(18)));
        request.own = (0..count).map(own).chain([crate::requests::own()]).collect();
        said(&decide(&permissive, &request))
    };
    assert_eq!([with(255), with(256)], ["approved", "no: builtin/readable"]);
}
