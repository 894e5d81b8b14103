//! What happens in one seed: everything that can go wrong, then nothing any more.

use ceremony::Role;
use ceremony::epochs::{Change, Epochs, Prepared};
use ceremony::store::{Key, Secret};

use crate::disk::Disk;
use crate::ghost::Ghost;
use crate::mutant::Mutant;
use crate::party::{Attempt, Body, Device, Process, RunId};
use crate::pool::{DeviceId, Pool, WALLET_ID, role_of};
use crate::world::{Coverage, OUTSIDE, Violation, World, name};

const STEPS: u32 = 420;
const MAX_ATTEMPTS: usize = 12;
/// Enough to catch up with what a hostile party can do to the numbers in that many attempts.
const MAX_TRIES: usize = 12;

/// Everything there is after an undisturbed key generation.
pub struct Founded {
    devices: Vec<(Vec<(Key, Secret)>, Epochs)>,
    ghost: Ghost,
    attempts: Vec<Attempt>,
}

/// A seed that broke an invariant.
#[derive(Debug)]
pub struct Failure {
    /// Replays it.
    pub seed: u64,
    /// What broke.
    pub violation: Violation,
    /// What happened before, a line each; empty unless asked for.
    pub trace: Vec<String>,
}

/// Runs one seed.
///
/// # Errors
/// The first invariant that broke, with the trace that led there.
pub fn run(pool: &Pool, seed: u64, mutant: Option<Mutant>) -> Result<Coverage, Box<Failure>> {
    let mut world = World::new(pool, seed, mutant, false);
    if world.live().is_ok() {
        return Ok(world.coverage);
    }
    let mut world = World::new(pool, seed, mutant, true);
    let violation = world.live().expect_err("a seed decides everything");
    Err(Box::new(Failure { seed, violation, trace: world.trace.take().unwrap_or_default() }))
}

impl World<'_> {
    fn live(&mut self) -> Result<(), Violation> {
        self.calm = [1, 2, 4, 8][self.roll(4) as usize];
        self.is_faulty = self.roll(8) == 0;
        if self.is_faulty {
            self.found();
        } else {
            self.begin();
        }
        self.is_faulty = true;
        if self.roll(2) == 0 {
            self.hostile = Some(self.roll(3) as usize);
            self.cover("hostile", role_of(self.hostile.unwrap_or_default()).name());
        }
        self.check()?;
        for _ in 0..STEPS {
            self.act()?;
            self.check()?;
        }
        self.heal()
    }

    /// The agent proposes the key generation.
    fn found(&mut self) {
        let (change, base) = (Change::Found, (0, [0; 32]));
        let (devices, initiator, is_authorized) = ([0, 1, 2], 0, true);
        self.propose(Attempt { change, base, next: 1, devices, initiator, is_authorized });
    }

    /// From where an undisturbed key generation ends.
    fn begin(&mut self) {
        let founded = self.pool.founded.get_or_init(|| {
            let mut world = World::new(self.pool, 0, None, false);
            world.found();
            world.drain().expect("nothing goes wrong");
            let kept = world.devices.values().map(|device| {
                let process = device.process.as_ref().expect("up");
                (device.disk.records(), process.epochs.clone())
            });
            let devices = kept.collect();
            Founded { devices, ghost: world.ghost, attempts: world.attempts }
        });
        self.ghost = founded.ghost.clone();
        self.attempts = founded.attempts.clone();
        for (id, (records, epochs)) in founded.devices.iter().enumerate() {
            let disk = Disk::restored(records);
            let process = Some(Process::new(epochs.clone()));
            self.devices.insert(id, Device { disk, process, ..Device::default() });
        }
    }

    fn act(&mut self) -> Result<(), Violation> {
        let up = self.up();
        match self.roll(64) {
            0..20 => {
                self.deliver();
            }
            20..36 => {
                if let Some(device) = self.pick(&up) {
                    self.land(device);
                }
            }
            36..52 => self.note_something(&up),
            52 => self.start_something(&up),
            53 => {
                if self.one_in(3) {
                    self.stall(&up);
                }
            }
            54 => {
                if let Some(device) = self.pick(&up)
                    && self.one_in(2)
                {
                    self.crash(device, None);
                }
            }
            55..57 => {
                let down = self.down();
                if let Some(device) = self.pick(&down) {
                    self.restart(device)?;
                }
            }
            57 => {
                if let (Some(from), Some(to)) = (self.pick(&up), self.pick(&self.seats.clone())) {
                    self.tell_epochs(from, to);
                }
            }
            58..62 => {
                if self.one_in(2) {
                    self.act_hostile();
                }
            }
            _ => self.operate(&up),
        }
        Ok(())
    }

    fn note_something(&mut self, up: &[DeviceId]) {
        let Some(device) = self.pick(up) else { return };
        let landed: Vec<RunId> = self
            .process(device)
            .into_iter()
            .flat_map(|process| &process.runs)
            .filter(|(_, run)| run.pending.as_ref().is_some_and(|it| it.landed.is_some()))
            .map(|(id, _)| *id)
            .collect();
        if let Some(id) = self.pick(&landed) {
            self.note(device, id);
        }
    }

    fn stall(&mut self, up: &[DeviceId]) {
        let Some(device) = self.pick(up) else { return };
        let waiting: Vec<RunId> = self
            .process(device)
            .into_iter()
            .flat_map(|process| &process.runs)
            .filter(|(id, run)| **id < OUTSIDE && run.pending.is_none())
            .map(|(id, _)| *id)
            .collect();
        if let Some(id) = self.pick(&waiting) {
            self.fail(device, id);
        }
    }

    fn start_something(&mut self, up: &[DeviceId]) {
        if self.attempts.len() >= MAX_ATTEMPTS {
            return;
        }
        let Some(initiator) = self.pick(up) else { return };
        let vacant = Role::ALL.into_iter().find(|role| self.is_vacant(*role));
        match vacant {
            Some(role)
                if role_of(initiator) != role && self.is_seated(initiator) && self.roll(3) > 0 =>
            {
                self.recover(initiator, role);
            }
            _ => {
                self.refresh(initiator);
            }
        }
    }

    /// Whether the operators gave a role to a device that has not arrived yet.
    fn is_vacant(&self, role: Role) -> bool {
        let seat = self.seats[usize::from(role.byte()) - 1];
        seat >= 3 && self.devices[&seat].disk.view().newest_certified() == 0
    }

    /// An attempt of the same parties.
    pub(crate) fn refresh(&mut self, initiator: DeviceId) -> Option<RunId> {
        let epochs = self.epochs(initiator)?;
        let current = self.devices_of(epochs.held().next_back()?);
        let base = self.base(initiator, &current)?;
        let next = self.process(initiator)?.next_number();
        let attempt = Attempt {
            change: Change::Refresh,
            base,
            next,
            devices: current,
            initiator,
            is_authorized: true,
        };
        self.cover("attempt", "refresh");
        self.propose(attempt)
    }

    /// An attempt to put the device that has a role's seat into the committee.
    pub(crate) fn recover(&mut self, initiator: DeviceId, role: Role) -> Option<RunId> {
        let epochs = self.epochs(initiator)?;
        let mut devices = self.devices_of(epochs.held().next_back()?);
        let index = usize::from(role.byte()) - 1;
        devices[index] = self.seats[index];
        let base = self.base(initiator, &devices)?;
        let next = self.process(initiator)?.next_number();
        let (change, is_authorized) = (Change::Recover, true);
        let attempt = Attempt { change, base, next, devices, initiator, is_authorized };
        self.cover(
            "attempt",
            match role {
                Role::Agent => "recovery of the agent",
                Role::User => "recovery of the user",
                Role::Recovery => "recovery of the guardian",
            },
        );
        self.propose(attempt)
    }

    /// The newest epoch that those who deal hold, so far as they answered; sometimes just the initiator's newest.
    fn base(&mut self, initiator: DeviceId, devices: &[DeviceId; 3]) -> Option<(u64, [u8; 32])> {
        let guesses = self.one_in(4);
        let epochs = self.epochs(initiator)?;
        let holds = |device: &DeviceId, held: &Prepared| {
            let disk = self.devices[device].disk.view();
            let is_new = disk.newest_certified() == 0 && disk.shares.is_empty();
            is_new
                || disk.shares.get(&held.number()).is_some_and(|it| &it[..32] == held.transcript())
        };
        let fits = |held: &&Prepared| {
            let same = self.devices_of(held).iter().zip(devices).filter(|(a, b)| a == b).count();
            same >= 2 && (guesses || devices.iter().all(|device| holds(device, held)))
        };
        let held = epochs.held().rev().find(fits)?;
        Some((held.number(), *held.transcript()))
    }

    // ---- Operators ----

    fn operate(&mut self, up: &[DeviceId]) {
        let Some(device) = self.pick(up) else { return };
        match self.roll(8) {
            0 => self.lose(role_of(device)),
            1 | 2 => self.copy_disk(device),
            3 => {
                let is_spare = Role::ALL
                    .into_iter()
                    .filter(|it| *it != role_of(device))
                    .all(|it| self.is_seated(self.seats[usize::from(it.byte()) - 1]));
                if self.hostile.is_none() && is_spare {
                    self.roll_back(device);
                }
            }
            4 => {
                let peers: Vec<DeviceId> =
                    self.seats.into_iter().filter(|peer| *peer != device).collect();
                if let Some(peer) = self.pick(&peers) {
                    self.poison(device, peer);
                }
            }
            _ => {}
        }
    }

    /// The operators give up a device, and let another take its role. At most one party is lost or hostile.
    fn lose(&mut self, role: Role) {
        let index = usize::from(role.byte()) - 1;
        let lost = self.seats[index];
        let others: Vec<DeviceId> = self.seats.into_iter().filter(|id| *id != lost).collect();
        let spare = others.iter().all(|id| self.is_seated(*id));
        let hostile = self.hostile.is_none_or(|id| id == lost || role_of(id) == role);
        if !spare || !hostile {
            return;
        }
        let Some(device) = self.new_device(role) else { return };
        self.seats[index] = device;
        self.cover("device", "lost");
        self.say(|| format!("{} is lost, {} shall follow", name(lost), name(device)));
        if self.one_in(2) {
            self.crash(lost, None);
        }
    }

    // ---- The hostile device ----

    fn act_hostile(&mut self) {
        let Some(hostile) = self.hostile else { return };
        let targets: Vec<DeviceId> =
            self.devices.keys().copied().filter(|it| *it != hostile).collect();
        let Some(target) = self.pick(&targets) else { return };
        let attempts: Vec<RunId> = (0..self.attempts.len()).collect();
        match self.roll(7) {
            0 | 1 => {
                if let Some(id) = self.pick(&attempts) {
                    self.deal_otherwise(hostile, target, id);
                }
            }
            2 | 3 => {
                if let Some(id) = self.pick(&attempts) {
                    self.acknowledge_anything(hostile, target, id);
                }
            }
            4 => {
                let seen: Vec<usize> = (0..self.seen().len()).collect();
                if let Some(at) = self.pick(&seen) {
                    let message = self.seen()[at].clone();
                    self.cover("hostile", "replays");
                    self.send(hostile, target, message.attempt, message.body);
                }
            }
            5 => self.propose_anything(hostile, target),
            _ => {
                self.cover("hostile", "withholds");
                self.network.retain(|message| message.from != hostile);
            }
        }
    }

    /// Another deal for each, and a confirmation of whatever the target holds.
    fn deal_otherwise(&mut self, hostile: DeviceId, target: DeviceId, id: RunId) {
        let other = [u8::try_from(self.roll(4)).unwrap_or(0); 8];
        let run = self.process(target).and_then(|process| process.runs.get(&id));
        let confirmed = run.and_then(|run| run.confirms.get(&role_of(target)).copied());
        match confirmed {
            Some(transcript) => {
                self.cover("hostile", "confirms anything");
                self.send(hostile, target, id, Body::Confirm(transcript));
            }
            None => {
                self.cover("hostile", "equivocates");
                self.send(hostile, target, id, Body::Deal(other));
            }
        }
    }

    /// An acknowledgement of what the target holds, or a forged one, or a forged certificate.
    fn acknowledge_anything(&mut self, hostile: DeviceId, target: DeviceId, id: RunId) {
        let attempt = self.attempts[id].clone();
        let Some(epochs) = self.epochs(target) else { return };
        let held = epochs.held().find(|held| held.number() == attempt.next).cloned();
        let Some(held) = held else { return };
        if self.roll(3) == 0 {
            let mut forged = WALLET_ID.to_vec();
            forged.extend_from_slice(&held.base().to_be_bytes());
            forged.extend_from_slice(&held.number().to_be_bytes());
            forged.extend_from_slice(held.transcript());
            forged.extend_from_slice(&held.roster().hash());
            for role in Role::ALL {
                forged.push(role.byte());
                forged.extend_from_slice(&[role.byte(); 64]);
            }
            self.cover("hostile", "forges a certificate");
            return self.send(hostile, target, OUTSIDE, Body::Certificate(forged));
        }
        if self.roll(4) == 0 {
            self.cover("hostile", "forges an acknowledgement");
            return self.send(hostile, target, id, Body::Acknowledge([5; 64]));
        }
        // A device that forgets at once what it acknowledged: the shipped rule binds it no longer.
        let mut forgetful = Epochs::new(WALLET_ID);
        let number = held.number();
        forgetful.note_prepared(held);
        let identity = self.pool.identity(hostile);
        if let Ok((_, signature)) = forgetful.acknowledge(number, identity) {
            self.cover("hostile", "acknowledges anything");
            self.send(hostile, target, id, Body::Acknowledge(signature));
        }
    }

    fn propose_anything(&mut self, hostile: DeviceId, target: DeviceId) {
        if self.attempts.len() >= MAX_ATTEMPTS {
            return;
        }
        let Some(epochs) = self.epochs(target) else { return };
        let Some(held) = epochs.held().next_back() else { return };
        let (base, floor) = ((held.number(), *held.transcript()), epochs.floor());
        let mut devices = self.devices_of(held);
        let numbers = [floor, floor + 1, floor + 16, floor + 17, u64::MAX / 2, u64::MAX];
        let next = self.pick(&numbers).unwrap_or(floor);
        let (mut change, mut is_authorized) = (Change::Refresh, true);
        if self.roll(3) == 0 {
            // Its own second device in the place of the third party, whom it calls lost.
            let third = |role: &Role| *role != role_of(hostile) && *role != role_of(target);
            let Some(third) = Role::ALL.into_iter().find(third) else { return };
            let Some(second) = self.new_device(third) else { return };
            devices[usize::from(third.byte()) - 1] = second;
            (change, is_authorized) = (Change::Recover, false);
            self.cover("hostile", "names its second device");
        } else {
            self.cover("hostile", "proposes a number");
        }
        let id = self.attempts.len();
        let initiator = hostile;
        self.attempts.push(Attempt { change, base, next, devices, initiator, is_authorized });
        self.send(hostile, target, id, Body::Propose);
        if self.roll(2) == 0 {
            self.send(hostile, target, id, Body::Deal([1; 8]));
        }
    }

    // ---- The end ----

    /// Everybody is honest, up and connected: what was lost is replaced, then one refresh completes at all.
    fn heal(&mut self) -> Result<(), Violation> {
        self.is_faulty = false;
        self.network.clear();
        for device in self.seats {
            if self.devices[&device].process.is_none() {
                self.restart(device)?;
            }
        }
        self.drain()?;
        self.quiet()?;
        self.meet()?;
        let lost: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|role| !self.is_seated(self.seats[usize::from(role.byte()) - 1]))
            .collect();
        let role = match lost.as_slice() {
            [] => None,
            [role] => Some(*role),
            // The key generation did not end: there is no wallet.
            _ => {
                self.cover("end", "no wallet");
                return Ok(());
            }
        };
        if let Some(role) = role {
            let Some(device) = self.new_device(role) else { return Ok(()) };
            self.seats[usize::from(role.byte()) - 1] = device;
            self.complete("recovery", |world, initiator| world.recover(initiator, role))?;
            self.cover("end", "recovered");
        }
        let epoch = self.complete("refresh", |world, initiator| world.refresh(initiator))?;
        self.cover("end", "refreshed");
        for device in self.seats {
            let view = self.devices[&device].disk.view();
            if !view.shares.keys().eq([&epoch]) || view.newest_certified() != epoch {
                return Err(Violation {
                    invariant: "after everybody's certificate older shares exist nowhere",
                    detail: format!("{}: {view:?}", name(device)),
                });
            }
        }
        Ok(())
    }

    /// All sessions end.
    fn quiet(&mut self) -> Result<(), Violation> {
        for device in self.up() {
            let runs: Vec<RunId> = self
                .process(device)
                .into_iter()
                .flat_map(|process| process.runs.keys().copied())
                .collect();
            for id in runs {
                self.fail(device, id);
            }
        }
        self.network.clear();
        self.drain()
    }

    /// Everybody tells everybody which epochs it holds.
    fn meet(&mut self) -> Result<(), Violation> {
        for from in self.seats {
            for to in self.seats {
                self.tell_epochs(from, to);
            }
        }
        self.drain()
    }

    fn complete(
        &mut self,
        what: &'static str,
        start: impl Fn(&mut Self, DeviceId) -> Option<RunId>,
    ) -> Result<u64, Violation> {
        let mut tried = Vec::new();
        for _ in 0..MAX_TRIES {
            // Whoever is furthest behind starts: a number that is too high for it would be refused.
            let floor = |id: &DeviceId| self.epochs(*id).map_or(u64::MAX, Epochs::floor);
            let starters = self.seats.into_iter().filter(|id| self.is_seated(*id));
            let Some(initiator) = starters.min_by_key(floor) else { break };
            let next = start(self, initiator).map(|id| self.attempts[id].next);
            self.drain()?;
            self.check()?;
            let is_certified = |device: &DeviceId| {
                Some(self.devices[device].disk.view().newest_certified()) == next
            };
            if let Some(next) = next
                && self.seats.iter().all(is_certified)
            {
                return Ok(next);
            }
            self.cover("end", "tried again");
            tried.push((initiator, next));
            self.quiet()?;
            self.meet()?;
        }
        let views =
            self.seats.map(|id| format!("{}: {:?}", name(id), self.devices[&id].disk.view()));
        let detail = format!("{what} {tried:?}\n{}", views.join("\n"));
        Err(Violation { invariant: "refreshing can go on", detail })
    }
}
