use std::sync::Arc;

use alloy_primitives::{Address, U256, keccak256};

use super::Transaction;
use super::calls::{Frame, Walk, native_amount};
use crate::{Call, CallPath, Confidence, Effect, EffectKind, Refusal};

/// Lists what a transaction of `sender` does, the fee last.
///
/// What `sender` gives of the native asset is exactly `value + gas × fee` if it is no contract
/// account itself, and fits 256 bits: nobody who adds it up can overflow or count something twice.
pub(super) fn push(
    transaction: &Transaction,
    sender: Address,
    walk: &mut Walk<'_>,
) -> Result<(), Refusal> {
    let fee = U256::from(transaction.gas)
        .checked_mul(transaction.max_fee_per_gas())
        .filter(|fee| fee.checked_add(transaction.value).is_some())
        .ok_or(Refusal::CostOverflow)?;
    for signed in transaction.authorizations() {
        signed.must_be_of(walk.own())?;
        signed.authorization.push(walk, sender, false)?;
    }
    // Another nonce, and the authorization would be skipped while the call runs all the same.
    if let [signed] = transaction.authorizations()
        && signed.authorization.is_listed(walk)
        && Some(signed.authorization.nonce) == transaction.nonce.checked_add(1)
    {
        walk.delegate(sender);
    }
    match transaction.to {
        Some(target) => walk.call(&Frame {
            caller: sender,
            target,
            value: transaction.value,
            data: &transaction.data,
            path: CallPath::default(),
        })?,
        None => deploy(transaction, sender, walk)?,
    }
    walk.push_fee(sender, fee);
    Ok(())
}

fn deploy(transaction: &Transaction, sender: Address, walk: &mut Walk<'_>) -> Result<(), Refusal> {
    let call = Call {
        target: None,
        selector: None,
        value: transaction.value,
        data_hash: keccak256(&transaction.data),
        function: None,
        arguments: Vec::new(),
    };
    let (asset, amount) = native_amount(walk.native(), transaction.value);
    let (from, call) = (Some(walk.account(sender)), Some(Arc::new(call)));
    let effect = walk.effect(EffectKind::Deploy, Confidence::Exact, &CallPath::default());
    walk.push(Effect { asset, amount, from, call, ..effect })
}
