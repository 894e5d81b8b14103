//! Tokens with balances: ERC-20, ERC-2612, ERC-3009, DAI, WETH9.

use alloy_dyn_abi::DynSolValue::{Address as Addr, Bool, Bytes, FixedBytes, Uint};
use alloy_primitives::{Address, U256};

use super::{Invocation, NativeValue, Stop, Walk, allowance};
use crate::{Amount, AssetId, Effect, EffectKind, Received};

/// A call of a token.
pub(super) fn read(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    let caller = call.frame.caller;
    match (call.function.name(), call.arguments) {
        ("transfer", [Addr(to), Uint(amount, _)]) => transfer(walk, call, caller, *to, *amount),
        ("transferFrom", [Addr(from), Addr(to), Uint(amount, _)])
        | (
            "transferWithAuthorization" | "receiveWithAuthorization",
            [Addr(from), Addr(to), Uint(amount, _), ..],
        ) => {
            // Of somebody else's: that the call succeeds is theirs to decide.
            if walk.is_own(*from) {
                transfer(walk, call, *from, *to, *amount)
            } else {
                call.plain(walk, EffectKind::Call)
            }
        }
        ("approve", [Addr(spender), Uint(amount, _)]) => {
            let kind = if amount.is_zero() { EffectKind::Revoke } else { EffectKind::Approve };
            let amount = if amount.is_zero() { Amount::None } else { allowance(*amount) };
            allow(walk, call, kind, caller, *spender, amount)
        }
        ("increaseAllowance", [Addr(spender), Uint(added, _)]) => {
            allow(walk, call, EffectKind::Approve, caller, *spender, allowance(*added))
        }
        // ERC-2612. Its deadline is the signature's: the allowance has none.
        (
            "permit",
            [
                Addr(owner),
                Addr(spender),
                Uint(value, _),
                Uint(..),
                Uint(..),
                FixedBytes(..),
                FixedBytes(..),
            ],
        ) => {
            let (kind, amount) = permitted(*value);
            allow(walk, call, kind, *owner, *spender, amount)
        }
        // DAI's, the same.
        ("permit", [Addr(holder), Addr(spender), Uint(..), Uint(..), Bool(allowed), ..]) => {
            let (kind, amount) = all_or_nothing(*allowed);
            allow(walk, call, kind, *holder, *spender, amount)
        }
        // Neither takes an allowance back entirely, so neither is a revocation.
        ("decreaseAllowance", [Addr(_), Uint(..)])
        | ("cancelAuthorization", [Addr(_), FixedBytes(..), Bytes(_)])
        | (
            "cancelAuthorization",
            [Addr(_), FixedBytes(..), Uint(..), FixedBytes(..), FixedBytes(..)],
        ) => call.plain(walk, EffectKind::Call),
        _ => Err(Stop::Unknown),
    }
}

/// A call of the wrapped native asset: a token that is bought and sold at one to one.
pub(super) fn read_wrapped(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
) -> Result<NativeValue, Stop> {
    let wrapped = asset(walk, call);
    let (given, amount, received) = match (call.function.name(), call.arguments) {
        ("deposit", []) => (walk.native(), call.frame.value, wrapped),
        // It accepts no native value, which would be in no effect.
        ("withdraw", [Uint(amount, _)]) if call.frame.value.is_zero() => {
            (wrapped, *amount, walk.native())
        }
        ("withdraw", _) => return Err(Stop::Unknown),
        _ => return read(walk, call),
    };
    if !walk.is_own(call.frame.caller) {
        return call.plain(walk, EffectKind::Call);
    }
    let account = Some(walk.account(call.frame.caller));
    walk.push(Effect {
        asset: Some(given),
        amount: Amount::Exact(amount),
        receive: Some(Received { asset: received, minimum: amount }),
        from: account,
        to: account,
        ..call.effect(walk, EffectKind::Swap)
    })?;
    Ok(NativeValue::Counted)
}

/// What an ERC-2612 permit over `value` is.
pub(in crate::evm) fn permitted(value: U256) -> (EffectKind, Amount) {
    if value.is_zero() {
        (EffectKind::Revoke, Amount::None)
    } else {
        (EffectKind::Permit, allowance(value))
    }
}

/// What DAI's permit is.
pub(in crate::evm) fn all_or_nothing(allowed: bool) -> (EffectKind, Amount) {
    if allowed {
        (EffectKind::Permit, Amount::Unlimited)
    } else {
        (EffectKind::Revoke, Amount::None)
    }
}

fn asset(walk: &Walk<'_>, call: &Invocation<'_>) -> AssetId {
    AssetId::Erc20 { chain_id: walk.chain_id, contract: call.frame.target }
}

fn transfer(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
    from: Address,
    to: Address,
    amount: U256,
) -> Result<NativeValue, Stop> {
    walk.push(Effect {
        asset: Some(asset(walk, call)),
        amount: Amount::Exact(amount),
        from: Some(walk.account(from)),
        to: Some(walk.account(to)),
        ..call.effect(walk, EffectKind::Transfer)
    })?;
    Ok(NativeValue::Moves)
}

fn allow(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
    kind: EffectKind,
    owner: Address,
    spender: Address,
    amount: Amount,
) -> Result<NativeValue, Stop> {
    walk.push(Effect {
        asset: Some(asset(walk, call)),
        amount,
        from: Some(walk.account(owner)),
        spender: Some(walk.account(spender)),
        ..call.effect(walk, kind)
    })?;
    Ok(NativeValue::Moves)
}
