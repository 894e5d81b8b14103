//! Universal Router: plans that give one asset and get another, and leave nothing behind.
//!
//! The shape is `[permit] [wrap] swap … [unwrap | sweep]`. Whatever stays in the router is anybody's,
//! so a plan is a swap only if the bytes themselves show that nothing does; every other plan is
//! unknown. Only commands without reserved bits are read, so the mask of a table does not matter.

use alloy_dyn_abi::DynSolType;
use alloy_dyn_abi::DynSolValue::{self, Address as Addr, Array, Bool, Bytes, Tuple, Uint};
use alloy_primitives::{Address, U256, address};

use super::permit2::Allowance;
use super::{HALF, Invocation, NativeValue, Stop, Walk, expiry};
use crate::evm::abi;
use crate::registry::ContractKind;
use crate::{Amount, AssetId, Confidence, Effect, EffectKind, Received};

/// Stands for whoever calls the router.
const CALLER: Address = address!("0000000000000000000000000000000000000001");
/// Stands for the router.
const ROUTER: Address = address!("0000000000000000000000000000000000000002");

/// A command with its decoded inputs.
enum Command {
    Permit(Vec<DynSolValue>),
    Wrap { recipient: Address, amount: U256 },
    Swap(Swap),
    Unwrap { recipient: Address, minimum: U256 },
    Sweep { token: Address, recipient: Address, minimum: U256 },
}

struct Swap {
    recipient: Address,
    /// Of the asset that is given: exactly this, or at most.
    given: U256,
    exact_in: bool,
    /// Of the asset that comes back: at least this.
    got: U256,
    token_in: Address,
    token_out: Address,
    payer_is_caller: bool,
}

/// A plan.
pub(super) fn read(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    let ([Bytes(commands), Array(inputs)] | [Bytes(commands), Array(inputs), Uint(..)]) =
        call.arguments
    else {
        return Err(Stop::Unknown);
    };
    if commands.len() != inputs.len() || !walk.is_own(call.frame.caller) {
        return Err(Stop::Unknown);
    }
    let plan: Vec<_> = commands
        .iter()
        .zip(inputs)
        .map(|(command, input)| command_of(*command, input))
        .collect::<Result<_, _>>()?;
    let mut rest = plan.as_slice();
    if let [Command::Permit(permit), after @ ..] = rest {
        push_permit(walk, call, permit)?;
        rest = after;
    }
    let mut wraps = false;
    if let [Command::Wrap { recipient, amount }, after @ ..] = rest {
        let everything = *amount == HALF || *amount == call.frame.value;
        if *recipient != ROUTER || !everything || call.frame.value.is_zero() {
            return Err(Stop::Unknown);
        }
        wraps = true;
        rest = after;
    }
    if !wraps && !call.frame.value.is_zero() {
        return Err(Stop::Unknown);
    }
    let count = rest.iter().take_while(|command| matches!(command, Command::Swap(_))).count();
    let (swaps, end) = rest.split_at_checked(count).ok_or(Stop::Unknown)?;
    let swaps: Vec<&Swap> = swaps
        .iter()
        .filter_map(|command| if let Command::Swap(swap) = command { Some(swap) } else { None })
        .collect();
    push_swap(walk, call, wraps, &swaps, end)?;
    Ok(NativeValue::Counted)
}

fn push_swap(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
    wraps: bool,
    swaps: &[&Swap],
    end: &[Command],
) -> Result<(), Stop> {
    let [first, ..] = swaps else { return Err(Stop::Unknown) };
    let uniform = swaps.iter().all(|swap| {
        (swap.token_in, swap.token_out, swap.recipient, swap.exact_in, swap.payer_is_caller)
            == (first.token_in, first.token_out, first.recipient, first.exact_in, !wraps)
    });
    if !uniform || first.token_in == first.token_out {
        return Err(Stop::Unknown);
    }
    let sum = |of: fn(&Swap) -> U256| {
        swaps.iter().try_fold(U256::ZERO, |sum, swap| sum.checked_add(of(swap)))
    };
    let given = sum(|swap| swap.given).ok_or(Stop::Unknown)?;
    let got = sum(|swap| swap.got).ok_or(Stop::Unknown)?;

    let out = walk.erc20(first.token_out)?;
    let own = |recipient: Address| match recipient {
        CALLER => Ok(call.frame.caller),
        recipient if walk.is_own(recipient) => Ok(recipient),
        _ => Err(Stop::Unknown),
    };
    let rests = wraps && !first.exact_in; // some of what was wrapped
    let (to, asset, minimum) = match end {
        [] if !rests => (own(first.recipient)?, out, got),
        // What was not needed comes back.
        [Command::Unwrap { recipient, .. }] if rests => {
            own(*recipient)?;
            (own(first.recipient)?, out, got)
        }
        [Command::Unwrap { recipient, minimum }]
            if first.recipient == ROUTER && !rests && is_wrapped_native(walk, first.token_out) =>
        {
            (own(*recipient)?, walk.native(), *minimum)
        }
        [Command::Sweep { token, recipient, minimum }]
            if first.recipient == ROUTER && !rests && *token == first.token_out =>
        {
            (own(*recipient)?, out, *minimum)
        }
        _ => return Err(Stop::Unknown),
    };
    let (asset_in, amount) = if wraps {
        paid_by_wrapping(walk, call, first, swaps, given)?
    } else {
        let amount = if first.exact_in { Amount::Exact(given) } else { Amount::UpTo(given) };
        (walk.erc20(first.token_in)?, amount)
    };
    let swap = Effect {
        asset: Some(asset_in),
        amount,
        receive: Some(Received { asset, minimum }),
        from: Some(walk.account(call.frame.caller)),
        to: Some(walk.account(to)),
        ..call.effect(walk, EffectKind::Swap)
    };
    Ok(walk.push(swap)?)
}

/// What a plan gives that pays with what it wrapped: all of it, or it comes back.
fn paid_by_wrapping(
    walk: &Walk<'_>,
    call: &Invocation<'_>,
    first: &Swap,
    swaps: &[&Swap],
    given: U256,
) -> Result<(AssetId, Amount), Stop> {
    if !is_wrapped_native(walk, first.token_in) {
        return Err(Stop::Unknown);
    }
    let value = call.frame.value;
    if !first.exact_in {
        return Ok((walk.native(), Amount::UpTo(value)));
    }
    let everything = matches!(swaps, [swap] if swap.given == HALF);
    if everything || given == value {
        Ok((walk.native(), Amount::Exact(value)))
    } else {
        Err(Stop::Unknown)
    }
}

fn is_wrapped_native(walk: &Walk<'_>, token: Address) -> bool {
    matches!(walk.registry().contract(walk.chain_id, token), Some(ContractKind::WrappedNative))
}

/// A signature of the caller's over an allowance, which the router hands to Permit2.
fn push_permit(
    walk: &mut Walk<'_>,
    call: &Invocation<'_>,
    permit: &[DynSolValue],
) -> Result<(), Stop> {
    let [Tuple(permit), Bytes(_)] = permit else { return Err(Stop::Unknown) };
    let [details, Addr(spender), Uint(..)] = permit.as_slice() else { return Err(Stop::Unknown) };
    let effect = walk.effect(EffectKind::Permit, Confidence::Decoded, &call.frame.path);
    let granted = Allowance::of(details, |time| if time.is_zero() { None } else { expiry(time) })?;
    granted.push(walk, effect, call.frame.caller, *spender)
}

fn command_of(command: u8, input: &DynSolValue) -> Result<Command, Stop> {
    let Bytes(input) = input else { return Err(Stop::Unknown) };
    let values = |types: &str| {
        let kind = DynSolType::parse(types).map_err(|_| Stop::Unknown)?;
        abi::decode(kind.as_tuple().unwrap_or_default(), input).map_err(Stop::from)
    };
    match command {
        0x00 | 0x01 => v3(command == 0x00, &values("(address,uint256,uint256,bytes,bool)")?),
        0x08 | 0x09 => v2(command == 0x08, &values("(address,uint256,uint256,address[],bool)")?),
        0x04 => match values("(address,address,uint256)")?.as_slice() {
            [Addr(token), Addr(recipient), Uint(minimum, _)] => {
                Ok(Command::Sweep { token: *token, recipient: *recipient, minimum: *minimum })
            }
            _ => Err(Stop::Unknown),
        },
        0x0a => Ok(Command::Permit(values(
            "(((address,uint160,uint48,uint48),address,uint256),bytes)",
        )?)),
        0x0b | 0x0c => match values("(address,uint256)")?.as_slice() {
            [Addr(recipient), Uint(amount, _)] if command == 0x0b => {
                Ok(Command::Wrap { recipient: *recipient, amount: *amount })
            }
            [Addr(recipient), Uint(minimum, _)] => {
                Ok(Command::Unwrap { recipient: *recipient, minimum: *minimum })
            }
            _ => Err(Stop::Unknown),
        },
        _ => Err(Stop::Unknown),
    }
}

/// `(recipient, amount, limit, path, payerIsUser)`; the path is `token (fee token)+`, and backwards
/// if the output is exact.
fn v3(exact_in: bool, values: &[DynSolValue]) -> Result<Command, Stop> {
    let [Addr(recipient), Uint(amount, _), Uint(limit, _), Bytes(path), Bool(payer_is_caller)] =
        values
    else {
        return Err(Stop::Unknown);
    };
    const TOKEN: usize = 20;
    const HOP: usize = 3 + TOKEN;
    let is_path = path.len() >= TOKEN + HOP && (path.len() - TOKEN).is_multiple_of(HOP);
    let (Some(first), Some(last), true) =
        (path.first_chunk::<TOKEN>(), path.last_chunk::<TOKEN>(), is_path)
    else {
        return Err(Stop::Unknown);
    };
    let (first, last) = (Address::from(first), Address::from(last));
    let ends = if exact_in { (first, last) } else { (last, first) };
    swap(*recipient, exact_in, (*amount, *limit), ends, *payer_is_caller)
}

/// The same with a list of tokens, in the order of the swap.
fn v2(exact_in: bool, values: &[DynSolValue]) -> Result<Command, Stop> {
    let [Addr(recipient), Uint(amount, _), Uint(limit, _), Array(path), Bool(payer_is_caller)] =
        values
    else {
        return Err(Stop::Unknown);
    };
    let [Addr(first), .., Addr(last)] = path.as_slice() else { return Err(Stop::Unknown) };
    swap(*recipient, exact_in, (*amount, *limit), (*first, *last), *payer_is_caller)
}

fn swap(
    recipient: Address,
    exact_in: bool,
    (amount, limit): (U256, U256),
    (token_in, token_out): (Address, Address),
    payer_is_caller: bool,
) -> Result<Command, Stop> {
    let (given, got) = if exact_in { (amount, limit) } else { (limit, amount) };
    // The router's whole balance may be given only by the router.
    if got >= HALF || given > HALF || (given == HALF && (payer_is_caller || !exact_in)) {
        return Err(Stop::Unknown);
    }
    let ends = Swap { recipient, given, exact_in, got, token_in, token_out, payer_is_caller };
    Ok(Command::Swap(ends))
}
