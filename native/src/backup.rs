//! Backups: a party's keys and its certified epoch in one file, without anything that a pair shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceremony::Membership;
use ceremony::store::{Key, Secret, Write};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;

use crate::convert::{Bytes, Role, bytes, record, time};
use crate::error::{Fault, guard};
use crate::store::{Store, StoreBatch};
use crate::vault::{self, Vault};
use crate::wallet::Wallet;

/// What was written, and what to note about it.
#[napi(object, object_from_js = false)]
pub struct WrittenBackup {
    /// The file.
    pub file: Bytes,
    /// The epoch of the shares in it.
    pub epoch: BigInt,
    /// That there is a backup of this epoch: to be committed when the file is in the caller's hands.
    pub batch: StoreBatch,
}

/// What a party knows of its wallet's backups.
#[napi(object, object_from_js = false)]
pub struct BackupStatus {
    /// The epoch of the newest backup that was made here.
    pub last_epoch: Option<BigInt>,
    /// When it was made.
    pub last_ms: Option<BigInt>,
    /// When this party came back from a backup.
    pub restored_ms: Option<BigInt>,
    /// The epoch that a backup made now would hold; absent before everybody acknowledged one.
    pub certified_epoch: Option<BigInt>,
}

#[napi]
impl Wallet {
    /// The wallet's certified epoch and this party's keys in one file, sealed under a vault of its own.
    #[napi(catch_unwind)]
    pub fn backup(&self, env: &Env, vault: &Vault, now_ms: BigInt) -> napi::Result<WrittenBackup> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let membership = self.membership()?;
            let pending =
                |_| Fault::new("WALLET_PENDING", "not every party has acknowledged the wallet yet");
            let records = membership.backup().map_err(pending)?;
            let epoch = certified(&membership)
                .ok_or_else(|| Fault::new("INTERNAL", "a backup without certificate"))?;
            let named = records.into_iter().map(|(key, Secret(value))| (vault::name(&key), value));
            let records: BTreeMap<_, _> = named.collect();
            let file = vault.write_backup(&::vault::Backup { export_ms: now_ms, records })?;
            let write = noted(membership.wallet_id(), epoch, now_ms);
            let batch = self.store().persist(vec![write])?;
            Ok(WrittenBackup { file: Bytes::from(file), epoch: BigInt::from(epoch), batch })
        })
    }

    /// The ids of what this party noted about backups: of the newest, and of having come back from one.
    #[napi(getter, catch_unwind)]
    pub fn backup_record_ids(&self, env: &Env) -> napi::Result<Vec<String>> {
        guard(env, || {
            let wallet_id = self.membership()?.wallet_id();
            Ok(status_keys(wallet_id).iter().map(Key::id).collect())
        })
    }

    /// What those records say; `sealed` is what the store holds under the ids, in order.
    #[napi(catch_unwind)]
    pub fn backup_status(
        &self,
        env: &Env,
        sealed: Vec<Option<Uint8Array>>,
    ) -> napi::Result<BackupStatus> {
        guard(env, || {
            let (membership, store) = (self.membership()?, self.store());
            let mut sealed = sealed.iter().map(Option::as_ref);
            let mut read = |key: &Key| {
                let sealed = sealed.next().flatten().map(record).transpose()?;
                store.record(key, sealed)
            };
            let [last, restored] = status_keys(membership.wallet_id());
            let (last, restored) = (read(&last)?, read(&restored)?);
            let last = last.as_ref().map(|value| numbers::<2>(value)).transpose()?;
            let restored = restored.as_ref().map(|value| numbers::<1>(value)).transpose()?;
            Ok(BackupStatus {
                last_epoch: last.map(|[epoch, _]| BigInt::from(epoch)),
                last_ms: last.map(|[_, at_ms]| BigInt::from(at_ms)),
                restored_ms: restored.map(|[at_ms]| BigInt::from(at_ms)),
                certified_epoch: certified(&membership).map(BigInt::from),
            })
        })
    }

    /// Whether the shares came from a backup, so that this party signs nothing before a refresh.
    #[napi(getter, catch_unwind)]
    pub fn needs_refresh(&self, env: &Env) -> napi::Result<bool> {
        guard(env, || Ok(self.open()?.needs_refresh()))
    }
}

/// A backup that was opened and checked.
#[napi]
pub struct Backup {
    membership: Arc<Membership>,
    records: Vec<(Key, Secret)>,
    epoch: u64,
    exported_at_ms: u64,
}

impl Backup {
    fn read(file: &[u8], vault: &Vault) -> Result<Self, Fault> {
        let ::vault::Backup { export_ms, records } = vault.read_backup(file).map_err(refused)?;
        let foreign = || unreadable("the file holds records that no backup has");
        let keyed = |(name, value)| Some((vault::key(&name)?, Secret(value)));
        let mut records =
            records.into_iter().map(keyed).collect::<Option<Vec<_>>>().ok_or_else(foreign)?;
        records.sort_by(|(one, _), (other, _)| one.cmp(other));
        let membership = Membership::restore(&records)
            .map_err(|_| unreadable("the file's share, certificate and keys do not fit"))?;
        let epoch = certified(&membership).ok_or_else(foreign)?;
        Ok(Self { membership, records, epoch, exported_at_ms: export_ms })
    }
}

#[napi]
impl Backup {
    /// Opens a file and checks everything in it: the share against its epoch, the certificate against the roster.
    #[napi(catch_unwind)]
    pub fn open(env: &Env, file: Uint8Array, vault: &Vault) -> napi::Result<Self> {
        guard(env, || Self::read(&record(&file)?, vault))
    }

    /// How a file is unlocked: the header of its vault.
    #[napi(catch_unwind)]
    pub fn header(env: &Env, file: Uint8Array) -> napi::Result<Bytes> {
        guard(env, || {
            let header = ::vault::Backup::header(&record(&file)?).map_err(refused)?;
            Ok(Bytes::from(header.encode()?))
        })
    }

    /// 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn wallet_id(&self) -> Bytes {
        bytes(&self.membership.wallet_id())
    }

    /// Whose backup it is.
    #[napi(getter, catch_unwind)]
    pub fn role(&self) -> Role {
        self.membership.role().into()
    }

    /// The public key of the party whose backup it is.
    #[napi(getter, catch_unwind)]
    pub fn identity_key(&self) -> Bytes {
        bytes(&self.membership.identity().identity_key())
    }

    /// The epoch of the share.
    #[napi(getter, catch_unwind)]
    pub fn epoch(&self) -> BigInt {
        BigInt::from(self.epoch)
    }

    /// When it was made.
    #[napi(getter, catch_unwind)]
    pub fn exported_at_ms(&self) -> BigInt {
        BigInt::from(self.exported_at_ms)
    }

    /// The records of a store that has none of this wallet: what was in the file, and that it came from there.
    #[napi(catch_unwind)]
    pub fn restore(&self, env: &Env, store: &Store, now_ms: BigInt) -> napi::Result<StoreBatch> {
        guard(env, || {
            let (now_ms, wallet_id) = (time(&now_ms, "nowMs")?, self.membership.wallet_id());
            let copy = |(key, Secret(value)): &(Key, Secret)| {
                Write::Create(key.clone(), Secret::copy_from(value))
            };
            let mut writes: Vec<Write> = self.records.iter().map(copy).collect();
            writes.push(noted(wallet_id, self.epoch, self.exported_at_ms));
            let at = Secret::copy_from(&now_ms.to_be_bytes());
            writes.push(Write::Create(Key::Restored { wallet_id }, at));
            store.shared.persist(writes)
        })
    }
}

fn certified(membership: &Membership) -> Option<u64> {
    membership.certificate().map(|certificate| certificate.next_epoch())
}

fn status_keys(wallet_id: [u8; 32]) -> [Key; 2] {
    [Key::LastBackup { wallet_id }, Key::Restored { wallet_id }]
}

/// That there is a backup of an epoch, made at a time.
fn noted(wallet_id: [u8; 32], epoch: u64, at_ms: u64) -> Write {
    let value = [epoch.to_be_bytes(), at_ms.to_be_bytes()].concat();
    Write::Put(Key::LastBackup { wallet_id }, Secret::copy_from(&value))
}

/// A record of so many numbers.
fn numbers<const N: usize>(Secret(value): &Secret) -> Result<[u64; N], Fault> {
    let other = || Fault::new("SHARE_UNREADABLE", "a record about backups of another version");
    let (chunks, rest) = value.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(other());
    }
    let numbers: Vec<u64> = chunks.iter().copied().map(u64::from_be_bytes).collect();
    numbers.try_into().map_err(|_| other())
}

fn unreadable(reason: &'static str) -> Fault {
    Fault::new("BACKUP_UNREADABLE", reason)
}

/// What is wrong with a file is not what is wrong with a store.
fn refused(error: ::vault::Error) -> Fault {
    match error {
        ::vault::Error::WrongKey | ::vault::Error::OtherUnlock | ::vault::Error::Memory => {
            Fault::from(error)
        }
        _ => Fault::new("BACKUP_UNREADABLE", error.to_string()),
    }
}
