//! Personal messages, sign-ins and bare hashes.

use intent::{Content, Intent, Own, Payload, Refusal, Registry, parse};

use crate::payloads::{CHAIN, OWN};
use crate::scene::{self, ACCOUNT, STRANGER, registry, said};

fn read(message: impl AsRef<[u8]>) -> Result<Intent, Refusal> {
    scene::intent("evm.message", message.as_ref())
}

fn effects(intent: &Intent) -> Vec<String> {
    intent.effects().iter().map(said).collect()
}

fn prehashed(kind: &str, bytes: &[u8]) -> Result<Intent, Refusal> {
    let payload = Payload { kind, chain: CHAIN, bytes };
    parse(&payload, &Own::new(OWN), &Registry::new().unsafe_prehashed())
}

/// The example of ethers.js and viem for `hashMessage`.
#[test]
fn a_message_has_the_digest_of_eip_191() {
    let intent = read("hello world").unwrap();

    let digest = "d9eba16ed0ecae432b71fe008c98cc872bb4cc214d3220a36f365326cf807d68";
    assert_eq!(hex::encode(intent.digest()), digest);
    assert_eq!(intent.kind().digest_kind(), 4);
    assert_eq!(effects(&intent), ["message from own deferred exactly"]);
}

#[test]
fn a_message_of_32_bytes_is_somebodys_hash() {
    assert!(read([b'x'; 31]).is_ok());
    assert_eq!(read([b'x'; 32]), Err(Refusal::MessageIsHash));
    assert!(read([b'x'; 33]).is_ok());

    let allowed = prehashed("evm.message", &[b'x'; 32]).unwrap();
    assert_eq!(effects(&allowed), ["unknown from own deferred perhaps"]);
}

#[test]
fn a_bare_hash_is_read_only_where_the_policy_allows_it() {
    let hash = |bytes: &[u8]| prehashed("evm.hash", bytes);
    assert_eq!(scene::intent("evm.hash", &[1; 32]), Err(Refusal::HashNotAllowed));
    let allowed = hash(&[1; 32]).unwrap();
    assert_eq!(allowed.digest(), [1; 32]);
    assert_eq!(allowed.kind().digest_kind(), 6);
    assert_eq!(effects(&allowed), ["unknown from own deferred perhaps"]);
    for length in [31, 33] {
        assert_eq!(hash(&vec![1; length]).unwrap_err().code(), "length-invalid");
    }
}

/// Texts are a stranger's; they cannot end the value they are in.
#[test]
fn a_text_is_a_value_of_the_description_and_nothing_else() {
    let text = "\",\"effects\":[],\u{202e}\n<script>";
    let intent = read(text).unwrap();
    let description: serde_json::Value = serde_json::from_str(&intent.describe()).unwrap();
    assert_eq!(description["message"]["text"], text);
    assert_eq!(description["effects"].as_array().unwrap().len(), 1);

    let binary = read([0xff, 0xfe]).unwrap();
    let description: serde_json::Value = serde_json::from_str(&binary.describe()).unwrap();
    assert_eq!(description["message"]["text"], serde_json::Value::Null);
    assert_eq!(description["message"]["bytes"], "0xfffe");
}

fn sign_in() -> String {
    [
        "service.example wants you to sign in with your Ethereum account:".to_owned(),
        OWN.to_checksum(None),
        String::new(),
        "I accept the terms.".to_owned(),
        String::new(),
        "URI: https://service.example/login".to_owned(),
        "Version: 1".to_owned(),
        "Chain ID: 1".to_owned(),
        "Nonce: 32891756".to_owned(),
        "Issued At: 2021-09-30T16:25:24Z".to_owned(),
        "Expiration Time: 2021-09-30T16:35:24.000Z".to_owned(),
        "Not Before: 2021-09-30T18:25:24+02:00".to_owned(),
        "Request ID: some-id".to_owned(),
        "Resources:".to_owned(),
        "- https://service.example/a".to_owned(),
        "- ipfs://b".to_owned(),
    ]
    .join("\n")
}

#[test]
fn a_sign_in_is_read_with_its_expiry() {
    let intent = read(sign_in()).unwrap();

    assert_eq!(effects(&intent), ["message from own until 1633019724 deferred exactly"]);
    let Content::EvmMessage(message) = intent.content() else { panic!() };
    let read = message.sign_in.clone().unwrap();
    assert_eq!(read.origin, "service.example");
    assert_eq!(read.statement.as_deref(), Some("I accept the terms."));
    assert_eq!(read.not_before, Some(1_633_019_124));
    assert_eq!(read.resources, ["https://service.example/a", "ipfs://b"]);
    let description: serde_json::Value = serde_json::from_str(&intent.describe()).unwrap();
    assert_eq!(description["message"]["signIn"]["expiresAt"], "1633019724");
}

#[test]
fn a_sign_in_needs_no_statement_and_no_end() {
    let text = sign_in().replace("I accept the terms.\n\n", "\n");
    let end = text.find("\nExpiration").unwrap();
    let intent = read(&text[..end]).unwrap();

    assert_eq!(effects(&intent), ["message from own deferred exactly"]);
    let Content::EvmMessage(message) = intent.content() else { panic!() };
    assert_eq!(message.sign_in.as_ref().unwrap().statement, None);
}

#[test]
fn a_sign_in_is_for_the_account_that_signs_it() {
    let own = OWN.to_checksum(None);
    let of = |other: &str| read(sign_in().replace(&own, other)).map(|_| ());

    assert_eq!(of(&STRANGER.to_checksum(None)), Err(Refusal::SignInForeign));
    assert_eq!(of(&scene::OTHER.to_checksum(None)), Err(Refusal::SignInForeign));
    assert_eq!(of(&ACCOUNT.to_checksum(None)), Ok(()));
    assert_eq!(of(&own.to_lowercase()), Err(Refusal::SignInInvalid));
}

#[test]
fn a_sign_in_is_for_the_declared_chain() {
    let refusal = read(sign_in().replace("Chain ID: 1", "Chain ID: 10")).unwrap_err();
    assert_eq!(refusal.code(), "chain-mismatch");
    let refusal = read(sign_in().replace("Chain ID: 1", "Chain ID: 01")).unwrap_err();
    assert_eq!(refusal.code(), "chain-mismatch");
}

#[test]
fn what_looks_like_a_sign_in_is_one() {
    for (from, to) in [
        ("Version: 1", "Version: 2"),
        ("Nonce: 32891756", "Nonce: 3289175"),
        ("Nonce: 32891756", "Nonce: 3289175!"),
        ("URI: https://service.example/login\n", ""),
        ("URI: ", "URL: "),
        ("Issued At: 2021-09-30T16:25:24Z", "Issued At: yesterday"),
        ("Expiration Time: 2021-09-30T16:35:24.000Z", "Expiration Time: never"),
        ("Not Before: 2021", "Not Before: 1921"),
        ("- ipfs://b", "ipfs://b"),
        ("- ipfs://b", "- ipfs://b\n\nand more"),
        ("I accept", "I\naccept"),
        ("I accept", "I\taccept"),
        ("service.example wants", " wants"),
        ("account:\n", "account:\r\n"),
    ] {
        let text = sign_in().replacen(from, to, 1);
        assert_ne!(text, sign_in(), "{from}");
        assert_eq!(read(&text).map(|_| ()), Err(Refusal::SignInInvalid), "{to:?}");
    }
    assert!(read("nobody wants you to sign in").is_ok());
}

#[test]
fn the_registry_decides_which_smart_accounts_are_ours() {
    let text = sign_in().replace(&OWN.to_checksum(None), &ACCOUNT.to_checksum(None));
    let payload = Payload { kind: "evm.message", chain: CHAIN, bytes: text.as_bytes() };
    assert!(parse(&payload, &Own::new(OWN), &registry()).is_ok());
    let outcome = parse(&payload, &Own::new(OWN), &Registry::new());
    assert_eq!(outcome, Err(Refusal::SignInForeign));
}
