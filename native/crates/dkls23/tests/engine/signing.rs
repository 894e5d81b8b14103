use std::sync::Arc;

use dkls23::derive::{DerivationPath, derive};
use dkls23::sign::{SignItem, SignSetup, Signature};
use dkls23::{KeyShare, PartyIndex};
use k256::ecdsa::{RecoveryId, VerifyingKey};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use crate::committee::{self, Each, committee, generators, item, parties};

/// The quorum's signatures, the same for everybody.
fn sign(shares: &Each<Arc<KeyShare>>, quorum: &[PartyIndex], items: &[SignItem]) -> Vec<Signature> {
    let setup = || SignSetup::new([9; 32], quorum, items.to_vec()).unwrap();
    let rngs = generators("signing", quorum);
    let signatures = committee::sign(shares, setup, rngs, &mut Vec::new()).unwrap();
    let first = signatures[&quorum[0]].clone();
    assert!(signatures.values().all(|others| *others == first));
    first
}

/// Whether k256 recovers `key` from a signature and finds its s low.
fn recovers(key: &[u8; 33], digest: &[u8; 32], signature: &Signature) -> bool {
    let id = RecoveryId::from_byte(signature.recovery_id).unwrap();
    let signature = k256::ecdsa::Signature::from_scalars(signature.r, signature.s).unwrap();
    let recovered = VerifyingKey::recover_from_prehash(digest, &signature, id).unwrap();
    signature.normalize_s().is_none() && recovered.to_encoded_point(true).as_bytes() == key
}

#[test]
fn every_pair_of_2_of_3_signs_with_the_same_key() {
    let shares = committee("every pair", 2, 3);
    let key = shares[&committee::party(1)].public_key();
    for quorum in [[1, 2], [1, 3], [2, 3]] {
        let signatures = sign(&shares, &parties(&quorum), &[item([5; 32])]);
        assert!(recovers(&key, &[5; 32], &signatures[0]));
    }
}

#[test]
fn any_three_of_five_sign() {
    let shares = committee("three of five", 3, 5);
    let key = shares[&committee::party(1)].public_key();
    for quorum in [[1, 2, 3], [1, 3, 5], [3, 4, 5]] {
        let signatures = sign(&shares, &parties(&quorum), &[item([5; 32])]);
        assert!(recovers(&key, &[5; 32], &signatures[0]));
    }
}

#[test]
fn all_parties_of_n_of_n_sign() {
    for n in [2, 4] {
        let shares = committee("all of them", n, n);
        let quorum: Vec<_> = (1..=n).map(committee::party).collect();
        let signatures = sign(&shares, &quorum, &[item([5; 32])]);
        assert!(recovers(&shares[&quorum[0]].public_key(), &[5; 32], &signatures[0]));
    }
}

#[test]
fn a_batch_signs_each_item_with_its_own_child_key() {
    let shares = committee("a batch", 2, 3);
    let paths = [&[][..], &[0], &[0, 7], &[(1 << 31) - 1, 1]];
    let paths = paths.map(|path| DerivationPath::new(path).unwrap());
    let items = paths.clone().map(|path| SignItem { path, ..item([6; 32]) });

    let signatures = sign(&shares, &parties(&[2, 3]), &items);

    let share = &shares[&committee::party(1)];
    for (path, signature) in paths.iter().zip(&signatures) {
        let child = derive(&share.public_key(), &share.epoch().chain_code(), path).unwrap();
        assert!(recovers(&child.public_key, &[6; 32], signature));
    }
    assert_eq!(signatures.len(), 4);
}

#[test]
fn a_thousand_random_digests_have_low_signatures_that_recover_the_key() {
    let shares = committee("a thousand digests", 2, 2);
    let key = shares[&committee::party(1)].public_key();
    let mut rng = ChaCha20Rng::seed_from_u64(1000);
    let mut odd = 0;
    for _ in 0..20 {
        let digests: Vec<_> = (0..50)
            .map(|_| {
                let mut digest = [0; 32];
                rng.fill_bytes(&mut digest);
                digest
            })
            .collect();
        let items: Vec<_> = digests.iter().copied().map(item).collect();
        let signatures = sign(&shares, &parties(&[1, 2]), &items);
        for (digest, signature) in digests.iter().zip(&signatures) {
            assert!(recovers(&key, digest, signature));
            odd += u32::from(signature.recovery_id);
        }
    }
    assert!((400..600).contains(&odd), "{odd} of 1000 recovery ids are odd");
}

#[test]
fn digests_at_and_beyond_the_order_are_signed() {
    let shares = committee("extreme digests", 2, 2);
    let key = shares[&committee::party(1)].public_key();
    for digest in [[0; 32], [0xff; 32]] {
        let signatures = sign(&shares, &parties(&[1, 2]), &[item(digest)]);
        assert!(recovers(&key, &digest, &signatures[0]));
    }
}
