//! Documents of round 0, signed and sealed as a hostile initiator would.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use ceremony::descriptor::Descriptor;
use ceremony::session::{Event, Status};
use ceremony::{Class, Invitation, ParsedPayload, Role, Session};
use tagged_hash::{hash, tags};

use crate::committee::{NOW_MS, Party, payload};
use crate::hostile::PostOffice;
use crate::proposal::{Proposal, details, item};
use crate::recording::{KEYGEN, SEED};

/// The details of an invitation to sign.
pub fn request(data: &[u8]) {
    let (descriptor, signature, round0) = Proposal::honest().write_with(data);
    let wallet = &KEYGEN.wallets[&Role::User];
    let invitation = match Invitation::open(wallet, &descriptor, &signature, &round0, NOW_MS) {
        Ok(invitation) => invitation,
        Err(failure) => {
            assert!(matches!(failure.class, Class::Config | Class::PolicyStale));
            assert!(failure.culprits.is_empty());
            return;
        }
    };
    let items: Vec<String> = invitation
        .items()
        .iter()
        .map(|asked| {
            let payload = ParsedPayload {
                kind: asked.kind.clone(),
                chain: asked.chain.clone(),
                bytes: asked.bytes.clone(),
                digest: asked.digest,
                digest_kind: asked.digest_kind,
                payload_hash: [0; 32],
                resolved_hash: [0; 32],
            };
            item(&payload, &asked.path)
        })
        .collect();
    assert!((1..=64).contains(&items.len()) && invitation.memo().len() <= 512);
    let origin = invitation.origin();
    let name = serde_json::to_string(&origin.idempotency_key).unwrap();
    let again = details(&items, invitation.memo()).replacen("\"a request\"", &name, 1);
    // Nobody's key and signature stand in the seeds.
    assert!(origin.principal.is_some() || again.as_bytes() == data, "another form of the same");
}

pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    let items = |count: usize| vec![item(&payload(Proposal::TEXT), &[44, 60, 0]); count];
    [details(&items(1), "rent"), details(&items(3), ""), details(&items(64), "\"\\\u{e9}")]
        .map(String::into_bytes)
        .into()
}

fn honest_opening() -> Vec<u8> {
    let letter = KEYGEN.post_office().open(KEYGEN.envelope(0, Role::Agent, Role::User));
    letter.body[32..].to_vec()
}

/// The details of a key generation.
pub fn opening(data: &[u8]) {
    thread_local! {
        static POST: std::cell::RefCell<PostOffice> = KEYGEN.post_office().into();
        static HONEST: Vec<u8> = honest_opening();
    }
    let mut descriptor = Descriptor::decode(&KEYGEN.descriptor).unwrap();
    let salted = [&[9; 32][..], data].concat();
    descriptor.setup_details_hash = hash(tags::SETUP_DETAILS, &[&salted[..32], data]);
    let (signature, openings) = POST.with_borrow_mut(|post| {
        let openings = [Role::Agent, Role::Recovery].map(|from| {
            let mut letter = post.open(KEYGEN.envelope(0, from, Role::User));
            letter.header.session_id = descriptor.session_id();
            if from == Role::Agent {
                letter.body = salted.clone();
            }
            post.post(&letter)
        });
        (post.insiders[&Role::Agent].sign_descriptor(&descriptor), openings)
    });
    let mut user = Party::new(Role::User, SEED);
    let pairing = user.pair();
    let identity = Arc::clone(&user.identity);
    let (cards, descriptor) = (KEYGEN.cards.clone(), descriptor.encode());
    let mut session =
        Session::join_wallet(identity, pairing, cards, None, (&descriptor, &signature), NOW_MS)
            .unwrap();
    user.step(&mut session, Event::Begin(&[]));
    match user.step(&mut session, Event::Receive(&openings)).status {
        Status::Confirm(_) => HONEST.with(|honest| assert_eq!(data, honest)),
        Status::Aborted(failure) => {
            let blamed: Vec<u8> = failure.culprits.iter().map(|party| party.get()).collect();
            let expected = match failure.class {
                Class::Config => vec![],
                Class::Malformed => vec![1],
                class => panic!("{class:?}"),
            };
            assert_eq!(blamed, expected);
        }
        Status::Waiting { .. } | Status::Done(_) => panic!("neither words nor a failure"),
    }
}

pub(crate) fn opening_seeds() -> Vec<Vec<u8>> {
    let honest = honest_opening();
    let other_nonce = {
        let text = String::from_utf8(honest.clone()).unwrap();
        let nonce = Base64UrlUnpadded::encode_string(&[7; 32]);
        let start = text.find("\"nonce\":\"").unwrap() + 9;
        format!("{}{nonce}{}", &text[..start], &text[start + nonce.len()..]).into_bytes()
    };
    vec![honest, other_nonce]
}
