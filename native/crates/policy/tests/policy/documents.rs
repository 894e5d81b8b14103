//! What approvers sign: its bytes, and everything else that is not those bytes.

use ed25519_dalek::Signer;
use policy::{
    Approver, Approvers, CeremonyDocument, MAX_APPROVERS, MAX_DOCUMENT_BYTES, Refusal, Replacement,
    Role, SignedDocument, Verdict,
};
use tagged_hash::{hash, tags};

use crate::persons::{EXPIRY_MS, Person, replacing};

fn document(lost: Role, verdict: Verdict) -> CeremonyDocument {
    CeremonyDocument { replacement: replacing(lost), verdict, expires_at_ms: EXPIRY_MS }
}

/// Any text, well signed by the owner.
fn signed(text: &str) -> Vec<u8> {
    let hash = hash(tags::DOC_CEREMONY, &[text.as_bytes()]);
    let signature = Person::User.signing_key().sign(&hash).to_bytes();
    [&[1], &Person::User.key()[..], &signature, text.as_bytes()].concat()
}

/// The documents and signatures of another implementation (`golden/README.md`).
#[test]
fn every_old_document_is_read_by_this_version() {
    let golden = [
        (Person::User, Role::Recovery, Verdict::Approve, include_str!("golden/approve.hex")),
        (Person::Guardian, Role::Agent, Verdict::Reject, include_str!("golden/reject.hex")),
        (Person::User, Role::User, Verdict::Veto, include_str!("golden/veto.hex")),
    ];
    for (person, lost, verdict, bytes) in golden {
        let bytes = hex::decode(bytes.trim()).unwrap();
        let said = person.says(verdict, replacing(lost), EXPIRY_MS);
        assert_eq!(said.encode(), bytes);
        assert_eq!(SignedDocument::decode(&bytes), Ok(said));
    }
}

#[test]
fn a_document_is_canonical_json_with_sorted_names() {
    let text = String::from_utf8(document(Role::User, Verdict::Veto).encode()).unwrap();
    let names: Vec<&str> =
        text.split("\":").filter_map(|part| part.rsplit('"').next()).take(9).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.len(), 9);
}

#[test]
fn a_signed_document_with_any_changed_bit_is_refused() {
    let bytes = Person::User.says(Verdict::Approve, replacing(Role::Recovery), EXPIRY_MS).encode();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(SignedDocument::decode(&changed).is_err(), "byte {at}, bit {bit}");
        }
        assert!(SignedDocument::decode(&bytes[..at]).is_err());
    }
    assert!(SignedDocument::decode(&[&bytes[..], b" "].concat()).is_err());
}

#[test]
fn a_well_signed_text_that_is_no_canonical_document_is_refused() {
    let text = String::from_utf8(document(Role::User, Verdict::Veto).encode()).unwrap();
    assert!(SignedDocument::decode(&signed(&text)).is_ok());

    let cases = [
        text.replace("veto", "Veto"),
        text.replace("veto", "withdraw"),
        text.replace("\"kind\":\"recover\"", "\"kind\":\"refresh\""),
        text.replace("ceremony@1", "ceremony@2"),
        text.replace("\"lost\":\"user\"", "\"lost\":\"nobody\""),
        text.replace("\"expiresAt\":\"1", "\"expiresAt\":\"01"),
        text.replace("\"expiresAt\":\"1", "\"expiresAt\":\"+1"),
        text.replace("\"expiresAt\":\"1", "\"expiresAt\":\"-1"),
        text.replace("\"expiresAt\":\"1", "\"expiresAt\":\"99999999"),
        text.replace("\"lost\"", " \"lost\""),
        text.replace("}", ",\"zone\":1}"),
        text.replace("\"schema\"", "\"newApprover\":null,\"schema\""),
        text.replace("\"walletId\":\"AQ", "\"walletId\":\""),
        text.replace("\"walletId\":\"AQ", "\"walletId\":\"AQAQ"),
        format!("{text}{}", " ".repeat(MAX_DOCUMENT_BYTES)),
        String::new(),
    ];
    for case in cases {
        assert_ne!(case, text);
        assert_eq!(SignedDocument::decode(&signed(&case)), Err(Refusal::Malformed), "{case}");
    }
}

#[test]
fn a_replacement_changes_the_roster_and_names_an_approver_where_a_person_stands() {
    let key = Some(Person::Newcomer.key());
    let make = |lost, new, approver| Replacement::new([1; 32], lost, [2; 32], [new; 32], approver);
    assert_eq!(make(Role::Agent, 2, None), Err(Refusal::Impossible));
    assert_eq!(make(Role::Agent, 3, key), Err(Refusal::Impossible));
    assert_eq!(make(Role::User, 3, None), Err(Refusal::Impossible));
    assert_eq!(make(Role::Recovery, 3, None), Err(Refusal::Impossible));
    assert_eq!(make(Role::User, 3, Some([0; 32])), Err(Refusal::BadKey));
    assert!(make(Role::User, 3, key).is_ok());

    let text = String::from_utf8(document(Role::User, Verdict::Veto).encode()).unwrap();
    let nobody = text.replace("\"lost\":\"user\"", "\"lost\":\"agent\"");
    assert_eq!(SignedDocument::decode(&signed(&nobody)), Err(Refusal::Impossible));
}

#[test]
fn the_longest_document_is_shorter_than_the_cap() {
    let longest = CeremonyDocument {
        replacement: replacing(Role::Recovery),
        verdict: Verdict::Approve,
        expires_at_ms: u64::MAX,
    };
    assert_eq!(longest.encode().len(), 358);
    assert_eq!(CeremonyDocument::decode(&longest.encode()), Ok(longest));
}

#[test]
fn a_signature_serves_one_document_and_one_key() {
    let said = Person::User.says(Verdict::Approve, replacing(Role::Agent), EXPIRY_MS);
    let signature = said.encode()[33..97].try_into().unwrap();
    let others = [
        document(Role::Agent, Verdict::Reject),
        document(Role::Recovery, Verdict::Approve),
        CeremonyDocument { expires_at_ms: EXPIRY_MS + 1, ..*said.document() },
    ];
    for other in others {
        let result = SignedDocument::new(other, Person::User.key(), signature);
        assert_eq!(result, Err(Refusal::BadSignature));
    }
    let result = SignedDocument::new(*said.document(), Person::Guardian.key(), signature);
    assert_eq!(result, Err(Refusal::BadSignature));
}

/// Points of order 1, 2 and 8, a key that is no point, and the encoding of y = 0 as p.
const BAD_KEYS: [&str; 5] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "0200000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn keys_of_small_order_and_keys_in_another_form_are_refused() {
    let noncanonical: Vec<[u8; 32]> = (0..19)
        .map(|above| {
            let mut key = [0xff; 32];
            (key[0], key[31]) = (0xed + above, 0x7f);
            key
        })
        .collect();
    let listed = BAD_KEYS.map(|key| hex::decode(key).unwrap().try_into().unwrap());
    for key in listed.into_iter().chain(noncanonical) {
        let document = document(Role::Agent, Verdict::Approve);
        assert_eq!(SignedDocument::new(document, key, [0; 64]), Err(Refusal::BadKey));
        assert_eq!(
            Approvers::new(&[Approver { role: Role::User, key: key.into() }]),
            Err(Refusal::BadKey)
        );
    }
}

#[test]
fn a_signature_with_a_larger_scalar_is_refused() {
    // The order of the group, little-endian.
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let said = Person::User.says(Verdict::Approve, replacing(Role::Agent), EXPIRY_MS);
    let mut bytes = said.encode();
    let mut carry = 0;
    for (byte, add) in bytes[65..97].iter_mut().zip(hex::decode(order).unwrap()) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(SignedDocument::decode(&bytes), Err(Refusal::BadSignature));
}

#[test]
fn a_list_of_approvers_has_sound_keys_that_speak_for_one_role() {
    let [user, phone, guardian] = [Person::User, Person::Phone, Person::Guardian];
    let list = |entries: &[(Role, Person)]| {
        let entries =
            entries.iter().map(|(role, person)| Approver { role: *role, key: person.key().into() });
        Approvers::new(&entries.collect::<Vec<_>>())
    };
    let doubled = list(&[
        (Role::User, user),
        (Role::User, phone),
        (Role::User, user),
        (Role::Recovery, guardian),
    ])
    .unwrap();
    assert_eq!(doubled.role_of(&phone.key().into()), Some(Role::User));
    assert_eq!(doubled.role_of(&guardian.key().into()), Some(Role::Recovery));
    assert_eq!(doubled.role_of(&Person::Stranger.key().into()), None);
    assert_eq!(list(&[(Role::User, user), (Role::Recovery, user)]), Err(Refusal::KeyOfTwoRoles));
    assert_eq!(list(&[(Role::Agent, user)]), Err(Refusal::RoleWithoutApprovers));
    assert!(list(&[(Role::User, user); MAX_APPROVERS]).is_ok());
    assert_eq!(list(&[(Role::User, user); MAX_APPROVERS + 1]), Err(Refusal::TooManyApprovers));
}

#[test]
fn a_newcomer_whose_approver_speaks_for_another_party_is_not_approved() {
    use crate::persons::{Survivor, clock};
    let to_guardian =
        Replacement::new([1; 32], Role::User, [2; 32], [3; 32], Some(Person::Guardian.key()))
            .unwrap();
    let mut survivor = Survivor::of(Role::User);
    survivor.record = policy::PendingRecovery::new(to_guardian, clock(0));

    let yes = Person::Guardian.says(Verdict::Approve, to_guardian, EXPIRY_MS);

    assert_eq!(survivor.observe(&yes, clock(0)), Err(Refusal::KeyOfTwoRoles));
}
