//! A party's keys in hostile hands.
//!
//! Signing and sealing are written here a second time, from sections G.3 to G.5 of `docs/protocol.md`, with
//! nothing of the crate but its public headers. A stolen key is drawn again from the party's own generator.

use std::collections::BTreeMap;

use ceremony::Role;
use ceremony::descriptor::Descriptor;
use ceremony::envelope::{HEADER_BYTES, Header, peek};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use ed25519_dalek::{Signer, SigningKey};
use hpke::aead::ExportOnlyAead;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_chacha::ChaCha20Rng;
use rand_core::RngCore;
use tagged_hash::{Tag, hash, tags};

use crate::committee::generator;

pub type OpeningKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

pub const ROUND_ABORT: u16 = 201;
const SIGNATURE_BYTES: usize = 64;
pub const SEALED_INVITATION: &[u8] = b"mpc-wallet/v1/seal/invitation";
pub const SEALED_ROUND: &[u8] = b"mpc-wallet/v1/seal/round";

pub fn seal(to: &[u8; 32], info: &[u8], aad: &[u8], body: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let to = PublicKey::from_bytes(to).unwrap();
    let (encapsulated, context) = hpke::setup_sender::<
        ExportOnlyAead,
        HkdfSha256,
        X25519HkdfSha256,
        _,
    >(&OpModeS::Base, &to, info, rng)
    .unwrap();
    let mut key = [0; 32];
    context.export(aad, &mut key).unwrap();
    let sealed = ChaCha20Poly1305::new(&key.into())
        .encrypt(&Nonce::default(), Payload { msg: body, aad })
        .unwrap();
    [encapsulated.to_bytes().as_slice(), &sealed].concat()
}

pub fn open(key: &OpeningKey, info: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (encapsulated, ciphertext) = sealed.split_at_checked(32)?;
    let context = hpke::setup_receiver::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        key,
        &Encapsulated::from_bytes(encapsulated).ok()?,
        info,
    )
    .ok()?;
    let mut key = [0; 32];
    context.export(aad, &mut key).unwrap();
    let cipher = ChaCha20Poly1305::new(&key.into());
    cipher.decrypt(&Nonce::default(), Payload { msg: ciphertext, aad }).ok()
}

fn public(key: &OpeningKey) -> [u8; 32] {
    X25519HkdfSha256::sk_to_pk(key).to_bytes().into()
}

/// The long-lived keys of one party.
pub struct Insider {
    pub role: Role,
    identity: SigningKey,
    pub sealing: OpeningKey,
}

impl Insider {
    /// The keys that [`crate::committee::Party::new`] gave the party of this role and seed.
    pub fn steal(role: Role, seed: u64) -> Self {
        let mut rng = generator(role, seed);
        let identity = SigningKey::generate(&mut rng);
        let (sealing, _) = X25519HkdfSha256::gen_keypair(&mut rng);
        Self { role, identity, sealing }
    }

    pub fn identity_key(&self) -> [u8; 32] {
        self.identity.verifying_key().to_bytes()
    }

    pub fn sealing_key(&self) -> [u8; 32] {
        public(&self.sealing)
    }

    fn sign(&self, tag: Tag, parts: &[&[u8]]) -> [u8; SIGNATURE_BYTES] {
        self.identity.sign(&hash(tag, parts)).to_bytes()
    }

    pub fn sign_descriptor(&self, descriptor: &Descriptor) -> [u8; SIGNATURE_BYTES] {
        self.sign(tags::SESSION_DESCRIPTOR, &[&descriptor.encode()])
    }

    /// Signs a header as it is, its length of the body included, over a body as it travels.
    pub fn sign_envelope(&self, header: &[u8], body: &[u8]) -> Vec<u8> {
        let signature = self.sign(tags::ENVELOPE, &[header, body]);
        [header, body, &signature].concat()
    }

    /// Signs a card again after its fields were changed.
    pub fn sign_card(&self, card: &mut [u8]) {
        let (fields, signature) = card.split_last_chunk_mut::<SIGNATURE_BYTES>().unwrap();
        *signature = self.sign(tags::CARD, &[fields]);
    }

    /// A well-signed stop with any two bytes in it.
    pub fn abort(&self, header: &Header, class: u8, culprits: u8) -> Vec<u8> {
        let header = Header {
            round: ROUND_ABORT,
            part: 0,
            parts: 1,
            previous_broadcasts_hash: [0; 32],
            body_length: 2,
            ..header.clone()
        };
        self.sign_envelope(&header.encode(), &[class, culprits])
    }
}

/// An envelope's content in the clear.
#[derive(Clone)]
pub struct Letter {
    pub header: Header,
    pub body: Vec<u8>,
}

/// Whoever owns every key of a committee and of the running session: what an insider would get by running a
/// changed program, for whichever party is hostile in a test.
pub struct PostOffice {
    pub insiders: BTreeMap<Role, Insider>,
    /// Each party's generator as it was just before its session drew the session's key.
    generators: BTreeMap<Role, ChaCha20Rng>,
    session_keys: BTreeMap<Role, (OpeningKey, [u8; 32])>,
    /// For what is sealed again.
    pub rng: ChaCha20Rng,
}

impl PostOffice {
    pub fn new(seed: u64, generators: BTreeMap<Role, ChaCha20Rng>) -> Self {
        let insiders =
            Role::ALL.into_iter().map(|role| (role, Insider::steal(role, seed))).collect();
        let rng = generator(Role::Agent, seed + 7_777);
        Self { insiders, generators, session_keys: BTreeMap::new(), rng }
    }

    /// Learns the session key that a sender announces in round 1.
    pub fn watch(&mut self, envelope: &[u8]) {
        let header = peek(envelope).unwrap();
        let from = Role::of(header.from).unwrap();
        if header.round != 1 || header.part != 0 || self.session_keys.contains_key(&from) {
            return;
        }
        let announced: [u8; 32] = envelope[HEADER_BYTES..HEADER_BYTES + 32].try_into().unwrap();
        let mut rng = self.generators[&from].clone();
        for _ in 0..8 {
            let (key, _) = X25519HkdfSha256::gen_keypair(&mut rng.clone());
            if public(&key) == announced {
                self.session_keys.insert(from, (key, announced));
                return;
            }
            rng.fill_bytes(&mut [0; 32]);
        }
        panic!("the session key of {from:?} was drawn somewhere else");
    }

    /// Opens an envelope as its recipient would.
    pub fn open(&mut self, envelope: &[u8]) -> Letter {
        self.watch(envelope);
        let header = peek(envelope).unwrap();
        let (aad, rest) = envelope.split_at(HEADER_BYTES);
        let body = &rest[..rest.len() - SIGNATURE_BYTES];
        let to = Role::of(header.to).unwrap();
        let body = match header.round {
            0 => open(&self.insiders[&to].sealing, SEALED_INVITATION, aad, body).unwrap(),
            1 | ROUND_ABORT => body.to_vec(),
            _ => open(&self.session_keys[&to].0, SEALED_ROUND, aad, body).unwrap(),
        };
        Letter { header, body }
    }

    /// Seals and signs a letter as the sender in its header.
    pub fn post(&mut self, letter: &Letter) -> Vec<u8> {
        self.post_as(Role::of(letter.header.from).unwrap(), letter)
    }

    /// Seals a letter, signs it with the key of `signer`.
    pub fn post_as(&mut self, signer: Role, letter: &Letter) -> Vec<u8> {
        let round = letter.header.round;
        let sealed = !matches!(round, 1 | ROUND_ABORT);
        let length = letter.body.len() + if sealed { 48 } else { 0 };
        let header =
            Header { body_length: length.try_into().unwrap(), ..letter.header.clone() }.encode();
        // A recipient that is nobody has no key; the seal is then to the agent.
        let to = Role::of(letter.header.to).unwrap_or(Role::Agent);
        let body = match round {
            1 | ROUND_ABORT => letter.body.clone(),
            0 => {
                let key = self.insiders[&to].sealing_key();
                seal(&key, SEALED_INVITATION, &header, &letter.body, &mut self.rng)
            }
            _ => {
                let key = self.session_keys[&to].1;
                seal(&key, SEALED_ROUND, &header, &letter.body, &mut self.rng)
            }
        };
        self.insiders[&signer].sign_envelope(&header, &body)
    }
}
