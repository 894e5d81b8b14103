//! One party's end of a session: verifies and opens what arrives, signs and seals what leaves.
//!
//! What does not verify is dropped without a state change: junk must not stop a ceremony. Each part of a
//! round is taken once per sender. A well-signed envelope with wrong content is its signer's act and aborts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use dkls23::{Incoming, Outgoing, PartyIndex};
use rand_core::CryptoRngCore;
use sha2::{Digest, Sha256};
use tagged_hash::{Hasher, hash, tags};
use zeroize::{Zeroize, Zeroizing};

use crate::behind::Behind;
use crate::body::{self, KeyBody, KeyPieces, RoundBody};
use crate::descriptor::Descriptor;
use crate::envelope::{self, Envelope, Header, PART_BYTES, ROUND_ABORT, ROUND_INVITATION};
use crate::error::Stop;
use crate::identity::{Identity, SIGNATURE_BYTES};
use crate::sealing::{
    Opener, OpeningKey, SEALING_KEY_BYTES, SEALING_OVERHEAD, Sealer, Use, encapsulated_key,
};
use crate::store::{Key, Secret, Write};
use crate::{Class, Failure, Roster};

/// Why an envelope was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropCode {
    /// Not an envelope: magic, version, lengths.
    Layout,
    /// Of another session, wallet, epoch or kind, not for this party, or a round that does not exist.
    NotForThisSession,
    /// From a party that is not of this session, or from this party itself.
    UnknownSender,
    /// This part of this round of this sender was taken before.
    Replayed,
    /// The signature does not verify.
    BadSignature,
}

impl DropCode {
    /// The stable code of the event.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layout => "ENVELOPE_LAYOUT",
            Self::NotForThisSession => "ENVELOPE_NOT_FOR_THIS_SESSION",
            Self::UnknownSender => "ENVELOPE_UNKNOWN_SENDER",
            Self::Replayed => "ENVELOPE_REPLAYED",
            Self::BadSignature => "ENVELOPE_BAD_SIGNATURE",
        }
    }
}

/// A dropped envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Why.
    pub code: DropCode,
    /// The round it claimed, 0 if unreadable.
    pub round: u16,
    /// The sender it claimed.
    pub from: Option<PartyIndex>,
}

/// One whole message of a round from each peer.
pub(crate) type Messages = BTreeMap<PartyIndex, Zeroizing<Vec<u8>>>;

/// At most so many drops are reported at once; the rest only counts as the last one.
const MAX_DROPS_REPORTED: usize = 64;

/// Where the parts of one sender's round are put together.
struct Assembly {
    previous_broadcasts_hash: [u8; 32],
    parts: Vec<Option<Zeroizing<Vec<u8>>>>,
    taken: bool,
}

pub(crate) struct Channel {
    identity: Arc<Identity>,
    roster: Roster,
    descriptor: Descriptor,
    session_id: [u8; 32],
    me: PartyIndex,
    peers: Vec<PartyIndex>,
    /// Made when the session begins; round 1 carries its public key.
    opening: Option<OpeningKey>,
    peer_session_keys: BTreeMap<PartyIndex, [u8; SEALING_KEY_BYTES]>,
    sealers: BTreeMap<PartyIndex, Sealer>,
    openers: BTreeMap<PartyIndex, Opener>,
    sequence: u32,
    received: BTreeMap<(u16, PartyIndex), Assembly>,
    own_broadcasts: BTreeMap<u16, [u8; 32]>,
    broadcasts: BTreeMap<u16, [u8; 32]>,
    dropped: Vec<Dropped>,
    stopped_by: Option<Stop>,
}

impl Channel {
    pub(crate) fn new(identity: Arc<Identity>, roster: Roster, descriptor: Descriptor) -> Self {
        let me = identity.role();
        Self {
            session_id: descriptor.session_id(),
            me: me.index(),
            peers: descriptor.peers_of(me).collect(),
            opening: None,
            identity,
            roster,
            descriptor,
            peer_session_keys: BTreeMap::new(),
            sealers: BTreeMap::new(),
            openers: BTreeMap::new(),
            sequence: 0,
            received: BTreeMap::new(),
            own_broadcasts: BTreeMap::new(),
            broadcasts: BTreeMap::new(),
            dropped: Vec::new(),
            stopped_by: None,
        }
    }

    /// Makes the key of this party for this session: when it begins, not where it is constructed, which is a
    /// place that must not take long.
    pub(crate) fn begin(&mut self, rng: &mut dyn CryptoRngCore) {
        self.opening.get_or_insert_with(|| OpeningKey::generate(rng));
    }

    /// Writes the session down before its first message leaves, so that it is never joined twice; and forgets
    /// those that nobody can replay any more.
    pub(crate) fn registration(&self, now_ms: u64) -> Vec<Write> {
        let expires_at = Secret::copy_from(&self.descriptor.expires_at_ms.to_be_bytes());
        vec![
            Write::ForgetSessionsBefore(now_ms),
            Write::Create(Key::SeenSession(self.session_id), expires_at),
        ]
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.opening.is_some()
    }

    pub(crate) fn session_id(&self) -> &[u8; 32] {
        &self.session_id
    }

    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    pub(crate) fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(crate) fn peers(&self) -> &[PartyIndex] {
        &self.peers
    }

    pub(crate) fn take_dropped(&mut self) -> Vec<Dropped> {
        core::mem::take(&mut self.dropped)
    }

    /// Marks a round of a sender as taken: the invitation was opened before the session existed.
    pub(crate) fn mark_taken(&mut self, round: u16, from: PartyIndex) {
        let assembly =
            Assembly { previous_broadcasts_hash: [0; 32], parts: Vec::new(), taken: true };
        self.received.insert((round, from), assembly);
    }

    /// Peers whose message of this round is not complete.
    pub(crate) fn missing(&self, round: u16) -> Vec<PartyIndex> {
        self.peers.iter().copied().filter(|&peer| !self.is_complete(round, peer)).collect()
    }

    fn is_complete(&self, round: u16, from: PartyIndex) -> bool {
        self.received
            .get(&(round, from))
            .is_some_and(|assembly| assembly.taken || assembly.parts.iter().all(Option::is_some))
    }

    /// Takes what arrived.
    ///
    /// # Errors
    /// A peer's signed stop, or a well-signed envelope with wrong content.
    pub(crate) fn accept(&mut self, envelopes: &[Vec<u8>]) -> Result<(), Failure> {
        for bytes in envelopes {
            self.accept_one(bytes)?;
        }
        match self.stopped_by.clone() {
            Some(stop) => Err(Failure::stopped_by(stop, self.peers.len() > 1)),
            None => Ok(()),
        }
    }

    fn accept_one(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(envelope) = Envelope::decode(bytes) else {
            self.drop_envelope(DropCode::Layout, 0, None);
            return Ok(());
        };
        let Header { round, from, part, parts, .. } = envelope.header;
        let known_round = round == ROUND_ABORT || round <= self.descriptor.kind.last_round();
        if envelope.header.session_id != self.session_id
            || envelope.header.wallet_id != self.descriptor.wallet_id
            || envelope.header.epoch != self.descriptor.epoch
            || envelope.header.kind != self.descriptor.kind.byte()
            || envelope.header.to != self.me
            || !known_round
        {
            self.drop_envelope(DropCode::NotForThisSession, round, Some(from));
            return Ok(());
        }
        if !self.peers.contains(&from) {
            self.drop_envelope(DropCode::UnknownSender, round, Some(from));
            return Ok(());
        }
        if self.has_part(round, from, part) {
            self.drop_envelope(DropCode::Replayed, round, Some(from));
            return Ok(());
        }
        let signed = self.roster.member(from).is_some_and(|member| envelope.is_signed_by(member));
        if !signed {
            self.drop_envelope(DropCode::BadSignature, round, Some(from));
            return Ok(());
        }
        if round == ROUND_ABORT {
            let stop = read_stop(from, envelope.body)
                .ok_or_else(|| Failure::malformed(from, "an abort envelope of another layout"))?;
            self.stopped_by.get_or_insert(stop);
            return Ok(());
        }
        let body = self.open(&envelope)?;
        let assembly = self.received.entry((round, from)).or_insert_with(|| Assembly {
            previous_broadcasts_hash: envelope.header.previous_broadcasts_hash,
            parts: (0..parts).map(|_| None).collect(),
            taken: false,
        });
        if assembly.parts.len() != usize::from(parts)
            || assembly.previous_broadcasts_hash != envelope.header.previous_broadcasts_hash
        {
            return Err(Failure::malformed(from, "the parts of a round do not fit together"));
        }
        if let Some(slot) = assembly.parts.get_mut(usize::from(part)) {
            *slot = Some(body);
        }
        Ok(())
    }

    fn has_part(&self, round: u16, from: PartyIndex, part: u8) -> bool {
        self.received.get(&(round, from)).is_some_and(|assembly| {
            assembly.taken || assembly.parts.get(usize::from(part)).is_some_and(Option::is_some)
        })
    }

    fn open(&mut self, envelope: &Envelope<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (header, body) = (envelope.header_bytes, envelope.body);
        let opened = match envelope.header.round {
            ROUND_INVITATION => self.identity.sealing().open(Use::Invitation, header, body),
            1 => Some(Zeroizing::new(body.to_vec())),
            _ => {
                self.opener(envelope.header.from, body).and_then(|opener| opener.open(header, body))
            }
        };
        opened.ok_or_else(|| Failure::malformed(envelope.header.from, "a body that does not open"))
    }

    /// The agreement under which a sender sealed a body: honest senders make one per session.
    fn opener(&mut self, from: PartyIndex, sealed: &[u8]) -> Option<&Opener> {
        if !self.openers.get(&from).is_some_and(|opener| opener.fits(sealed)) {
            let opener = self.opening.as_ref()?.opener(Use::Round, encapsulated_key(sealed)?)?;
            self.openers.insert(from, opener);
        }
        self.openers.get(&from)
    }

    fn drop_envelope(&mut self, code: DropCode, round: u16, from: Option<PartyIndex>) {
        if self.dropped.len() < MAX_DROPS_REPORTED {
            self.dropped.push(Dropped { code, round, from });
        }
    }

    /// The whole message of one sender in a round, once, with the broadcasts hash that it carried.
    fn take(&mut self, round: u16, from: PartyIndex) -> Option<([u8; 32], Zeroizing<Vec<u8>>)> {
        if !self.is_complete(round, from) {
            return None;
        }
        let assembly = self.received.get_mut(&(round, from)).filter(|assembly| !assembly.taken)?;
        assembly.taken = true;
        let mut parts: Vec<_> =
            core::mem::take(&mut assembly.parts).into_iter().flatten().collect();
        let whole = match parts.as_slice() {
            [_] => parts.remove(0),
            several => {
                let length = several.iter().map(|part| part.len()).sum();
                let mut whole = Zeroizing::new(Vec::with_capacity(length));
                several.iter().for_each(|part| whole.extend_from_slice(part));
                whole
            }
        };
        Some((assembly.previous_broadcasts_hash, whole))
    }

    /// One peer's raw message of a round that nobody has to send, once.
    pub(crate) fn take_from(&mut self, round: u16, peer: PartyIndex) -> Option<Zeroizing<Vec<u8>>> {
        self.take(round, peer).map(|(_, message)| message)
    }

    /// All peers' raw messages of a round, or `None` while one is missing.
    ///
    /// # Errors
    /// `Equivocation` if a peer saw other broadcasts in the round before.
    pub(crate) fn take_round(&mut self, round: u16) -> Result<Option<Messages>, Failure> {
        if !self.missing(round).is_empty() {
            return Ok(None);
        }
        let expected = self.previous_hash(round);
        let mut messages = BTreeMap::new();
        let mut equal = true;
        for peer in self.peers.clone() {
            let Some((previous, message)) = self.take(round, peer) else {
                continue;
            };
            equal &= previous == expected;
            messages.insert(peer, message);
        }
        if equal { Ok(Some(messages)) } else { Err(Failure::equivocation()) }
    }

    /// All peers' bodies of a protocol round, one inbox per key in key order, or `None` while one is missing.
    ///
    /// # Errors
    /// `Equivocation` before anything that could blame; `Malformed` for a body of another layout.
    pub(crate) fn take_bodies(
        &mut self,
        round: u16,
        keys: usize,
    ) -> Result<Option<Vec<dkls23::Inbox>>, Failure> {
        let Some(messages) = self.take_round(round)? else {
            return Ok(None);
        };
        let mut broadcasts = BTreeMap::new();
        let mut inboxes: Vec<dkls23::Inbox> = (0..keys).map(|_| BTreeMap::new()).collect();
        for (peer, message) in messages {
            let body = RoundBody::decode(message, round == 1, keys)
                .ok_or_else(|| Failure::malformed(peer, "a round body of another layout"))?;
            broadcasts.insert(peer, Sha256::digest(body.broadcasts()).into());
            if let Some(key) = body.session_key {
                self.peer_session_keys.insert(peer, key);
            }
            for (inbox, KeyBody { broadcast, private }) in inboxes.iter_mut().zip(body.keys) {
                inbox.insert(peer, Incoming { broadcast, private });
            }
        }
        broadcasts.insert(self.me, self.own_broadcasts.get(&round).copied().unwrap_or_default());
        let mut hasher = Hasher::new(tags::BROADCASTS, 2 + broadcasts.len());
        hasher.part(&self.session_id);
        hasher.part(&round.to_be_bytes());
        for (party, digest) in &broadcasts {
            hasher.part_from(&[&[party.get()], digest]);
        }
        self.broadcasts.insert(round, hasher.finish());
        Ok(Some(inboxes))
    }

    /// The hash over the broadcasts of several rounds: `H("broadcasts"; sessionId, u16 0, hash_1, …)`.
    pub(crate) fn final_broadcasts_hash(&self, rounds: core::ops::RangeInclusive<u16>) -> [u8; 32] {
        let zero = 0u16.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![&self.session_id, &zero];
        let hashes: Vec<[u8; 32]> =
            rounds.map(|round| self.broadcasts.get(&round).copied().unwrap_or_default()).collect();
        parts.extend(hashes.iter().map(<[u8; 32]>::as_slice));
        hash(tags::BROADCASTS, &parts)
    }

    /// Zero in rounds 0 and 1.
    fn previous_hash(&self, round: u16) -> [u8; 32] {
        match round.checked_sub(1) {
            None | Some(0) => [0; 32],
            Some(previous) => self.broadcasts.get(&previous).copied().unwrap_or_default(),
        }
    }

    /// Signs and seals a protocol round: `outgoing` has one entry per key, in key order.
    pub(crate) fn send_bodies(
        &mut self,
        round: u16,
        outgoing: &[Outgoing],
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let session_key = match round {
            1 => Some(self.opening.as_ref().ok_or_else(Failure::unbegun)?.public_key()),
            _ => None,
        };
        let of_keys = outgoing.iter().map(|key| key.broadcast.as_slice());
        let own = Sha256::digest(body::broadcasts(session_key.as_ref(), of_keys));
        self.own_broadcasts.insert(round, own.into());
        let mut envelopes = Vec::new();
        for peer in self.peers.clone() {
            let keys: Vec<KeyPieces<'_>> = outgoing
                .iter()
                .map(|key| {
                    let private = key.private.get(&peer).map_or(&[][..], |private| private);
                    KeyPieces::new(&key.broadcast, private)
                })
                .collect();
            let mut pieces: Vec<&[u8]> = session_key.iter().map(|key| key.as_slice()).collect();
            pieces.extend(keys.iter().flat_map(KeyPieces::pieces));
            envelopes.extend(self.send(round, peer, &pieces, rng)?);
        }
        Ok(envelopes)
    }

    /// Signs and seals one message to one peer, in as many parts as it needs. The message is joined from its
    /// pieces inside the envelopes and sealed there, so that no plaintext copy is left behind.
    pub(crate) fn send(
        &mut self,
        round: u16,
        to: PartyIndex,
        pieces: &[&[u8]],
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let parts = u8::try_from(length.div_ceil(PART_BYTES))
            .ok()
            .filter(|&parts| (1..=envelope::MAX_PARTS).contains(&parts))
            .ok_or_else(|| Failure::config("a message of more parts than an envelope may have"))?;
        let mut envelopes = Vec::with_capacity(usize::from(parts));
        for part in 0..parts {
            let start = usize::from(part) * PART_BYTES;
            let chunk = start..length.min(start + PART_BYTES);
            envelopes.push(self.seal_part(round, to, (part, parts), pieces, chunk, rng)?);
        }
        Ok(envelopes)
    }

    fn seal_part(
        &mut self,
        round: u16,
        to: PartyIndex,
        (part, parts): (u8, u8),
        pieces: &[&[u8]],
        chunk: Range<usize>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, Failure> {
        let overhead = if round == 1 { 0 } else { SEALING_OVERHEAD };
        let header = self.header(round, to, part, parts, chunk.len() + overhead).encode();
        let capacity = header.len() + overhead + chunk.len() + SIGNATURE_BYTES;
        let mut envelope = Vec::with_capacity(capacity);
        envelope.extend_from_slice(&header);
        if round == 1 {
            copy_range(pieces, chunk, &mut envelope);
        } else {
            let unusable = || Failure::malformed(to, "an unusable sealing key");
            let invitation;
            let sealer = if round == ROUND_INVITATION {
                let key = self.roster.member(to).map(|member| member.sealing_key);
                invitation = key.and_then(|key| Sealer::new(&key, Use::Invitation, rng));
                invitation.as_ref()
            } else {
                self.sealer(to, rng)
            };
            let sealer = sealer.ok_or_else(unusable)?;
            envelope.extend_from_slice(sealer.encapsulated_key());
            copy_range(pieces, chunk, &mut envelope);
            let body = envelope.get_mut(header.len() + SEALING_KEY_BYTES..).unwrap_or_default();
            let Some(tag) = sealer.seal_in_place(&header, body) else {
                envelope.zeroize();
                return Err(unusable());
            };
            envelope.extend_from_slice(&tag);
        }
        Ok(envelope::sign(&self.identity, envelope))
    }

    /// The agreement under which the rounds to a peer are sealed: one per session.
    fn sealer(&mut self, to: PartyIndex, rng: &mut dyn CryptoRngCore) -> Option<&Sealer> {
        if !self.sealers.contains_key(&to) {
            let key = self.peer_session_keys.get(&to)?;
            self.sealers.insert(to, Sealer::new(key, Use::Round, rng)?);
        }
        self.sealers.get(&to)
    }

    /// Tells every peer that this party stops: the class and, for the log, whom it blames.
    pub(crate) fn send_abort(&mut self, failure: &Failure) -> Vec<Vec<u8>> {
        let bits = failure
            .culprits
            .iter()
            .fold(0u8, |bits, party| bits | 1u8.checked_shl(u32::from(party.get())).unwrap_or(0));
        let mut body = vec![failure.class.byte(), bits];
        if let (Some(own), None) = (&failure.behind, failure.told_by) {
            body.extend_from_slice(&own.encode());
        }
        let untold = |peer: &PartyIndex| failure.told_by != Some(*peer);
        let peers: Vec<PartyIndex> = self.peers.iter().copied().filter(untold).collect();
        let mut envelopes = Vec::with_capacity(peers.len());
        for peer in peers {
            let mut envelope = self.header(ROUND_ABORT, peer, 0, 1, body.len()).encode();
            envelope.extend_from_slice(&body);
            envelopes.push(envelope::sign(&self.identity, envelope));
        }
        envelopes
    }

    fn header(&mut self, round: u16, to: PartyIndex, part: u8, parts: u8, length: usize) -> Header {
        let sender_sequence = self.sequence;
        self.sequence = self.sequence.saturating_add(1);
        Header {
            kind: self.descriptor.kind.byte(),
            round,
            session_id: self.session_id,
            wallet_id: self.descriptor.wallet_id,
            epoch: self.descriptor.epoch,
            from: self.me,
            to,
            part,
            parts,
            sender_sequence,
            previous_broadcasts_hash: if round == ROUND_ABORT {
                [0; 32]
            } else {
                self.previous_hash(round)
            },
            relay_chain_head: relay_genesis(&self.session_id),
            body_length: u32::try_from(length).unwrap_or(u32::MAX),
        }
    }
}

/// `class u8 ‖ culprits u8`, and behind the class `EpochBehind` what its sender holds, unless it only passes it on.
fn read_stop(party: PartyIndex, body: &[u8]) -> Option<Stop> {
    let [class, _culprits, rest @ ..] = body else { return None };
    let behind = match (rest.is_empty(), *class == Class::EpochBehind.byte()) {
        (true, _) => None,
        (false, true) => Some(Behind::decode(rest)?),
        (false, false) => return None,
    };
    Some(Stop { party, class: *class, behind })
}

/// `chain_0` of a session: the head before a relay stored anything.
pub(crate) fn relay_genesis(session_id: &[u8; 32]) -> [u8; 32] {
    hash(tags::RELAY_GENESIS, &[session_id])
}

/// Appends the bytes of a range of the joined pieces.
fn copy_range(pieces: &[&[u8]], range: Range<usize>, out: &mut Vec<u8>) {
    let mut start = 0;
    for piece in pieces {
        let end = start + piece.len();
        let (from, to) = (range.start.clamp(start, end), range.end.clamp(start, end));
        out.extend_from_slice(piece.get(from - start..to - start).unwrap_or_default());
        start = end;
    }
}
