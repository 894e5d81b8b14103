//! One party's shares of a wallet in one epoch: what signing starts from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use dkls23::derive::{DerivationPath, DerivedKey, derive};
use dkls23::{KeyShare, PartyIndex};
use policy::rulebook::{PolicyApprover, PolicyDocument};

use crate::identity::Identity;
use crate::store::{Key, Secret, Write};
use crate::{Failure, Membership, Persons, Role, Roster};

/// The id of the ECDSA key, which serves EVM chains and Bitcoin P2WPKH.
pub const ECDSA_KEY_ID: &str = "ecdsa";

/// One party's shares of a wallet in one epoch. Secret: the shares inside; nothing secret can be read from it.
pub struct Wallet {
    identity: Arc<Identity>,
    roster: Roster,
    epoch: u64,
    policy: Arc<PolicyDocument>,
    persons: Persons,
    keys: BTreeMap<String, Arc<KeyShare>>,
    membership: Weak<Membership>,
    /// Peers whose poisoning is counted already: one failed check stops many sessions and counts once.
    counted: Mutex<BTreeSet<PartyIndex>>,
}

impl Wallet {
    pub(crate) fn new(
        identity: Arc<Identity>,
        roster: Roster,
        epoch: u64,
        (policy, persons): (Arc<PolicyDocument>, Persons),
        keys: BTreeMap<String, Arc<KeyShare>>,
        membership: Weak<Membership>,
    ) -> Self {
        let counted = Mutex::new(BTreeSet::new());
        Self { identity, roster, epoch, policy, persons, keys, membership, counted }
    }

    /// This party.
    pub fn role(&self) -> Role {
        self.identity.role()
    }

    /// The committee.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The epoch number of the shares.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The policy in force: that of the epoch, or a later version that this party adopted.
    pub fn policy(&self) -> Arc<PolicyDocument> {
        let adopted = self.membership().and_then(|membership| membership.adopted_policy());
        let newer = adopted.filter(|adopted| adopted.version() > self.policy.version());
        newer.unwrap_or_else(|| Arc::clone(&self.policy))
    }

    /// What recoveries changed about the persons of the policy.
    pub fn persons(&self) -> &Persons {
        &self.persons
    }

    /// The persons who decide: those of the policy in force, but for a replaced device the newcomer's.
    pub fn approvers(&self) -> Vec<PolicyApprover> {
        self.persons.approvers(&self.policy())
    }

    /// The group key and chain code of a key.
    pub fn root(&self, key_id: &str) -> Option<([u8; 33], [u8; 32])> {
        let share = self.keys.get(key_id)?;
        Some((share.public_key(), share.epoch().chain_code()))
    }

    /// The public key under a path; local and without rounds.
    ///
    /// # Errors
    /// `Config` for an unknown key, a hardened index, or an index that has no key.
    pub fn derive(&self, key_id: &str, path: &[u32]) -> Result<DerivedKey, Failure> {
        let (public_key, chain_code) =
            self.root(key_id).ok_or_else(|| Failure::config("the wallet has no such key"))?;
        let path = DerivationPath::new(path).map_err(|_| {
            Failure::config("a path has at most 255 indices, none of them hardened")
        })?;
        derive(&public_key, &chain_code, &path)
            .map_err(|_| Failure::config("no key at this index, use the next"))
    }

    /// Whether the shares came from a backup, so that no pair signs before a refresh or recovery.
    pub fn needs_refresh(&self) -> bool {
        self.keys.values().any(|share| share.needs_refresh())
    }

    /// The peers with which this party signs nothing more in this epoch because a check failed.
    pub fn poisoned_peers(&self) -> Vec<Role> {
        if self.needs_refresh() {
            return Vec::new();
        }
        let others = Role::ALL.into_iter().filter(|role| *role != self.role());
        others.filter(|role| self.is_poisoned(role.index())).collect()
    }

    pub(crate) fn is_poisoned(&self, peer: PartyIndex) -> bool {
        self.keys.values().any(|share| share.pair(peer).is_none_or(|pair| pair.is_poisoned()))
    }

    /// Destroys what this party shares with a peer: the pair signs nothing more in this epoch.
    pub(crate) fn poison(&self, peer: PartyIndex) {
        for pair in self.keys.values().filter_map(|share| share.pair(peer)) {
            pair.poison();
        }
    }

    /// The shares as they are now, for their records: without the state of poisoned pairs.
    pub(crate) fn share_writes(&self) -> Vec<Write> {
        let write = |share: &Arc<KeyShare>| {
            let (wallet_id, key_id) = (*self.roster.wallet_id(), share.key_id().to_owned());
            let key = Key::Share { wallet_id, epoch: self.epoch, key_id };
            Write::Put(key, Secret(share.encode()))
        };
        self.keys.values().map(write).collect()
    }

    /// Whether this is the first to know of the poisoning of the pair with a peer.
    pub(crate) fn note_poisoning(&self, peer: PartyIndex) -> bool {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).insert(peer)
    }

    /// The count of a poisoning could not be written: the next session that reports it counts it.
    pub(crate) fn forget_poisoning(&self, peer: PartyIndex) {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).remove(&peer);
    }

    /// All epochs of the wallet, unless the wallet was closed and only sessions go on.
    pub fn membership(&self) -> Option<Arc<Membership>> {
        self.membership.upgrade()
    }

    /// Whether this party acknowledged an epoch in which the peer of this one is another device.
    pub(crate) fn is_replaced(&self, peer: PartyIndex) -> bool {
        let key = self.roster.member(peer).map(|member| member.identity_key);
        let replaced = |membership: Arc<Membership>| {
            key.is_some_and(|key| membership.state().epochs.is_replaced(&key))
        };
        self.membership().is_some_and(replaced)
    }

    pub(crate) fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    pub(crate) fn key(&self, key_id: &str) -> Result<&Arc<KeyShare>, Failure> {
        self.keys.get(key_id).ok_or_else(|| Failure::config("the wallet has no such key"))
    }

    /// All shares, for the registry of verdict gates.
    pub fn shares(&self) -> impl Iterator<Item = &Arc<KeyShare>> {
        self.keys.values()
    }
}

impl core::fmt::Debug for Wallet {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Wallet({}, epoch {}, <secret>)", self.role().name(), self.epoch)
    }
}

/// A path of the right form. Whether there is a key at it (there almost always is) shows when it is derived.
pub(crate) fn check_path(path: &[u32]) -> Result<DerivationPath, Failure> {
    DerivationPath::new(path)
        .map_err(|_| Failure::config("a path has at most 255 indices, none of them hardened"))
}
