//! One signing session of a victim that runs the engine and an attacker that runs its own code.

use std::sync::Arc;

use dkls23::sign::Signature;
use dkls23::{Abort, Incoming, KeyShare, Outgoing, PartyIndex};
use k256::{AffinePoint, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use crate::attacker::{Row, Signer, draw, draw_scalar, encode, times_generator};
use crate::committee::party;
use crate::dealer::Dealer;
use crate::router::{Dealing, Refusal, Sign, finished, message, only, sent};
use crate::stolen::Stolen;
use crate::story::{KeygenStory, Signing, generator, named};

/// Between two rounds: the victim has sent, the attacker has not answered.
pub struct Duel {
    pub victim: PartyIndex,
    pub attacker: Signer,
    engine: Sign<ChaCha20Rng>,
    /// The victim's last message.
    pub sent: Incoming,
}

/// What `outgoing` says to one peer.
pub fn to(outgoing: &Outgoing, peer: PartyIndex) -> Incoming {
    let private = outgoing.private.get(&peer).map_or(&[][..], |body| body);
    message(&outgoing.broadcast, private)
}

impl Duel {
    pub fn start(name: &str, share: &Arc<KeyShare>, stolen: Stolen) -> Self {
        Self::start_with(name, share, stolen, generator(name, share.index()))
    }

    /// The victim draws from `rng`.
    pub fn start_with(name: &str, share: &Arc<KeyShare>, stolen: Stolen, rng: ChaCha20Rng) -> Self {
        let (victim, me) = (share.index(), stolen.index);
        let signing = Signing::new(name, &[victim.min(me).get(), victim.max(me).get()]);
        let (engine, out) = Sign::start(share, signing.setup(), rng).unwrap();
        let mut own = ChaCha20Rng::from_seed(named(&format!("{name}, the attacker")));
        let digest = signing.items[0].digest;
        let attacker = Signer::new(stolen, victim, &out.broadcast[..32], digest, &mut own);
        Self { victim, attacker, engine, sent: to(&out, me) }
    }

    /// The victim's next message after the attacker's.
    pub fn receive(self, incoming: Incoming) -> Result<Self, Abort> {
        let Self { victim, attacker, engine, .. } = self;
        let (engine, out) = sent(engine, only(attacker.me, incoming))?;
        let sent = to(&out, attacker.me);
        Ok(Self { victim, attacker, engine, sent })
    }

    /// Whether the victim's last message may leave.
    pub fn release(&self) -> Result<(), Abort> {
        self.engine.release()
    }

    /// The attacker's message 1 is on its way, its answer too.
    pub fn request(mut self) -> Result<(Self, Incoming), Refusal> {
        let hello = self.attacker.round1();
        let answer = self.attacker.round2(&self.sent);
        let duel = self.receive(hello).map_err(|abort| Refusal::new(1, abort))?;
        Ok((duel, answer))
    }

    /// Takes an answer, then ends the session honestly: the attacker's signature and the victim's.
    pub fn answer(mut self, answer: Incoming) -> Result<[Signature; 2], Refusal> {
        let partial = self.attacker.round3(&self.sent);
        let duel = self.receive(answer).map_err(|abort| Refusal::new(2, abort))?;
        let partial = partial.expect("the victim is honest");
        let ours = duel.attacker.finish(&duel.sent);
        let theirs = finished(duel.engine, only(duel.attacker.me, partial));
        Ok([ours, theirs.map_err(|abort| Refusal::new(3, abort))?[0]])
    }

    /// The whole session.
    pub fn finish(self) -> Result<[Signature; 2], Refusal> {
        let (duel, answer) = self.request()?;
        duel.answer(answer)
    }
}

/// One 2-of-2 key generation of a victim that runs the engine and a dealer.
pub struct KeygenDuel {
    pub victim: PartyIndex,
    pub dealer: Dealer,
    engine: Dealing<ChaCha20Rng>,
    /// The victim's last message.
    pub sent: Incoming,
}

impl KeygenDuel {
    pub fn start(name: &'static str, victim: u8) -> Self {
        Self::with_rng(name, victim, generator(name, party(victim)))
    }

    /// The victim draws from `rng`.
    pub fn with_rng(name: &'static str, victim: u8, rng: ChaCha20Rng) -> Self {
        let (victim, me) = (party(victim), party(3 - victim));
        let setup = KeygenStory::new(name, 2, 2).setup();
        let (engine, out) = Dealing::keygen(setup, victim, rng).unwrap();
        let mut own = ChaCha20Rng::from_seed(named(&format!("{name}, the dealer")));
        let dealer = Dealer::new(me, victim, &out.broadcast[..32], 2, &mut own);
        Self { victim, dealer, engine, sent: to(&out, me) }
    }

    pub fn receive(self, incoming: Incoming) -> Result<Self, Abort> {
        let Self { victim, dealer, engine, .. } = self;
        let (engine, out) = sent(engine, only(dealer.me, incoming))?;
        let sent = to(&out, dealer.me);
        Ok(Self { victim, dealer, engine, sent })
    }

    /// The victim's messages of rounds 1 and 2 are out.
    pub fn hello(self) -> Result<Self, Refusal> {
        let hello = self.dealer.round1();
        let hello_received = self.sent.broadcast.clone();
        let mut duel = self.receive(hello).map_err(|abort| Refusal::new(1, abort))?;
        duel.dealer.meet(&hello_received);
        Ok(duel)
    }

    /// From round 2 on: the victim's share, the dealer, and the victim's last message.
    pub fn open_and_listen(mut self) -> Result<(Arc<KeyShare>, Dealer, Incoming), Refusal> {
        let opening = self.dealer.round2();
        let answer = self.dealer.round3(&self.sent);
        let Self { dealer, engine, sent, .. } =
            self.receive(opening).map_err(|abort| Refusal::new(2, abort))?;
        let share = finished(engine, only(dealer.me, answer));
        Ok((Arc::new(share.map_err(|abort| Refusal::new(3, abort))?), dealer, sent))
    }

    /// From round 2 on: the victim's share, and what the attacker signs with.
    pub fn open(self) -> Result<(Arc<KeyShare>, Stolen), Refusal> {
        let (share, dealer, sent) = self.open_and_listen()?;
        let stolen = dealer.finish(&sent, share.epoch());
        Ok((share, stolen))
    }

    pub fn finish(self) -> Result<(Arc<KeyShare>, Stolen), Refusal> {
        self.hello()?.open()
    }
}

/// What the engine draws in round 1 of signing one item with one peer.
pub struct SignDraws {
    pub nonce: [u8; 32],
    pub r: Scalar,
    pub phi: Scalar,
    pub salt: [u8; 32],
    pub x: Row,
}

impl SignDraws {
    pub fn of(name: &str, member: PartyIndex) -> Self {
        Self::from(&mut generator(name, member))
    }

    pub fn from(rng: &mut impl RngCore) -> Self {
        Self {
            nonce: draw(rng),
            r: draw_scalar(rng),
            phi: draw_scalar(rng),
            salt: draw(rng),
            x: draw(rng),
        }
    }

    /// The bytes that make the engine draw this.
    pub fn bytes(&self) -> Vec<u8> {
        let Self { nonce, r, phi, salt, x } = self;
        [&nonce[..], &encode(r), &encode(phi), salt, x].concat()
    }
}

/// What the engine draws in a key generation before the OT setups.
pub struct KeygenDraws {
    pub nonce: [u8; 32],
    pub coefficients: Vec<Scalar>,
    pub chain_code_share: [u8; 32],
    pub blind: [u8; 32],
    /// Choice bits of the base OTs with the first peer, bit idx mod 8 of byte idx div 8.
    pub choices: [u8; 16],
}

impl KeygenDraws {
    /// From a generator that has drawn nothing yet.
    pub fn from(rng: &mut impl RngCore, threshold: usize, peers: usize) -> Self {
        let nonce = draw(rng);
        let coefficients = (0..threshold).map(|_| draw_scalar(rng)).collect();
        let (chain_code_share, blind) = (draw(rng), draw(rng));
        for _proof_nonce_or_zero_seed in 0..threshold + peers {
            draw::<32>(rng);
        }
        Self { nonce, coefficients, chain_code_share, blind, choices: draw(rng) }
    }

    pub fn points(&self) -> Vec<AffinePoint> {
        self.coefficients.iter().map(times_generator).collect()
    }
}
