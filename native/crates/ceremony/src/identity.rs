//! A party's long-lived keys, and the public card by which the others pin them.
//!
//! Three independent keys: Ed25519 *identity* (signs descriptors, envelopes, acknowledgements), X25519
//! *sealing* (opens invitations), and for the two parties behind which a person stands an Ed25519
//! *approver* key, which belongs to the person and never signs for the daemon (`docs/security-model.md`).

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRngCore;
use tagged_hash::{Tag, hash, tags};
use zeroize::Zeroizing;

use crate::Role;
use crate::sealing::{OpeningKey, SEALING_KEY_BYTES};
use crate::wire::Reader;

/// Bytes of an Ed25519 public key.
pub(crate) const IDENTITY_KEY_BYTES: usize = 32;
/// Bytes of an Ed25519 signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// Bytes of a head of the audit log: `u64 sequence ‖ hash 32 ‖ u64 milliseconds`.
pub const AUDIT_HEAD_BYTES: usize = 8 + 32 + 8;

const CARD_MAGIC: &[u8; 4] = b"MPCC";
const CARD_VERSION: u8 = 1;
/// Version of [`Identity::encode`].
const SECRET_VERSION: u8 = 1;

/// What an identity key signs. Each purpose has its own tag, so no signature serves another.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Card,
    Descriptor,
    Envelope,
    Acknowledgement,
    AuditHead,
}

impl Purpose {
    const fn tag(self) -> Tag {
        match self {
            Self::Card => tags::CARD,
            Self::Descriptor => tags::SESSION_DESCRIPTOR,
            Self::Envelope => tags::ENVELOPE,
            Self::Acknowledgement => tags::ACK,
            Self::AuditHead => tags::AUDIT_HEAD,
        }
    }
}

/// The secret keys of one party. Wiped when dropped; not cloneable, printable or serialisable.
pub struct Identity {
    role: Role,
    identity: SigningKey,
    sealing: OpeningKey,
    approver: Option<SigningKey>,
}

impl Identity {
    /// Fresh keys.
    pub fn generate(role: Role, rng: &mut dyn CryptoRngCore) -> Self {
        let mut rng = rng;
        Self {
            role,
            identity: SigningKey::generate(&mut rng),
            sealing: OpeningKey::generate(rng),
            approver: role.has_approver().then(|| SigningKey::generate(&mut rng)),
        }
    }

    /// All secret keys, for sealing at rest: **in the clear**. `version ‖ role ‖ identity seed 32 ‖ sealing key 32 ‖
    /// approver seed 32, if there is one`.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 + 3 * 32));
        bytes.extend([SECRET_VERSION, self.role.byte()]);
        bytes.extend_from_slice(self.identity.as_bytes());
        bytes.extend_from_slice(self.sealing.secret_bytes().as_slice());
        if let Some(approver) = &self.approver {
            bytes.extend_from_slice(approver.as_bytes());
        }
        bytes
    }

    /// Reads [`Identity::encode`]; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        (reader.u8()? == SECRET_VERSION).then_some(())?;
        let role = Role::from_byte(reader.u8()?)?;
        let mut seed = || reader.array::<32>().map(Zeroizing::new);
        let identity = SigningKey::from_bytes(&*seed()?);
        let sealing = OpeningKey::from_secret_bytes(&*seed()?)?;
        let approver = match role.has_approver() {
            true => Some(SigningKey::from_bytes(&*seed()?)),
            false => None,
        };
        reader.finish()?;
        Some(Self { role, identity, sealing, approver })
    }

    /// The role these keys were made for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The Ed25519 public key by which the other parties know this one.
    pub fn identity_key(&self) -> [u8; IDENTITY_KEY_BYTES] {
        self.identity.verifying_key().to_bytes()
    }

    /// A fresh committed nonce with the card to hand to the other two parties.
    pub fn pair(&self, rng: &mut dyn CryptoRngCore) -> Pairing {
        let mut nonce = Zeroizing::new([0; 32]);
        rng.fill_bytes(nonce.as_mut());
        let card = Card {
            role: self.role,
            identity_key: self.identity_key(),
            sealing_key: self.sealing.public_key(),
            approver_key: self.approver.as_ref().map(|key| key.verifying_key().to_bytes()),
            nonce_commitment: nonce_commitment(&nonce),
        };
        let signature = self.sign(Purpose::Card, &[&card.encode()]);
        Pairing { nonce, card, signature }
    }

    /// The person's signature over the hash of a document that this process read itself, with the approver key;
    /// `None` where no person stands behind the party.
    pub fn approve(&self, document_hash: &[u8; 32]) -> Option<[u8; SIGNATURE_BYTES]> {
        self.approver.as_ref().map(|key| key.sign(document_hash).to_bytes())
    }

    /// The person's Ed25519 public key, where there is one.
    pub fn approver_key(&self) -> Option<[u8; IDENTITY_KEY_BYTES]> {
        self.approver.as_ref().map(|key| key.verifying_key().to_bytes())
    }

    /// This party's signature over a head of its own audit log: whoever has it can tell later whether anything
    /// before it was changed.
    pub fn sign_audit_head(&self, head: &[u8; AUDIT_HEAD_BYTES]) -> [u8; SIGNATURE_BYTES] {
        self.sign(Purpose::AuditHead, &[head])
    }

    /// Ed25519 over `H(tag of the purpose; parts)`: never over free bytes.
    pub(crate) fn sign(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; SIGNATURE_BYTES] {
        self.identity.sign(&hash(purpose.tag(), parts)).to_bytes()
    }

    pub(crate) fn sealing(&self) -> &OpeningKey {
        &self.sealing
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identity({}, <secret>)", self.role.name())
    }
}

/// An identity key that is ready to verify: parsed once, since every envelope is verified with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verifier(VerifyingKey);

impl Verifier {
    /// `None` unless the bytes are a point of the curve, and not one of small order.
    pub(crate) fn new(key: &[u8; IDENTITY_KEY_BYTES]) -> Option<Self> {
        VerifyingKey::from_bytes(key).ok().filter(|key| !key.is_weak()).map(Self)
    }

    /// Whether the key's owner signed these parts for this purpose: strict, so malleable forms fail.
    pub(crate) fn verify(
        &self,
        purpose: Purpose,
        parts: &[&[u8]],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(&hash(purpose.tag(), parts), &signature).is_ok()
    }
}

pub(crate) fn nonce_commitment(nonce: &[u8; 32]) -> [u8; 32] {
    hash(tags::PAIRING_NONCE, &[nonce])
}

/// This party's side of one pairing: its card, and the nonce that the card commits to. Single use, because a
/// nonce that was opened once lets a hostile party search for a second roster with the same words.
pub struct Pairing {
    nonce: Zeroizing<[u8; 32]>,
    card: Card,
    signature: [u8; SIGNATURE_BYTES],
}

impl Pairing {
    /// The public card, [`Card::BYTES`] bytes, to hand to the other parties out of band.
    pub fn card(&self) -> Vec<u8> {
        let mut bytes = self.card.encode();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    pub(crate) fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }
}

/// The public keys of one party, bound to each other by the identity key's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Role and thereby index.
    pub role: Role,
    /// Ed25519.
    pub identity_key: [u8; IDENTITY_KEY_BYTES],
    /// X25519.
    pub sealing_key: [u8; SEALING_KEY_BYTES],
    /// Ed25519 of the person behind the party, where there is one.
    pub approver_key: Option<[u8; IDENTITY_KEY_BYTES]>,
    /// Commitment to the nonce that enters the six words.
    pub nonce_commitment: [u8; 32],
}

impl Card {
    /// Length of an encoded card: magic 4, version, role, identity 32, sealing 32, approver 32 (zeros: none),
    /// commitment 32, signature 64.
    pub const BYTES: usize = 6 + 4 * 32 + SIGNATURE_BYTES;

    /// Reads a card and verifies its signature; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::BYTES {
            return None;
        }
        let mut reader = Reader::new(bytes);
        if &reader.array::<4>()? != CARD_MAGIC || reader.u8()? != CARD_VERSION {
            return None;
        }
        let role = Role::from_byte(reader.u8()?)?;
        let identity_key = reader.array()?;
        let sealing_key = reader.array()?;
        let approver: [u8; 32] = reader.array()?;
        let nonce_commitment = reader.array()?;
        let signature = reader.array()?;
        reader.finish()?;
        let approver_key = (approver != [0; 32]).then_some(approver);
        let card = Self { role, identity_key, sealing_key, approver_key, nonce_commitment };
        (approver_key.is_some() == role.has_approver()
            && approver_key.as_ref().is_none_or(|key| Verifier::new(key).is_some())
            && approver_key != Some(identity_key)
            && Verifier::new(&card.identity_key)
                .is_some_and(|key| key.verify(Purpose::Card, &[&card.encode()], &signature)))
        .then_some(card)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend_from_slice(CARD_MAGIC);
        bytes.extend_from_slice(&[CARD_VERSION, self.role.byte()]);
        bytes.extend_from_slice(&self.identity_key);
        bytes.extend_from_slice(&self.sealing_key);
        bytes.extend_from_slice(&self.approver_key.unwrap_or([0; 32]));
        bytes.extend_from_slice(&self.nonce_commitment);
        bytes
    }
}
