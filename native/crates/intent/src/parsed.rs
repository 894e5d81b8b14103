use core::fmt;

use tagged_hash::tags;

use crate::{Effect, MAX_PAYLOAD, Payload, PayloadKind, Refusal, description, evm};

/// A payload that was read completely. Only [`parse`] makes one, so holding it is proof of the
/// reading.
#[derive(Clone, PartialEq, Eq)]
pub struct Intent {
    kind: PayloadKind,
    chain: String,
    bytes: Vec<u8>,
    meaning: Meaning,
}

/// What the reader of one payload kind found in the bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) digest: [u8; 32],
    pub(crate) effects: Vec<Effect>,
    pub(crate) content: Content,
}

/// The decoded fields of each payload kind.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Content {
    EvmTransaction(evm::Transaction),
}

/// Reads a payload completely, or says why not.
///
/// Microseconds for a usual transaction, below a millisecond for the longest payload, and memory in
/// proportion to it. Never panics, whatever the bytes are.
pub fn parse(payload: &Payload<'_>) -> Result<Intent, Refusal> {
    let kind = PayloadKind::from_name(payload.kind)?;
    if payload.bytes.len() > MAX_PAYLOAD {
        return Err(Refusal::PayloadTooLarge);
    }
    let meaning = match kind {
        PayloadKind::EvmTransaction => evm::read_transaction(payload)?,
    };
    Ok(Intent { kind, chain: payload.chain.to_owned(), bytes: payload.bytes.to_vec(), meaning })
}

impl Intent {
    /// How the bytes were read.
    pub fn kind(&self) -> PayloadKind {
        self.kind
    }

    /// The CAIP-2 chain: declared by the request and equal to the one in the bytes.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The unsigned bytes, exactly as they were given to [`parse`].
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is signed. Computed here from the bytes; there is no way to supply it.
    pub fn digest(&self) -> [u8; 32] {
        self.meaning.digest
    }

    /// `H("payload"; kind, chain, bytes)`: names the request in contexts, decisions and approvals.
    pub fn payload_hash(&self) -> [u8; 32] {
        let parts = [self.kind.name().as_bytes(), self.chain.as_bytes(), &self.bytes];
        tagged_hash::hash(tags::PAYLOAD, &parts)
    }

    /// Hash over everything that did not come from the bytes. No kind that is read today needs such
    /// facts, which is written as 32 zero bytes.
    pub fn resolved_hash(&self) -> [u8; 32] {
        [0; 32]
    }

    /// What a signature would allow, the fee last. Every amount that leaves is in exactly one of
    /// them.
    pub fn effects(&self) -> &[Effect] {
        &self.meaning.effects
    }

    /// The decoded fields, for display. Decisions rest on [`Intent::effects`].
    pub fn transaction(&self) -> &evm::Transaction {
        let Content::EvmTransaction(transaction) = &self.meaning.content;
        transaction
    }

    pub(crate) fn content(&self) -> &Content {
        &self.meaning.content
    }

    /// The whole reading as JSON, for the SDK and for the person who decides.
    ///
    /// Integers are decimal strings, bytes are `0x` hex, EVM addresses carry their EIP-55 checksum.
    /// It contains nothing but what the bytes say, so no text of a stranger reaches whoever reads
    /// it.
    pub fn describe(&self) -> String {
        description::describe(self)
    }
}

/// Names the payload without printing it: logs carry digests, never contents.
impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intent")
            .field("kind", &self.kind)
            .field("chain", &self.chain)
            .field("digest", &hex::encode(self.digest()))
            .finish_non_exhaustive()
    }
}
