//! One device: its disk, and while it is up the shipped bookkeeping of epochs with the attempts under way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ceremony::epochs::{Change, Epochs, Prepared};
use ceremony::store::{Key, Secret, Write};
use ceremony::{Certificate, Role};

use crate::disk::Disk;
use crate::pool::{DeviceId, WALLET_ID};

/// An attempt, or a certificate that is being written down outside of one.
pub type RunId = usize;

/// What a session's descriptor and details bind: the same at everybody who takes part.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What it does.
    pub change: Change,
    /// The epoch it starts from, and its transcript.
    pub base: (u64, [u8; 32]),
    /// Its number.
    pub next: u64,
    /// The committee after it.
    pub devices: [DeviceId; 3],
    /// Who proposed it.
    pub initiator: DeviceId,
    /// Whether the operators at the survivors said yes.
    pub is_authorized: bool,
}

/// What travels.
#[derive(Debug, Clone)]
pub enum Body {
    /// Round 0.
    Propose,
    /// Rounds 1–3: all that the transcript depends on.
    Deal([u8; 8]),
    /// Rounds 4–6: the sender read its share of this transcript back from its disk.
    Confirm([u8; 32]),
    /// Round 7.
    Acknowledge([u8; 64]),
    /// Round 8, or outside of an attempt.
    Certificate(Vec<u8>),
    /// The answer to whoever names an epoch or a number that the sender cannot use: its floor and certificate.
    Behind(u64, Vec<u8>),
}

/// A message; the channel authenticates its sender.
#[derive(Debug, Clone)]
pub struct Message {
    /// Sender.
    pub from: DeviceId,
    /// Recipient.
    pub to: DeviceId,
    /// The attempt it belongs to.
    pub attempt: RunId,
    /// Content.
    pub body: Body,
    /// How often it may still be put off, because its session has not begun.
    pub patience: u8,
}

/// What a commit is for: what to do when it is on disk.
pub enum Step {
    /// A number is taken.
    Intent,
    /// Shares.
    Prepare(Box<Prepared>),
    /// The acknowledgement that leaves afterwards.
    Acknowledge([u8; 64]),
    /// A certificate.
    Certify(Box<Certificate>),
    /// The shares of a failed attempt go.
    Abandon,
    /// The pair with this device is poisoned.
    Poison(DeviceId),
    /// What a planted bug writes.
    Planted,
}

impl Step {
    /// For traces and coverage.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Prepare(_) => "prepare",
            Self::Acknowledge(_) => "acknowledge",
            Self::Certify(_) => "certify",
            Self::Abandon => "abandon",
            Self::Poison(_) => "poison",
            Self::Planted => "planted",
        }
    }
}

/// A commit under way.
pub struct Pending {
    /// What for.
    pub step: Step,
    /// Until it is on disk.
    pub writes: Option<Vec<Write>>,
    /// Whether it was written, once that is known.
    pub landed: Option<bool>,
}

/// One attempt at one device.
#[derive(Default)]
pub struct Run {
    /// What was dealt.
    pub deals: BTreeMap<Role, [u8; 8]>,
    /// What was confirmed.
    pub confirms: BTreeMap<Role, [u8; 32]>,
    /// Who acknowledged.
    pub acknowledgements: BTreeMap<Role, [u8; 64]>,
    /// A certificate that came first.
    pub certificate: Option<Vec<u8>>,
    /// The commit under way.
    pub pending: Option<Pending>,
    /// The last step that was noted.
    pub done: Option<&'static str>,
    /// Writes that a planted bug puts off.
    pub put_off: Vec<Write>,
}

/// What a crash loses.
pub struct Process {
    /// The shipped bookkeeping.
    pub epochs: Epochs,
    /// Under way.
    pub runs: BTreeMap<RunId, Run>,
    /// Commits in the order in which they were asked for: one writer.
    pub queue: VecDeque<RunId>,
    /// The highest numbers that peers said they had taken.
    pub floors: BTreeMap<Role, u64>,
}

impl Process {
    /// With nothing under way.
    pub fn new(epochs: Epochs) -> Self {
        let (runs, queue) = (BTreeMap::new(), VecDeque::new());
        Self { epochs, runs, queue, floors: BTreeMap::new() }
    }

    /// The number that the next attempt of this party takes.
    pub fn next_number(&self) -> u64 {
        let highest = self.floors.values().copied().max().unwrap_or(0);
        self.epochs.next_number(highest)
    }

    /// What is held under a number.
    pub fn held(&self, number: u64) -> Option<&Prepared> {
        self.epochs.held().find(|held| held.number() == number)
    }

    /// Asks for a commit.
    pub fn plan(&mut self, id: RunId, step: Step, writes: Vec<Write>) {
        let run = self.runs.entry(id).or_default();
        run.pending = Some(Pending { step, writes: Some(writes), landed: None });
        self.queue.push_back(id);
    }
}

/// A device.
#[derive(Default)]
pub struct Device {
    /// Survives everything but a rollback.
    pub disk: Disk,
    /// `None` while it is down.
    pub process: Option<Process>,
    /// A copy of the disk that somebody made.
    pub snapshot: Option<Vec<(Key, Secret)>>,
    /// Set back to a snapshot: the highest number that it had taken before. It counts as lost until it holds a
    /// certificate above.
    pub rolled_back: Option<u64>,
}

/// A share stands for the transcript it belongs to, and for whose it is.
pub fn share(transcript: &[u8; 32], devices: [DeviceId; 3]) -> Vec<u8> {
    let devices = devices.map(|id| u8::try_from(id).expect("a small pool"));
    [transcript.as_slice(), &devices].concat()
}

/// Removes the shares of these epochs, as a certificate would.
pub fn erasing(numbers: impl IntoIterator<Item = u64>) -> Vec<Write> {
    let erase = |epoch| {
        let key_id = KEY_ID.to_owned();
        [
            Write::Delete(Key::Share { wallet_id: WALLET_ID, epoch, key_id }),
            Write::Delete(Key::Prepared { wallet_id: WALLET_ID, epoch }),
        ]
    };
    numbers.into_iter().collect::<BTreeSet<u64>>().into_iter().flat_map(erase).collect()
}

/// The one key of the wallet.
pub const KEY_ID: &str = "ecdsa";
