//! What must not be seen: in errors, in debug output, in memory that was freed.

use dkls23::keygen::{self, KeygenSetup};
use dkls23::sign::{self, SignSetup};
use dkls23::{Abort, KeyShare, Outgoing, Pair, ShareError};

use crate::committee::party;

/// Does not compile if the type has the trait.
macro_rules! assert_lacks {
    ($trait:path: $($type:ty),+) => {$({
        trait Ambiguous<Marker> {
            fn method() {}
        }
        struct HasIt;
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + $trait> Ambiguous<HasIt> for T {}
        <$type as Ambiguous<_>>::method();
    })+};
}

#[test]
fn nothing_that_holds_a_secret_can_be_printed_or_copied() {
    assert_lacks!(std::fmt::Debug: KeyShare, Pair, Outgoing);
    assert_lacks!(std::fmt::Debug: keygen::Round1, keygen::Round2, keygen::Round3);
    assert_lacks!(std::fmt::Debug: sign::Round1, sign::Round2, sign::Round3);
    assert_lacks!(std::fmt::Display: KeyShare, Pair, Outgoing);
    assert_lacks!(Clone: KeyShare, Pair, KeygenSetup, SignSetup);
    assert_lacks!(Clone: keygen::Round1, keygen::Round2, keygen::Round3);
    assert_lacks!(Clone: sign::Round1, sign::Round2, sign::Round3);
}

#[test]
fn errors_name_a_party_and_never_a_value() {
    let culprit = party(251);
    let aborts = [
        Abort::Config,
        Abort::Equivocation,
        Abort::Malformed(culprit),
        Abort::Cheat(culprit),
        Abort::SetupCheat(culprit),
        Abort::OtPoisoned(culprit),
        Abort::Unattributed(Some(culprit)),
        Abort::Unattributed(None),
        Abort::Cancelled,
    ];
    let shares = [
        ShareError::Version,
        ShareError::Encoding,
        ShareError::Inconsistent,
        ShareError::ForeignPair,
    ];
    let aborts = aborts.iter().flat_map(|abort| [abort.to_string(), format!("{abort:?}")]);
    let shares = shares.iter().flat_map(|error| [error.to_string(), format!("{error:?}")]);
    for text in aborts.chain(shares) {
        let without_the_party = text.replace("251", "");
        assert!(!without_the_party.chars().any(|c| c.is_ascii_digit()), "{text}");
        assert!(text.len() < 80 && !text.contains("0x"), "{text}");
    }
}

#[cfg(target_os = "linux")]
mod memory {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;
    use std::sync::Arc;

    use dkls23::KeyShare;

    use crate::committee::party;
    use crate::story::KeygenStory;

    /// A secret that is in memory only in disguise.
    struct Needle(Vec<u8>);

    impl Needle {
        fn new(secret: &[u8]) -> Self {
            Self(secret.iter().map(|byte| byte ^ 0x5a).collect())
        }

        fn reversed(&self) -> Self {
            Self(self.0.iter().rev().copied().collect())
        }

        fn is_in(&self, memory: &[u8]) -> bool {
            let found = |window: &[u8]| {
                window.iter().zip(&self.0).all(|(byte, masked)| byte ^ 0x5a == *masked)
            };
            memory.windows(self.0.len()).any(found)
        }
    }

    /// The memory that this thread's allocator has: where `address`, an allocation of this thread, lies.
    fn heap_around(address: usize) -> Vec<u8> {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let range = |line: &str| {
            let (from, to) = line.split_once(' ')?.0.split_once('-')?;
            let number = |text| usize::from_str_radix(text, 16).ok();
            Some(number(from)?..number(to)?)
        };
        let range = maps.lines().filter_map(range).find(|range| range.contains(&address)).unwrap();
        let mut heap = vec![0; range.len()];
        let memory = File::open("/proc/self/mem").unwrap();
        memory.read_exact_at(&mut heap, range.start as u64).unwrap();
        heap
    }

    /// Secret scalar, zero-sharing seed, Δ, a leaf of either side; the scalar in both orders of its bytes.
    fn needles(share: &KeyShare) -> Vec<(&'static str, Needle)> {
        let encoded = share.encode();
        let secret = 1 + 1 + share.key_id().len() + 3 + 32 + share.epoch().encode().len();
        let zero_seed = secret + 32;
        let bob = zero_seed + 3 * 32 + 1;
        let delta = bob + 32 * 16 * 16;
        let alice = delta + 16;
        let needle = |from: usize, length: usize| Needle::new(&encoded[from..from + length]);
        vec![
            ("scalar, as its limbs are", needle(secret, 32).reversed()),
            ("scalar, encoded", needle(secret, 32)),
            ("zero-sharing seed", needle(zero_seed, 32)),
            ("first leaf of Bob", needle(bob, 16)),
            ("delta", needle(delta, 16)),
            ("first leaf of Alice", needle(alice, 16)),
            ("last leaf of Alice", needle(alice + 32 * 15 * 16 - 16, 16)),
        ]
    }

    #[test]
    fn a_dropped_share_leaves_none_of_its_secrets_in_the_heap() {
        let share =
            KeygenStory::new("a share to be forgotten", 2, 2).shares().remove(&party(1)).unwrap();
        let needles = needles(&share);
        let address = Arc::as_ptr(&share) as usize;
        let held = heap_around(address);
        let limbs = needles.iter().filter(|(name, _)| *name != "scalar, encoded");
        for (name, needle) in limbs {
            assert!(needle.is_in(&held), "the search finds what is there: {name}");
        }
        drop((share, held));

        let freed = heap_around(address);

        for (name, needle) in &needles {
            assert!(!needle.is_in(&freed), "{name}");
        }
    }
}
