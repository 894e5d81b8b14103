//! Repetition inside a batch, and the key it would give if two items shared their masks.

use dkls23::sign::Signature;
use dkls23::{Abort, Incoming};
use k256::Scalar;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::attacker::{Signer, point33, reduce, scalar, times_generator};
use crate::committee::party;
use crate::duel::{SignDraws, to};
use crate::layout;
use crate::router::Channel::{self, Broadcast, Private};
use crate::router::{End, Refusal, edit, finished, message, nobody, only, run, sent};
use crate::stolen::Stolen;
use crate::story::{Signing, TWO_OF_THREE, generator, named, pair_signs};

/// The key of `public_key` from two signatures whose nonces differ by a known k_0 − k_1: low s may have negated either.
pub fn key_from_two_signatures(
    public_key: &[u8],
    digests: [&[u8; 32]; 2],
    signatures: [&Signature; 2],
    difference: &Scalar,
) -> Option<Scalar> {
    let [m_0, m_1] = digests.map(reduce);
    let [r_0, r_1] = signatures.map(|signature| scalar(&signature.r));
    let signs = [Scalar::ONE, -Scalar::ONE];
    let all = signs.iter().flat_map(|a| signs.iter().map(move |b| [a, b]));
    all.filter_map(|[a, b]| {
        let (s_0, s_1) = (scalar(&signatures[0].s) * a, scalar(&signatures[1].s) * b);
        // s_0·k_0 = m_0 + r_0·x and s_1·(k_0 − difference) = m_1 + r_1·x
        let determinant: Option<Scalar> = (r_0 * s_1 - r_1 * s_0).invert().into();
        Some((s_0 * (m_1 + s_1 * difference) - s_1 * m_0) * determinant?)
    })
    .find(|x| times_generator(x) == point33(public_key))
}

/// Item k's part of a body.
fn part(incoming: &Incoming, k: usize) -> Incoming {
    let half = |body: &[u8]| body[body.len() / 2 * k..body.len() / 2 * (k + 1)].to_vec();
    message(&half(&incoming.broadcast), &half(&incoming.private))
}

fn joined(parts: &[Incoming]) -> Incoming {
    let broadcast: Vec<_> = parts.iter().flat_map(|part| part.broadcast.clone()).collect();
    let private: Vec<_> = parts.iter().flat_map(|part| part.private.to_vec()).collect();
    message(&broadcast, &private)
}

#[test]
fn an_attacker_that_repeats_nonce_and_choices_in_a_batch_finds_no_repeated_mask_and_no_key() {
    let name = "a batch with one nonce";
    let signing = Signing::batch(name, &[1, 2], 2);
    let (share, stolen) = (TWO_OF_THREE.share(1), Stolen::of(&TWO_OF_THREE.share(2)));
    let (engine, out) = signing.start(&share).unwrap();
    let hello = to(&out, party(2));
    let mut rng = ChaCha20Rng::from_seed(named(name));
    let mut signers = [0, 1].map(|k| {
        let ctx = &part(&hello, k).broadcast[..32];
        Signer::new(stolen.clone(), party(1), ctx, signing.items[k].digest, &mut rng)
    });
    (signers[1].nonce, signers[1].x) = (signers[0].nonce, signers[0].x);

    let own_hello = joined(&signers.each_mut().map(Signer::round1));
    let mut index = 0..;
    let answers =
        signers.each_mut().map(|signer| signer.round2(&part(&hello, index.next().unwrap())));
    let (engine, out) = sent(engine, only(party(2), own_hello)).unwrap();
    let answer = to(&out, party(2));
    let mut index = 0..;
    let partials = signers
        .each_mut()
        .map(|signer| signer.round3(&part(&answer, index.next().unwrap())).unwrap());
    let (engine, out) = sent(engine, only(party(2), joined(&answers))).unwrap();
    let signatures = finished(engine, only(party(2), joined(&partials))).unwrap();
    let last = to(&out, party(2));
    assert_eq!(signers[1].finish(&part(&last, 1)), signatures[1]);

    let mut rng = generator(name, party(1));
    let [r_0, r_1] = [0, 1].map(|_| SignDraws::from(&mut rng).r);
    let matrices = [0, 1].map(|k| part(&answer, k).private[32..].to_vec());
    let masked = |k: usize, j: usize| scalar(&matrices[k][96 * j..96 * j + 32]);
    let observed: Vec<_> = (0..416).map(|j| masked(0, j) - masked(1, j)).collect();
    assert!(observed.iter().all(|difference| *difference != r_0 - r_1));

    let own = signers[0].r - signers[1].r;
    let digests = [&signing.items[0].digest, &signing.items[1].digest];
    let key = |difference: &Scalar| {
        let signatures = [&signatures[0], &signatures[1]];
        key_from_two_signatures(&share.public_key(), digests, signatures, &(own + difference))
    };
    assert_eq!(key(&observed[0]), None);
    // What equal masks would have given away.
    assert!(key(&(r_0 - r_1)).is_some());
}

/// How a batch of two ends at party 1 if `change` is applied to each body of party 2 in round 1.
fn with_round_1_changed(signing: &Signing, change: impl Fn(Channel, &mut Vec<u8>)) -> Refusal {
    let shares = TWO_OF_THREE.shares();
    let ends = signing.run(&shares, &mut |round, bodies| {
        if round == 1 {
            for channel in [Broadcast, Private] {
                edit(bodies, party(2), party(1), channel, |body| change(channel, body));
            }
        }
    });
    if !shares[&party(1)].pair(party(2)).unwrap().is_poisoned() {
        assert!(pair_signs(&shares[&party(1)], &shares[&party(2)]));
    }
    ends[&party(1)].refusal().unwrap()
}

/// Two items that differ, and twice the same item.
fn batches() -> [Signing; 2] {
    let different = Signing::batch("two items", &[1, 2], 2);
    let mut equal = different.clone();
    equal.items[1] = equal.items[0].clone();
    [different, equal]
}

#[test]
fn swapped_items_are_config() {
    for signing in batches() {
        let swapped = with_round_1_changed(&signing, |_, body| {
            let half = body.len() / 2;
            body.rotate_left(half);
        });

        assert_eq!(swapped, Refusal::new(1, Abort::Config));
    }
}

#[test]
fn an_item_sent_twice_is_config() {
    for signing in batches() {
        let repeated = with_round_1_changed(&signing, |_, body| {
            let half = body.len() / 2;
            body.copy_within(..half, half);
        });

        assert_eq!(repeated, Refusal::new(1, Abort::Config));
    }
}

#[test]
fn a_vole_request_repeated_under_the_context_of_another_item_poisons() {
    let [hello, request, ..] = &layout::sign(1)[..] else { panic!("four messages") };
    let ctx = hello.field("ctx", 0);
    let [signing, _] = batches();
    let repeated = with_round_1_changed(&signing, |channel, body| {
        let half = body.len() / 2;
        // Everything of item 0 but the context, which is public.
        match channel {
            Broadcast => body.copy_within(ctx.range().end..half, half + ctx.range().end),
            Private => body.copy_within(..half, half),
        }
        assert!(channel == Broadcast || half == request.length());
    });

    assert_eq!(repeated, Refusal::new(1, Abort::OtPoisoned(party(2))));
}

#[test]
fn the_same_batch_in_another_order_is_config_for_both() {
    let shares = TWO_OF_THREE.shares();
    let signing = Signing::batch("two orders", &[1, 2], 2);
    let mut reversed = signing.clone();
    reversed.items.reverse();
    let started = [(1, &signing), (2, &reversed)]
        .map(|(member, signing)| (party(member), signing.start(&shares[&party(member)]).unwrap()));

    let ends = run(started.into(), &mut nobody);

    let config = Some(Refusal::new(1, Abort::Config));
    assert!(ends.values().map(End::refusal).all(|refusal| refusal == config));
}
