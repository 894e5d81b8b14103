//! The key that seals a party's records: from a password, or one that a keychain or KMS keeps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use ceremony::store::{Key, SpendingRecord};
use napi::Env;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi_derive::napi;
use vault::{Kdf, Kek, KekId, RecordName, Unlock, VaultHeader, WrappingKey};
use zeroize::Zeroizing;

use crate::convert::{Bytes, SecretBytes, SecretText, bytes, copies, record};
use crate::error::{Fault, guard};
use crate::generator::Generator;
use crate::identity::Identity;
use crate::pool::{self, Permit};
use crate::store::{Sealed, Store, StoreBatch, StoreWrite, StoreWriteKind, StoredRecord, keyed};

/// The suite of the keys that this version makes.
const SUITE: &str = "dkls23-secp256k1";
/// Names the paper that words are on, where others name a keychain.
const WORDS: &str = "slip39";
/// A list of the longest secret that the standard allows has half as many.
const MAX_LIST_BYTES: usize = 1_024;
/// More is no password.
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Seals and opens records by their keys. Its clones share what they seal with.
#[derive(Clone)]
pub(crate) struct Sealer {
    keks: Arc<RwLock<Keks>>,
}

/// What records are sealed under.
struct Keks {
    /// Seals; absent once the vault is locked.
    current: Option<Arc<Kek>>,
    /// Only opens: what records are moved away from.
    previous: Option<Arc<Kek>>,
}

impl Sealer {
    fn new(kek: Kek) -> Self {
        let keks = Keks { current: Some(Arc::new(kek)), previous: None };
        Self { keks: Arc::new(RwLock::new(keks)) }
    }

    pub(crate) fn seal(&self, key: &Key, plaintext: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut rng = Generator::new(b"vault/seal")?;
        Ok(vault::seal(&*self.current()?, &name(key), plaintext, &mut rng)?)
    }

    pub(crate) fn open(&self, key: &Key, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let current = self.current()?;
        let kek = match self.previous() {
            Some(previous) if vault::kek_id(sealed)? == previous.id() => previous,
            _ => current,
        };
        Ok(vault::open(&kek, &name(key), sealed)?)
    }

    fn current(&self) -> Result<Arc<Kek>, Fault> {
        let keks = self.keks.read().unwrap_or_else(PoisonError::into_inner);
        keks.current.clone().ok_or_else(|| Fault::new("SESSION_CLOSED", "the vault is locked"))
    }

    fn previous(&self) -> Option<Arc<Kek>> {
        self.keks.read().unwrap_or_else(PoisonError::into_inner).previous.clone()
    }

    fn replace(&self, current: Option<Arc<Kek>>, previous: Option<Arc<Kek>>) {
        *self.keks.write().unwrap_or_else(PoisonError::into_inner) = Keks { current, previous };
    }
}

/// The name under which a record is sealed: it opens under no other. The group key is not among it, since a share
/// names its epoch, whose id hashes the group key, and is not used under another.
pub(crate) fn name(key: &Key) -> RecordName {
    let record = |kind: &str, wallet_id: &[u8; 32], epoch: u64| RecordName {
        kind: kind.to_owned(),
        wallet_id: *wallet_id,
        key_id: String::new(),
        suite: String::new(),
        index: 0,
        required: 0,
        total: 0,
        group_public_key: Vec::new(),
        epoch,
    };
    let about = |kind: &str, of: &[u8; 32], whom: &[u8; 32]| RecordName {
        key_id: hex::encode(whom),
        ..record(kind, of, 0)
    };
    match key {
        Key::Identity => record("identity", &[0; 32], 0),
        Key::SeenSession(session_id) => about("session", &[0; 32], session_id),
        Key::Share { wallet_id, epoch, key_id } => RecordName {
            key_id: key_id.clone(),
            suite: SUITE.to_owned(),
            required: ceremony::THRESHOLD.required,
            total: ceremony::THRESHOLD.total,
            ..record("share", wallet_id, *epoch)
        },
        Key::Prepared { wallet_id, epoch } => record("prepared", wallet_id, *epoch),
        Key::Intent { wallet_id, epoch } => record("intent", wallet_id, *epoch),
        Key::Acknowledged { wallet_id, epoch } => record("acknowledged", wallet_id, *epoch),
        Key::Certificate { wallet_id, epoch } => record("certificate", wallet_id, *epoch),
        Key::PendingRecovery { wallet_id, replacement } => {
            about("recovery", wallet_id, replacement)
        }
        Key::LostVerdicts { wallet_id, identity_key } => {
            about("lost-verdicts", wallet_id, identity_key)
        }
        Key::Replaced { wallet_id, identity_key } => about("replaced", wallet_id, identity_key),
        Key::PolicyState { wallet_id } => record("policy", wallet_id, 0),
        Key::FreezeState { wallet_id } => record("freeze", wallet_id, 0),
        Key::Approvals { wallet_id, request } => about("approvals", wallet_id, request),
        Key::Spending { wallet_id, record, name } => about(spending(*record), wallet_id, name),
        Key::LastBackup { wallet_id } => record("last-backup", wallet_id, 0),
        Key::Restored { wallet_id } => record("restored", wallet_id, 0),
        Key::SetupFailures(own, peer) => about("setup-failures", own, peer),
        Key::Poisonings(own, peer) => about("poisonings", own, peer),
        Key::Cheats(own, peer) => about("cheats", own, peer),
    }
}

const fn spending(record: SpendingRecord) -> &'static str {
    match record {
        SpendingRecord::Request => "spending-request",
        SpendingRecord::Waiting => "spending-waiting",
        SpendingRecord::Recipient => "spending-recipient",
        SpendingRecord::State => "spending-state",
    }
}

/// The key of a record in a backup, by the name that [`name`] gives it; `None` for what no backup holds.
pub(crate) fn key(of: &RecordName) -> Option<Key> {
    let RecordName { wallet_id, epoch, .. } = *of;
    let key = match of.kind.as_str() {
        "identity" => Key::Identity,
        "share" => Key::Share { wallet_id, epoch, key_id: of.key_id.clone() },
        "prepared" => Key::Prepared { wallet_id, epoch },
        "acknowledged" => Key::Acknowledged { wallet_id, epoch },
        "certificate" => Key::Certificate { wallet_id, epoch },
        "replaced" => {
            let mut identity_key = [0; 32];
            hex::decode_to_slice(&of.key_id, &mut identity_key).ok()?;
            Key::Replaced { wallet_id, identity_key }
        }
        _ => return None,
    };
    (name(&key) == *of).then_some(key)
}

impl From<vault::Error> for Fault {
    fn from(error: vault::Error) -> Self {
        let code = match error {
            vault::Error::WrongKey | vault::Error::OtherUnlock => "WRONG_PASSWORD",
            vault::Error::TooLong => "INVALID_INPUT",
            vault::Error::Memory => "NATIVE_BUSY",
            _ => "SHARE_UNREADABLE",
        };
        Self::new(code, error.to_string())
    }
}

/// An unlocked vault: seals and opens the records of one store.
#[napi]
pub struct Vault {
    header: Mutex<Vec<u8>>,
    sealer: Sealer,
}

impl Vault {
    fn new((header, kek): (VaultHeader, Kek)) -> Result<Self, Fault> {
        Ok(Self { header: Mutex::new(header.encode()?), sealer: Sealer::new(kek) })
    }

    fn encoded(&self) -> MutexGuard<'_, Vec<u8>> {
        self.header.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A backup file whose vault this is.
    pub(crate) fn write_backup(&self, backup: &vault::Backup) -> Result<Vec<u8>, Fault> {
        let header = VaultHeader::decode(&self.encoded())?;
        let mut rng = Generator::new(b"vault/backup")?;
        Ok(backup.write(&header, &*self.sealer.current()?, &mut rng)?)
    }

    pub(crate) fn read_backup(&self, file: &[u8]) -> Result<vault::Backup, vault::Error> {
        let kek = self.sealer.current().map_err(|_| vault::Error::WrongKey)?;
        vault::Backup::read(file, &kek)
    }
}

#[napi]
impl Vault {
    /// A new vault that a password opens; takes 64 MiB and a fraction of a second, or 256 MiB if it is to be `costly`.
    #[napi(catch_unwind, ts_return_type = "Promise<Vault>")]
    pub fn create_with_password<'env>(
        env: &'env Env,
        password: &[u8],
        costly: bool,
    ) -> napi::Result<Object<'env>> {
        let (password, permit) = guard(env, || Ok((secret(password)?, Permit::take()?)))?;
        let make = move || {
            let mut rng = Generator::new(b"vault/header")?;
            let kdf = if costly { Kdf::VAULT } else { Kdf::DEFAULT };
            Self::new(VaultHeader::with_password(&password, kdf, &mut rng)?)
        };
        pool::spawn(env, permit, make, |vault| vault)
    }

    /// Opens a vault by its password.
    #[napi(catch_unwind, ts_return_type = "Promise<Vault>")]
    pub fn unlock_with_password<'env>(
        env: &'env Env,
        header: &[u8],
        password: &[u8],
    ) -> napi::Result<Object<'env>> {
        let claim = || {
            let [header] = copies([header])?;
            Ok((VaultHeader::decode(&header)?, secret(password)?, Permit::take()?))
        };
        let (header, password, permit) = guard(env, claim)?;
        let open = move || {
            let kek = header.unlock_with_password(&password)?;
            Self::new((header, kek))
        };
        pool::spawn(env, permit, open, |vault| vault)
    }

    /// Opens a vault by the key that its wrapper gave back. The caller wipes its own copy.
    #[napi(catch_unwind)]
    pub fn unlock_with_key(env: &Env, header: &[u8], key: &[u8]) -> napi::Result<Self> {
        guard(env, || {
            let [header] = copies([header])?;
            let header = VaultHeader::decode(&header)?;
            let key = wrapping_key(key)?;
            let kek = header.unlock_with_wrapping_key(&key)?;
            Self::new((header, kek))
        })
    }

    /// Opens a vault whose key was split into words: two of the three lists.
    #[napi(catch_unwind, ts_return_type = "Promise<Vault>")]
    pub fn unlock_with_words<'env>(
        env: &'env Env,
        header: &[u8],
        lists: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        let lists: Vec<_> = lists.into_iter().map(Zeroizing::new).collect();
        let claim = || {
            let [header] = copies([header])?;
            let fits = lists.len() == slip39::REQUIRED
                && lists.iter().all(|list| list.len() <= MAX_LIST_BYTES);
            if !fits {
                return Err(Fault::input("two of the three lists of words are needed"));
            }
            Ok((VaultHeader::decode(&header)?, Permit::take()?))
        };
        let (header, permit) = guard(env, claim)?;
        let open = move || {
            let lists: Vec<&str> = lists.iter().map(|list| list.as_str()).collect();
            let secret = slip39::combine(&lists, "")
                .map_err(|error| Fault::new("WORDS_INVALID", error.to_string()))?;
            let kek = header.unlock_with_wrapping_key(&wrapping_key(&secret)?)?;
            Self::new((header, kek))
        };
        pool::spawn(env, permit, open, |vault| vault)
    }

    /// Public: how the vault is opened. Kept beside the records.
    #[napi(getter, catch_unwind)]
    pub fn header(&self) -> Bytes {
        bytes(&self.encoded())
    }

    /// The party's secret keys, from their record.
    #[napi(catch_unwind)]
    pub fn open_identity(&self, env: &Env, sealed: &[u8]) -> napi::Result<Identity> {
        guard(env, || {
            let [sealed] = copies([sealed])?;
            let plain = self.sealer.open(&Key::Identity, &sealed)?;
            ceremony::Identity::decode(&plain)
                .map(|keys| Identity { keys: Arc::new(keys) })
                .ok_or_else(|| Fault::new("SHARE_UNREADABLE", "an identity of another version"))
        })
    }

    /// What sessions of this party seal with; `records` are those of the store under `session/` and `count/`.
    #[napi(catch_unwind)]
    pub fn store(&self, env: &Env, records: Vec<StoredRecord>) -> napi::Result<Store> {
        guard(env, || {
            let records = keyed(&records)?.into_iter();
            Ok(Store::sealed(Sealed::new(self.sealer.clone(), records)?))
        })
    }
}

/// The keys of two vaults, each under the other.
#[napi(object, object_from_js = false)]
pub struct VaultLinks {
    /// The next one's under this one's.
    pub forward: Bytes,
    /// This one's under the next one's.
    pub back: Bytes,
}

/// Moving the records of a store from this vault's key to another one's: `linkTo`, which the store keeps beside the
/// header of the next vault; `moveTo`, from which on records are sealed under the next key and opened under both;
/// `rewrap` for all records; and `forgetPrevious` when the next header has taken the place of the first.
#[napi]
impl Vault {
    /// What keeps the store readable to whoever opens either vault, until the move is done.
    #[napi(catch_unwind)]
    pub fn link_to(&self, env: &Env, next: &Vault) -> napi::Result<VaultLinks> {
        guard(env, || {
            let mut rng = Generator::new(b"vault/link")?;
            let (own, other) = (self.sealer.current()?, next.sealer.current()?);
            Ok(VaultLinks {
                forward: Bytes::from(vault::seal_kek(&own, &other, &mut rng)?),
                back: Bytes::from(vault::seal_kek(&other, &own, &mut rng)?),
            })
        })
    }

    /// From here on the records are the next vault's. What seals with this one does as well.
    #[napi(catch_unwind)]
    pub fn move_to(&self, env: &Env, next: &Vault) -> napi::Result<()> {
        guard(env, || {
            let (own, other) = (self.sealer.current()?, next.sealer.current()?);
            if self.sealer.previous().is_some() {
                return Err(Fault::input("the move before has to be done first"));
            }
            let header = next.encoded().clone();
            *self.encoded() = header;
            self.sealer.replace(Some(other), Some(own));
            Ok(())
        })
    }

    /// In a store whose move was interrupted, and whose first vault this is: goes on with it.
    #[napi(catch_unwind)]
    pub fn move_forward(&self, env: &Env, next_header: &[u8], forward: &[u8]) -> napi::Result<()> {
        guard(env, || {
            let [header, forward] = copies([next_header, forward])?;
            let own = self.sealer.current()?;
            let other = linked(&own, &header, &forward)?;
            *self.encoded() = header;
            self.sealer.replace(Some(other), Some(own));
            Ok(())
        })
    }

    /// In a store whose move was interrupted, and whose next vault this is: opens what was not moved yet.
    #[napi(catch_unwind)]
    pub fn reach_back(&self, env: &Env, header: &[u8], back: &[u8]) -> napi::Result<()> {
        guard(env, || {
            let [header, back] = copies([header, back])?;
            let own = self.sealer.current()?;
            let other = linked(&own, &header, &back)?;
            self.sealer.replace(Some(own), Some(other));
            Ok(())
        })
    }

    /// Moves records; those that are not under the previous key stay as they are.
    #[napi(catch_unwind)]
    pub fn rewrap(&self, env: &Env, records: Vec<StoredRecord>) -> napi::Result<StoreBatch> {
        guard(env, || {
            let current = self.sealer.current()?;
            let mut writes = Vec::new();
            if let Some(previous) = self.sealer.previous() {
                let mut rng = Generator::new(b"vault/rewrap")?;
                for (key, sealed) in keyed(&records)? {
                    if vault::kek_id(&sealed)? == previous.id() {
                        let moved =
                            vault::rewrap(&sealed, &name(&key), &previous, &current, &mut rng)?;
                        writes.push(StoreWrite {
                            kind: StoreWriteKind::Put,
                            id: key.id(),
                            value: Some(Bytes::from(moved)),
                        });
                    }
                }
            }
            Ok(StoreBatch { writes, read_back: Vec::new() })
        })
    }

    /// When nothing is sealed under the previous key any more.
    #[napi(catch_unwind)]
    pub fn forget_previous(&self, env: &Env) -> napi::Result<()> {
        guard(env, || {
            self.sealer.replace(Some(self.sealer.current()?), None);
            Ok(())
        })
    }

    /// Wipes the keys: from here on neither this vault nor what it gave its store to seals or opens a record.
    #[napi(catch_unwind)]
    pub fn lock(&self) {
        self.sealer.replace(None, None);
    }
}

/// The key of another vault of the same store.
fn linked(own: &Kek, header: &[u8], link: &[u8]) -> Result<Arc<Kek>, Fault> {
    let id: KekId = VaultHeader::decode(header)?.kek_id();
    Ok(Arc::new(vault::open_kek(own, id, link)?))
}

/// A new key on its way to its wrapper.
#[napi]
pub struct FreshKey {
    wrapper: String,
    key: Mutex<Option<WrappingKey>>,
}

#[napi]
impl FreshKey {
    /// For a wrapper of this name.
    #[napi(constructor, catch_unwind)]
    pub fn generate(env: &Env, wrapper: String) -> napi::Result<Self> {
        guard(env, || {
            let key = WrappingKey::generate(&mut Generator::new(b"vault/wrapping-key")?);
            Ok(Self { wrapper, key: Mutex::new(Some(key)) })
        })
    }

    /// For people: the name under which [`FreshKey::split_into_words`] belongs.
    #[napi(catch_unwind)]
    pub fn for_words(env: &Env) -> napi::Result<Self> {
        Self::generate(env, WORDS.to_owned())
    }

    /// Three lists of words by SLIP-39, any two of which open the vault: **secret**, each to be kept in a place of its
    /// own.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<string>>")]
    pub fn split_into_words<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let claim = || {
            let key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
            let key = key.as_ref().ok_or_else(used)?;
            Ok((WrappingKey::from_bytes(key.expose_for_wrapping()), Permit::take()?))
        };
        let (key, permit) = guard(env, claim)?;
        let split = move || {
            let mut rng = Generator::new(b"vault/words")?;
            slip39::split(key.expose_for_wrapping(), "", &mut rng)
                .map_err(|error| Fault::new("INTERNAL", error.to_string()))
        };
        pool::spawn(env, permit, split, |lists| {
            Ok(lists?.into_iter().map(SecretText::from).collect::<Vec<_>>())
        })
    }

    /// The 32 bytes: **secret, in the clear**, for the wrapper; to be wiped behind it.
    #[napi(catch_unwind)]
    pub fn expose(&self, env: &Env) -> napi::Result<SecretBytes> {
        guard(env, || {
            let key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
            key.as_ref()
                .map(|key| SecretBytes::copy_from(key.expose_for_wrapping()))
                .ok_or_else(used)
        })
    }

    /// The vault of this key, which the wrapper keeps as `wrapped`. Once.
    #[napi(catch_unwind)]
    pub fn create_vault(&self, env: &Env, wrapped: &[u8]) -> napi::Result<Vault> {
        guard(env, || {
            let [wrapped] = copies([wrapped])?;
            let mut slot = self.key.lock().unwrap_or_else(PoisonError::into_inner);
            let key = slot.as_ref().ok_or_else(used)?;
            let mut rng = Generator::new(b"vault/header")?;
            let made = VaultHeader::with_wrapping_key(key, &self.wrapper, &wrapped, &mut rng)?;
            let vault = Vault::new(made)?;
            *slot = None;
            Ok(vault)
        })
    }
}

/// What a vault's header says.
#[napi(object, object_from_js = false)]
pub struct VaultHeaderInfo {
    /// The name of the key wrapper; absent if a password opens it.
    pub wrapper: Option<String>,
    /// What the wrapper gives the key back for.
    pub wrapped: Option<Bytes>,
}

/// Reads a vault's header; opens nothing.
#[napi(catch_unwind)]
pub fn read_vault_header(env: &Env, header: Uint8Array) -> napi::Result<VaultHeaderInfo> {
    guard(env, || {
        let header = VaultHeader::decode(&record(&header)?)?;
        Ok(match header.unlock() {
            Unlock::Password(_) => VaultHeaderInfo { wrapper: None, wrapped: None },
            Unlock::WrappingKey { wrapper, wrapped } => {
                VaultHeaderInfo { wrapper: Some(wrapper.clone()), wrapped: Some(bytes(wrapped)) }
            }
        })
    })
}

fn used() -> Fault {
    Fault::input("a fresh key serves one vault")
}

fn secret(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    if bytes.is_empty() || bytes.len() > MAX_PASSWORD_BYTES {
        return Err(Fault::input("a password has 1 to 1,024 bytes"));
    }
    Ok(Zeroizing::new(bytes.to_vec()))
}

fn wrapping_key(bytes: &[u8]) -> Result<WrappingKey, Fault> {
    let key: &[u8; 32] =
        bytes.try_into().map_err(|_| Fault::new("WRONG_PASSWORD", "a wrapped key has 32 bytes"))?;
    Ok(WrappingKey::from_bytes(key))
}
