//! What gets looser, said for each part of a policy.

use policy::rulebook::{PolicyDocument, diff};
use serde_json::{Value, json};

use crate::requests::*;
use crate::spending_limits::principal;

/// Whether each change from one policy to the other loosens, by path.
fn changes(old: Value, new: Value) -> Vec<(String, bool)> {
    let old = document(old);
    let new = old.next(read(new), approvers()).unwrap();
    diff(&old, &new).into_iter().map(|change| (change.path, change.loosens)).collect()
}

fn of_rule(old: Value, new: Value) -> bool {
    let with = |rule: Value| {
        let mut rule = rule;
        rule["id"] = json!("rule");
        json!({ "principals": [principal("bot", 8), principal("other", 9)], "rules": [rule] })
    };
    let found = changes(with(old), with(new));
    let [(path, loosens)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(path, "rules[rule]");
    *loosens
}

/// Two rules of which the second only tightens the first, so the first loosens the second.
fn tightens(old: Value, new: Value) {
    assert!(!of_rule(old.clone(), new.clone()), "{old} to {new} does not tighten");
    assert!(of_rule(new.clone(), old.clone()), "{new} to {old} does not loosen");
}

/// Two rules of which neither is proven to tighten the other.
fn both_loosen(one: Value, other: Value) {
    assert!(of_rule(one.clone(), other.clone()), "{one} to {other}");
    assert!(of_rule(other.clone(), one.clone()), "{other} to {one}");
}

fn with(rule: &Value, name: &str, value: Value) -> Value {
    let mut rule = rule.clone();
    rule[name] = value;
    rule
}

#[test]
fn the_same_policy_has_no_changes_whatever_its_order() {
    let limit =
        |id: &str| json!({ "id": id, "type": "spendingLimits", "asset": ETH, "daily": "1" });
    let rules = |one, other| json!({ "rules": [limit(one), limit(other)] });
    assert_eq!(changes(rules("a", "b"), rules("b", "a")), []);
}

#[test]
fn lower_limits_tighten() {
    for kind in ["spendingLimits", "feeLimits"] {
        let limit = json!({ "type": kind, "asset": ETH, "daily": "10" });
        for name in ["daily", "weekly", "perTransaction"] {
            tightens(with(&limit, name, json!("10")), with(&limit, name, json!("9")));
        }
        tightens(limit.clone(), with(&limit, "weekly", json!("99")));
        both_loosen(limit.clone(), with(&limit, "timeZone", json!("UTC")));
        both_loosen(limit.clone(), with(&limit, "asset", json!("eip155:10/slip44:60")));
    }
    let fiat = json!({ "type": "fiatLimits", "currency": "USD", "daily": "10", "maxAgeMs": "10" });
    tightens(fiat.clone(), with(&fiat, "daily", json!("9")));
    tightens(fiat.clone(), with(&fiat, "weekly", json!("9")));
    tightens(fiat.clone(), with(&fiat, "perTransaction", json!("9")));
    tightens(fiat.clone(), with(&fiat, "maxAgeMs", json!("9")));
    both_loosen(fiat.clone(), with(&fiat, "currency", json!("EUR")));
    both_loosen(fiat.clone(), with(&fiat, "timeZone", json!("UTC")));
}

#[test]
fn shorter_whitelists_and_longer_blacklists_tighten() {
    let list = |kind: &str, numbers: &[u8]| {
        let recipients: Vec<_> = numbers.iter().map(|it| somebody(*it).to_string()).collect();
        json!({ "type": kind, "recipients": recipients })
    };
    tightens(list("whitelist", &[1, 2]), list("whitelist", &[2]));
    tightens(list("blacklist", &[1]), list("blacklist", &[2, 1]));
    both_loosen(list("whitelist", &[1]), list("whitelist", &[2]));
    both_loosen(list("blacklist", &[1]), list("blacklist", &[2]));
    both_loosen(list("whitelist", &[1]), list("blacklist", &[1]));
    for kind in ["whitelist", "blacklist"] {
        tightens(with(&list(kind, &[1]), "chain", json!(CHAIN)), list(kind, &[1]));
    }
}

#[test]
fn less_time_tightens() {
    let bounds = json!({ "type": "timeBounds", "notBefore": "10", "notAfter": "20" });
    tightens(bounds.clone(), with(&bounds, "notBefore", json!("11")));
    tightens(bounds.clone(), with(&bounds, "notAfter", json!("19")));
    tightens(json!({ "type": "timeBounds", "notBefore": "10" }), bounds.clone());
    tightens(json!({ "type": "timeBounds", "notAfter": "20" }), bounds);

    let hours = json!({ "type": "businessHours", "days": ["mon", "tue"], "start": "09:00", "end": "17:00", "timeZone": "UTC" });
    tightens(hours.clone(), with(&hours, "days", json!(["tue"])));
    tightens(hours.clone(), with(&hours, "start", json!("09:01")));
    tightens(hours.clone(), with(&hours, "end", json!("16:59")));
    both_loosen(hours.clone(), with(&hours, "timeZone", json!("Europe/London")));
    both_loosen(hours.clone(), with(&hours, "end", json!("08:00")));
    let night = with(&hours, "end", json!("08:00"));
    both_loosen(night.clone(), with(&night, "end", json!("07:00")));
    tightens(night.clone(), with(&night, "days", json!(["mon"])));
}

#[test]
fn fewer_calls_tighten() {
    let none = json!({ "type": "contractRestrictions", "deployment": true, "delegateCalls": true, "unknown": true });
    for flag in ["deployment", "delegateCalls", "unknown"] {
        tightens(none.clone(), with(&none, flag, json!(false)));
    }
    for (name, one, two) in [
        ("allowedContracts", somebody(1).to_string(), somebody(2).to_string()),
        ("allowedSelectors", "0x11223344".to_owned(), "0x55667788".to_owned()),
    ] {
        tightens(none.clone(), with(&none, name, json!([one, two])));
        tightens(with(&none, name, json!([one, two])), with(&none, name, json!([one])));
    }
    tightens(none.clone(), with(&none, "blockedSelectors", json!(["0x11223344"])));
    let condition = |check: Value| json!([{ "contract": USDC_CONTRACT, "selector": "0x11223344", "argument": 0, "check": check }]);
    tightens(none.clone(), with(&none, "arguments", condition(json!({ "atMost": "1" }))));
    both_loosen(
        with(&none, "arguments", condition(json!({ "atMost": "1" }))),
        with(&none, "arguments", condition(json!({ "equals": "1" }))),
    );
    tightens(with(&none, "chain", json!(CHAIN)), none);
}

#[test]
fn asking_sooner_and_more_people_tightens() {
    let ask = json!({ "type": "approvalThreshold", "asset": ETH, "above": "10" });
    tightens(ask.clone(), with(&ask, "above", json!("9")));
    tightens(ask.clone(), with(&ask, "kinds", json!(["approve"])));
    tightens(ask.clone(), with(&ask, "quorum", json!({ "recovery": 1, "user": 2 })));
    both_loosen(ask.clone(), with(&ask, "asset", json!(USDC)));
    both_loosen(ask.clone(), with(&ask, "quorum", json!({ "recovery": 0, "user": 2 })));
}

#[test]
fn slower_spending_fewer_domains_and_fewer_principals_tighten() {
    let velocity = json!({ "type": "velocity", "count": 3, "windowMs": "10" });
    tightens(velocity.clone(), with(&velocity, "count", json!(2)));
    tightens(velocity.clone(), with(&velocity, "windowMs", json!("11")));
    let cool = |ms: &str| json!({ "type": "newRecipients", "coolDownMs": ms });
    tightens(cool("1"), cool("2"));
    let domains = |domains: Value| json!({ "type": "messages", "domains": domains });
    tightens(domains(json!([{ "type": "text" }])), domains(json!([])));
    let principals = |allowed: Value| json!({ "type": "principals", "allowed": allowed });
    tightens(principals(json!(["bot", "other"])), principals(json!(["bot"])));
}

#[test]
fn a_rule_for_everybody_tightens_one_for_a_principal() {
    let limit = json!({ "type": "spendingLimits", "asset": ETH, "daily": "10" });
    tightens(with(&limit, "principal", json!("bot")), limit.clone());
    both_loosen(with(&limit, "principal", json!("bot")), with(&limit, "principal", json!("other")));
}

#[test]
fn a_new_rule_tightens_and_a_rule_less_loosens_but_the_first_rule_loosens() {
    let rule = |id: &str| json!({ "id": id, "type": "spendingLimits", "asset": ETH, "daily": "1" });
    let (one, two) = (json!({ "rules": [rule("a")] }), json!({ "rules": [rule("a"), rule("b")] }));

    assert_eq!(changes(one.clone(), two.clone()), [("rules[b]".to_owned(), false)]);
    assert_eq!(changes(two, one.clone()), [("rules[b]".to_owned(), true)]);
    assert!(changes(json!({}), one.clone()).contains(&("rules".to_owned(), true)));
    assert!(
        changes(json!({}), json!({ "permissive": true }))
            .contains(&("permissive".to_owned(), true))
    );
    let custom =
        json!({ "rules": [rule("a")], "customRules": [{ "id": "kyc", "roles": ["user"] }] });
    assert_eq!(changes(one.clone(), custom.clone()), [("customRules[kyc]".to_owned(), false)]);
    assert_eq!(changes(custom, one), [("customRules[kyc]".to_owned(), true)]);
}

/// Changes of one member of a policy with a rule, there and back.
fn member(name: &str, old: Value, new: Value) -> [Vec<bool>; 2] {
    let with = |value: &Value| {
        let mut policy =
            json!({ "rules": [{ "id": "a", "type": "velocity", "count": 1, "windowMs": "1" }] });
        policy[name] = value.clone();
        policy
    };
    let loosening = |from: &Value, to: &Value| {
        changes(with(from), with(to)).into_iter().map(|(_, loosens)| loosens).collect()
    };
    [loosening(&old, &new), loosening(&new, &old)]
}

#[test]
fn members_loosen_in_one_direction() {
    for (name, loose, tight) in [
        ("permissive", json!(true), json!(false)),
        ("unsafePrehashed", json!(true), json!(false)),
        ("allotments", json!({ "recovery": 0, "user": 100 }), json!({ "recovery": 0, "user": 99 })),
        ("quorums", json!({ "approval": { "recovery": 0, "user": 1 } }), json!({})),
        ("quorums", json!({ "unfreeze": { "recovery": 0, "user": 1 } }), json!({})),
        ("exceptions", json!([{ "type": "ownerChange", "account": USDC_CONTRACT }]), json!([])),
        (
            "contracts",
            json!([{ "address": USDC_CONTRACT, "kind": { "type": "erc721" } }]),
            json!([]),
        ),
        ("principals", json!([principal("bot", 8)]), json!([])),
        (
            "customRules",
            json!([{ "id": "x", "roles": ["user"] }]),
            json!([{ "id": "x", "roles": ["user", "agent"] }]),
        ),
    ] {
        assert_eq!(member(name, loose, tight), [[false], [true]], "{name}");
    }
}

#[test]
fn a_share_taken_away_a_key_changed_and_a_contract_renamed_are_never_proven_to_tighten() {
    let share = |user: u8| json!({ "recovery": 0, "user": user });
    assert_eq!(member("allotments", share(10), share(0)), [[true], [true]]);
    let kind = |kind: &str| json!([{ "address": USDC_CONTRACT, "kind": { "type": kind } }]);
    assert_eq!(member("contracts", kind("erc721"), kind("account")), [[true], [true]]);
    let bot = |number| json!([principal("bot", number)]);
    assert_eq!(member("principals", bot(8), bot(9)), [[true], [true]]);
}

#[test]
fn a_principals_key_that_expires_sooner_tightens() {
    let sooner = {
        let mut sooner = principal("bot", 8);
        sooner["expiresAt"] = json!(NOON_MS.to_string());
        json!([sooner])
    };
    assert_eq!(member("principals", json!([principal("bot", 8)]), sooner), [[false], [true]]);
}

#[test]
fn a_contract_whose_calls_then_pass_as_unknown_is_not_taken_away_without_loosening() {
    let base = |contracts: Value, exceptions: Value, permissive: bool| {
        json!({ "contracts": contracts, "exceptions": exceptions, "permissive": permissive,
            "rules": [{ "id": "a", "type": "velocity", "count": 1, "windowMs": "1" }] })
    };
    let listed = json!([{ "address": USDC_CONTRACT, "kind": { "type": "multicall" } }]);
    let removed = |exceptions: Value, permissive| {
        changes(
            base(listed.clone(), exceptions.clone(), permissive),
            base(json!([]), exceptions, permissive),
        )
    };
    let path = format!("contracts[{USDC_CONTRACT}]");
    let unknown = |contract: &str| json!([{ "type": "unknownCall", "contract": contract, "selector": "11223344" }]);

    assert_eq!(removed(json!([]), false), [(path.clone(), false)]);
    assert_eq!(removed(json!([]), true), [(path.clone(), true)]);
    assert_eq!(removed(unknown(USDC_CONTRACT), false), [(path.clone(), true)]);
    assert_eq!(removed(unknown(somebody(1).as_str()), false), [(path, false)]);
}

#[test]
fn other_persons_and_another_wallet_loosen() {
    let old = document(json!({}));
    let fewer = old.next(read(json!({})), approvers()[..1].to_vec()).unwrap();
    let other = PolicyDocument::first(read(json!({})), [8; 32], approvers()).unwrap();

    for (new, path) in [(fewer, "approvers"), (other, "walletId")] {
        let found = diff(&old, &new);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].loosens), (path, true));
    }
}

#[test]
fn a_change_is_described_in_words() {
    let limit = |daily: &str| json!({ "rules": [{ "id": "a", "type": "spendingLimits", "asset": ETH, "daily": daily }] });
    let old = document(limit("1"));
    let new = old.next(read(limit("2")), approvers()).unwrap();
    assert_eq!(
        diff(&old, &new)[0].description,
        format!("at most 2 in 24 hours of {ETH}, instead of at most 1 in 24 hours of {ETH}")
    );
}
