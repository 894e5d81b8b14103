//! Invitations: what a co-signer opens, and what it consents to.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use ceremony::envelope::{Header, PART_BYTES, peek};
use ceremony::session::Event;
use ceremony::{Class, Failure, Invitation, ParsedPayload, Role, Session};
use proptest::prelude::*;

use crate::committee::{NOW_MS, Party, TIMES, accept, consent, consent_to_all, payload};
use crate::hostile::{Insider, ROUND_ABORT};
use crate::proposal::{Proposal, details, item};
use crate::recording::{KEYGEN, SEED, failure};

const HARDENED: u32 = 1 << 31;

fn reason(proposal: &Proposal) -> &'static str {
    let failure = proposal.refusal();
    assert_eq!((failure.class, failure.culprits.len()), (Class::Config, 0));
    failure.reason
}

fn of_items(items: &[String]) -> Proposal {
    Proposal::with_details(details(items, "rent"))
}

fn one(path: &[u32]) -> String {
    item(&payload(Proposal::TEXT), path)
}

#[test]
fn an_invitation_says_who_asks_for_what_and_until_when() {
    let invitation = Proposal::honest().open().unwrap();

    let honest = payload(Proposal::TEXT);
    let [asked] = invitation.items() else { panic!("one item") };
    assert_eq!(invitation.initiator(), Role::Agent);
    assert_eq!(invitation.memo(), "rent");
    assert_eq!(invitation.expires_at_ms(), NOW_MS + 60_000);
    assert_eq!((&asked.kind, &asked.chain), (&honest.kind, &honest.chain));
    assert_eq!((&asked.bytes, asked.digest), (&honest.bytes, honest.digest));
    assert_eq!((asked.digest_kind, asked.path.as_slice()), (1, &[0, 7][..]));
}

#[test]
fn the_details_that_a_session_sends_are_the_canonical_document() {
    let wallet = &KEYGEN.wallets[&Role::Agent];
    let mut agent = Party::new(Role::Agent, SEED);
    let authorization = consent_to_all(wallet, &["one", "two"], &[3, 4]);
    let mut post = KEYGEN.post_office();
    let memo = "for \"the\" boat \u{e9}\u{1f6f6}/\\";
    let mut session =
        Session::sign(Arc::clone(wallet), authorization, Role::User, memo, TIMES, &mut agent.rng)
            .unwrap();

    let report = agent.step(&mut session, Event::Begin(&[]));
    let sent = post.open(&report.outgoing[0]).body;

    let items = ["one", "two"].map(|text| item(&payload(text), &[3, 4]));
    assert_eq!(core::str::from_utf8(&sent[32..]).unwrap(), details(&items, memo));
}

#[test]
fn details_in_another_form_than_the_canonical_one_are_refused() {
    let honest = Proposal::honest().details;
    let bytes = Base64UrlUnpadded::encode_string(Proposal::TEXT.as_bytes());
    // The text's last character carries bits that no byte has.
    assert!(bytes.len() % 4 == 3 && bytes.ends_with('Q'));
    let with_loose_bits = format!("{}R", &bytes[..bytes.len() - 1]);
    let refused = [
        honest.replace(':', ": "),
        format!("{honest} "),
        format!("\u{feff}{honest}"),
        honest.replace("\"memo\":\"rent\",", ""),
        honest.replace("\"memo\":\"rent\"", "\"memo\":\"rent\",\"memo\":\"rent\""),
        honest.replace("\"memo\":\"rent\"", "\"memo\":\"rent\",\"mood\":\"\""),
        honest.replace("\"memo\":\"rent\"", "\"memo\":null"),
        honest.replace("rent", "\\u0072ent"),
        honest.replace(
            "\"keyId\":\"ecdsa\",\"memo\":\"rent\"",
            "\"memo\":\"rent\",\"keyId\":\"ecdsa\"",
        ),
        honest.replace("\"path\":[0,7]", "\"path\":[0,7.0]"),
        honest.replace("\"path\":[0,7]", "\"path\":[0,07]"),
        honest.replace("\"path\":[0,7]", "\"path\":[0,-7]"),
        honest.replace("\"path\":[0,7]", "\"path\":[0,4294967296]"),
        honest.replace("\"path\":[0,7]", "\"path\":\"0/7\""),
        honest.replace("\"digestKind\":1", "\"digestKind\":256"),
        honest.replace("\"digestKind\":1", "\"digestKind\":1e0"),
        honest.replace("\"chain\"", "\"change\""),
        honest.replace(&bytes, &format!("{bytes}=")),
        honest.replace(&bytes, &with_loose_bits),
        honest.replace(&bytes, "+/+/"),
        "{}".to_owned(),
        "[".repeat(60_000),
        String::new(),
    ];
    for details in refused {
        assert_ne!(details, honest);
        let proposal = Proposal::with_details(details.clone());
        assert_eq!(reason(&proposal), "the details are not a canonical document", "{details:.120}");
    }
}

#[test]
fn details_that_are_not_text_are_refused() {
    let proposal = Proposal::honest();
    let at = proposal.details.find("rent").unwrap();
    for byte in [0x80, 0xc0, 0xff] {
        let mut bytes = proposal.details.clone().into_bytes();
        bytes[at] = byte;
        let (descriptor, signature, round0) = proposal.write_with(&bytes);
        let wallet = &KEYGEN.wallets[&Role::User];
        let opened = Invitation::open(wallet, &descriptor, &signature, &round0, NOW_MS);
        assert_eq!(
            opened.err().unwrap().reason,
            "the details are not a canonical document",
            "{byte:#x}"
        );
    }
}

#[test]
fn details_of_another_schema_or_key_are_refused() {
    let honest = Proposal::honest().details;
    for (details, expected) in [
        (honest.replace("@1", "@2"), "setup details of another schema"),
        (honest.replace("sign-details", "keygen-details"), "setup details of another schema"),
        (honest.replace("ecdsa", "ed25519"), "the wallet has no such key"),
        (honest.replace("ecdsa", ""), "the wallet has no such key"),
    ] {
        assert_ne!(details, honest);
        assert_eq!(reason(&Proposal::with_details(details)), expected);
    }
}

#[test]
fn details_of_another_policy_say_that_one_of_the_two_lacks_a_version() {
    let honest = Proposal::honest().details;
    let policy = Base64UrlUnpadded::encode_string(&KEYGEN.wallets[&Role::User].policy().hash());
    for other in [&Base64UrlUnpadded::encode_string(&[1; 32]), ""] {
        let refusal = Proposal::with_details(honest.replace(&policy, other)).refusal();
        assert_eq!((refusal.class, refusal.culprits.len()), (Class::PolicyStale, 0));
    }
}

#[test]
fn a_request_has_a_name_of_1_to_128_bytes_of_printable_text() {
    let named = |name: &str| {
        let details = Proposal::honest().details.replace("a request", name);
        Proposal::with_details(details)
    };
    let reason_of = |name: &str| reason(&named(name));
    let expected = "an idempotency key is 1 to 128 bytes of printable text";

    assert_eq!(named("x").open().unwrap().origin().idempotency_key, "x");
    let longest = "n".repeat(128);
    assert_eq!(named(&longest).open().unwrap().origin().idempotency_key, longest);
    for name in ["", &"n".repeat(129), "a\u{202e}b", "a\u{200b}b"] {
        assert_eq!(reason_of(name), expected);
    }
}

#[test]
fn a_principal_is_a_key_and_a_signature_of_their_lengths() {
    let of_lengths = |key: usize, signature: usize| {
        let text = |length| Base64UrlUnpadded::encode_string(&vec![7; length]);
        let principal = format!(
            r#""principal":{{"key":"{}","signature":"{}"}},"schema":"#,
            text(key),
            text(signature)
        );
        Proposal::with_details(Proposal::honest().details.replace(r#""schema":"#, &principal))
    };

    let opened = of_lengths(32, 64).open().unwrap();
    let principal = opened.origin().principal.as_ref().unwrap();
    assert_eq!((principal.key, principal.signature), ([7; 32], [7; 64]));
    for (key, signature) in [(31, 64), (33, 64), (32, 63), (32, 65)] {
        let expected = "a principal's key or signature";
        assert_eq!(reason(&of_lengths(key, signature)), expected);
    }
    assert!(Proposal::honest().open().unwrap().origin().principal.is_none());
}

#[test]
fn an_invitation_has_one_to_64_items() {
    let items = |count: usize| of_items(&vec![one(&[0]); count]);

    assert_eq!(reason(&items(0)), "a session signs 1 to 64 items");
    assert_eq!(items(1).open().unwrap().items().len(), 1);
    assert_eq!(items(64).open().unwrap().items().len(), 64);
    assert_eq!(reason(&items(65)), "a session signs 1 to 64 items");
}

#[test]
fn a_memo_has_at_most_512_bytes_and_cannot_steer_a_terminal_or_reorder_text() {
    let memo = |memo: &str| Proposal::with_details(details(&[one(&[0])], memo));

    assert_eq!(memo(&"x".repeat(511)).open().unwrap().memo().len(), 511);
    assert_eq!(memo(&"x".repeat(512)).open().unwrap().memo().len(), 512);
    assert_eq!(reason(&memo(&"x".repeat(513))), "the memo is longer than 512 bytes");
    assert_eq!(reason(&memo(&"\u{20ac}".repeat(171))), "the memo is longer than 512 bytes");
    assert_eq!(memo("").open().unwrap().memo(), "");
    assert_eq!(
        memo("\u{d6}l f\u{fc}r 5 \u{20ac}").open().unwrap().memo(),
        "\u{d6}l f\u{fc}r 5 \u{20ac}"
    );
    for steering in [
        "\u{0}",
        "\u{7}",
        "\u{8}",
        "\t",
        "\n",
        "\r",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}",
        "\u{9b}",
        "\u{200e}",
        "\u{200f}",
        "\u{202a}",
        "\u{202b}",
        "\u{202c}",
        "\u{202d}",
        "\u{202e}",
        "\u{2066}",
        "\u{2067}",
        "\u{2068}",
        "\u{2069}",
    ] {
        let proposal = memo(&format!("rent{steering}"));
        assert_eq!(
            reason(&proposal),
            "the memo has control or invisible characters",
            "{steering:?}"
        );
    }
}

#[test]
fn a_path_is_not_hardened_and_at_most_255_deep() {
    let refused = "a path has at most 255 indices, none of them hardened";

    assert!(of_items(&[one(&[])]).open().is_ok());
    assert!(of_items(&[one(&[HARDENED - 1])]).open().is_ok());
    assert_eq!(reason(&of_items(&[one(&[HARDENED])])), refused);
    assert_eq!(reason(&of_items(&[one(&[0]), one(&[0, HARDENED + 44])])), refused);
    assert_eq!(reason(&of_items(&[one(&[u32::MAX])])), refused);
    assert!(of_items(&[one(&[1; 255])]).open().is_ok());
    assert_eq!(reason(&of_items(&[one(&[1; 256])])), refused);
}

#[test]
fn a_digest_has_32_bytes() {
    let honest = payload(Proposal::TEXT);
    let encoded = Base64UrlUnpadded::encode_string(&honest.digest);
    for length in [0, 31, 33] {
        let other = Base64UrlUnpadded::encode_string(&vec![1; length]);
        let details = Proposal::honest().details.replace(&encoded, &other);
        assert_eq!(reason(&Proposal::with_details(details)), "a digest of another length");
    }
}

#[test]
fn round_0_of_another_session_sender_or_recipient_is_refused() {
    let other = "round 0 is of another session";
    let readdressed = |readdress| Proposal { readdress, ..Proposal::honest() };
    for proposal in [
        readdressed(|header| header.kind = 1),
        readdressed(|header| header.round = 1),
        readdressed(|header| header.session_id[0] ^= 1),
        readdressed(|header| header.wallet_id[0] ^= 1),
        readdressed(|header| header.epoch = 2),
        readdressed(|header| header.from = Role::Recovery.index()),
        readdressed(|header| header.to = Role::Recovery.index()),
        readdressed(|header| header.parts = 2),
    ] {
        assert_eq!(reason(&proposal), other);
    }
}

#[test]
fn round_0_opens_only_as_its_initiator_signed_and_sealed_it() {
    let (descriptor, signature, round0) = Proposal::honest().write();
    let wallet = &KEYGEN.wallets[&Role::User];
    let open = |round0: &[u8]| {
        Invitation::open(wallet, &descriptor, &signature, round0, NOW_MS)
            .map(|_| ())
            .map_err(|failure| failure.reason)
    };
    let insider = Proposal::honest().initiator;
    let (header, rest) = round0.split_at(156);
    let (body, _) = rest.split_at(rest.len() - 64);
    let mut sealed_differently = body.to_vec();
    *sealed_differently.last_mut().unwrap() ^= 1;

    assert_eq!(open(&round0), Ok(()));
    for at in (156..round0.len()).step_by(7) {
        let mut changed = round0.clone();
        changed[at] ^= 1;
        assert_eq!(open(&changed), Err("round 0 is not signed by the initiator"), "byte {at}");
    }
    assert_eq!(open(&round0[1..]), Err("round 0 is not an envelope"));
    assert_eq!(open(&[&round0[..], &[0]].concat()), Err("round 0 is not an envelope"));
    assert_eq!(open(&[]), Err("round 0 is not an envelope"));
    assert_eq!(
        open(&insider.sign_envelope(header, &sealed_differently)),
        Err("round 0 does not open")
    );
}

#[test]
fn details_that_the_descriptor_does_not_commit_to_are_refused() {
    let (descriptor, signature, _) = Proposal::honest().write();
    let session = ceremony::descriptor::Descriptor::decode(&descriptor).unwrap().session_id();
    let mut other = Proposal::with_details(details(&[one(&[0])], "another rent"));
    other.descriptor.nonce = [6; 32];
    let (_, _, round0) = other.write();
    let mut post = KEYGEN.post_office();
    let mut letter = post.open(&round0);
    letter.header.session_id = session;
    let round0 = post.post(&letter);

    let opened =
        Invitation::open(&KEYGEN.wallets[&Role::User], &descriptor, &signature, &round0, NOW_MS);

    assert_eq!(opened.err().unwrap().reason, "the details are not those of the descriptor");
}

fn accepts(invitation: &Invitation, payloads: Vec<ParsedPayload>) -> Result<(), Failure> {
    accept(invitation, payloads, NOW_MS).map(|_| ())
}

#[test]
fn what_the_co_signer_read_must_be_what_the_initiator_wrote() {
    let invitation = Proposal::honest().open().unwrap();
    let honest = payload(Proposal::TEXT);
    let differs = "the initiator's digest is not of its bytes";
    let with = |change: fn(&mut ParsedPayload)| {
        let mut payload = honest.clone();
        change(&mut payload);
        accepts(&invitation, vec![payload]).map_err(|failure| failure.reason)
    };

    assert!(accepts(&invitation, vec![honest.clone()]).is_ok());
    assert_eq!(with(|payload| payload.digest[0] ^= 1), Err(differs));
    assert_eq!(with(|payload| payload.digest_kind = 2), Err(differs));
    assert_eq!(with(|payload| payload.chain.push('0')), Err(differs));
    assert_eq!(with(|payload| payload.kind.push('s')), Err(differs));
    assert_eq!(with(|payload| payload.bytes[0] ^= 1), Err(differs));
    assert_eq!(with(|payload| payload.payload_hash[0] ^= 1), Err("a payload hash of other bytes"));
    let count = "one payload for each item of the invitation";
    assert_eq!(accepts(&invitation, vec![]).unwrap_err().reason, count);
    assert_eq!(accepts(&invitation, vec![honest.clone(), honest]).unwrap_err().reason, count);
}

#[test]
fn a_digest_that_is_not_of_its_bytes_is_refused_when_the_co_signer_has_read_them() {
    let honest = payload(Proposal::TEXT);
    let lie = ParsedPayload { digest: [0x66; 32], ..honest.clone() };
    let invitation = of_items(&[item(&lie, &[0])]).open().unwrap();

    let failure = accepts(&invitation, vec![honest]).unwrap_err();

    assert_eq!(failure.class, Class::Config);
    assert_eq!(failure.reason, "the initiator's digest is not of its bytes");
}

#[test]
fn one_item_that_the_co_signer_reads_otherwise_refuses_the_whole_request() {
    let honest = ["first", "second", "third"].map(payload);
    for position in 0..honest.len() {
        let mut asked = honest.clone();
        asked[position].digest = [0x66; 32];
        let invitation = of_items(&asked.map(|lie| item(&lie, &[0]))).open().unwrap();

        let failure = accepts(&invitation, honest.to_vec()).unwrap_err();

        assert_eq!(failure.reason, "the initiator's digest is not of its bytes", "{position}");
    }
}

#[test]
fn items_in_another_order_are_not_what_was_asked() {
    let [first, second] = ["first", "second"].map(payload);
    let invitation = of_items(&[item(&first, &[0]), item(&second, &[0])]).open().unwrap();

    assert!(accepts(&invitation, vec![first.clone(), second.clone()]).is_ok());
    assert!(accepts(&invitation, vec![second, first]).is_err());
}

#[test]
fn nobody_consents_to_a_confirmation_digest() {
    let confirmation = ParsedPayload { digest_kind: 0, ..payload(Proposal::TEXT) };
    let invitation = of_items(&[item(&confirmation, &[])]).open().unwrap();

    let failure = accepts(&invitation, vec![confirmation]).unwrap_err();

    assert_eq!(failure.reason, "a confirmation is signed by key generation only");
}

#[test]
fn an_invitation_that_has_expired_is_not_accepted() {
    let invitation = Proposal::honest().open().unwrap();
    let expires = invitation.expires_at_ms();
    let payloads = || vec![payload(Proposal::TEXT)];

    assert!(accept(&invitation, payloads(), expires - 1).is_ok());
    assert_eq!(accept(&invitation, payloads(), expires).err().unwrap().class, Class::Config);
}

#[test]
fn a_refusal_is_one_signed_stop_that_names_nobody() {
    let invitation = Proposal::honest().open().unwrap();
    let _user = Party::new(Role::User, SEED);

    let [refusal] = &invitation.refuse()[..] else { panic!("one envelope") };

    let header = peek(refusal).unwrap();
    assert_eq!((header.round, header.session_id), (ROUND_ABORT, invitation.session_id()));
    assert_eq!((header.from, header.to), (Role::User.index(), Role::Agent.index()));
    assert_eq!(refusal[156..158], [8, 0]);
}

#[test]
fn the_initiator_hears_a_refusal_and_names_who_refused() {
    let wallet = &KEYGEN.wallets[&Role::Agent];
    let mut agent = Party::new(Role::Agent, SEED);
    let _user = Party::new(Role::User, SEED);
    let authorization = consent(wallet, "a refused one", &[]);
    let mut session =
        Session::sign(Arc::clone(wallet), authorization, Role::User, "", TIMES, &mut agent.rng)
            .unwrap();
    let begun = agent.step(&mut session, Event::Begin(&[]));
    let invitation = Invitation::open(
        &KEYGEN.wallets[&Role::User],
        &session.descriptor(),
        session.descriptor_signature().as_ref(),
        &begun.outgoing[0],
        NOW_MS,
    )
    .unwrap();

    let refusal = invitation.refuse();
    let report = agent.step(&mut session, Event::Receive(&refusal));

    let failure = failure(&report);
    assert_eq!(
        (failure.class, failure.culprits.as_slice()),
        (Class::Refused, &[Role::User.index()][..])
    );
    assert!(report.outgoing.is_empty(), "who refused is told nothing");
}

#[test]
fn a_request_is_withdrawn_by_its_initiators_signed_stop_and_by_nothing_else() {
    let proposal = Proposal::honest();
    let invitation = proposal.open().unwrap();
    let (_, _, round0) = proposal.write();
    let header = peek(&round0).unwrap();
    let guardian = Insider::steal(Role::Recovery, SEED);
    let stop = proposal.initiator.abort(&header, 9, 0);
    let with = |change: fn(&mut Header)| {
        let mut header = header.clone();
        change(&mut header);
        invitation.is_withdrawn_by(&proposal.initiator.abort(&header, 9, 0))
    };

    assert!(invitation.is_withdrawn_by(&stop));
    assert!(!invitation.is_withdrawn_by(&round0));
    assert!(!invitation.is_withdrawn_by(&stop[1..]));
    assert!(!invitation.is_withdrawn_by(&[]));
    assert!(!invitation.is_withdrawn_by(&guardian.abort(&header, 9, 0)), "signed by another");
    for bit in 0..8 * stop.len() {
        let mut changed = stop.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!invitation.is_withdrawn_by(&changed), "bit {bit}");
    }
    assert!(with(|_| {}));
    assert!(!with(|header| header.session_id[0] ^= 1));
    assert!(!with(|header| header.from = Role::Recovery.index()));
    assert!(!with(|header| header.to = Role::Recovery.index()));
}

#[test]
fn a_request_fits_one_part_or_is_not_made() {
    let wallet = &KEYGEN.wallets[&Role::Agent];
    let mut agent = Party::new(Role::Agent, SEED);
    let mut request = |bytes: usize| {
        let text = "x".repeat(bytes);
        Session::sign(
            Arc::clone(wallet),
            consent(wallet, &text, &[]),
            Role::User,
            "",
            TIMES,
            &mut agent.rng,
        )
        .map(|_| ())
        .map_err(|failure| failure.reason)
    };
    // Three bytes are four characters, and the frame around them has its own length.
    let frame = 32 + details(&[item(&payload(""), &[])], "").len();
    let fits = (PART_BYTES - frame) * 3 / 4;

    assert_eq!(request(fits), Ok(()));
    assert_eq!(
        request(fits + 3),
        Err("the items are more than one invitation carries: split the batch")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_invitation_gives_back_what_was_asked(
        texts in proptest::collection::vec("\\PC{0,80}", 1..5),
        path in proptest::collection::vec(0..HARDENED, 0..6),
        memo in "[ -~\u{a1}-\u{ff}\u{4e00}-\u{4eff}]{0,60}",
    ) {
        let payloads: Vec<ParsedPayload> = texts.iter().map(|text| payload(text)).collect();
        let items: Vec<String> = payloads.iter().map(|payload| item(payload, &path)).collect();
        let invitation = Proposal::with_details(details(&items, &memo)).open().unwrap();

        prop_assert_eq!(invitation.memo(), memo);
        prop_assert_eq!(invitation.items().len(), payloads.len());
        for (asked, payload) in invitation.items().iter().zip(&payloads) {
            prop_assert_eq!(&asked.bytes, &payload.bytes);
            prop_assert_eq!(asked.digest, payload.digest);
            prop_assert_eq!(&asked.path, &path);
        }
        prop_assert!(accept(&invitation, payloads, NOW_MS).is_ok());
    }

    #[test]
    fn details_with_any_byte_changed_open_as_something_else_or_not_at_all(
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let honest = Proposal::honest();
        let mut bytes = honest.details.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(changed) = String::from_utf8(bytes)
            && let Ok(opened) = Proposal::with_details(changed.clone()).open()
        {
            let before = honest.open().unwrap();
            prop_assert!(
                opened.items() != before.items()
                    || opened.memo() != before.memo()
                    || opened.origin() != before.origin(),
                "{}", changed
            );
        }
    }
}
