//! A signer's own record of what persons said about one request, and of what it served.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::tags;

use crate::approval::MAX_APPROVAL_LIFE_MS;
use crate::clock::{ClockFields, ClockWatch};
use crate::{
    ApprovalDocument, ApprovalVerdict, ApproverKey, Approvers, Clock, Document, Refusal, Role,
    Signed, Subject, record,
};

const SCHEMA: &str = "mpc-wallet/approvals@1";

/// How often one request may be signed anew: fee bumps and fresh blockhashes.
pub const MAX_USES: usize = 16;

/// A digest, and what it excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestUse {
    /// What is signed.
    pub digest: [u8; 32],
    /// Of all digests with the same key at most one ever lands: it stands for account, chain and nonce. Without one
    /// the digest excludes nothing.
    pub exclusion: Option<[u8; 32]>,
}

impl DigestUse {
    /// Whether at most one of both can land. A digest is the same as itself.
    pub fn excludes(&self, other: &Self) -> bool {
        self.digest == other.digest
            || (self.exclusion.is_some() && self.exclusion == other.exclusion)
    }
}

/// Whether persons agreed to what is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalDecision {
    /// Every role that is asked for said yes to exactly this, and the fees are within what they allow. The only yes.
    Approved,
    /// No live approval of these roles that allows these fees, ascending.
    NeedsApproval {
        /// The roles.
        missing: Vec<Role>,
    },
    /// Every role said yes once, and what is missing has lapsed.
    Expired,
    /// Somebody took a yes back. Final for the request.
    Withdrawn,
    /// An approver said no. Final for the request.
    Rejected,
    /// This party's clock is not believed until [`Approvals::confirm_clock`].
    ClockJumped,
}

/// The decisions of persons about one request at one signer, and the digests that they served.
///
/// An approval counts only for the [`Subject`] that is being signed: the same request by another quorum, under another
/// policy or in another epoch needs another. A no counts for the request, whoever signs it and however late it comes:
/// any approver may freeze the wallet, so none gains a power by it. A yes that was taken back stays away, so that
/// nobody brings it back by sending it again.
///
/// Approvals serve one digest for each item, and a further one only if it excludes every one they served before.
///
/// Store [`encode`](Self::encode)'s bytes after every call that takes `&mut self`, before acting on its answer, and
/// keep the record until [`forget_after_ms`](Self::forget_after_ms): a yes is used once only as long as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    subject: Subject,
    clock: ClockWatch,
    /// The approval of each key that came last.
    approvals: BTreeMap<ApproverKey, Signed<ApprovalDocument>>,
    /// The first withdrawal of each role.
    withdrawals: BTreeMap<Role, Signed<ApprovalDocument>>,
    /// The rejection that came first.
    rejection: Option<Signed<ApprovalDocument>>,
    /// Of each item, in the order of the subject.
    used: Vec<Vec<DigestUse>>,
}

impl Approvals {
    /// The most bytes of an encoded record; a usual one has 3 kB.
    pub const MAX_BYTES: usize = 768 * 1_024;

    /// The record of a request that nobody said anything about yet.
    ///
    /// # Errors
    /// As [`Subject::check`].
    pub fn new(subject: Subject, clock: Clock) -> Result<Self, Refusal> {
        subject.check()?;
        let used = vec![Vec::new(); subject.content_hashes.len()];
        Ok(Self {
            subject,
            clock: ClockWatch::start(clock),
            approvals: BTreeMap::new(),
            withdrawals: BTreeMap::new(),
            rejection: None,
            used,
        })
    }

    /// What is being signed.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The request is signed by another quorum, under another policy or in another epoch from now on: approvals go,
    /// what was refused, withdrawn or used stays.
    ///
    /// # Errors
    /// `OtherWallet`, `OtherRequest`, `OtherContent`, `OtherRequester`; as [`Subject::check`].
    pub fn retarget(&mut self, subject: Subject) -> Result<(), Refusal> {
        subject.check()?;
        self.check_request(&subject)?;
        if subject != self.subject {
            self.approvals.clear();
        }
        self.subject = subject;
        Ok(())
    }

    /// Takes what a person decided. A yes replaces that of the same key.
    ///
    /// # Errors
    /// Nothing but the clock reading is recorded then. `OtherWallet`, `OtherRequest`; as [`Signed::role`]; for an
    /// approval `OtherContent`, `OtherRequester`, `OtherQuorum`, `OtherPolicy`, `OtherEpoch`, `ClockJumped`,
    /// `Lapsed`, `ApprovalLivesTooLong`, and `Ended` after a no or a withdrawal of the same role.
    pub fn observe(
        &mut self,
        signed: &Signed<ApprovalDocument>,
        approvers: &Approvers,
        clock: Clock,
    ) -> Result<(), Refusal> {
        let document = signed.document();
        if document.subject.wallet_id != self.subject.wallet_id {
            return Err(Refusal::OtherWallet);
        }
        if document.subject.request_id != self.subject.request_id {
            return Err(Refusal::OtherRequest);
        }
        let role = signed.role(approvers)?;
        let reading = self.clock.read(clock);
        match document.verdict {
            ApprovalVerdict::Reject => {
                self.rejection.get_or_insert_with(|| signed.clone());
            }
            ApprovalVerdict::Withdraw => {
                self.withdrawals.entry(role).or_insert_with(|| signed.clone());
            }
            ApprovalVerdict::Approve => {
                reading?;
                self.check_approval(document)?;
                if self.rejection.is_some() || self.withdrawals.contains_key(&role) {
                    return Err(Refusal::Ended);
                }
                self.approvals.retain(|key, _| approvers.role_of(key).is_some());
                self.approvals.insert(*signed.key(), signed.clone());
            }
        }
        Ok(())
    }

    /// Whether every one of these roles agrees to what is to be signed, with these fees of all items together. If no
    /// role is asked for nobody agreed: a list that was forgotten is no yes.
    pub fn decide(
        &mut self,
        required: &[Role],
        fees: &BTreeMap<String, U256>,
        approvers: &Approvers,
        clock: Clock,
    ) -> ApprovalDecision {
        let reading = self.clock.read(clock);
        if self.rejection.is_some() {
            return ApprovalDecision::Rejected;
        }
        if required.iter().any(|role| self.withdrawals.contains_key(role)) {
            return ApprovalDecision::Withdrawn;
        }
        if reading.is_err() {
            return ApprovalDecision::ClockJumped;
        }
        let mut missing: Vec<Role> = required
            .iter()
            .copied()
            .filter(|role| {
                !self.of(*role, approvers).any(|yes| self.is_live(yes) && covers(yes, fees))
            })
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let has_lapsed = |role: &Role| {
            self.of(*role, approvers)
                .any(|yes| yes.expires_at_ms <= self.clock.latest_wall_ms && covers(yes, fees))
        };
        if missing.is_empty() && !required.is_empty() {
            ApprovalDecision::Approved
        } else if !missing.is_empty() && missing.iter().all(has_lapsed) {
            ApprovalDecision::Expired
        } else {
            ApprovalDecision::NeedsApproval { missing }
        }
    }

    /// The keys whose live approvals allow these fees; none after a rejection, of no role that withdrew, and while the
    /// clock is not believed.
    pub fn granted(
        &mut self,
        fees: &BTreeMap<String, U256>,
        approvers: &Approvers,
        clock: Clock,
    ) -> Vec<(Role, ApproverKey)> {
        if self.clock.read(clock).is_err() || self.rejection.is_some() {
            return Vec::new();
        }
        let given = self.approvals.values().filter_map(|signed| {
            let role = signed.role(approvers).ok()?;
            let yes = signed.document();
            let counts = !self.withdrawals.contains_key(&role) && self.is_live(yes);
            (counts && covers(yes, fees)).then(|| (role, *signed.key()))
        });
        given.collect()
    }

    /// Lets the approvals serve these digests, one for each item in order, and remembers them. Call it before the
    /// first round, and store the record before anything leaves.
    ///
    /// # Errors
    /// Nothing but the clock reading is recorded then. `OtherContent` for another number of items; `ClockJumped`,
    /// `NotApproved` unless [`decide`](Self::decide) says yes; `Used` for a digest that does not exclude each one
    /// that its item was served for, and for a seventeenth.
    pub fn consume(
        &mut self,
        digests: &[DigestUse],
        required: &[Role],
        fees: &BTreeMap<String, U256>,
        approvers: &Approvers,
        clock: Clock,
    ) -> Result<(), Refusal> {
        if digests.len() != self.used.len() {
            return Err(Refusal::OtherContent);
        }
        match self.decide(required, fees, approvers, clock) {
            ApprovalDecision::Approved => {}
            ApprovalDecision::ClockJumped => return Err(Refusal::ClockJumped),
            _ => return Err(Refusal::NotApproved),
        }
        let may_serve = |(used, further): (&Vec<DigestUse>, &DigestUse)| {
            used.contains(further)
                || (used.len() < MAX_USES && used.iter().all(|before| further.excludes(before)))
        };
        if !self.used.iter().zip(digests).all(may_serve) {
            return Err(Refusal::Used);
        }
        for (used, further) in self.used.iter_mut().zip(digests) {
            if !used.contains(further) {
                used.push(*further);
            }
        }
        Ok(())
    }

    /// Whether the approvals served a digest.
    pub fn is_used(&self) -> bool {
        self.used.iter().any(|used| !used.is_empty())
    }

    /// From this time on, in milliseconds since 1970, no approval in it is good: the record may go when the request
    /// is over. An approval that comes later lives 24 hours at most from when it is seen.
    pub fn forget_after_ms(&self) -> u64 {
        let expiries = self.approvals.values().map(|signed| signed.document().expires_at_ms);
        expiries.fold(self.clock.latest_wall_ms, u64::max).saturating_add(MAX_APPROVAL_LIFE_MS)
    }

    /// The operator says that this reading is right.
    pub fn confirm_clock(&mut self, clock: Clock) {
        self.clock = ClockWatch::start(clock);
    }

    fn check_request(&self, other: &Subject) -> Result<(), Refusal> {
        let subject = &self.subject;
        if other.wallet_id != subject.wallet_id {
            return Err(Refusal::OtherWallet);
        }
        if other.request_id != subject.request_id {
            return Err(Refusal::OtherRequest);
        }
        if other.content_hashes != subject.content_hashes
            || other.key_id != subject.key_id
            || other.paths != subject.paths
        {
            return Err(Refusal::OtherContent);
        }
        if (other.requester, other.principal) != (subject.requester, subject.principal) {
            return Err(Refusal::OtherRequester);
        }
        Ok(())
    }

    fn check_approval(&self, document: &ApprovalDocument) -> Result<(), Refusal> {
        self.check_request(&document.subject)?;
        let (given, subject) = (&document.subject, &self.subject);
        if given.quorum != subject.quorum {
            return Err(Refusal::OtherQuorum);
        }
        if given.policy_hash != subject.policy_hash {
            return Err(Refusal::OtherPolicy);
        }
        if given.epoch != subject.epoch {
            return Err(Refusal::OtherEpoch);
        }
        let now_ms = self.clock.latest_wall_ms;
        if document.expires_at_ms <= now_ms {
            return Err(Refusal::Lapsed);
        }
        if document.expires_at_ms.saturating_sub(now_ms.min(document.not_before_ms))
            > MAX_APPROVAL_LIFE_MS
        {
            return Err(Refusal::ApprovalLivesTooLong);
        }
        Ok(())
    }

    fn of(&self, role: Role, approvers: &Approvers) -> impl Iterator<Item = &ApprovalDocument> {
        self.approvals
            .values()
            .filter(move |signed| signed.role(approvers) == Ok(role))
            .map(Signed::document)
    }

    fn is_live(&self, yes: &ApprovalDocument) -> bool {
        (yes.not_before_ms..yes.expires_at_ms).contains(&self.clock.latest_wall_ms)
    }
}

fn covers(yes: &ApprovalDocument, fees: &BTreeMap<String, U256>) -> bool {
    fees.iter().all(|(asset, fee)| {
        fee.is_zero() || yes.max_fees.get(asset).is_some_and(|allowed| fee <= allowed)
    })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UseFields {
    digest: Base64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exclusion: Option<Base64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    approvals: Vec<Base64>,
    clock: ClockFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rejection: Option<Base64>,
    schema: String,
    /// A document over the subject, so that it has one encoding.
    subject: Base64,
    used: Vec<Vec<UseFields>>,
    withdrawals: Vec<RoleFields>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleFields {
    role: Role,
    signed: Base64,
}

impl Approvals {
    /// `checksum 32 ‖ canonical JSON`.
    pub fn encode(&self) -> Vec<u8> {
        let written = |one: &DigestUse| UseFields {
            digest: Base64(one.digest.to_vec()),
            exclusion: one.exclusion.map(|key| Base64(key.to_vec())),
        };
        let signed = |signed: &Signed<ApprovalDocument>| Base64(signed.encode());
        let fields = Fields {
            approvals: self.approvals.values().map(signed).collect(),
            clock: ClockFields::of(&self.clock),
            rejection: self.rejection.as_ref().map(signed),
            schema: SCHEMA.to_owned(),
            subject: Base64(unsaid(self.subject.clone()).encode()),
            used: self.used.iter().map(|used| used.iter().map(written).collect()).collect(),
            withdrawals: self
                .withdrawals
                .iter()
                .map(|(role, one)| RoleFields { role: *role, signed: signed(one) })
                .collect(),
        };
        record::write(tags::APPROVALS, &fields)
    }

    /// Reads a stored record and verifies every signature in it again.
    ///
    /// # Errors
    /// `Damaged` for anything that [`encode`](Self::encode) did not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read(bytes).ok_or(Refusal::Damaged)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let fields: Fields = record::read(tags::APPROVALS, bytes, Self::MAX_BYTES)?;
        let subject = ApprovalDocument::decode(&fields.subject.0).ok()?.subject;
        let read_use = |one: &UseFields| {
            let exclusion = match &one.exclusion {
                Some(key) => Some(key.array()?),
                None => None,
            };
            Some(DigestUse { digest: one.digest.array()?, exclusion })
        };
        let used = fields
            .used
            .iter()
            .map(|used| used.iter().map(read_use).collect())
            .collect::<Option<Vec<_>>>()?;
        let withdrawals = fields
            .withdrawals
            .iter()
            .map(|RoleFields { role, signed }| Some((*role, Signed::decode(&signed.0).ok()?)))
            .collect::<Option<_>>()?;
        let read = Self {
            subject,
            clock: fields.clock.watch()?,
            approvals: record::read_signed(&fields.approvals)?
                .into_iter()
                .map(|signed| (*signed.key(), signed))
                .collect(),
            withdrawals,
            rejection: fields.rejection.map(|bytes| Signed::decode(&bytes.0)).transpose().ok()?,
            used,
        };
        // The order of the lists, and that no role stands twice in them, show in the bytes.
        (fields.schema == SCHEMA && read.is_consistent() && read.encode() == bytes).then_some(read)
    }

    fn is_consistent(&self) -> bool {
        let says = |signed: &Signed<ApprovalDocument>, verdict| {
            let document = signed.document();
            document.verdict == verdict
                && document.subject.wallet_id == self.subject.wallet_id
                && document.subject.request_id == self.subject.request_id
        };
        self.approvals.values().all(|signed| {
            says(signed, ApprovalVerdict::Approve) && signed.document().subject == self.subject
        }) && self.withdrawals.values().all(|signed| says(signed, ApprovalVerdict::Withdraw))
            && self.rejection.iter().all(|signed| says(signed, ApprovalVerdict::Reject))
            && self.used.len() == self.subject.content_hashes.len()
            && self.used.iter().all(|used| used.len() <= MAX_USES)
    }
}

/// A document about this in which nobody said anything: its one field of interest is the subject.
fn unsaid(subject: Subject) -> ApprovalDocument {
    ApprovalDocument {
        subject,
        verdict: ApprovalVerdict::Withdraw,
        max_fees: BTreeMap::new(),
        effects_hash: [0; 32],
        not_before_ms: 0,
        expires_at_ms: 1,
    }
}
