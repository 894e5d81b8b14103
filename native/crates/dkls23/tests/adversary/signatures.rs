//! What every released signature is.

use std::collections::BTreeSet;

use dkls23::derive::{self, DerivationPath};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use k256::elliptic_curve::scalar::IsHigh;

use crate::attacker::scalar;
use crate::committee::party;
use crate::story::{Signing, TWO_OF_THREE};

#[test]
fn released_signatures_are_low_agree_between_the_signers_and_recover_the_derived_key() {
    let shares = TWO_OF_THREE.shares();
    let mut recovery_ids = BTreeSet::new();
    for (path, quorum) in [(&[][..], [1, 2]), (&[0, 7], [1, 3]), (&[44, 60, 5], [2, 3])] {
        let signing = Signing::batch("many signatures", &quorum, 64).at_path(path);
        let share = &shares[&party(quorum[0])];
        let path = DerivationPath::new(path).unwrap();
        let key = derive::derive(&share.public_key(), &share.epoch().chain_code(), &path).unwrap();

        let (_, signatures) = signing.record(&shares);

        let [ours, theirs] = quorum.map(|member| &signatures[&party(member)]);
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), 64);
        for (item, signature) in signing.items.iter().zip(ours) {
            let recovery_id = RecoveryId::from_byte(signature.recovery_id).unwrap();
            let parsed = Signature::from_scalars(signature.r, signature.s).unwrap();
            let recovered = VerifyingKey::recover_from_prehash(&item.digest, &parsed, recovery_id);
            assert_eq!(recovered.unwrap().to_encoded_point(true).as_bytes(), key.public_key);
            assert!(!bool::from(scalar(&signature.s).is_high()));
            recovery_ids.insert(signature.recovery_id);
        }
        let nonces: BTreeSet<_> = ours.iter().map(|signature| signature.r).collect();
        assert_eq!(nonces.len(), 64);
    }
    assert_eq!(recovery_ids, BTreeSet::from([0, 1]));
}
