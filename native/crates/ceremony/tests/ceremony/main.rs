//! Ceremonies between parties that meet only through envelopes.

mod committee;
mod keygen;
mod sign;
