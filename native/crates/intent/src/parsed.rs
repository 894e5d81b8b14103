use core::fmt;

use alloy_primitives::U256;
use tagged_hash::tags;

use crate::{
    Account, Effect, Exclusion, MAX_PAYLOAD, Own, Payload, PayloadKind, Refusal, Registry,
    description, evm,
};

/// A payload that was read completely. Only [`parse`] makes one, so holding it is proof of the
/// reading.
#[derive(Clone, PartialEq)]
pub struct Intent {
    kind: PayloadKind,
    chain: String,
    bytes: Vec<u8>,
    meaning: Meaning,
}

/// What the reader of one payload kind found in the bytes.
#[derive(Clone, PartialEq)]
pub(crate) struct Meaning {
    pub(crate) account: Account,
    pub(crate) digest: [u8; 32],
    pub(crate) effects: Vec<Effect>,
    pub(crate) content: Content,
    pub(crate) approved: Vec<u8>,
    pub(crate) gas_limits: Vec<U256>,
    pub(crate) exclusion: Option<Exclusion>,
}

/// The decoded fields of each payload kind, for display. Decisions rest on [`Intent::effects`].
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Of `evm.transaction`.
    EvmTransaction(evm::Transaction),
    /// Of `evm.authorization`.
    EvmAuthorization(evm::Authorization),
    /// Of `evm.userOperation`.
    EvmUserOperation(evm::UserOperation),
    /// Of `evm.message`.
    EvmMessage(evm::Message),
    /// Of `evm.typedData`.
    EvmTypedData(evm::TypedData),
    /// Of `evm.hash`, which says nothing.
    EvmHash,
}

/// Which key signs an item: what an approval is for besides the payload.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The signature scheme, such as `ecdsa`.
    pub suite: &'a str,
    /// The wallet's key.
    pub key_id: &'a str,
    /// The derivation path from it.
    pub path: &'a [u32],
}

/// Reads a payload completely, or says why not.
///
/// `own` says whose it is, `registry` what the contracts in it are. Two signers whose registries
/// differ see other effects of the same digest, and each decides by its own.
///
/// Tens of microseconds for a usual payload, tens of milliseconds for the worst document of typed data,
/// and memory in proportion to it. Never panics, whatever the bytes are.
pub fn parse(payload: &Payload<'_>, own: &Own, registry: &Registry) -> Result<Intent, Refusal> {
    let kind = PayloadKind::from_name(payload.kind)?;
    if payload.bytes.len() > MAX_PAYLOAD {
        return Err(Refusal::PayloadTooLarge);
    }
    let meaning = evm::read(kind, payload, own, registry)?;
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

    /// The account whose key signs, as it was given to [`parse`].
    pub fn account(&self) -> Account {
        self.meaning.account
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

    /// `H("content"; kind, chain, content, suite, key id, path, account)`: what a person approves.
    ///
    /// The content is the payload without nonce, gas, fees, access list, and the data of a listed
    /// paymaster, so that a yes outlives a quote; everything else is in it byte for byte. The signer
    /// is in it because unsigned EVM bytes name no sender: a yes for one account serves no other.
    pub fn content_hash(&self, signer: &Signer<'_>) -> [u8; 32] {
        let path: Vec<u8> = signer.path.iter().flat_map(|step| step.to_be_bytes()).collect();
        let account = self.meaning.account.to_string();
        let parts = [
            self.kind.name().as_bytes(),
            self.chain.as_bytes(),
            &self.meaning.approved,
            signer.suite.as_bytes(),
            signer.key_id.as_bytes(),
            &path,
            account.as_bytes(),
        ];
        tagged_hash::hash(tags::CONTENT, &parts)
    }

    /// The gas limits, in the order verification, call, pre-verification, paymaster's verification
    /// and post-operation for a user operation; none where nothing is paid for.
    ///
    /// They may rise after an approval, within its maximum fee, and never fall: an inner call that
    /// runs out of gas may fail while the rest goes through.
    pub fn gas_limits(&self) -> &[U256] {
        &self.meaning.gas_limits
    }

    /// Whether an approval of this payload is one of `later`, which may differ in what is not
    /// approved. That `later` costs no more than was approved, and that it [excludes](Self::excludes)
    /// whatever was signed under the approval before, is for the ledger to see.
    pub fn covers(&self, later: &Self) -> bool {
        let content = |intent: &Self| (intent.kind, intent.meaning.account);
        let (approved, gas) = (&self.meaning.approved, &self.meaning.gas_limits);
        content(self) == content(later)
            && self.chain == later.chain
            && *approved == later.meaning.approved
            && gas.len() == later.meaning.gas_limits.len()
            && gas.iter().zip(&later.meaning.gas_limits).all(|(least, limit)| limit >= least)
    }

    /// What of the account only one payload can use up.
    pub fn exclusion(&self) -> Option<Exclusion> {
        self.meaning.exclusion
    }

    /// Whether at most one of the two can ever land. A payload always excludes itself.
    pub fn excludes(&self, other: &Self) -> bool {
        let uses_the_same = self.exclusion().is_some() && self.exclusion() == other.exclusion();
        uses_the_same || (self.digest() == other.digest() && self.account() == other.account())
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
    pub fn content(&self) -> &Content {
        &self.meaning.content
    }

    /// The decoded fields of a transaction.
    pub fn transaction(&self) -> Option<&evm::Transaction> {
        match &self.meaning.content {
            Content::EvmTransaction(transaction) => Some(transaction),
            _ => None,
        }
    }

    /// The whole reading as JSON, for the SDK and for the person who decides.
    ///
    /// Integers are decimal strings, bytes are `0x` hex, EVM addresses carry their EIP-55 checksum.
    /// Texts of strangers are in it only as the values below `message`, `typedData` and `arguments`.
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
