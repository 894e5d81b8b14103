//! The policy as a document: one form, checked, with the place of what is wrong.

use base64ct::{Base64UrlUnpadded, Encoding};
use policy::rulebook::{ApproverKey, MAX_LIST, MAX_POLICY_BYTES, MAX_RULES};
use policy::rulebook::{PolicyApprover, PolicyConfig, PolicyDocument, WEBAUTHN_KEY_BYTES};
use policy::{MAX_APPROVERS, Role};
use serde_json::{Value, json};

use crate::persons::Person;
use crate::requests::*;
use crate::spending_limits::principal;

fn limit() -> Value {
    json!({ "id": "daily", "type": "spendingLimits", "asset": ETH, "daily": "10" })
}

fn full() -> Value {
    json!({
        "allotments": { "recovery": 10, "user": 90 },
        "contracts": [
            { "address": USDC_CONTRACT, "kind": { "type": "erc20", "decimals": 6 } },
            { "address": somebody(1).as_str(), "kind": { "type": "router", "version": "1.2" } },
            { "address": somebody(2).as_str(), "kind": { "type": "other", "functions": ["stake(uint256)"] } }
        ],
        "customRules": [{ "id": "kyc", "roles": ["agent", "user"] }],
        "exceptions": [
            { "type": "message", "domain": { "type": "text" } },
            { "type": "unknownCall", "contract": USDC_CONTRACT, "selector": "11223344" }
        ],
        "principals": [principal("bot", 8)],
        "quorums": { "loosen": { "recovery": 1, "user": 2 } },
        "rules": [
            limit(),
            { "id": "list", "type": "whitelist", "chain": CHAIN, "recipients": [somebody(1).as_str()], "principal": "bot" },
            { "id": "hours", "type": "businessHours", "days": ["mon"], "start": "22:00", "end": "06:00", "timeZone": "Europe/Berlin" },
            { "id": "calls", "type": "contractRestrictions", "arguments": [
                { "contract": USDC_CONTRACT, "selector": "0x11223344", "argument": 0, "check": { "atMost": "7" } }
            ] }
        ]
    })
}

fn sorted_keys(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(sorted_keys),
        Value::Object(members) => members.keys().is_sorted() && members.values().all(sorted_keys),
        _ => true,
    }
}

#[test]
fn a_document_is_read_as_it_was_written() {
    let first = document(full());
    let second = first.next(read(json!({ "rules": [limit()] })), approvers()).unwrap();

    for document in [&first, &second] {
        let read = PolicyDocument::decode(document.bytes()).unwrap();
        assert_eq!(&read, document);
        assert_eq!(read.hash(), document.hash());
    }
    assert_eq!((first.version(), first.previous()), (1, None));
    assert_eq!((second.version(), second.previous()), (2, Some(&first.hash())));
}

#[test]
fn its_text_has_sorted_keys_and_nothing_else_is_read() {
    let bytes = document(full()).bytes().to_vec();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(sorted_keys(&serde_json::from_str(&text).unwrap()));

    let refused = |text: String| PolicyDocument::decode(text.as_bytes()).unwrap_err().to_string();
    let canonical = "policy: not in canonical form (RFC 8785), or a default is left out";
    assert_eq!(refused(format!(" {text}")), canonical);
    assert_eq!(refused(text.replace("\":", "\": ")), canonical);
    assert_eq!(refused(text.replace("\"permissive\":false,", "")), canonical);
    assert_eq!(refused(text.replace("0x11223344", "11223344")), canonical);
    assert_eq!(
        refused(text.replace(somebody(1).as_str(), &somebody(1).as_str().to_lowercase())),
        canonical
    );
    assert!(refused(format!("{text}x")).contains("trailing"));
}

#[test]
fn the_hash_is_over_the_bytes() {
    let document = document(json!({ "rules": [limit()] }));
    assert_eq!(
        String::from_utf8_lossy(document.bytes()),
        include_str!("golden/policy.json").trim_end()
    );
    assert_eq!(hex::encode(document.hash()), include_str!("golden/policy-hash.hex").trim_end());
}

#[test]
fn a_version_names_the_one_before_and_the_first_names_none() {
    let text = String::from_utf8(document(full()).bytes().to_vec()).unwrap();
    let previous = "is in every version but 1, which is the first";
    for version in ["\"version\":\"2\"", "\"version\":\"0\""] {
        let changed = text.replace("\"version\":\"1\"", version);
        let error = PolicyDocument::decode(changed.as_bytes()).unwrap_err();
        assert_eq!((error.path.as_str(), error.reason.as_str()), ("previous", previous));
    }
    let second = document(full()).next(read(full()), approvers()).unwrap();
    let text = String::from_utf8(second.bytes().to_vec()).unwrap();
    let changed = text.replace("\"version\":\"2\"", "\"version\":\"1\"");
    assert_eq!(PolicyDocument::decode(changed.as_bytes()).unwrap_err().path, "previous");
}

/// What a config with one member changed is refused for.
fn wrong(pointer: &str, value: Value) -> String {
    let mut members = full();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = members.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items.push(value),
        _ => parent[name] = value,
    }
    refusal(members)
}

#[test]
fn an_error_names_the_place_and_the_rule() {
    let account = "eip155:1:0x00";
    for (pointer, value, expected) in [
        ("/extra", json!(1), "extra: unknown field `extra`, expected one of"),
        ("/rules/0/extra", json!(1), "rules[0].extra: unknown field `extra`"),
        ("/rules/0/daily", json!(10), "rules[0].daily: invalid type"),
        ("/rules/0/daily", json!("1.5"), "rules[0].daily: not a whole number in decimal text"),
        ("/rules/0/daily", json!("01"), "rules[0].daily: not a whole number in decimal text"),
        ("/rules/0/daily", json!("-1"), "rules[0].daily: not a whole number in decimal text"),
        ("/rules/0/asset", json!("eip155:1"), "rules[0].asset: not an asset"),
        ("/rules/0/type", json!("limits"), "rules[0].type: no rule is of type \"limits\""),
        ("/rules/0/type", json!(7), "rules[0].type: not text"),
        ("/rules/0/id", json!(""), "rules[0].id: must be 1 to 64"),
        ("/rules/0/id", json!("a/b"), "rules[0].id: must be 1 to 64"),
        ("/rules/0/id", json!("kyc"), "customRules: \"kyc\" is a rule's id"),
        ("/rules/0/timeZone", json!("Europe/Bonn"), "rules[0].timeZone: not a time zone"),
        ("/rules/0/timeZone", json!("europe/berlin"), "rules[0].timeZone: not a time zone"),
        ("/rules/1/recipients/-", json!(account), "rules[1].recipients[1]: not an EVM address"),
        (
            "/rules/1/recipients/-",
            json!(somebody(1).as_str()),
            "rules[1].recipients[1]: is there twice",
        ),
        (
            "/rules/1/chain",
            json!("eip155:10"),
            "rules[1].recipients[0]: is on another chain than the rule",
        ),
        ("/rules/1/principal", json!("nobody"), "rules[1].principal: no principal \"nobody\""),
        ("/rules/2/start", json!("6:00"), "rules[2].start: not a time of the day"),
        ("/rules/2/start", json!("06:00"), "rules[2].start: begins no hours"),
        ("/rules/2/end", json!("24:01"), "rules[2].end: not a time of the day"),
        ("/rules/2/days", json!([]), "rules[2].days: is empty"),
        ("/rules/2/days/-", json!("mon"), "rules[2].days[1]: is there twice"),
        (
            "/rules/3/blockedSelectors",
            json!(["0x112233"]),
            "rules[3].blockedSelectors[0]: a selector has 4 bytes",
        ),
        (
            "/rules/3/allowedSelectors",
            json!(["0x1122334455"]),
            "rules[3].allowedSelectors[0]: a selector has 4 bytes",
        ),
        (
            "/rules/3/arguments/0/selector",
            json!("0x112233"),
            "rules[3].arguments[0].selector: a selector has 4 bytes",
        ),
        ("/rules/-", json!({ "type": "velocity" }), "rules[4].id: is missing"),
        ("/rules/-", json!({ "id": "x" }), "rules[4].type: is missing"),
        ("/rules/-", json!([]), "rules[4]: not an object"),
        ("/rules/-", limit(), "rules[4]: is there twice"),
        (
            "/rules/-",
            json!({ "id": "x", "type": "spendingLimits", "asset": ETH }),
            "rules[4]: names no limit",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "spendingLimits", "asset": ETH, "perTransaction": "1", "timeZone": "UTC" }),
            "rules[4].timeZone: is for a daily",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "feeLimits", "asset": USDC, "daily": "1" }),
            "rules[4].asset: fees are of a native asset",
        ),
        ("/rules/-", json!({ "id": "x", "type": "timeBounds" }), "rules[4]: names no time"),
        (
            "/rules/-",
            json!({ "id": "x", "type": "timeBounds", "notBefore": "2", "notAfter": "2" }),
            "rules[4].notAfter: is not after",
        ),
        ("/rules/-", json!({ "id": "x", "type": "approvalThreshold" }), "rules[4]: names neither"),
        (
            "/rules/-",
            json!({ "id": "x", "type": "approvalThreshold", "above": "1" }),
            "rules[4]: an amount and its asset",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "approvalThreshold", "kinds": ["call"], "quorum": { "recovery": 0, "user": 0 } }),
            "rules[4].quorum: names nobody",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "approvalThreshold", "kinds": ["steal"] }),
            "rules[4].kinds[0]: unknown variant `steal`",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "velocity", "count": 1, "windowMs": "0" }),
            "rules[4].windowMs: must be",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "velocity", "count": 1, "windowMs": "2678400001" }),
            "rules[4].windowMs: must be",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "fiatLimits", "currency": "usd", "daily": "1", "maxAgeMs": "1" }),
            "rules[4].currency: not a code",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "fiatLimits", "currency": "USD", "maxAgeMs": "1" }),
            "rules[4]: names no limit",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "principals", "allowed": ["who"] }),
            "rules[4].allowed[0]: no principal",
        ),
        (
            "/rules/-",
            json!({ "id": "x", "type": "messages", "domains": [{ "type": "typedData", "name": "x" }] }),
            "rules[4].domains[0]: names neither chain nor contract",
        ),
        (
            "/contracts/-",
            json!({ "address": USDC_CONTRACT, "kind": { "type": "erc721" } }),
            "contracts[3]: is there twice",
        ),
        (
            "/contracts/2/kind/functions",
            json!(["stake (uint256)"]),
            "contracts[2].kind.functions[0]: not a signature",
        ),
        ("/contracts/2/kind/type", json!("bank"), "contracts[2].kind.type: unknown variant `bank`"),
        ("/customRules/0/roles", json!([]), "customRules[0].roles: is empty"),
        (
            "/customRules/0/roles",
            json!(["user", "user"]),
            "customRules[0].roles[1]: is there twice",
        ),
        (
            "/exceptions/-",
            json!({ "type": "unlimitedApproval", "asset": USDC, "spender": format!("eip155:10:0x{}", "a1".repeat(20)) }),
            "exceptions[2].spender: is on another chain",
        ),
        (
            "/exceptions/-",
            json!({ "type": "message", "domain": { "type": "text" } }),
            "exceptions[2]: is there twice",
        ),
        (
            "/exceptions/1/selector",
            json!("0x1122"),
            "exceptions[1].selector: a selector has 4 bytes",
        ),
        ("/principals/-", principal("other", 8), "principals[1]: is there twice"),
        ("/principals/-", principal("bot", 9), "principals[1]: is there twice"),
        ("/principals/0/name", json!("a b"), "principals[0].name: must be 1 to 64"),
        ("/principals/0/key", json!("AAAA"), "principals[0].key: not a key of 32 bytes"),
        (
            "/principals/0/key",
            json!("A".repeat(43)),
            "principals[0].key: not an Ed25519 public key",
        ),
        (
            "/quorums/approval",
            json!({ "recovery": 0, "user": 0 }),
            "quorums.approval: names nobody",
        ),
        (
            "/quorums/approval",
            json!({ "recovery": 0, "user": 17 }),
            "quorums.approval: a wallet has at most 16",
        ),
        (
            "/quorums/tighten",
            json!({ "recovery": 2, "user": 1 }),
            "quorums.loosen: takes less than tightening",
        ),
        (
            "/allotments",
            json!({ "recovery": 10, "user": 91 }),
            "allotments: the shares add up to more than 100",
        ),
        ("/schema2", json!("x"), "schema2: unknown field"),
    ] {
        let said = wrong(pointer, value.clone());
        assert!(said.starts_with(expected), "{pointer} {value}: {said}");
    }
}

#[test]
fn shares_that_add_up_to_the_limit_are_allowed() {
    read(json!({ "allotments": { "recovery": 10, "user": 90 } }));
}

#[test]
fn a_repeated_key_another_schema_and_deep_nesting_are_refused() {
    let refused = |text: &str| PolicyConfig::read(text.as_bytes()).unwrap_err().to_string();
    let schema = r#""schema":"mpc-wallet/policy-config@1""#;

    assert!(
        refused(&format!(r#"{{{schema},"permissive":false,"permissive":true}}"#)).contains("twice")
    );
    assert!(refused(r#"{"schema":"mpc-wallet/policy-config@2"}"#).starts_with("schema: must be"));
    assert!(refused("{}").starts_with("schema: must be"));
    assert!(refused("[]").starts_with("policy: not an object"));
    let nested = |levels: usize| {
        format!(r#"{{{schema},"x":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
    };
    assert!(refused(&nested(16)).starts_with("x: unknown field"), "{}", refused(&nested(16)));
    assert_eq!(refused(&nested(17)), "policy: more than 16 levels");
    assert!(refused(&nested(100_000)).contains("recursion"));
}

#[test]
fn lists_have_an_end() {
    let velocity = |number: usize| json!({ "id": format!("r{number}"), "type": "velocity", "count": 1, "windowMs": "1" });
    let rules = |count: usize| json!({ "rules": (0..count).map(velocity).collect::<Vec<_>>() });
    read(rules(MAX_RULES));
    assert_eq!(refusal(rules(MAX_RULES + 1)), "rules: has more than 1000 entries");

    let recipient = |number: usize| format!("{CHAIN}:0x{}{number:08x}", "00".repeat(16));
    let list = |count: usize| {
        json!({ "rules": [{
        "id": "list", "type": "blacklist", "recipients": (0..count).map(recipient).collect::<Vec<_>>()
    }] })
    };
    read(list(MAX_LIST));
    assert_eq!(refusal(list(MAX_LIST + 1)), "rules[0].recipients: has more than 10000 entries");
}

#[test]
fn a_document_of_more_than_2_mib_is_refused() {
    let recipient = |number: usize| format!("{CHAIN}:0x{}{number:08x}", "00".repeat(16));
    let recipients: Vec<_> = (0..MAX_LIST).map(recipient).collect();
    let lists = |count: usize| {
        let list = |number| json!({ "id": format!("l{number}"), "type": "blacklist", "recipients": recipients });
        let text = config(json!({ "rules": (0..count).map(list).collect::<Vec<_>>() })).to_string();
        PolicyConfig::read(text.as_bytes())
    };
    assert!(lists(3).is_ok());
    assert_eq!(lists(4).unwrap_err().reason, "longer than 2 MiB");
}

fn passkey(prefix: u8, origins: &[&str], rp_id: &str) -> PolicyApprover {
    let mut key = [7; WEBAUTHN_KEY_BYTES];
    key[0] = prefix;
    PolicyApprover::Webauthn {
        key: ApproverKey(key),
        origins: origins.iter().map(|it| (*it).to_owned()).collect(),
        role: Role::User,
        rp_id: rp_id.to_owned(),
    }
}

fn with_approvers(approvers: Vec<PolicyApprover>) -> Result<PolicyDocument, String> {
    PolicyDocument::first(read(full()), [7; 32], approvers).map_err(|error| error.to_string())
}

#[test]
fn persons_approve_with_keys_or_passkeys_and_never_for_the_agent() {
    let origin = "https://wallet.example";
    let signing = |number, role| PolicyApprover::Ed25519 { key: ApproverKey(key(number)), role };
    let with_passkey = with_approvers(vec![passkey(2, &[origin], "wallet.example")]).unwrap();
    assert_eq!(PolicyDocument::decode(with_passkey.bytes()).unwrap(), with_passkey);

    for (approvers, expected) in [
        (vec![signing(1, Role::Agent)], "approvers[0]: no person stands behind the agent"),
        (vec![signing(1, Role::User), signing(1, Role::Recovery)], "approvers[1]: is there twice"),
        (
            vec![PolicyApprover::Ed25519 { key: ApproverKey([0; 32]), role: Role::User }],
            "approvers[0]: not a key that signatures are checked under",
        ),
        (
            vec![passkey(4, &[origin], "x")],
            "approvers[0]: not a key that signatures are checked under",
        ),
        (vec![passkey(3, &[], "x")], "approvers[0].origins: is empty"),
        (vec![passkey(3, &[""], "x")], "approvers[0].origins[0]: must be 1 to 256 bytes"),
        (vec![passkey(3, &[origin; 9], "x")], "approvers[0].origins: has more than 8 entries"),
        (vec![passkey(3, &[origin], "")], "approvers[0].rpId: must be 1 to 256 bytes"),
        (vec![passkey(3, &[origin], "a\u{0}b")], "approvers[0].rpId: must be 1 to 256 bytes"),
    ] {
        let said = with_approvers(approvers).unwrap_err();
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_wallet_has_at_most_16_approvers() {
    let keys = |count: u8| {
        let approver =
            |number| PolicyApprover::Ed25519 { key: ApproverKey(key(number)), role: Role::User };
        (1..=count).map(approver).collect()
    };
    assert_eq!(MAX_APPROVERS, 16);
    assert!(with_approvers(keys(16)).is_ok());
    assert_eq!(with_approvers(keys(17)).unwrap_err(), "approvers: has more than 16 entries");
}

#[test]
fn a_policy_is_explained_in_sentences() {
    assert_eq!(
        read(full()).explain(),
        [
            "daily: at most 10 in 24 hours of eip155:1/slip44:60".to_owned(),
            "list: only to 1 recipients on eip155:1, for requests of bot or of nobody".to_owned(),
            "hours: only Mon from 22:00 until 06:00 (Europe/Berlin)".to_owned(),
            "calls: 1 conditions on arguments, no deployments, no delegate calls, no unknown calls"
                .to_owned(),
            "kyc: a custom rule has nothing against it".to_owned(),
            "allowed by name: messages that are text".to_owned(),
            format!("allowed by name: unknown function 0x11223344 of {USDC_CONTRACT}"),
            "limits are shared: 90 % at the user, 10 % at the guardian".to_owned(),
            "additional approvals: 1 of the user and 1 of the guardian".to_owned(),
        ]
    );
    assert_eq!(read(json!({})).explain()[0], "there are no rules, so nothing is signed");
    assert!(read(json!({ "permissive": true })).explain()[0].contains("permissive"));
}

/// What the SDK's builder writes with every step that it has; the SDK's own test writes it too.
#[test]
fn a_config_of_the_builder_is_read_and_holds_every_kind_of_rule() {
    let text = include_str!("../../../../../__test__/vectors/policy/config.json");
    let config = PolicyConfig::read(text.as_bytes()).unwrap();

    let kinds: std::collections::BTreeSet<_> =
        config.rules().iter().map(|rule| rule.body.tag()).collect();
    assert_eq!(kinds.len(), 13);
    assert!(config.permissive() && config.unsafe_prehashed());
    assert_eq!((config.allotments().user, config.allotments().recovery), (80, 20));
    let document = PolicyDocument::first(config, [7; 32], approvers()).unwrap();
    assert_eq!(PolicyDocument::decode(document.bytes()).as_ref(), Ok(&document));
}

#[test]
fn a_config_that_fits_may_still_make_a_document_that_does_not() {
    let recipient = |number: usize| format!("{CHAIN}:0x{}{number:08x}", "00".repeat(16));
    let list = |number: usize, count: usize| {
        let recipients: Vec<_> = (0..count).map(recipient).collect();
        json!({ "id": format!("l{number}"), "type": "blacklist", "recipients": recipients })
    };
    let text = |last: usize| {
        let rules = [list(0, MAX_LIST), list(1, MAX_LIST), list(2, MAX_LIST), list(3, last)];
        config(json!({ "rules": rules })).to_string()
    };
    let entry = text(2).len() - text(1).len();
    let fits = 1 + (MAX_POLICY_BYTES - text(1).len()) / entry;

    let first = |last| {
        let config = PolicyConfig::read(text(last).as_bytes()).unwrap();
        PolicyDocument::first(config, [7; 32], approvers()).map_err(|error| error.reason)
    };
    assert_eq!(first(fits).unwrap_err(), "longer than 2 MiB");
    assert!(first(fits - 20).is_ok());
}

#[test]
fn a_document_from_before_there_were_rules_names_its_persons_and_allows_nothing() {
    let key = Base64UrlUnpadded::encode_string(&Person::User.key());
    let wallet_id = Base64UrlUnpadded::encode_string(&[1; 32]);
    let json = format!(
        r#"{{"approvers":[{{"key":"{key}","role":"user"}}],"schema":"mpc-wallet/policy@1","signing":"ask-every-time","version":"1","walletId":"{wallet_id}"}}"#
    );

    let read = PolicyDocument::decode(json.as_bytes()).unwrap();

    assert_eq!((read.version(), read.wallet_id(), read.bytes()), (1, &[1; 32], json.as_bytes()));
    assert_eq!(read.approvers().len(), 1);
    assert!(read.config().rules().is_empty() && !read.config().permissive());
    for other in [json.replace("ask-every-time", "ask-never"), json.replace("\"1\"", "\"2\"")] {
        assert!(PolicyDocument::decode(other.as_bytes()).is_err());
    }
}
