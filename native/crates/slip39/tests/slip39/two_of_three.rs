//! What [`slip39::split`] writes.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value;
use slip39::{Error, combine, split};
use zeroize::Zeroizing;

const KEY: [u8; 32] = [0x5a; 32];

fn lists(key: &[u8; 32], passphrase: &str, seed: u64) -> [Zeroizing<String>; 3] {
    split(key, passphrase, &mut ChaCha20Rng::seed_from_u64(seed)).unwrap()
}

fn golden() -> Vec<Value> {
    serde_json::from_str::<Value>(include_str!("../vectors.json")).unwrap()["vectors"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn any_two_lists_give_the_key_in_any_order() {
    let lists = lists(&KEY, "", 1);
    for pair in [[0, 1], [0, 2], [1, 2], [1, 0], [2, 0], [2, 1]] {
        let pair = pair.map(|place: usize| lists[place].as_str());
        assert_eq!(*combine(&pair, "").unwrap(), KEY);
    }
}

#[test]
fn each_list_has_33_words_and_starts_like_the_others() {
    let lists = lists(&KEY, "", 1);
    for list in &lists {
        assert_eq!(list.split(' ').count(), 33);
        assert!(list.split(' ').take(3).eq(lists[0].split(' ').take(3)));
    }
}

#[test]
fn two_splits_of_a_key_do_not_mix() {
    let (first, second) = (lists(&KEY, "", 1), lists(&KEY, "", 2));

    assert_eq!(combine(&[&first[0], &second[1]], ""), Err(Error::OtherSet));
}

#[test]
fn one_list_all_three_and_the_same_one_twice_are_refused() {
    let [first, second, third] = lists(&KEY, "", 1);

    assert_eq!(combine(&[], ""), Err(Error::Count));
    assert_eq!(combine(&[&first], ""), Err(Error::Count));
    assert_eq!(combine(&[&first, &second, &third], ""), Err(Error::Count));
    assert_eq!(combine(&[&first, &first], ""), Err(Error::Duplicate));
}

#[test]
fn another_passphrase_gives_another_key() {
    let [first, _, third] = lists(&KEY, "open sesame", 1);

    assert_eq!(*combine(&[&first, &third], "open sesame").unwrap(), KEY);
    assert_ne!(*combine(&[&first, &third], "").unwrap(), KEY);
    assert_eq!(combine(&[&first, &third], "sésame"), Err(Error::Passphrase));
    assert_eq!(combine(&[&first, &third], "tab\t"), Err(Error::Passphrase));
}

#[test]
fn a_wrong_missing_added_or_swapped_word_is_noticed() {
    let [first, second, _] = lists(&KEY, "", 1);
    let words: Vec<_> = first.split(' ').collect();
    let refused = |words: &[&str]| combine(&[&words.join(" "), &second], "").unwrap_err();
    for place in 0..words.len() {
        let mut changed = words.clone();
        changed[place] = if words[place] == "academic" { "acid" } else { "academic" };
        assert_eq!(refused(&changed), Error::Checksum, "{place}");

        changed[place] = "wallet";
        assert_eq!(refused(&changed), Error::Word, "{place}");

        let mut missing = words.clone();
        missing.remove(place);
        assert_eq!(refused(&missing), Error::Checksum, "{place}");

        let mut added = words.clone();
        added.insert(place, "zero");
        assert_eq!(refused(&added), Error::Checksum, "{place}");

        let next = (place + 1) % words.len();
        let mut swapped = words.clone();
        swapped.swap(place, next);
        assert!(swapped == words || refused(&swapped) == Error::Checksum, "{place}");
    }
    assert_eq!(refused(&words[..19]), Error::Length);
    assert_eq!(refused(&[]), Error::Length);
}

#[test]
fn capitals_and_white_space_do_not_matter() {
    let [first, second, _] = lists(&KEY, "", 1);
    let typed = format!("  {}\n", first.to_uppercase().replace(' ', " \t "));

    assert_eq!(*combine(&[&typed, &second], "").unwrap(), KEY);
}

#[test]
fn lists_of_the_first_version_and_of_the_reference_implementation_give_their_key() {
    let vectors = golden();
    for vector in &vectors {
        let lists = vector["lists"].as_array().unwrap();
        let lists: Vec<_> = lists.iter().map(|list| list.as_str().unwrap()).collect();
        let passphrase = vector["passphrase"].as_str().unwrap();
        for pair in [[0, 1], [0, 2], [1, 2]] {
            let key = combine(&pair.map(|place: usize| lists[place]), passphrase).unwrap();
            assert_eq!(hex::encode(&*key), vector["key"].as_str().unwrap());
        }
    }
    assert_eq!(vectors.len(), 6);
}

#[test]
fn the_first_versions_lists_are_written_again() {
    for vector in golden().iter().filter(|vector| vector["seed"].is_u64()) {
        let key = hex::decode(vector["key"].as_str().unwrap()).unwrap().try_into().unwrap();
        let passphrase = vector["passphrase"].as_str().unwrap();
        let lists = lists(&key, passphrase, vector["seed"].as_u64().unwrap());
        let expected = vector["lists"].as_array().unwrap();
        assert!(
            lists.iter().map(|list| list.as_str()).eq(expected.iter().filter_map(Value::as_str))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_key_comes_back(key: [u8; 32], passphrase in "[ -~]{0,20}", seed: u64, without in 0..3_usize) {
        let lists = lists(&key, &passphrase, seed);
        let pair: Vec<_> = (0..3).filter(|place| *place != without).map(|place| lists[place].as_str()).collect();

        prop_assert_eq!(&**combine(&pair, &passphrase).unwrap(), &key[..]);
    }

    #[test]
    fn any_text_is_refused(text: String) {
        prop_assert!(combine(&[&text, &text], "").is_err());
    }
}
