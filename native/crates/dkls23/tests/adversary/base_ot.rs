//! The base OTs of a setup against receivers that hope for a weak hash, and the independence of their choice bits.

use std::collections::BTreeSet;
use std::sync::Arc;

use dkls23::KeyShare;
use k256::elliptic_curve::hash2curve::{ExpandMsgXmd, GroupDigest};
use k256::elliptic_curve::ops::MulByGenerator;
use k256::{AffinePoint, ProjectivePoint, Scalar, Secp256k1};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore, SeedableRng};
use sha2::{Digest, Sha256};

use crate::attacker::{draw, draw_scalar, reduce, times_generator};
use crate::committee::party;
use crate::dealer::{OT_BYTES, hash_input, hash_point, hash_scalar, ot_session, pad, points};
use crate::duel::{KeygenDraws, KeygenDuel};
use crate::router::{Channel, Dealing, sent};
use crate::stolen::{Seed, Stolen};
use crate::story::{KeygenStory, THREE_OF_FIVE, generator, named};

/// Both pads of the last level of every tree, which the victim, as base-OT sender, masked with all its leaves: idx 4i + 3.
fn pads_of_the_last_level(share: &KeyShare, answer: &[u8]) -> Vec<[Seed; 2]> {
    let state = Stolen::of(share);
    let leaves = &state.state(party(2)).leaves;
    let pads = |(tree, leaves): (&[u8], &[Seed; 16])| {
        let corrections: &[Seed] = tree[64..96].as_chunks().0;
        [0, 1].map(|side: usize| {
            let mut pad = corrections[side];
            let same_side = leaves.iter().skip(side).step_by(2).flatten();
            (0..).zip(same_side).for_each(|(i, byte): (usize, &u8)| pad[i % 16] ^= byte);
            pad
        })
    };
    answer[32 + OT_BYTES..].chunks(160).zip(leaves).map(pads).collect()
}

/// The victim's share and its answer to a dealer that asks with `requests(sid_ot)`.
fn answer_to(
    name: &'static str,
    requests: impl FnOnce(&[u8; 32]) -> Vec<[AffinePoint; 2]>,
) -> (Arc<KeyShare>, Vec<u8>, [u8; 32]) {
    let mut duel = KeygenDuel::start(name, 1).hello().unwrap();
    let sid_ot = ot_session(&duel.dealer.sid, party(2), party(1));
    duel.dealer.requests = Some(requests(&sid_ot));
    let (share, _, answer) = duel.open_and_listen().unwrap();
    (share, answer.private.to_vec(), sid_ot)
}

#[test]
fn the_hash_to_curve_of_a_request_is_rfc_9380s_and_no_known_multiple_of_the_generator() {
    let story = KeygenStory::new("a request", 2, 2);
    let victim = party(1);
    let (record, _) = story.record();
    let body = record.body(2, victim, party(2), Channel::Private);
    let sid = record.body(2, victim, party(2), Channel::Broadcast)[..32].try_into().unwrap();
    let sid_ot = ot_session(&sid, victim, party(2));
    let mut rng = generator(story.name, victim);
    let draws = KeygenDraws::from(&mut rng, 2, 1);

    for (idx, requested) in (0..).zip(points(&body[64..]).chunks(2)) {
        let (t, rho) = (draw_scalar(&mut rng), draw_scalar(&mut rng));
        let c = draws.choices[usize::from(idx) / 8] >> (idx % 8) & 1;
        let (chosen, other) = (requested[usize::from(c)], requested[usize::from(1 - c)]);
        assert_eq!(other, times_generator(&rho));

        let mask = (ProjectivePoint::from(times_generator(&t)) - chosen).to_affine();

        assert_eq!(mask, hash_point(&sid_ot, idx, c, &other).to_affine());
        let input = hash_input(&sid_ot, idx, c, &other);
        let rejected = [
            hash_scalar(&sid_ot, idx, c, &other),
            reduce(&Sha256::digest(&input).into()),
            Secp256k1::hash_to_scalar::<ExpandMsgXmd<Sha256>>(&[&input], &[b"mpc-wallet/v1"])
                .unwrap(),
        ];
        assert!(rejected.iter().all(|k| times_generator(k) != mask));
    }
}

#[test]
fn a_receiver_that_takes_the_hash_for_a_multiple_of_the_generator_does_not_get_the_other_pad() {
    let mut rng = ChaCha20Rng::from_seed(named("one scalar for each base OT"));
    let scalars: Vec<_> = (0..128).map(|_| draw_scalar(&mut rng)).collect();
    let mut requests = Vec::new();
    let (share, answer, sid_ot) = answer_to("a hopeful receiver", |sid_ot| {
        // r_1 = ρ·G, r_0 = t·G − HC_0(r_1) as usual, and t is known for side 0.
        for (idx, rho) in (0..).zip(&scalars) {
            let r_1 = times_generator(rho);
            let t = ProjectivePoint::mul_by_generator(&(*rho + Scalar::ONE));
            let r_0 = (t - hash_point(sid_ot, idx, 0, &r_1)).to_affine();
            requests.push([r_0, r_1]);
        }
        requests.clone()
    });
    let answers = points(&answer[32..32 + OT_BYTES]);

    for (tree, pads) in (0..).zip(pads_of_the_last_level(&share, &answer)) {
        let idx: u16 = 4 * tree + 3;
        let at = usize::from(idx);
        let (rho, [r_0, _]) = (scalars[at], requests[at]);
        let pad = |c: u8, logarithm: Scalar| {
            let answer = answers[2 * at + usize::from(c)];
            pad(&sid_ot, idx, c, &requests[at], &answer, &(answer * logarithm).to_affine())
        };
        assert_eq!(pad(0, rho + Scalar::ONE), pads[0]);
        // If HC_1(r_0) were k·G, the sender's m_1 would be (ρ + k)·G.
        let k = hash_scalar(&sid_ot, idx, 1, &r_0);
        assert_ne!(pad(1, rho + k), pads[1]);
        assert_ne!(pad(1, rho), pads[1]);
    }
}

#[test]
fn one_request_repeated_in_all_base_ots_gives_different_pads_and_opens_only_its_own() {
    let rho = Scalar::from(5u32);
    let t = Scalar::from(6u32);
    let mut repeated = None;
    let (share, answer, sid_ot) = answer_to("one request for all", |sid_ot| {
        let r_1 = times_generator(&rho);
        let own = ProjectivePoint::mul_by_generator(&t) - hash_point(sid_ot, 3, 0, &r_1);
        repeated = Some([own.to_affine(), r_1]);
        vec![repeated.unwrap(); 128]
    });
    let answers = points(&answer[32..32 + OT_BYTES]);

    let pads = pads_of_the_last_level(&share, &answer);

    let distinct: BTreeSet<_> = pads.as_flattened().iter().collect();
    assert_eq!(distinct.len(), 64);
    for (tree, pads) in (0..).zip(pads) {
        let idx: u16 = 4 * tree + 3;
        let answer = answers[2 * usize::from(idx)];
        let guessed = pad(&sid_ot, idx, 0, &repeated.unwrap(), &answer, &(answer * t).to_affine());
        assert_eq!(guessed == pads[0], idx == 3, "base OT {idx}");
    }
}

#[test]
fn no_two_ordered_pairs_share_a_delta_or_a_choice_bit_pattern() {
    let shares = THREE_OF_FIVE.shares();
    let mut deltas = Vec::new();
    for share in shares.values() {
        let stolen = Stolen::of(share);
        deltas.extend(stolen.peers.keys().map(|peer| stolen.state(*peer).delta));
    }

    let distinct: BTreeSet<_> = deltas.iter().flat_map(|delta| [*delta, !delta]).collect();

    assert_eq!((deltas.len(), distinct.len()), (20, 40));
}

/// Counts what is drawn.
struct Counting {
    inner: ChaCha20Rng,
    drawn: usize,
}

impl RngCore for Counting {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(draw(self))
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(draw(self))
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.drawn += bytes.len();
        self.inner.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Counting {}

#[test]
fn every_peer_gets_choice_bits_and_scalars_of_its_own_from_the_generator() {
    let (threshold, peers) = (2, 2);
    let story = KeygenStory::new("an audit of draws", 2, 3);
    let (record, _) = story.record();
    let rng = Counting { inner: generator(story.name, party(1)), drawn: 0 };
    let (mut machine, _) = Dealing::keygen(story.setup(), party(1), rng).unwrap();
    let mut drawn = vec![machine.rng().drawn];
    for round in 1..3 {
        (machine, _) = sent(machine, record.inbox(round, party(1))).unwrap();
        drawn.push(machine.rng().drawn - drawn.iter().sum::<usize>());
    }

    let polynomial_and_seeds = 32 + 32 * threshold + 32 + 32;
    let proofs_and_requests = 32 * threshold + peers * (32 + 16 + 128 * 64);
    let answers = peers * 128 * 64;
    assert_eq!(drawn, [polynomial_and_seeds, proofs_and_requests, answers]);
}
