//! Endemic oblivious transfer of Masny and Rindal (ePrint 2019/706, figure 8) over secp256k1, 128
//! instances.
//!
//! For instance idx the receiver with choice bit c sends `r_{1−c}` random and `r_c = t·G −
//! HC_c(r_{1−c})`; the sender answers `B_c = t_c·G` and pads with `t_c·m_c`, `m_c = r_c +
//! HC_c(r_{1−c})`; the receiver knows `t·B_c`.
//!
//! `HC_c` hashes session, idx and c, and nobody knows a discrete logarithm of its output: with
//! `hash·G` in its place a receiver would compute both pads.

use k256::elliptic_curve::group::Group;
use k256::elliptic_curve::ops::MulByGenerator;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use subtle::{Choice, ConditionallySelectable};
use tagged_hash::{hash, tags};
use zeroize::{Zeroize, Zeroizing};

use crate::bytes::{Cursor, join};
use crate::error::Abort;
use crate::hash_to_curve::hash_to_curve;
use crate::parameters::{LAMBDA_C, SEED_BYTES, Seed};
use crate::party::PartyIndex;
use crate::secret::Secret;
use crate::wire::{Cancel, poll};
use crate::{point, scalar};

/// Either message: two points for each instance.
pub(crate) const MESSAGE_BYTES: usize = LAMBDA_C * 2 * POINT_BYTES;

/// Domain of `HC` (RFC 9380, §3.1).
pub(crate) const DST: &[u8] = b"mpc-wallet/v1/ot-hc";

const POINT_BYTES: usize = 33;

/// `sid_ot` of an ordered pair; receiver and sender in the base OT's own sense, so alice comes
/// first.
pub(crate) fn session_id(sid: &[u8; 32], receiver: PartyIndex, sender: PartyIndex) -> [u8; 32] {
    hash(tags::OT, &[sid, &receiver.byte(), &sender.byte()])
}

/// The receiver between its message and the sender's.
pub(crate) struct Receiver {
    sid_ot: [u8; 32],
    choice: Secret<[u8; LAMBDA_C / 8]>,
    t: Secret<[Scalar; LAMBDA_C]>,
    message: Vec<u8>,
}

impl Receiver {
    /// Draws choice bits (bit idx mod 8 of byte idx div 8), then t and ρ of each instance.
    pub(crate) fn request<R: CryptoRngCore + ?Sized>(
        sid_ot: [u8; 32],
        rng: &mut R,
        cancel: Cancel<'_>,
    ) -> Result<Self, Abort> {
        let mut choice = Secret::new([0; LAMBDA_C / 8]);
        rng.fill_bytes(choice.as_mut_slice());
        let mut t = Secret::new([Scalar::ZERO; LAMBDA_C]);
        // Which of two points was chosen is the choice bit: everything that is in that order is
        // wiped.
        let mut chosen = Zeroizing::new(Vec::with_capacity(LAMBDA_C)); // t·G
        let mut other = Zeroizing::new(Vec::with_capacity(LAMBDA_C)); // r_{1−c} = ρ·G
        for t in t.iter_mut() {
            poll(cancel)?;
            *t = *scalar::draw(rng);
            chosen.push(ProjectivePoint::mul_by_generator(t));
            other.push(ProjectivePoint::mul_by_generator(&*scalar::draw(rng)));
        }

        let other = Zeroizing::new(encode_all(&other));
        let mut inputs = Zeroizing::new(Vec::with_capacity(LAMBDA_C));
        for ((idx, c), other) in (0u16..).zip(bits(&choice)).zip(other.iter()) {
            inputs.push(hash_input(&sid_ot, idx, c.unwrap_u8(), other));
        }
        let masks = Zeroizing::new(hash_to_curve(&inputs, DST, cancel)?);
        for (chosen, mask) in chosen.iter_mut().zip(masks.iter()) {
            *chosen -= mask; // r_c = t·G − HC_c(r_{1−c})
        }

        let mut message = Vec::with_capacity(MESSAGE_BYTES);
        let chosen = Zeroizing::new(encode_all(&chosen));
        for ((chosen, other), c) in chosen.iter().zip(other.iter()).zip(bits(&choice)) {
            // secret-dependent
            message.extend(<[u8; POINT_BYTES]>::conditional_select(chosen, other, c));
            message.extend(<[u8; POINT_BYTES]>::conditional_select(other, chosen, c));
        }
        Ok(Self { sid_ot, choice, t, message })
    }

    pub(crate) fn sid_ot(&self) -> &[u8; 32] {
        &self.sid_ot
    }

    pub(crate) fn message(&self) -> &[u8] {
        &self.message
    }

    /// Choice bits of all instances.
    pub(crate) fn choices(&self) -> impl Iterator<Item = Choice> {
        bits(&self.choice)
    }

    /// The pad of the chosen side of each instance.
    pub(crate) fn finish(
        &self,
        sender: PartyIndex,
        message: &[u8],
        cancel: Cancel<'_>,
    ) -> Result<Secret<[Seed; LAMBDA_C]>, Abort> {
        let mut theirs = Points::new(sender, message);
        let mut encoded = Zeroizing::new(Vec::with_capacity(LAMBDA_C));
        let mut shared = Zeroizing::new(Vec::with_capacity(LAMBDA_C));
        for (t, c) in self.t.iter().zip(self.choices()) {
            poll(cancel)?;
            let [(b_0, encoded_0), (b_1, encoded_1)] = [theirs.next()?, theirs.next()?];
            // secret-dependent
            let b_c = AffinePoint::conditional_select(&b_0, &b_1, c);
            encoded.push(<[u8; POINT_BYTES]>::conditional_select(encoded_0, encoded_1, c));
            shared.push(ProjectivePoint::from(b_c) * t);
        }

        let shared = Zeroizing::new(encode_all(&shared));
        let mut ours = Cursor::new(&self.message);
        let mut pads = Secret::new([[0; SEED_BYTES]; LAMBDA_C]);
        for ((((pad, idx), c), b_c), shared) in
            pads.iter_mut().zip(0u16..).zip(self.choices()).zip(encoded.iter()).zip(shared.iter())
        {
            let both = ours.array::<{ 2 * POINT_BYTES }>().ok_or(Abort::Malformed(sender))?;
            *pad = derive_pad(&self.sid_ot, idx, c.unwrap_u8(), both, b_c, shared);
        }
        Ok(pads)
    }
}

/// The sender's two pads of each instance.
pub(crate) type Pads = Secret<[[Seed; 2]; LAMBDA_C]>;

/// Answers the receiver's message; draws t_0 and t_1 of each instance.
pub(crate) fn send<R: CryptoRngCore + ?Sized>(
    sid_ot: &[u8; 32],
    receiver: PartyIndex,
    message: &[u8],
    rng: &mut R,
    cancel: Cancel<'_>,
) -> Result<(Vec<u8>, Pads), Abort> {
    let mut theirs = Points::new(receiver, message);
    let mut sums = Vec::with_capacity(2 * LAMBDA_C); // r_0, r_1 of each instance, later m_0, m_1
    let mut inputs = Vec::with_capacity(2 * LAMBDA_C);
    for idx in (0u16..).take(LAMBDA_C) {
        poll(cancel)?;
        let [(r_0, encoded_0), (r_1, encoded_1)] = [theirs.next()?, theirs.next()?];
        sums.extend([ProjectivePoint::from(r_0), r_1.into()]);
        inputs.push(hash_input(sid_ot, idx, 0, encoded_1));
        inputs.push(hash_input(sid_ot, idx, 1, encoded_0));
    }
    for (sum, mask) in sums.iter_mut().zip(hash_to_curve(&inputs, DST, cancel)?) {
        *sum += mask; // m_c = r_c + HC_c(r_{1−c})
        if bool::from(sum.is_identity()) {
            return Err(Abort::Malformed(receiver));
        }
    }

    let mut answers = Vec::with_capacity(2 * LAMBDA_C);
    let mut shared = Zeroizing::new(Vec::with_capacity(2 * LAMBDA_C));
    for m in sums {
        poll(cancel)?;
        let t = scalar::draw(rng);
        answers.push(ProjectivePoint::mul_by_generator(&t));
        shared.push(m * *t);
    }
    let answers = encode_all(&answers);
    let shared = Zeroizing::new(encode_all(&shared));

    let mut requests = Cursor::new(message);
    let mut pads = Secret::new([[[0; SEED_BYTES]; 2]; LAMBDA_C]);
    let mut sides = answers.iter().zip(shared.iter());
    for (pair, idx) in pads.iter_mut().zip(0u16..) {
        let both = requests.array::<{ 2 * POINT_BYTES }>().ok_or(Abort::Malformed(receiver))?;
        for ((pad, c), (b_c, shared)) in pair.iter_mut().zip(0u8..).zip(sides.by_ref()) {
            *pad = derive_pad(sid_ot, idx, c, both, b_c, shared);
        }
    }
    Ok((answers.concat(), pads))
}

/// What `HC_c` hashes: `sid_ot ‖ u16 idx ‖ u8 c ‖ ser33(r_{1−c})`.
fn hash_input(
    sid_ot: &[u8; 32],
    idx: u16,
    c: u8,
    other: &[u8; POINT_BYTES],
) -> [u8; 32 + 2 + 1 + POINT_BYTES] {
    let [high, low] = idx.to_be_bytes();
    join(sid_ot, &join::<3, POINT_BYTES, 36>(&[high, low, c], other))
}

fn derive_pad(
    sid_ot: &[u8; 32],
    idx: u16,
    c: u8,
    requested: &[u8; 2 * POINT_BYTES],
    b_c: &[u8; POINT_BYTES],
    shared: &[u8; POINT_BYTES],
) -> Seed {
    let (r_0, r_1) = requested.split_at(POINT_BYTES);
    let mut pad = hash(tags::OT_PAD, &[sid_ot, &idx.to_be_bytes(), &[c], r_0, r_1, b_c, shared]);
    let mut seed = [0; SEED_BYTES];
    for (byte, source) in seed.iter_mut().zip(pad) {
        *byte = source;
    }
    pad.zeroize();
    seed
}

/// Bit idx is bit idx mod 8 of byte idx div 8.
fn bits(choice: &[u8; LAMBDA_C / 8]) -> impl Iterator<Item = Choice> {
    choice.iter().flat_map(|byte| (0..8).map(move |bit| Choice::from(byte >> bit & 1)))
}

fn encode_all(points: &[ProjectivePoint]) -> Vec<[u8; POINT_BYTES]> {
    let affine = Zeroizing::new(point::normalize(points));
    affine.iter().map(point::encode33).collect()
}

/// The points of a peer's message, each with its encoding.
struct Points<'a> {
    sender: PartyIndex,
    rest: Cursor<'a>,
}

impl<'a> Points<'a> {
    fn new(sender: PartyIndex, message: &'a [u8]) -> Self {
        Self { sender, rest: Cursor::new(message) }
    }

    fn next(&mut self) -> Result<(AffinePoint, &'a [u8; POINT_BYTES]), Abort> {
        let malformed = Abort::Malformed(self.sender);
        let encoded = self.rest.array().ok_or(malformed)?;
        Ok((point::decode33(encoded).ok_or(malformed)?, encoded))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    const SID_OT: [u8; 32] = [1; 32];

    fn party(index: u8) -> PartyIndex {
        PartyIndex::new(index).unwrap()
    }

    fn request() -> Receiver {
        Receiver::request(SID_OT, &mut ChaCha20Rng::seed_from_u64(1), &|| false).unwrap()
    }

    fn answer(message: &[u8]) -> Result<(Vec<u8>, Pads), Abort> {
        send(&SID_OT, party(1), message, &mut ChaCha20Rng::seed_from_u64(2), &|| false)
    }

    #[test]
    fn the_receiver_knows_the_chosen_pad_and_not_the_other() {
        let receiver = request();
        let (message, sent) = answer(receiver.message()).unwrap();
        let received = receiver.finish(party(2), &message, &|| false).unwrap();

        for ((pad, both), c) in received.iter().zip(sent.iter()).zip(receiver.choices()) {
            let c = usize::from(c.unwrap_u8());
            assert_eq!(*pad, both[c]);
            assert_ne!(*pad, both[1 - c]);
        }
    }

    #[test]
    fn a_point_that_is_none_is_malformed_on_either_side() {
        let receiver = request();
        let (message, _) = answer(receiver.message()).unwrap();
        for position in [0, 33, MESSAGE_BYTES - POINT_BYTES] {
            let mut bad = receiver.message().to_vec();
            bad[position] = 4;
            assert_eq!(answer(&bad).err(), Some(Abort::Malformed(party(1))));
            let mut bad = message.clone();
            bad[position] = 4;
            let finished = receiver.finish(party(2), &bad, &|| false);
            assert_eq!(finished.err(), Some(Abort::Malformed(party(2))));
        }
    }

    #[test]
    fn a_request_that_makes_a_senders_point_the_identity_is_malformed() {
        let mut message = request().message().to_vec();
        let r_1: [u8; POINT_BYTES] = message[33..66].try_into().unwrap();
        let mask = hash_to_curve(&[hash_input(&SID_OT, 0, 0, &r_1)], DST, &|| false).unwrap();
        message[..33].copy_from_slice(&point::encode33(&(-mask[0]).to_affine()));
        assert_eq!(answer(&message).err(), Some(Abort::Malformed(party(1))));
    }

    #[test]
    fn every_loop_can_be_cancelled() {
        use core::sync::atomic::{AtomicUsize, Ordering};

        let receiver = request();
        let (message, _) = answer(receiver.message()).unwrap();
        let polls = AtomicUsize::new(0);
        let until = |limit| {
            polls.store(0, Ordering::Relaxed);
            move |polls: &AtomicUsize| polls.fetch_add(1, Ordering::Relaxed) >= limit
        };
        for limit in [0, 1, 127, 128, 200] {
            let stop = until(limit);
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            let stopped = Receiver::request(SID_OT, &mut rng, &|| stop(&polls)).err();
            assert_eq!(stopped, Some(Abort::Cancelled), "request, poll {limit}");
            let stop = until(limit);
            let stopped =
                send(&SID_OT, party(1), receiver.message(), &mut rng, &|| stop(&polls)).err();
            assert_eq!(stopped, Some(Abort::Cancelled), "answer, poll {limit}");
        }
        let stop = until(127);
        let stopped = receiver.finish(party(2), &message, &|| stop(&polls)).err();
        assert_eq!(stopped, Some(Abort::Cancelled));
    }
}
