//! Sealing at rest: what the stores of a wallet hold, and its backup files.
//!
//! A [`Kek`] comes from a password or from a [`WrappingKey`] that somebody else keeps, together with the
//! [`VaultHeader`] that a store keeps in clear. Every record is sealed under a random data key of its own, which the
//! key-encryption key wraps. The [`RecordName`] is associated data of both, the [`KekId`] of the wrapped key only:
//! [`rewrap`] touches keys alone, and a record that moved to another row, wallet or epoch does not open.
//!
//! XChaCha20-Poly1305 does not commit to its key. The id of a key-encryption key does: it is derived beside the key
//! from secret and header, so that a wrong password, a changed header and a changed record are three different errors.
//!
//! Absence is the caller's to notice: nothing here knows files, clocks or what a record means.

mod backup;
mod error;
mod header;
mod kdf;
mod kek;
mod link;
mod reader;
mod record_name;
mod sealed;
mod wrapping_key;

pub use backup::{Backup, MAX_BACKUP_BYTES};
pub use error::Error;
pub use header::{Unlock, VaultHeader};
pub use kdf::Kdf;
pub use kek::{Kek, KekId};
pub use link::{open_kek, seal_kek};
pub use record_name::RecordName;
pub use sealed::{MAX_RECORD_BYTES, OVERHEAD_BYTES, kek_id, open, rewrap, seal};
pub use wrapping_key::WrappingKey;
