//! SLIP-39 for a wrapping key: three lists of words, any two of which give the key back, one of which says nothing.
//!
//! [`split`] writes one layout: 32 bytes, one group, 2 of 3. [`combine`] reads all that the standard allows, groups of
//! groups included, so that its public vectors test it. No other crate was taken: those on offer are unmaintained,
//! unfinished or under the GPL.
//!
//! Arithmetic on secrets has neither branches nor tables. Looking up words has: they are text, to be shown to people.
//!
//! Source: SLIP-0039, "Shamir's Secret-Sharing for Mnemonic Codes"; the list of words is part of it (MIT).

mod checksum;
mod cipher;
mod error;
mod field;
mod share;
mod sharing;
mod words;

use std::collections::BTreeMap;

pub use error::Error;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::share::{Set, Share};

/// How many lists of words give the key back.
pub const REQUIRED: usize = 2;
/// How many there are.
pub const TOTAL: usize = 3;

/// Three lists of 33 words for a key, by the standard's recommended settings.
///
/// With a passphrase, printable ASCII or empty, two lists alone give another key; nothing tells it from the right one.
///
/// # Errors
/// [`Error::Passphrase`].
pub fn split(
    key: &[u8; 32],
    passphrase: &str,
    rng: &mut dyn CryptoRngCore,
) -> Result<[Zeroizing<String>; TOTAL], Error> {
    check(passphrase)?;
    let mut identifier = [0; 2];
    rng.fill_bytes(&mut identifier);
    let set = Set {
        identifier: u16::from_be_bytes(identifier) >> 1,
        extendable: true,
        iteration_exponent: 1,
        group_threshold: 1,
        group_count: 1,
    };
    let encrypted = cipher::encrypt(&set, passphrase, key);
    let points = sharing::split(&encrypted, rng)?;
    Ok(points.map(|(member_index, value)| {
        Share { set, group_index: 0, member_index, member_threshold: 2, value }.encode()
    }))
}

/// The secret behind lists of words: exactly as many as are required, of one set. Upper case and spaces do not matter.
///
/// Costs 20,000 HMACs for what [`split`] writes; a set from elsewhere may ask for up to 2^14 times as many.
///
/// # Errors
/// [`Error`]. A wrong passphrase is none.
pub fn combine(lists: &[&str], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    check(passphrase)?;
    let shares = lists.iter().map(|list| Share::decode(list)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = shares.first() else { return Err(Error::Count) };
    let (set, length) = (first.set, first.value.len());
    if shares.iter().any(|share| share.set != set || share.value.len() != length) {
        return Err(Error::OtherSet);
    }

    let mut groups = BTreeMap::<u8, Vec<Share>>::new();
    for share in shares {
        groups.entry(share.group_index).or_default().push(share);
    }
    if groups.len() != usize::from(set.group_threshold) {
        return Err(Error::Count);
    }
    let groups = groups
        .into_iter()
        .map(|(index, members)| Ok((index, group_secret(members)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let encrypted = sharing::recover(&groups)?;
    Ok(cipher::decrypt(&set, passphrase, &encrypted))
}

fn group_secret(members: Vec<Share>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let threshold = members.first().map_or(0, |member| member.member_threshold);
    if members.iter().any(|member| member.member_threshold != threshold) {
        return Err(Error::OtherSet);
    }
    let count = members.len();
    let members: BTreeMap<_, _> =
        members.into_iter().map(|member| (member.member_index, member.value)).collect();
    if members.len() != count {
        return Err(Error::Duplicate);
    }
    if count != usize::from(threshold) {
        return Err(Error::Count);
    }
    sharing::recover(&members.into_iter().collect::<Vec<_>>())
}

fn check(passphrase: &str) -> Result<(), Error> {
    let printable = passphrase.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if printable { Ok(()) } else { Err(Error::Passphrase) }
}
