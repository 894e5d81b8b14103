//! The ledger: what counts, from when on, and until when.

use std::sync::Mutex;

use alloy_primitives::U256;
use policy::ledger::{
    Charge, ChargeKind, LedgerItem, LedgerLimits, MAX_CHARGES, MAX_DRAFTS, MAX_ITEMS,
    MAX_NONCE_GAP, MAX_RECIPIENT_BYTES, MAX_RECORD_BYTES, MAX_WAITING, RecordId, Reservation,
    Spending,
};
use policy::{DigestUse, MAX_AHEAD_MS, MAX_ASSET_BYTES, MAX_BACK_MS, Refusal};

use crate::books::{Books, ETH, SHOP, USDC, at_nonce, exposure, item, payment, request, spend};
use crate::persons::{DAY_MS, HOUR_MS, NOW_MS, clock};

/// A window that nothing reserved now would be in, if it had ended.
const LATER_MS: u64 = NOW_MS + 365 * DAY_MS;

fn signed(amount: u64) -> Books {
    let mut books = Books::new();
    books.reserve(&payment(1, amount), NOW_MS).unwrap();
    books.share_left(1).unwrap();
    books.commit(1).unwrap();
    books
}

#[test]
fn what_is_reserved_or_signed_counts_in_every_window_until_it_lands() {
    let mut books = Books::new();
    books.reserve(&payment(1, 70), NOW_MS).unwrap();
    assert_eq!((books.spent(0), books.spent(LATER_MS)), (70, 70));
    books.share_left(1).unwrap();
    assert_eq!(books.spent(LATER_MS), 70);
    books.commit(1).unwrap();
    assert_eq!(books.spent(LATER_MS), 70);

    let landed_ms = NOW_MS + 30 * DAY_MS;
    books.landed(1, 1, landed_ms).unwrap();
    assert_eq!(books.spent(landed_ms - 1), 70);
    assert_eq!(books.spent(landed_ms), 70);
    assert_eq!(books.spent(landed_ms + 1), 0);
}

#[test]
fn a_reservation_is_released_before_a_share_left_and_not_after() {
    let mut books = Books::new();
    books.reserve(&payment(1, 70), NOW_MS).unwrap();
    books.release(1).unwrap();
    assert_eq!((books.spent(0), books.ledger.count(0, None), books.ledger.len()), (0, 0, 0));
    assert_eq!(books.release(1), Err(Refusal::UnknownRequest));

    books.reserve(&payment(1, 70), NOW_MS).unwrap();
    books.share_left(1).unwrap();
    assert_eq!(books.release(1), Err(Refusal::ShareLeft));
    books.commit(1).unwrap();
    assert_eq!(books.release(1), Err(Refusal::ShareLeft));
    assert_eq!(books.spent(LATER_MS), 70);
}

#[test]
fn only_the_endpoint_takes_back_what_a_share_left_for() {
    let mut books = signed(70);
    assert_eq!(books.excluded(1, 2), Err(Refusal::UnknownDigest));
    books.excluded(1, 1).unwrap();
    assert_eq!(books.spent(0), 0);
    assert_eq!(books.ledger.count(0, None), 1, "it was signed");

    let mut books = signed(70);
    books.landed(1, 1, NOW_MS).unwrap();
    assert_eq!(books.excluded(1, 1), Err(Refusal::Landed));
    assert_eq!(books.spent(NOW_MS), 70);
}

#[test]
fn nothing_lands_before_it_was_reserved_and_the_first_report_stays() {
    let mut books = signed(70);
    books.landed(1, 1, NOW_MS - 7 * DAY_MS).unwrap();
    assert_eq!((books.spent(NOW_MS), books.spent(NOW_MS + 1)), (70, 0));

    let mut books = signed(70);
    books.landed(1, 1, NOW_MS + 5).unwrap();
    books.landed(1, 1, NOW_MS + 2).unwrap();
    assert_eq!((books.spent(NOW_MS + 5), books.spent(NOW_MS + 6)), (70, 0));
}

#[test]
fn digests_at_one_nonce_count_once_with_the_larger_amount_of_each_asset() {
    let mut books = signed(70);
    let bump = item(2, Some(1), vec![spend(USDC, 60), spend(ETH, 9)]);
    books.reserve(&request(1, vec![bump.clone()]), NOW_MS).unwrap();
    assert_eq!(books.spent(0), 70);
    assert_eq!(books.ledger.spent(ETH, 0, None), U256::from(9));
    assert_eq!(books.ledger.count(0, None), 1);

    let larger = item(3, Some(1), vec![spend(USDC, 80)]);
    books.reserve(&request(1, vec![larger]), NOW_MS).unwrap();
    assert_eq!(books.spent(0), 80);

    books.release(1).unwrap();
    assert_eq!(books.spent(0), 70, "only the one that was signed can land");
    books.reserve(&request(1, vec![bump]), NOW_MS).unwrap();
    books.commit(1).unwrap();
    books.landed(1, 2, NOW_MS + 1).unwrap();
    assert_eq!(books.spent(NOW_MS + 1), 60, "the other one cannot land any more");
}

#[test]
fn digests_count_twice_where_both_can_land() {
    let at_other_nonce = item(2, Some(9), vec![spend(USDC, 70)]);
    let without_nonce = item(3, None, vec![spend(USDC, 70)]);
    let mut books = signed(70);
    books.reserve(&request(1, vec![at_other_nonce.clone()]), NOW_MS).unwrap();
    assert_eq!(books.spent(0), 140);
    books.reserve(&request(1, vec![without_nonce.clone()]), NOW_MS).unwrap();
    assert_eq!(books.spent(0), 210);
    books.reserve(&request(1, vec![at_other_nonce, without_nonce]), NOW_MS).unwrap();
    assert_eq!(books.spent(0), 210, "the same digests are signed again after a crash");

    let mut other_request = signed(70);
    let same_nonce = request(2, vec![item(2, Some(1), vec![spend(USDC, 70)])]);
    other_request.reserve(&same_nonce, NOW_MS).unwrap();
    assert_eq!(other_request.spent(0), 140, "only digests of one request are one");
}

#[test]
fn a_digest_that_is_known_gives_away_what_it_did() {
    let mut books = signed(70);
    for changed in [
        item(1, Some(1), vec![spend(USDC, 69)]),
        item(1, Some(2), vec![spend(USDC, 70)]),
        item(1, None, vec![spend(USDC, 70)]),
    ] {
        let result = books.reserve(&request(1, vec![changed]), NOW_MS);
        assert_eq!(result, Err(Refusal::OtherCharges));
    }
    let other = Reservation { principal: Some([7; 32]), ..payment(1, 70) };
    assert_eq!(books.reserve(&other, NOW_MS), Err(Refusal::OtherRequester));

    books.landed(1, 1, NOW_MS).unwrap();
    let late = request(1, vec![item(2, Some(1), vec![spend(USDC, 1)])]);
    assert_eq!(books.reserve(&late, NOW_MS), Err(Refusal::Landed));
    assert_eq!(books.spent(0), 70);
}

#[test]
fn an_exposure_counts_until_it_is_revoked_or_expires_and_a_window_longer() {
    let end_ms = NOW_MS + 10 * DAY_MS;
    let mut books = Books::new();
    let allowance = |expires| request(1, vec![item(1, Some(1), vec![exposure(USDC, 70, expires)])]);
    books.reserve(&allowance(None), NOW_MS).unwrap();
    books.commit(1).unwrap();
    assert_eq!(books.revoked(1, 1, end_ms), Err(Refusal::NotLanded));
    books.landed(1, 1, NOW_MS).unwrap();
    assert_eq!(books.spent(LATER_MS), 70, "landing is where it begins");
    books.revoked(1, 1, end_ms).unwrap();
    books.revoked(1, 1, end_ms - 5).unwrap();
    assert_eq!((books.spent(end_ms), books.spent(end_ms + 1)), (70, 0));

    let mut books = Books::new();
    books.reserve(&allowance(Some(end_ms)), NOW_MS).unwrap();
    assert_eq!((books.spent(end_ms), books.spent(end_ms + 1)), (70, 0));

    let mut books = Books::new();
    books.reserve(&allowance(Some(0)), NOW_MS).unwrap();
    assert_eq!((books.spent(NOW_MS), books.spent(NOW_MS + 1)), (70, 0), "it was given away");
}

#[test]
fn fees_and_spending_and_exposures_of_an_asset_are_one_sum() {
    let charges = vec![
        spend(USDC, 1),
        Charge { kind: ChargeKind::Fee, recipient: None, ..spend(USDC, 20) },
        exposure(USDC, 300, None),
        spend(USDC, 4_000),
    ];
    let mut books = Books::new();
    books.reserve(&request(1, vec![item(1, Some(1), charges)]), NOW_MS).unwrap();
    assert_eq!(books.spent(0), 4_321);
}

#[test]
fn each_principal_has_its_own_sum_and_count_with_what_nobody_asked_for_and_is_part_of_everybodys() {
    let mut books = Books::new();
    let of = |principal, id| Reservation { principal, ..payment(id, u64::from(id)) };
    books.reserve(&of(None, 1), NOW_MS).unwrap();
    books.reserve(&of(Some([8; 32]), 10), NOW_MS + 1).unwrap();
    books.reserve(&of(Some([9; 32]), 100), NOW_MS + 2).unwrap();
    let spent = |principal: Option<&[u8; 32]>| books.ledger.spent(USDC, 0, principal).to::<u64>();
    assert_eq!([spent(None), spent(Some(&[8; 32])), spent(Some(&[9; 32]))], [111, 11, 101]);
    assert_eq!(spent(Some(&[7; 32])), 1, "it may have been anybody");
    let count = |since, principal| books.ledger.count(since, principal);
    assert_eq!([count(NOW_MS, None), count(NOW_MS + 1, None), count(NOW_MS + 3, None)], [3, 2, 0]);
    assert_eq!(count(NOW_MS + 1, Some(&[8; 32])), 1);
    assert_eq!(count(NOW_MS + 2, Some(&[8; 32])), 0);
}

#[test]
fn a_recipient_is_paid_when_a_payment_lands_and_stays_paid() {
    assert_eq!(Books::new().ledger.first_paid_ms(SHOP), None);
    let mut books = signed(70);
    assert_eq!(books.ledger.first_paid_ms(SHOP), Some(u64::MAX), "it may land at any time");
    books.landed(1, 1, NOW_MS + 5).unwrap();
    assert_eq!(books.ledger.first_paid_ms(SHOP), Some(NOW_MS + 5));
    books.reserve(&payment(2, 1), NOW_MS).unwrap();
    books.landed(2, 2, NOW_MS + 3).unwrap();
    assert_eq!(books.ledger.first_paid_ms(SHOP), Some(NOW_MS + 3));
    books.prune(LATER_MS);
    assert_eq!(books.ledger.first_paid_ms(SHOP), Some(NOW_MS + 3));

    let mut allowed = Books::new();
    let allowance = request(1, vec![item(1, None, vec![exposure(USDC, 70, None)])]);
    allowed.reserve(&allowance, NOW_MS).unwrap();
    allowed.landed(1, 1, NOW_MS).unwrap();
    assert_eq!(allowed.ledger.first_paid_ms(SHOP), Some(NOW_MS), "money was put in its hands");
}

#[test]
fn fifty_threads_at_one_cap_reserve_exactly_what_fits() {
    let (cap, amount) = (1_000, 70);
    let books = Mutex::new(Books::new());
    std::thread::scope(|scope| {
        for id in 1..=50 {
            let books = &books;
            scope.spawn(move || {
                let mut books = books.lock().unwrap();
                if amount <= cap - books.spent(NOW_MS - DAY_MS) {
                    books.reserve(&payment(id, amount), NOW_MS).unwrap();
                    books.commit(id).unwrap();
                }
            });
        }
    });
    let mut books = books.into_inner().unwrap();
    assert_eq!(books.spent(0), cap / amount * amount);
    assert_eq!(u64::from(books.ledger.count(0, None)), cap / amount);
    for _ in 0..2 {
        books.killed();
        assert_eq!(books.spent(0), cap / amount * amount);
    }
}

#[test]
fn after_a_kill_only_an_outcome_frees_what_was_reserved() {
    let mut books = Books::new();
    for id in 1..=3 {
        books.reserve(&payment(id, 10), NOW_MS).unwrap();
    }
    books.share_left(2).unwrap();
    books.commit(3).unwrap();
    books.killed();
    assert_eq!((books.spent(LATER_MS), books.ledger.count(0, None)), (30, 3));
    for id in 1..=3 {
        assert_eq!(books.release(id), Err(Refusal::ShareLeft));
    }
    books.excluded(1, 1).unwrap();
    assert_eq!(books.spent(0), 20);
}

#[test]
fn a_restored_ledger_is_full_until_the_operator_confirms() {
    let mut books = signed(70);
    assert!(!books.ledger.limits_full());
    let write = books.ledger.fill_limits();
    books.write(vec![write]);
    assert!(books.ledger.limits_full());
    books.killed();
    assert!(books.ledger.limits_full(), "a restart is no confirmation");
    let write = books.ledger.confirm_limits();
    books.write(vec![write]);
    books.killed();
    assert!(!books.ledger.limits_full());
    assert_eq!(books.spent(0), 70);
}

#[test]
fn a_nonce_more_than_eight_beyond_the_pending_count_is_refused() {
    for (gap, expected) in [
        (0, Ok(())),
        (MAX_NONCE_GAP - 1, Ok(())),
        (MAX_NONCE_GAP, Ok(())),
        (MAX_NONCE_GAP + 1, Err(Refusal::NonceTooFar)),
        (u64::MAX - 5, Err(Refusal::NonceTooFar)),
    ] {
        let result = Books::new().reserve(&request(1, vec![at_nonce(5 + gap, 5)]), NOW_MS);
        assert_eq!(result, expected, "{gap}");
    }
    let limits = LedgerLimits { max_nonce_gap: 0, ..LedgerLimits::default() };
    let next = request(1, vec![at_nonce(6, 5)]);
    assert_eq!(Books::with(limits).reserve(&next, NOW_MS), Err(Refusal::NonceTooFar));
    assert_eq!(Books::new().reserve(&request(1, vec![at_nonce(3, 5)]), NOW_MS), Ok(()));
}

#[test]
fn an_agent_that_hoards_signatures_gets_no_more_than_the_limit() {
    let mut books = Books::new();
    let mut taken = 0;
    for day in 0..30 {
        let (now_ms, id) = (NOW_MS + u64::from(day) * DAY_MS, day + 1);
        if 40 <= 100 - books.spent(now_ms - DAY_MS) {
            books.reserve(&payment(id, 40), now_ms).unwrap();
            books.commit(id).unwrap();
            taken += 40;
        }
    }
    assert_eq!(taken, 80, "nothing landed, so nothing grew old");
}

#[test]
fn a_clock_that_jumps_is_refused_until_confirmed_also_after_a_restart() {
    for (back, ahead, expected) in [
        (MAX_BACK_MS, 0, Ok(())),
        (MAX_BACK_MS + 1, 0, Err(Refusal::ClockJumped)),
        (0, MAX_AHEAD_MS, Ok(())),
        (0, MAX_AHEAD_MS + 1, Err(Refusal::ClockJumped)),
    ] {
        let mut books = Books::new();
        let mut jumped = clock(HOUR_MS);
        jumped.wall_ms = jumped.wall_ms + ahead - back;
        let result = books.now_ms(jumped);
        assert_eq!(result.map(drop), expected);
        assert_eq!(books.now_ms(clock(HOUR_MS)).map(drop), expected);
        let write = books.ledger.confirm_clock(clock(HOUR_MS));
        books.write(vec![write]);
        assert_eq!(books.now_ms(clock(2 * HOUR_MS)), Ok(clock(2 * HOUR_MS).wall_ms));
    }
    let mut books = Books::new();
    assert_eq!(books.now_ms(clock(HOUR_MS)), Ok(NOW_MS + HOUR_MS));
    let mut late = clock(HOUR_MS + 1);
    late.wall_ms -= 30_000;
    assert_eq!(books.now_ms(late), Ok(NOW_MS + HOUR_MS), "time does not go back");
}

#[test]
fn requests_that_wait_reserve_nothing_and_are_few() {
    let mut books = Books::new();
    let last = u8::try_from(MAX_WAITING).unwrap();
    for id in 1..=last {
        books.wait(id, vec![spend(USDC, 10)]).unwrap();
    }
    assert_eq!((books.spent(0), books.ledger.waiting()), (0, MAX_WAITING));
    assert_eq!(books.wait(last + 1, vec![]), Err(Refusal::TooManyWaiting));
    books.wait(last, vec![spend(USDC, 11)]).unwrap();

    books.reserve(&payment(1, 10), NOW_MS).unwrap();
    assert_eq!((books.spent(0), books.ledger.waiting()), (10, MAX_WAITING - 1));
    let write = books.ledger.stop_waiting(&[2; 32]).unwrap();
    books.write(vec![write]);
    books.killed();
    assert_eq!(books.ledger.waiting(), MAX_WAITING - 2);
    assert_eq!(books.ledger.stop_waiting(&[2; 32]), None);
}

#[test]
fn requests_that_wait_are_about_a_limited_sum() {
    let most = [(USDC.to_owned(), U256::from(100))].into();
    let limits = LedgerLimits { max_waiting_sums: most, ..LedgerLimits::default() };
    let mut books = Books::with(limits);
    books.wait(1, vec![spend(USDC, 30), spend(USDC, 30)]).unwrap();
    for (amount, expected) in [(39, true), (40, true), (41, false), (u64::MAX, false)] {
        assert_eq!(books.wait(2, vec![spend(USDC, amount)]).is_ok(), expected, "{amount}");
    }
    assert!(books.wait(3, vec![spend(ETH, 1_000)]).is_ok());
    assert_eq!(books.wait(1, vec![spend(USDC, 61)]), Err(Refusal::TooManyWaiting));
    assert!(books.wait(1, vec![spend(USDC, 60)]).is_ok());
}

#[test]
fn sums_that_no_number_holds_count_as_the_largest() {
    let all = |number: u8| {
        let charge = Charge { amount: U256::MAX, ..spend(USDC, 0) };
        item(number, Some(number), vec![charge.clone(), charge])
    };
    let mut books = Books::new();
    books.reserve(&request(1, vec![all(1), all(2)]), NOW_MS).unwrap();
    assert_eq!(books.ledger.spent(USDC, 0, None), U256::MAX);
    books.reserve(&payment(3, 5), NOW_MS).unwrap();
    books.release(1).unwrap();
    assert_eq!(books.spent(0), 5, "and what was added can be taken away");
}

#[test]
fn a_reservation_that_is_too_large_or_ill_named_is_refused() {
    let items = |count: usize| {
        let all = (0..count).map(|number| item(u8::try_from(number).unwrap(), None, vec![]));
        request(1, all.collect())
    };
    let charges = |count: usize| request(1, vec![item(1, None, vec![spend(USDC, 1); count])]);
    let named = |asset: usize, recipient: usize| {
        let charge =
            Charge { recipient: Some("r".repeat(recipient)), ..spend(&"a".repeat(asset), 1) };
        request(1, vec![item(1, None, vec![charge])])
    };
    let expiring = Charge { expires_at_ms: Some(LATER_MS), ..spend(USDC, 1) };
    let quoted = spend("a\"b", 1);
    let cases = [
        (items(0), false),
        (items(1), true),
        (items(MAX_ITEMS), true),
        (items(MAX_ITEMS + 1), false),
        (charges(MAX_CHARGES), true),
        (charges(MAX_CHARGES + 1), false),
        (named(MAX_ASSET_BYTES, MAX_RECIPIENT_BYTES), true),
        (named(MAX_ASSET_BYTES + 1, 1), false),
        (named(1, MAX_RECIPIENT_BYTES + 1), false),
        (named(0, 1), false),
        (named(1, 0), false),
        (request(1, vec![item(1, None, vec![expiring])]), false),
        (request(1, vec![item(1, None, vec![quoted])]), false),
    ];
    for (number, (reservation, expected)) in cases.into_iter().enumerate() {
        let result = Books::new().reserve(&reservation, NOW_MS);
        assert_eq!(result, expected.then_some(()).ok_or(Refusal::Malformed), "case {number}");
    }
}

#[test]
fn a_slot_takes_sixteen_digests_and_a_record_one_mebibyte() {
    let mut books = Books::new();
    for number in 0..u8::try_from(MAX_DRAFTS).unwrap() {
        books.reserve(&request(1, vec![item(number, Some(1), vec![])]), NOW_MS).unwrap();
    }
    let further = request(1, vec![item(99, Some(1), vec![])]);
    assert_eq!(books.reserve(&further, NOW_MS), Err(Refusal::Malformed));

    let long = Charge { recipient: Some("r".repeat(MAX_RECIPIENT_BYTES)), ..spend(USDC, 1) };
    let full: Vec<LedgerItem> =
        (0..64).map(|number| item(number, None, vec![long.clone(); 50])).collect();
    let mut books = Books::new();
    assert_eq!(books.reserve(&request(1, full.clone()), NOW_MS), Err(Refusal::Malformed));
    assert_eq!(books.spent(0), 0);
    let fits = (1..64)
        .rev()
        .find(|count| Books::new().reserve(&request(1, full[..*count].to_vec()), NOW_MS).is_ok());
    books.reserve(&request(1, full[..fits.unwrap()].to_vec()), NOW_MS).unwrap();
    let length = books.store[&RecordId::Request([1; 32])].len();
    assert!((MAX_RECORD_BYTES - 30_000..=MAX_RECORD_BYTES).contains(&length), "{length}");
}

#[test]
fn what_counts_in_no_window_any_more_is_forgotten_and_nothing_else() {
    let mut books = Books::new();
    let landed_ms = NOW_MS + DAY_MS;
    for id in 1..=4 {
        books.reserve(&payment(id, 10), NOW_MS).unwrap();
    }
    books.landed(1, 1, landed_ms).unwrap();
    books.commit(2).unwrap();
    books.commit(3).unwrap();
    books.excluded(3, 3).unwrap();
    let allowance = request(5, vec![item(5, None, vec![exposure(USDC, 1, None)])]);
    books.reserve(&allowance, NOW_MS).unwrap();
    books.landed(5, 5, NOW_MS).unwrap();

    assert_eq!(books.prune(NOW_MS), 0);
    assert_eq!(books.prune(NOW_MS + 1), 1, "the one that can never land");
    assert_eq!(books.prune(landed_ms), 0);
    assert_eq!(books.prune(landed_ms + 1), 1);
    assert_eq!(books.prune(u64::MAX), 0);
    assert_eq!((books.spent(LATER_MS), books.ledger.len()), (21, 3));
    assert!(!books.ledger.is_empty());
}

#[test]
fn what_nobody_reserved_is_not_known() {
    let mut books = Books::new();
    assert_eq!(books.share_left(1), Err(Refusal::UnknownRequest));
    assert_eq!(books.commit(1), Err(Refusal::UnknownRequest));
    assert_eq!(books.landed(1, 1, NOW_MS), Err(Refusal::UnknownRequest));
    assert_eq!(books.excluded(1, 1), Err(Refusal::UnknownRequest));
    assert_eq!(books.revoked(1, 1, NOW_MS), Err(Refusal::UnknownRequest));
    books.reserve(&payment(1, 1), NOW_MS).unwrap();
    assert_eq!(books.landed(1, 2, NOW_MS), Err(Refusal::UnknownDigest));
    assert_eq!(books.revoked(1, 2, NOW_MS), Err(Refusal::UnknownDigest));
}

#[test]
fn what_a_request_reserved_is_not_counted_beside_itself() {
    let mut books = Books::new();
    books.reserve(&payment(1, 70), NOW_MS).unwrap();
    let of = |books: &mut Books, digests: &[DigestUse]| {
        let look = |ledger: &policy::ledger::Ledger| ledger.spent(USDC, 0, None).to::<u64>();
        let without = books.ledger.without(&[1; 32], digests, look);
        (without, books.ledger.spent(USDC, 0, None).to::<u64>())
    };
    let (same, other) = (payment(1, 70).items[0].digest, payment(2, 70).items[0].digest);

    assert_eq!(of(&mut books, &[same]), (0, 70));
    assert_eq!(of(&mut books, &[other]), (70, 70), "another digest is another payment");
    assert_eq!(of(&mut books, &[]), (70, 70));
}
