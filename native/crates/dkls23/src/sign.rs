//! Signing by exactly `t` parties in three rounds (DKLs23, protocol 3.6; specification, section D).
//!
//! A session signs a batch of one or more items. Every item is a whole instance of the protocol
//! with its own context, nonces, commitments and masks: two items that shared them would hand over
//! the key. Sent by each party for each item: 96 bytes to all and 4 304 to each peer; 40 352 to
//! each peer; 96 to all. From round 3's message on, a signature may exist whatever this party does.
//!
//! A round is taken once, so one nonce never answers two requests:
//!
//! ```compile_fail,E0382
//! # use dkls23::{Inbox, sign::Round1};
//! # fn twice(round: Round1, one: Inbox, other: Inbox, rng: &mut impl rand_core::CryptoRngCore) {
//! let answer = round.receive(one, rng, &|| false);
//! let again = round.receive(other, rng, &|| false); // `round` was moved
//! # }
//! ```

mod round1;
mod round2;
mod round3;

use std::collections::BTreeMap;
use std::sync::Arc;

use k256::elliptic_curve::ops::MulByGenerator;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use tagged_hash::{hash, tags};
use zeroize::Zeroizing;

use crate::context::SignContext;
use crate::derive::DerivationPath;
use crate::error::Abort;
use crate::pair::Ticket;
use crate::parameters::MAX_ITEMS;
use crate::party::PartyIndex;
use crate::secret::Secret;
use crate::share::KeyShare;
use crate::vole::{self, Bob};
use crate::wire::{Cancel, Lengths, Outgoing, poll};
use crate::{point, scalar};

pub use round1::Round1;
pub use round2::Round2;
pub use round3::Round3;

const ROUND1: Lengths = Lengths { broadcast: 96, private: 64 + vole::MESSAGE1_BYTES };
const ROUND2: Lengths =
    Lengths { broadcast: 0, private: 32 + vole::MESSAGE2_BYTES + 4 * 64 + 2 * 32 };
const ROUND3: Lengths = Lengths { broadcast: 96, private: 0 };

/// One digest to sign, and on what grounds: every signer derives all of it from its own parse, and
/// a difference is [`Abort::Config`] in round 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignItem {
    /// What is signed. Compute it from what it stands for; never take it from a peer.
    pub digest: [u8; 32],
    /// What kind of digest it is, by the caller's numbering.
    pub digest_kind: u8,
    /// The child key that signs.
    pub path: DerivationPath,
    /// Hash of the unsigned payload.
    pub payload_hash: [u8; 32],
    /// Hash of what the payload was resolved to.
    pub resolved_hash: [u8; 32],
    /// Hash of the policy that allowed it.
    pub policy_hash: [u8; 32],
}

/// What a quorum agrees on before round 1.
pub struct SignSetup {
    session_id: [u8; 32],
    quorum: Vec<PartyIndex>,
    items: Vec<SignItem>,
}

impl SignSetup {
    /// [`Abort::Config`] unless the quorum is ascending without repetition, there are 1 to 64
    /// items, and the session id is not zero.
    pub fn new(
        session_id: [u8; 32],
        quorum: &[PartyIndex],
        items: Vec<SignItem>,
    ) -> Result<Self, Abort> {
        let ascending = quorum.is_sorted_by(|party, next| party < next);
        if !ascending || !(1..=MAX_ITEMS).contains(&items.len()) || session_id == [0; 32] {
            return Err(Abort::Config);
        }
        Ok(Self { session_id, quorum: quorum.to_vec(), items })
    }
}

/// A signature that verifies under the (child) key, with low s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The nonce point's x modulo the order.
    pub r: [u8; 32],
    /// At most half the order.
    pub s: [u8; 32],
    /// Bit 0: the nonce point's y is odd; bit 1: its x was not below the order.
    pub recovery_id: u8,
}

/// Starts signing. [`Abort::Config`] unless the quorum is exactly `threshold` holders of the key
/// including this one, none of its pairs with this one is poisoned, and the share is not from a
/// backup ([`KeyShare::needs_refresh`]).
pub fn start<R: CryptoRngCore + ?Sized>(
    share: Arc<KeyShare>,
    setup: SignSetup,
    rng: &mut R,
    cancel: Cancel<'_>,
) -> Result<(Round1, Outgoing), Abort> {
    let SignSetup { session_id, quorum, items } = setup;
    let (me, threshold) = (share.index(), usize::from(share.threshold()));
    if quorum.len() != threshold || !quorum.contains(&me) {
        return Err(Abort::Config);
    }
    let peers: Vec<_> = quorum.iter().copied().filter(|party| *party != me).collect();
    let tickets = peers
        .iter()
        .map(|&peer| Ok((peer, share.pair(peer).ok_or(Abort::Config)?.admit()?)))
        .collect::<Result<_, Abort>>()?;
    let session = Session { me, peers, tickets };

    let quorum: Vec<u8> = quorum.into_iter().map(PartyIndex::get).collect();
    let mut outgoing = Outgoing {
        broadcast: Vec::with_capacity(items.len() * ROUND1.broadcast),
        private: session.bodies(items.len() * ROUND1.private),
    };
    let mut instances = Vec::with_capacity(items.len());
    for (position, item) in (0..).zip(items) {
        poll(cancel)?;
        let epoch = share.epoch();
        let child = share.child(&item.path, cancel)?;
        let ctx = SignContext {
            session_id: &session_id,
            key_id: share.key_id(),
            epoch_id: &epoch.id(),
            quorum: &quorum,
            path: item.path.indices(),
            delta: &scalar::encode(&child.tweak),
            derived_key: &point::encode33(&child.key),
            position,
            digest_kind: item.digest_kind,
            digest: &item.digest,
            payload_hash: &item.payload_hash,
            resolved_hash: &item.resolved_hash,
            policy_hash: &item.policy_hash,
        }
        .hash();
        let target = Target { ctx, digest: item.digest, key: child.key, tweak: child.tweak };
        instances.push(Instance::start(target, &share, &session, &mut outgoing, rng, cancel)?);
    }
    Ok((Round1 { share, session, instances }, outgoing))
}

/// Whom this session signs with, and the gates it passes.
struct Session {
    me: PartyIndex,
    peers: Vec<PartyIndex>,
    tickets: BTreeMap<PartyIndex, Ticket>,
}

impl Session {
    fn ticket(&self, peer: PartyIndex) -> Result<&Ticket, Abort> {
        self.tickets.get(&peer).ok_or(Abort::Config)
    }

    fn release(&self) -> Result<(), Abort> {
        self.tickets.values().try_for_each(Ticket::check)
    }

    /// An empty body for each peer.
    fn bodies(&self, capacity: usize) -> BTreeMap<PartyIndex, Zeroizing<Vec<u8>>> {
        let empty = |&peer| (peer, Zeroizing::new(Vec::with_capacity(capacity)));
        self.peers.iter().map(empty).collect()
    }
}

/// What an item signs.
struct Target {
    ctx: [u8; 32],
    digest: [u8; 32],
    /// X + δ·G.
    key: AffinePoint,
    /// δ.
    tweak: Scalar,
}

/// A party's nonce and commitment of round 1.
#[derive(Clone, Copy)]
struct Hello {
    nonce: [u8; 32],
    commitment: [u8; 32],
}

/// One item between round 1 and round 2: the nonce share is drawn and committed to.
struct Instance {
    target: Target,
    hello: Hello,
    salt: [u8; 32],
    /// `r_i`.
    nonce_share: Secret<Scalar>,
    /// `R_i = r_i·G`.
    nonce_point: AffinePoint,
    /// `φ_i`.
    phi: Secret<Scalar>,
    bobs: BTreeMap<PartyIndex, Bob>,
}

impl Instance {
    /// Draws nonce, `r_i`, `φ_i`, salt, then the VOLE choice bits with each peer; appends this
    /// item's bodies.
    fn start<R: CryptoRngCore + ?Sized>(
        target: Target,
        share: &KeyShare,
        session: &Session,
        outgoing: &mut Outgoing,
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<Self, Abort> {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let nonce_share = Secret::new(*scalar::draw(rng));
        let phi = Secret::new(*scalar::draw(rng));
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let nonce_point = ProjectivePoint::mul_by_generator(&nonce_share).to_affine();
        let commitment = commit(&target.ctx, session.me, &nonce, &nonce_point, &salt);
        outgoing.broadcast.extend([target.ctx, nonce, commitment].as_flattened());

        let mut bobs = BTreeMap::new();
        for (&peer, body) in &mut outgoing.private {
            poll(cancel)?;
            let ticket = session.ticket(peer)?;
            let state = ticket.state()?;
            let sid1 = vole::sid1(&target.ctx, session.me, peer, &nonce);
            let (bob, message) = Bob::start(sid1, &state.bob, share.gadget(), rng);
            body.extend(nonce);
            body.extend(ticket.pair().name().ids.as_bob);
            body.extend(message);
            bobs.insert(peer, bob);
        }
        let hello = Hello { nonce, commitment };
        Ok(Self { target, hello, salt, nonce_share, nonce_point, phi, bobs })
    }
}

/// `com_i = H("com-R"; ctx, i, nonce_i, R_i, salt_i)`.
fn commit(
    ctx: &[u8; 32],
    party: PartyIndex,
    nonce: &[u8; 32],
    nonce_point: &AffinePoint,
    salt: &[u8; 32],
) -> [u8; 32] {
    hash(tags::COM_R, &[ctx, &party.byte(), nonce, &point::encode33(nonce_point), salt])
}
