//! What a sealed record is, which its seal is bound to.

use tagged_hash::{hash, tags};

use crate::Error;
use crate::reader::{Reader, put_short};

/// Version of the associated data and of the record's bytes.
pub(crate) const FORMAT: u16 = 1;

/// Everything that a record must not be mistaken for. Not secret.
///
/// A record that is no share leaves what does not apply empty or zero. Text and keys are up to 255 bytes each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordName {
    /// What it is: a share, an identity, a counter.
    pub kind: String,
    /// The wallet.
    pub wallet_id: [u8; 32],
    /// The key, or what else tells records of one kind apart.
    pub key_id: String,
    /// The signature scheme.
    pub suite: String,
    /// The party's index.
    pub index: u8,
    /// How many parties sign.
    pub required: u8,
    /// How many parties there are.
    pub total: u8,
    /// The group's public key.
    pub group_public_key: Vec<u8>,
    /// The epoch.
    pub epoch: u64,
}

impl RecordName {
    /// `H("sealed"; u16 format, record kind, walletId, key id, suite, u8 index, u8 required, u8 total, group public
    /// key, u64 epoch)`.
    pub(crate) fn associated_data(&self) -> Result<[u8; 32], Error> {
        let Self { kind, wallet_id, key_id, suite, group_public_key, .. } = self;
        let longest = kind.len().max(key_id.len()).max(suite.len()).max(group_public_key.len());
        if longest > u8::MAX.into() {
            return Err(Error::TooLong);
        }
        Ok(hash(
            tags::SEALED,
            &[
                &FORMAT.to_be_bytes(),
                kind.as_bytes(),
                wallet_id,
                key_id.as_bytes(),
                suite.as_bytes(),
                &[self.index],
                &[self.required],
                &[self.total],
                group_public_key,
                &self.epoch.to_be_bytes(),
            ],
        ))
    }

    /// The fields in order, as they stand in a backup; text and key behind a `u8` length.
    pub(crate) fn encode_to(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        put_short(out, self.kind.as_bytes())?;
        out.extend_from_slice(&self.wallet_id);
        put_short(out, self.key_id.as_bytes())?;
        put_short(out, self.suite.as_bytes())?;
        out.extend_from_slice(&[self.index, self.required, self.total]);
        put_short(out, &self.group_public_key)?;
        out.extend_from_slice(&self.epoch.to_be_bytes());
        Ok(())
    }

    pub(crate) fn decode_from(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            kind: reader.text()?,
            wallet_id: reader.array()?,
            key_id: reader.text()?,
            suite: reader.text()?,
            index: reader.u8()?,
            required: reader.u8()?,
            total: reader.u8()?,
            group_public_key: reader.short()?.to_owned(),
            epoch: reader.u64()?,
        })
    }
}
