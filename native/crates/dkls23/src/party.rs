//! Parties and quorums.

use core::fmt;
use core::num::NonZeroU8;

use k256::Scalar;

/// A party's fixed number in its committee, which is also its Shamir x-coordinate. Never zero: the
/// polynomial's value at zero is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyIndex(NonZeroU8);

impl PartyIndex {
    /// Party 1, which every committee has.
    pub(crate) const MIN: Self = Self(NonZeroU8::MIN);

    /// The party with this number; `None` for zero.
    pub fn new(index: u8) -> Option<Self> {
        NonZeroU8::new(index).map(Self)
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0.get()
    }

    /// Parties 1 to `parties`, ascending.
    pub(crate) fn committee(parties: u8) -> impl Iterator<Item = Self> {
        (1..=parties).filter_map(Self::new)
    }

    /// The one byte that stands for the party in hashes.
    pub(crate) fn byte(self) -> [u8; 1] {
        [self.get()]
    }

    pub(crate) fn scalar(self) -> Scalar {
        Scalar::from(u32::from(self.get()))
    }
}

impl fmt::Display for PartyIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
