//! One party's membership of a wallet: its identity, and the shares of every epoch that it holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dkls23::KeyShare;
use policy::rulebook::{PolicyApprover, PolicyDocument};

use crate::acknowledgement::Certificate;
use crate::behind::Behind;
use crate::channel::Channel;
use crate::descriptor::Descriptor;
use crate::epochs::{Epochs, Prepared};
use crate::identity::{Identity, SIGNATURE_BYTES};
use crate::store::{Commit, Key, ReadBack, Secret, Write, count};
use crate::wallet::Wallet;
use crate::{Card, Class, Failure, Invitation, Role, Roster};

/// So many lost verdicts are one poisoning: each may have told a peer that cheats one guess about the state of the
/// pair (specification, "The verdict gate").
const LOST_VERDICTS_OF_A_POISONING: u32 = 8;

/// A party's membership, shared by all its ceremonies. Secret: the shares inside.
pub struct Membership {
    identity: Arc<Identity>,
    state: Mutex<State>,
    /// What each peer said last, when it was asked to work under an epoch that it did not hold.
    peers: Mutex<BTreeMap<Role, Behind>>,
    /// The recoveries that are kept a record of: the hash of the roster that each starts from, by its name.
    recoveries: Mutex<BTreeMap<[u8; 32], [u8; 32]>>,
    /// The newest version of the policy that persons signed since the wallet was made.
    policy: Mutex<Option<Arc<PolicyDocument>>>,
}

pub(crate) struct State {
    pub(crate) epochs: Epochs,
    /// One handle per epoch, so that there is one verdict gate per epoch, key and peer.
    wallets: BTreeMap<u64, Arc<Wallet>>,
    /// By the peer's identity key.
    lost_verdicts: BTreeMap<[u8; 32], u32>,
}

impl Membership {
    /// Of a party that holds no share yet.
    pub(crate) fn new(identity: Arc<Identity>, wallet_id: [u8; 32]) -> Self {
        Self::of(identity, Epochs::new(wallet_id))
    }

    fn of(identity: Arc<Identity>, epochs: Epochs) -> Self {
        let state =
            Mutex::new(State { epochs, wallets: BTreeMap::new(), lost_verdicts: BTreeMap::new() });
        Self {
            identity,
            state,
            peers: Mutex::default(),
            recoveries: Mutex::default(),
            policy: Mutex::default(),
        }
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
        let mut writes = epochs.erase_below_certificate();
        for next in epochs.abandoned() {
            writes.extend(epochs.abandon(next));
            epochs.note_abandoned(next);
        }
        // A share that no epoch names was written behind the back of whoever erased its epoch.
        let is_held = |number: &u64| epochs.held().any(|held| held.number() == *number);
        writes.extend(records.iter().filter_map(|(key, _)| match key {
            Key::Share { wallet_id: of, epoch, .. } if *of == wallet_id && !is_held(epoch) => {
                Some(Write::Delete(key.clone()))
            }
            _ => None,
        }));
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
        for (key, value) in records {
            if let Key::LostVerdicts { wallet_id: of, identity_key } = key
                && *of == wallet_id
            {
                membership.state().lost_verdicts.insert(*identity_key, count(value));
            }
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
    /// `ShareStale` where the peer said that it holds only what this party erased; `EpochBehind` where there is no
    /// such epoch for another reason.
    pub fn with_peer(&self, peer: Role) -> Result<Arc<Wallet>, Failure> {
        let newest = {
            let state = self.state();
            let mut common = state.epochs.usable(peer).rev();
            let newest = common.find(|held| self.may_hold(peer, held));
            newest.and_then(|held| state.wallets.get(&held.number())).map(Arc::clone)
        };
        newest.ok_or_else(|| match self.is_stale(peer) {
            true => Failure::peer_share_stale(peer.index()),
            false => Failure::epoch_behind(Behind::of(self)),
        })
    }

    /// Whether a peer said last that it holds only epochs below all of this party's.
    pub(crate) fn is_stale(&self, peer: Role) -> bool {
        self.stale_against(&self.state(), peer)
    }

    fn stale_against(&self, state: &State, peer: Role) -> bool {
        let oldest = state.epochs.held().next().map(Prepared::number);
        self.peers()
            .get(&peer)
            .and_then(|said| said.held.last())
            .is_some_and(|(newest, _)| oldest.is_some_and(|oldest| *newest < oldest))
    }

    /// Why this party does not work under an epoch that it does not hold.
    pub(crate) fn not_held(&self, epoch: u64) -> Failure {
        let own = Behind::of(self);
        let newer = own.held.last().is_some_and(|(newest, _)| *newest < epoch);
        if newer && own.floor < epoch {
            return Failure::own_share_stale(own, self.role().index());
        }
        Failure::epoch_behind(own)
    }

    /// Whether a peer may hold an epoch: what it said last is believed of the numbers that it knew then.
    pub(crate) fn may_hold(&self, peer: Role, held: &Prepared) -> bool {
        self.peers().get(&peer).is_none_or(|said| {
            held.number() > said.floor || said.held.contains(&(held.number(), *held.transcript()))
        })
    }

    /// A peer said what it holds. Of what this party holds by now it spoke too, even where it never heard of it: a
    /// peer that came back from a backup does not know which numbers were taken since.
    pub(crate) fn note_peer(&self, peer: Role, said: Behind) {
        let newest = self.state().epochs.held().next_back().map_or(0, Prepared::number);
        let floor = said.floor.max(newest);
        self.peers().insert(peer, Behind { floor, ..said });
    }

    /// A number that neither this party nor, as far as it knows, another participant has taken. The word of a party
    /// that is being replaced counts for nothing.
    pub(crate) fn next_number(&self, lost: Option<Role>) -> u64 {
        let peers = self.peers();
        let participants = peers.iter().filter(|(role, _)| Some(**role) != lost);
        let highest = participants.map(|(_, said)| said.floor).max().unwrap_or(0);
        drop(peers);
        self.state().epochs.next_number(highest)
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<Role, Behind>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an invitation to sign under the epoch that it names.
    ///
    /// # Errors
    /// As [`Invitation::open`]; `EpochBehind` or `ShareStale` for an epoch that is not held here, with the envelopes
    /// that tell the initiator what is; `RefreshNeeded` for shares from a backup, and the initiator hears that too. A
    /// party whose device was replaced gets no answer.
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
        let held = self.epoch(read.epoch);
        if let Some(wallet) = &held {
            if wallet.is_replaced(initiator) {
                return Err(silent(Failure::replaced()));
            }
            if !wallet.needs_refresh() {
                return Invitation::open(wallet, descriptor, signature, round0, now_ms).map_err(
                    |failure| match failure.class {
                        // Verified up to here; who asks has to learn that one of the two lacks a version.
                        Class::PolicyStale => self.answer(wallet, read, failure),
                        _ => silent(failure),
                    },
                );
            }
        }
        let wallet = held.clone().map_or_else(|| self.current(), Ok).map_err(silent)?;
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
        let failure = match held {
            Some(_) => Failure::refresh_needed(),
            None => self.not_held(read.epoch),
        };
        Err(self.answer(&wallet, read, failure))
    }

    /// A refusal of which the initiator hears.
    fn answer(&self, wallet: &Wallet, descriptor: Descriptor, failure: Failure) -> Refusal {
        let (identity, roster) = (Arc::clone(&self.identity), wallet.roster().clone());
        let outgoing = Channel::new(identity, roster, descriptor).send_abort(&failure);
        Refusal { failure, outgoing }
    }

    /// The roster that a replacement starts from: the newest that everybody acknowledged, on which all parties come
    /// to agree. An attempt that nobody finished may have brought some device in already; what persons approve is the
    /// step from the roster before.
    ///
    /// # Errors
    /// `Config` at a party that holds no share.
    pub fn roster_in_force(&self) -> Result<Roster, Failure> {
        let state = self.state();
        let certified = state.epochs.certified();
        let mut held = state.epochs.held();
        let in_force = held.find(|held| held.number() >= certified);
        in_force.map(|held| held.roster.clone()).ok_or_else(no_share)
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

    /// Everything that a backup of this wallet holds: the party's keys and its certified epoch, with shares that have
    /// nothing of any pair. Ascending by key. [`Membership::restore`] reads it.
    ///
    /// # Errors
    /// `Config` before the first certificate: the other parties may not hold the wallet.
    pub fn backup(&self) -> Result<Vec<(Key, Secret)>, Failure> {
        let state = self.state();
        let uncertified = || Failure::config("not every party has acknowledged the wallet yet");
        let mut records = state.epochs.backup().ok_or_else(uncertified)?;
        let (wallet_id, epoch) = (*state.epochs.wallet_id(), state.epochs.certified());
        let wallet = state.wallets.get(&epoch).ok_or_else(no_share)?;
        records.extend(wallet.shares().map(|share| {
            let key_id = share.key_id().to_owned();
            let key = Key::Share { wallet_id, epoch, key_id };
            (key, Secret(share.encode_for_backup()))
        }));
        records.push((Key::Identity, Secret(self.identity.encode())));
        records.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(records)
    }

    /// A party from its backup. Checks that every share is of its epoch (`x_i·G = X_i`), that all parties of the
    /// epoch's roster certified it, that this party is one of them, and that there is nothing else: OT state in a
    /// backup is refused.
    ///
    /// # Errors
    /// `Storage` for records that no backup has.
    pub fn restore(records: &[(Key, Secret)]) -> Result<Arc<Self>, Failure> {
        let identity = records.iter().find_map(|(key, value)| match key {
            Key::Identity => Identity::decode(&value.0),
            _ => None,
        });
        let wallet_id = records.iter().find_map(|(key, _)| match key {
            Key::Certificate { wallet_id, .. } => Some(*wallet_id),
            _ => None,
        });
        let (identity, wallet_id) = identity.zip(wallet_id).ok_or_else(Failure::storage)?;
        let (membership, _) = Self::load(Arc::new(identity), wallet_id, records)?;
        // What it would write is what was read: nothing is missing and nothing stands beside it.
        let again = membership.backup()?;
        let same = again.len() == records.len()
            && again
                .iter()
                .zip(records)
                .all(|((key, value), (of, read))| key == of && *value.0 == *read.0);
        same.then_some(membership).ok_or_else(Failure::storage)
    }

    /// What to commit for a certificate; then [`Membership::note_certified`].
    ///
    /// # Errors
    /// `Config` for a certificate of an epoch that is not held.
    pub fn certify(&self, certificate: &Certificate) -> Result<Commit, Failure> {
        let (mut writes, wallet_id) = {
            let state = self.state();
            (state.epochs.certify(certificate)?, *state.epochs.wallet_id())
        };
        if !writes.is_empty() {
            let past = self.past_recoveries(certificate.next_epoch());
            writes.extend(
                past.into_iter().map(|replacement| {
                    Write::Delete(Key::PendingRecovery { wallet_id, replacement })
                }),
            );
        }
        Ok(Commit { writes, read_back: Vec::new() })
    }

    /// The certificate is on disk and the epochs below are not.
    pub fn note_certified(&self, certificate: Certificate) {
        let mut state = self.state();
        let next = certificate.next_epoch();
        state.epochs.note_certified(certificate);
        let certified = state.epochs.certified();
        if certified == next {
            drop(state);
            for past in self.past_recoveries(next) {
                self.drop_recovery(&past);
            }
            let mut state = self.state();
            state.wallets = state.wallets.split_off(&certified);
            drop(state);
            // Everybody holds it: what they said of their epochs before is of the past.
            self.peers().clear();
        }
    }

    /// A version that persons signed is in force from now on, in every epoch whose own is older. Whoever calls this
    /// has checked the signatures, and made it durable.
    pub fn adopt_policy(&self, policy: Arc<PolicyDocument>) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = Some(policy);
    }

    pub(crate) fn adopted_policy(&self) -> Option<Arc<PolicyDocument>> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A record of a recovery is kept, by its name, which starts from the roster with this hash.
    pub fn keep_recovery(&self, replacement: [u8; 32], old_roster: [u8; 32]) {
        self.recoveries().insert(replacement, old_roster);
    }

    /// The record of a recovery is not kept any more.
    pub fn drop_recovery(&self, replacement: &[u8; 32]) {
        self.recoveries().remove(replacement);
    }

    /// Whether a record of a recovery is kept. A certificate ends those that start from a roster of the past: no
    /// verdict about them means anything.
    pub fn keeps_recovery(&self, replacement: &[u8; 32]) -> bool {
        self.recoveries().contains_key(replacement)
    }

    /// What no epoch from this number on has the roster for.
    fn past_recoveries(&self, from: u64) -> Vec<[u8; 32]> {
        let held: Vec<[u8; 32]> = {
            let state = self.state();
            let from = state.epochs.held().filter(|held| held.number() >= from);
            from.map(|held| held.roster.hash()).collect()
        };
        let recoveries = self.recoveries();
        let past = recoveries.iter().filter(|(_, old_roster)| !held.contains(old_roster));
        past.map(|(replacement, _)| *replacement).collect()
    }

    fn recoveries(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], [u8; 32]>> {
        self.recoveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The persons who decide about a step from the roster with this hash: those of the oldest epoch in force that
    /// has it.
    ///
    /// # Errors
    /// `Config` for a roster of no such epoch.
    pub fn approvers_of(&self, roster_hash: &[u8; 32]) -> Result<Vec<PolicyApprover>, Failure> {
        let state = self.state();
        let mut in_force = state.wallets.range(state.epochs.certified()..).map(|(_, it)| it);
        let wallet = in_force.find(|wallet| &wallet.roster().hash() == roster_hash).map(Arc::clone);
        drop(state);
        wallet.map(|wallet| wallet.approvers()).ok_or_else(no_share)
    }

    /// Sessions with a peer that nobody ended, `lost` more of them: a failed check that a crash kept from the disk
    /// may be among them. At eight the pair is poisoned, as if the last had failed, in every epoch that is held, and
    /// the count begins anew: it belongs to the identity key, so a refresh does not forget it. What to commit, in one
    /// commit; nothing for a key of no party. In memory the pair is poisoned at once.
    pub fn count_lost_verdicts(&self, identity_key: &[u8; 32], lost: u32) -> Vec<Write> {
        let own = self.identity.identity_key();
        let mut state = self.state();
        let index_in = |wallet: &Wallet| {
            let mut members = wallet.roster().members().iter();
            members.find(|member| member.identity_key == *identity_key).map(|member| member.index())
        };
        let wallet_id = *state.epochs.wallet_id();
        let pairs: Vec<_> = state
            .wallets
            .values()
            .filter_map(|wallet| Some((Arc::clone(wallet), index_in(wallet)?)))
            .collect();
        if lost == 0 || pairs.is_empty() || *identity_key == own {
            return Vec::new();
        }
        let before = state.lost_verdicts.get(identity_key).copied().unwrap_or(0);
        let total = before.saturating_add(lost);
        let key = Key::LostVerdicts { wallet_id, identity_key: *identity_key };
        if total < LOST_VERDICTS_OF_A_POISONING {
            state.lost_verdicts.insert(*identity_key, total);
            return vec![Write::Put(key, Secret::copy_from(&total.to_be_bytes()))];
        }
        state.lost_verdicts.remove(identity_key);
        let mut writes: Vec<Write> = pairs
            .into_iter()
            .flat_map(|(wallet, peer)| {
                wallet.poison(peer);
                wallet.note_poisoning(peer);
                wallet.share_writes()
            })
            .collect();
        writes.push(Write::Increment(Key::Poisonings(own, *identity_key)));
        writes.push(Write::Delete(key));
        writes
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
        let number = prepared.number();
        if !state.epochs.note_prepared(prepared) {
            return Err(Failure::config("an attempt that a later one overtook"));
        }
        state.wallets.insert(number, Arc::clone(&wallet));
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
        let policy = Arc::new(PolicyDocument::decode(&held.policy).ok()?);
        let (identity, roster) = (Arc::clone(&self.identity), held.roster.clone());
        let membership = Arc::downgrade(self);
        let agreed = (policy, held.persons.clone());
        fits.then(|| Wallet::new(identity, roster, held.number(), agreed, shares, membership))
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
