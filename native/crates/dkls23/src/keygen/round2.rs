use std::collections::BTreeMap;

use k256::elliptic_curve::ops::MulByGenerator;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use tagged_hash::{Hasher, tags};
use zeroize::Zeroizing;

use super::round3::Round3;
use super::{Hello, Opening, Party};
use crate::dlog_proof::Statement;
use crate::error::Abort;
use crate::pair_setup::Requested;
use crate::party::PartyIndex;
use crate::polynomial::evaluate_points;
use crate::secret::Secret;
use crate::wire::{Bodies, Cancel, Inbox, Outgoing, deliver, poll};

/// Key generation after round 2: this party's polynomial is public in the group, its shares are
/// dealt. Holds its own part of its share and the base-OT choices.
pub struct Round2 {
    pub(super) party: Party,
    pub(super) sid: [u8; 32],
    pub(super) hellos: BTreeMap<PartyIndex, Hello>,
    pub(super) opening: Opening,
    /// What this party sent to all, for the transcript.
    pub(super) broadcast: Vec<u8>,
    pub(super) own_share: Zeroizing<Scalar>,
    pub(super) requests: BTreeMap<PartyIndex, Requested>,
}

impl Round2 {
    /// Takes everybody's opened polynomial and the share for this party, checks each against its
    /// commitment, and answers every peer's OT request.
    pub fn receive<R: CryptoRngCore + ?Sized>(
        self,
        inbox: Inbox,
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<(Round3, Outgoing), Abort> {
        let Self { party, sid, hellos, opening, broadcast, own_share, mut requests } = self;
        let mut delivered = deliver(&inbox, &party.peers, party.round2_lengths())?;
        for bodies in &mut delivered {
            if *bodies.broadcast.array()? != sid {
                return Err(Abort::Equivocation);
            }
        }

        let mut share = Secret::new(*own_share);
        let mut sums: Vec<_> = opening.points.iter().map(ProjectivePoint::from).collect();
        let mut chain_code_shares = BTreeMap::from([(party.index, opening.chain_code_share)]);
        for bodies in &mut delivered {
            poll(cancel)?;
            let hello = hellos.get(&bodies.sender).ok_or(Abort::Config)?;
            let (opened, dealt) = check(&party, &sid, hello, bodies, cancel)?;
            *share += *dealt;
            sums.iter_mut().zip(&opened.points).for_each(|(sum, point)| *sum += point);
            chain_code_shares.insert(bodies.sender, opened.chain_code_share);
        }

        let broadcasts = inbox.iter().map(|(&sender, incoming)| (sender, &incoming.broadcast));
        let broadcasts: BTreeMap<_, _> = broadcasts.chain([(party.index, &broadcast)]).collect();
        let t2 = transcript(&sid, &broadcasts);
        let mut private = BTreeMap::new();
        let mut answered = BTreeMap::new();
        for Bodies { sender, private: request, .. } in &mut delivered {
            let requested = requests.remove(sender).ok_or(Abort::Config)?;
            let mut body = Zeroizing::new(Vec::with_capacity(Party::ROUND3.private));
            body.extend(t2);
            answered.insert(*sender, requested.answer(&sid, request, &mut body, rng, cancel)?);
            private.insert(*sender, body);
        }
        let round3 = Round3 { party, sid, t2, share, sums, chain_code_shares, answered };
        Ok((round3, Outgoing { broadcast: Vec::new(), private }))
    }
}

/// One sender's message, after sid and before its OT request: fields in range, commitment, proofs,
/// share in range, Feldman.
fn check(
    party: &Party,
    sid: &[u8; 32],
    hello: &Hello,
    bodies: &mut Bodies<'_>,
    cancel: Cancel<'_>,
) -> Result<(Opening, Zeroizing<Scalar>), Abort> {
    let Bodies { sender, broadcast, private } = bodies;
    let opened = Opening::read(broadcast, party.setup.threshold)?;
    let proofs = opened
        .points
        .iter()
        .map(|_| Ok((broadcast.point33()?, broadcast.scalar()?)))
        .collect::<Result<Vec<(AffinePoint, Scalar)>, Abort>>()?;
    if opened.commitment(&party.ctx, *sender, &hello.nonce) != hello.commitment {
        return Err(Abort::Cheat(*sender));
    }
    for (position, (commitment, (nonce_point, response))) in
        (0..).zip(opened.points.iter().zip(&proofs))
    {
        poll(cancel)?;
        let statement = Statement { sid, party: *sender, position, commitment };
        if !statement.verify(nonce_point, response) {
            return Err(Abort::Cheat(*sender));
        }
    }
    let dealt = Zeroizing::new(private.scalar()?);
    let points: Vec<_> = opened.points.iter().map(ProjectivePoint::from).collect();
    if ProjectivePoint::mul_by_generator(&dealt) != evaluate_points(&points, party.index) {
        return Err(Abort::Cheat(*sender));
    }
    Ok((opened, dealt))
}

/// `T2 = H("dkg-T2"; sid, (j ‖ round-2 broadcast of j) …)`.
fn transcript(sid: &[u8; 32], broadcasts: &BTreeMap<PartyIndex, &Vec<u8>>) -> [u8; 32] {
    let mut hasher = Hasher::new(tags::DKG_T2, 1 + broadcasts.len());
    hasher.part(sid);
    for (party, broadcast) in broadcasts {
        hasher.part_from(&[&party.byte(), broadcast]);
    }
    hasher.finish()
}
