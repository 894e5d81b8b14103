use std::collections::BTreeMap;

use k256::elliptic_curve::ops::MulByGenerator;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use tagged_hash::{Hasher, tags};
use zeroize::Zeroizing;

use super::round3::{Kept, Round3};
use super::{Hello, Opening, Party};
use crate::dlog_proof::Statement;
use crate::epoch::Epoch;
use crate::error::Abort;
use crate::pair_setup::Requested;
use crate::party::PartyIndex;
use crate::polynomial::{evaluate_points, lagrange_weight};
use crate::scalar;
use crate::secret::Secret;
use crate::wire::{Bodies, Cancel, Inbox, Outgoing, deliver, poll};

/// Key generation, refresh or recovery after round 2: a dealer's polynomial is public in the group,
/// its shares are dealt. Holds this party's own part of its share and the base-OT choices.
pub struct Round2 {
    pub(super) party: Party,
    pub(super) sid: [u8; 32],
    pub(super) hellos: BTreeMap<PartyIndex, Hello>,
    /// What a dealer deals to itself, and its opening.
    pub(super) dealt: Option<(Zeroizing<Scalar>, Opening)>,
    /// What this party sent to all, for the transcript.
    pub(super) broadcast: Vec<u8>,
    pub(super) requests: BTreeMap<PartyIndex, Requested>,
}

impl Round2 {
    /// Takes every dealer's opened polynomial and share for this party, checks each against its
    /// commitment, and in a reshare against the epoch that it is dealt from; answers every peer's
    /// OT request.
    ///
    /// [`Abort::Config`] if a dealer means another old epoch than this party's setup names.
    pub fn receive<R: CryptoRngCore + ?Sized>(
        self,
        inbox: Inbox,
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<(Round3, Outgoing), Abort> {
        let Self { mut party, sid, hellos, dealt, broadcast, mut requests } = self;
        let (me, peers) = (party.me(), party.header.peers());
        let mut delivered = deliver(&inbox, &peers, |sender| party.round2_lengths(sender))?;
        for bodies in &mut delivered {
            if *bodies.broadcast.array()? != sid {
                return Err(Abort::Equivocation);
            }
        }
        let dealt_to_me = read_dealt(&mut party, &mut delivered)?;

        let mut share = Secret::new(Scalar::ZERO);
        let mut sums = vec![ProjectivePoint::IDENTITY; party.header.threshold.into()];
        let mut chain_code_shares = BTreeMap::new();
        let mut take = |dealer, dealt: &Scalar, opened: &Opening| {
            *share += dealt;
            sums.iter_mut().zip(&opened.points).for_each(|(sum, point)| *sum += point);
            chain_code_shares.extend(opened.chain_code_share.map(|share| (dealer, share)));
        };
        if let Some((own, opening)) = &dealt {
            take(me, own, opening);
        }
        for bodies in &mut delivered {
            let Some(dealt) = dealt_to_me.get(&bodies.sender) else { continue };
            poll(cancel)?;
            let hello = hellos.get(&bodies.sender).ok_or(Abort::Config)?;
            let (opened, dealt) = check(&party, &sid, hello, bodies, dealt, cancel)?;
            take(bodies.sender, &dealt, &opened);
        }

        let broadcasts = inbox.iter().map(|(&sender, incoming)| (sender, &incoming.broadcast));
        let broadcasts: BTreeMap<_, _> = broadcasts.chain([(me, &broadcast)]).collect();
        let t2 = party.transcript(&sid, &broadcasts);
        let mut private = BTreeMap::new();
        let mut answered = BTreeMap::new();
        for Bodies { sender, private: request, .. } in &mut delivered {
            let requested = requests.remove(sender).ok_or(Abort::Config)?;
            let mut body = Zeroizing::new(Vec::with_capacity(Party::ROUND3.private));
            body.extend(t2);
            answered.insert(*sender, requested.answer(&sid, request, &mut body, rng, cancel)?);
            private.insert(*sender, body);
        }
        let kept = match &party.old {
            None => Kept { key: None, chain_code: chain_code(&sid, &chain_code_shares) },
            Some(old) => {
                let epoch = old.known.as_ref().ok_or(Abort::Config)?;
                Kept { key: Some(*epoch.key_point()), chain_code: epoch.chain_code() }
            }
        };
        let round3 = Round3 { party, sid, t2, share, sums, kept, answered };
        Ok((round3, Outgoing { broadcast: Vec::new(), private }))
    }
}

/// What each dealer dealt to this party, not yet read; and, in a reshare, the old epoch, which must
/// be the one of this party's setup before anything is checked against it.
fn read_dealt<'a>(
    party: &mut Party,
    delivered: &mut [Bodies<'a>],
) -> Result<BTreeMap<PartyIndex, &'a [u8; 32]>, Abort> {
    let mut dealt = BTreeMap::new();
    let old_epoch_length = party.old_epoch_length();
    for Bodies { sender, private, .. } in delivered {
        if !party.deals(*sender) {
            continue;
        }
        dealt.insert(*sender, private.array()?);
        if let Some(old) = &mut party.old {
            let epoch = Epoch::decode(private.slice(old_epoch_length)?);
            let epoch = epoch.map_err(|_| Abort::Malformed(*sender))?;
            if epoch.id() != old.id {
                return Err(Abort::Config);
            }
            old.known.get_or_insert(epoch);
        }
    }
    Ok(dealt)
}

/// One dealer's message, after sid and before its OT request. Key generation: fields in range,
/// commitment, proofs, share in range, Feldman. Reshare: fields and share in range, commitment, the
/// dealer's own part of the key, proofs, Feldman.
fn check(
    party: &Party,
    sid: &[u8; 32],
    hello: &Hello,
    bodies: &mut Bodies<'_>,
    dealt: &[u8; 32],
    cancel: Cancel<'_>,
) -> Result<(Opening, Zeroizing<Scalar>), Abort> {
    let Bodies { sender, broadcast, .. } = bodies;
    let dealer = *sender;
    let opened = Opening::read(party, broadcast)?;
    let proofs = opened
        .points
        .iter()
        .map(|_| Ok((broadcast.point33()?, broadcast.scalar()?)))
        .collect::<Result<Vec<(AffinePoint, Scalar)>, Abort>>()?;
    let dealt = scalar::decode(dealt).map(Zeroizing::new).ok_or(Abort::Malformed(dealer));
    let dealt = if party.old.is_some() { Ok(dealt?) } else { dealt };
    if Some(opened.commitment(party, dealer, &hello.nonce)) != hello.commitment {
        return Err(Abort::Cheat(dealer));
    }
    if let Some(old) = &party.old {
        let old_share = old.known.as_ref().and_then(|epoch| epoch.public_share(dealer));
        let old_share = ProjectivePoint::from(old_share.ok_or(Abort::Config)?);
        let part_of_key = old_share * lagrange_weight(dealer, &party.dealers);
        if opened.points.first().map(ProjectivePoint::from) != Some(part_of_key) {
            return Err(Abort::Cheat(dealer));
        }
    }
    for (position, (commitment, (nonce_point, response))) in
        (0..).zip(opened.points.iter().zip(&proofs))
    {
        poll(cancel)?;
        let statement = Statement { sid, party: dealer, position, commitment };
        if !statement.verify(nonce_point, response) {
            return Err(Abort::Cheat(dealer));
        }
    }
    let dealt = dealt?;
    let points: Vec<_> = opened.points.iter().map(ProjectivePoint::from).collect();
    if ProjectivePoint::mul_by_generator(&dealt) != evaluate_points(&points, party.me()) {
        return Err(Abort::Cheat(dealer));
    }
    Ok((opened, dealt))
}

/// `H("cc"; sid, cc_1, …, cc_n)`.
fn chain_code(sid: &[u8; 32], shares: &BTreeMap<PartyIndex, [u8; 32]>) -> [u8; 32] {
    let mut hasher = Hasher::new(tags::CC, 1 + shares.len());
    hasher.part(sid);
    shares.values().for_each(|share| hasher.part(share));
    hasher.finish()
}
