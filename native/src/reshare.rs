//! The right to take part in a refresh or recovery, and the sessions that start from it.

use std::sync::{Arc, Mutex, PoisonError};

use ceremony::ReshareAuthorization;
use ceremony::session::{Declined, Times};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;

use crate::convert::{Bytes, copies, duration, time};
use crate::error::{Fault, guard};
use crate::generator::Generator;
use crate::identity::{Identity, cards_of};
use crate::recovery::Approved;
use crate::session::Session;
use crate::store::{Shared, Store};
use crate::wallet::Wallet;

/// One party's own yes to one refresh or recovery. Has no constructor from bytes.
#[napi]
pub struct ReshareConsent {
    inner: Mutex<Option<ReshareAuthorization>>,
    store: Shared,
    /// Of a recovery at a survivor.
    approved: Option<Approved>,
}

impl ReshareConsent {
    pub(crate) fn new(
        authorization: ReshareAuthorization,
        store: Shared,
        approved: Option<Approved>,
    ) -> Self {
        Self { inner: Mutex::new(Some(authorization)), store, approved }
    }

    fn take(&self, now_ms: &BigInt) -> Result<ReshareAuthorization, Fault> {
        if let Some(approved) = &self.approved {
            approved.check(now_ms)?;
        }
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| Fault::input("a consent serves one session"))
    }
}

/// A session that was joined, or what to tell whoever started it.
#[napi(object, object_from_js = false)]
pub struct Joined {
    /// The session, if it was joined.
    pub session: Option<Session>,
    /// Why it was not: a code.
    pub code: Option<String>,
    /// What to send instead.
    pub outgoing: Vec<Bytes>,
}

#[napi]
impl ReshareConsent {
    /// Other shares for the same parties.
    #[napi(catch_unwind)]
    pub fn refresh(
        env: &Env,
        wallet: &Wallet,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<Self> {
        guard(env, || {
            let expires = expiry(&now_ms, lifetime_ms)?;
            let authorization = ReshareAuthorization::refresh(wallet.membership()?, expires)
                .map_err(Fault::input_from)?;
            Ok(Self::new(authorization, wallet.store(), None))
        })
    }

    /// A new device's own yes to joining a wallet with the parties of these cards.
    #[napi(catch_unwind)]
    pub fn join(
        env: &Env,
        identity: &Identity,
        wallet_id: &[u8],
        cards: Vec<Uint8Array>,
        store: &Store,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<Self> {
        guard(env, || {
            let expires = expiry(&now_ms, lifetime_ms)?;
            let wallet_id =
                wallet_id.try_into().map_err(|_| Fault::input("a wallet id has 32 bytes"))?;
            let cards = cards_of(&cards)?;
            let keys = Arc::clone(&identity.keys);
            let authorization = ReshareAuthorization::join(keys, wallet_id, &cards, expires)
                .map_err(Fault::input_from)?;
            Ok(Self::new(authorization, Arc::clone(&store.shared), None))
        })
    }

    /// Starts the ceremony; uses the consent up.
    #[napi(catch_unwind)]
    pub fn start(&self, env: &Env, now_ms: BigInt, lifetime_ms: f64) -> napi::Result<Session> {
        guard(env, || {
            let times = Times {
                now_ms: time(&now_ms, "nowMs")?,
                lifetime_ms: duration(lifetime_ms, "lifetimeMs")?,
            };
            let authorization = self.take(&now_ms)?;
            let mut rng = Generator::new(b"session/reshare")?;
            let session =
                ceremony::Session::reshare(authorization, times, &mut rng).map_err(Fault::from)?;
            let signature = session.descriptor_signature().to_vec();
            Ok(Session::new(session, signature, rng, Arc::clone(&self.store)))
        })
    }

    /// Joins the ceremony that another party started. A consent that does not fit it is not used up.
    #[napi(catch_unwind)]
    pub fn accept(
        &self,
        env: &Env,
        descriptor: &[u8],
        signature: &[u8],
        round0: &[u8],
        now_ms: BigInt,
    ) -> napi::Result<Joined> {
        guard(env, || {
            let at = time(&now_ms, "nowMs")?;
            let rng = Generator::new(b"session/reshare")?;
            let [descriptor, signature, round0] = copies([descriptor, signature, round0])?;
            let consent = self.take(&now_ms)?;
            let joined =
                ceremony::Session::join_reshare(consent, &descriptor, &signature, &round0, at);
            Ok(match joined {
                Ok(session) => {
                    let store = Arc::clone(&self.store);
                    let session = Session::new(session, Vec::new(), rng, store);
                    Joined { session: Some(session), code: None, outgoing: Vec::new() }
                }
                Err(Declined { refusal, authorization }) => {
                    *self.inner.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(authorization);
                    Joined {
                        session: None,
                        code: Some(crate::error::code(refusal.failure.class).to_owned()),
                        outgoing: refusal.outgoing.into_iter().map(Bytes::from).collect(),
                    }
                }
            })
        })
    }
}

pub(crate) fn expiry(now_ms: &BigInt, lifetime_ms: f64) -> Result<u64, Fault> {
    Ok(time(now_ms, "nowMs")?.saturating_add(duration(lifetime_ms, "lifetimeMs")?))
}
