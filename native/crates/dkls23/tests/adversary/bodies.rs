//! Bodies that no sender would make: every length, any size, any bytes.

use dkls23::Abort;
use rand_core::RngCore;

use crate::committee::party;
use crate::layout::{self, Layout};
use crate::router::{Body, Channel, Record, Refusal, follow_changed};
use crate::story::{KeygenStory, Signing, TWO_OF_THREE, generator};

const HUGE: usize = 64 << 20;

fn from_party_2(round: u8, channel: Channel, bytes: Vec<u8>) -> Body {
    Body { round, from: party(2), to: party(1), channel, bytes }
}

fn lengths(right: usize) -> impl Iterator<Item = usize> {
    let near = right.saturating_sub(2)..=right + 2;
    let all = (0..4).chain(near).chain([2 * right, right / 2, 65_536, HUGE]);
    all.filter(move |length| *length != right)
}

#[test]
fn a_body_of_any_other_length_is_malformed_however_long_it_is() {
    let malformed = |round| Some(Refusal::new(round, Abort::Malformed(party(2))));
    let story = KeygenStory::new("lengths", 2, 2);
    let (record, _) = story.record();
    for layout in layout::keygen(2) {
        let (round, channel) = (layout.round, layout.channel);
        for length in lengths(layout.length()) {
            let body = from_party_2(round, channel, vec![2; length]);
            let end = follow_changed(story.start(party(1)).0, &record, &body).unwrap();
            assert_eq!(end.err(), malformed(round), "{length} bytes in round {round}");
        }
    }

    let shares = TWO_OF_THREE.shares();
    let signing = Signing::batch("lengths", &[1, 2], 2);
    let (record, _) = signing.record(&shares);
    for layout in layout::sign(2) {
        let (round, channel) = (layout.round, layout.channel);
        for length in lengths(layout.length()).chain([layout.length() / 2 * 3]) {
            let start = signing.start(&shares[&party(1)]).unwrap().0;
            let body = from_party_2(round, channel, vec![2; length]);
            let end = follow_changed(start, &record, &body).unwrap();
            assert_eq!(end.err(), malformed(round), "{length} bytes in round {round}");
        }
    }
}

/// Random bytes over a random part of a body.
fn scrambled(body: &[u8], rng: &mut impl RngCore) -> Vec<u8> {
    let mut draw = |below: usize| rng.next_u32() as usize % below;
    let from = draw(body.len());
    let to = from + 1 + draw(body.len() - from);
    let mut scrambled = body.to_vec();
    rng.fill_bytes(&mut scrambled[from..to]);
    scrambled
}

fn all_scrambled(layouts: &[Layout], record: &Record, each: usize) -> Vec<Body> {
    let mut rng = generator("scrambled bodies", party(2));
    let of_layout = |Layout { round, channel, .. }: &Layout| {
        let body = record.body(*round, party(2), party(1), *channel);
        let scrambled = |_| from_party_2(*round, *channel, scrambled(body, &mut rng));
        (0..each).map(scrambled).collect::<Vec<_>>()
    };
    layouts.iter().flat_map(of_layout).collect()
}

#[test]
fn random_bytes_in_signing_never_panic_and_never_yield_a_signature() {
    let signing = Signing::new("random bytes", &[1, 2]);
    let (record, _) = signing.record(&TWO_OF_THREE.shares());
    for body in all_scrambled(&layout::sign(1), &record, 64) {
        let start = signing.start(&TWO_OF_THREE.share(1)).unwrap().0;
        let end = follow_changed(start, &record, &body).unwrap();
        assert!(end.is_err(), "round {}: {}", body.round, hex::encode(&body.bytes));
    }
}

#[test]
fn random_bytes_in_key_generation_never_panic_and_never_change_the_key() {
    let story = KeygenStory::new("random bytes", 2, 2);
    let (record, shares) = story.record();
    let key = shares[&party(1)].epoch();
    for body in all_scrambled(&layout::keygen(2), &record, 16) {
        let end = follow_changed(story.start(party(1)).0, &record, &body).unwrap();
        assert!(end.is_err() || end.unwrap().epoch() == key, "round {}", body.round);
    }
}
