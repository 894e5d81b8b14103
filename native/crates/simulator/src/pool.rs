//! Identities that all seeds share: making them is slow, and nothing about epochs depends on which they are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ceremony::{Card, Identity, Role, Roster};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::schedule::Founded;

/// One device in the pool; its role is `number % 3`.
pub type DeviceId = usize;

/// The wallet of every seed.
pub const WALLET_ID: [u8; 32] = [7; 32];
/// More devices than one seed can use.
pub const DEVICES: usize = 3 * 12;

/// Real identities, and the rosters that were asked for.
pub struct Pool {
    identities: Vec<(Arc<Identity>, Card)>,
    rosters: Mutex<BTreeMap<[DeviceId; 3], Roster>>,
    /// A wallet that three parties made undisturbed: where most seeds begin.
    pub(crate) founded: OnceLock<Founded>,
}

impl Default for Pool {
    fn default() -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let identities = (0..DEVICES).map(|id| {
            let identity = Arc::new(Identity::generate(role_of(id), &mut rng));
            let card = Card::decode(&identity.pair(&mut rng).card()).expect("a card of ours");
            (identity, card)
        });
        Self {
            identities: identities.collect(),
            rosters: Mutex::default(),
            founded: OnceLock::new(),
        }
    }
}

/// The role of a device.
pub fn role_of(id: DeviceId) -> Role {
    Role::ALL[id % 3]
}

impl Pool {
    /// A device's keys.
    pub fn identity(&self, id: DeviceId) -> &Arc<Identity> {
        &self.identities[id].0
    }

    /// The public identity key of a device.
    pub fn key(&self, id: DeviceId) -> [u8; 32] {
        self.identities[id].1.identity_key
    }

    /// The committee of three devices, one per role.
    pub fn roster(&self, devices: [DeviceId; 3]) -> Roster {
        let mut rosters = self.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let cards = devices.map(|id| self.identities[id].1.clone());
            Roster::from_cards(WALLET_ID, &cards).expect("one device per role")
        };
        rosters.entry(devices).or_insert_with(make).clone()
    }
}
