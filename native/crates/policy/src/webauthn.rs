//! Assertions of passkeys, as far as a signer has to judge them (WebAuthn Level 3, §7.2).
//!
//! The challenge is the hash of the document, so an assertion says yes to one document and to nothing else. Who made
//! it is told by the signature, that a person was there by the flags, and for whom the person meant it by the
//! relying party: a page of another site cannot ask the authenticator for this one. The counter is not looked at:
//! passkeys that are synchronised keep it at zero, and a document that is sent twice says what it said before.

use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::Refusal;

/// Bytes of a compressed point of P-256.
pub const P256_KEY_BYTES: usize = 33;
/// The most bytes of authenticator data: 37, and what extensions nobody asked for may add.
pub const MAX_AUTHENTICATOR_DATA_BYTES: usize = 256;
/// The most bytes of client data; browsers write about 250.
pub const MAX_CLIENT_DATA_BYTES: usize = 768;
/// The most origins of a relying party.
pub const MAX_ORIGINS: usize = 8;
/// The most bytes of an origin or a relying party's id: a host name has 253.
pub const MAX_ORIGIN_BYTES: usize = 300;

const SIGNATURE_BYTES: usize = 64;
const HEADER_BYTES: usize = 37;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;

/// The site at which passkeys were registered, as the policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origins: Vec<String>,
}

impl RelyingParty {
    /// A relying party id (a domain) and the origins from which approvals come, compared as they are written.
    ///
    /// # Errors
    /// `BadRelyingParty` without an id, for none or more than [`MAX_ORIGINS`] origins, for one that is empty, longer
    /// than [`MAX_ORIGIN_BYTES`] or not printable ASCII, and for one that stands twice.
    pub fn new(id: String, origins: Vec<String>) -> Result<Self, Refusal> {
        let is_plain = |text: &str| {
            (1..=MAX_ORIGIN_BYTES).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let distinct: std::collections::BTreeSet<&String> = origins.iter().collect();
        let is_sound = is_plain(&id)
            && (1..=MAX_ORIGINS).contains(&origins.len())
            && distinct.len() == origins.len()
            && origins.iter().all(|origin| is_plain(origin));
        if is_sound { Ok(Self { id, origins }) } else { Err(Refusal::BadRelyingParty) }
    }

    /// The domain.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origins.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }
}

/// What an authenticator answered to `navigator.credentials.get()`, without its credential id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    authenticator_data: Vec<u8>,
    client_data: Vec<u8>,
    /// r ‖ s. Both halves of the range of s are taken: authenticators make both, and nothing here is told apart by
    /// the bytes of a signature.
    signature: [u8; SIGNATURE_BYTES],
}

/// The members of `CollectedClientData` that decide; a browser may add others.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<serde_json::Value>,
}

impl Assertion {
    /// The most bytes of an encoded one.
    pub const MAX_BYTES: usize =
        SIGNATURE_BYTES + 4 + MAX_AUTHENTICATOR_DATA_BYTES + MAX_CLIENT_DATA_BYTES;

    /// `authenticatorData`, `clientDataJSON` and the signature in DER, as `AuthenticatorAssertionResponse` has them.
    ///
    /// # Errors
    /// `Malformed` for data longer than it may be and a signature that is not DER with 0 < r, s < n.
    pub fn new(
        authenticator_data: &[u8],
        client_data: &[u8],
        signature: &[u8],
    ) -> Result<Self, Refusal> {
        let signature = Signature::from_der(signature).map_err(|_| Refusal::Malformed)?;
        Self::from_parts(authenticator_data, client_data, signature.to_bytes().into())
    }

    fn from_parts(
        authenticator_data: &[u8],
        client_data: &[u8],
        signature: [u8; SIGNATURE_BYTES],
    ) -> Result<Self, Refusal> {
        let fits = authenticator_data.len() <= MAX_AUTHENTICATOR_DATA_BYTES
            && client_data.len() <= MAX_CLIENT_DATA_BYTES;
        if !fits {
            return Err(Refusal::Malformed);
        }
        let (authenticator_data, client_data) = (authenticator_data.to_vec(), client_data.to_vec());
        Ok(Self { authenticator_data, client_data, signature })
    }

    /// `r 32 ‖ s 32 ‖ u16 length ‖ authenticator data ‖ u16 length ‖ client data`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.signature.to_vec();
        for part in [&self.authenticator_data, &self.client_data] {
            // Both lengths were held against their caps, which fit.
            bytes.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }

    /// Reads one from the front of `bytes` and gives what follows it.
    pub(crate) fn split_from(bytes: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
            let (length, rest) = bytes.split_first_chunk()?;
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        }
        let split = || {
            let (signature, rest) = bytes.split_first_chunk()?;
            let (authenticator_data, rest) = part(rest)?;
            let (client_data, rest) = part(rest)?;
            Some((*signature, authenticator_data, client_data, rest))
        };
        let (signature, authenticator_data, client_data, rest) =
            split().ok_or(Refusal::Malformed)?;
        Ok((Self::from_parts(authenticator_data, client_data, signature)?, rest))
    }

    /// That the key's owner, verified by the authenticator, said yes to this challenge. For which site is not
    /// looked at: see [`is_for`](Self::is_for).
    ///
    /// # Errors
    /// `BadKey`; `BadAuthenticatorData`, `UserAbsent`, `UserNotVerified`; `BadClientData`, `OtherCeremony` for
    /// anything but `webauthn.get`, `OtherChallenge`, `CrossOrigin`; `BadSignature`.
    pub fn verify(&self, key: &[u8; P256_KEY_BYTES], challenge: &[u8; 32]) -> Result<(), Refusal> {
        let key = read_key(key)?;
        self.check_authenticator_data()?;
        let client = self.read_client_data()?;
        if client.kind != "webauthn.get" {
            return Err(Refusal::OtherCeremony);
        }
        if client.challenge != Base64UrlUnpadded::encode_string(challenge) {
            return Err(Refusal::OtherChallenge);
        }
        if client.cross_origin || client.top_origin.is_some() {
            return Err(Refusal::CrossOrigin);
        }
        let signed = [&self.authenticator_data[..], &Sha256::digest(&self.client_data)].concat();
        let signature =
            Signature::from_slice(&self.signature).map_err(|_| Refusal::BadSignature)?;
        key.verify(&signed, &signature).map_err(|_| Refusal::BadSignature)
    }

    /// That it was made for this site and on one of its pages.
    ///
    /// # Errors
    /// `OtherRelyingParty`, `OtherOrigin`; `BadAuthenticatorData`, `BadClientData`.
    pub fn is_for(&self, site: &RelyingParty) -> Result<(), Refusal> {
        let hash = self.authenticator_data.first_chunk().ok_or(Refusal::BadAuthenticatorData)?;
        if *hash != <[u8; 32]>::from(Sha256::digest(site.id())) {
            return Err(Refusal::OtherRelyingParty);
        }
        let client = self.read_client_data()?;
        if site.origins().contains(&client.origin) { Ok(()) } else { Err(Refusal::OtherOrigin) }
    }

    fn check_authenticator_data(&self) -> Result<(), Refusal> {
        let (header, rest) = self
            .authenticator_data
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(Refusal::BadAuthenticatorData)?;
        let [.., flags, _, _, _, _] = header;
        let has = |flag: u8| flags & flag != 0;
        if !has(USER_PRESENT) {
            return Err(Refusal::UserAbsent);
        }
        if !has(USER_VERIFIED) {
            return Err(Refusal::UserNotVerified);
        }
        // Extensions follow exactly if their flag says so; attested credentials belong to registrations, and only
        // what may be backed up can be backed up.
        let is_consistent = has(EXTENDED) != rest.is_empty()
            && !has(ATTESTED)
            && (has(BACKUP_ELIGIBLE) || !has(BACKED_UP));
        if is_consistent { Ok(()) } else { Err(Refusal::BadAuthenticatorData) }
    }

    fn read_client_data(&self) -> Result<ClientData, Refusal> {
        serde_json::from_slice(&self.client_data).map_err(|_| Refusal::BadClientData)
    }
}

/// A point in its compressed form. P-256 has no points of small order.
pub(crate) fn read_key(key: &[u8; P256_KEY_BYTES]) -> Result<VerifyingKey, Refusal> {
    VerifyingKey::from_sec1_bytes(key)
        .ok()
        .filter(|read| read.to_encoded_point(true).as_bytes() == key)
        .ok_or(Refusal::BadKey)
}
