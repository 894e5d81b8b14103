//! Any policy, any request: rules only forbid or ask, their order is nothing, and a document means what it meant.

use std::cell::Cell;

use policy::effect::{Amount, Confidence, Domain, Effect, EffectKind};
use policy::evaluate::{
    GrantedApproval, PayloadKind, Policy, PolicyDecision, Price, Request, RuleVerdict, Ruling,
    VerdictOfRule, evaluate,
};
use policy::rulebook::{PolicyConfig, PolicyDocument, diff};
use policy::{Decimal, Role, U256};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::requests::*;
use crate::spending_limits::principal;

/// A situation: what is asked, and everything that was said and spent.
#[derive(Debug, Clone)]
struct Situation {
    request: Request,
    ledger: Ledger,
    approvals: Vec<GrantedApproval>,
    verdicts: Vec<RuleVerdict>,
    prices: Vec<Price>,
    signer: Role,
}

impl Situation {
    fn decide(&self, document: &PolicyDocument) -> PolicyDecision {
        let policy = Policy::compile(document, self.signer);
        let Self { request, ledger, approvals, verdicts, prices, .. } = self;
        evaluate(&policy, request, ledger, approvals, verdicts, prices)
    }
}

fn severity(decision: &PolicyDecision) -> u8 {
    match decision.ruling {
        Ruling::Approved => 0,
        Ruling::RequiresAdditionalApproval { .. } => 1,
        Ruling::Rejected { .. } => 2,
    }
}

fn one_of<T: Clone + core::fmt::Debug + 'static>(
    choices: &[T],
) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(choices.to_vec())
}

/// Small numbers meet limits of small numbers.
fn small() -> impl Strategy<Value = u64> {
    0..12_u64
}

fn number() -> impl Strategy<Value = Value> {
    small().prop_map(|it| json!(it.to_string()))
}

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(0.6, value)
}

fn people() -> impl Strategy<Value = Value> {
    prop::sample::subsequence(vec![1, 2, 3, 4_u8], 0..=4).prop_map(|numbers| {
        json!(numbers.into_iter().map(|it| somebody(it).to_string()).collect::<Vec<_>>())
    })
}

/// Fields of a rule, those that are none left out.
fn fields(kind: &str, members: Vec<(&str, Option<Value>)>) -> Value {
    let mut rule = json!({ "type": kind });
    for (name, value) in members {
        if let Some(value) = value {
            rule[name] = value;
        }
    }
    rule
}

fn amounts(kind: &'static str) -> impl Strategy<Value = Value> {
    let zone = prop::option::weighted(0.3, one_of(&["UTC", "Asia/Tokyo"]));
    (one_of(&[ETH, USDC]), number(), maybe(number()), maybe(number()), zone).prop_map(
        move |(asset, daily, each, weekly, zone)| {
            let asset = if kind == "feeLimits" { ETH } else { asset };
            fields(
                kind,
                vec![
                    ("asset", Some(json!(asset))),
                    ("daily", Some(daily)),
                    ("perTransaction", each),
                    ("weekly", weekly),
                    ("timeZone", zone.map(|zone| json!(zone))),
                ],
            )
        },
    )
}

fn list(kind: &'static str) -> impl Strategy<Value = Value> {
    (people(), any::<bool>()).prop_map(move |(recipients, here)| {
        let chain = here.then(|| json!(CHAIN));
        fields(kind, vec![("recipients", Some(recipients)), ("chain", chain)])
    })
}

fn hours() -> impl Strategy<Value = Value> {
    let days = prop::sample::subsequence(vec!["mon", "tue", "wed", "thu"], 1..=4);
    (days, 0..24_u8, 1..=24_u8, one_of(&["UTC", "Asia/Tokyo"])).prop_filter_map(
        "hours that begin",
        |(days, start, end, zone)| {
            (start != end).then(|| {
                json!({ "type": "businessHours", "days": days, "timeZone": zone,
                    "start": format!("{start:02}:00"), "end": format!("{end:02}:00") })
            })
        },
    )
}

fn calls() -> impl Strategy<Value = Value> {
    let functions = || {
        prop::sample::subsequence(vec!["0x11223344", "0x55667788"], 0..=2).prop_map(|it| json!(it))
    };
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (maybe(people()), maybe(functions()), functions(), flags).prop_map(
        |(contracts, allowed, blocked, flags)| {
            fields(
                "contractRestrictions",
                vec![
                    ("allowedContracts", contracts),
                    ("allowedSelectors", allowed),
                    ("blockedSelectors", Some(blocked)),
                    ("deployment", Some(json!(flags.0))),
                    ("unknown", Some(json!(flags.1))),
                    ("delegateCalls", Some(json!(flags.2))),
                ],
            )
        },
    )
}

fn thresholds() -> impl Strategy<Value = Value> {
    let quorum = prop::option::of((0..2_u8, 1..3_u8));
    let kinds = prop::sample::subsequence(vec!["transfer", "approve", "call"], 0..=2);
    (number(), kinds, quorum).prop_map(|(above, kinds, quorum)| {
        let quorum = quorum.map(|(recovery, user)| json!({ "recovery": recovery, "user": user }));
        fields(
            "approvalThreshold",
            vec![
                ("asset", Some(json!(ETH))),
                ("above", Some(above)),
                ("kinds", Some(json!(kinds))),
                ("quorum", quorum),
            ],
        )
    })
}

fn domains() -> Vec<Domain> {
    let host = |host: &str| Domain::SignIn { host: host.to_owned() };
    vec![Domain::Text, host("a.example"), host("b.example")]
}

fn rule_fields() -> impl Strategy<Value = Value> {
    let time =
        || maybe((0..3_u64).prop_map(|days| json!((NOON_MS - DAY_MS + days * DAY_MS).to_string())));
    let bounds = (time(), time()).prop_filter_map("times in order", |(from, until)| {
        let ordered = match (&from, &until) {
            (Some(from), Some(until)) => from.as_str() < until.as_str(),
            (from, until) => from.is_some() || until.is_some(),
        };
        ordered.then(|| fields("timeBounds", vec![("notBefore", from), ("notAfter", until)]))
    });
    let velocity = (0..4_u32, 1..3_u64).prop_map(|(count, days)| {
        json!({ "type": "velocity", "count": count, "windowMs": (days * DAY_MS).to_string() })
    });
    let cool_down = (0..3_u64).prop_map(
        |days| json!({ "type": "newRecipients", "coolDownMs": (days * DAY_MS).to_string() }),
    );
    let messages = prop::sample::subsequence(domains(), 0..=3)
        .prop_map(|domains| json!({ "type": "messages", "domains": domains }));
    let principals = prop::sample::subsequence(vec!["bot", "other"], 0..=2)
        .prop_map(|allowed| json!({ "type": "principals", "allowed": allowed }));
    let fiat = (number(), maybe(number()), 0..3_u64).prop_map(|(daily, each, age)| {
        fields(
            "fiatLimits",
            vec![
                ("currency", Some(json!("USD"))),
                ("daily", Some(daily)),
                ("perTransaction", each),
                ("maxAgeMs", Some(json!((age * HOUR_MS).to_string()))),
            ],
        )
    });
    prop_oneof![
        4 => amounts("spendingLimits"), 1 => amounts("feeLimits"), 2 => list("whitelist"), 2 => list("blacklist"),
        1 => bounds, 2 => hours(), 2 => calls(), 2 => thresholds(), 1 => velocity, 1 => cool_down,
        1 => messages, 1 => principals, 1 => fiat,
    ]
}

fn a_rule() -> impl Strategy<Value = Value> {
    (rule_fields(), prop::option::weighted(0.2, one_of(&["bot", "other"]))).prop_map(
        |(mut rule, scope)| {
            if let Some(scope) = scope {
                rule["principal"] = json!(scope);
            }
            rule
        },
    )
}

fn exceptions() -> impl Strategy<Value = Value> {
    let one = one_of(&[
        json!({ "type": "unknownCall", "contract": somebody(1).as_str(), "selector": "0x11223344" }),
        json!({ "type": "unlimitedApproval", "asset": USDC, "spender": somebody(1).as_str() }),
        json!({ "type": "ownerChange", "account": somebody(1).as_str() }),
        json!({ "type": "message", "domain": { "type": "text" } }),
    ]);
    prop::collection::hash_set(one, 0..4).prop_map(|all| json!(all.into_iter().collect::<Vec<_>>()))
}

fn contracts() -> impl Strategy<Value = Value> {
    prop::sample::subsequence(
        vec![
            json!({ "address": somebody(1).as_str(), "kind": { "type": "delegate" } }),
            json!({ "address": somebody(2).as_str(), "kind": { "type": "multicall" } }),
        ],
        0..=2,
    )
    .prop_map(|all| json!(all))
}

/// A policy as its JSON, each rule with an id of its own.
fn a_policy(rules: std::ops::Range<usize>) -> impl Strategy<Value = Value> {
    let quorum = (0..2_u8, 1..3_u8)
        .prop_map(|(recovery, user)| json!({ "recovery": recovery, "user": user }));
    let shares = one_of(&[(0, 100), (0, 0), (50, 50), (0, 50), (100, 0)]);
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (prop::collection::vec(a_rule(), rules), exceptions(), contracts(), quorum, shares, flags)
        .prop_map(
            |(
                mut rules,
                exceptions,
                contracts,
                approval,
                (recovery, user),
                (permissive, prehashed, custom),
            )| {
                for (number, rule) in rules.iter_mut().enumerate() {
                    rule["id"] = json!(format!("rule-{number}"));
                }
                let custom =
                    if custom { json!([{ "id": "kyc", "roles": ["user"] }]) } else { json!([]) };
                json!({
                    "allotments": { "recovery": recovery, "user": user },
                    "contracts": contracts,
                    "customRules": custom,
                    "exceptions": exceptions,
                    "permissive": permissive,
                    "principals": [principal("bot", 8), principal("other", 9)],
                    "quorums": { "approval": approval },
                    "rules": rules,
                    "unsafePrehashed": prehashed,
                })
            },
        )
}

fn an_effect() -> impl Strategy<Value = Effect> {
    let confidence = prop_oneof![9 => Just(Confidence::Decoded), 1 => Just(Confidence::Simulated)];
    let amount = prop_oneof![
        6 => small().prop_map(exact),
        1 => small().prop_map(|it| Amount::UpTo(Decimal(U256::from(it)))),
        1 => Just(Amount::Unlimited),
    ];
    let kind = prop_oneof![5 => Just(EffectKind::Transfer), 5 => one_of(&EffectKind::ALL)];
    let called = prop::option::weighted(
        0.5,
        (1..4_u8, one_of(&["0x11223344", "0x55667788"]), prop::bool::weighted(0.1)),
    );
    (kind, one_of(&[ETH, USDC]), amount, 0..5_u8, called, one_of(&domains()), confidence).prop_map(
        |(kind, of, amount, whom, calls, domain, confidence)| {
            let whom = if whom == 0 { own() } else { somebody(whom) };
            let mut it = effect(kind);
            it.confidence =
                if kind == EffectKind::Unknown { Confidence::Unknown } else { confidence };
            it.asset = Some(asset(of));
            it.amount = match amount {
                Amount::Unlimited if !matches!(kind, EffectKind::Approve | EffectKind::Permit) => {
                    exact(1)
                }
                amount => amount,
            };
            it.to = Some(whom.clone());
            it.spender = Some(whom);
            it.domain = (kind == EffectKind::Message).then_some(domain);
            it.call = calls.map(|(target, function, delegated)| {
                let mut made = call(somebody(target).as_str(), function);
                made.delegated = delegated;
                made
            });
            it
        },
    )
}

fn a_request() -> impl Strategy<Value = Request> {
    let kind = prop_oneof![6 => Just(PayloadKind::EvmTransaction), 1 => Just(PayloadKind::EvmTypedData), 1 => Just(PayloadKind::EvmHash)];
    let item = (kind, prop::collection::vec(an_effect(), 1..3)).prop_map(|(kind, effects)| {
        let effects =
            effects.into_iter().filter(|it| it.kind != EffectKind::FeeOnly).collect::<Vec<_>>();
        match kind {
            PayloadKind::EvmTransaction => transaction(effects),
            kind => payload(kind, effects),
        }
    });
    let principal = prop::option::of(one_of(&[8, 9, 9, 10_u8]));
    (prop::collection::vec(item, 1..3), principal, 0..48_u64).prop_map(
        |(items, principal, hours)| {
            let mut request = at(NOON_MS - DAY_MS + hours * HOUR_MS, batch(items));
            request.principal = principal.map(key);
            request
        },
    )
}

fn a_ledger() -> impl Strategy<Value = Ledger> {
    let age = || (0..9_u64).prop_map(|days| NOON_MS - days * DAY_MS);
    let by = || prop::option::of(one_of(&[8, 9_u8])).prop_map(|number| number.map(key));
    let name = one_of(&[ETH, USDC, "eip155:1/slip44:60#fee", "fiat:USD"]);
    let spent = prop::collection::vec((name, age(), small(), by()), 0..3);
    let requests = prop::collection::vec((age(), by()), 0..3);
    let first =
        prop::collection::btree_map((1..4_u8).prop_map(|it| somebody(it).to_string()), age(), 0..3);
    (spent, requests, first, prop::bool::weighted(0.1)).prop_map(
        |(spent, requests, first_paid, full)| Ledger { spent, requests, first_paid, full },
    )
}

fn a_situation() -> impl Strategy<Value = Situation> {
    let approvals = prop::sample::subsequence(vec![Role::User, Role::Recovery], 0..=2)
        .prop_map(|roles| roles.into_iter().map(yes_of).collect::<Vec<_>>());
    let verdict = prop_oneof![
        3 => Just(VerdictOfRule::Approved),
        1 => Just(VerdictOfRule::Rejected { reason: String::new() }),
        1 => Just(VerdictOfRule::RequiresAdditionalApproval { reason: String::new() }),
    ];
    let verdicts = prop::option::weighted(0.9, verdict).prop_map(|it| {
        it.into_iter()
            .map(|verdict| RuleVerdict { id: "kyc".to_owned(), verdict })
            .collect::<Vec<_>>()
    });
    let price = |of: &str, micros: u64| Price {
        asset: asset(of),
        at_ms: NOON_MS - DAY_MS,
        currency: "USD".to_owned(),
        micros: Decimal(U256::from(micros)),
        per: Decimal(U256::from(2)),
    };
    let prices = prop::sample::subsequence(vec![price(ETH, 2), price(USDC, 3)], 0..=2);
    (
        a_request(),
        a_ledger(),
        approvals,
        verdicts,
        prices,
        one_of(&[Role::User, Role::User, Role::Recovery]),
    )
        .prop_map(|(request, ledger, approvals, verdicts, prices, signer)| Situation {
            request,
            ledger,
            approvals,
            verdicts,
            prices,
            signer,
        })
}

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let mut config = ProptestConfig::with_cases(cases);
    config.max_global_rejects = cases * 20;
    TestRunner::new(config).run(&strategy, test).unwrap();
}

#[test]
fn adding_a_rule_never_allows_anything() {
    let approved = Cell::new(0);
    run(3_000, (a_policy(1..4), a_rule(), a_situation()), |(policy, added, situation)| {
        let mut more = policy.clone();
        let mut added = added;
        added["id"] = json!("added");
        more["rules"].as_array_mut().unwrap().insert(0, added);
        let (before, after) =
            (situation.decide(&document(policy)), situation.decide(&document(more)));
        prop_assert!(severity(&after) >= severity(&before), "{before:?} {after:?}");
        approved.set(approved.get() + u32::from(severity(&before) == 0));
        Ok(())
    });
    assert!(approved.get() > 50, "{} were approved", approved.get());
}

#[test]
fn the_order_of_rules_lists_and_evidence_changes_nothing() {
    run(
        1_000,
        (a_policy(2..6), a_situation(), any::<prop::sample::Index>()),
        |(policy, situation, turn)| {
            let mut turned = policy.clone();
            let rules = turned["rules"].as_array_mut().unwrap();
            rules.reverse();
            let turn = turn.index(rules.len());
            rules.rotate_left(turn);
            for name in ["exceptions", "contracts", "principals"] {
                turned[name].as_array_mut().unwrap().reverse();
            }
            let mut other = situation.clone();
            other.approvals.reverse();
            other.prices.reverse();
            let (one, two) = (situation.decide(&document(policy)), other.decide(&document(turned)));
            prop_assert_eq!(&one.ruling, &two.ruling);
            prop_assert_eq!(one.outcomes, two.outcomes);
            prop_assert_eq!(one.reservations, two.reservations);
            Ok(())
        },
    );
}

#[test]
fn a_document_that_is_read_again_decides_the_same() {
    run(1_000, (a_policy(0..5), a_situation()), |(policy, situation)| {
        let document = document(policy);
        let read = PolicyDocument::decode(document.bytes()).unwrap();
        prop_assert_eq!(&read, &document);
        prop_assert_eq!(situation.decide(&read), situation.decide(&document));
        Ok(())
    });
}

/// Another policy that is mostly the same one: what people do to a policy.
fn changed(policy: Value, other: Value, kept: &[bool], numbers: &[u64]) -> Value {
    let mut result = policy.clone();
    for (name, kept) in [
        "allotments",
        "contracts",
        "customRules",
        "exceptions",
        "permissive",
        "quorums",
        "unsafePrehashed",
    ]
    .iter()
    .zip(kept.iter().chain(std::iter::repeat(&true)))
    {
        if !kept {
            result[*name] = other[*name].clone();
        }
    }
    let rules = result["rules"].as_array_mut().unwrap();
    for (rule, number) in rules.iter_mut().zip(numbers) {
        for name in ["daily", "perTransaction", "weekly", "above"] {
            if rule[name].is_string() {
                rule[name] = json!(number.to_string());
            } else if let Some(fields) = rule.as_object_mut() {
                fields.remove(name);
            }
        }
        if number % 3 == 0 {
            rule.as_object_mut().unwrap().remove("principal");
        }
    }
    let mut added = other["rules"].as_array().unwrap().clone();
    for (number, rule) in added.iter_mut().enumerate() {
        // Some replace a rule of the same id, some are new.
        rule["id"] = json!(format!("rule-{}", number + 2));
    }
    rules.retain(|rule| !added.iter().any(|it| it["id"] == rule["id"]));
    rules.extend(added);
    result
}

#[test]
fn a_change_that_is_not_said_to_loosen_approves_nothing_that_was_refused_or_asked() {
    let (tighter, stricter) = (Cell::new(0), Cell::new(0));
    let kept = prop::collection::vec(prop::bool::weighted(0.8), 7);
    let numbers = prop::collection::vec(small(), 4);
    let strategy =
        (a_policy(1..4), a_policy(0..2), kept, numbers, prop::collection::vec(a_situation(), 4));
    run(6_000, strategy, |(policy, other, kept, numbers, situations)| {
        let old = document(policy.clone());
        let config = config(changed(policy, other, &kept, &numbers)).to_string();
        let config = PolicyConfig::read(config.as_bytes()).unwrap();
        let new = old.next(config, approvers()).unwrap();
        let changes = diff(&old, &new);
        if changes.iter().any(|change| change.loosens) {
            return Ok(());
        }
        tighter.set(tighter.get() + 1);
        for situation in situations {
            let (before, after) = (situation.decide(&old), situation.decide(&new));
            prop_assert!(severity(&after) >= severity(&before), "{changes:?} {before:?} {after:?}");
            stricter.set(stricter.get() + u32::from(severity(&after) > severity(&before)));
        }
        Ok(())
    });
    assert!(tighter.get() > 200 && stricter.get() > 20, "{} {}", tighter.get(), stricter.get());
}
