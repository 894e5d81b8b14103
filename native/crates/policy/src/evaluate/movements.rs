//! What leaves the wallet in a request: read once, judged by every rule.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::U256;

use crate::caip::{AccountId, AssetId};
use crate::effect::{Amount, Confidence, Effect, EffectKind};

use super::Policy;
use super::decision::{Reservation, ReservationKind};
use super::evidence::Price;
use super::limits::value;
use super::request::{Item, MAX_EFFECTS, MAX_ITEMS, MAX_OWN_ACCOUNTS, Request};

/// Why a request cannot be judged at all.
type Unreadable = Cow<'static, str>;

/// A sum; `None` is more than any limit: an approval without an amount, or an overflow.
pub(super) type Total = Option<U256>;

/// One amount that leaves or may be taken.
pub(super) struct Movement<'a> {
    item: usize,
    pub(super) effect: &'a Effect,
    pub(super) asset: &'a AssetId,
    /// `None` for an approval without an amount.
    pub(super) amount: Option<U256>,
    /// Who receives or may take it; `None` where the effect does not say.
    pub(super) payee: Option<&'a AccountId>,
    /// Whether it counts against limits: all do but unlimited approvals that the policy allows by name.
    pub(super) counts: bool,
}

/// The effects that concern this wallet.
pub(super) struct Movements<'a> {
    /// Every effect that rules look at, with its payload.
    pub(super) effects: Vec<(&'a Item, &'a Effect)>,
    /// Kinds of all effects.
    pub(super) kinds: BTreeSet<EffectKind>,
    /// Value that leaves, fees left out.
    pub(super) out: Vec<Movement<'a>>,
    /// Fees that this wallet pays.
    fees: Vec<Movement<'a>>,
    spent: BTreeMap<&'a str, Total>,
    paid: BTreeMap<&'a str, Total>,
}

impl<'a> Movements<'a> {
    /// Refuses a request in which anything that a rule could need is missing.
    pub(super) fn read(policy: &Policy, request: &'a Request) -> Result<Self, Unreadable> {
        if request.items.is_empty() || request.items.len() > MAX_ITEMS {
            return Err("a request has 1 to 64 items".into());
        }
        if request.own.len() > MAX_OWN_ACCOUNTS {
            return Err("a request is about at most 256 own accounts".into());
        }
        let mut read = Self {
            effects: Vec::new(),
            kinds: BTreeSet::new(),
            out: Vec::new(),
            fees: Vec::new(),
            spent: BTreeMap::new(),
            paid: BTreeMap::new(),
        };
        for (index, item) in request.items.iter().enumerate() {
            check_item(item)?;
            for effect in &item.effects {
                check_effect(item, effect)?;
                read.effects.push((item, effect));
                read.kinds.insert(effect.kind);
                read.take(policy, request, index, effect);
            }
        }
        Ok(read)
    }

    fn take(&mut self, policy: &Policy, request: &'a Request, item: usize, effect: &'a Effect) {
        let own = |account: &Option<AccountId>| {
            account.as_ref().is_some_and(|account| request.own.contains(account))
        };
        let ours = effect.from.is_none() || own(&effect.from);
        let stays = matches!(effect.kind, EffectKind::Transfer) && own(&effect.to);
        let Some(asset) = effect.asset.as_ref().filter(|_| ours && !stays) else { return };
        if effect.amount == Amount::None {
            return;
        }
        let payee = match effect.kind {
            // What a swap brings back to an own account is no payment.
            EffectKind::Swap if own(&effect.to) => None,
            _ => payee(effect),
        };
        let amount = effect.amount.most();
        let counts = amount.is_some() || !policy.allows_unlimited(asset, payee);
        let movement = Movement { item, effect, asset, amount, payee, counts };
        let (list, sums) = match effect.kind {
            EffectKind::FeeOnly => (&mut self.fees, &mut self.paid),
            _ => (&mut self.out, &mut self.spent),
        };
        if counts {
            let sum = sums.entry(asset.as_str()).or_insert(Some(U256::ZERO));
            *sum = sum.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
        }
        list.push(movement);
    }

    /// What leaves of an asset; `None` if nothing does.
    pub(super) fn spent(&self, asset: &AssetId) -> Option<Total> {
        self.spent.get(asset.as_str()).copied()
    }

    /// What goes into fees of an asset; `None` if nothing does.
    pub(super) fn fees(&self, asset: &AssetId) -> Option<Total> {
        self.paid.get(asset.as_str()).copied()
    }

    /// One reservation for each movement, limited or not: a limit that is added later counts what was signed before.
    pub(super) fn reservations(&self, policy: &Policy, prices: &[Price]) -> Vec<Reservation> {
        let fees = self.fees.iter().map(|fee| {
            fee.reservation(format!("{}#fee", fee.asset), fee.amount.unwrap_or(U256::MAX))
        });
        let out = self.out.iter().map(|out| match out.amount {
            Some(amount) => out.reservation(out.asset.as_str().to_owned(), amount),
            None => out.reservation(format!("{}#unlimited", out.asset), U256::MAX),
        });
        let fiat = policy.currencies.iter().flat_map(|currency| {
            self.out.iter().filter(|out| out.counts).filter_map(move |out| {
                let value = value(out.asset, out.amount?, currency, prices, |_| true)?;
                Some(out.reservation(format!("fiat:{currency}"), value))
            })
        });
        fees.chain(out).chain(fiat).collect()
    }
}

impl Movement<'_> {
    fn reservation(&self, asset: String, amount: U256) -> Reservation {
        Reservation {
            item: self.item,
            asset,
            amount,
            kind: match self.effect.kind {
                EffectKind::FeeOnly => ReservationKind::Fee,
                kind if kind.is_exposure() => ReservationKind::Exposure,
                _ => ReservationKind::Spend,
            },
            recipient: self.payee.cloned(),
            expiry: self.effect.expiry,
            deferred: self.effect.deferred,
        }
    }
}

/// Who receives value or may take it.
fn payee(effect: &Effect) -> Option<&AccountId> {
    match effect.kind {
        EffectKind::Approve | EffectKind::Permit => effect.spender.as_ref(),
        EffectKind::Transfer | EffectKind::Swap => effect.to.as_ref(),
        EffectKind::Revoke
        | EffectKind::Delegate
        | EffectKind::Deploy
        | EffectKind::Call
        | EffectKind::Message
        | EffectKind::OwnerChange
        | EffectKind::Unknown => {
            effect.call.as_ref().and_then(|call| call.target.as_ref()).or(effect.to.as_ref())
        }
        EffectKind::FeeOnly => None,
    }
}

fn check_item(item: &Item) -> Result<(), Unreadable> {
    if item.effects.is_empty() || item.effects.len() > MAX_EFFECTS {
        return Err("an item has 1 to 256 effects".into());
    }
    let fees = item.effects.iter().filter(|effect| effect.kind == EffectKind::FeeOnly).count();
    if fees != usize::from(item.kind.pays_fee()) {
        return Err("a transaction states its fee exactly once, and nothing else has one".into());
    }
    Ok(())
}

fn check_effect(item: &Item, effect: &Effect) -> Result<(), Unreadable> {
    let kind = effect.kind;
    let missing = |what: &str| Err(format!("{} without {what}", kind.name()).into());
    if kind.states_amount() && (effect.asset.is_none() || effect.amount == Amount::None) {
        return missing("an asset and an amount");
    }
    if effect.asset.is_none() && effect.amount.most() != Some(U256::ZERO) {
        return missing("an asset");
    }
    if effect.amount == Amount::Unlimited && !kind.is_exposure() {
        return missing("an amount");
    }
    match kind {
        EffectKind::Transfer | EffectKind::Swap | EffectKind::Delegate if effect.to.is_none() => {
            return missing("a recipient");
        }
        EffectKind::Approve | EffectKind::Permit if effect.spender.is_none() => {
            return missing("a spender");
        }
        EffectKind::Call if effect.call.as_ref().is_none_or(|call| call.target.is_none()) => {
            return missing("a contract");
        }
        EffectKind::Message if effect.domain.is_none() => return missing("a domain"),
        EffectKind::FeeOnly if effect.asset != Some(item.chain.native_asset()) => {
            return missing("the native asset of its chain");
        }
        _ => {}
    }
    if kind != EffectKind::Unknown && effect.confidence == Confidence::Unknown {
        return missing("anything that establishes it");
    }
    let chain = item.chain.as_str();
    let accounts = [&effect.from, &effect.to, &effect.spender];
    let target = effect.call.as_ref().and_then(|call| call.target.as_ref());
    let elsewhere = accounts.into_iter().flatten().chain(target).any(|it| it.chain() != chain)
        || effect.asset.as_ref().is_some_and(|asset| asset.chain() != chain);
    if elsewhere { Err("an effect on another chain than its payload".into()) } else { Ok(()) }
}
