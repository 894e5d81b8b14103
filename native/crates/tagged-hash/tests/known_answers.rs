//! The executable model's hashes (`__test__/vectors/dkls23/README.md`), and what makes the hash
//! injective.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use tagged_hash::{Hasher, Prf, Tag, hash, tags};

fn vectors() -> Value {
    let file = "../../../__test__/vectors/dkls23/hash.json";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn tag(name: &str) -> Tag {
    *tags::ALL.iter().find(|tag| tag.name() == name).unwrap()
}

#[test]
fn every_tag_of_the_model_has_its_digest() {
    let vectors = vectors();
    for (name, digest) in vectors["T"].as_object().unwrap() {
        assert_eq!(tag(name).digest().to_vec(), bytes(digest), "{name}");
    }
}

#[test]
fn tags_are_unique() {
    let names: BTreeSet<_> = tags::ALL.iter().map(|tag| tag.name()).collect();
    assert_eq!(names.len(), tags::ALL.len());
}

#[test]
fn hashes_are_the_models() {
    for case in vectors()["H"].as_array().unwrap() {
        let parts: Vec<_> = case["parts"].as_array().unwrap().iter().map(bytes).collect();
        let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(hash(tag(case["tag"].as_str().unwrap()), &parts).to_vec(), bytes(&case["hash"]));
    }
}

#[test]
fn keyed_oracle_outputs_are_the_models() {
    let mut seen = 0;
    for case in vectors()["R"].as_array().unwrap() {
        let tag = tag(case["tag"].as_str().unwrap());
        let key = bytes(&case["key"]).try_into().unwrap();
        let x = bytes(&case["x"]);
        let output = match x.len() {
            1 => blocks::<1, 1>(tag, &key, &x),
            18 => blocks::<18, 3>(tag, &key, &x),
            32 => blocks::<32, 1>(tag, &key, &x),
            other => panic!("no oracle for {other} bytes"),
        };
        let expected = bytes(&case["output"]);
        assert_eq!(output[..expected.len()], expected);
        seen += 1;
    }
    assert_eq!(seen, 4);
}

fn blocks<const N: usize, const B: usize>(tag: Tag, key: &[u8; 32], x: &[u8]) -> Vec<u8> {
    let x = x.try_into().unwrap();
    Prf::<N, B, 1>::new(tag, key).each(&[x]).next().unwrap().concat()
}

#[test]
fn oracle_forgets_earlier_inputs() {
    let mut oracle = Prf::<18, 2, 3>::new(tags::RAND, &[7; 32]);
    let first: Vec<_> = oracle.each(&[[1; 18], [2; 18], [3; 18]]).collect();
    oracle.each(&[[4; 18], [5; 18], [6; 18]]).for_each(drop);

    assert_eq!(oracle.each(&[[1; 18], [2; 18], [3; 18]]).collect::<Vec<_>>(), first);
    assert_eq!(first[1].concat(), blocks::<18, 2>(tags::RAND, &[7; 32], &[2; 18]));
}

#[test]
fn longest_input_of_the_oracle_still_pads_into_one_block() {
    let expected = hash_of_block(&[9; 54]);
    assert_eq!(Prf::<54>::new(tags::RAND, &[7; 32]).block(&[9; 54]), expected);
}

/// SHA-256(T ‖ K ‖ x ‖ 0) by the library alone.
fn hash_of_block(x: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::new()
        .chain_update(tags::RAND.digest())
        .chain_update([7; 32])
        .chain_update(x)
        .chain_update([0])
        .finalize()
        .into()
}

#[test]
#[should_panic(expected = "parts of a tagged hash")]
fn a_missing_part_is_a_bug() {
    let mut hasher = Hasher::new(tags::T1, 2);
    hasher.part(b"one");
    hasher.finish();
}

#[test]
#[should_panic(expected = "incomplete")]
fn an_incomplete_part_is_a_bug() {
    let mut hasher = Hasher::new(tags::T1, 1);
    hasher.begin(4);
    hasher.piece(b"one");
    hasher.finish();
}

#[test]
#[should_panic(expected = "too long")]
fn a_part_longer_than_announced_is_a_bug() {
    let mut hasher = Hasher::new(tags::T1, 1);
    hasher.begin(2);
    hasher.piece(b"one");
}

proptest! {
    #[test]
    fn different_lists_of_parts_have_different_hashes(
        a in prop::collection::vec(prop::collection::vec(0u8..2, 0..4), 0..4),
        b in prop::collection::vec(prop::collection::vec(0u8..2, 0..4), 0..4),
    ) {
        let hashed = |parts: &[Vec<u8>]| {
            hash(tags::T1, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        prop_assert_eq!(hashed(&a) == hashed(&b), a == b);
    }

    #[test]
    fn a_part_is_the_same_however_it_is_cut(whole: Vec<u8>, at: prop::sample::Index) {
        let (head, tail) = whole.split_at(at.index(whole.len() + 1));
        let mut hasher = Hasher::new(tags::T1, 1);
        hasher.part_from(&[head, tail]);
        prop_assert_eq!(hasher.finish(), hash(tags::T1, &[&whole]));
    }
}
