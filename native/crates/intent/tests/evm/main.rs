//! Unsigned EVM transactions, from outside the crate.

// Marked as test code, so that the lints for it apply to the helpers too.
#[cfg(test)]
mod describe;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod encoder;
#[cfg(test)]
mod payloads;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod public_vectors;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod vectors;
