//! Three parties, a network, an operator and time: everything that one seed decides.

use std::collections::{BTreeMap, BTreeSet};

use ceremony::epochs::{Change, Epochs, Prepared};
use ceremony::store::{Key, Secret, Write};
use ceremony::{Certificate, Persons, Role};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

use crate::disk::Disk;
use crate::ghost::Ghost;
use crate::mutant::Mutant;
use crate::party::{Attempt, Body, Device, KEY_ID, Message, Process, Run, RunId, Step};
use crate::party::{erasing, share};
use crate::pool::{DeviceId, Pool, WALLET_ID, role_of};

/// Runs of certificates that come outside of an attempt, and of poisonings, count from here.
pub(crate) const OUTSIDE: RunId = 1 << 32;
const PATIENCE: u8 = 12;

/// How often something happened.
pub type Coverage = BTreeMap<(&'static str, &'static str), u64>;

/// An invariant that does not hold.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Its name.
    pub invariant: &'static str,
    /// What was seen.
    pub detail: String,
}

/// Everything of one seed.
pub struct World<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) devices: BTreeMap<DeviceId, Device>,
    /// The device that the operators count as each role's, by index.
    pub(crate) seats: [DeviceId; 3],
    /// The Byzantine device.
    pub(crate) hostile: Option<DeviceId>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) network: Vec<Message>,
    /// Whether anything may go wrong.
    pub(crate) is_faulty: bool,
    /// By how much less often than at worst.
    pub(crate) calm: u32,
    pub(crate) ghost: Ghost,
    /// What happened how often.
    pub coverage: Coverage,
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) is_dirty: bool,
    seen: Vec<Message>,
    rng: ChaCha8Rng,
    outside: RunId,
    wallet_secret: [u8; 32],
}

impl<'a> World<'a> {
    /// Before the wallet is made.
    pub fn new(pool: &'a Pool, seed: u64, mutant: Option<Mutant>, is_traced: bool) -> Self {
        let mut devices: BTreeMap<DeviceId, Device> = BTreeMap::new();
        for id in 0..3 {
            let process = Some(Process::new(Epochs::new(WALLET_ID)));
            devices.insert(id, Device { process, ..Device::default() });
        }
        Self {
            pool,
            mutant,
            devices,
            seats: [0, 1, 2],
            hostile: None,
            attempts: Vec::new(),
            network: Vec::new(),
            is_faulty: false,
            calm: 1,
            ghost: Ghost::default(),
            coverage: Coverage::new(),
            trace: is_traced.then(Vec::new),
            is_dirty: true,
            seen: Vec::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            outside: OUTSIDE,
            wallet_secret: [42; 32],
        }
    }

    pub(crate) fn roll(&mut self, below: u32) -> u32 {
        self.rng.next_u32() % below
    }

    pub(crate) fn one_in(&mut self, chance: u32) -> bool {
        self.is_faulty && self.roll(chance * self.calm) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let count = u32::try_from(from.len()).ok().filter(|count| *count > 0)?;
        from.get(self.roll(count) as usize).copied()
    }

    pub(crate) fn cover(&mut self, what: &'static str, how: &'static str) {
        *self.coverage.entry((what, how)).or_default() += 1;
    }

    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    pub(crate) fn process(&mut self, id: DeviceId) -> Option<&mut Process> {
        self.devices.get_mut(&id)?.process.as_mut()
    }

    pub(crate) fn epochs(&self, id: DeviceId) -> Option<&Epochs> {
        Some(&self.devices.get(&id)?.process.as_ref()?.epochs)
    }

    pub(crate) fn devices_of(&self, held: &Prepared) -> [DeviceId; 3] {
        let find = |role: Role| {
            let key = held.roster().member(role.index()).map(|member| member.identity_key);
            let same = |id: &DeviceId| role_of(*id) == role && key == Some(self.pool.key(*id));
            self.devices.keys().copied().find(same).expect("a device of this wallet")
        };
        Role::ALL.map(find)
    }

    // ---- Attempts ----

    /// The initiator asks for its number.
    pub(crate) fn propose(&mut self, attempt: Attempt) -> Option<RunId> {
        let id = self.attempts.len();
        let initiator = attempt.initiator;
        self.say(|| format!("{} proposes #{id} {attempt:?}", name(initiator)));
        self.attempts.push(attempt);
        self.intend(initiator, id).then_some(id)
    }

    /// What a party checks before it takes part, then its number.
    fn intend(&mut self, device: DeviceId, id: RunId) -> bool {
        let attempt = self.attempts[id].clone();
        let roster = self.pool.roster(attempt.devices);
        let Some(epochs) = self.epochs(device) else { return false };
        let is_newcomer = epochs.held().next().is_none();
        let current = epochs.held().next_back().map(|held| self.devices_of(held));
        let admits = match (attempt.change, current) {
            (Change::Found, current) => current.is_none(),
            (Change::Refresh, current) => current == Some(attempt.devices),
            // The approvers agreed to exactly this roster; a new device agrees to its own place.
            (Change::Recover, None) => attempt.devices.contains(&device),
            (Change::Recover, Some(current)) => {
                let changed = current.iter().zip(&attempt.devices).filter(|(a, b)| a != b).count();
                attempt.is_authorized && changed <= 1 && attempt.devices.contains(&device)
            }
        };
        if !admits {
            self.cover("refused", if attempt.is_authorized { "roster" } else { "unauthorized" });
            self.say(|| format!("{} does not admit #{id}", name(device)));
            return false;
        }
        let base = epochs.held().find(|held| held.number() == attempt.base.0);
        let is_base = is_newcomer || base.is_some_and(|it| *it.transcript() == attempt.base.1);
        let session = [u8::try_from(id % 251).expect("small"); 32];
        let asked = epochs.intend(attempt.change, attempt.base.0, attempt.next, &roster, &session);
        let Some(mut writes) = asked.ok().filter(|_| is_base) else {
            self.cover("refused", "number or base");
            self.say(|| format!("{} refuses #{id}", name(device)));
            self.tell_epochs(device, attempt.initiator);
            return false;
        };
        if self.mutant == Some(Mutant::ForgetNumber) {
            writes.clear();
        }
        if let Some(process) = self.process(device) {
            process.plan(id, Step::Intent, writes);
        }
        true
    }

    pub(crate) fn tell_epochs(&mut self, from: DeviceId, to: DeviceId) {
        let Some(epochs) = self.epochs(from) else { return };
        let certificate = epochs.certificate().map(Certificate::encode).unwrap_or_default();
        let body = Body::Behind(epochs.floor(), certificate);
        if from != to {
            self.send(from, to, OUTSIDE, body);
        }
    }

    pub(crate) fn send(&mut self, from: DeviceId, to: DeviceId, attempt: RunId, body: Body) {
        let message = Message { from, to, attempt, body, patience: PATIENCE };
        if self.seen.len() < 64 {
            self.seen.push(message.clone());
        }
        self.network.push(message);
    }

    /// To both peers; a crash between the two sends leaves one of them without.
    fn broadcast(&mut self, from: DeviceId, id: RunId, step: &'static str, body: &Body) {
        let peers: Vec<DeviceId> =
            self.attempts[id].devices.iter().copied().filter(|peer| *peer != from).collect();
        for (sent, peer) in peers.into_iter().enumerate() {
            if sent == 1 && self.one_in(80) {
                self.crash(from, Some((step, "half sent")));
                return;
            }
            self.send(from, peer, id, body.clone());
        }
    }

    /// What one party deals in an attempt: drawn anew by whoever takes part.
    fn deal(&mut self, device: DeviceId, id: RunId) {
        let mut dealt = [0; 8];
        self.rng.fill_bytes(&mut dealt);
        let role = role_of(device);
        if let Some(run) = self.process(device).and_then(|process| process.runs.get_mut(&id)) {
            run.deals.insert(role, dealt);
        }
        self.broadcast(device, id, "intent", &Body::Deal(dealt));
    }

    fn transcript(&self, id: RunId, run: &Run) -> [u8; 32] {
        let attempt = &self.attempts[id];
        let mut hasher = Sha256::new();
        hasher.update(self.wallet_secret);
        hasher.update(u64::try_from(id).expect("small").to_be_bytes());
        hasher.update(attempt.next.to_be_bytes());
        run.deals.values().for_each(|dealt| hasher.update(dealt));
        hasher.finalize().into()
    }

    pub(crate) fn prepared(&self, id: RunId, transcript: [u8; 32]) -> Prepared {
        let attempt = &self.attempts[id];
        let roster = self.pool.roster(attempt.devices);
        let keys = vec![(KEY_ID.to_owned(), transcript)];
        let agreed = (b"{}".to_vec(), Persons::default());
        Prepared::new(roster, (attempt.base.0, attempt.next), transcript, agreed, keys)
    }

    /// Goes on with an attempt as far as what arrived allows, up to the next commit.
    fn advance(&mut self, device: DeviceId, id: RunId) {
        let Some(process) = self.devices[&device].process.as_ref() else { return };
        let Some(run) = process.runs.get(&id).filter(|run| run.pending.is_none()) else { return };
        match run.done {
            Some("intent") if run.deals.len() == 3 => {
                let transcript = self.transcript(id, run);
                let prepared = self.prepared(id, transcript);
                let process = self.process(device).expect("up");
                let Ok(mut writes) = process.epochs.prepare(&prepared) else {
                    self.cover("refused", "overtaken before it is prepared");
                    return self.fail(device, id);
                };
                let epoch = prepared.number();
                let key = Key::Share { wallet_id: WALLET_ID, epoch, key_id: KEY_ID.to_owned() };
                let value = share(&transcript, self.attempts[id].devices);
                writes.push(Write::Create(key, Secret::copy_from(&value)));
                let put_off = if self.mutant == Some(Mutant::AcknowledgeBeforePrepare) {
                    std::mem::take(&mut writes)
                } else {
                    Vec::new()
                };
                let process = self.process(device).expect("up");
                process.plan(id, Step::Prepare(Box::new(prepared)), writes);
                process.runs.get_mut(&id).expect("running").put_off = put_off;
            }
            Some("prepare") if run.confirms.len() == 3 => {
                let own = run.confirms[&role_of(device)];
                if run.confirms.values().any(|it| *it != own) {
                    self.cover("refused", "another transcript");
                    return self.fail(device, id);
                }
                self.acknowledge(device, id);
            }
            Some("acknowledge") => self.collect(device, id),
            _ => {}
        }
    }

    fn acknowledge(&mut self, device: DeviceId, id: RunId) {
        let (next, mutant) = (self.attempts[id].next, self.mutant);
        let identity = self.pool.identity(device);
        let process = self.devices.get_mut(&device).and_then(|it| it.process.as_mut());
        let process = process.expect("up");
        let Ok((mut writes, signature)) = process.epochs.acknowledge(next, identity) else {
            self.cover("refused", "to acknowledge");
            return self.fail(device, id);
        };
        writes.retain(|write| match write {
            Write::Put(Key::Replaced { .. }, _) => mutant != Some(Mutant::ForgetReplaced),
            Write::Create(Key::Acknowledged { .. }, _) => {
                mutant != Some(Mutant::ForgetAcknowledged)
            }
            _ => true,
        });
        process.plan(id, Step::Acknowledge(signature), writes);
    }

    /// Everybody's acknowledgements, or a certificate.
    fn collect(&mut self, device: DeviceId, id: RunId) {
        let next = self.attempts[id].next;
        let Some(process) = self.devices[&device].process.as_ref() else { return };
        let Some(held) = process.held(next) else { return };
        let run = &process.runs[&id];
        let is_complete = run.acknowledgements.len() == 3;
        let handed = run.certificate.clone().filter(|_| !is_complete);
        let gathered = is_complete.then(|| certificate(held, &run.acknowledgements));
        if let Some(bytes) = gathered.or(handed) {
            if !self.certify(device, id, &bytes) {
                let what = if is_complete { "forged acknowledgement" } else { "certificate" };
                self.cover("refused", what);
                self.fail(device, id);
            }
        } else if run.acknowledgements.len() == 2
            && self.mutant == Some(Mutant::EraseOnTwoAcknowledgements)
        {
            self.erase_below(device, id, next);
        }
    }

    /// A certificate, from anyone.
    pub(crate) fn certify(&mut self, device: DeviceId, id: RunId, bytes: &[u8]) -> bool {
        let Some(epochs) = self.epochs(device) else { return false };
        let certificate = epochs
            .held()
            .rev()
            .filter(|held| held.number() > epochs.certified())
            .find_map(|held| Certificate::decode(bytes, held.roster()));
        let Some(certificate) = certificate else {
            return self.mutant == Some(Mutant::BelieveCertificate)
                && self.believe(device, id, bytes);
        };
        let Ok(mut writes) = epochs.certify(&certificate) else { return false };
        if self.mutant == Some(Mutant::EraseBeforeCertificate) && !writes.is_empty() {
            let (erasing, put): (Vec<Write>, Vec<Write>) =
                writes.into_iter().partition(|write| matches!(write, Write::Delete(_)));
            self.commit(device, erasing);
            if self.one_in(8) {
                self.crash(device, Some(("planted", "between")));
                return true;
            }
            writes = put;
        }
        let process = self.process(device).expect("up");
        process.plan(id, Step::Certify(Box::new(certificate)), writes);
        true
    }

    /// A planted bug takes the number in a certificate for the truth.
    fn believe(&mut self, device: DeviceId, id: RunId, bytes: &[u8]) -> bool {
        let number = bytes.get(40..48).and_then(|number| number.try_into().ok());
        let next = number.map_or(0, u64::from_be_bytes);
        let is_held = self.process(device).is_some_and(|process| {
            let has_older = process.epochs.held().next().is_some_and(|held| held.number() < next);
            has_older && process.held(next).is_some()
        });
        if is_held {
            self.erase_below(device, id, next);
        }
        is_held
    }

    /// A planted bug erases what is below an epoch.
    fn erase_below(&mut self, device: DeviceId, id: RunId, next: u64) {
        let Some(process) = self.process(device) else { return };
        let below = process.epochs.held().map(Prepared::number).filter(|number| *number < next);
        let writes = erasing(below);
        process.plan(id, Step::Planted, writes);
    }

    /// A stalled attempt ends; what was acknowledged stays.
    pub(crate) fn fail(&mut self, device: DeviceId, id: RunId) {
        let next = self.attempts.get(id).map(|attempt| attempt.next);
        let mutant = self.mutant;
        let Some(process) = self.process(device) else { return };
        let is_acknowledged =
            process.runs.get(&id).is_some_and(|run| run.done == Some("acknowledge"));
        let Some(next) = next else { return };
        let mut writes = process.epochs.abandon(next);
        if is_acknowledged && mutant == Some(Mutant::DropAcknowledged) {
            writes = erasing([next]);
        }
        if writes.is_empty() {
            process.runs.remove(&id);
            let what = if is_acknowledged { "after acknowledging" } else { "without shares" };
            self.cover("abandoned", what);
        } else {
            process.plan(id, Step::Abandon, writes);
            self.cover("abandoned", "with shares");
        }
        self.say(|| format!("{} gives up #{id}", name(device)));
    }

    // ---- The disk ----

    pub(crate) fn commit(&mut self, device: DeviceId, writes: Vec<Write>) -> bool {
        self.is_dirty = true;
        let Some(device) = self.devices.get_mut(&device) else { return false };
        device.disk.commit(writes).is_ok()
    }

    /// The next commit of a device lands.
    pub(crate) fn land(&mut self, device: DeviceId) -> bool {
        let Some(process) = self.process(device) else { return false };
        let Some(id) = process.queue.pop_front() else { return false };
        let pending = process.runs.get_mut(&id).and_then(|run| run.pending.as_mut());
        let Some(writes) = pending.and_then(|pending| pending.writes.take()) else { return false };
        let landed = self.commit(device, writes);
        if !landed {
            self.cover("refused", "by the store");
        }
        let Some(process) = self.process(device) else { return false };
        let pending = process.runs.get_mut(&id).and_then(|run| run.pending.as_mut());
        let Some(pending) = pending else { return false };
        pending.landed = Some(landed);
        let step = pending.step.name();
        self.say(|| format!("{} has {step} of #{id} on disk: {landed}", name(device)));
        true
    }

    /// A device hears that a commit landed: notes it, then sends.
    pub(crate) fn note(&mut self, device: DeviceId, id: RunId) -> bool {
        let Some(process) = self.process(device) else { return false };
        let Some(run) = process.runs.get_mut(&id) else { return false };
        if run.pending.as_ref().is_none_or(|pending| pending.landed.is_none()) {
            return false;
        }
        let Some(pending) = run.pending.take() else { return false };
        let step = pending.step.name();
        if pending.landed == Some(false) {
            process.runs.remove(&id);
            self.say(|| format!("{} could not write {step} of #{id}", name(device)));
            return true;
        }
        run.done = Some(step);
        self.is_dirty = true;
        self.say(|| format!("{} notes {step} of #{id}", name(device)));
        let next = self.attempts.get(id).map_or(0, |attempt| attempt.next);
        let epochs = &mut self.process(device).expect("up").epochs;
        match &pending.step {
            Step::Intent => epochs.note_intent(next),
            Step::Prepare(prepared) => {
                if !epochs.note_prepared((**prepared).clone()) {
                    self.cover("refused", "overtaken while it is written");
                    self.forget(device, id);
                    return true;
                }
            }
            Step::Certify(certificate) => epochs.note_certified((**certificate).clone()),
            Step::Abandon => epochs.note_abandoned(next),
            Step::Acknowledge(_) | Step::Poison(_) => {}
            Step::Planted => {
                self.crash(device, None);
                return true;
            }
        }
        if self.one_in(60) {
            self.crash(device, Some((step, "noted, not sent")));
            return true;
        }
        self.after(device, id, pending.step);
        if self.one_in(60) {
            self.crash(device, Some((step, "sent")));
        }
        true
    }

    fn after(&mut self, device: DeviceId, id: RunId, step: Step) {
        match step {
            Step::Intent => {
                self.ghost.took(device, self.attempts[id].next, id);
                if self.attempts[id].initiator == device {
                    self.broadcast(device, id, "intent", &Body::Propose);
                }
                self.deal(device, id);
            }
            Step::Prepare(prepared) => {
                let transcript = *prepared.transcript();
                if let Some(run) = self.process(device).and_then(|it| it.runs.get_mut(&id)) {
                    run.confirms.insert(role_of(device), transcript);
                }
                self.broadcast(device, id, "prepare", &Body::Confirm(transcript));
            }
            Step::Acknowledge(signature) => {
                let Some(process) = self.process(device) else { return };
                let next = process.runs.get_mut(&id).map(|run| {
                    run.acknowledgements.insert(role_of(device), signature);
                });
                if next.is_none() {
                    return;
                }
                let attempt = self.attempts[id].clone();
                let held = self.epochs(device).and_then(|epochs| {
                    epochs.held().find(|held| held.number() == attempt.next).cloned()
                });
                let Some(held) = held else { return };
                let epochs = self.epochs(device).into_iter().flat_map(Epochs::held);
                let gone: BTreeSet<DeviceId> = epochs
                    .filter(|earlier| {
                        let is_said = self.ghost.bound.contains_key(&(device, earlier.number()));
                        earlier.number() == attempt.base.0 || is_said
                    })
                    .filter(|earlier| earlier.number() < attempt.next)
                    .flat_map(|earlier| self.devices_of(earlier))
                    .filter(|gone| !attempt.devices.contains(gone))
                    .collect();
                let gone = gone.into_iter().map(|gone| (gone, self.pool.key(gone)));
                self.ghost.acknowledged(device, attempt.next, *held.transcript(), gone);
                self.broadcast(device, id, "acknowledge", &Body::Acknowledge(signature));
            }
            Step::Certify(certificate) => {
                if id < OUTSIDE {
                    let bytes = Body::Certificate(certificate.encode());
                    self.broadcast(device, id, "certify", &bytes);
                }
                if let Some(process) = self.process(device) {
                    let put_off = process.runs.remove(&id).map(|run| run.put_off);
                    let put_off = put_off.unwrap_or_default();
                    if !put_off.is_empty() {
                        self.commit(device, put_off);
                    }
                }
                self.cover("certified", if id < OUTSIDE { "in a session" } else { "by another" });
            }
            Step::Poison(peer) => {
                let key = self.pool.key(peer);
                self.ghost.reported.insert((device, key));
                self.forget(device, id);
            }
            Step::Abandon | Step::Planted => self.forget(device, id),
        }
        self.advance(device, id);
    }

    fn forget(&mut self, device: DeviceId, id: RunId) {
        if let Some(process) = self.process(device) {
            process.runs.remove(&id);
        }
    }

    // ---- Life and death ----

    /// Power off. What was planned and not landed never happens.
    pub(crate) fn crash(&mut self, device: DeviceId, point: Option<(&'static str, &'static str)>) {
        let Some(process) = self.devices.get_mut(&device).and_then(|it| it.process.take()) else {
            return;
        };
        for pending in process.runs.values().filter_map(|run| run.pending.as_ref()) {
            let how = if pending.landed.is_some() { "on disk, not noted" } else { "planned" };
            self.cover(pending.step.name(), how);
        }
        if let Some((step, how)) = point {
            self.cover(step, how);
        }
        self.cover("process", "killed");
        self.is_dirty = true;
        self.say(|| format!("{} is killed {point:?}", name(device)));
    }

    /// Starts from the disk; unacknowledged attempts are erased first, as `Membership::load` asks.
    pub(crate) fn restart(&mut self, device: DeviceId) -> Result<(), Violation> {
        let records = self.devices[&device].disk.records();
        let each = records.iter().map(|(key, value)| (key, value));
        let Some(mut epochs) = Epochs::load(WALLET_ID, each) else {
            return Err(Violation {
                invariant: "a store opens again",
                detail: format!("{}: {:?}", name(device), self.devices[&device].disk.view()),
            });
        };
        let mut writes = Vec::new();
        for next in epochs.abandoned() {
            writes.extend(epochs.abandon(next));
            epochs.note_abandoned(next);
        }
        if !writes.is_empty() {
            if self.one_in(10) {
                self.cover("abandon", "at start, not on disk");
                return Ok(());
            }
            self.cover("abandon", "at start");
            self.commit(device, writes);
        }
        self.devices.get_mut(&device).expect("it exists").process = Some(Process::new(epochs));
        self.cover("process", "restarted");
        self.is_dirty = true;
        self.say(|| format!("{} starts", name(device)));
        Ok(())
    }

    /// Somebody copies the disk.
    pub(crate) fn copy_disk(&mut self, device: DeviceId) {
        let Some(device) = self.devices.get_mut(&device) else { return };
        device.snapshot = Some(device.disk.records());
    }

    /// Somebody puts the copy back.
    pub(crate) fn roll_back(&mut self, id: DeviceId) -> bool {
        let Some(device) = self.devices.get_mut(&id) else { return false };
        let Some(records) = device.snapshot.take() else { return false };
        let view = device.disk.view();
        let before = [
            view.newest_certified(),
            view.intents.last().copied().unwrap_or(0),
            view.acknowledged.keys().last().copied().unwrap_or(0),
            device.rolled_back.unwrap_or(0),
        ];
        device.process = None;
        device.disk = Disk::restored(&records);
        device.rolled_back = before.into_iter().max();
        let view = device.disk.view().clone();
        self.ghost.roll_back(id, &view);
        self.cover("process", "rolled back");
        self.is_dirty = true;
        self.say(|| format!("{} is set back to a copy", name(id)));
        true
    }

    // ---- The network ----

    /// One message meets its fate.
    pub(crate) fn deliver(&mut self) -> bool {
        if self.network.is_empty() {
            return false;
        }
        let count = u32::try_from(self.network.len()).expect("short");
        let at = if self.is_faulty { self.roll(count) as usize } else { 0 };
        let mut message = self.network.remove(at);
        if at > 0 {
            self.cover("message", "reordered");
        }
        if self.one_in(25) {
            self.cover("message", "lost");
            self.say(|| format!("lost: {}", describe(&message)));
            return true;
        }
        if self.one_in(15) {
            self.cover("message", "delayed");
            self.network.push(message);
            return true;
        }
        if self.one_in(25) {
            self.cover("message", "duplicated");
            self.network.push(message.clone());
        }
        let Some(process) = self.process(message.to) else {
            self.cover("message", "to nobody");
            return true;
        };
        let is_early = message.attempt < OUTSIDE
            && !matches!(message.body, Body::Propose | Body::Certificate(_))
            && !process.runs.contains_key(&message.attempt);
        if is_early {
            if message.patience > 0 {
                message.patience -= 1;
                self.network.push(message);
            }
            return true;
        }
        self.say(|| describe(&message));
        self.receive(message);
        true
    }

    fn receive(&mut self, message: Message) {
        let Message { from, to, attempt: id, body, .. } = message;
        let (role, key) = (role_of(from), self.pool.key(from));
        let is_replaced = self.epochs(to).is_some_and(|epochs| epochs.is_replaced(&key));
        if is_replaced {
            self.cover("refused", "from a replaced key");
            return;
        }
        let in_session = self.attempts.get(id).is_some_and(|it| it.devices.contains(&from));
        if id < OUTSIDE && !in_session {
            self.cover("refused", "from a stranger");
            return;
        }
        if let Body::Propose = body {
            let is_new = self.process(to).is_some_and(|process| !process.runs.contains_key(&id));
            if is_new && self.attempts[id].initiator == from {
                self.intend(to, id);
            }
            return;
        }
        if let Body::Behind(floor, certificate) = body {
            let Some(process) = self.process(to) else { return };
            let known = process.epochs.held().any(|held| {
                held.roster().member(role.index()).is_some_and(|it| it.identity_key == key)
            });
            if !known && process.epochs.held().next().is_some() {
                return;
            }
            process.floors.insert(role, floor);
            self.outside_certificate(to, &certificate);
            return;
        }
        let Some(process) = self.process(to) else { return };
        let Some(run) = process.runs.get_mut(&id) else {
            if let Body::Certificate(bytes) = body {
                self.outside_certificate(to, &bytes);
            }
            return;
        };
        match body {
            Body::Deal(dealt) => {
                run.deals.entry(role).or_insert(dealt);
            }
            Body::Confirm(transcript) => {
                run.confirms.entry(role).or_insert(transcript);
            }
            Body::Acknowledge(signature) => {
                run.acknowledgements.entry(role).or_insert(signature);
            }
            Body::Certificate(bytes) => run.certificate = Some(bytes),
            Body::Propose | Body::Behind(..) => {}
        }
        self.advance(to, id);
    }

    fn outside_certificate(&mut self, to: DeviceId, bytes: &[u8]) {
        self.outside += 1;
        let id = self.outside;
        self.certify(to, id, bytes);
    }

    /// A failed check: the pair's record, then the report.
    pub(crate) fn poison(&mut self, device: DeviceId, peer: DeviceId) {
        let (own, theirs) = (self.pool.key(device), self.pool.key(peer));
        self.outside += 1;
        let id = self.outside;
        let Some(process) = self.process(device) else { return };
        let writes = vec![Write::Increment(Key::Poisonings(own, theirs))];
        process.plan(id, Step::Poison(peer), writes);
        if self.mutant == Some(Mutant::ReportBeforePoison) {
            self.ghost.reported.insert((device, theirs));
        }
    }

    /// Takes everything that is under way to its end, in order; nothing goes wrong meanwhile.
    pub(crate) fn drain(&mut self) -> Result<(), Violation> {
        loop {
            let mut moved = false;
            for id in self.up() {
                while self.land(id) {
                    moved = true;
                    self.check()?;
                }
                let runs: Vec<RunId> =
                    self.process(id).into_iter().flat_map(|it| it.runs.keys().copied()).collect();
                for run in runs {
                    moved |= self.note(id, run);
                    self.check()?;
                }
            }
            moved |= self.deliver();
            if !moved {
                return Ok(());
            }
        }
    }

    /// A message that the hostile device saw or sent, or could have seen: relays hand on everything.
    pub(crate) fn seen(&self) -> &[Message] {
        &self.seen
    }

    pub(crate) fn up(&self) -> Vec<DeviceId> {
        let is_up = |(_, device): &(&DeviceId, &Device)| device.process.is_some();
        self.devices.iter().filter(is_up).map(|(id, _)| *id).collect()
    }

    /// Which devices are not up.
    pub(crate) fn down(&self) -> Vec<DeviceId> {
        let up: BTreeSet<DeviceId> = self.up().into_iter().collect();
        self.devices.keys().copied().filter(|id| !up.contains(id)).collect()
    }

    /// A new device for a role, not yet a member of anything.
    pub(crate) fn new_device(&mut self, role: Role) -> Option<DeviceId> {
        let index = usize::from(role.byte()) - 1;
        let used = self.devices.keys().filter(|id| role_of(**id) == role).count();
        let id = index + 3 * used;
        if id >= crate::pool::DEVICES {
            return None;
        }
        let process = Some(Process::new(Epochs::new(WALLET_ID)));
        self.devices.insert(id, Device { process, ..Device::default() });
        Some(id)
    }
}

/// `walletId ‖ u64 base ‖ u64 next ‖ T ‖ roster hash ‖ (u8 index ‖ signature)…`, from the layout in the documentation.
fn certificate(held: &Prepared, signatures: &BTreeMap<Role, [u8; 64]>) -> Vec<u8> {
    let mut out = WALLET_ID.to_vec();
    out.extend_from_slice(&held.base().to_be_bytes());
    out.extend_from_slice(&held.number().to_be_bytes());
    out.extend_from_slice(held.transcript());
    out.extend_from_slice(&held.roster().hash());
    for (role, signature) in signatures {
        out.push(role.byte());
        out.extend_from_slice(signature);
    }
    out
}

/// A device in a trace: its role, and a prime for each device after the first.
pub(crate) fn name(id: DeviceId) -> String {
    format!("{}{}", role_of(id).name(), "'".repeat(id / 3))
}

fn describe(message: &Message) -> String {
    let body = match &message.body {
        Body::Propose => "proposal",
        Body::Deal(_) => "deal",
        Body::Confirm(_) => "confirmation",
        Body::Acknowledge(_) => "acknowledgement",
        Body::Certificate(_) => "certificate",
        Body::Behind(..) => "held epochs",
    };
    let (from, to) = (name(message.from), name(message.to));
    match message.attempt {
        OUTSIDE.. => format!("{from} -> {to}: {body}"),
        id => format!("{from} -> {to}: {body} of #{id}"),
    }
}
