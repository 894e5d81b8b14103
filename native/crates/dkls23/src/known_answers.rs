//! Every byte against the executable model's vectors (`__test__/vectors/dkls23/README.md`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use k256::Scalar;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::derive::DerivationPath;
use crate::keygen::KeygenSetup;
use crate::ot::extension::{alice_extend, message_hash};
use crate::ot::{AliceState, BobState, base, pprf};
use crate::pair_setup::order_by_distance;
use crate::parameters::{LEAVES, SEED_BYTES, TREES};
use crate::reshare::{ReshareKind, ReshareSetup};
use crate::secret::Secret;
use crate::sign::{SignItem, SignSetup};
use crate::vole::{self, Bob, Gadget, Message2};
use crate::wire::Reader;
use crate::{KeyShare, PartyIndex, point, scalar};

#[allow(dead_code, reason = "every test program uses some of it")]
#[path = "../tests/support/committee.rs"]
mod committee;

use committee::{Each, Sent, never, party};

fn vector(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../__test__/vectors/dkls23");
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn number(value: &Value) -> u8 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn hex_scalar(scalar: &Scalar) -> String {
    hex::encode(scalar::encode(scalar))
}

fn generator(seed: &Value) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(array(seed))
}

fn generators(seeds: &Value) -> Each<ChaCha20Rng> {
    let seeds = seeds.as_object().unwrap();
    seeds.iter().map(|(i, seed)| (party(i.parse().unwrap()), generator(seed))).collect()
}

fn assert_messages(sent: &[Sent], expected: &Value) {
    let mut sent: Vec<_> = sent.iter().collect();
    sent.sort_by_key(|sent| (sent.round, sent.from, sent.to));
    let describe = |sent: &&Sent| {
        let to = sent.to.map_or("all".to_owned(), |to| to.to_string());
        (sent.round, sent.from.get(), to, sent.body.len(), sha256(&sent.body))
    };
    let ours: Vec<_> = sent.iter().map(describe).collect();
    let theirs: Vec<_> = list(expected)
        .iter()
        .map(|line| {
            let to = line["to"].as_str().map_or(line["to"].to_string(), str::to_owned);
            let length = usize::try_from(line["length"].as_u64().unwrap()).unwrap();
            let sha256 = text(&line["sha256"]).to_owned();
            (number(&line["round"]), number(&line["from"]), to, length, sha256)
        })
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn random_stream_is_the_models() {
    let expected = &vector("hash.json")["chacha20"];
    let mut rng = generator(&expected["seed"]);

    for draw in list(&expected["draws"]) {
        let mut drawn = vec![0; bytes(draw).len()];
        rng.fill_bytes(&mut drawn);
        assert_eq!(drawn, bytes(draw));
    }
}

#[test]
fn hash_to_curve_has_the_models_points() {
    for case in list(&vector("base-ot.json")["hash_to_curve"]) {
        let message = bytes(&case["message"]);
        let expected = text(&case["point"]);
        let hashed = |message: &[u8]| match message.len() {
            0 => crate::hash_to_curve::hash_to_curve::<0>(&[[]], base::DST, &never),
            3 => crate::hash_to_curve::hash_to_curve::<3>(
                &[message.try_into().unwrap()],
                base::DST,
                &never,
            ),
            _ => crate::hash_to_curve::hash_to_curve::<68>(
                &[message.try_into().unwrap()],
                base::DST,
                &never,
            ),
        };
        let point = hashed(&message).unwrap().first().unwrap().to_affine();
        assert_eq!(hex::encode(point::encode33(&point)), expected);
    }
}

#[test]
fn base_ot_sends_the_models_messages_and_both_sides_agree_on_the_pads() {
    let expected = vector("base-ot.json");
    let (receiver, sender) =
        (party(number(&expected["receiver"])), party(number(&expected["sender"])));
    let sid_ot = base::session_id(&array(&expected["sid"]), receiver, sender);
    assert_eq!(sid_ot.to_vec(), bytes(&expected["sid_ot"]));

    let mut rng = generator(&expected["seeds"]["receiver"]);
    let state = base::Receiver::request(sid_ot, &mut rng, &never).unwrap();
    let mut rng = generator(&expected["seeds"]["sender"]);
    let (answer, sent) = base::send(&sid_ot, receiver, state.message(), &mut rng, &never).unwrap();
    let received = state.finish(sender, &answer, &never).unwrap();

    assert_eq!(sha256(state.message()), text(&expected["message1"]["sha256"]));
    assert_eq!(sha256(&answer), text(&expected["message2"]["sha256"]));
    assert_eq!(sha256(received.as_flattened()), text(&expected["received_pads_sha256"]));
    assert_eq!(sha256(sent.as_flattened().as_flattened()), text(&expected["sent_pads_sha256"]));
    let choices: String = state.choices().map(|c| char::from(b'0' + c.unwrap_u8())).collect();
    assert_eq!(choices, text(&expected["choice_bits"]));
}

#[test]
fn pprf_trees_are_the_models_and_the_receiver_misses_only_the_hole() {
    let expected = vector("pprf.json");
    let mut oracles = pprf::Oracles::new(&array(&expected["sid_ot"]));
    for case in list(&expected["trees"]) {
        let tree = number(&case["tree"]);
        let pads =
            [0, 1, 2, 3].map(|level: usize| [0, 1].map(|c: usize| array(&case["pads"][level][c])));
        let choice = [0, 1, 2, 3].map(|level: usize| number(&case["choice"][level]));

        let (leaves, message) = oracles.build(tree, &pads);
        let mut keys = [[0; SEED_BYTES]; 4];
        for ((key, pads), c) in keys.iter_mut().zip(pads).zip(choice) {
            *key = pads[usize::from(c)];
        }
        let (known, hole, holds) = oracles.evaluate(tree, &choice.map(Into::into), &keys, &message);

        assert!(bool::from(holds));
        assert_eq!(hex::encode(message), text(&case["message"]));
        assert_eq!(hole, number(&case["hole"]));
        for ((y, leaf), expected) in leaves.iter().enumerate().zip(list(&case["leaves"])) {
            assert_eq!(hex::encode(leaf), text(expected));
            assert_eq!(known[y], if y == usize::from(hole) { [0; 16] } else { *leaf });
        }
    }
}

#[test]
fn vole_sends_the_models_messages_and_shares_the_products() {
    let expected = vector("vole.json");
    let (alice, sid1, t1) = (party(1), array(&expected["sid1"]), array(&expected["T1"]));
    let gadget = Gadget::new(&array(&expected["epoch_id"]));
    let mut rng = generator(&expected["leaves_seed"]);
    let mut leaves = [[[0; SEED_BYTES]; LEAVES]; TREES];
    leaves.as_flattened_mut().iter_mut().for_each(|leaf| rng.fill_bytes(leaf));
    let delta = u128::from_le_bytes(array(&expected["delta_little_endian"]));
    let mut alice_leaves = Secret::new([[[0; SEED_BYTES]; LEAVES - 1]; TREES]);
    for (i, (tree, slots)) in leaves.iter().zip(alice_leaves.iter_mut()).enumerate() {
        let mut ordered = *tree;
        order_by_distance(&mut ordered, (delta >> (4 * i) & 15).try_into().unwrap());
        slots.copy_from_slice(&ordered[1..]);
    }
    let bob_state = BobState { leaves: Secret::new(leaves) };
    let alice_state = AliceState { delta: Secret::new(delta), leaves: alice_leaves };
    let input = |name: &str| scalar::decode(&array(&expected[name])).unwrap();

    let mut draw = Given(bytes(&expected["X"]));
    let (bob, message1) = Bob::start(sid1, &bob_state, &gadget, &mut draw);
    assert_eq!(sha256(&message1), text(&expected["message1"]["sha256"]));
    assert_eq!(hex_scalar(bob.b()), text(&expected["b"]));

    let message1: &[u8; vole::MESSAGE1_BYTES] = message1.as_slice().try_into().unwrap();
    let (columns, holds) = alice_extend(&sid1, &alice_state, message1);
    assert!(bool::from(holds));
    assert_eq!(hex::encode(columns[0].to_le_bytes()), text(&expected["q_0"]));
    let sid2 = vole::sid2(&sid1, &t1, &message_hash(message1));
    assert_eq!(hex::encode(sid2), text(&expected["sid2"]));
    let inputs = [input("r"), input("sk")];
    let mut message2 = Vec::new();
    let c = vole::alice_answer(
        &sid2,
        delta,
        &columns,
        &inputs,
        &input("a_hat"),
        &gadget,
        &mut message2,
    );
    assert_eq!(sha256(&message2), text(&expected["message2"]["sha256"]));
    assert_eq!(c.each_ref().map(hex_scalar).to_vec(), list(&expected["c"]));

    let b = *bob.b();
    let mut reader = Reader::exactly(alice, &message2, vole::MESSAGE2_BYTES).unwrap();
    let (d, _) = bob.finish(&t1, &Message2::read(&mut reader).unwrap(), &gadget).unwrap();
    assert_eq!(d.each_ref().map(hex_scalar).to_vec(), list(&expected["d"]));
    for ((c, d), a) in c.iter().zip(d.iter()).zip(inputs) {
        assert_eq!(c + d, a * b);
    }
}

/// A generator that gives these bytes.
struct Given(Vec<u8>);

impl RngCore for Given {
    fn next_u32(&mut self) -> u32 {
        unreachable!()
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        dest.copy_from_slice(&self.0);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl rand_core::CryptoRng for Given {}

/// The key generation of a vector file, with its transcript.
fn keygen(expected: &Value) -> (Each<KeyShare>, Vec<Sent>) {
    let setup = || {
        KeygenSetup::new(
            array(&expected["session_id"]),
            text(&expected["key_id"]),
            number(&expected["t"]),
            number(&expected["n"]),
            array(&expected["roster_hash"]),
            expected["epoch_no"].as_u64().unwrap(),
        )
        .unwrap()
    };
    let mut transcript = Vec::new();
    let shares = committee::keygen(setup, generators(&expected["seeds"]), &mut transcript).unwrap();
    (shares, transcript)
}

#[test]
fn keygen_2_of_2_is_the_models() {
    assert_keygen("keygen-2of2.json");
}

#[test]
fn keygen_2_of_3_is_the_models() {
    assert_keygen("keygen-2of3.json");
}

#[test]
fn keygen_3_of_5_is_the_models() {
    assert_keygen("keygen-3of5.json");
}

/// The refresh or recovery of a vector file, from the shares of the key generation that it names.
fn reshare(expected: &Value) -> (Each<KeyShare>, Vec<Sent>) {
    let (old, _) = keygen(&vector(text(&expected["old_epoch_of"])));
    let listed = |name: &str| -> Vec<PartyIndex> {
        list(&expected[name]).iter().map(|i| party(number(i))).collect()
    };
    let (dealers, holders) = (listed("dealers"), listed("old_share_held_by"));
    let old = old.into_iter().filter(|(i, _)| holders.contains(i));
    let old = old.map(|(i, share)| (i, Arc::new(share))).collect();
    let kind = match text(&expected["ceremony"]) {
        "refresh" => ReshareKind::Refresh,
        _ => ReshareKind::Recover,
    };
    let setup = || {
        ReshareSetup::new(
            array(&expected["session_id"]),
            kind,
            text(&expected["key_id"]),
            number(&expected["t"]),
            number(&expected["n"]),
            array(&expected["roster_hash"]),
            array(&expected["old_epoch_id"]),
            expected["old_epoch_no"].as_u64().unwrap(),
            expected["epoch_no"].as_u64().unwrap(),
            &dealers,
        )
        .unwrap()
    };
    let mut transcript = Vec::new();
    let rngs = generators(&expected["seeds"]);
    let shares = committee::reshare(setup, &old, rngs, &mut transcript).unwrap();
    (shares, transcript)
}

#[test]
fn refresh_of_2_of_3_is_the_models() {
    let expected = vector("refresh-2of3.json");
    assert_shares(reshare(&expected), &expected);
}

#[test]
fn recovery_of_2_of_3_is_the_models() {
    let expected = vector("recover-2of3.json");
    assert_shares(reshare(&expected), &expected);
}

fn assert_keygen(file: &str) {
    let expected = vector(file);
    assert_shares(keygen(&expected), &expected);
}

fn assert_shares((shares, transcript): (Each<KeyShare>, Vec<Sent>), expected: &Value) {
    assert_messages(&transcript, &expected["messages"]);
    for (index, share) in &shares {
        let epoch = share.epoch();
        assert_eq!(hex::encode(epoch.sid()), text(&expected["sid"]));
        assert_eq!(hex::encode(epoch.t2()), text(&expected["T2"]));
        assert_eq!(hex::encode(epoch.public_key()), text(&expected["X"]));
        assert_eq!(hex::encode(epoch.chain_code()), text(&expected["chain_code"]));
        assert_eq!(hex::encode(epoch.id()), text(&expected["epoch_id"]));
        for (j, public_share) in (1..).zip(epoch.public_shares()) {
            let expected = &expected["public_shares"][i32::to_string(&j)];
            assert_eq!(hex::encode(public_share), text(expected));
        }
        assert_eq!(hex_scalar(share.secret()), text(&expected["shares"][index.to_string()]));
    }
    let seeds = expected["zero_seeds"].as_object().unwrap();
    for (pair, seed) in seeds {
        let (i, j) = pair.split_once(',').unwrap();
        let (i, j) = (party(i.parse().unwrap()), party(j.parse().unwrap()));
        for (me, peer) in [(i, j), (j, i)] {
            assert_eq!(hex::encode(**shares[&me].zero_seed(peer).unwrap()), text(seed));
        }
    }
    for pair in list(&expected["pairs"]) {
        assert_pair(&shares, pair);
    }
}

fn assert_pair(shares: &Each<KeyShare>, expected: &Value) {
    let (bob, alice) = (party(number(&expected["bob"])), party(number(&expected["alice"])));
    let at_bob = shares[&bob].pair(alice).unwrap();
    let at_alice = shares[&alice].pair(bob).unwrap();
    assert_eq!(hex::encode(at_bob.name().ids.as_bob), text(&expected["ot_pair_id"]));
    assert_eq!(hex::encode(at_alice.name().ids.as_alice), text(&expected["ot_pair_id"]));

    let (at_bob, at_alice) = (at_bob.state().unwrap(), at_alice.state().unwrap());
    let leaves = at_bob.bob.leaves.as_flattened().as_flattened();
    assert_eq!(sha256(leaves), text(&expected["bob_leaves_sha256"]));
    let AliceState { delta, leaves } = &at_alice.alice;
    assert_eq!(hex::encode(delta.to_le_bytes()), text(&expected["delta_little_endian"]));
    let mut zero_at_hole = Vec::new();
    for (tree, hole) in leaves.iter().zip(at_alice.alice.holes()) {
        let mut ordered = [[0; SEED_BYTES]; LEAVES];
        ordered[1..].copy_from_slice(tree);
        order_by_distance(&mut ordered, hole);
        zero_at_hole.extend(ordered.concat());
    }
    assert_eq!(sha256(&zero_at_hole), text(&expected["alice_leaves_zero_at_hole_sha256"]));
}

#[test]
fn derived_keys_are_the_models() {
    let expected = vector("bip32.json");
    for case in list(&expected["derivations"]) {
        let child = crate::derive::derive(
            &array(&expected["X"]),
            &array(&expected["chain_code"]),
            &path(&case["path"]),
        )
        .unwrap();

        assert_eq!(hex::encode(child.tweak), text(&case["delta"]));
        assert_eq!(hex::encode(child.public_key), text(&case["public_key"]));
        assert_eq!(hex::encode(child.chain_code), text(&case["chain_code"]));
    }
}

fn path(value: &Value) -> DerivationPath {
    let indices = list(value).iter().map(|index| index.as_u64().unwrap().try_into().unwrap());
    DerivationPath::new(&indices.collect::<Vec<_>>()).unwrap()
}

#[test]
fn signing_with_2_of_2_is_the_models() {
    assert_sign("keygen-2of2.json", &["sign-2of2.json"]);
}

#[test]
fn signing_with_2_of_3_is_the_models_for_every_quorum_and_for_a_batch() {
    let files = [
        "sign-2of3-quorum12.json",
        "sign-2of3-quorum13.json",
        "sign-2of3-quorum23.json",
        "sign-2of3-batch.json",
    ];
    assert_sign("keygen-2of3.json", &files);
}

#[test]
fn signing_with_3_of_5_is_the_models() {
    assert_sign("keygen-3of5.json", &["sign-3of5.json"]);
}

#[test]
fn signing_after_a_refresh_is_the_models() {
    assert_sign("refresh-2of3.json", &["sign-refreshed.json"]);
}

#[test]
fn signing_after_a_recovery_is_the_models() {
    assert_sign("recover-2of3.json", &["sign-recovered.json"]);
}

fn assert_sign(source: &str, files: &[&str]) {
    let expected = vector(source);
    let made = if text(&expected["ceremony"]) == "keygen" { keygen } else { reshare };
    let (shares, _) = made(&expected);
    let shares: Each<_> = shares.into_iter().map(|(i, share)| (i, Arc::new(share))).collect();
    for file in files {
        let expected = vector(file);
        assert_eq!(text(&expected["shares_of"]), source);
        for case in list(&expected["cases"]) {
            assert_session(&shares, case);
        }
    }
}

fn assert_session(shares: &Each<Arc<KeyShare>>, expected: &Value) {
    let quorum: Vec<PartyIndex> =
        list(&expected["quorum"]).iter().map(|i| party(number(i))).collect();
    let item = |item: &Value| SignItem {
        digest: array(&item["digest"]),
        digest_kind: number(&item["digest_kind"]),
        path: path(&item["path"]),
        payload_hash: array(&item["payload_hash"]),
        resolved_hash: array(&item["resolved_hash"]),
        policy_hash: array(&item["policy_hash"]),
    };
    let setup = || {
        let items = list(&expected["items"]).iter().map(item).collect();
        SignSetup::new(array(&expected["session_id"]), &quorum, items).unwrap()
    };
    let mut transcript = Vec::new();
    let signatures =
        committee::sign(shares, setup, generators(&expected["seeds"]), &mut transcript).unwrap();

    assert_messages(&transcript, &expected["messages"]);
    let expected: Vec<_> = list(&expected["items"])
        .iter()
        .map(|item| &item["signature"])
        .map(|s| (text(&s["r"]).to_owned(), text(&s["s"]).to_owned(), number(&s["recid"])))
        .collect();
    let results: BTreeMap<_, Vec<_>> = signatures
        .into_iter()
        .map(|(i, all)| {
            let shown =
                |s: &crate::sign::Signature| (hex::encode(s.r), hex::encode(s.s), s.recovery_id);
            (i, all.iter().map(shown).collect())
        })
        .collect();
    assert!(results.values().all(|signatures| *signatures == expected));
}
