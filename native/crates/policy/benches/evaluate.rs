//! A decision under a usual policy, and under the largest that a document holds.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark stops where it goes wrong"
)]

#[path = "../tests/policy/requests.rs"]
#[allow(dead_code)] // the tests use what the benchmark does not
mod requests;

use measure::{Case, interleave, time};
use policy::evaluate::{Policy, Request};
use requests::{
    CHAIN, ETH, Ledger, USDC, USDC_CONTRACT, approve, batch, decide_with, exact, pay, policy, said,
    somebody, transaction, transfer,
};
use serde_json::{Value, json};

const RUNS: usize = 400;
/// Decisions that are timed together, for the clock's sake.
const TOGETHER: u32 = 20;

fn main() -> std::io::Result<()> {
    let command = "cargo bench -p policy --bench evaluate";
    let mut report = measure::Report::new("policy, one decision", command);
    let (usual, largest) = (usual(), largest());
    let many = batch(
        (0..64)
            .map(|number| {
                transaction(vec![
                    transfer(ETH, 1, somebody(number)),
                    approve(USDC, exact(1), somebody(number)),
                ])
            })
            .collect(),
    );
    let timings = interleave(
        RUNS,
        vec![
            case("usual policy, one payment", &usual, pay(5)),
            case("1 000 rules, lists of 10 000, one payment", &largest, pay(5)),
            case("1 000 rules, lists of 10 000, 64 items", &largest, many),
        ],
    );
    for (timing, name) in timings.iter().zip(["usual", "largest", "largest, 64 items"]) {
        report.timing(&timing.name, Some(name), timing);
    }
    if let Some(timing) = timings.first() {
        report.references(timing);
    }
    report.finish()
}

fn case<'a>(name: &'a str, policy: &'a Policy, request: Request) -> Case<'a> {
    let ledger = Ledger::default();
    assert_eq!(said(&decide_with(policy, &request, &ledger)), "approved");
    Case {
        name,
        run: Box::new(move || {
            let decide = || {
                (0..TOGETHER).for_each(|_| {
                    std::hint::black_box(decide_with(policy, &request, &ledger));
                });
            };
            time(decide).0 / TOGETHER
        }),
    }
}

/// Limits of two assets, fees, a list, hours, contracts, approvals and a count.
fn usual() -> Policy {
    policy(json!({ "rules": [
        { "id": "eth", "type": "spendingLimits", "asset": ETH, "perTransaction": "10", "daily": "50", "weekly": "100" },
        { "id": "usdc", "type": "spendingLimits", "asset": USDC, "perTransaction": "10", "daily": "50" },
        { "id": "fees", "type": "feeLimits", "asset": ETH, "daily": "50" },
        { "id": "to", "type": "whitelist", "recipients": (0..50).map(|it| somebody(it).to_string()).collect::<Vec<_>>() },
        { "id": "hours", "type": "businessHours", "days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00",
            "end": "18:00", "timeZone": "Europe/Berlin" },
        { "id": "calls", "type": "contractRestrictions", "allowedContracts": [USDC_CONTRACT] },
        { "id": "ask", "type": "approvalThreshold", "asset": ETH, "above": "5", "kinds": ["delegate", "ownerChange"] },
        { "id": "pace", "type": "velocity", "count": 10, "windowMs": "3600000" },
        { "id": "new", "type": "newRecipients", "coolDownMs": "3600000" }
    ] }))
}

/// A whitelist and a blacklist of 10 000, and 998 rules of every other type.
fn largest() -> Policy {
    let filler = |number: u32| format!("{CHAIN}:0x{}{number:08x}", "00".repeat(16));
    let some = (0..64).map(|it| somebody(it).to_string());
    let white: Vec<_> = some.chain((0..9_936).map(filler)).collect();
    let black: Vec<_> = (0..10_000).map(|number| filler(100_000 + number)).collect();
    let mut rules = vec![
        json!({ "id": "white", "type": "whitelist", "recipients": white }),
        json!({ "id": "black", "type": "blacklist", "recipients": black }),
    ];
    let kinds: [Value; 6] = [
        json!({ "type": "spendingLimits", "asset": ETH, "perTransaction": "100", "daily": "500", "weekly": "1000" }),
        json!({ "type": "spendingLimits", "asset": USDC, "daily": "500" }),
        json!({ "type": "contractRestrictions", "allowedContracts": [USDC_CONTRACT], "blockedSelectors": ["0x11223344"] }),
        json!({ "type": "approvalThreshold", "asset": ETH, "above": "500", "kinds": ["delegate"] }),
        json!({ "type": "velocity", "count": 10, "windowMs": "3600000" }),
        json!({ "type": "businessHours", "days": ["wed"], "start": "00:00", "end": "24:00", "timeZone": "Europe/Berlin" }),
    ];
    for (number, kind) in kinds.iter().cycle().take(998).enumerate() {
        let mut rule = kind.clone();
        rule["id"] = json!(format!("rule-{number}"));
        rules.push(rule);
    }
    policy(json!({ "rules": rules }))
}
