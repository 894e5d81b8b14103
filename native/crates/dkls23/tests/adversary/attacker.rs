//! A signer of a quorum of two, written from the specification alone: the attacker's own code, which may lie wherever it
//! likes. Honest, it signs with the engine, so every formula and every hash input here is the engine's.

use dkls23::sign::Signature;
use dkls23::{Incoming, PartyIndex};
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::{MulByGenerator, Reduce};
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::scalar::IsHigh;
use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, ProjectivePoint, Scalar, U256};
use rand_core::RngCore;
use sha2::{Digest, Sha256};
use tagged_hash::{Tag, hash, tags};

use crate::router::message;
use crate::stolen::{OtState, Seed, Stolen};

pub const MESSAGE2_BYTES: usize = MATRIX_BYTES + 64;
pub const MATRIX_BYTES: usize = 416 * 96;

/// 544 bits, little-endian: 416 columns, then the mask of the check.
pub type Row = [u8; 68];

/// `R_K(tag; x)`, from SHA-256.
pub fn keyed<const N: usize>(tag: Tag, key: &[u8; 32], x: &[u8]) -> [u8; N] {
    let block = |counter: u8| {
        let block = Sha256::new().chain_update(tag.digest()).chain_update(key);
        block.chain_update(x).chain_update([counter]).finalize()
    };
    let mut output = [0; N];
    for (chunk, counter) in output.chunks_mut(32).zip(0..) {
        chunk.copy_from_slice(&block(counter)[..chunk.len()]);
    }
    output
}

pub fn reduce(bytes: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(bytes.into())
}

pub fn scalar(bytes: &[u8]) -> Scalar {
    let bytes: [u8; 32] = bytes.try_into().unwrap();
    Scalar::from_repr(bytes.into()).unwrap()
}

pub fn encode(scalar: &Scalar) -> [u8; 32] {
    scalar.to_bytes().into()
}

pub fn times_generator(scalar: &Scalar) -> AffinePoint {
    ProjectivePoint::mul_by_generator(scalar).to_affine()
}

pub fn ser33(point: &AffinePoint) -> [u8; 33] {
    point.to_encoded_point(true).as_bytes().try_into().unwrap()
}

pub fn ser64(point: &AffinePoint) -> [u8; 64] {
    point.to_encoded_point(false).as_bytes()[1..].try_into().unwrap()
}

pub fn point33(bytes: &[u8]) -> AffinePoint {
    AffinePoint::from_encoded_point(&EncodedPoint::from_bytes(bytes).unwrap()).unwrap()
}

pub fn point64(bytes: &[u8]) -> AffinePoint {
    point33(&[&[4], bytes].concat())
}

/// A scalar as the engine draws it: 32 bytes, never rejected in practice.
pub fn draw_scalar(rng: &mut impl RngCore) -> Scalar {
    scalar(&draw::<32>(rng))
}

pub fn draw<const N: usize>(rng: &mut impl RngCore) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// `λ_i` of the quorum {i, j}.
pub fn weight_of(i: PartyIndex, j: PartyIndex) -> Scalar {
    let [i, j] = [i, j].map(|party| Scalar::from(u32::from(party.get())));
    j * (j - i).invert().unwrap()
}

pub fn sid1(ctx: &[u8; 32], bob: PartyIndex, alice: PartyIndex, nonce: &[u8; 32]) -> [u8; 32] {
    hash(tags::SID1, &[ctx, &[bob.get()], &[alice.get()], nonce])
}

/// GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, bit by bit.
fn field_product(mut a: u128, b: u128) -> u128 {
    let mut product = 0;
    for bit in 0..128 {
        product ^= a * (b >> bit & 1);
        a = (a << 1) ^ ((a >> 127) * 0x87); // times x
    }
    product
}

pub fn xor(row: &mut Row, other: &Row) {
    row.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
}

fn word(bytes: &[u8]) -> u128 {
    let mut word = [0; 16];
    word[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(word)
}

/// The check of the OT extension: its coefficients hash all of u.
pub struct Check([u128; 4]);

impl Check {
    pub fn new(sid1: &[u8; 32], u: &[Row]) -> Self {
        let parts: Vec<&[u8]> =
            [&sid1[..]].into_iter().chain(u.iter().map(|row| &row[..])).collect();
        let seed = hash(tags::CHI, &parts);
        Self([0, 1, 2, 3].map(|j| u128::from_le_bytes(keyed(tags::CHI_J, &seed, &[j]))))
    }

    pub fn value(&self, row: &Row) -> u128 {
        let blocks = row[..52].chunks(16).zip(self.0);
        blocks.fold(word(&row[52..]), |sum, (block, chi)| sum ^ field_product(word(block), chi))
    }
}

/// `P_{i,x}`.
pub fn stretched(sid1: &[u8; 32], tree: usize, leaf: usize, seed: &Seed) -> Row {
    let index = [u8::try_from(tree).unwrap(), u8::try_from(leaf).unwrap()];
    keyed(tags::PRG, sid1, &[&index[..], seed].concat())
}

/// Bob's choice bit β_j.
pub fn is_chosen(x: &Row, j: usize) -> bool {
    x[j / 8] >> (j % 8) & 1 == 1
}

/// Bob's side of the extension, and what he claims about it.
pub struct Extension {
    pub x: Row,
    pub u: Vec<Row>,
    pub v: Vec<Row>,
    /// Added to the t̃ of these rows.
    pub errors: Vec<(usize, u128)>,
}

impl Extension {
    pub fn new(sid1: &[u8; 32], leaves: &[[Seed; 16]], x: Row) -> Self {
        let mut u = vec![x; 32];
        let mut v = vec![[0; 68]; 128];
        for (tree, leaves) in leaves.iter().enumerate() {
            for (number, leaf) in leaves.iter().enumerate() {
                let row = stretched(sid1, tree, number, leaf);
                xor(&mut u[tree], &row);
                (0..4)
                    .filter(|bit| number >> bit & 1 == 1)
                    .for_each(|bit| xor(&mut v[4 * tree + bit], &row));
            }
        }
        Self { x, u, v, errors: Vec::new() }
    }

    /// Adds `error` to u of one tree and prepares t̃ for a victim whose hole there is `guess`: it passes exactly then.
    pub fn guess(&mut self, sid1: &[u8; 32], tree: usize, error: &Row, guess: u8) {
        xor(&mut self.u[tree], error);
        let shift = Check::new(sid1, &self.u).value(error);
        for bit in (0..4).filter(|bit| guess >> bit & 1 == 1) {
            self.errors.push((4 * tree + bit, shift));
            // The victim's rows have it too, so an attacker who guessed right goes on with these.
            xor(&mut self.v[4 * tree + bit], error);
        }
    }

    /// Message 1; the check is computed for the rows without the error.
    pub fn message(&self, sid1: &[u8; 32], honest_v: &[Row]) -> Vec<u8> {
        let check = Check::new(sid1, &self.u);
        let mut t: Vec<u128> = honest_v.iter().map(|row| check.value(row)).collect();
        self.errors.iter().for_each(|(row, error)| t[*row] ^= error);
        let mut message = self.u.concat();
        message.extend(check.value(&self.x).to_le_bytes());
        message.extend(t.iter().flat_map(|t| t.to_le_bytes()));
        message
    }
}

/// Alice's rows w for a message 1.
pub fn alice_rows(sid1: &[u8; 32], state: &OtState, u: &[u8]) -> Vec<Row> {
    let mut w = vec![[0; 68]; 128];
    for (tree, known) in state.known.iter().enumerate() {
        let hole = usize::from(state.hole(tree));
        for (distance, leaf) in (1..).zip(known) {
            let row = stretched(sid1, tree, distance ^ hole, leaf);
            (0..4)
                .filter(|bit| distance >> bit & 1 == 1)
                .for_each(|bit| xor(&mut w[4 * tree + bit], &row));
        }
        let u: Row = u[68 * tree..68 * tree + 68].try_into().unwrap();
        (0..4).filter(|bit| hole >> bit & 1 == 1).for_each(|bit| xor(&mut w[4 * tree + bit], &u));
    }
    w
}

/// Bit j of the 128 rows.
pub fn column(rows: &[Row], j: usize) -> u128 {
    (0..).zip(rows).fold(0, |column, (r, row)| column | u128::from(row[j / 8] >> (j % 8) & 1) << r)
}

pub fn gadget(epoch_id: &[u8; 32]) -> Vec<Scalar> {
    let key = hash(tags::GADGET, &[epoch_id]);
    (0..416u16).map(|j| reduce(&keyed(tags::GADGET_J, &key, &j.to_be_bytes()))).collect()
}

/// `RO(sid2, j, q)`.
pub fn masks(sid2: &[u8; 32], j: usize, column: u128) -> [Scalar; 3] {
    let x = [&u16::try_from(j).unwrap().to_be_bytes()[..], &column.to_le_bytes()].concat();
    let output: [u8; 96] = keyed(tags::RAND, sid2, &x);
    [0, 1, 2].map(|i| reduce(output[32 * i..32 * i + 32].try_into().unwrap()))
}

pub fn sid2(sid1: &[u8; 32], t1: &[u8; 32], message1: &[u8]) -> [u8; 32] {
    let (u, checks) = message1.split_at(32 * 68);
    let parts: Vec<_> = u.chunks(68).chain(checks.chunks(16)).collect();
    hash(tags::SID2, &[sid1, t1, &hash(tags::M1, &parts)])
}

pub fn theta(sid2: &[u8; 32], matrix: &[u8]) -> [Scalar; 2] {
    let seed = hash(tags::THETA, &[sid2, matrix]);
    [0, 1].map(|i| reduce(&keyed(tags::THETA_I, &seed, &[i])))
}

fn mu(sid2: &[u8; 32], values: &[Scalar]) -> [u8; 32] {
    let values: Vec<u8> = values.iter().flat_map(encode).collect();
    hash(tags::MU, &[sid2, &values])
}

/// What Alice puts into one VOLE. Honest: the same inputs in every row.
pub struct Answer {
    pub c: [Scalar; 2],
    pub matrix: Vec<[Scalar; 3]>,
    pub eta: Scalar,
    pub mu: [u8; 32],
}

impl Answer {
    /// Row j of the matrix hides `inputs(j)`; η and μ are made for those of row 0.
    pub fn new(
        epoch_id: &[u8; 32],
        sid2: &[u8; 32],
        state: &OtState,
        w: &[Row],
        inputs: impl Fn(usize) -> [Scalar; 3],
    ) -> Self {
        let mut c = [Scalar::ZERO; 2];
        let mut zeros = Vec::new();
        let mut matrix = Vec::new();
        for (j, g) in gadget(epoch_id).iter().enumerate() {
            let q = column(w, j);
            let (zero, one) = (masks(sid2, j, q), masks(sid2, j, q ^ state.delta));
            let a = inputs(j);
            matrix.push([0, 1, 2].map(|i| zero[i] - one[i] + a[i]));
            (0..2).for_each(|i| c[i] -= g * &zero[i]);
            zeros.push(zero);
        }
        let [theta_1, theta_2] = theta(sid2, &encode_matrix(&matrix));
        let combine = |[x, y, check]: [Scalar; 3]| check + theta_1 * x + theta_2 * y;
        let eta = combine(inputs(0));
        let checks: Vec<_> = zeros.into_iter().map(combine).collect();
        Self { c, matrix, eta, mu: mu(sid2, &checks) }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut body = encode_matrix(&self.matrix);
        body.extend(encode(&self.eta));
        body.extend(self.mu);
        body
    }
}

pub fn encode_matrix(matrix: &[[Scalar; 3]]) -> Vec<u8> {
    matrix.as_flattened().iter().flat_map(encode).collect()
}

/// Bob.3: `(d_1, d_2)`, and whether μ fits.
pub fn bob_outputs(
    epoch_id: &[u8; 32],
    sid2: &[u8; 32],
    extension: &Extension,
    message2: &[u8],
) -> ([Scalar; 2], bool) {
    let (matrix, rest) = message2.split_at(MATRIX_BYTES);
    let (eta, claimed) = rest.split_at(32);
    let eta = scalar(eta);
    let [theta_1, theta_2] = theta(sid2, matrix);
    let mut d = [Scalar::ZERO; 2];
    let mut checks = Vec::new();
    for ((j, g), row) in gadget(epoch_id).iter().enumerate().zip(matrix.chunks(96)) {
        let mut d_j = masks(sid2, j, column(&extension.v, j));
        let mut subtracted = Scalar::ZERO;
        if is_chosen(&extension.x, j) {
            (0..3).for_each(|i| d_j[i] += scalar(&row[32 * i..32 * i + 32]));
            subtracted = eta;
        }
        checks.push(d_j[2] + theta_1 * d_j[0] + theta_2 * d_j[1] - subtracted);
        (0..2).for_each(|i| d[i] += g * &d_j[i]);
    }
    (d, mu(sid2, &checks) == *claimed)
}

/// What one party hashes into T1.
#[derive(Clone, Copy)]
pub struct Hello {
    pub nonce: [u8; 32],
    pub com: [u8; 32],
}

/// The attacker in one session of one item with one peer. Every field may be changed between two rounds.
pub struct Signer {
    pub me: PartyIndex,
    pub peer: PartyIndex,
    pub ctx: [u8; 32],
    pub digest: [u8; 32],
    pub stolen: Stolen,
    pub nonce: [u8; 32],
    pub r: Scalar,
    pub phi: Scalar,
    pub salt: [u8; 32],
    pub x: Row,
    pub check: Scalar,
    /// A commitment that is not to R; None for the honest one.
    pub com: Option<[u8; 32]>,
    /// A tree, an error for its u, and the guessed hole.
    pub guess: Option<(usize, Row, u8)>,
    /// Added to sk_i in the VOLE and in pk_i.
    pub key_error: Scalar,
    requested: Option<Requested>,
    answered: Option<Answered>,
    partial: Option<Partial>,
}

/// The attacker as Bob.
struct Requested {
    sid1: [u8; 32],
    message1: Vec<u8>,
    extension: Extension,
    b: Scalar,
}

/// The attacker as Alice.
struct Answered {
    t1: [u8; 32],
    sid2: [u8; 32],
    peer_hello: Hello,
    sk: Scalar,
    c: [Scalar; 2],
    nonce_point: AffinePoint,
    key_point: AffinePoint,
}

struct Partial {
    r: Scalar,
    recovery_id: u8,
    w: Scalar,
    u: Scalar,
}

impl Signer {
    /// `ctx` is the peer's: an attacker rushes, and it is public.
    pub fn new(
        stolen: Stolen,
        peer: PartyIndex,
        ctx: &[u8],
        digest: [u8; 32],
        rng: &mut impl RngCore,
    ) -> Self {
        Self {
            me: stolen.index,
            peer,
            ctx: ctx.try_into().unwrap(),
            digest,
            nonce: draw(rng),
            r: draw_scalar(rng),
            phi: draw_scalar(rng),
            salt: draw(rng),
            x: draw(rng),
            check: draw_scalar(rng),
            com: None,
            guess: None,
            key_error: Scalar::ZERO,
            requested: None,
            answered: None,
            partial: None,
            stolen,
        }
    }

    fn hello(&self) -> Hello {
        let com =
            commitment(&self.ctx, self.me, &self.nonce, &times_generator(&self.r), &self.salt);
        Hello { nonce: self.nonce, com: self.com.unwrap_or(com) }
    }

    pub fn round1(&mut self) -> Incoming {
        let sid1 = sid1(&self.ctx, self.me, self.peer, &self.nonce);
        let mut extension = Extension::new(&sid1, &self.stolen.state(self.peer).leaves, self.x);
        let honest_v = extension.v.clone();
        if let Some((tree, error, guess)) = self.guess {
            extension.guess(&sid1, tree, &error, guess);
        }
        let message1 = extension.message(&sid1, &honest_v);
        let Hello { nonce, com } = self.hello();
        let broadcast = [self.ctx, nonce, com].concat();
        let private = [&nonce, &self.stolen.peers[&self.peer].as_bob, &message1[..]].concat();
        let chosen = gadget(&self.stolen.epoch_id).into_iter().enumerate();
        let b = chosen.filter(|(j, _)| is_chosen(&self.x, *j)).map(|(_, g)| g).sum();
        self.requested = Some(Requested { sid1, message1, extension, b });
        message(&broadcast, &private)
    }

    /// Answers the peer's round 1.
    pub fn round2(&mut self, theirs: &Incoming) -> Incoming {
        self.round2_with(theirs, |_, inputs| inputs)
    }

    /// As [`Self::round2`], with `inputs(j, honest)` in row j of the VOLE.
    pub fn round2_with(
        &mut self,
        theirs: &Incoming,
        inputs: impl Fn(usize, [Scalar; 3]) -> [Scalar; 3],
    ) -> Incoming {
        let (me, peer) = (self.me, self.peer);
        let [_, nonce, com] = theirs.broadcast.as_chunks().0 else { panic!("96 bytes") };
        let peer_hello = Hello { nonce: *nonce, com: *com };
        let mut hellos = [(me, self.hello()), (peer, peer_hello)];
        hellos.sort_by_key(|(party, _)| *party);
        let [first, second] =
            hellos.map(|(party, hello)| [&[party.get()], &hello.nonce[..], &hello.com].concat());
        let t1 = hash(tags::T1, &[&self.ctx, &first, &second]);

        let zeta = reduce(&keyed(tags::ZETA, &self.stolen.peers[&peer].zero_seed, &t1));
        let zeta = if peer > me { zeta } else { -zeta };
        let sk = weight_of(me, peer) * self.stolen.secret + zeta + self.key_error;

        let message1 = &theirs.private[64..];
        let their_sid1 = sid1(&self.ctx, peer, me, &peer_hello.nonce);
        let state = self.stolen.state(peer);
        let w = alice_rows(&their_sid1, state, message1);
        let sid2 = sid2(&their_sid1, &t1, message1);
        let honest = [self.r, sk, self.check];
        let inputs = |j| inputs(j, honest);
        let answer = Answer::new(&self.stolen.epoch_id, &sid2, state, &w, inputs);

        let (nonce_point, key_point) = (times_generator(&self.r), times_generator(&sk));
        let mut body = [&t1[..], &answer.encode()].concat();
        body.extend(answer.c.iter().flat_map(|c| ser64(&times_generator(c))));
        body.extend(encode(&(self.phi - self.requested.as_ref().unwrap().b)));
        body.extend(ser64(&nonce_point));
        body.extend(self.salt);
        body.extend(ser64(&key_point));
        self.answered =
            Some(Answered { t1, sid2, peer_hello, sk, c: answer.c, nonce_point, key_point });
        message(&[], &body)
    }

    /// Weights with which the peer might join its two checks of this answer: the specification's, which any change of the answer
    /// changes, those of a hash that forgets the matrix or the claims beside it, and none.
    pub fn weights(&self, answer: &Incoming) -> Vec<Scalar> {
        let (message2, claims) = answer.private[32..].split_at(MESSAGE2_BYTES);
        let matrix = &message2[..MATRIX_BYTES];
        let matrix_hash = hash(tags::THETA, &[&self.answered.as_ref().unwrap().sid2, matrix]);
        let hashed: [&[&[u8]]; 5] = [
            &[&matrix_hash, claims],
            &[&matrix_hash, &[]],
            &[&matrix_hash],
            &[&[], claims],
            &[claims],
        ];
        let weights = hashed.iter().map(|parts| reduce(&hash(tags::GAMMA, parts)));
        weights.chain([Scalar::ONE]).collect()
    }

    /// Takes the peer's answer; None if it is a lie.
    pub fn round3(&mut self, theirs: &Incoming) -> Option<Incoming> {
        let Requested { sid1, message1, extension, b } = self.requested.as_ref().unwrap();
        let Answered { t1, peer_hello, sk, c, nonce_point, key_point, .. } =
            self.answered.as_ref().unwrap();
        let (message2, rest) = theirs.private[32..].split_at(MESSAGE2_BYTES);
        let point = |offset: usize| point64(&rest[offset..offset + 64]);
        let (gamma_u, gamma_v, psi) = (point(0), point(64), scalar(&rest[128..160]));
        let (their_nonce, salt, their_key) = (point(160), &rest[224..256], point(256));
        let sid2 = sid2(sid1, t1, message1);
        let (d, same_inputs) = bob_outputs(&self.stolen.epoch_id, &sid2, extension, message2);
        let fits = |point: AffinePoint, d: &Scalar, gamma: AffinePoint| {
            point * *b == ProjectivePoint::mul_by_generator(d) + gamma
        };
        let com = commitment(&self.ctx, self.peer, &peer_hello.nonce, &their_nonce, salt);
        let is_honest = theirs.private[..32] == *t1
            && com == peer_hello.com
            && same_inputs
            && fits(their_nonce, &d[0], gamma_u)
            && fits(their_key, &d[1], gamma_v)
            && (ProjectivePoint::from(*key_point) + their_key).to_affine()
                == point33(&self.stolen.public_key);
        if !is_honest {
            return None;
        }
        let sum = (ProjectivePoint::from(*nonce_point) + their_nonce).to_affine(); // R
        let x: [u8; 32] = sum.x().into();
        let r = reduce(&x);
        let recovery_id = sum.y_is_odd().unwrap_u8() | u8::from(encode(&r) != x) << 1;
        let phi = self.phi + psi; // Φ
        let u = self.r * phi + c[0] + d[0];
        let v = sk * &phi + c[1] + d[1];
        let w = reduce(&self.digest) * self.phi + r * v;
        let t2 = hash(tags::SIGN_T2, &[&ser33(&sum), t1, &self.digest]);
        self.partial = Some(Partial { r, recovery_id, w, u });
        Some(message(&[t2, encode(&w), encode(&u)].concat(), &[]))
    }

    pub fn finish(&self, theirs: &Incoming) -> Signature {
        let Partial { r, mut recovery_id, w, u } = *self.partial.as_ref().unwrap();
        let [_, their_w, their_u] = theirs.broadcast.as_chunks::<32>().0 else {
            panic!("96 bytes")
        };
        let mut s = (w + scalar(their_w)) * (u + scalar(their_u)).invert().unwrap();
        if bool::from(s.is_high()) {
            s = -s;
            recovery_id ^= 1;
        }
        Signature { r: encode(&r), s: encode(&s), recovery_id }
    }
}

/// `com_i`.
pub fn commitment(
    ctx: &[u8; 32],
    party: PartyIndex,
    nonce: &[u8; 32],
    nonce_point: &AffinePoint,
    salt: &[u8],
) -> [u8; 32] {
    hash(tags::COM_R, &[ctx, &[party.get()], nonce, &ser33(nonce_point), salt])
}
