//! One ceremony at this party: a state machine behind one async call per flight.
//!
//! The state leaves its slot when the call is made, on the JavaScript thread, and returns when the promise
//! settles. A second call meanwhile is `SESSION_BUSY`; after an end the slot is closed for good.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ceremony::session::{Event, Io, Output, Report, Status, Times, advance};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Object, Uint8Array};
use napi_derive::napi;

use crate::convert::{Bytes, Role, bytes, copies, duration, envelopes, roles, time};
use crate::error::{Fault, code, guard};
use crate::generator::Generator;
use crate::identity::{Identity, Pairing, decode_card};
use crate::invitation::Invitation;
use crate::pool::{self, Permit};
use crate::store::{Shared, Store};
use crate::wallet::{Authorization, Wallet};

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Sessions that hold state, over all threads of the process.
pub(crate) fn live() -> usize {
    LIVE.load(Ordering::Acquire)
}

struct State {
    session: ceremony::Session,
    rng: Generator,
    store: Shared,
}

impl State {
    fn new(session: ceremony::Session, rng: Generator, store: Shared) -> Box<Self> {
        LIVE.fetch_add(1, Ordering::AcqRel);
        Box::new(Self { session, rng, store })
    }

    fn advance(&mut self, event: Event<'_>, now_ms: u64, cancelled: &AtomicBool) -> Report {
        let cancel = || cancelled.load(Ordering::Relaxed);
        let mut io = Io { rng: &mut self.rng, now_ms, cancel: &cancel };
        let mut store = StoreOf(&self.store);
        advance(&mut self.session, event, &mut store, &mut io)
    }

    /// Ends with a failure that was found when bytes were about to leave.
    fn fail(&mut self, failure: ceremony::Failure, now_ms: u64) -> Report {
        let mut io = Io { rng: &mut self.rng, now_ms, cancel: &|| false };
        let mut step = self.session.fail(failure);
        loop {
            match step {
                ceremony::session::Step::Report(report) => return report,
                ceremony::session::Step::Commit(commit) => {
                    let result = ceremony::store::Store::commit(&mut StoreOf(&self.store), commit);
                    step = self.session.step(Event::Committed(result), &mut io);
                }
            }
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The shared store, locked for the time of one commit.
struct StoreOf<'a>(&'a Shared);

impl ceremony::store::Store for StoreOf<'_> {
    fn commit(
        &mut self,
        commit: ceremony::store::Commit,
    ) -> Result<ceremony::store::ReadBack, ceremony::store::StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).commit(commit)
    }
}

enum Slot {
    Idle(Box<State>),
    Busy,
    Closed,
}

struct Handle {
    slot: Mutex<Slot>,
    cancelled: AtomicBool,
}

impl Handle {
    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Box<State>, Fault> {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Busy) {
            Slot::Idle(state) => Ok(state),
            Slot::Busy => Err(Fault::new("SESSION_BUSY", "a round of this session is running")),
            Slot::Closed => {
                *slot = Slot::Closed;
                Err(Fault::new("SESSION_CLOSED", "the session has ended"))
            }
        }
    }

    /// Puts the state back and says what came of the round; closes the slot if it ended or was disposed.
    fn settle(&self, outcome: Result<Round, Fault>) -> Result<RoundOutcome, Fault> {
        let mut slot = self.slot();
        let disposed = matches!(*slot, Slot::Closed);
        *slot = Slot::Closed;
        let Round { mut state, mut report, now_ms } = outcome?;
        if disposed {
            return Err(Fault::new("SESSION_CLOSED", "the session was disposed during the round"));
        }
        // Another session of the pair may have failed while this outcome waited for the JavaScript thread.
        if let Err(failure) = state.session.release() {
            report = state.fail(failure, now_ms);
        }
        let store = Arc::clone(&state.store);
        let goes_on =
            |report: &Report| matches!(report.status, Status::Waiting { .. } | Status::Confirm(_));
        // A cancel that came after the last look of the round: nothing of it leaves.
        if goes_on(&report) && self.cancelled.load(Ordering::Relaxed) {
            report = state.session.stop();
        }
        if goes_on(&report) {
            *slot = Slot::Idle(state);
        }
        Ok(RoundOutcome::new(report, store))
    }
}

struct Round {
    state: Box<State>,
    report: Report,
    now_ms: u64,
}

/// An envelope that did not verify.
#[napi(object, object_from_js = false)]
pub struct Dropped {
    /// Stable code.
    pub code: String,
    /// The round it claimed.
    pub round: u32,
    /// The index of the sender it claimed, 0 if unreadable.
    pub from: u32,
}

/// A verified ECDSA signature with low s.
#[napi(object, object_from_js = false)]
pub struct SignatureOutput {
    /// 32 bytes.
    pub r: Bytes,
    /// 32 bytes.
    pub s: Bytes,
    /// Bit 0: y of R is odd. Bit 1: x of R was not below the group order.
    pub recovery_id: u32,
}

/// What a call came to. Send `outgoing` first, whatever the kind.
#[napi(discriminant = "kind", discriminant_case = "lowercase", object_from_js = false)]
pub enum RoundOutcome {
    /// Nothing to send; more messages of this round are needed.
    Waiting {
        /// Round.
        round: u32,
        /// From whom.
        missing: Vec<Role>,
        /// What did not verify.
        dropped: Vec<Dropped>,
    },
    /// Key generation: the operator must compare the words and call `confirm`.
    Confirm {
        /// Six words.
        words: Vec<String>,
        /// Canonical JSON of the policy they cover.
        policy: Bytes,
        /// Its hash, 32 bytes.
        policy_hash: Bytes,
        /// Hash of the roster they cover, 32 bytes.
        roster_hash: Bytes,
        /// Envelopes to send.
        outgoing: Vec<Bytes>,
        /// What did not verify.
        dropped: Vec<Dropped>,
    },
    /// Envelopes to send; then more messages of this round are needed.
    Continue {
        /// Round.
        round: u32,
        /// Envelopes to send.
        outgoing: Vec<Bytes>,
        /// Whether this party's signature share is among them.
        share_leaves: bool,
        /// From whom messages are needed.
        missing: Vec<Role>,
        /// What did not verify.
        dropped: Vec<Dropped>,
    },
    /// The ceremony is done.
    Done {
        /// Envelopes to send.
        outgoing: Vec<Bytes>,
        /// Whether this party's signature share is among them.
        share_leaves: bool,
        /// Of a signing session, one per item.
        signatures: Vec<SignatureOutput>,
        /// Of a key generation.
        wallet: Option<Wallet>,
        /// What did not verify.
        dropped: Vec<Dropped>,
    },
    /// The ceremony stopped for good; what had to be stored is stored.
    Aborted {
        /// Code of the error to throw.
        code: String,
        /// Its message.
        message: String,
        /// Who is blamed.
        culprits: Vec<Role>,
        /// Envelopes to send.
        outgoing: Vec<Bytes>,
        /// What did not verify.
        dropped: Vec<Dropped>,
    },
}

impl RoundOutcome {
    fn new(report: Report, store: Shared) -> Self {
        let Report { outgoing, dropped, share_leaves, status } = report;
        let outgoing: Vec<Bytes> = outgoing.into_iter().map(Bytes::from).collect();
        let dropped = dropped
            .into_iter()
            .map(|dropped| Dropped {
                code: dropped.code.name().to_owned(),
                round: u32::from(dropped.round),
                from: dropped.from.map_or(0, |party| u32::from(party.get())),
            })
            .collect();
        match status {
            Status::Waiting { round, missing } if outgoing.is_empty() => {
                Self::Waiting { round: u32::from(round), missing: roles(&missing), dropped }
            }
            Status::Waiting { round, missing } => Self::Continue {
                round: u32::from(round),
                outgoing,
                share_leaves,
                missing: roles(&missing),
                dropped,
            },
            Status::Confirm(words) => Self::Confirm {
                words: words.words.iter().map(|word| (*word).to_owned()).collect(),
                policy: bytes(words.policy.bytes()),
                policy_hash: bytes(&words.policy.hash()),
                roster_hash: bytes(&words.roster_hash),
                outgoing,
                dropped,
            },
            Status::Done(Output::Epoch(membership)) => Self::Done {
                outgoing,
                share_leaves,
                signatures: Vec::new(),
                wallet: Some(Wallet::new(membership, store)),
                dropped,
            },
            Status::Done(Output::Signatures(signatures)) => Self::Done {
                outgoing,
                share_leaves,
                signatures: signatures
                    .into_iter()
                    .map(|signature| SignatureOutput {
                        r: bytes(&signature.r),
                        s: bytes(&signature.s),
                        recovery_id: u32::from(signature.recovery_id),
                    })
                    .collect(),
                wallet: None,
                dropped,
            },
            Status::Aborted(failure) => Self::Aborted {
                code: code(failure.class).to_owned(),
                message: failure.reason.to_owned(),
                culprits: roles(&failure.culprits),
                outgoing,
                dropped,
            },
        }
    }
}

/// A ceremony at this party. Has no constructor: it starts from an authorization of its kind.
#[napi]
pub struct Session {
    session_id: [u8; 32],
    descriptor: Vec<u8>,
    descriptor_signature: Vec<u8>,
    handle: Arc<Handle>,
}

impl Session {
    fn new(
        session: ceremony::Session,
        descriptor_signature: Vec<u8>,
        rng: Generator,
        store: Shared,
    ) -> Self {
        Self {
            session_id: *session.session_id(),
            descriptor: session.descriptor(),
            descriptor_signature,
            handle: Arc::new(Handle {
                slot: Mutex::new(Slot::Idle(State::new(session, rng, store))),
                cancelled: AtomicBool::new(false),
            }),
        }
    }

    fn run<'env>(
        &self,
        env: &'env Env,
        now_ms: &BigInt,
        take_event: impl FnOnce() -> Result<OwnedEvent, Fault>,
    ) -> napi::Result<Object<'env>> {
        let claim = || {
            let now_ms = time(now_ms, "nowMs")?;
            let event = take_event()?;
            let permit = Permit::take()?;
            Ok((now_ms, event, permit, self.handle.take()?))
        };
        let (now_ms, event, permit, mut state) = guard(env, claim)?;
        let (worker, settler) = (Arc::clone(&self.handle), Arc::clone(&self.handle));
        pool::spawn(
            env,
            permit,
            move || {
                let report = state.advance(event.borrow(), now_ms, &worker.cancelled);
                Ok(Round { state, report, now_ms })
            },
            move |outcome| settler.settle(outcome),
        )
    }
}

impl Drop for Session {
    /// Without this a terminated worker's rounds would go on burning cores.
    fn drop(&mut self) {
        self.handle.cancelled.store(true, Ordering::Relaxed);
    }
}

enum OwnedEvent {
    Begin(Vec<Vec<u8>>),
    Receive(Vec<Vec<u8>>),
    Confirm(Vec<String>),
}

impl OwnedEvent {
    fn borrow(&self) -> Event<'_> {
        match self {
            Self::Begin(envelopes) => Event::Begin(envelopes),
            Self::Receive(envelopes) => Event::Receive(envelopes),
            Self::Confirm(words) => Event::Confirm(words),
        }
    }
}

fn cards_of(cards: &[Uint8Array]) -> Result<Vec<ceremony::Card>, Fault> {
    cards.iter().map(|card| decode_card(card)).collect()
}

#[napi]
impl Session {
    /// Starts a key generation as initiator; `cards` are those of all three parties, the own one included.
    #[napi(catch_unwind)]
    pub fn create_wallet(
        env: &Env,
        identity: &Identity,
        pairing: &Pairing,
        cards: Vec<Uint8Array>,
        store: &Store,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<Self> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let times = Times { now_ms, lifetime_ms: duration(lifetime_ms, "lifetimeMs")? };
            let cards = cards_of(&cards)?;
            let mut rng = Generator::new(b"session/keygen")?;
            let keys = Arc::clone(&identity.keys);
            let session =
                ceremony::Session::create_wallet(keys, pairing.take()?, cards, times, &mut rng)
                    .map_err(Fault::input_from)?;
            let signature = session.descriptor_signature().to_vec();
            Ok(Self::new(session, signature, rng, Arc::clone(&store.shared)))
        })
    }

    /// Joins a key generation.
    #[allow(clippy::too_many_arguments)] // the binding is positional; the SDK's calls are not
    #[napi(catch_unwind)]
    pub fn join_wallet(
        env: &Env,
        identity: &Identity,
        pairing: &Pairing,
        cards: Vec<Uint8Array>,
        store: &Store,
        descriptor: &[u8],
        signature: &[u8],
        now_ms: BigInt,
    ) -> napi::Result<Self> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let cards = cards_of(&cards)?;
            let rng = Generator::new(b"session/keygen")?;
            let keys = Arc::clone(&identity.keys);
            let [descriptor, signature] = copies([descriptor, signature])?;
            let session = pairing.with(|secret| {
                ceremony::Session::join_wallet(keys, secret, cards, &descriptor, &signature, now_ms)
                    .map_err(Box::new)
            })?;
            Ok(Self::new(session, Vec::new(), rng, Arc::clone(&store.shared)))
        })
    }

    /// Starts signing with one other party; consumes the authorization.
    #[napi(catch_unwind)]
    pub fn sign(
        env: &Env,
        wallet: &Wallet,
        authorization: &Authorization,
        cosigner: Role,
        memo: String,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<Self> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let times = Times { now_ms, lifetime_ms: duration(lifetime_ms, "lifetimeMs")? };
            let mut rng = Generator::new(b"session/sign")?;
            let open = wallet.open()?;
            let authorization = authorization.take(&open)?;
            let session = ceremony::Session::sign(
                open,
                authorization,
                cosigner.into(),
                &memo,
                times,
                &mut rng,
            )
            .map_err(Fault::input_from)?;
            let signature = session.descriptor_signature().to_vec();
            Ok(Self::new(session, signature, rng, wallet.store()))
        })
    }

    /// Joins the signing session of an invitation; consumes the authorization.
    #[napi(catch_unwind)]
    pub fn join(
        env: &Env,
        wallet: &Wallet,
        invitation: &Invitation,
        authorization: &Authorization,
        now_ms: BigInt,
    ) -> napi::Result<Self> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let open = wallet.open()?;
            let invitation = invitation.for_wallet(&open)?;
            let rng = Generator::new(b"session/sign")?;
            let authorization = authorization.take(&open)?;
            let session = ceremony::Session::join(invitation, authorization, now_ms)?;
            Ok(Self::new(session, Vec::new(), rng, wallet.store()))
        })
    }

    /// 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn session_id(&self) -> Bytes {
        bytes(&self.session_id)
    }

    /// The descriptor, which the initiator opens on the transport.
    #[napi(getter, catch_unwind)]
    pub fn descriptor(&self) -> Bytes {
        bytes(&self.descriptor)
    }

    /// The initiator's signature over it, 64 bytes; empty at a party that joined.
    #[napi(getter, catch_unwind)]
    pub fn descriptor_signature(&self) -> Bytes {
        bytes(&self.descriptor_signature)
    }

    /// Starts; envelopes that were already there are taken in the same flight.
    #[napi(catch_unwind, ts_return_type = "Promise<RoundOutcome>")]
    pub fn begin<'env>(
        &self,
        env: &'env Env,
        now_ms: BigInt,
        envelopes: Vec<Uint8Array>,
    ) -> napi::Result<Object<'env>> {
        self.run(env, &now_ms, || Ok(OwnedEvent::Begin(self::envelopes(&envelopes)?)))
    }

    /// Takes what arrived: any order, anything among it.
    #[napi(catch_unwind, ts_return_type = "Promise<RoundOutcome>")]
    pub fn receive<'env>(
        &self,
        env: &'env Env,
        now_ms: BigInt,
        envelopes: Vec<Uint8Array>,
    ) -> napi::Result<Object<'env>> {
        self.run(env, &now_ms, || Ok(OwnedEvent::Receive(self::envelopes(&envelopes)?)))
    }

    /// Key generation: the operator's yes to exactly these words.
    #[napi(catch_unwind, ts_return_type = "Promise<RoundOutcome>")]
    pub fn confirm<'env>(
        &self,
        env: &'env Env,
        now_ms: BigInt,
        words: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        self.run(env, &now_ms, || Ok(OwnedEvent::Confirm(words)))
    }

    /// Ends the session and gives the signed abort envelopes for the peers: `refused` if this party's
    /// operator or owner said no. During a round it cancels instead; the round's outcome has the envelopes.
    #[napi(catch_unwind)]
    pub fn abort(&self, env: &Env, refused: bool) -> napi::Result<Vec<Bytes>> {
        guard(env, || {
            self.handle.cancelled.store(true, Ordering::Relaxed);
            let mut slot = self.handle.slot();
            match std::mem::replace(&mut *slot, Slot::Closed) {
                Slot::Idle(mut state) => {
                    let report =
                        if refused { state.session.refuse() } else { state.session.stop() };
                    Ok(report.outgoing.into_iter().map(Bytes::from).collect())
                }
                busy_or_closed => {
                    *slot = busy_or_closed;
                    Ok(Vec::new())
                }
            }
        })
    }

    /// Asks the running round to stop; its promise resolves with `aborted`, code `ABORTED`.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.handle.cancelled.store(true, Ordering::Relaxed);
    }

    /// Ends the session at once and wipes its state. During a round the promise rejects.
    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        self.handle.cancelled.store(true, Ordering::Relaxed);
        let ended = std::mem::replace(&mut *self.handle.slot(), Slot::Closed);
        drop(ended);
    }
}
