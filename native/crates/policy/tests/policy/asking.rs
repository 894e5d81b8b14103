//! Persons, code, prices and principals: who else has a say.

use policy::effect::{Amount, EffectKind};
use policy::evaluate::{
    GrantedApproval, Policy, Price, Request, RuleVerdict, Ruling, VerdictOfRule,
};
use policy::rulebook::Quorum;
use policy::{Decimal, Role, U256};
use serde_json::{Value, json};

use crate::requests::*;
use crate::spending_limits::principal;

fn threshold(fields: Value) -> Policy {
    let mut fields = fields;
    fields["type"] = json!("approvalThreshold");
    rule(fields)
}

fn asks_of(policy: &Policy) -> Quorum {
    match decide(policy, &pay(11)).ruling {
        Ruling::RequiresAdditionalApproval { quorum, .. } => quorum,
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_than_the_threshold_asks_and_the_threshold_itself_does_not() {
    let policy = threshold(json!({ "asset": ETH, "above": "10" }));

    for (amount, expected) in [(9, "approved"), (10, "approved"), (11, "ask: rule")] {
        assert_eq!(said(&decide(&policy, &pay(amount))), expected);
    }
    let split = vec![transfer(ETH, 6, somebody(1)), transfer(ETH, 5, somebody(2))];
    assert_eq!(said(&decide(&policy, &request(split))), "ask: rule");
}

#[test]
fn an_amount_that_nobody_states_is_more_than_any_threshold() {
    let exception =
        json!({ "type": "unlimitedApproval", "asset": USDC, "spender": somebody(1).as_str() });
    let threshold =
        json!({ "id": "rule", "type": "approvalThreshold", "asset": USDC, "above": "10" });
    let policy = policy(json!({ "rules": [threshold], "exceptions": [exception] }));

    let unlimited = approve(USDC, Amount::Unlimited, somebody(1));
    assert_eq!(said(&decide(&policy, &request(vec![unlimited]))), "ask: rule");
}

#[test]
fn kinds_of_effects_ask_each_by_its_name() {
    for kind in EffectKind::ALL {
        let policy = threshold(json!({ "kinds": [kind] }));
        let expected = match kind {
            EffectKind::Transfer | EffectKind::FeeOnly => "ask: rule",
            _ => "approved",
        };
        assert_eq!(said(&decide(&policy, &pay(1))), expected, "{kind:?}");
    }
}

#[test]
fn the_user_and_the_guardian_both_approve_by_default() {
    let policy = threshold(json!({ "asset": ETH, "above": "10" }));
    assert_eq!(asks_of(&policy), Quorum { recovery: 1, user: 1 });
    let Ruling::RequiresAdditionalApproval { approvers, .. } = decide(&policy, &pay(11)).ruling
    else {
        panic!("does not ask")
    };
    assert_eq!(approvers, [Role::User, Role::Recovery]);

    let hearing =
        |approvals: &[GrantedApproval]| said(&decide_hearing(&policy, &pay(11), approvals));
    let (user, guardian) = (yes_of(Role::User), yes_of(Role::Recovery));
    assert_eq!(hearing(std::slice::from_ref(&user)), "ask: rule");
    assert_eq!(hearing(std::slice::from_ref(&guardian)), "ask: rule");
    assert_eq!(hearing(&[user, guardian]), "approved");
}

#[test]
fn an_approval_counts_once_and_only_of_a_key_that_is_listed_for_its_role() {
    let policy = threshold(json!({ "asset": ETH, "above": "10" }));
    let hearing =
        |approvals: &[GrantedApproval]| said(&decide_hearing(&policy, &pay(11), approvals));
    let as_guardian =
        |number: u8| GrantedApproval { key: key(number).to_vec(), role: Role::Recovery };

    assert_eq!(hearing(&[yes_of(Role::User), yes_of(Role::User)]), "ask: rule");
    assert_eq!(hearing(&[yes_of(Role::User), as_guardian(USER_KEY)]), "ask: rule");
    assert_eq!(hearing(&[yes_of(Role::User), as_guardian(77)]), "ask: rule");
    assert_eq!(hearing(&[yes_of(Role::User), as_guardian(GUARDIAN_KEY)]), "approved");
}

#[test]
fn a_rule_may_name_its_own_quorum_and_several_rules_ask_for_all_of_theirs() {
    let of = |id: &str, quorum: Value| json!({ "id": id, "type": "approvalThreshold", "asset": ETH, "above": "10", "quorum": quorum });
    let user = of("a", json!({ "recovery": 0, "user": 2 }));
    let guardian = of("b", json!({ "recovery": 1, "user": 1 }));

    assert_eq!(asks_of(&policy(json!({ "rules": [user] }))), Quorum { recovery: 0, user: 2 });
    let joint = policy(json!({ "rules": [user, guardian] }));
    assert_eq!(asks_of(&joint), Quorum { recovery: 1, user: 2 });
}

#[test]
fn an_approval_does_not_lift_a_rejection() {
    let policy = rule(json!({ "type": "spendingLimits", "asset": ETH, "perTransaction": "10" }));
    let both = [yes_of(Role::User), yes_of(Role::Recovery)];
    assert_eq!(said(&decide_hearing(&policy, &pay(11), &both)), "no: rule");
}

fn custom() -> Policy {
    policy(
        json!({ "customRules": [{ "id": "kyc", "roles": ["user"] }, { "id": "agents", "roles": ["agent"] }] }),
    )
}

fn verdict(verdict: VerdictOfRule) -> RuleVerdict {
    RuleVerdict { id: "kyc".to_owned(), verdict }
}

#[test]
fn a_custom_rule_without_a_verdict_rejects() {
    assert_eq!(said(&decide_after(&custom(), &[])), "no: kyc");
    let other = RuleVerdict { id: "agents".to_owned(), verdict: VerdictOfRule::Approved };
    assert_eq!(said(&decide_after(&custom(), &[other])), "no: kyc");
}

#[test]
fn a_custom_rule_approves_asks_or_rejects_and_of_two_verdicts_the_stricter_counts() {
    let reason = || "because".to_owned();
    let approved = verdict(VerdictOfRule::Approved);
    let asked = verdict(VerdictOfRule::RequiresAdditionalApproval { reason: reason() });
    let rejected = verdict(VerdictOfRule::Rejected { reason: reason() });
    let after = |verdicts: &[&RuleVerdict]| {
        let verdicts: Vec<_> = verdicts.iter().copied().cloned().collect();
        said(&decide_after(&custom(), &verdicts))
    };

    assert_eq!(after(&[&approved]), "approved");
    assert_eq!(
        [after(&[&asked]), after(&[&asked, &approved]), after(&[&approved, &asked])],
        ["ask: kyc"; 3]
    );
    assert_eq!(
        [after(&[&rejected]), after(&[&approved, &rejected]), after(&[&rejected, &asked])],
        ["no: kyc"; 3]
    );
}

#[test]
fn each_party_brings_the_verdicts_of_its_own_custom_rules() {
    let rules =
        json!([{ "id": "b", "roles": ["user"] }, { "id": "a", "roles": ["agent", "user"] }]);
    let document = document(json!({ "customRules": rules }));
    let ids =
        |policy: &Policy| policy.custom_rules().iter().map(|it| it.to_string()).collect::<Vec<_>>();

    assert_eq!(ids(&Policy::compile(&document, Role::User)), ["a", "b"]);
    let early = Policy::compile_at(&document, Role::Agent, Role::User);
    assert_eq!(ids(&early), ["a"]);
    // By the user's limits, so nobody is asked for want of a share.
    let approved = RuleVerdict { id: "a".to_owned(), verdict: VerdictOfRule::Approved };
    assert_eq!(said(&decide_after(&early, &[approved])), "approved");
}

#[test]
fn a_principal_is_listed_and_its_key_has_not_expired() {
    let policy = policy(json!({
        "principals": [principal("bot", 8)],
        "rules": [{ "id": "rule", "type": "timeBounds", "notBefore": "0" }]
    }));
    let by = |number: u8, time_ms| {
        let mut request = at(time_ms, pay(1));
        request.principal = Some(key(number));
        said(&decide(&policy, &request))
    };

    assert_eq!(by(8, NOON_MS), "approved");
    assert_eq!(by(8, NOON_MS + 1), "no: builtin/principal");
    assert_eq!(by(9, NOON_MS), "no: builtin/principal");
    assert_eq!(said(&decide(&policy, &pay(1))), "approved");
}

#[test]
fn a_rule_may_demand_that_a_principal_signs() {
    let policy = policy(json!({
        "principals": [principal("bot", 8), principal("other", 9)],
        "rules": [{ "id": "rule", "type": "principals", "allowed": ["bot"] }]
    }));
    let by = |number: Option<u8>| {
        let mut request = pay(1);
        request.principal = number.map(key);
        said(&decide(&policy, &request))
    };

    assert_eq!([by(Some(8)), by(Some(9)), by(None)], ["approved", "no: rule", "no: rule"]);
}

#[test]
fn so_many_requests_in_a_window_and_no_more() {
    let policy = rule(json!({ "type": "velocity", "count": 3, "windowMs": HOUR_MS.to_string() }));
    let after = |ages: &[u64]| {
        let requests = ages.iter().map(|age| (NOON_MS - age, None)).collect();
        said(&decide_with(&policy, &pay(1), &Ledger { requests, ..Ledger::default() }))
    };

    assert_eq!(
        [after(&[0]), after(&[0, 0]), after(&[0, 0, 0])],
        ["approved", "approved", "no: rule"]
    );
    assert_eq!(after(&[0, 0, HOUR_MS]), "no: rule");
    assert_eq!(after(&[0, 0, HOUR_MS + 1]), "approved");
}

#[test]
fn a_velocity_of_none_allows_none_and_a_restored_ledger_neither() {
    let none = rule(json!({ "type": "velocity", "count": 0, "windowMs": "1" }));
    assert_eq!(said(&decide(&none, &pay(1))), "no: rule");
    let some = rule(json!({ "type": "velocity", "count": 9, "windowMs": "1" }));
    let full = Ledger { full: true, ..Ledger::default() };
    assert_eq!(said(&decide_with(&some, &pay(1), &full)), "no: rule");
}

#[test]
fn a_signers_share_of_a_count_is_rounded_down() {
    let document = document(json!({
        "allotments": { "recovery": 30, "user": 70 },
        "rules": [{ "id": "rule", "type": "velocity", "count": 3, "windowMs": "1000" }]
    }));
    let after = |role, count| {
        let ledger = Ledger { requests: vec![(NOON_MS, None); count], ..Ledger::default() };
        said(&decide_with(&Policy::compile(&document, role), &pay(1), &ledger))
    };

    assert_eq!([after(Role::User, 1), after(Role::User, 2)], ["approved", "no: rule"]);
    assert_eq!(after(Role::Recovery, 0), "no: rule");
}

fn fiat(fields: Value) -> Policy {
    let mut fields = fields;
    fields["type"] = json!("fiatLimits");
    fields["currency"] = json!("USD");
    fields["maxAgeMs"] = json!("1000");
    rule(fields)
}

/// 3 USD for 2 wei.
fn price(age_ms: u64) -> Price {
    Price {
        asset: asset(ETH),
        at_ms: NOON_MS - age_ms,
        currency: "USD".to_owned(),
        micros: Decimal(U256::from(3_000_000)),
        per: Decimal(U256::from(2)),
    }
}

#[test]
fn a_limit_in_a_currency_holds_for_the_sum_by_a_fresh_price_rounded_up() {
    let policy = fiat(json!({ "perTransaction": "6000000" }));

    for (amount, expected) in [(3, "approved"), (4, "approved"), (5, "no: rule")] {
        assert_eq!(said(&decide_by(&policy, &pay(amount), &[price(0)])), expected);
    }
    let odd = fiat(json!({ "perTransaction": "1" }));
    let tiny = Price { micros: Decimal(U256::from(1)), per: Decimal(U256::from(2)), ..price(0) };
    let by = |amount| said(&decide_by(&odd, &pay(amount), std::slice::from_ref(&tiny)));
    assert_eq!([by(1), by(2), by(3)], ["approved", "approved", "no: rule"]);
}

#[test]
fn without_a_fresh_price_nothing_is_approved() {
    let policy = fiat(json!({ "daily": "6000000" }));
    let other = Price { currency: "EUR".to_owned(), ..price(0) };
    let nothing = Price { per: Decimal(U256::ZERO), ..price(0) };
    let future = Price { at_ms: NOON_MS + 1, ..price(0) };

    for (prices, expected) in [
        (vec![price(999)], "approved"),
        (vec![price(1_000)], "approved"),
        (vec![price(1_001)], "no: rule"),
        (vec![other], "no: rule"),
        (vec![nothing], "no: rule"),
        (vec![future], "no: rule"),
        (vec![], "no: rule"),
    ] {
        assert_eq!(said(&decide_by(&policy, &pay(1), &prices)), expected);
    }
    let tokens = request(vec![transfer(ETH, 1, somebody(1)), transfer(USDC, 1, somebody(1))]);
    assert_eq!(said(&decide_by(&policy, &tokens, &[price(0)])), "no: rule");
}

#[test]
fn of_two_prices_the_higher_counts_and_a_value_beyond_256_bits_is_none() {
    let policy = fiat(json!({ "perTransaction": "6000000" }));
    let higher = Price { micros: Decimal(U256::from(9_000_000)), ..price(0) };
    let absurd = Price { micros: Decimal(U256::MAX), ..price(0) };

    for prices in [[price(0), higher.clone()], [higher, price(0)]] {
        assert_eq!(said(&decide_by(&policy, &pay(4), &prices)), "no: rule");
    }
    assert_eq!(said(&decide_by(&policy, &pay(4), &[absurd])), "no: rule");
}

#[test]
fn value_in_a_currency_is_reserved_and_counted_under_its_name() {
    let policy = fiat(json!({ "daily": "6000000" }));

    let reserved = decide_by(&policy, &pay(3), &[price(0)]).reservations;
    let fiat: Vec<_> = reserved.iter().filter(|it| it.asset == "fiat:USD").collect();
    assert_eq!(fiat.len(), 1);
    assert_eq!(fiat[0].amount, U256::from(4_500_000));
    let ledger =
        |amount| Ledger { spent: vec![("fiat:USD", NOON_MS, amount, None)], ..Ledger::default() };
    let after = |amount| {
        let ledger = ledger(amount);
        said(&policy::evaluate::evaluate(&policy, &pay(3), &ledger, &[], &[], &[price(0)]))
    };
    assert_eq!([after(1_500_000), after(1_500_001)], ["approved", "no: rule"]);
}

#[test]
fn a_decision_names_its_policy_and_explains_every_rule() {
    let document = document(json!({ "rules": [
        { "id": "b", "type": "spendingLimits", "asset": ETH, "daily": "10" },
        { "id": "a", "type": "approvalThreshold", "kinds": ["transfer"] },
        { "id": "c", "type": "spendingLimits", "asset": USDC, "daily": "10" }
    ] }));
    let decision = decide(&Policy::compile(&document, Role::User), &pay(11));

    assert_eq!((decision.policy_version, decision.policy_hash), (1, document.hash()));
    let lines = decision.explain();
    assert_eq!(
        lines[0],
        "rejected by b: daily limit of eip155:1/slip44:60: 11 asked, 10 of 10 left"
    );
    assert_eq!(
        lines[lines.len() - 3..],
        [
            "  asks        a: it has a transfer (1 of the user and 1 of the guardian)",
            "  rejects     b: daily limit of eip155:1/slip44:60: 11 asked, 10 of 10 left",
            "  not about   c",
        ]
    );
    assert_eq!(lines.len(), 1 + 9 + 3);
}

#[test]
fn a_party_adds_rules_of_its_own_and_nothing_that_loosens() {
    let document = document(json!({
        "rules": [{ "id": "rule", "type": "spendingLimits", "asset": ETH, "daily": "10" }]
    }));
    let supplement = read(json!({
        "allotments": { "recovery": 100, "user": 0 },
        "customRules": [{ "id": "kyc", "roles": ["user"] }, { "id": "other", "roles": ["agent"] }],
        "permissive": true,
        "rules": [{ "id": "rule", "type": "spendingLimits", "asset": ETH, "daily": "5" }],
        "exceptions": [{ "type": "unknownCall", "contract": USDC_CONTRACT, "selector": "11223344" }]
    }));
    let compiled = Policy::compile(&document, Role::User);
    let policy = compiled.supplemented_by(&supplement, Role::User);
    let verdict = [verdict(VerdictOfRule::Approved)];
    let after = |request: &Request| {
        let ledger = Ledger::default();
        said(&policy::evaluate::evaluate(&policy, request, &ledger, &[], &verdict, &[]))
    };

    assert_eq!(after(&pay(5)), "approved");
    assert_eq!(after(&pay(6)), "no: local/rule");
    assert_eq!(after(&pay(11)), "no: local/rule");
    let unknown = request(vec![unknown_call(USDC_CONTRACT, "0x11223344")]);
    assert_eq!(after(&unknown), "no: builtin/unknown");
    assert_eq!(said(&decide(&policy, &pay(5))), "no: kyc");
}
