//! Events at either party of a signing session whose other party lies.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use ceremony::session::{Event, Output, Report};
use ceremony::{Invitation, Role, Session, Wallet};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::committee::{
    Meeting, NOW_MS, Party, TIMES, accept, assert_signs, consent, meet, payload,
};
use crate::hostile::PostOffice;
use crate::program::Program;
use crate::recording::{KEYGEN, SEED};
use crate::scene::Scene;

const TEXT: &str = "what both read";
const PATH: [u32; 2] = [0, 7];
const INITIATOR: Role = Role::Agent;
const COSIGNER: Role = Role::User;

/// An honest signing session.
struct Recording {
    descriptor: Vec<u8>,
    descriptor_signature: [u8; 64],
    round0: Vec<u8>,
    /// What arrives at each party.
    flights: BTreeMap<Role, Vec<Vec<Vec<u8>>>>,
}

/// Each party's generator when the session starts.
fn generators() -> BTreeMap<Role, ChaCha20Rng> {
    Role::ALL.map(|role| (role, Party::new(role, SEED).rng)).into()
}

static SIGNED: LazyLock<Recording> = LazyLock::new(|| {
    let mut parties: BTreeMap<Role, Party> =
        Role::ALL.map(|role| (role, Party::new(role, SEED))).into();
    let pair = (INITIATOR, COSIGNER);
    let Meeting { mut sessions, begun } = meet(&mut parties, &KEYGEN.wallets, pair, &[TEXT], &PATH);
    let mut step = |role: Role, event: Event<'_>| -> Report {
        parties.get_mut(&role).unwrap().step(sessions.get_mut(&role).unwrap(), event)
    };
    let [round0, first] = <[Vec<u8>; 2]>::try_from(begun.1.outgoing).unwrap();
    let second = step(COSIGNER, Event::Begin(std::slice::from_ref(&first))).outgoing;
    let third = step(INITIATOR, Event::Receive(&second)).outgoing;
    let fourth = step(COSIGNER, Event::Receive(&third)).outgoing;
    let initiator = &sessions[&INITIATOR];
    Recording {
        descriptor: initiator.descriptor(),
        descriptor_signature: initiator.descriptor_signature(),
        round0,
        flights: BTreeMap::from([
            (COSIGNER, vec![vec![first], third]),
            (INITIATOR, vec![second, fourth]),
        ]),
    }
});

/// The wallet of a party with all its pairs sound: made again if a program poisoned one.
fn wallet(role: Role) -> Arc<Wallet> {
    thread_local! {
        static WALLETS: RefCell<BTreeMap<Role, Arc<Wallet>>> = RefCell::default();
    }
    WALLETS.with_borrow_mut(|wallets| {
        let sound = wallets.get(&role).filter(|wallet| wallet.poisoned_peers().is_empty());
        let wallet = sound.map_or_else(|| again(role), Arc::clone);
        wallets.insert(role, Arc::clone(&wallet));
        wallet
    })
}

/// The same shares behind gates of their own.
fn again(role: Role) -> Arc<Wallet> {
    let mut rehearsal = KEYGEN.rehearse(role);
    rehearsal.play_to(&KEYGEN, 7);
    let report = rehearsal.step(Event::Receive(&KEYGEN.sent_to(role, 7)));
    let ceremony::session::Status::Done(Output::Epoch(membership)) = report.status else {
        panic!("the recording ends in an epoch")
    };
    membership.current().unwrap()
}

/// A program at the co-signer, or at the initiator if its first byte is odd.
pub fn signing(data: &[u8]) {
    let recording = &*SIGNED;
    thread_local! {
        static POST: RefCell<PostOffice> = {
            let mut post = PostOffice::new(SEED, generators());
            SIGNED.flights.values().flatten().flatten().for_each(|envelope| post.watch(envelope));
            post.into()
        };
    }
    let mut program = Program::new(data);
    let Some(choice) = program.byte() else { return };
    let (me, insider) = if choice % 2 == 0 { (COSIGNER, INITIATOR) } else { (INITIATOR, COSIGNER) };
    let wallet = wallet(me);
    let mut rng = generators()[&me].clone();
    let session = if me == COSIGNER {
        let Recording { descriptor, descriptor_signature, round0, .. } = recording;
        let invitation =
            Invitation::open(&wallet, descriptor, descriptor_signature, round0, NOW_MS).unwrap();
        let authorization = accept(&invitation, vec![payload(TEXT)], NOW_MS).unwrap();
        Session::join(&invitation, authorization, NOW_MS).unwrap()
    } else {
        let authorization = consent(&wallet, TEXT, &PATH);
        let wallet = Arc::clone(&wallet);
        Session::sign(wallet, authorization, COSIGNER, "a test", TIMES, &mut rng).unwrap()
    };
    let output = POST.with_borrow_mut(|post| {
        post.rng = ChaCha20Rng::seed_from_u64(1);
        let flights = &recording.flights[&me];
        Scene { session, rng, me, insider, flights, post, asks: false }.play(&mut program)
    });
    if let Some(output) = output {
        let Output::Signatures(signatures) = output else { panic!("not a signature") };
        assert_signs(&wallet, &PATH, &payload(TEXT).digest, &signatures[0]);
    }
}

/// As in `scene`, after the choice of the party.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let forge = |place: u8| vec![8, 1, 0, 0, 2, 0, 0x80, place, 0, 1];
    let mut seeds = Vec::new();
    for party in 0..2 {
        seeds.push([vec![party], vec![0; 3]].concat());
        for flights in 0..2 {
            for place in [0, 0x01, 0x80, 0xff] {
                seeds.push([vec![party], vec![0; flights], forge(place), vec![0; 4]].concat());
            }
        }
    }
    seeds
}
