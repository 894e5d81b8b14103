//! What one party demands before it signs, over real shares. `committee` is three parties, the rest are tests.

// Marked as test code, so that the lints for it apply to the helpers too.
#[path = "../../../ceremony/tests/ceremony/committee.rs"]
#[allow(dead_code, reason = "shared with the tests of the crate `ceremony`")]
#[cfg(test)]
mod committee;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod restarts;
