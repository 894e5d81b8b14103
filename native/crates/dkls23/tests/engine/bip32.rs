//! BIP-32's test vectors 1 and 2, as far as they derive from public keys (bitcoin/bips, BSD
//! licence).

use dkls23::Abort;
use dkls23::derive::{DerivationPath, derive};
use sha2::{Digest, Sha256};

/// Parent, index, child.
const VECTORS: [(&str, u32, &str); 4] = [
    (
        "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw",
        1,
        "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ",
    ),
    (
        "xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5",
        2,
        "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
    ),
    (
        "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
        1_000_000_000,
        "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy",
    ),
    (
        "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB",
        0,
        "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH",
    ),
];

/// Chain code and key of an extended public key.
fn parse(xpub: &str) -> ([u8; 32], [u8; 33]) {
    const DIGITS: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 82];
    for character in xpub.chars() {
        let mut carry = DIGITS.find(character).unwrap();
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry % 256).try_into().unwrap();
            carry /= 256;
        }
    }
    let (body, checksum) = bytes.split_at(78);
    assert_eq!(Sha256::digest(Sha256::digest(body))[..4], *checksum);
    (body[13..45].try_into().unwrap(), body[45..].try_into().unwrap())
}

#[test]
fn children_are_bip_32s() {
    for (parent, index, child) in VECTORS {
        let (chain_code, public_key) = parse(parent);
        let path = DerivationPath::new(&[index]).unwrap();
        let derived = derive(&public_key, &chain_code, &path).unwrap();
        assert_eq!((derived.chain_code, derived.public_key), parse(child));
    }
}

#[test]
fn a_path_is_its_steps_one_after_the_other() {
    let (chain_code, public_key) = parse(VECTORS[1].0);
    let whole = DerivationPath::new(&[2, 1_000_000_000]).unwrap();
    let derived = derive(&public_key, &chain_code, &whole).unwrap();
    assert_eq!((derived.chain_code, derived.public_key), parse(VECTORS[2].2));
}

#[test]
fn the_root_is_the_key_itself() {
    let (chain_code, public_key) = parse(VECTORS[0].0);
    let root = derive(&public_key, &chain_code, &DerivationPath::root()).unwrap();
    assert_eq!((root.public_key, root.chain_code, root.tweak), (public_key, chain_code, [0; 32]));
}

#[test]
fn hardened_indices_and_too_long_paths_are_refused() {
    assert!(DerivationPath::new(&[(1 << 31) - 1]).is_ok());
    assert_eq!(DerivationPath::new(&[1 << 31]), Err(Abort::Config));
    assert!(DerivationPath::new(&[0; 255]).is_ok());
    assert_eq!(DerivationPath::new(&[0; 256]), Err(Abort::Config));
}

#[test]
fn what_is_no_public_key_has_no_children() {
    assert_eq!(derive(&[0; 33], &[0; 32], &DerivationPath::root()), Err(Abort::Config));
}
