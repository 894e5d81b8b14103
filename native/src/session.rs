//! One ceremony at this party: a state machine behind one async call per flight.
//!
//! The state leaves its slot when the call is made, on the JavaScript thread, and returns when the promise
//! settles. A second call meanwhile is `SESSION_BUSY`; after an end the slot is closed for good.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ceremony::session::{Event, Io, Output, Report, Status, Step, Times};
use ceremony::store::{Commit, Key, ReadBack, StoreError};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Object, Uint8Array};
use napi_derive::napi;

use crate::authority::Claim;
use crate::convert::{Bytes, Role, bytes, copies, duration, envelopes, record, roles, time};
use crate::error::{Fault, code, guard};
use crate::generator::Generator;
use crate::identity::{Identity, Pairing, cards_of};
use crate::invitation::Invitation;
use crate::pool::{self, Permit};
use crate::store::{Committing, Shared, Store, StoreBatch};
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
    /// What the session waits for, where records are kept in JavaScript.
    pending: Option<Pending>,
    /// Of a signing session: whoever permitted it.
    claim: Option<Claim>,
    /// Whether this party's share of a signature has left.
    share_left: bool,
}

/// A commit on its way.
struct Pending {
    /// Taken when it is sealed.
    commit: Option<Commit>,
    read_back: Vec<Key>,
}

/// What a step came to, as far as this process can take it by itself.
enum Progress {
    Report(Report),
    Commit,
}

impl State {
    fn new(
        session: ceremony::Session,
        rng: Generator,
        store: Shared,
        claim: Option<Claim>,
    ) -> Box<Self> {
        LIVE.fetch_add(1, Ordering::AcqRel);
        Box::new(Self { session, rng, store, pending: None, claim, share_left: false })
    }

    /// Why nothing may leave now, though the session is well: its pair failed elsewhere, or an approver froze the
    /// wallet. A share that has left is not called back.
    fn release(&self) -> Result<(), ceremony::Failure> {
        self.session.release()?;
        let Some(claim) = self.claim.as_ref().filter(|_| !self.share_left) else { return Ok(()) };
        if claim.is_frozen() {
            return Err(ceremony::Failure::frozen());
        }
        if claim.is_live() { Ok(()) } else { Err(ceremony::Failure::released()) }
    }

    /// What leaves now has this party's share of a signature among it: it counts from here on.
    fn note_share(&mut self) {
        self.share_left = true;
        if let Some(claim) = &self.claim {
            claim.share_left();
        }
    }

    fn advance(&mut self, event: Event<'_>, now_ms: u64, cancelled: &AtomicBool) -> Progress {
        let cancel = || cancelled.load(Ordering::Relaxed);
        let mut io = Io { rng: &mut self.rng, now_ms, cancel: &cancel };
        let step = self.session.step(event, &mut io);
        self.settle(step, now_ms, &cancel)
    }

    /// Ends with a failure that was found when bytes were about to leave.
    fn fail(&mut self, failure: ceremony::Failure, now_ms: u64) -> Progress {
        let step = self.session.fail(failure);
        self.settle(step, now_ms, &|| false)
    }

    /// Goes on as long as the store answers at once.
    fn settle(&mut self, step: Step, now_ms: u64, cancel: dkls23::Cancel<'_>) -> Progress {
        let mut step = step;
        loop {
            let commit = match step {
                Step::Report(report) => return Progress::Report(report),
                Step::Commit(commit) => commit,
            };
            match self.store.commit(commit) {
                Committing::Done(result) => {
                    let mut io = Io { rng: &mut self.rng, now_ms, cancel };
                    step = self.session.step(Event::Committed(result), &mut io);
                }
                Committing::Elsewhere(commit) => {
                    let read_back = commit.read_back.clone();
                    self.pending = Some(Pending { commit: Some(commit), read_back });
                    return Progress::Commit;
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
            Slot::Idle(state) if state.pending.is_some() => {
                *slot = Slot::Idle(state);
                Err(Fault::new("SESSION_BUSY", "a commit of this session is not answered"))
            }
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
        let Round { mut state, mut progress, now_ms } = outcome?;
        if disposed {
            return Err(Fault::new("SESSION_CLOSED", "the session was disposed during the round"));
        }
        // Another session of the pair may have failed while this outcome waited for the JavaScript thread.
        if let (Progress::Report(_), Err(failure)) = (&progress, state.release()) {
            progress = state.fail(failure, now_ms);
        }
        let mut report = match progress {
            Progress::Report(report) => report,
            Progress::Commit => {
                *slot = Slot::Idle(state);
                return Ok(RoundOutcome::Commit);
            }
        };
        let store = Arc::clone(&state.store);
        if report.share_leaves {
            state.note_share();
        }
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
    progress: Progress,
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
    /// Something must be durable before the session goes on: `takeBatch`, then `committed` or `commitFailed`.
    Commit,
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
    pub(crate) fn new(
        session: ceremony::Session,
        descriptor_signature: Vec<u8>,
        rng: Generator,
        store: Shared,
    ) -> Self {
        Self::of(session, descriptor_signature, rng, store, None)
    }

    fn of(
        session: ceremony::Session,
        descriptor_signature: Vec<u8>,
        rng: Generator,
        store: Shared,
        claim: Option<Claim>,
    ) -> Self {
        Self {
            session_id: *session.session_id(),
            descriptor: session.descriptor(),
            descriptor_signature,
            handle: Arc::new(Handle {
                slot: Mutex::new(Slot::Idle(State::new(session, rng, store, claim))),
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
            let permit = Permit::take()?;
            let event = take_event()?;
            Ok((now_ms, event, permit, self.handle.take()?))
        };
        let (now_ms, mut event, permit, mut state) = guard(env, claim)?;
        let (worker, settler) = (Arc::clone(&self.handle), Arc::clone(&self.handle));
        pool::spawn(
            env,
            permit,
            move || {
                let progress = state.advance(event.borrow(), now_ms, &worker.cancelled);
                Ok(Round { state, progress, now_ms })
            },
            move |outcome| settler.settle(outcome),
        )
    }
}

/// A session that is not at rest, and so has no commit to be taken or answered.
fn not_idle(slot: &Slot) -> Fault {
    match slot {
        Slot::Busy => Fault::new("SESSION_BUSY", "a round of this session is running"),
        _ => Fault::new("SESSION_CLOSED", "the session has ended"),
    }
}

impl Session {
    /// Ends the commit that is under way: what it wanted read back, and from where.
    fn end_commit(&self) -> Result<(Vec<Key>, Shared), Fault> {
        let mut slot = self.handle.slot();
        let Slot::Idle(state) = &mut *slot else {
            return Err(not_idle(&slot));
        };
        let pending = state.pending.take_if(|pending| pending.commit.is_none());
        let Pending { read_back, .. } =
            pending.ok_or_else(|| Fault::input("the session has no commit under way"))?;
        Ok((read_back, Arc::clone(&state.store)))
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
    Committed(Result<ReadBack, StoreError>),
}

impl OwnedEvent {
    /// Once: what was read back is moved into the session.
    fn borrow(&mut self) -> Event<'_> {
        match self {
            Self::Begin(envelopes) => Event::Begin(envelopes),
            Self::Receive(envelopes) => Event::Receive(envelopes),
            Self::Confirm(words) => Event::Confirm(words),
            Self::Committed(result) => {
                Event::Committed(core::mem::replace(result, Err(StoreError::Unavailable)))
            }
        }
    }
}

#[napi]
impl Session {
    /// Starts a key generation as initiator; `cards` are those of all three parties, the own one included, `policy` is
    /// the config's JSON.
    #[allow(clippy::too_many_arguments)] // the binding is positional; the SDK's calls are not
    #[napi(catch_unwind)]
    pub fn create_wallet(
        env: &Env,
        identity: &Identity,
        pairing: &Pairing,
        cards: Vec<Uint8Array>,
        policy: String,
        store: &Store,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<Self> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let times = Times { now_ms, lifetime_ms: duration(lifetime_ms, "lifetimeMs")? };
            let cards = cards_of(&cards)?;
            let policy = config(&policy)?;
            let mut rng = Generator::new(b"session/keygen")?;
            let keys = Arc::clone(&identity.keys);
            let pairing = pairing.take()?;
            let session =
                ceremony::Session::create_wallet(keys, pairing, cards, &policy, times, &mut rng)
                    .map_err(Fault::input_from)?;
            let signature = session.descriptor_signature().to_vec();
            Ok(Self::new(session, signature, rng, Arc::clone(&store.shared)))
        })
    }

    /// Joins a key generation; without a `policy` of its own whatever the initiator decided is shown with the words.
    #[allow(clippy::too_many_arguments)] // the binding is positional; the SDK's calls are not
    #[napi(catch_unwind)]
    pub fn join_wallet(
        env: &Env,
        identity: &Identity,
        pairing: &Pairing,
        cards: Vec<Uint8Array>,
        policy: Option<String>,
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
            let policy = policy.as_deref().map(config).transpose()?;
            let invitation = (descriptor.as_slice(), signature.as_slice());
            let session = pairing.with(|secret| {
                let policy = policy.as_ref();
                ceremony::Session::join_wallet(keys, secret, cards, policy, invitation, now_ms)
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
            let membership = wallet.membership()?;
            let (authorization, shares, claim) =
                authorization.take(&membership, Some(cosigner.into()))?;
            let session = ceremony::Session::sign(
                shares,
                authorization,
                cosigner.into(),
                &memo,
                times,
                &mut rng,
            )
            .map_err(Fault::input_from)?;
            let signature = session.descriptor_signature().to_vec();
            Ok(Self::of(session, signature, rng, wallet.store(), Some(claim)))
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
            let membership = wallet.membership()?;
            let invitation = invitation.for_member(&membership)?;
            let rng = Generator::new(b"session/sign")?;
            let (authorization, _, claim) = authorization.take(&membership, None)?;
            let session = ceremony::Session::join(invitation, authorization, now_ms)?;
            Ok(Self::of(session, Vec::new(), rng, wallet.store(), Some(claim)))
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

    /// What must be durable, sealed: all or nothing. Hand it to the store before anything else of this party is
    /// handed to it, and come back with what it says.
    #[napi(catch_unwind)]
    pub fn take_batch(&self, env: &Env) -> napi::Result<StoreBatch> {
        guard(env, || {
            let mut slot = self.handle.slot();
            let Slot::Idle(state) = &mut *slot else {
                return Err(not_idle(&slot));
            };
            let commit = state.pending.as_mut().and_then(|pending| pending.commit.take());
            let commit = commit
                .ok_or_else(|| Fault::input("the session has no commit that was not taken"))?;
            state.store.seal(commit)
        })
    }

    /// The batch is durable; `values` are the records to be read back, in order, as they were read from the store.
    #[napi(catch_unwind, ts_return_type = "Promise<RoundOutcome>")]
    pub fn committed<'env>(
        &self,
        env: &'env Env,
        now_ms: BigInt,
        values: Vec<Option<Uint8Array>>,
    ) -> napi::Result<Object<'env>> {
        self.run(env, &now_ms, || {
            let sealed: Vec<Option<Vec<u8>>> = values
                .iter()
                .map(|value| value.as_ref().map(record).transpose())
                .collect::<Result<_, Fault>>()?;
            let (keys, store) = self.end_commit()?;
            Ok(OwnedEvent::Committed(store.open(&keys, sealed)))
        })
    }

    /// The store wrote nothing: because a record to be created `exists`, or for any other reason.
    #[napi(catch_unwind, ts_return_type = "Promise<RoundOutcome>")]
    pub fn commit_failed<'env>(
        &self,
        env: &'env Env,
        now_ms: BigInt,
        exists: bool,
    ) -> napi::Result<Object<'env>> {
        self.run(env, &now_ms, || {
            self.end_commit()?;
            let error = if exists { StoreError::Exists } else { StoreError::Unavailable };
            Ok(OwnedEvent::Committed(Err(error)))
        })
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

/// A policy's config.
pub(crate) fn config(json: &str) -> Result<policy::rulebook::PolicyConfig, Fault> {
    policy::rulebook::PolicyConfig::read(json.as_bytes())
        .map_err(|invalid| Fault::new("POLICY_INVALID", invalid.to_string()))
}
