//! A document with the signature of the approver who made it.

use crate::approver::{Approvers, KEY_BYTES, SIGNATURE_BYTES, verify};
use crate::document::MAX_DOCUMENT_BYTES;
use crate::{CeremonyDocument, Refusal, Role};

/// Ed25519 over the document's hash; a passkey's assertion will be another form.
const FORM_ED25519: u8 = 1;

/// A ceremony document whose signature verifies under the key that comes with it. Whether that key has a say is
/// for [`Approvers`] to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDocument {
    document: CeremonyDocument,
    key: [u8; KEY_BYTES],
    signature: [u8; SIGNATURE_BYTES],
}

impl SignedDocument {
    /// The most bytes of an encoded one.
    pub const MAX_BYTES: usize = 1 + KEY_BYTES + SIGNATURE_BYTES + MAX_DOCUMENT_BYTES;

    /// A document and a signature over its [hash](CeremonyDocument::hash).
    ///
    /// # Errors
    /// `BadKey`, `BadSignature`.
    pub fn new(
        document: CeremonyDocument,
        key: [u8; KEY_BYTES],
        signature: [u8; SIGNATURE_BYTES],
    ) -> Result<Self, Refusal> {
        verify(&key, &document.hash(), &signature)?;
        Ok(Self { document, key, signature })
    }

    /// `u8 1 ‖ key 32 ‖ signature 64 ‖ document`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORM_ED25519];
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.signature);
        bytes.extend(self.document.encode());
        bytes
    }

    /// Reads and verifies what anybody sent.
    ///
    /// # Errors
    /// `Malformed`, `Impossible`, `BadKey`, `BadSignature`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let split = || {
            let (form, rest) = bytes.split_first()?;
            let (key, rest) = rest.split_first_chunk()?;
            let (signature, document) = rest.split_first_chunk()?;
            (*form == FORM_ED25519).then_some((*key, *signature, document))
        };
        let (key, signature, document) = split().ok_or(Refusal::Malformed)?;
        Self::new(CeremonyDocument::decode(document)?, key, signature)
    }

    /// What the approver says.
    pub fn document(&self) -> &CeremonyDocument {
        &self.document
    }

    /// The key that signed.
    pub fn key(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    /// For whom the approver speaks.
    ///
    /// # Errors
    /// `UnknownApprover`.
    pub fn role(&self, approvers: &Approvers) -> Result<Role, Refusal> {
        approvers.role_of(&self.key).ok_or(Refusal::UnknownApprover)
    }
}
