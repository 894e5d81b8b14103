use std::collections::BTreeMap;
use std::sync::Arc;

use k256::elliptic_curve::group::Group;
use k256::elliptic_curve::ops::{LinearCombinationExt, MulByGenerator};
use k256::elliptic_curve::point::AffineCoordinates;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use tagged_hash::{hash, tags};

use super::round3::{Partial, Round3};
use super::{Hello, ROUND2, Session, Target, commit};
use crate::error::Abort;
use crate::party::PartyIndex;
use crate::secret::Secret;
use crate::share::KeyShare;
use crate::vole::{Bob, Message2};
use crate::wire::{Bodies, Cancel, Inbox, Outgoing, deliver_items, poll};
use crate::{point, scalar};

/// Signing after round 2: every peer's request is answered. Holds the nonce shares, the masked key
/// shares and the VOLE outputs.
pub struct Round2 {
    pub(super) share: Arc<KeyShare>,
    pub(super) session: Session,
    pub(super) masked: Vec<Masked>,
}

/// One item between round 2 and round 3.
pub(super) struct Masked {
    pub(super) target: Target,
    pub(super) t1: [u8; 32],
    pub(super) hellos: BTreeMap<PartyIndex, Hello>,
    /// `(r_i, sk_i)`.
    pub(super) inputs: Secret<[Scalar; 2]>,
    pub(super) nonce_point: AffinePoint,
    pub(super) key_point: AffinePoint,
    pub(super) phi: Secret<Scalar>,
    /// `Σ_j (c^u_j, c^v_j)`.
    pub(super) sums: Secret<[Scalar; 2]>,
    pub(super) bobs: BTreeMap<PartyIndex, Bob>,
}

impl Round2 {
    /// Takes everybody's answers, checks that each peer used one nonce and one key share
    /// throughout, and gives this party's share of the signature: once it leaves, a signature may
    /// exist.
    pub fn receive(self, inbox: Inbox, cancel: Cancel<'_>) -> Result<(Round3, Outgoing), Abort> {
        let Self { share, session, masked } = self;
        session.release()?;
        let mut delivered = deliver_items(&inbox, &session.peers, masked.len(), ROUND2)?;
        for (masked, all) in masked.iter().zip(&mut delivered) {
            for bodies in all {
                if *bodies.private.array()? != masked.t1 {
                    return Err(Abort::Equivocation);
                }
            }
        }
        let mut broadcast = Vec::new();
        let mut partials = Vec::with_capacity(masked.len());
        for (masked, all) in masked.into_iter().zip(delivered) {
            let partial = masked.combine(&share, &session, all, cancel)?;
            broadcast.extend(partial.t2);
            broadcast.extend(scalar::encode(&partial.w));
            broadcast.extend(scalar::encode(&partial.u));
            partials.push(partial);
        }
        session.release()?;
        Ok((Round3 { session, partials }, Outgoing { broadcast, private: BTreeMap::new() }))
    }

    /// Whether round 2's messages may leave: ask again just before they do.
    pub fn release(&self) -> Result<(), Abort> {
        self.session.release()
    }
}

impl Masked {
    /// Everything of one item: the checks of each sender's message, the sums, this party's w and u.
    fn combine(
        self,
        share: &KeyShare,
        session: &Session,
        delivered: Vec<Bodies<'_>>,
        cancel: Cancel<'_>,
    ) -> Result<Partial, Abort> {
        let Self { target, t1, hellos, inputs, nonce_point, key_point, phi, mut sums, mut bobs } =
            self;
        let mut nonce_sum = ProjectivePoint::from(nonce_point);
        let mut key_sum = ProjectivePoint::from(key_point);
        let mut phi_sum = Secret::new(*phi); // Φ = φ_i + Σ_j ψ_{j→i}
        for mut bodies in delivered {
            poll(cancel)?;
            let sender = bodies.sender;
            let hello = hellos.get(&sender).ok_or(Abort::Config)?;
            let bob = bobs.remove(&sender).ok_or(Abort::Config)?;
            let ticket = session.ticket(sender)?;
            let answer = Answer::read(&mut bodies)?;
            if commit(&target.ctx, sender, &hello.nonce, &answer.nonce_point, answer.salt)
                != hello.commitment
            {
                return Err(ticket.cheated());
            }
            let b = Secret::new(*bob.b());
            let (d, matrix_hash) = bob
                .finish(&t1, &answer.message2, share.gadget())
                .ok_or_else(|| ticket.cheated())?;
            if !answer.claims_hold(&b, &d, &matrix_hash) {
                return Err(ticket.cheated());
            }
            nonce_sum += answer.nonce_point;
            key_sum += answer.key_point;
            *phi_sum += answer.psi;
            sums.iter_mut().zip(d.iter()).for_each(|(sum, d)| *sum += d);
        }

        let unattributed = Abort::unattributed(&session.peers);
        if key_sum != target.key || bool::from(nonce_sum.is_identity()) {
            return Err(unattributed);
        }
        let nonce_point = nonce_sum.to_affine(); // R
        let (r, recovery_id) = project(&nonce_point);
        if bool::from(r.is_zero()) {
            return Err(unattributed);
        }

        let [nonce_share, key_share] = &*inputs;
        let [sum_u, sum_v] = &*sums;
        let u = *nonce_share * *phi_sum + sum_u;
        let v = Secret::new(*key_share * *phi_sum + sum_v);
        let w = scalar::reduce(&target.digest) * *phi + r * *v;
        let t2 = hash(tags::SIGN_T2, &[&point::encode33(&nonce_point), &t1, &target.digest]);
        Ok(Partial { target, t2, r, recovery_id, w, u })
    }
}

/// `R.x mod q`, and what is lost with it: whether y is odd, whether x was not below q (x < p, so q
/// is subtracted at most once).
fn project(nonce_point: &AffinePoint) -> (Scalar, u8) {
    let x = nonce_point.x().into();
    let was_reduced = scalar::decode(&x).is_none();
    let recovery_id = u8::from(was_reduced) << 1 | nonce_point.y_is_odd().unwrap_u8();
    (scalar::reduce(&x), recovery_id)
}

/// One peer's message of round 2 for one item, after T1.
struct Answer<'a> {
    message2: Message2<'a>,
    gamma_u: AffinePoint,
    gamma_v: AffinePoint,
    psi: Scalar,
    nonce_point: AffinePoint,
    salt: &'a [u8; 32],
    key_point: AffinePoint,
    /// Everything after message 2, as it was sent.
    encoded: &'a [u8],
}

impl<'a> Answer<'a> {
    const CLAIMS_BYTES: usize = 4 * 64 + 2 * 32;

    fn read(bodies: &mut Bodies<'a>) -> Result<Self, Abort> {
        let body = &mut bodies.private;
        let message2 = Message2::read(body)?;
        let mut ahead = *body;
        Ok(Self {
            message2,
            gamma_u: body.point64()?,
            gamma_v: body.point64()?,
            psi: body.scalar()?,
            nonce_point: body.point64()?,
            salt: body.array()?,
            key_point: body.point64()?,
            encoded: ahead.slice(Self::CLAIMS_BYTES)?,
        })
    }

    /// Whether what went into the VOLE is what the peer committed to: `b·R_j = d^u·G + Γ^u_j` and
    /// `b·pk_j = d^v·G + Γ^v_j`.
    ///
    /// Both at once, the second with a weight ρ that hashes all they depend on: whoever makes them
    /// wrong so that they cancel has to find a hash that equals a given scalar. Either failure is
    /// the same class, so nothing is lost; about 3 % of a signature's time is saved.
    fn claims_hold(&self, b: &Scalar, [d_u, d_v]: &[Scalar; 2], matrix_hash: &[u8; 32]) -> bool {
        let rho = scalar::reduce(&hash(tags::GAMMA, &[matrix_hash, self.encoded]));
        // secret-dependent: k256's linear combination is constant time, as its product is.
        let claimed = ProjectivePoint::lincomb_ext(&[
            (self.nonce_point.into(), *b),
            (self.key_point.into(), rho * b),
            (self.gamma_v.into(), -rho),
        ]);
        claimed == ProjectivePoint::mul_by_generator(&(rho * d_v + d_u)) + self.gamma_u
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The x-coordinates between q and p are too rare for a signature to meet one, and their points
    /// too unrelated to G to make one; the smallest on the curve stand in.
    #[test]
    fn a_nonce_point_with_x_beyond_the_order_is_projected_and_remembered() {
        let mut order = scalar::encode(&-Scalar::ONE);
        order[31] += 1;
        let mut seen = 0;
        for offset in 0..40 {
            for parity in [0, 1] {
                let mut encoded = [2 + parity; 33];
                encoded[1..].copy_from_slice(&order);
                encoded[32] += offset;
                let Some(point) = point::decode33(&encoded) else { continue };
                assert_eq!(project(&point), (Scalar::from(u64::from(offset)), 2 | parity));
                seen += 1;
            }
        }
        assert!(seen > 10);
        let (r, recovery_id) = project(&AffinePoint::GENERATOR);
        assert_eq!(scalar::encode(&r), <[u8; 32]>::from(AffinePoint::GENERATOR.x()));
        assert_eq!(recovery_id, AffinePoint::GENERATOR.y_is_odd().unwrap_u8());
    }
}
