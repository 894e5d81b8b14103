//! One party's handle of a wallet, and its consent to sign.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ceremony::store::Commit;
use ceremony::{ConsentedItem, ECDSA_KEY_ID, MAX_ITEMS, Membership, Origin, SigningAuthorization};
use napi::Env;
use napi::bindgen_prelude::{BigInt, ClassInstance};
use napi_derive::napi;

use crate::convert::{Bytes, Role, bytes, duration, path, position, time};
use crate::error::{Fault, guard};
use crate::identity::Identity;
use crate::intent::Intent;
use crate::recovery::Pending;
use crate::store::{Shared, Store, StoreBatch, StoredRecord};

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

/// A person who decides.
#[napi(object, object_from_js = false)]
pub struct ApproverInfo {
    /// For which party the person speaks.
    pub role: Role,
    /// Ed25519, 32 bytes.
    pub key: Bytes,
}

/// One party's certified wallet: the share inside, only public data outside. Has no constructor.
#[napi]
pub struct Wallet {
    membership: Mutex<Option<Arc<Membership>>>,
    store: Shared,
    erased: Mutex<Option<StoreBatch>>,
    /// The recoveries that this party keeps a record of, by their names.
    recoveries: Mutex<BTreeMap<[u8; 32], Pending>>,
}

impl Wallet {
    pub(crate) fn new(membership: Arc<Membership>, store: Shared) -> Self {
        Self {
            membership: Mutex::new(Some(membership)),
            store,
            erased: Mutex::new(None),
            recoveries: Mutex::default(),
        }
    }

    /// The records of recoveries that are kept, by their names: one of each in this process.
    pub(crate) fn recoveries(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], Pending>> {
        self.recoveries.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Who decides about recoveries: the persons of the policy, but for a replaced device the newcomer's.
    #[napi(getter, catch_unwind)]
    pub fn approvers(&self, env: &Env) -> napi::Result<Vec<ApproverInfo>> {
        guard(env, || {
            let approvers = self.open()?.approvers().into_iter();
            Ok(approvers
                .map(|(role, key)| ApproverInfo { role: role.into(), key: bytes(&key) })
                .collect())
        })
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
    /// at the path in its place, with this co-signer: under the newest
    /// epoch that both hold.
    #[napi(catch_unwind)]
    pub fn consent(
        &self,
        env: &Env,
        intents: Vec<ClassInstance<'_, Intent>>,
        paths: Vec<Vec<f64>>,
        cosigner: Role,
        idempotency_key: String,
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
            let wallet = self.membership()?.with_peer(cosigner.into())?;
            let origin = Origin { idempotency_key, principal: None };
            SigningAuthorization::consent(&wallet, items, origin, expires_at_ms)
                .map(|authorization| Authorization::new(authorization, &wallet))
                .map_err(Fault::input_from)
        })
    }

    /// Opens a wallet from all records that a store holds of it.
    #[napi(catch_unwind)]
    pub fn open_sealed(
        env: &Env,
        identity: &Identity,
        wallet_id: &[u8],
        store: &Store,
        records: Vec<StoredRecord>,
    ) -> napi::Result<Self> {
        guard(env, || {
            let wallet_id =
                wallet_id.try_into().map_err(|_| Fault::input("a wallet id has 32 bytes"))?;
            let shared = Arc::clone(&store.shared);
            let records = shared.open_all(&records)?;
            let keys = Arc::clone(&identity.keys);
            let unreadable = |_| Fault::new("SHARE_UNREADABLE", "the wallet's records do not fit");
            let (membership, erased) =
                Membership::load(keys, wallet_id, &records).map_err(unreadable)?;
            if membership.held().is_empty() {
                return Err(Fault::new("SHARE_ABSENT", "the store holds no share of this wallet"));
            }
            let recoveries = crate::recovery::load(&membership, &records)?;
            let erased = shared.seal(Commit { writes: erased, read_back: Vec::new() })?;
            let wallet = Self::new(membership, shared);
            *wallet.recoveries() = recoveries;
            *wallet.erased.lock().unwrap_or_else(PoisonError::into_inner) = Some(erased);
            Ok(wallet)
        })
    }

    /// After `openSealed`: what an attempt that nobody acknowledged left, to be erased.
    #[napi(catch_unwind)]
    pub fn take_erased(&self) -> StoreBatch {
        let erased = self.erased.lock().unwrap_or_else(PoisonError::into_inner).take();
        erased.unwrap_or_else(|| StoreBatch { writes: Vec::new(), read_back: Vec::new() })
    }

    /// Numbers of the epochs that this party holds, ascending.
    #[napi(getter, catch_unwind)]
    pub fn held_epochs(&self, env: &Env) -> napi::Result<Vec<BigInt>> {
        guard(env, || {
            let held = self.membership()?.held().into_iter();
            Ok(held.map(|(number, _)| BigInt::from(number)).collect())
        })
    }

    /// Counts sessions with the owner of an identity key that nobody ended, against that key: a failed check may have
    /// been forgotten. At eight the pair is poisoned. The batch is to be committed; it is empty for a key of no party.
    #[napi(catch_unwind)]
    pub fn count_lost_verdicts(
        &self,
        env: &Env,
        identity_key: &[u8],
        count: f64,
    ) -> napi::Result<StoreBatch> {
        guard(env, || {
            let key = identity_key
                .try_into()
                .map_err(|_| Fault::input("an identity key has 32 bytes"))?;
            let count = position(count, "count")?;
            self.store.persist(self.membership()?.count_lost_verdicts(&key, count))
        })
    }

    /// Whether everybody acknowledged an epoch of the wallet. Before that it has no address.
    #[napi(getter, catch_unwind)]
    pub fn is_certified(&self, env: &Env) -> napi::Result<bool> {
        guard(env, || Ok(self.membership()?.certificate().is_some()))
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
    /// Under which shares. Where several parties live in one process, one's consent is not another's.
    wallet: Arc<ceremony::Wallet>,
    inner: Mutex<Option<SigningAuthorization>>,
}

impl Authorization {
    pub(crate) fn new(authorization: SigningAuthorization, wallet: &Arc<ceremony::Wallet>) -> Self {
        Self {
            digests: authorization.digests().collect(),
            expires_at_ms: authorization.expires_at_ms(),
            wallet: Arc::clone(wallet),
            inner: Mutex::new(Some(authorization)),
        }
    }

    /// The right itself and the shares that it is for.
    pub(crate) fn take(
        &self,
        membership: &Arc<Membership>,
    ) -> Result<(SigningAuthorization, Arc<ceremony::Wallet>), Fault> {
        if !self.wallet.membership().is_some_and(|of| Arc::ptr_eq(&of, membership)) {
            return Err(Fault::input("the authorization is of another wallet"));
        }
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map(|authorization| (authorization, Arc::clone(&self.wallet)))
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
