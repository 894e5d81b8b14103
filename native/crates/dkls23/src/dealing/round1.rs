use std::collections::BTreeMap;

use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::round2::Round2;
use super::{Hello, Opening, Party};
use crate::dlog_proof::Statement;
use crate::error::Abort;
use crate::pair_setup;
use crate::polynomial::Polynomial;
use crate::scalar;
use crate::wire::{Cancel, Inbox, Outgoing, deliver, poll};

/// Key generation, refresh or recovery after round 1: a dealer has committed to its polynomial.
/// Holds the polynomial.
pub struct Round1 {
    pub(super) party: Party,
    pub(super) hello: Hello,
    /// None for who does not deal.
    pub(super) dealing: Option<(Polynomial, Opening)>,
}

impl Round1 {
    /// Takes everybody's commitment; a dealer opens its own, proves that it knows the polynomial
    /// and deals the shares; everybody starts the OT setup with every peer.
    pub fn receive<R: CryptoRngCore + ?Sized>(
        self,
        inbox: Inbox,
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<(Round2, Outgoing), Abort> {
        let Self { party, hello, dealing } = self;
        let (me, peers) = (party.me(), party.header.peers());
        let mut hellos = BTreeMap::from([(me, hello)]);
        let mut delivered = deliver(&inbox, &peers, |sender| party.round1_lengths(sender))?;
        for bodies in &mut delivered {
            if *bodies.broadcast.array()? != party.ctx {
                return Err(Abort::Config);
            }
            let nonce = *bodies.broadcast.array()?;
            let commitment = match party.deals(bodies.sender) {
                true => Some(*bodies.broadcast.array()?),
                false => None,
            };
            hellos.insert(bodies.sender, Hello { nonce, commitment });
        }
        let sid = party.session(&hellos);

        let lengths = party.round2_lengths(me);
        let mut broadcast = Vec::with_capacity(lengths.broadcast);
        broadcast.extend(sid);
        if let Some((polynomial, opening)) = &dealing {
            opening.write(&mut broadcast);
            let coefficients = polynomial.coefficients().iter().zip(&opening.points);
            for (position, (coefficient, commitment)) in (0..).zip(coefficients) {
                poll(cancel)?;
                let statement = Statement { sid: &sid, party: me, position, commitment };
                broadcast.extend(statement.prove(coefficient, rng));
            }
        }

        let requests = pair_setup::request_all(&sid, me, &peers, rng, cancel)?;
        let old_epoch = party.old.as_ref().and_then(|old| old.known.as_ref());
        let old_epoch = old_epoch.map(|epoch| epoch.encode()).unwrap_or_default();
        let private = requests
            .iter()
            .map(|(&peer, request)| {
                let mut body = Zeroizing::new(Vec::with_capacity(lengths.private));
                if let Some((polynomial, _)) = &dealing {
                    body.extend(scalar::encode(&polynomial.evaluate(peer)));
                    body.extend(&old_epoch);
                }
                request.write(&mut body);
                (peer, body)
            })
            .collect();
        let dealt = dealing.map(|(polynomial, opening)| (polynomial.evaluate(me), opening));
        let outgoing = Outgoing { broadcast: broadcast.clone(), private };
        Ok((Round2 { party, sid, hellos, dealt, broadcast, requests }, outgoing))
    }
}
