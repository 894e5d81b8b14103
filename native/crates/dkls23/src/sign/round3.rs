use k256::Scalar;
use k256::elliptic_curve::ops::Invert;
use k256::elliptic_curve::scalar::IsHigh;

use super::{ROUND3, Session, Signature, Target};
use crate::error::Abort;
use crate::wire::{Bodies, Inbox, deliver_items};
use crate::{ecdsa, scalar};

/// Signing after round 3: this party's share of each signature is on its way.
pub struct Round3 {
    pub(super) session: Session,
    pub(super) partials: Vec<Partial>,
}

/// This party's share of one signature; nothing in it is secret once it is sent.
pub(super) struct Partial {
    pub(super) target: Target,
    /// `T2' = H("sign-T2"; R, T1, digest)`.
    pub(super) t2: [u8; 32],
    /// R's x modulo the order.
    pub(super) r: Scalar,
    /// R's recovery id, before s is made low.
    pub(super) recovery_id: u8,
    pub(super) w: Scalar,
    pub(super) u: Scalar,
}

impl Round3 {
    /// Takes everybody's share of each signature. A signature that does not verify is not released:
    /// it is [`Abort::Unattributed`], with a culprit if there is only one other signer.
    pub fn receive(self, inbox: Inbox) -> Result<Vec<Signature>, Abort> {
        let Self { session, partials } = self;
        session.release()?;
        let mut delivered = deliver_items(&inbox, &session.peers, partials.len(), ROUND3)?;
        for (partial, all) in partials.iter().zip(&mut delivered) {
            for bodies in all {
                if *bodies.broadcast.array()? != partial.t2 {
                    return Err(Abort::Equivocation);
                }
            }
        }
        partials
            .into_iter()
            .zip(delivered)
            .map(|(partial, all)| partial.finish(&session, all))
            .collect()
    }

    /// Whether round 3's messages may leave: ask again just before they do.
    pub fn release(&self) -> Result<(), Abort> {
        self.session.release()
    }
}

impl Partial {
    /// `s = Σw / Σu`. The sums are public: every party sent its part to all.
    fn finish(self, session: &Session, delivered: Vec<Bodies<'_>>) -> Result<Signature, Abort> {
        let Self { target, r, mut recovery_id, mut w, mut u, .. } = self;
        for mut bodies in delivered {
            w += bodies.broadcast.scalar()?;
            u += bodies.broadcast.scalar()?;
        }
        let unattributed = Abort::unattributed(&session.peers);
        // Zero only if somebody chose its u for that: a rushing party can.
        let inverse: Option<Scalar> = u.invert_vartime().into();
        let mut s = w * inverse.ok_or(unattributed)?;
        if bool::from(s.is_high()) {
            s = -s;
            recovery_id ^= 1;
        }
        let (r, s) = (scalar::encode(&r), scalar::encode(&s));
        if !ecdsa::verify(&target.key, &target.digest, &r, &s) {
            return Err(unattributed);
        }
        Ok(Signature { r, s, recovery_id })
    }
}
