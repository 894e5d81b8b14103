//! Sharing a key anew in three rounds: the protocol of refresh and of recovery (specification,
//! section B.7). Every share, zero-sharing seed and OT state is new; the group key and the chain code
//! stay, and with them every address.
//!
//! Each dealer deals `λ_i^Q·s_i`, its part of the key, and is held to it by the old epoch's public
//! shares. A lost party is left out of the dealers Q and takes its new share as a newcomer, who
//! learns the old epoch from the dealers and knows it by its id. A party's share of the old epoch
//! and one of the new never sign together, and no mixture of them interpolates the key: once all
//! confirmed the new epoch, whoever holds a share of the old must erase it.
//!
//! Sent by each dealer: 96 bytes to all; 64 + 98t to all and 8 681 + 33n to each peer; 13 600 to
//! each peer. By the others: 64 to all; 32 to all and 8 480 to each peer; 13 600 to each peer.
//! Nothing is poisoned by a failure, and the old shares are as good as before. The share is of a
//! *pending* epoch, as in [`crate::keygen`].

use rand_core::CryptoRngCore;
use tagged_hash::tags;

use crate::context::CeremonyContext;
use crate::dealing::{OldEpoch, Party};
use crate::error::Abort;
use crate::party::PartyIndex;
use crate::polynomial::Polynomial;
use crate::share::{KeyShare, ShareHeader};
use crate::wire::{Cancel, Outgoing, poll};

pub use crate::dealing::{Round1, Round2, Round3};

/// Why a key is shared anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReshareKind {
    /// All parties renew their shares: everybody deals.
    Refresh,
    /// A party's share is lost, stolen or useless: at least `threshold` others deal.
    Recover,
}

/// What all parties agree on before round 1. A difference surfaces as [`Abort::Config`] in round 1.
pub struct ReshareSetup {
    session_id: [u8; 32],
    kind: ReshareKind,
    key_id: String,
    threshold: u8,
    parties: u8,
    roster_hash: [u8; 32],
    old_epoch_id: [u8; 32],
    old_epoch_no: u64,
    epoch_no: u64,
    dealers: Vec<PartyIndex>,
}

impl ReshareSetup {
    /// Threshold and parties are those of both epochs; the roster is the new one's, which names the
    /// party that replaces a lost one.
    ///
    /// [`Abort::Config`] unless 2 ≤ threshold ≤ parties ≤ 16, the key id has 1 to 255 bytes, the
    /// session id is not zero, the epoch number is above the old one, and the dealers are at least
    /// `threshold` parties, ascending without repetition: in a refresh all of them.
    #[allow(clippy::too_many_arguments, reason = "each is a field of the context")]
    pub fn new(
        session_id: [u8; 32],
        kind: ReshareKind,
        key_id: &str,
        threshold: u8,
        parties: u8,
        roster_hash: [u8; 32],
        old_epoch_id: [u8; 32],
        old_epoch_no: u64,
        epoch_no: u64,
        dealers: &[PartyIndex],
    ) -> Result<Self, Abort> {
        let (key_id, dealers) = (key_id.to_owned(), dealers.to_vec());
        let setup = Self {
            session_id,
            kind,
            key_id,
            threshold,
            parties,
            roster_hash,
            old_epoch_id,
            old_epoch_no,
            epoch_no,
            dealers,
        };
        let possible = session_id != [0; 32]
            && setup.header(PartyIndex::MIN).is_possible()
            && epoch_no > old_epoch_no
            && setup.has_possible_dealers();
        if possible { Ok(setup) } else { Err(Abort::Config) }
    }

    fn has_possible_dealers(&self) -> bool {
        let needed = match self.kind {
            ReshareKind::Refresh => self.parties,
            ReshareKind::Recover => self.threshold,
        };
        self.dealers.len() >= needed.into()
            && self.dealers.is_sorted_by(|dealer, next| dealer < next)
            && self.dealers.iter().all(|dealer| dealer.get() <= self.parties)
    }

    fn header(&self, index: PartyIndex) -> ShareHeader {
        ShareHeader {
            key_id: self.key_id.clone(),
            index,
            threshold: self.threshold,
            parties: self.parties,
            roster_hash: self.roster_hash,
        }
    }

    fn context(&self) -> [u8; 32] {
        let dealers: Vec<u8> = self.dealers.iter().map(|dealer| dealer.get()).collect();
        CeremonyContext {
            tag: match self.kind {
                ReshareKind::Refresh => tags::CTX_REFRESH,
                ReshareKind::Recover => tags::CTX_RECOVER,
            },
            session_id: &self.session_id,
            key_id: &self.key_id,
            threshold: self.threshold,
            parties: self.parties,
            roster_hash: &self.roster_hash,
            old_epoch_id: &self.old_epoch_id,
            old_epoch_no: self.old_epoch_no,
            epoch_no: self.epoch_no,
            dealers: &dealers,
        }
        .hash()
    }

    /// Whether this is the party's share of the key in the old epoch.
    fn is_about(&self, share: &KeyShare, index: PartyIndex) -> bool {
        let epoch = share.epoch();
        (epoch.id(), epoch.epoch_no()) == (self.old_epoch_id, self.old_epoch_no)
            && (share.key_id(), share.index()) == (&self.key_id, index)
            && (share.threshold(), share.parties()) == (self.threshold, self.parties)
    }
}

/// Starts a refresh or recovery as party `index`, with its share of the old epoch if it has one.
///
/// A dealer needs only the secret and the epoch of that share: it may be from a backup, and its
/// pairs may be poisoned. [`Abort::Config`] if the setup has no such party, if a dealer has no
/// share, or if the share is not the party's of the old epoch.
pub fn start<R: CryptoRngCore + ?Sized>(
    setup: ReshareSetup,
    index: PartyIndex,
    share: Option<&KeyShare>,
    rng: &mut R,
    cancel: Cancel<'_>,
) -> Result<(Round1, Outgoing), Abort> {
    let header = setup.header(index);
    if !header.is_possible() || share.is_some_and(|share| !setup.is_about(share, index)) {
        return Err(Abort::Config);
    }
    poll(cancel)?;
    let ctx = setup.context();
    let ReshareSetup { session_id, threshold, old_epoch_id, epoch_no, dealers, .. } = setup;
    let part_of_key = if dealers.contains(&index) {
        Some(share.ok_or(Abort::Config)?.part_of_key(&dealers))
    } else {
        None
    };
    let old = OldEpoch { id: old_epoch_id, known: share.map(|share| share.epoch().clone()) };
    let party = Party { header, session_id, epoch_no, ctx, dealers, old: Some(old) };
    let deal = |rng: &mut R| {
        part_of_key.map(|part_of_key| Polynomial::with_constant(&part_of_key, threshold, rng))
    };
    Ok(party.start(deal, rng))
}
