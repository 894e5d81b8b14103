//! What leaves in one request and in windows: just under, at, and just over.

use policy::effect::{Amount, EffectKind};
use policy::evaluate::{Policy, ReservationKind};
use policy::{Decimal, Role, U256};
use serde_json::{Value, json};

use crate::requests::*;

fn limits(fields: Value) -> Policy {
    let mut fields = fields;
    fields["type"] = json!("spendingLimits");
    fields["asset"] = json!(ETH);
    rule(fields)
}

fn spent(amount: u64, at_ms: u64) -> Ledger {
    Ledger { spent: vec![(ETH, at_ms, amount, None)], ..Ledger::default() }
}

#[test]
fn a_limit_per_transaction_lets_its_amount_pass_and_one_more_not() {
    let policy = limits(json!({ "perTransaction": "10" }));

    for (amount, expected) in [(9, "approved"), (10, "approved"), (11, "no: rule")] {
        assert_eq!(said(&decide(&policy, &pay(amount))), expected);
    }
}

#[test]
fn zero_allows_nothing_and_a_payment_of_nothing() {
    for limit in ["perTransaction", "daily", "weekly"] {
        let policy = limits(json!({ limit: "0" }));
        assert_eq!(said(&decide(&policy, &pay(0))), "approved");
        assert_eq!(said(&decide(&policy, &pay(1))), "no: rule");
    }
}

#[test]
fn windows_count_what_was_spent_before() {
    for limit in ["daily", "weekly"] {
        let policy = limits(json!({ limit: "10" }));
        for (amount, expected) in [(3, "approved"), (4, "approved"), (5, "no: rule")] {
            let decision = decide_with(&policy, &pay(amount), &spent(6, NOON_MS));
            assert_eq!(said(&decision), expected, "{limit}");
        }
    }
}

#[test]
fn rolling_windows_are_24_hours_and_7_days_to_the_millisecond() {
    for (limit, length) in [("daily", DAY_MS), ("weekly", 7 * DAY_MS)] {
        let policy = limits(json!({ limit: "10" }));
        for (age, expected) in
            [(length - 1, "no: rule"), (length, "no: rule"), (length + 1, "approved")]
        {
            let decision = decide_with(&policy, &pay(10), &spent(1, NOON_MS - age));
            assert_eq!(said(&decision), expected, "{limit}");
        }
    }
}

#[test]
fn a_calendar_day_begins_at_midnight_of_its_zone() {
    let policy = limits(json!({ "daily": "10", "timeZone": "Asia/Tokyo" }));
    // 15 July, 21:00 in Tokyo; the day began 15:00 UTC on the 14th.
    let midnight = NOON_MS - 21 * HOUR_MS;

    for (at_ms, expected) in [(midnight - 1, "approved"), (midnight, "no: rule")] {
        assert_eq!(said(&decide_with(&policy, &pay(10), &spent(1, at_ms))), expected);
    }
}

#[test]
fn a_calendar_week_begins_on_monday() {
    let policy = limits(json!({ "weekly": "10", "timeZone": "UTC" }));
    let monday = NOON_MS - 2 * DAY_MS - 12 * HOUR_MS;

    for (at_ms, expected) in [(monday - 1, "approved"), (monday, "no: rule")] {
        assert_eq!(said(&decide_with(&policy, &pay(10), &spent(1, at_ms))), expected);
    }
}

#[test]
fn the_day_on_which_clocks_go_back_has_25_hours() {
    let policy = limits(json!({ "daily": "10", "timeZone": "Europe/Berlin" }));
    // 25 October 2026: midnight is 22:00 UTC on the 24th, and the next one 23:00 UTC on the 25th.
    let midnight = 1_792_879_200_000;
    let late = at(midnight + 25 * HOUR_MS - 1, pay(10));

    assert_eq!(said(&decide_with(&policy, &late, &spent(1, midnight))), "no: rule");
    let next = at(midnight + 25 * HOUR_MS, pay(10));
    assert_eq!(said(&decide_with(&policy, &next, &spent(1, midnight))), "approved");
}

#[test]
fn all_effects_of_all_items_add_up() {
    let policy = limits(json!({ "perTransaction": "10" }));
    let item = |amount| {
        transaction(vec![transfer(ETH, amount, somebody(1)), transfer(ETH, 1, somebody(2))])
    };

    assert_eq!(said(&decide(&policy, &batch(vec![item(4), item(4)]))), "approved");
    assert_eq!(said(&decide(&policy, &batch(vec![item(4), item(5)]))), "no: rule");
}

#[test]
fn a_sum_beyond_256_bits_is_more_than_any_limit() {
    let most = U256::MAX.to_string();
    let policy = limits(json!({ "perTransaction": most, "daily": most }));
    let mut all = transfer(ETH, 0, somebody(1));
    all.amount = Amount::Exact(Decimal(U256::MAX));

    assert_eq!(said(&decide(&policy, &request(vec![all.clone()]))), "approved");
    let more = request(vec![all, transfer(ETH, 1, somebody(1))]);
    assert_eq!(said(&decide(&policy, &more)), "no: rule");
}

#[test]
fn value_that_goes_with_calls_deployments_swaps_and_approvals_counts() {
    let policy = limits(json!({ "perTransaction": "10" }));
    for kind in [EffectKind::Deploy, EffectKind::Call, EffectKind::Swap, EffectKind::Approve] {
        for (amount, expected) in [(10, "approved"), (11, "no: rule")] {
            let mut effect = transfer(ETH, amount, own());
            effect.kind = kind;
            effect.spender = Some(somebody(1));
            effect.call = Some(call(USDC_CONTRACT, "0x11223344"));
            assert_eq!(said(&decide(&policy, &request(vec![effect]))), expected, "{kind:?}");
        }
    }
}

#[test]
fn what_stays_in_the_wallet_or_is_not_its_own_does_not_count() {
    let policy = limits(json!({ "perTransaction": "0" }));
    let mut theirs = transfer(ETH, 5, somebody(2));
    theirs.from = Some(somebody(1));

    assert_eq!(said(&decide(&policy, &request(vec![theirs.clone()]))), "approved");
    assert_eq!(said(&decide(&policy, &request(vec![transfer(ETH, 5, own())]))), "approved");
    theirs.from = None;
    assert_eq!(said(&decide(&policy, &request(vec![theirs]))), "no: rule");
}

#[test]
fn other_assets_and_fees_do_not_use_up_a_limit() {
    let policy = limits(json!({ "perTransaction": "10" }));
    let paid = vec![transfer(ETH, 10, somebody(1)), transfer(USDC, 99, somebody(1))];
    let mut request = request(paid);
    request.items[0].effects.last_mut().unwrap().amount = exact(1_000);

    assert_eq!(said(&decide(&policy, &request)), "approved");
}

#[test]
fn fees_have_limits_of_their_own() {
    let policy =
        rule(json!({ "type": "feeLimits", "asset": ETH, "perTransaction": "10", "daily": "15" }));
    let paying = |fees: u64| {
        let mut request = pay(1_000);
        request.items[0].effects.last_mut().unwrap().amount = exact(fees);
        request
    };
    let before = |amount| Ledger {
        spent: vec![("eip155:1/slip44:60#fee", NOON_MS, amount, None), (ETH, NOON_MS, 99, None)],
        ..Ledger::default()
    };

    assert_eq!(said(&decide(&policy, &paying(10))), "approved");
    assert_eq!(said(&decide(&policy, &paying(11))), "no: rule");
    assert_eq!(said(&decide_with(&policy, &paying(10), &before(5))), "approved");
    assert_eq!(said(&decide_with(&policy, &paying(10), &before(6))), "no: rule");
}

#[test]
fn a_signer_uses_its_share_of_a_window_and_no_more() {
    let document = document(json!({
        "allotments": { "recovery": 30, "user": 70 },
        "rules": [{ "id": "rule", "type": "spendingLimits", "asset": ETH, "daily": "101", "perTransaction": "90" }]
    }));
    let user = Policy::compile(&document, Role::User);
    let recovery = Policy::compile(&document, Role::Recovery);

    for (policy, share) in [(&user, 70), (&recovery, 30)] {
        assert_eq!(said(&decide(policy, &pay(share))), "approved");
        assert_eq!(said(&decide(policy, &pay(share + 1))), "no: rule");
    }
}

#[test]
fn a_signer_without_a_share_asks_persons_each_time_and_never_beyond_the_limit() {
    let document = document(json!({
        "rules": [{ "id": "rule", "type": "spendingLimits", "asset": ETH, "daily": "10" }]
    }));
    let recovery = Policy::compile(&document, Role::Recovery);
    let both = [yes_of(Role::User), yes_of(Role::Recovery)];

    assert_eq!(said(&decide(&recovery, &pay(1))), "ask: builtin/allotment");
    assert_eq!(said(&decide_hearing(&recovery, &pay(10), &both)), "approved");
    assert_eq!(said(&decide_hearing(&recovery, &pay(11), &both)), "no: rule");
}

#[test]
fn after_a_restore_every_window_counts_as_used_up() {
    let full = Ledger { full: true, ..Ledger::default() };
    for (limit, expected) in
        [("perTransaction", "approved"), ("daily", "no: rule"), ("weekly", "no: rule")]
    {
        let policy = limits(json!({ limit: "10" }));
        assert_eq!(said(&decide_with(&policy, &pay(1), &full)), expected, "{limit}");
    }
}

#[test]
fn a_limit_of_one_principal_counts_what_that_one_spent() {
    let policy = policy(json!({
        "principals": [principal("bot", 8), principal("other", 9)],
        "rules": [{ "id": "rule", "type": "spendingLimits", "asset": ETH, "daily": "10", "principal": "bot" }]
    }));
    let ledger = Ledger {
        spent: vec![(ETH, NOON_MS, 4, Some(key(8))), (ETH, NOON_MS, 4, Some(key(9)))],
        ..Ledger::default()
    };
    let of = |number: Option<u8>, amount| {
        let mut request = pay(amount);
        request.principal = number.map(key);
        said(&decide_with(&policy, &request, &ledger))
    };

    assert_eq!([of(Some(8), 6), of(Some(8), 7)], ["approved", "no: rule"]);
    assert_eq!(of(Some(9), 99), "approved");
    // Who names nobody is held to everybody's spending.
    assert_eq!([of(None, 2), of(None, 3)], ["approved", "no: rule"]);
}

pub fn principal(name: &str, number: u8) -> Value {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let key = Base64UrlUnpadded::encode_string(&key(number));
    json!({ "expiresAt": (NOON_MS + 1).to_string(), "key": key, "name": name })
}

#[test]
fn every_movement_is_reserved_limited_or_not() {
    let policy = rule(json!({ "type": "timeBounds", "notBefore": "1" }));
    let permit = approve(USDC, exact(7), somebody(3));
    let request = batch(vec![
        transaction(vec![transfer(ETH, 5, somebody(1)), transfer(ETH, 9, own())]),
        transaction(vec![permit]),
    ]);

    let reserved: Vec<_> = decide(&policy, &request)
        .reservations
        .into_iter()
        .map(|it| (it.item, it.asset, it.amount, it.kind, it.recipient))
        .collect();

    let fee = |item| (item, format!("{ETH}#fee"), U256::from(1), ReservationKind::Fee, None);
    assert_eq!(
        reserved,
        [
            fee(0),
            fee(1),
            (0, ETH.to_owned(), U256::from(5), ReservationKind::Spend, Some(somebody(1))),
            (1, USDC.to_owned(), U256::from(7), ReservationKind::Exposure, Some(somebody(3))),
        ]
    );
}

#[test]
fn a_reservation_says_until_when_and_through_whom_it_can_happen() {
    let mut permit = approve(USDC, exact(7), somebody(3));
    (permit.expiry, permit.deferred) = (Some(9), true);
    let policy = rule(json!({ "type": "timeBounds", "notBefore": "1" }));

    let reserved = decide(&policy, &request(vec![permit])).reservations;
    let found: Vec<_> = reserved.iter().map(|it| (it.expiry, it.deferred)).collect();
    assert_eq!(found, [(None, false), (Some(9), true)]);
}

#[test]
fn nothing_is_reserved_unless_approved() {
    let rejecting = limits(json!({ "perTransaction": "0" }));
    let asking = rule(json!({ "type": "approvalThreshold", "kinds": ["transfer"] }));

    for policy in [rejecting, asking] {
        assert!(decide(&policy, &pay(1)).reservations.is_empty());
    }
}
