use std::collections::BTreeMap;
use std::sync::Arc;

use k256::elliptic_curve::ops::MulByGenerator;
use k256::{ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use subtle::Choice;
use tagged_hash::{Hasher, tags};
use zeroize::Zeroizing;

use super::round2::{Masked, Round2};
use super::{Hello, Instance, ROUND1, ROUND2, Session};
use crate::error::Abort;
use crate::ot::extension::{ColumnSet, alice_extend, message_hash};
use crate::pair::OtState;
use crate::party::PartyIndex;
use crate::secret::Secret;
use crate::share::KeyShare;
use crate::wire::{Bodies, Cancel, Inbox, Outgoing, deliver_items, poll};
use crate::{point, scalar, vole, zero_share};

/// Signing after round 1: nonces are committed to. Holds the nonce shares and the VOLE choice bits.
pub struct Round1 {
    pub(super) share: Arc<KeyShare>,
    pub(super) session: Session,
    pub(super) instances: Vec<Instance>,
}

impl Round1 {
    /// Takes everybody's commitments and VOLE requests, decides about the requests at each pair's
    /// verdict gate, and answers them: about 40 kB to each peer for each item.
    ///
    /// [`Abort::OtPoisoned`] if a check failed, here or meanwhile in another session with that
    /// peer: store that before you say it. Cancelling does not undo a verdict.
    pub fn receive<R: CryptoRngCore + ?Sized>(
        self,
        inbox: Inbox,
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<(Round2, Outgoing), Abort> {
        let Self { share, session, instances } = self;
        session.release()?;
        let delivered = deliver_items(&inbox, &session.peers, instances.len(), ROUND1)?;
        let requests = read(&session, &instances, delivered)?;
        let mut extended = decide(&session, &instances, &requests, cancel)?;

        let mut bodies = session.bodies(instances.len() * ROUND2.private);
        let mut masked = Vec::with_capacity(instances.len());
        for (position, (instance, requests)) in instances.into_iter().zip(requests).enumerate() {
            let t1 = transcript(&session, &instance, &requests);
            let mut answer = Answer::start(&share, &session, instance, t1)?;
            for (&peer, request) in &requests {
                poll(cancel)?;
                let Extended { state, columns } = extended.get_mut(&peer).ok_or(Abort::Config)?;
                let columns = columns.get_mut(position).and_then(Option::take);
                let body = bodies.get_mut(&peer).ok_or(Abort::Config)?;
                let check = scalar::draw(rng);
                answer.respond(request, state, columns.ok_or(Abort::Config)?, &check, body);
            }
            masked.push(answer.finish(requests, &mut bodies)?);
        }
        session.release()?;
        let outgoing = Outgoing { broadcast: Vec::new(), private: bodies };
        Ok((Round2 { share, session, masked }, outgoing))
    }

    /// Whether round 1's messages may leave: ask again just before they do.
    pub fn release(&self) -> Result<(), Abort> {
        self.session.release()
    }
}

/// One peer's message of round 1 for one item.
struct Request<'a> {
    hello: Hello,
    sid1: [u8; 32],
    message1: &'a [u8; vole::MESSAGE1_BYTES],
}

type Requests<'a> = BTreeMap<PartyIndex, Request<'a>>;

/// Nothing here touches a secret. The contexts of all items come first, then pair id and nonce of
/// each.
fn read<'a>(
    session: &Session,
    instances: &[Instance],
    mut delivered: Vec<Vec<Bodies<'a>>>,
) -> Result<Vec<Requests<'a>>, Abort> {
    for (instance, all) in instances.iter().zip(&mut delivered) {
        for bodies in all {
            if *bodies.broadcast.array()? != instance.target.ctx {
                return Err(Abort::Config);
            }
        }
    }
    let request = |instance: &Instance, mut bodies: Bodies<'a>| {
        let sender = bodies.sender;
        let hello =
            Hello { nonce: *bodies.broadcast.array()?, commitment: *bodies.broadcast.array()? };
        let private_nonce = bodies.private.array()?;
        if *bodies.private.array()? != session.ticket(sender)?.pair().name().ids.as_alice {
            return Err(Abort::Config);
        }
        if *private_nonce != hello.nonce {
            return Err(Abort::Malformed(sender));
        }
        let sid1 = vole::sid1(&instance.target.ctx, sender, session.me, &hello.nonce);
        Ok((sender, Request { hello, sid1, message1: bodies.private.array()? }))
    };
    let requests = |(instance, all): (&Instance, Vec<Bodies<'a>>)| {
        all.into_iter().map(|bodies| request(instance, bodies)).collect()
    };
    instances.iter().zip(delivered).map(requests).collect()
}

/// What Alice has of one peer's requests once they passed: the columns of each item.
struct Extended {
    state: Arc<OtState>,
    columns: Vec<Option<ColumnSet>>,
}

/// Checks the requests of each peer and asks its gate, once for all items: one verdict, no early
/// exit, no item named.
fn decide(
    session: &Session,
    instances: &[Instance],
    requests: &[Requests<'_>],
    cancel: Cancel<'_>,
) -> Result<BTreeMap<PartyIndex, Extended>, Abort> {
    let mut decided = BTreeMap::new();
    for (&peer, ticket) in &session.tickets {
        let state = ticket.state()?;
        let mut passed = Choice::from(1);
        let mut stopped = Ok(());
        let mut columns = Vec::with_capacity(instances.len());
        for request in requests.iter().filter_map(|requests| requests.get(&peer)) {
            stopped = poll(cancel);
            if stopped.is_err() {
                break;
            }
            let (column_set, holds) = alice_extend(&request.sid1, &state.alice, request.message1);
            passed &= holds;
            columns.push(Some(column_set));
        }
        // A failure that was seen counts, cancelled or not.
        ticket.decide(passed)?;
        stopped?;
        decided.insert(peer, Extended { state, columns });
    }
    Ok(decided)
}

/// `T1 = H("T1"; ctx, (i ‖ nonce_i ‖ com_i) …)`.
fn transcript(session: &Session, instance: &Instance, requests: &Requests<'_>) -> [u8; 32] {
    let mut hellos: BTreeMap<_, _> =
        requests.iter().map(|(&peer, request)| (peer, request.hello)).collect();
    hellos.insert(session.me, instance.hello);
    let mut hasher = Hasher::new(tags::T1, 1 + hellos.len());
    hasher.part(&instance.target.ctx);
    for (party, hello) in hellos {
        hasher.part_from(&[&party.byte(), &hello.nonce, &hello.commitment]);
    }
    hasher.finish()
}

/// One item's second message in the making.
struct Answer<'a> {
    share: &'a KeyShare,
    instance: Instance,
    t1: [u8; 32],
    /// `(r_i, sk_i)`, the inputs to the VOLE with every peer.
    inputs: Zeroizing<[Scalar; 2]>,
    /// `pk_i`, then `Γ^u` and `Γ^v` of each peer.
    points: Vec<ProjectivePoint>,
    /// `Σ_j (c^u_j, c^v_j)`.
    sums: Secret<[Scalar; 2]>,
}

impl<'a> Answer<'a> {
    fn start(
        share: &'a KeyShare,
        session: &Session,
        instance: Instance,
        t1: [u8; 32],
    ) -> Result<Self, Abort> {
        let seed = |&peer| Some((peer, share.zero_seed(peer)?));
        let seeds = session.peers.iter().map(seed).collect::<Option<_>>().ok_or(Abort::Config)?;
        let zeta = zero_share::share(session.me, &seeds, &t1);
        let weighted = share.weighted(&session.peers, &instance.target.tweak);
        let key_share = Zeroizing::new(*weighted.ok_or(Abort::Config)? + *zeta); // sk_i
        let points = vec![ProjectivePoint::mul_by_generator(&key_share)];
        let inputs = Zeroizing::new([*instance.nonce_share, *key_share]);
        let sums = Secret::new([Scalar::ZERO; 2]);
        Ok(Self { share, instance, t1, inputs, points, sums })
    }

    /// Appends T1 and VOLE message 2.
    fn respond(
        &mut self,
        request: &Request<'_>,
        state: &OtState,
        columns: ColumnSet,
        check: &Scalar,
        body: &mut Vec<u8>,
    ) {
        let sid2 = vole::sid2(&request.sid1, &self.t1, &message_hash(request.message1));
        let delta = *state.alice.delta;
        body.extend(self.t1);
        let c = vole::alice_answer(
            &sid2,
            delta,
            &columns,
            &self.inputs,
            check,
            self.share.gadget(),
            body,
        );
        self.points.extend(c.iter().map(ProjectivePoint::mul_by_generator));
        self.sums.iter_mut().zip(c.iter()).for_each(|(sum, c)| *sum += c);
    }

    /// Appends the rest to every body: `Γ^u, Γ^v, ψ, R_i, salt, pk_i`.
    fn finish(
        self,
        requests: Requests<'_>,
        bodies: &mut BTreeMap<PartyIndex, Zeroizing<Vec<u8>>>,
    ) -> Result<Masked, Abort> {
        let Self { instance, t1, inputs, points, sums, .. } = self;
        let points = point::normalize(&points);
        let (key_point, gammas) = points.split_first().ok_or(Abort::Config)?;
        let mut gammas = gammas.iter().map(point::encode64);
        for (peer, body) in bodies {
            let b = instance.bobs.get(peer).ok_or(Abort::Config)?.b();
            body.extend(gammas.by_ref().take(2).flatten());
            body.extend(scalar::encode(&(*instance.phi - b))); // ψ
            body.extend(point::encode64(&instance.nonce_point));
            body.extend(instance.salt);
            body.extend(point::encode64(key_point));
        }
        let hellos = requests.into_iter().map(|(peer, request)| (peer, request.hello)).collect();
        Ok(Masked {
            target: instance.target,
            t1,
            hellos,
            inputs: Secret::new(*inputs),
            nonce_point: instance.nonce_point,
            key_point: *key_point,
            phi: instance.phi,
            sums,
            bobs: instance.bobs,
        })
    }
}
