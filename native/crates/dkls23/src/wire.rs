//! Messages: fixed-size binary bodies. A round first takes all of them and measures them, then
//! reads.

use std::collections::BTreeMap;

use k256::{AffinePoint, Scalar};
use zeroize::Zeroizing;

use crate::bytes::Cursor;
use crate::error::Abort;
use crate::party::PartyIndex;
use crate::residue::Residue;

/// Asked in every long loop: `true` stops the ceremony with [`Abort::Cancelled`] within a
/// millisecond.
pub type Cancel<'a> = &'a (dyn Fn() -> bool + Sync);

/// What a party sends in a round: one body to all, and one body to each peer. Empty means none.
#[derive(Default)]
pub struct Outgoing {
    /// To every other party of the ceremony, the same bytes.
    pub broadcast: Vec<u8>,
    /// To one party each, over a confidential channel.
    pub private: BTreeMap<PartyIndex, Zeroizing<Vec<u8>>>,
}

/// What a party received from one sender in a round. Empty means none.
pub struct Incoming {
    /// The body the sender sent to all.
    pub broadcast: Vec<u8>,
    /// The body the sender sent to this party alone.
    pub private: Zeroizing<Vec<u8>>,
}

/// One round's messages: exactly one entry for each other party of the ceremony, else
/// [`Abort::Config`].
pub type Inbox = BTreeMap<PartyIndex, Incoming>;

/// Stops here if the caller wants to.
pub(crate) fn poll(cancel: Cancel<'_>) -> Result<(), Abort> {
    if cancel() { Err(Abort::Cancelled) } else { Ok(()) }
}

/// Body lengths of a round.
#[derive(Clone, Copy)]
pub(crate) struct Lengths {
    pub(crate) broadcast: usize,
    pub(crate) private: usize,
}

/// One sender's bodies of one round, or its part of them for one item of a batch.
pub(crate) struct Bodies<'a> {
    pub(crate) sender: PartyIndex,
    pub(crate) broadcast: Reader<'a>,
    pub(crate) private: Reader<'a>,
}

/// The bodies of all peers, ascending, each of exactly its sender's lengths.
pub(crate) fn deliver<'a>(
    inbox: &'a Inbox,
    peers: &[PartyIndex],
    lengths: impl Fn(PartyIndex) -> Lengths,
) -> Result<Vec<Bodies<'a>>, Abort> {
    if !inbox.keys().eq(peers) {
        return Err(Abort::Config);
    }
    inbox
        .iter()
        .map(|(&sender, incoming)| {
            let lengths = lengths(sender);
            Ok(Bodies {
                sender,
                broadcast: Reader::exactly(sender, &incoming.broadcast, lengths.broadcast)?,
                private: Reader::exactly(sender, &incoming.private, lengths.private)?,
            })
        })
        .collect()
}

/// As [`deliver`] for a batch, whose bodies are its items' bodies one after the other: for each
/// item, the bodies of all peers.
pub(crate) fn deliver_items<'a>(
    inbox: &'a Inbox,
    peers: &[PartyIndex],
    items: usize,
    lengths: Lengths,
) -> Result<Vec<Vec<Bodies<'a>>>, Abort> {
    let whole = Lengths { broadcast: lengths.broadcast * items, private: lengths.private * items };
    let mut delivered = deliver(inbox, peers, |_| whole)?;
    (0..items)
        .map(|_| {
            delivered
                .iter_mut()
                .map(|bodies| {
                    Ok(Bodies {
                        sender: bodies.sender,
                        broadcast: bodies.broadcast.part(lengths.broadcast)?,
                        private: bodies.private.part(lengths.private)?,
                    })
                })
                .collect()
        })
        .collect()
}

/// The fields of one message from a known sender: whatever does not fit is `Malformed` by it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    sender: PartyIndex,
    fields: Cursor<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn exactly(
        sender: PartyIndex,
        bytes: &'a [u8],
        length: usize,
    ) -> Result<Self, Abort> {
        if bytes.len() == length {
            Ok(Self { sender, fields: Cursor::new(bytes) })
        } else {
            Err(Abort::Malformed(sender))
        }
    }

    fn part(&mut self, length: usize) -> Result<Self, Abort> {
        let bytes = self.slice(length)?;
        Ok(Self { sender: self.sender, fields: Cursor::new(bytes) })
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Abort> {
        self.fields.array().ok_or(Abort::Malformed(self.sender))
    }

    pub(crate) fn slice(&mut self, length: usize) -> Result<&'a [u8], Abort> {
        self.fields.slice(length).ok_or(Abort::Malformed(self.sender))
    }

    pub(crate) fn scalar(&mut self) -> Result<Scalar, Abort> {
        self.fields.scalar().ok_or(Abort::Malformed(self.sender))
    }

    pub(crate) fn residue(&mut self) -> Result<Residue, Abort> {
        self.fields.residue().ok_or(Abort::Malformed(self.sender))
    }

    pub(crate) fn point33(&mut self) -> Result<AffinePoint, Abort> {
        self.fields.point33().ok_or(Abort::Malformed(self.sender))
    }

    pub(crate) fn point64(&mut self) -> Result<AffinePoint, Abort> {
        self.fields.point64().ok_or(Abort::Malformed(self.sender))
    }
}
