//! A document with the signature of the approver who made it.

use tagged_hash::{Tag, hash};

use crate::approver::{ApproverKey, Approvers, KEY_BYTES, SIGNATURE_BYTES, verify};
use crate::webauthn::{Assertion, P256_KEY_BYTES};
use crate::{CeremonyDocument, Refusal, Role};

/// Ed25519 over the document's hash.
const FORM_ED25519: u8 = 1;
/// A passkey's assertion whose challenge is the document's hash.
const FORM_PASSKEY: u8 = 2;

/// Something that a person signs: its one encoding, and the domain of its hash.
pub trait Document: Sized + Clone {
    /// A longer one is refused before it is read.
    const MAX_BYTES: usize;
    /// No two kinds of document have the same.
    const TAG: Tag;

    /// The canonical JSON.
    fn encode(&self) -> Vec<u8>;

    /// Reads exactly what [`encode`](Self::encode) writes.
    ///
    /// # Errors
    /// `Malformed`, or what the document's constructor refuses.
    fn decode(bytes: &[u8]) -> Result<Self, Refusal>;

    /// `H(TAG; bytes)`: what an approver signs.
    fn hash(&self) -> [u8; 32] {
        hash(Self::TAG, &[&self.encode()])
    }
}

/// A document whose signature verifies under the key that comes with it. Whether that key has a say is for
/// [`Approvers`] to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<D> {
    document: D,
    key: ApproverKey,
    proof: Proof,
}

/// A ceremony document and its signature.
pub type SignedDocument = Signed<CeremonyDocument>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Proof {
    Ed25519([u8; SIGNATURE_BYTES]),
    Passkey(Assertion),
}

impl<D: Document> Signed<D> {
    /// The most bytes of an encoded one.
    pub const MAX_BYTES: usize = 1 + P256_KEY_BYTES + Assertion::MAX_BYTES + D::MAX_BYTES;

    /// A document and an Ed25519 signature over its [hash](Document::hash).
    ///
    /// # Errors
    /// `BadKey`, `BadSignature`.
    pub fn new(
        document: D,
        key: [u8; KEY_BYTES],
        signature: [u8; SIGNATURE_BYTES],
    ) -> Result<Self, Refusal> {
        verify(&key, &document.hash(), &signature)?;
        Ok(Self { document, key: ApproverKey::Ed25519(key), proof: Proof::Ed25519(signature) })
    }

    /// A document and a passkey's assertion whose challenge is its [hash](Document::hash).
    ///
    /// # Errors
    /// As [`Assertion::verify`].
    pub fn with_passkey(
        document: D,
        key: [u8; P256_KEY_BYTES],
        assertion: Assertion,
    ) -> Result<Self, Refusal> {
        assertion.verify(&key, &document.hash())?;
        Ok(Self { document, key: ApproverKey::Passkey(key), proof: Proof::Passkey(assertion) })
    }

    /// `u8 1 ‖ key 32 ‖ signature 64 ‖ document`, or `u8 2 ‖ key 33 ‖ assertion ‖ document`.
    pub fn encode(&self) -> Vec<u8> {
        let (form, proof) = match &self.proof {
            Proof::Ed25519(signature) => (FORM_ED25519, signature.to_vec()),
            Proof::Passkey(assertion) => (FORM_PASSKEY, assertion.encode()),
        };
        let key = match &self.key {
            ApproverKey::Ed25519(key) => &key[..],
            ApproverKey::Passkey(key) => &key[..],
        };
        [&[form], key, &proof, &self.document.encode()].concat()
    }

    /// Reads and verifies what anybody sent.
    ///
    /// # Errors
    /// `Malformed`, what the document's decoder refuses, and as [`new`](Self::new) and
    /// [`with_passkey`](Self::with_passkey).
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let (form, rest) = bytes.split_first().ok_or(Refusal::Malformed)?;
        match *form {
            FORM_ED25519 => {
                let (key, rest) = rest.split_first_chunk().ok_or(Refusal::Malformed)?;
                let (signature, document) = rest.split_first_chunk().ok_or(Refusal::Malformed)?;
                Self::new(D::decode(document)?, *key, *signature)
            }
            FORM_PASSKEY => {
                let (key, rest) = rest.split_first_chunk().ok_or(Refusal::Malformed)?;
                let (assertion, document) = Assertion::split_from(rest)?;
                Self::with_passkey(D::decode(document)?, *key, assertion)
            }
            _ => Err(Refusal::Malformed),
        }
    }

    /// What the approver says.
    pub fn document(&self) -> &D {
        &self.document
    }

    /// The key that signed.
    pub fn key(&self) -> &ApproverKey {
        &self.key
    }

    /// For whom the approver speaks.
    ///
    /// # Errors
    /// `UnknownApprover`; for a passkey also as [`Assertion::is_for`].
    pub fn role(&self, approvers: &Approvers) -> Result<Role, Refusal> {
        let role = approvers.role_of(&self.key).ok_or(Refusal::UnknownApprover)?;
        if let Proof::Passkey(assertion) = &self.proof {
            assertion.is_for(approvers.relying_party().ok_or(Refusal::NoRelyingParty)?)?;
        }
        Ok(role)
    }
}
