//! One ceremony at one party, as a state machine without I/O: events in, reports and commits out.

use std::sync::Arc;

use dkls23::sign::Signature;
use dkls23::{Abort, Cancel, PartyIndex};
use policy::rulebook::PolicyConfig;
use rand_core::CryptoRngCore;

use crate::acknowledgement::Certificate;
use crate::authorization::SigningAuthorization;
use crate::channel::{Channel, Dropped};
use crate::descriptor::{Descriptor, Kind, Participant};
use crate::document::{self, ReshareDetails, SignDetails};
use crate::envelope::ROUND_INVITATION;
use crate::error::Evidence;
use crate::identity::{Card, Identity, Pairing, SIGNATURE_BYTES};
use crate::invitation::{self, Invitation};
use crate::keygen::{FIRST_EPOCH, Keygen, Words};
use crate::making::{Abandoned, Making};
use crate::membership::{Membership, Refusal};
use crate::reshare::{Reshare, ReshareAuthorization};
use crate::sign::Sign;
use crate::store::{Commit, Key, ReadBack, Store, StoreError, Write};
use crate::wallet::{ECDSA_KEY_ID, Wallet};
use crate::{Failure, Role, Roster};

/// What a step may use besides the session itself.
pub struct Io<'a> {
    /// Randomness.
    pub rng: &'a mut dyn CryptoRngCore,
    /// This party's clock.
    pub now_ms: u64,
    /// Polled by long loops.
    pub cancel: Cancel<'a>,
}

/// When a session starts and how long it lives.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// This party's clock.
    pub now_ms: u64,
    /// How long the session may take, below [`Kind::longest_lifetime_ms`].
    pub lifetime_ms: u64,
}

/// What happens to a session.
pub enum Event<'a> {
    /// Starts it; envelopes that were already there are taken in the same step.
    Begin(&'a [Vec<u8>]),
    /// Envelopes arrived, in any order, with anything among them.
    Receive(&'a [Vec<u8>]),
    /// The operator confirmed these words (key generation).
    Confirm(&'a [String]),
    /// The commit that was asked for is done, or failed.
    Committed(Result<ReadBack, StoreError>),
}

/// What a session wants next.
pub enum Step {
    /// Commit this and come back with [`Event::Committed`] before anything is sent.
    Commit(Commit),
    /// Send what is outgoing and wait.
    Report(Report),
}

/// What a step came to. Send `outgoing` first, whatever the status.
pub struct Report {
    /// Signed envelopes; each names its recipient.
    pub outgoing: Vec<Vec<u8>>,
    /// What did not verify.
    pub dropped: Vec<Dropped>,
    /// Whether `outgoing` holds this party's signature share: from now on cancelling does not unsign.
    pub share_leaves: bool,
    /// Where the session stands.
    pub status: Status,
}

/// Where a session stands.
pub enum Status {
    /// More messages of this round are needed.
    Waiting {
        /// Round.
        round: u16,
        /// From whom.
        missing: Vec<PartyIndex>,
    },
    /// The operator must compare and confirm the words.
    Confirm(Words),
    /// It is done.
    Done(Output),
    /// It stopped for good.
    Aborted(Failure),
}

/// A descriptor that was not joined, with the pairing that it did not use up.
pub struct Rejected {
    /// Why.
    pub failure: Failure,
    /// As it was.
    pub pairing: Pairing,
}

/// A refresh or recovery that was not joined, with the authorization that it did not use up.
pub struct Declined {
    /// Why, and what to tell the initiator.
    pub refusal: Refusal,
    /// As it was.
    pub authorization: ReshareAuthorization,
}

impl core::fmt::Debug for Declined {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Declined({})", self.refusal.failure)
    }
}

impl core::fmt::Debug for Rejected {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Rejected({})", self.failure)
    }
}

/// The result of a ceremony.
pub enum Output {
    /// An epoch that everybody acknowledged is held here.
    Epoch(Arc<Membership>),
    /// One signature per item, verified.
    Signatures(Vec<Signature>),
}

/// What a machine wants; `Again` means that the next state may have what it needs already.
pub(crate) enum Next {
    Again,
    Wait,
    Commit(Commit),
    Done(Output),
}

/// The part of an event that a machine consumes.
pub(crate) struct Input {
    confirmed: Option<Vec<String>>,
    committed: Option<Result<ReadBack, StoreError>>,
}

impl Input {
    pub(crate) fn confirmed(&mut self) -> Option<Vec<String>> {
        self.confirmed.take()
    }

    /// What was read back.
    pub(crate) fn committed(&mut self) -> Result<ReadBack, Failure> {
        match self.committed.take() {
            Some(Ok(read_back)) => Ok(read_back),
            Some(Err(StoreError::Exists)) => Err(Failure::seen_before()),
            Some(Err(StoreError::Unavailable)) | None => Err(Failure::storage()),
        }
    }
}

enum Machine {
    Keygen(Box<Keygen>),
    Sign(Box<Sign>),
    Reshare(Box<Reshare>),
    /// The failure is reported once its evidence is on disk and an attempt's shares are not.
    Failing(Failure, Box<Aftermath>),
    Closed,
}

/// What to note once a failure's writes are on disk.
#[derive(Default)]
struct Aftermath {
    abandoned: Option<Abandoned>,
    certified: Option<(Arc<Membership>, Certificate)>,
}

impl Machine {
    /// What this party holds of the wallet, where the ceremony starts from it.
    fn membership(&self) -> Option<Arc<Membership>> {
        match self {
            Self::Sign(machine) => machine.wallet().membership(),
            Self::Reshare(machine) => Some(Arc::clone(machine.membership())),
            Self::Keygen(_) | Self::Failing(..) | Self::Closed => None,
        }
    }

    /// The part that makes an epoch, if this is a ceremony that does and has come so far.
    fn making(&self) -> Option<&Making> {
        match self {
            Self::Keygen(machine) => machine.making(),
            Self::Reshare(machine) => machine.making(),
            Self::Sign(_) | Self::Failing(..) | Self::Closed => None,
        }
    }
}

/// One ceremony at one party.
pub struct Session {
    channel: Channel,
    machine: Machine,
    outgoing: Vec<Vec<u8>>,
    share_leaves: bool,
    share_was_announced: bool,
    /// The last report is `Done` and has messages that may not have left yet.
    last_flight: bool,
    /// Of a signing session.
    wallet: Option<Arc<Wallet>>,
    /// What this party holds of the wallet, where the ceremony starts from it.
    membership: Option<Arc<Membership>>,
    /// What is to be erased if the ceremony fails, also where it fails in the middle of a step.
    attempt: Option<Abandoned>,
}

impl Session {
    /// Starts a key generation as initiator. `cards` are the pinned cards of all three parties, the own one
    /// included; `pairing` is what the own card was made from.
    ///
    /// # Errors
    /// `Config` for cards that make no committee, a policy that they cannot have, a pairing that is not this identity's, an empty lifetime.
    pub fn create_wallet(
        identity: Arc<Identity>,
        pairing: Pairing,
        cards: Vec<Card>,
        config: &PolicyConfig,
        times: Times,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, Failure> {
        let mut wallet_id = [0; 32];
        rng.fill_bytes(&mut wallet_id);
        let roster = Roster::from_cards(wallet_id, &cards)?;
        let policy = document::first_policy(config, &roster, &cards)?;
        check_own_card(&identity, &pairing, &cards)?;
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let details = Keygen::details(&pairing, &policy, &salt)?;
        let terms = Terms { kind: Kind::Keygen, epoch: FIRST_EPOCH, participants: &Role::ALL };
        let descriptor = describe(&terms, &identity, &roster, &details, times, rng)?;
        let membership = Membership::new(Arc::clone(&identity), wallet_id);
        let machine = Keygen::new(pairing, cards, Some(policy), Some(details), membership);
        Ok(Self::new(identity, roster, descriptor, Machine::Keygen(Box::new(machine))))
    }

    /// Joins a key generation on an initiator's descriptor. Without a policy of its own this party takes whatever the
    /// initiator decided, and shows it to its person with the words.
    ///
    /// # Errors
    /// `Config` unless the descriptor is alive, signed by its initiator, and its roster is the one that the
    /// pinned cards make. The pairing comes back with it: nothing was opened, so it may serve another
    /// descriptor.
    #[allow(clippy::result_large_err)] // once per wallet, and the pairing has to come back
    pub fn join_wallet(
        identity: Arc<Identity>,
        pairing: Pairing,
        cards: Vec<Card>,
        config: Option<&PolicyConfig>,
        (descriptor, signature): (&[u8], &[u8]),
        now_ms: u64,
    ) -> Result<Self, Rejected> {
        let invitation = (descriptor, signature);
        let invited = invited(&identity, &pairing, &cards, invitation, now_ms);
        let expected = invited.and_then(|(descriptor, roster)| {
            let policy = config.map(|config| document::first_policy(config, &roster, &cards));
            Ok((descriptor, roster, policy.transpose()?))
        });
        match expected {
            Err(failure) => Err(Rejected { failure, pairing }),
            Ok((descriptor, roster, policy)) => {
                let membership = Membership::new(Arc::clone(&identity), *roster.wallet_id());
                let machine = Keygen::new(pairing, cards, policy, None, membership);
                let machine = Machine::Keygen(Box::new(machine));
                Ok(Self::new(identity, roster, descriptor, machine))
            }
        }
    }

    /// Starts a signing session with one other party.
    ///
    /// # Errors
    /// `Config` for an authorization that is not this wallet's or has expired, or a co-signer that is this
    /// party itself.
    pub fn sign(
        wallet: Arc<Wallet>,
        authorization: SigningAuthorization,
        cosigner: Role,
        memo: &str,
        times: Times,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, Failure> {
        if cosigner == wallet.role() {
            return Err(Failure::config("a party does not co-sign with itself"));
        }
        document::check_memo(memo)?;
        let claim = authorization.claim(&wallet, None, times.now_ms)?;
        let proposed = claim.items.iter().map(|item| item.proposed());
        let details =
            SignDetails::new(ECDSA_KEY_ID, memo, &claim.policy_hash, &claim.origin, proposed);
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let details = [salt.as_slice(), &document::encode(&details)?].concat();
        if details.len() > crate::envelope::PART_BYTES {
            return Err(Failure::config(
                "the items are more than one invitation carries: split the batch",
            ));
        }
        let mut participants = [wallet.role(), cosigner];
        participants.sort_unstable();
        let terms = Terms { kind: Kind::Sign, epoch: wallet.epoch(), participants: &participants };
        let identity = Arc::clone(wallet.identity());
        let roster = wallet.roster().clone();
        let descriptor = describe(&terms, &identity, &roster, &details, times, rng)?;
        let machine = Sign::new(wallet, claim, Some(details));
        Ok(Self::new(identity, roster, descriptor, Machine::Sign(Box::new(machine))))
    }

    /// Joins the signing session of an invitation.
    ///
    /// # Errors
    /// `Config` for an authorization of another session, or one that has expired.
    pub fn join(
        invitation: &Invitation,
        authorization: SigningAuthorization,
        now_ms: u64,
    ) -> Result<Self, Failure> {
        let wallet = Arc::clone(invitation.wallet());
        let descriptor = invitation.descriptor().clone();
        let claim = authorization.claim(&wallet, Some(invitation.session_id()), now_ms)?;
        let identity = Arc::clone(wallet.identity());
        let roster = wallet.roster().clone();
        let initiator = descriptor.initiator.index();
        let machine = Machine::Sign(Box::new(Sign::new(wallet, claim, None)));
        let mut session = Self::new(identity, roster, descriptor, machine);
        session.channel.mark_taken(ROUND_INVITATION, initiator);
        Ok(session)
    }

    /// Starts a refresh or recovery among all parties of the new roster.
    ///
    /// # Errors
    /// `Config` for an authorization that has expired, at a new device, or where no epoch is held to start from.
    pub fn reshare(
        authorization: ReshareAuthorization,
        times: Times,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, Failure> {
        authorization.check_alive(times.now_ms)?;
        let base = authorization.base()?;
        let terms = authorization.terms(&base)?;
        let details = Reshare::details(&terms, rng)?;
        let identity = Arc::clone(base.identity());
        let roster = authorization.roster.clone();
        let (kind, epoch) = (authorization.kind(), terms.next);
        let descriptor = describe(
            &Terms { kind, epoch, participants: &Role::ALL },
            &identity,
            &roster,
            &details,
            times,
            rng,
        )?;
        let machine = Reshare::new(authorization, terms, Some(base), Some(details));
        Ok(Self::new(identity, roster, descriptor, Machine::Reshare(Box::new(machine))))
    }

    /// Joins a refresh or recovery, if its descriptor and round 0 are what this party's own authorization allows.
    ///
    /// # Errors
    /// What is wrong, with the envelopes that tell the initiator; none for a descriptor that is not of this wallet's
    /// parties. The authorization comes back with it: another attempt keeps it.
    #[allow(clippy::result_large_err)] // once per attempt, and the authorization has to come back
    pub fn join_reshare(
        authorization: ReshareAuthorization,
        descriptor: &[u8],
        signature: &[u8],
        round0: &[u8],
        now_ms: u64,
    ) -> Result<Self, Declined> {
        let declined = |authorization, failure, outgoing| Declined {
            authorization,
            refusal: Refusal { failure, outgoing },
        };
        let identity = Arc::clone(authorization.membership.identity());
        let roster = authorization.roster.clone();
        let descriptor = match authorization.admit(descriptor, signature, now_ms) {
            Ok(descriptor) => descriptor,
            Err(failure) => return Err(declined(authorization, failure, Vec::new())),
        };
        let opened =
            invitation::open_details::<ReshareDetails>((&identity, &roster), &descriptor, round0);
        let terms = opened
            .and_then(|details| {
                let terms = details.terms().filter(|terms| terms.next == descriptor.epoch);
                terms.ok_or_else(|| Failure::config("the details are not those of a refresh"))
            })
            .and_then(|terms| Ok((authorization.check(&terms)?, terms)));
        let initiator = descriptor.initiator.index();
        match terms {
            Ok((base, terms)) => {
                let machine = Reshare::new(authorization, terms, base, None);
                let machine = Machine::Reshare(Box::new(machine));
                let mut session = Self::new(identity, roster, descriptor, machine);
                session.channel.mark_taken(ROUND_INVITATION, initiator);
                Ok(session)
            }
            Err(failure) => {
                let outgoing = Channel::new(identity, roster, descriptor).send_abort(&failure);
                Err(declined(authorization, failure, outgoing))
            }
        }
    }

    fn new(
        identity: Arc<Identity>,
        roster: Roster,
        descriptor: Descriptor,
        machine: Machine,
    ) -> Self {
        let membership = machine.membership();
        let wallet = match &machine {
            Machine::Sign(machine) => Some(Arc::clone(machine.wallet())),
            Machine::Keygen(_) | Machine::Reshare(_) | Machine::Failing(..) | Machine::Closed => {
                None
            }
        };
        Self {
            channel: Channel::new(identity, roster, descriptor),
            machine,
            outgoing: Vec::new(),
            share_leaves: false,
            share_was_announced: false,
            last_flight: false,
            wallet,
            membership,
            attempt: None,
        }
    }

    /// The session id.
    pub fn session_id(&self) -> &[u8; 32] {
        self.channel.session_id()
    }

    /// The descriptor, to be opened on the transport by the initiator.
    pub fn descriptor(&self) -> Vec<u8> {
        self.channel.descriptor().encode()
    }

    /// This party's signature over the descriptor.
    pub fn descriptor_signature(&self) -> [u8; SIGNATURE_BYTES] {
        self.channel.descriptor().sign(self.channel.identity())
    }

    /// Takes a step. After `Done` or `Aborted` the session is closed: it answers `Config` and sends nothing, for
    /// peers may still be at work.
    pub fn step(&mut self, event: Event<'_>, io: &mut Io<'_>) -> Step {
        if matches!(self.machine, Machine::Closed) {
            return Step::Report(self.closed());
        }
        let mut input = Input { confirmed: None, committed: None };
        if matches!(event, Event::Begin(_)) {
            self.channel.begin(io.rng);
        } else if !self.channel.has_begun() {
            return Step::Report(self.end(Failure::unbegun()));
        }
        match event {
            Event::Begin(envelopes) | Event::Receive(envelopes) => {
                if let Err(failure) = self.channel.accept(envelopes) {
                    let settled = self.machine.making().is_some_and(Making::is_acknowledged);
                    if !(settled && failure.told_by.is_some()) {
                        return self.fail(failure);
                    }
                }
            }
            Event::Confirm(words) => input.confirmed = Some(words.to_vec()),
            Event::Committed(result) => match &self.machine {
                Machine::Failing(failure, aftermath) => {
                    if result.is_ok() {
                        if let Some(Abandoned { membership, next }) = &aftermath.abandoned {
                            membership.note_abandoned(*next);
                        }
                        if let Some((membership, certificate)) = &aftermath.certified {
                            membership.note_certified(certificate.clone());
                        }
                    }
                    let failure = match result {
                        // Evidence that could not be written is not reported as if it were.
                        Err(_) if failure.evidence.is_some() => {
                            self.forget_count(failure);
                            Failure::storage()
                        }
                        // Shares that could not be erased now are erased when the store is opened again.
                        Ok(_) | Err(_) => failure.clone(),
                    };
                    return Step::Report(self.abort(failure));
                }
                Machine::Keygen(_) | Machine::Sign(_) | Machine::Reshare(_) | Machine::Closed => {
                    input.committed = Some(result);
                }
            },
        }
        if !self.machine.making().is_some_and(Making::is_certified) {
            if (io.cancel)() {
                return self.fail(Failure::cancelled());
            }
            if let Err(failure) = self.channel.descriptor().check_times(io.now_ms) {
                return self.fail(failure);
            }
        }
        loop {
            match self.advance(&mut input, io) {
                Err(failure) => return self.fail(failure),
                Ok(Next::Again) => {}
                Ok(Next::Wait) => return Step::Report(self.wait()),
                Ok(Next::Commit(commit)) => return Step::Commit(commit),
                Ok(Next::Done(output)) => {
                    self.machine = Machine::Closed;
                    self.last_flight = !self.outgoing.is_empty();
                    return Step::Report(self.report(Status::Done(output)));
                }
            }
        }
    }

    /// One transition of the machine, which is closed while it runs and stays closed if it fails: no
    /// half-used nonce can be tried again.
    fn advance(&mut self, input: &mut Input, io: &mut Io<'_>) -> Result<Next, Failure> {
        self.attempt = self.machine.making().map(Making::attempt);
        let (channel, outgoing) = (&mut self.channel, &mut self.outgoing);
        match core::mem::replace(&mut self.machine, Machine::Closed) {
            Machine::Keygen(machine) => {
                let (machine, next) = machine.advance(channel, outgoing, input, io)?;
                self.machine = Machine::Keygen(Box::new(machine));
                Ok(next)
            }
            Machine::Reshare(machine) => {
                let (machine, next) = machine.advance(channel, outgoing, input, io)?;
                self.machine = Machine::Reshare(Box::new(machine));
                Ok(next)
            }
            Machine::Sign(machine) => {
                machine.release(channel.peers())?;
                let (machine, next) = machine.advance(channel, outgoing, input, io)?;
                self.share_leaves |= machine.share_left() && !self.share_was_announced;
                self.machine = Machine::Sign(Box::new(machine));
                Ok(next)
            }
            Machine::Failing(..) | Machine::Closed => Err(Failure::config("the session is closed")),
        }
    }

    /// Asks once more, just before `outgoing` leaves the process, whether the pair's gate is still open.
    ///
    /// # Errors
    /// The failure to hand to [`Session::fail`] instead of sending anything.
    pub fn release(&self) -> Result<(), Failure> {
        match &self.machine {
            Machine::Sign(machine) => machine.release(self.channel.peers()),
            Machine::Closed if self.last_flight => {
                let poisoned = self.channel.peers().iter().find(|&&peer| {
                    self.wallet.as_ref().is_some_and(|wallet| wallet.is_poisoned(peer))
                });
                poisoned.map_or(Ok(()), |&peer| Err(Abort::OtPoisoned(peer).into()))
            }
            Machine::Keygen(_) | Machine::Reshare(_) | Machine::Failing(..) | Machine::Closed => {
                Ok(())
            }
        }
    }

    /// Ends the session with a failure: first what must be on disk, then the report.
    pub fn fail(&mut self, failure: Failure) -> Step {
        self.outgoing.clear();
        let mut writes = self.evidence_of(&failure);
        let mut aftermath = Aftermath::default();
        let attempt = self.machine.making().map(Making::attempt).or_else(|| self.attempt.take());
        if let Some(attempt) = attempt {
            writes.extend(attempt.membership.state().epochs.abandon(attempt.next));
            aftermath.abandoned = Some(attempt);
        }
        if let Some((membership, certificate)) = self.learn(&failure)
            && let Ok(commit) = membership.certify(&certificate)
        {
            writes.extend(commit.writes);
            aftermath.certified = Some((membership, certificate));
        }
        if writes.is_empty() {
            return Step::Report(self.abort(failure));
        }
        self.machine = Machine::Failing(failure, Box::new(aftermath));
        Step::Commit(Commit { writes, read_back: Vec::new() })
    }

    /// A peer that holds other epochs said which: the next attempt starts from what both hold. The newest certificate
    /// comes with it.
    fn learn(&self, failure: &Failure) -> Option<(Arc<Membership>, Certificate)> {
        let (said, peer) = (failure.behind.as_ref()?, failure.told_by.and_then(Role::of)?);
        let membership = self.membership.clone()?;
        membership.note_peer(peer, (**said).clone());
        let certificate = membership.read_certificate(&said.certificate)?;
        Some((membership, certificate))
    }

    /// Ends the session because this party's operator or owner said no.
    pub fn refuse(&mut self) -> Report {
        self.end(Failure::refused("this party refused"))
    }

    /// Ends the session because this party's caller stopped waiting.
    pub fn stop(&mut self) -> Report {
        self.end(Failure::cancelled())
    }

    fn end(&mut self, failure: Failure) -> Report {
        if matches!(self.machine, Machine::Closed) {
            return self.closed();
        }
        // Nobody works under an epoch whose making was stopped; its shares are erased when the store is opened again.
        if let Some(making) = self.machine.making() {
            let Abandoned { membership, next } = making.attempt();
            membership.note_abandoned(next);
        }
        self.abort(failure)
    }

    fn closed(&mut self) -> Report {
        self.report(Status::Aborted(Failure::config("the session is closed")))
    }

    fn forget_count(&self, failure: &Failure) {
        if let (Some(Evidence::Poisoned(party)), Some(wallet)) = (failure.evidence, &self.wallet) {
            wallet.forget_poisoning(party);
        }
    }

    fn evidence_of(&self, failure: &Failure) -> Vec<Write> {
        let Some(evidence) = failure.evidence else {
            return Vec::new();
        };
        let (Evidence::SetupFailed(party) | Evidence::Cheated(party) | Evidence::Poisoned(party)) =
            evidence;
        let own = self.channel.identity().identity_key();
        let Some(peer) = self.channel.roster().member(party).map(|member| member.identity_key)
        else {
            return Vec::new();
        };
        match evidence {
            Evidence::SetupFailed(_) => vec![Write::Increment(Key::SetupFailures(own, peer))],
            // The engine has told the pair's gate, so every other running session with the culprit stops at its
            // next step, and those that start from now on do not.
            Evidence::Cheated(_) => vec![Write::Increment(Key::Cheats(own, peer))],
            Evidence::Poisoned(party) => {
                let Some(wallet) = &self.wallet else {
                    return vec![Write::Increment(Key::Poisonings(own, peer))];
                };
                // Of an epoch that was erased meanwhile, nothing comes back.
                let is_held =
                    wallet.membership().is_none_or(|it| it.epoch(wallet.epoch()).is_some());
                let mut writes = if is_held { wallet.share_writes() } else { Vec::new() };
                if wallet.note_poisoning(party) {
                    writes.push(Write::Increment(Key::Poisonings(own, peer)));
                }
                writes
            }
        }
    }

    fn abort(&mut self, failure: Failure) -> Report {
        self.machine = Machine::Closed;
        self.outgoing = if failure.silent { Vec::new() } else { self.channel.send_abort(&failure) };
        self.share_leaves = false;
        self.last_flight = false;
        self.report(Status::Aborted(failure))
    }

    fn wait(&mut self) -> Report {
        let status = match &self.machine {
            Machine::Keygen(machine) => match machine.words() {
                Some(words) => Status::Confirm(words.clone()),
                None => self.waiting(machine.round()),
            },
            Machine::Sign(machine) => self.waiting(machine.round()),
            Machine::Reshare(machine) => self.waiting(machine.round()),
            Machine::Failing(..) | Machine::Closed => self.waiting(0),
        };
        self.report(status)
    }

    fn waiting(&self, round: u16) -> Status {
        Status::Waiting { round, missing: self.channel.missing(round) }
    }

    fn report(&mut self, status: Status) -> Report {
        let share_leaves = core::mem::take(&mut self.share_leaves);
        self.share_was_announced |= share_leaves;
        Report {
            outgoing: core::mem::take(&mut self.outgoing),
            dropped: self.channel.take_dropped(),
            share_leaves,
            status,
        }
    }
}

/// Takes an event through all its commits on a store that answers at once.
pub fn advance(
    session: &mut Session,
    event: Event<'_>,
    store: &mut dyn Store,
    io: &mut Io<'_>,
) -> Report {
    let mut step = session.step(event, io);
    loop {
        match step {
            Step::Report(report) => return report,
            Step::Commit(commit) => {
                step = session.step(Event::Committed(store.commit(commit)), io);
            }
        }
    }
}

/// Holds an initiator's descriptor against the pinned cards.
fn invited(
    identity: &Identity,
    pairing: &Pairing,
    cards: &[Card],
    (descriptor, signature): (&[u8], &[u8]),
    now_ms: u64,
) -> Result<(Descriptor, Roster), Failure> {
    let descriptor = Descriptor::decode(descriptor)
        .ok_or_else(|| Failure::config("not a session descriptor"))?;
    let signature = signature
        .try_into()
        .map_err(|_| Failure::config("a descriptor's signature has 64 bytes"))?;
    let roster = Roster::from_cards(descriptor.wallet_id, cards)?;
    check_own_card(identity, pairing, cards)?;
    descriptor.check(signature, &roster, identity.role(), now_ms)?;
    let everybody = descriptor.participants.len() == Role::ALL.len();
    if descriptor.kind != Kind::Keygen || descriptor.epoch != FIRST_EPOCH || !everybody {
        return Err(Failure::config("not an invitation to a key generation of all parties"));
    }
    if descriptor.initiator == identity.role() {
        return Err(Failure::config("this party is the initiator"));
    }
    Ok((descriptor, roster))
}

pub(crate) struct Terms<'a> {
    pub(crate) kind: Kind,
    pub(crate) epoch: u64,
    pub(crate) participants: &'a [Role],
}

pub(crate) fn describe(
    terms: &Terms<'_>,
    identity: &Identity,
    roster: &Roster,
    details: &[u8],
    times: Times,
    rng: &mut dyn CryptoRngCore,
) -> Result<Descriptor, Failure> {
    let expires_at_ms = times
        .now_ms
        .checked_add(times.lifetime_ms)
        .ok_or_else(|| Failure::config("the descriptor's lifetime is out of range"))?;
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let descriptor = Descriptor {
        kind: terms.kind,
        wallet_id: *roster.wallet_id(),
        roster_hash: roster.hash(),
        epoch: terms.epoch,
        initiator: identity.role(),
        participants: roster
            .members()
            .iter()
            .filter(|member| terms.participants.contains(&member.role))
            .map(|member| Participant { role: member.role, identity_key: member.identity_key })
            .collect(),
        created_at_ms: times.now_ms,
        expires_at_ms,
        nonce,
        setup_details_hash: document::setup_details_hash(details)
            .ok_or_else(|| Failure::config("details without a salt"))?,
    };
    descriptor.check_times(times.now_ms)?;
    Ok(descriptor)
}

/// The card among the pinned ones must be the one that this pairing made.
fn check_own_card(identity: &Identity, pairing: &Pairing, cards: &[Card]) -> Result<(), Failure> {
    let own = Card::decode(&pairing.card());
    let pinned = cards.iter().find(|card| card.role == identity.role());
    let same = own.is_some()
        && own.as_ref() == pinned
        && own.is_some_and(|card| card.identity_key == identity.identity_key());
    if same { Ok(()) } else { Err(Failure::config("the own card is not among the pinned ones")) }
}
