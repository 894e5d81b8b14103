use std::sync::Arc;

use dkls23::sign::{self, SignSetup};
use dkls23::{Abort, Epoch, KeyShare, ShareError};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tagged_hash::{hash, tags};

use crate::committee::{self, Each, committee, generators, item, never, parties, party};

/// The bytes again, with another checksum: what whoever can seal a share can make.
fn with_checksum(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = hash(tags::SHARE, &[&body]);
    body.extend(checksum);
    body
}

fn body(share: &KeyShare) -> Vec<u8> {
    let encoded = share.encode();
    encoded[..encoded.len() - 32].to_vec()
}

#[test]
fn a_decoded_share_is_the_same_and_signs_with_the_others() {
    let shares = committee("decoded", 2, 3);
    let decoded: Each<_> = shares
        .iter()
        .map(|(&member, share)| {
            let decoded = KeyShare::decode(&share.encode()).unwrap();
            assert_eq!(*decoded.encode(), *share.encode());
            assert_eq!(decoded.epoch(), share.epoch());
            assert_eq!(
                (decoded.key_id(), decoded.index(), decoded.threshold(), decoded.parties()),
                ("evm", member, 2, 3)
            );
            (member, Arc::new(decoded))
        })
        .collect();
    let quorum = parties(&[1, 3]);
    let mixed: Each<_> =
        [(quorum[0], Arc::clone(&shares[&quorum[0]])), (quorum[1], decoded[&quorum[1]].clone())]
            .into();
    let setup = || SignSetup::new([9; 32], &quorum, vec![item([5; 32])]).unwrap();

    let signed = committee::sign(&mixed, setup, generators("mixed", &quorum), &mut Vec::new());
    assert!(signed.is_ok());
}

#[test]
fn other_versions_are_told_apart_from_damage() {
    let share = &committee("version", 2, 2)[&party(1)];
    for version in [0, 3, 0xff] {
        let mut encoded = share.encode().to_vec();
        encoded[0] = version;
        assert_eq!(KeyShare::decode(&encoded).err(), Some(ShareError::Version));
    }
    assert_eq!(KeyShare::decode(&[]).err(), Some(ShareError::Version));
}

#[test]
fn truncated_and_extended_shares_are_refused() {
    let share = &committee("lengths", 2, 2)[&party(1)];
    let encoded = share.encode();
    for length in (1..encoded.len()).step_by(61).chain([encoded.len() - 1]) {
        assert_eq!(KeyShare::decode(&encoded[..length]).err(), Some(ShareError::Encoding));
    }
    let mut extended = encoded.to_vec();
    extended.push(0);
    assert_eq!(KeyShare::decode(&extended).err(), Some(ShareError::Encoding));

    // With a checksum that fits, the lengths themselves are what is wrong.
    let body = body(share);
    for length in (1..body.len()).step_by(61).chain([body.len() - 1]) {
        let refused = KeyShare::decode(&with_checksum(body[..length].to_vec())).err();
        assert_eq!(refused, Some(ShareError::Encoding), "{length} bytes");
    }
    let mut extended = body;
    extended.push(0);
    assert_eq!(KeyShare::decode(&with_checksum(extended)).err(), Some(ShareError::Encoding));
}

#[test]
fn a_flipped_byte_anywhere_is_noticed() {
    let share = &committee("flips", 2, 2)[&party(1)];
    let mut encoded = share.encode().to_vec();
    for position in 1..encoded.len() {
        encoded[position] ^= 0x40;
        assert_eq!(KeyShare::decode(&encoded).err(), Some(ShareError::Encoding));
        encoded[position] ^= 0x40;
    }
}

/// Positions after a key id of three bytes: index, threshold, parties, roster hash, epoch, secret,
/// peer.
#[test]
fn fields_that_contradict_each_other_are_refused_whatever_the_checksum() {
    let share = &committee("fields", 2, 2)[&party(1)];
    let body = body(share);
    let epoch = 5 + 3 + 32;
    let secret = epoch + 169 + 2 * 33;
    let state = secret + 32 + 96;
    let cases = [
        ("an index of zero", 5, 0, ShareError::Encoding),
        ("an index beyond the committee", 5, 3, ShareError::Encoding),
        ("another member's index", 5, 2, ShareError::Inconsistent),
        ("a threshold of one", 6, 1, ShareError::Encoding),
        ("a threshold above the committee", 6, 3, ShareError::Encoding),
        ("too many parties", 7, 17, ShareError::Encoding),
        ("one party more than the epoch has", 7, 3, ShareError::Encoding),
        ("an empty key id", 1, 0, ShareError::Encoding),
        ("a key id that is no UTF-8", 2, 0xff, ShareError::Encoding),
        ("a group key that is no point", epoch + 104, 7, ShareError::Encoding),
        ("another public share", epoch + 137, body[epoch + 137] ^ 1, ShareError::Inconsistent),
        ("another secret", secret + 31, body[secret + 31] ^ 1, ShareError::Inconsistent),
        ("an OT state neither there nor absent", state, 2, ShareError::Encoding),
        ("an OT state said to be absent", state, 0, ShareError::Encoding),
    ];
    for (what, position, value, expected) in cases {
        let mut changed = body.clone();
        changed[position] = value;
        assert_eq!(KeyShare::decode(&with_checksum(changed)).err(), Some(expected), "{what}");
    }
    for value in [[0; 32], [0xff; 32]] {
        let mut changed = body.clone();
        changed[secret..secret + 32].copy_from_slice(&value);
        assert!(KeyShare::decode(&with_checksum(changed)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_an_error_or_a_share_that_encodes_to_them(
        mut bytes in prop::collection::vec(any::<u8>(), 0..600),
        fits: bool,
    ) {
        if let Some(version) = bytes.first_mut() {
            *version = 1;
        }
        let bytes = if fits { with_checksum(bytes) } else { bytes };
        if let Ok(share) = KeyShare::decode(&bytes) {
            prop_assert_eq!(&*share.encode(), &bytes);
        }
    }

    #[test]
    fn any_change_under_a_fitting_checksum_is_an_error_or_another_consistent_share(
        position: prop::sample::Index,
        value: u8,
    ) {
        thread_local! {
            static BODY: Vec<u8> = body(&committee("changes", 2, 2)[&party(1)]);
        }
        let mut changed = BODY.with(Vec::clone);
        let length = changed.len();
        changed[position.index(length)] = value;
        let changed = with_checksum(changed);
        if let Ok(share) = KeyShare::decode(&changed) {
            prop_assert_eq!(&*share.encode(), &changed);
        }
    }
}

#[test]
fn a_poisoned_pair_is_stored_without_its_state_and_stays_poisoned() {
    let shares = committee("poisoned", 2, 3);
    let share = &shares[&party(1)];
    let whole = share.encode().len();
    share.pair(party(2)).unwrap().poison();

    let encoded = share.encode();
    let decoded = KeyShare::decode(&encoded).unwrap();

    assert_eq!(whole - encoded.len(), 32 * 16 * 16 + 16 + 32 * 15 * 16);
    assert!(decoded.pair(party(2)).unwrap().is_poisoned());
    assert!(!decoded.pair(party(3)).unwrap().is_poisoned());
    let start = |quorum: &[u8]| {
        let setup = SignSetup::new([9; 32], &parties(quorum), vec![item([5; 32])]).unwrap();
        let share = Arc::new(KeyShare::decode(&encoded).unwrap());
        sign::start(share, setup, &mut ChaCha20Rng::seed_from_u64(1), &never).err()
    };
    assert_eq!(start(&[1, 2]), Some(Abort::Config));
    assert_eq!(start(&[1, 3]), None);
}

#[test]
fn handles_that_adopt_one_pair_are_poisoned_together() {
    let shares = committee("adopted", 2, 3);
    let first = &shares[&party(1)];
    let mut second = KeyShare::decode(&first.encode()).unwrap();
    let pair = Arc::clone(first.pair(party(2)).unwrap());
    second.adopt_pair(party(2), pair).unwrap();

    first.pair(party(2)).unwrap().poison();

    assert!(second.pair(party(2)).unwrap().is_poisoned());
    assert!(!second.pair(party(3)).unwrap().is_poisoned());
}

#[test]
fn poison_wins_when_a_pair_is_adopted() {
    let shares = committee("poison wins", 2, 3);
    let first = &shares[&party(1)];
    let healthy = first.encode();
    first.pair(party(2)).unwrap().poison();
    let poisoned = first.encode();
    for (stored, running) in [(&healthy, &poisoned), (&poisoned, &healthy)] {
        let running = KeyShare::decode(running).unwrap();
        let mut opened = KeyShare::decode(stored).unwrap();
        let pair = Arc::clone(running.pair(party(2)).unwrap());
        opened.adopt_pair(party(2), pair).unwrap();

        assert!(opened.pair(party(2)).unwrap().is_poisoned());
        assert!(running.pair(party(2)).unwrap().is_poisoned());
    }
}

#[test]
fn a_pair_of_another_peer_party_or_epoch_is_not_adopted() {
    let shares = committee("foreign", 2, 3);
    let others = committee("foreign, another key", 2, 3);
    let mut share = KeyShare::decode(&shares[&party(1)].encode()).unwrap();
    let foreign = [
        (2, shares[&party(1)].pair(party(3))),
        (2, shares[&party(2)].pair(party(1))),
        (2, others[&party(1)].pair(party(2))),
        (1, shares[&party(1)].pair(party(2))),
        (4, shares[&party(1)].pair(party(2))),
    ];
    for (peer, pair) in foreign {
        let refused = share.adopt_pair(party(peer), Arc::clone(pair.unwrap()));
        assert_eq!(refused, Err(ShareError::ForeignPair));
    }
    assert!(shares[&party(1)].pair(party(1)).is_none());
}

#[test]
fn epochs_come_back_from_their_bodies_and_from_nothing_else() {
    let shares = committee("epochs", 2, 3);
    let epoch = shares[&party(1)].epoch();
    let body = epoch.encode();

    assert_eq!(body.len(), 169 + 3 * 33);
    assert_eq!(Epoch::decode(&body).as_ref(), Ok(epoch));
    assert_eq!(epoch.public_shares().len(), 3);
    for bad in [&body[..body.len() - 1], &body[..169], &[][..], &[0; 169 + 3 * 33]] {
        assert_eq!(Epoch::decode(bad).err(), Some(ShareError::Encoding));
    }
    for position in [0, 39, 40, 103, body.len() - 1] {
        let mut changed = body.clone();
        changed[position] ^= 1;
        assert_ne!(Epoch::decode(&changed).unwrap().id(), epoch.id(), "byte {position}");
    }
}
