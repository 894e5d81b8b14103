//! The one hash of the wallet: SHA-256 behind a version, a tag, and a count and length of every
//! part.
//!
//! `T(tag) = SHA-256("mpc-wallet/v1/" ‖ tag)` and `H(tag; p_1 … p_m) = SHA-256(T ‖ T ‖ u32(m) ‖
//! (u32(len p_i) ‖ p_i)*)`, integers big-endian. The count and the lengths make it injective over
//! lists of parts, so `("ab", "c")` and `("a", "bc")` differ; the count comes first, so a length
//! extension is never the hash of another list.
//!
//! [`Prf`] is the keyed oracle for the places that need many short outputs under one key.
//!
//! Every tag of the project is a constant of [`tags`]; there is no other way to make a [`Tag`].

mod prf;
pub mod tags;

pub use prf::Prf;
use sha2::{Digest, Sha256};

/// A domain of the hash. Only the constants of [`tags`] exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(&'static str);

impl Tag {
    /// The tag as it is hashed, without the version prefix.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// `T(tag)`, the 32 bytes that stand for this domain.
    pub fn digest(self) -> [u8; 32] {
        Sha256::new().chain_update(b"mpc-wallet/v1/").chain_update(self.0).finalize().into()
    }
}

/// `H(tag; parts)`. Parts of 4 GiB or more cannot occur: every caller hashes bounded messages.
pub fn hash(tag: Tag, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Hasher::new(tag, parts.len());
    for part in parts {
        hasher.part(part);
    }
    hasher.finish()
}

/// [`hash`] for parts that are produced one after the other: the count is fixed at the start.
pub struct Hasher {
    state: Sha256,
    announced: usize,
    absorbed: usize,
    /// Bytes that the part under way still lacks.
    missing: usize,
}

impl Hasher {
    /// Starts `H(tag; …)` over exactly `parts` parts.
    pub fn new(tag: Tag, parts: usize) -> Self {
        let domain = tag.digest();
        let state = Sha256::new()
            .chain_update(domain)
            .chain_update(domain)
            .chain_update(length_bytes(parts));
        Self { state, announced: parts, absorbed: 0, missing: 0 }
    }

    /// Absorbs the next part.
    pub fn part(&mut self, part: &[u8]) {
        self.part_from(&[part]);
    }

    /// Absorbs the next part from pieces, without joining them in memory.
    pub fn part_from(&mut self, pieces: &[&[u8]]) {
        self.begin(pieces.iter().map(|piece| piece.len()).sum());
        for piece in pieces {
            self.piece(piece);
        }
    }

    /// Begins the next part, of `length` bytes; [`Hasher::piece`] absorbs it.
    ///
    /// # Panics
    /// If the part before is not complete: a bug of the caller, never an input.
    pub fn begin(&mut self, length: usize) {
        assert_eq!(self.missing, 0, "a part of a tagged hash is incomplete");
        self.state.update(length_bytes(length));
        self.absorbed += 1;
        self.missing = length;
    }

    /// Absorbs some bytes of the part that was begun.
    ///
    /// # Panics
    /// If the part has not so many left: a bug of the caller, never an input.
    pub fn piece(&mut self, piece: &[u8]) {
        assert!(piece.len() <= self.missing, "a part of a tagged hash is too long");
        self.state.update(piece);
        self.missing -= piece.len();
    }

    /// The hash.
    ///
    /// # Panics
    /// If the parts are not the announced ones: a bug of the caller, never an input.
    pub fn finish(self) -> [u8; 32] {
        assert_eq!(self.missing, 0, "a part of a tagged hash is incomplete");
        assert_eq!(self.announced, self.absorbed, "parts of a tagged hash");
        self.state.finalize().into()
    }
}

/// Lengths are of messages that were bounded long before; saturating keeps the function total.
fn length_bytes(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}
