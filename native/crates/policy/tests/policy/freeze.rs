//! Anybody stops the wallet at once; starting it takes the quorum, and no old document does either.

use policy::{
    Approvers, Freeze, FreezeDocument, FreezeState, MAX_FREEZE_DOCUMENT_BYTES, MAX_SEQUENCE_STEP,
    Refusal, Role, Signed,
};
use proptest::prelude::*;
use tagged_hash::tags;

use crate::forgeries::{is_read_whole, reads_only_canonical, sealed, text, unsealed};
use crate::passkeys::Passkey;
use crate::persons::{NOW_MS, Person, approvers};

const BOTH: [Role; 2] = [Role::User, Role::Recovery];

fn document(sequence: u64, state: Freeze) -> FreezeDocument {
    FreezeDocument { wallet_id: [1; 32], sequence, state, issued_at_ms: NOW_MS }
}

fn frozen(sequence: u64) -> Signed<FreezeDocument> {
    Person::Guardian.signs(document(sequence, Freeze::Frozen))
}

fn released(sequence: u64) -> Vec<Signed<FreezeDocument>> {
    [Person::User, Person::Guardian]
        .map(|person| person.signs(document(sequence, Freeze::Released)))
        .into()
}

/// Written and read back after every step.
struct Signer(FreezeState);

impl Signer {
    fn new() -> Self {
        Self(FreezeState::new([1; 32]))
    }

    fn freeze(&mut self, signed: &Signed<FreezeDocument>) -> Result<(), Refusal> {
        let result = self.0.freeze(signed, &approvers());
        self.restart();
        result
    }

    fn release(&mut self, signed: &[Signed<FreezeDocument>]) -> Result<(), Refusal> {
        let result = self.0.release(signed, &BOTH, &approvers());
        self.restart();
        result
    }

    fn restart(&mut self) {
        let read = FreezeState::decode(&self.0.encode()).unwrap();
        assert_eq!(read, self.0);
        self.0 = read;
    }
}

#[test]
fn any_approver_freezes_at_once_and_the_quorum_releases() {
    for person in [Person::User, Person::Phone, Person::Guardian] {
        let mut signer = Signer::new();
        assert!(!signer.0.is_frozen());
        signer.freeze(&person.signs(document(1, Freeze::Frozen))).unwrap();
        assert!(signer.0.is_frozen());
        assert_eq!(signer.0.next_sequence(), 2);
        signer.release(&released(2)).unwrap();
        assert!(!signer.0.is_frozen());
        assert_eq!(signer.0.signed(), released(2));
    }
}

#[test]
fn nobody_else_freezes() {
    let mut signer = Signer::new();
    let stranger = Person::Stranger.signs(document(1, Freeze::Frozen));
    assert_eq!(signer.freeze(&stranger), Err(Refusal::UnknownApprover));
    let passkey = Passkey::new(1).says(document(1, Freeze::Frozen));
    assert_eq!(signer.freeze(&passkey), Err(Refusal::UnknownApprover));
    let elsewhere = FreezeDocument { wallet_id: [2; 32], ..document(1, Freeze::Frozen) };
    assert_eq!(signer.freeze(&Person::User.signs(elsewhere)), Err(Refusal::OtherWallet));
    let release = Person::User.signs(document(1, Freeze::Released));
    assert_eq!(signer.freeze(&release), Err(Refusal::NotAFreeze));
    assert_eq!(signer.0, FreezeState::new([1; 32]));
}

#[test]
fn a_release_needs_every_role_of_the_quorum_over_one_document() {
    let mut signer = Signer::new();
    signer.freeze(&frozen(1)).unwrap();
    let by = |person: Person, sequence| person.signs(document(sequence, Freeze::Released));
    let (user, phone) = (by(Person::User, 2), by(Person::Phone, 2));
    let (guardian, other) = (by(Person::Guardian, 2), by(Person::Guardian, 3));
    let stranger = by(Person::Stranger, 2);
    let cases = [
        (vec![], Refusal::Unsigned),
        (vec![user.clone()], Refusal::Unsigned),
        (vec![user.clone(), phone], Refusal::Unsigned),
        (vec![user.clone(), other], Refusal::OtherDocument),
        (vec![user.clone(), stranger], Refusal::UnknownApprover),
        (vec![user.clone(), user.clone(), guardian.clone()], Refusal::Malformed),
        (vec![frozen(2)], Refusal::Unsigned),
    ];
    for (signed, refusal) in cases {
        assert_eq!(signer.release(&signed), Err(refusal));
        assert!(signer.0.is_frozen());
    }
    let both = [user, guardian];
    assert_eq!(signer.0.release(&both, &[], &approvers()), Err(Refusal::NoQuorum));
    assert_eq!(
        signer.0.release(&both, &BOTH, &Approvers::new(&[]).unwrap()),
        Err(Refusal::UnknownApprover)
    );
    let freeze = [Person::User, Person::Guardian].map(|one| one.signs(document(2, Freeze::Frozen)));
    assert_eq!(signer.release(&freeze), Err(Refusal::NotARelease));
    signer.release(&both).unwrap();
}

#[test]
fn an_old_freeze_does_not_come_back_after_a_release_nor_an_old_release_after_a_freeze() {
    let mut signer = Signer::new();
    signer.freeze(&frozen(1)).unwrap();
    signer.release(&released(2)).unwrap();
    assert_eq!(signer.freeze(&frozen(1)), Err(Refusal::OldSequence));
    assert!(!signer.0.is_frozen());

    signer.freeze(&frozen(3)).unwrap();
    assert_eq!(signer.release(&released(2)), Err(Refusal::OldSequence));
    assert_eq!(signer.release(&released(3)), Err(Refusal::OldSequence));
    assert!(signer.0.is_frozen());
    signer.freeze(&frozen(3)).unwrap();
}

#[test]
fn of_a_freeze_and_a_release_with_one_sequence_the_freeze_holds_in_either_order() {
    let mut signer = Signer::new();
    signer.freeze(&frozen(1)).unwrap();
    signer.release(&released(2)).unwrap();
    signer.freeze(&frozen(2)).unwrap();
    assert!(signer.0.is_frozen());
    assert_eq!(signer.release(&released(2)), Err(Refusal::OldSequence));
}

#[test]
fn nobody_uses_up_the_sequence_numbers() {
    for (step, expected) in [
        (MAX_SEQUENCE_STEP - 1, Ok(())),
        (MAX_SEQUENCE_STEP, Ok(())),
        (MAX_SEQUENCE_STEP + 1, Err(Refusal::SequenceTooFar)),
        (u64::MAX, Err(Refusal::SequenceTooFar)),
        (0, Err(Refusal::OldSequence)),
    ] {
        let mut signer = Signer::new();
        let early = if step == 0 { released(0) } else { released(step) };
        assert_eq!(signer.freeze(&frozen(step.max(1))), if step == 0 { Ok(()) } else { expected });
        if step == 0 {
            assert_eq!(signer.release(&early), expected);
        }
    }
}

#[test]
fn a_freeze_document_is_read_only_in_its_canonical_form() {
    let longest = FreezeDocument {
        sequence: u64::MAX,
        issued_at_ms: u64::MAX,
        ..document(1, Freeze::Released)
    };
    let length = text(&longest).len();
    assert!(length <= MAX_FREEZE_DOCUMENT_BYTES && length == 176, "{length}");
    reads_only_canonical(
        &document(12, Freeze::Frozen),
        &[
            ("frozen", "Frozen"),
            ("frozen", "thawed"),
            ("\"12\"", "12"),
            ("\"12\"", "\"012\""),
            ("\"12\"", "\"-1\""),
            ("\"12\"", "\"99999999999999999999\""),
            ("AQEB", "AQE"),
            ("AQEB", "AQEBAQEB"),
            ("freeze@1", "ceremony@1"),
        ],
    );
}

#[test]
fn a_record_of_a_freeze_is_read_whole_or_damaged() {
    let mut signer = Signer::new();
    signer.freeze(&frozen(1)).unwrap();
    is_read_whole(tags::FREEZE_STATE, &signer.0.encode(), FreezeState::decode, FreezeState::encode);
    let freeze = unsealed(&signer.0.encode());
    signer.release(&released(2)).unwrap();
    let bytes = signer.0.encode();
    is_read_whole(tags::FREEZE_STATE, &bytes, FreezeState::decode, FreezeState::encode);

    let release = unsealed(&bytes);
    let list = |json: &str| json.split('[').nth(1).unwrap().split(']').next().unwrap().to_owned();
    let (one, two) = (list(&freeze), list(&release));
    let first = two.split(',').next().unwrap().to_owned();
    for json in [
        release.replace(&two, &format!("{first},{first}")),
        release.replace(&two, &format!("{first},{one}")),
        freeze.replace(&one, &format!("{one},{two}")),
        freeze.replace("\"walletId\":\"AQ", "\"walletId\":\"AA"),
        freeze.replace("freeze-state@1", "freeze-state@2"),
    ] {
        let result = FreezeState::decode(&sealed(tags::FREEZE_STATE, &json));
        assert_eq!(result, Err(Refusal::Damaged), "{json}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Seen {
    Freeze(u64),
    Release(u64),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn signers_that_saw_the_same_documents_in_any_order_agree(
        seen in prop::collection::vec((any::<bool>(), 1..6_u64), 1..8)
            .prop_map(|all| all.into_iter().map(|(freeze, sequence)| {
                if freeze { Seen::Freeze(sequence) } else { Seen::Release(sequence) }
            }).collect::<Vec<_>>()),
        seed in any::<prop::sample::Index>(),
    ) {
        let tell = |order: &[Seen]| {
            let mut signer = Signer::new();
            for one in order {
                let _ = match one {
                    Seen::Freeze(sequence) => signer.freeze(&frozen(*sequence)),
                    Seen::Release(sequence) => signer.release(&released(*sequence)),
                };
            }
            (signer.0.sequence(), signer.0.is_frozen())
        };
        let mut other = seen.clone();
        other.rotate_left(seed.index(seen.len()));
        other.reverse();
        prop_assert_eq!(tell(&seen), tell(&other));
    }
}
