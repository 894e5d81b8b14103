//! A session id that comes twice, a generator that repeats, a machine that is resumed from a snapshot.

use std::collections::BTreeSet;

use k256::Scalar;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore, SeedableRng};

use crate::attacker::{
    Answer, Extension, MESSAGE2_BYTES, Row, alice_rows, draw, draw_scalar, scalar, sid1, sid2,
};
use crate::batch::key_from_two_signatures;
use crate::committee::party;
use crate::duel::{Duel, SignDraws};
use crate::layout;
use crate::router::{Channel, Sign};
use crate::stolen::Stolen;
use crate::story::{Signing, TWO_OF_THREE, generator, named};

/// The private body of round 1 from party 1 to party 2, with randomness from `rng`.
fn request(signing: &Signing, rng: impl CryptoRng + RngCore) -> Vec<u8> {
    let (_, out) = Sign::start(&TWO_OF_THREE.share(1), signing.setup(), rng).unwrap();
    out.private[&party(2)].to_vec()
}

/// The rows u of a request.
fn rows(request: &[u8]) -> Vec<Row> {
    request[64..64 + 32 * 68].as_chunks().0.to_vec()
}

fn difference(a: &Row, b: &Row) -> Row {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// A generator that says these bytes.
struct Scripted(std::vec::IntoIter<u8>);

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(draw(self))
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(draw(self))
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.0.next().unwrap());
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Scripted {}

#[test]
fn a_repeated_session_id_with_fresh_randomness_repeats_no_output_of_the_extension() {
    let signing = Signing::new("one session id", &[1, 2]);
    let seeds = ["first time", "second time"].map(|name| generator(name, party(1)));
    let choices = seeds.clone().map(|mut rng| SignDraws::from(&mut rng).x);

    let [first, second] = seeds.map(|rng| request(&signing, rng));

    // The pair's id is the same, and nothing behind it.
    assert_eq!(first[32..64], second[32..64]);
    let blocks = |request: &[u8]| -> BTreeSet<Vec<u8>> {
        request[64..].windows(8).map(<[u8]>::to_vec).collect()
    };
    assert!(blocks(&first).is_disjoint(&blocks(&second)));
    let leaked = difference(&choices[0], &choices[1]);
    let pairs = rows(&first).into_iter().zip(rows(&second));
    assert!(pairs.map(|(a, b)| difference(&a, &b)).all(|row| row != leaked));
}

#[test]
fn a_frozen_generator_repeats_the_whole_first_round_of_a_repeated_session_id() {
    let signing = Signing::new("one session id", &[1, 2]);
    let frozen = generator("frozen", party(1));

    assert_eq!(request(&signing, frozen.clone()), request(&signing, frozen));
}

#[test]
fn a_repeated_nonce_in_a_repeated_session_shows_the_difference_of_the_choice_bits() {
    let signing = Signing::new("one session id", &[1, 2]);
    let draws = SignDraws::from(&mut generator("first time", party(1)));
    let other =
        SignDraws { nonce: draws.nonce, ..SignDraws::from(&mut generator("second", party(1))) };
    let leaked = difference(&draws.x, &other.x);

    let [first, second] =
        [draws, other].map(|draws| request(&signing, Scripted(draws.bytes().into_iter())));

    // This is why sid1 hashes a nonce: nothing else of this session was fresh.
    let pairs = rows(&first).into_iter().zip(rows(&second));
    assert!(pairs.map(|(a, b)| difference(&a, &b)).all(|row| row == leaked));
}

#[test]
fn a_snapshot_resumed_inside_a_session_gives_the_key_and_a_session_begun_anew_does_not() {
    let name = "a snapshot";
    let share = TWO_OF_THREE.share(1);
    let key = |second_generator: &str| {
        let stolen = Stolen::of(&TWO_OF_THREE.share(2));
        // The same machine after round 1, against two attackers with two nonces.
        let first = Duel::start(name, &share, stolen.clone());
        let rng = generator(second_generator, party(1));
        let mut second = Duel::start_with(name, &share, stolen, rng);
        let mut own = ChaCha20Rng::from_seed(named("another nonce"));
        second.attacker.r = draw_scalar(&mut own);
        let difference: Scalar = first.attacker.r - second.attacker.r;
        let digest = first.attacker.digest;
        let signatures = [first, second].map(|duel| duel.finish().unwrap()[0]);
        let [a, b] = &signatures;
        key_from_two_signatures(&share.public_key(), [&digest, &digest], [a, b], &difference)
    };

    assert!(key(name).is_some());
    assert_eq!(key("drawn anew"), None);
}

#[test]
fn both_vole_messages_are_byte_for_byte_the_specifications() {
    let signing = Signing::new("byte for byte", &[1, 2]);
    let shares = TWO_OF_THREE.shares();
    let (record, _) = signing.record(&shares);
    let (me, peer) = (party(1), party(2));
    let stolen = Stolen::of(&shares[&me]);
    let mut rng = generator(&signing.name, me);
    let draws = SignDraws::from(&mut rng);
    let check = draw_scalar(&mut rng);
    let hello = record.body(1, me, peer, Channel::Broadcast);
    let ctx = hello[..32].try_into().unwrap();

    let own = sid1(&ctx, me, peer, &draws.nonce);
    let extension = Extension::new(&own, &stolen.state(peer).leaves, draws.x);
    let message1 = extension.message(&own, &extension.v);
    assert_eq!(record.body(1, me, peer, Channel::Private)[64..], message1);

    let theirs = record.body(1, peer, me, Channel::Private);
    let their_sid1 = sid1(&ctx, peer, me, &theirs[..32].try_into().unwrap());
    let w = alice_rows(&their_sid1, stolen.state(peer), &theirs[64..]);
    let body = record.body(2, me, peer, Channel::Private);
    let sid2 = sid2(&their_sid1, &body[..32].try_into().unwrap(), &theirs[64..]);
    // sk is blinded by the zero share; the matrix itself tells it, since the masks are known here.
    let blinded = Answer::new(&stolen.epoch_id, &sid2, stolen.state(peer), &w, |_| {
        [draws.r, Scalar::ZERO, check]
    });
    let a = layout::sign(1)[2].field("a~ of sk", 0);
    let sk = scalar(&body[a.range()]) - blinded.matrix[0][1];
    let inputs = [draws.r, sk, check];
    let answer = Answer::new(&stolen.epoch_id, &sid2, stolen.state(peer), &w, |_| inputs);
    assert_eq!(body[32..32 + MESSAGE2_BYTES], answer.encode());
}
