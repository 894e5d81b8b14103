//! Authorizations: for whom, for what, and how long.

use std::sync::Arc;

use ceremony::session::Times;
use ceremony::{
    Class, ConsentedItem, Failure, ParsedPayload, Role, Session, SigningAuthorization, Wallet,
};

use crate::committee::{NOW_MS, Party, TIMES, accept, authorize, consent, payload};
use crate::proposal::Proposal;
use crate::recording::{KEYGEN, OTHER_KEYGEN, SEED};

fn wallet() -> &'static Arc<Wallet> {
    &KEYGEN.wallets[&Role::User]
}

fn consent_to(items: Vec<ConsentedItem>) -> Result<SigningAuthorization, Failure> {
    authorize(wallet(), items, NOW_MS + 60_000)
}

fn consented(payload: ParsedPayload, path: &[u32]) -> ConsentedItem {
    ConsentedItem { payload, path: path.to_vec() }
}

fn starts(
    wallet: &Arc<Wallet>,
    authorization: SigningAuthorization,
    cosigner: Role,
    memo: &str,
    times: Times,
) -> Result<(), &'static str> {
    let mut user = Party::new(Role::User, SEED);
    Session::sign(Arc::clone(wallet), authorization, cosigner, memo, times, &mut user.rng)
        .map(|_| ())
        .map_err(|failure| {
            assert_eq!((failure.class, failure.culprits.len()), (Class::Config, 0));
            failure.reason
        })
}

#[test]
fn consent_is_to_one_to_64_items() {
    let items = |count: usize| vec![consented(payload("an item"), &[]); count];

    assert!(consent_to(items(0)).is_err());
    assert_eq!(consent_to(items(1)).unwrap().digests().count(), 1);
    assert_eq!(consent_to(items(64)).unwrap().digests().count(), 64);
    assert!(consent_to(items(65)).is_err());
}

#[test]
fn consent_is_to_bytes_and_to_nothing_that_only_claims_to_be_of_them() {
    let honest = payload("an item");
    let refuses = |payload: ParsedPayload| {
        let failure = consent_to(vec![consented(payload, &[])]).err()?;
        assert_eq!(failure.class, Class::Config);
        Some(failure.reason)
    };
    let of_other_bytes = Some("a payload hash of other bytes");

    assert_eq!(refuses(honest.clone()), None);
    for change in [
        (|payload: &mut ParsedPayload| payload.bytes.push(0)) as fn(&mut ParsedPayload),
        |payload| payload.kind.push('.'),
        |payload| payload.chain.push('0'),
        |payload| payload.payload_hash = [0; 32],
        // The same bytes in all, cut elsewhere.
        |payload| {
            payload.kind.push('e');
            payload.chain.remove(0);
        },
    ] {
        let mut payload = honest.clone();
        change(&mut payload);
        assert_eq!(refuses(payload), of_other_bytes);
    }
}

#[test]
fn a_confirmation_digest_is_signed_by_key_generation_only() {
    let confirmation = ParsedPayload { digest_kind: 0, ..payload("an epoch") };
    let among_others = vec![consented(payload("an item"), &[]), consented(confirmation, &[])];

    let failure = consent_to(among_others).err().unwrap();

    assert_eq!(failure.class, Class::Config);
    assert_eq!(failure.reason, "a confirmation is signed by key generation only");
}

#[test]
fn consent_is_for_an_account_that_has_a_key() {
    for path in [&[1 << 31][..], &[0, u32::MAX], &[1; 256]] {
        let failure = consent_to(vec![consented(payload("an item"), path)]).err().unwrap();
        assert_eq!(failure.class, Class::Config);
    }
    assert!(consent_to(vec![consented(payload("an item"), &[1; 255])]).is_ok());
}

#[test]
fn an_authorization_starts_nothing_from_the_moment_it_expires() {
    let at = |now_ms| {
        let authorization = consent(wallet(), "an item", &[]);
        assert_eq!(authorization.expires_at_ms(), NOW_MS + 60_000);
        starts(wallet(), authorization, Role::Agent, "", Times { now_ms, ..TIMES })
    };

    assert_eq!(at(NOW_MS + 59_999), Ok(()));
    assert_eq!(at(NOW_MS + 60_000), Err("the authorization has expired"));
    assert_eq!(at(u64::MAX), Err("the authorization has expired"));
}

#[test]
fn an_authorization_is_of_one_wallet() {
    let other = &OTHER_KEYGEN.wallets[&Role::User];
    let authorization = consent(other, "an item", &[]);

    assert_eq!(
        starts(wallet(), authorization, Role::Agent, "", TIMES),
        Err("the authorization is of another wallet or epoch")
    );
}

#[test]
fn a_co_signers_authorization_starts_no_session_of_its_own_and_no_other_invitations() {
    let payloads = || vec![payload(Proposal::TEXT)];
    let invitation = Proposal::honest().open().unwrap();
    let other = Proposal::with_descriptor(|descriptor| descriptor.nonce = [6; 32]).open().unwrap();
    let _user = Party::new(Role::User, SEED);
    let join = |authorization: SigningAuthorization| {
        Session::join(&invitation, authorization, NOW_MS)
            .map(|_| ())
            .map_err(|failure| failure.reason)
    };
    let of_another = Err("the authorization is of another session");

    assert_eq!(join(accept(&invitation, payloads(), NOW_MS).unwrap()), Ok(()));
    assert_eq!(join(accept(&other, payloads(), NOW_MS).unwrap()), of_another);
    assert_eq!(join(consent(wallet(), Proposal::TEXT, &[0, 7])), of_another);
    let bound = accept(&invitation, payloads(), NOW_MS).unwrap();
    assert_eq!(starts(wallet(), bound, Role::Agent, "", TIMES), of_another);
}

#[test]
fn a_co_signers_authorization_expires_with_the_invitation() {
    let invitation = Proposal::honest().open().unwrap();
    let _user = Party::new(Role::User, SEED);
    let join_at = |now_ms| {
        let authorization = accept(&invitation, vec![payload(Proposal::TEXT)], NOW_MS).unwrap();
        assert_eq!(authorization.expires_at_ms(), invitation.expires_at_ms());
        Session::join(&invitation, authorization, now_ms).is_ok()
    };

    assert!(join_at(invitation.expires_at_ms() - 1));
    assert!(!join_at(invitation.expires_at_ms()));
}

#[test]
fn a_party_does_not_co_sign_with_itself() {
    assert_eq!(
        starts(wallet(), consent(wallet(), "an item", &[]), Role::User, "", TIMES),
        Err("a party does not co-sign with itself")
    );
}

#[test]
fn an_initiator_writes_no_memo_that_a_co_signer_would_refuse() {
    let with =
        |memo: &str| starts(wallet(), consent(wallet(), "an item", &[]), Role::Agent, memo, TIMES);

    assert_eq!(with(&"x".repeat(512)), Ok(()));
    assert_eq!(with(&"x".repeat(513)), Err("the memo is longer than 512 bytes"));
    assert_eq!(with("two\nlines"), Err("the memo has control or invisible characters"));
    assert_eq!(with("\u{202e}tner"), Err("the memo has control or invisible characters"));
}

#[test]
fn a_session_lives_at_least_a_moment_and_at_most_an_hour() {
    let living = |lifetime_ms| {
        let times = Times { now_ms: NOW_MS, lifetime_ms };
        starts(wallet(), consent(wallet(), "an item", &[]), Role::Agent, "", times)
    };
    let out_of_range = Err("the descriptor's lifetime is out of range");

    assert_eq!(living(0), out_of_range);
    assert_eq!(living(1), Ok(()));
    assert_eq!(living(3_600_000), Ok(()));
    assert_eq!(living(3_600_001), out_of_range);
    assert_eq!(living(u64::MAX), out_of_range);
}
