//! What persons say: approvals of requests, freezes, and changes of the policy. Each is verified here, by this party,
//! whoever carried it.

use std::collections::BTreeMap;
use std::sync::Arc;

use canonical::Base64;
use ceremony::Wallet;
use ceremony::store::Write;
use policy::rulebook::{Change, PolicyConfig, PolicyDocument, Quorum, diff};
use policy::{
    APPROVAL_LIFE_MS, ApprovalDocument, ApprovalVerdict, Approvals, Approvers, ChangeDocument,
    Clock, Document, Freeze, FreezeDocument, LOOSENING_DELAY_MS, PolicyChange, PolicyStatus,
    Refusal, Signed, U256,
};
use serde::{Deserialize, Serialize};
use tagged_hash::{hash, tags};

use crate::authority::MAX_APPROVAL_RECORDS;
use crate::contracts::registry;
use crate::records::{approvals_write, freeze_write, policy_write};
use crate::request::{Question, Reading};
use crate::{Authority, PolicyUpdate, Refused};

const PROPOSAL_SCHEMA: &str = "mpc-wallet/policy-proposal@1";
/// A change that was proposed and not signed by enough persons makes room for others.
const MAX_GATHERED: usize = 8;
/// The most signatures of a proposal.
const MAX_SIGNATURES: usize = 16;

/// What not enough persons signed yet. Lost with the process: they hand it over again.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// By the hash of the policy that comes.
    changes: BTreeMap<[u8; 32], Vec<Signed<ChangeDocument>>>,
    releases: Vec<Signed<FreezeDocument>>,
}

/// A policy and who signed it, as it is handed from person to person.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposal {
    policy: Base64,
    schema: String,
    signed: Vec<Base64>,
}

/// What a statement was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// About a request.
    Approval {
        /// Names it.
        request_id: [u8; 32],
    },
    /// The wallet is frozen, or not.
    Freeze {
        /// Whether it is now.
        frozen: bool,
    },
    /// Another policy.
    Policy(PolicyUpdate),
}

impl Authority {
    /// Takes whatever a person signed, or a proposal of a policy. The writes are to be committed before anything is
    /// said about it.
    ///
    /// # Errors
    /// `Input` for bytes that are no statement; `Document` for one that has no effect here; `Policy`.
    pub fn take(
        &mut self,
        wallet: &Wallet,
        statement: &[u8],
        clock: Clock,
    ) -> Result<(Taken, Vec<Write>), Refused> {
        if let Ok(signed) = Signed::<ApprovalDocument>::decode(statement) {
            let request_id = signed.document().subject.request_id;
            let writes = self.take_approval(wallet, &signed, clock)?;
            return Ok((Taken::Approval { request_id }, writes));
        }
        if let Ok(signed) = Signed::<FreezeDocument>::decode(statement) {
            let writes = self.take_freeze(wallet, signed)?;
            return Ok((Taken::Freeze { frozen: self.freeze.is_frozen() }, writes));
        }
        let proposal: Proposal =
            canonical::decode(statement).ok_or(Refused::Input("not a statement of a person"))?;
        let (update, writes) = self.take_proposal(wallet, &proposal, clock)?;
        Ok((Taken::Policy(update), writes))
    }

    /// What the person behind this party says of a request, signed with the approver key. Fees may rise to twice
    /// what they are now, unless `max_fees` says otherwise; without a lifetime it is good for five minutes.
    ///
    /// # Errors
    /// `Input` where no person stands behind this party; `Document`.
    pub fn sign_approval(
        &self,
        wallet: &Wallet,
        (reading, question): (&Reading, &Question),
        verdict: ApprovalVerdict,
        max_fees: Option<BTreeMap<String, U256>>,
        (now_ms, lifetime_ms): (u64, Option<u64>),
    ) -> Result<Vec<u8>, Refused> {
        let doubled = || {
            let fees = Reading::fees(&reading.policy_items()?).into_iter();
            Ok::<_, Refused>(
                fees.map(|(asset, fee)| (asset, fee.saturating_mul(U256::from(2)))).collect(),
            )
        };
        let descriptions: Vec<String> = reading.intents().map(intent::Intent::describe).collect();
        let shown: Vec<&[u8]> = descriptions.iter().map(String::as_bytes).collect();
        let document = ApprovalDocument {
            subject: question.subject(wallet, reading),
            verdict,
            max_fees: max_fees.map_or_else(doubled, Ok)?,
            effects_hash: hash(tags::SHOWN, &shown),
            not_before_ms: now_ms.saturating_sub(ceremony::descriptor::CLOCK_TOLERANCE_MS),
            expires_at_ms: now_ms.saturating_add(lifetime_ms.unwrap_or(APPROVAL_LIFE_MS)),
        };
        document.check()?;
        sign(wallet, document)
    }

    fn take_approval(
        &mut self,
        wallet: &Wallet,
        signed: &Signed<ApprovalDocument>,
        clock: Clock,
    ) -> Result<Vec<Write>, Refused> {
        let wallet_id = *wallet.roster().wallet_id();
        let approvers = self.approvers(wallet)?;
        signed.role(&approvers)?;
        let subject = &signed.document().subject;
        if subject.wallet_id != wallet_id {
            return Err(Refusal::OtherWallet.into());
        }
        let request = subject.request_id;
        let mut writes = Vec::new();
        if let Some(record) = self.approvals.get_mut(&request) {
            record.observe(signed, &approvers, clock)?;
        } else {
            writes.extend(self.forget_approvals(wallet_id, clock));
            if self.approvals.len() >= MAX_APPROVAL_RECORDS {
                return Err(Refusal::TooManyWaiting.into());
            }
            let mut record = Approvals::new(subject.clone(), clock)?;
            record.observe(signed, &approvers, clock)?;
            self.approvals.insert(request, record);
        }
        if signed.document().verdict != ApprovalVerdict::Approve {
            self.void(&request);
        }
        if let Some(record) = self.approvals.get(&request) {
            writes.push(approvals_write(wallet_id, request, record));
        }
        Ok(writes)
    }

    /// What can serve nothing any more.
    fn forget_approvals(&mut self, wallet_id: [u8; 32], clock: Clock) -> Vec<Write> {
        let Ok(now_ms) = self.ledger.now_ms(clock) else { return Vec::new() };
        let over = |record: &Approvals| record.forget_after_ms() <= now_ms;
        let gone: Vec<[u8; 32]> =
            self.approvals.iter().filter(|(_, one)| over(one)).map(|(id, _)| *id).collect();
        let forget = |request: [u8; 32]| {
            self.approvals.remove(&request);
            Write::Delete(ceremony::store::Key::Approvals { wallet_id, request })
        };
        gone.into_iter().map(forget).collect()
    }

    /// Stops the wallet, or lets it sign again, in the name of the person behind this party.
    ///
    /// # Errors
    /// `Input` where no person stands behind this party.
    pub fn sign_freeze(
        &self,
        wallet: &Wallet,
        frozen: bool,
        now_ms: u64,
    ) -> Result<Vec<u8>, Refused> {
        // Persons sign one and the same release: the one that the first of them proposed.
        let proposed = self.gathered.releases.first().map(|signed| *signed.document());
        let document = match proposed.filter(|_| !frozen) {
            Some(document) => document,
            None => FreezeDocument {
                wallet_id: *wallet.roster().wallet_id(),
                sequence: self.freeze.next_sequence(),
                state: if frozen { Freeze::Frozen } else { Freeze::Released },
                issued_at_ms: now_ms,
            },
        };
        sign(wallet, document)
    }

    fn take_freeze(
        &mut self,
        wallet: &Wallet,
        signed: Signed<FreezeDocument>,
    ) -> Result<Vec<Write>, Refused> {
        let approvers = self.approvers(wallet)?;
        match signed.document().state {
            Freeze::Frozen => self.freeze.freeze(&signed, &approvers)?,
            Freeze::Released => {
                let quorum = self.document(wallet)?.config().quorums().unfreeze;
                signed.role(&approvers)?;
                let gathered = &mut self.gathered.releases;
                // Of two that were proposed the later holds, as of two that are in force.
                if gathered.first().is_some_and(|it| it.document() != signed.document()) {
                    gathered.clear();
                }
                if gathered.iter().all(|it| it.key() != signed.key()) {
                    gathered.push(signed);
                }
                if !covers(gathered, quorum, &approvers) {
                    return Ok(Vec::new());
                }
                let gathered = core::mem::take(&mut self.gathered.releases);
                self.freeze.release(&gathered, &quorum.roles(), &approvers)?;
            }
        }
        self.note_freeze();
        Ok(vec![freeze_write(*wallet.roster().wallet_id(), &self.freeze)])
    }

    /// The version after the one in force, with what a config says.
    ///
    /// # Errors
    /// `Policy` names the place and the rule.
    pub fn draft(
        &mut self,
        wallet: &Wallet,
        config: &[u8],
    ) -> Result<(Vec<u8>, Vec<Change>), Refused> {
        let invalid = |invalid: policy::rulebook::Invalid| Refused::Policy(invalid.to_string());
        let current = self.document(wallet)?;
        let config = PolicyConfig::read(config).map_err(invalid)?;
        let next = current.next(config, current.approvers().to_vec()).map_err(invalid)?;
        self.check_usable(&next)?;
        let changes = diff(&current, &next);
        Ok((next.bytes().to_vec(), changes))
    }

    /// A proposal with the signature of the person behind this party, and those that this party knows.
    ///
    /// # Errors
    /// `Input` where no person stands behind this party; `Policy`, `Document` for one that does not follow the policy
    /// in force.
    pub fn sign_policy(
        &mut self,
        wallet: &Wallet,
        proposal: &[u8],
        expires_at_ms: u64,
    ) -> Result<Vec<u8>, Refused> {
        let (policy, mut signed) = match canonical::decode::<Proposal>(proposal) {
            Some(Proposal { policy, signed, .. }) => (policy.0, signed),
            None => (proposal.to_vec(), Vec::new()),
        };
        let current = self.document(wallet)?;
        let next = self.successor(&current, &policy)?;
        let gathered = self.gathered.changes.get(&next.hash());
        let proposed = gathered.and_then(|all| all.first()).map(|signed| *signed.document());
        let first = signed.first().and_then(|one| Signed::<ChangeDocument>::decode(&one.0).ok());
        // Persons sign one and the same document: the one that the first of them signed.
        let document = proposed.or(first.map(|one| *one.document())).unwrap_or(ChangeDocument {
            wallet_id: *wallet.roster().wallet_id(),
            version: next.version(),
            previous: current.hash(),
            next: next.hash(),
            expires_at_ms,
        });
        for known in gathered.into_iter().flatten() {
            signed.push(Base64(known.encode()));
        }
        signed.push(Base64(sign(wallet, document)?));
        signed.sort_by(|one, other| one.0.cmp(&other.0));
        signed.dedup();
        encode(&Proposal { policy: Base64(policy), schema: PROPOSAL_SCHEMA.to_owned(), signed })
    }

    /// The version in force with its signatures, for a party that missed it; `None` for one that was agreed in a
    /// ceremony.
    pub fn proposal_in_force(&self) -> Option<Vec<u8>> {
        let signed = self.policy.signed();
        let proposal = Proposal {
            policy: Base64(self.policy.policy().to_vec()),
            schema: PROPOSAL_SCHEMA.to_owned(),
            signed: signed.iter().map(|one| Base64(one.encode())).collect(),
        };
        (!signed.is_empty()).then(|| encode(&proposal).ok()).flatten()
    }

    fn take_proposal(
        &mut self,
        wallet: &Wallet,
        proposal: &Proposal,
        clock: Clock,
    ) -> Result<(PolicyUpdate, Vec<Write>), Refused> {
        if proposal.schema != PROPOSAL_SCHEMA || proposal.signed.len() > MAX_SIGNATURES {
            return Err(Refused::Input("not a proposal of a policy"));
        }
        let current = self.document(wallet)?;
        if policy::policy_hash(&proposal.policy.0) == current.hash() {
            return Ok((PolicyUpdate::InForce, Vec::new()));
        }
        let next = self.successor(&current, &proposal.policy.0)?;
        let approvers = self.approvers(wallet)?;
        for one in &proposal.signed {
            let signed = Signed::<ChangeDocument>::decode(&one.0)?;
            signed.role(&approvers)?;
            if signed.document().next != next.hash() {
                return Err(Refusal::OtherPolicyBytes.into());
            }
            self.gather(signed)?;
        }
        let loosens = diff(&current, &next).iter().any(|change| change.loosens);
        let quorums = current.config().quorums();
        let quorum = if loosens { quorums.loosen } else { quorums.tighten };
        let signed = self.gathered.changes.get(&next.hash()).cloned().unwrap_or_default();
        if !covers(&signed, quorum, &approvers) {
            return Ok((PolicyUpdate::NeedsSignatures, Vec::new()));
        }
        let change = PolicyChange {
            signed: &signed,
            policy: next.bytes(),
            loosens,
            quorum: &quorum.roles(),
            delay_ms: LOOSENING_DELAY_MS,
        };
        let status = self.policy.propose(change, &approvers, clock)?;
        let update = self.follow(wallet, status)?;
        Ok((update, vec![policy_write(*wallet.roster().wallet_id(), &self.policy)]))
    }

    /// Counts the time that a looser policy waits, and puts it in force when that is over. Call it now and then, and
    /// before every request.
    ///
    /// # Errors
    /// `Document` for a clock that is not believed; the policy in force stays.
    pub fn advance(
        &mut self,
        wallet: &Wallet,
        clock: Clock,
    ) -> Result<(PolicyUpdate, Vec<Write>), Refused> {
        let Some((_, signed)) = self.policy.pending() else {
            return Ok((PolicyUpdate::InForce, Vec::new()));
        };
        // Those who signed it may have been replaced meanwhile: then it is nobody's wish any more.
        let signed = signed.to_vec();
        let quorum = self.document(wallet)?.config().quorums().loosen;
        if !covers(&signed, quorum, &self.approvers(wallet)?) {
            self.policy.cancel_pending();
            let cancelled = policy_write(*wallet.roster().wallet_id(), &self.policy);
            return Ok((PolicyUpdate::InForce, vec![cancelled]));
        }
        let status = self.policy.advance_to(clock)?;
        let update = self.follow(wallet, status)?;
        Ok((update, vec![policy_write(*wallet.roster().wallet_id(), &self.policy)]))
    }

    /// The looser policy that waits.
    pub fn waiting_policy(&self) -> Option<&[u8]> {
        self.policy.pending().map(|(policy, _)| policy)
    }

    fn follow(&mut self, wallet: &Wallet, status: PolicyStatus) -> Result<PolicyUpdate, Refused> {
        match status {
            PolicyStatus::Waiting { until_ms } => Ok(PolicyUpdate::Waiting { until_ms }),
            PolicyStatus::InForce => {
                let document = PolicyDocument::decode(self.policy.policy())
                    .map_err(|invalid| Refused::Policy(invalid.to_string()))?;
                if let Some(membership) = wallet.membership() {
                    membership.adopt_policy(Arc::new(document));
                }
                self.gathered.changes.clear();
                self.void_all();
                Ok(PolicyUpdate::InForce)
            }
        }
    }

    fn gather(&mut self, signed: Signed<ChangeDocument>) -> Result<(), Refused> {
        let changes = &mut self.gathered.changes;
        let next = signed.document().next;
        // Of what nobody else signed each person has one, so that none leaves the others without room.
        changes.retain(|of, all| *of == next || all.iter().any(|one| one.key() != signed.key()));
        if changes.len() >= MAX_GATHERED && !changes.contains_key(&next) {
            return Err(Refusal::TooManyWaiting.into());
        }
        let of = changes.entry(next).or_default();
        if of.first().is_some_and(|one| one.document() != signed.document()) {
            of.clear(); // another document for the same policy: with another expiry, say
        }
        if of.iter().all(|one| one.key() != signed.key()) {
            of.push(signed);
        }
        Ok(())
    }

    fn successor(
        &self,
        current: &PolicyDocument,
        policy: &[u8],
    ) -> Result<PolicyDocument, Refused> {
        let next = PolicyDocument::decode(policy)
            .map_err(|invalid| Refused::Policy(invalid.to_string()))?;
        if next.wallet_id() != current.wallet_id() {
            return Err(Refusal::OtherWallet.into());
        }
        let follows = Some(next.version()) == current.version().checked_add(1)
            && next.previous() == Some(&current.hash());
        if !follows {
            return Err(Refusal::OldVersion.into());
        }
        self.check_usable(&next)?;
        Ok(next)
    }

    /// A policy that no reader or signer could work with never comes in force.
    fn check_usable(&self, next: &PolicyDocument) -> Result<(), Refused> {
        registry(next.config())
            .map_err(|error| Refused::Policy(format!("the policy's contracts: {error}")))?;
        Approvers::of(next.approvers())?;
        if !next.can_meet_quorums() {
            let reason =
                "a quorum of more persons than the policy lists could never decide anything";
            return Err(Refused::Policy(reason.to_owned()));
        }
        if next.bytes().len() > ceremony::MAX_TRAVELLING_POLICY_BYTES {
            let reason = "a policy of more than 128 KiB does not reach the other parties";
            return Err(Refused::Policy(reason.to_owned()));
        }
        Ok(())
    }
}

/// Whether as many different persons of each role signed as a quorum asks for.
fn covers<D: Document>(signed: &[Signed<D>], quorum: Quorum, approvers: &Approvers) -> bool {
    let count = |role| {
        let of_role = signed.iter().filter(|one| one.role(approvers) == Ok(role));
        u8::try_from(of_role.count()).unwrap_or(u8::MAX)
    };
    let has = Quorum { recovery: count(policy::Role::Recovery), user: count(policy::Role::User) };
    !quorum.is_empty() && has.covers(quorum)
}

fn sign<D: Document>(wallet: &Wallet, document: D) -> Result<Vec<u8>, Refused> {
    let nobody = Refused::Input("no person stands behind this party");
    let membership = wallet.membership().ok_or(Refused::Input("the wallet is closed"))?;
    let identity = membership.identity();
    let signed = identity.approver_key().zip(identity.approve(&document.hash()));
    let (key, signature) = signed.ok_or(nobody)?;
    Ok(Signed::new(document, key, signature)?.encode())
}

fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>, Refused> {
    canonical::encode(document).ok_or(Refused::Input("a document that cannot be written"))
}
