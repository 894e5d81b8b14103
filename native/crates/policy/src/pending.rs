//! A survivor's own record of a replacement that somebody asks for.

use std::collections::BTreeMap;

use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::tags;

use crate::approver::{ApproverKey, Approvers};
use crate::clock::ClockWatch;
use crate::document::read_decimal;
use crate::rules::MAX_APPROVAL_MS;
use crate::{Clock, RecoveryRule, Refusal, Replacement, Role, SignedDocument, Verdict, record};

const SCHEMA: &str = "mpc-wallet/pending-recovery@1";

/// What a survivor answers when it is asked to join a recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Every required approval is live and the delay has been waited for. The only yes.
    Approved,
    /// Every required approval is live. At this time of the party's wall clock the delay is over, if the party keeps
    /// running and the approvals last.
    Waiting {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
    /// No live approval of these roles, ascending.
    NeedsApproval {
        /// The roles.
        missing: Vec<Role>,
    },
    /// Somebody who may object did. Final for this replacement.
    Vetoed,
    /// Somebody whose yes is needed said no. Final for this replacement.
    Rejected,
    /// Every required approval was here, and one has lapsed; a new one starts the delay anew.
    Expired,
    /// This party's clock is not believed until [`PendingRecovery::confirm_clock`].
    ClockJumped,
}

/// One replacement, as this survivor saw it: the documents, a final no, and how long it has waited.
///
/// The delay counts from the moment that every required approval is here, so that nobody starts it by announcing a
/// recovery that no person wants yet, and only while this party runs: a party that is off hears no veto. An
/// approval that lapses takes the waiting with it, since whoever could object had reason to think it over.
///
/// Only a clock that this party reads itself decides, so a peer has no part in it: it can hold a document back, or
/// send one that a person signed. Whoever sets this machine's wall clock can let approvals lapse early or make the
/// party refuse; shortening a delay takes a false monotonic clock within one run, or a rewritten record: power over
/// this process or over its sealed store.
///
/// Store [`encode`](Self::encode)'s bytes after every call that takes `&mut self`, before acting on its answer, and
/// keep a record that ended for as long as the old roster is in force: a veto is final only as long as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRecovery {
    replacement: Replacement,
    first_sight_ms: u64,
    waited_ms: u64,
    clock: ClockWatch,
    /// The approval of each key that is good for longest.
    approvals: BTreeMap<ApproverKey, SignedDocument>,
    /// The veto or rejection that came first.
    end: Option<SignedDocument>,
}

impl PendingRecovery {
    /// The most bytes of an encoded record: 16 approvals and a no, all of them by passkeys whose browsers write as
    /// much as they may.
    pub const MAX_BYTES: usize = 40 * 1024;

    /// The record at first sight. The caller has checked that the old roster is the one in force, and that the new
    /// one differs from it in the lost party alone.
    pub fn new(replacement: Replacement, clock: Clock) -> Self {
        Self {
            replacement,
            first_sight_ms: clock.wall_ms,
            waited_ms: 0,
            clock: ClockWatch::start(clock),
            approvals: BTreeMap::new(),
            end: None,
        }
    }

    /// The replacement.
    pub fn replacement(&self) -> &Replacement {
        &self.replacement
    }

    /// When this party first heard of it, in milliseconds since 1970: for people, no decision hangs on it.
    pub fn first_sight_ms(&self) -> u64 {
        self.first_sight_ms
    }

    /// Takes a person's verdict. One that was seen before changes nothing.
    ///
    /// # Errors
    /// Nothing but the clock reading is recorded then. `OtherWallet`, `OtherReplacement`, `UnknownApprover`,
    /// `NoSay`, `Ended`; `KeyOfTwoRoles` if the newcomer's approver speaks for another party already; `Lapsed`;
    /// for an approval also `LivesTooLong` and `ClockJumped`. While the clock is not believed a no counts whatever
    /// its expiry: who sets a clock must not lose a veto.
    pub fn observe(
        &mut self,
        signed: &SignedDocument,
        approvers: &Approvers,
        clock: Clock,
    ) -> Result<(), Refusal> {
        let document = signed.document();
        if document.replacement.wallet_id() != self.replacement.wallet_id() {
            return Err(Refusal::OtherWallet);
        }
        if document.replacement != self.replacement {
            return Err(Refusal::OtherReplacement);
        }
        let role = signed.role(approvers)?;
        if !self.rule().has_say(role, document.verdict) {
            return Err(Refusal::NoSay);
        }
        if self.end.is_some() {
            return Err(Refusal::Ended);
        }
        let reading = self.advance(approvers, clock);
        if reading.is_ok() && document.expires_at_ms <= self.clock.latest_wall_ms {
            return Err(Refusal::Lapsed);
        }
        match document.verdict {
            Verdict::Veto | Verdict::Reject => self.end = Some(signed.clone()),
            Verdict::Approve => {
                reading?;
                if self.newcomer_has_another_role(approvers) {
                    return Err(Refusal::KeyOfTwoRoles);
                }
                if document.expires_at_ms.saturating_sub(self.clock.latest_wall_ms)
                    > MAX_APPROVAL_MS
                {
                    return Err(Refusal::LivesTooLong);
                }
                self.keep(signed, approvers);
            }
        }
        Ok(())
    }

    /// The answer at this moment. Call it now and then while waiting: only the time between two readings of one run
    /// counts.
    pub fn decide(&mut self, approvers: &Approvers, clock: Clock) -> Decision {
        match self.end.as_ref().map(|signed| signed.document().verdict) {
            Some(Verdict::Veto) => return Decision::Vetoed,
            Some(_) => return Decision::Rejected,
            None => {}
        }
        if self.advance(approvers, clock).is_err() {
            return Decision::ClockJumped;
        }
        let missing = self.missing(approvers);
        if !missing.is_empty() {
            let lapsed =
                missing.iter().all(|role| self.approvals_of(*role, approvers).next().is_some());
            return if lapsed { Decision::Expired } else { Decision::NeedsApproval { missing } };
        }
        match self.rule().delay_ms.saturating_sub(self.waited_ms) {
            0 => Decision::Approved,
            left => Decision::Waiting { until_ms: clock.wall_ms.saturating_add(left) },
        }
    }

    /// The operator says that this reading is right. What passed since the last believed one is not counted.
    pub fn confirm_clock(&mut self, clock: Clock) {
        self.clock = ClockWatch::start(clock);
    }

    /// Whether a key of a person signed something that is kept here.
    pub fn is_signed_by(&self, key: &ApproverKey) -> bool {
        self.approvals.contains_key(key) || self.end.as_ref().is_some_and(|it| it.key() == key)
    }

    /// Whether nothing is lost with the record: every approval lapsed, by a clock that is believed, and nobody said no.
    pub fn is_spent(&mut self, approvers: &Approvers, clock: Clock) -> bool {
        let believed = self.advance(approvers, clock).is_ok();
        let lapsed =
            |signed: &SignedDocument| signed.document().expires_at_ms <= self.clock.latest_wall_ms;
        believed
            && self.end.is_none()
            && !self.approvals.is_empty()
            && self.approvals.values().all(lapsed)
    }

    fn rule(&self) -> RecoveryRule {
        RecoveryRule::of(self.replacement.lost())
    }

    /// Reads the clock. What is live after the reading was live since the one before, so that time was waited.
    fn advance(&mut self, approvers: &Approvers, clock: Clock) -> Result<(), Refusal> {
        let passed = self.clock.read(clock)?;
        self.waited_ms = if self.missing(approvers).is_empty() {
            self.waited_ms.saturating_add(passed).min(self.rule().delay_ms)
        } else {
            0
        };
        Ok(())
    }

    /// The required roles without a live approval under this list.
    fn missing(&self, approvers: &Approvers) -> Vec<Role> {
        let is_live =
            |signed: &SignedDocument| self.clock.latest_wall_ms < signed.document().expires_at_ms;
        let required = self.rule().required.iter().copied();
        required.filter(|role| !self.approvals_of(*role, approvers).any(is_live)).collect()
    }

    /// The approvals, lapsed or not, that a role's approvers gave under this list.
    fn approvals_of(
        &self,
        role: Role,
        approvers: &Approvers,
    ) -> impl Iterator<Item = &SignedDocument> {
        let nobody_counts = self.newcomer_has_another_role(approvers);
        self.approvals
            .values()
            .filter(move |signed| !nobody_counts && signed.role(approvers) == Ok(role))
    }

    fn newcomer_has_another_role(&self, approvers: &Approvers) -> bool {
        let role =
            self.replacement.new_approver().and_then(|key| approvers.role_of(&(*key).into()));
        role.is_some_and(|role| role != self.replacement.lost())
    }

    /// Keeps one approval for each key of the list, so a record cannot grow.
    fn keep(&mut self, signed: &SignedDocument, approvers: &Approvers) {
        self.approvals.retain(|key, _| approvers.role_of(key).is_some());
        let kept = self.approvals.entry(*signed.key()).or_insert_with(|| signed.clone());
        if kept.document().expires_at_ms < signed.document().expires_at_ms {
            *kept = signed.clone();
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    anchor_monotonic: String,
    anchor_wall: String,
    approvals: Vec<Base64>,
    doubted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<Base64>,
    first_sight: String,
    latest_wall: String,
    lost: Role,
    monotonic: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new_approver: Option<Base64>,
    new_roster: Base64,
    old_roster: Base64,
    run: Base64,
    schema: String,
    waited: String,
    wallet_id: Base64,
}

impl PendingRecovery {
    /// `checksum 32 ‖ canonical JSON`.
    pub fn encode(&self) -> Vec<u8> {
        let ClockWatch { anchor, monotonic_ms, latest_wall_ms, doubted } = &self.clock;
        let base64 = |bytes: &[u8]| Base64(bytes.to_vec());
        let fields = Fields {
            anchor_monotonic: anchor.monotonic_ms.to_string(),
            anchor_wall: anchor.wall_ms.to_string(),
            approvals: self.approvals.values().map(|signed| Base64(signed.encode())).collect(),
            doubted: *doubted,
            end: self.end.as_ref().map(|signed| Base64(signed.encode())),
            first_sight: self.first_sight_ms.to_string(),
            latest_wall: latest_wall_ms.to_string(),
            lost: self.replacement.lost(),
            monotonic: monotonic_ms.to_string(),
            new_approver: self.replacement.new_approver().map(|key| base64(key)),
            new_roster: base64(self.replacement.new_roster()),
            old_roster: base64(self.replacement.old_roster()),
            run: base64(&anchor.run),
            schema: SCHEMA.to_owned(),
            waited: self.waited_ms.to_string(),
            wallet_id: base64(self.replacement.wallet_id()),
        };
        record::write(tags::PENDING_RECOVERY, &fields)
    }

    /// Reads a stored record and verifies every signature in it again.
    ///
    /// # Errors
    /// `Damaged` for anything that [`encode`](Self::encode) did not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read(bytes).ok_or(Refusal::Damaged)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let fields: Fields = record::read(tags::PENDING_RECOVERY, bytes, Self::MAX_BYTES)?;
        let anchor = Clock {
            wall_ms: read_decimal(&fields.anchor_wall)?,
            monotonic_ms: read_decimal(&fields.anchor_monotonic)?,
            run: fields.run.array()?,
        };
        let new_approver = match &fields.new_approver {
            Some(key) => Some(key.array()?),
            None => None,
        };
        let pending = Self {
            replacement: Replacement::new(
                fields.wallet_id.array()?,
                fields.lost,
                fields.old_roster.array()?,
                fields.new_roster.array()?,
                new_approver,
            )
            .ok()?,
            first_sight_ms: read_decimal(&fields.first_sight)?,
            waited_ms: read_decimal(&fields.waited)?,
            clock: ClockWatch {
                anchor,
                monotonic_ms: read_decimal(&fields.monotonic)?,
                latest_wall_ms: read_decimal(&fields.latest_wall)?,
                doubted: fields.doubted,
            },
            approvals: fields
                .approvals
                .iter()
                .map(|bytes| SignedDocument::decode(&bytes.0).map(|signed| (*signed.key(), signed)))
                .collect::<Result<_, _>>()
                .ok()?,
            end: fields.end.map(|bytes| SignedDocument::decode(&bytes.0)).transpose().ok()?,
        };
        // The order of the list, and that no key stands twice in it, show in the bytes.
        (fields.schema == SCHEMA && pending.is_consistent() && pending.encode() == bytes)
            .then_some(pending)
    }

    fn is_consistent(&self) -> bool {
        let approves = |signed: &SignedDocument| signed.document().verdict == Verdict::Approve;
        self.approvals.values().all(approves)
            && !self.end.as_ref().is_some_and(approves)
            && self
                .approvals
                .values()
                .chain(&self.end)
                .all(|signed| signed.document().replacement == self.replacement)
            && self.waited_ms <= self.rule().delay_ms
            && self.clock.anchor.monotonic_ms <= self.clock.monotonic_ms
            && self.clock.anchor.wall_ms <= self.clock.latest_wall_ms
    }
}
