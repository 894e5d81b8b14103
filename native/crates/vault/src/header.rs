//! What a store or a backup file keeps in clear, so that its key can be found again.

use rand_core::CryptoRngCore;
use subtle::ConstantTimeEq;
use tagged_hash::{hash, tags};

use crate::reader::{Reader, put_counted, put_short};
use crate::{Error, Kdf, Kek, KekId, WrappingKey};

const MAGIC: [u8; 4] = *b"MPCV";
const FORMAT: u16 = 1;
/// What a key-management service makes of 32 bytes is far below.
const MAX_WRAPPED_BYTES: usize = 4_096;

/// How a vault is unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlock {
    /// By a password through Argon2id.
    Password(Kdf),
    /// By a [`WrappingKey`].
    WrappingKey {
        /// Who keeps it: 1 to 255 bytes of UTF-8.
        wrapper: String,
        /// What the keeper needs to give it back, up to 4096 bytes; empty if the keeper has it whole.
        wrapped: Vec<u8>,
    },
}

/// The header of a vault: how it is unlocked, a salt, and the id of its key-encryption key. Nothing in it is secret.
///
/// The key is derived for the whole header, so that a changed byte gives another key and another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultHeader {
    unlock: Unlock,
    salt: [u8; 32],
    kek_id: KekId,
}

impl VaultHeader {
    /// A new vault under a password: the caller's bytes as they are, normalised by the caller if typed by people.
    /// Costs one password hash.
    ///
    /// # Errors
    /// [`Error::Parameters`], [`Error::Memory`], [`Error::TooLong`].
    pub fn with_password(
        password: &[u8],
        kdf: Kdf,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Self, Kek), Error> {
        let mut header = Self::new(Unlock::Password(kdf), rng);
        let secret = kdf.derive(password, &header.salt)?;
        let kek = header.derive(&secret)?;
        header.kek_id = kek.id;
        Ok((header, kek))
    }

    /// A new vault under a wrapping key that `wrapper` keeps as `wrapped`.
    ///
    /// # Errors
    /// [`Error::TooLong`] if a field is; [`Error::Unreadable`] if the wrapper has no name.
    pub fn with_wrapping_key(
        key: &WrappingKey,
        wrapper: &str,
        wrapped: &[u8],
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Self, Kek), Error> {
        if wrapper.is_empty() {
            return Err(Error::Unreadable);
        }
        if wrapped.len() > MAX_WRAPPED_BYTES {
            return Err(Error::TooLong);
        }
        let unlock =
            Unlock::WrappingKey { wrapper: wrapper.to_owned(), wrapped: wrapped.to_owned() };
        let mut header = Self::new(unlock, rng);
        let kek = header.derive(key.expose_for_wrapping())?;
        header.kek_id = kek.id;
        Ok((header, kek))
    }

    fn new(unlock: Unlock, rng: &mut dyn CryptoRngCore) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self { unlock, salt, kek_id: KekId([0; 32]) }
    }

    /// The key-encryption key for a password. Costs one password hash, once per opening of a store.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::OtherUnlock`], [`Error::Memory`], [`Error::TooLong`].
    pub fn unlock_with_password(&self, password: &[u8]) -> Result<Kek, Error> {
        let Unlock::Password(kdf) = &self.unlock else { return Err(Error::OtherUnlock) };
        self.confirmed(&*kdf.derive(password, &self.salt)?)
    }

    /// The key-encryption key for the wrapping key that its keeper gave back.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::OtherUnlock`].
    pub fn unlock_with_wrapping_key(&self, key: &WrappingKey) -> Result<Kek, Error> {
        let Unlock::WrappingKey { .. } = self.unlock else { return Err(Error::OtherUnlock) };
        self.confirmed(key.expose_for_wrapping())
    }

    /// The key if it is the one that the id commits to.
    fn confirmed(&self, secret: &[u8; 32]) -> Result<Kek, Error> {
        let kek = self.derive(secret)?;
        if bool::from(kek.id.0.ct_eq(&self.kek_id.0)) { Ok(kek) } else { Err(Error::WrongKey) }
    }

    fn derive(&self, secret: &[u8; 32]) -> Result<Kek, Error> {
        let purpose = hash(tags::VAULT_KEK, &[&self.encode_parameters()?]);
        Kek::derive(secret, &self.salt, &purpose)
    }

    /// How it is unlocked.
    pub const fn unlock(&self) -> &Unlock {
        &self.unlock
    }

    /// The id of its key-encryption key.
    pub const fn kek_id(&self) -> KekId {
        self.kek_id
    }

    /// `"MPCV" ‖ u16 format ‖ u8 kind ‖ parameters ‖ salt 32`; kind 1: `u32 memory in KiB ‖ u32 iterations ‖ u32 lanes`;
    /// kind 2: `u8 length ‖ wrapper ‖ u32 length ‖ wrapped`.
    fn encode_parameters(&self) -> Result<Vec<u8>, Error> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&FORMAT.to_be_bytes());
        match &self.unlock {
            Unlock::Password(kdf) => {
                out.push(1);
                for number in [kdf.memory_kib, kdf.iterations, kdf.lanes] {
                    out.extend_from_slice(&number.to_be_bytes());
                }
            }
            Unlock::WrappingKey { wrapper, wrapped } => {
                out.push(2);
                put_short(&mut out, wrapper.as_bytes())?;
                put_counted(&mut out, wrapped)?;
            }
        }
        out.extend_from_slice(&self.salt);
        Ok(out)
    }

    /// The canonical bytes: the parameters, `id 32`, and a checksum of 32 that tells damage from a wrong password.
    ///
    /// # Errors
    /// None for a header that was made or decoded.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut out = self.encode_parameters()?;
        out.extend_from_slice(&self.kek_id.0);
        let checksum = hash(tags::VAULT_HEADER, &[&out]);
        out.extend_from_slice(&checksum);
        Ok(out)
    }

    /// Reads untrusted bytes. Does no work that they ask for: parameters beyond the limits are refused here.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Version`], [`Error::Corrupt`] if the checksum is not right,
    /// [`Error::Parameters`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, &MAGIC, FORMAT)?;
        let unlock = match reader.u8()? {
            1 => Unlock::Password(Kdf {
                memory_kib: reader.u32()?,
                iterations: reader.u32()?,
                lanes: reader.u32()?,
            }),
            2 => {
                let (wrapper, wrapped) = (reader.text()?, reader.counted()?);
                if wrapper.is_empty() || wrapped.len() > MAX_WRAPPED_BYTES {
                    return Err(Error::Unreadable);
                }
                Unlock::WrappingKey { wrapper, wrapped: wrapped.to_owned() }
            }
            _ => return Err(Error::Unreadable),
        };
        let (salt, kek_id, checksum) =
            (reader.array()?, KekId(reader.array()?), reader.array::<32>()?);
        reader.finish()?;
        if bytes.strip_suffix(&checksum).map(|rest| hash(tags::VAULT_HEADER, &[rest]))
            != Some(checksum)
        {
            return Err(Error::Corrupt);
        }
        if let Unlock::Password(kdf) = &unlock {
            kdf.check()?;
        }
        Ok(Self { unlock, salt, kek_id })
    }
}
