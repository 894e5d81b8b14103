//! How a vault is unlocked, and how it is not.

use tagged_hash::{hash, tags};
use vault::{Error, Kdf, Unlock, VaultHeader, WrappingKey, open, seal};

use crate::scene::{
    KDF, PASSWORD, flips, password_vault, refused, rng, share_name, wrapped_vault, wrapping_key,
};

/// The bytes under a true checksum, as a forger would write them.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 32);
    let checksum = hash(tags::VAULT_HEADER, &[&bytes]);
    [bytes, checksum.to_vec()].concat()
}

fn with_kdf(header: &[u8], kdf: Kdf) -> Vec<u8> {
    let mut bytes = header.to_vec();
    for (slot, number) in
        bytes[7..19].chunks_exact_mut(4).zip([kdf.memory_kib, kdf.iterations, kdf.lanes])
    {
        slot.copy_from_slice(&number.to_be_bytes());
    }
    with_checksum(bytes)
}

#[test]
fn the_password_opens_what_it_sealed_after_the_header_was_stored() {
    let (header, kek) = password_vault();
    let sealed = seal(&kek, &share_name(), b"a share", &mut rng(9)).unwrap();

    let stored = VaultHeader::decode(&header.encode().unwrap()).unwrap();
    let unlocked = stored.unlock_with_password(PASSWORD).unwrap();

    assert_eq!(stored, header);
    assert_eq!(unlocked.id(), header.kek_id());
    assert_eq!(*open(&unlocked, &share_name(), &sealed).unwrap(), b"a share");
}

#[test]
fn the_wrapping_key_opens_what_it_sealed_after_its_keeper_gave_it_back() {
    let (header, kek) = wrapped_vault();
    let sealed = seal(&kek, &share_name(), b"a share", &mut rng(9)).unwrap();

    let stored = VaultHeader::decode(&header.encode().unwrap()).unwrap();
    let Unlock::WrappingKey { wrapper, wrapped } = stored.unlock() else { panic!("a password") };
    let kept = WrappingKey::from_bytes(wrapping_key().expose_for_wrapping());
    let unlocked = stored.unlock_with_wrapping_key(&kept).unwrap();

    assert_eq!((wrapper.as_str(), wrapped.len()), ("keychain", 28));
    assert_eq!(*open(&unlocked, &share_name(), &sealed).unwrap(), b"a share");
}

#[test]
fn another_password_or_wrapping_key_is_told_from_damage() {
    let (by_password, _) = password_vault();
    let (by_key, _) = wrapped_vault();

    for wrong in [&b""[..], b"correct horse battery stapl", b"Correct horse battery staple"] {
        assert_eq!(refused(by_password.unlock_with_password(wrong)), Some(Error::WrongKey));
    }
    let other = WrappingKey::generate(&mut rng(77));
    assert_eq!(refused(by_key.unlock_with_wrapping_key(&other)), Some(Error::WrongKey));
}

#[test]
fn a_vault_is_not_unlocked_in_the_other_way() {
    let refused_password = refused(wrapped_vault().0.unlock_with_password(PASSWORD));
    let refused_key = refused(password_vault().0.unlock_with_wrapping_key(&wrapping_key()));

    assert_eq!(refused_password, Some(Error::OtherUnlock));
    assert_eq!(refused_key, Some(Error::OtherUnlock));
}

#[test]
fn a_damaged_header_is_never_taken_for_a_wrong_password() {
    for (header, _) in [password_vault(), wrapped_vault()] {
        let bytes = header.encode().unwrap();
        for (place, flipped) in flips(&bytes) {
            let error = VaultHeader::decode(&flipped).unwrap_err();
            let expected: &[Error] = match place {
                0..4 => &[Error::Unreadable],
                4..6 => &[Error::Version],
                _ => &[Error::Unreadable, Error::Corrupt],
            };
            assert!(expected.contains(&error), "{place}: {error:?}");
        }
        for length in 0..bytes.len() {
            let error = VaultHeader::decode(&bytes[..length]).unwrap_err();
            assert_eq!(error, Error::Unreadable, "{length}");
        }
        let longer = VaultHeader::decode(&[&bytes[..], &[0]].concat());
        assert_eq!(longer, Err(Error::Unreadable));
    }
}

#[test]
fn a_forged_salt_or_id_opens_nothing() {
    let bytes = password_vault().0.encode().unwrap();
    for place in 19..bytes.len() - 32 {
        let mut forged = bytes.clone();
        forged[place] ^= 1;
        let header = VaultHeader::decode(&with_checksum(forged)).unwrap();
        assert_eq!(
            refused(header.unlock_with_password(PASSWORD)),
            Some(Error::WrongKey),
            "{place}"
        );
    }
}

#[test]
fn forged_fields_of_a_wrapped_vault_open_nothing() {
    let bytes = wrapped_vault().0.encode().unwrap();
    for place in 7..bytes.len() - 32 {
        let mut forged = bytes.clone();
        forged[place] ^= 1;
        match VaultHeader::decode(&with_checksum(forged)) {
            Ok(header) => {
                let unlocked = header.unlock_with_wrapping_key(&wrapping_key());
                assert_eq!(refused(unlocked), Some(Error::WrongKey), "{place}");
            }
            Err(error) => assert_eq!(error, Error::Unreadable, "{place}"),
        }
    }
}

#[test]
fn parameters_made_weaker_or_stronger_within_the_limits_open_nothing() {
    let strong = Kdf { memory_kib: 9_216, iterations: 2, lanes: 2 };
    let bytes = VaultHeader::with_password(PASSWORD, strong, &mut rng(1)).unwrap().0.encode();
    let bytes = bytes.unwrap();
    for forged in [
        KDF,
        Kdf { memory_kib: 8_192, ..strong },
        Kdf { memory_kib: 9_217, ..strong },
        Kdf { iterations: 1, ..strong },
        Kdf { iterations: 3, ..strong },
        Kdf { lanes: 1, ..strong },
    ] {
        let header = VaultHeader::decode(&with_kdf(&bytes, forged)).unwrap();
        assert_eq!(refused(header.unlock_with_password(PASSWORD)), Some(Error::WrongKey));
    }
}

#[test]
fn parameters_beyond_the_limits_are_refused_before_any_work() {
    let bytes = password_vault().0.encode().unwrap();
    for forged in [
        Kdf { memory_kib: 8_191, ..KDF },
        Kdf { memory_kib: 262_145, ..KDF },
        Kdf { memory_kib: u32::MAX, ..KDF },
        Kdf { iterations: 0, ..KDF },
        Kdf { iterations: 17, ..KDF },
        Kdf { iterations: u32::MAX, ..KDF },
        Kdf { lanes: 0, ..KDF },
        Kdf { lanes: 17, ..KDF },
        Kdf { lanes: u32::MAX, ..KDF },
    ] {
        let made = VaultHeader::with_password(PASSWORD, forged, &mut rng(1));
        assert_eq!(VaultHeader::decode(&with_kdf(&bytes, forged)), Err(Error::Parameters));
        assert_eq!(refused(made), Some(Error::Parameters));
    }
    let largest = Kdf { memory_kib: 262_144, iterations: 16, lanes: 16 };
    assert!(VaultHeader::decode(&with_kdf(&bytes, largest)).is_ok());
}

#[test]
fn a_wrapper_has_a_name_and_gives_back_no_more_than_4_kib() {
    let make = |wrapper: &str, wrapped: usize| {
        let wrapped = vec![1; wrapped];
        let made = VaultHeader::with_wrapping_key(&wrapping_key(), wrapper, &wrapped, &mut rng(3));
        made.map(|(header, _)| VaultHeader::decode(&header.encode().unwrap()).unwrap() == header)
    };

    assert_eq!(make("words", 0), Ok(true));
    assert_eq!(make(&"k".repeat(255), 4_096), Ok(true));
    assert_eq!(make("", 10), Err(Error::Unreadable));
    assert_eq!(make(&"k".repeat(256), 10), Err(Error::TooLong));
    assert_eq!(make("kms", 4_097), Err(Error::TooLong));
}

#[test]
fn the_same_password_gives_another_key_in_another_vault() {
    let (first, _) = VaultHeader::with_password(PASSWORD, KDF, &mut rng(1)).unwrap();
    let (second, _) = VaultHeader::with_password(PASSWORD, KDF, &mut rng(2)).unwrap();

    assert_ne!(first.kek_id(), second.kek_id());
}
