//! What must hold after every step (`docs/protocol.md`, I).

use ceremony::epochs::Prepared;

use crate::disk::View;
use crate::party::Device;
use crate::pool::{DeviceId, role_of};
use crate::world::{Violation, World, name};

const MAX_AHEAD: u64 = 1 << 32;

fn fail(invariant: &'static str, detail: String) -> Result<(), Violation> {
    Err(Violation { invariant, detail })
}

impl World<'_> {
    /// All of them.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check(&mut self) -> Result<(), Violation> {
        if !std::mem::take(&mut self.is_dirty) {
            return Ok(());
        }
        if let Some((device, violation)) = self.ghost.wrong.take()
            && self.hostile != Some(device)
        {
            return Err(violation);
        }
        for device in self.devices.values_mut() {
            if device.rolled_back.is_some_and(|taken| device.disk.view().newest_certified() > taken)
            {
                device.rolled_back = None;
                *self.coverage.entry(("process", "rolled back, a member again")).or_default() += 1;
            }
        }
        let honest: Vec<DeviceId> =
            self.devices.keys().copied().filter(|id| self.hostile != Some(*id)).collect();
        for id in &honest {
            self.check_device(*id)?;
        }
        for id in honest {
            let view = self.devices[&id].disk.view();
            if self.ghost.before.get(&id) != Some(view) {
                let view = view.clone();
                self.ghost.before.insert(id, view);
            }
        }
        self.check_pairs()
    }

    fn check_device(&mut self, id: DeviceId) -> Result<(), Violation> {
        let Device { disk, .. } = &self.devices[&id];
        let (view, nothing) = (disk.view(), View::default());
        let before = self.ghost.before.get(&id).unwrap_or(&nothing);
        let newest = view.newest_certified();
        let who = name(id);

        for epoch in before.prepared.difference(&view.prepared) {
            let is_kept = self.ghost.bound.contains_key(&(id, *epoch))
                || before.acknowledged.contains_key(epoch)
                || before.certified.contains(epoch);
            if is_kept && newest <= *epoch {
                let detail = format!("{who} erased {epoch}, its newest certificate is {newest}");
                return fail("nothing goes before a certificate above it", detail);
            }
        }
        if view.shares.keys().any(|epoch| *epoch < newest) {
            let detail = format!("{who} keeps {:?} below {newest}", view.shares.keys());
            return fail("nothing stays below a certificate", detail);
        }
        if !view.shares.keys().eq(&view.prepared) {
            return fail("shares and their record go together", format!("{who}: {view:?}"));
        }
        for ((_, number), transcript) in self.ghost.bound.range((id, 0)..=(id, u64::MAX)) {
            let share = view.shares.get(number).map(|share| &share[..32]);
            let said = view.acknowledged.get(number).map(Vec::as_slice);
            let is_held = share == Some(transcript) && said == Some(transcript);
            if newest <= *number && !is_held {
                let detail = format!("{who} acknowledged {number} and does not hold it");
                return fail("what was acknowledged is on disk", detail);
            }
        }
        let highest = [
            before.intents.last().copied(),
            before.acknowledged.keys().last().copied(),
            Some(before.newest_certified()),
        ];
        let floor = highest.into_iter().flatten().max().unwrap_or(0);
        let is_newcomer = before.prepared.is_empty() && before.acknowledged.is_empty();
        for number in view.intents.difference(&before.intents) {
            let bound = if is_newcomer { u64::MAX / 2 } else { floor + MAX_AHEAD };
            if *number > bound {
                return fail("numbers are bounded", format!("{who} took {number} above {floor}"));
            }
        }
        for (_, key) in self.ghost.reported.range((id, [0; 32])..=(id, [255; 32])) {
            if !view.poisoned.contains(key) {
                return fail("a poisoning is stored before it is reported", who);
            }
        }
        for number in &view.certified {
            let Some(share) = view.shares.get(number) else { continue };
            let transcript = share[..32].to_vec();
            let known = self.ghost.certified.entry(*number).or_insert_with(|| transcript.clone());
            if *known != transcript {
                let detail = format!("{who} holds another certificate of {number}");
                return fail("one certified transcript per number", detail);
            }
        }
        Ok(())
    }

    fn check_pairs(&self) -> Result<(), Violation> {
        let seated: Vec<DeviceId> =
            self.seats.into_iter().filter(|id| self.is_seated(*id)).collect();
        for left in &seated {
            for right in seated.iter().filter(|right| left != *right) {
                if !self.share_an_epoch(*left, *right) {
                    let (a, b) = (self.devices[left].disk.view(), self.devices[right].disk.view());
                    let detail = format!("{} {a:?}\n{} {b:?}", name(*left), name(*right));
                    return fail("any two honest parties hold a common epoch", detail);
                }
                if self.epochs(*left).is_some()
                    && self.epochs(*right).is_some()
                    && self.works(*left, *right).is_none()
                {
                    let detail = format!("{} refuses {}", name(*right), name(*left));
                    return fail("any two honest parties work together", detail);
                }
            }
        }
        for (device, gone) in &self.ghost.replaced {
            if self.hostile == Some(*device) {
                continue;
            }
            for lost in gone.keys() {
                if let Some(epoch) = self.works(*lost, *device) {
                    let detail = format!("{} serves {} in {epoch}", name(*device), name(*lost));
                    return fail("a replaced key never works again", detail);
                }
            }
        }
        Ok(())
    }

    /// Whether a device counts as a party of the wallet: the operators say so, it took part in an epoch to its end,
    /// it is honest, and it was not set back.
    pub(crate) fn is_seated(&self, id: DeviceId) -> bool {
        let device = &self.devices[&id];
        self.seats.contains(&id)
            && self.hostile != Some(id)
            && device.rolled_back.is_none()
            && device.disk.view().newest_certified() > 0
    }

    /// Whether two disks have what two parties need to sign.
    fn share_an_epoch(&self, left: DeviceId, right: DeviceId) -> bool {
        let (a, b) = (self.devices[&left].disk.view(), self.devices[&right].disk.view());
        let is_replaced = |view: &View, id| view.replaced.contains(&self.pool.key(id));
        !is_replaced(a, right)
            && !is_replaced(b, left)
            && a.shares.iter().any(|(epoch, share)| {
                let of = |id| share[32 + usize::from(role_of(id).byte()) - 1] as usize == id;
                of(left) && of(right) && b.shares.get(epoch) == Some(share)
            })
    }

    /// The epoch in which a device serves another: the shipped rule, and the key that the channel expects under that
    /// epoch's roster. A member says what it holds; anybody else claims whatever helps.
    pub(crate) fn works(&self, asker: DeviceId, server: DeviceId) -> Option<u64> {
        let (epochs, role) = (self.epochs(server)?, role_of(asker));
        let claim = |held: &Prepared| (held.number(), *held.transcript());
        let serves = |claims: &[(u64, [u8; 32])]| {
            let number = epochs.common(role, claims)?;
            let held = epochs.held().find(|held| held.number() == number)?;
            let expected = held.roster().member(role.index())?.identity_key;
            (expected == self.pool.key(asker)).then_some(number)
        };
        if self.is_seated(asker) {
            let claims: Vec<_> = self.epochs(asker)?.held().map(claim).collect();
            return serves(&claims);
        }
        epochs.held().find_map(|held| serves(&[claim(held)]))
    }
}
