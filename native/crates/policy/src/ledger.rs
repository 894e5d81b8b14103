//! What was given away and what may still be: the ledger that limits are held against.
//!
//! A signature is a bearer cheque: whoever holds it decides when it lands. So what was reserved counts in **every**
//! window until this party's own endpoint shows it final, and only from then on its window runs; or until the endpoint
//! shows that it can never land. Rules ask by [`Spending`], and under the same lock [`Ledger::reserve`] follows.
//!
//! | event | call | what counts then |
//! |---|---|---|
//! | before round 1 | [`reserve`](Ledger::reserve) | everything, in every window |
//! | stopped before a share left | [`release`](Ledger::release) | nothing |
//! | this party's share leaves | [`share_left`](Ledger::share_left) | everything, in every window |
//! | the signature is known | [`commit`](Ledger::commit) | everything, in every window |
//! | final on its chain | [`landed`](Ledger::landed) | in windows that began by then; an exposure in every window until it is revoked or expires |
//! | it can never land | [`excluded`](Ledger::excluded) | nothing |
//!
//! Digests of one request with the same exclusion key are one slot: at most one of them lands, so the slot counts
//! once, with the largest amount of each asset. An exposure that ended goes on counting in the windows that began
//! before: until its end somebody could take it.

mod entry;
mod record;
mod reservation;
mod spending;
mod sums;

use std::collections::{BTreeMap, btree_map};

use alloy_primitives::U256;

pub use entry::{Charge, ChargeKind};
pub use record::{LedgerWrite, RecordId};
pub use reservation::{
    LedgerItem, LedgerLimits, MAX_CHARGES, MAX_DRAFTS, MAX_ITEMS, MAX_NONCE_GAP,
    MAX_RECIPIENT_BYTES, MAX_RECORD_BYTES, MAX_WAITING, NoncePlace, Reservation,
};
pub use spending::Spending;

use crate::DigestUse;
use crate::clock::ClockWatch;
use crate::{Clock, Refusal};
use entry::{Draft, DraftState, Entry, Landed, Slot};
use record::{
    Record, State, Waiting, read, write_entry, write_recipient, write_state, write_waiting,
};
use reservation::check_charges;
use sums::{AssetSums, Times, Wide, narrow};

/// The ledger of one party, with one writer.
///
/// Commit the [`LedgerWrite`]s of an answer in one transaction before acting on it.
#[derive(Debug)]
pub struct Ledger {
    limits: LedgerLimits,
    clock: ClockWatch,
    limits_full: bool,
    entries: BTreeMap<[u8; 32], Entry>,
    waiting: BTreeMap<[u8; 32], Waiting>,
    recipients: BTreeMap<String, u64>,
    /// How many payments to somebody may still land.
    awaited: BTreeMap<String, usize>,
    sums: BTreeMap<String, AssetSums>,
    requests: Times,
    /// Of each principal, and of nobody.
    requests_of: BTreeMap<Option<[u8; 32]>, Times>,
}

impl Ledger {
    /// The ledger of a new wallet.
    pub fn new(limits: LedgerLimits, clock: Clock) -> Self {
        Self {
            limits,
            clock: ClockWatch::start(clock),
            limits_full: false,
            entries: BTreeMap::new(),
            waiting: BTreeMap::new(),
            recipients: BTreeMap::new(),
            awaited: BTreeMap::new(),
            sums: BTreeMap::new(),
            requests: Times::default(),
            requests_of: BTreeMap::new(),
        }
    }

    /// Reads a ledger from all its records, in any order, and says what to write. For whatever was only reserved a share
    /// may have left, which nothing writes down before it does: nothing but an outcome frees it.
    ///
    /// # Errors
    /// `Damaged` for a record that no ledger wrote, one that stands twice, and where the state is missing. Where requests
    /// are missing limits count as used up: what they gave away is not known.
    pub fn load<'a>(
        limits: LedgerLimits,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Self, Option<LedgerWrite>), Refusal> {
        let mut state = None;
        let mut entries = BTreeMap::new();
        let mut waiting = BTreeMap::new();
        let mut recipients = BTreeMap::new();
        for bytes in records {
            let stands_twice = match read(bytes).ok_or(Refusal::Damaged)? {
                Record::Request(entry) => entries.insert(entry.request_id, entry).is_some(),
                Record::Waiting(one) => waiting.insert(one.request_id, one).is_some(),
                Record::Recipient(name, paid_ms) => recipients.insert(name, paid_ms).is_some(),
                Record::State(one) => state.replace(one).is_some(),
            };
            if stands_twice {
                return Err(Refusal::Damaged);
            }
        }
        let State { clock, limits_full, requests } = state.ok_or(Refusal::Damaged)?;
        // More than were counted are requests whose removal was not written, which count; fewer are a loss.
        let read = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let mut ledger = Self {
            limits,
            clock,
            limits_full: limits_full || read < requests,
            entries: BTreeMap::new(),
            waiting,
            recipients,
            awaited: BTreeMap::new(),
            sums: BTreeMap::new(),
            requests: Times::default(),
            requests_of: BTreeMap::new(),
        };
        for mut entry in entries.into_values() {
            entry.share_may_have_left();
            ledger.put(entry);
        }
        let write = (read != requests).then(|| ledger.state());
        Ok((ledger, write))
    }

    /// This party's time, in milliseconds since 1970, if its clock is believed; it does not go back.
    ///
    /// # Errors
    /// `ClockJumped`, until [`confirm_clock`](Self::confirm_clock). Store [`state`](Self::state) then, so that a
    /// restart does not forget it.
    pub fn now_ms(&mut self, clock: Clock) -> Result<u64, Refusal> {
        self.clock.read(clock)?;
        Ok(self.clock.latest_wall_ms)
    }

    /// The operator says that this reading is right.
    pub fn confirm_clock(&mut self, clock: Clock) -> LedgerWrite {
        self.clock = ClockWatch::start(clock);
        self.state()
    }

    /// The operator says that the limits are to be counted from what the ledger knows.
    pub fn confirm_limits(&mut self) -> LedgerWrite {
        self.limits_full = false;
        self.state()
    }

    /// Limits count as used up until [`confirm_limits`](Self::confirm_limits): what was signed before is not known.
    pub fn fill_limits(&mut self) -> LedgerWrite {
        self.limits_full = true;
        self.state()
    }

    /// The record of clock, number of requests and limits.
    pub fn state(&self) -> LedgerWrite {
        let requests = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        let state = State { clock: self.clock, limits_full: self.limits_full, requests };
        LedgerWrite { id: RecordId::State, bytes: Some(write_state(&state)) }
    }

    /// Reserves everything that a request gives away, or that a further digest of it adds. A digest that is reserved
    /// already changes nothing. What the request waited for as a waiting one is not waited for any more.
    ///
    /// Limits are not looked at: the caller asked [`Spending`] under the same lock.
    ///
    /// # Errors
    /// Nothing is reserved then. `Malformed` for none or too many items, amounts or digests, a name that is not plain,
    /// an expiry of anything but an exposure, or a record that would be too long; `NonceTooFar`; `OtherRequester` for
    /// a request of another principal; `OtherCharges` for a known digest that gives away something else; `Landed` for
    /// a further digest of a slot that is final.
    pub fn reserve(
        &mut self,
        reservation: &Reservation,
        now_ms: u64,
    ) -> Result<Vec<LedgerWrite>, Refusal> {
        reservation.check(self.limits.max_nonce_gap)?;
        let Reservation { request_id, principal, items } = reservation;
        let mut entry = self.entries.get(request_id).cloned().unwrap_or_else(|| Entry {
            request_id: *request_id,
            principal: *principal,
            first_ms: now_ms,
            share_left: false,
            slots: Vec::new(),
        });
        if entry.principal != *principal {
            return Err(Refusal::OtherRequester);
        }
        for item in items {
            add(&mut entry, item, now_ms)?;
        }
        let bytes = write_entry(&entry);
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(Refusal::Malformed);
        }
        self.take(request_id);
        self.put(entry);
        let id = RecordId::Request(*request_id);
        let mut writes = vec![LedgerWrite { id, bytes: Some(bytes) }, self.state()];
        writes.extend(self.stop_waiting(request_id));
        Ok(writes)
    }

    /// A share of this party leaves for everything that the request has reserved.
    ///
    /// # Errors
    /// `UnknownRequest`.
    pub fn share_left(&mut self, request_id: &[u8; 32]) -> Result<LedgerWrite, Refusal> {
        self.advance(request_id, DraftState::Reserved, DraftState::Left)
    }

    /// The signatures of the request are known.
    ///
    /// # Errors
    /// `UnknownRequest`.
    pub fn commit(&mut self, request_id: &[u8; 32]) -> Result<LedgerWrite, Refusal> {
        self.advance(request_id, DraftState::Left, DraftState::Signed)
    }

    /// The request was stopped before a share of this party left for it.
    ///
    /// # Errors
    /// `UnknownRequest`; `ShareLeft` if nothing of it is only reserved.
    pub fn release(&mut self, request_id: &[u8; 32]) -> Result<Vec<LedgerWrite>, Refusal> {
        let mut entry = self.get(request_id)?.clone();
        if !entry.release() {
            return Err(Refusal::ShareLeft);
        }
        let write = written(request_id, &entry);
        self.take(request_id);
        self.put(entry);
        Ok(vec![write, self.state()])
    }

    /// This party's own endpoint shows a digest final, at this time. The first time that is reported stays, and none
    /// lies before the reservation.
    ///
    /// # Errors
    /// `UnknownRequest`, `UnknownDigest`.
    pub fn landed(
        &mut self,
        request_id: &[u8; 32],
        digest: &[u8; 32],
        at_ms: u64,
    ) -> Result<Vec<LedgerWrite>, Refusal> {
        let mut entry = self.get(request_id)?.clone();
        let slot = entry.slot_mut(digest).ok_or(Refusal::UnknownDigest)?;
        if slot.landed.is_none_or(|landed| landed.digest != *digest) {
            slot.landed = Some(Landed { digest: *digest, at_ms });
            slot.revoked_at_ms = None;
        }
        let landed_ms = slot.landed.map_or(at_ms, |landed| landed.at_ms);
        let mut recipients = Vec::new();
        for draft in slot.drafts.iter_mut().filter(|draft| draft.digest == *digest) {
            draft.state = DraftState::Signed;
            let paid_ms = landed_ms.max(draft.reserved_at_ms);
            let paid = draft.charges.iter().filter(|charge| charge.kind != ChargeKind::Fee);
            recipients.extend(paid.filter_map(|one| Some((one.recipient.clone()?, paid_ms))));
        }
        entry.share_left = true;
        let mut writes = vec![written(request_id, &entry)];
        self.take(request_id);
        self.put(entry);
        for (recipient, paid_ms) in recipients {
            let first_ms = self.recipients.entry(recipient.clone()).or_insert(u64::MAX);
            if paid_ms < *first_ms {
                *first_ms = paid_ms;
                let bytes = Some(write_recipient(&recipient, paid_ms));
                writes.push(LedgerWrite { id: RecordId::Recipient(recipient), bytes });
            }
        }
        Ok(writes)
    }

    /// This party's own endpoint shows that a digest can never land: another one has its nonce, or its block has passed.
    ///
    /// # Errors
    /// `UnknownRequest`, `UnknownDigest`; `Landed` for a digest that was reported final.
    pub fn excluded(
        &mut self,
        request_id: &[u8; 32],
        digest: &[u8; 32],
    ) -> Result<Vec<LedgerWrite>, Refusal> {
        let mut entry = self.get(request_id)?.clone();
        let slot = entry.slot_mut(digest).ok_or(Refusal::UnknownDigest)?;
        if slot.landed.is_some_and(|landed| landed.digest == *digest) {
            return Err(Refusal::Landed);
        }
        slot.drafts.retain(|draft| draft.digest != *digest);
        entry.slots.retain(|slot| !slot.drafts.is_empty());
        let write = written(request_id, &entry);
        self.take(request_id);
        self.put(entry);
        Ok(vec![write, self.state()])
    }

    /// This party's own endpoint shows that the exposure which this digest made was taken back, at this time.
    ///
    /// # Errors
    /// `UnknownRequest`, `UnknownDigest`; `NotLanded` for one that was not reported final: it may land after what
    /// took it back.
    pub fn revoked(
        &mut self,
        request_id: &[u8; 32],
        digest: &[u8; 32],
        at_ms: u64,
    ) -> Result<LedgerWrite, Refusal> {
        let mut entry = self.get(request_id)?.clone();
        let slot = entry.slot_mut(digest).ok_or(Refusal::UnknownDigest)?;
        let landed = slot.landed.filter(|landed| landed.digest == *digest);
        let landed = landed.ok_or(Refusal::NotLanded)?;
        slot.revoked_at_ms.get_or_insert(at_ms.max(landed.at_ms));
        let write = written(request_id, &entry);
        self.take(request_id);
        self.put(entry);
        Ok(write)
    }

    /// Whether these are all digests that the request has, or others that they exclude; a new request may have any.
    pub fn fits(&self, request_id: &[u8; 32], digests: &[DigestUse]) -> bool {
        self.entries.get(request_id).is_none_or(|entry| {
            digests.iter().all(|digest| {
                entry.slots.iter().any(|slot| {
                    let same_slot = slot.exclusion.is_some() && slot.exclusion == digest.exclusion;
                    same_slot || slot.draft(&digest.digest).is_some()
                })
            })
        })
    }

    /// What `look` makes of this ledger without what the request has reserved for these digests, or for others that they
    /// exclude: of a slot at most one ever lands, so what is asked for anew is not counted beside itself. Other digests
    /// of the same request go on counting.
    pub fn without<T>(
        &mut self,
        request_id: &[u8; 32],
        digests: &[DigestUse],
        look: impl FnOnce(&Self) -> T,
    ) -> T {
        let Some(entry) = self.entries.get(request_id).cloned() else { return look(self) };
        let mut others = entry.clone();
        others.slots.retain(|slot| {
            let is_asked = |digest: &DigestUse| {
                let same_slot = slot.exclusion.is_some() && slot.exclusion == digest.exclusion;
                same_slot || slot.draft(&digest.digest).is_some()
            };
            !digests.iter().any(is_asked)
        });
        self.take(request_id);
        self.put(others);
        let seen = look(self);
        self.take(request_id);
        self.put(entry);
        seen
    }

    /// Takes note of a request that waits for a person. It reserves nothing: what is live is what can be signed now.
    /// One that waits already has its amounts replaced.
    ///
    /// # Errors
    /// `TooManyWaiting` for more requests or larger sums than may wait; `Malformed` as [`reserve`](Self::reserve).
    pub fn wait(
        &mut self,
        request_id: [u8; 32],
        charges: Vec<Charge>,
    ) -> Result<LedgerWrite, Refusal> {
        check_charges(&charges)?;
        let others = || self.waiting.values().filter(|one| one.request_id != request_id);
        if others().count() >= self.limits.max_waiting {
            return Err(Refusal::TooManyWaiting);
        }
        for (asset, most) in &self.limits.max_waiting_sums {
            let all = others().flat_map(|one| &one.charges).chain(&charges);
            let sum = all
                .filter(|charge| charge.asset == *asset)
                .fold(Wide::ZERO, |sum, charge| sum.saturating_add(Wide::from(charge.amount)));
            if sum > Wide::from(*most) && charges.iter().any(|charge| charge.asset == *asset) {
                return Err(Refusal::TooManyWaiting);
            }
        }
        let waiting = Waiting { request_id, charges };
        let bytes = write_waiting(&waiting);
        self.waiting.insert(request_id, waiting);
        Ok(LedgerWrite { id: RecordId::Waiting(request_id), bytes: Some(bytes) })
    }

    /// A request waits no more: it was refused, or given up. Nothing where it did not wait.
    pub fn stop_waiting(&mut self, request_id: &[u8; 32]) -> Option<LedgerWrite> {
        self.waiting.remove(request_id)?;
        Some(LedgerWrite { id: RecordId::Waiting(*request_id), bytes: None })
    }

    /// How many requests wait for a person.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many requests it remembers.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it remembers none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets the requests that take part in no window which begins at this time or later, so that neither memory
    /// nor store grow for ever. Give it the begin of the longest window of any rule. Who was paid is remembered.
    pub fn prune(&mut self, before_ms: u64) -> Vec<LedgerWrite> {
        let over: Vec<[u8; 32]> = self
            .entries
            .values()
            .filter(|entry| entry.is_over(before_ms))
            .map(|entry| entry.request_id)
            .collect();
        if over.is_empty() {
            return Vec::new();
        }
        let forget = |id: &[u8; 32]| LedgerWrite { id: RecordId::Request(*id), bytes: None };
        let mut writes: Vec<LedgerWrite> = over.iter().map(forget).collect();
        for id in &over {
            self.take(id);
        }
        writes.push(self.state());
        writes
    }

    fn get(&self, request_id: &[u8; 32]) -> Result<&Entry, Refusal> {
        self.entries.get(request_id).ok_or(Refusal::UnknownRequest)
    }

    /// No amount depends on how far a digest got, so the sums stay.
    fn advance(
        &mut self,
        request_id: &[u8; 32],
        from: DraftState,
        to: DraftState,
    ) -> Result<LedgerWrite, Refusal> {
        let entry = self.entries.get_mut(request_id).ok_or(Refusal::UnknownRequest)?;
        entry.share_left = true;
        for draft in entry.drafts_mut() {
            if draft.state == DraftState::Reserved || draft.state == from {
                draft.state = to;
            }
        }
        Ok(written(request_id, entry))
    }

    /// Puts an entry in, with everything that it counts for. One of which nothing is left, and for which no share ever
    /// left, is no request.
    fn put(&mut self, entry: Entry) {
        if is_forgotten(&entry) {
            return;
        }
        self.requests.add(entry.first_ms);
        self.requests_of.entry(entry.principal).or_default().add(entry.first_ms);
        for piece in entry.slots.iter().flat_map(Slot::pieces) {
            let sums = self.sums.entry(piece.asset).or_default();
            sums.all.add(piece.end_ms, piece.amount);
            sums.of.entry(entry.principal).or_default().add(piece.end_ms, piece.amount);
        }
        for recipient in awaited(&entry) {
            let count = self.awaited.entry(recipient.clone()).or_default();
            *count = count.saturating_add(1);
        }
        self.entries.insert(entry.request_id, entry);
    }

    /// Takes an entry out, with everything that it counts for.
    fn take(&mut self, request_id: &[u8; 32]) {
        let Some(entry) = self.entries.remove(request_id) else { return };
        for recipient in awaited(&entry) {
            if let btree_map::Entry::Occupied(mut count) = self.awaited.entry(recipient.clone()) {
                *count.get_mut() = count.get().saturating_sub(1);
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
        self.requests.remove(entry.first_ms);
        if let Some(times) = self.requests_of.get_mut(&entry.principal) {
            times.remove(entry.first_ms);
        }
        for piece in entry.slots.iter().flat_map(Slot::pieces) {
            let Some(sums) = self.sums.get_mut(&piece.asset) else { continue };
            sums.all.remove(piece.end_ms, piece.amount);
            if let btree_map::Entry::Occupied(mut of) = sums.of.entry(entry.principal) {
                of.get_mut().remove(piece.end_ms, piece.amount);
                if of.get().is_empty() {
                    of.remove();
                }
            }
            if sums.all.is_empty() {
                self.sums.remove(&piece.asset);
            }
        }
    }
}

impl Spending for Ledger {
    fn spent(&self, asset: &str, since_ms: u64, principal: Option<&[u8; 32]>) -> U256 {
        let Some(sums) = self.sums.get(asset) else { return U256::ZERO };
        let of = |whose| sums.of.get(&whose).map_or(Wide::ZERO, |sums| sums.since(since_ms));
        narrow(match principal {
            Some(key) => of(Some(*key)).saturating_add(of(None)),
            None => sums.all.since(since_ms),
        })
    }

    fn count(&self, since_ms: u64, principal: Option<&[u8; 32]>) -> u32 {
        let of = |whose| self.requests_of.get(&whose).map_or(0, |times| times.since(since_ms));
        match principal {
            Some(key) => of(Some(*key)).saturating_add(of(None)),
            None => self.requests.since(since_ms),
        }
    }

    fn first_paid_ms(&self, recipient: &str) -> Option<u64> {
        // Of a payment that did not land yet nobody knows when it will: it is of the future.
        let awaited = self.awaited.contains_key(recipient).then_some(u64::MAX);
        self.recipients.get(recipient).copied().or(awaited)
    }

    fn limits_full(&self) -> bool {
        self.limits_full
    }
}

/// Who is paid by what may still land.
fn awaited(entry: &Entry) -> impl Iterator<Item = &String> {
    let open = entry.slots.iter().filter(|slot| slot.landed.is_none());
    let charges = open.flat_map(|slot| &slot.drafts).flat_map(|draft| &draft.charges);
    let paid = charges.filter(|charge| charge.kind != ChargeKind::Fee);
    paid.filter_map(|charge| charge.recipient.as_ref())
}

fn is_forgotten(entry: &Entry) -> bool {
    entry.slots.is_empty() && !entry.share_left
}

fn written(request_id: &[u8; 32], entry: &Entry) -> LedgerWrite {
    let bytes = (!is_forgotten(entry)).then(|| write_entry(entry));
    LedgerWrite { id: RecordId::Request(*request_id), bytes }
}

/// Adds an item's digest to the slot whose digests it excludes, or as a slot of its own.
fn add(entry: &mut Entry, item: &LedgerItem, now_ms: u64) -> Result<(), Refusal> {
    let LedgerItem { digest, charges, .. } = item;
    if let Some(slot) = entry.slot_mut(&digest.digest) {
        let is_known = slot.exclusion == digest.exclusion
            && slot.draft(&digest.digest).is_some_and(|draft| draft.charges == *charges);
        return if is_known { Ok(()) } else { Err(Refusal::OtherCharges) };
    }
    let draft = Draft {
        digest: digest.digest,
        state: DraftState::Reserved,
        reserved_at_ms: now_ms,
        charges: charges.clone(),
    };
    match entry.slot_for(digest) {
        Some(slot) if slot.landed.is_some() => return Err(Refusal::Landed),
        Some(slot) if slot.drafts.len() >= MAX_DRAFTS => return Err(Refusal::Malformed),
        Some(slot) => slot.drafts.push(draft),
        None => entry.slots.push(Slot {
            exclusion: digest.exclusion,
            drafts: vec![draft],
            landed: None,
            revoked_at_ms: None,
        }),
    }
    Ok(())
}
