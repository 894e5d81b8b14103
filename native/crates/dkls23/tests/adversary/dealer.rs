//! A party of a 2-of-2 key generation, written from the specification alone: the attacker's own code. Honest, it makes a
//! key with the engine and signs with it.

use dkls23::{Epoch, Incoming, PartyIndex};
use k256::elliptic_curve::hash2curve::{ExpandMsgXmd, GroupDigest};
use k256::{AffinePoint, ProjectivePoint, Scalar, Secp256k1};
use rand_core::RngCore;
use sha2::Sha256;
use tagged_hash::{hash, tags};

use crate::attacker::{
    draw, draw_scalar, encode, keyed, point33, reduce, scalar, ser33, times_generator,
};
use crate::router::message;
use crate::stolen::{OtState, Seed, Stolen, StolenPair};

const DST: &[u8] = b"mpc-wallet/v1/ot-hc";
pub const OT_BYTES: usize = 256 * 33;

/// What is hashed to a point for side c of one base OT.
pub fn hash_input(sid_ot: &[u8; 32], idx: u16, c: u8, other: &AffinePoint) -> Vec<u8> {
    [&sid_ot[..], &idx.to_be_bytes(), &[c], &ser33(other)].concat()
}

/// `HC_c`, by k256's implementation of RFC 9380 (the engine has its own).
pub fn hash_point(sid_ot: &[u8; 32], idx: u16, c: u8, other: &AffinePoint) -> ProjectivePoint {
    let input = hash_input(sid_ot, idx, c, other);
    Secp256k1::hash_from_bytes::<ExpandMsgXmd<Sha256>>(&[&input], &[DST]).unwrap()
}

/// A scalar from the same bytes: with `scalar·G` in place of [`hash_point`] the OT would be broken.
pub fn hash_scalar(sid_ot: &[u8; 32], idx: u16, c: u8, other: &AffinePoint) -> Scalar {
    let input = hash_input(sid_ot, idx, c, other);
    Secp256k1::hash_to_scalar::<ExpandMsgXmd<Sha256>>(&[&input], &[DST]).unwrap()
}

/// `sid_ot`: the base-OT receiver, who becomes Alice, comes first.
pub fn ot_session(sid: &[u8; 32], alice: PartyIndex, bob: PartyIndex) -> [u8; 32] {
    hash(tags::OT, &[sid, &[alice.get()], &[bob.get()]])
}

pub fn pad(
    sid_ot: &[u8; 32],
    idx: u16,
    c: u8,
    requested: &[AffinePoint; 2],
    answer: &AffinePoint,
    shared: &AffinePoint,
) -> Seed {
    let [r_0, r_1] = requested.each_ref().map(ser33);
    let parts: [&[u8]; 7] =
        [sid_ot, &idx.to_be_bytes(), &[c], &r_0, &r_1, &ser33(answer), &ser33(shared)];
    hash(tags::OT_PAD, &parts)[..16].try_into().unwrap()
}

pub fn points(bytes: &[u8]) -> Vec<AffinePoint> {
    bytes.chunks(33).map(point33).collect()
}

fn pairs(bytes: &[u8]) -> Vec<[AffinePoint; 2]> {
    points(bytes).as_chunks().0.to_vec()
}

fn xor<const N: usize>(a: &mut [u8; N], b: &[u8; N]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
}

fn children(sid_ot: &[u8; 32], tree: u8, level: u8, nodes: &[Seed]) -> Vec<Seed> {
    let both = |(y, node): (u8, &Seed)| -> [u8; 32] {
        keyed(tags::PPRF, sid_ot, &[&[tree, level, y], &node[..]].concat())
    };
    (0..).zip(nodes).flat_map(|node| both(node).as_chunks().0.to_vec()).collect()
}

fn proof(sid_ot: &[u8; 32], tree: u8, leaf: u8, seed: &Seed) -> [u8; 32] {
    keyed(tags::PPRF_PROVE, sid_ot, &[&[tree, leaf], &seed[..]].concat())
}

fn proof_hash(sid_ot: &[u8; 32], tree: u8, proofs: &[[u8; 32]]) -> [u8; 32] {
    let tree = [tree];
    let mut parts = vec![&sid_ot[..], &tree];
    parts.extend(proofs.iter().map(|proof| &proof[..]));
    hash(tags::PPRF_HASH, &parts)
}

/// The sender's tree and message, from both pads of each level.
fn plant(sid_ot: &[u8; 32], tree: u8, pads: &[[Seed; 2]]) -> ([Seed; 16], Vec<u8>) {
    let mut nodes = pads[0].to_vec();
    let mut message = Vec::new();
    for (level, pads) in (1..).zip(&pads[1..]) {
        nodes = children(sid_ot, tree, level, &nodes);
        for (side, pad) in pads.iter().enumerate() {
            let mut correction = *pad;
            nodes.iter().skip(side).step_by(2).for_each(|node| xor(&mut correction, node));
            message.extend(correction);
        }
    }
    let proofs: Vec<_> = (0..).zip(&nodes).map(|(x, leaf)| proof(sid_ot, tree, x, leaf)).collect();
    let mut sum = [0; 32];
    proofs.iter().for_each(|proof| xor(&mut sum, proof));
    message.extend(sum);
    message.extend(proof_hash(sid_ot, tree, &proofs));
    (nodes.try_into().unwrap(), message)
}

/// The receiver's tree: the leaves, wrong at the hole, and the hole. The proof is not checked: the peer is honest.
fn climb(
    sid_ot: &[u8; 32],
    tree: u8,
    choices: &[usize],
    keys: &[Seed],
    message: &[u8],
) -> ([Seed; 16], usize) {
    let mut hole = 1 - choices[0];
    let mut nodes = vec![[0; 16]; 2];
    nodes[choices[0]] = keys[0];
    for level in 1..4 {
        nodes = children(sid_ot, tree, u8::try_from(level).unwrap(), &nodes);
        let corrections: &[Seed] = message[32 * (level - 1)..32 * level].as_chunks().0;
        let mut missing = corrections[choices[level]];
        xor(&mut missing, &keys[level]);
        for (y, node) in nodes.iter().enumerate() {
            if y % 2 == choices[level] && y / 2 != hole {
                xor(&mut missing, node);
            }
        }
        nodes[2 * hole + choices[level]] = missing;
        hole = 2 * hole + 1 - choices[level];
    }
    (nodes.try_into().unwrap(), hole)
}

/// A proof of knowledge of coefficient k of a party's polynomial.
pub fn prove(
    sid: &[u8; 32],
    party: PartyIndex,
    k: usize,
    coefficient: &Scalar,
    nonce: &Scalar,
) -> Vec<u8> {
    let a = ser33(&times_generator(nonce));
    let position = [u8::try_from(k % 256).unwrap()];
    let parts: [&[u8]; 5] =
        [sid, &[party.get()], &position, &ser33(&times_generator(coefficient)), &a];
    let z = reduce(&hash(tags::POK, &parts)) * coefficient + nonce;
    [&a[..], &encode(&z)].concat()
}

/// `commit_i`.
pub fn commitment(
    ctx: &[u8],
    party: PartyIndex,
    nonce: &[u8; 32],
    points: &[AffinePoint],
    chain_code_share: &[u8; 32],
    blind: &[u8; 32],
) -> [u8; 32] {
    let (index, points) = ([party.get()], points.iter().map(ser33).collect::<Vec<_>>());
    let mut parts: Vec<&[u8]> = vec![ctx, &index, nonce];
    parts.extend(points.iter().map(|point| &point[..]));
    parts.extend([&chain_code_share[..], blind]);
    hash(tags::DKG_COM, &parts)
}

/// `sid` of the broadcasts of round 1.
pub fn session(ctx: &[u8], hellos: &[(PartyIndex, Vec<u8>)]) -> [u8; 32] {
    let hello = |(party, hello): &(PartyIndex, Vec<u8>)| [&[party.get()], &hello[32..]].concat();
    let hellos: Vec<_> = hellos.iter().map(hello).collect();
    let mut parts = vec![ctx];
    parts.extend(hellos.iter().map(|hello| &hello[..]));
    hash(tags::DKG_SID, &parts)
}

/// The attacker in a key generation with one peer. Every field may be changed between two rounds.
pub struct Dealer {
    pub me: PartyIndex,
    pub peer: PartyIndex,
    pub ctx: [u8; 32],
    pub nonce: [u8; 32],
    pub coefficients: Vec<Scalar>,
    pub points: Vec<AffinePoint>,
    pub chain_code_share: [u8; 32],
    pub blind: [u8; 32],
    /// A commitment that is not to the polynomial; None for the honest one.
    pub commitment: Option<[u8; 32]>,
    /// Proofs that are not the dealer's own.
    pub proofs: Option<Vec<u8>>,
    pub zero_seed: [u8; 32],
    /// Choice bits as Alice, and `t`, `ρ` of each base OT.
    pub choices: Vec<usize>,
    receiver: Vec<[Scalar; 2]>,
    sender: Vec<[Scalar; 2]>,
    /// `(r_0, r_1)` of each base OT that are not the honest ones.
    pub requests: Option<Vec<[AffinePoint; 2]>>,
    /// Base OTs in which pad 1 is not the receiver's.
    pub bad_pads: Vec<usize>,
    pub sid: [u8; 32],
    opening: Vec<u8>,
    /// The peer's share for the attacker and zero-sharing seed.
    dealt: ([u8; 32], [u8; 32]),
    their_request: Vec<u8>,
    answer: Vec<u8>,
    bob: Vec<[Seed; 16]>,
}

impl Dealer {
    /// `ctx` is the peer's: an attacker rushes, and it is public.
    pub fn new(
        me: PartyIndex,
        peer: PartyIndex,
        ctx: &[u8],
        threshold: usize,
        rng: &mut impl RngCore,
    ) -> Self {
        let coefficients: Vec<_> = (0..threshold).map(|_| draw_scalar(rng)).collect();
        Self {
            me,
            peer,
            ctx: ctx.try_into().unwrap(),
            nonce: draw(rng),
            points: coefficients.iter().map(times_generator).collect(),
            coefficients,
            chain_code_share: draw(rng),
            blind: draw(rng),
            commitment: None,
            proofs: None,
            zero_seed: draw(rng),
            choices: draw::<128>(rng).map(|byte| usize::from(byte & 1)).to_vec(),
            receiver: (0..128).map(|_| [draw_scalar(rng), draw_scalar(rng)]).collect(),
            sender: (0..128).map(|_| [draw_scalar(rng), draw_scalar(rng)]).collect(),
            requests: None,
            bad_pads: Vec::new(),
            sid: [0; 32],
            opening: Vec::new(),
            dealt: ([0; 32], [0; 32]),
            their_request: Vec::new(),
            answer: Vec::new(),
            bob: Vec::new(),
        }
    }

    fn hello(&self) -> Vec<u8> {
        let Self { ctx, me, nonce, points, chain_code_share, blind, .. } = self;
        let honest = commitment(ctx, *me, nonce, points, chain_code_share, blind);
        [*ctx, *nonce, self.commitment.unwrap_or(honest)].concat()
    }

    pub fn round1(&self) -> Incoming {
        message(&self.hello(), &[])
    }

    /// A proof of knowledge of coefficient k.
    pub fn prove(&self, k: usize) -> Vec<u8> {
        let nonce = reduce(&hash(tags::RNG, &[&self.blind, &k.to_be_bytes()]));
        prove(&self.sid, self.me, k, &self.coefficients[k], &nonce)
    }

    pub fn share_for(&self, party: PartyIndex) -> Scalar {
        let x = Scalar::from(u32::from(party.get()));
        self.coefficients.iter().rev().fold(Scalar::ZERO, |sum, f| sum * x + f)
    }

    /// The session after round 1, whose other half is the peer's broadcast.
    pub fn meet(&mut self, theirs: &[u8]) {
        let mut hellos = [(self.me, self.hello()), (self.peer, theirs.to_vec())];
        hellos.sort_by_key(|(party, _)| *party);
        self.sid = session(&self.ctx, &hellos);
    }

    pub fn round2(&mut self) -> Incoming {
        let mut opening = self.sid.to_vec();
        opening.extend(self.points.iter().flat_map(ser33));
        opening.extend([self.chain_code_share, self.blind].as_flattened());
        match &self.proofs {
            Some(proofs) => opening.extend(proofs),
            None => (0..self.coefficients.len()).for_each(|k| opening.extend(self.prove(k))),
        }
        let mut private = [encode(&self.share_for(self.peer)), self.zero_seed].concat();
        private.extend(self.requests().as_flattened().iter().flat_map(ser33));
        self.opening.clone_from(&opening);
        message(&opening, &private)
    }

    /// OT1 as Alice.
    pub fn requests(&self) -> Vec<[AffinePoint; 2]> {
        let sid_ot = ot_session(&self.sid, self.me, self.peer);
        let honest = |((idx, [t, rho]), &c): ((u16, &[Scalar; 2]), &usize)| {
            let mut both = [times_generator(rho); 2];
            let mask = hash_point(&sid_ot, idx, u8::try_from(c).unwrap(), &both[0]);
            both[c] = (ProjectivePoint::from(times_generator(t)) - mask).to_affine();
            both
        };
        let honest = || (0..).zip(&self.receiver).zip(&self.choices).map(honest).collect();
        self.requests.clone().unwrap_or_else(honest)
    }

    /// OT2 and PPRF as Bob, after T2.
    pub fn round3(&mut self, theirs: &Incoming) -> Incoming {
        let [share, zero_seed, ..] = theirs.private.as_chunks().0 else { panic!("two fields") };
        self.dealt = (*share, *zero_seed);
        self.their_request = theirs.private[64..].to_vec();
        let mut openings = [(self.me, self.opening.clone()), (self.peer, theirs.broadcast.clone())];
        openings.sort_by_key(|(party, _)| *party);
        let [first, second] =
            openings.map(|(party, opening)| [&[party.get()], &opening[..]].concat());
        let mut body = hash(tags::DKG_T2, &[&self.sid, &first, &second]).to_vec();

        let sid_ot = ot_session(&self.sid, self.peer, self.me);
        let mut pads = Vec::new();
        for ((idx, requested), t) in (0..).zip(pairs(&theirs.private[64..])).zip(&self.sender) {
            let answers = t.each_ref().map(times_generator);
            let side = |c: usize| {
                let side = u8::try_from(c).unwrap();
                let m = hash_point(&sid_ot, idx, side, &requested[1 - c]) + requested[c];
                pad(&sid_ot, idx, side, &requested, &answers[c], &(m * t[c]).to_affine())
            };
            let mut both = [side(0), side(1)];
            if self.bad_pads.contains(&idx.into()) {
                both[1][0] ^= 1;
            }
            body.extend(answers.iter().flat_map(ser33));
            pads.push(both);
        }
        self.bob.clear();
        for (tree, pads) in (0..).zip(pads.chunks(4)) {
            let (leaves, message) = plant(&sid_ot, tree, pads);
            body.extend(message);
            self.bob.push(leaves);
        }
        self.answer = body[32..].to_vec();
        message(&[], &body)
    }

    /// What the attacker signs with, for the epoch that the victim made.
    pub fn finish(&self, theirs: &Incoming, epoch: &Epoch) -> Stolen {
        let (share, their_zero_seed) = self.dealt;
        let mut seeds = [(self.me, self.zero_seed), (self.peer, their_zero_seed)];
        seeds.sort_by_key(|(party, _)| *party);
        let [(low, of_low), (high, of_high)] = seeds;
        let zero_seed =
            hash(tags::ZSEED, &[&self.sid, &[low.get()], &[high.get()], &of_low, &of_high]);
        let name = |alice, bob, request: &[u8], answer: &[u8]| {
            let (ot2, pprf) = answer.split_at(OT_BYTES);
            hash(tags::OT_PAIR, &[&ot_session(&self.sid, alice, bob), request, ot2, pprf])
        };
        let ours: Vec<u8> = self.requests().as_flattened().iter().flat_map(ser33).collect();
        let pair = StolenPair {
            zero_seed,
            as_bob: name(self.peer, self.me, &self.their_request, &self.answer),
            as_alice: name(self.me, self.peer, &ours, &theirs.private[32..]),
            state: Some(self.state(theirs)),
        };
        let secret = self.share_for(self.me) + scalar(&share);
        Stolen::own(self.me, epoch, secret, self.peer, pair)
    }

    /// The attacker's OT state with the peer.
    fn state(&self, theirs: &Incoming) -> OtState {
        let sid_ot = ot_session(&self.sid, self.me, self.peer);
        let (answers, pprf) = theirs.private[32..].split_at(OT_BYTES);
        let mut keys = Vec::new();
        for (((idx, answers), requested), (&c, [t, _])) in (0..)
            .zip(pairs(answers))
            .zip(self.requests())
            .zip(self.choices.iter().zip(&self.receiver))
        {
            let side = u8::try_from(c).unwrap();
            let shared = (answers[c] * *t).to_affine();
            keys.push(pad(&sid_ot, idx, side, &requested, &answers[c], &shared));
        }
        let mut state = OtState { leaves: self.bob.clone(), delta: 0, known: Vec::new() };
        for (tree, message) in (0..).zip(pprf.chunks(160)) {
            let idx = 4 * usize::from(tree)..4 * usize::from(tree) + 4;
            let (leaves, hole) =
                climb(&sid_ot, tree, &self.choices[idx.clone()], &keys[idx.clone()], message);
            state.delta |= u128::try_from(hole).unwrap() << idx.start;
            state.known.push(std::array::from_fn(|distance| leaves[hole ^ (distance + 1)]));
        }
        state
    }
}
