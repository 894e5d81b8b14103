//! A signing request as it arrives at the co-signer: verified, opened, and still nothing but a request.

use std::sync::Arc;

use dkls23::PartyIndex;
use policy::Permit;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::authorization::{ConsentedItem, ParsedPayload, SigningAuthorization};
use crate::channel::Channel;
use crate::descriptor::{Descriptor, Kind};
use crate::document::{self, Origin, ProposedItem, SignDetails};
use crate::envelope::{Envelope, ROUND_ABORT, ROUND_INVITATION};
use crate::identity::{Identity, SIGNATURE_BYTES};
use crate::roster::THRESHOLD;
use crate::sealing::Use;
use crate::wallet::{ECDSA_KEY_ID, check_path};
use crate::{Failure, Role, Roster, Wallet};

/// An opened invitation to sign.
pub struct Invitation {
    wallet: Arc<Wallet>,
    descriptor: Descriptor,
    memo: String,
    origin: Origin,
    items: Vec<ProposedItem>,
}

impl Invitation {
    /// Verifies descriptor and signature against the wallet's roster and opens round 0.
    ///
    /// # Errors
    /// `Config`: see [`Descriptor`], and another policy, epoch, key, or details that are not what the
    /// descriptor commits to.
    pub fn open(
        wallet: &Arc<Wallet>,
        descriptor: &[u8],
        signature: &[u8],
        round0: &[u8],
        now_ms: u64,
    ) -> Result<Self, Failure> {
        let descriptor = Descriptor::decode(descriptor)
            .ok_or_else(|| Failure::config("not a session descriptor"))?;
        let signature: &[u8; SIGNATURE_BYTES] = signature
            .try_into()
            .map_err(|_| Failure::config("a descriptor's signature has 64 bytes"))?;
        descriptor.check(signature, wallet.roster(), wallet.role(), now_ms)?;
        if descriptor.kind != Kind::Sign {
            return Err(Failure::config("not an invitation to sign"));
        }
        if descriptor.epoch != wallet.epoch() {
            return Err(Failure::config("the invitation is of another epoch"));
        }
        if descriptor.participants.len() != usize::from(THRESHOLD.required)
            || descriptor.initiator == wallet.role()
        {
            return Err(Failure::config("a quorum is the initiator and one other party"));
        }
        let (identity, roster) = (wallet.identity(), wallet.roster());
        let details: SignDetails = open_details((identity, roster), &descriptor, round0)?;
        if details.key_id != ECDSA_KEY_ID {
            return Err(Failure::config("the wallet has no such key"));
        }
        let items = details.items(&wallet.policy().hash())?;
        let origin = details.origin()?;
        for item in &items {
            check_path(&item.path)?;
        }
        Ok(Self { wallet: Arc::clone(wallet), descriptor, memo: details.memo, origin, items })
    }

    /// The session.
    pub fn session_id(&self) -> [u8; 32] {
        self.descriptor.session_id()
    }

    /// Who asks.
    pub fn initiator(&self) -> Role {
        self.descriptor.initiator
    }

    /// The initiator's note; its words only.
    pub fn memo(&self) -> &str {
        &self.memo
    }

    /// By what name and on whose behalf the initiator asks; whether the principal signed is not known yet.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// After this the request is void.
    pub fn expires_at_ms(&self) -> u64 {
        self.descriptor.expires_at_ms
    }

    /// What the initiator asks to be signed. Nothing here was believed yet: parse the bytes.
    pub fn items(&self) -> &[ProposedItem] {
        &self.items
    }

    /// This party's yes, given what its policy made of what it read in the very bytes of the invitation.
    ///
    /// # Errors
    /// `Config` if a payload differs from the invitation's in bytes, kind, chain or digest, or the invitation
    /// has expired.
    pub fn accept(
        &self,
        permit: Permit,
        payloads: Vec<ParsedPayload>,
        now_ms: u64,
    ) -> Result<SigningAuthorization, Failure> {
        self.descriptor.check_times(now_ms)?;
        if payloads.len() != self.items.len() {
            return Err(Failure::config("one payload for each item of the invitation"));
        }
        let mut consented = Vec::with_capacity(payloads.len());
        for (payload, item) in payloads.into_iter().zip(&self.items) {
            let same = payload.bytes == item.bytes
                && payload.kind == item.kind
                && payload.chain == item.chain
                && payload.digest == item.digest
                && payload.digest_kind == item.digest_kind;
            if !same {
                return Err(Failure::config("the initiator's digest is not of its bytes"));
            }
            consented.push(ConsentedItem { payload, path: item.path.clone() });
        }
        SigningAuthorization::for_session(
            &self.wallet,
            permit,
            consented,
            self.origin.clone(),
            (self.expires_at_ms(), self.session_id()),
        )
    }

    /// Whether an envelope is the initiator's signed stop of this session: the request was taken back.
    pub fn is_withdrawn_by(&self, envelope: &[u8]) -> bool {
        let descriptor = &self.descriptor;
        let initiator = descriptor.initiator.index();
        Envelope::decode(envelope).is_some_and(|envelope| {
            let header = &envelope.header;
            header.round == ROUND_ABORT
                && header.session_id == descriptor.session_id()
                && header.from == initiator
                && header.to == self.wallet.role().index()
                && self
                    .wallet
                    .roster()
                    .member(initiator)
                    .is_some_and(|member| envelope.is_signed_by(member))
        })
    }

    /// This party's no, as signed abort envelopes for the initiator.
    pub fn refuse(&self) -> Vec<Vec<u8>> {
        let identity = Arc::clone(self.wallet.identity());
        let roster = self.wallet.roster().clone();
        Channel::new(identity, roster, self.descriptor.clone())
            .send_abort(&Failure::refused("this party refused"))
    }

    /// This party's shares of the epoch under which it is asked to sign.
    pub fn wallet(&self) -> &Arc<Wallet> {
        &self.wallet
    }

    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

/// The initiator's round 0, if it is signed, opens with this party's key, and is what the descriptor commits to.
pub(crate) fn open_details<T: Serialize + DeserializeOwned>(
    (identity, roster): (&Identity, &Roster),
    descriptor: &Descriptor,
    round0: &[u8],
) -> Result<T, Failure> {
    let from: PartyIndex = descriptor.initiator.index();
    let envelope =
        Envelope::decode(round0).ok_or_else(|| Failure::config("round 0 is not an envelope"))?;
    let header = &envelope.header;
    let fits = header.round == ROUND_INVITATION
        && header.kind == descriptor.kind.byte()
        && header.session_id == descriptor.session_id()
        && header.wallet_id == descriptor.wallet_id
        && header.epoch == descriptor.epoch
        && header.from == from
        && header.to == identity.role().index()
        && header.parts == 1;
    if !fits {
        return Err(Failure::config("round 0 is of another session"));
    }
    let signed = roster.member(from).is_some_and(|member| envelope.is_signed_by(member));
    if !signed {
        return Err(Failure::config("round 0 is not signed by the initiator"));
    }
    let salted = identity
        .sealing()
        .open(Use::Invitation, envelope.header_bytes, envelope.body)
        .ok_or_else(|| Failure::config("round 0 does not open"))?;
    if document::setup_details_hash(&salted) != Some(descriptor.setup_details_hash) {
        return Err(Failure::config("the details are not those of the descriptor"));
    }
    salted
        .get(32..)
        .and_then(canonical::decode)
        .ok_or_else(|| Failure::config("the details are not a canonical document"))
}
