//! What this party makes of requests: its policy, its ledger, and what persons said.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::authority::{
    Asked, Authority, Authorized, Evidence, PolicyUpdate, Question, Reading as Read, Taken,
    describe_changes, describe_decision, read_evidence, read_fees,
};
use ceremony::store::Write;
use ceremony::{Membership, Origin, Principal};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;
use policy::ApprovalVerdict;
use policy::evaluate::{Price, RuleVerdict};

use crate::clock;
use crate::convert::{self, Bytes, Role, bytes, copies, duration, path, position, time};
use crate::error::{Fault, guard};
use crate::intent::PayloadInput;
use crate::store::StoreBatch;
use crate::wallet::{Authorization, Wallet};

/// One party's authority over one wallet, shared by all that asks it: what is decided and what is reserved are one
/// step under its lock.
pub(crate) type Desk = Arc<Mutex<Authority>>;

pub(crate) fn lock(desk: &Desk) -> MutexGuard<'_, Authority> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Payloads that this party parsed itself. Has no constructor but [`Wallet::read`].
#[napi]
pub struct Reading {
    inner: Read,
    /// The wallet that read it.
    membership: Arc<Membership>,
}

#[napi]
impl Reading {
    /// What will be signed, 32 bytes each, in item order.
    #[napi(getter, catch_unwind)]
    pub fn digests(&self) -> Vec<Bytes> {
        self.inner.digests().iter().map(|digest| bytes(digest)).collect()
    }

    /// What this party read in an item, as JSON; integers are decimal strings.
    #[napi(catch_unwind)]
    pub fn describe(&self, env: &Env, item: f64) -> napi::Result<String> {
        guard(env, || describe(&self.inner, item))
    }
}

pub(crate) fn describe(reading: &Read, item: f64) -> Result<String, Fault> {
    let item = usize::try_from(position(item, "item")?).ok();
    let read = item.and_then(|item| reading.intents().nth(item));
    read.map(::intent::Intent::describe).ok_or_else(|| Fault::input("there is no such item"))
}

/// Who asks whom, by what name.
#[napi(object, object_to_js = false)]
pub struct RequestInput {
    /// The party that asks.
    pub requester: Role,
    /// The party that is asked.
    pub cosigner: Role,
    /// Names the request, 1 to 128 bytes of printable text.
    pub idempotency_key: String,
    /// Ed25519, 32 bytes: on whose behalf.
    pub principal: Option<Uint8Array>,
    /// The principal's signature over `Wallet.principalHash`, 64 bytes.
    pub principal_signature: Option<Uint8Array>,
}

impl RequestInput {
    fn question(&self) -> Result<Question, Fault> {
        if self.requester == self.cosigner {
            return Err(Fault::input("a party does not ask itself"));
        }
        let fixed = |bytes: &Uint8Array| convert::payload(bytes);
        let principal = match (&self.principal, &self.principal_signature) {
            (None, None) => None,
            (Some(key), Some(signature)) => Some(Principal {
                key: fixed(key).try_into().map_err(|_| Fault::input("a principal has 32 bytes"))?,
                signature: fixed(signature)
                    .try_into()
                    .map_err(|_| Fault::input("a principal's signature has 64 bytes"))?,
            }),
            _ => return Err(Fault::input("a principal comes with its signature")),
        };
        let origin = Origin { idempotency_key: self.idempotency_key.clone(), principal };
        origin.check().map_err(Fault::input_from)?;
        Ok(Question::new(self.requester.into(), self.cosigner.into(), origin))
    }
}

/// What the rules say of a request, and what follows from it.
#[napi(object, object_from_js = false)]
pub struct Decided {
    /// The decision as JSON.
    pub decision: String,
    /// Names the request, 32 bytes.
    pub request_id: Bytes,
    /// This party's right to sign, if the rules said yes.
    pub authorization: Option<Authorization>,
    /// To be committed before anything is done about it.
    pub batch: StoreBatch,
}

pub(crate) fn decided_by(
    wallet: &Wallet,
    authorized: Authorized,
    advanced: Vec<Write>,
    shares: &Arc<ceremony::Wallet>,
    (desk, cosigner): (Desk, Option<ceremony::Role>),
) -> Result<Decided, Fault> {
    let Authorized { decision, authorization, request_id, live, writes } = authorized;
    let claim = Claim { desk, request_id, live, cosigner };
    Ok(Decided {
        decision: describe_decision(&decision),
        request_id: bytes(&request_id),
        authorization: authorization.map(|it| Authorization::new(it, shares, claim)),
        batch: wallet.store().persist(advanced.into_iter().chain(writes).collect())?,
    })
}

pub(crate) fn evidence(
    verdicts: &str,
    prices: &str,
) -> Result<(Vec<RuleVerdict>, Vec<Price>), Fault> {
    read_evidence(verdicts, prices)
        .ok_or_else(|| Fault::input("verdicts or prices of another form"))
}

/// What a session needs of whoever permitted it.
pub(crate) struct Claim {
    desk: Desk,
    request_id: [u8; 32],
    live: Arc<AtomicBool>,
    cosigner: Option<ceremony::Role>,
}

impl Claim {
    /// The request, and whether what was permitted for it still is.
    pub(crate) fn name(&self) -> ([u8; 32], Arc<AtomicBool>) {
        (self.request_id, Arc::clone(&self.live))
    }

    /// Whether it is for signing with this party; a co-signer's is bound to its session.
    pub(crate) fn is_for(&self, cosigner: ceremony::Role) -> bool {
        self.cosigner == Some(cosigner)
    }

    /// Whether what was permitted still is.
    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    /// Whether an approver stopped the wallet.
    pub(crate) fn is_frozen(&self) -> bool {
        lock(&self.desk).frozen().load(Ordering::Acquire)
    }

    /// This party's share leaves.
    pub(crate) fn share_left(&self) {
        lock(&self.desk).share_left(&self.request_id);
    }
}

/// What became of a statement.
#[napi(string_enum = "kebab-case")]
pub enum StatementKind {
    /// It is about a request.
    Approval,
    /// The wallet is frozen now.
    Frozen,
    /// The wallet is not frozen now.
    Released,
    /// A policy that not enough persons signed yet.
    PolicyNeedsSignatures,
    /// A policy that is in force now.
    PolicyInForce,
    /// A policy that waits, because it loosens something.
    PolicyWaiting,
}

/// What became of a statement, and what to make durable.
#[napi(object, object_from_js = false)]
pub struct TakenStatement {
    /// What it is.
    pub kind: StatementKind,
    /// Of an approval: names the request, 32 bytes.
    pub request_id: Option<Bytes>,
    /// Of a policy that waits: when it comes in force, if this party keeps running.
    pub until_ms: Option<BigInt>,
    /// To be committed before anything is said about it.
    pub batch: StoreBatch,
}

/// Another version of the policy, not signed yet.
#[napi(object, object_from_js = false)]
pub struct PolicyDraft {
    /// Canonical JSON.
    pub policy: Bytes,
    /// What it changes, as JSON.
    pub changes: String,
}

/// What a person says of a request.
#[napi(string_enum = "lowercase")]
pub enum ApprovalWord {
    /// Yes.
    Approve,
    /// No, for good.
    Reject,
    /// The yes is taken back, for good.
    Withdraw,
}

#[napi]
impl Wallet {
    /// What a party writes that has just come to be in a wallet, so that it knows later that it remembers everything.
    /// One that `joined` an older wallet does not know what was signed before: its limits count as used up.
    #[napi(catch_unwind)]
    pub fn begin(&self, env: &Env, joined: bool, now_ms: BigInt) -> napi::Result<StoreBatch> {
        guard(env, || {
            let desk = self.desk_of(time(&now_ms, "nowMs")?, joined)?;
            let writes = lock(&desk).first_writes(self.membership()?.wallet_id());
            self.store().persist(writes)
        })
    }

    /// Parses 1 to 64 payloads, each with the account at the path in its place, this party's own keys, and the
    /// contracts of its policy; or refuses.
    #[napi(catch_unwind)]
    pub fn read(
        &self,
        env: &Env,
        payloads: Vec<PayloadInput>,
        paths: Vec<Vec<f64>>,
        now_ms: BigInt,
    ) -> napi::Result<Reading> {
        guard(env, || {
            if payloads.len() != paths.len() {
                return Err(Fault::input("one path for each payload"));
            }
            let paths: Vec<Vec<u32>> =
                paths.iter().map(|one| path(one)).collect::<Result<_, _>>()?;
            // No more is copied than shows that there are too many.
            let given = payloads.iter().take(ceremony::MAX_ITEMS + 1);
            let bytes: Vec<Vec<u8>> = given.map(|one| convert::payload(&one.bytes)).collect();
            let asked = payloads.iter().zip(&bytes).zip(&paths);
            let asked = asked.map(|((payload, bytes), path)| Asked {
                kind: &payload.kind,
                chain: &payload.chain,
                bytes,
                path,
            });
            let desk = self.desk(time(&now_ms, "nowMs")?)?;
            let inner = lock(&desk).read(&*self.open()?, asked)?;
            Ok(Reading { inner, membership: self.membership()? })
        })
    }

    /// What a principal signs for a request, 32 bytes.
    #[napi(catch_unwind)]
    pub fn principal_hash(
        &self,
        env: &Env,
        reading: &Reading,
        requester: Role,
        idempotency_key: String,
        principal: &[u8],
    ) -> napi::Result<Bytes> {
        guard(env, || {
            let key = principal.try_into().map_err(|_| Fault::input("a principal has 32 bytes"))?;
            let hash = ::authority::principal_hash(
                &self.membership()?.wallet_id(),
                requester.into(),
                &idempotency_key,
                &key,
                self.of(reading)?,
            );
            Ok(bytes(&hash))
        })
    }

    /// What the rules say of a request, as JSON. Nothing is reserved; pure but for the ledger that it looks at.
    #[napi(catch_unwind)]
    pub fn evaluate(
        &self,
        env: &Env,
        reading: &Reading,
        request: RequestInput,
        verdicts: String,
        prices: String,
        now_ms: BigInt,
    ) -> napi::Result<String> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let (verdicts, prices) = evidence(&verdicts, &prices)?;
            let evidence = Evidence { verdicts: &verdicts, prices: &prices };
            let (question, desk) = (request.question()?, self.desk(now.wall_ms)?);
            let shares = self.shares_for(&request)?;
            let reading = self.of(reading)?;
            let decision = lock(&desk).evaluate(&shares, reading, &question, evidence, now)?;
            Ok(describe_decision(&decision))
        })
    }

    /// Decides a request of this party and reserves what it gives away.
    #[allow(clippy::too_many_arguments)] // the binding is positional; the SDK's calls are not
    #[napi(catch_unwind)]
    pub fn authorize(
        &self,
        env: &Env,
        reading: &Reading,
        request: RequestInput,
        verdicts: String,
        prices: String,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<Decided> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let expires = now.wall_ms.saturating_add(duration(lifetime_ms, "lifetimeMs")?);
            let (verdicts, prices) = evidence(&verdicts, &prices)?;
            let evidence = Evidence { verdicts: &verdicts, prices: &prices };
            let (question, desk) = (request.question()?, self.desk(now.wall_ms)?);
            let shares = self.shares_for(&request)?;
            let reading = self.of(reading)?;
            if ceremony::Role::from(request.requester) != shares.role() {
                return Err(Fault::input("a party asks in its own name"));
            }
            let mut authority = lock(&desk);
            let advanced = authority.advance(&shares, now)?.1;
            let authorized =
                authority.authorize(&shares, reading, &question, evidence, now, expires)?;
            drop(authority);
            let cosigner = Some(request.cosigner.into());
            decided_by(self, authorized, advanced, &shares, (desk, cosigner))
        })
    }

    /// The session of this authorization ended, or none began, and no share of this party left: it is void.
    #[napi(catch_unwind)]
    pub fn release_request(
        &self,
        env: &Env,
        authorization: &Authorization,
        now_ms: BigInt,
    ) -> napi::Result<StoreBatch> {
        guard(env, || {
            let (wallet_id, (request, live)) =
                (self.membership()?.wallet_id(), authorization.name());
            let desk = self.desk(time(&now_ms, "nowMs")?)?;
            let writes = lock(&desk).release(wallet_id, &request, &live);
            self.store().persist(writes)
        })
    }

    /// The signatures of a request are known.
    #[napi(catch_unwind)]
    pub fn request_signed(
        &self,
        env: &Env,
        request_id: &[u8],
        now_ms: BigInt,
    ) -> napi::Result<StoreBatch> {
        guard(env, || {
            let (request, wallet_id) = (name(request_id)?, self.membership()?.wallet_id());
            let desk = self.desk(time(&now_ms, "nowMs")?)?;
            let writes = lock(&desk).signed(wallet_id, &request)?;
            self.store().persist(writes)
        })
    }

    /// This party's own endpoint shows a digest final at a time, or, without one, that it can never land.
    #[napi(catch_unwind)]
    pub fn request_outcome(
        &self,
        env: &Env,
        request_id: &[u8],
        digest: &[u8],
        landed_at_ms: Option<BigInt>,
        now_ms: BigInt,
    ) -> napi::Result<StoreBatch> {
        guard(env, || {
            let landed = landed_at_ms.map(|at| time(&at, "landedAtMs")).transpose()?;
            let (request, wallet_id) = (name(request_id)?, self.membership()?.wallet_id());
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let (digest, desk) = (name(digest)?, self.desk(now.wall_ms)?);
            let writes = lock(&desk).outcome(wallet_id, &request, &digest, landed, now)?;
            self.store().persist(writes)
        })
    }

    /// Whether every limit counts as used up: this party does not know what was signed before.
    #[napi(catch_unwind)]
    pub fn limits_full(&self, env: &Env, now_ms: BigInt) -> napi::Result<bool> {
        guard(env, || Ok(lock(&self.desk(time(&now_ms, "nowMs")?)?).limits_full()))
    }

    /// The operator says that limits are to be counted from what the ledger knows, and that the clock is right.
    #[napi(catch_unwind)]
    pub fn confirm_limits(&self, env: &Env, now_ms: BigInt) -> napi::Result<StoreBatch> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let wallet_id = self.membership()?.wallet_id();
            let writes = lock(&self.desk(now.wall_ms)?).confirm_limits(wallet_id, now);
            self.store().persist(writes)
        })
    }

    /// Whether an approver stopped the wallet.
    #[napi(catch_unwind)]
    pub fn is_frozen(&self, env: &Env, now_ms: BigInt) -> napi::Result<bool> {
        guard(env, || {
            let frozen = self.frozen(time(&now_ms, "nowMs")?)?;
            Ok(frozen.load(Ordering::Acquire))
        })
    }

    /// Takes what a person signed: an approval, a freeze, or a proposal of a policy.
    #[napi(catch_unwind)]
    pub fn take_statement(
        &self,
        env: &Env,
        statement: &[u8],
        now_ms: BigInt,
    ) -> napi::Result<TakenStatement> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let [statement] = copies([statement])?;
            let desk = self.desk(now.wall_ms)?;
            let (taken, writes) = lock(&desk).take(&*self.open()?, &statement, now)?;
            taken_statement(taken, self.store().persist(writes)?)
        })
    }

    /// Counts the time that a looser policy waits.
    #[napi(catch_unwind)]
    pub fn advance_policy(&self, env: &Env, now_ms: BigInt) -> napi::Result<TakenStatement> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let desk = self.desk(now.wall_ms)?;
            let (update, writes) = lock(&desk).advance(&*self.open()?, now)?;
            taken_statement(Taken::Policy(update), self.store().persist(writes)?)
        })
    }

    /// What the person behind this party says of a request: fees may rise to `max_fees` (a JSON object of decimal text
    /// by asset) or, without, to twice what they are. Good for five minutes unless a lifetime is given.
    #[allow(clippy::too_many_arguments)] // the binding is positional; the SDK's calls are not
    #[napi(catch_unwind)]
    pub fn sign_approval(
        &self,
        env: &Env,
        reading: &Reading,
        request: RequestInput,
        word: ApprovalWord,
        max_fees: Option<String>,
        now_ms: BigInt,
        lifetime_ms: Option<f64>,
    ) -> napi::Result<Bytes> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let lifetime = lifetime_ms.map(|it| duration(it, "lifetimeMs")).transpose()?;
            let verdict = match word {
                ApprovalWord::Approve => ApprovalVerdict::Approve,
                ApprovalWord::Reject => ApprovalVerdict::Reject,
                ApprovalWord::Withdraw => ApprovalVerdict::Withdraw,
            };
            let fees = max_fees.as_deref().map(read_fees);
            let fees = fees.map(|read| read.ok_or_else(|| Fault::input("maxFees")));
            let fees = fees.transpose()?;
            let (question, desk) = (request.question()?, self.desk(now_ms)?);
            let asked = (self.of(reading)?, &question);
            let signed = lock(&desk).sign_approval(
                &*self.open()?,
                asked,
                verdict,
                fees,
                (now_ms, lifetime),
            )?;
            Ok(signed.into())
        })
    }

    /// The word of the person behind this party that the wallet stops, or may sign again.
    #[napi(catch_unwind)]
    pub fn sign_freeze(&self, env: &Env, frozen: bool, now_ms: BigInt) -> napi::Result<Bytes> {
        guard(env, || {
            let now_ms = time(&now_ms, "nowMs")?;
            let desk = self.desk(now_ms)?;
            Ok(lock(&desk).sign_freeze(&*self.open()?, frozen, now_ms)?.into())
        })
    }

    /// The version after the one in force, with what a config says.
    #[napi(catch_unwind)]
    pub fn draft_policy(
        &self,
        env: &Env,
        config: String,
        now_ms: BigInt,
    ) -> napi::Result<PolicyDraft> {
        guard(env, || {
            let desk = self.desk(time(&now_ms, "nowMs")?)?;
            let (policy, changes) = lock(&desk).draft(&*self.open()?, config.as_bytes())?;
            Ok(PolicyDraft { policy: policy.into(), changes: describe_changes(&changes) })
        })
    }

    /// A draft or proposal with the signature of the person behind this party.
    #[napi(catch_unwind)]
    pub fn sign_policy(
        &self,
        env: &Env,
        proposal: &[u8],
        expires_at_ms: BigInt,
        now_ms: BigInt,
    ) -> napi::Result<Bytes> {
        guard(env, || {
            let expires = time(&expires_at_ms, "expiresAtMs")?;
            let [proposal] = copies([proposal])?;
            let desk = self.desk(time(&now_ms, "nowMs")?)?;
            Ok(lock(&desk).sign_policy(&*self.open()?, &proposal, expires)?.into())
        })
    }

    /// The version in force with its signatures, for a party that missed it.
    #[napi(catch_unwind)]
    pub fn policy_proposal(&self, env: &Env, now_ms: BigInt) -> napi::Result<Option<Bytes>> {
        guard(env, || {
            let desk = self.desk(time(&now_ms, "nowMs")?)?;
            Ok(lock(&desk).proposal_in_force().map(Bytes::from))
        })
    }
}

impl Wallet {
    fn of<'a>(&self, reading: &'a Reading) -> Result<&'a Read, Fault> {
        match Arc::ptr_eq(&reading.membership, &self.membership()?) {
            true => Ok(&reading.inner),
            false => Err(Fault::input("another wallet read these payloads")),
        }
    }

    /// The shares under which this party would sign with the other one.
    fn shares_for(&self, request: &RequestInput) -> Result<Arc<ceremony::Wallet>, Fault> {
        let membership = self.membership()?;
        let (requester, cosigner) = (request.requester.into(), request.cosigner.into());
        let peer = if membership.role() == requester { cosigner } else { requester };
        Ok(membership.with_peer(peer)?)
    }
}

fn taken_statement(taken: Taken, batch: StoreBatch) -> Result<TakenStatement, Fault> {
    let plain = |kind| TakenStatement {
        kind,
        request_id: None,
        until_ms: None,
        batch: StoreBatch { writes: Vec::new(), read_back: Vec::new() },
    };
    let taken = match taken {
        Taken::Approval { request_id } => TakenStatement {
            request_id: Some(bytes(&request_id)),
            ..plain(StatementKind::Approval)
        },
        Taken::Freeze { frozen: true } => plain(StatementKind::Frozen),
        Taken::Freeze { frozen: false } => plain(StatementKind::Released),
        Taken::Policy(PolicyUpdate::NeedsSignatures) => plain(StatementKind::PolicyNeedsSignatures),
        Taken::Policy(PolicyUpdate::InForce) => plain(StatementKind::PolicyInForce),
        Taken::Policy(PolicyUpdate::Waiting { until_ms }) => TakenStatement {
            until_ms: Some(BigInt::from(until_ms)),
            ..plain(StatementKind::PolicyWaiting)
        },
    };
    Ok(TakenStatement { batch, ..taken })
}

fn name(bytes: &[u8]) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| Fault::input("a request id or digest has 32 bytes"))
}
