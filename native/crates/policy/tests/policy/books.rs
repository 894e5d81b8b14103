//! A ledger and its store, which is read anew after every step.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use policy::ledger::{
    Charge, ChargeKind, Ledger, LedgerItem, LedgerLimits, LedgerWrite, NoncePlace, RecordId,
    Reservation, Spending,
};
use policy::{Clock, DigestUse, Refusal};

use crate::persons::clock;

pub const USDC: &str = "eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
pub const ETH: &str = "eip155:1/slip44:60";
pub const SHOP: &str = "eip155:1:0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

pub fn spend(asset: &str, amount: u64) -> Charge {
    Charge {
        asset: asset.to_owned(),
        amount: U256::from(amount),
        kind: ChargeKind::Spend,
        recipient: Some(SHOP.to_owned()),
        expires_at_ms: None,
    }
}

pub fn exposure(asset: &str, amount: u64, expires_at_ms: Option<u64>) -> Charge {
    Charge { kind: ChargeKind::Exposure, expires_at_ms, ..spend(asset, amount) }
}

pub fn digest(number: u8) -> [u8; 32] {
    [number; 32]
}

/// A digest at a nonce, and what it gives away.
pub fn item(number: u8, nonce: Option<u8>, charges: Vec<Charge>) -> LedgerItem {
    let exclusion = nonce.map(|nonce| [nonce; 32]);
    LedgerItem { digest: DigestUse { digest: digest(number), exclusion }, nonce: None, charges }
}

pub fn at_nonce(nonce: u64, pending_count: u64) -> LedgerItem {
    let place = Some(NoncePlace { nonce, pending_count });
    LedgerItem { nonce: place, ..item(1, Some(1), vec![spend(USDC, 1)]) }
}

pub fn request(id: u8, items: Vec<LedgerItem>) -> Reservation {
    Reservation { request_id: [id; 32], principal: None, items }
}

/// A payment of one request at its own nonce, whose digest has its number.
pub fn payment(id: u8, amount: u64) -> Reservation {
    request(id, vec![item(id, Some(id), vec![spend(USDC, amount)])])
}

pub struct Books {
    pub ledger: Ledger,
    pub limits: LedgerLimits,
    pub store: BTreeMap<RecordId, Vec<u8>>,
}

impl Books {
    pub fn new() -> Self {
        Self::with(LedgerLimits::default())
    }

    pub fn with(limits: LedgerLimits) -> Self {
        let ledger = Ledger::new(limits.clone(), clock(0));
        let mut books = Self { ledger, limits, store: BTreeMap::new() };
        let state = books.ledger.state();
        books.write(vec![state]);
        books
    }

    pub fn write(&mut self, writes: Vec<LedgerWrite>) {
        for LedgerWrite { id, bytes } in writes {
            match bytes {
                Some(bytes) => self.store.insert(id, bytes),
                None => self.store.remove(&id),
            };
        }
    }

    /// Kill −9, and a new process.
    pub fn killed(&mut self) {
        let records = self.store.values().map(Vec::as_slice);
        let (ledger, write) = Ledger::load(self.limits.clone(), records).unwrap();
        self.ledger = ledger;
        self.write(write.into_iter().collect());
    }

    /// Stores what a step wrote. What is read from there counts the same.
    fn step<W: IntoIterator<Item = LedgerWrite>>(
        &mut self,
        result: Result<W, Refusal>,
    ) -> Result<(), Refusal> {
        self.write(result?.into_iter().collect());
        let records = self.store.values().map(Vec::as_slice);
        let (read, _) = Ledger::load(self.limits.clone(), records).unwrap();
        assert_eq!(read.len(), self.ledger.len());
        assert_eq!(read.spent(USDC, 0, None), self.ledger.spent(USDC, 0, None));
        Ok(())
    }

    pub fn reserve(&mut self, reservation: &Reservation, now_ms: u64) -> Result<(), Refusal> {
        let result = self.ledger.reserve(reservation, now_ms);
        self.step(result)
    }

    pub fn share_left(&mut self, id: u8) -> Result<(), Refusal> {
        let result = self.ledger.share_left(&[id; 32]).map(Some);
        self.step(result)
    }

    pub fn commit(&mut self, id: u8) -> Result<(), Refusal> {
        let result = self.ledger.commit(&[id; 32]).map(Some);
        self.step(result)
    }

    pub fn release(&mut self, id: u8) -> Result<(), Refusal> {
        let result = self.ledger.release(&[id; 32]);
        self.step(result)
    }

    pub fn landed(&mut self, id: u8, number: u8, at_ms: u64) -> Result<(), Refusal> {
        let result = self.ledger.landed(&[id; 32], &digest(number), at_ms);
        self.step(result)
    }

    pub fn excluded(&mut self, id: u8, number: u8) -> Result<(), Refusal> {
        let result = self.ledger.excluded(&[id; 32], &digest(number));
        self.step(result)
    }

    pub fn revoked(&mut self, id: u8, number: u8, at_ms: u64) -> Result<(), Refusal> {
        let result = self.ledger.revoked(&[id; 32], &digest(number), at_ms).map(Some);
        self.step(result)
    }

    pub fn wait(&mut self, id: u8, charges: Vec<Charge>) -> Result<(), Refusal> {
        let result = self.ledger.wait([id; 32], charges).map(Some);
        self.step(result)
    }

    pub fn prune(&mut self, before_ms: u64) -> usize {
        let writes = self.ledger.prune(before_ms);
        let forgotten = writes.iter().filter(|write| write.bytes.is_none()).count();
        self.step(Ok(writes)).unwrap();
        forgotten
    }

    /// What counts of USDC since then.
    pub fn spent(&self, since_ms: u64) -> u64 {
        self.ledger.spent(USDC, since_ms, None).to()
    }

    pub fn now_ms(&mut self, clock: Clock) -> Result<u64, Refusal> {
        let result = self.ledger.now_ms(clock);
        let state = self.ledger.state();
        self.step(Ok(Some(state))).unwrap();
        result
    }
}
