//! One party's membership of a wallet: its identity, and the shares of every epoch that it holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dkls23::KeyShare;

use crate::acknowledgement::Certificate;
use crate::document::PolicyDocument;
use crate::epochs::{Epochs, Prepared};
use crate::identity::Identity;
use crate::store::{Commit, Key, ReadBack, Secret, Write};
use crate::wallet::Wallet;
use crate::{Failure, Role};

/// A party's membership, shared by all its ceremonies. Secret: the shares inside.
pub struct Membership {
    identity: Arc<Identity>,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) epochs: Epochs,
    /// One handle per epoch, so that there is one verdict gate per epoch, key and peer.
    wallets: BTreeMap<u64, Arc<Wallet>>,
}

impl Membership {
    /// Of a party that holds no share yet.
    pub(crate) fn new(identity: Arc<Identity>, wallet_id: [u8; 32]) -> Self {
        let state = State { epochs: Epochs::new(wallet_id), wallets: BTreeMap::new() };
        Self { identity, state: Mutex::new(state) }
    }

    /// From what a store holds of a wallet, after whatever ended the process before. What was being made and not
    /// acknowledged cannot go on: the returned writes erase it, and are to be committed first.
    ///
    /// # Errors
    /// `Storage`: a record that cannot be read, a share that is missing, or not of this party and epoch.
    pub fn load(
        identity: Arc<Identity>,
        wallet_id: [u8; 32],
        records: &[(Key, Secret)],
    ) -> Result<(Self, Vec<Write>), Failure> {
        let each = records.iter().map(|(key, secret)| (key, secret));
        let mut epochs = Epochs::load(wallet_id, each).ok_or_else(Failure::storage)?;
        let mut writes = Vec::new();
        for next in epochs.abandoned() {
            writes.extend(epochs.abandon(next));
            epochs.note_abandoned(next);
        }
        let mut wallets = BTreeMap::new();
        for held in epochs.held() {
            let of_epoch = |key_id: &str| {
                records.iter().find_map(|(key, secret)| match key {
                    Key::Share { wallet_id: of, epoch, key_id: name }
                        if *of == wallet_id && *epoch == held.number() && name == key_id =>
                    {
                        Some(secret)
                    }
                    _ => None,
                })
            };
            let shares = held.keys.iter().map(|(key_id, _)| of_epoch(key_id));
            let shares = decode_shares(shares, held).ok_or_else(Failure::storage)?;
            let wallet = view(&identity, held, shares).ok_or_else(Failure::storage)?;
            wallets.insert(held.number(), Arc::new(wallet));
        }
        let state = Mutex::new(State { epochs, wallets });
        Ok((Self { identity, state }, writes))
    }

    /// This party.
    pub fn role(&self) -> Role {
        self.identity.role()
    }

    /// The wallet's id, 32 bytes.
    pub fn wallet_id(&self) -> [u8; 32] {
        *self.state().epochs.wallet_id()
    }

    /// The shares of the newest epoch that this party holds. All epochs have the same keys and addresses.
    ///
    /// # Errors
    /// `Config` before there is one.
    pub fn current(&self) -> Result<Arc<Wallet>, Failure> {
        let state = self.state();
        state.wallets.last_key_value().map(|(_, wallet)| Arc::clone(wallet)).ok_or_else(no_share)
    }

    /// The shares to work with a peer: the newest epoch whose key of the peer was not replaced.
    ///
    /// # Errors
    /// `Config` where there is none.
    pub fn with_peer(&self, peer: Role) -> Result<Arc<Wallet>, Failure> {
        let state = self.state();
        let newest = state.epochs.usable(peer).next_back().map(Prepared::number);
        newest.and_then(|number| state.wallets.get(&number)).map(Arc::clone).ok_or_else(no_share)
    }

    /// The shares of one epoch.
    pub fn epoch(&self, number: u64) -> Option<Arc<Wallet>> {
        self.state().wallets.get(&number).map(Arc::clone)
    }

    /// Number and transcript of the epochs that this party holds, ascending.
    pub fn held(&self) -> Vec<(u64, [u8; 32])> {
        self.state().epochs.held().map(|held| (held.number(), *held.transcript())).collect()
    }

    /// The newest certificate. Before the first there is no address to pay to.
    pub fn certificate(&self) -> Option<Certificate> {
        self.state().epochs.certificate().cloned()
    }

    /// Reads a certificate that anybody handed over; `None` unless it is new and of an epoch held here.
    pub fn read_certificate(&self, bytes: &[u8]) -> Option<Certificate> {
        let state = self.state();
        let held = state.epochs.held().rev();
        held.filter(|held| held.number() > state.epochs.certified())
            .find_map(|held| Certificate::decode(bytes, &held.roster))
            .filter(|certificate| state.epochs.certify(certificate).is_ok())
    }

    /// What to commit for a certificate; then [`Membership::note_certified`].
    ///
    /// # Errors
    /// `Config` for a certificate of an epoch that is not held.
    pub fn certify(&self, certificate: &Certificate) -> Result<Commit, Failure> {
        let writes = self.state().epochs.certify(certificate)?;
        Ok(Commit { writes, read_back: Vec::new() })
    }

    /// The certificate is on disk and the epochs below are not.
    pub fn note_certified(&self, certificate: Certificate) {
        let mut state = self.state();
        let next = certificate.next_epoch();
        state.epochs.note_certified(certificate);
        let certified = state.epochs.certified();
        if certified == next {
            state.wallets = state.wallets.split_off(&certified);
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shares of a new epoch, as storage gave them back.
    pub(crate) fn note_prepared(
        &self,
        prepared: Prepared,
        read_back: &ReadBack,
    ) -> Result<Arc<Wallet>, Failure> {
        let records = read_back.iter().map(Option::as_ref);
        let shares = decode_shares(records, &prepared).ok_or_else(Failure::storage)?;
        let wallet = view(&self.identity, &prepared, shares).ok_or_else(Failure::storage)?;
        let wallet = Arc::new(wallet);
        let mut state = self.state();
        state.wallets.insert(prepared.number(), Arc::clone(&wallet));
        state.epochs.note_prepared(prepared);
        Ok(wallet)
    }

    pub(crate) fn note_abandoned(&self, next: u64) {
        let mut state = self.state();
        state.epochs.note_abandoned(next);
        let held: Vec<u64> = state.epochs.held().map(Prepared::number).collect();
        state.wallets.retain(|number, _| held.contains(number));
    }
}

impl core::fmt::Debug for Membership {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Membership({}, <secret>)", self.role().name())
    }
}

fn no_share() -> Failure {
    Failure::config("this party holds no share for that")
}

/// Each record must be the share of its key in this very epoch.
fn decode_shares<'a>(
    records: impl ExactSizeIterator<Item = Option<&'a Secret>>,
    held: &Prepared,
) -> Option<BTreeMap<String, Arc<KeyShare>>> {
    (records.len() == held.keys.len()).then_some(())?;
    records
        .zip(&held.keys)
        .map(|(record, (key_id, epoch_id))| {
            let share = KeyShare::decode(&record?.0).ok()?;
            let fits = share.key_id() == key_id && &share.epoch().id() == epoch_id;
            fits.then(|| (key_id.clone(), Arc::new(share)))
        })
        .collect()
}

fn view(
    identity: &Arc<Identity>,
    held: &Prepared,
    shares: BTreeMap<String, Arc<KeyShare>>,
) -> Option<Wallet> {
    let me = identity.role().index();
    let mine = held.roster.member(me).map(|member| member.identity_key);
    let fits =
        mine == Some(identity.identity_key()) && shares.values().all(|share| share.index() == me);
    let policy = PolicyDocument::decode(&held.policy)?;
    let identity = Arc::clone(identity);
    fits.then(|| Wallet::new(identity, held.roster.clone(), held.number(), policy, shares))
}
