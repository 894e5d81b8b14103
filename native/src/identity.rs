//! A party's long-lived keys and its public card.

use std::sync::{Arc, Mutex, PoisonError};

use ceremony::Card;
use ceremony::session::Rejected;
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::convert::{Bytes, Role, bytes, copies};
use crate::error::{Fault, guard};
use crate::generator::Generator;

/// One party's secret keys. Signs for named purposes inside ceremonies, never free bytes.
#[napi]
pub struct Identity {
    pub(crate) keys: Arc<ceremony::Identity>,
}

#[napi]
impl Identity {
    /// Fresh keys for a role.
    #[napi(catch_unwind)]
    pub fn generate(env: &Env, role: Role) -> napi::Result<Self> {
        guard(env, || {
            let mut rng = Generator::new(b"identity")?;
            Ok(Self { keys: Arc::new(ceremony::Identity::generate(role.into(), &mut rng)) })
        })
    }

    /// The role these keys were made for.
    #[napi(getter, catch_unwind)]
    pub fn role(&self) -> Role {
        self.keys.role().into()
    }

    /// Ed25519, 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn identity_key(&self) -> Bytes {
        bytes(&self.keys.identity_key())
    }

    /// This party's signature, 64 bytes, over the 48 bytes of a head of its own audit log.
    #[napi(catch_unwind)]
    pub fn sign_audit_head(&self, env: &Env, head: &[u8]) -> napi::Result<Bytes> {
        guard(env, || {
            let head =
                head.try_into().map_err(|_| Fault::input("a head of an audit log has 48 bytes"))?;
            Ok(bytes(&self.keys.sign_audit_head(&head)))
        })
    }

    /// A fresh committed nonce and the signed public card for one key generation.
    #[napi(catch_unwind)]
    pub fn create_pairing(&self, env: &Env) -> napi::Result<Pairing> {
        guard(env, || {
            let pairing = self.keys.pair(&mut Generator::new(b"pairing")?);
            let card = pairing.card();
            Ok(Pairing { card, secret: Mutex::new(Some(pairing)) })
        })
    }
}

/// One party's side of one pairing; consumed by the session it starts.
#[napi]
pub struct Pairing {
    card: Vec<u8>,
    secret: Mutex<Option<ceremony::Pairing>>,
}

#[napi]
impl Pairing {
    /// The card to hand to the other two parties.
    #[napi(getter, catch_unwind)]
    pub fn card(&self) -> Bytes {
        bytes(&self.card)
    }
}

impl Pairing {
    pub(crate) fn take(&self) -> Result<ceremony::Pairing, Fault> {
        self.secret
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| Fault::input("a pairing serves one key generation: make a new card"))
    }

    /// Uses the pairing, and keeps it if it comes back: a descriptor that is not joined does not use it up.
    pub(crate) fn with<T>(
        &self,
        use_it: impl FnOnce(ceremony::Pairing) -> Result<T, Box<Rejected>>,
    ) -> Result<T, Fault> {
        use_it(self.take()?).map_err(|rejected| {
            let Rejected { failure, pairing } = *rejected;
            *self.secret.lock().unwrap_or_else(PoisonError::into_inner) = Some(pairing);
            Fault::from(failure)
        })
    }
}

/// What a card says.
#[napi(object, object_from_js = false)]
pub struct CardInfo {
    /// Role of the party.
    pub role: Role,
    /// Ed25519, 32 bytes.
    pub identity_key: Bytes,
    /// X25519, 32 bytes.
    pub sealing_key: Bytes,
    /// Ed25519 of the person behind the party, where there is one.
    pub approver_key: Option<Bytes>,
}

pub(crate) fn decode_card(card: &[u8]) -> Result<Card, Fault> {
    let [card] = copies([card])?; // copied first: the caller's memory may change while it is read
    Card::decode(&card).ok_or_else(|| Fault::input("not a card, or its signature does not verify"))
}

pub(crate) fn cards_of(cards: &[Uint8Array]) -> Result<Vec<Card>, Fault> {
    cards.iter().map(|card| decode_card(card)).collect()
}

/// Reads a card and verifies its signature.
#[napi(catch_unwind)]
pub fn read_card(env: &Env, card: &[u8]) -> napi::Result<CardInfo> {
    guard(env, || {
        let card = decode_card(card)?;
        Ok(CardInfo {
            role: card.role.into(),
            identity_key: bytes(&card.identity_key),
            sealing_key: bytes(&card.sealing_key),
            approver_key: card.approver_key.as_ref().map(|key| bytes(key)),
        })
    })
}
