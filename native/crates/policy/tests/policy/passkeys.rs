//! A passkey, and the browser in front of it.

use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use policy::{ApproverKey, Assertion, Document, RelyingParty, Signed};
use sha2::{Digest, Sha256};

pub const RP_ID: &str = "wallet.example";
pub const ORIGIN: &str = "https://approve.wallet.example";

pub fn site() -> RelyingParty {
    RelyingParty::new(RP_ID.to_owned(), vec![ORIGIN.to_owned()]).unwrap()
}

/// Everything that an authenticator and a browser write, to be changed at will before it is signed.
#[derive(Debug, Clone)]
pub struct Passkey {
    pub secret: u8,
    pub rp_id: &'static str,
    pub flags: u8,
    pub extensions: Vec<u8>,
    pub kind: &'static str,
    pub origin: &'static str,
    /// What the browser writes after the origin.
    pub more: &'static str,
}

impl Passkey {
    pub fn new(secret: u8) -> Self {
        Self {
            secret,
            rp_id: RP_ID,
            flags: 0x05,
            extensions: Vec::new(),
            kind: "webauthn.get",
            origin: ORIGIN,
            more: ",\"crossOrigin\":false",
        }
    }

    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_slice(&[self.secret; 32]).unwrap()
    }

    pub fn key(&self) -> [u8; 33] {
        let point = self.signing_key().verifying_key().to_encoded_point(true);
        point.as_bytes().try_into().unwrap()
    }

    pub fn approver_key(&self) -> ApproverKey {
        ApproverKey::Passkey(self.key())
    }

    pub fn authenticator_data(&self) -> Vec<u8> {
        let counter = 7_u32.to_be_bytes();
        [&Sha256::digest(self.rp_id)[..], &[self.flags], &counter, &self.extensions].concat()
    }

    pub fn client_data(&self, challenge: &[u8; 32]) -> String {
        let (kind, origin, more) = (self.kind, self.origin, self.more);
        let challenge = Base64UrlUnpadded::encode_string(challenge);
        format!(
            "{{\"type\":\"{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"{origin}\"{more}}}"
        )
    }

    pub fn sign(&self, authenticator_data: &[u8], client_data: &[u8]) -> Signature {
        self.signing_key().sign(&[authenticator_data, &Sha256::digest(client_data)].concat())
    }

    /// What the browser hands out after the person's touch.
    pub fn assert(&self, challenge: &[u8; 32]) -> Assertion {
        self.assert_with(&self.client_data(challenge))
    }

    pub fn assert_with(&self, client_data: &str) -> Assertion {
        let data = self.authenticator_data();
        let signature = self.sign(&data, client_data.as_bytes()).to_der();
        Assertion::new(&data, client_data.as_bytes(), signature.as_bytes()).unwrap()
    }

    pub fn says<D: Document>(&self, document: D) -> Signed<D> {
        let assertion = self.assert(&document.hash());
        Signed::with_passkey(document, self.key(), assertion).unwrap()
    }
}
