//! Unsigned EVM payloads: their fields, their readers, and what they do.

mod access_list;
mod authorization;
mod calls;
mod chain_id;
mod decode;
mod effects;
mod eip712;
mod message;
mod rlp;
mod sign_in;
mod transaction;
mod typed_data;
mod user_operation;

pub(crate) mod abi;

pub use access_list::{AccessListEntry, MAX_ACCESS_LIST_ENTRIES, MAX_STORAGE_KEYS};
pub use authorization::{Authorization, MAX_AUTHORIZATIONS, SignedAuthorization};
pub use calls::{MAX_CALL_DEPTH, MAX_EFFECTS};
pub use chain_id::MAX_CHAIN_ID;
pub use message::Message;
pub use sign_in::SignIn;
pub use transaction::{MAX_NONCE, Transaction, TransactionType};
pub use typed_data::{MAX_MEMBERS, MAX_NESTING, MAX_STRUCTS, MAX_TYPES, TypedData};
pub use user_operation::{MAX_GAS_VALUE, UserOperation, UserOperationGas};

use alloy_primitives::{Address, B256, U256, keccak256};

use self::calls::Walk;
use crate::parsed::{Content, Meaning};
use crate::{
    Account, Confidence, EffectKind, Exclusion, Own, Payload, PayloadKind, Refusal, Registry,
};

/// Reads a payload of an EVM chain.
pub(crate) fn read(
    kind: PayloadKind,
    payload: &Payload<'_>,
    own: &Own,
    registry: &Registry,
) -> Result<Meaning, Refusal> {
    let chain_id = chain_id::from_caip2(payload.chain)?;
    if payload.bytes.is_empty() {
        return Err(Refusal::PayloadEmpty);
    }
    let mut walk = Walk::new(chain_id, own, registry);
    let account = own.account();
    let reading = match kind {
        PayloadKind::EvmTransaction => transaction(payload.bytes, account, &mut walk),
        PayloadKind::EvmAuthorization => authorization(payload.bytes, account, &mut walk),
        PayloadKind::EvmUserOperation => user_operation(payload.bytes, &mut walk),
        PayloadKind::EvmMessage => message(payload.bytes, account, &mut walk),
        PayloadKind::EvmTypedData => typed_data(payload.bytes, &mut walk),
        PayloadKind::EvmHash => hash(payload.bytes, account, &mut walk),
    }?;
    let Reading { digest, content, approved, gas_limits, exclusion } = reading;
    let account = Account::Evm { chain_id, address: account };
    let effects = walk.finish();
    Ok(Meaning { account, digest, effects, content, approved, gas_limits, exclusion })
}

/// What a reader found, besides the effects.
struct Reading {
    digest: [u8; 32],
    content: Content,
    /// What an approval is for: the payload without what may still change.
    approved: Vec<u8>,
    gas_limits: Vec<U256>,
    exclusion: Option<Exclusion>,
}

fn transaction(bytes: &[u8], account: Address, walk: &mut Walk<'_>) -> Result<Reading, Refusal> {
    let transaction = decode::transaction(bytes, walk.chain_id)?;
    transaction.must_encode_to(bytes)?;
    effects::push(&transaction, account, walk)?;
    let (chain_id, nonce) = (walk.chain_id, transaction.nonce);
    Ok(Reading {
        digest: keccak256(bytes).0,
        approved: transaction.content(),
        gas_limits: vec![U256::from(transaction.gas)],
        exclusion: Some(Exclusion::AccountNonce { chain_id, account, nonce }),
        content: Content::EvmTransaction(transaction),
    })
}

fn authorization(bytes: &[u8], account: Address, walk: &mut Walk<'_>) -> Result<Reading, Refusal> {
    let authorization = authorization::decode(bytes, walk.chain_id)?;
    authorization.push(walk, account, true)?;
    let (chain_id, nonce) = (walk.chain_id, authorization.nonce);
    Ok(Reading {
        digest: authorization.digest(),
        approved: bytes.to_vec(),
        gas_limits: Vec::new(),
        exclusion: Some(Exclusion::AccountNonce { chain_id, account, nonce }),
        content: Content::EvmAuthorization(authorization),
    })
}

fn user_operation(bytes: &[u8], walk: &mut Walk<'_>) -> Result<Reading, Refusal> {
    let operation = user_operation::decode(bytes, walk.chain_id)?;
    let exclusion = operation.push(walk)?;
    let UserOperationGas {
        verification,
        call,
        pre_verification,
        paymaster_verification,
        paymaster_post_op,
    } = operation.gas;
    let gas = [verification, call, pre_verification, paymaster_verification, paymaster_post_op];
    Ok(Reading {
        digest: operation.digest(walk.chain_id),
        approved: operation.content(walk.chain_id, walk.registry()),
        gas_limits: gas.map(U256::from).to_vec(),
        exclusion: Some(exclusion),
        content: Content::EvmUserOperation(operation),
    })
}

fn message(bytes: &[u8], account: Address, walk: &mut Walk<'_>) -> Result<Reading, Refusal> {
    if message::is_hash(bytes) && !walk.registry().allows_prehashed() {
        return Err(Refusal::MessageIsHash);
    }
    let message = message::decode(bytes, walk)?;
    message.push(bytes, account, walk)?;
    Ok(fixed(message::digest(bytes), Content::EvmMessage(message), bytes))
}

fn typed_data(bytes: &[u8], walk: &mut Walk<'_>) -> Result<Reading, Refusal> {
    let document = typed_data::decode(bytes, walk.chain_id, walk.registry())?;
    let exclusion = typed_data::push(&document, walk)?;
    let reading = fixed(document.digest(), Content::EvmTypedData(document), bytes);
    Ok(Reading { exclusion, ..reading })
}

fn hash(bytes: &[u8], account: Address, walk: &mut Walk<'_>) -> Result<Reading, Refusal> {
    if !walk.registry().allows_prehashed() {
        return Err(Refusal::HashNotAllowed);
    }
    let invalid = Refusal::LengthInvalid { field: "hash", offset: 0 };
    let digest = <[u8; 32]>::try_from(bytes).map_err(|_| invalid)?;
    let unknown = (EffectKind::Unknown, Confidence::Unknown);
    message::push_bytes(walk, B256::from(digest), account, unknown, None)?;
    Ok(fixed(digest, Content::EvmHash, bytes))
}

/// The reading of a payload in which nothing may still change, and which uses up nothing.
fn fixed(digest: [u8; 32], content: Content, bytes: &[u8]) -> Reading {
    let (approved, gas_limits) = (bytes.to_vec(), Vec::new());
    Reading { digest, content, approved, gas_limits, exclusion: None }
}
