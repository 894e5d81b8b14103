//! One party's handle of a wallet, and its consent to sign.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::authority::Authority;
use ceremony::store::Commit;
use ceremony::{ECDSA_KEY_ID, Membership, SigningAuthorization};
use napi::Env;
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use policy::rulebook::PolicyApprover;

use crate::authority::{Claim, Desk, lock};
use crate::clock;
use crate::convert::{Bytes, Role, bytes, path, position, time};
use crate::error::{Fault, guard};
use crate::identity::Identity;
use crate::recovery::{Pending, shown};
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
    /// Ed25519, 32 bytes, or a passkey of P-256, 33.
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
    /// Policy, ledger and approvals, from the first time that somebody needs them.
    desk: Mutex<Option<Desk>>,
}

impl Wallet {
    pub(crate) fn new(membership: Arc<Membership>, store: Shared) -> Self {
        Self {
            membership: Mutex::new(Some(membership)),
            store,
            erased: Mutex::new(None),
            recoveries: Mutex::default(),
            desk: Mutex::default(),
        }
    }

    /// The records of recoveries that are kept, by their names: one of each in this process.
    pub(crate) fn recoveries(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], Pending>> {
        self.recoveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This party's policy, ledger and approvals.
    pub(crate) fn desk(&self, now_ms: u64) -> Result<Desk, Fault> {
        self.desk_of(now_ms, false)
    }

    /// The same, where the party is new in the wallet and may not know what was signed before.
    pub(crate) fn desk_of(&self, now_ms: u64, remembers_nothing: bool) -> Result<Desk, Fault> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = &*desk {
            return Ok(Arc::clone(desk));
        }
        let authority = Authority::new(&*self.open()?, clock::read(now_ms)?, remembers_nothing)?;
        let made = Arc::new(Mutex::new(authority));
        *desk = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Whether an approver stopped the wallet.
    pub(crate) fn frozen(&self, now_ms: u64) -> Result<Arc<AtomicBool>, Fault> {
        Ok(lock(&self.desk(now_ms)?).frozen())
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
            let approvers = self.open()?.approvers();
            let shown = |one: &PolicyApprover| ApproverInfo {
                role: shown(one.role()),
                key: bytes(one.key()),
            };
            Ok(approvers.iter().map(shown).collect())
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

    /// Opens a wallet from all records that a store holds of it.
    #[napi(catch_unwind)]
    pub fn open_sealed(
        env: &Env,
        identity: &Identity,
        wallet_id: &[u8],
        store: &Store,
        records: Vec<StoredRecord>,
        now_ms: BigInt,
    ) -> napi::Result<Self> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
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
            let shares = membership.current().map_err(Fault::input_from)?;
            let (authority, written) =
                Authority::load(&membership, &shares, &records, now).map_err(Fault::stored)?;
            let writes = erased.into_iter().chain(written).collect();
            let erased = shared.seal(Commit { writes, read_back: Vec::new() })?;
            let wallet = Self::new(membership, shared);
            *wallet.desk.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Arc::new(Mutex::new(authority)));
            *wallet.recoveries() = recoveries;
            *wallet.erased.lock().unwrap_or_else(PoisonError::into_inner) = Some(erased);
            Ok(wallet)
        })
    }

    /// After `openSealed`: what an attempt that nobody acknowledged left is to be erased, and what was found is written.
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
    inner: Mutex<Option<(SigningAuthorization, Claim)>>,
    /// Which request it is for, and whether it still is good.
    name: ([u8; 32], Arc<AtomicBool>),
}

impl Authorization {
    pub(crate) fn new(
        authorization: SigningAuthorization,
        wallet: &Arc<ceremony::Wallet>,
        claim: Claim,
    ) -> Self {
        Self {
            digests: authorization.digests().collect(),
            expires_at_ms: authorization.expires_at_ms(),
            wallet: Arc::clone(wallet),
            name: claim.name(),
            inner: Mutex::new(Some((authorization, claim))),
        }
    }

    /// Which request it is for, and whether it still is good.
    pub(crate) fn name(&self) -> ([u8; 32], Arc<AtomicBool>) {
        self.name.clone()
    }

    /// The right itself and the shares that it is for.
    pub(crate) fn take(
        &self,
        membership: &Arc<Membership>,
        cosigner: Option<ceremony::Role>,
    ) -> Result<(SigningAuthorization, Arc<ceremony::Wallet>, Claim), Fault> {
        if !self.wallet.membership().is_some_and(|of| Arc::ptr_eq(&of, membership)) {
            return Err(Fault::input("the authorization is of another wallet"));
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let other = |(_, claim): &(_, Claim)| cosigner.is_some_and(|with| !claim.is_for(with));
        if inner.as_ref().is_some_and(other) {
            return Err(Fault::input("the authorization is for signing with another party"));
        }
        let taken = inner.take().filter(|(_, claim)| claim.is_live());
        let (authorization, claim) =
            taken.ok_or_else(|| Fault::input(
            "an authorization serves one session, and none after a person or a new policy stopped it",
        ))?;
        Ok((authorization, Arc::clone(&self.wallet), claim))
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
