//! Signing by two of three.

use ceremony::Role;

use crate::committee::{Run, assert_signs, committee, deliver, payload, random_text, sign};

const PAIRS: [(Role, Role); 6] = [
    (Role::Agent, Role::User),
    (Role::User, Role::Agent),
    (Role::Agent, Role::Recovery),
    (Role::Recovery, Role::Agent),
    (Role::User, Role::Recovery),
    (Role::Recovery, Role::User),
];

#[test]
fn any_two_of_three_sign_at_the_root_and_at_derived_paths() {
    let (mut parties, wallets) = committee(10);

    for pair in PAIRS {
        for path in [&[][..], &[0, 7], &[2_147_483_647]] {
            let text = random_text(parties.get_mut(&pair.0).unwrap());
            let Run { ends, share_left, .. } =
                sign(&mut parties, &wallets, pair, &text, path, &mut deliver);
            assert_eq!(ends.len(), 2);
            for role in [pair.0, pair.1] {
                let signatures = ends[&role].signatures();
                assert_eq!(signatures.len(), 1);
                assert_signs(&wallets[&role], path, &payload(&text).digest, &signatures[0]);
                assert_eq!(share_left[&role], 1, "the share leaves exactly once");
            }
        }
    }
}

#[test]
fn the_signature_exists_after_two_round_trips() {
    let (mut parties, wallets) = committee(11);
    let mut order = Vec::new();

    let run = sign(
        &mut parties,
        &wallets,
        (Role::Agent, Role::User),
        "two round trips",
        &[],
        &mut |header, bytes| {
            order.push((Role::of(header.from).unwrap(), header.round));
            deliver(header, bytes)
        },
    );

    assert_signs(
        &wallets[&Role::Agent],
        &[],
        &payload("two round trips").digest,
        &run.ends[&Role::Agent].signatures()[0],
    );
    use Role::{Agent, User};
    assert_eq!(
        order,
        [(Agent, 0), (Agent, 1), (User, 1), (User, 2), (Agent, 2), (Agent, 3), (User, 3)]
    );
}

#[test]
fn junk_is_dropped_with_a_coded_event_and_stops_nothing() {
    let (mut parties, wallets) = committee(12);

    let run = sign(
        &mut parties,
        &wallets,
        (Role::Agent, Role::User),
        "junk",
        &[],
        &mut |header, bytes| {
            let to = Role::of(header.to).unwrap();
            let mut flipped = bytes.to_vec();
            *flipped.last_mut().unwrap() ^= 1;
            let mut corrupted = bytes.to_vec();
            corrupted[160] ^= 1;
            vec![
                (to, Vec::new()),
                (to, bytes[..bytes.len() - 1].to_vec()),
                (to, flipped),
                (to, corrupted),
                (to, bytes.to_vec()),
                (to, bytes.to_vec()),
            ]
        },
    );

    assert_signs(
        &wallets[&Role::User],
        &[],
        &payload("junk").digest,
        &run.ends[&Role::User].signatures()[0],
    );
    let names: Vec<&str> = run.dropped.values().flatten().map(|d| d.code.name()).collect();
    for code in ["ENVELOPE_LAYOUT", "ENVELOPE_BAD_SIGNATURE", "ENVELOPE_REPLAYED"] {
        assert!(names.contains(&code), "{code}");
    }
}
