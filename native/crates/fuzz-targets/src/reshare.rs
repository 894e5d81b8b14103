//! Bodies at a party of a refresh, or of a recovery, that one other party changes.

use std::sync::{Arc, LazyLock};

use dkls23::reshare::{self, ReshareKind, ReshareSetup, Round1};
use dkls23::{Abort, Epoch, Inbox, Incoming, KeyShare, PartyIndex};

use crate::engine::{self, Each, Sent, committee, generators, never, parties, party};
use crate::program::Program;

const STORY: &str = "fuzzed";

/// An honest ceremony of 2-of-3.
struct Recording {
    kind: ReshareKind,
    dealers: Vec<PartyIndex>,
    old: Each<Arc<KeyShare>>,
    sent: Vec<Sent>,
    /// What all parties made.
    epoch: Epoch,
}

/// Everybody deals; and 1 and 2 deal for a new 3.
static RECORDINGS: LazyLock<[Recording; 2]> = LazyLock::new(|| {
    let refresh = Recording::new(ReshareKind::Refresh, &[1, 2, 3]);
    [refresh, Recording::new(ReshareKind::Recover, &[1, 2])]
});

impl Recording {
    fn new(kind: ReshareKind, dealers: &[u8]) -> Self {
        let mut old = committee(STORY, 2, 3);
        let dealers = parties(dealers);
        old.retain(|member, _| dealers.contains(member));
        let rngs = generators(STORY, &parties(&[1, 2, 3]));
        let mut sent = Vec::new();
        let setup = || setup(kind, &dealers, &old);
        let shares = engine::reshare(setup, &old, rngs, &mut sent).unwrap();
        let epoch = shares[&party(1)].epoch().clone();
        Self { kind, dealers, old, sent, epoch }
    }

    fn inbox(&self, round: u8, me: PartyIndex) -> Inbox {
        let mut inbox = Inbox::new();
        for sent in self.sent.iter().filter(|sent| sent.round == round && sent.from != me) {
            let empty = || Incoming { broadcast: Vec::new(), private: Vec::new().into() };
            let incoming = inbox.entry(sent.from).or_insert_with(empty);
            match sent.to {
                None => incoming.broadcast.clone_from(&sent.body),
                Some(to) if to == me => incoming.private.extend(&sent.body),
                Some(_) => {}
            }
        }
        inbox
    }
}

fn setup(kind: ReshareKind, dealers: &[PartyIndex], old: &Each<Arc<KeyShare>>) -> ReshareSetup {
    let id = old[&party(1)].epoch().id();
    ReshareSetup::new([9; 32], kind, "evm", 2, 3, [8; 32], id, 1, 2, dealers).unwrap()
}

/// A program: the ceremony, the party, the peer that lies; then for each round and each of the peer's two bodies whether
/// it is changed, and how. Whatever it is, nobody but the peer is blamed, and a share is one of the epoch that honest
/// parties make.
pub fn reshare(data: &[u8]) {
    let mut program = Program::new(data);
    let mut choose = |count| program.below(count).unwrap_or_default();
    let recording = &RECORDINGS[choose(2)];
    let members = parties(&[1, 2, 3]);
    let me = members[choose(3)];
    let liar = *members.iter().filter(|member| **member != me).nth(choose(2)).unwrap();
    let mut changed = |round| {
        let mut inbox = recording.inbox(round, me);
        let Incoming { broadcast, private } = inbox.get_mut(&liar).unwrap();
        for body in [broadcast, private] {
            if program.byte().is_some_and(|byte| byte % 2 == 1) {
                program.edit(body);
            }
        }
        inbox
    };

    let Recording { kind, dealers, old, epoch, .. } = recording;
    let mut rng = generators(STORY, &[me]).remove(&me).unwrap();
    let share = old.get(&me).map(Arc::as_ref);
    let (round, _) =
        reshare::start(setup(*kind, dealers, old), me, share, &mut rng, &never).unwrap();
    let end = (|round: Round1| {
        let (round, _) = round.receive(changed(1), &mut rng, &never)?;
        let (round, _) = round.receive(changed(2), &mut rng, &never)?;
        round.receive(changed(3), &never)
    })(round);
    match end {
        Ok(share) => assert!(share.epoch() == epoch, "another epoch"),
        Err(abort) => {
            assert_ne!(abort, Abort::Cancelled);
            assert!(abort.culprit().is_none_or(|culprit| culprit == liar), "{abort}");
        }
    }
}

/// Each body of each round with a flipped bit near a place, for a dealer and for the newcomer.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![]];
    for roles in [[0, 0, 0, 0, 0, 0], [0, 1, 0, 2, 0, 1]] {
        for bodies in 0..6 {
            for place in [0, 0x80] {
                let edit = [1, 0, 0x80, place, 0, 1];
                seeds.push([&roles[..], &vec![0; bodies], &edit].concat());
            }
        }
    }
    seeds
}
