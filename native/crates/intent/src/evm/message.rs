//! Personal messages (EIP-191, version 0x45) and sign-ins (EIP-4361).

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, eip191_hash_message, keccak256};

use super::calls::Walk;
use super::sign_in::{self, SignIn};
use crate::{Call, CallPath, Confidence, Effect, EffectKind, Refusal};

/// A personal message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The message as text, if it is UTF-8.
    pub text: Option<String>,
    /// What it asks for, if it is a sign-in.
    pub sign_in: Option<SignIn>,
}

/// Reads the bytes of a message, without the prefix of EIP-191, which `account` signs.
pub(super) fn decode(bytes: &[u8], walk: &Walk<'_>) -> Result<Message, Refusal> {
    let text = str::from_utf8(bytes).ok();
    let sign_in = text.map(|text| sign_in::read(text, walk)).transpose()?.flatten();
    Ok(Message { text: text.map(str::to_owned), sign_in })
}

/// `keccak256("\x19Ethereum Signed Message:\n" ‖ length ‖ message)`.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    eip191_hash_message(bytes).0
}

impl Message {
    /// Lists what a signature of `account` over it allows. 32 bytes are somebody's hash, so what they
    /// mean is not known.
    pub(super) fn push(
        &self,
        bytes: &[u8],
        account: Address,
        walk: &mut Walk<'_>,
    ) -> Result<(), Refusal> {
        let (kind, confidence) = if is_hash(bytes) {
            (EffectKind::Unknown, Confidence::Unknown)
        } else {
            (EffectKind::Message, Confidence::Exact)
        };
        let expiry = self.sign_in.as_ref().and_then(|sign_in| sign_in.expires_at);
        push_bytes(walk, keccak256(bytes), account, (kind, confidence), expiry)
    }
}

/// Whether a message has the length of a hash.
pub(super) fn is_hash(bytes: &[u8]) -> bool {
    bytes.len() == 32
}

/// Lists a signature of `account` over bytes that no contract is named for.
pub(super) fn push_bytes(
    walk: &mut Walk<'_>,
    data_hash: B256,
    account: Address,
    (kind, confidence): (EffectKind, Confidence),
    expiry: Option<u64>,
) -> Result<(), Refusal> {
    let call = Call {
        target: None,
        selector: None,
        value: U256::ZERO,
        data_hash,
        function: None,
        arguments: Vec::new(),
    };
    let (from, call) = (Some(walk.account(account)), Some(Arc::new(call)));
    let effect = walk.effect(kind, confidence, &CallPath::default());
    walk.push(Effect { from, call, expiry, deferred: true, ..effect })
}
