//! Decisions at one party, and what they reserve.

use std::sync::Arc;

use authority::{Asked, Authority, Authorized, Evidence, Question, Refused};
use ceremony::{Membership, Origin, Role, Wallet};
use policy::evaluate::Ruling;
use policy::rulebook::PolicyConfig;
use policy::{ApprovalVerdict, Clock, Refusal};

use crate::committee::{NOW_MS, members_with};

pub const ETHER: u64 = 1_000_000_000_000_000_000;
const CHAIN: &str = "eip155:1";

pub fn clock(after_ms: u64) -> Clock {
    Clock { wall_ms: NOW_MS + after_ms, monotonic_ms: 5_000 + after_ms, run: [7; 16] }
}

/// One ether in a request, two in a day.
pub fn two_a_day() -> PolicyConfig {
    PolicyConfig::read(
        format!(
            r#"{{"schema":"mpc-wallet/policy-config@1","rules":[{{"type":"spendingLimits","id":"ether","asset":"{CHAIN}/slip44:60","perTransaction":"{ETHER}","daily":"{}"}}]}}"#,
            2 * ETHER
        )
        .as_bytes(),
    )
    .unwrap()
}

/// A wallet of this policy at the user's party.
pub fn user(seed: u64, config: &PolicyConfig) -> (Arc<Wallet>, Arc<Membership>) {
    let (_, mut members) = members_with(seed, config);
    let membership = members.remove(&Role::User).unwrap();
    (membership.current().unwrap(), membership)
}

/// Of at least 128 wei: `rlp([1, nonce, 0, 0, 21000, to, value, "", []])` behind type 2, with no fee.
pub fn payment(nonce: u8, value: u64) -> Vec<u8> {
    let value = value.to_be_bytes();
    let value = &value[value.iter().position(|byte| *byte != 0).unwrap_or(8)..];
    let mut fields = vec![0x01];
    fields.push(if nonce == 0 { 0x80 } else { nonce });
    fields.extend([0x80, 0x80, 0x82, 0x52, 0x08, 0x94]);
    fields.extend([0x35; 20]);
    fields.push(0x80 + u8::try_from(value.len()).unwrap());
    fields.extend(value);
    fields.extend([0x80, 0xc0]);
    [&[0x02, 0xc0 + u8::try_from(fields.len()).unwrap()][..], &fields].concat()
}

pub fn ask(
    authority: &mut Authority,
    wallet: &Arc<Wallet>,
    name: &str,
    payload: &[u8],
) -> Authorized {
    try_to_ask(authority, wallet, name, payload).unwrap()
}

fn try_to_ask(
    authority: &mut Authority,
    wallet: &Arc<Wallet>,
    name: &str,
    payload: &[u8],
) -> Result<Authorized, Refused> {
    let asked = Asked { kind: "evm.transaction", chain: CHAIN, bytes: payload, path: &[] };
    let reading = authority.read(wallet, [asked])?;
    let question = Question::new(Role::User, Role::Agent, Origin::named(name));
    let deadline_ms = NOW_MS + 60_000;
    authority.authorize(wallet, &reading, &question, Evidence::default(), clock(1), deadline_ms)
}

fn is_approved(authorized: &Authorized) -> bool {
    let approved = authorized.decision.ruling == Ruling::Approved;
    assert_eq!(authorized.authorization.is_some(), approved, "a right to sign follows a yes");
    approved
}

#[test]
fn what_is_permitted_is_reserved_in_the_same_step() {
    let (wallet, _membership) = user(1_300, &two_a_day());
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();

    assert!(!is_approved(&ask(&mut authority, &wallet, "large", &payment(0, ETHER + 1))));
    assert!(is_approved(&ask(&mut authority, &wallet, "one", &payment(0, ETHER))));
    assert!(is_approved(&ask(&mut authority, &wallet, "two", &payment(1, ETHER))));
    assert!(!is_approved(&ask(&mut authority, &wallet, "three", &payment(2, 200))));
    assert!(is_approved(&ask(&mut authority, &wallet, "two", &payment(1, ETHER))), "once more");
}

#[test]
fn another_payment_under_the_name_of_a_request_is_refused_and_a_bump_is_not() {
    let (wallet, _membership) = user(1_301, &two_a_day());
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();

    assert!(is_approved(&ask(&mut authority, &wallet, "rent", &payment(0, ETHER))));
    assert!(is_approved(&ask(&mut authority, &wallet, "rent", &payment(0, ETHER - 1))), "a bump");
    let other = try_to_ask(&mut authority, &wallet, "rent", &payment(1, ETHER));
    assert!(matches!(other, Err(Refused::Document(Refusal::OtherContent))));
    assert!(is_approved(&ask(&mut authority, &wallet, "more", &payment(1, ETHER))), "by its name");
}

#[test]
fn what_was_stopped_in_time_is_free_again_and_void_and_what_a_share_left_for_is_not() {
    let (wallet, _membership) = user(1_302, &two_a_day());
    let wallet_id = *wallet.roster().wallet_id();
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();
    let stopped = ask(&mut authority, &wallet, "stopped", &payment(0, ETHER));
    let left = ask(&mut authority, &wallet, "left", &payment(1, ETHER));
    authority.share_left(&left.request_id);

    assert!(!authority.release(wallet_id, &stopped.request_id, &stopped.live).is_empty());
    assert!(authority.release(wallet_id, &left.request_id, &left.live).is_empty());

    assert!(!stopped.live.load(std::sync::atomic::Ordering::Acquire));
    assert!(is_approved(&ask(&mut authority, &wallet, "another", &payment(2, ETHER))));
    assert!(!is_approved(&ask(&mut authority, &wallet, "one more", &payment(3, ETHER))));
}

#[test]
fn a_window_runs_from_landing_and_what_cannot_land_counts_nothing() {
    let (wallet, _membership) = user(1_303, &two_a_day());
    let wallet_id = *wallet.roster().wallet_id();
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();
    let first = ask(&mut authority, &wallet, "first", &payment(0, ETHER));
    let digest = *first.authorization.as_ref().unwrap().digests().next().as_ref().unwrap();
    ask(&mut authority, &wallet, "second", &payment(1, ETHER));

    assert!(!is_approved(&ask(&mut authority, &wallet, "third", &payment(2, ETHER))));
    authority.outcome(wallet_id, &first.request_id, &digest, None, clock(1)).unwrap();
    assert!(is_approved(&ask(&mut authority, &wallet, "third", &payment(2, ETHER))));
    assert!(
        authority.outcome(wallet_id, &first.request_id, &digest, Some(NOW_MS), clock(1)).is_err()
    );
}

#[test]
fn a_session_that_ends_late_takes_nothing_from_the_same_request_asked_anew() {
    let (wallet, _membership) = user(1_304, &two_a_day());
    let wallet_id = *wallet.roster().wallet_id();
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();
    let first = ask(&mut authority, &wallet, "rent", &payment(0, ETHER));
    let anew = ask(&mut authority, &wallet, "rent", &payment(0, ETHER));

    assert!(authority.release(wallet_id, &first.request_id, &first.live).is_empty());

    let is_live = |one: &Authorized| one.live.load(std::sync::atomic::Ordering::Acquire);
    assert_eq!((is_live(&first), is_live(&anew)), (false, true));
    assert!(is_approved(&ask(&mut authority, &wallet, "more", &payment(1, ETHER))));
    assert!(!is_approved(&ask(&mut authority, &wallet, "too much", &payment(2, ETHER))));
    assert!(!authority.release(wallet_id, &anew.request_id, &anew.live).is_empty());
}

#[test]
fn a_person_who_says_no_is_heard_also_where_the_rules_ask_nobody() {
    let (wallet, _membership) = user(1_306, &two_a_day());
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();
    let first = ask(&mut authority, &wallet, "rent", &payment(0, ETHER));
    let asked =
        Asked { kind: "evm.transaction", chain: CHAIN, bytes: &payment(0, ETHER), path: &[] };
    let reading = authority.read(&wallet, [asked]).unwrap();
    let question = Question::new(Role::User, Role::Agent, Origin::named("rent"));
    let no = authority
        .sign_approval(
            &wallet,
            (&reading, &question),
            ApprovalVerdict::Reject,
            None,
            (NOW_MS + 1, None),
        )
        .unwrap();

    authority.take(&wallet, &no, clock(1)).unwrap();

    assert!(!first.live.load(std::sync::atomic::Ordering::Acquire), "what was permitted is void");
    assert!(!is_approved(&ask(&mut authority, &wallet, "rent", &payment(0, ETHER))));
    assert!(is_approved(&ask(&mut authority, &wallet, "food", &payment(1, ETHER))));
}

#[test]
fn what_leaves_a_smart_account_of_the_policy_counts_as_the_wallets() {
    const ACCOUNT: [u8; 20] = [0x35; 20];
    const TOKEN: [u8; 20] = [0x45; 20];
    let name =
        |address: [u8; 20]| format!("0x{}", address.map(|byte| format!("{byte:x}")).concat());
    let (account, token) = (name(ACCOUNT), name(TOKEN));
    let config = PolicyConfig::read(
        format!(
            r#"{{"schema":"mpc-wallet/policy-config@1","contracts":[{{"address":"{CHAIN}:{account}","kind":{{"type":"account"}}}},{{"address":"{CHAIN}:{token}","kind":{{"type":"erc20","decimals":6}}}}],"rules":[{{"type":"spendingLimits","id":"token","asset":"{CHAIN}/erc20:{token}","perTransaction":"100"}}]}}"#
        )
        .as_bytes(),
    )
    .unwrap();
    // `transferFrom(account, somebody, amount)` of the token, by the wallet
    let taken = |amount: u8| {
        let mut call = vec![0x23, 0xb8, 0x72, 0xdd];
        for (word, from) in [(&ACCOUNT[..], 12), (&[0x55; 20][..], 12), (&[amount][..], 31)] {
            call.extend([&vec![0; from][..], word].concat());
        }
        let mut fields = vec![0x01, 0x80, 0x80, 0x80, 0x82, 0x52, 0x08, 0x94];
        fields.extend(TOKEN);
        fields.extend([0x80, 0xb8, 100]);
        fields.extend(call);
        fields.push(0xc0);
        [&[0x02, 0xf8, u8::try_from(fields.len()).unwrap()][..], &fields].concat()
    };
    let (wallet, _membership) = user(1_307, &config);
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();

    assert!(is_approved(&ask(&mut authority, &wallet, "within", &taken(100))));
    assert!(!is_approved(&ask(&mut authority, &wallet, "over", &taken(101))));
}
