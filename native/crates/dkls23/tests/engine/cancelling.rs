//! A caller that cancels is heard in every long loop, and nothing is poisoned by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dkls23::keygen::{self, KeygenSetup};
use dkls23::reshare::{self, ReshareKind, ReshareSetup};
use dkls23::sign::{self, SignSetup};
use dkls23::{Abort, Cancel, Outgoing, PartyIndex};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::committee::{committee, exchange, generators, item, never, parties, party, step};

/// Cancels at the poll of this number.
struct Countdown {
    polls: AtomicUsize,
    limit: usize,
}

impl Countdown {
    fn new(limit: usize) -> Self {
        Self { polls: AtomicUsize::new(0), limit }
    }

    fn asked(&self) -> bool {
        self.polls.fetch_add(1, Ordering::Relaxed) >= self.limit
    }

    fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }
}

/// Runs once to count the polls, then again with a cancellation at some of them.
fn cancels_everywhere<T>(
    name: &str,
    at_least: usize,
    run: impl Fn(&Countdown) -> Result<T, Abort>,
) {
    let whole = Countdown::new(usize::MAX);
    assert!(run(&whole).is_ok(), "{name}");
    let polls = whole.polls();
    assert!(polls >= at_least, "{name}: {polls} polls");
    for limit in [0, 1, polls / 2, polls - 1] {
        let cancelled = run(&Countdown::new(limit)).err();
        assert_eq!(cancelled, Some(Abort::Cancelled), "{name}: at poll {limit} of {polls}");
    }
}

#[test]
fn key_generation_is_cancelled_in_every_round() {
    let setup = || KeygenSetup::new([7; 32], "evm", 2, 2, [8; 32], 1).unwrap();
    dealing_is_cancelled(|member, rng, _| keygen::start(setup(), member, rng));
}

#[test]
fn a_refresh_is_cancelled_at_its_start_and_in_every_round() {
    let (old, members) = (committee("cancelled refresh", 2, 2), parties(&[1, 2]));
    let (id, kind) = (old[&party(1)].epoch().id(), ReshareKind::Refresh);
    let start = |member: PartyIndex, rng: &mut ChaCha20Rng, cancel: Cancel<'_>| {
        let setup =
            ReshareSetup::new([9; 32], kind, "evm", 2, 2, [8; 32], id, 1, 2, &members).unwrap();
        reshare::start(setup, member, Some(&old[&member]), rng, cancel)
    };
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    assert_eq!(start(party(1), &mut rng, &|| true).err(), Some(Abort::Cancelled));
    dealing_is_cancelled(start);
}

/// In every round of two parties.
fn dealing_is_cancelled(
    start: impl Fn(
        PartyIndex,
        &mut ChaCha20Rng,
        Cancel<'_>,
    ) -> Result<(keygen::Round1, Outgoing), Abort>,
) {
    let members = parties(&[1, 2]);
    // Party 1 stops somewhere in round `stage`; before it, all goes well.
    let run = |stage: u8, countdown: &Countdown| {
        let mut rngs = generators("cancelled dealing", &members);
        let asked = || countdown.asked();
        let cancel = |member: dkls23::PartyIndex, round: u8| -> dkls23::Cancel<'_> {
            if member == party(1) && round == stage { &asked } else { &never }
        };
        let mut rounds = crate::committee::Each::new();
        let mut outgoing = crate::committee::Each::new();
        for (&member, rng) in &mut rngs {
            let (round, out) = start(member, rng, &never)?;
            rounds.insert(member, round);
            outgoing.insert(member, out);
        }
        let inboxes = exchange(1, &outgoing, &mut Vec::new());
        let (rounds, outgoing) = step(rounds, inboxes, |member, round, inbox| {
            round.receive(inbox, rngs.get_mut(&member).unwrap(), cancel(member, 1))
        })?;
        let inboxes = exchange(2, &outgoing, &mut Vec::new());
        let (rounds, outgoing) = step(rounds, inboxes, |member, round, inbox| {
            round.receive(inbox, rngs.get_mut(&member).unwrap(), cancel(member, 2))
        })?;
        let mut inboxes = exchange(3, &outgoing, &mut Vec::new());
        rounds
            .into_iter()
            .map(|(member, round)| {
                round.receive(inboxes.remove(&member).unwrap(), cancel(member, 3))
            })
            .collect::<Result<Vec<_>, _>>()
    };
    // 128 base OTs: each multiplication or hash to the curve is asked for.
    cancels_everywhere("round 1", 256, |countdown| run(1, countdown));
    cancels_everywhere("round 2", 640, |countdown| run(2, countdown));
    cancels_everywhere("round 3", 128, |countdown| run(3, countdown));
}

#[test]
fn signing_is_cancelled_in_every_round_and_can_be_begun_again() {
    let shares = committee("cancelled signing", 2, 2);
    let quorum = parties(&[1, 2]);
    let items = || vec![item([5; 32]), item([6; 32]), item([7; 32])];
    let setup = || SignSetup::new([9; 32], &quorum, items()).unwrap();
    let run = |stage: u8, countdown: &Countdown| {
        let mut rngs = generators("cancelled signing", &quorum);
        let asked = || countdown.asked();
        let cancel = |member: dkls23::PartyIndex, round: u8| -> dkls23::Cancel<'_> {
            if member == party(1) && round == stage { &asked } else { &never }
        };
        let mut rounds = crate::committee::Each::new();
        let mut outgoing = crate::committee::Each::new();
        for (&member, rng) in &mut rngs {
            let share = Arc::clone(&shares[&member]);
            let (round, out) = sign::start(share, setup(), rng, cancel(member, 0))?;
            rounds.insert(member, round);
            outgoing.insert(member, out);
        }
        let inboxes = exchange(1, &outgoing, &mut Vec::new());
        let (rounds, outgoing) = step(rounds, inboxes, |member, round, inbox| {
            round.receive(inbox, rngs.get_mut(&member).unwrap(), cancel(member, 1))
        })?;
        let inboxes = exchange(2, &outgoing, &mut Vec::new());
        let (rounds, outgoing) =
            step(rounds, inboxes, |member, round, inbox| round.receive(inbox, cancel(member, 2)))?;
        let mut inboxes = exchange(3, &outgoing, &mut Vec::new());
        rounds
            .into_iter()
            .map(|(member, round)| round.receive(inboxes.remove(&member).unwrap()))
            .collect::<Result<Vec<_>, _>>()
    };
    cancels_everywhere("start", 6, |countdown| run(0, countdown));
    cancels_everywhere("round 1", 6, |countdown| run(1, countdown));
    cancels_everywhere("round 2", 3, |countdown| run(2, countdown));
    assert!(!shares[&party(1)].pair(party(2)).unwrap().is_poisoned());
}
