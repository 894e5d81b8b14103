//! Collections: ERC-721 and ERC-1155.

use alloy_dyn_abi::DynSolValue::{self, Address as Addr, Array, Bool, Bytes, Uint};
use alloy_primitives::{Address, U256};

use super::{Invocation, NativeValue, Stop, Walk};
use crate::{Amount, AssetId, Effect, EffectKind};

/// A call of a collection whose tokens are each one of a kind.
pub(super) fn read_erc721(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    let (chain_id, contract) = (walk.chain_id, call.frame.target);
    let asset = |token_id| AssetId::Erc721 { chain_id, contract, token_id };
    match (call.function.name(), call.arguments) {
        ("transferFrom" | "safeTransferFrom", [Addr(from), Addr(to), Uint(token, _), ..]) => {
            transfer(walk, call, (*from, *to), &[(asset(Some(*token)), U256::ONE)])
        }
        ("approve", [Addr(to), Uint(token, _)]) => {
            let approved = (!to.is_zero()).then_some(Amount::UpTo(U256::ONE));
            allow(walk, call, asset(Some(*token)), *to, approved)
        }
        ("setApprovalForAll", [Addr(operator), Bool(approved)]) => {
            allow(walk, call, asset(None), *operator, approved.then_some(Amount::Unlimited))
        }
        _ => Err(Stop::Unknown),
    }
}

/// A call of a collection whose tokens have balances.
pub(super) fn read_erc1155(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
) -> Result<NativeValue, Stop> {
    let (chain_id, contract) = (walk.chain_id, call.frame.target);
    let asset = |token_id| AssetId::Erc1155 { chain_id, contract, token_id };
    match (call.function.name(), call.arguments) {
        ("safeTransferFrom", [Addr(from), Addr(to), Uint(token, _), Uint(amount, _), Bytes(_)]) => {
            transfer(walk, call, (*from, *to), &[(asset(Some(*token)), *amount)])
        }
        (
            "safeBatchTransferFrom",
            [Addr(from), Addr(to), Array(tokens), Array(amounts), Bytes(_)],
        ) if tokens.len() == amounts.len() && !tokens.is_empty() => {
            let moved = |pair: (&DynSolValue, &DynSolValue)| match pair {
                (Uint(token, _), Uint(amount, _)) => Ok((asset(Some(*token)), *amount)),
                _ => Err(Stop::Unknown),
            };
            let moved: Vec<_> = tokens.iter().zip(amounts).map(moved).collect::<Result<_, _>>()?;
            transfer(walk, call, (*from, *to), &moved)
        }
        ("setApprovalForAll", [Addr(operator), Bool(approved)]) => {
            allow(walk, call, asset(None), *operator, approved.then_some(Amount::Unlimited))
        }
        _ => Err(Stop::Unknown),
    }
}

fn transfer(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
    (from, to): (Address, Address),
    moved: &[(AssetId, U256)],
) -> Result<NativeValue, Stop> {
    if !walk.is_own(from) {
        return call.plain(walk, EffectKind::Call);
    }
    for (asset, amount) in moved {
        walk.push(Effect {
            asset: Some(*asset),
            amount: Amount::Exact(*amount),
            from: Some(walk.account(from)),
            to: Some(walk.account(to)),
            ..call.effect(walk, EffectKind::Transfer)
        })?;
    }
    Ok(NativeValue::Moves)
}

fn allow(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
    asset: AssetId,
    spender: Address,
    amount: Option<Amount>,
) -> Result<NativeValue, Stop> {
    let kind = if amount.is_some() { EffectKind::Approve } else { EffectKind::Revoke };
    walk.push(Effect {
        asset: Some(asset),
        amount: amount.unwrap_or(Amount::None),
        from: Some(walk.account(call.frame.caller)),
        // Whoever had the approval of one token is not in the bytes.
        spender: (!spender.is_zero()).then(|| walk.account(spender)),
        ..call.effect(walk, kind)
    })?;
    Ok(NativeValue::Moves)
}
