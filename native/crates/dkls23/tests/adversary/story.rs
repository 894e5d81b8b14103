//! Ceremonies that can be told again: a name fixes session id and randomness of every party.

use std::sync::{Arc, LazyLock};

use dkls23::derive::DerivationPath;
use dkls23::keygen::KeygenSetup;
use dkls23::reshare::{ReshareKind, ReshareSetup};
use dkls23::sign::{SignItem, SignSetup, Signature};
use dkls23::{Abort, Epoch, KeyShare, Outgoing, PartyIndex};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use crate::committee::{self, Each, item, parties, party};
use crate::layout::{self, Layout};
use crate::router::{Adversary, Dealing, End, Record, Sign, nobody, run};

/// 32 bytes that a name stands for.
pub fn named(name: &str) -> [u8; 32] {
    Sha256::digest(name).into()
}

/// The seed of one party in a ceremony.
pub fn seed(name: &str, member: PartyIndex) -> [u8; 32] {
    named(&format!("{name}, party {member}"))
}

pub fn generator(name: &str, member: PartyIndex) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(seed(name, member))
}

/// A key generation.
#[derive(Clone, Copy)]
pub struct KeygenStory {
    pub name: &'static str,
    pub threshold: u8,
    pub parties: u8,
    pub epoch_no: u64,
}

impl KeygenStory {
    pub const fn new(name: &'static str, threshold: u8, parties: u8) -> Self {
        Self { name, threshold, parties, epoch_no: 1 }
    }

    pub fn members(&self) -> Vec<PartyIndex> {
        (1..=self.parties).map(party).collect()
    }

    pub fn setup(&self) -> KeygenSetup {
        let (session_id, roster_hash) = (named(self.name), named("roster"));
        let Self { threshold, parties, epoch_no, .. } = *self;
        KeygenSetup::new(session_id, "evm", threshold, parties, roster_hash, epoch_no).unwrap()
    }

    pub fn start(&self, me: PartyIndex) -> (Dealing<ChaCha20Rng>, Outgoing) {
        Dealing::keygen(self.setup(), me, generator(self.name, me)).unwrap()
    }

    pub fn start_all(&self) -> Each<(Dealing<ChaCha20Rng>, Outgoing)> {
        self.members().into_iter().map(|me| (me, self.start(me))).collect()
    }

    pub fn run(&self, adversary: Adversary<'_>) -> Each<End<KeyShare>> {
        run(self.start_all(), adversary)
    }

    pub fn record(&self) -> (Record, Each<KeyShare>) {
        Record::of(self.start_all())
    }

    pub fn shares(&self) -> Each<Arc<KeyShare>> {
        let ends = self.run(&mut nobody);
        ends.into_iter().map(|(member, end)| (member, Arc::new(end.done()))).collect()
    }
}

/// A refresh, or a recovery of what the parties without an old share lost.
#[derive(Clone)]
pub struct ReshareStory {
    pub name: &'static str,
    pub kind: ReshareKind,
    pub dealers: Vec<PartyIndex>,
    pub old: Each<Arc<KeyShare>>,
    /// The epoch that every party's setup names.
    pub epoch: Epoch,
    pub threshold: u8,
    pub parties: u8,
}

impl ReshareStory {
    pub fn refresh(name: &'static str, old: Each<Arc<KeyShare>>) -> Self {
        let dealers: Vec<_> = old.keys().map(|dealer| dealer.get()).collect();
        Self { kind: ReshareKind::Refresh, ..Self::recover(name, old, &dealers) }
    }

    pub fn recover(name: &'static str, old: Each<Arc<KeyShare>>, dealers: &[u8]) -> Self {
        let share = &old[&party(dealers[0])];
        let (threshold, parties) = (share.threshold(), share.parties());
        let (kind, dealers) = (ReshareKind::Recover, committee::parties(dealers));
        Self { name, kind, dealers, epoch: share.epoch().clone(), threshold, parties, old }
    }

    pub fn setup(&self) -> ReshareSetup {
        let (id, number) = (self.epoch.id(), self.epoch.epoch_no());
        let (session, roster) = (named(self.name), named("the next roster"));
        let (t, n, kind) = (self.threshold, self.parties, self.kind);
        let dealers = &self.dealers;
        ReshareSetup::new(session, kind, "evm", t, n, roster, id, number, number + 1, dealers)
            .unwrap()
    }

    pub fn layouts(&self, sender: PartyIndex) -> Vec<Layout> {
        layout::reshare(self.threshold.into(), self.parties.into(), self.dealers.contains(&sender))
    }

    pub fn start(&self, me: PartyIndex) -> (Dealing<ChaCha20Rng>, Outgoing) {
        let share = self.old.get(&me).map(Arc::as_ref);
        Dealing::reshare(self.setup(), me, share, generator(self.name, me)).unwrap()
    }

    pub fn start_all(&self) -> Each<(Dealing<ChaCha20Rng>, Outgoing)> {
        (1..=self.parties).map(party).map(|me| (me, self.start(me))).collect()
    }

    pub fn run(&self, adversary: Adversary<'_>) -> Each<End<KeyShare>> {
        run(self.start_all(), adversary)
    }

    pub fn record(&self) -> (Record, Each<KeyShare>) {
        Record::of(self.start_all())
    }

    pub fn shares(&self) -> Each<Arc<KeyShare>> {
        let ends = self.run(&mut nobody);
        ends.into_iter().map(|(member, end)| (member, Arc::new(end.done()))).collect()
    }
}

/// Shares of keys that many tests use; encoded, so that each test has gates of its own.
pub struct Stored(LazyLock<Each<Vec<u8>>>);

pub static TWO_OF_TWO: Stored = Stored(LazyLock::new(|| store(2, 2)));
pub static TWO_OF_THREE: Stored = Stored(LazyLock::new(|| store(2, 3)));
pub static THREE_OF_FIVE: Stored = Stored(LazyLock::new(|| store(3, 5)));

fn store(threshold: u8, n: u8) -> Each<Vec<u8>> {
    let shares = KeygenStory::new("the committee of many tests", threshold, n).shares();
    shares.into_iter().map(|(member, share)| (member, share.encode().to_vec())).collect()
}

impl Stored {
    pub fn share(&self, member: u8) -> Arc<KeyShare> {
        Arc::new(KeyShare::decode(&self.0[&party(member)]).unwrap())
    }

    pub fn shares(&self) -> Each<Arc<KeyShare>> {
        self.0.keys().map(|&member| (member, self.share(member.get()))).collect()
    }

    /// What is left once a party lost its share.
    pub fn shares_without(&self, lost: u8) -> Each<Arc<KeyShare>> {
        let mut left = self.shares();
        left.remove(&party(lost)).unwrap();
        left
    }
}

/// A signing session.
#[derive(Clone)]
pub struct Signing {
    pub name: String,
    pub quorum: Vec<PartyIndex>,
    pub items: Vec<SignItem>,
}

impl Signing {
    /// One item, signed with the group key.
    pub fn new(name: &str, quorum: &[u8]) -> Self {
        Self::batch(name, quorum, 1)
    }

    pub fn batch(name: &str, quorum: &[u8], items: usize) -> Self {
        let digest = |k| named(&format!("{name}, item {k}"));
        Self {
            name: name.to_owned(),
            quorum: parties(quorum),
            items: (0..items).map(|k| item(digest(k))).collect(),
        }
    }

    pub fn at_path(mut self, indices: &[u32]) -> Self {
        for item in &mut self.items {
            item.path = DerivationPath::new(indices).unwrap();
        }
        self
    }

    pub fn setup(&self) -> SignSetup {
        SignSetup::new(named(&self.name), &self.quorum, self.items.clone()).unwrap()
    }

    pub fn start(&self, share: &Arc<KeyShare>) -> Result<(Sign<ChaCha20Rng>, Outgoing), Abort> {
        Sign::start(share, self.setup(), generator(&self.name, share.index()))
    }

    pub fn start_all(&self, shares: &Each<Arc<KeyShare>>) -> Each<(Sign<ChaCha20Rng>, Outgoing)> {
        self.quorum.iter().map(|me| (*me, self.start(&shares[me]).unwrap())).collect()
    }

    pub fn run(
        &self,
        shares: &Each<Arc<KeyShare>>,
        adversary: Adversary<'_>,
    ) -> Each<End<Vec<Signature>>> {
        run(self.start_all(shares), adversary)
    }

    pub fn record(&self, shares: &Each<Arc<KeyShare>>) -> (Record, Each<Vec<Signature>>) {
        Record::of(self.start_all(shares))
    }

    /// Whether everybody gets the signatures; the engine has verified them.
    pub fn succeeds(&self, shares: &Each<Arc<KeyShare>>) -> bool {
        self.run(shares, &mut nobody).values().all(End::is_done)
    }
}

/// Both parties of these shares sign a fresh session: the pair is as good as new.
pub fn pair_signs(a: &Arc<KeyShare>, b: &Arc<KeyShare>) -> bool {
    let shares: Each<_> = [a, b].map(|share| (share.index(), Arc::clone(share))).into();
    let quorum: Vec<_> = shares.keys().map(|member| member.get()).collect();
    Signing::new("a fresh session afterwards", &quorum).succeeds(&shares)
}
