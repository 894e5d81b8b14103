//! Recorded requests, and what another policy would have said.

use policy::effect::Domain;
use policy::evaluate::{Price, RecordedRequest, RuleVerdict, VerdictOfRule, replay};
use policy::{Decimal, Role, U256};
use serde_json::json;

use crate::requests::*;

fn record(request: policy::evaluate::Request) -> RecordedRequest {
    RecordedRequest { approvals: vec![], prices: vec![], request, verdicts: vec![] }
}

fn full() -> RecordedRequest {
    let mut request = pay(5);
    request.principal = Some(key(8));
    let effect = &mut request.items[0].effects[0];
    effect.expiry = Some(7);
    effect.call = Some(call(USDC_CONTRACT, "0x11223344"));
    effect.domain = Some(Domain::SignIn { host: "app.example".to_owned() });
    RecordedRequest {
        approvals: vec![yes_of(Role::User)],
        prices: vec![Price {
            asset: asset(ETH),
            at_ms: 1,
            currency: "USD".to_owned(),
            micros: Decimal(U256::MAX),
            per: Decimal(U256::ONE),
        }],
        request,
        verdicts: vec![RuleVerdict {
            id: "kyc".to_owned(),
            verdict: VerdictOfRule::Rejected { reason: "no".to_owned() },
        }],
    }
}

#[test]
fn a_record_is_read_as_it_was_written_and_in_no_other_form() {
    for record in [full(), record(pay(1))] {
        let bytes = record.encode().unwrap();
        assert_eq!(RecordedRequest::decode(&bytes), Ok(record));
        let text = String::from_utf8(bytes).unwrap();
        let refused =
            |text: String| RecordedRequest::decode(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(refused(format!("{text} ")), "policy: not in canonical form (RFC 8785)");
        assert!(
            refused(text.replace("policy-request@1", "policy-request@2")).starts_with("schema: ")
        );
        assert!(refused(text.replace("\"own\":", "\"owned\":")).contains("unknown field"));
    }
}

#[test]
fn a_record_has_the_bytes_that_it_had() {
    let expected = include_str!("golden/policy-request.json").trim_end();
    assert_eq!(String::from_utf8(full().encode().unwrap()).unwrap(), expected);
}

#[test]
fn what_the_draft_approves_counts_against_its_own_limits() {
    let draft = rule(json!({ "type": "spendingLimits", "asset": ETH, "daily": "10" }));
    let history: Vec<_> = [(0, 6), (1, 5), (2, 4), (3, 1), (25, 6), (26, 6)]
        .map(|(hour, amount)| record(at(NOON_MS + hour * HOUR_MS, pay(amount))))
        .into();

    let decisions: Vec<_> = replay(&draft, &history).iter().map(said).collect();
    assert_eq!(decisions, ["approved", "no: rule", "approved", "no: rule", "approved", "no: rule"]);
}

#[test]
fn an_approval_of_a_spender_counts_in_every_later_window_until_it_expires() {
    let draft = rule(json!({ "type": "spendingLimits", "asset": USDC, "daily": "10" }));
    let ends = NOON_MS / 1_000 + 3 * 24 * 3_600;
    let mut allowance = approve(USDC, exact(8), somebody(1));
    allowance.expiry = Some(ends);
    let pay = |time_ms| record(at(time_ms, request(vec![transfer(USDC, 3, somebody(2))])));

    let history =
        [record(request(vec![allowance])), pay(NOON_MS + 2 * DAY_MS), pay(ends * 1_000 + 1)];
    let decisions: Vec<_> = replay(&draft, &history).iter().map(said).collect();
    assert_eq!(decisions, ["approved", "no: rule", "approved"]);
}

#[test]
fn counts_principals_and_first_payments_are_replayed_too() {
    let draft = policy(json!({
        "principals": [crate::spending_limits::principal("bot", 8)],
        "rules": [
            { "id": "count", "type": "velocity", "count": 2, "windowMs": HOUR_MS.to_string(), "principal": "bot" },
            { "id": "new", "type": "newRecipients", "coolDownMs": "1000" }
        ]
    }));
    let by_bot = |number, time_ms| {
        let mut request = at(time_ms, request(vec![transfer(ETH, 1, somebody(number))]));
        request.principal = Some(key(8));
        record(request)
    };
    let early = NOON_MS - HOUR_MS / 2;

    let history = [
        by_bot(1, early),
        by_bot(1, early + 999),
        by_bot(1, early + 1_000),
        by_bot(2, early + 2_000),
    ];
    let decisions: Vec<_> = replay(&draft, &history).iter().map(said).collect();
    assert_eq!(decisions, ["approved", "no: new", "approved", "no: count"]);
}
