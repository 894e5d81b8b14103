//! A tighter policy holds at once, a looser one after a day, and neither comes from anybody but the approvers.

use policy::{
    Approver, Approvers, ChangeDocument, Clock, LOOSENING_DELAY_MS, MAX_AHEAD_MS, MAX_BACK_MS,
    MAX_CHANGE_DOCUMENT_BYTES, MAX_POLICY_BYTES, PolicyChange, PolicyState, PolicyStatus, Refusal,
    Role, Signed, policy_hash,
};
use tagged_hash::tags;

use crate::forgeries::{is_read_whole, reads_only_canonical, sealed, text, unsealed};
use crate::passkeys::{Passkey, site};
use crate::persons::{DAY_MS, HOUR_MS, NOW_MS, Person, approvers, clock};

const FIRST: &[u8] = b"{\"limit\":\"100\"}";
const TIGHTER: &[u8] = b"{\"limit\":\"50\"}";
const LOOSER: &[u8] = b"{\"limit\":\"900\"}";
const LOOSEST: &[u8] = b"{}";
const MONTH_MS: u64 = 30 * DAY_MS;

const USER: &[Role] = &[Role::User];
const BOTH: &[Role] = &[Role::User, Role::Recovery];

/// A policy with the signatures of these persons, over the version that the party has.
struct Draft {
    signed: Vec<Signed<ChangeDocument>>,
    policy: &'static [u8],
    loosens: bool,
}

impl Draft {
    fn change(&self) -> PolicyChange<'_> {
        let quorum = if self.loosens { BOTH } else { USER };
        let (signed, policy, loosens) = (&self.signed[..], self.policy, self.loosens);
        PolicyChange { signed, policy, loosens, quorum, delay_ms: LOOSENING_DELAY_MS }
    }
}

/// Written and read back after every step.
struct Party(PolicyState);

impl Party {
    fn new() -> Self {
        Self(PolicyState::new([1; 32], 1, FIRST.to_vec(), clock(0)).unwrap())
    }

    fn document(&self, policy: &[u8]) -> ChangeDocument {
        ChangeDocument {
            wallet_id: [1; 32],
            version: self.0.version() + 1,
            previous: *self.0.hash(),
            next: policy_hash(policy),
            expires_at_ms: NOW_MS + 10 * DAY_MS,
        }
    }

    fn tightening(&self) -> Draft {
        let signed = vec![Person::User.signs(self.document(TIGHTER))];
        Draft { signed, policy: TIGHTER, loosens: false }
    }

    fn loosening(&self, policy: &'static [u8]) -> Draft {
        let signed = [Person::User, Person::Guardian].map(|one| one.signs(self.document(policy)));
        Draft { signed: signed.into(), policy, loosens: true }
    }

    fn propose(&mut self, draft: &Draft, clock: Clock) -> Result<PolicyStatus, Refusal> {
        let result = self.0.propose(draft.change(), &approvers(), clock);
        self.restart();
        result
    }

    fn advance(&mut self, clock: Clock) -> Result<PolicyStatus, Refusal> {
        let result = self.0.advance_to(clock);
        self.restart();
        result
    }

    fn restart(&mut self) {
        let read = PolicyState::decode(&self.0.encode()).unwrap();
        assert_eq!(read, self.0);
        self.0 = read;
    }
}

fn waiting(until_ms: u64) -> Result<PolicyStatus, Refusal> {
    Ok(PolicyStatus::Waiting { until_ms })
}

#[test]
fn a_tighter_policy_is_in_force_when_it_arrives() {
    let mut party = Party::new();
    assert_eq!((party.0.version(), party.0.policy()), (1, FIRST));
    let draft = party.tightening();
    assert_eq!(party.propose(&draft, clock(0)), Ok(PolicyStatus::InForce));
    assert_eq!((party.0.version(), party.0.policy()), (2, TIGHTER));
    assert_eq!((party.0.hash(), party.0.signed()), (&policy_hash(TIGHTER), &draft.signed[..]));
}

#[test]
fn a_looser_policy_is_in_force_at_the_last_millisecond_of_a_day() {
    for (after_ms, version) in
        [(LOOSENING_DELAY_MS - 1, 1), (LOOSENING_DELAY_MS, 2), (LOOSENING_DELAY_MS + 1, 2)]
    {
        let mut party = Party::new();
        let draft = party.loosening(LOOSER);
        assert_eq!(party.propose(&draft, clock(0)), waiting(NOW_MS + DAY_MS));
        assert_eq!(party.0.pending(), Some((LOOSER, &draft.signed[..])));
        assert_eq!(party.0.policy(), FIRST);
        party.advance(clock(after_ms)).unwrap();
        assert_eq!(party.0.version(), version, "{after_ms}");
    }
    let mut at_once = Party::new();
    let draft = at_once.loosening(LOOSER);
    let change = PolicyChange { delay_ms: 0, ..draft.change() };
    assert_eq!(at_once.0.propose(change, &approvers(), clock(0)), Ok(PolicyStatus::InForce));
}

#[test]
fn a_tightening_cancels_what_waits_for_good() {
    let mut party = Party::new();
    let looser = party.loosening(LOOSER);
    party.propose(&looser, clock(0)).unwrap();
    let tighter = party.tightening();
    party.propose(&tighter, clock(HOUR_MS)).unwrap();
    assert_eq!(party.0.pending(), None);
    assert_eq!(party.advance(clock(9 * DAY_MS)), Ok(PolicyStatus::InForce));
    assert_eq!(party.0.policy(), TIGHTER);
    assert_eq!(party.propose(&looser, clock(9 * DAY_MS)), Err(Refusal::OldVersion));
    assert_eq!(party.propose(&tighter, clock(9 * DAY_MS)), Err(Refusal::OldVersion));
}

#[test]
fn a_tightening_that_arrives_before_anybody_looked_at_the_clock_still_cancels() {
    let mut party = Party::new();
    let (looser, tighter) = (party.loosening(LOOSER), party.tightening());
    party.propose(&looser, clock(0)).unwrap();
    party.propose(&tighter, clock(2 * DAY_MS)).unwrap();
    assert_eq!((party.0.policy(), party.0.pending()), (TIGHTER, None));
}

#[test]
fn the_same_loosening_goes_on_waiting_and_another_one_waits_anew() {
    let mut party = Party::new();
    let (looser, loosest) = (party.loosening(LOOSER), party.loosening(LOOSEST));
    party.propose(&looser, clock(0)).unwrap();
    assert_eq!(party.propose(&looser, clock(HOUR_MS)), waiting(NOW_MS + DAY_MS));
    assert_eq!(party.propose(&loosest, clock(HOUR_MS)), waiting(NOW_MS + DAY_MS + HOUR_MS));
    assert_eq!(party.advance(clock(DAY_MS)), waiting(NOW_MS + DAY_MS + HOUR_MS));
    assert_eq!(party.advance(clock(DAY_MS + HOUR_MS)), Ok(PolicyStatus::InForce));
    assert_eq!(party.0.policy(), LOOSEST);
}

#[test]
fn a_change_needs_the_quorum_and_no_agent_is_part_of_it() {
    let mut party = Party::new();
    let document = party.document(LOOSER);
    let by = |person: Person| person.signs(document);
    let other = Person::Guardian.signs(ChangeDocument { expires_at_ms: NOW_MS + 1, ..document });
    let cases = [
        (vec![], Refusal::Unsigned),
        (vec![by(Person::User)], Refusal::Unsigned),
        (vec![by(Person::Guardian)], Refusal::Unsigned),
        (vec![by(Person::User), by(Person::Phone)], Refusal::Unsigned),
        (vec![by(Person::User), by(Person::Stranger)], Refusal::UnknownApprover),
        (vec![by(Person::User), other], Refusal::OtherDocument),
    ];
    for (signed, refusal) in cases {
        let draft = Draft { signed, policy: LOOSER, loosens: true };
        assert_eq!(party.propose(&draft, clock(0)), Err(refusal));
    }
    let draft = party.tightening();
    let change = PolicyChange { quorum: &[], ..draft.change() };
    assert_eq!(party.0.propose(change, &approvers(), clock(0)), Err(Refusal::NoQuorum));
    let agent = Approver { role: Role::Agent, key: Person::Stranger.key().into() };
    assert_eq!(Approvers::new(&[agent]), Err(Refusal::RoleWithoutApprovers));
    assert_eq!((party.0.version(), party.0.pending()), (1, None));
}

#[test]
fn passkeys_change_a_policy_too() {
    let listed = [Approver { role: Role::User, key: Passkey::new(1).approver_key() }];
    let approvers = Approvers::with_passkeys(&listed, site()).unwrap();
    let mut party = Party::new();
    let signed = vec![Passkey::new(1).says(party.document(TIGHTER))];
    let draft = Draft { signed, policy: TIGHTER, loosens: false };
    let status = party.0.propose(draft.change(), &approvers, clock(0));
    assert_eq!(status, Ok(PolicyStatus::InForce));
    party.restart();
}

#[test]
fn a_change_is_of_this_wallet_and_follows_the_version_in_force() {
    let mut party = Party::new();
    let document = party.document(TIGHTER);
    let cases = [
        (ChangeDocument { wallet_id: [2; 32], ..document }, Refusal::OtherWallet),
        (ChangeDocument { version: 1, ..document }, Refusal::OldVersion),
        (ChangeDocument { version: 3, ..document }, Refusal::OldVersion),
        (ChangeDocument { previous: [9; 32], ..document }, Refusal::OldVersion),
        (ChangeDocument { next: policy_hash(LOOSER), ..document }, Refusal::OtherPolicyBytes),
    ];
    for (document, refusal) in cases {
        let signed = vec![Person::User.signs(document)];
        let draft = Draft { signed, policy: TIGHTER, loosens: false };
        assert_eq!(party.propose(&draft, clock(0)), Err(refusal));
    }
    assert_eq!(party.0.version(), 1);
}

#[test]
fn a_change_is_found_and_used_for_thirty_days_at_most() {
    for (life_ms, expected) in [
        (0, Err(Refusal::Lapsed)),
        (1, Ok(PolicyStatus::InForce)),
        (MONTH_MS, Ok(PolicyStatus::InForce)),
        (MONTH_MS + 1, Err(Refusal::LivesTooLong)),
    ] {
        let mut party = Party::new();
        let document =
            ChangeDocument { expires_at_ms: NOW_MS + life_ms, ..party.document(TIGHTER) };
        let signed = vec![Person::User.signs(document)];
        let draft = Draft { signed, policy: TIGHTER, loosens: false };
        assert_eq!(party.propose(&draft, clock(0)), expected, "{life_ms}");
    }
}

#[test]
fn a_clock_that_jumps_does_not_shorten_the_delay_and_does_not_keep_limits_loose() {
    let mut party = Party::new();
    let (looser, tighter) = (party.loosening(LOOSER), party.tightening());
    party.propose(&looser, clock(0)).unwrap();
    let jumped = Clock { wall_ms: clock(HOUR_MS).wall_ms + 40 * DAY_MS, ..clock(HOUR_MS) };
    assert_eq!(party.advance(jumped), Err(Refusal::ClockJumped));
    assert_eq!(party.advance(clock(2 * DAY_MS)), Err(Refusal::ClockJumped));
    assert_eq!(party.propose(&looser, clock(2 * DAY_MS)), Err(Refusal::ClockJumped));
    assert_eq!(party.0.policy(), FIRST);

    let mut confirmed = Party(party.0.clone());
    confirmed.0.confirm_clock(clock(2 * DAY_MS));
    assert_eq!(confirmed.advance(clock(2 * DAY_MS)), waiting(NOW_MS + 3 * DAY_MS));
    assert_eq!(confirmed.advance(clock(3 * DAY_MS)), Ok(PolicyStatus::InForce));

    assert_eq!(party.propose(&tighter, jumped), Ok(PolicyStatus::InForce));
    assert_eq!((party.0.policy(), party.0.pending()), (TIGHTER, None));
    let at_once = party.loosening(LOOSER);
    let change = PolicyChange { delay_ms: 0, ..at_once.change() };
    assert_eq!(party.0.propose(change, &approvers(), jumped), Err(Refusal::ClockJumped));
}

#[test]
fn a_clock_within_its_tolerance_or_another_run_is_not_waiting() {
    let mut party = Party::new();
    let draft = party.loosening(LOOSER);
    party.propose(&draft, clock(0)).unwrap();
    let early = clock(LOOSENING_DELAY_MS - 1);
    let ahead = Clock { wall_ms: early.wall_ms + MAX_AHEAD_MS, ..early };
    assert!(matches!(party.advance(ahead), Ok(PolicyStatus::Waiting { .. })));
    let behind = Clock { wall_ms: early.wall_ms - MAX_BACK_MS, ..early };
    assert!(matches!(party.advance(behind), Ok(PolicyStatus::Waiting { .. })));
    let rebooted = Clock { run: [9; 16], ..clock(9 * DAY_MS) };
    assert_eq!(party.advance(rebooted), waiting(NOW_MS + 9 * DAY_MS + 1));
}

#[test]
fn a_policy_has_two_mebibytes_at_most() {
    let make = |length| PolicyState::new([1; 32], 1, vec![b' '; length], clock(0));
    assert!(make(MAX_POLICY_BYTES - 1).is_ok());
    assert_eq!(make(MAX_POLICY_BYTES + 1), Err(Refusal::Malformed));
    let mut state = make(MAX_POLICY_BYTES).unwrap();
    let propose = |state: &mut PolicyState, length| {
        let policy = vec![b'.'; length];
        let party = Party(state.clone());
        let signed = [Person::User, Person::Guardian].map(|one| one.signs(party.document(&policy)));
        let change = PolicyChange {
            signed: &signed,
            policy: &policy,
            loosens: true,
            quorum: BOTH,
            delay_ms: LOOSENING_DELAY_MS,
        };
        state.propose(change, &approvers(), clock(0)).map(drop)
    };
    assert_eq!(propose(&mut state, MAX_POLICY_BYTES + 1), Err(Refusal::Malformed));
    assert_eq!(propose(&mut state, MAX_POLICY_BYTES), Ok(()));
    assert_eq!(PolicyState::decode(&state.encode()), Ok(state));
}

#[test]
fn a_change_document_is_read_only_in_its_canonical_form() {
    let document = ChangeDocument { version: 12, ..Party::new().document(TIGHTER) };
    let longest = ChangeDocument { version: u64::MAX, expires_at_ms: u64::MAX, ..document };
    let length = text(&longest).len();
    assert!(length <= MAX_CHANGE_DOCUMENT_BYTES && length == 274, "{length}");
    reads_only_canonical(
        &document,
        &[
            ("\"12\"", "12"),
            ("\"12\"", "\"012\""),
            ("\"12\"", "\"\""),
            ("\"12\"", "\"99999999999999999999\""),
            ("AQEB", "AQE"),
            ("AQEB", "AQEBAQEB"),
            ("policy-change@1", "freeze@1"),
        ],
    );
}

#[test]
fn a_record_of_a_policy_is_read_whole_or_damaged() {
    let mut party = Party::new();
    let draft = party.tightening();
    party.propose(&draft, clock(0)).unwrap();
    let looser = party.loosening(LOOSER);
    party.propose(&looser, clock(0)).unwrap();
    let bytes = party.0.encode();
    is_read_whole(tags::POLICY_STATE, &bytes, PolicyState::decode, PolicyState::encode);

    let json = unsealed(&bytes);
    let first = unsealed(&Party::new().0.encode());
    let waited = format!("\"waited\":\"{}\"", LOOSENING_DELAY_MS + 1);
    let cases = [
        (&json, "\"number\":\"2\"", "\"number\":\"1\""),
        (&json, "\"number\":\"3\"", "\"number\":\"4\""),
        (&json, "\"waited\":\"0\"", &waited),
        (&json, "\"waited\":\"0\"", "\"waited\":\"00\""),
        (&json, "policy-state@1", "policy-state@2"),
        (&json, "\"walletId\":\"AQ", "\"walletId\":\"AA"),
        (&json, "\"monotonic\":\"5000\"", "\"monotonic\":\"4999\""),
        (&first, "\"number\":\"1\"", "\"number\":\"0\""),
        (&first, "\"signed\":[]", "\"signed\":[\"\"]"),
    ];
    for (json, from, to) in cases {
        let changed = json.replacen(from, to, 1);
        assert_ne!(&changed, json, "{from}");
        let result = PolicyState::decode(&sealed(tags::POLICY_STATE, &changed));
        assert_eq!(result, Err(Refusal::Damaged), "{to}");
    }
}
