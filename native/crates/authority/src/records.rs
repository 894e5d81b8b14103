//! How an authority is stored: among the sealed records of its wallet.

use std::collections::BTreeMap;

use ceremony::store::{Key, Secret, SpendingRecord, Write};
use ceremony::{Membership, Wallet};
use policy::ledger::{Ledger, LedgerLimits, LedgerWrite, RecordId};
use policy::rulebook::PolicyDocument;
use policy::{Approvals, Clock, FreezeState, PolicyState};
use std::sync::Arc;
use tagged_hash::{hash, tags};

use crate::{Authority, Refused};

impl Authority {
    /// From all records that a store holds of a wallet. A later version of the policy is adopted by the membership.
    /// Without a ledger this party does not know what it signed: limits count as used up until its operator says
    /// otherwise. The writes are to be committed first.
    ///
    /// # Errors
    /// `Document` for a record that is damaged, `Policy` for a policy that cannot be read.
    pub fn load(
        membership: &Membership,
        wallet: &Wallet,
        records: &[(Key, Secret)],
        clock: Clock,
    ) -> Result<(Self, Vec<Write>), Refused> {
        let wallet_id = *wallet.roster().wallet_id();
        let (mut policy, mut freeze) = (None, None);
        let (mut approvals, mut spending) = (BTreeMap::new(), Vec::new());
        for (key, Secret(value)) in records {
            match key {
                Key::PolicyState { .. } => policy = Some(PolicyState::decode(value)?),
                Key::FreezeState { .. } => freeze = Some(FreezeState::decode(value)?),
                Key::Approvals { request, .. } => {
                    approvals.insert(*request, Approvals::decode(value)?);
                }
                Key::Spending { .. } => spending.push(value.as_slice()),
                _ => {}
            }
        }
        let agreed = wallet.policy();
        let policy = policy.filter(|state| state.version() >= agreed.version());
        if let Some(state) = &policy {
            let document = PolicyDocument::decode(state.policy())
                .map_err(|invalid| Refused::Policy(invalid.to_string()))?;
            membership.adopt_policy(Arc::new(document));
        }
        let policy = match policy {
            Some(state) => state,
            None => PolicyState::new(wallet_id, agreed.version(), agreed.bytes().to_vec(), clock)?,
        };
        let (ledger, writes) = if spending.is_empty() {
            let mut ledger = Ledger::new(LedgerLimits::default(), clock);
            let filled = ledger.fill_limits();
            (ledger, Some(filled))
        } else {
            Ledger::load(LedgerLimits::default(), spending)?
        };
        let freeze = freeze.unwrap_or_else(|| FreezeState::new(wallet_id));
        let authority = Self::of(policy, freeze, ledger, approvals);
        Ok((authority, ledger_writes(wallet_id, writes)))
    }

    /// What a new wallet's party writes, so that it knows later that it remembers everything.
    pub fn first_writes(&self, wallet_id: [u8; 32]) -> Vec<Write> {
        let mut writes = ledger_writes(wallet_id, [self.ledger.state()]);
        writes.push(policy_write(wallet_id, &self.policy));
        writes
    }
}

pub(crate) fn ledger_writes(
    wallet_id: [u8; 32],
    written: impl IntoIterator<Item = LedgerWrite>,
) -> Vec<Write> {
    let key = |id: RecordId| {
        let (record, name) = match id {
            RecordId::Request(id) => (SpendingRecord::Request, id),
            RecordId::Waiting(id) => (SpendingRecord::Waiting, id),
            RecordId::Recipient(name) => {
                (SpendingRecord::Recipient, hash(tags::RECIPIENT, &[name.as_bytes()]))
            }
            RecordId::State => (SpendingRecord::State, [0; 32]),
        };
        Key::Spending { wallet_id, record, name }
    };
    let write = |LedgerWrite { id, bytes }| match bytes {
        Some(bytes) => Write::Put(key(id), Secret::copy_from(&bytes)),
        None => Write::Delete(key(id)),
    };
    written.into_iter().map(write).collect()
}

pub(crate) fn policy_write(wallet_id: [u8; 32], state: &PolicyState) -> Write {
    Write::Put(Key::PolicyState { wallet_id }, Secret::copy_from(&state.encode()))
}

pub(crate) fn freeze_write(wallet_id: [u8; 32], state: &FreezeState) -> Write {
    Write::Put(Key::FreezeState { wallet_id }, Secret::copy_from(&state.encode()))
}

pub(crate) fn approvals_write(
    wallet_id: [u8; 32],
    request: [u8; 32],
    approvals: &Approvals,
) -> Write {
    let key = Key::Approvals { wallet_id, request };
    Write::Put(key, Secret::copy_from(&approvals.encode()))
}
