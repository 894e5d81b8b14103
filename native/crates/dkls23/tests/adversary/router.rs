//! Ceremonies in one process: every party is a machine that takes a round's messages, and everything sent passes the adversary.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use dkls23::keygen::{self, KeygenSetup};
use dkls23::reshare::{self, ReshareSetup};
use dkls23::sign::{self, SignSetup, Signature};
use dkls23::{Abort, Inbox, Incoming, KeyShare, Outgoing, PartyIndex};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::committee::{Each, never};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Broadcast,
    Private,
}

/// One body on its way to one recipient; a broadcast is one for each, so that a view can be split.
#[derive(Clone)]
pub struct Body {
    pub round: u8,
    pub from: PartyIndex,
    pub to: PartyIndex,
    pub channel: Channel,
    pub bytes: Vec<u8>,
}

/// Why and in which round a party stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub round: u8,
    pub abort: Abort,
}

impl Refusal {
    pub fn new(round: u8, abort: Abort) -> Self {
        Self { round, abort }
    }
}

/// How a ceremony ended for one party.
pub enum End<T> {
    Done(T),
    Refused(Refusal),
    /// A message never came: the driver's timeout, not the engine's business.
    Waiting,
}

impl<T> End<T> {
    pub fn done(self) -> T {
        match self {
            Self::Done(output) => output,
            Self::Refused(refusal) => panic!("refused: {refusal:?}"),
            Self::Waiting => panic!("a message is missing"),
        }
    }

    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::Done(_) | Self::Waiting => None,
        }
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// What a machine did with a round's messages.
pub enum Step<M: Machine> {
    Sent(M, Outgoing),
    Done(M::Output),
}

/// One party's side of a ceremony, between two rounds.
pub trait Machine: Sized {
    type Output;

    fn receive(self, inbox: Inbox) -> Result<Step<Self>, Abort>;
}

/// Key generation, refresh or recovery at one party, with its generator.
pub struct Dealing<R> {
    round: DealingRound,
    rng: R,
}

enum DealingRound {
    Round1(keygen::Round1),
    Round2(keygen::Round2),
    Round3(keygen::Round3),
}

impl<R: CryptoRngCore> Dealing<R> {
    pub fn keygen(
        setup: KeygenSetup,
        me: PartyIndex,
        mut rng: R,
    ) -> Result<(Self, Outgoing), Abort> {
        let (round, outgoing) = keygen::start(setup, me, &mut rng)?;
        let round = DealingRound::Round1(round);
        Ok((Self { round, rng }, outgoing))
    }

    pub fn reshare(
        setup: ReshareSetup,
        me: PartyIndex,
        share: Option<&KeyShare>,
        mut rng: R,
    ) -> Result<(Self, Outgoing), Abort> {
        let (round, outgoing) = reshare::start(setup, me, share, &mut rng, &never)?;
        let round = DealingRound::Round1(round);
        Ok((Self { round, rng }, outgoing))
    }

    pub fn rng(&self) -> &R {
        &self.rng
    }
}

impl<R: CryptoRngCore> Machine for Dealing<R> {
    type Output = KeyShare;

    fn receive(self, inbox: Inbox) -> Result<Step<Self>, Abort> {
        let Self { round, mut rng } = self;
        let (round, outgoing) = match round {
            DealingRound::Round1(round) => {
                let (round, outgoing) = round.receive(inbox, &mut rng, &never)?;
                (DealingRound::Round2(round), outgoing)
            }
            DealingRound::Round2(round) => {
                let (round, outgoing) = round.receive(inbox, &mut rng, &never)?;
                (DealingRound::Round3(round), outgoing)
            }
            DealingRound::Round3(round) => return Ok(Step::Done(round.receive(inbox, &never)?)),
        };
        Ok(Step::Sent(Self { round, rng }, outgoing))
    }
}

/// Signing at one party, with its generator. Asks every gate before a message leaves, as a driver must.
pub struct Sign<R> {
    round: SignRound,
    rng: R,
}

enum SignRound {
    Round1(sign::Round1),
    Round2(sign::Round2),
    Round3(sign::Round3),
}

impl<R: CryptoRngCore> Sign<R> {
    pub fn start(
        share: &Arc<KeyShare>,
        setup: SignSetup,
        mut rng: R,
    ) -> Result<(Self, Outgoing), Abort> {
        let (round, outgoing) = sign::start(Arc::clone(share), setup, &mut rng, &never)?;
        round.release()?;
        let round = SignRound::Round1(round);
        Ok((Self { round, rng }, outgoing))
    }

    /// Whether the messages of the last round may leave.
    pub fn release(&self) -> Result<(), Abort> {
        match &self.round {
            SignRound::Round1(round) => round.release(),
            SignRound::Round2(round) => round.release(),
            SignRound::Round3(round) => round.release(),
        }
    }
}

impl<R: CryptoRngCore> Machine for Sign<R> {
    type Output = Vec<Signature>;

    fn receive(self, inbox: Inbox) -> Result<Step<Self>, Abort> {
        let Self { round, mut rng } = self;
        let (round, outgoing) = match round {
            SignRound::Round1(round) => {
                let (round, outgoing) = round.receive(inbox, &mut rng, &never)?;
                (SignRound::Round2(round), outgoing)
            }
            SignRound::Round2(round) => {
                let (round, outgoing) = round.receive(inbox, &never)?;
                (SignRound::Round3(round), outgoing)
            }
            SignRound::Round3(round) => return Ok(Step::Done(round.receive(inbox)?)),
        };
        let next = Self { round, rng };
        next.release()?;
        Ok(Step::Sent(next, outgoing))
    }
}

/// Whoever owns the wire: may change, drop, add, duplicate, redirect and keep the bodies of a round, seeing all of them first.
pub type Adversary<'a> = &'a mut dyn FnMut(u8, &mut Vec<Body>);

/// Does nothing.
pub fn nobody(_round: u8, _bodies: &mut Vec<Body>) {}

/// Runs a ceremony. A party that stopped says nothing more, and whoever needs it waits.
pub fn run<M: Machine>(
    started: Each<(M, Outgoing)>,
    adversary: Adversary<'_>,
) -> Each<End<M::Output>> {
    let members: Vec<_> = started.keys().copied().collect();
    let mut running = started;
    let mut ends = Each::new();
    for round in 1.. {
        let mut bodies = Vec::new();
        for (&from, (_, outgoing)) in &running {
            bodies.extend(post(round, from, outgoing, &members));
        }
        if running.is_empty() {
            break;
        }
        adversary(round, &mut bodies);
        for (member, (machine, _)) in std::mem::take(&mut running) {
            let inbox = collect(&bodies, member);
            if !members.iter().all(|peer| *peer == member || inbox.contains_key(peer)) {
                ends.insert(member, End::Waiting);
                continue;
            }
            match machine.receive(inbox) {
                Ok(Step::Sent(machine, outgoing)) => {
                    running.insert(member, (machine, outgoing));
                }
                Ok(Step::Done(output)) => {
                    ends.insert(member, End::Done(output));
                }
                Err(abort) => {
                    ends.insert(member, End::Refused(Refusal { round, abort }));
                }
            }
        }
    }
    ends
}

fn find<B: Borrow<Body>>(
    bodies: impl IntoIterator<Item = B>,
    from: PartyIndex,
    to: PartyIndex,
    channel: Channel,
) -> Option<B> {
    bodies.into_iter().find(|body| {
        let Body { from: sender, to: recipient, channel: on, .. } = body.borrow();
        (*sender, *recipient, *on) == (from, to, channel)
    })
}

/// The body that `from` sends `to`.
pub fn body(bodies: &[Body], from: PartyIndex, to: PartyIndex, channel: Channel) -> &[u8] {
    &find(bodies, from, to, channel).unwrap().bytes
}

/// Changes the body that `from` sends `to`.
pub fn edit(
    bodies: &mut [Body],
    from: PartyIndex,
    to: PartyIndex,
    channel: Channel,
    change: impl FnOnce(&mut Vec<u8>),
) {
    change(&mut find(bodies, from, to, channel).unwrap().bytes);
}

/// The bodies that one party sends in a round.
pub fn post(round: u8, from: PartyIndex, outgoing: &Outgoing, members: &[PartyIndex]) -> Vec<Body> {
    let body = |to, channel, bytes: &[u8]| Body { round, from, to, channel, bytes: bytes.to_vec() };
    let mut bodies = Vec::new();
    for &to in members.iter().filter(|to| **to != from) {
        if !outgoing.broadcast.is_empty() {
            bodies.push(body(to, Channel::Broadcast, &outgoing.broadcast));
        }
        if let Some(private) = outgoing.private.get(&to) {
            bodies.push(body(to, Channel::Private, private));
        }
    }
    bodies
}

/// What reaches a party. Of two bodies from one sender on one channel the first counts: a sequence number is used once.
pub fn collect(bodies: &[Body], to: PartyIndex) -> Inbox {
    let mut inbox = Inbox::new();
    for body in bodies.iter().filter(|body| body.to == to) {
        let incoming = inbox.entry(body.from).or_insert_with(|| message(&[], &[]));
        if slot(incoming, body.channel).is_empty() {
            *slot(incoming, body.channel) = body.bytes.clone();
        }
    }
    inbox
}

/// A message of these two bodies.
pub fn message(broadcast: &[u8], private: &[u8]) -> Incoming {
    Incoming { broadcast: broadcast.to_vec(), private: Zeroizing::new(private.to_vec()) }
}

pub fn slot(incoming: &mut Incoming, channel: Channel) -> &mut Vec<u8> {
    match channel {
        Channel::Broadcast => &mut incoming.broadcast,
        Channel::Private => &mut incoming.private,
    }
}

/// Everything sent in a ceremony.
#[derive(Default)]
pub struct Record(pub Vec<Body>);

impl Record {
    /// Runs a ceremony and keeps what was sent.
    pub fn of<M: Machine>(started: Each<(M, Outgoing)>) -> (Self, Each<M::Output>) {
        let mut record = Self::default();
        let ends = run(started, &mut |_, bodies| record.0.extend(bodies.iter().cloned()));
        (record, ends.into_iter().map(|(member, end)| (member, end.done())).collect())
    }

    pub fn inbox(&self, round: u8, to: PartyIndex) -> Inbox {
        let of_round: Vec<_> = self.0.iter().filter(|body| body.round == round).cloned().collect();
        collect(&of_round, to)
    }

    /// What `from` sent `to`; empty if nothing.
    pub fn body(&self, round: u8, from: PartyIndex, to: PartyIndex, channel: Channel) -> &[u8] {
        let bodies = self.0.iter().filter(|body| body.round == round);
        find(bodies, from, to, channel).map_or(&[], |body| &body.bytes)
    }
}

/// Takes the recipient of `changed` through a record in which that body stands in place of the recorded one. The oracle of
/// every case is what comes back, and that something does: `Err` for a panic.
pub fn follow_changed<M: Machine>(
    machine: M,
    record: &Record,
    changed: &Body,
) -> thread::Result<Result<M::Output, Refusal>> {
    let inbox = |round| {
        let mut inbox = record.inbox(round, changed.to);
        if round == changed.round {
            let incoming = inbox.get_mut(&changed.from).unwrap();
            slot(incoming, changed.channel).clone_from(&changed.bytes);
        }
        inbox
    };
    catch_unwind(AssertUnwindSafe(|| follow(machine, inbox)))
}

/// Takes one party through messages that are known in advance.
pub fn follow<M: Machine>(
    mut machine: M,
    mut inbox: impl FnMut(u8) -> Inbox,
) -> Result<M::Output, Refusal> {
    for round in 1.. {
        match machine.receive(inbox(round)).map_err(|abort| Refusal { round, abort })? {
            Step::Sent(next, _) => machine = next,
            Step::Done(output) => return Ok(output),
        }
    }
    unreachable!("every ceremony has a last round")
}

/// Takes a machine one round further.
pub fn sent<M: Machine>(machine: M, inbox: Inbox) -> Result<(M, Outgoing), Abort> {
    match machine.receive(inbox)? {
        Step::Sent(machine, outgoing) => Ok((machine, outgoing)),
        Step::Done(_) => panic!("that was the last round"),
    }
}

/// Takes a machine through its last round.
pub fn finished<M: Machine>(machine: M, inbox: Inbox) -> Result<M::Output, Abort> {
    match machine.receive(inbox)? {
        Step::Done(output) => Ok(output),
        Step::Sent(..) => panic!("that was not the last round"),
    }
}

/// An inbox with one sender.
pub fn only(from: PartyIndex, incoming: Incoming) -> Inbox {
    BTreeMap::from([(from, incoming)])
}
