//! What a party says when it is asked to work under an epoch that it does not hold: the epochs that it does hold,
//! and the newest certificate. It travels in an abort envelope, signed and in the clear: hashes and numbers.

use crate::Membership;
use crate::wire::{Reader, put_counted};

/// More epochs than this a party never holds.
const MAX_HELD: u8 = 64;

/// What one party said of its epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Behind {
    /// The highest number that it has taken.
    pub(crate) floor: u64,
    /// Number and transcript of each, ascending.
    pub(crate) held: Vec<(u64, [u8; 32])>,
    /// An encoded certificate, empty if there is none.
    pub(crate) certificate: Vec<u8>,
}

impl Behind {
    pub(crate) fn of(membership: &Membership) -> Self {
        let state = membership.state();
        let epochs = &state.epochs;
        let newest = epochs.held().rev().take(usize::from(MAX_HELD));
        let mut held: Vec<_> = newest.map(|held| (held.number(), *held.transcript())).collect();
        held.reverse();
        let certificate = epochs.certificate().map(|it| it.encode()).unwrap_or_default();
        Self { floor: epochs.floor(), held, certificate }
    }

    /// `u64 floor ‖ u8 n ‖ n × (u64 number ‖ T 32) ‖ u32 length ‖ certificate`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = self.floor.to_be_bytes().to_vec();
        out.push(u8::try_from(self.held.len()).unwrap_or(MAX_HELD));
        for (number, transcript) in self.held.iter().take(usize::from(MAX_HELD)) {
            out.extend_from_slice(&number.to_be_bytes());
            out.extend_from_slice(transcript);
        }
        put_counted(&mut out, &self.certificate);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let floor = reader.u64()?;
        let count = reader.u8().filter(|count| *count <= MAX_HELD)?;
        let held: Vec<(u64, [u8; 32])> =
            (0..count).map(|_| Some((reader.u64()?, reader.array()?))).collect::<Option<_>>()?;
        let certificate = reader.counted()?.to_vec();
        reader.finish()?;
        let ascending = held.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0));
        ascending.then_some(Self { floor, held, certificate })
    }
}
