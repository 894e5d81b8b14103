//! What a question to the ledger and a reservation cost with 100,000 requests of a week in it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops where it goes wrong"
)]

use alloy_primitives::U256;
use measure::{Case, Report, interleave, time};
use policy::ledger::{Charge, ChargeKind, Ledger, LedgerItem, LedgerLimits, Reservation, Spending};
use policy::{Clock, DigestUse};

const REQUESTS: u64 = 100_000;
const PRINCIPALS: u64 = 10;
const NOW_MS: u64 = 1_800_000_000_000;
const WEEK_MS: u64 = 7 * 86_400_000;
const USDC: &str = "eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const ETH: &str = "eip155:1/slip44:60";

fn bytes(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// A token payment and its fee.
fn payment(number: u64) -> Reservation {
    let charge = |asset: &str, kind, amount, recipient: Option<u64>| Charge {
        asset: asset.to_owned(),
        amount: U256::from(amount),
        kind,
        recipient: recipient.map(|number| format!("eip155:1:0x{number:040x}")),
        expires_at_ms: None,
    };
    let charges = vec![
        charge(USDC, ChargeKind::Spend, 1_000_000 + number, Some(number % 500)),
        charge(ETH, ChargeKind::Fee, 21_000, None),
    ];
    let digest = DigestUse { digest: bytes(number), exclusion: Some(bytes(number)) };
    Reservation {
        request_id: bytes(number),
        principal: Some(bytes(number % PRINCIPALS)),
        items: vec![LedgerItem { digest, nonce: None, charges }],
    }
}

/// A week of payments, all but the last hundred of them landed; and its records.
fn week() -> (Ledger, Vec<Vec<u8>>) {
    let clock = Clock { wall_ms: NOW_MS, monotonic_ms: 0, run: [1; 16] };
    let mut ledger = Ledger::new(LedgerLimits::default(), clock);
    let mut records = Vec::new();
    for number in 0..REQUESTS {
        let at_ms = NOW_MS - WEEK_MS + number * WEEK_MS / REQUESTS;
        let mut writes = ledger.reserve(&payment(number), at_ms).unwrap();
        if number + 100 < REQUESTS {
            writes = ledger.landed(&bytes(number), &bytes(number), at_ms + 12_000).unwrap();
        }
        records.extend(writes[0].bytes.clone());
    }
    records.extend(ledger.state().bytes);
    (ledger, records)
}

fn main() -> std::io::Result<()> {
    let command = "cargo bench -p policy --bench ledger";
    let mut report = Report::new("ledger, 100,000 requests in a week", command);
    let (ledger, records) = week();
    let day_ms = NOW_MS - 86_400_000;
    let principal = bytes(3);
    let questions = interleave(
        200,
        vec![
            Case {
                name: "spent in a day",
                run: Box::new(|| time(|| ledger.spent(USDC, day_ms, None)).0),
            },
            Case {
                name: "spent in a day by a principal",
                run: Box::new(|| time(|| ledger.spent(USDC, day_ms, Some(&principal))).0),
            },
            Case {
                name: "requests in a day",
                run: Box::new(|| time(|| ledger.count(day_ms, None)).0),
            },
        ],
    );
    let mut busy = week().0;
    let mut serial = REQUESTS;
    let steps = interleave(
        200,
        vec![Case {
            name: "reserve and land",
            run: Box::new(|| {
                serial += 1;
                let (reservation, id) = (payment(serial), bytes(serial));
                time(|| {
                    busy.reserve(&reservation, NOW_MS).unwrap();
                    busy.share_left(&id).unwrap();
                    busy.commit(&id).unwrap();
                    busy.landed(&id, &id, NOW_MS + 12_000).unwrap()
                })
                .0
            }),
        }],
    );
    let loads = interleave(
        5,
        vec![Case {
            name: "load",
            run: Box::new(|| {
                let all = records.iter().map(Vec::as_slice);
                time(|| Ledger::load(LedgerLimits::default(), all).unwrap()).0
            }),
        }],
    );
    report.references(&questions[0]);
    for timing in &questions {
        report.timing(&timing.name, None, timing);
    }
    report.timing("reserve, share left, commit, landed", Some("ledger.request.cpu"), &steps[0]);
    report.timing("load", Some("ledger.load.cpu"), &loads[0]);
    report.finish()
}
