use std::collections::BTreeMap;

use k256::elliptic_curve::group::Group;
use k256::{AffinePoint, ProjectivePoint, Scalar};

use super::Party;
use crate::epoch::{Epoch, EpochBody};
use crate::error::Abort;
use crate::pair_setup::{Answered, Finished};
use crate::party::PartyIndex;
use crate::point;
use crate::polynomial::evaluate_points;
use crate::secret::Secret;
use crate::share::{KeyShare, PeerMaterial};
use crate::wire::{Cancel, Inbox, deliver};

/// Key generation, refresh or recovery after round 2's messages were taken: every polynomial is
/// checked. Holds the share.
pub struct Round3 {
    pub(super) party: Party,
    pub(super) sid: [u8; 32],
    pub(super) t2: [u8; 32],
    pub(super) share: Secret<Scalar>,
    /// `Σ_j F_j[k]` over the dealers.
    pub(super) sums: Vec<ProjectivePoint>,
    pub(super) kept: Kept,
    pub(super) answered: BTreeMap<PartyIndex, Answered>,
}

/// What must come out, beside the shares.
pub(super) struct Kept {
    /// The group key of the old epoch; None if this makes one.
    pub(super) key: Option<AffinePoint>,
    pub(super) chain_code: [u8; 32],
}

impl Round3 {
    /// Takes everybody's transcript hash and OT answer: the share of a pending epoch.
    ///
    /// A wrong OT proof is [`Abort::SetupCheat`]: whoever drives the ceremony counts it durably,
    /// because a bad base-OT pad passes exactly if the choice bit is zero, and free retries would
    /// pick a Δ.
    pub fn receive(self, inbox: Inbox, cancel: Cancel<'_>) -> Result<KeyShare, Abort> {
        let Self { party, sid, t2, share, sums, kept, mut answered } = self;
        let peers = party.header.peers();
        let mut delivered = deliver(&inbox, &peers, |_| Party::ROUND3)?;
        for bodies in &mut delivered {
            if *bodies.private.array()? != t2 {
                return Err(Abort::Equivocation);
            }
        }
        let mut material = BTreeMap::new();
        for bodies in &mut delivered {
            let answered = answered.remove(&bodies.sender).ok_or(Abort::Config)?;
            let Finished { zero_seed, ids, state } =
                answered.finish(&mut bodies.private, cancel)?;
            material.insert(bodies.sender, PeerMaterial { zero_seed, ids, state: Some(state) });
        }

        let unattributed = Abort::unattributed(&peers);
        let key = sums.first().copied().unwrap_or(ProjectivePoint::IDENTITY);
        if kept.key.is_some_and(|kept| key != kept) {
            return Err(unattributed);
        }
        let public_shares =
            PartyIndex::committee(party.header.parties).map(|party| evaluate_points(&sums, party));
        let points: Vec<_> = [key].into_iter().chain(public_shares).collect();
        if points.iter().any(|point| point.is_identity().into()) {
            return Err(unattributed);
        }
        let mut points = point::normalize(&points).into_iter();
        let epoch = Epoch::new(EpochBody {
            session_id: party.session_id,
            epoch_no: party.epoch_no,
            sid,
            t2,
            public_key: points.next().ok_or(unattributed)?,
            public_shares: points.collect(),
            chain_code: kept.chain_code,
        });
        // A share of zero, or one that does not fit its public share, is nobody's in particular.
        KeyShare::assemble(party.header, epoch, share, material).map_err(|_| unattributed)
    }
}
