use std::collections::BTreeMap;

use rand_core::CryptoRngCore;
use tagged_hash::{Hasher, tags};
use zeroize::Zeroizing;

use super::round2::Round2;
use super::{Hello, Opening, Party};
use crate::dlog_proof::Statement;
use crate::error::Abort;
use crate::pair_setup;
use crate::party::PartyIndex;
use crate::polynomial::Polynomial;
use crate::scalar;
use crate::wire::{Cancel, Inbox, Outgoing, deliver, poll};

/// Key generation after round 1: this party has committed to its polynomial. Holds the polynomial.
pub struct Round1 {
    pub(super) party: Party,
    pub(super) hello: Hello,
    pub(super) polynomial: Polynomial,
    pub(super) opening: Opening,
}

impl Round1 {
    /// Takes everybody's commitment; opens its own, proves that it knows the polynomial, deals the
    /// shares and starts the OT setup with every peer.
    pub fn receive<R: CryptoRngCore + ?Sized>(
        self,
        inbox: Inbox,
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<(Round2, Outgoing), Abort> {
        let Self { party, hello, polynomial, opening } = self;
        let mut hellos = BTreeMap::from([(party.index, hello)]);
        for mut bodies in deliver(&inbox, &party.peers, Party::ROUND1)? {
            if *bodies.broadcast.array()? != party.ctx {
                return Err(Abort::Config);
            }
            let hello =
                Hello { nonce: *bodies.broadcast.array()?, commitment: *bodies.broadcast.array()? };
            hellos.insert(bodies.sender, hello);
        }
        let sid = session(&party.ctx, &hellos);

        let mut broadcast = Vec::with_capacity(party.round2_lengths().broadcast);
        broadcast.extend(sid);
        opening.write(&mut broadcast);
        let coefficients = polynomial.coefficients().iter().zip(&opening.points);
        for (position, (coefficient, commitment)) in (0..).zip(coefficients) {
            poll(cancel)?;
            let statement = Statement { sid: &sid, party: party.index, position, commitment };
            broadcast.extend(statement.prove(coefficient, rng));
        }

        let requests = pair_setup::request_all(&sid, party.index, &party.peers, rng, cancel)?;
        let private = requests
            .iter()
            .map(|(&peer, request)| {
                let length = party.round2_lengths().private;
                let mut body = Zeroizing::new(Vec::with_capacity(length));
                body.extend(scalar::encode(&polynomial.evaluate(peer)));
                request.write(&mut body);
                (peer, body)
            })
            .collect();
        let own_share = polynomial.evaluate(party.index);
        let outgoing = Outgoing { broadcast: broadcast.clone(), private };
        Ok((Round2 { party, sid, hellos, opening, broadcast, own_share, requests }, outgoing))
    }
}

/// `sid = H("dkg-sid"; ctx, (j ‖ nonce_j ‖ commit_j) …)`.
fn session(ctx: &[u8; 32], hellos: &BTreeMap<PartyIndex, Hello>) -> [u8; 32] {
    let mut hasher = Hasher::new(tags::DKG_SID, 1 + hellos.len());
    hasher.part(ctx);
    for (party, hello) in hellos {
        hasher.part_from(&[&party.byte(), &hello.nonce, &hello.commitment]);
    }
    hasher.finish()
}
