//! One document that several persons signed.

use std::collections::BTreeMap;

use crate::{Approvers, Document, Refusal, Role, Signed};

/// The document that somebody of every role of a quorum signed, at most once with each key.
///
/// # Errors
/// `NoQuorum` if no role is asked for, so that a quorum which was forgotten is not one that agreed; `Unsigned`
/// without signatures; `OtherDocument` if they are over different ones; as [`Signed::role`]; `Unsigned` for a role
/// of the quorum whose approvers did not sign.
pub(crate) fn agreed<'a, D: Document + PartialEq>(
    signed: &'a [Signed<D>],
    quorum: &[Role],
    approvers: &Approvers,
) -> Result<&'a D, Refusal> {
    if quorum.is_empty() {
        return Err(Refusal::NoQuorum);
    }
    let document = signed.first().ok_or(Refusal::Unsigned)?.document();
    let mut roles = BTreeMap::new();
    for one in signed {
        if one.document() != document {
            return Err(Refusal::OtherDocument);
        }
        if roles.insert(*one.key(), one.role(approvers)?).is_some() {
            return Err(Refusal::Malformed);
        }
    }
    let has = |role: &Role| roles.values().any(|signer| signer == role);
    if quorum.iter().all(has) { Ok(document) } else { Err(Refusal::Unsigned) }
}
