//! Typed data (EIP-712) behind a strict front end.
//!
//! A document is JSON text, and libraries differ in how they read one: they ignore keys, accept
//! several spellings of a value, or hash the declared domain instead of the given one. Here each
//! document has one reading or none.

mod document;
mod json;
mod meaning;
mod types;
mod value;

pub use document::TypedData;
pub use types::{MAX_MEMBERS, MAX_TYPES};
pub use value::{MAX_NESTING, MAX_STRUCTS};

pub(super) use document::decode;
pub(super) use meaning::push;
