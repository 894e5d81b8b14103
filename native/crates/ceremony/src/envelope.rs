//! Envelopes: the one form in which anything travels between parties.
//!
//! `header 156 ‖ body ‖ signature 64`, the signature being the sender's over `H("envelope"; header, body)`.
//! Header, integers big-endian: `"MPCE" ‖ version u8 ‖ kind u8 ‖ round u16 ‖ sessionId 32 ‖ walletId 32 ‖
//! epoch u64 ‖ from u8 ‖ to u8 (255 broadcast) ‖ part u8 ‖ parts u8 ‖ senderSequence u32 ‖
//! previousBroadcastsHash 32 ‖ relayChainHead 32 ‖ bodyLength u32`.

use dkls23::PartyIndex;

use crate::Member;
use crate::descriptor::Kind;
use crate::identity::{Identity, Purpose, SIGNATURE_BYTES};
use crate::wire::Reader;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 156;
/// A body is cut into parts of at most this many bytes before sealing.
pub const PART_BYTES: usize = 240 * 1024;
/// The most parts a body may have: 64 items of signing round 2 are 11.
pub const MAX_PARTS: u8 = 16;
/// The largest envelope.
pub const MAX_ENVELOPE_BYTES: usize =
    HEADER_BYTES + PART_BYTES + crate::sealing::SEALING_OVERHEAD + SIGNATURE_BYTES;
/// Round number of an invitation.
pub(crate) const ROUND_INVITATION: u16 = 0;
/// Round number of an abort.
pub(crate) const ROUND_ABORT: u16 = 201;

const MAGIC: &[u8; 4] = b"MPCE";
const VERSION: u8 = 1;

/// The routed part of an envelope; associated data of the sealed body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The session's kind.
    pub kind: u8,
    /// 0 invitation, 1–99 protocol, 201 abort.
    pub round: u16,
    /// The session.
    pub session_id: [u8; 32],
    /// The wallet.
    pub wallet_id: [u8; 32],
    /// The epoch of the descriptor.
    pub epoch: u64,
    /// Sender.
    pub from: PartyIndex,
    /// Recipient.
    pub to: PartyIndex,
    /// Which part of the body, from 0.
    pub part: u8,
    /// How many parts.
    pub parts: u8,
    /// Counts the sender's envelopes in this session, from 0.
    pub sender_sequence: u32,
    /// Hash over the previous round's broadcasts as the sender saw them.
    pub previous_broadcasts_hash: [u8; 32],
    /// Head of the relay's chain that the sender saw last.
    pub relay_chain_head: [u8; 32],
    /// Bytes of the body.
    pub body_length: u32,
}

impl Header {
    /// The 156 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, self.kind]);
        out.extend_from_slice(&self.round.to_be_bytes());
        out.extend_from_slice(&self.session_id);
        out.extend_from_slice(&self.wallet_id);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&[self.from.get(), self.to.get(), self.part, self.parts]);
        out.extend_from_slice(&self.sender_sequence.to_be_bytes());
        out.extend_from_slice(&self.previous_broadcasts_hash);
        out.extend_from_slice(&self.relay_chain_head);
        out.extend_from_slice(&self.body_length.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if &reader.array::<4>()? != MAGIC || reader.u8()? != VERSION {
            return None;
        }
        let header = Self {
            kind: reader.u8()?,
            round: reader.u16()?,
            session_id: reader.array()?,
            wallet_id: reader.array()?,
            epoch: reader.u64()?,
            from: PartyIndex::new(reader.u8()?)?,
            to: PartyIndex::new(reader.u8()?)?,
            part: reader.u8()?,
            parts: reader.u8()?,
            sender_sequence: reader.u32()?,
            previous_broadcasts_hash: reader.array()?,
            relay_chain_head: reader.array()?,
            body_length: reader.u32()?,
        };
        reader.finish()?;
        (header.part < header.parts && header.parts <= MAX_PARTS).then_some(header)
    }
}

/// An envelope whose layout is right and whose signature is not yet verified.
pub(crate) struct Envelope<'a> {
    pub(crate) header: Header,
    pub(crate) header_bytes: &'a [u8],
    pub(crate) body: &'a [u8],
    signature: [u8; SIGNATURE_BYTES],
}

impl<'a> Envelope<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return None;
        }
        let (header_bytes, rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let header = Header::decode(header_bytes)?;
        let (body, signature) = rest.split_at_checked(usize::try_from(header.body_length).ok()?)?;
        let signature = signature.try_into().ok()?;
        Some(Self { header, header_bytes, body, signature })
    }

    pub(crate) fn is_signed_by(&self, member: &Member) -> bool {
        let parts = [self.header_bytes, self.body];
        member.verifier.verify(Purpose::Envelope, &parts, &self.signature)
    }
}

/// Appends the sender's signature to `header ‖ body`.
pub(crate) fn sign(identity: &Identity, mut envelope: Vec<u8>) -> Vec<u8> {
    let (header, body) = envelope.split_at(HEADER_BYTES.min(envelope.len()));
    let signature = identity.sign(Purpose::Envelope, &[header, body]);
    envelope.extend_from_slice(&signature);
    envelope
}

/// Reads the header of an envelope for routing and for tests; verifies nothing.
pub fn peek(bytes: &[u8]) -> Option<Header> {
    Envelope::decode(bytes).map(|envelope| envelope.header)
}

impl Kind {
    /// The last protocol round of this kind.
    pub(crate) const fn last_round(self) -> u16 {
        match self {
            Self::Keygen | Self::Refresh | Self::Recover => 8,
            Self::Sign => 3,
            Self::Control => ROUND_INVITATION,
        }
    }
}
