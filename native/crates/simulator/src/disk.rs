//! A device's durable store: the shipped memory store, of which a crash loses nothing, with what stands in it.

use std::collections::{BTreeMap, BTreeSet};

use ceremony::store::{Commit, Key, MemoryStore, Secret, Store, StoreError, Write};

/// What stands on a disk.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct View {
    /// Epochs with the bytes of their share.
    pub shares: BTreeMap<u64, Vec<u8>>,
    /// Epochs that are prepared.
    pub prepared: BTreeSet<u64>,
    /// Acknowledged transcripts.
    pub acknowledged: BTreeMap<u64, Vec<u8>>,
    /// Certified epochs.
    pub certified: BTreeSet<u64>,
    /// Keys that work no more.
    pub replaced: BTreeSet<[u8; 32]>,
    /// Numbers taken.
    pub intents: BTreeSet<u64>,
    /// Identity keys whose poisoning is counted.
    pub poisoned: BTreeSet<[u8; 32]>,
}

impl View {
    /// The newest certified epoch, 0 if there is none.
    pub fn newest_certified(&self) -> u64 {
        self.certified.last().copied().unwrap_or(0)
    }
}

/// The store, and a view of it that is made anew after each commit.
#[derive(Default)]
pub struct Disk {
    store: MemoryStore,
    view: View,
}

impl Disk {
    /// A disk with these records.
    pub fn restored(records: &[(Key, Secret)]) -> Self {
        let mut disk = Self::default();
        let put = |(key, Secret(value)): &(Key, Secret)| {
            Write::Put(key.clone(), Secret::copy_from(value))
        };
        disk.commit(records.iter().map(put).collect()).expect("nothing is created");
        disk
    }

    /// Everything or nothing.
    ///
    /// # Errors
    /// The store's.
    pub fn commit(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.store.commit(Commit { writes, read_back: Vec::new() })?;
        self.view = View::default();
        for (key, Secret(value)) in self.store.records() {
            match key {
                Key::Share { epoch, .. } => {
                    self.view.shares.insert(epoch, value.to_vec());
                }
                Key::Prepared { epoch, .. } => {
                    self.view.prepared.insert(epoch);
                }
                Key::Acknowledged { epoch, .. } => {
                    self.view.acknowledged.insert(epoch, value.to_vec());
                }
                Key::Certificate { epoch, .. } => {
                    self.view.certified.insert(epoch);
                }
                Key::Replaced { identity_key, .. } => {
                    self.view.replaced.insert(identity_key);
                }
                Key::Intent { epoch, .. } => {
                    self.view.intents.insert(epoch);
                }
                Key::Poisonings(_, peer) => {
                    self.view.poisoned.insert(peer);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What stands on it.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// A copy of all records: what a restart reads, and what a snapshot is.
    pub fn records(&self) -> Vec<(Key, Secret)> {
        self.store.records()
    }
}
