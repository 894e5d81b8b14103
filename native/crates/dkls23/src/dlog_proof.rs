//! Proof of knowledge of a coefficient: Schnorr, Fiat–Shamir, bound to session, party and position
//! (specification, section B). 65 bytes: `A`, `z` with `z·G = A + e·F`, `e = H("pok"; sid, j, k, F,
//! A)`.

use k256::elliptic_curve::ops::MulByGenerator;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use tagged_hash::{hash, tags};

use crate::bytes::join;
use crate::party::PartyIndex;
use crate::{point, scalar};

pub(crate) const PROOF_BYTES: usize = 65;

/// What a proof is about: coefficient `position` of `party`'s polynomial in session `sid`.
#[derive(Clone, Copy)]
pub(crate) struct Statement<'a> {
    pub(crate) sid: &'a [u8; 32],
    pub(crate) party: PartyIndex,
    pub(crate) position: u8,
    pub(crate) commitment: &'a AffinePoint,
}

impl Statement<'_> {
    /// Proves knowledge of `coefficient`; draws the nonce.
    pub(crate) fn prove<R: CryptoRngCore + ?Sized>(
        self,
        coefficient: &Scalar,
        rng: &mut R,
    ) -> [u8; PROOF_BYTES] {
        let nonce = scalar::draw(rng);
        let nonce_point = point::encode33(&ProjectivePoint::mul_by_generator(&nonce).to_affine());
        let response = *nonce + self.challenge(&nonce_point) * coefficient;
        join(&nonce_point, &scalar::encode(&response))
    }

    /// Whether `z·G = A + e·F`. Everything is public.
    pub(crate) fn verify(self, nonce_point: &AffinePoint, response: &Scalar) -> bool {
        let challenge = self.challenge(&point::encode33(nonce_point));
        ProjectivePoint::mul_by_generator(response)
            == ProjectivePoint::from(*self.commitment) * challenge + nonce_point
    }

    fn challenge(self, nonce_point: &[u8; 33]) -> Scalar {
        scalar::reduce(&hash(
            tags::POK,
            &[
                self.sid,
                &self.party.byte(),
                &[self.position],
                &point::encode33(self.commitment),
                nonce_point,
            ],
        ))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::bytes::Cursor;

    #[test]
    fn a_proof_is_good_for_its_session_party_position_and_point_only() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let coefficient = scalar::draw(&mut rng);
        let commitment = ProjectivePoint::mul_by_generator(&coefficient).to_affine();
        let (sid, other_sid) = ([1; 32], [2; 32]);
        let (party, other_party) = (PartyIndex::MIN, PartyIndex::new(2).unwrap());
        let statement = Statement { sid: &sid, party, position: 0, commitment: &commitment };
        let proof = statement.prove(&coefficient, &mut rng);
        let mut fields = Cursor::new(&proof);
        let (nonce_point, response) = (fields.point33().unwrap(), fields.scalar().unwrap());

        assert!(statement.verify(&nonce_point, &response));
        assert!(!statement.verify(&nonce_point, &(response + Scalar::ONE)));
        assert!(!statement.verify(&AffinePoint::GENERATOR, &response));
        let others = [
            Statement { sid: &other_sid, ..statement },
            Statement { party: other_party, ..statement },
            Statement { position: 1, ..statement },
            Statement { commitment: &AffinePoint::GENERATOR, ..statement },
        ];
        for other in others {
            assert!(!other.verify(&nonce_point, &response));
        }
    }
}
