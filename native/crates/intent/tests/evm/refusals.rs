//! Every rule at its edge: just inside, at, just outside.

mod access_list;
mod encoding;
mod fields;
mod messages;
mod request;
mod structure;

use intent::Refusal;

use crate::payloads::{Draft, TYPES, draft, read};

#[track_caller]
fn accepted(draft: &Draft) {
    let bytes = draft.bytes();
    let intent = read(&bytes).expect("this must be read");
    assert_eq!(intent.bytes(), bytes);
}

#[track_caller]
fn refused(draft: &Draft, refusal: Refusal) {
    assert_eq!(read(&draft.bytes()), Err(refusal));
}

/// Every type with every one of `fields` that it has.
fn each(fields: &[&'static str]) -> Vec<(Draft, &'static str)> {
    TYPES
        .into_iter()
        .flat_map(|transaction_type| fields.iter().map(move |field| (transaction_type, *field)))
        .map(|(transaction_type, field)| (draft(transaction_type), field))
        .filter(|(draft, field)| draft.has(field))
        .collect()
}
