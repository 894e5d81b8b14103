//! A person's yes serves what the person saw, for the two parties that were named, once, and not for long.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use policy::{
    APPROVAL_LIFE_MS, ApprovalDecision, ApprovalDocument, ApprovalVerdict, Approvals, Approver,
    Approvers, Clock, DigestUse, Document, MAX_AHEAD_MS, MAX_APPROVAL_DOCUMENT_BYTES,
    MAX_APPROVAL_LIFE_MS, MAX_APPROVED_DEPTH, MAX_APPROVED_ITEMS, MAX_ASSET_BYTES, MAX_BACK_MS,
    MAX_FEE_ASSETS, MAX_KEY_ID_BYTES, MAX_USES, Refusal, Role, Signed, Subject,
};
use tagged_hash::tags;

use crate::forgeries::{is_read_whole, reads_only_canonical, sealed, text, unsealed};
use crate::passkeys::{Passkey, site};
use crate::persons::{HOUR_MS, NOW_MS, Person, approvers, clock};

const ETH: &str = "eip155:1/slip44:60";
const BOTH: &[Role] = &[Role::User, Role::Recovery];

fn subject() -> Subject {
    Subject {
        wallet_id: [1; 32],
        request_id: [2; 32],
        content_hashes: vec![[3; 32], [4; 32]],
        key_id: "ecdsa".to_owned(),
        paths: vec![vec![44, 60, 0], vec![]],
        quorum: [Role::Agent, Role::User],
        policy_hash: [5; 32],
        epoch: 6,
        requester: Role::Agent,
        principal: Some([7; 32]),
    }
}

fn fees(amount: u64) -> BTreeMap<String, U256> {
    [(ETH.to_owned(), U256::from(amount))].into()
}

fn document(verdict: ApprovalVerdict) -> ApprovalDocument {
    ApprovalDocument {
        subject: subject(),
        verdict,
        max_fees: fees(100),
        effects_hash: [8; 32],
        not_before_ms: NOW_MS,
        expires_at_ms: NOW_MS + APPROVAL_LIFE_MS,
    }
}

fn says(person: Person, verdict: ApprovalVerdict) -> Signed<ApprovalDocument> {
    person.signs(document(verdict))
}

fn yes(person: Person) -> Signed<ApprovalDocument> {
    says(person, ApprovalVerdict::Approve)
}

/// Digests of the two items of the request at nonces 1 and 2, in a draft with this number.
fn digests(draft: u8) -> [DigestUse; 2] {
    [1, 2].map(|nonce| DigestUse { digest: [16 * nonce + draft; 32], exclusion: Some([nonce; 32]) })
}

/// One signer's record, written and read back after every step.
struct Signer(Approvals);

impl Signer {
    fn new() -> Self {
        Self::of(subject())
    }

    fn of(subject: Subject) -> Self {
        Self(Approvals::new(subject, clock(0)).unwrap())
    }

    /// A signer that has a yes of both.
    fn approved() -> Self {
        let mut signer = Self::new();
        signer.observe(&yes(Person::User), clock(0)).unwrap();
        signer.observe(&yes(Person::Guardian), clock(0)).unwrap();
        signer
    }

    fn observe(&mut self, signed: &Signed<ApprovalDocument>, clock: Clock) -> Result<(), Refusal> {
        let result = self.0.observe(signed, &approvers(), clock);
        self.restart();
        result
    }

    fn decide(&mut self, fee: u64, clock: Clock) -> ApprovalDecision {
        let decision = self.0.decide(BOTH, &fees(fee), &approvers(), clock);
        self.restart();
        decision
    }

    fn consume(&mut self, digests: &[DigestUse], clock: Clock) -> Result<(), Refusal> {
        let result = self.0.consume(digests, BOTH, &fees(100), &approvers(), clock);
        self.restart();
        result
    }

    fn restart(&mut self) {
        let read = Approvals::decode(&self.0.encode()).unwrap();
        assert_eq!(read, self.0);
        self.0 = read;
    }
}

fn missing(roles: &[Role]) -> ApprovalDecision {
    ApprovalDecision::NeedsApproval { missing: roles.to_vec() }
}

#[test]
fn a_request_is_approved_when_every_role_that_is_asked_for_said_yes() {
    let mut signer = Signer::new();
    assert_eq!(signer.decide(100, clock(0)), missing(BOTH));
    signer.observe(&yes(Person::Phone), clock(0)).unwrap();
    assert_eq!(signer.decide(100, clock(0)), missing(&[Role::Recovery]));
    signer.observe(&yes(Person::User), clock(0)).unwrap();
    assert_eq!(signer.decide(100, clock(0)), missing(&[Role::Recovery]));
    signer.observe(&yes(Person::Guardian), clock(0)).unwrap();
    assert_eq!(signer.decide(100, clock(0)), ApprovalDecision::Approved);

    let twice = [Role::Recovery, Role::User, Role::Recovery];
    let mut fresh = Signer::new();
    let decision = fresh.0.decide(&twice, &fees(0), &approvers(), clock(0));
    assert_eq!(decision, missing(BOTH));
    let nobody = signer.0.decide(&[], &fees(0), &approvers(), clock(0));
    assert_eq!(nobody, missing(&[]), "a list that was forgotten is no yes");
}

#[test]
fn a_passkey_approves_and_a_forged_one_does_not() {
    let listed = [
        Approver { role: Role::User, key: Passkey::new(1).approver_key() },
        Approver { role: Role::Recovery, key: Person::Guardian.key().into() },
    ];
    let approvers = Approvers::with_passkeys(&listed, site()).unwrap();
    let asked = document(ApprovalVerdict::Approve);
    let mut signer = Signer::new();
    let observe = |signer: &mut Signer, passkey: &Passkey| {
        signer.0.observe(&passkey.says(asked.clone()), &approvers, clock(0))
    };
    let base = Passkey::new(1);
    assert_eq!(observe(&mut signer, &Passkey::new(2)), Err(Refusal::UnknownApprover));
    let phished = Passkey { rp_id: "evil.example", ..base.clone() };
    assert_eq!(observe(&mut signer, &phished), Err(Refusal::OtherRelyingParty));
    let elsewhere = Passkey { origin: "https://evil.example", ..base.clone() };
    assert_eq!(observe(&mut signer, &elsewhere), Err(Refusal::OtherOrigin));
    let of_another = ApprovalDocument { effects_hash: [9; 32], ..asked.clone() };
    let moved = Signed::with_passkey(asked.clone(), base.key(), base.assert(&of_another.hash()));
    assert_eq!(moved.map(drop), Err(Refusal::OtherChallenge));
    assert!(signer.0 == Signer::new().0);

    observe(&mut signer, &base).unwrap();
    signer.restart();
    let decision = signer.0.decide(&[Role::User], &fees(1), &approvers, clock(0));
    assert_eq!(decision, ApprovalDecision::Approved);
    let mut unlisted = Signer(signer.0.clone());
    let listed = Approvers::new(&[listed[1]]).unwrap();
    let decision = unlisted.0.decide(&[Role::User], &fees(1), &listed, clock(0));
    assert_eq!(decision, missing(&[Role::User]), "a device that is not listed any more");
}

#[test]
fn a_yes_for_anything_else_is_refused_by_name() {
    let change = |change: &dyn Fn(&mut Subject)| {
        let mut subject = subject();
        change(&mut subject);
        subject
    };
    let cases = [
        (change(&|it| it.wallet_id = [9; 32]), Refusal::OtherWallet),
        (change(&|it| it.request_id = [9; 32]), Refusal::OtherRequest),
        (change(&|it| it.content_hashes[1] = [9; 32]), Refusal::OtherContent),
        (change(&|it| it.content_hashes.swap(0, 1)), Refusal::OtherContent),
        (change(&|it| it.key_id = "ed25519".to_owned()), Refusal::OtherContent),
        (change(&|it| it.paths[0] = vec![44, 60, 1]), Refusal::OtherContent),
        (change(&|it| it.principal = None), Refusal::OtherRequester),
        (change(&|it| it.requester = Role::User), Refusal::OtherRequester),
        (change(&|it| it.quorum = [Role::Agent, Role::Recovery]), Refusal::OtherQuorum),
        (change(&|it| it.policy_hash = [9; 32]), Refusal::OtherPolicy),
        (change(&|it| it.epoch = 7), Refusal::OtherEpoch),
    ];
    for (subject, refusal) in cases {
        let mut signer = Signer::new();
        let given = ApprovalDocument { subject, ..document(ApprovalVerdict::Approve) };
        assert_eq!(signer.observe(&Person::User.signs(given), clock(0)), Err(refusal));
        assert_eq!(signer.0, Signer::new().0);
    }
    let mut signer = Signer::new();
    let stranger = says(Person::Stranger, ApprovalVerdict::Reject);
    assert_eq!(signer.observe(&stranger, clock(0)), Err(Refusal::UnknownApprover));
}

#[test]
fn a_yes_does_not_serve_the_other_co_signer_or_another_account() {
    let at_recovery = Subject { quorum: [Role::Agent, Role::Recovery], ..subject() };
    let mut other = Signer::of(at_recovery);
    assert_eq!(other.observe(&yes(Person::User), clock(0)), Err(Refusal::OtherQuorum));
    let of_account_1 = Subject { paths: vec![vec![44, 60, 1], vec![]], ..subject() };
    let mut other = Signer::of(of_account_1);
    assert_eq!(other.observe(&yes(Person::User), clock(0)), Err(Refusal::OtherContent));
}

#[test]
fn fees_are_held_against_what_the_person_allowed() {
    let mut signer = Signer::approved();
    assert_eq!(signer.decide(99, clock(0)), ApprovalDecision::Approved);
    assert_eq!(signer.decide(100, clock(0)), ApprovalDecision::Approved);
    assert_eq!(signer.decide(101, clock(0)), missing(BOTH));

    let mut decide = |all: &[(&str, u64)]| {
        let fees = all.iter().map(|(asset, fee)| ((*asset).to_owned(), U256::from(*fee))).collect();
        signer.0.decide(BOTH, &fees, &approvers(), clock(0))
    };
    assert_eq!(decide(&[("eip155:10/slip44:60", 1)]), missing(BOTH));
    assert_eq!(decide(&[("eip155:10/slip44:60", 0)]), ApprovalDecision::Approved);
    assert_eq!(decide(&[]), ApprovalDecision::Approved);
    assert_eq!(decide(&[(ETH, 1), ("eip155:10/slip44:60", 1)]), missing(BOTH));
}

#[test]
fn a_yes_is_good_from_its_first_millisecond_until_before_its_last() {
    let mut signer = Signer::new();
    let later = ApprovalDocument {
        not_before_ms: NOW_MS + 1_000,
        expires_at_ms: NOW_MS + 2_000,
        ..document(ApprovalVerdict::Approve)
    };
    for person in [Person::User, Person::Guardian] {
        signer.observe(&person.signs(later.clone()), clock(0)).unwrap();
    }
    assert_eq!(signer.decide(1, clock(999)), missing(BOTH));
    assert_eq!(signer.decide(1, clock(1_000)), ApprovalDecision::Approved);
    assert_eq!(signer.decide(1, clock(1_999)), ApprovalDecision::Approved);
    assert_eq!(signer.decide(1, clock(2_000)), ApprovalDecision::Expired);
    assert_eq!(signer.observe(&Person::User.signs(later), clock(2_000)), Err(Refusal::Lapsed));
    assert_eq!(signer.consume(&digests(0), clock(2_000)), Err(Refusal::NotApproved));

    signer.observe(&yes(Person::User), clock(2_000)).unwrap();
    assert_eq!(signer.decide(1, clock(2_000)), ApprovalDecision::Expired);
    signer.observe(&yes(Person::Guardian), clock(2_000)).unwrap();
    assert_eq!(signer.decide(1, clock(2_000)), ApprovalDecision::Approved);
}

#[test]
fn a_yes_is_good_for_a_day_at_most() {
    let lives = |not_before_ms, expires_at_ms| ApprovalDocument {
        not_before_ms,
        expires_at_ms,
        ..document(ApprovalVerdict::Approve)
    };
    let day = MAX_APPROVAL_LIFE_MS;
    for (document, expected) in [
        (lives(NOW_MS, NOW_MS + day - 1), Ok(())),
        (lives(NOW_MS, NOW_MS + day), Ok(())),
        (lives(NOW_MS, NOW_MS + day + 1), Err(Refusal::ApprovalLivesTooLong)),
        (lives(NOW_MS - day, NOW_MS + 1), Err(Refusal::ApprovalLivesTooLong)),
        (lives(NOW_MS + day, NOW_MS + day + 1), Err(Refusal::ApprovalLivesTooLong)),
    ] {
        assert_eq!(Signer::new().observe(&Person::User.signs(document), clock(0)), expected);
    }
}

#[test]
fn a_no_is_final_for_the_request_whoever_signs_it_and_however_late() {
    let otherwise = ApprovalDocument {
        subject: Subject { quorum: [Role::Agent, Role::Recovery], epoch: 9, ..subject() },
        ..document(ApprovalVerdict::Reject)
    };
    for (no, after_ms) in [
        (says(Person::User, ApprovalVerdict::Reject), 0),
        (says(Person::Guardian, ApprovalVerdict::Reject), 10 * HOUR_MS),
        (Person::Phone.signs(otherwise), 0),
    ] {
        let mut signer = Signer::approved();
        signer.observe(&no, clock(after_ms)).unwrap();
        assert_eq!(signer.decide(1, clock(after_ms)), ApprovalDecision::Rejected);
        assert_eq!(signer.consume(&digests(0), clock(after_ms)), Err(Refusal::NotApproved));
        let again = ApprovalDocument {
            expires_at_ms: clock(after_ms).wall_ms + 1,
            not_before_ms: clock(after_ms).wall_ms,
            ..document(ApprovalVerdict::Approve)
        };
        let result = signer.observe(&Person::User.signs(again), clock(after_ms));
        assert_eq!(result, Err(Refusal::Ended));
        signer.0.retarget(Subject { epoch: 9, ..subject() }).unwrap();
        assert_eq!(signer.decide(1, clock(after_ms)), ApprovalDecision::Rejected);
    }
}

#[test]
fn a_yes_that_was_taken_back_by_any_device_of_the_person_stays_away() {
    let mut signer = Signer::approved();
    signer.observe(&says(Person::Phone, ApprovalVerdict::Withdraw), clock(0)).unwrap();
    assert_eq!(signer.decide(1, clock(0)), ApprovalDecision::Withdrawn);
    assert_eq!(signer.observe(&yes(Person::User), clock(0)), Err(Refusal::Ended));
    assert_eq!(signer.consume(&digests(0), clock(0)), Err(Refusal::NotApproved));

    let alone = signer.0.decide(&[Role::Recovery], &fees(1), &approvers(), clock(0));
    assert_eq!(alone, ApprovalDecision::Approved, "what the other person said stands");

    let mut early = Signer::new();
    early.observe(&says(Person::User, ApprovalVerdict::Withdraw), clock(0)).unwrap();
    assert_eq!(early.observe(&yes(Person::User), clock(0)), Err(Refusal::Ended));
}

#[test]
fn approvals_serve_one_digest_and_further_ones_that_exclude_every_one_before() {
    let mut signer = Signer::approved();
    assert!(!signer.0.is_used());
    signer.consume(&digests(0), clock(0)).unwrap();
    assert!(signer.0.is_used());
    signer.consume(&digests(0), clock(0)).unwrap();
    signer.consume(&digests(1), clock(0)).unwrap();

    let mut gapped = digests(2);
    gapped[1].exclusion = Some([9; 32]);
    let mut unbound = digests(2);
    unbound[0].exclusion = None;
    let mut crossed = digests(2);
    crossed.swap(0, 1);
    for further in [gapped, unbound, crossed] {
        let before = signer.0.clone();
        assert_eq!(signer.consume(&further, clock(0)), Err(Refusal::Used));
        assert_eq!(signer.0, before);
    }
    assert_eq!(signer.consume(&digests(2)[..1], clock(0)), Err(Refusal::OtherContent));
    assert_eq!(signer.consume(&[], clock(0)), Err(Refusal::OtherContent));

    let message = Subject { content_hashes: vec![[3; 32]], paths: vec![vec![]], ..subject() };
    let mut once = Signer::of(message.clone());
    for person in [Person::User, Person::Guardian] {
        let given =
            ApprovalDocument { subject: message.clone(), ..document(ApprovalVerdict::Approve) };
        once.observe(&person.signs(given), clock(0)).unwrap();
    }
    let signed = |number| [DigestUse { digest: [number; 32], exclusion: None }];
    once.consume(&signed(1), clock(0)).unwrap();
    once.consume(&signed(1), clock(0)).unwrap();
    assert_eq!(once.consume(&signed(2), clock(0)), Err(Refusal::Used));
}

#[test]
fn a_request_is_signed_anew_fifteen_times_at_most() {
    let mut signer = Signer::approved();
    let most = u8::try_from(MAX_USES).unwrap();
    for draft in 0..most {
        let mut all = digests(0);
        all[0].digest = [100 + draft; 32];
        signer.consume(&all, clock(0)).unwrap();
    }
    let mut further = digests(0);
    further[0].digest = [100 + most; 32];
    assert_eq!(signer.consume(&further, clock(0)), Err(Refusal::Used));
    further[0].digest = [100; 32];
    signer.consume(&further, clock(0)).unwrap();
}

#[test]
fn a_request_that_is_signed_by_others_needs_other_approvals_and_remembers_what_was_used() {
    let mut signer = Signer::approved();
    signer.consume(&digests(0), clock(0)).unwrap();
    let same = subject();
    signer.0.retarget(same).unwrap();
    assert_eq!(signer.decide(1, clock(0)), ApprovalDecision::Approved);

    let moved =
        Subject { quorum: [Role::Agent, Role::Recovery], policy_hash: [9; 32], ..subject() };
    signer.0.retarget(moved.clone()).unwrap();
    assert_eq!(signer.0.subject(), &moved);
    assert_eq!(signer.decide(1, clock(0)), missing(BOTH));
    for person in [Person::User, Person::Guardian] {
        let given =
            ApprovalDocument { subject: moved.clone(), ..document(ApprovalVerdict::Approve) };
        signer.observe(&person.signs(given), clock(0)).unwrap();
    }
    let mut gapped = digests(1);
    gapped[0].exclusion = Some([9; 32]);
    assert_eq!(signer.consume(&gapped, clock(0)), Err(Refusal::Used));
    signer.consume(&digests(1), clock(0)).unwrap();

    for (other, refusal) in [
        (Subject { wallet_id: [9; 32], ..subject() }, Refusal::OtherWallet),
        (Subject { request_id: [9; 32], ..subject() }, Refusal::OtherRequest),
        (Subject { content_hashes: vec![[3; 32], [9; 32]], ..subject() }, Refusal::OtherContent),
        (Subject { principal: None, ..subject() }, Refusal::OtherRequester),
        (Subject { quorum: [Role::User, Role::User], ..subject() }, Refusal::Malformed),
    ] {
        assert_eq!(signer.0.retarget(other), Err(refusal));
    }
}

#[test]
fn a_clock_that_jumps_refuses_a_yes_until_confirmed_and_a_no_never() {
    let jumps = [
        (MAX_BACK_MS, 0, false),
        (MAX_BACK_MS + 1, 0, true),
        (0, MAX_AHEAD_MS, false),
        (0, MAX_AHEAD_MS + 1, true),
    ];
    for (back, ahead, is_jump) in jumps {
        let mut signer = Signer::approved();
        let mut set = clock(60_000);
        set.wall_ms = set.wall_ms + ahead - back;
        let decision = signer.decide(1, set);
        assert_eq!(decision == ApprovalDecision::ClockJumped, is_jump, "{back} {ahead}");
        if is_jump {
            assert_eq!(signer.consume(&digests(0), clock(60_000)), Err(Refusal::ClockJumped));
            assert_eq!(signer.observe(&yes(Person::User), set), Err(Refusal::ClockJumped));
            let mut confirmed = Signer(signer.0.clone());
            confirmed.0.confirm_clock(clock(60_000));
            assert_eq!(confirmed.decide(1, clock(60_000)), ApprovalDecision::Approved);
            signer.observe(&says(Person::User, ApprovalVerdict::Reject), set).unwrap();
            assert_eq!(signer.decide(1, set), ApprovalDecision::Rejected);
        }
    }
    let mut lapsed = Signer::approved();
    assert_eq!(lapsed.decide(1, clock(APPROVAL_LIFE_MS)), ApprovalDecision::Expired);
    let mut back = clock(APPROVAL_LIFE_MS + 1);
    back.wall_ms -= 30_000;
    assert_eq!(lapsed.decide(1, back), ApprovalDecision::Expired, "what lapsed stays lapsed");
}

#[test]
fn a_record_may_go_when_no_yes_in_it_or_on_its_way_can_be_good() {
    let day = MAX_APPROVAL_LIFE_MS;
    assert_eq!(Signer::new().0.forget_after_ms(), NOW_MS + day);
    assert_eq!(Signer::approved().0.forget_after_ms(), NOW_MS + APPROVAL_LIFE_MS + day);
}

#[test]
fn an_approval_document_is_read_only_in_its_canonical_form() {
    let document = document(ApprovalVerdict::Approve);
    let document = ApprovalDocument {
        max_fees: [("a".to_owned(), U256::from(7)), ("b".to_owned(), U256::MAX)].into(),
        ..document
    };
    let over = format!("{}0", U256::MAX);
    let repeated = "{\"amount\":\"7\",\"asset\":\"a\"},{\"amount\":\"7\",\"asset\":\"a\"}";
    reads_only_canonical(
        &document,
        &[
            ("approve", "Approve"),
            ("approve", "veto"),
            ("\"epoch\":\"6\"", "\"epoch\":6"),
            ("\"epoch\":\"6\"", "\"epoch\":\"06\""),
            ("\"amount\":\"7\"", "\"amount\":\"07\""),
            ("\"amount\":\"7\"", "\"amount\":\"\""),
            ("\"amount\":\"7\"", "\"amount\":\"+7\""),
            ("\"amount\":\"7\"", "\"amount\":\"0x7\""),
            ("\"amount\":\"7\"", "\"amount\":\"7_0\""),
            ("\"amount\":\"7\"", &format!("\"amount\":\"{over}\"")),
            ("\"asset\":\"a\"", "\"asset\":\"c\""),
            ("\"asset\":\"a\"", "\"asset\":\"\""),
            ("\"asset\":\"a\"", "\"asset\":\"a b\""),
            ("{\"amount\":\"7\",\"asset\":\"a\"}", repeated),
            ("[\"agent\",\"user\"]", "[\"user\",\"agent\"]"),
            ("[\"agent\",\"user\"]", "[\"agent\",\"agent\"]"),
            ("[\"agent\",\"user\"]", "[\"agent\"]"),
            ("[\"agent\",\"user\"]", "[\"agent\",\"user\",\"recovery\"]"),
            ("[\"agent\",\"user\"]", "[\"user\",\"recovery\"]"),
            ("\"role\":\"agent\"", "\"role\":\"nobody\""),
            ("[44,60,0]", "[44,60,2147483648]"),
            ("[44,60,0]", "[44,60,-1]"),
            ("[44,60,0]", "[44,60,0.5]"),
            ("[[44,60,0],[]]", "[[44,60,0]]"),
            ("[[44,60,0],[]]", "[[44,60,0],[],[]]"),
            ("\"ecdsa\"", "\"\""),
            ("\"ecdsa\"", "\"ec\\\"dsa\""),
            ("\"notBefore\":\"1800000000000\"", "\"notBefore\":\"1800000300000\""),
            ("\"walletId\":\"AQEB", "\"walletId\":\"AQE"),
            ("\"requestId\":\"AgIC", "\"requestId\":\"AgICAgIC"),
            ("\"principal\":\"BwcH", "\"principal\":\"BwcHBwcH"),
            ("approval@1", "ceremony@1"),
        ],
    );
}

#[test]
fn a_subject_has_one_to_64_items_with_short_paths_and_a_plain_key_id() {
    let items = |count: usize| Subject {
        content_hashes: vec![[3; 32]; count],
        paths: vec![vec![]; count],
        ..subject()
    };
    let deep = |depth: usize| Subject { paths: vec![vec![1; depth], vec![]], ..subject() };
    let named = |length: usize| Subject { key_id: "k".repeat(length), ..subject() };
    for (subject, expected) in [
        (items(0), false),
        (items(1), true),
        (items(MAX_APPROVED_ITEMS), true),
        (items(MAX_APPROVED_ITEMS + 1), false),
        (deep(MAX_APPROVED_DEPTH), true),
        (deep(MAX_APPROVED_DEPTH + 1), false),
        (named(0), false),
        (named(MAX_KEY_ID_BYTES), true),
        (named(MAX_KEY_ID_BYTES + 1), false),
        (Subject { quorum: [Role::User, Role::Agent], ..subject() }, false),
        (Subject { quorum: [Role::User, Role::Recovery], ..subject() }, false),
        (Subject { requester: Role::Recovery, ..subject() }, false),
    ] {
        assert_eq!(Approvals::new(subject, clock(0)).is_ok(), expected);
    }
    let paid = |assets: usize, length: usize| {
        let name = |number| format!("{number:a>length$}");
        let max_fees = (0..assets).map(|number| (name(number), U256::MAX)).collect();
        ApprovalDocument { max_fees, ..document(ApprovalVerdict::Approve) }.check().is_ok()
    };
    assert!(paid(0, 2) && paid(MAX_FEE_ASSETS, MAX_ASSET_BYTES));
    assert!(!paid(MAX_FEE_ASSETS + 1, 2) && !paid(1, MAX_ASSET_BYTES + 1));
}

fn longest(verdict: ApprovalVerdict) -> ApprovalDocument {
    let name = |number: usize| format!("{number:a>width$}", width = MAX_ASSET_BYTES);
    ApprovalDocument {
        subject: Subject {
            content_hashes: vec![[3; 32]; MAX_APPROVED_ITEMS],
            paths: vec![vec![(1 << 31) - 1; MAX_APPROVED_DEPTH]; MAX_APPROVED_ITEMS],
            key_id: "k".repeat(MAX_KEY_ID_BYTES),
            epoch: u64::MAX,
            ..subject()
        },
        max_fees: (0..MAX_FEE_ASSETS).map(|number| (name(number), U256::MAX)).collect(),
        ..document(verdict)
    }
}

#[test]
fn the_longest_document_and_the_longest_record_are_shorter_than_their_caps() {
    let document = longest(ApprovalVerdict::Approve);
    let length = text(&document).len();
    assert!((15_000..=MAX_APPROVAL_DOCUMENT_BYTES).contains(&length), "{length}");

    let passkeys: Vec<Passkey> = (1..=16).map(Passkey::new).collect();
    let listed: Vec<Approver> = passkeys
        .iter()
        .map(|passkey| Approver { role: Role::User, key: passkey.approver_key() })
        .collect();
    let approvers = Approvers::with_passkeys(&listed, site()).unwrap();
    let mut signer = Signer::of(document.subject.clone());
    for passkey in &passkeys {
        signer.0.observe(&passkey.says(document.clone()), &approvers, clock(0)).unwrap();
    }
    for draft in 0..u8::try_from(MAX_USES).unwrap() {
        let digests = [DigestUse { digest: [draft; 32], exclusion: Some([9; 32]) }; 64];
        let roles = [Role::User];
        signer.0.consume(&digests, &roles, &BTreeMap::new(), &approvers, clock(0)).unwrap();
    }
    for verdict in [ApprovalVerdict::Reject, ApprovalVerdict::Withdraw] {
        signer.0.observe(&passkeys[0].says(longest(verdict)), &approvers, clock(0)).unwrap();
    }
    assert!(signer.0.encode().len() > Approvals::MAX_BYTES / 2);
    signer.restart();
}

#[test]
fn a_record_of_approvals_is_read_whole_or_damaged() {
    let mut signer = Signer::approved();
    signer.consume(&digests(0), clock(0)).unwrap();
    let bytes = signer.0.encode();
    is_read_whole(tags::APPROVALS, &bytes, Approvals::decode, Approvals::encode);
    let json = unsealed(&bytes);
    signer.observe(&says(Person::User, ApprovalVerdict::Withdraw), clock(0)).unwrap();
    signer.observe(&says(Person::User, ApprovalVerdict::Reject), clock(0)).unwrap();
    let ended = unsealed(&signer.0.encode());

    let part = |json: &str, start: &str, end: char| {
        let from = json.find(start).unwrap() + start.len();
        json[from..].split(end).next().unwrap().to_owned()
    };
    let approvals = part(&json, "\"approvals\":[", ']');
    let first = approvals.split(',').next().unwrap();
    let rejection = part(&ended, "\"rejection\":\"", '"');
    let withdrawal = part(&ended, "\"withdrawals\":[", ']');
    let used = part(&json, "\"used\":[[", ']');
    let seventeen = vec![used.clone(); 17].join(",");
    let cases = [
        (&json, approvals.clone(), format!("{first},{first}")),
        (&json, approvals.clone(), format!("\"{rejection}\"")),
        (&ended, rejection.clone(), first.trim_matches('"').to_owned()),
        (&ended, withdrawal.clone(), format!("{withdrawal},{withdrawal}")),
        (
            &ended,
            withdrawal.clone(),
            withdrawal
                .replace("user", "recovery")
                .replace(&part(&withdrawal, "signed\":\"", '"'), &rejection),
        ),
        (&json, format!("[{used}],"), String::new()),
        (&json, used.clone(), seventeen),
        (&json, "approvals@1".to_owned(), "approvals@2".to_owned()),
        (&json, "\"monotonic\":\"5000\"".to_owned(), "\"monotonic\":\"4999\"".to_owned()),
    ];
    for (json, from, to) in cases {
        let changed = json.replacen(&from, &to, 1);
        assert_ne!(&changed, json, "{from}");
        let result = Approvals::decode(&sealed(tags::APPROVALS, &changed));
        assert_eq!(result, Err(Refusal::Damaged), "{from} {to}");
    }
}
