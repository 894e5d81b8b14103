//! Which persons decide in one epoch. The policy lists approver keys; a recovery of the user or the guardian retires
//! those of the lost one and puts the newcomer's in their place.
//!
//! It belongs to the epoch and not to the policy's text: an attempt that is never completed changes nobody, and no
//! version of a policy, however signed, brings a retired key back.

use std::collections::{BTreeMap, BTreeSet};

use tagged_hash::{hash, tags};

use crate::wire::Reader;
use crate::{Failure, PolicyDocument, Role};

/// The most keys that a wallet's recoveries retire.
const MAX_RETIRED: usize = 255;

/// What the recoveries of a wallet changed about the approver keys of its policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Persons {
    retired: BTreeSet<[u8; 32]>,
    successors: BTreeMap<Role, [u8; 32]>,
}

impl Persons {
    /// Role and Ed25519 key of each person who decides under a policy.
    pub fn approvers(&self, policy: &PolicyDocument) -> Vec<(Role, [u8; 32])> {
        let listed = policy.approvers().into_iter();
        let successors = self.successors.iter().map(|(role, key)| (*role, *key));
        let mut approvers: Vec<_> =
            listed.chain(successors).filter(|(_, key)| !self.retired.contains(key)).collect();
        approvers.sort_unstable();
        approvers.dedup();
        approvers
    }

    /// After the device of `lost` gave way to one whose person holds `successor`.
    ///
    /// # Errors
    /// `Config` for a key that was retired, that speaks for somebody already, or that there are too many of, and
    /// unless there is a key exactly if a person stands behind the party.
    pub(crate) fn succeeded(
        &self,
        policy: &PolicyDocument,
        lost: Role,
        successor: Option<[u8; 32]>,
    ) -> Result<Self, Failure> {
        let Some(key) = successor else {
            return match lost {
                Role::Agent => Ok(self.clone()),
                Role::User | Role::Recovery => {
                    Err(Failure::config("a new device without its person's key"))
                }
            };
        };
        let approvers = self.approvers(policy);
        let known = approvers.iter().any(|(_, approver)| *approver == key);
        if lost == Role::Agent || known || self.retired.contains(&key) {
            return Err(Failure::config("a new person's key that another has or had"));
        }
        let mut next = self.clone();
        next.retired.extend(approvers.iter().filter(|(role, _)| *role == lost).map(|(_, key)| key));
        if next.retired.len() > MAX_RETIRED {
            return Err(Failure::config("a wallet whose persons changed too often"));
        }
        next.successors.insert(lost, key);
        Ok(next)
    }

    /// The newcomer that took the place of a party's person.
    pub(crate) fn successor(&self, role: Role) -> Option<[u8; 32]> {
        self.successors.get(&role).copied()
    }

    pub(crate) fn is_unchanged(&self) -> bool {
        self.retired.is_empty() && self.successors.is_empty()
    }

    /// `H("persons"; policy hash, encoding)`: what parties compare before they make an epoch.
    pub(crate) fn hash(&self, policy: &PolicyDocument) -> [u8; 32] {
        hash(tags::PERSONS, &[&policy.hash(), &self.encode()])
    }

    /// `u8 n ‖ n × retired key 32 ‖ u8 m ‖ m × (role u8, key 32)`, ascending.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let count = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
        let mut out = vec![count(self.retired.len())];
        out.extend(self.retired.iter().flatten());
        out.push(count(self.successors.len()));
        for (role, key) in &self.successors {
            out.push(role.byte());
            out.extend_from_slice(key);
        }
        out
    }

    /// Reads what [`Persons::encode`] wrote; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut persons = Self::default();
        for _ in 0..reader.u8()? {
            persons.retired.insert(reader.array()?);
        }
        for _ in 0..reader.u8()? {
            persons.successors.insert(Role::from_byte(reader.u8()?)?, reader.array()?);
        }
        reader.finish()?;
        let speaks = !persons.successors.contains_key(&Role::Agent);
        (speaks && persons.encode() == bytes).then_some(persons)
    }
}
