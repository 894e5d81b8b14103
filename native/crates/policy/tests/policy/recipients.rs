//! Who may receive, who may not, and who is new.

use policy::effect::{Domain, EffectKind};
use policy::evaluate::{PayloadKind, Policy};
use serde_json::json;

use crate::requests::*;

fn list(kind: &str, recipients: &[String]) -> Policy {
    rule(json!({ "type": kind, "recipients": recipients }))
}

fn texts(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|number| somebody(*number).to_string()).collect()
}

#[test]
fn a_whitelist_lets_its_recipients_pass_and_nobody_else() {
    let policy = list("whitelist", &texts(&[1, 2]));
    let paying =
        |number| said(&decide(&policy, &request(vec![transfer(ETH, 1, somebody(number))])));

    assert_eq!([paying(1), paying(2), paying(3)], ["approved", "approved", "no: rule"]);
}

#[test]
fn an_empty_whitelist_allows_nobody_and_the_own_account() {
    let policy = list("whitelist", &[]);

    assert_eq!(said(&decide(&policy, &pay(1))), "no: rule");
    assert_eq!(said(&decide(&policy, &request(vec![transfer(ETH, 1, own())]))), "approved");
}

#[test]
fn the_recipient_of_a_token_is_who_gets_it_and_not_the_contract() {
    let mut payment = transfer(USDC, 1, somebody(3));
    payment.call = Some(call(USDC_CONTRACT, "0xa9059cbb"));

    let contract = list("whitelist", &[USDC_CONTRACT.to_owned()]);
    assert_eq!(said(&decide(&contract, &request(vec![payment.clone()]))), "no: rule");
    let person = list("whitelist", &texts(&[3]));
    assert_eq!(said(&decide(&person, &request(vec![payment]))), "approved");
}

#[test]
fn a_spender_is_a_recipient() {
    let policy = list("whitelist", &texts(&[1]));
    let approving =
        |number| said(&decide(&policy, &request(vec![approve(USDC, exact(1), somebody(number))])));

    assert_eq!([approving(1), approving(2)], ["approved", "no: rule"]);
}

#[test]
fn a_whitelist_holds_for_value_of_calls_and_deployments_and_for_swaps_to_others() {
    let policy = list("whitelist", &texts(&[1]));
    let with = |kind, amount, to: Option<policy::caip::AccountId>| {
        let mut effect = transfer(ETH, amount, somebody(1));
        effect.kind = kind;
        effect.to = to;
        effect.call = Some(call(USDC_CONTRACT, "0x11223344"));
        said(&decide(&policy, &request(vec![effect])))
    };

    assert_eq!(with(EffectKind::Call, 0, None), "approved");
    assert_eq!(with(EffectKind::Call, 1, None), "no: rule");
    assert_eq!(with(EffectKind::Deploy, 0, None), "approved");
    assert_eq!(with(EffectKind::Deploy, 1, None), "no: rule");
    assert_eq!(with(EffectKind::Swap, 5, Some(own())), "approved");
    assert_eq!(with(EffectKind::Swap, 5, Some(somebody(2))), "no: rule");
    assert_eq!(with(EffectKind::Swap, 5, Some(somebody(1))), "approved");
}

#[test]
fn a_list_of_one_chain_says_nothing_about_another() {
    let other = "eip155:10";
    for kind in ["whitelist", "blacklist"] {
        let there = format!("{other}:0x{}", "a1".repeat(20));
        let policy = rule(json!({ "type": kind, "chain": other, "recipients": [there] }));
        assert_eq!(said(&decide(&policy, &pay(1))), "approved", "{kind}");
    }
    let here = rule(json!({ "type": "whitelist", "chain": CHAIN, "recipients": [] }));
    assert_eq!(said(&decide(&here, &pay(1))), "no: rule");
}

#[test]
fn the_blacklist_beats_the_whitelist_whichever_comes_first() {
    let white = json!({ "id": "a", "type": "whitelist", "recipients": texts(&[1]) });
    let black = json!({ "id": "b", "type": "blacklist", "recipients": texts(&[1]) });

    for rules in [json!([white, black]), json!([black, white])] {
        assert_eq!(said(&decide(&policy(json!({ "rules": rules })), &pay(1))), "no: b");
    }
}

#[test]
fn a_blacklist_finds_spenders_contracts_and_verifying_contracts_too() {
    let policy = list("blacklist", &texts(&[1]));
    let mut calling = transfer(USDC, 1, somebody(2));
    calling.call = Some(call(somebody(1).as_str(), "0x11223344"));
    let mut typed = effect(EffectKind::Transfer);
    typed.clone_from(&transfer(USDC, 1, somebody(2)));
    typed.domain =
        Some(Domain::TypedData { chain: Some(chain()), contract: Some(somebody(1)), name: None });

    for effects in [
        vec![transfer(ETH, 0, somebody(1))],
        vec![approve(USDC, exact(1), somebody(1))],
        vec![calling],
    ] {
        assert_eq!(said(&decide(&policy, &request(effects))), "no: rule");
    }
    let signed = batch(vec![payload(PayloadKind::EvmTypedData, vec![typed])]);
    assert_eq!(said(&decide(&policy, &signed)), "no: rule");
    assert_eq!(said(&decide(&policy, &request(vec![transfer(ETH, 1, somebody(2))]))), "approved");
}

#[test]
fn another_spelling_of_an_address_is_the_same_recipient() {
    let lower = somebody(1).to_string().to_lowercase();
    assert_ne!(lower, somebody(1).to_string());

    let black = list("blacklist", std::slice::from_ref(&lower));
    assert_eq!(said(&decide(&black, &pay(1))), "no: rule");
    assert_eq!(said(&decide(&list("whitelist", &[lower]), &pay(1))), "approved");
}

#[test]
fn a_new_recipient_is_paid_once_and_then_waits() {
    let policy = rule(json!({ "type": "newRecipients", "coolDownMs": DAY_MS.to_string() }));
    let paid_ago = |age: u64| {
        let first_paid = [(somebody(1).to_string(), NOON_MS - age)].into();
        said(&decide_with(&policy, &pay(1), &Ledger { first_paid, ..Ledger::default() }))
    };

    assert_eq!(said(&decide(&policy, &pay(1))), "approved");
    assert_eq!(paid_ago(0), "no: rule");
    assert_eq!(paid_ago(DAY_MS - 1), "no: rule");
    assert_eq!(paid_ago(DAY_MS), "approved");
}

#[test]
fn a_new_recipient_is_not_paid_twice_by_one_batch_nor_by_a_clock_set_back() {
    let policy = rule(json!({ "type": "newRecipients", "coolDownMs": "1" }));
    let twice = vec![transfer(ETH, 1, somebody(1)), transfer(ETH, 1, somebody(1))];
    let first_paid = [(somebody(1).to_string(), NOON_MS + 1)].into();
    let ahead = Ledger { first_paid, ..Ledger::default() };

    assert_eq!(said(&decide(&policy, &request(twice))), "no: rule");
    assert_eq!(said(&decide_with(&policy, &pay(1), &ahead)), "no: rule");
}

#[test]
fn a_ledger_that_was_restored_knows_no_recipient() {
    let policy = rule(json!({ "type": "newRecipients", "coolDownMs": "1" }));
    let full = Ledger { full: true, ..Ledger::default() };
    assert_eq!(said(&decide_with(&policy, &pay(1), &full)), "no: rule");
}
