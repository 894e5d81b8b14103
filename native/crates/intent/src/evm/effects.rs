use alloy_primitives::{U256, keccak256};

use super::Transaction;
use crate::{Account, Amount, AssetId, Call, Confidence, Effect, EffectKind, Refusal};

/// What a transaction does, the fee last.
///
/// The amounts of the native asset over all effects are exactly `value + gas × fee`, which fits 256
/// bits: nobody who adds them up can overflow or count something twice.
pub(super) fn of(transaction: &Transaction) -> Result<Vec<Effect>, Refusal> {
    let fee = U256::from(transaction.gas)
        .checked_mul(transaction.max_fee_per_gas())
        .filter(|fee| fee.checked_add(transaction.value).is_some())
        .ok_or(Refusal::CostOverflow)?;
    let fee = Effect {
        kind: EffectKind::FeeOnly,
        asset: Some(AssetId::EvmNative { chain_id: transaction.chain_id }),
        amount: Amount::UpTo(fee),
        to: None,
        call: None,
        confidence: Confidence::Exact,
    };
    Ok(vec![main(transaction), fee])
}

fn main(transaction: &Transaction) -> Effect {
    let Transaction { chain_id, to, value, data, .. } = transaction;
    let asset = AssetId::EvmNative { chain_id: *chain_id };
    let to = to.map(|address| Account::Evm { chain_id: *chain_id, address });
    if to.is_some() && data.is_empty() {
        return Effect {
            kind: EffectKind::Transfer,
            asset: Some(asset),
            amount: Amount::Exact(*value),
            to,
            call: None,
            confidence: Confidence::Exact,
        };
    }
    let (kind, confidence, selector) = match to {
        Some(_) => (EffectKind::Unknown, Confidence::Unknown, data.first_chunk().copied()),
        None => (EffectKind::Deploy, Confidence::Exact, None),
    };
    // Code moves what it likes: only the value that goes with it is a number, and zero is not one.
    let (asset, amount) =
        if value.is_zero() { (None, Amount::None) } else { (Some(asset), Amount::Exact(*value)) };
    let call = Call { target: to, selector, value: *value, data_hash: keccak256(data) };
    Effect { kind, asset, amount, to, call: Some(call), confidence }
}
