//! Which epochs of a wallet one party holds, and when it may acknowledge, use and erase them: *hold the old
//! until all hold the next* (`docs/protocol.md`, I). Bookkeeping without secrets and without I/O: a change is
//! planned as writes, committed by whoever drives it, and noted when it is on disk.
//!
//! Why it cannot split: whoever erased an epoch saw everybody's acknowledgement of a later one, so all have that
//! one on disk; whatever one party then loses or hides, the other two hold it in common.

use std::collections::{BTreeMap, BTreeSet};

use crate::acknowledgement::{Certificate, Transition};
use crate::identity::{Identity, SIGNATURE_BYTES};
use crate::store::{Key, Secret, Write};
use crate::wire::{Reader, put_counted};
use crate::{Failure, Persons, Role, Roster};

/// A proposed number may be so far above the highest known one. Wide, so that the floors of honest parties never
/// come so far apart that none can propose; and bounded, so that no single number ends the numbers.
const MAX_AHEAD: u64 = 1 << 32;
/// What peers say of their floors raises a proposal by this much at most: a lie costs a few numbers.
const MAX_RAISE: u64 = 16;
/// Epochs held above the newest certificate; what failed before it was held does not count, or failures would end
/// refreshing, and a recovery is never refused for it.
const MAX_OPEN_ATTEMPTS: usize = 16;
/// Of an epoch whose persons are those of the policy.
const PREPARED_VERSION: u8 = 1;
/// Of one after a recovery that changed them.
const PREPARED_WITH_PERSONS: u8 = 2;

/// An epoch that this party holds on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub(crate) transition: Transition,
    pub(crate) roster: Roster,
    /// Canonical JSON of the policy in force.
    pub(crate) policy: Vec<u8>,
    pub(crate) persons: Persons,
    /// Key id and epoch id of each key, in key order.
    pub(crate) keys: Vec<(String, [u8; 32])>,
}

impl Prepared {
    /// What the protocol of an attempt from `base` to `next` ended with: its transcript, the roster it was made for,
    /// the policy's canonical JSON, its persons, and key id and epoch id of each key, in key order.
    pub fn new(
        roster: Roster,
        (base, next): (u64, u64),
        transcript: [u8; 32],
        (policy, persons): (Vec<u8>, Persons),
        keys: Vec<(String, [u8; 32])>,
    ) -> Self {
        let (wallet_id, roster_hash) = (*roster.wallet_id(), roster.hash());
        let transition = Transition { wallet_id, base, next, transcript, roster_hash };
        Self { transition, roster, policy, persons, keys }
    }

    /// The committee of the epoch.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The epoch's number.
    pub fn number(&self) -> u64 {
        self.transition.next
    }

    /// The number of the epoch that it was made from.
    pub fn base(&self) -> u64 {
        self.transition.base
    }

    /// The transcript hash T.
    pub fn transcript(&self) -> &[u8; 32] {
        &self.transition.transcript
    }

    fn encode(&self) -> Vec<u8> {
        let Transition { wallet_id, base, next, transcript, roster_hash: _ } = &self.transition;
        let unchanged = self.persons.is_unchanged();
        let mut out = vec![if unchanged { PREPARED_VERSION } else { PREPARED_WITH_PERSONS }];
        out.extend_from_slice(wallet_id);
        out.extend_from_slice(&base.to_be_bytes());
        out.extend_from_slice(&next.to_be_bytes());
        out.extend_from_slice(transcript);
        out.extend_from_slice(&self.roster.encode());
        put_counted(&mut out, &self.policy);
        if !unchanged {
            put_counted(&mut out, &self.persons.encode());
        }
        for (key_id, epoch_id) in &self.keys {
            put_counted(&mut out, key_id.as_bytes());
            out.extend_from_slice(epoch_id);
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let with_persons = match reader.u8()? {
            PREPARED_VERSION => false,
            PREPARED_WITH_PERSONS => true,
            _ => return None,
        };
        let wallet_id = reader.array()?;
        let (base, next, transcript) = (reader.u64()?, reader.u64()?, reader.array()?);
        let roster = Roster::decode(wallet_id, reader.take(Roster::BYTES)?)?;
        let policy = reader.counted()?.to_vec();
        let persons = match with_persons {
            true => Persons::decode(reader.counted()?).filter(|read| !read.is_unchanged())?,
            false => Persons::default(),
        };
        let mut keys = Vec::new();
        while !reader.is_empty() {
            let key_id = str::from_utf8(reader.counted()?).ok()?.to_owned();
            keys.push((key_id, reader.array()?));
        }
        let roster_hash = roster.hash();
        let transition = Transition { wallet_id, base, next, transcript, roster_hash };
        Some(Self { transition, roster, policy, persons, keys })
    }
}

/// What an attempt does to the committee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The first epoch.
    Found,
    /// The same parties, other shares.
    Refresh,
    /// Another device for one party, other shares for all.
    Recover,
}

/// One party's record of a wallet's epochs.
#[derive(Debug, Clone)]
pub struct Epochs {
    wallet_id: [u8; 32],
    held: BTreeMap<u64, Prepared>,
    /// Asked to be written: a certificate that overtakes them erases them too.
    preparing: BTreeMap<u64, Prepared>,
    acknowledged: BTreeMap<u64, [u8; 32]>,
    certificate: Option<Certificate>,
    /// Older certificates on disk: two attempts may end in the time of one commit, and neither knows of the other.
    outdated: BTreeSet<u64>,
    replaced: BTreeSet<[u8; 32]>,
    intents: BTreeSet<u64>,
    /// The highest number in an intent, an acknowledgement or a certificate of this party.
    floor: u64,
}

impl Epochs {
    /// Of a party that holds nothing yet.
    pub fn new(wallet_id: [u8; 32]) -> Self {
        Self {
            wallet_id,
            held: BTreeMap::new(),
            preparing: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            certificate: None,
            outdated: BTreeSet::new(),
            replaced: BTreeSet::new(),
            intents: BTreeSet::new(),
            floor: 0,
        }
    }

    /// What a store holds of this wallet; records of other kinds are passed over. `None` if a record cannot be
    /// read: then nothing may be concluded from the rest.
    pub fn load<'a>(
        wallet_id: [u8; 32],
        records: impl Iterator<Item = (&'a Key, &'a Secret)>,
    ) -> Option<Self> {
        let mut epochs = Self::new(wallet_id);
        let mut certificates = BTreeMap::new();
        for (key, Secret(value)) in records {
            match key {
                Key::Prepared { wallet_id: of, epoch } if *of == wallet_id => {
                    let prepared = Prepared::decode(value)?;
                    let transition = &prepared.transition;
                    (transition.next == *epoch && transition.wallet_id == wallet_id)
                        .then_some(())?;
                    epochs.held.insert(*epoch, prepared);
                }
                Key::Acknowledged { wallet_id: of, epoch } if *of == wallet_id => {
                    epochs.acknowledged.insert(*epoch, value.as_slice().try_into().ok()?);
                }
                Key::Certificate { wallet_id: of, epoch } if *of == wallet_id => {
                    certificates.insert(*epoch, value.as_slice());
                }
                Key::Intent { wallet_id: of, epoch } if *of == wallet_id => {
                    epochs.intents.insert(*epoch);
                }
                Key::Replaced { wallet_id: of, identity_key } if *of == wallet_id => {
                    epochs.replaced.insert(*identity_key);
                }
                _ => {}
            }
        }
        if let Some((epoch, bytes)) = certificates.pop_last() {
            let roster = &epochs.held.get(&epoch)?.roster;
            let certificate = Certificate::decode(bytes, roster)?;
            epochs.check_certificate(&certificate).ok()?;
            epochs.certificate = Some(certificate);
        }
        epochs.outdated = certificates.into_keys().collect();
        let highest = |numbers: Option<u64>| numbers.unwrap_or(0);
        epochs.floor = highest(epochs.intents.last().copied())
            .max(highest(epochs.acknowledged.keys().last().copied()))
            .max(epochs.certified());
        Some(epochs)
    }

    /// The wallet.
    pub fn wallet_id(&self) -> &[u8; 32] {
        &self.wallet_id
    }

    /// The epochs on disk, ascending.
    pub fn held(&self) -> impl DoubleEndedIterator<Item = &Prepared> {
        self.held.values()
    }

    /// The newest certificate.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The newest certified number; 0 if there is none.
    pub fn certified(&self) -> u64 {
        self.certificate.as_ref().map_or(0, Certificate::next_epoch)
    }

    /// The highest number that is taken.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// The number that this party proposes when its peers say that they took numbers up to `peers`: above its own, and
    /// above theirs as far as their word goes.
    pub fn next_number(&self, peers: u64) -> u64 {
        let believed = peers.min(self.floor.saturating_add(MAX_RAISE));
        self.floor.max(believed).saturating_add(1)
    }

    /// Whether this party works with the owner of an identity key no more.
    pub fn is_replaced(&self, identity_key: &[u8; 32]) -> bool {
        self.replaced.contains(identity_key)
    }

    /// What a backup keeps beside the shares, ascending: the certified epoch, and whom this party never works with
    /// again. `None` before there is a certificate.
    pub(crate) fn backup(&self) -> Option<Vec<(Key, Secret)>> {
        let certificate = self.certificate.as_ref()?;
        let (wallet_id, epoch) = (self.wallet_id, certificate.next_epoch());
        let prepared = self.held.get(&epoch)?;
        let transcript = Secret::copy_from(certificate.transcript());
        let mut records = vec![
            (Key::Prepared { wallet_id, epoch }, Secret::copy_from(&prepared.encode())),
            (Key::Acknowledged { wallet_id, epoch }, transcript),
            (Key::Certificate { wallet_id, epoch }, Secret::copy_from(&certificate.encode())),
        ];
        records.extend(self.replaced.iter().map(|&identity_key| {
            let by = Secret::copy_from(&epoch.to_be_bytes());
            (Key::Replaced { wallet_id, identity_key }, by)
        }));
        Some(records)
    }

    /// The highest epoch that both parties hold with the same transcript, whose key of the peer is not replaced.
    /// No certificate is needed for using it.
    pub fn common(&self, peer: Role, theirs: &[(u64, [u8; 32])]) -> Option<u64> {
        self.usable(peer)
            .rev()
            .find(|held| theirs.contains(&(held.number(), *held.transcript())))
            .map(Prepared::number)
    }

    /// The epochs in which this party works with a peer, ascending.
    pub fn usable(&self, peer: Role) -> impl DoubleEndedIterator<Item = &Prepared> {
        self.held.values().filter(move |held| {
            held.roster
                .member(peer.index())
                .is_some_and(|member| !self.is_replaced(&member.identity_key))
        })
    }

    /// Before the first message of an attempt: it takes its number, for ever.
    ///
    /// # Errors
    /// `Config`: a number that is taken or too far ahead, a base that is not held, a replaced key, too many
    /// attempts.
    pub fn intend(
        &self,
        change: Change,
        base: u64,
        next: u64,
        roster: &Roster,
        session_id: &[u8; 32],
    ) -> Result<Vec<Write>, Failure> {
        // A device that holds nothing yet has only the others' word for how far the wallet has come.
        let newcomer = self.held.is_empty() && self.acknowledged.is_empty();
        let fits = if newcomer {
            !self.intents.contains(&next) && next < u64::MAX / 2
        } else {
            next > self.floor && next <= self.floor.saturating_add(MAX_AHEAD)
        };
        if !fits {
            return Err(Failure::config("an epoch number that is taken or too far ahead"));
        }
        if !newcomer && !self.held.contains_key(&base) {
            return Err(Failure::config("an attempt from an epoch that this party does not hold"));
        }
        if roster.wallet_id() != &self.wallet_id || self.names_replaced_key(roster) {
            return Err(Failure::config("an attempt with a party that was replaced"));
        }
        let open = self.held.range(self.certified() + 1..).count();
        if change == Change::Refresh && open >= MAX_OPEN_ATTEMPTS {
            return Err(Failure::config("sixteen epochs are held above the newest certificate"));
        }
        let key = Key::Intent { wallet_id: self.wallet_id, epoch: next };
        Ok(vec![Write::Create(key, Secret::copy_from(session_id))])
    }

    /// The intent is on disk.
    pub fn note_intent(&mut self, next: u64) {
        self.intents.insert(next);
        self.floor = self.floor.max(next);
    }

    /// The protocol of an attempt ended here: what to write beside the shares.
    ///
    /// # Errors
    /// `Config`: without intent, a second time, or below a number that this party acknowledged meanwhile.
    pub fn prepare(&mut self, prepared: &Prepared) -> Result<Vec<Write>, Failure> {
        let next = prepared.number();
        let stale = self.acknowledged.keys().last().is_some_and(|&highest| next <= highest)
            || next <= self.certified();
        if stale || !self.intents.contains(&next) || self.held.contains_key(&next) {
            return Err(Failure::config("an attempt that a later one overtook"));
        }
        let key = Key::Prepared { wallet_id: self.wallet_id, epoch: next };
        self.preparing.insert(next, prepared.clone());
        Ok(vec![Write::Create(key, Secret::copy_from(&prepared.encode()))])
    }

    /// The epoch and its shares are on disk and were read back. False if a certificate above it, which erases it,
    /// came meanwhile.
    pub fn note_prepared(&mut self, prepared: Prepared) -> bool {
        let number = prepared.number();
        self.preparing.remove(&number);
        let is_held = self.certified() < number;
        if is_held {
            self.held.insert(number, prepared);
        }
        is_held
    }

    /// This party's acknowledgement of an epoch it holds: write this, then send the signature. Taken as said from
    /// here on, so that two attempts that overlap cannot contradict each other; if the write fails, nothing was
    /// sent, and this number is never acknowledged.
    ///
    /// # Errors
    /// `Config`: not held, acknowledged before, or with a party that was replaced meanwhile.
    pub fn acknowledge(
        &mut self,
        next: u64,
        identity: &Identity,
    ) -> Result<(Vec<Write>, [u8; SIGNATURE_BYTES]), Failure> {
        let held = self
            .held
            .get(&next)
            .ok_or_else(|| Failure::config("an epoch that this party does not hold"))?;
        // Ascending: two epochs with different committees, certified at once, would each be erased by somebody.
        let is_overtaken = self.acknowledged.range(next..).next().is_some();
        if is_overtaken || self.names_replaced_key(&held.roster) {
            return Err(Failure::config("an epoch that this party acknowledges never or once"));
        }
        let (wallet_id, transition) = (self.wallet_id, held.transition.clone());
        let new_keys: BTreeSet<[u8; 32]> = identity_keys(&held.roster).collect();
        // Not of the base alone: an attempt from the same base may have put another device in this place.
        let earlier = self.held.range(..next).filter(|(number, _)| {
            **number == transition.base || self.acknowledged.contains_key(number)
        });
        let gone: BTreeSet<[u8; 32]> = earlier
            .flat_map(|(_, earlier)| identity_keys(&earlier.roster))
            .filter(|key| !new_keys.contains(key))
            .collect();
        let mut writes = vec![Write::Create(
            Key::Acknowledged { wallet_id, epoch: next },
            Secret::copy_from(&transition.transcript),
        )];
        for identity_key in gone {
            let key = Key::Replaced { wallet_id, identity_key };
            writes.push(Write::Put(key, Secret::copy_from(&next.to_be_bytes())));
            self.replaced.insert(identity_key);
        }
        self.acknowledged.insert(next, transition.transcript);
        self.floor = self.floor.max(next);
        Ok((writes, transition.acknowledge(identity)))
    }

    /// A certificate, from anyone: write this, and everything below is erased.
    ///
    /// # Errors
    /// `Config` unless it certifies an epoch that this party holds, with the same transcript and roster.
    pub fn certify(&self, certificate: &Certificate) -> Result<Vec<Write>, Failure> {
        self.check_certificate(certificate)?;
        let (wallet_id, next) = (self.wallet_id, certificate.next_epoch());
        if next <= self.certified() {
            return Ok(Vec::new());
        }
        let key = |epoch| Key::Certificate { wallet_id, epoch };
        let mut writes = vec![Write::Put(key(next), Secret::copy_from(&certificate.encode()))];
        let newest = self.certificate.as_ref().map(Certificate::next_epoch);
        writes
            .extend(self.outdated.iter().copied().chain(newest).map(|old| Write::Delete(key(old))));
        for (_, below) in self.held.range(..next).chain(self.preparing.range(..next)) {
            writes.extend(self.erase(below));
        }
        let below = |numbers: Vec<u64>, key: fn([u8; 32], u64) -> Key| {
            numbers.into_iter().map(move |epoch| Write::Delete(key(wallet_id, epoch)))
        };
        let acknowledged = self.acknowledged.range(..next).map(|(&epoch, _)| epoch).collect();
        writes
            .extend(below(acknowledged, |wallet_id, epoch| Key::Acknowledged { wallet_id, epoch }));
        let intents = self.intents.range(..next).copied().collect();
        writes.extend(below(intents, |wallet_id, epoch| Key::Intent { wallet_id, epoch }));
        Ok(writes)
    }

    /// The certificate is on disk and what it erases is not.
    pub fn note_certified(&mut self, certificate: Certificate) {
        let next = certificate.next_epoch();
        if next <= self.certified() {
            return;
        }
        self.held = self.held.split_off(&next);
        self.preparing = self.preparing.split_off(&next);
        self.acknowledged = self.acknowledged.split_off(&next);
        self.intents = self.intents.split_off(&next);
        self.floor = self.floor.max(next);
        self.certificate = Some(certificate);
        self.outdated.clear();
    }

    /// An attempt failed before this party acknowledged it: its shares go. The number stays taken.
    pub fn abandon(&self, next: u64) -> Vec<Write> {
        match self.held.get(&next) {
            Some(held) if !self.acknowledged.contains_key(&next) && next != self.certified() => {
                self.erase(held).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The shares of an abandoned attempt are gone.
    pub fn note_abandoned(&mut self, next: u64) {
        if !self.acknowledged.contains_key(&next) && next != self.certified() {
            self.held.remove(&next);
        }
    }

    /// What stands below the newest certificate in a store: written behind its back, or by a process that did not know
    /// of it. Erased when the store is opened.
    pub fn erase_below_certificate(&mut self) -> Vec<Write> {
        let certified = self.certified();
        let above = self.held.split_off(&certified);
        let below = core::mem::replace(&mut self.held, above);
        below.values().flat_map(|held| self.erase(held)).collect()
    }

    /// The attempts that no session of a process that just started can go on with.
    pub fn abandoned(&self) -> Vec<u64> {
        let of_attempt =
            |next: &&u64| !self.acknowledged.contains_key(next) && **next != self.certified();
        self.held.keys().filter(of_attempt).copied().collect()
    }

    fn erase<'a>(&self, held: &'a Prepared) -> impl Iterator<Item = Write> + use<'a> {
        let (wallet_id, epoch) = (self.wallet_id, held.number());
        let shares = held.keys.iter().map(move |(key_id, _)| {
            Write::Delete(Key::Share { wallet_id, epoch, key_id: key_id.clone() })
        });
        shares.chain([Write::Delete(Key::Prepared { wallet_id, epoch })])
    }

    fn check_certificate(&self, certificate: &Certificate) -> Result<(), Failure> {
        let fits = self
            .held
            .get(&certificate.next_epoch())
            .is_some_and(|held| certificate.transition() == &held.transition);
        if fits || certificate.next_epoch() < self.certified() {
            return Ok(());
        }
        Err(Failure::config("a certificate of an epoch that this party does not hold"))
    }

    /// Whether a roster has a party with whom this one works no more.
    pub(crate) fn names_replaced_key(&self, roster: &Roster) -> bool {
        identity_keys(roster).any(|key| self.is_replaced(&key))
    }
}

fn identity_keys(roster: &Roster) -> impl Iterator<Item = [u8; 32]> + '_ {
    roster.members().iter().map(|member| member.identity_key)
}
