//! What a recording of everything, together with one party's keys and share, does not yield.
//!
//! Tested is what can be read off: every key that outlives the ceremonies is tried on every envelope, and every
//! 32 bytes of the transcript and of what opened are compared with the secrets. That nothing can be computed
//! from it is the argument of `docs/protocol.md`, not of a test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ceremony::envelope::{HEADER_BYTES, Header, peek};
use ceremony::session::{Event, Output, Status};
use ceremony::store::Key;
use ceremony::{ECDSA_KEY_ID, Role, Wallet};
use dkls23::KeyShare;
use k256::elliptic_curve::sec1::ToEncodedPoint;
use rand_chacha::ChaCha20Rng;

use crate::committee::{Meeting, Party, committee, deliver, keygen_sessions, meet, parties, run};
use crate::hostile::{Insider, PostOffice, ROUND_ABORT, SEALED_INVITATION, SEALED_ROUND, open};

/// Long-lived keys at the thief's hands, and everything that was on the wire.
struct Thief {
    stolen: Insider,
    transcript: Vec<Vec<u8>>,
}

impl Thief {
    /// Everything that any stolen key opens in any way, with its header.
    fn opens(&self) -> Vec<(Header, Vec<u8>)> {
        let mut opened = Vec::new();
        for envelope in &self.transcript {
            let (aad, rest) = envelope.split_at(HEADER_BYTES);
            let body = &rest[..rest.len() - 64];
            for info in [SEALED_INVITATION, SEALED_ROUND] {
                if let Some(plain) = open(&self.stolen.sealing, info, aad, body) {
                    opened.push((peek(envelope).unwrap(), plain));
                }
            }
        }
        opened
    }

    /// Every 32 bytes that the thief has seen.
    fn windows(&self) -> BTreeSet<[u8; 32]> {
        let opened = self.opens().into_iter().map(|(_, plain)| plain);
        let seen: Vec<Vec<u8>> = self.transcript.iter().cloned().chain(opened).collect();
        seen.iter()
            .flat_map(|bytes| bytes.windows(32))
            .map(|window| window.try_into().unwrap())
            .collect()
    }
}

fn stored_share(party: &mut Party, wallet: &Wallet) -> Vec<u8> {
    let key = Key::Share {
        wallet_id: *wallet.roster().wallet_id(),
        epoch: wallet.epoch(),
        key_id: ECDSA_KEY_ID.to_owned(),
    };
    party.stored(key).unwrap().0.to_vec()
}

/// The secret parts of a stored share, the scalar first: everything behind the public body of the epoch but the
/// names of the pairs, which signing shows to everybody.
fn secrets(record: &[u8], role: Role) -> Vec<u8> {
    let share = KeyShare::decode(record).unwrap();
    let public = share.epoch().encode();
    let at = record.windows(public.len()).position(|window| window == public).unwrap();
    let (scalar_bytes, pairs) = record[at + public.len()..record.len() - 32].split_at(32);
    let scalar = k256::SecretKey::from_slice(scalar_bytes).unwrap();
    let point = scalar.public_key().to_encoded_point(true);
    let index = usize::from(role.index().get()) - 1;
    assert_eq!(point.as_bytes(), share.epoch().public_shares()[index], "this is the share");
    let mut secrets = scalar_bytes.to_vec();
    for pair in pairs.chunks(pairs.len() / 2) {
        // zero-sharing seed 32, two names 32 each, whether there is a state, the state
        assert_eq!(pair[96], 1, "not poisoned");
        secrets.extend([&pair[..32], &pair[97..]].concat());
    }
    secrets
}

#[test]
fn a_recorded_key_generation_with_a_partys_keys_and_share_shows_no_other_share_and_no_chain_code() {
    let seed = 1_400;
    let mut parties = parties(seed);
    let sessions = keygen_sessions(&mut parties);
    let made = run(&mut parties, sessions, &mut deliver);
    let wallets: BTreeMap<Role, Arc<Wallet>> =
        made.ends.iter().map(|(role, end)| (*role, end.wallet())).collect();
    let records: BTreeMap<Role, Vec<u8>> = Role::ALL
        .into_iter()
        .map(|role| (role, stored_share(parties.get_mut(&role).unwrap(), &wallets[&role])))
        .collect();
    let (_, chain_code) = wallets[&Role::Agent].root(ECDSA_KEY_ID).unwrap();

    for role in Role::ALL {
        let thief =
            Thief { stolen: Insider::steal(role, seed), transcript: made.transcript.clone() };
        assert_eq!(thief.stolen.identity_key(), parties[&role].identity.identity_key());

        let opened = thief.opens();
        assert_eq!(opened.len(), 2, "what the other two said to it in round 0");
        assert!(
            opened.iter().all(|(header, _)| { header.round == 0 && header.to == role.index() })
        );

        let seen = thief.windows();
        assert!(!seen.contains(&chain_code), "{role:?}");
        for other in Role::ALL {
            // Its own share is not in what it may have opened either.
            let secrets = secrets(&records[&other], other);
            assert!(secrets.len() > 20_000, "scalar, seeds and both directions of every pair");
            let shown = secrets.windows(32).filter(|window| seen.contains(*window)).count();
            assert_eq!(shown, 0, "{role:?} sees something of {other:?}");
            if other != role {
                let held: BTreeSet<&[u8]> = records[&role].windows(32).collect();
                let scalar = &secrets[..32];
                assert!(!held.contains(scalar), "nor is it in what {role:?} holds");
            }
        }
    }
}

/// Both parties as they were before the last flight, which is on no wire; and the secrets of that flight, which a
/// second run of the same randomness gives.
#[test]
fn a_recorded_signing_session_without_its_last_flight_shows_no_signature_and_no_share_of_it() {
    let seed = 1_410;
    let (transcript, _) = sign(seed, false);
    let (_, finished) = sign(seed, true);
    assert_eq!(finished.len(), 2 * 2 + 4, "w and u of both, r and s at both");

    for role in [Role::Agent, Role::User] {
        let (mut parties, wallets) = committee(seed);
        let record = stored_share(parties.get_mut(&role).unwrap(), &wallets[&role]);
        let thief = Thief { stolen: Insider::steal(role, seed), transcript: transcript.clone() };

        let opened: Vec<u16> = thief.opens().iter().map(|(header, _)| header.round).collect();
        let expected: &[u16] = if role == Role::User { &[0] } else { &[] };
        assert_eq!(opened, expected, "{role:?}");

        let seen = thief.windows();
        let held: BTreeSet<&[u8]> = record.windows(32).collect();
        for secret in &finished {
            assert!(!seen.contains(secret), "{role:?}");
            assert!(!held.contains(secret.as_slice()), "{role:?}");
        }
        for other in [Role::Agent, Role::User] {
            let record = stored_share(parties.get_mut(&other).unwrap(), &wallets[&other]);
            let shown = secrets(&record, other);
            assert!(shown.windows(32).all(|window| !seen.contains(window)), "{role:?}, {other:?}");
        }
    }
}

/// The transcript up to the last flight, or the session's end and the 32-byte values of its last round.
fn sign(seed: u64, to_the_end: bool) -> (Vec<Vec<u8>>, Vec<[u8; 32]>) {
    let (mut parties, wallets) = committee(seed);
    let generators: BTreeMap<Role, ChaCha20Rng> =
        parties.iter().map(|(role, party)| (*role, party.rng.clone())).collect();
    let mut post = PostOffice::new(seed, generators);
    let pair = (Role::Agent, Role::User);
    let Meeting { mut sessions, begun } = meet(&mut parties, &wallets, pair, &["secret"], &[]);
    let mut step = |role: Role, event: Event<'_>| {
        let party = parties.get_mut(&role).unwrap();
        party.step(sessions.get_mut(&role).unwrap(), event)
    };
    let first = begun.1.outgoing;
    let second = step(Role::User, Event::Begin(&first[1..])).outgoing;
    let third = step(Role::Agent, Event::Receive(&second)).outgoing;
    let mut transcript = [first, second].concat();
    // The agent's share of the signature is in the flight that never leaves.
    let (without_share, shares): (Vec<_>, Vec<_>) =
        third.iter().cloned().partition(|sent| peek(sent).unwrap().round != 3);
    transcript.extend(without_share);
    assert!(transcript.iter().all(|sent| peek(sent).unwrap().round != ROUND_ABORT));
    if !to_the_end {
        return (transcript, Vec::new());
    }
    let done = step(Role::User, Event::Receive(&third));
    let last = done.outgoing.clone();
    let ended = step(Role::Agent, Event::Receive(&last));
    let mut values = Vec::new();
    transcript.iter().for_each(|sent| post.watch(sent));
    for share in shares.iter().chain(&last) {
        // u32 length, T2, w, u, u32 length
        let body = post.open(share).body;
        values.push(body[36..68].try_into().unwrap());
        values.push(body[68..100].try_into().unwrap());
    }
    for report in [done, ended] {
        let Status::Done(Output::Signatures(signatures)) = report.status else { panic!("failed") };
        values.extend([signatures[0].r, signatures[0].s]);
    }
    (transcript, values)
}
