//! Refresh and recovery: the same keys, other shares for everybody (`docs/protocol.md`, B.7 and I). Round 0 carries the
//! initiator's terms, and from everybody else the policy that it holds; then the epoch is made.

use std::sync::Arc;

use dkls23::PartyIndex;
use dkls23::reshare::{ReshareKind, ReshareSetup, start};
use rand_core::CryptoRngCore;

use crate::behind::Behind;
use crate::channel::Channel;
use crate::descriptor::{Descriptor, Kind};
use crate::document::{self, ReshareDetails, ReshareTerms};
use crate::envelope::ROUND_INVITATION;
use crate::epochs::Change;
use crate::keygen::{check_setup_failures, setup_failures};
use crate::making::Making;
use crate::membership::Membership;
use crate::roster::THRESHOLD;
use crate::session::{Input, Io, Next};
use crate::store::Commit;
use crate::{Card, Failure, Identity, Persons, Role, Roster, Wallet};

/// The right to take part in one refresh or recovery of a wallet, until it expires. Each party's own process makes
/// its own; what a peer says is no authorization.
pub struct ReshareAuthorization {
    pub(crate) membership: Arc<Membership>,
    pub(crate) roster: Roster,
    pub(crate) change: Change,
    /// Whose device is replaced.
    pub(crate) lost: Option<Role>,
    /// The approver key of the person behind the new device.
    pub(crate) successor: Option<[u8; 32]>,
    pub(crate) expires_at_ms: u64,
}

impl ReshareAuthorization {
    /// Other shares for the same parties. The caller vouches that the rule about how often, or the operator, allows
    /// it.
    ///
    /// # Errors
    /// `Config` at a party that holds no share.
    pub fn refresh(membership: Arc<Membership>, expires_at_ms: u64) -> Result<Self, Failure> {
        let roster = membership.current()?.roster().clone();
        let change = Change::Refresh;
        Ok(Self { membership, roster, change, lost: None, successor: None, expires_at_ms })
    }

    /// The party of this card takes the place of the one that had its role. The caller vouches that the approvers
    /// whom the policy names agreed to exactly this roster, and that every delay has passed: `policy` decides that.
    ///
    /// # Errors
    /// `Config` at a party that holds no share, for this party's own role, and for a key that is known already or was
    /// replaced.
    pub fn recover(
        membership: Arc<Membership>,
        replacement: &Card,
        expires_at_ms: u64,
    ) -> Result<Self, Failure> {
        if replacement.role == membership.role() {
            return Err(Failure::config("a party does not replace itself"));
        }
        let (_, roster) = membership.replacing(replacement)?;
        let (change, lost) = (Change::Recover, Some(replacement.role));
        let successor = replacement.approver_key;
        Ok(Self { membership, roster, change, lost, successor, expires_at_ms })
    }

    /// The new device's own yes to joining a wallet with the survivors of these cards, which it pinned out of band.
    ///
    /// # Errors
    /// `Config` unless the cards make a committee with this party's own keys.
    pub fn join(
        identity: Arc<Identity>,
        wallet_id: [u8; 32],
        cards: &[Card],
        expires_at_ms: u64,
    ) -> Result<Self, Failure> {
        let roster = Roster::from_cards(wallet_id, cards)?;
        let role = identity.role();
        let own = roster.member(role.index()).map(|member| member.identity_key);
        if own != Some(identity.identity_key()) {
            return Err(Failure::config("the own card is not among the pinned ones"));
        }
        let successor = identity.approver_key();
        let membership = Arc::new(Membership::new(identity, wallet_id));
        let (change, lost) = (Change::Recover, Some(role));
        Ok(Self { membership, roster, change, lost, successor, expires_at_ms })
    }

    /// Hash of the roster after it: what approvers sign.
    pub fn roster_hash(&self) -> [u8; 32] {
        self.roster.hash()
    }

    pub(crate) fn check_alive(&self, now_ms: u64) -> Result<(), Failure> {
        if now_ms >= self.expires_at_ms {
            return Err(Failure::config("the authorization has expired"));
        }
        Ok(())
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.change {
            Change::Recover => Kind::Recover,
            Change::Refresh | Change::Found => Kind::Refresh,
        }
    }

    /// The descriptor, if it is of the ceremony that this authorizes.
    pub(crate) fn admit(
        &self,
        descriptor: &[u8],
        signature: &[u8],
        now_ms: u64,
    ) -> Result<Descriptor, Failure> {
        self.check_alive(now_ms)?;
        let descriptor = Descriptor::decode(descriptor)
            .ok_or_else(|| Failure::config("not a session descriptor"))?;
        let signature = signature
            .try_into()
            .map_err(|_| Failure::config("a descriptor's signature has 64 bytes"))?;
        descriptor.check(signature, &self.roster, self.membership.role(), now_ms)?;
        let everybody = descriptor.participants.len() == Role::ALL.len();
        if descriptor.kind != self.kind() || !everybody {
            return Err(Failure::config("not the ceremony that this party authorized"));
        }
        let initiator = descriptor.initiator;
        if initiator == self.membership.role() || Some(initiator) == self.lost {
            return Err(Failure::config("a ceremony that its initiator cannot start"));
        }
        Ok(descriptor)
    }

    /// Those who deal their shares: everybody, but not a device that replaces another.
    pub(crate) fn dealers(&self) -> Vec<PartyIndex> {
        let deals = |role: &Role| Some(*role) != self.lost;
        Role::ALL.into_iter().filter(deals).map(Role::index).collect()
    }

    /// The newest epoch from which the dealers, as far as this party knows, can start.
    ///
    /// # Errors
    /// `ShareStale` naming a dealer that said it holds only what this party erased; `Config` otherwise.
    pub(crate) fn base(&self) -> Result<Arc<Wallet>, Failure> {
        let me = self.membership.role();
        let state = self.membership.state();
        let fits = |number: &u64| {
            state.epochs.held().find(|held| held.number() == *number).is_some_and(|held| {
                Role::ALL.into_iter().filter(|role| Some(*role) != self.lost).all(|role| {
                    let key = |roster: &Roster| {
                        roster.member(role.index()).map(|member| member.identity_key)
                    };
                    key(&held.roster) == key(&self.roster)
                        && (role == me || self.membership.may_hold(role, held))
                })
            })
        };
        let number = state.epochs.held().rev().map(|held| held.number()).find(fits);
        drop(state);
        number.and_then(|number| self.membership.epoch(number)).ok_or_else(|| {
            match self.dealers().into_iter().find(|dealer| self.is_stale(*dealer)) {
                Some(dealer) => Failure::peer_share_stale(dealer),
                None => Failure::config("no epoch from which the dealers could start"),
            }
        })
    }

    fn is_stale(&self, dealer: PartyIndex) -> bool {
        Role::of(dealer).is_some_and(|role| self.membership.is_stale(role))
    }

    /// # Errors
    /// `Config` for a new person's key that another has or had.
    pub(crate) fn terms(&self, base: &Wallet) -> Result<ReshareTerms, Failure> {
        Ok(ReshareTerms {
            base: base.epoch(),
            next: self.membership.next_number(self.lost),
            keys: keys_of(base),
            policy: base.policy(),
            persons: self.persons_after(base)?,
        })
    }

    /// Who decides in the epoch that is made.
    fn persons_after(&self, base: &Wallet) -> Result<Persons, Failure> {
        match self.lost {
            Some(lost) => base.persons().succeeded(&base.policy(), lost, self.successor),
            None => Ok(base.persons().clone()),
        }
    }

    /// The initiator's terms at a party that joins: a survivor's own, a new device's to learn.
    ///
    /// # Errors
    /// `EpochBehind` if this party does not hold what they start from, `ShareStale` if that is newer than all it
    /// holds, `Config` for other terms.
    pub(crate) fn check(&self, terms: &ReshareTerms) -> Result<Option<Arc<Wallet>>, Failure> {
        if self.lost == Some(self.membership.role()) {
            // The rest is what the other survivor compares with what it holds.
            let named = terms.persons.successor(self.membership.role()) == self.successor;
            return match named {
                true => Ok(None),
                false => Err(Failure::config("the initiator names another person")),
            };
        }
        let behind = || Failure::epoch_behind(Behind::of(&self.membership));
        let base = match self.membership.epoch(terms.base) {
            Some(base) => base,
            None => return Err(self.membership.not_held(terms.base)),
        };
        if keys_of(&base) != terms.keys || self.membership.state().epochs.floor() >= terms.next {
            return Err(behind());
        }
        if base.policy() != terms.policy {
            return Err(Failure::policy_stale());
        }
        if self.persons_after(&base)? != terms.persons {
            return Err(Failure::config("the initiator names other persons"));
        }
        Ok(Some(base))
    }
}

fn keys_of(wallet: &Wallet) -> Vec<(String, [u8; 32])> {
    wallet.shares().map(|share| (share.key_id().to_owned(), share.epoch().id())).collect()
}

/// A refresh or recovery at one party.
pub(crate) struct Reshare {
    authorization: ReshareAuthorization,
    terms: ReshareTerms,
    /// What this party deals; `None` at a new device.
    base: Option<Arc<Wallet>>,
    /// The salted round 0 of the initiator, `None` at a joiner.
    details: Option<Vec<u8>>,
    state: State,
}

enum State {
    Starting,
    Registering,
    Opening,
    Making(Box<Making>),
}

impl Reshare {
    pub(crate) fn new(
        authorization: ReshareAuthorization,
        terms: ReshareTerms,
        base: Option<Arc<Wallet>>,
        details: Option<Vec<u8>>,
    ) -> Self {
        Self { authorization, terms, base, details, state: State::Starting }
    }

    /// The initiator's salted details.
    pub(crate) fn details(
        terms: &ReshareTerms,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, Failure> {
        let mut details = vec![0; 32];
        rng.fill_bytes(&mut details);
        details.extend_from_slice(&document::encode(&ReshareDetails::new(terms))?);
        Ok(details)
    }

    pub(crate) fn membership(&self) -> &Arc<Membership> {
        &self.authorization.membership
    }

    /// The round that this party waits for.
    pub(crate) fn round(&self) -> u16 {
        self.making().map_or(ROUND_INVITATION, Making::round)
    }

    /// The second part, once it has begun.
    pub(crate) fn making(&self) -> Option<&Making> {
        match &self.state {
            State::Making(making) => Some(making),
            State::Starting | State::Registering | State::Opening => None,
        }
    }

    pub(crate) fn advance(
        mut self,
        channel: &mut Channel,
        outgoing: &mut Vec<Vec<u8>>,
        input: &mut Input,
        io: &mut Io<'_>,
    ) -> Result<(Self, Next), Failure> {
        let state = core::mem::replace(&mut self.state, State::Starting);
        let next = match state {
            State::Starting => {
                self.state = State::Registering;
                Next::Commit(self.register(channel, io.now_ms)?)
            }
            State::Registering => {
                let counts = input.committed()?;
                check_setup_failures(&counts)?;
                let agreed = self.terms.persons.hash(&self.terms.policy);
                let message = self.details.as_deref().unwrap_or(&agreed);
                for peer in channel.peers().to_vec() {
                    outgoing.extend(channel.send(ROUND_INVITATION, peer, &[message], io.rng)?);
                }
                self.state = State::Opening;
                Next::Again
            }
            State::Opening => match channel.take_round(ROUND_INVITATION)? {
                None => {
                    self.state = State::Opening;
                    Next::Wait
                }
                Some(messages) => {
                    let agreed = self.terms.persons.hash(&self.terms.policy);
                    if messages.values().any(|message| message.as_slice() != agreed) {
                        return Err(Failure::config("a party holds another policy or persons"));
                    }
                    self.start_protocols(channel, outgoing, io)?;
                    Next::Again
                }
            },
            State::Making(making) => {
                let (making, next) = making.advance(channel, outgoing, input, io)?;
                self.state = State::Making(Box::new(making));
                next
            }
        };
        Ok((self, next))
    }

    /// Takes the epoch's number and writes the session down before its first message.
    fn register(&self, channel: &Channel, now_ms: u64) -> Result<Commit, Failure> {
        let ReshareTerms { base, next, .. } = self.terms;
        let (roster, session_id) = (channel.roster(), channel.session_id());
        let mut writes = channel.registration(now_ms);
        let epochs = &mut self.membership().state().epochs;
        let change = self.authorization.change;
        writes.extend(epochs.intend(change, base, next, roster, session_id)?);
        // Taken from here on, whatever becomes of the commit.
        epochs.note_intent(next);
        Ok(Commit { writes, read_back: setup_failures(channel) })
    }

    fn start_protocols(
        &mut self,
        channel: &mut Channel,
        outgoing: &mut Vec<Vec<u8>>,
        io: &mut Io<'_>,
    ) -> Result<(), Failure> {
        let kind = match self.authorization.change {
            Change::Recover => ReshareKind::Recover,
            Change::Refresh | Change::Found => ReshareKind::Refresh,
        };
        let dealers = self.authorization.dealers();
        let (mut rounds, mut out) = (Vec::new(), Vec::new());
        for (key_id, old_epoch_id) in &self.terms.keys {
            let setup = ReshareSetup::new(
                *channel.session_id(),
                kind,
                key_id,
                THRESHOLD.required,
                THRESHOLD.total,
                channel.roster().hash(),
                *old_epoch_id,
                self.terms.base,
                self.terms.next,
                &dealers,
            )?;
            let share = self.base.as_ref().map(|base| base.key(key_id)).transpose()?;
            let me = channel.identity().role().index();
            let (round, sent) = start(setup, me, share.map(Arc::as_ref), io.rng, io.cancel)?;
            rounds.push(round);
            out.push(sent);
        }
        outgoing.extend(channel.send_bodies(1, &out, io.rng)?);
        let membership = Arc::clone(self.membership());
        let numbers = (self.terms.base, self.terms.next);
        let agreed = (Arc::clone(&self.terms.policy), self.terms.persons.clone());
        let making = Making::new(membership, numbers, agreed, rounds);
        self.state = State::Making(Box::new(making));
        Ok(())
    }
}
