//! Descriptors: what a party joins and what it does not.

use std::sync::Arc;

use ceremony::descriptor::{CLOCK_TOLERANCE_MS, Descriptor, Kind, Participant};
use ceremony::{Class, Failure, Invitation, Role, Session};

use crate::committee::{NOW_MS, Party};
use crate::hostile::Insider;
use crate::proposal::Proposal;
use crate::recording::{KEYGEN, SEED};

const HOUR_MS: u64 = 3_600_000;

fn refusal_of(change: impl FnOnce(&mut Descriptor)) -> &'static str {
    let failure = Proposal::with_descriptor(change).refusal();
    assert_eq!((failure.class, failure.culprits.len()), (Class::Config, 0));
    failure.reason
}

fn opens(change: impl FnOnce(&mut Descriptor)) -> bool {
    Proposal::with_descriptor(change).open().is_ok()
}

#[test]
fn an_honest_descriptor_opens() {
    assert!(opens(|_| {}));
}

#[test]
fn a_descriptor_from_the_future_is_refused_beyond_the_tolerance_of_clocks() {
    let created = |ahead_ms| {
        move |descriptor: &mut Descriptor| {
            descriptor.created_at_ms = NOW_MS + ahead_ms;
            descriptor.expires_at_ms = descriptor.created_at_ms + 60_000;
        }
    };

    assert!(opens(created(CLOCK_TOLERANCE_MS - 1)));
    assert!(opens(created(CLOCK_TOLERANCE_MS)));
    assert_eq!(refusal_of(created(CLOCK_TOLERANCE_MS + 1)), "the descriptor is from the future");
    assert_eq!(refusal_of(created(1 << 50)), "the descriptor is from the future");
}

#[test]
fn a_descriptor_is_alive_until_the_moment_it_expires() {
    let proposal = Proposal::honest();
    let expires = proposal.descriptor.expires_at_ms;

    assert!(proposal.open_at(expires - 1).is_ok());
    for now_ms in [expires, expires + 1, u64::MAX] {
        let failure = proposal.open_at(now_ms).err().unwrap();
        assert_eq!((failure.class, failure.reason), (Class::Config, "the descriptor has expired"));
    }
}

#[test]
fn a_descriptor_lives_at_least_a_moment_and_at_most_as_long_as_its_kind_may() {
    let living = |lifetime_ms: u64| {
        move |descriptor: &mut Descriptor| {
            descriptor.expires_at_ms = descriptor.created_at_ms + lifetime_ms;
        }
    };

    assert!(opens(living(1)));
    assert!(opens(living(HOUR_MS)));
    for lifetime_ms in [0, HOUR_MS + 1, u64::MAX - NOW_MS] {
        assert_eq!(refusal_of(living(lifetime_ms)), "the descriptor's lifetime is out of range");
    }
    assert_eq!(
        refusal_of(|descriptor| descriptor.expires_at_ms = descriptor.created_at_ms - 1),
        "the descriptor's lifetime is out of range"
    );
    assert_eq!(Kind::Sign.longest_lifetime_ms(), HOUR_MS);
    assert_eq!(Kind::Keygen.longest_lifetime_ms(), 24 * HOUR_MS);
}

#[test]
fn a_descriptor_of_another_wallet_roster_or_epoch_is_refused() {
    assert_eq!(
        refusal_of(|descriptor| descriptor.wallet_id[0] ^= 1),
        "the descriptor is of another wallet"
    );
    assert_eq!(
        refusal_of(|descriptor| descriptor.roster_hash[0] ^= 1),
        "the descriptor is of another roster"
    );
    for epoch in [0, 2, u64::MAX] {
        assert_eq!(
            refusal_of(|descriptor| descriptor.epoch = epoch),
            "the invitation is of another epoch"
        );
    }
}

#[test]
fn a_descriptor_that_names_an_unknown_party_or_not_this_one_is_refused() {
    let unknown = "the descriptor names an unknown party";
    let guardian = Participant { role: Role::Recovery, identity_key: KEYGEN.cards[2].identity_key };

    assert_eq!(refusal_of(|descriptor| descriptor.participants[1].identity_key[0] ^= 1), unknown);
    assert_eq!(
        refusal_of(|descriptor| {
            let agent = descriptor.participants[0].identity_key;
            descriptor.participants[1].identity_key = agent;
        }),
        unknown
    );
    assert_eq!(refusal_of(|descriptor| descriptor.participants[1] = guardian), unknown);
    assert_eq!(
        refusal_of(|descriptor| descriptor.participants.push(guardian)),
        "a quorum is the initiator and one other party"
    );
}

#[test]
fn a_signing_descriptor_of_one_or_three_parties_or_of_ones_own_is_refused() {
    assert_eq!(
        refusal_of(|descriptor| descriptor.participants.truncate(1)),
        "not a session descriptor"
    );
    assert_eq!(
        refusal_of(|descriptor| descriptor.kind = Kind::Keygen),
        "not an invitation to sign"
    );
    let mut own = Proposal::honest();
    own.descriptor.initiator = Role::User;
    own.initiator = Insider::steal(Role::User, SEED);
    assert_eq!(own.refusal().reason, "a quorum is the initiator and one other party");
}

#[test]
fn a_descriptor_is_signed_by_its_initiator_and_nobody_else() {
    let (descriptor, signature, round0) = Proposal::honest().write();
    let wallet = &KEYGEN.wallets[&Role::User];
    let open = |signature: &[u8]| {
        Invitation::open(wallet, &descriptor, signature, &round0, NOW_MS).map(|_| ())
    };
    let decoded = Descriptor::decode(&descriptor).unwrap();
    let unsigned = Some("the descriptor's signature does not verify");
    let reason = |result: Result<(), Failure>| result.err().map(|failure| failure.reason);

    assert_eq!(reason(open(&signature)), None);
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(reason(open(&changed)), unsigned, "bit {bit}");
    }
    for role in [Role::User, Role::Recovery] {
        let other = Insider::steal(role, SEED).sign_descriptor(&decoded);
        assert_eq!(reason(open(&other)), unsigned);
    }
    for length in [0, 63, 65] {
        let other = vec![1; length];
        assert_eq!(reason(open(&other)), Some("a descriptor's signature has 64 bytes"));
    }
}

#[test]
fn a_descriptor_with_a_byte_less_or_more_or_a_constant_for_randomness_is_none() {
    let honest = Proposal::honest().descriptor;
    let bytes = honest.encode();
    assert_eq!(Descriptor::decode(&bytes), Some(honest.clone()));

    for length in 0..bytes.len() {
        assert_eq!(Descriptor::decode(&bytes[..length]), None, "{length} bytes");
    }
    assert_eq!(Descriptor::decode(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(Descriptor::decode(&Descriptor { nonce: [0; 32], ..honest.clone() }.encode()), None);
    assert_eq!(Descriptor::decode(&Descriptor { wallet_id: [0; 32], ..honest }.encode()), None);
}

#[test]
fn a_descriptor_in_another_version_kind_or_order_is_none() {
    let bytes = Proposal::honest().descriptor.encode();
    let with = |at: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[at] = value;
        Descriptor::decode(&changed)
    };
    // magic 4, version, kind, wallet 32, roster 32, epoch 8, initiator, count, then index, role, key 32 each
    let (initiator, count, first, second) = (78, 79, 80, 114);

    assert_eq!(bytes.len(), 80 + 2 * 34 + 80);
    assert!(with(0, b'M').is_some());
    assert_eq!(with(0, b'N'), None, "magic");
    for version in [0, 2, 255] {
        assert_eq!(with(4, version), None, "version {version}");
    }
    for kind in [0, 3, 6, 10, 12, 255] {
        assert_eq!(with(5, kind), None, "kind {kind}");
    }
    for role in [0, 3, 4, 255] {
        assert_eq!(with(initiator, role), None, "an initiator that takes no part");
    }
    for parties in [0, 1, 3, 255] {
        assert_eq!(with(count, parties), None, "{parties} parties");
    }
    for at in [first, first + 1, second, second + 1] {
        assert_eq!(with(at, 3), None, "index and role differ");
    }
    let mut swapped = bytes.clone();
    swapped[first..second + 34].rotate_left(34);
    assert_eq!(Descriptor::decode(&swapped), None, "descending");
    let mut twice = bytes.clone();
    twice.copy_within(first..second, second);
    assert_eq!(Descriptor::decode(&twice), None, "the same party twice");
}

/// What the user says when asked to join a key generation.
fn joins(change: impl FnOnce(&mut Descriptor)) -> Result<(), &'static str> {
    let mut descriptor = Descriptor::decode(&KEYGEN.descriptor).unwrap();
    change(&mut descriptor);
    let signer = descriptor.initiator;
    joins_as_signed_by(
        &descriptor.encode(),
        &Insider::steal(signer, SEED).sign_descriptor(&descriptor),
    )
}

fn joins_as_signed_by(descriptor: &[u8], signature: &[u8]) -> Result<(), &'static str> {
    let mut user = Party::new(Role::User, SEED);
    let (pairing, identity) = (user.pair(), Arc::clone(&user.identity));
    let cards = KEYGEN.cards.clone();
    Session::join_wallet(identity, pairing, cards, None, (descriptor, signature), NOW_MS)
        .map(|_| ())
        .map_err(|rejected| {
            let failure = rejected.failure;
            assert_eq!((failure.class, failure.culprits.len()), (Class::Config, 0));
            failure.reason
        })
}

#[test]
fn a_party_joins_a_key_generation_of_all_three_of_its_own_cards_and_no_other() {
    let not_a_keygen = Err("not an invitation to a key generation of all parties");

    assert_eq!(joins(|_| {}), Ok(()));
    assert_eq!(joins(|descriptor| descriptor.kind = Kind::Sign), not_a_keygen);
    assert_eq!(joins(|descriptor| descriptor.epoch = 2), not_a_keygen);
    assert_eq!(joins(|descriptor| descriptor.participants.truncate(2)), not_a_keygen);
    assert_eq!(
        joins(|descriptor| descriptor.roster_hash[31] ^= 1),
        Err("the descriptor is of another roster")
    );
    // The roster hash covers the wallet's id.
    assert_eq!(
        joins(|descriptor| descriptor.wallet_id[31] ^= 1),
        Err("the descriptor is of another roster")
    );
    assert_eq!(
        joins(|descriptor| descriptor.participants[2].identity_key[31] ^= 1),
        Err("the descriptor names an unknown party")
    );
    assert_eq!(
        joins(|descriptor| descriptor.initiator = Role::User),
        Err("this party is the initiator")
    );
    assert_eq!(
        joins(|descriptor| descriptor.expires_at_ms = descriptor.created_at_ms + 24 * HOUR_MS + 1),
        Err("the descriptor's lifetime is out of range")
    );
    assert_eq!(
        joins(|descriptor| descriptor.expires_at_ms = descriptor.created_at_ms + 24 * HOUR_MS),
        Ok(())
    );
}

#[test]
fn a_key_generation_is_joined_on_its_initiators_signature_only() {
    let descriptor = Descriptor::decode(&KEYGEN.descriptor).unwrap();
    let guardian = Insider::steal(Role::Recovery, SEED).sign_descriptor(&descriptor);
    let mut flipped = KEYGEN.descriptor_signature;
    flipped[0] ^= 1;

    assert_eq!(joins_as_signed_by(&KEYGEN.descriptor, &KEYGEN.descriptor_signature), Ok(()));
    for signature in [guardian, flipped, [0; 64]] {
        assert_eq!(
            joins_as_signed_by(&KEYGEN.descriptor, &signature),
            Err("the descriptor's signature does not verify")
        );
    }
    assert_eq!(
        joins_as_signed_by(&KEYGEN.descriptor, &[0; 63]),
        Err("a descriptor's signature has 64 bytes")
    );
    assert_eq!(joins_as_signed_by(&[], &[0; 64]), Err("not a session descriptor"));
}

#[test]
fn a_pairing_that_was_not_used_up_by_a_refused_descriptor_serves_the_next() {
    let mut user = Party::new(Role::User, SEED);
    let identity = || Arc::clone(&user.identity);
    let (cards, signature) = (KEYGEN.cards.clone(), KEYGEN.descriptor_signature);
    let pairing = user.identity.pair(&mut user.rng);
    let card = pairing.card();

    let cut = &KEYGEN.descriptor[1..];
    let refused =
        Session::join_wallet(identity(), pairing, cards.clone(), None, (cut, &signature), NOW_MS)
            .err()
            .unwrap();

    assert_eq!(refused.pairing.card(), card);
    let whole = &KEYGEN.descriptor;
    let joined =
        Session::join_wallet(identity(), refused.pairing, cards, None, (whole, &signature), NOW_MS);
    assert!(joined.is_ok());
}
