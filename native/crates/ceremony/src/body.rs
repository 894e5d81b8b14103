//! The body of a protocol round for one recipient: `[round 1: session key 32] ‖ (u32 length ‖ broadcast ‖
//! u32 length ‖ private)` for each key, in key order.

use zeroize::Zeroizing;

use crate::sealing::SEALING_KEY_BYTES;
use crate::wire::{Reader, count, put_counted};

/// What one key's protocol sends to one recipient in a round.
pub(crate) struct KeyBody {
    pub(crate) broadcast: Vec<u8>,
    pub(crate) private: Zeroizing<Vec<u8>>,
}

/// A round's body as it arrived from one sender.
pub(crate) struct RoundBody {
    /// Present in round 1 only: the sender's X25519 key for this session.
    pub(crate) session_key: Option<[u8; SEALING_KEY_BYTES]>,
    pub(crate) keys: Vec<KeyBody>,
}

impl RoundBody {
    /// Reads the body of a round that has a session key or not, for exactly `keys` keys.
    pub(crate) fn decode(
        bytes: Zeroizing<Vec<u8>>,
        has_session_key: bool,
        keys: usize,
    ) -> Option<Self> {
        let mut reader = Reader::new(&bytes);
        let session_key = if has_session_key { Some(reader.array()?) } else { None };
        let fields = (0..keys)
            .map(|_| Some((reader.counted()?, reader.counted()?)))
            .collect::<Option<Vec<_>>>()?;
        reader.finish()?;
        let keys = match fields.as_slice() {
            // The private body of a single key is the rest of the bytes: moved, since every further copy of
            // 40 kB would have to be wiped.
            [(broadcast, private)] => {
                let (broadcast, prefix) = (broadcast.to_vec(), bytes.len() - private.len());
                let mut private = bytes;
                private.drain(..prefix);
                vec![KeyBody { broadcast, private }]
            }
            several => several
                .iter()
                .map(|(broadcast, private)| KeyBody {
                    broadcast: broadcast.to_vec(),
                    private: Zeroizing::new(private.to_vec()),
                })
                .collect(),
        };
        Some(Self { session_key, keys })
    }

    /// The part that every recipient must have seen alike: session key and broadcasts.
    pub(crate) fn broadcasts(&self) -> Vec<u8> {
        broadcasts(self.session_key.as_ref(), self.keys.iter().map(|key| key.broadcast.as_slice()))
    }
}

/// `[session key 32] ‖ (u32 length ‖ broadcast)…`.
pub(crate) fn broadcasts<'a>(
    session_key: Option<&[u8; SEALING_KEY_BYTES]>,
    of_keys: impl Iterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(session_key.into_iter().flatten());
    for broadcast in of_keys {
        put_counted(&mut out, broadcast);
    }
    out
}

/// One key's bodies for one recipient, borrowed: they are joined only in the envelope that is sealed in place.
pub(crate) struct KeyPieces<'a> {
    lengths: [[u8; 4]; 2],
    broadcast: &'a [u8],
    private: &'a [u8],
}

impl<'a> KeyPieces<'a> {
    pub(crate) fn new(broadcast: &'a [u8], private: &'a [u8]) -> Self {
        Self { lengths: [count(broadcast), count(private)], broadcast, private }
    }

    pub(crate) fn pieces(&self) -> [&[u8]; 4] {
        let [broadcast, private] = &self.lengths;
        [broadcast, self.broadcast, private, self.private]
    }
}
