//! Random vector OLE with two inputs (DKLs23, functionality F_RVOLE; specification, section C).
//!
//! Alice puts in her nonce share and her key share `a = (r, sk)`, Bob random choice bits β with `b = ⟨g, β⟩`; they get
//! `c_i + d_i = a_i·b`. Bob sends message 1 (the OT extension's), Alice message 2, each once: a second answer to one
//! message 1 would use the masks twice, so both sides are consumed.

use k256::Scalar;
use rand_core::CryptoRngCore;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use tagged_hash::{Prf, hash, tags};
use zeroize::Zeroizing;

use crate::bytes::{Cursor, join};
use crate::error::Abort;
use crate::ot::BobState;
use crate::ot::extension::{self, ColumnSet, Draw};
use crate::parameters::{COLUMNS, INPUTS, ROW_BYTES, XI};
use crate::party::PartyIndex;
use crate::scalar;
use crate::secret::Secret;
use crate::wide::{Limbs, Wide, limbs};
use crate::wire::Reader;

pub(crate) const MESSAGE1_BYTES: usize = extension::MESSAGE_BYTES;
/// `ã` row by row, η, μ.
pub(crate) const MESSAGE2_BYTES: usize = MATRIX_BYTES + 32 + 32;

const MATRIX_BYTES: usize = XI * COLUMNS * 32;

/// `g_j = R_{H("gadget"; epoch_id)}("gadget-j"; u16 j)` mod q: public, the same for all signatures of an epoch.
pub(crate) struct Gadget(Vec<Limbs>);

impl Gadget {
    pub(crate) fn new(epoch_id: &[u8; 32]) -> Self {
        let key = Prf::new(tags::GADGET_J, &hash(tags::GADGET, &[epoch_id]));
        let element = |j: u16| limbs(&scalar::reduce(&key.block(&j.to_be_bytes())));
        Self((0u16..).take(XI).map(element).collect())
    }

    /// `⟨g, β⟩`.
    fn weigh(&self, choices: impl Iterator<Item = Choice>) -> Scalar {
        let mut sum = Wide::zero();
        for (element, choice) in self.0.iter().zip(choices) {
            sum.add(&Limbs::conditional_select(&[0; 4], element, choice)); // secret-dependent
        }
        sum.reduce()
    }
}

/// `sid1[bob→alice]`: the receiver's own nonce, since Alice has not spoken yet.
pub(crate) fn sid1(
    ctx: &[u8; 32],
    bob: PartyIndex,
    alice: PartyIndex,
    nonce: &[u8; 32],
) -> [u8; 32] {
    hash(tags::SID1, &[ctx, &bob.byte(), &alice.byte(), nonce])
}

/// `sid2[bob→alice]`: fixes round 1 of all parties and message 1.
pub(crate) fn sid2(sid1: &[u8; 32], t1: &[u8; 32], message1_hash: &[u8; 32]) -> [u8; 32] {
    hash(tags::SID2, &[sid1, t1, message1_hash])
}

/// Bob between message 1 and message 2.
pub(crate) struct Bob {
    sid1: [u8; 32],
    message1_hash: [u8; 32],
    draw: Secret<Draw>,
    columns: ColumnSet,
    b: Secret<Scalar>,
}

impl Bob {
    /// Draws `X = β‖π`; the second value is message 1.
    pub(crate) fn start<R: CryptoRngCore + ?Sized>(
        sid1: [u8; 32],
        state: &BobState,
        gadget: &Gadget,
        rng: &mut R,
    ) -> (Self, Vec<u8>) {
        let mut draw = Secret::new([0; ROW_BYTES]);
        rng.fill_bytes(draw.as_mut_slice());
        let (columns, message) = extension::bob_extend(&sid1, state, &draw);
        let b = Secret::new(gadget.weigh(extension::choices(&draw)));
        let message1_hash = extension::message_hash(&message);
        (
            Self {
                sid1,
                message1_hash,
                draw,
                columns,
                b,
            },
            message,
        )
    }

    /// b, which the protocol calls χ: Bob's random factor.
    pub(crate) fn b(&self) -> &Scalar {
        &self.b
    }

    /// Bob.3: `(d_1, d_2)`, or `None` if Alice's inputs were not the same in every row (μ).
    pub(crate) fn finish(
        self,
        t1: &[u8; 32],
        message: &Message2<'_>,
        gadget: &Gadget,
    ) -> Option<Zeroizing<[Scalar; INPUTS]>> {
        let sid2 = sid2(&self.sid1, t1, &self.message1_hash);
        let masks = Masks::new(&sid2);
        let theta = Challenge::new(&sid2, message.encoded_matrix);
        let mut sums = [Wide::zero(), Wide::zero()];
        let mut hasher = CheckHasher::new(sid2);
        let rows = (0u16..)
            .zip(self.columns.iter())
            .zip(extension::choices(&self.draw));
        for ((((j, column), choice), row), g) in rows.zip(message.matrix.iter()).zip(&gadget.0) {
            let mut d = Zeroizing::new(masks.row(j, *column)); // γ_j
            for (d, a) in d.iter_mut().zip(row) {
                *d += Scalar::conditional_select(&Scalar::ZERO, a, choice); // secret-dependent
            }
            let [d_1, d_2, d_3] = &*d;
            let inputs = [limbs(d_1), limbs(d_2)];
            for (sum, d) in sums.iter_mut().zip(&inputs) {
                sum.add_product(g, d);
            }
            let eta = Scalar::conditional_select(&Scalar::ZERO, &message.eta, choice);
            hasher.push(&theta.combine(&inputs, &(d_3 - &eta)));
        }
        let holds = hasher.finish().ct_eq(message.mu);
        bool::from(holds).then(|| Zeroizing::new(sums.map(|sum| sum.reduce())))
    }
}

/// The second half of Alice.2: `(c_1, c_2)`; appends message 2 for her inputs and the drawn check value â. `columns` have
/// passed the verdict gate.
pub(crate) fn alice_answer(
    sid2: [u8; 32],
    delta: u128,
    columns: ColumnSet,
    inputs: &[Scalar; INPUTS],
    check: &Scalar,
    gadget: &Gadget,
    body: &mut Vec<u8>,
) -> Zeroizing<[Scalar; INPUTS]> {
    let masks = Masks::new(&sid2);
    let [input_1, input_2] = inputs;
    let extended = Zeroizing::new([*input_1, *input_2, *check]);
    let mut alpha = Zeroizing::new(Vec::with_capacity(XI)); // α0 of each row
    let mut sums = [Wide::zero(), Wide::zero()];
    let mut matrix = Vec::with_capacity(MATRIX_BYTES);
    for ((j, column), g) in (0u16..).zip(columns.iter()).zip(&gadget.0) {
        let zero = Zeroizing::new(masks.row(j, *column));
        let one = Zeroizing::new(masks.row(j, *column ^ delta));
        for ((zero, one), a) in zero.iter().zip(one.iter()).zip(extended.iter()) {
            matrix.extend(scalar::encode(&(zero - one + a)));
        }
        let [zero_1, zero_2, zero_3] = &*zero;
        let inputs = [limbs(zero_1), limbs(zero_2)];
        for (sum, alpha) in sums.iter_mut().zip(&inputs) {
            sum.add_product(g, alpha);
        }
        alpha.push((inputs, *zero_3));
    }
    let theta = Challenge::new(&sid2, &matrix);
    let mut hasher = CheckHasher::new(sid2);
    for (inputs, alpha_3) in alpha.iter() {
        hasher.push(&theta.combine(inputs, alpha_3));
    }
    let [theta_1, theta_2] = &theta.scalars;
    let eta = *check + theta_1 * input_1 + theta_2 * input_2;
    body.extend(matrix);
    body.extend(scalar::encode(&eta));
    body.extend(hasher.finish());
    Zeroizing::new(sums.map(|sum| -sum.reduce()))
}

/// Message 2 as Bob reads it.
pub(crate) struct Message2<'a> {
    encoded_matrix: &'a [u8],
    matrix: Vec<[Scalar; COLUMNS]>,
    eta: Scalar,
    mu: &'a [u8; 32],
}

impl<'a> Message2<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Abort> {
        let encoded_matrix = {
            let mut ahead = *reader;
            ahead.slice(MATRIX_BYTES)?
        };
        let mut matrix = Vec::with_capacity(XI);
        for _ in 0..XI {
            matrix.push([reader.scalar()?, reader.scalar()?, reader.scalar()?]);
        }
        Ok(Self {
            encoded_matrix,
            matrix,
            eta: reader.scalar()?,
            mu: reader.array()?,
        })
    }
}

/// `RO(sid2, j, q)`: three scalars that mask row j.
struct Masks(Prf);

impl Masks {
    fn new(sid2: &[u8; 32]) -> Self {
        Self(Prf::new(tags::RAND, sid2))
    }

    fn row(&self, j: u16, column: u128) -> [Scalar; COLUMNS] {
        let mut output = [0; 32 * COLUMNS];
        self.0.fill(
            &join::<2, 16, 18>(&j.to_be_bytes(), &column.to_le_bytes()),
            &mut output,
        );
        let mut blocks = Cursor::new(&output);
        let mut scalars = [Scalar::ZERO; COLUMNS];
        for scalar in &mut scalars {
            *scalar = blocks.array().map_or(Scalar::ZERO, scalar::reduce);
        }
        scalars
    }
}

/// `(θ_1, θ_2)`, which hash the whole matrix ã.
struct Challenge {
    scalars: [Scalar; INPUTS],
    limbs: [Limbs; INPUTS],
}

impl Challenge {
    fn new(sid2: &[u8; 32], matrix: &[u8]) -> Self {
        let oracle = Prf::new(tags::THETA_I, &hash(tags::THETA, &[sid2, matrix]));
        let scalars = [0u8, 1].map(|i| scalar::reduce(&oracle.block(&[i])));
        Self {
            scalars,
            limbs: scalars.each_ref().map(limbs),
        }
    }

    /// `check + θ_1·x_1 + θ_2·x_2`.
    fn combine(&self, inputs: &[Limbs; INPUTS], check: &Scalar) -> Scalar {
        let mut sum = Wide::zero();
        sum.add(&limbs(check));
        for (theta, input) in self.limbs.iter().zip(inputs) {
            sum.add_product(theta, input);
        }
        sum.reduce()
    }
}

/// `μ = H("mu"; sid2, the ξ scalars as one part)`.
struct CheckHasher {
    sid2: [u8; 32],
    values: Zeroizing<Vec<u8>>,
}

impl CheckHasher {
    fn new(sid2: [u8; 32]) -> Self {
        Self {
            sid2,
            values: Zeroizing::new(Vec::with_capacity(XI * 32)),
        }
    }

    fn push(&mut self, value: &Scalar) {
        self.values.extend(scalar::encode(value));
    }

    fn finish(self) -> [u8; 32] {
        hash(tags::MU, &[&self.sid2, &self.values])
    }
}
