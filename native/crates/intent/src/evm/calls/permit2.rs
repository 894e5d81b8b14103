//! Permit2: allowances with an expiry, and transfers by signature.

use alloy_dyn_abi::DynSolValue::{self, Address as Addr, Array, Bytes, Tuple, Uint};
use alloy_primitives::{Address, U256};

use super::{Invocation, NativeValue, Stop, Walk, expiry};
use crate::{Amount, Effect, EffectKind};

/// `2^160 − 1`, which Permit2 never counts down.
const UNLIMITED: U256 = U256::from_limbs([u64::MAX, u64::MAX, u32::MAX as u64, 0]);

/// A call of Permit2. Whatever moves by it is a listed ERC-20: the same call of another contract
/// could be a token with a number.
pub(super) fn read(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    match (call.function.name(), call.arguments) {
        ("approve", [Addr(token), Addr(spender), Uint(amount, 160), Uint(expiration, _)]) => {
            let kind = EffectKind::Approve;
            let granted = Allowance { token, amount, expires: on_chain(*expiration) };
            granted.push(walk, call.effect(walk, kind), call.frame.caller, *spender)?;
        }
        ("permit", [Addr(owner), Tuple(permit), Bytes(_)]) => {
            let [details, Addr(spender), Uint(..)] = permit.as_slice() else {
                return Err(Stop::Unknown);
            };
            for detail in one_or_more(details) {
                let granted = Allowance::of(detail, on_chain)?;
                granted.push(walk, call.effect(walk, EffectKind::Permit), *owner, *spender)?;
            }
        }
        ("transferFrom", [Addr(from), Addr(to), Uint(amount, 160), Addr(token)]) => {
            transfer(walk, call, (*from, *to), *token, *amount)?;
        }
        ("transferFrom", [Array(transfers)]) => {
            for detail in transfers {
                let Tuple(fields) = detail else { return Err(Stop::Unknown) };
                let [Addr(from), Addr(to), Uint(amount, _), Addr(token)] = fields.as_slice() else {
                    return Err(Stop::Unknown);
                };
                transfer(walk, call, (*from, *to), *token, *amount)?;
            }
        }
        ("permitTransferFrom", [Tuple(permit), details, Addr(owner), Bytes(_)]) => {
            let Some(permitted) = permit.first() else { return Err(Stop::Unknown) };
            let (permitted, details) = (one_or_more(permitted), one_or_more(details));
            if permitted.len() != details.len() {
                return Err(Stop::Unknown);
            }
            for pair in permitted.iter().zip(details) {
                let (Tuple(permitted), Tuple(detail)) = pair else { return Err(Stop::Unknown) };
                let ([Addr(token), Uint(..)], [Addr(to), Uint(amount, _)]) =
                    (permitted.as_slice(), detail.as_slice())
                else {
                    return Err(Stop::Unknown);
                };
                transfer(walk, call, (*owner, *to), *token, *amount)?;
            }
        }
        ("lockdown", [Array(approvals)]) => {
            for approval in approvals {
                let Tuple(fields) = approval else { return Err(Stop::Unknown) };
                let [Addr(token), Addr(spender)] = fields.as_slice() else {
                    return Err(Stop::Unknown);
                };
                let revoke = call.effect(walk, EffectKind::Revoke);
                push(walk, revoke, *token, call.frame.caller, *spender)?;
            }
        }
        // These void signatures, not allowances.
        ("invalidateNonces" | "invalidateUnorderedNonces", _) => {
            return call.plain(walk, EffectKind::Call);
        }
        _ => return Err(Stop::Unknown),
    }
    Ok(NativeValue::Moves)
}

/// What one entry of a permit grants.
pub(in crate::evm) struct Allowance<'a> {
    token: &'a Address,
    amount: &'a U256,
    expires: Option<u64>,
}

impl<'a> Allowance<'a> {
    /// Reads `(token, amount, expiration, nonce)`.
    pub(in crate::evm) fn of(
        details: &'a DynSolValue,
        expires: impl FnOnce(U256) -> Option<u64>,
    ) -> Result<Self, Stop> {
        let fields = members(details)?;
        let [Addr(token), Uint(amount, _), Uint(expiration, _), Uint(..)] = fields else {
            return Err(Stop::Unknown);
        };
        Ok(Self { token, amount, expires: expires(*expiration) })
    }

    /// Lists it as `effect`, or as a revocation if nothing is granted.
    pub(in crate::evm) fn push(
        self,
        walk: &mut Walk<'_>,
        effect: Effect,
        owner: Address,
        spender: Address,
    ) -> Result<(), Stop> {
        let effect = if self.amount.is_zero() {
            Effect { kind: EffectKind::Revoke, ..effect }
        } else {
            Effect { amount: allowance(*self.amount), expiry: self.expires, ..effect }
        };
        push(walk, effect, *self.token, owner, spender)
    }
}

/// An amount that Permit2 lets somebody take.
pub(in crate::evm) fn allowance(amount: U256) -> Amount {
    if amount >= UNLIMITED { Amount::Unlimited } else { Amount::UpTo(amount) }
}

/// The members of a tuple or of a struct of typed data.
pub(in crate::evm) fn members(value: &DynSolValue) -> Result<&[DynSolValue], Stop> {
    value.as_fixed_seq().filter(|_| value.as_fixed_array().is_none()).ok_or(Stop::Unknown)
}

/// The elements of a list, or the one value that is none.
pub(in crate::evm) fn one_or_more(value: &DynSolValue) -> &[DynSolValue] {
    value.as_array().unwrap_or(core::slice::from_ref(value))
}

/// Zero stands for the time of the block, which is not known yet.
fn on_chain(expiration: U256) -> Option<u64> {
    if expiration.is_zero() { None } else { expiry(expiration) }
}

fn push(
    walk: &mut Walk<'_>,
    effect: Effect,
    token: Address,
    owner: Address,
    spender: Address,
) -> Result<(), Stop> {
    let (asset, from, spender) = (walk.erc20(token)?, walk.account(owner), walk.account(spender));
    let (asset, from, spender) = (Some(asset), Some(from), Some(spender));
    Ok(walk.push(Effect { asset, from, spender, ..effect })?)
}

fn transfer(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
    (from, to): (Address, Address),
    token: Address,
    amount: U256,
) -> Result<(), Stop> {
    let asset = Some(walk.erc20(token)?);
    let kind = if walk.is_own(from) { EffectKind::Transfer } else { EffectKind::Call };
    // Of somebody else's: that the call succeeds is theirs to decide.
    let effect = match kind {
        EffectKind::Transfer => {
            Effect { asset, amount: Amount::Exact(amount), ..call.effect(walk, kind) }
        }
        _ => call.effect(walk, kind),
    };
    let (from, to) = (Some(walk.account(from)), Some(walk.account(to)));
    Ok(walk.push(Effect { from, to, ..effect })?)
}
