//! End-to-end sealing: single-shot HPKE (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! ChaCha20-Poly1305) per message, so there is no nonce counter that could repeat.

use hpke::aead::{AeadTag, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// Bytes of an X25519 public key.
pub(crate) const SEALING_KEY_BYTES: usize = 32;
/// What sealing adds to a body: encapsulated key 32, tag 16.
pub(crate) const SEALING_OVERHEAD: usize = SEALING_KEY_BYTES + TAG_BYTES;
const TAG_BYTES: usize = 16;

// The feature that makes it wipe is asked for in the workspace's manifest: without it this does not compile.
const _: () = assert!(core::mem::needs_drop::<x25519_dalek::StaticSecret>());

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type Tag = AeadTag<ChaCha20Poly1305>;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// What a sealed body is for; the HPKE `info`, so an invitation never opens as a round.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    Invitation,
    Round,
}

impl Use {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Invitation => b"mpc-wallet/v1/seal/invitation",
            Self::Round => b"mpc-wallet/v1/seal/round",
        }
    }
}

/// An X25519 private key that opens what was sealed to its public key.
pub(crate) struct OpeningKey {
    /// An `x25519_dalek::StaticSecret`, which wipes itself when dropped.
    private: PrivateKey,
    public: [u8; SEALING_KEY_BYTES],
}

impl OpeningKey {
    pub(crate) fn generate(rng: &mut dyn CryptoRngCore) -> Self {
        let mut rng = rng;
        let (private, public) = X25519HkdfSha256::gen_keypair(&mut rng);
        Self { private, public: public.to_bytes().into() }
    }

    pub(crate) fn public_key(&self) -> [u8; SEALING_KEY_BYTES] {
        self.public
    }

    /// Opens `encapsulated key 32 ‖ ciphertext ‖ tag 16`; `None` says nothing about why. The plaintext is
    /// the one copy there is.
    pub(crate) fn open(&self, usage: Use, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (encapsulated, rest) = sealed.split_at_checked(SEALING_KEY_BYTES)?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
        let encapsulated = EncappedKey::from_bytes(encapsulated).ok()?;
        let tag = Tag::from_bytes(tag).ok()?;
        let mut body = Zeroizing::new(ciphertext.to_vec());
        hpke::single_shot_open_in_place_detached::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            usage.info(),
            body.as_mut_slice(),
            aad,
            &tag,
        )
        .ok()?;
        Some(body)
    }
}

/// Encrypts a body where it lies and gives the encapsulated key and the tag; `None` if the key is not usable
/// (a point of small order), with the body as it was.
pub(crate) fn seal_in_place(
    recipient: &[u8; SEALING_KEY_BYTES],
    usage: Use,
    aad: &[u8],
    body: &mut [u8],
    rng: &mut dyn CryptoRngCore,
) -> Option<([u8; SEALING_KEY_BYTES], [u8; TAG_BYTES])> {
    let mut rng = rng;
    let recipient = PublicKey::from_bytes(recipient).ok()?;
    let (encapsulated, tag) = hpke::single_shot_seal_in_place_detached::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
        _,
    >(&OpModeS::Base, &recipient, usage.info(), body, aad, &mut rng)
    .ok()?;
    Some((encapsulated.to_bytes().into(), tag.to_bytes().into()))
}
