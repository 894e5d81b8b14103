//! One party's membership of a wallet: its identity, and the shares of every epoch that it holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dkls23::KeyShare;

use crate::acknowledgement::Certificate;
use crate::behind::Behind;
use crate::channel::Channel;
use crate::descriptor::Descriptor;
use crate::document::PolicyDocument;
use crate::epochs::{Epochs, Prepared};
use crate::identity::{Identity, SIGNATURE_BYTES};
use crate::store::{Commit, Key, ReadBack, Secret, Write};
use crate::wallet::Wallet;
use crate::{Card, Failure, Invitation, Role, Roster};

/// A party's membership, shared by all its ceremonies. Secret: the shares inside.
pub struct Membership {
    identity: Arc<Identity>,
    state: Mutex<State>,
    /// What each peer said last, when it was asked to work under an epoch that it did not hold.
    peers: Mutex<BTreeMap<Role, Behind>>,
}

pub(crate) struct State {
    pub(crate) epochs: Epochs,
    /// One handle per epoch, so that there is one verdict gate per epoch, key and peer.
    wallets: BTreeMap<u64, Arc<Wallet>>,
}

impl Membership {
    /// Of a party that holds no share yet.
    pub(crate) fn new(identity: Arc<Identity>, wallet_id: [u8; 32]) -> Self {
        Self::of(identity, Epochs::new(wallet_id))
    }

    fn of(identity: Arc<Identity>, epochs: Epochs) -> Self {
        let state = Mutex::new(State { epochs, wallets: BTreeMap::new() });
        Self { identity, state, peers: Mutex::default() }
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
    ) -> Result<(Arc<Self>, Vec<Write>), Failure> {
        let each = records.iter().map(|(key, secret)| (key, secret));
        let mut epochs = Epochs::load(wallet_id, each).ok_or_else(Failure::storage)?;
        let mut writes = Vec::new();
        for next in epochs.abandoned() {
            writes.extend(epochs.abandon(next));
            epochs.note_abandoned(next);
        }
        let membership = Arc::new(Self::of(identity, epochs.clone()));
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
            let wallet = membership.view(held, shares).ok_or_else(Failure::storage)?;
            membership.state().wallets.insert(held.number(), Arc::new(wallet));
        }
        Ok((membership, writes))
    }

    /// This party.
    pub fn role(&self) -> Role {
        self.identity.role()
    }

    /// This party's identity and approver keys.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
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

    /// The wallet before, and its parties after, a device takes the place of another: from the oldest epoch in force
    /// whose parties are all still there. An attempt that not everybody acknowledged changes neither, so that what
    /// persons signed serves until one is complete.
    ///
    /// # Errors
    /// `Config` for a key of this wallet, or of a device that was replaced.
    pub fn replacing(&self, replacement: &Card) -> Result<(Arc<Wallet>, Roster), Failure> {
        let state = self.state();
        let mut refused = no_share();
        for wallet in state.wallets.range(state.epochs.certified()..).map(|(_, wallet)| wallet) {
            match wallet.roster().replace(replacement) {
                Ok(roster) if !state.epochs.names_replaced_key(&roster) => {
                    return Ok((Arc::clone(wallet), roster));
                }
                Ok(_) => refused = Failure::config("a device that was replaced"),
                Err(failure) => refused = failure,
            }
        }
        Err(refused)
    }

    /// The shares to work with a peer: the newest epoch that the peer, as far as this party knows, holds too.
    ///
    /// # Errors
    /// `Config` where there is none: the peer was replaced, or neither has the other's epochs.
    pub fn with_peer(&self, peer: Role) -> Result<Arc<Wallet>, Failure> {
        let state = self.state();
        let mut newest = state.epochs.usable(peer).rev().filter(|held| self.may_hold(peer, held));
        let wallet = newest.next().and_then(|held| state.wallets.get(&held.number()));
        wallet.map(Arc::clone).ok_or_else(no_share)
    }

    /// Whether a peer may hold an epoch: what it said last is believed of the numbers that it knew then.
    pub(crate) fn may_hold(&self, peer: Role, held: &Prepared) -> bool {
        self.peers().get(&peer).is_none_or(|said| {
            held.number() > said.floor || said.held.contains(&(held.number(), *held.transcript()))
        })
    }

    /// A peer said what it holds.
    pub(crate) fn note_peer(&self, peer: Role, said: Behind) {
        self.peers().insert(peer, said);
    }

    /// A number that neither this party nor, as far as it knows, a peer has taken.
    pub(crate) fn next_number(&self) -> u64 {
        let highest = self.peers().values().map(|said| said.floor).max().unwrap_or(0);
        highest.max(self.state().epochs.floor()).saturating_add(1)
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<Role, Behind>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an invitation to sign under the epoch that it names.
    ///
    /// # Errors
    /// As [`Invitation::open`]; `EpochBehind` for an epoch that is not held here, with the envelopes that tell the
    /// initiator what is. A party whose device was replaced gets no answer.
    pub fn open_invitation(
        &self,
        descriptor: &[u8],
        signature: &[u8],
        round0: &[u8],
        now_ms: u64,
    ) -> Result<Invitation, Refusal> {
        let silent = |failure| Refusal { failure, outgoing: Vec::new() };
        let read = Descriptor::decode(descriptor)
            .ok_or_else(|| silent(Failure::config("not a session descriptor")))?;
        let initiator = read.initiator.index();
        if let Some(wallet) = self.epoch(read.epoch) {
            if wallet.is_replaced(initiator) {
                return Err(silent(Failure::replaced()));
            }
            return Invitation::open(&wallet, descriptor, signature, round0, now_ms)
                .map_err(silent);
        }
        let wallet = self.current().map_err(silent)?;
        let signature: &[u8; SIGNATURE_BYTES] = signature
            .try_into()
            .map_err(|_| silent(Failure::config("a descriptor's signature has 64 bytes")))?;
        // Under another epoch the roster may be another one too: what counts is that its sender is known.
        read.check_parties(wallet.roster(), self.role()).map_err(silent)?;
        let ours = read.wallet_id == self.wallet_id() && read.is_signed(signature, wallet.roster());
        if !ours || wallet.is_replaced(initiator) {
            return Err(silent(Failure::config("the descriptor's signature does not verify")));
        }
        read.check_times(now_ms).map_err(silent)?;
        let failure = Failure::epoch_behind(Behind::of(self));
        let mut channel = Channel::new(Arc::clone(&self.identity), wallet.roster().clone(), read);
        let outgoing = channel.send_abort(&failure);
        Err(Refusal { failure, outgoing })
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
        self: &Arc<Self>,
        prepared: Prepared,
        read_back: &ReadBack,
    ) -> Result<Arc<Wallet>, Failure> {
        let records = read_back.iter().map(Option::as_ref);
        let shares = decode_shares(records, &prepared).ok_or_else(Failure::storage)?;
        let wallet = self.view(&prepared, shares).ok_or_else(Failure::storage)?;
        let wallet = Arc::new(wallet);
        let mut state = self.state();
        state.wallets.insert(prepared.number(), Arc::clone(&wallet));
        state.epochs.note_prepared(prepared);
        Ok(wallet)
    }

    /// The shares of one epoch as what ceremonies start from; `None` if they are not this party's.
    fn view(
        self: &Arc<Self>,
        held: &Prepared,
        shares: BTreeMap<String, Arc<KeyShare>>,
    ) -> Option<Wallet> {
        let me = self.role().index();
        let mine = held.roster.member(me).map(|member| member.identity_key);
        let fits = mine == Some(self.identity.identity_key())
            && shares.values().all(|share| share.index() == me);
        let policy = PolicyDocument::decode(&held.policy)?;
        let (identity, roster) = (Arc::clone(&self.identity), held.roster.clone());
        let membership = Arc::downgrade(self);
        fits.then(|| Wallet::new(identity, roster, held.number(), policy, shares, membership))
    }

    pub(crate) fn note_abandoned(&self, next: u64) {
        let mut state = self.state();
        state.epochs.note_abandoned(next);
        let held: Vec<u64> = state.epochs.held().map(Prepared::number).collect();
        state.wallets.retain(|number, _| held.contains(number));
    }
}

/// An invitation that was not opened, and what to tell its sender.
pub struct Refusal {
    /// Why.
    pub failure: Failure,
    /// Signed envelopes for the initiator; none if it gets no answer.
    pub outgoing: Vec<Vec<u8>>,
}

impl core::fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Refusal({})", self.failure)
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
