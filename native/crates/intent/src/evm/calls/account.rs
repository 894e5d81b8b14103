//! Smart accounts of the wallet, and its keys' accounts that run a listed delegate.

use std::sync::LazyLock;

use alloy_dyn_abi::DynSolType;
use alloy_dyn_abi::DynSolValue::{self, Address as Addr, Array, Bytes, FixedBytes, Tuple, Uint};

use super::batch::{executed, forward};
use super::{Invocation, NativeValue, Stop, Walk};
use crate::EffectKind;
use crate::evm::abi;

/// ERC-7821's list of calls without further data: call type 1, everything else zero.
const PLAIN_BATCH: [u8; 32] = {
    let mut mode = [0; 32];
    mode[0] = 1;
    mode
};

static CALLS: LazyLock<[DynSolType; 1]> = LazyLock::new(|| {
    let call = vec![DynSolType::Address, DynSolType::Uint(256), DynSolType::Bytes];
    [DynSolType::Array(Box::new(DynSolType::Tuple(call)))]
});

/// A call of an account. Whoever may call it acts as the account.
pub(super) fn read(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    match (call.function.name(), call.arguments) {
        ("execute", [Addr(target), Uint(value, _), Bytes(data)]) => {
            forward(walk, call.frame, 0, (*target, *value, data))?;
        }
        ("executeBatch", [Array(calls)]) => executed(walk, call.frame, calls)?,
        ("execute", [FixedBytes(mode, 32), Bytes(execution)]) if *mode == PLAIN_BATCH => {
            let values = abi::decode(&*CALLS, execution)?;
            let [Array(calls)] = values.as_slice() else { return Err(Stop::Unknown) };
            if calls.iter().any(is_ambiguous) {
                return Err(Stop::Unknown);
            }
            executed(walk, call.frame, calls)?;
        }
        ("execute" | "executeBatch", _) => return Err(Stop::Unknown),
        _ => return call.plain(walk, EffectKind::OwnerChange),
    }
    Ok(NativeValue::Moves)
}

/// A call of the zero address is one of the account itself for ERC-7821, and not for every account.
fn is_ambiguous(inner: &DynSolValue) -> bool {
    !matches!(inner, Tuple(fields) if matches!(fields.first(), Some(Addr(to)) if !to.is_zero()))
}
