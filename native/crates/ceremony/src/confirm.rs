//! Confirmation of a new epoch, rounds 4–6: with the shares as they were read back from storage, every pair
//! signs `H("confirm-epoch"; T, i, j)` for every key. Nobody acknowledges an epoch that cannot sign.

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23::derive::DerivationPath;
use dkls23::sign::{self, SignItem, SignSetup};
use dkls23::{Inbox, Incoming, KeyShare, Outgoing, PartyIndex};
use tagged_hash::{hash, tags};
use zeroize::Zeroizing;

use crate::Failure;
use crate::session::Io;
use crate::wire::{Reader, put_counted};

/// The digest kind of a confirmation, which no policy and no other ceremony can sign.
pub(crate) const DIGEST_KIND: u8 = 0;

/// One signing session per (peer, key), all in the same round.
pub(crate) enum Confirmation {
    Round4(Vec<Pairwise<sign::Round1>>),
    Round5(Vec<Pairwise<sign::Round2>>),
    Round6(Vec<Pairwise<sign::Round3>>),
}

/// The session with one peer for the key at this position.
pub(crate) struct Pairwise<R> {
    peer: PartyIndex,
    key: usize,
    round: R,
}

/// What came of a step.
pub(crate) enum Progress {
    Next(Confirmation, Vec<Outgoing>),
    Confirmed,
}

impl Confirmation {
    /// Starts round 4 with every peer.
    pub(crate) fn start(
        session_id: [u8; 32],
        transcript: &[u8; 32],
        shares: &[Arc<KeyShare>],
        peers: &[PartyIndex],
        io: &mut Io<'_>,
    ) -> Result<(Self, Vec<Outgoing>), Failure> {
        let mut rounds = Vec::new();
        let mut outgoing = outgoing_per_key(shares.len());
        for &peer in peers {
            for (key, share) in shares.iter().enumerate() {
                let me = share.index();
                let (low, high) = if me < peer { (me, peer) } else { (peer, me) };
                let item = SignItem {
                    digest: hash(tags::CONFIRM_EPOCH, &[transcript, &[low.get()], &[high.get()]]),
                    digest_kind: DIGEST_KIND,
                    path: DerivationPath::root(),
                    payload_hash: [0; 32],
                    resolved_hash: [0; 32],
                    policy_hash: [0; 32],
                };
                let setup = SignSetup::new(session_id, &[low, high], vec![item])?;
                let (round, out) = sign::start(Arc::clone(share), setup, io.rng, io.cancel)?;
                put(&mut outgoing, key, peer, out);
                rounds.push(Pairwise { peer, key, round });
            }
        }
        Ok((Self::Round4(rounds), outgoing))
    }

    /// The round whose messages this step takes.
    pub(crate) const fn round(&self) -> u16 {
        match self {
            Self::Round4(_) => 4,
            Self::Round5(_) => 5,
            Self::Round6(_) => 6,
        }
    }

    /// Takes a round's messages, one inbox per key.
    pub(crate) fn receive(
        self,
        mut inboxes: Vec<Inbox>,
        io: &mut Io<'_>,
    ) -> Result<Progress, Failure> {
        let mut outgoing = outgoing_per_key(inboxes.len());
        match self {
            Self::Round4(sessions) => {
                let mut next = Vec::with_capacity(sessions.len());
                for Pairwise { peer, key, round } in sessions {
                    let inbox = take(&mut inboxes, key, peer)?;
                    let (round, out) = round.receive(inbox, io.rng, io.cancel)?;
                    put(&mut outgoing, key, peer, out);
                    next.push(Pairwise { peer, key, round });
                }
                Ok(Progress::Next(Self::Round5(next), outgoing))
            }
            Self::Round5(sessions) => {
                let mut next = Vec::with_capacity(sessions.len());
                for Pairwise { peer, key, round } in sessions {
                    let inbox = take(&mut inboxes, key, peer)?;
                    let (round, out) = round.receive(inbox, io.cancel)?;
                    put(&mut outgoing, key, peer, out);
                    next.push(Pairwise { peer, key, round });
                }
                Ok(Progress::Next(Self::Round6(next), outgoing))
            }
            Self::Round6(sessions) => {
                for Pairwise { peer, key, round } in sessions {
                    round.receive(take(&mut inboxes, key, peer)?)?;
                }
                Ok(Progress::Confirmed)
            }
        }
    }
}

fn outgoing_per_key(keys: usize) -> Vec<Outgoing> {
    (0..keys).map(|_| Outgoing { broadcast: Vec::new(), private: BTreeMap::new() }).collect()
}

/// A pair's broadcast is no broadcast of the committee: both bodies go as one private body,
/// `u32 length ‖ broadcast ‖ u32 length ‖ private`.
fn put(outgoing: &mut [Outgoing], key: usize, peer: PartyIndex, mut out: Outgoing) {
    let private = out.private.remove(&peer).unwrap_or_default();
    let mut joined = Zeroizing::new(Vec::with_capacity(8 + out.broadcast.len() + private.len()));
    put_counted(&mut joined, &out.broadcast);
    put_counted(&mut joined, &private);
    if let Some(slot) = outgoing.get_mut(key) {
        slot.private.insert(peer, joined);
    }
}

fn take(inboxes: &mut [Inbox], key: usize, peer: PartyIndex) -> Result<Inbox, Failure> {
    let malformed = || Failure::malformed(peer, "a confirmation of another layout");
    let joined =
        inboxes.get_mut(key).and_then(|inbox| inbox.remove(&peer)).ok_or_else(malformed)?;
    let read = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes);
        let broadcast = reader.counted()?.to_vec();
        let private = Zeroizing::new(reader.counted()?.to_vec());
        reader.finish()?;
        Some(Incoming { broadcast, private })
    };
    let incoming = read(&joined.private).filter(|_| joined.broadcast.is_empty());
    Ok(BTreeMap::from([(peer, incoming.ok_or_else(malformed)?)]))
}
