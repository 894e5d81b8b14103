//! What a survivor stores about a pending recovery.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use policy::{
    Approver, Approvers, CeremonyDocument, Decision, PendingRecovery, Refusal, Role,
    SignedDocument, Verdict,
};
use tagged_hash::{hash, tags};

use crate::persons::{
    DAY_MS, EXPIRY_MS, NOW_MS, Person, Survivor, approvers, clock, delay_ms, replacing, required,
};

/// The JSON of a record.
fn text(record: &[u8]) -> String {
    String::from_utf8(record[32..].to_vec()).unwrap()
}

/// JSON as a record with a true checksum.
fn sealed(json: &str) -> Vec<u8> {
    [&hash(tags::PENDING_RECOVERY, &[json.as_bytes()])[..], json.as_bytes()].concat()
}

/// Halfway through the delay, or with one of two approvals.
fn undecided(lost: Role) -> Survivor {
    let mut survivor = Survivor::of(lost);
    let yes = required(lost)[0].says(Verdict::Approve, replacing(lost), EXPIRY_MS);
    survivor.observe(&yes, clock(0)).unwrap();
    survivor.decide(clock(DAY_MS));
    survivor
}

#[test]
fn a_record_with_any_changed_bit_is_damaged() {
    let bytes = undecided(Role::User).record.encode();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(PendingRecovery::decode(&changed), Err(Refusal::Damaged));
        }
        assert_eq!(PendingRecovery::decode(&bytes[..at]), Err(Refusal::Damaged));
    }
    assert_eq!(PendingRecovery::decode(&[&bytes[..], &[0]].concat()), Err(Refusal::Damaged));
}

#[test]
fn no_changed_byte_under_a_true_checksum_is_an_approval_that_was_not_given() {
    for lost in Role::ALL {
        let bytes = Survivor::of(lost).record.encode();
        let undecided = undecided(Role::Agent).record.encode();
        for bytes in [bytes, undecided] {
            for at in 32..bytes.len() {
                for bit in 0..8 {
                    let mut json = bytes[32..].to_vec();
                    json[at - 32] ^= 1 << bit;
                    let sum = hash(tags::PENDING_RECOVERY, &[&json]);
                    let Ok(mut read) = PendingRecovery::decode(&[&sum[..], &json].concat()) else {
                        continue;
                    };
                    assert_eq!(read.encode()[32..], json);
                    let decision = read.decide(&approvers(), clock(10 * DAY_MS));
                    assert_ne!(decision, Decision::Approved);
                }
            }
        }
    }
}

#[test]
fn a_record_that_contradicts_itself_is_damaged_even_under_a_true_checksum() {
    let approval = text(&undecided(Role::User).record.encode());
    let ended = {
        let mut survivor = Survivor::of(Role::User);
        let veto = Person::User.says(Verdict::Veto, replacing(Role::User), EXPIRY_MS);
        survivor.observe(&veto, clock(0)).unwrap();
        text(&survivor.record.encode())
    };
    let document = |text: &str, start: &str| {
        let from = text.find(start).unwrap() + start.len();
        text[from..].split('"').next().unwrap().to_owned()
    };
    let (yes, veto) = (document(&approval, "\"approvals\":[\""), document(&ended, "\"end\":\""));
    let waited = delay_ms(Role::User) + 1;
    let cases = [
        approval.replace(&yes, &veto),
        ended.replace(&veto, &yes),
        approval.replace(&format!("[\"{yes}\"]"), &format!("[\"{yes}\",\"{yes}\"]")),
        approval.replace("\"waited\":\"86400000\"", &format!("\"waited\":\"{waited}\"")),
        approval.replace("\"waited\":\"86400000\"", "\"waited\":\"086400000\""),
        approval.replace("\"monotonic\":\"86405000\"", "\"monotonic\":\"4999\""),
        approval.replace(
            &format!("\"latestWall\":\"{}\"", NOW_MS + DAY_MS),
            &format!("\"latestWall\":\"{}\"", NOW_MS - 1),
        ),
        approval.replace("\"lost\":\"user\"", "\"lost\":\"recovery\""),
        approval.replace("\"lost\":\"user\"", "\"lost\":\"agent\""),
        approval.replace("pending-recovery@1", "pending-recovery@2"),
    ];
    for json in cases {
        assert!(json != approval && json != ended, "{json}");
        let result = PendingRecovery::decode(&sealed(&json));
        assert_eq!(result, Err(Refusal::Damaged), "{json}");
    }
}

/// A verdict on replacing the User by one of many Recovery approvers.
fn said(seed: u8, verdict: Verdict) -> SignedDocument {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let document = CeremonyDocument {
        replacement: replacing(Role::User),
        verdict,
        expires_at_ms: NOW_MS + DAY_MS,
    };
    let signature = key.sign(&document.hash()).to_bytes();
    SignedDocument::new(document, key.verifying_key().to_bytes(), signature).unwrap()
}

/// A record with the approvals of so many.
fn crowded(approvals: u8) -> Vec<u8> {
    let mut all: Vec<SignedDocument> =
        (100..100 + approvals).map(|seed| said(seed, Verdict::Approve)).collect();
    all.sort_by_key(|signed| *signed.key());
    let list: Vec<String> = all
        .iter()
        .map(|signed| format!("\"{}\"", Base64UrlUnpadded::encode_string(&signed.encode())))
        .collect();
    let empty = text(&Survivor::of(Role::User).record.encode());
    sealed(&empty.replace("\"approvals\":[]", &format!("\"approvals\":[{}]", list.join(","))))
}

#[test]
fn a_record_with_every_approver_and_a_no_is_read_back_and_a_longer_one_is_not_read() {
    let mut record = PendingRecovery::decode(&crowded(16)).unwrap();
    let listed: Vec<Approver> = (100..116)
        .map(|seed| Approver { role: Role::Recovery, key: *said(seed, Verdict::Reject).key() })
        .collect();
    let approvers = Approvers::new(&listed).unwrap();
    record.observe(&said(100, Verdict::Reject), &approvers, clock(0)).unwrap();
    assert_eq!(PendingRecovery::decode(&record.encode()), Ok(record));

    let longest = (16..90).map(crowded).take_while(|bytes| PendingRecovery::decode(bytes).is_ok());
    let longest = longest.map(|bytes| bytes.len()).max().unwrap();
    assert!((PendingRecovery::MAX_BYTES - 700..=PendingRecovery::MAX_BYTES).contains(&longest));
}

#[test]
fn a_record_does_not_grow_with_what_is_sent_again() {
    let mut survivor = Survivor::of(Role::User);
    let lengths: Vec<usize> = (0..50)
        .map(|step| {
            let yes =
                Person::Guardian.says(Verdict::Approve, replacing(Role::User), EXPIRY_MS + step);
            survivor.observe(&yes, clock(0)).unwrap();
            survivor.record.encode().len()
        })
        .collect();
    assert!(lengths.iter().all(|length| *length == lengths[0]));
}

#[test]
fn every_old_record_is_read_by_this_version() {
    let bytes = hex::decode(include_str!("golden/pending-recovery.hex").trim()).unwrap();
    assert_eq!(undecided(Role::User).record.encode(), bytes);
}

#[test]
fn a_record_knows_whose_signatures_it_keeps() {
    let mut survivor = Survivor::of(Role::User);
    assert!(!survivor.record.is_signed_by(&Person::Guardian.key().into()));

    let yes = Person::Guardian.says(Verdict::Approve, replacing(Role::User), EXPIRY_MS);
    survivor.observe(&yes, clock(0)).unwrap();
    assert!(survivor.record.is_signed_by(&Person::Guardian.key().into()));
    assert!(!survivor.record.is_signed_by(&Person::User.key().into()));

    let veto = Person::User.says(Verdict::Veto, replacing(Role::User), EXPIRY_MS);
    survivor.observe(&veto, clock(0)).unwrap();
    assert!(survivor.record.is_signed_by(&Person::User.key().into()));
}

#[test]
fn a_record_is_spent_when_all_that_it_keeps_is_approvals_that_lapsed() {
    let expiry = NOW_MS + DAY_MS;
    let mut survivor = Survivor::of(Role::Agent);
    assert!(!survivor.record.clone().is_spent(&approvers(), clock(2 * DAY_MS)), "nothing was said");

    let mut survivor_with = |verdict, until| {
        let said = Person::User.says(verdict, replacing(Role::Agent), until);
        survivor.observe(&said, clock(0)).unwrap();
        survivor.record.clone()
    };
    let mut approved = survivor_with(Verdict::Approve, expiry);
    assert!(!approved.clone().is_spent(&approvers(), clock(DAY_MS - 1)));
    assert!(approved.is_spent(&approvers(), clock(DAY_MS)));
    let mut rejected = survivor_with(Verdict::Reject, expiry);
    assert!(!rejected.is_spent(&approvers(), clock(2 * DAY_MS)), "a no is kept");
}

#[test]
fn a_clock_that_is_not_believed_makes_no_record_spent() {
    let mut survivor = Survivor::of(Role::Agent);
    let yes = Person::User.says(Verdict::Approve, replacing(Role::Agent), NOW_MS + DAY_MS);
    survivor.observe(&yes, clock(0)).unwrap();
    let jumped = policy::Clock { wall_ms: NOW_MS + 2 * DAY_MS, ..clock(0) };

    assert!(!survivor.record.is_spent(&approvers(), jumped));
}
