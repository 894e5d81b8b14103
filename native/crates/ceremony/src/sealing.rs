//! End-to-end sealing: HPKE (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256) agrees on a secret
//! once per sender, recipient and session; every message has a ChaCha20-Poly1305 key of its own, exported (§5.3)
//! under the message's header. The header numbers the sender's envelopes, so no key serves twice and there is no
//! nonce counter that could repeat; and any message opens without those before it.

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, Tag};
use hpke::aead::{AeadCtxR, AeadCtxS, ExportOnlyAead};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRngCore;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of an X25519 public key.
pub(crate) const SEALING_KEY_BYTES: usize = 32;
/// What sealing adds to a body: encapsulated key 32, tag 16.
pub(crate) const SEALING_OVERHEAD: usize = SEALING_KEY_BYTES + TAG_BYTES;
const TAG_BYTES: usize = 16;

// The feature that makes it wipe is asked for in the workspace's manifest: without it this does not compile.
const _: () = assert!(core::mem::needs_drop::<x25519_dalek::StaticSecret>());

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
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

    /// The key of [`OpeningKey::secret_bytes`].
    pub(crate) fn from_secret_bytes(bytes: &[u8; SEALING_KEY_BYTES]) -> Option<Self> {
        let private = PrivateKey::from_bytes(bytes).ok()?;
        let public = X25519HkdfSha256::sk_to_pk(&private).to_bytes().into();
        Some(Self { private, public })
    }

    /// The private key, for sealing at rest.
    pub(crate) fn secret_bytes(&self) -> Zeroizing<[u8; SEALING_KEY_BYTES]> {
        let mut bytes = Zeroizing::new([0; SEALING_KEY_BYTES]);
        let mut copy = self.private.to_bytes();
        bytes.copy_from_slice(&copy);
        copy.zeroize();
        bytes
    }

    pub(crate) fn public_key(&self) -> [u8; SEALING_KEY_BYTES] {
        self.public
    }

    /// What opens the messages of the sender that made this encapsulated key.
    pub(crate) fn opener(
        &self,
        usage: Use,
        encapsulated: [u8; SEALING_KEY_BYTES],
    ) -> Option<Opener> {
        let key = EncappedKey::from_bytes(&encapsulated).ok()?;
        let context =
            hpke::setup_receiver(&OpModeR::Base, &self.private, &key, usage.info()).ok()?;
        Some(Opener { encapsulated, context })
    }

    /// Opens a single message: `encapsulated key 32 ‖ ciphertext ‖ tag 16`.
    pub(crate) fn open(
        &self,
        usage: Use,
        header: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        self.opener(usage, encapsulated_key(sealed)?)?.open(header, sealed)
    }
}

/// The encapsulated key at the start of a sealed body.
pub(crate) fn encapsulated_key(sealed: &[u8]) -> Option<[u8; SEALING_KEY_BYTES]> {
    sealed.first_chunk().copied()
}

/// One recipient's side of an agreement. Wiped when dropped.
pub(crate) struct Opener {
    encapsulated: [u8; SEALING_KEY_BYTES],
    context: AeadCtxR<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>,
}

impl Opener {
    /// Whether this opens a body.
    pub(crate) fn fits(&self, sealed: &[u8]) -> bool {
        encapsulated_key(sealed) == Some(self.encapsulated)
    }

    /// Opens `encapsulated key 32 ‖ ciphertext ‖ tag 16`; `None` says nothing about why. The plaintext is the
    /// one copy there is.
    pub(crate) fn open(&self, header: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (_, rest) = sealed.split_at_checked(SEALING_KEY_BYTES)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
        let mut body = Zeroizing::new(ciphertext.to_vec());
        cipher(|key| self.context.export(header, key))?
            .decrypt_in_place_detached(&Nonce::default(), header, &mut body, Tag::from_slice(tag))
            .ok()?;
        Some(body)
    }
}

/// One sender's side of an agreement. Wiped when dropped.
pub(crate) struct Sealer {
    encapsulated: [u8; SEALING_KEY_BYTES],
    context: AeadCtxS<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>,
}

impl Sealer {
    /// Agrees with the holder of a public key; `None` if the key is not usable (a point of small order).
    pub(crate) fn new(
        recipient: &[u8; SEALING_KEY_BYTES],
        usage: Use,
        rng: &mut dyn CryptoRngCore,
    ) -> Option<Self> {
        let mut rng = rng;
        let recipient = PublicKey::from_bytes(recipient).ok()?;
        let (encapsulated, context) = hpke::setup_sender::<_, _, X25519HkdfSha256, _>(
            &OpModeS::Base,
            &recipient,
            usage.info(),
            &mut rng,
        )
        .ok()?;
        Some(Self { encapsulated: encapsulated.to_bytes().into(), context })
    }

    /// What the recipient needs in front of every message.
    pub(crate) fn encapsulated_key(&self) -> &[u8; SEALING_KEY_BYTES] {
        &self.encapsulated
    }

    /// Encrypts a body where it lies and gives the tag. No two bodies may have one header: the caller numbers
    /// its envelopes.
    pub(crate) fn seal_in_place(&self, header: &[u8], body: &mut [u8]) -> Option<[u8; TAG_BYTES]> {
        cipher(|key| self.context.export(header, key))?
            .encrypt_in_place_detached(&Nonce::default(), header, body)
            .ok()
            .map(Into::into)
    }
}

/// The cipher of one message.
fn cipher<E>(export: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Option<ChaCha20Poly1305> {
    let mut key = Zeroizing::new([0; 32]);
    export(key.as_mut_slice()).ok()?;
    Some(ChaCha20Poly1305::new(key.as_ref().into()))
}
