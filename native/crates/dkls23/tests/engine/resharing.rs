//! Refresh and recovery: the key stays, everything else is new.

use std::sync::Arc;

use dkls23::derive::{DerivationPath, derive};
use dkls23::reshare::{self, ReshareKind, ReshareSetup};
use dkls23::sign::{self, SignSetup};
use dkls23::{Abort, KeyShare, PartyIndex, ShareError};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::committee::{self, Each, committee, generators, item, never, parties, party};

/// The setup of a ceremony that follows the epoch of these shares.
fn setup(old: &Each<Arc<KeyShare>>, kind: ReshareKind, dealers: &[PartyIndex]) -> ReshareSetup {
    let share = old.values().next().unwrap();
    let (epoch, [t, n]) = (share.epoch(), [share.threshold(), share.parties()]);
    let (id, number) = (epoch.id(), epoch.epoch_no());
    ReshareSetup::new([11; 32], kind, "evm", t, n, [12; 32], id, number, number + 1, dealers)
        .unwrap()
}

fn reshare(
    story: &str,
    old: &Each<Arc<KeyShare>>,
    kind: ReshareKind,
    dealers: &[u8],
) -> Each<Arc<KeyShare>> {
    let n = old.values().next().unwrap().parties();
    let members: Vec<_> = (1..=n).map(party).collect();
    let dealers = parties(dealers);
    let setup = || setup(old, kind, &dealers);
    let shares = committee::reshare(setup, old, generators(story, &members), &mut Vec::new());
    shares.unwrap().into_iter().map(|(member, share)| (member, Arc::new(share))).collect()
}

fn refresh(story: &str, old: &Each<Arc<KeyShare>>) -> Each<Arc<KeyShare>> {
    let everybody: Vec<_> = old.keys().map(|member| member.get()).collect();
    reshare(story, old, ReshareKind::Refresh, &everybody)
}

/// Recovery of what the parties without a share lost.
fn recover(story: &str, old: &Each<Arc<KeyShare>>, dealers: &[u8]) -> Each<Arc<KeyShare>> {
    reshare(story, old, ReshareKind::Recover, dealers)
}

fn without(shares: &Each<Arc<KeyShare>>, lost: u8) -> Each<Arc<KeyShare>> {
    let mut left = shares.clone();
    left.remove(&party(lost)).unwrap();
    left
}

fn sign(shares: &Each<Arc<KeyShare>>, quorum: &[u8]) -> Result<(), Abort> {
    let quorum = parties(quorum);
    let setup = || SignSetup::new([9; 32], &quorum, vec![item([5; 32])]).unwrap();
    committee::sign(shares, setup, generators("signing", &quorum), &mut Vec::new()).map(drop)
}

fn assert_same_key(old: &KeyShare, new: &KeyShare) {
    let (before, after) = (old.epoch(), new.epoch());
    assert_eq!(before.public_key(), after.public_key());
    assert_eq!(before.chain_code(), after.chain_code());
    let path = DerivationPath::new(&[0, 7]).unwrap();
    let address = |share: &KeyShare| {
        derive(&share.public_key(), &share.epoch().chain_code(), &path).unwrap().public_key
    };
    assert_eq!(address(old), address(new));

    assert_eq!(after.epoch_no(), before.epoch_no() + 1);
    assert_eq!(new.roster_hash(), [12; 32]);
    assert_ne!(before.id(), after.id());
    let same = |(one, other): (&[u8; 33], &[u8; 33])| one == other;
    assert!(!before.public_shares().iter().zip(&after.public_shares()).any(same));
}

#[test]
fn a_refresh_keeps_key_and_addresses_renews_every_share_and_every_pair_signs() {
    let old = committee("refreshed", 2, 3);
    let new = refresh("refreshed", &old);

    for (member, share) in &new {
        assert_same_key(&old[member], share);
    }
    for quorum in [[1, 2], [1, 3], [2, 3]] {
        assert_eq!(sign(&new, &quorum), Ok(()));
    }
    assert_eq!(sign(&old, &[1, 2]), Ok(()), "the old epoch, until it is erased");
}

#[test]
fn a_refresh_of_two_and_a_second_one_after_it() {
    let old = committee("refreshed twice", 2, 2);
    let once = refresh("refreshed once", &old);
    let twice = refresh("refreshed twice", &once);

    assert_same_key(&once[&party(1)], &twice[&party(1)]);
    assert_eq!(sign(&twice, &[1, 2]), Ok(()));
}

#[test]
fn a_recovery_gives_the_newcomer_a_share_of_the_same_key_whoever_was_lost() {
    let old = committee("recovered", 2, 3);
    for (lost, dealers) in [(1, [2, 3]), (2, [1, 3]), (3, [1, 2])] {
        let new = recover("recovered", &without(&old, lost), &dealers);

        for (member, share) in &new {
            assert_same_key(&old[member], share);
        }
        for dealer in dealers {
            let mut quorum = [lost, dealer];
            quorum.sort_unstable();
            assert_eq!(sign(&new, &quorum), Ok(()));
        }
    }
}

#[test]
fn three_or_four_of_five_recover_the_share_of_a_lost_party() {
    let old = committee("five", 3, 5);
    let left = without(&old, 2);
    // With three dealers, party 5 keeps its old share to itself and takes a new one.
    for dealers in [&[1, 3, 4][..], &[1, 3, 4, 5]] {
        let new = recover("five", &left, dealers);

        for (member, share) in &new {
            assert_same_key(&old[member], share);
        }
        assert_eq!(sign(&new, &[1, 2, 5]), Ok(()));
        assert_eq!(sign(&new, &[2, 3, 4]), Ok(()));
    }
}

#[test]
fn a_refresh_repairs_a_poisoned_pair() {
    let old = committee("repaired", 2, 3);
    old[&party(1)].pair(party(2)).unwrap().poison();
    let stored = KeyShare::decode(&old[&party(1)].encode()).unwrap();
    let mut reopened = old.clone();
    reopened.insert(party(1), Arc::new(stored));
    assert_eq!(sign(&reopened, &[1, 2]), Err(Abort::Config));

    let new = refresh("repaired", &reopened);

    assert!(!new[&party(1)].pair(party(2)).unwrap().is_poisoned());
    assert_eq!(sign(&new, &[1, 2]), Ok(()));
    assert!(old[&party(1)].pair(party(2)).unwrap().is_poisoned(), "the old epoch stays poisoned");
}

#[test]
fn a_share_from_a_backup_signs_nothing_and_deals_in_a_refresh_and_in_a_recovery() {
    let old = committee("a backup", 2, 3);
    let backup = old[&party(1)].encode_for_backup();
    let mut restored = old.clone();
    restored.insert(party(1), Arc::new(KeyShare::decode(&backup).unwrap()));
    for peer in [2, 3] {
        let setup = SignSetup::new([9; 32], &parties(&[1, peer]), vec![item([5; 32])]).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let refused = sign::start(Arc::clone(&restored[&party(1)]), setup, &mut rng, &never).err();
        assert_eq!(refused, Some(Abort::Config));
    }

    let refreshed = refresh("a backup refreshed", &restored);
    let recovered = recover("a backup recovers", &without(&restored, 2), &[1, 3]);

    for new in [refreshed, recovered] {
        assert!(!new[&party(1)].needs_refresh());
        for quorum in [[1, 2], [1, 3], [2, 3]] {
            assert_eq!(sign(&new, &quorum), Ok(()));
        }
    }
}

#[test]
fn a_backup_holds_nothing_that_is_shared_with_a_peer_and_comes_back_as_itself() {
    let share = &committee("what a backup is", 2, 3)[&party(1)];
    let backup = share.encode_for_backup();
    let restored = KeyShare::decode(&backup).unwrap();

    // Form, key id, indices, roster, epoch, secret, checksum.
    assert_eq!(backup.len(), 2 + 3 + 3 + 32 + (169 + 3 * 33) + 32 + 32);
    assert_eq!(backup[1..backup.len() - 32], share.encode()[1..backup.len() - 32]);
    assert_eq!(*restored.encode(), *backup);
    assert_eq!(*restored.encode_for_backup(), *backup);
    assert_eq!(restored.epoch(), share.epoch());
    assert!(restored.needs_refresh() && !share.needs_refresh());
    assert!(restored.pair(party(2)).is_none());
}

#[test]
fn a_restored_share_does_not_adopt_the_pair_of_a_handle_that_signs() {
    let share = &committee("no revival", 2, 3)[&party(1)];
    let mut restored = KeyShare::decode(&share.encode_for_backup()).unwrap();

    let refused = restored.adopt_pair(party(2), Arc::clone(share.pair(party(2)).unwrap()));
    assert_eq!(refused, Err(ShareError::ForeignPair));
}

#[test]
fn a_share_with_pairs_said_to_be_a_backup_and_a_backup_said_to_have_pairs_are_refused() {
    let share = &committee("forms", 2, 2)[&party(1)];
    for (encoded, form) in [(share.encode(), 2), (share.encode_for_backup(), 1)] {
        let mut body = encoded[..encoded.len() - 32].to_vec();
        body[0] = form;
        let checksum = tagged_hash::hash(tagged_hash::tags::SHARE, &[&body]);
        body.extend(checksum);
        assert_eq!(KeyShare::decode(&body).err(), Some(ShareError::Encoding));
    }
}

#[test]
fn a_dealer_needs_its_own_share_of_the_old_epoch() {
    let old = committee("whose share", 2, 3);
    let others = committee("whose share, another key", 2, 3);
    let larger = committee("whose share, of four", 2, 4);
    let refreshed = refresh("whose share", &old);
    let start = |index: u8, share: Option<&Arc<KeyShare>>| {
        let setup = setup(&old, ReshareKind::Recover, &parties(&[1, 2]));
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        reshare::start(setup, party(index), share.map(Arc::as_ref), &mut rng, &never).err()
    };
    let (one, two, three) = (party(1), party(2), party(3));

    assert_eq!(start(1, Some(&old[&one])), None);
    assert_eq!(start(3, None), None);
    assert_eq!(start(3, Some(&old[&three])), None, "a holder that does not deal");
    let refused = [
        (1, None),
        (1, Some(&old[&two])),
        (1, Some(&refreshed[&one])),
        (1, Some(&others[&one])),
        (1, Some(&larger[&one])),
        (3, Some(&old[&one])),
        (3, Some(&refreshed[&three])),
        (4, None),
    ];
    for (case, (index, share)) in refused.into_iter().enumerate() {
        assert_eq!(start(index, share), Some(Abort::Config), "case {case}");
    }
}

#[test]
fn a_reshare_needs_possible_settings() {
    type Settings<'a> = ([u8; 32], ReshareKind, &'a str, [u8; 2], [u64; 2], &'a [u8]);
    let of = |(session_id, kind, key_id, [t, n], [old, new], dealers): Settings<'_>| {
        let dealers = parties(dealers);
        ReshareSetup::new(session_id, kind, key_id, t, n, [8; 32], [3; 32], old, new, &dealers)
            .err()
    };
    let (refresh, recover, id) = (ReshareKind::Refresh, ReshareKind::Recover, [1; 32]);
    let long = "k".repeat(256);
    let possible: [Settings<'_>; 7] = [
        (id, refresh, "evm", [2, 3], [1, 2], &[1, 2, 3]),
        (id, refresh, "evm", [2, 2], [1, 9], &[1, 2]),
        (id, recover, "evm", [2, 3], [1, 2], &[1, 2]),
        (id, recover, "evm", [2, 3], [1, 2], &[2, 3]),
        (id, recover, "evm", [3, 5], [0, 1], &[1, 3, 4]),
        (id, recover, "evm", [3, 5], [0, 1], &[1, 3, 4, 5]),
        (id, recover, &long[1..], [2, 3], [1, u64::MAX], &[1, 3]),
    ];
    let impossible: [Settings<'_>; 17] = [
        ([0; 32], recover, "evm", [2, 3], [1, 2], &[1, 2]),
        (id, recover, "", [2, 3], [1, 2], &[1, 2]),
        (id, recover, &long, [2, 3], [1, 2], &[1, 2]),
        (id, recover, "evm", [1, 3], [1, 2], &[1, 2]),
        (id, recover, "evm", [3, 2], [1, 2], &[1, 2]),
        (id, recover, "evm", [2, 17], [1, 2], &[1, 2]),
        (id, recover, "evm", [2, 3], [2, 2], &[1, 2]),
        (id, recover, "evm", [2, 3], [2, 1], &[1, 2]),
        (id, recover, "evm", [2, 3], [u64::MAX, 0], &[1, 2]),
        (id, recover, "evm", [2, 3], [1, 2], &[]),
        (id, recover, "evm", [2, 3], [1, 2], &[1]),
        (id, recover, "evm", [2, 3], [1, 2], &[2, 1]),
        (id, recover, "evm", [2, 3], [1, 2], &[1, 1]),
        (id, recover, "evm", [2, 3], [1, 2], &[1, 4]),
        (id, refresh, "evm", [2, 3], [1, 2], &[1, 2]),
        (id, refresh, "evm", [2, 3], [1, 2], &[1, 2, 2]),
        (id, refresh, "evm", [2, 3], [1, 2], &[1, 2, 3, 4]),
    ];
    for (case, settings) in possible.into_iter().enumerate() {
        assert_eq!(of(settings), None, "possible {case}");
    }
    for (case, settings) in impossible.into_iter().enumerate() {
        assert_eq!(of(settings), Some(Abort::Config), "impossible {case}");
    }
}
