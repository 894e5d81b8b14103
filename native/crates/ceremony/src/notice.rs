//! Notices: what a party tells another outside of a ceremony, over the same transport. They carry what persons signed
//! (approvals, vetoes), the epochs that the sender holds, and its newest certificate. A notice is one sealed message
//! and has no answer; whoever gets it twice is told nothing new.

use std::sync::Arc;

use rand_core::CryptoRngCore;

use crate::behind::Behind;
use crate::channel::Channel;
use crate::descriptor::{Descriptor, Kind};
use crate::document::{self, MAX_DOCUMENTS, NoticeDetails};
use crate::envelope::ROUND_INVITATION;
use crate::invitation::open_details;
use crate::session::{Terms, Times, describe};
use crate::{Certificate, Failure, Membership, Role};

/// What is handed to the transport.
pub struct Outgoing {
    /// To be opened first.
    pub descriptor: Vec<u8>,
    /// This party's signature over it.
    pub descriptor_signature: [u8; 64],
    /// Round 0, in as many envelopes as it needs.
    pub envelopes: Vec<Vec<u8>>,
}

/// A notice that was verified and opened.
pub struct Notice {
    /// Who sent it.
    pub from: Role,
    /// Documents that persons may have signed; nothing in them was looked at.
    pub documents: Vec<Vec<u8>>,
    /// A newer certificate than this party's own, if it came: [`Membership::certify`].
    pub certificate: Option<Certificate>,
}

/// A notice to one party.
///
/// # Errors
/// `Config`: at a party that holds no share, to itself, more than 16 documents, or more than an envelope holds.
pub fn send(
    membership: &Membership,
    to: Role,
    documents: &[Vec<u8>],
    times: Times,
    rng: &mut dyn CryptoRngCore,
) -> Result<Outgoing, Failure> {
    if to == membership.role() || documents.len() > MAX_DOCUMENTS {
        return Err(Failure::config("a notice is to another party and has at most 16 documents"));
    }
    let wallet = membership.current()?;
    if wallet.is_replaced(to.index()) {
        return Err(Failure::replaced());
    }
    let mut details = vec![0; 32];
    rng.fill_bytes(&mut details);
    let content = NoticeDetails::new(documents, Behind::of(membership).encode());
    details.extend_from_slice(&document::encode(&content)?);
    if details.len() > crate::envelope::PART_BYTES {
        return Err(Failure::config("a notice that is larger than an envelope may be"));
    }
    let mut participants = [membership.role(), to];
    participants.sort_unstable();
    let terms = Terms { kind: Kind::Control, epoch: wallet.epoch(), participants: &participants };
    let (identity, roster) = (membership.identity(), wallet.roster().clone());
    let descriptor = describe(&terms, identity, &roster, &details, times, rng)?;
    let mut channel = Channel::new(Arc::clone(identity), roster, descriptor.clone());
    Ok(Outgoing {
        descriptor: descriptor.encode(),
        descriptor_signature: descriptor.sign(identity),
        envelopes: channel.send(ROUND_INVITATION, to.index(), &[&details], rng)?,
    })
}

/// Verifies and opens a notice, and takes note of what its sender holds.
///
/// # Errors
/// `Config`: not a notice, of an unknown or replaced party, expired, or not what its descriptor commits to.
pub fn open(
    membership: &Membership,
    descriptor: &[u8],
    signature: &[u8],
    round0: &[u8],
    now_ms: u64,
) -> Result<Notice, Failure> {
    let descriptor = Descriptor::decode(descriptor)
        .filter(|descriptor| descriptor.kind == Kind::Control)
        .ok_or_else(|| Failure::config("not the descriptor of a notice"))?;
    let signature = signature
        .try_into()
        .map_err(|_| Failure::config("a descriptor's signature has 64 bytes"))?;
    let (me, from) = (membership.role(), descriptor.initiator);
    // The sender may hold an epoch with another roster; what counts is that its own key is known here.
    let wallet = membership.current()?;
    let roster = wallet.roster();
    descriptor.check_parties(roster, me)?;
    let ours = &descriptor.wallet_id == roster.wallet_id()
        && descriptor.is_signed(signature, roster)
        && from != me
        && !wallet.is_replaced(from.index());
    if !ours {
        return Err(Failure::config("a notice of an unknown party"));
    }
    descriptor.check_times(now_ms)?;
    let identity = membership.identity();
    let (documents, held) = open_details::<NoticeDetails>((identity, roster), &descriptor, round0)?
        .read()
        .ok_or_else(|| Failure::config("a notice of another layout"))?;
    let said =
        Behind::decode(&held).ok_or_else(|| Failure::config("a notice of another layout"))?;
    let certificate = membership.read_certificate(&said.certificate);
    // A transport may hand over an old notice again: one from before an epoch that everybody acknowledged says nothing.
    let certified = membership.certificate().map_or(0, |newest| newest.next_epoch());
    if said.held.last().is_some_and(|(newest, _)| *newest >= certified) {
        membership.note_peer(from, said);
    }
    Ok(Notice { from, documents, certificate })
}
