//! What the fuzzers run, as plain functions over bytes: each stops with a panic if something that must hold does
//! not. `fuzz/` hands them to libFuzzer; `tests/smoke.rs` runs each a bounded number of times in the ordinary tests,
//! over mutated seeds from a fixed stream.
//!
//! | target | what it reads | what must hold, besides that nothing panics |
//! |---|---|---|
//! | [`card`] | a pairing card, and its fields under a true signature | the role fits the approver key |
//! | [`descriptor`] | a session descriptor | what is read is written as the same bytes |
//! | [`envelope`] | an envelope's header | what is read is written as the same bytes |
//! | [`epoch`] | an epoch's body | what is read is written as the same bytes |
//! | [`share`] | a stored share, and its fields under a true checksum | what is read is written as the same bytes |
//! | [`vault()`] | a vault's header, a sealed record, a backup; a header's fields under a true checksum | what is read is written as the same bytes; only the true ones open |
//! | [`words`] | lists of SLIP-39 words | only the true ones give a key |
//! | [`payload`] | an unsigned payload | encoded a second time it is the same; digest and amounts are its own |
//! | [`calldata`] | calldata for a contract of each listed kind | no value is hidden; calls and effects are bounded |
//! | [`typed_data`] | a document of typed data | another implementation computes the same digest |
//! | [`request`] | the details of an invitation to sign, well signed and sealed | what is read is written as the same bytes |
//! | [`opening`] | the details of a key generation, well signed and sealed | only the honest ones show words |
//! | [`verdict`] | a signed ceremony document, and a document under a true signature | what is read is written as the same bytes |
//! | [`record`] | a survivor's record under a true checksum | what is read is written as the same bytes; no yes that nobody gave |
//! | [`recovery`] | what persons say while clocks and restarts go wrong | no yes without the Recovery approver's |
//! | [`statement`] | what persons sign about requests, freezes and policies, as it came and under a true signature | what is read is written as the same bytes |
//! | [`assertion`] | what a browser and an authenticator write, under a passkey's true signature | only a verified person's yes verifies |
//! | [`decisions`] | records of approvals, freezes and the policy under a true checksum | what is read is written as the same bytes; no yes that nobody gave |
//! | [`spending`] | records of a ledger under true checksums | nothing that counts is forgotten |
//! | [`key_generation`] | events at a party of a key generation | see `scene` |
//! | [`reshare`] | bodies at a party of a refresh or recovery | only their sender is blamed; a share is of the honest epoch |
//! | [`signing`] | events at either party of a signing session | see `scene`; a signature verifies |

mod approvals;
mod calldata;
mod decoders;
mod details;
mod key_generation;
mod mutation;
mod payload;
mod program;
mod recovery;
mod reshare;
mod scene;
mod signing;
mod typed_data;
mod vault;

#[path = "../../policy/tests/policy/books.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `policy`")]
mod books;
#[path = "../../ceremony/tests/ceremony/committee.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `ceremony`")]
mod committee;
#[path = "../../intent/tests/evm/scene.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `intent`")]
mod contracts;
#[path = "../../intent/tests/evm/encoder.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `intent`")]
mod encoder;
#[path = "../../dkls23/tests/support/committee.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `dkls23`")]
mod engine;
#[path = "../../ceremony/tests/ceremony/hostile.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `ceremony`")]
mod hostile;
#[path = "../../policy/tests/policy/passkeys.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `policy`")]
mod passkeys;
#[path = "../../intent/tests/evm/payloads.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `intent`")]
mod payloads;
#[path = "../../policy/tests/policy/persons.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `policy`")]
mod persons;
#[path = "../../ceremony/tests/ceremony/proposal.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `ceremony`")]
mod proposal;
#[path = "../../ceremony/tests/ceremony/recording.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `ceremony`")]
mod recording;

pub use approvals::{assertion, decisions, spending, statement};
pub use calldata::calldata;
pub use decoders::{card, descriptor, envelope, epoch, share};
pub use details::{opening, request};
pub use key_generation::key_generation;
pub use mutation::mutate;
pub use payload::payload;
pub use recovery::{record, recovery, verdict};
pub use reshare::reshare;
pub use signing::signing;
pub use typed_data::typed_data;
pub use vault::{vault, words};

/// A function for a fuzzer, and where it starts.
pub struct Target {
    /// Name of the function and of the fuzz target.
    pub name: &'static str,
    /// Panics if something that must hold does not.
    pub run: fn(&[u8]),
    /// Inputs that get far.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How often the smoke test runs it: what takes about a second.
    pub smoke_runs: usize,
}

/// All of them.
pub const TARGETS: [Target; 22] = [
    Target { name: "card", run: card, seeds: decoders::card_seeds, smoke_runs: 2_000 },
    Target {
        name: "descriptor",
        run: descriptor,
        seeds: decoders::descriptor_seeds,
        smoke_runs: 20_000,
    },
    Target { name: "envelope", run: envelope, seeds: decoders::envelope_seeds, smoke_runs: 20_000 },
    Target { name: "epoch", run: epoch, seeds: decoders::epoch_seeds, smoke_runs: 5_000 },
    Target { name: "share", run: share, seeds: decoders::share_seeds, smoke_runs: 500 },
    Target { name: "vault", run: vault, seeds: vault::vault_seeds, smoke_runs: 20_000 },
    Target { name: "words", run: words, seeds: vault::words_seeds, smoke_runs: 10_000 },
    Target { name: "payload", run: payload, seeds: payload::seeds, smoke_runs: 20_000 },
    Target { name: "calldata", run: calldata, seeds: calldata::seeds, smoke_runs: 20_000 },
    Target { name: "typed_data", run: typed_data, seeds: typed_data::seeds, smoke_runs: 10_000 },
    Target { name: "request", run: request, seeds: details::request_seeds, smoke_runs: 500 },
    Target { name: "opening", run: opening, seeds: details::opening_seeds, smoke_runs: 300 },
    Target { name: "verdict", run: verdict, seeds: recovery::verdict_seeds, smoke_runs: 10_000 },
    Target { name: "record", run: record, seeds: recovery::record_seeds, smoke_runs: 5_000 },
    Target { name: "recovery", run: recovery, seeds: recovery::seeds, smoke_runs: 200 },
    Target {
        name: "statement",
        run: statement,
        seeds: approvals::statement_seeds,
        smoke_runs: 5_000,
    },
    Target {
        name: "assertion",
        run: assertion,
        seeds: approvals::assertion_seeds,
        smoke_runs: 1_000,
    },
    Target {
        name: "decisions",
        run: decisions,
        seeds: approvals::decisions_seeds,
        smoke_runs: 5_000,
    },
    Target { name: "spending", run: spending, seeds: approvals::spending_seeds, smoke_runs: 5_000 },
    Target {
        name: "key_generation",
        run: key_generation,
        seeds: key_generation::seeds,
        smoke_runs: 40,
    },
    Target { name: "reshare", run: reshare, seeds: reshare::seeds, smoke_runs: 10 },
    Target { name: "signing", run: signing, seeds: signing::seeds, smoke_runs: 150 },
];
