//! Which persons decide in one epoch. The policy lists approver keys; a recovery of the user or the guardian retires
//! those of the lost one and puts the newcomer's in their place.
//!
//! It belongs to the epoch and not to the policy's text: an attempt that is never completed changes nobody, and no
//! version of a policy, however signed, brings a retired key back.

use std::collections::{BTreeMap, BTreeSet};

use policy::rulebook::{ApproverKey, PolicyApprover, PolicyDocument};
use tagged_hash::{hash, tags};

use crate::document::role_of;
use crate::wire::Reader;
use crate::{Failure, Role};

/// The most keys that a wallet's recoveries retire.
const MAX_RETIRED: usize = 255;

/// What the recoveries of a wallet changed about the approver keys of its policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Persons {
    /// Ed25519 keys and passkeys.
    retired: BTreeSet<Vec<u8>>,
    successors: BTreeMap<Role, [u8; 32]>,
}

impl Persons {
    /// The persons who decide under a policy.
    pub fn approvers(&self, policy: &PolicyDocument) -> Vec<PolicyApprover> {
        let listed = policy.approvers();
        let successors = self.successors.iter().map(|(role, key)| PolicyApprover::Ed25519 {
            key: ApproverKey(*key),
            role: role_of(*role),
        });
        // A later version of the policy may list a successor itself.
        let successors =
            successors.filter(|one| listed.iter().all(|listed| listed.key() != one.key()));
        let mut approvers: Vec<PolicyApprover> = listed.iter().cloned().chain(successors).collect();
        approvers.retain(|approver| !self.retired.contains(approver.key()));
        approvers.sort_by_key(PolicyApprover::role);
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
        let known = approvers.iter().any(|approver| approver.key() == key);
        if lost == Role::Agent || known || self.retired.contains(key.as_slice()) {
            return Err(Failure::config("a new person's key that another has or had"));
        }
        let mut next = self.clone();
        let gone = approvers.iter().filter(|approver| approver.role() == role_of(lost));
        next.retired.extend(gone.map(|approver| approver.key().to_vec()));
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

    /// `u8 n ‖ n × (u8 length, retired key) ‖ u8 m ‖ m × (role u8, key 32)`, ascending.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let count = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
        let mut out = vec![count(self.retired.len())];
        for key in &self.retired {
            out.push(count(key.len()));
            out.extend_from_slice(key);
        }
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
            let length = usize::from(reader.u8()?);
            persons.retired.insert(reader.take(length)?.to_vec());
        }
        for _ in 0..reader.u8()? {
            persons.successors.insert(Role::from_byte(reader.u8()?)?, reader.array()?);
        }
        reader.finish()?;
        let speaks = !persons.successors.contains_key(&Role::Agent);
        (speaks && persons.encode() == bytes).then_some(persons)
    }
}
