//! Calls that carry calls. Identity travels with them: who the inner call comes from decides whose
//! assets it moves.

use alloy_dyn_abi::DynSolValue::{
    self, Address as Addr, Array, Bool, Bytes, FixedBytes, Tuple, Uint,
};
use alloy_primitives::{Address, U256};

use super::{Frame, Invocation, NativeValue, Stop, Walk};

/// `multicall`: the contract calls itself by delegatecall, so the caller stays who it is, and the
/// native value, which every inner call sees, moves once.
pub(super) fn multicall(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    let ([Array(calls)] | [Uint(..) | FixedBytes(..), Array(calls)]) = call.arguments else {
        return Err(Stop::Unknown);
    };
    for (position, data) in calls.iter().enumerate() {
        let Bytes(data) = data else { return Err(Stop::Unknown) };
        if data.is_empty() {
            return Err(Stop::Unknown); // a fallback by delegatecall is no transfer
        }
        walk.call(&Frame {
            caller: call.frame.caller,
            target: call.frame.target,
            value: U256::ZERO,
            data,
            path: call.frame.path.inner(position),
        })?;
    }
    Ok(NativeValue::Moves)
}

/// Multicall3: it calls as itself. Calls that may fail count like all others.
pub(super) fn multicall3(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    let ([Array(calls)] | [Bool(_), Array(calls)]) = call.arguments else {
        return Err(Stop::Unknown);
    };
    for (position, inner) in calls.iter().enumerate() {
        let Tuple(fields) = inner else { return Err(Stop::Unknown) };
        let (target, value, data) = match fields.as_slice() {
            [Addr(target), Bytes(data)] | [Addr(target), Bool(_), Bytes(data)] => {
                (target, U256::ZERO, data)
            }
            [Addr(target), Bool(_), Uint(value, _), Bytes(data)] => (target, *value, data),
            _ => return Err(Stop::Unknown),
        };
        forward(walk, call.frame, position, (*target, value, data))?;
    }
    Ok(NativeValue::Moves)
}

/// The list of `(target, value, data)` that an account executes as itself.
pub(super) fn executed(
    walk: &mut Walk<'_>,
    frame: &Frame<'_>,
    calls: &[DynSolValue],
) -> Result<(), Stop> {
    for (position, inner) in calls.iter().enumerate() {
        let Tuple(fields) = inner else { return Err(Stop::Unknown) };
        let [Addr(target), Uint(value, _), Bytes(data)] = fields.as_slice() else {
            return Err(Stop::Unknown);
        };
        forward(walk, frame, position, (*target, *value, data))?;
    }
    Ok(())
}

/// A call that the contract of `frame` makes as itself.
pub(super) fn forward(
    walk: &mut Walk<'_>,
    frame: &Frame<'_>,
    position: usize,
    (target, value, data): (Address, U256, &[u8]),
) -> Result<(), Stop> {
    let path = frame.path.inner(position);
    Ok(walk.call(&Frame { caller: frame.target, target, value, data, path })?)
}
