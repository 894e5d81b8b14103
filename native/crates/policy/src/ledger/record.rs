//! How a ledger is stored: one record for each request, each one that waits, each recipient, and one for the rest.

use std::collections::BTreeSet;

use canonical::Base64;
use serde::{Deserialize, Serialize};
use tagged_hash::tags;

use super::entry::{Charge, ChargeKind, Draft, DraftState, Entry, Landed, Slot};
use super::reservation::{MAX_RECORD_BYTES, check_charges};
use crate::approval::read_amount;
use crate::clock::{ClockFields, ClockWatch};
use crate::document::read_decimal;
use crate::record;

const SCHEMA: &str = "mpc-wallet/spending@1";

/// Names a record of a ledger in its store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordId {
    /// What a request reserved, by its id.
    Request([u8; 32]),
    /// A request that waits for a person, by its id.
    Waiting([u8; 32]),
    /// A recipient that was paid (CAIP-10).
    Recipient(String),
    /// The clock, the number of requests, and whether limits count as used up.
    State,
}

/// A record to be written, or to be removed where there are no bytes. The writes of one answer are one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerWrite {
    /// Which record.
    pub id: RecordId,
    /// Its bytes.
    pub bytes: Option<Vec<u8>>,
}

/// The state that is not a request's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) clock: ClockWatch,
    pub(super) limits_full: bool,
    pub(super) requests: u64,
}

/// A request that waits for a person, and what it would spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) request_id: [u8; 32],
    pub(super) charges: Vec<Charge>,
}

/// A record as it was read.
pub(super) enum Record {
    Request(Entry),
    Waiting(Waiting),
    Recipient(String, u64),
    State(State),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ChargeFields {
    amount: String,
    asset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    kind: ChargeKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DraftFields {
    charges: Vec<ChargeFields>,
    digest: Base64,
    reserved_at: String,
    state: DraftState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LandedFields {
    at: String,
    digest: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SlotFields {
    drafts: Vec<DraftFields>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exclusion: Option<Base64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    landed: Option<LandedFields>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RequestFields {
    first: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Base64>,
    request_id: Base64,
    share_left: bool,
    slots: Vec<SlotFields>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WaitingFields {
    charges: Vec<ChargeFields>,
    request_id: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RecipientFields {
    first_paid: String,
    recipient: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct StateFields {
    clock: ClockFields,
    limits_full: bool,
    requests: String,
}

/// Exactly one of the first four is there.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient: Option<RecipientFields>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<RequestFields>,
    schema: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<StateFields>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<WaitingFields>,
}

fn base64(bytes: &[u8; 32]) -> Base64 {
    Base64(bytes.to_vec())
}

/// `None` for another length, `Some(None)` where nothing stands.
fn optional(bytes: Option<&Base64>) -> Option<Option<[u8; 32]>> {
    match bytes {
        Some(bytes) => bytes.array().map(Some),
        None => Some(None),
    }
}

fn optional_time(text: Option<&String>) -> Option<Option<u64>> {
    match text {
        Some(text) => read_decimal(text).map(Some),
        None => Some(None),
    }
}

impl ChargeFields {
    fn of(charge: &Charge) -> Self {
        Self {
            amount: charge.amount.to_string(),
            asset: charge.asset.clone(),
            expires_at: charge.expires_at_ms.map(|time| time.to_string()),
            kind: charge.kind,
            recipient: charge.recipient.clone(),
        }
    }

    fn charge(self) -> Option<Charge> {
        Some(Charge {
            amount: read_amount(&self.amount)?,
            asset: self.asset,
            kind: self.kind,
            recipient: self.recipient,
            expires_at_ms: optional_time(self.expires_at.as_ref())?,
        })
    }
}

fn charges(fields: Vec<ChargeFields>) -> Option<Vec<Charge>> {
    let charges: Vec<Charge> =
        fields.into_iter().map(ChargeFields::charge).collect::<Option<_>>()?;
    check_charges(&charges).ok()?;
    Some(charges)
}

impl DraftFields {
    fn draft(self) -> Option<Draft> {
        Some(Draft {
            digest: self.digest.array()?,
            state: self.state,
            reserved_at_ms: read_decimal(&self.reserved_at)?,
            charges: charges(self.charges)?,
        })
    }
}

impl SlotFields {
    fn of(slot: &Slot) -> Self {
        let draft = |draft: &Draft| DraftFields {
            charges: draft.charges.iter().map(ChargeFields::of).collect(),
            digest: base64(&draft.digest),
            reserved_at: draft.reserved_at_ms.to_string(),
            state: draft.state,
        };
        Self {
            drafts: slot.drafts.iter().map(draft).collect(),
            exclusion: slot.exclusion.as_ref().map(base64),
            landed: slot.landed.map(|landed| LandedFields {
                at: landed.at_ms.to_string(),
                digest: base64(&landed.digest),
            }),
            revoked_at: slot.revoked_at_ms.map(|time| time.to_string()),
        }
    }

    fn slot(self) -> Option<Slot> {
        let landed = match &self.landed {
            Some(landed) => {
                Some(Landed { digest: landed.digest.array()?, at_ms: read_decimal(&landed.at)? })
            }
            None => None,
        };
        let slot = Slot {
            exclusion: optional(self.exclusion.as_ref())?,
            drafts: self.drafts.into_iter().map(DraftFields::draft).collect::<Option<_>>()?,
            landed,
            revoked_at_ms: optional_time(self.revoked_at.as_ref())?,
        };
        let is_consistent = !slot.drafts.is_empty()
            && (slot.exclusion.is_some() || slot.drafts.len() == 1)
            && slot.landed.is_none_or(|landed| slot.draft(&landed.digest).is_some())
            && (slot.landed.is_some() || slot.revoked_at_ms.is_none());
        is_consistent.then_some(slot)
    }
}

impl RequestFields {
    fn entry(self) -> Option<Entry> {
        let mut entry = Entry {
            request_id: self.request_id.array()?,
            principal: optional(self.principal.as_ref())?,
            first_ms: read_decimal(&self.first)?,
            share_left: self.share_left,
            slots: self.slots.into_iter().map(SlotFields::slot).collect::<Option<_>>()?,
        };
        let keys: Vec<_> = entry.slots.iter().filter_map(|slot| slot.exclusion).collect();
        let digests: Vec<_> = entry.drafts_mut().map(|draft| draft.digest).collect();
        let left = entry.drafts_mut().any(|draft| draft.state != DraftState::Reserved);
        let distinct = |all: &[[u8; 32]]| all.iter().collect::<BTreeSet<_>>().len() == all.len();
        let is_consistent = distinct(&keys)
            && distinct(&digests)
            && (entry.share_left || (!left && !entry.slots.is_empty()));
        is_consistent.then_some(entry)
    }
}

pub(super) fn write_entry(entry: &Entry) -> Vec<u8> {
    let request = Some(RequestFields {
        first: entry.first_ms.to_string(),
        principal: entry.principal.as_ref().map(base64),
        request_id: base64(&entry.request_id),
        share_left: entry.share_left,
        slots: entry.slots.iter().map(SlotFields::of).collect(),
    });
    write(Fields { request, ..Fields::default() })
}

pub(super) fn write_waiting(waiting: &Waiting) -> Vec<u8> {
    let waiting = Some(WaitingFields {
        charges: waiting.charges.iter().map(ChargeFields::of).collect(),
        request_id: base64(&waiting.request_id),
    });
    write(Fields { waiting, ..Fields::default() })
}

pub(super) fn write_recipient(recipient: &str, first_paid_ms: u64) -> Vec<u8> {
    let recipient = Some(RecipientFields {
        first_paid: first_paid_ms.to_string(),
        recipient: recipient.to_owned(),
    });
    write(Fields { recipient, ..Fields::default() })
}

pub(super) fn write_state(state: &State) -> Vec<u8> {
    let state = Some(StateFields {
        clock: ClockFields::of(&state.clock),
        limits_full: state.limits_full,
        requests: state.requests.to_string(),
    });
    write(Fields { state, ..Fields::default() })
}

fn write(fields: Fields) -> Vec<u8> {
    record::write(tags::SPENDING, &Fields { schema: SCHEMA.to_owned(), ..fields })
}

pub(super) fn read(bytes: &[u8]) -> Option<Record> {
    let fields: Fields = record::read(tags::SPENDING, bytes, MAX_RECORD_BYTES)?;
    if fields.schema != SCHEMA {
        return None;
    }
    match (fields.recipient, fields.request, fields.state, fields.waiting) {
        (None, Some(request), None, None) => request.entry().map(Record::Request),
        (None, None, None, Some(waiting)) => Some(Record::Waiting(Waiting {
            request_id: waiting.request_id.array()?,
            charges: charges(waiting.charges)?,
        })),
        (Some(paid), None, None, None) => {
            Some(Record::Recipient(paid.recipient, read_decimal(&paid.first_paid)?))
        }
        (None, None, Some(state), None) => Some(Record::State(State {
            clock: state.clock.watch()?,
            limits_full: state.limits_full,
            requests: read_decimal(&state.requests)?,
        })),
        _ => None,
    }
}
