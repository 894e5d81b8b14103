//! One party's handle of a wallet, and its consent to sign.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ceremony::{ConsentedItem, ECDSA_KEY_ID, MAX_ITEMS, Membership, SigningAuthorization};
use napi::Env;
use napi::bindgen_prelude::{BigInt, ClassInstance};
use napi_derive::napi;

use crate::convert::{Bytes, Role, bytes, duration, path, time};
use crate::error::{Fault, guard};
use crate::intent::Intent;
use crate::store::Shared;

/// A party of a committee.
#[napi(object, object_from_js = false)]
pub struct PartyInfo {
    /// Shamir x-coordinate, fixed by the role.
    pub index: u32,
    /// Role.
    pub role: Role,
    /// Ed25519, 32 bytes.
    pub identity_key: Bytes,
}

/// One party's certified wallet: the share inside, only public data outside. Has no constructor.
#[napi]
pub struct Wallet {
    membership: Mutex<Option<Arc<Membership>>>,
    store: Shared,
}

impl Wallet {
    pub(crate) fn new(membership: Arc<Membership>, store: Shared) -> Self {
        Self { membership: Mutex::new(Some(membership)), store }
    }

    pub(crate) fn membership(&self) -> Result<Arc<Membership>, Fault> {
        self.membership
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| Fault::new("SESSION_CLOSED", "the wallet is closed"))
    }

    /// The shares of the newest epoch.
    pub(crate) fn open(&self) -> Result<Arc<ceremony::Wallet>, Fault> {
        self.membership()?.current().map_err(Fault::input_from)
    }

    pub(crate) fn store(&self) -> Shared {
        Arc::clone(&self.store)
    }

    fn root(&self) -> Result<([u8; 33], [u8; 32]), Fault> {
        self.open()?
            .root(ECDSA_KEY_ID)
            .ok_or_else(|| Fault::new("INTERNAL", "a wallet without its key"))
    }
}

#[napi]
impl Wallet {
    /// 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn wallet_id(&self, env: &Env) -> napi::Result<Bytes> {
        guard(env, || Ok(bytes(self.open()?.roster().wallet_id())))
    }

    /// This party.
    #[napi(getter, catch_unwind)]
    pub fn role(&self, env: &Env) -> napi::Result<Role> {
        guard(env, || Ok(self.open()?.role().into()))
    }

    /// Epoch number of the shares.
    #[napi(getter, catch_unwind)]
    pub fn epoch(&self, env: &Env) -> napi::Result<BigInt> {
        guard(env, || Ok(BigInt::from(self.open()?.epoch())))
    }

    /// The committee, ascending by index.
    #[napi(getter, catch_unwind)]
    pub fn parties(&self, env: &Env) -> napi::Result<Vec<PartyInfo>> {
        guard(env, || {
            let wallet = self.open()?;
            let members = wallet.roster().members().iter();
            Ok(members
                .map(|member| PartyInfo {
                    index: u32::from(member.index().get()),
                    role: member.role.into(),
                    identity_key: bytes(&member.identity_key),
                })
                .collect())
        })
    }

    /// Canonical JSON of the policy in force.
    #[napi(getter, catch_unwind)]
    pub fn policy(&self, env: &Env) -> napi::Result<Bytes> {
        guard(env, || Ok(bytes(self.open()?.policy().bytes())))
    }

    /// Its hash, 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn policy_hash(&self, env: &Env) -> napi::Result<Bytes> {
        guard(env, || Ok(bytes(&self.open()?.policy().hash())))
    }

    /// The root public key, 33 bytes compressed.
    #[napi(getter, catch_unwind)]
    pub fn public_key(&self, env: &Env) -> napi::Result<Bytes> {
        guard(env, || Ok(bytes(&self.root()?.0)))
    }

    /// The root chain code, 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn chain_code(&self, env: &Env) -> napi::Result<Bytes> {
        guard(env, || Ok(bytes(&self.root()?.1)))
    }

    /// The public key under a path, 33 bytes compressed.
    #[napi(catch_unwind)]
    pub fn derive(&self, env: &Env, path: Vec<f64>) -> napi::Result<Bytes> {
        guard(env, || {
            let path = self::path(&path)?;
            let derived = self.open()?.derive(ECDSA_KEY_ID, &path).map_err(Fault::input_from)?;
            Ok(bytes(&derived.public_key))
        })
    }

    /// Peers with which this party signs nothing more in this epoch.
    #[napi(getter, catch_unwind)]
    pub fn poisoned(&self, env: &Env) -> napi::Result<Vec<Role>> {
        guard(env, || Ok(self.open()?.poisoned_peers().into_iter().map(Role::from).collect()))
    }

    /// This party's own consent to sign exactly these 1 to 64 payloads, once and together, each with the account
    /// at the path in its place.
    #[napi(catch_unwind)]
    pub fn consent(
        &self,
        env: &Env,
        intents: Vec<ClassInstance<'_, Intent>>,
        paths: Vec<Vec<f64>>,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<Authorization> {
        guard(env, || {
            if intents.len() != paths.len() {
                return Err(Fault::input("one path for each intent"));
            }
            let now_ms = time(&now_ms, "nowMs")?;
            let lifetime_ms = duration(lifetime_ms, "lifetimeMs")?;
            // no more is copied than shows that there are too many
            let given = intents.iter().zip(&paths).take(MAX_ITEMS + 1);
            let items = given
                .map(|(intent, path)| {
                    Ok(ConsentedItem { payload: intent.payload(), path: self::path(path)? })
                })
                .collect::<Result<_, Fault>>()?;
            let expires_at_ms = now_ms.saturating_add(lifetime_ms);
            let wallet = self.open()?;
            SigningAuthorization::consent(&wallet, items, expires_at_ms)
                .map(|authorization| Authorization::new(authorization, &wallet))
                .map_err(Fault::input_from)
        })
    }

    /// Lets go of the share. Sessions that run keep theirs until they end.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        drop(self.membership.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// The right to sign, once. Has no constructor and cannot be made from bytes.
#[napi]
pub struct Authorization {
    digests: Vec<[u8; 32]>,
    expires_at_ms: u64,
    /// Whose consent it is. Where several parties live in one process, one's is not another's.
    wallet: Weak<ceremony::Wallet>,
    inner: Mutex<Option<SigningAuthorization>>,
}

impl Authorization {
    pub(crate) fn new(authorization: SigningAuthorization, wallet: &Arc<ceremony::Wallet>) -> Self {
        Self {
            digests: authorization.digests().collect(),
            expires_at_ms: authorization.expires_at_ms(),
            wallet: Arc::downgrade(wallet),
            inner: Mutex::new(Some(authorization)),
        }
    }

    pub(crate) fn take(
        &self,
        wallet: &Arc<ceremony::Wallet>,
    ) -> Result<SigningAuthorization, Fault> {
        if !self.wallet.ptr_eq(&Arc::downgrade(wallet)) {
            return Err(Fault::input("the authorization is of another wallet"));
        }
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| Fault::input("an authorization serves one session"))
    }
}

#[napi]
impl Authorization {
    /// What it authorises, 32 bytes each, in item order.
    #[napi(getter, catch_unwind)]
    pub fn digests(&self) -> Vec<Bytes> {
        self.digests.iter().map(|digest| bytes(digest)).collect()
    }

    /// After this no session starts from it.
    #[napi(getter, catch_unwind)]
    pub fn expires_at_ms(&self) -> BigInt {
        BigInt::from(self.expires_at_ms)
    }
}
