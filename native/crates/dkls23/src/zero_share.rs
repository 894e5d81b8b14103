//! Zero sharing (F_Zero): shares of zero among a quorum from seeds that each pair has in common,
//! without messages.

use std::collections::BTreeMap;

use k256::Scalar;
use tagged_hash::{Prf, hash, tags};
use zeroize::Zeroizing;

use crate::party::PartyIndex;
use crate::scalar;
use crate::secret::Secret;

/// `z_ij`, known to the two parties of a pair.
pub(crate) type ZeroSeed = Secret<[u8; 32]>;

/// `z_ij = H("zseed"; sid, min, max, zseed_{min→max}, zseed_{max→min})`.
pub(crate) fn seed(
    sid: &[u8; 32],
    me: PartyIndex,
    peer: PartyIndex,
    sent: &[u8; 32],
    received: &[u8; 32],
) -> ZeroSeed {
    let (low, high, of_low, of_high) =
        if me < peer { (me, peer, sent, received) } else { (peer, me, received, sent) };
    Secret::new(hash(tags::ZSEED, &[sid, &low.byte(), &high.byte(), of_low, of_high]))
}

/// `ζ_i = Σ_j ±R_{z_ij}("zeta"; T1)`, plus for j > i and minus for j < i: the quorum's sum is zero.
pub(crate) fn share(
    me: PartyIndex,
    seeds: &BTreeMap<PartyIndex, &ZeroSeed>,
    t1: &[u8; 32],
) -> Zeroizing<Scalar> {
    let term = |seed: &ZeroSeed| scalar::reduce(&Prf::new(tags::ZETA, seed).block(t1));
    let sum = seeds.iter().fold(Scalar::ZERO, |sum, (peer, seed)| {
        if *peer > me { sum + term(seed) } else { sum - term(seed) }
    });
    Zeroizing::new(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn party(index: u8) -> PartyIndex {
        PartyIndex::new(index).unwrap()
    }

    proptest! {
        #[test]
        fn the_shares_of_any_quorum_sum_to_zero(
            quorum in prop::sample::subsequence((1u8..=16).collect::<Vec<_>>(), 2..=5),
            sid: [u8; 32],
            t1: [u8; 32],
        ) {
            let seed_of = |me: u8, peer: u8| {
                seed(&sid, party(me), party(peer), &[me; 32], &[peer; 32])
            };
            let mut sum = Scalar::ZERO;
            for &me in &quorum {
                let peers = quorum.iter().filter(|peer| **peer != me);
                let seeds: Vec<_> = peers.map(|&peer| (party(peer), seed_of(me, peer))).collect();
                let seeds = seeds.iter().map(|(peer, seed)| (*peer, seed)).collect();
                let zeta = share(party(me), &seeds, &t1);
                prop_assert_ne!(*zeta, Scalar::ZERO);
                sum += *zeta;
            }
            prop_assert_eq!(sum, Scalar::ZERO);
        }
    }
}
