//! Amounts against limits, in one request and in windows.

use alloy_primitives::U256;

use crate::caip::AssetId;
use crate::number::Decimal;
use crate::rulebook::{FiatLimits, Limits, TimeZone};

use super::Inputs;
use super::decision::RuleResult;
use super::evidence::Price;
use super::movements::Total;

/// Why a ledger that cannot know what was spent refuses.
pub(super) const LIMITS_FULL: &str =
    "every limit counts as used up: this party does not know what was signed before";

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const WEEK_MS: u64 = 7 * DAY_MS;

/// What a rule limits: amounts under one name of the ledger.
struct Counter<'a> {
    name: &'a str,
    per_transaction: Option<Decimal>,
    daily: Option<Decimal>,
    weekly: Option<Decimal>,
    time_zone: Option<&'a TimeZone>,
    /// Whose spending counts; `None` of anybody.
    principal: Option<&'a [u8; 32]>,
}

pub(super) fn spending(
    limits: &Limits,
    principal: Option<&[u8; 32]>,
    inputs: &Inputs<'_>,
) -> RuleResult {
    match inputs.movements.spent(&limits.asset) {
        None => RuleResult::NotApplicable,
        Some(asked) => counter(limits, limits.asset.as_str(), principal).check(asked, inputs),
    }
}

pub(super) fn fees(
    limits: &Limits,
    principal: Option<&[u8; 32]>,
    inputs: &Inputs<'_>,
) -> RuleResult {
    match inputs.movements.fees(&limits.asset) {
        None => RuleResult::NotApplicable,
        Some(asked) => {
            counter(limits, &format!("{}#fee", limits.asset), principal).check(asked, inputs)
        }
    }
}

fn counter<'a>(limits: &'a Limits, name: &'a str, principal: Option<&'a [u8; 32]>) -> Counter<'a> {
    Counter {
        name,
        per_transaction: limits.per_transaction,
        daily: limits.daily,
        weekly: limits.weekly,
        time_zone: limits.time_zone.as_ref(),
        principal,
    }
}

/// Value in a currency. An asset without a fresh price is refused: no price, no approval.
pub(super) fn fiat(
    limits: &FiatLimits,
    principal: Option<&[u8; 32]>,
    inputs: &Inputs<'_>,
) -> RuleResult {
    let now = inputs.request.time_ms;
    let fresh =
        |price: &Price| now.checked_sub(price.at_ms).is_some_and(|age| age <= limits.max_age_ms);
    let mut counted = inputs.movements.out.iter().filter(|out| out.counts).peekable();
    if counted.peek().is_none() {
        return RuleResult::NotApplicable;
    }
    let mut asked = U256::ZERO;
    for movement in counted {
        let amount = movement.amount;
        let worth = amount.and_then(|amount| {
            value(movement.asset, amount, &limits.currency, inputs.prices, fresh)
        });
        match worth.and_then(|worth| asked.checked_add(worth)) {
            Some(sum) => asked = sum,
            None if amount.is_none() => {
                return RuleResult::rejected("an approval without an amount");
            }
            None => {
                let asset = movement.asset;
                let currency = &limits.currency;
                return RuleResult::rejected(format!("no fresh price of {asset} in {currency}"));
            }
        }
    }
    let name = format!("fiat:{}", limits.currency);
    let counter = Counter {
        name: &name,
        per_transaction: limits.per_transaction,
        daily: limits.daily,
        weekly: limits.weekly,
        time_zone: limits.time_zone.as_ref(),
        principal,
    };
    counter.check(Some(asked), inputs)
}

/// What an amount is worth by the highest price, rounded up; `None` without a price, or beyond 256 bits.
pub(super) fn value(
    asset: &AssetId,
    amount: U256,
    currency: &str,
    prices: &[Price],
    usable: impl Fn(&Price) -> bool,
) -> Option<U256> {
    let ours = prices.iter().filter(|it| it.asset == *asset && it.currency == currency);
    let mut highest = None;
    for price in ours.filter(|price| usable(price)) {
        let (Decimal(micros), Decimal(per)) = (price.micros, price.per);
        if per.is_zero() {
            return None;
        }
        let worth = amount.checked_mul(micros)?.div_ceil(per);
        highest = highest.max(Some(worth));
    }
    highest
}

impl Counter<'_> {
    fn check(&self, asked: Total, inputs: &Inputs<'_>) -> RuleResult {
        let name = self.name;
        let within = |limit: U256| asked.is_some_and(|asked| asked <= limit);
        if let Some(Decimal(limit)) = self.per_transaction
            && !within(limit)
        {
            return over("limit per transaction", name, limit, limit, asked);
        }
        if self.daily.is_none() && self.weekly.is_none() {
            return RuleResult::Passed;
        }
        let Some((day, week)) = windows(inputs.request.time_ms, self.time_zone) else {
            return RuleResult::rejected("the time is outside of the calendar");
        };
        for (window, limit, since_ms) in
            [("daily limit", self.daily, day), ("weekly limit", self.weekly, week)]
        {
            let Some(Decimal(limit)) = limit else { continue };
            // Also for a signer without a share, which asks a person each time: 0 allows nothing to anybody.
            if !within(limit) {
                return over(window, name, limit, limit, asked);
            }
            if inputs.policy.share == 0 {
                continue;
            }
            if inputs.spending.limits_full() {
                return RuleResult::rejected(LIMITS_FULL);
            }
            let share = share(limit, inputs.policy.share);
            let spent = inputs.spending.spent(name, since_ms, self.principal);
            let left = share.saturating_sub(spent);
            if !within(left) {
                return over(window, name, limit, left, asked);
            }
        }
        RuleResult::Passed
    }
}

fn over(what: &str, name: &str, limit: U256, left: U256, asked: Total) -> RuleResult {
    let asked = asked.map_or_else(|| "no amount".to_owned(), |asked| asked.to_string());
    RuleResult::rejected(format!("{what} of {name}: {asked} asked, {left} of {limit} left"))
}

/// Percent of a limit, rounded down.
fn share(limit: U256, percent: u8) -> U256 {
    let (hundred, percent) = (U256::from(100), U256::from(percent));
    let (whole, rest) = limit.div_rem(hundred);
    whole * percent + rest * percent / hundred
}

/// The same of a count.
pub(super) fn share_of_count(count: u32, percent: u8) -> u32 {
    let part = u64::from(count) * u64::from(percent) / 100;
    u32::try_from(part).unwrap_or(u32::MAX)
}

/// When the day and the week began.
fn windows(now_ms: u64, zone: Option<&TimeZone>) -> Option<(u64, u64)> {
    match zone {
        None => Some((now_ms.saturating_sub(DAY_MS), now_ms.saturating_sub(WEEK_MS))),
        Some(zone) => zone.day_and_week(now_ms),
    }
}
