//! Unsigned EVM payloads, from outside the crate.

// Marked as test code, so that the lints for it apply to the helpers too.
#[cfg(test)]
mod authorizations;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod collectibles;
#[cfg(test)]
mod content;
#[cfg(test)]
mod describe;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod encoder;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod payloads;
#[cfg(test)]
mod permits;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod public_vectors;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod registries;
#[cfg(test)]
mod router;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod strictness;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod typed_data;
#[cfg(test)]
mod typed_data_refusals;
#[cfg(test)]
mod vectors;
