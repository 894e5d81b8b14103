//! Whatever happens in whatever order, the ledger never counts less than what could still land.

use std::collections::BTreeMap;

use policy::ledger::{ChargeKind, RecordId, Reservation, Spending};
use proptest::prelude::*;

use crate::books::{Books, USDC, exposure, item, request, spend};
use crate::persons::NOW_MS;

const REQUESTS: u8 = 4;
const DIGESTS: u8 = 24;

#[derive(Debug, Clone)]
enum Event {
    Reserve {
        id: u8,
        digest: u8,
        nonce: Option<u8>,
        amount: u64,
        kind: ChargeKind,
        principal: Option<u8>,
    },
    ShareLeft(u8),
    Commit(u8),
    Release(u8),
    Landed {
        id: u8,
        digest: u8,
        after_ms: u64,
    },
    Excluded {
        id: u8,
        digest: u8,
    },
    Revoked {
        id: u8,
        digest: u8,
        after_ms: u64,
    },
    Killed,
    Pruned {
        after_ms: u64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let (id, digest, after) = (0..REQUESTS, 0..DIGESTS, 0..100_u64);
    let kind = prop_oneof![4 => Just(ChargeKind::Spend), 1 => Just(ChargeKind::Exposure)];
    let asker = prop::option::of(7..9_u8);
    let reserve =
        (id.clone(), digest.clone(), prop::option::of(0..3_u8), 1..1_000_u64, kind, asker);
    prop_oneof![
        6 => reserve.prop_map(|(id, digest, nonce, amount, kind, principal)| {
            Event::Reserve { id, digest, nonce, amount, kind, principal }
        }),
        2 => id.clone().prop_map(Event::ShareLeft),
        2 => id.clone().prop_map(Event::Commit),
        2 => id.clone().prop_map(Event::Release),
        3 => (id.clone(), digest.clone(), after.clone())
            .prop_map(|(id, digest, after_ms)| Event::Landed { id, digest, after_ms }),
        2 => (id.clone(), digest.clone()).prop_map(|(id, digest)| Event::Excluded { id, digest }),
        1 => (id, digest, after.clone())
            .prop_map(|(id, digest, after_ms)| Event::Revoked { id, digest, after_ms }),
        1 => Just(Event::Killed),
        1 => after.prop_map(|after_ms| Event::Pruned { after_ms }),
    ]
}

/// What a bystander knows of one digest.
#[derive(Debug, Clone)]
struct Known {
    nonce: Option<u8>,
    amount: u64,
    kind: ChargeKind,
    principal: Option<u8>,
    reserved_ms: u64,
    left: bool,
    landed_ms: Option<u64>,
    revoked_ms: Option<u64>,
}

impl Known {
    /// What it takes from a window that began then: nothing, if another of its nonce has landed.
    fn takes(&self, since_ms: u64) -> u64 {
        let end_ms = match self.kind {
            ChargeKind::Spend | ChargeKind::Fee => self.landed_ms,
            ChargeKind::Exposure => self.revoked_ms,
        };
        if end_ms.is_none_or(|end| end >= since_ms) { self.amount } else { 0 }
    }
}

type World = BTreeMap<(u8, u8), Known>;

/// The most that the digests which can land, and those that did, take together.
fn truth(world: &World, since_ms: u64, principal: bool) -> u64 {
    let mut rows: BTreeMap<(u8, u8, u8), Vec<&Known>> = BTreeMap::new();
    for ((id, digest), known) in world {
        if principal && known.principal == Some(8) {
            continue;
        }
        // Without a nonce a digest is a row of its own.
        let row = known.nonce.map_or((*id, 1, *digest), |nonce| (*id, 0, nonce));
        rows.entry(row).or_default().push(known);
    }
    let takes = |row: &Vec<&Known>| match row.iter().find(|known| known.landed_ms.is_some()) {
        Some(landed) => landed.takes(since_ms),
        None => row.iter().map(|known| known.takes(since_ms)).max().unwrap_or(0),
    };
    rows.values().map(takes).sum()
}

fn play(books: &mut Books, world: &mut World, now_ms: u64, event: &Event) {
    match event {
        Event::Reserve { id, digest, nonce, amount, kind, principal } => {
            let charge = match kind {
                ChargeKind::Exposure => exposure(USDC, *amount, None),
                _ => spend(USDC, *amount),
            };
            let one = item(*digest, *nonce, vec![charge]);
            let of = principal.map(|key| [key; 32]);
            let reservation = Reservation { principal: of, ..request(*id, vec![one]) };
            if books.reserve(&reservation, now_ms).is_ok() {
                world.entry((*id, *digest)).or_insert(Known {
                    nonce: *nonce,
                    amount: *amount,
                    kind: *kind,
                    principal: *principal,
                    reserved_ms: now_ms,
                    left: false,
                    landed_ms: None,
                    revoked_ms: None,
                });
            }
        }
        Event::ShareLeft(id) | Event::Commit(id) => {
            let result = match event {
                Event::ShareLeft(_) => books.share_left(*id),
                _ => books.commit(*id),
            };
            if result.is_ok() {
                of(world, *id).for_each(|known| known.left = true);
            }
        }
        Event::Release(id) => {
            if books.release(*id).is_ok() {
                world.retain(|(other, _), known| other != id || known.left);
            }
        }
        Event::Landed { id, digest, after_ms } => {
            let at_ms = NOW_MS + after_ms;
            if books.landed(*id, *digest, at_ms).is_ok() {
                let nonce = world[&(*id, *digest)].nonce;
                // A chain that went back is believed: what landed instead is what landed.
                for ((other, number), known) in world.iter_mut() {
                    if other == id && number != digest && nonce.is_some() && known.nonce == nonce {
                        (known.landed_ms, known.revoked_ms) = (None, None);
                    }
                }
                let known = world.get_mut(&(*id, *digest)).unwrap();
                known.left = true;
                known.landed_ms.get_or_insert(at_ms.max(known.reserved_ms));
            }
        }
        Event::Excluded { id, digest } => {
            if books.excluded(*id, *digest).is_ok() {
                world.remove(&(*id, *digest));
            }
        }
        Event::Revoked { id, digest, after_ms } => {
            if books.revoked(*id, *digest, NOW_MS + after_ms).is_ok() {
                let known = world.get_mut(&(*id, *digest)).unwrap();
                let landed_ms = known.landed_ms.unwrap();
                known.revoked_ms.get_or_insert(landed_ms.max(NOW_MS + after_ms));
            }
        }
        Event::Killed => {
            books.killed();
            world.values_mut().for_each(|known| known.left = true);
        }
        Event::Pruned { after_ms } => {
            let before_ms = NOW_MS + after_ms;
            books.prune(before_ms);
            let is_known = |id: u8| books.store.contains_key(&RecordId::Request([id; 32]));
            let forgotten: World =
                world.clone().into_iter().filter(|((id, _), _)| !is_known(*id)).collect();
            assert_eq!(truth(&forgotten, before_ms, false), 0, "what was forgotten counts");
            world.retain(|(id, _), _| is_known(*id));
        }
    }
}

fn of(world: &mut World, id: u8) -> impl Iterator<Item = &mut Known> {
    world.iter_mut().filter(move |((other, _), _)| *other == id).map(|(_, known)| known)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_ledger_counts_what_could_land_after_any_events_in_any_order(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let (mut books, mut world) = (Books::new(), World::new());
        let mut pruned_ms = 0;
        for (step, event) in (0..).zip(&events) {
            if let Event::Pruned { after_ms } = event {
                pruned_ms = pruned_ms.max(NOW_MS + after_ms);
            }
            play(&mut books, &mut world, NOW_MS + step, event);
            for since_ms in [0, NOW_MS, NOW_MS + 20, NOW_MS + 50, NOW_MS + 100, u64::MAX] {
                if since_ms < pruned_ms {
                    continue; // no window begins there any more
                }
                for principal in [false, true] {
                    let key = principal.then_some(&[7; 32]);
                    let spent: u64 = books.ledger.spent(USDC, since_ms, key).to();
                    let truth = truth(&world, since_ms, principal);
                    prop_assert!(spent >= truth, "{spent} < {truth} since {since_ms}: {event:?}");
                }
            }
        }
    }

    #[test]
    fn payments_alone_are_counted_exactly(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let (mut books, mut world) = (Books::new(), World::new());
        let plain = |event: &Event| !matches!(
            event,
            Event::Pruned { .. } | Event::Reserve { kind: ChargeKind::Exposure, .. }
        );
        for (step, event) in (0..).zip(events.iter().filter(|event| plain(event))) {
            play(&mut books, &mut world, NOW_MS + step, event);
            for since_ms in [0, NOW_MS, NOW_MS + 20, NOW_MS + 50, NOW_MS + 100, u64::MAX] {
                let spent: u64 = books.ledger.spent(USDC, since_ms, None).to();
                prop_assert_eq!(spent, truth(&world, since_ms, false));
            }
        }
    }
}
