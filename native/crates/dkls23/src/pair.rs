//! The OT state of one pair behind its verdict gate.
//!
//! A failed SoftSpoken check tells the peer that its guess of some bits of Δ was wrong, and a
//! passed one that it was right. If parallel sessions each answered before the first failure
//! counts, 512 of them would spell out Δ, and an old message 2 would then give the share. So checks
//! may be computed in parallel, but their decisions are serial: the first failure destroys the
//! state, and after it nothing of the pair leaves, whatever a session's own verdict was
//! (specification, "The verdict gate").

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use subtle::Choice;

use crate::error::Abort;
use crate::ot::{AliceState, BobState};
use crate::party::PartyIndex;

/// Names of a pair's two OT setups: hashes over their transcripts, compared before each use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PairIds {
    /// `ot_pair_id[me→peer]`: this party is the VOLE receiver.
    pub(crate) as_bob: [u8; 32],
    /// `ot_pair_id[peer→me]`: this party is the VOLE sender.
    pub(crate) as_alice: [u8; 32],
}

/// Both directions of a pair's OT state.
pub(crate) struct OtState {
    pub(crate) bob: BobState,
    pub(crate) alice: AliceState,
}

/// What distinguishes one party's side of a pair from every other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PairName {
    pub(crate) epoch_id: [u8; 32],
    pub(crate) me: PartyIndex,
    pub(crate) peer: PartyIndex,
    pub(crate) ids: PairIds,
}

/// The OT state of one share with one peer, and the gate that every session and thread of the
/// process must share: there is one `Pair` per share and peer in a process
/// ([`crate::KeyShare::adopt_pair`]).
///
/// Everything in it is secret except whether it is poisoned.
pub struct Pair {
    name: PairName,
    gate: Mutex<Gate>,
}

struct Gate {
    /// None when poisoned.
    state: Option<Arc<OtState>>,
    /// How often the peer was caught cheating in this process.
    cheats: u64,
}

impl Pair {
    /// `None` for a pair that was poisoned before it was stored.
    pub(crate) fn new(name: PairName, state: Option<OtState>) -> Self {
        Self { name, gate: Mutex::new(Gate { state: state.map(Arc::new), cheats: 0 }) }
    }

    /// Whether this pair signs nothing more until a refresh.
    pub fn is_poisoned(&self) -> bool {
        self.lock().state.is_none()
    }

    /// Destroys the OT state: sessions that run with this peer abort with [`Abort::OtPoisoned`],
    /// later ones are refused with [`Abort::Config`]. The memory is wiped when no running round
    /// uses it any more, which is at most the length of one call. There is no way back.
    pub fn poison(&self) {
        self.lock().state = None;
    }

    /// Aborts every session with this peer that has started, with [`Abort::Cheat`] at its next step
    /// or release; later ones start normally. Signing reports what it finds itself: this is for
    /// what other ceremonies find.
    pub fn report_cheat(&self) {
        let mut gate = self.lock();
        gate.cheats = gate.cheats.saturating_add(1);
    }

    pub(crate) fn name(&self) -> &PairName {
        &self.name
    }

    /// The OT state, for storing it.
    pub(crate) fn state(&self) -> Option<Arc<OtState>> {
        self.lock().state.clone()
    }

    /// Lets a new session in.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Ticket, Abort> {
        let gate = self.lock();
        if gate.state.is_none() {
            return Err(Abort::Config);
        }
        Ok(Ticket { pair: Arc::clone(self), cheats: gate.cheats })
    }

    /// Every change of the gate is a single assignment, so it is whole even if a thread panicked
    /// while holding it.
    fn lock(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running session's admission to one pair.
pub(crate) struct Ticket {
    pair: Arc<Pair>,
    cheats: u64,
}

impl Ticket {
    pub(crate) fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Whether the session may go on, and its messages to this peer may leave.
    pub(crate) fn check(&self) -> Result<(), Abort> {
        self.state().map(drop)
    }

    /// The OT state for the length of one step.
    pub(crate) fn state(&self) -> Result<Arc<OtState>, Abort> {
        self.admitted(&self.pair.lock())
    }

    /// The one decision about the peer's messages 1. A failure counts at once and for everybody.
    pub(crate) fn decide(&self, passed: Choice) -> Result<(), Abort> {
        let mut gate = self.pair.lock();
        if !bool::from(passed) {
            gate.state = None;
        }
        self.admitted(&gate).map(drop)
    }

    /// The peer was caught: stops every session with it.
    pub(crate) fn cheated(&self) -> Abort {
        self.pair.report_cheat();
        Abort::Cheat(self.pair.name.peer)
    }

    fn admitted(&self, gate: &Gate) -> Result<Arc<OtState>, Abort> {
        let peer = self.pair.name.peer;
        let state = gate.state.as_ref().ok_or(Abort::OtPoisoned(peer))?;
        if gate.cheats == self.cheats { Ok(Arc::clone(state)) } else { Err(Abort::Cheat(peer)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{LEAVES, SEED_BYTES, TREES};
    use crate::secret::Secret;

    fn pair() -> Arc<Pair> {
        let peer = PartyIndex::new(2).unwrap();
        let ids = PairIds { as_bob: [1; 32], as_alice: [2; 32] };
        let name = PairName { epoch_id: [3; 32], me: PartyIndex::MIN, peer, ids };
        let state = OtState {
            bob: BobState { leaves: Secret::new([[[4; SEED_BYTES]; LEAVES]; TREES]) },
            alice: AliceState {
                delta: Secret::new(5),
                leaves: Secret::new([[[6; SEED_BYTES]; LEAVES - 1]; TREES]),
            },
        };
        Arc::new(Pair::new(name, Some(state)))
    }

    #[test]
    fn the_state_goes_with_the_last_step_that_uses_it() {
        let pair = pair();
        let ticket = pair.admit().ok().unwrap();
        let in_use = ticket.state().ok().unwrap();
        let watched = Arc::downgrade(&in_use);

        pair.poison();
        assert!(watched.upgrade().is_some());
        drop(in_use);
        assert!(watched.upgrade().is_none());
    }

    #[test]
    fn one_failed_decision_shuts_the_gate_for_passed_ones() {
        let pair = pair();
        let tickets = [pair.admit(), pair.admit()].map(|ticket| ticket.ok().unwrap());
        let poisoned = Err(Abort::OtPoisoned(pair.name().peer));

        assert_eq!(tickets[0].decide(Choice::from(1)), Ok(()));
        assert_eq!(tickets[1].decide(Choice::from(0)), poisoned);
        assert_eq!(tickets[0].decide(Choice::from(1)), poisoned);
        assert_eq!(tickets[0].check(), poisoned);
        assert_eq!(pair.admit().err(), Some(Abort::Config));
    }

    #[test]
    fn a_thread_that_panics_at_the_gate_does_not_open_or_close_it() {
        let pair = pair();
        let ticket = pair.admit().ok().unwrap();
        let panicked = std::thread::scope(|scope| {
            let at_the_gate = || {
                let _gate = pair.lock();
                panic!("a bug elsewhere");
            };
            scope.spawn(at_the_gate).join()
        });

        assert!(panicked.is_err());
        assert_eq!(ticket.decide(Choice::from(1)), Ok(()));
        pair.poison();
        assert!(pair.is_poisoned());
    }
}
