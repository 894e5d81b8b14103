//! Events at a joiner of a key generation whose initiator lies.

use std::cell::RefCell;

use ceremony::Role;
use ceremony::session::Output;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::hostile::PostOffice;
use crate::program::Program;
use crate::recording::{KEYGEN, Rehearsal};
use crate::scene::Scene;

const ME: Role = Role::User;

/// A program at the user of the recorded key generation.
pub fn key_generation(data: &[u8]) {
    thread_local! {
        static POST: RefCell<PostOffice> = KEYGEN.post_office().into();
        static FLIGHTS: Vec<Vec<Vec<u8>>> =
            (0..=7).map(|round| KEYGEN.sent_to(ME, round)).collect();
    }
    let Rehearsal { party, session } = KEYGEN.rehearse(ME);
    let output = FLIGHTS.with(|flights| {
        POST.with_borrow_mut(|post| {
            post.rng = ChaCha20Rng::seed_from_u64(1);
            let (rng, insider, asks) = (party.rng, Role::Agent, true);
            let mut scene = Scene { session, rng, me: ME, insider, flights, post, asks };
            scene.play(&mut Program::new(data))
        })
    });
    if let Some(output) = output {
        let Output::Epoch(membership) = output else { panic!("no epoch") };
        assert_eq!(membership.certificate().as_ref(), Some(&KEYGEN.certificate), "another wallet");
    }
}

/// As in `scene`: 0 goes on, 8 forges a message of the next flight in the body, 15 0 stops.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let forge = |place: u8| vec![8, 1, 0, 0, 2, 0, 0x80, place, 0, 1];
    let mut seeds = vec![vec![0; 10]];
    for flights in 0..9 {
        for place in [0, 0x20, 0x80, 0xff] {
            seeds.push([vec![0; flights], forge(place), vec![0; 10]].concat());
        }
    }
    seeds.push([vec![0; 4], vec![15, 0, 1, 0, 0, 1, 0xff], vec![0; 4]].concat());
    seeds.push([vec![0; 5], vec![14, 0], vec![0; 6]].concat());
    seeds
}
