//! A committee in one process: real rounds, bodies handed over as bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23::derive::DerivationPath;
use dkls23::keygen::{self, KeygenSetup};
use dkls23::reshare::{self, ReshareSetup};
use dkls23::sign::{self, SignItem, SignSetup, Signature};
use dkls23::{Abort, Inbox, Incoming, KeyShare, Outgoing, PartyIndex};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// One value for each party.
pub type Each<T> = BTreeMap<PartyIndex, T>;

/// One body as it was sent; to nobody in particular if it was broadcast.
pub struct Sent {
    pub round: u8,
    pub from: PartyIndex,
    pub to: Option<PartyIndex>,
    pub body: Vec<u8>,
}

pub fn party(index: u8) -> PartyIndex {
    PartyIndex::new(index).unwrap()
}

pub fn parties(indices: &[u8]) -> Vec<PartyIndex> {
    indices.iter().copied().map(party).collect()
}

/// Never cancels.
pub fn never() -> bool {
    false
}

/// A generator of its own for each party of a story.
pub fn generators(story: &str, members: &[PartyIndex]) -> Each<ChaCha20Rng> {
    let mut seed = [0; 32];
    seed.iter_mut().zip(story.bytes()).for_each(|(slot, byte)| *slot = byte);
    members
        .iter()
        .map(|&member| {
            seed[31] = member.get();
            (member, ChaCha20Rng::from_seed(seed))
        })
        .collect()
}

/// Delivers a round.
pub fn exchange(round: u8, outgoing: &Each<Outgoing>, transcript: &mut Vec<Sent>) -> Each<Inbox> {
    for (&from, out) in outgoing {
        if !out.broadcast.is_empty() {
            transcript.push(Sent { round, from, to: None, body: out.broadcast.clone() });
        }
        for (&to, body) in &out.private {
            transcript.push(Sent { round, from, to: Some(to), body: body.to_vec() });
        }
    }
    let inbox = |to: PartyIndex| {
        let others = outgoing.iter().filter(|(from, _)| **from != to);
        others
            .map(|(&from, out)| {
                let private = out.private.get(&to).cloned().unwrap_or_default();
                (from, Incoming { broadcast: out.broadcast.clone(), private })
            })
            .collect()
    };
    outgoing.keys().map(|&to| (to, inbox(to))).collect()
}

/// Takes every party one round further.
pub fn step<A, B>(
    rounds: Each<A>,
    mut inboxes: Each<Inbox>,
    mut receive: impl FnMut(PartyIndex, A, Inbox) -> Result<(B, Outgoing), Abort>,
) -> Result<(Each<B>, Each<Outgoing>), Abort> {
    let mut next = Each::new();
    let mut outgoing = Each::new();
    for (member, round) in rounds {
        let (round, out) = receive(member, round, inboxes.remove(&member).unwrap())?;
        next.insert(member, round);
        outgoing.insert(member, out);
    }
    Ok((next, outgoing))
}

/// Key generation by all of `rngs`.
pub fn keygen(
    setup: impl Fn() -> KeygenSetup,
    mut rngs: Each<ChaCha20Rng>,
    transcript: &mut Vec<Sent>,
) -> Result<Each<KeyShare>, Abort> {
    let mut rounds = Each::new();
    let mut outgoing = Each::new();
    for (&member, rng) in &mut rngs {
        let (round, out) = keygen::start(setup(), member, rng)?;
        rounds.insert(member, round);
        outgoing.insert(member, out);
    }
    deal(rounds, outgoing, rngs, transcript)
}

/// Refresh or recovery by all of `rngs`, from the old shares of those who have one.
pub fn reshare(
    setup: impl Fn() -> ReshareSetup,
    old: &Each<Arc<KeyShare>>,
    mut rngs: Each<ChaCha20Rng>,
    transcript: &mut Vec<Sent>,
) -> Result<Each<KeyShare>, Abort> {
    let mut rounds = Each::new();
    let mut outgoing = Each::new();
    for (&member, rng) in &mut rngs {
        let share = old.get(&member).map(Arc::as_ref);
        let (round, out) = reshare::start(setup(), member, share, rng, &never)?;
        rounds.insert(member, round);
        outgoing.insert(member, out);
    }
    deal(rounds, outgoing, rngs, transcript)
}

fn deal(
    rounds: Each<keygen::Round1>,
    outgoing: Each<Outgoing>,
    mut rngs: Each<ChaCha20Rng>,
    transcript: &mut Vec<Sent>,
) -> Result<Each<KeyShare>, Abort> {
    let mut rng = |member| rngs.remove(&member).unwrap();
    let inboxes = exchange(1, &outgoing, transcript);
    let (rounds, outgoing) = step(rounds, inboxes, |member, round, inbox| {
        let mut rng = rng(member);
        let (round, out) = round.receive(inbox, &mut rng, &never)?;
        Ok(((round, rng), out))
    })?;
    let inboxes = exchange(2, &outgoing, transcript);
    let (rounds, outgoing) =
        step(rounds, inboxes, |_, (round, mut rng), inbox| round.receive(inbox, &mut rng, &never))?;
    let mut inboxes = exchange(3, &outgoing, transcript);
    let finish = |(member, round): (PartyIndex, keygen::Round3)| {
        Ok((member, round.receive(inboxes.remove(&member).unwrap(), &never)?))
    };
    rounds.into_iter().map(finish).collect()
}

/// The shares of a fresh `threshold`-of-`n` key.
pub fn committee(story: &str, threshold: u8, n: u8) -> Each<Arc<KeyShare>> {
    let members: Vec<_> = (1..=n).map(party).collect();
    let setup = || KeygenSetup::new([7; 32], "evm", threshold, n, [8; 32], 1).unwrap();
    let shares = keygen(setup, generators(story, &members), &mut Vec::new()).unwrap();
    shares.into_iter().map(|(member, share)| (member, Arc::new(share))).collect()
}

/// An item that signs `digest` with the group key.
pub fn item(digest: [u8; 32]) -> SignItem {
    SignItem {
        digest,
        digest_kind: 1,
        path: DerivationPath::root(),
        payload_hash: [1; 32],
        resolved_hash: [2; 32],
        policy_hash: [3; 32],
    }
}

/// Everybody's signatures of one session.
pub fn sign(
    shares: &Each<Arc<KeyShare>>,
    setup: impl Fn() -> SignSetup,
    mut rngs: Each<ChaCha20Rng>,
    transcript: &mut Vec<Sent>,
) -> Result<Each<Vec<Signature>>, Abort> {
    let mut rounds = Each::new();
    let mut outgoing = Each::new();
    for (&member, rng) in &mut rngs {
        let share = Arc::clone(&shares[&member]);
        let (round, out) = sign::start(share, setup(), rng, &never)?;
        round.release()?;
        rounds.insert(member, round);
        outgoing.insert(member, out);
    }
    let inboxes = exchange(1, &outgoing, transcript);
    let (rounds, outgoing) = step(rounds, inboxes, |member, round, inbox| {
        let (round, out) = round.receive(inbox, rngs.get_mut(&member).unwrap(), &never)?;
        round.release()?;
        Ok((round, out))
    })?;
    let inboxes = exchange(2, &outgoing, transcript);
    let (rounds, outgoing) = step(rounds, inboxes, |_, round, inbox| {
        let (round, out) = round.receive(inbox, &never)?;
        round.release()?;
        Ok((round, out))
    })?;
    let mut inboxes = exchange(3, &outgoing, transcript);
    let finish = |(member, round): (PartyIndex, sign::Round3)| {
        Ok((member, round.receive(inboxes.remove(&member).unwrap())?))
    };
    rounds.into_iter().map(finish).collect()
}
