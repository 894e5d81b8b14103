//! The EntryPoint of ERC-4337 v0.8.

use alloy_dyn_abi::DynSolValue::{Address as Addr, Array, Uint};

use super::{Invocation, NativeValue, Stop, Walk};
use crate::evm::user_operation::UserOperation;
use crate::{Amount, Confidence, Effect, EffectKind};

/// A call of the EntryPoint.
pub(super) fn read(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    let (to, amount) = match (call.function.name(), call.arguments) {
        ("depositTo", [Addr(account)]) => (*account, Amount::Exact(call.frame.value)),
        ("withdrawTo", [Addr(to), Uint(amount, _)]) if call.frame.value.is_zero() => {
            (*to, Amount::Exact(*amount))
        }
        // How much is staked is not in the bytes.
        ("withdrawStake", [Addr(to)]) if call.frame.value.is_zero() => (*to, Amount::Unlimited),
        ("handleOps", [Array(operations), Addr(beneficiary)])
            if walk.is_own(*beneficiary) && call.frame.value.is_zero() =>
        {
            for (position, operation) in operations.iter().enumerate() {
                let operation = UserOperation::from_abi(operation).ok_or(Stop::Unknown)?;
                let path = call.frame.path.inner(position);
                // Which delegate stands behind the marker is not in these bytes.
                if !walk.is_own(operation.sender) || operation.has_marker() {
                    return Err(Stop::Unknown);
                }
                operation.push_parties(walk, &path)?;
                walk.user_operation(&operation, path.clone())?;
                // The fee goes to the beneficiary; what this transaction pays is its own fee.
                walk.push(Effect {
                    asset: Some(walk.native()),
                    amount: Amount::UpTo(operation.max_fee()?),
                    from: Some(walk.account(operation.payer())),
                    to: Some(walk.account(*beneficiary)),
                    ..walk.effect(EffectKind::Transfer, Confidence::Decoded, &path)
                })?;
            }
            return Ok(NativeValue::Moves);
        }
        _ => return Err(Stop::Unknown),
    };
    walk.push(Effect {
        asset: Some(walk.native()),
        amount,
        from: Some(walk.account(call.frame.caller)),
        to: Some(walk.account(to)),
        ..call.effect(walk, EffectKind::Transfer)
    })?;
    Ok(NativeValue::Counted)
}
