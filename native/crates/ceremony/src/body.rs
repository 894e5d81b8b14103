//! The body of a protocol round for one recipient: `[round 1: session key 32] ‖ (u32 length ‖ broadcast ‖
//! u32 length ‖ private)` for each key, in key order.

use zeroize::Zeroizing;

use crate::sealing::SEALING_KEY_BYTES;
use crate::wire::{Reader, put_counted};

/// What one key's protocol sends to one recipient in a round.
#[derive(Default)]
pub(crate) struct KeyBody {
    pub(crate) broadcast: Vec<u8>,
    pub(crate) private: Zeroizing<Vec<u8>>,
}

/// A round's body for one recipient.
pub(crate) struct RoundBody {
    /// Present in round 1 only: the sender's X25519 key for this session.
    pub(crate) session_key: Option<[u8; SEALING_KEY_BYTES]>,
    pub(crate) keys: Vec<KeyBody>,
}

impl RoundBody {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let length = self
            .keys
            .iter()
            .map(|key| 8 + key.broadcast.len() + key.private.len());
        // The exact capacity, so that no reallocation leaves a copy of private bytes behind.
        let mut out = Zeroizing::new(Vec::with_capacity(
            SEALING_KEY_BYTES + length.sum::<usize>(),
        ));
        if let Some(key) = &self.session_key {
            out.extend_from_slice(key);
        }
        for key in &self.keys {
            put_counted(&mut out, &key.broadcast);
            put_counted(&mut out, &key.private);
        }
        out
    }

    /// Reads the body of a round that has a session key or not, for exactly `keys` keys.
    pub(crate) fn decode(bytes: &[u8], has_session_key: bool, keys: usize) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let session_key = if has_session_key {
            Some(reader.array()?)
        } else {
            None
        };
        let keys = (0..keys)
            .map(|_| {
                Some(KeyBody {
                    broadcast: reader.counted()?.to_vec(),
                    private: Zeroizing::new(reader.counted()?.to_vec()),
                })
            })
            .collect::<Option<_>>()?;
        reader.finish()?;
        Some(Self { session_key, keys })
    }

    /// The part that every recipient must have seen alike: session key and broadcasts.
    pub(crate) fn broadcasts(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(key) = &self.session_key {
            out.extend_from_slice(key);
        }
        for key in &self.keys {
            put_counted(&mut out, &key.broadcast);
        }
        out
    }
}
