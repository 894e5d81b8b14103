//! Who the parties of a wallet are: index, role, identity key and sealing key of each.

use dkls23::PartyIndex;
use tagged_hash::{Hasher, tags};

use crate::identity::{Card, IDENTITY_KEY_BYTES, Verifier};
use crate::sealing::SEALING_KEY_BYTES;
use crate::wire::Reader;
use crate::{Failure, Role};

/// How many parties sign, and how many there are: never a bare number that could mean t or t + 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// Parties that sign together.
    pub required: u8,
    /// Parties that hold a share.
    pub total: u8,
}

/// The threshold of every wallet of this version.
pub const THRESHOLD: Threshold = Threshold { required: 2, total: 3 };

/// One party of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Role, and thereby index.
    pub role: Role,
    /// Ed25519.
    pub identity_key: [u8; IDENTITY_KEY_BYTES],
    /// X25519, for invitations.
    pub sealing_key: [u8; SEALING_KEY_BYTES],
    pub(crate) verifier: Verifier,
}

impl Member {
    /// The Shamir x-coordinate.
    pub fn index(&self) -> PartyIndex {
        self.role.index()
    }
}

/// The committee of a wallet in one epoch: one member per role, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    wallet_id: [u8; 32],
    members: [Member; 3],
}

impl Roster {
    /// A roster from the cards that this party pinned, in any order.
    ///
    /// # Errors
    /// `Config` unless there is exactly one card of each role and no key stands twice.
    pub fn from_cards(wallet_id: [u8; 32], cards: &[Card]) -> Result<Self, Failure> {
        let [first, second, third] = Role::ALL.map(|role| {
            let mut of_role = cards.iter().filter(|card| card.role == role);
            match (of_role.next(), of_role.next()) {
                (Some(card), None) => Verifier::new(&card.identity_key).map(|verifier| Member {
                    role,
                    identity_key: card.identity_key,
                    sealing_key: card.sealing_key,
                    verifier,
                }),
                _ => None,
            }
        });
        let (Some(first), Some(second), Some(third)) = (first, second, third) else {
            return Err(Failure::config("a committee needs one card of each role"));
        };
        let members = [first, second, third];
        let mut keys: Vec<&[u8; 32]> = members
            .iter()
            .flat_map(|member| [&member.identity_key, &member.sealing_key])
            .chain(cards.iter().filter_map(|card| card.approver_key.as_ref()))
            .collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| matches!(pair, [left, right] if left == right)) {
            return Err(Failure::config("two parties share a key"));
        }
        Ok(Self { wallet_id, members })
    }

    /// Bytes of an encoded roster.
    pub(crate) const BYTES: usize = 3 * (1 + IDENTITY_KEY_BYTES + SEALING_KEY_BYTES);

    /// `(role ‖ identity key 32 ‖ sealing key 32)…`, ascending.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        for member in &self.members {
            out.push(member.role.byte());
            out.extend_from_slice(&member.identity_key);
            out.extend_from_slice(&member.sealing_key);
        }
        out
    }

    /// Reads [`Roster::encode`].
    pub(crate) fn decode(wallet_id: [u8; 32], bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut members = Vec::with_capacity(3);
        for role in Role::ALL {
            (reader.u8()? == role.byte()).then_some(())?;
            let (identity_key, sealing_key) = (reader.array()?, reader.array()?);
            let verifier = Verifier::new(&identity_key)?;
            members.push(Member { role, identity_key, sealing_key, verifier });
        }
        reader.finish()?;
        Some(Self { wallet_id, members: members.try_into().ok()? })
    }

    /// The roster with another device for the party of this card.
    ///
    /// # Errors
    /// `Config` if a key of the card stands in this roster already.
    pub fn replace(&self, card: &Card) -> Result<Self, Failure> {
        let new_keys = [&card.identity_key, &card.sealing_key];
        let known = self.members.iter().any(|member| {
            new_keys.contains(&&member.identity_key) || new_keys.contains(&&member.sealing_key)
        });
        let verifier = Verifier::new(&card.identity_key).filter(|_| !known);
        let verifier = verifier.ok_or_else(|| Failure::config("two parties share a key"))?;
        let replacement = Member {
            role: card.role,
            identity_key: card.identity_key,
            sealing_key: card.sealing_key,
            verifier,
        };
        let members = self
            .members
            .clone()
            .map(|member| if member.role == card.role { replacement.clone() } else { member });
        Ok(Self { wallet_id: self.wallet_id, members })
    }

    /// The wallet, 32 random bytes.
    pub fn wallet_id(&self) -> &[u8; 32] {
        &self.wallet_id
    }

    /// The members, ascending by index.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member of an index.
    pub fn member(&self, index: PartyIndex) -> Option<&Member> {
        self.members.iter().find(|member| member.index() == index)
    }

    /// `H("roster"; walletId, u8 required, u8 total, (u8 index ‖ u8 role ‖ identity key ‖ sealing key)…)`.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Hasher::new(tags::ROSTER, 3 + self.members.len());
        hasher.part(&self.wallet_id);
        hasher.part(&[THRESHOLD.required]);
        hasher.part(&[THRESHOLD.total]);
        for member in &self.members {
            let role = member.role.byte();
            hasher.part_from(&[
                &[member.index().get(), role],
                &member.identity_key,
                &member.sealing_key,
            ]);
        }
        hasher.finish()
    }
}
