//! What the simulator remembers of every device beside its disk: what it did and said, whatever it forgot.

use std::collections::{BTreeMap, BTreeSet};

use crate::disk::View;
use crate::party::RunId;
use crate::pool::DeviceId;
use crate::world::Violation;

/// Memory of what happened.
#[derive(Default, Clone)]
pub struct Ghost {
    /// Every transcript that was acknowledged, by device and number, for ever.
    said: BTreeMap<(DeviceId, u64), [u8; 32]>,
    /// The same, without what a rollback made the device forget.
    pub bound: BTreeMap<(DeviceId, u64), [u8; 32]>,
    /// Which attempt took a number.
    took: BTreeMap<(DeviceId, u64), RunId>,
    /// Which devices' keys each device acknowledged to be replaced.
    pub replaced: BTreeMap<DeviceId, BTreeMap<DeviceId, [u8; 32]>>,
    /// Which identity keys each device reported for poisoning.
    pub reported: BTreeSet<(DeviceId, [u8; 32])>,
    /// The transcript of each epoch of which an honest party holds a certificate.
    pub certified: BTreeMap<u64, Vec<u8>>,
    /// What stood on each disk when it was last looked at.
    pub before: BTreeMap<DeviceId, View>,
    /// What must never happen and did.
    pub wrong: Option<(DeviceId, Violation)>,
}

impl Ghost {
    /// A device took a number for an attempt.
    pub fn took(&mut self, device: DeviceId, number: u64, attempt: RunId) {
        if self.took.insert((device, number), attempt).is_some_and(|earlier| earlier != attempt) {
            let detail = format!("device {device} took {number} a second time");
            let violation = Violation { invariant: "a number is taken once", detail };
            self.wrong.get_or_insert((device, violation));
        }
    }

    /// An acknowledgement is about to leave a device.
    pub fn acknowledged(
        &mut self,
        device: DeviceId,
        number: u64,
        transcript: [u8; 32],
        gone: impl Iterator<Item = (DeviceId, [u8; 32])>,
    ) {
        self.bound.insert((device, number), transcript);
        let earlier = self.said.insert((device, number), transcript);
        if earlier.is_some_and(|earlier| earlier != transcript) {
            let detail = format!("device {device} acknowledged two transcripts under {number}");
            let violation = Violation { invariant: "one transcript per number", detail };
            self.wrong.get_or_insert((device, violation));
        }
        self.replaced.entry(device).or_default().extend(gone);
    }

    /// A device was set back to what stands on its disk now: it is bound by no more than that.
    pub fn roll_back(&mut self, device: DeviceId, view: &View) {
        self.bound
            .retain(|(of, number), _| *of != device || view.acknowledged.contains_key(number));
        self.took.retain(|(of, number), _| *of != device || view.intents.contains(number));
        self.reported.retain(|(of, key)| *of != device || view.poisoned.contains(key));
        if let Some(gone) = self.replaced.get_mut(&device) {
            gone.retain(|_, key| view.replaced.contains(key));
        }
        self.before.insert(device, view.clone());
    }
}
