//! What a store and a backup hold, and what becomes of it in other hands.
//!
//! `scene` is a vault with a record in it. The rest are tests.

// Marked as test code, so that the lints for it apply to the helpers too.
#[cfg(test)]
mod backup;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod header;
#[cfg(test)]
mod link;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod record;
#[cfg(test)]
mod scene;
