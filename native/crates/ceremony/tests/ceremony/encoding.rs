//! Every form that is read from outside: what is written is read back, and nothing else is read as it.

use ceremony::descriptor::{Descriptor, Kind, Participant};
use ceremony::envelope::{HEADER_BYTES, Header, MAX_PARTS, peek};
use ceremony::session::Event;
use ceremony::{Card, Identity, Invitation, Role};
use dkls23::{Epoch, KeyShare, PartyIndex};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::committee::NOW_MS;
use crate::recording::KEYGEN;

fn index() -> impl Strategy<Value = PartyIndex> {
    (1..=255_u8).prop_map(|byte| PartyIndex::new(byte).unwrap())
}

prop_compose! {
    fn header()(
        (kind, round, epoch, from, to) in (any::<u8>(), any::<u16>(), any::<u64>(), index(), index()),
        (parts, part) in (1..=MAX_PARTS).prop_flat_map(|parts| (Just(parts), 0..parts)),
        sender_sequence in any::<u32>(),
        arrays in any::<[[u8; 32]; 4]>(),
        body_length in 0..600_u32,
    ) -> Header {
        let [session_id, wallet_id, previous_broadcasts_hash, relay_chain_head] = arrays;
        Header {
            kind, round, session_id, wallet_id, epoch, from, to, part, parts, sender_sequence,
            previous_broadcasts_hash, relay_chain_head, body_length,
        }
    }
}

prop_compose! {
    fn descriptor()(
        sign in any::<bool>(),
        present in prop_oneof![Just(0b011_u8), Just(0b101), Just(0b110), Just(0b111)],
        first in any::<bool>(),
        keys in any::<[[u8; 32]; 3]>(),
        arrays in any::<[[u8; 32]; 4]>(),
        (epoch, created_at_ms, expires_at_ms) in any::<(u64, u64, u64)>(),
    ) -> Descriptor {
        let participants: Vec<Participant> = Role::ALL
            .into_iter()
            .zip(keys)
            .filter(|(role, _)| present & (1 << (role.byte() - 1)) != 0)
            .map(|(role, identity_key)| Participant { role, identity_key })
            .collect();
        let [wallet_id, roster_hash, mut nonce, setup_details_hash] = arrays;
        nonce[0] |= 1;
        Descriptor {
            kind: if sign { Kind::Sign } else { Kind::Keygen },
            wallet_id: { let mut id = wallet_id; id[0] |= 1; id },
            roster_hash,
            epoch,
            initiator: participants[if first { 0 } else { 1 }].role,
            participants,
            created_at_ms,
            expires_at_ms,
            nonce,
            setup_details_hash,
        }
    }
}

proptest! {
    #[test]
    fn a_header_is_read_back_as_it_was_written(header in header()) {
        let bytes = header.encode();
        prop_assert_eq!(bytes.len(), HEADER_BYTES);
        let body = usize::try_from(header.body_length).unwrap();
        let envelope = [bytes, vec![0xaa; body + 64]].concat();
        prop_assert_eq!(peek(&envelope), Some(header));
        prop_assert_eq!(peek(&envelope[..envelope.len() - 1]), None);
        prop_assert_eq!(peek(&[&envelope[..], &[0]].concat()), None);
    }

    #[test]
    fn what_is_read_as_a_header_is_written_as_the_same_bytes(
        header in header(),
        at in 0..HEADER_BYTES,
        byte in any::<u8>(),
    ) {
        let body = usize::try_from(header.body_length).unwrap();
        let mut envelope = [header.encode(), vec![0xaa; body + 64]].concat();
        envelope[at] = byte;
        if let Some(read) = peek(&envelope) {
            prop_assert_eq!(&read.encode()[..], &envelope[..HEADER_BYTES]);
        }
    }

    #[test]
    fn a_descriptor_is_read_back_as_it_was_written(descriptor in descriptor()) {
        let bytes = descriptor.encode();
        prop_assert_eq!(bytes.len(), 160 + 34 * descriptor.participants.len());
        prop_assert_eq!(Descriptor::decode(&bytes), Some(descriptor));
    }

    #[test]
    fn what_is_read_as_a_descriptor_is_written_as_the_same_bytes(
        descriptor in descriptor(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = descriptor.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(read) = Descriptor::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn a_session_id_is_of_one_descriptor(descriptor in descriptor(), at in 0..160_usize) {
        let mut other = descriptor.encode();
        other[at] ^= 1;
        if let Some(other) = Descriptor::decode(&other) {
            prop_assert_ne!(other.session_id(), descriptor.session_id());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Card::decode(&bytes);
        let _ = Descriptor::decode(&bytes);
        let _ = peek(&bytes);
        let _ = KeyShare::decode(&bytes);
        let _ = Epoch::decode(&bytes);
        let wallet = &KEYGEN.wallets[&Role::User];
        prop_assert!(Invitation::open(wallet, &bytes, &bytes, &bytes, NOW_MS).is_err());
    }

    #[test]
    fn any_bytes_behind_a_true_magic_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert_eq!(Card::decode(&[b"MPCC\x01", &bytes[..]].concat()), None);
        let descriptor = [b"MPCD\x01\x01", &bytes[..]].concat();
        if let Some(read) = Descriptor::decode(&descriptor) {
            prop_assert_eq!(read.encode(), descriptor);
        }
        let _ = peek(&[b"MPCE\x01", &bytes[..]].concat());
        let _ = KeyShare::decode(&[&[1], &bytes[..]].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_at_a_running_session_are_dropped(
        envelopes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..8),
    ) {
        let mut rehearsal = KEYGEN.rehearse(Role::User);
        rehearsal.step(Event::Begin(&[]));
        let report = rehearsal.step(Event::Receive(&envelopes));
        prop_assert_eq!(report.dropped.len(), envelopes.len());
        prop_assert!(report.outgoing.is_empty());
    }
}

#[test]
fn a_card_is_read_back_as_it_was_written() {
    let mut rng = ChaCha20Rng::seed_from_u64(77);
    for role in Role::ALL {
        let identity = Identity::generate(role, &mut rng);
        let first = identity.pair(&mut rng).card();
        let second = identity.pair(&mut rng).card();

        let (first, second) = (Card::decode(&first).unwrap(), Card::decode(&second).unwrap());

        assert_eq!(first.identity_key, identity.identity_key());
        assert_eq!(first.role, role);
        assert_eq!(first.approver_key.is_some(), role != Role::Agent);
        assert_ne!(first.nonce_commitment, second.nonce_commitment, "a fresh nonce each time");
        let with_the_first_nonce = Card { nonce_commitment: first.nonce_commitment, ..second };
        assert_eq!(with_the_first_nonce, first);
    }
}
