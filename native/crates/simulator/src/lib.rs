//! A seeded simulator of a wallet's epochs (`docs/protocol.md`, I). It drives the shipped bookkeeping, store,
//! acknowledgements and certificates through crashes, lost messages, rollbacks, lost devices and one hostile party;
//! the rounds in which shares are made are a toy. After every step the invariants are checked; a seed decides
//! everything, so a seed that breaks one replays.

mod disk;
mod ghost;
mod invariants;
mod mutant;
mod party;
mod pool;
mod schedule;
mod world;

pub use mutant::Mutant;
pub use pool::Pool;
pub use schedule::{Failure, run};
pub use world::{Coverage, Violation};
