//! Stopping a wallet at once, and starting it again.

use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::{Tag, tags};

use crate::agreement::agreed;
use crate::document::read_decimal;
use crate::{Approvers, Document, Refusal, Role, Signed, record};

const SCHEMA: &str = "mpc-wallet/freeze@1";
const RECORD_SCHEMA: &str = "mpc-wallet/freeze-state@1";

/// A longer document is refused before it is read; the longest that can be written has 176.
pub const MAX_FREEZE_DOCUMENT_BYTES: usize = 256;
/// How far a sequence number may lead the last one, so that one person cannot use up all of them.
pub const MAX_SEQUENCE_STEP: u64 = 1_024;

/// Whether a wallet signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freeze {
    /// It signs what its policy allows.
    Released,
    /// It signs nothing. A recovery that persons authorised goes on.
    Frozen,
}

/// `mpc-wallet/freeze@1`: what a person says about the wallet as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreezeDocument {
    /// The wallet.
    pub wallet_id: [u8; 32],
    /// Above that of every document that the person knows of: [`FreezeState::next_sequence`].
    pub sequence: u64,
    /// What the wallet shall be.
    pub state: Freeze,
    /// Milliseconds since 1970 by the person's clock: for people, no decision hangs on it.
    pub issued_at_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    issued_at: String,
    schema: String,
    sequence: String,
    state: Freeze,
    wallet_id: Base64,
}

impl Document for FreezeDocument {
    const MAX_BYTES: usize = MAX_FREEZE_DOCUMENT_BYTES;
    const TAG: Tag = tags::DOC_FREEZE;

    fn encode(&self) -> Vec<u8> {
        record::canonical(&Fields {
            issued_at: self.issued_at_ms.to_string(),
            schema: SCHEMA.to_owned(),
            sequence: self.sequence.to_string(),
            state: self.state,
            wallet_id: Base64(self.wallet_id.to_vec()),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(Refusal::Malformed);
        }
        let fields: Fields = canonical::decode(bytes).ok_or(Refusal::Malformed)?;
        if fields.schema != SCHEMA {
            return Err(Refusal::Malformed);
        }
        Ok(Self {
            wallet_id: fields.wallet_id.array().ok_or(Refusal::Malformed)?,
            sequence: read_decimal(&fields.sequence).ok_or(Refusal::Malformed)?,
            state: fields.state,
            issued_at_ms: read_decimal(&fields.issued_at).ok_or(Refusal::Malformed)?,
        })
    }
}

/// Whether this signer's wallet is frozen, and by whose word.
///
/// Of two documents the one with the higher sequence holds, and of two with the same the freeze: so all signers that
/// saw the same documents, in whatever order, agree, and none of them falls for an old one. A freeze takes one
/// approver, a release somebody of every role of the change quorum over the same document.
///
/// Store [`encode`](Self::encode)'s bytes after every call that takes `&mut self`, before acting on its answer. Ask
/// [`is_frozen`](Self::is_frozen) also between the decision to sign and the moment a share leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeState {
    wallet_id: [u8; 32],
    /// What holds, with every signature that it needed; empty before the first freeze.
    signed: Vec<Signed<FreezeDocument>>,
}

impl FreezeState {
    /// The most bytes of an encoded record: a release that 16 passkeys signed.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// A wallet that nobody froze yet.
    pub fn new(wallet_id: [u8; 32]) -> Self {
        Self { wallet_id, signed: Vec::new() }
    }

    /// Whether nothing may be signed.
    pub fn is_frozen(&self) -> bool {
        self.position().1 == Freeze::Frozen
    }

    /// The sequence of the document that holds; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.position().0
    }

    /// What the next document's sequence should be.
    pub fn next_sequence(&self) -> u64 {
        self.sequence().saturating_add(1)
    }

    /// The document that holds with its signatures, for a signer who missed it.
    pub fn signed(&self) -> &[Signed<FreezeDocument>] {
        &self.signed
    }

    /// Takes one person's freeze. That which holds already changes nothing.
    ///
    /// # Errors
    /// `OtherWallet`; as [`Signed::role`]; `NotAFreeze`; `OldSequence`, `SequenceTooFar`.
    pub fn freeze(
        &mut self,
        signed: &Signed<FreezeDocument>,
        approvers: &Approvers,
    ) -> Result<(), Refusal> {
        signed.role(approvers)?;
        if signed.document().state != Freeze::Frozen {
            return Err(Refusal::NotAFreeze);
        }
        self.follow(core::slice::from_ref(signed))
    }

    /// Takes a release with all its signatures. That which holds already changes nothing.
    ///
    /// # Errors
    /// `OtherWallet`; `NoQuorum`, `Unsigned`, `OtherDocument` and as [`Signed::role`] unless somebody of every role of
    /// the quorum signed this document, each key once; `NotARelease`; `OldSequence`, `SequenceTooFar`.
    pub fn release(
        &mut self,
        signed: &[Signed<FreezeDocument>],
        quorum: &[Role],
        approvers: &Approvers,
    ) -> Result<(), Refusal> {
        if agreed(signed, quorum, approvers)?.state != Freeze::Released {
            return Err(Refusal::NotARelease);
        }
        self.follow(signed)
    }

    fn position(&self) -> (u64, Freeze) {
        self.signed.first().map_or((0, Freeze::Released), |signed| position(signed.document()))
    }

    fn follow(&mut self, signed: &[Signed<FreezeDocument>]) -> Result<(), Refusal> {
        let document = signed.first().ok_or(Refusal::Unsigned)?.document();
        if document.wallet_id != self.wallet_id {
            return Err(Refusal::OtherWallet);
        }
        if self.signed.first().is_some_and(|holds| holds.document() == document) {
            return Ok(());
        }
        if position(document) <= self.position() {
            return Err(Refusal::OldSequence);
        }
        if document.sequence.saturating_sub(self.sequence()) > MAX_SEQUENCE_STEP {
            return Err(Refusal::SequenceTooFar);
        }
        self.signed = signed.to_vec();
        Ok(())
    }

    /// `checksum 32 ‖ canonical JSON`.
    pub fn encode(&self) -> Vec<u8> {
        let fields = StateFields {
            schema: RECORD_SCHEMA.to_owned(),
            signed: self.signed.iter().map(|signed| Base64(signed.encode())).collect(),
            wallet_id: Base64(self.wallet_id.to_vec()),
        };
        record::write(tags::FREEZE_STATE, &fields)
    }

    /// Reads a stored record and verifies every signature in it again.
    ///
    /// # Errors
    /// `Damaged` for anything that [`encode`](Self::encode) did not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read(bytes).ok_or(Refusal::Damaged)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let fields: StateFields = record::read(tags::FREEZE_STATE, bytes, Self::MAX_BYTES)?;
        let wallet_id = fields.wallet_id.array()?;
        let signed = record::read_signed::<FreezeDocument>(&fields.signed)?;
        let is_consistent = fields.schema == RECORD_SCHEMA
            && signed.iter().all(|one| one.document().wallet_id == wallet_id)
            && signed.first().is_none_or(|first| {
                signed.iter().all(|one| one.document() == first.document())
                    && (signed.len() == 1 || first.document().state == Freeze::Released)
            });
        is_consistent.then_some(Self { wallet_id, signed })
    }
}

fn position(document: &FreezeDocument) -> (u64, Freeze) {
    (document.sequence, document.state)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct StateFields {
    schema: String,
    signed: Vec<Base64>,
    wallet_id: Base64,
}
