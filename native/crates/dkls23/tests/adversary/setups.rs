//! Impossible settings, settings that differ between parties, and indices that are not.

use dkls23::derive::{self, DerivationPath};
use dkls23::keygen::{self, KeygenSetup};
use dkls23::sign::{self, SignItem, SignSetup};
use dkls23::{Abort, PartyIndex};
use k256::Scalar;

use crate::attacker::{point33, scalar, times_generator, weight_of};
use crate::committee::{Each, item, never, parties, party};
use crate::router::{Dealing, End, Refusal, nobody, run};
use crate::stolen::Stolen;
use crate::story::{KeygenStory, Signing, TWO_OF_THREE, generator, named};

/// The last index that is not hardened.
const LAST: u32 = (1 << 31) - 1;

const CONFIG: Option<Refusal> = Some(Refusal { round: 1, abort: Abort::Config });

#[test]
fn zero_is_no_index_and_every_other_byte_is_one_index() {
    assert_eq!(PartyIndex::new(0), None);
    for index in 1..=u8::MAX {
        assert_eq!(PartyIndex::new(index).unwrap().get(), index);
    }
}

#[test]
fn key_generation_needs_2_to_16_parties_a_threshold_among_them_a_key_id_and_a_session_id() {
    let setup = |threshold, n, key_id: &str, session_id| {
        KeygenSetup::new(session_id, key_id, threshold, n, named("roster"), 1).err()
    };
    let long = "k".repeat(256);
    for (threshold, n) in [(2, 2), (2, 16), (16, 16), (3, 5)] {
        assert_eq!(setup(threshold, n, "evm", [1; 32]), None);
    }
    for (threshold, n) in
        [(0, 0), (0, 3), (1, 1), (1, 3), (3, 2), (2, 1), (2, 17), (17, 17), (2, 255)]
    {
        assert_eq!(setup(threshold, n, "evm", [1; 32]), Some(Abort::Config), "{threshold} of {n}");
    }
    for (key_id, expected) in
        [("", Some(Abort::Config)), (&long[1..], None), (&long, Some(Abort::Config))]
    {
        assert_eq!(setup(2, 3, key_id, [1; 32]), expected, "{} bytes", key_id.len());
    }
    assert_eq!(setup(2, 3, "evm", [0; 32]), Some(Abort::Config));
}

#[test]
fn a_party_beyond_the_committee_cannot_start_key_generation() {
    for (index, expected) in
        [(1, None), (3, None), (4, Some(Abort::Config)), (255, Some(Abort::Config))]
    {
        let setup = KeygenStory::new("indices", 2, 3).setup();
        let mut rng = generator("indices", party(index));
        assert_eq!(keygen::start(setup, party(index), &mut rng).err(), expected, "party {index}");
    }
}

/// Whether party 1 of a 2-of-3 key starts to sign with this quorum and this many items.
fn refusal_of(quorum: &[u8], items: usize, session_id: [u8; 32]) -> Option<Abort> {
    let items = vec![item([7; 32]); items];
    let setup = match SignSetup::new(session_id, &parties(quorum), items) {
        Ok(setup) => setup,
        Err(abort) => return Some(abort),
    };
    let mut rng = generator("quorums", party(1));
    sign::start(TWO_OF_THREE.share(1), setup, &mut rng, &never).err()
}

#[test]
fn a_quorum_is_exactly_threshold_members_ascending_with_oneself_or_nothing_leaves() {
    for quorum in [&[1, 2][..], &[1, 3]] {
        assert_eq!(refusal_of(quorum, 1, [1; 32]), None, "{quorum:?}");
    }
    let wrong: [&[u8]; 12] = [
        &[],
        &[1],
        &[2],
        &[1, 2, 3],
        &[2, 1],
        &[1, 1],
        &[2, 3],
        &[1, 4],
        &[1, 255],
        &[1, 1, 2],
        &[1, 2, 2],
        &[2, 2],
    ];
    for quorum in wrong {
        assert_eq!(refusal_of(quorum, 1, [1; 32]), Some(Abort::Config), "{quorum:?}");
    }
}

#[test]
fn a_session_signs_1_to_64_items_and_has_an_id() {
    for (items, expected) in
        [(0, Some(Abort::Config)), (1, None), (64, None), (65, Some(Abort::Config))]
    {
        assert_eq!(refusal_of(&[1, 2], items, [1; 32]), expected, "{items} items");
    }
    assert_eq!(refusal_of(&[1, 2], 1, [0; 32]), Some(Abort::Config));
}

#[test]
fn key_generation_with_any_differing_setting_is_config_for_both_in_round_1() {
    let own = ("session", "evm", 2, 3, "roster", 1);
    let others = [
        ("another session", "evm", 2, 3, "roster", 1),
        ("session", "evm2", 2, 3, "roster", 1),
        ("session", "evm", 3, 3, "roster", 1),
        ("session", "evm", 2, 3, "another roster", 1),
        ("session", "evm", 2, 3, "roster", 2),
    ];
    for other in others {
        let start = |(index, (session, key_id, threshold, n, roster, epoch_no))| {
            let (session_id, roster_hash) = (named(session), named(roster));
            let setup =
                KeygenSetup::new(session_id, key_id, threshold, n, roster_hash, epoch_no).unwrap();
            let rng = generator("settings", party(index));
            (party(index), Dealing::keygen(setup, party(index), rng).unwrap())
        };

        let ends = run([(1, own), (2, other), (3, own)].map(start).into(), &mut nobody);

        assert!(ends.values().map(End::refusal).all(|refusal| refusal == CONFIG), "{other:?}");
    }
}

#[test]
fn signing_with_any_differing_setting_is_config_for_both_in_round_1() {
    let own = Signing::new("settings", &[1, 2]);
    let with = |change: fn(&mut SignItem)| {
        let mut other = own.clone();
        change(&mut other.items[0]);
        other
    };
    let mut renamed = own.clone();
    renamed.name = "another session".to_owned();
    let others = [
        renamed,
        with(|item| item.digest[31] ^= 1),
        with(|item| item.digest_kind += 1),
        with(|item| item.payload_hash[0] ^= 1),
        with(|item| item.resolved_hash[0] ^= 1),
        with(|item| item.policy_hash[0] ^= 1),
        with(|item| {
            (item.payload_hash, item.resolved_hash) = (item.resolved_hash, item.payload_hash)
        }),
        own.clone().at_path(&[0]),
        own.clone().at_path(&[0, 0]),
    ];
    for (case, other) in others.iter().enumerate() {
        let shares = TWO_OF_THREE.shares();
        let started = [(1, &own), (2, other)]
            .map(|(i, signing)| (party(i), signing.start(&shares[&party(i)]).unwrap()));

        let ends = run(started.into(), &mut nobody);

        assert!(ends.values().map(End::refusal).all(|refusal| refusal == CONFIG), "case {case}");
        assert!(crate::story::pair_signs(&shares[&party(1)], &shares[&party(2)]));
    }
}

#[test]
fn shares_of_one_key_in_two_epochs_do_not_sign_together_and_accuse_nobody() {
    let story = KeygenStory::new("one key, two epochs", 2, 3);
    let now = story.shares();
    // The same draws under the next epoch's number: the same key, other oblivious transfers.
    let next = KeygenStory { epoch_no: 2, ..story }.shares();
    assert_eq!(now[&party(1)].public_key(), next[&party(1)].public_key());
    assert_ne!(now[&party(1)].epoch().id(), next[&party(1)].epoch().id());

    let mixed =
        Each::from([(party(1), now[&party(1)].clone()), (party(2), next[&party(2)].clone())]);
    let ends = Signing::new("two epochs", &[1, 2]).run(&mixed, &mut nobody);

    assert!(ends.values().map(End::refusal).all(|refusal| refusal == CONFIG));
    assert!(Signing::new("one epoch", &[1, 2]).succeeds(&now));
    assert!(Signing::new("one epoch", &[1, 2]).succeeds(&next));
}

#[test]
fn the_epoch_alone_makes_two_contexts_even_if_the_oblivious_transfers_are_the_same() {
    let story = KeygenStory::new("one key, two epochs", 2, 3);
    let now = story.shares();
    let mut next = Stolen::of(&KeygenStory { epoch_no: 2, ..story }.shares()[&party(2)]);
    next.peers = Stolen::of(&now[&party(2)]).peers;
    let mixed = Each::from([(party(1), now[&party(1)].clone()), (party(2), next.share())]);

    let ends = Signing::new("two epochs", &[1, 2]).run(&mixed, &mut nobody);

    assert!(ends.values().map(End::refusal).all(|refusal| refusal == CONFIG));
}

#[test]
fn an_oblivious_transfer_setup_of_another_epoch_is_config_before_it_is_used() {
    let (mut mine, theirs) = (Stolen::of(&TWO_OF_THREE.share(1)), TWO_OF_THREE.share(2));
    // Half of a refresh, restored from a backup: one side's state has another name.
    let pair = mine.peers.get_mut(&party(2)).unwrap();
    (pair.as_alice[0], pair.state.as_mut().unwrap().delta) = (pair.as_alice[0] ^ 1, 0);
    let shares = Each::from([(party(1), mine.share()), (party(2), theirs)]);

    let ends = Signing::new("half a refresh", &[1, 2]).run(&shares, &mut nobody);

    assert_eq!(ends[&party(1)].refusal(), CONFIG);
    assert!(!shares[&party(1)].pair(party(2)).unwrap().is_poisoned());
}

#[test]
fn a_path_has_at_most_255_indices_and_none_is_hardened() {
    let path = |indices: &[u32]| DerivationPath::new(indices).err();
    for (index, expected) in
        [(0, None), (LAST, None), (LAST + 1, Some(Abort::Config)), (u32::MAX, Some(Abort::Config))]
    {
        assert_eq!(path(&[index]), expected, "{index}");
    }
    for (depth, expected) in [(0, None), (255, None), (256, Some(Abort::Config))] {
        assert_eq!(path(&vec![0; depth]), expected, "{depth} indices");
    }
}

#[test]
fn the_deepest_child_key_signs() {
    let shares = TWO_OF_THREE.shares();
    let deepest = [&[LAST][..], &[0; 254]].concat();

    assert!(Signing::new("the deepest child", &[1, 3]).at_path(&deepest).succeeds(&shares));
}

#[test]
fn a_child_private_key_with_the_public_tweak_is_the_root_private_key() {
    let shares = TWO_OF_THREE.shares();
    let [one, two] = [1, 2].map(|i| Stolen::of(&shares[&party(i)]).secret);
    let root = weight_of(party(1), party(2)) * one + weight_of(party(2), party(1)) * two;
    let share = &shares[&party(1)];
    let path = DerivationPath::new(&[0, 7]).unwrap();
    let child = derive::derive(&share.public_key(), &share.epoch().chain_code(), &path).unwrap();
    let child_private_key: Scalar = root + scalar(&child.tweak);
    assert_eq!(times_generator(&child_private_key), point33(&child.public_key));

    // All that is needed besides is public: exporting a child exports the root.
    let recovered = child_private_key - scalar(&child.tweak);

    assert_eq!(times_generator(&recovered), point33(&share.public_key()));
}
