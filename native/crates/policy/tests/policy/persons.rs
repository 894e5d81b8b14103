//! Persons with keys, and a survivor that is restarted between any two steps.

use ed25519_dalek::{Signer, SigningKey};
use policy::{
    Approver, Approvers, CeremonyDocument, Clock, Decision, Document, PendingRecovery, Refusal,
    Replacement, Role, Signed, SignedDocument, Verdict,
};

pub const NOW_MS: u64 = 1_800_000_000_000;
pub const HOUR_MS: u64 = 3_600_000;
pub const DAY_MS: u64 = 86_400_000;
/// Beyond every delay.
pub const EXPIRY_MS: u64 = NOW_MS + 20 * DAY_MS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// The owner, by the laptop's key.
    User,
    /// The owner, by a second device's key.
    Phone,
    Guardian,
    /// Holds a key that is on no list.
    Stranger,
    /// Stands behind the newcomer.
    Newcomer,
}

impl Person {
    pub const ALL: [Self; 5] =
        [Self::User, Self::Phone, Self::Guardian, Self::Stranger, Self::Newcomer];

    pub fn signing_key(self) -> SigningKey {
        SigningKey::from_bytes(&[self as u8 + 1; 32])
    }

    pub fn key(self) -> [u8; 32] {
        self.signing_key().verifying_key().to_bytes()
    }

    pub fn role(self) -> Option<Role> {
        match self {
            Self::User | Self::Phone => Some(Role::User),
            Self::Guardian => Some(Role::Recovery),
            Self::Stranger | Self::Newcomer => None,
        }
    }

    pub fn signs<D: Document>(self, document: D) -> Signed<D> {
        let signature = self.signing_key().sign(&document.hash()).to_bytes();
        Signed::new(document, self.key(), signature).unwrap()
    }

    pub fn says(self, verdict: Verdict, about: Replacement, expires_at_ms: u64) -> SignedDocument {
        self.signs(CeremonyDocument { replacement: about, verdict, expires_at_ms })
    }
}

pub fn approvers() -> Approvers {
    let persons = [Person::User, Person::Phone, Person::Guardian];
    Approvers::new(
        &persons.map(|person| Approver { role: person.role().unwrap(), key: person.key().into() }),
    )
    .unwrap()
}

/// The replacement of a party by a newcomer with its own roster.
pub fn replacing_with(lost: Role, newcomer: u8) -> Replacement {
    let approver = (lost != Role::Agent).then(|| Person::Newcomer.key());
    Replacement::new([1; 32], lost, [2; 32], [newcomer; 32], approver).unwrap()
}

pub fn replacing(lost: Role) -> Replacement {
    replacing_with(lost, 3)
}

/// An honest clock, so long after [`NOW_MS`].
pub fn clock(after_ms: u64) -> Clock {
    Clock { wall_ms: NOW_MS + after_ms, monotonic_ms: 5_000 + after_ms, run: [7; 16] }
}

/// One party's record, written and read back after every step.
pub struct Survivor {
    pub record: PendingRecovery,
    pub approvers: Approvers,
}

impl Survivor {
    pub fn of(lost: Role) -> Self {
        Self { record: PendingRecovery::new(replacing(lost), clock(0)), approvers: approvers() }
    }

    /// A survivor who has every approval that replacing this party needs.
    pub fn asked_to_replace(lost: Role) -> Self {
        let mut survivor = Self::of(lost);
        for person in required(lost) {
            let yes = person.says(Verdict::Approve, replacing(lost), EXPIRY_MS);
            survivor.observe(&yes, clock(0)).unwrap();
        }
        survivor
    }

    pub fn observe(&mut self, signed: &SignedDocument, clock: Clock) -> Result<(), Refusal> {
        let result = self.record.observe(signed, &self.approvers, clock);
        self.restart();
        result
    }

    pub fn decide(&mut self, clock: Clock) -> Decision {
        let decision = self.record.decide(&self.approvers, clock);
        self.restart();
        decision
    }

    pub fn confirm_clock(&mut self, clock: Clock) {
        self.record.confirm_clock(clock);
        self.restart();
    }

    fn restart(&mut self) {
        let read = PendingRecovery::decode(&self.record.encode()).unwrap();
        assert_eq!(read, self.record);
        self.record = read;
    }
}

/// Whose yes the wallet's table demands.
pub fn required(lost: Role) -> &'static [Person] {
    match lost {
        Role::Agent => &[Person::User, Person::Guardian],
        Role::Recovery => &[Person::User],
        Role::User => &[Person::Guardian],
    }
}

/// Who may object.
pub fn objector(lost: Role) -> Option<Person> {
    match lost {
        Role::Agent => None,
        Role::Recovery => Some(Person::Guardian),
        Role::User => Some(Person::User),
    }
}

/// How long the wallet's table waits.
pub fn delay_ms(lost: Role) -> u64 {
    match lost {
        Role::Agent => 0,
        Role::Recovery => 48 * HOUR_MS,
        Role::User => 7 * DAY_MS,
    }
}
