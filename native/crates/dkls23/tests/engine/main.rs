//! The engine from outside: committees whose parties meet only through bytes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bip32;
mod cancelling;
#[allow(dead_code, reason = "every test program uses some of it")]
#[path = "../support/committee.rs"]
mod committee;
mod resharing;
mod shares;
mod signing;
mod verdicts;
