//! Recorded requests under another policy: what would it have said?

use alloy_primitives::U256;

use super::decision::{PolicyDecision, Reservation, ReservationKind, Ruling};
use super::{Policy, RecordedRequest, Spending, evaluate};

/// Decides recorded requests in the order given, as if the policy had been in force from the first on: what it
/// approves counts against its own limits, landing at the time of its request.
pub fn replay(policy: &Policy, records: &[RecordedRequest]) -> Vec<PolicyDecision> {
    let mut history = History::default();
    let decide = |record: &RecordedRequest| {
        let RecordedRequest { approvals, prices, request, verdicts } = record;
        history.now_ms = request.time_ms;
        let decision = evaluate(policy, request, &history, approvals, verdicts, prices);
        if decision.ruling == Ruling::Approved {
            history.signed.push(Signed {
                at_ms: request.time_ms,
                principal: request.principal,
                reservations: decision.reservations.clone(),
            });
        }
        decision
    };
    records.iter().map(decide).collect()
}

#[derive(Default)]
struct History {
    now_ms: u64,
    signed: Vec<Signed>,
}

struct Signed {
    at_ms: u64,
    principal: Option<[u8; 32]>,
    reservations: Vec<Reservation>,
}

impl History {
    fn of<'a>(&'a self, principal: Option<&'a [u8; 32]>) -> impl Iterator<Item = &'a Signed> {
        self.signed.iter().filter(move |signed| {
            principal.is_none()
                || signed.principal.is_none()
                || signed.principal.as_ref() == principal
        })
    }

    /// Exposure counts until it expires, whatever the window.
    fn still_exposed(&self, reservation: &Reservation) -> bool {
        reservation.kind == ReservationKind::Exposure
            && reservation.expiry.is_none_or(|at| self.now_ms <= at.saturating_mul(1_000))
    }
}

impl Spending for History {
    fn spent(&self, asset: &str, since_ms: u64, principal: Option<&[u8; 32]>) -> U256 {
        let mut sum = U256::ZERO;
        for signed in self.of(principal) {
            let counted = signed.reservations.iter().filter(|reservation| {
                reservation.asset == asset
                    && (signed.at_ms >= since_ms || self.still_exposed(reservation))
            });
            sum = counted.fold(sum, |sum, it| sum.saturating_add(it.amount));
        }
        sum
    }

    fn count(&self, since_ms: u64, principal: Option<&[u8; 32]>) -> u32 {
        let recent = self.of(principal).filter(|signed| signed.at_ms >= since_ms);
        u32::try_from(recent.count()).unwrap_or(u32::MAX)
    }

    fn first_paid_ms(&self, recipient: &str) -> Option<u64> {
        let paid = self.signed.iter().filter(|signed| {
            let mut recipients = signed.reservations.iter().filter_map(|it| it.recipient.as_ref());
            recipients.any(|it| it.as_str() == recipient)
        });
        paid.map(|signed| signed.at_ms).min()
    }

    fn limits_full(&self) -> bool {
        false
    }
}
