//! Functions that the policy gives by their signature.

use super::{Invocation, NativeValue, Stop, Walk};
use crate::EffectKind;

/// Their arguments are known, what they move is not: it is bounded by allowances and the native
/// value.
pub(super) fn read(walk: &mut Walk<'_>, call: &Invocation<'_>) -> Result<NativeValue, Stop> {
    call.plain(walk, EffectKind::Call)
}
