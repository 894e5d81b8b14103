//! Random vector OLE with two inputs (DKLs23, functionality F_RVOLE; specification, section C).
//!
//! Alice puts in her nonce share and her key share `a = (r, sk)`, Bob random choice bits β with `b
//! = ⟨g, β⟩`; they get `c_i + d_i = a_i·b`. Bob sends message 1 (the OT extension's), Alice message
//! 2, each once: a second answer to one message 1 would use the masks twice, so both sides are
//! consumed.

use k256::Scalar;
use rand_core::CryptoRngCore;
use subtle::ConstantTimeEq;
use tagged_hash::{Hasher, Prf, hash, tags};
use zeroize::Zeroizing;

use crate::bytes::join;
use crate::error::Abort;
use crate::ot::BobState;
use crate::ot::extension::{self, ColumnSet, Draw};
use crate::parameters::{COLUMNS, INPUTS, XI};
use crate::party::PartyIndex;
use crate::residue::{Residue, Wide};
use crate::scalar;
use crate::secret::Secret;
use crate::wire::Reader;

pub(crate) const MESSAGE1_BYTES: usize = extension::MESSAGE_BYTES;
/// `ã` row by row, η, μ.
pub(crate) const MESSAGE2_BYTES: usize = MATRIX_BYTES + 32 + 32;

const MATRIX_BYTES: usize = XI * COLUMNS * 32;

/// Rows whose masks are computed together.
const BATCH: usize = 16;
const _: () = assert!(XI.is_multiple_of(BATCH));

/// `g_j = R_{H("gadget"; epoch_id)}("gadget-j"; u16 j)` mod q: public, the same for all signatures
/// of an epoch.
pub(crate) struct Gadget(Vec<Residue>);

impl Gadget {
    pub(crate) fn new(epoch_id: &[u8; 32]) -> Self {
        let mut oracle = Prf::new(tags::GADGET_J, &hash(tags::GADGET, &[epoch_id]));
        let element = |j: u16| Residue::from_bytes(&oracle.block(&j.to_be_bytes()));
        Self((0u16..).take(XI).map(element).collect())
    }

    /// `⟨g, β⟩`.
    fn weigh(&self, choices: impl Iterator<Item = u8>) -> Scalar {
        let mut sum = Wide::zero();
        for (element, choice) in self.0.iter().zip(choices) {
            sum.add(&element.times(choice)); // secret-dependent
        }
        Scalar::from(&sum.reduce())
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
    pub(crate) sid1: [u8; 32],
    pub(crate) message1_hash: [u8; 32],
    pub(crate) draw: Secret<Draw>,
    pub(crate) columns: ColumnSet,
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
        let mut draw: Secret<Draw> = Secret::new([0; size_of::<Draw>()]);
        rng.fill_bytes(draw.as_mut_slice());
        let (columns, message) = extension::bob_extend(&sid1, state, &draw);
        let b = Secret::new(gadget.weigh(extension::choices(&draw)));
        let message1_hash = extension::message_hash(&message);
        (Self { sid1, message1_hash, draw, columns, b }, message)
    }

    /// b, which the protocol calls χ: Bob's random factor.
    pub(crate) fn b(&self) -> &Scalar {
        &self.b
    }

    /// Bob.3: `(d_1, d_2)` and the hash of ã, or `None` if Alice's inputs were not the same in
    /// every row (μ).
    ///
    /// `d_{j,i} = γ_{j,i} + β_j·ã_{j,i}`; μ must hash `d_{j,3} + Σ_i θ_i·d_{j,i} − β_j·η`; `d_i =
    /// Σ_j g_j·d_{j,i}`.
    #[inline(never)]
    pub(crate) fn finish(
        self,
        t1: &[u8; 32],
        message: &Message2<'_>,
        gadget: &Gadget,
    ) -> Option<(Zeroizing<[Scalar; INPUTS]>, [u8; 32])> {
        let sid2 = sid2(&self.sid1, t1, &self.message1_hash);
        let mut masks = Masks::new(&sid2);
        let mut matrix = matrix_hasher(&sid2);
        matrix.piece(message.encoded);
        let matrix_hash = matrix.finish();
        let mut check = Check::new(&sid2, &matrix_hash);
        let mut sums = Sums::zero();
        let minus_eta = Residue::from(&-message.eta);
        let mut received = message.matrix.iter().zip(&gadget.0).zip(extension::choices(&self.draw));
        for (columns, first) in batches(&self.columns) {
            let gammas = masks.rows(first, columns);
            for (mut d, ((a, g), choice)) in gammas.zip(received.by_ref()) {
                for (d, a) in d.iter_mut().zip(a) {
                    *d = Residue::sum([*d, a.times(choice)]); // secret-dependent
                }
                sums.add(g, &d);
                let [_, _, d_3] = &mut d;
                *d_3 = Residue::sum([*d_3, minus_eta.times(choice)]); // secret-dependent
                check.push(&d);
            }
        }
        let holds = bool::from(check.mu().ct_eq(message.mu));
        holds.then(|| (Zeroizing::new(sums.reduce()), matrix_hash))
    }
}

/// The second half of Alice.2: `(c_1, c_2)` for her inputs and the drawn check value â; appends
/// message 2. `columns` have passed the verdict gate.
///
/// α0_j and α1_j mask column j and column j ⊕ Δ; `c_i = −Σ_j g_j·α0_{j,i}`; `ã_{j,i} = α0_{j,i} −
/// α1_{j,i} + a_i` with a = (r, sk, â); `η = â + θ_1·r + θ_2·sk`; μ hashes `α0_{j,3} + Σ_i
/// θ_i·α0_{j,i}`.
#[inline(never)]
pub(crate) fn alice_answer(
    sid2: &[u8; 32],
    delta: u128,
    columns: &ColumnSet,
    inputs: &[Scalar; INPUTS],
    check_input: &Scalar,
    gadget: &Gadget,
    body: &mut Vec<u8>,
) -> Zeroizing<[Scalar; INPUTS]> {
    let [input_1, input_2] = inputs;
    let offset = Residue::complement_of_zero();
    let shifted_inputs =
        Zeroizing::new([input_1, input_2, check_input].map(|a| Residue::from(&(a - &offset))));
    let (mut masks, mut other_masks) = (Masks::new(sid2), Masks::new(sid2));
    let mut sums = Sums::zero();
    let mut kept = Zeroizing::new(Vec::with_capacity(XI)); // α0
    // Hashed row by row: the chain hides behind the masks' compressions.
    let mut matrix = matrix_hasher(sid2);
    let mut gadgets = gadget.0.iter();
    for (columns, first) in batches(columns) {
        let shifted = Zeroizing::new(columns.map(|column| column ^ delta));
        let both = masks.rows(first, columns).zip(other_masks.rows(first, &shifted));
        for ((zero, one), g) in both.zip(gadgets.by_ref()) {
            let mut encoded = [[0; 32]; COLUMNS];
            let terms = zero.iter().zip(&one).zip(shifted_inputs.iter());
            for (slot, ((zero, one), a)) in encoded.iter_mut().zip(terms) {
                *slot = Residue::sum([*zero, one.complement(), *a]).encode();
            }
            matrix.piece(encoded.as_flattened());
            body.extend_from_slice(encoded.as_flattened());
            sums.add(g, &zero);
            kept.push(zero);
        }
    }
    let mut check = Check::new(sid2, &matrix.finish());
    kept.iter().for_each(|row| check.push(row));
    let [theta_1, theta_2] = &check.theta;
    body.extend(scalar::encode(&(*check_input + theta_1 * input_1 + theta_2 * input_2))); // η
    body.extend(check.mu());
    Zeroizing::new(sums.reduce().map(|sum| -sum))
}

/// Message 2 as Bob reads it.
pub(crate) struct Message2<'a> {
    encoded: &'a [u8],
    matrix: Vec<[Residue; COLUMNS]>,
    eta: Scalar,
    mu: &'a [u8; 32],
}

impl<'a> Message2<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Abort> {
        let mut ahead = *reader;
        let encoded = ahead.slice(MATRIX_BYTES)?;
        let mut matrix = Vec::with_capacity(XI);
        for _ in 0..XI {
            matrix.push([reader.residue()?, reader.residue()?, reader.residue()?]);
        }
        Ok(Self { encoded, matrix, eta: reader.scalar()?, mu: reader.array()? })
    }
}

/// The columns in batches, each with the number of its first.
fn batches(columns: &ColumnSet) -> impl Iterator<Item = (&[u128; BATCH], u16)> {
    columns.as_chunks().0.iter().zip((0u16..).step_by(BATCH))
}

/// `RO(sid2, j, column)`: three scalars that mask row j.
struct Masks {
    oracle: Prf<18, COLUMNS, BATCH>,
    inputs: Zeroizing<[[u8; 18]; BATCH]>,
}

impl Masks {
    fn new(sid2: &[u8; 32]) -> Self {
        Self { oracle: Prf::new(tags::RAND, sid2), inputs: Zeroizing::new([[0; 18]; BATCH]) }
    }

    /// The masks of a batch of rows.
    fn rows(
        &mut self,
        first: u16,
        columns: &[u128; BATCH],
    ) -> impl Iterator<Item = [Residue; COLUMNS]> {
        for ((input, j), column) in self.inputs.iter_mut().zip(first..).zip(columns) {
            *input = join(&j.to_be_bytes(), &column.to_le_bytes());
        }
        self.oracle.each(&self.inputs).map(|blocks| blocks.each_ref().map(Residue::from_bytes))
    }
}

/// `Σ_j g_j·x_{j,i}` for both inputs.
struct Sums([Wide; INPUTS]);

impl Sums {
    fn zero() -> Self {
        Self([Wide::zero(), Wide::zero()])
    }

    fn add(&mut self, g: &Residue, row: &[Residue; COLUMNS]) {
        for (sum, x) in self.0.iter_mut().zip(row) {
            sum.add_product(g, x);
        }
    }

    fn reduce(self) -> [Scalar; INPUTS] {
        self.0.map(|sum| Scalar::from(&sum.reduce()))
    }
}

/// `H("theta"; sid2, ã)`, of which the second part is still to come.
fn matrix_hasher(sid2: &[u8; 32]) -> Hasher {
    let mut hasher = Hasher::new(tags::THETA, 2);
    hasher.part(sid2);
    hasher.begin(MATRIX_BYTES);
    hasher
}

/// The check that Alice put the same inputs into every row.
struct Check {
    /// `(θ_1, θ_2)`, which hash all of ã.
    theta: [Scalar; INPUTS],
    factors: [Residue; INPUTS],
    /// `μ = H("mu"; sid2, (x_{j,3} + θ_1·x_{j,1} + θ_2·x_{j,2})_j)`, the ξ scalars one part.
    mu: Hasher,
}

impl Check {
    fn new(sid2: &[u8; 32], matrix_hash: &[u8; 32]) -> Self {
        let mut oracle = Prf::new(tags::THETA_I, matrix_hash);
        let theta = [0u8, 1].map(|i| scalar::reduce(&oracle.block(&[i])));
        let mut mu = Hasher::new(tags::MU, 2);
        mu.part(sid2);
        mu.begin(XI * 32);
        Self { theta, factors: theta.each_ref().map(Residue::from), mu }
    }

    /// Row x_j.
    fn push(&mut self, [x_1, x_2, x_3]: &[Residue; COLUMNS]) {
        let [theta_1, theta_2] = &self.factors;
        let mut sum = Wide::zero();
        sum.add(x_3);
        sum.add_product(theta_1, x_1);
        sum.add_product(theta_2, x_2);
        self.mu.piece(&sum.reduce().encode());
    }

    fn mu(self) -> [u8; 32] {
        self.mu.finish()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;

    const T1: [u8; 32] = [2; 32];

    /// Bob after message 1, and Alice's sums and message 2, without an OT setup: Δ and the columns
    /// are made up so that they relate as after one.
    fn exchange(inputs: &[Scalar; INPUTS]) -> (Bob, [Scalar; INPUTS], Vec<u8>, Gadget) {
        let gadget = Gadget::new(&[3; 32]);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut draw: Secret<Draw> = Secret::new([0; size_of::<Draw>()]);
        rng.fill_bytes(draw.as_mut_slice());
        let delta = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
        let mut columns = Secret::new([0; XI]);
        let mut theirs = Secret::new([0; XI]);
        let slots = columns.iter_mut().zip(theirs.iter_mut());
        for ((ours, theirs), choice) in slots.zip(extension::choices(&draw)) {
            *ours = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
            *theirs = *ours ^ if choice == 1 { delta } else { 0 };
        }
        let b = Secret::new(gadget.weigh(extension::choices(&draw)));
        let bob = Bob { sid1: [1; 32], message1_hash: [4; 32], draw, columns, b };

        let sid2 = sid2(&bob.sid1, &T1, &bob.message1_hash);
        let mut message = Vec::new();
        let check = Scalar::from(77u64);
        let c = alice_answer(&sid2, delta, &theirs, inputs, &check, &gadget, &mut message);
        (bob, *c, message, gadget)
    }

    fn finish(bob: Bob, message: &[u8], gadget: &Gadget) -> Option<[Scalar; INPUTS]> {
        let mut reader = Reader::exactly(PartyIndex::MIN, message, MESSAGE2_BYTES).unwrap();
        let message = Message2::read(&mut reader).unwrap();
        bob.finish(&T1, &message, gadget).map(|(d, _)| *d)
    }

    #[test]
    fn sums_of_both_sides_are_the_products() {
        for inputs in [[7u64, 9], [0, 1], [u64::MAX, 2]].map(|inputs| inputs.map(Scalar::from)) {
            let (bob, c, message, gadget) = exchange(&inputs);
            let b = *bob.b();
            let d = finish(bob, &message, &gadget).unwrap();
            assert_eq!(c[0] + d[0], inputs[0] * b);
            assert_eq!(c[1] + d[1], inputs[1] * b);
        }
    }

    #[test]
    fn any_change_of_message_2_is_noticed() {
        let inputs = [5u64, 6].map(Scalar::from);
        let row = 32 * COLUMNS;
        let (eta, mu) = (MATRIX_BYTES, MATRIX_BYTES + 32);
        for position in [31, 63, 95, 200 * row + 31, MATRIX_BYTES - 1, eta + 31, mu, mu + 31] {
            let (bob, _, mut message, gadget) = exchange(&inputs);
            message[position] ^= 1;
            assert_eq!(finish(bob, &message, &gadget), None, "byte {position}");
        }
    }

    #[test]
    fn a_scalar_that_is_not_reduced_is_malformed() {
        let (_, _, message, _) = exchange(&[5u64, 6].map(Scalar::from));
        for position in [0, MATRIX_BYTES - 32, MATRIX_BYTES] {
            let mut changed = message.clone();
            changed[position..position + 32].fill(0xff);
            let mut reader = Reader::exactly(PartyIndex::MIN, &changed, MESSAGE2_BYTES).unwrap();
            let read = Message2::read(&mut reader).err();
            assert_eq!(read, Some(Abort::Malformed(PartyIndex::MIN)));
        }
    }
}
