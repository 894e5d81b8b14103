//! A party's records: in memory, for parties that end with their process, or sealed here and kept by JavaScript.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ceremony::store::{
    Commit, Key, MemoryStore, ReadBack, Secret, Store as _, StoreError, Write, count,
};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::convert::{Bytes, record};
use crate::error::{Fault, guard};
use crate::identity::Identity;
use crate::vault::Sealer;

pub(crate) type Shared = Arc<Records>;

/// Where a party's records are.
pub(crate) enum Records {
    Memory(Mutex<MemoryStore>),
    Sealed(Sealed),
}

/// What came of handing a commit to a store.
pub(crate) enum Committing {
    Done(Result<ReadBack, StoreError>),
    /// To be sealed, and committed by JavaScript.
    Elsewhere(Commit),
}

impl Records {
    pub(crate) fn commit(&self, commit: Commit) -> Committing {
        match self {
            Self::Memory(store) => {
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                Committing::Done(store.commit(commit))
            }
            Self::Sealed(_) => Committing::Elsewhere(commit),
        }
    }

    pub(crate) fn seal(&self, commit: Commit) -> Result<StoreBatch, Fault> {
        match self {
            Self::Memory(_) => Err(Fault::input("records in memory are not sealed")),
            Self::Sealed(sealed) => sealed.seal(commit),
        }
    }

    /// Commits a write of this party's own, outside of sessions: at once in memory, else sealed for JavaScript.
    pub(crate) fn persist(&self, writes: Vec<Write>) -> Result<StoreBatch, Fault> {
        match self.commit(Commit { writes, read_back: Vec::new() }) {
            Committing::Elsewhere(commit) => self.seal(commit),
            Committing::Done(Ok(_)) => Ok(StoreBatch { writes: Vec::new(), read_back: Vec::new() }),
            Committing::Done(Err(_)) => {
                Err(Fault::new("STORE_UNAVAILABLE", "the store could not be written"))
            }
        }
    }

    /// A record of this party: what JavaScript read, or from memory.
    pub(crate) fn record(
        &self,
        key: &Key,
        sealed: Option<Vec<u8>>,
    ) -> Result<Option<Secret>, Fault> {
        let unavailable = |_| Fault::new("SHARE_UNREADABLE", "a sealed record does not open");
        let read = match self {
            Self::Sealed(_) => self.open(core::slice::from_ref(key), vec![sealed]),
            Self::Memory(store) => {
                let commit = Commit { writes: Vec::new(), read_back: vec![key.clone()] };
                store.lock().unwrap_or_else(PoisonError::into_inner).commit(commit)
            }
        };
        Ok(read.map_err(unavailable)?.pop().flatten())
    }

    /// Opens what was read back, one record for each key.
    pub(crate) fn open(
        &self,
        keys: &[Key],
        sealed: Vec<Option<Vec<u8>>>,
    ) -> Result<ReadBack, StoreError> {
        let Self::Sealed(records) = self else { return Err(StoreError::Unavailable) };
        if keys.len() != sealed.len() {
            return Err(StoreError::Unavailable);
        }
        let open = |(key, bytes): (&Key, Option<Vec<u8>>)| {
            let open = |bytes: Vec<u8>| records.sealer.open(key, &bytes).map(Secret);
            bytes.map(open).transpose().map_err(|_| StoreError::Unavailable)
        };
        keys.iter().zip(sealed).map(open).collect()
    }
}

/// Records that are sealed here. Small ones that every session needs stay in mind: seen sessions and counts.
pub(crate) struct Sealed {
    sealer: Sealer,
    index: Mutex<Index>,
}

#[derive(Default)]
struct Index {
    /// The seen sessions, with the time at which they expire.
    sessions: BTreeMap<[u8; 32], u64>,
    counts: BTreeMap<Key, u32>,
}

impl Sealed {
    /// From the records that a store holds under `session/` and `count/`.
    pub(crate) fn new(
        sealer: Sealer,
        records: impl Iterator<Item = (Key, Vec<u8>)>,
    ) -> Result<Self, Fault> {
        let mut index = Index::default();
        for (key, bytes) in records {
            let value = Secret(sealer.open(&key, &bytes)?);
            match key {
                Key::SeenSession(session_id) => {
                    let expires_at = value.0.as_slice().try_into().map(u64::from_be_bytes);
                    index.sessions.insert(session_id, expires_at.unwrap_or(u64::MAX));
                }
                key @ (Key::SetupFailures(..) | Key::Poisonings(..) | Key::Cheats(..)) => {
                    index.counts.insert(key, count(&value));
                }
                _ => {}
            }
        }
        Ok(Self { sealer, index: Mutex::new(index) })
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals a commit's writes. What is in mind is ahead of the disk until the batch is durable: a session is never
    /// joined twice and nothing is counted too low, whatever becomes of the batch.
    fn seal(&self, commit: Commit) -> Result<StoreBatch, Fault> {
        let mut index = self.index();
        let mut writes = Vec::with_capacity(commit.writes.len());
        for write in commit.writes {
            match write {
                Write::Put(key, value) => {
                    writes.push(self.put(StoreWriteKind::Put, &key, &value)?)
                }
                Write::Create(key, value) => {
                    if let Key::SeenSession(session_id) = &key {
                        let expires_at = value.0.as_slice().try_into().map(u64::from_be_bytes);
                        index.sessions.insert(*session_id, expires_at.unwrap_or(u64::MAX));
                    }
                    writes.push(self.put(StoreWriteKind::Create, &key, &value)?);
                }
                Write::Delete(key) => writes.push(delete(&key)),
                Write::Increment(key) => {
                    let next = index.counts.get(&key).copied().unwrap_or(0).saturating_add(1);
                    index.counts.insert(key.clone(), next);
                    let value = Secret::copy_from(&next.to_be_bytes());
                    writes.push(self.put(StoreWriteKind::Put, &key, &value)?);
                }
                Write::ForgetSessionsBefore(now_ms) => {
                    index.sessions.retain(|session_id, expires_at| {
                        let alive = *expires_at > now_ms;
                        if !alive {
                            writes.push(delete(&Key::SeenSession(*session_id)));
                        }
                        alive
                    });
                }
            }
        }
        let read_back = commit.read_back.iter().map(Key::id).collect();
        Ok(StoreBatch { writes, read_back })
    }

    fn put(&self, kind: StoreWriteKind, key: &Key, value: &Secret) -> Result<StoreWrite, Fault> {
        let sealed = self.sealer.seal(key, &value.0)?;
        Ok(StoreWrite { kind, id: key.id(), value: Some(Bytes::from(sealed)) })
    }
}

fn delete(key: &Key) -> StoreWrite {
    StoreWrite { kind: StoreWriteKind::Delete, id: key.id(), value: None }
}

/// What a write does.
#[napi(string_enum = "lowercase")]
pub enum StoreWriteKind {
    /// Sets a record.
    Put,
    /// Sets a record that must not exist.
    Create,
    /// Removes a record.
    Delete,
}

/// One write of a batch.
#[napi(object, object_from_js = false)]
pub struct StoreWrite {
    /// What it does.
    pub kind: StoreWriteKind,
    /// The record's id.
    pub id: String,
    /// Its sealed bytes; absent where it is removed.
    pub value: Option<Bytes>,
}

/// What is to be written, all or nothing, and then read.
#[napi(object, object_from_js = false)]
pub struct StoreBatch {
    /// In order.
    pub writes: Vec<StoreWrite>,
    /// Ids of the records to be read afterwards.
    pub read_back: Vec<String>,
}

/// A record as a store gave it.
#[napi(object)]
pub struct StoredRecord {
    /// Its id.
    pub id: String,
    /// Its sealed bytes.
    pub value: Uint8Array,
}

/// What must outlive a ceremony at this party: seen sessions, shares, poisonings, counts.
#[napi]
pub struct Store {
    pub(crate) shared: Shared,
}

impl Store {
    pub(crate) fn sealed(sealed: Sealed) -> Self {
        Self { shared: Arc::new(Records::Sealed(sealed)) }
    }
}

#[napi]
impl Store {
    /// An empty store in the memory of this process.
    #[allow(clippy::new_without_default)] // JavaScript's constructor
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self { shared: Arc::new(Records::Memory(Mutex::new(MemoryStore::new()))) }
    }

    /// The party's secret keys, sealed, to be committed once.
    #[napi(catch_unwind)]
    pub fn seal_identity(&self, env: &Env, identity: &Identity) -> napi::Result<StoreBatch> {
        guard(env, || {
            let value = Secret(identity.keys.encode());
            let writes = vec![Write::Create(Key::Identity, value)];
            self.shared.seal(Commit { writes, read_back: Vec::new() })
        })
    }
}

impl Records {
    /// Opens the records of a store, in order.
    pub(crate) fn open_all(&self, records: &[StoredRecord]) -> Result<Vec<(Key, Secret)>, Fault> {
        let Self::Sealed(sealed) = self else {
            return Err(Fault::input("records in memory are not sealed"));
        };
        keyed(records)?
            .into_iter()
            .map(|(key, bytes)| {
                let value = sealed.sealer.open(&key, &bytes)?;
                Ok((key, Secret(value)))
            })
            .collect()
    }
}

/// Records by their keys; an id that is no key's is an error: whatever wrote it was not this version.
pub(crate) fn keyed(records: &[StoredRecord]) -> Result<Vec<(Key, Vec<u8>)>, Fault> {
    records
        .iter()
        .map(|StoredRecord { id, value }| {
            let key = Key::parse(id).ok_or_else(|| {
                Fault::new("SHARE_UNREADABLE", "the store holds a record of another version")
            })?;
            Ok((key, record(value)?))
        })
        .collect()
}
