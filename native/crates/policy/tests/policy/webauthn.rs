//! A passkey's yes, and everything that looks like one.

use p256::ecdsa::Signature;
use policy::{
    Approver, ApproverKey, Approvers, Assertion, CeremonyDocument, Clock, Decision,
    MAX_AUTHENTICATOR_DATA_BYTES, MAX_CLIENT_DATA_BYTES, MAX_ORIGIN_BYTES, MAX_ORIGINS,
    PendingRecovery, Refusal, RelyingParty, Role, Signed, SignedDocument, Verdict,
};

use crate::passkeys::{ORIGIN, Passkey, RP_ID, site};
use crate::persons::{DAY_MS, EXPIRY_MS, Person, clock, replacing};

const CHALLENGE: [u8; 32] = [9; 32];

fn document() -> CeremonyDocument {
    CeremonyDocument {
        replacement: replacing(Role::Agent),
        verdict: Verdict::Approve,
        expires_at_ms: EXPIRY_MS,
    }
}

fn verify(passkey: &Passkey) -> Result<(), Refusal> {
    passkey.assert(&CHALLENGE).verify(&passkey.key(), &CHALLENGE)
}

fn big(decimal: &str) -> [u8; 32] {
    decimal.parse::<alloy_primitives::U256>().unwrap().to_be_bytes()
}

/// Made by Safari and by Chrome for `http://localhost:3005`: github.com/base/webauthn-sol, `test/WebAuthn.t.sol` (MIT).
#[test]
fn assertions_of_two_browsers_verify() {
    let challenge = "f631058a3ba1116acce12396fad0a125b5041c43f8e15723709f81aa8d5f4ccf";
    let challenge = hex::decode(challenge).unwrap().try_into().unwrap();
    let x = big("28573233055232466711029625910063034642429572463461595413086259353299906450061");
    let y = big("39367742072897599771788408398752356480431855827262528811857788332151452825281");
    let key: [u8; 33] = [&[2 + (y[31] & 1)], &x[..]].concat().try_into().unwrap();
    let text = "{\"type\":\"webauthn.get\",\"challenge\":\"9jEFijuhEWrM4SOW-tChJbUEHEP44VcjcJ-Bqo1fTM8\",\
                \"origin\":\"http://localhost:3005\"";
    let browsers = [
        (
            "49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d97630500000101",
            format!("{text}}}"),
            "43684192885701841787131392247364253107519555363555461570655060745499568693242",
            "22655632649588629308599201066602670461698485748654492451178007896016452673579",
        ),
        (
            "49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d9763050000010a",
            format!("{text},\"crossOrigin\":false}}"),
            "29739767516584490820047863506833955097567272713519339793744591468032609909569",
            "45947455641742997809691064512762075989493430661170736817032030660832793108102",
        ),
    ];
    let site = RelyingParty::new("localhost".to_owned(), vec!["http://localhost:3005".to_owned()])
        .unwrap();
    for (data, client_data, r, s) in browsers {
        let signature = Signature::from_scalars(big(r), big(s)).unwrap().to_der();
        let data = hex::decode(data).unwrap();
        let assertion =
            Assertion::new(&data, client_data.as_bytes(), signature.as_bytes()).unwrap();
        assert_eq!(assertion.verify(&key, &challenge), Ok(()));
        assert_eq!(assertion.is_for(&site), Ok(()));
        assert_eq!(assertion.verify(&key, &[1; 32]), Err(Refusal::OtherChallenge));
    }
}

#[test]
fn a_touch_without_verification_of_the_person_is_refused() {
    let passkey = Passkey { flags: 0x01, ..Passkey::new(1) };
    assert_eq!(verify(&passkey), Err(Refusal::UserNotVerified));
}

#[test]
fn every_flag_of_the_authenticator_is_judged() {
    let cases = [
        (0x00, Err(Refusal::UserAbsent)),
        (0x04, Err(Refusal::UserAbsent)),
        (0x01, Err(Refusal::UserNotVerified)),
        (0x05, Ok(())),
        (0x0d, Ok(())),
        (0x1d, Ok(())),
        (0x15, Err(Refusal::BadAuthenticatorData)),
        (0x45, Err(Refusal::BadAuthenticatorData)),
        (0x85, Err(Refusal::BadAuthenticatorData)),
    ];
    for (flags, expected) in cases {
        assert_eq!(verify(&Passkey { flags, ..Passkey::new(1) }), expected, "{flags:02x}");
    }
    let extensions = vec![0xa0];
    let unannounced = Passkey { extensions: extensions.clone(), ..Passkey::new(1) };
    assert_eq!(verify(&unannounced), Err(Refusal::BadAuthenticatorData));
    assert_eq!(verify(&Passkey { extensions, flags: 0x85, ..Passkey::new(1) }), Ok(()));
}

#[test]
fn authenticator_data_of_36_bytes_is_refused_and_of_37_is_read() {
    let passkey = Passkey::new(1);
    let (data, client) = (passkey.authenticator_data(), passkey.client_data(&CHALLENGE));
    for (length, expected) in [(0, false), (32, false), (36, false), (37, true)] {
        let cut = &data[..length];
        let signature = passkey.sign(cut, client.as_bytes()).to_der();
        let assertion = Assertion::new(cut, client.as_bytes(), signature.as_bytes()).unwrap();
        let verified = assertion.verify(&passkey.key(), &CHALLENGE);
        assert_eq!(verified.is_ok(), expected);
        assert!(expected || verified == Err(Refusal::BadAuthenticatorData));
        assert_eq!(assertion.is_for(&site()).is_ok(), length >= 32);
    }
}

#[test]
fn client_data_of_anything_else_is_refused_by_name() {
    let base = Passkey::new(1);
    let cases = [
        (Passkey { kind: "webauthn.create", ..base.clone() }, Refusal::OtherCeremony),
        (Passkey { kind: "payment.get", ..base.clone() }, Refusal::OtherCeremony),
        (Passkey { more: ",\"crossOrigin\":true", ..base.clone() }, Refusal::CrossOrigin),
        (
            Passkey { more: ",\"topOrigin\":\"https://evil.example\"", ..base.clone() },
            Refusal::CrossOrigin,
        ),
        (Passkey { more: ",\"crossOrigin\":\"false\"", ..base.clone() }, Refusal::BadClientData),
        (Passkey { more: ",\"type\":\"webauthn.get\"", ..base.clone() }, Refusal::BadClientData),
        (
            Passkey { more: ",\"origin\":\"https://evil.example\"", ..base.clone() },
            Refusal::BadClientData,
        ),
        (Passkey { more: "}{", ..base.clone() }, Refusal::BadClientData),
    ];
    for (passkey, refusal) in cases {
        assert_eq!(verify(&passkey), Err(refusal), "{passkey:?}");
    }
    let grown =
        Passkey { more: ",\"other_keys_can_be_added_here\":\"no template\"", ..base.clone() };
    assert_eq!(verify(&grown), Ok(()));

    let text = base.client_data(&CHALLENGE);
    let challenges = [
        text.replace("CQk\"", "CQl\""),
        text.replace("CQk\"", "CQk=\""),
        text.replace("\"challenge\":", "\"c\":"),
        text.replace("\"type\":\"webauthn.get\",", ""),
    ];
    for changed in challenges {
        assert_ne!(changed, text);
        let result = base.assert_with(&changed).verify(&base.key(), &CHALLENGE);
        assert!(
            matches!(result, Err(Refusal::OtherChallenge | Refusal::BadClientData)),
            "{changed}"
        );
    }
}

#[test]
fn an_assertion_for_another_site_or_page_speaks_for_nobody() {
    let listed = [Approver { role: Role::User, key: Passkey::new(1).approver_key() }];
    let approvers = Approvers::with_passkeys(&listed, site()).unwrap();
    let role = |passkey: &Passkey| passkey.says(document()).role(&approvers);
    let base = Passkey::new(1);
    assert_eq!(role(&base), Ok(Role::User));
    assert_eq!(role(&Passkey::new(2)), Err(Refusal::UnknownApprover));

    let phished = Passkey { rp_id: "evil.example", ..base.clone() };
    assert_eq!(role(&phished), Err(Refusal::OtherRelyingParty));
    for origin in [RP_ID, "http://approve.wallet.example", "https://approve.wallet.example:444", ""]
    {
        assert_eq!(
            role(&Passkey { origin, ..base.clone() }),
            Err(Refusal::OtherOrigin),
            "{origin}"
        );
    }
}

#[test]
fn a_signature_of_another_key_or_over_anything_else_is_refused() {
    let (passkey, other) = (Passkey::new(1), Passkey::new(2));
    let assertion = passkey.assert(&CHALLENGE);
    assert_eq!(assertion.verify(&other.key(), &CHALLENGE), Err(Refusal::BadSignature));

    let (data, client) = (passkey.authenticator_data(), passkey.client_data(&CHALLENGE));
    let signature = passkey.sign(&data, client.as_bytes()).to_der();
    let counted = [&data[..36], &[8]].concat();
    let spaced = client.replace("{\"type\"", "{ \"type\"");
    for (data, client) in [(&counted, &client), (&data, &spaced)] {
        let forged = Assertion::new(data, client.as_bytes(), signature.as_bytes()).unwrap();
        assert_eq!(forged.verify(&passkey.key(), &CHALLENGE), Err(Refusal::BadSignature));
    }
}

#[test]
fn both_halves_of_the_range_of_s_are_taken_and_no_other_form_of_a_signature() {
    let passkey = Passkey::new(1);
    let (data, client) = (passkey.authenticator_data(), passkey.client_data(&CHALLENGE));
    let low = passkey.sign(&data, client.as_bytes());
    let low = low.normalize_s().unwrap_or(low);
    let high = Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
    for signature in [low, high] {
        let der = signature.to_der();
        let assertion = Assertion::new(&data, client.as_bytes(), der.as_bytes()).unwrap();
        assert_eq!(assertion.verify(&passkey.key(), &CHALLENGE), Ok(()));

        let (der, raw) = (der.as_bytes(), signature.to_bytes());
        let padded = [&[0x30, der[1] + 1, 0x02, der[3] + 1, 0], &der[4..]].concat();
        for bytes in [&raw[..], &der[..der.len() - 1], &[der, &[0]].concat(), &padded, &[]] {
            let result = Assertion::new(&data, client.as_bytes(), bytes);
            assert_eq!(result, Err(Refusal::Malformed));
        }
    }
    let zero = [0x30, 6, 2, 1, 0, 2, 1, 1];
    assert_eq!(Assertion::new(&data, client.as_bytes(), &zero), Err(Refusal::Malformed));
}

#[test]
fn longer_data_than_a_browser_writes_is_refused() {
    let passkey = Passkey::new(1);
    let signature = passkey.sign(&[], &[]).to_der();
    let made = |data: usize, client: usize| {
        Assertion::new(&vec![0; data], &vec![b' '; client], signature.as_bytes()).is_ok()
    };
    let (data, client) = (MAX_AUTHENTICATOR_DATA_BYTES, MAX_CLIENT_DATA_BYTES);
    assert!(made(data - 1, client - 1) && made(data, client));
    assert!(!made(data + 1, client) && !made(data, client + 1));
}

#[test]
fn a_document_signed_by_a_passkey_with_any_changed_bit_is_refused() {
    let said = Passkey::new(1).says(document());
    let bytes = said.encode();
    assert_eq!(SignedDocument::decode(&bytes), Ok(said));
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
fn a_passkey_is_a_point_in_compressed_form() {
    let key = Passkey::new(1).key();
    let tags = (0..=255).map(|tag| (tag, [&[tag], &key[1..]].concat().try_into().unwrap()));
    for (tag, key) in tags {
        let expected = if matches!(tag, 2 | 3) { Ok(()) } else { Err(Refusal::BadKey) };
        assert_eq!(ApproverKey::Passkey(key).check(), expected, "{tag}");
    }
    let mut large = [0xff; 33];
    large[0] = 2;
    assert_eq!(ApproverKey::Passkey(large).check(), Err(Refusal::BadKey));
    let assertion = Passkey::new(1).assert(&CHALLENGE);
    assert_eq!(assertion.verify(&large, &CHALLENGE), Err(Refusal::BadKey));
}

#[test]
fn a_list_with_passkeys_names_their_site() {
    let listed = [Approver { role: Role::User, key: Passkey::new(1).approver_key() }];
    assert_eq!(Approvers::new(&listed), Err(Refusal::NoRelyingParty));
    assert!(Approvers::with_passkeys(&listed, site()).is_ok());

    let without = Approvers::new(&[]).unwrap();
    assert_eq!(Passkey::new(1).says(document()).role(&without), Err(Refusal::UnknownApprover));
}

#[test]
fn a_site_has_a_domain_and_one_to_eight_plain_origins() {
    let make = |id: &str, origins: Vec<String>| RelyingParty::new(id.to_owned(), origins).is_ok();
    let some = |count: usize| (0..count).map(|number| format!("https://{number}")).collect();
    assert!(!make(RP_ID, some(0)) && make(RP_ID, some(1)));
    assert!(make(RP_ID, some(MAX_ORIGINS)) && !make(RP_ID, some(MAX_ORIGINS + 1)));
    let long = |length: usize| "x".repeat(length);
    assert!(make(&long(MAX_ORIGIN_BYTES), vec![long(MAX_ORIGIN_BYTES)]));
    assert!(!make(&long(MAX_ORIGIN_BYTES + 1), some(1)));
    assert!(!make(RP_ID, vec![long(MAX_ORIGIN_BYTES + 1)]));
    assert!(!make("", some(1)) && !make(RP_ID, vec![String::new()]));
    assert!(!make(RP_ID, vec![ORIGIN.to_owned(), ORIGIN.to_owned()]));
    assert!(!make(RP_ID, vec!["https://a b".to_owned()]) && !make("w\u{e4}llet", some(1)));
}

#[test]
fn a_recovery_is_approved_by_a_passkey_and_by_a_device_key() {
    let listed = [
        Approver { role: Role::User, key: Passkey::new(1).approver_key() },
        Approver { role: Role::Recovery, key: Person::Guardian.key().into() },
    ];
    let approvers = Approvers::with_passkeys(&listed, site()).unwrap();
    let mut record = PendingRecovery::new(replacing(Role::Agent), clock(0));
    record.observe(&Passkey::new(1).says(document()), &approvers, clock(0)).unwrap();
    let yes = Person::Guardian.says(Verdict::Approve, replacing(Role::Agent), EXPIRY_MS);
    record.observe(&yes, &approvers, clock(0)).unwrap();
    let mut read = PendingRecovery::decode(&record.encode()).unwrap();
    assert_eq!(read.decide(&approvers, clock(0)), Decision::Approved);
}

#[test]
fn a_record_of_sixteen_passkeys_and_a_no_whose_browsers_wrote_all_they_may_is_read_back() {
    let passkeys: Vec<Passkey> = (1..=16).map(Passkey::new).collect();
    let listed: Vec<Approver> = passkeys
        .iter()
        .map(|passkey| Approver { role: Role::Recovery, key: passkey.approver_key() })
        .collect();
    let approvers = Approvers::with_passkeys(&listed, site()).unwrap();
    let said = |passkey: &Passkey, verdict| {
        let document = CeremonyDocument {
            replacement: replacing(Role::User),
            verdict,
            expires_at_ms: clock(DAY_MS).wall_ms,
        };
        let extensions = vec![0; MAX_AUTHENTICATOR_DATA_BYTES - 37];
        let full = Passkey { extensions, flags: 0x85, ..passkey.clone() };
        let text = full.client_data(&document.hash());
        let text = format!("{text}{}", " ".repeat(MAX_CLIENT_DATA_BYTES - text.len()));
        Signed::with_passkey(document, full.key(), full.assert_with(&text)).unwrap()
    };
    let start: Clock = clock(0);
    let mut record = PendingRecovery::new(replacing(Role::User), start);
    for passkey in &passkeys {
        record.observe(&said(passkey, Verdict::Approve), &approvers, start).unwrap();
    }
    record.observe(&said(&passkeys[0], Verdict::Reject), &approvers, start).unwrap();
    assert!(record.encode().len() > PendingRecovery::MAX_BYTES - 8_000);
    assert_eq!(PendingRecovery::decode(&record.encode()), Ok(record));
}
