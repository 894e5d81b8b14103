//! What an authority is after its process ended: what its store says, and no less strict.

use authority::Authority;
use ceremony::store::{Commit, Key, MemoryStore, Secret, Store, Write};
use policy::evaluate::Ruling;

use crate::desk::{ETHER, ask, clock, payment, two_a_day, user};

fn keep(store: &mut MemoryStore, writes: Vec<Write>) {
    store.commit(Commit { writes, read_back: Vec::new() }).unwrap();
}

fn records(store: &MemoryStore) -> Vec<(Key, Secret)> {
    store.records()
}

#[test]
fn what_was_reserved_is_reserved_after_a_restart() {
    let (wallet, membership) = user(1_310, &two_a_day());
    let (wallet_id, mut store) = (membership.wallet_id(), MemoryStore::new());
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();
    keep(&mut store, authority.first_writes(wallet_id));
    for nonce in 0..2 {
        let name = format!("payment {nonce}");
        let authorized = ask(&mut authority, &wallet, &name, &payment(nonce, ETHER));
        keep(&mut store, authorized.writes);
    }

    let (mut again, _) = Authority::load(&membership, &wallet, &records(&store), clock(2)).unwrap();

    assert!(!again.limits_full());
    let refused = ask(&mut again, &wallet, "one more", &payment(2, 200));
    assert!(matches!(refused.decision.ruling, Ruling::Rejected { .. }));
    let same = ask(&mut again, &wallet, "payment 1", &payment(1, ETHER));
    assert_eq!(same.decision.ruling, Ruling::Approved, "asked anew, it is the same payment");
    assert!(again.release(wallet_id, &same.request_id, &same.live).is_empty());
    let refused = ask(&mut again, &wallet, "one more", &payment(2, 200));
    assert!(matches!(refused.decision.ruling, Ruling::Rejected { .. }), "a share may have left");
}

#[test]
fn a_party_without_its_ledger_counts_every_limit_as_used_up_until_its_operator_says_otherwise() {
    let (wallet, membership) = user(1_311, &two_a_day());

    let (mut authority, writes) = Authority::load(&membership, &wallet, &[], clock(0)).unwrap();

    assert!(authority.limits_full() && !writes.is_empty());
    let refused = ask(&mut authority, &wallet, "one", &payment(0, 200));
    assert!(matches!(refused.decision.ruling, Ruling::Rejected { .. }));
    authority.confirm_limits(membership.wallet_id(), clock(1));
    let allowed = ask(&mut authority, &wallet, "one", &payment(0, 200));
    assert_eq!(allowed.decision.ruling, Ruling::Approved);
}

#[test]
fn a_freeze_holds_after_a_restart() {
    let (wallet, membership) = user(1_312, &two_a_day());
    let (wallet_id, mut store) = (membership.wallet_id(), MemoryStore::new());
    let mut authority = Authority::new(&wallet, clock(0), false).unwrap();
    keep(&mut store, authority.first_writes(wallet_id));
    let freeze = authority.sign_freeze(&wallet, true, clock(1).wall_ms).unwrap();
    keep(&mut store, authority.take(&wallet, &freeze, clock(1)).unwrap().1);

    let (mut again, _) = Authority::load(&membership, &wallet, &records(&store), clock(2)).unwrap();

    assert!(again.frozen().load(std::sync::atomic::Ordering::Acquire));
    let refused = ask(&mut again, &wallet, "one", &payment(0, 200));
    assert!(matches!(refused.decision.ruling, Ruling::Rejected { .. }));
}

#[test]
fn a_damaged_record_is_not_passed_over() {
    let (wallet, membership) = user(1_313, &two_a_day());
    let wallet_id = membership.wallet_id();
    for key in [Key::PolicyState { wallet_id }, Key::FreezeState { wallet_id }] {
        let damaged = [(key, Secret::copy_from(b"damaged"))];
        assert!(Authority::load(&membership, &wallet, &damaged, clock(0)).is_err());
    }
}
