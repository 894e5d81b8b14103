//! The session descriptor: what everybody, the relay included, may know of a ceremony before it starts.
//!
//! Its SHA-256 is the session id, which routes and names the session and nothing more. Layout, integers
//! big-endian: `"MPCD" ‖ version u8 ‖ kind u8 ‖ walletId 32 ‖ rosterHash 32 ‖ epoch u64 ‖ initiator u8 ‖
//! n u8 ‖ n × (index u8, role u8, identityKey 32) ascending ‖ createdAt u64 ms ‖ expiresAt u64 ms ‖
//! nonce 32 ‖ setupDetailsHash 32`.

use dkls23::PartyIndex;
use sha2::{Digest, Sha256};

use crate::identity::{IDENTITY_KEY_BYTES, Identity, Purpose, SIGNATURE_BYTES};
use crate::wire::Reader;
use crate::{Failure, Role, Roster};

const MAGIC: &[u8; 4] = b"MPCD";
const VERSION: u8 = 1;
/// How far two parties' clocks may differ, in milliseconds.
pub const CLOCK_TOLERANCE_MS: u64 = 120_000;

/// What a ceremony does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Makes a wallet's keys.
    Keygen,
    /// Signs.
    Sign,
    /// Makes other shares of the same keys for the same parties.
    Refresh,
    /// Makes other shares of the same keys, one party being another device.
    Recover,
    /// Tells one party something: documents of persons, held epochs, a certificate. One message, no answer.
    Control,
}

impl Kind {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Keygen => 1,
            Self::Sign => 2,
            Self::Refresh => 4,
            Self::Recover => 5,
            Self::Control => 11,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Keygen),
            2 => Some(Self::Sign),
            4 => Some(Self::Refresh),
            5 => Some(Self::Recover),
            11 => Some(Self::Control),
            _ => None,
        }
    }

    /// The longest time between creation and expiry that a party accepts: people confirm a key generation,
    /// a signature is wanted now or not at all.
    pub const fn longest_lifetime_ms(self) -> u64 {
        match self {
            Self::Keygen | Self::Control => 24 * 3_600_000,
            Self::Sign | Self::Refresh | Self::Recover => 3_600_000,
        }
    }
}

/// A member as the descriptor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Participant {
    /// Role, and thereby index.
    pub role: Role,
    /// Ed25519.
    pub identity_key: [u8; IDENTITY_KEY_BYTES],
}

/// The public facts of a session. Decoding checks the layout; [`Descriptor::check`] holds it against a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// What the ceremony does.
    pub kind: Kind,
    /// The wallet.
    pub wallet_id: [u8; 32],
    /// Roster under which it runs.
    pub roster_hash: [u8; 32],
    /// The epoch used (signing) or made (every other ceremony).
    pub epoch: u64,
    /// Who starts it.
    pub initiator: Role,
    /// Who takes part, ascending.
    pub participants: Vec<Participant>,
    /// Milliseconds of the initiator's clock.
    pub created_at_ms: u64,
    /// After this nobody joins or goes on.
    pub expires_at_ms: u64,
    /// Fresh for every attempt.
    pub nonce: [u8; 32],
    /// Salted commitment to the details of round 0.
    pub setup_details_hash: [u8; 32],
}

impl Descriptor {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(176 + 34 * self.participants.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, self.kind.byte()]);
        out.extend_from_slice(&self.wallet_id);
        out.extend_from_slice(&self.roster_hash);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.push(self.initiator.byte());
        out.push(u8::try_from(self.participants.len()).unwrap_or(u8::MAX));
        for participant in &self.participants {
            out.extend_from_slice(&[participant.role.byte(), participant.role.byte()]);
            out.extend_from_slice(&participant.identity_key);
        }
        out.extend_from_slice(&self.created_at_ms.to_be_bytes());
        out.extend_from_slice(&self.expires_at_ms.to_be_bytes());
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.setup_details_hash);
        out
    }

    /// Reads the canonical bytes; `None` for anything else. Verifies no signature.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if &reader.array::<4>()? != MAGIC || reader.u8()? != VERSION {
            return None;
        }
        let kind = Kind::from_byte(reader.u8()?)?;
        let wallet_id = reader.array()?;
        let roster_hash = reader.array()?;
        let epoch = reader.u64()?;
        let initiator = Role::from_byte(reader.u8()?)?;
        let count = reader.u8()?;
        let mut participants: Vec<Participant> = Vec::new();
        for _ in 0..count {
            let [index, role] = reader.array()?;
            let role = Role::from_byte(role).filter(|role| role.byte() == index)?;
            if participants.last().is_some_and(|previous| previous.role >= role) {
                return None;
            }
            participants.push(Participant { role, identity_key: reader.array()? });
        }
        let descriptor = Self {
            kind,
            wallet_id,
            roster_hash,
            epoch,
            initiator,
            participants,
            created_at_ms: reader.u64()?,
            expires_at_ms: reader.u64()?,
            nonce: reader.array()?,
            setup_details_hash: reader.array()?,
        };
        reader.finish()?;
        let named = descriptor.participants.iter().any(|one| one.role == descriptor.initiator);
        let fresh = descriptor.nonce != [0; 32] && descriptor.wallet_id != [0; 32];
        (named && fresh && descriptor.participants.len() >= 2).then_some(descriptor)
    }

    /// `SHA-256(descriptor)`.
    pub fn session_id(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// The initiator's signature.
    pub(crate) fn sign(&self, identity: &Identity) -> [u8; SIGNATURE_BYTES] {
        identity.sign(Purpose::Descriptor, &[&self.encode()])
    }

    /// Holds a received descriptor against this party's own roster and clock.
    ///
    /// # Errors
    /// `Config`: foreign wallet, other roster, unknown party, bad signature, expired or from the future.
    pub(crate) fn check(
        &self,
        signature: &[u8; SIGNATURE_BYTES],
        roster: &Roster,
        me: Role,
        now_ms: u64,
    ) -> Result<(), Failure> {
        if &self.wallet_id != roster.wallet_id() {
            return Err(Failure::config("the descriptor is of another wallet"));
        }
        if self.roster_hash != roster.hash() {
            return Err(Failure::config("the descriptor is of another roster"));
        }
        self.check_parties(roster, me)?;
        if !self.is_signed(signature, roster) {
            return Err(Failure::config("the descriptor's signature does not verify"));
        }
        self.check_times(now_ms)
    }

    /// Whether it is between this party and others of a roster, with the keys that stand there.
    pub(crate) fn check_parties(&self, roster: &Roster, me: Role) -> Result<(), Failure> {
        let known = self.participants.iter().all(|participant| {
            roster
                .member(participant.role.index())
                .is_some_and(|member| member.identity_key == participant.identity_key)
        });
        if !known || !self.participants.iter().any(|participant| participant.role == me) {
            return Err(Failure::config("the descriptor names an unknown party"));
        }
        Ok(())
    }

    /// Whether the roster's party of the initiator's role signed it.
    pub(crate) fn is_signed(&self, signature: &[u8; SIGNATURE_BYTES], roster: &Roster) -> bool {
        roster.member(self.initiator.index()).is_some_and(|member| {
            member.verifier.verify(Purpose::Descriptor, &[&self.encode()], signature)
        })
    }

    /// Whether the descriptor is alive at `now_ms`.
    pub(crate) fn check_times(&self, now_ms: u64) -> Result<(), Failure> {
        let lifetime = self.expires_at_ms.checked_sub(self.created_at_ms);
        if lifetime.is_none_or(|ms| ms == 0 || ms > self.kind.longest_lifetime_ms()) {
            return Err(Failure::config("the descriptor's lifetime is out of range"));
        }
        if self.created_at_ms > now_ms.saturating_add(CLOCK_TOLERANCE_MS) {
            return Err(Failure::config("the descriptor is from the future"));
        }
        if now_ms >= self.expires_at_ms {
            return Err(Failure::config("the descriptor has expired"));
        }
        Ok(())
    }

    /// The other participants, ascending.
    pub(crate) fn peers_of(&self, me: Role) -> impl Iterator<Item = PartyIndex> + '_ {
        self.participants
            .iter()
            .filter(move |participant| participant.role != me)
            .map(|participant| participant.role.index())
    }
}
