//! One party's policy, freeze, ledger and approvals of one wallet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ceremony::store::Write;
use ceremony::{Invitation, Role, SigningAuthorization, Wallet};
use intent::Registry;
use policy::caip::AccountId;
use policy::evaluate::{
    GrantedApproval, Policy, PolicyDecision, Price, Request, RuleVerdict, Ruling, evaluate,
};
use policy::ledger::{Ledger, LedgerLimits, Reservation};
use policy::rulebook::{ContractKind, MAX_WINDOW_MS, PolicyApprover, PolicyDocument};
use policy::{
    ApprovalDecision, Approvals, ApproverKey, Approvers, Clock, FreezeState, Permit, PolicyState,
    Refusal, U256,
};

use crate::contracts::registry;
use crate::records::{approvals_write, ledger_writes, policy_write};
use crate::request::{Asked, Question, Reading};
use crate::{Refused, role_of};

/// A record of approvals for more requests than these is refused; those that can serve nothing any more make room.
pub(crate) const MAX_APPROVAL_RECORDS: usize = 256;

/// What code and price sources of this party said about a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Of the custom rules that this party runs.
    pub verdicts: &'a [RuleVerdict],
    /// Of this party's own source.
    pub prices: &'a [Price],
}

/// What a party made of a request.
pub struct Authorized {
    /// The decision, with every rule's part in it.
    pub decision: PolicyDecision,
    /// The right to sign, once the writes are durable; `None` unless the answer was yes.
    pub authorization: Option<SigningAuthorization>,
    /// Names the request.
    pub request_id: [u8; 32],
    /// Whether the authorization is still good: what was released is not signed any more.
    pub live: Arc<AtomicBool>,
    /// To be committed before anything is done about it.
    pub writes: Vec<Write>,
}

/// What a policy became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyUpdate {
    /// Persons have to sign it yet: these roles.
    NeedsSignatures,
    /// It is in force here.
    InForce,
    /// It loosens something, and waits until this time of the party's wall clock.
    Waiting {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
}

/// One party's side of everything that limits a wallet. One for each wallet and process, behind one lock: what is
/// decided and what is reserved are one step.
pub struct Authority {
    pub(crate) policy: PolicyState,
    pub(crate) freeze: FreezeState,
    pub(crate) ledger: Ledger,
    pub(crate) approvals: BTreeMap<[u8; 32], Approvals>,
    /// What persons signed of a change or release that not enough of them signed yet, by what it leads to.
    pub(crate) gathered: crate::statements::Gathered,
    frozen: Arc<AtomicBool>,
    /// Of each request: what was permitted for it, and whether it still is. One may be asked for anew while a session
    /// of it is ending.
    live: BTreeMap<[u8; 32], Vec<Arc<AtomicBool>>>,
    compiled: Option<Compiled>,
}

/// The policy as it is worked with.
struct Compiled {
    hash: [u8; 32],
    persons: Vec<PolicyApprover>,
    document: Arc<PolicyDocument>,
    approvers: Approvers,
    registry: Registry,
    by_signer: BTreeMap<Role, Policy>,
}

struct Decided {
    decision: PolicyDecision,
    /// Whether it was persons' approvals that made it a yes.
    by_approval: bool,
    fees: BTreeMap<String, U256>,
}

impl Authority {
    /// Of a party that has written nothing yet: of a new wallet, or one that joins. Limits count as used up where
    /// something may have been signed that nobody here remembers.
    ///
    /// # Errors
    /// `Document` for a policy that is too long.
    pub fn new(wallet: &Wallet, clock: Clock, remembers_nothing: bool) -> Result<Self, Refused> {
        let (wallet_id, document) = (*wallet.roster().wallet_id(), wallet.policy());
        let policy =
            PolicyState::new(wallet_id, document.version(), document.bytes().to_vec(), clock)?;
        let mut ledger = Ledger::new(LedgerLimits::default(), clock);
        if remembers_nothing {
            ledger.fill_limits();
        }
        Ok(Self::of(policy, FreezeState::new(wallet_id), ledger, BTreeMap::new()))
    }

    pub(crate) fn of(
        policy: PolicyState,
        freeze: FreezeState,
        ledger: Ledger,
        approvals: BTreeMap<[u8; 32], Approvals>,
    ) -> Self {
        let frozen = Arc::new(AtomicBool::new(freeze.is_frozen()));
        let gathered = crate::statements::Gathered::default();
        let live = BTreeMap::new();
        Self { policy, freeze, ledger, approvals, gathered, frozen, live, compiled: None }
    }

    /// Whether nothing may be signed. Asked again whenever bytes of a session are about to leave.
    pub fn frozen(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.frozen)
    }

    pub(crate) fn note_freeze(&self) {
        self.frozen.store(self.freeze.is_frozen(), Ordering::Release);
    }

    /// Whether every limit counts as used up.
    pub fn limits_full(&self) -> bool {
        policy::ledger::Spending::limits_full(&self.ledger)
    }

    /// Parses what somebody asks to have signed, with this party's own keys and the contracts of its policy.
    ///
    /// # Errors
    /// `Payload` naming the item, `Input`, `Policy`.
    pub fn read<'a>(
        &mut self,
        wallet: &Wallet,
        asked: impl IntoIterator<Item = Asked<'a>>,
    ) -> Result<Reading, Refused> {
        let compiled = self.compiled(wallet)?;
        Reading::new(wallet, (&compiled.registry, compiled.hash), asked)
    }

    /// What the policy says, without reserving anything.
    ///
    /// # Errors
    /// As [`Authority::authorize`].
    pub fn evaluate(
        &mut self,
        wallet: &Wallet,
        reading: &Reading,
        question: &Question,
        evidence: Evidence<'_>,
        clock: Clock,
    ) -> Result<PolicyDecision, Refused> {
        Ok(self.decide(wallet, reading, question, evidence, clock)?.decision)
    }

    /// Decides a request that this party makes, and reserves what it gives away.
    ///
    /// # Errors
    /// `Input` for a principal that did not sign, `Document` for a clock that is not believed, a reservation that the
    /// ledger does not take or an approval that was used; `Ceremony`. Nothing was reserved then.
    pub fn authorize(
        &mut self,
        wallet: &Arc<Wallet>,
        reading: &Reading,
        question: &Question,
        evidence: Evidence<'_>,
        clock: Clock,
        expires_at_ms: u64,
    ) -> Result<Authorized, Refused> {
        self.settle(wallet, reading, question, evidence, clock, |permit| {
            let (items, origin) = (reading.consented(), question.origin.clone());
            SigningAuthorization::new(wallet, permit, items, origin, expires_at_ms)
        })
    }

    /// Decides another party's request, and reserves what it gives away.
    ///
    /// # Errors
    /// As [`Authority::authorize`].
    pub fn accept(
        &mut self,
        invitation: &Invitation,
        reading: &Reading,
        evidence: Evidence<'_>,
        clock: Clock,
    ) -> Result<Authorized, Refused> {
        let wallet = invitation.wallet();
        let question =
            Question::new(invitation.initiator(), wallet.role(), invitation.origin().clone());
        self.settle(wallet, reading, &question, evidence, clock, |permit| {
            invitation.accept(permit, reading.payloads(), clock.wall_ms)
        })
    }

    fn settle(
        &mut self,
        wallet: &Wallet,
        reading: &Reading,
        question: &Question,
        evidence: Evidence<'_>,
        clock: Clock,
        authorize: impl FnOnce(Permit) -> Result<SigningAuthorization, ceremony::Failure>,
    ) -> Result<Authorized, Refused> {
        let wallet_id = *wallet.roster().wallet_id();
        let request_id = question.request_id(&wallet_id);
        let decided = self.decide(wallet, reading, question, evidence, clock)?;
        let Decided { decision, by_approval, fees } = decided;
        let mut writes = Vec::new();
        let mut authorization = None;
        match &decision.ruling {
            Ruling::Rejected { .. } => {
                let gone = self.ledger.stop_waiting(&request_id);
                writes.extend(ledger_writes(wallet_id, gone));
            }
            Ruling::RequiresAdditionalApproval { .. } => {
                let charges = self.ledger.wait(request_id, Vec::new())?;
                writes.extend(ledger_writes(wallet_id, [charges]));
            }
            Ruling::Approved => {
                let permit = Permit::of(&decision, reading.digests())
                    .ok_or(Refused::Input("a decision that permits nothing"))?;
                let authorized = authorize(permit).map_err(Refused::Ceremony)?;
                let principal = question.principal(&wallet_id, reading)?;
                let items = reading.ledger_items(&decision.reservations);
                let now_ms = self.ledger.now_ms(clock)?;
                // First on a copy: a request that is refused here leaves everything as it was, above all what a session
                // of it that is under way has reserved.
                let consumed =
                    by_approval.then(|| self.consumed(wallet, reading, &request_id, &fees, clock));
                let consumed = consumed.transpose()?;
                // A name is one request: another payment under it would hide from what is counted by requests.
                if !self.ledger.fits(&request_id, &reading.uses()) {
                    return Err(Refusal::OtherContent.into());
                }
                let reserved =
                    self.ledger.reserve(&Reservation { request_id, principal, items }, now_ms)?;
                writes.extend(ledger_writes(wallet_id, reserved));
                if let Some(record) = consumed {
                    writes.push(approvals_write(wallet_id, request_id, &record));
                    self.approvals.insert(request_id, record);
                }
                authorization = Some(authorized);
            }
        }
        let live = Arc::new(AtomicBool::new(authorization.is_some()));
        if authorization.is_some() {
            let of_request = self.live.entry(request_id).or_default();
            of_request.retain(|one| Arc::strong_count(one) > 1);
            of_request.push(Arc::clone(&live));
        }
        Ok(Authorized { decision, authorization, request_id, live, writes })
    }

    /// This party's share of the signatures of a request leaves: it counts from now on, whatever its session comes to.
    pub fn share_left(&mut self, request_id: &[u8; 32]) {
        // On disk it is reserved, which nothing but an outcome frees after a restart.
        let _ = self.ledger.share_left(request_id);
    }

    /// The session for a request ended and no share of this party left: what was permitted to it is void, and what was
    /// reserved is free again unless the request was permitted anew meanwhile.
    pub fn release(
        &mut self,
        wallet_id: [u8; 32],
        request_id: &[u8; 32],
        live: &Arc<AtomicBool>,
    ) -> Vec<Write> {
        live.store(false, Ordering::Release);
        let of_request = self.live.entry(*request_id).or_default();
        of_request.retain(|one| one.load(Ordering::Acquire) && Arc::strong_count(one) > 1);
        if !of_request.is_empty() {
            return Vec::new();
        }
        self.live.remove(request_id);
        let released = self.ledger.release(request_id).unwrap_or_default();
        ledger_writes(wallet_id, released)
    }

    /// What was permitted so far is void: the policy changed.
    pub(crate) fn void_all(&mut self) {
        for live in core::mem::take(&mut self.live).into_values().flatten() {
            live.store(false, Ordering::Release);
        }
    }

    /// What was permitted for a request is void: a person said no.
    pub(crate) fn void(&mut self, request_id: &[u8; 32]) {
        for live in self.live.remove(request_id).into_iter().flatten() {
            live.store(false, Ordering::Release);
        }
    }

    /// The signatures of a request are known.
    ///
    /// # Errors
    /// `Document` for a request that the ledger does not know.
    pub fn signed(
        &mut self,
        wallet_id: [u8; 32],
        request_id: &[u8; 32],
    ) -> Result<Vec<Write>, Refused> {
        let committed = self.ledger.commit(request_id)?;
        self.live.remove(request_id);
        Ok(ledger_writes(wallet_id, [committed]))
    }

    /// This party's own endpoint shows what became of a digest: final at this time, or, without a time, that it can
    /// never land.
    ///
    /// # Errors
    /// `Document`: a request or digest that the ledger does not know, one that landed before.
    pub fn outcome(
        &mut self,
        wallet_id: [u8; 32],
        request_id: &[u8; 32],
        digest: &[u8; 32],
        landed_at_ms: Option<u64>,
        clock: Clock,
    ) -> Result<Vec<Write>, Refused> {
        let mut written = match landed_at_ms {
            Some(at_ms) => self.ledger.landed(request_id, digest, at_ms)?,
            None => self.ledger.excluded(request_id, digest)?,
        };
        // Reports are what lets requests end: what no window of any rule begins before is forgotten with them.
        if let Ok(now_ms) = self.ledger.now_ms(clock) {
            written.extend(self.ledger.prune(now_ms.saturating_sub(MAX_WINDOW_MS)));
        }
        Ok(ledger_writes(wallet_id, written))
    }

    /// The operator says that limits are to be counted from what the ledger knows, and that the clock is right.
    pub fn confirm_limits(&mut self, wallet_id: [u8; 32], clock: Clock) -> Vec<Write> {
        let written = [self.ledger.confirm_limits(), self.ledger.confirm_clock(clock)];
        self.policy.confirm_clock(clock);
        let mut writes = ledger_writes(wallet_id, written);
        writes.push(policy_write(wallet_id, &self.policy));
        writes
    }

    /// The approvals of a request after they served these digests.
    fn consumed(
        &mut self,
        wallet: &Wallet,
        reading: &Reading,
        request_id: &[u8; 32],
        fees: &BTreeMap<String, U256>,
        clock: Clock,
    ) -> Result<Approvals, Refused> {
        let approvers = self.compiled(wallet)?.approvers.clone();
        let mut record = self.approvals.get(request_id).cloned().ok_or(Refusal::NotApproved)?;
        let roles: Vec<policy::Role> =
            record.granted(fees, &approvers, clock).into_iter().map(|(role, _)| role).collect();
        record.consume(&reading.uses(), &roles, fees, &approvers, clock)?;
        Ok(record)
    }

    fn decide(
        &mut self,
        wallet: &Wallet,
        reading: &Reading,
        question: &Question,
        evidence: Evidence<'_>,
        clock: Clock,
    ) -> Result<Decided, Refused> {
        let wallet_id = *wallet.roster().wallet_id();
        if reading.policy_hash() != &wallet.policy().hash() {
            return Err(Refused::Ceremony(ceremony::Failure::policy_stale()));
        }
        let items = reading.policy_items()?;
        let fees = Reading::fees(&items);
        let mut own = reading.own()?;
        own.extend(own_contracts(self.document(wallet)?.as_ref()));
        let (subject, uses) = (question.subject(wallet, reading), reading.uses());
        let request_id = subject.request_id;
        let request = Request {
            own,
            principal: question.principal(&wallet_id, reading)?,
            time_ms: self.ledger.now_ms(clock)?,
            items,
        };
        let signer = signer(wallet.role(), question);
        self.compile_for(wallet, signer)?;
        let Evidence { verdicts, prices } = evidence;
        let (Some(compiled), frozen) = (&self.compiled, self.freeze.is_frozen()) else {
            return Err(Refused::Input("no policy"));
        };
        let Some(policy) = compiled.by_signer.get(&signer) else {
            return Err(Refused::Input("no policy"));
        };
        if frozen {
            let decision = PolicyDecision::frozen(policy);
            return Ok(Decided { decision, by_approval: false, fees });
        }
        // A person's no holds also where the rules would ask nobody.
        let persons = [policy::Role::Recovery, policy::Role::User];
        let said = self.approvals.get_mut(&request_id);
        let said = said.map(|record| record.decide(&persons, &fees, &compiled.approvers, clock));
        if matches!(said, Some(ApprovalDecision::Rejected | ApprovalDecision::Withdrawn)) {
            let decision = PolicyDecision::denied(policy);
            return Ok(Decided { decision, by_approval: false, fees });
        }
        // What the request reserved before for the same digests is not counted beside itself.
        let decision = self.ledger.without(&request_id, &uses, |ledger| {
            evaluate(policy, &request, ledger, &[], verdicts, prices)
        });
        if !matches!(decision.ruling, Ruling::RequiresAdditionalApproval { .. }) {
            return Ok(Decided { decision, by_approval: false, fees });
        }
        let Some(record) = self.approvals.get_mut(&request_id) else {
            return Ok(Decided { decision, by_approval: false, fees });
        };
        record.retarget(subject)?;
        let granted: Vec<GrantedApproval> = record
            .granted(&fees, &compiled.approvers, clock)
            .into_iter()
            .map(|(role, key)| GrantedApproval { key: key_bytes(&key), role })
            .collect();
        let decision = self.ledger.without(&request_id, &uses, |ledger| {
            evaluate(policy, &request, ledger, &granted, verdicts, prices)
        });
        let by_approval = decision.ruling == Ruling::Approved;
        Ok(Decided { decision, by_approval, fees })
    }

    /// The persons who decide.
    ///
    /// # Errors
    /// `Policy` for a policy that cannot be worked with.
    pub(crate) fn approvers(&mut self, wallet: &Wallet) -> Result<Approvers, Refused> {
        Ok(self.compiled(wallet)?.approvers.clone())
    }

    /// The policy in force.
    ///
    /// # Errors
    /// `Policy` for a policy that cannot be worked with.
    pub(crate) fn document(&mut self, wallet: &Wallet) -> Result<Arc<PolicyDocument>, Refused> {
        Ok(Arc::clone(&self.compiled(wallet)?.document))
    }

    fn compiled(&mut self, wallet: &Wallet) -> Result<&mut Compiled, Refused> {
        let document = wallet.policy();
        let (hash, persons) = (document.hash(), wallet.approvers());
        let is_current = |old: &Compiled| old.hash == hash && old.persons == persons;
        if !self.compiled.as_ref().is_some_and(is_current) {
            let registry = registry(document.config())
                .map_err(|error| Refused::Policy(format!("the policy's contracts: {error}")))?;
            let approvers = Approvers::of(&persons)?;
            let by_signer = BTreeMap::new();
            self.compiled =
                Some(Compiled { hash, persons, document, approvers, registry, by_signer });
        }
        self.compiled.as_mut().ok_or(Refused::Input("no policy"))
    }

    fn compile_for(&mut self, wallet: &Wallet, signer: Role) -> Result<(), Refused> {
        let compiled = self.compiled(wallet)?;
        if !compiled.by_signer.contains_key(&signer) {
            let (party, signer_role) = (role_of(wallet.role()), role_of(signer));
            let policy = Policy::compile_at(&compiled.document, party, signer_role);
            let asks = party == policy::Role::Agent;
            let policy = if asks { policy.with_whole_limits() } else { policy };
            compiled.by_signer.insert(signer, policy.with_approvers(&compiled.persons));
        }
        Ok(())
    }
}

/// The smart accounts of the wallet: what leaves them leaves the wallet.
fn own_contracts(document: &PolicyDocument) -> impl Iterator<Item = AccountId> {
    let contracts = document.config().contracts().iter();
    contracts.filter(|one| one.kind == ContractKind::Account).map(|one| one.address.clone())
}

/// For whom a party evaluates: the agent, to stop early, as the party that it asks; every other as itself.
fn signer(own: Role, question: &Question) -> Role {
    if own == Role::Agent { question.counting() } else { own }
}

pub(crate) fn key_bytes(key: &ApproverKey) -> Vec<u8> {
    match key {
        ApproverKey::Ed25519(key) => key.to_vec(),
        ApproverKey::Passkey(key) => key.to_vec(),
    }
}
