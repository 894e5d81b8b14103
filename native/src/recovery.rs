//! A recovery as one survivor sees it: what persons signed, how long it waited, and whether it may go on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ceremony::store::{Key, Secret, Write};
use ceremony::{Card, Membership, ReshareAuthorization};
use napi::Env;
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use policy::{
    Approvers, CeremonyDocument, Decision, PendingRecovery, Replacement, SignedDocument, Verdict,
};

use crate::clock;
use crate::convert::{Bytes, Role, copies, time};
use crate::error::{Fault, guard};
use crate::identity::decode_card;
use crate::reshare::{ReshareConsent, expiry};
use crate::store::{Shared, StoreBatch};
use crate::wallet::Wallet;

impl From<policy::Refusal> for Fault {
    fn from(refusal: policy::Refusal) -> Self {
        use policy::Refusal as Why;
        let code = match refusal {
            Why::Malformed | Why::Impossible | Why::BadKey | Why::BadSignature => "INVALID_INPUT",
            Why::Damaged => "SHARE_UNREADABLE",
            Why::ClockJumped => "CLOCK_JUMPED",
            Why::Used | Why::NotApproved | Why::OtherContent => "APPROVAL_MISSING",
            Why::OldVersion => "POLICY_STALE",
            Why::TooManyWaiting | Why::NonceTooFar => "POLICY_REJECTED",
            _ => "CEREMONY_REFUSED",
        };
        Self::new(code, refusal.to_string())
    }
}

/// What a person says.
#[napi(string_enum = "lowercase")]
pub enum RecoveryVerdict {
    /// Yes.
    Approve,
    /// No, from one whose yes is needed.
    Reject,
    /// No, from one who may only object.
    Veto,
}

impl From<RecoveryVerdict> for Verdict {
    fn from(verdict: RecoveryVerdict) -> Self {
        match verdict {
            RecoveryVerdict::Approve => Self::Approve,
            RecoveryVerdict::Reject => Self::Reject,
            RecoveryVerdict::Veto => Self::Veto,
        }
    }
}

/// Where a recovery stands at this party.
#[napi(string_enum = "kebab-case")]
pub enum RecoveryState {
    /// It may go on now.
    Approved,
    /// Everybody agreed; the time to object is not over.
    Waiting,
    /// Somebody has not said yes.
    NeedsApproval,
    /// Somebody who may objected.
    Vetoed,
    /// Somebody whose yes is needed said no.
    Rejected,
    /// An approval lapsed before the delay was over.
    Expired,
    /// This party's clock jumped; the operator has to confirm it.
    ClockJumped,
}

/// Where a recovery stands, and what to make durable before acting on it.
#[napi(object, object_from_js = false)]
pub struct RecoveryDecision {
    /// The state.
    pub state: RecoveryState,
    /// When waiting is over, if nothing happens.
    pub until_ms: Option<BigInt>,
    /// Whose approval is missing.
    pub missing: Vec<Role>,
    /// To be committed first.
    pub batch: StoreBatch,
}

/// One replacement at one survivor.
#[napi]
pub struct Recovery {
    membership: Arc<Membership>,
    /// Of the new device.
    card: Card,
    approvers: Approvers,
    name: [u8; 32],
    store: Shared,
    pending: Pending,
}

/// One record for all who hold it: what one of them was told, none of them overwrites.
pub(crate) type Pending = Arc<Mutex<PendingRecovery>>;

/// A recovery that was approved, to be looked at again when the ceremony starts: an objection may have come.
pub(crate) struct Approved {
    pending: Pending,
    approvers: Approvers,
}

impl Approved {
    pub(crate) fn check(&self, now_ms: &BigInt) -> Result<(), Fault> {
        let now = clock::read(time(now_ms, "nowMs")?)?;
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        match pending.decide(&self.approvers, now) {
            Decision::Approved => Ok(()),
            _ => Err(Fault::new("CEREMONY_REFUSED", "the recovery is not approved any more")),
        }
    }
}

#[napi]
impl Recovery {
    /// The replacement of a party by the device of this card.
    #[napi(catch_unwind)]
    pub fn open(env: &Env, wallet: &Wallet, card: &[u8], now_ms: BigInt) -> napi::Result<Self> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let card = decode_card(card)?;
            let membership = wallet.membership()?;
            let replacement = replacement(&membership, &card)?;
            let approvers = approvers_of(&membership, &replacement)?;
            let name = name_of(&replacement);
            let mut kept = wallet.recoveries();
            let pending = kept.entry(name).or_insert_with(|| {
                membership.keep_recovery(name, *replacement.old_roster());
                Arc::new(Mutex::new(PendingRecovery::new(replacement, now)))
            });
            let (pending, store) = (Arc::clone(pending), wallet.store());
            Ok(Self { membership, card, approvers, name, store, pending })
        })
    }

    /// Takes a document about a replacement of which this party may know nothing else yet; the batch is to be
    /// committed before anything is said about it. One key has a say about 16 recoveries at most.
    #[napi(catch_unwind)]
    pub fn announce(
        env: &Env,
        wallet: &Wallet,
        signed: &[u8],
        now_ms: BigInt,
    ) -> napi::Result<StoreBatch> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let [signed] = copies([signed])?;
            let signed = SignedDocument::decode(&signed)?;
            let membership = wallet.membership()?;
            let replacement = announced(&membership, &signed)?;
            let approvers = approvers_of(&membership, &replacement)?;
            let name = name_of(&replacement);
            let mut kept = wallet.recoveries();
            kept.retain(|name, _| membership.keeps_recovery(name));
            let mut writes = Vec::new();
            if !kept.contains_key(&name) {
                let mut pending = PendingRecovery::new(replacement, now);
                pending.observe(&signed, &approvers, now)?;
                for spent in make_room(&mut kept, signed.key(), &approvers, now)? {
                    membership.drop_recovery(&spent);
                    writes.push(Write::Delete(key_of(&membership, spent)));
                }
                membership.keep_recovery(name, *replacement.old_roster());
                kept.insert(name, Arc::new(Mutex::new(pending)));
            }
            if let Some(pending) = kept.get(&name) {
                let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
                pending.observe(&signed, &approvers, now)?;
                let value = Secret::copy_from(&pending.encode());
                writes.push(Write::Put(key_of(&membership, name), value));
            }
            wallet.store().persist(writes)
        })
    }

    /// What the person behind this party says, signed with the approver key.
    #[napi(catch_unwind)]
    pub fn sign(
        &self,
        env: &Env,
        verdict: RecoveryVerdict,
        expires_at_ms: BigInt,
    ) -> napi::Result<Bytes> {
        guard(env, || {
            let document = CeremonyDocument {
                replacement: *self.pending().replacement(),
                verdict: verdict.into(),
                expires_at_ms: time(&expires_at_ms, "expiresAtMs")?,
            };
            let identity = self.membership.identity();
            let signed = identity.approver_key().zip(identity.approve(&document.hash()));
            let (key, signature) =
                signed.ok_or_else(|| Fault::input("no person stands behind this party"))?;
            Ok(SignedDocument::new(document, key, signature)?.encode().into())
        })
    }

    /// Takes what somebody signed; the batch is to be committed before anything is said about it.
    #[napi(catch_unwind)]
    pub fn observe(&self, env: &Env, signed: &[u8], now_ms: BigInt) -> napi::Result<StoreBatch> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let [signed] = copies([signed])?;
            let signed = SignedDocument::decode(&signed)?;
            let mut pending = self.pending();
            pending.observe(&signed, &self.approvers, now)?;
            self.persist(&pending)
        })
    }

    /// Where it stands now.
    #[napi(catch_unwind)]
    pub fn decide(&self, env: &Env, now_ms: BigInt) -> napi::Result<RecoveryDecision> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let mut pending = self.pending();
            let decision = pending.decide(&self.approvers, now);
            let batch = self.persist(&pending)?;
            let plain =
                |state| RecoveryDecision { state, until_ms: None, missing: Vec::new(), batch };
            Ok(match decision {
                Decision::Approved => plain(RecoveryState::Approved),
                Decision::Waiting { until_ms } => RecoveryDecision {
                    until_ms: Some(BigInt::from(until_ms)),
                    ..plain(RecoveryState::Waiting)
                },
                Decision::NeedsApproval { missing } => RecoveryDecision {
                    missing: missing.into_iter().map(shown).collect(),
                    ..plain(RecoveryState::NeedsApproval)
                },
                Decision::Vetoed => plain(RecoveryState::Vetoed),
                Decision::Rejected => plain(RecoveryState::Rejected),
                Decision::Expired => plain(RecoveryState::Expired),
                Decision::ClockJumped => plain(RecoveryState::ClockJumped),
            })
        })
    }

    /// The operator says that this party's clock is right as it is.
    #[napi(catch_unwind)]
    pub fn confirm_clock(&self, env: &Env, now_ms: BigInt) -> napi::Result<StoreBatch> {
        guard(env, || {
            let now = clock::read(time(&now_ms, "nowMs")?)?;
            let mut pending = self.pending();
            pending.confirm_clock(now);
            self.persist(&pending)
        })
    }

    /// This party's consent to the ceremony: only where every approval is here and the delay has passed.
    #[napi(catch_unwind)]
    pub fn consent(
        &self,
        env: &Env,
        now_ms: BigInt,
        lifetime_ms: f64,
    ) -> napi::Result<ReshareConsent> {
        guard(env, || {
            let approved =
                Approved { pending: Arc::clone(&self.pending), approvers: self.approvers.clone() };
            approved.check(&now_ms)?;
            let expires = expiry(&now_ms, lifetime_ms)?;
            let membership = Arc::clone(&self.membership);
            let authorization = ReshareAuthorization::recover(membership, &self.card, expires)
                .map_err(Fault::input_from)?;
            // What was approved is exactly this roster: the wallet may have changed since.
            if &authorization.roster_hash() != self.pending().replacement().new_roster() {
                return Err(Fault::new(
                    "CEREMONY_REFUSED",
                    "the wallet changed since the approval",
                ));
            }
            Ok(ReshareConsent::new(authorization, Arc::clone(&self.store), Some(approved)))
        })
    }
}

impl Recovery {
    fn pending(&self) -> MutexGuard<'_, PendingRecovery> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn persist(&self, pending: &PendingRecovery) -> Result<StoreBatch, Fault> {
        let value = Secret::copy_from(&pending.encode());
        self.store.persist(vec![Write::Put(key_of(&self.membership, self.name), value)])
    }
}

/// The recoveries of which a store holds a record.
pub(crate) fn load(
    membership: &Membership,
    records: &[(Key, Secret)],
) -> Result<BTreeMap<[u8; 32], Pending>, Fault> {
    let mut kept = BTreeMap::new();
    for (key, value) in records {
        if let Key::PendingRecovery { replacement: name, .. } = key {
            let pending = PendingRecovery::decode(&value.0)?;
            if name_of(pending.replacement()) != *name {
                return Err(Fault::new("SHARE_UNREADABLE", "a record of another replacement"));
            }
            membership.keep_recovery(*name, *pending.replacement().old_roster());
            kept.insert(*name, Arc::new(Mutex::new(pending)));
        }
    }
    Ok(kept)
}

/// The records that have to go for one more with the signature of a key; a refusal where none can.
fn make_room(
    kept: &mut BTreeMap<[u8; 32], Pending>,
    key: &policy::ApproverKey,
    approvers: &Approvers,
    now: policy::Clock,
) -> Result<Vec<[u8; 32]>, Fault> {
    let mut of_key = 0;
    let mut spent = Vec::new();
    for (name, pending) in kept.iter() {
        let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.is_signed_by(key) {
            of_key += 1;
            if pending.is_spent(approvers, now) {
                spent.push(*name);
            }
        }
    }
    if of_key < policy::MAX_RECOVERIES_OF_A_KEY {
        return Ok(Vec::new());
    }
    if spent.is_empty() {
        return Err(policy::Refusal::TooManyRecoveries.into());
    }
    kept.retain(|name, _| !spent.contains(name));
    Ok(spent)
}

fn approvers_of(membership: &Membership, replacement: &Replacement) -> Result<Approvers, Fault> {
    let listed = membership.approvers_of(replacement.old_roster()).map_err(Fault::input_from)?;
    Ok(Approvers::of(&listed)?)
}

fn replacement(membership: &Arc<Membership>, card: &Card) -> Result<Replacement, Fault> {
    let (before, new_roster) = membership.replacing(card).map_err(Fault::input_from)?;
    Ok(Replacement::new(
        membership.wallet_id(),
        role_of(card.role),
        before.roster().hash(),
        new_roster.hash(),
        card.approver_key,
    )?)
}

/// What a signed document is about, if that starts from the roster in force.
fn announced(membership: &Membership, signed: &SignedDocument) -> Result<Replacement, Fault> {
    let replacement = signed.document().replacement;
    let roster = membership.roster_in_force().map_err(Fault::input_from)?;
    let ours = replacement.wallet_id() == &membership.wallet_id()
        && replacement.old_roster() == &roster.hash();
    if ours { Ok(replacement) } else { Err(policy::Refusal::OtherReplacement.into()) }
}

/// Named by all that a replacement is, so that none stands in the way of another.
fn name_of(replacement: &Replacement) -> [u8; 32] {
    let (verdict, expires_at_ms) = (Verdict::Approve, 0);
    CeremonyDocument { replacement: *replacement, verdict, expires_at_ms }.hash()
}

fn key_of(membership: &Membership, name: [u8; 32]) -> Key {
    Key::PendingRecovery { wallet_id: membership.wallet_id(), replacement: name }
}

fn role_of(role: ceremony::Role) -> policy::Role {
    match role {
        ceremony::Role::Agent => policy::Role::Agent,
        ceremony::Role::User => policy::Role::User,
        ceremony::Role::Recovery => policy::Role::Recovery,
    }
}

pub(crate) fn shown(role: policy::Role) -> Role {
    match role {
        policy::Role::Agent => Role::Agent,
        policy::Role::User => Role::User,
        policy::Role::Recovery => Role::Recovery,
    }
}
