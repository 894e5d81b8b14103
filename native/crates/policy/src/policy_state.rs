//! The policy in force at one signer, and a looser one that waits.

use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::tags;

use crate::agreement::agreed;
use crate::change::policy_hash;
use crate::clock::{ClockFields, ClockWatch};
use crate::document::read_decimal;
use crate::rules::MAX_APPROVAL_MS;
use crate::{Approvers, ChangeDocument, Clock, Refusal, Role, Signed, record};

const SCHEMA: &str = "mpc-wallet/policy-state@1";

/// How long a looser policy waits unless the one in force says otherwise.
pub const LOOSENING_DELAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// The most bytes of a policy: some 10,000 addresses and their rules.
pub const MAX_POLICY_BYTES: usize = 2 * 1_024 * 1_024;

/// A change with its signatures and the policy that it is about, and what the policy in force demands of it.
#[derive(Debug, Clone, Copy)]
pub struct PolicyChange<'a> {
    /// The same document by every person who agreed.
    pub signed: &'a [Signed<ChangeDocument>],
    /// The policy that comes. Its reader has checked that it is one, of the version and with the previous hash that
    /// the document says.
    pub policy: &'a [u8],
    /// Whether it allows anything that the policy in force does not. If in doubt it does.
    pub loosens: bool,
    /// An approver of each of these roles must have signed.
    pub quorum: &'a [Role],
    /// How long a loosening waits. Of the policy in force, not of the one that comes.
    pub delay_ms: u64,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyStatus {
    /// The policy in force is the one that comes.
    InForce,
    /// It waits. At this time of the party's wall clock the delay is over, if the party keeps running.
    Waiting {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
}

/// A version of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    number: u64,
    hash: [u8; 32],
    bytes: Vec<u8>,
    /// Who put it in force; empty for a version on which all parties agreed in a ceremony.
    signed: Vec<Signed<ChangeDocument>>,
}

/// A loosening that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Loosening {
    version: Version,
    first_sight_ms: u64,
    delay_ms: u64,
    waited_ms: u64,
}

/// The policy in force at this signer and how it changes: tightening on arrival, loosening after a delay that each
/// signer counts from its own first receipt by its own clock, while it runs. Whoever sets this machine's wall clock
/// does not shorten it.
///
/// A change is about the version in force and no other, so a tightening cancels a loosening that waits, for good.
/// While the clock is not believed a tightening counts whatever its expiry: who sets a clock must not keep limits
/// loose. Agents and daemons have no approver key, so no change is theirs.
///
/// Store [`encode`](Self::encode)'s bytes after every call that takes `&mut self`, before acting on its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyState {
    wallet_id: [u8; 32],
    clock: ClockWatch,
    current: Version,
    pending: Option<Loosening>,
}

impl PolicyState {
    /// The most bytes of an encoded record: two policies and their signatures.
    pub const MAX_BYTES: usize = 6 * 1_024 * 1_024;

    /// The state of a wallet under the policy on which all parties agreed in a ceremony: the first when they made it,
    /// or that of the epoch in which this party joined.
    ///
    /// # Errors
    /// `Malformed` for a policy longer than [`MAX_POLICY_BYTES`], and for version 0.
    pub fn new(
        wallet_id: [u8; 32],
        version: u64,
        policy: Vec<u8>,
        clock: Clock,
    ) -> Result<Self, Refusal> {
        if policy.len() > MAX_POLICY_BYTES || version == 0 {
            return Err(Refusal::Malformed);
        }
        let hash = policy_hash(&policy);
        let current = Version { number: version, hash, bytes: policy, signed: Vec::new() };
        Ok(Self { wallet_id, clock: ClockWatch::start(clock), current, pending: None })
    }

    /// The policy in force.
    pub fn policy(&self) -> &[u8] {
        &self.current.bytes
    }

    /// Its version, from 1.
    pub fn version(&self) -> u64 {
        self.current.number
    }

    /// Its [`policy_hash`].
    pub fn hash(&self) -> &[u8; 32] {
        &self.current.hash
    }

    /// Who put it in force, for a signer who missed it; nobody for one that was agreed in a ceremony.
    pub fn signed(&self) -> &[Signed<ChangeDocument>] {
        &self.current.signed
    }

    /// The policy that waits, with its signatures.
    pub fn pending(&self) -> Option<(&[u8], &[Signed<ChangeDocument>])> {
        let version = &self.pending.as_ref()?.version;
        Some((&version.bytes, &version.signed))
    }

    /// Takes a change. The loosening that waits already goes on waiting; another one takes its place and waits anew.
    ///
    /// # Errors
    /// Nothing but the clock reading is recorded then. `NoQuorum`, `Unsigned`, `OtherDocument` and as [`Signed::role`]
    /// unless somebody of every role of the quorum signed this document; `OtherWallet`; `OldVersion` unless it
    /// follows the version in force; `OtherPolicyBytes`, and `Malformed` for a policy that is too long; `Lapsed`,
    /// `LivesTooLong` for more than 30 days; for a loosening also `ClockJumped`.
    pub fn propose(
        &mut self,
        change: PolicyChange<'_>,
        approvers: &Approvers,
        clock: Clock,
    ) -> Result<PolicyStatus, Refusal> {
        let PolicyChange { signed, policy, loosens, quorum, delay_ms } = change;
        let document = agreed(signed, quorum, approvers)?;
        self.check(document, policy)?;
        let reading = self.advance(clock);
        if reading.is_ok() {
            self.check_life(document)?;
        }
        let bytes = policy.to_vec();
        let version = Version {
            number: document.version,
            hash: document.next,
            bytes,
            signed: signed.to_vec(),
        };
        if !loosens || delay_ms == 0 {
            if loosens {
                reading?;
            }
            self.current = version;
            self.pending = None;
            return Ok(PolicyStatus::InForce);
        }
        reading?;
        let waits = self.pending.as_ref().is_some_and(|waits| waits.version.hash == version.hash);
        if !waits {
            let first_sight_ms = clock.wall_ms;
            self.pending = Some(Loosening { version, first_sight_ms, delay_ms, waited_ms: 0 });
        }
        Ok(self.settle(clock))
    }

    /// Counts the time that passed and puts in force what waited long enough. Call it now and then while something
    /// waits, and before every request: only the time between two readings of one run counts.
    ///
    /// # Errors
    /// `ClockJumped`: what waits goes on waiting, the policy in force stays.
    pub fn advance_to(&mut self, clock: Clock) -> Result<PolicyStatus, Refusal> {
        self.advance(clock)?;
        Ok(self.settle(clock))
    }

    /// The loosening that waits is given up.
    pub fn cancel_pending(&mut self) {
        self.pending = None;
    }

    /// The operator says that this reading is right. What passed since the last believed one is not counted.
    pub fn confirm_clock(&mut self, clock: Clock) {
        self.clock = ClockWatch::start(clock);
    }

    fn check(&self, document: &ChangeDocument, policy: &[u8]) -> Result<(), Refusal> {
        if document.wallet_id != self.wallet_id {
            return Err(Refusal::OtherWallet);
        }
        let follows = Some(document.version) == self.current.number.checked_add(1)
            && document.previous == self.current.hash;
        if !follows {
            return Err(Refusal::OldVersion);
        }
        if policy.len() > MAX_POLICY_BYTES {
            return Err(Refusal::Malformed);
        }
        if policy_hash(policy) == document.next { Ok(()) } else { Err(Refusal::OtherPolicyBytes) }
    }

    fn check_life(&self, document: &ChangeDocument) -> Result<(), Refusal> {
        match document.expires_at_ms.saturating_sub(self.clock.latest_wall_ms) {
            0 => Err(Refusal::Lapsed),
            life if life > MAX_APPROVAL_MS => Err(Refusal::LivesTooLong),
            _ => Ok(()),
        }
    }

    fn advance(&mut self, clock: Clock) -> Result<(), Refusal> {
        let passed = self.clock.read(clock)?;
        if let Some(waits) = &mut self.pending {
            waits.waited_ms = waits.waited_ms.saturating_add(passed).min(waits.delay_ms);
        }
        Ok(())
    }

    fn settle(&mut self, clock: Clock) -> PolicyStatus {
        let left = |waits: &Loosening| waits.delay_ms.saturating_sub(waits.waited_ms);
        match self.pending.take_if(|waits| left(waits) == 0) {
            Some(due) => {
                self.current = due.version;
                PolicyStatus::InForce
            }
            None => self.pending.as_ref().map_or(PolicyStatus::InForce, |waits| {
                PolicyStatus::Waiting { until_ms: clock.wall_ms.saturating_add(left(waits)) }
            }),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionFields {
    number: String,
    policy: Base64,
    signed: Vec<Base64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LooseningFields {
    delay: String,
    first_sight: String,
    version: VersionFields,
    waited: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    clock: ClockFields,
    current: VersionFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<LooseningFields>,
    schema: String,
    wallet_id: Base64,
}

impl VersionFields {
    fn of(version: &Version) -> Self {
        Self {
            number: version.number.to_string(),
            policy: Base64(version.bytes.clone()),
            signed: version.signed.iter().map(|signed| Base64(signed.encode())).collect(),
        }
    }

    fn version(self) -> Option<Version> {
        let signed = record::read_signed(&self.signed)?;
        let number = read_decimal(&self.number)?;
        let hash = policy_hash(&self.policy.0);
        Some(Version { number, hash, bytes: self.policy.0, signed })
    }
}

impl PolicyState {
    /// `checksum 32 ‖ canonical JSON`.
    pub fn encode(&self) -> Vec<u8> {
        let pending = self.pending.as_ref().map(|waits| LooseningFields {
            delay: waits.delay_ms.to_string(),
            first_sight: waits.first_sight_ms.to_string(),
            version: VersionFields::of(&waits.version),
            waited: waits.waited_ms.to_string(),
        });
        let fields = Fields {
            clock: ClockFields::of(&self.clock),
            current: VersionFields::of(&self.current),
            pending,
            schema: SCHEMA.to_owned(),
            wallet_id: Base64(self.wallet_id.to_vec()),
        };
        record::write(tags::POLICY_STATE, &fields)
    }

    /// Reads a stored record and verifies every signature in it again.
    ///
    /// # Errors
    /// `Damaged` for anything that [`encode`](Self::encode) did not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read(bytes).ok_or(Refusal::Damaged)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let fields: Fields = record::read(tags::POLICY_STATE, bytes, Self::MAX_BYTES)?;
        let pending = match fields.pending {
            Some(waits) => Some(Loosening {
                version: waits.version.version()?,
                first_sight_ms: read_decimal(&waits.first_sight)?,
                delay_ms: read_decimal(&waits.delay)?,
                waited_ms: read_decimal(&waits.waited)?,
            }),
            None => None,
        };
        let read = Self {
            wallet_id: fields.wallet_id.array()?,
            clock: fields.clock.watch()?,
            current: fields.current.version()?,
            pending,
        };
        (fields.schema == SCHEMA && read.is_consistent()).then_some(read)
    }

    fn is_consistent(&self) -> bool {
        let is_signed = |version: &Version| {
            version.signed.iter().map(Signed::document).all(|document| {
                document.wallet_id == self.wallet_id
                    && document.version == version.number
                    && document.next == version.hash
            })
        };
        let follows = |waits: &Loosening| {
            !waits.version.signed.is_empty()
                && is_signed(&waits.version)
                && waits
                    .version
                    .signed
                    .iter()
                    .all(|one| one.document().previous == self.current.hash)
                && Some(waits.version.number) == self.current.number.checked_add(1)
                && waits.waited_ms <= waits.delay_ms
        };
        let fits = |version: &Version| version.bytes.len() <= MAX_POLICY_BYTES;
        is_signed(&self.current)
            && (self.current.signed.is_empty() || self.current.number > 1)
            && self.current.number > 0
            && fits(&self.current)
            && self.pending.as_ref().is_none_or(|waits| follows(waits) && fits(&waits.version))
    }
}
