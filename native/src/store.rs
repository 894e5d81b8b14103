//! A party's store. In memory: it forgets when the process ends.

use std::sync::{Arc, Mutex};

use ceremony::store::MemoryStore;
use napi_derive::napi;

pub(crate) type Shared = Arc<Mutex<MemoryStore>>;

/// What must outlive a ceremony at this party: seen sessions, shares, poisonings, counts.
#[napi]
pub struct Store {
    pub(crate) shared: Shared,
}

#[napi]
impl Store {
    /// An empty store.
    #[allow(clippy::new_without_default)] // JavaScript's constructor
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self { shared: Arc::new(Mutex::new(MemoryStore::new())) }
    }
}
