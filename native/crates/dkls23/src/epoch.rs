//! An epoch of one key: everything public that key generation or a reshare produced.

use k256::AffinePoint;
use tagged_hash::{Hasher, tags};

use crate::bytes::Cursor;
use crate::error::ShareError;
use crate::parameters::MAX_PARTIES;
use crate::party::PartyIndex;
use crate::point;

/// The public body of one epoch of one key, and the chain code. Its hash is the epoch's name: all
/// parties of an epoch hold the same body, and a signature is bound to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Epoch {
    id: [u8; 32],
    session_id: [u8; 32],
    epoch_no: u64,
    sid: [u8; 32],
    t2: [u8; 32],
    public_key: AffinePoint,
    public_shares: Vec<AffinePoint>,
    chain_code: [u8; 32],
}

/// Without the chain code: with it and one child's private key the root's is known.
impl core::fmt::Debug for Epoch {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Epoch").field("epoch_no", &self.epoch_no).finish_non_exhaustive()
    }
}

/// The fields of an [`Epoch`].
pub(crate) struct EpochBody {
    pub(crate) session_id: [u8; 32],
    pub(crate) epoch_no: u64,
    pub(crate) sid: [u8; 32],
    pub(crate) t2: [u8; 32],
    pub(crate) public_key: AffinePoint,
    /// `X_1 … X_n`.
    pub(crate) public_shares: Vec<AffinePoint>,
    pub(crate) chain_code: [u8; 32],
}

impl Epoch {
    pub(crate) fn new(body: EpochBody) -> Self {
        let EpochBody { session_id, epoch_no, sid, t2, public_key, public_shares, chain_code } =
            body;
        let mut hasher = Hasher::new(tags::EPOCH, 6 + public_shares.len());
        hasher.part(&session_id);
        hasher.part(&epoch_no.to_be_bytes());
        hasher.part(&sid);
        hasher.part(&t2);
        hasher.part(&point::encode33(&public_key));
        for public_share in &public_shares {
            hasher.part(&point::encode33(public_share));
        }
        hasher.part(&chain_code);
        let id = hasher.finish();
        Self { id, session_id, epoch_no, sid, t2, public_key, public_shares, chain_code }
    }

    /// The length of the body for this many parties.
    pub(crate) fn length(parties: u8) -> usize {
        32 + 8 + 32 + 32 + 33 + 33 * usize::from(parties) + 32
    }

    /// The epoch's name.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// The ceremony that made the epoch.
    pub fn session_id(&self) -> [u8; 32] {
        self.session_id
    }

    /// Its number; a later epoch of the key has a higher one.
    pub fn epoch_no(&self) -> u64 {
        self.epoch_no
    }

    /// The ceremony's transcript after round 1.
    pub fn sid(&self) -> [u8; 32] {
        self.sid
    }

    /// The ceremony's transcript after round 2.
    pub fn t2(&self) -> [u8; 32] {
        self.t2
    }

    /// The group key X, SEC1 compressed.
    pub fn public_key(&self) -> [u8; 33] {
        point::encode33(&self.public_key)
    }

    /// The public shares `X_1 … X_n`, SEC1 compressed.
    pub fn public_shares(&self) -> Vec<[u8; 33]> {
        self.public_shares.iter().map(point::encode33).collect()
    }

    /// The chain code of BIP32 derivation.
    pub fn chain_code(&self) -> [u8; 32] {
        self.chain_code
    }

    pub(crate) fn key_point(&self) -> &AffinePoint {
        &self.public_key
    }

    /// `X_j`.
    pub(crate) fn public_share(&self, party: PartyIndex) -> Option<&AffinePoint> {
        self.public_shares.get(usize::from(party.get()) - 1)
    }

    /// Session id 32, epoch number 8, sid 32, T2 32, X 33, `X_1 … X_n` 33 each, chain code 32.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.session_id);
        body.extend(self.epoch_no.to_be_bytes());
        body.extend(self.sid);
        body.extend(self.t2);
        body.extend(self.public_key());
        body.extend(self.public_shares.iter().flat_map(point::encode33));
        body.extend(self.chain_code);
        body
    }

    /// The epoch of a body; its length tells the number of parties.
    pub fn decode(bytes: &[u8]) -> Result<Self, ShareError> {
        let parties = (2..=MAX_PARTIES).find(|&parties| Self::length(parties) == bytes.len());
        parties.and_then(|parties| Self::read(bytes, parties)).ok_or(ShareError::Encoding)
    }

    fn read(bytes: &[u8], parties: u8) -> Option<Self> {
        let mut fields = Cursor::new(bytes);
        Some(Self::new(EpochBody {
            session_id: *fields.array()?,
            epoch_no: u64::from_be_bytes(*fields.array()?),
            sid: *fields.array()?,
            t2: *fields.array()?,
            public_key: fields.point33()?,
            public_shares: (0..parties).map(|_| fields.point33()).collect::<Option<_>>()?,
            chain_code: *fields.array()?,
        }))
    }
}
