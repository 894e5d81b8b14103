//! Recoveries that a Recovery approver, whose key no input has, never agreed to.

use ed25519_dalek::Signer;
use policy::{CeremonyDocument, Clock, Decision, PendingRecovery, Role, SignedDocument, Verdict};
use tagged_hash::{hash, tags};

use crate::persons::{
    DAY_MS, EXPIRY_MS, HOUR_MS, Person, Survivor, approvers, clock, replacing, replacing_with,
};
use crate::program::Program;

/// Both need the Recovery approver.
const LOST: [Role; 2] = [Role::Agent, Role::User];

/// A signed document as it came, and a document under a true signature.
pub fn verdict(data: &[u8]) {
    if let Ok(signed) = SignedDocument::decode(data) {
        assert_eq!(signed.encode(), data);
    }
    let signature = Person::User.signing_key().sign(&hash(tags::DOC_CEREMONY, &[data]));
    let signed = [&[1], &Person::User.key()[..], &signature.to_bytes(), data].concat();
    let read = SignedDocument::decode(&signed);
    assert_eq!(read.is_ok(), CeremonyDocument::decode(data).is_ok());
    if let Ok(read) = read {
        assert_eq!((read.encode(), read.document().encode()), (signed, data.to_vec()));
    }
}

pub(crate) fn verdict_seeds() -> Vec<Vec<u8>> {
    let signed = Person::Guardian.says(Verdict::Veto, replacing(Role::Recovery), EXPIRY_MS);
    let documents = LOST.map(|lost| {
        let said = Person::User.says(Verdict::Approve, replacing(lost), EXPIRY_MS);
        said.document().encode()
    });
    [signed.encode()].into_iter().chain(documents).collect()
}

/// A survivor's record, under a true checksum.
pub fn record(data: &[u8]) {
    let sealed = [&hash(tags::PENDING_RECOVERY, &[data])[..], data].concat();
    let Ok(mut record) = PendingRecovery::decode(&sealed) else { return };
    assert_eq!(record.encode(), sealed);
    let needs_guardian = LOST.contains(&record.replacement().lost());
    for after_ms in [0, 10 * DAY_MS] {
        let decision = record.decide(&approvers(), clock(after_ms));
        assert!(decision != Decision::Approved || !needs_guardian);
    }
}

pub(crate) fn record_seeds() -> Vec<Vec<u8>> {
    let asked = |lost, verdict| {
        let mut survivor = Survivor::of(lost);
        let said = Person::User.says(verdict, replacing(lost), EXPIRY_MS);
        survivor.observe(&said, clock(0)).unwrap();
        survivor.decide(clock(DAY_MS));
        survivor.record.encode()[32..].to_vec()
    };
    vec![
        asked(Role::Agent, Verdict::Approve),
        asked(Role::Recovery, Verdict::Approve),
        asked(Role::Recovery, Verdict::Reject),
        asked(Role::User, Verdict::Veto),
    ]
}

/// What everybody but the Recovery approver says, at a survivor whose clocks and restarts the input chooses.
pub fn recovery(data: &[u8]) {
    let mut program = Program::new(data);
    let Some(lost) = program.below(LOST.len()).map(|number| LOST[number]) else { return };
    let mut survivor = Survivor::of(lost);
    let mut now = clock(0);
    let mut ended = None;
    while let Some(decision) = step(&mut program, &mut survivor, &mut now) {
        assert_ne!(decision, Decision::Approved);
        assert!(!matches!(decision, Decision::Waiting { .. } | Decision::Expired));
        ended =
            ended
                .or(matches!(decision, Decision::Vetoed | Decision::Rejected)
                    .then(|| decision.clone()));
        assert!(ended.as_ref().is_none_or(|end| *end == decision), "a no was taken back");
    }
}

fn step(program: &mut Program<'_>, survivor: &mut Survivor, now: &mut Clock) -> Option<Decision> {
    const PERSONS: [Person; 4] = [Person::User, Person::Phone, Person::Stranger, Person::Newcomer];
    const VERDICTS: [Verdict; 3] = [Verdict::Approve, Verdict::Reject, Verdict::Veto];
    let (choice, number) = (program.byte()?, program.number()?);
    let hours = u64::from(number) * HOUR_MS;
    match choice % 6 {
        0 => {
            let person = PERSONS[program.below(PERSONS.len())?];
            let verdict = VERDICTS[program.below(VERDICTS.len())?];
            let about = replacing_with(survivor.record.replacement().lost(), 3 + choice % 5 / 4);
            let said = person.says(verdict, about, now.wall_ms.saturating_add(hours));
            let _ = survivor.observe(&said, *now);
        }
        1 => {
            now.wall_ms = now.wall_ms.saturating_add(hours);
            now.monotonic_ms = now.monotonic_ms.saturating_add(hours);
        }
        2 => now.wall_ms = now.wall_ms.saturating_sub(hours),
        3 => now.wall_ms = if number % 2 == 0 { u64::MAX } else { 0 },
        4 => *now = Clock { monotonic_ms: hours, run: [choice; 16], ..*now },
        _ => survivor.confirm_clock(*now),
    }
    Some(survivor.decide(*now))
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let said = |person: u8, verdict: u8| vec![0, 0, 200, 0, person, 0, verdict];
    let passed = vec![1, 0, 240];
    let story = |lost: u8, verdict: u8| {
        [vec![0, lost], said(0, verdict), passed.clone(), said(1, verdict), passed.clone()].concat()
    };
    vec![
        story(0, 0),
        story(1, 0),
        [story(1, 2), vec![2, 0, 9, 5, 0, 0, 4, 0, 7]].concat(),
        [story(0, 1), vec![3, 0, 1, 5, 0, 0, 1, 0, 24]].concat(),
    ]
}
