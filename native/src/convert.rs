//! Values across the border: checked here even where TypeScript checked them before.

use ::intent::MAX_PAYLOAD;
use ceremony::Role as NativeRole;
use napi::Env;
use napi::bindgen_prelude::{BigInt, JsValue, ToNapiValue, Uint8Array, Uint8ArraySlice, sys};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::error::Fault;

/// One call's envelopes at most.
pub(crate) const MAX_ENVELOPES: usize = 64;
/// Bytes of one call's envelopes at most.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Who a party is.
#[napi(string_enum = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The agent's server.
    Agent,
    /// The owner's co-signer.
    User,
    /// The recovery guardian.
    Recovery,
}

impl From<NativeRole> for Role {
    fn from(role: NativeRole) -> Self {
        match role {
            NativeRole::Agent => Self::Agent,
            NativeRole::User => Self::User,
            NativeRole::Recovery => Self::Recovery,
        }
    }
}

impl From<Role> for NativeRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Agent => Self::Agent,
            Role::User => Self::User,
            Role::Recovery => Self::Recovery,
        }
    }
}

pub(crate) fn roles(parties: &[dkls23::PartyIndex]) -> Vec<Role> {
    parties.iter().filter_map(|party| NativeRole::of(*party)).map(Role::from).collect()
}

/// Bytes on their way to JavaScript, which gets a copy. A buffer that shared them would need no copy, and
/// would cost a finaliser in a later garbage collection instead: much more than copying what we return.
pub struct Bytes(Vec<u8>);

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl ToNapiValue for Bytes {
    #[allow(unsafe_code)] // the trait's signature; whoever calls it vouches for `env`
    unsafe fn to_napi_value(env: sys::napi_env, bytes: Self) -> napi::Result<sys::napi_value> {
        let copy = Uint8ArraySlice::copy_from(&Env::from_raw(env), &bytes.0)?;
        Ok(copy.raw())
    }
}

/// A secret that JavaScript asked for. Ours is wiped; the copy is for JavaScript to wipe.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    pub(crate) fn copy_from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl ToNapiValue for SecretBytes {
    #[allow(unsafe_code)] // the trait's signature; whoever calls it vouches for `env`
    unsafe fn to_napi_value(env: sys::napi_env, bytes: Self) -> napi::Result<sys::napi_value> {
        let copy = Uint8ArraySlice::copy_from(&Env::from_raw(env), &*bytes.0)?;
        Ok(copy.raw())
    }
}

/// Secret text for a person's eyes. Ours is wiped; what JavaScript holds, nobody can wipe.
pub struct SecretText(Zeroizing<String>);

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl ToNapiValue for SecretText {
    #[allow(unsafe_code)] // the trait's signature; whoever calls it vouches for `env`
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> napi::Result<sys::napi_value> {
        Ok(Env::from_raw(env).create_string(&*text.0)?.raw())
    }
}

pub(crate) fn bytes(bytes: &[u8]) -> Bytes {
    Bytes(bytes.to_vec())
}

/// A time in milliseconds: a non-negative bigint that fits 64 bits, without loss.
pub(crate) fn time(value: &BigInt, name: &'static str) -> Result<u64, Fault> {
    match value.get_u64() {
        (false, milliseconds, true) => Ok(milliseconds),
        _ => Err(Fault::input(format!("{name} is not a time in milliseconds"))),
    }
}

/// A duration in milliseconds: a whole number from 1 to 2^53 − 1.
pub(crate) fn duration(value: f64, name: &'static str) -> Result<u64, Fault> {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    if value.fract() == 0.0 && (1.0..=LARGEST).contains(&value) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked just above
        return Ok(value as u64);
    }
    Err(Fault::input(format!("{name} is not a duration in milliseconds")))
}

/// A derivation path: whole numbers below 2^31.
pub(crate) fn path(value: &[f64]) -> Result<Vec<u32>, Fault> {
    value
        .iter()
        .map(|&index| {
            let fits = index.fract() == 0.0 && (0.0..2_147_483_648.0).contains(&index);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked just above
            fits.then_some(index as u32).ok_or_else(|| {
                Fault::input("a path index is a whole number below 2^31, never hardened")
            })
        })
        .collect()
}

/// A position in a list: a whole number below 2^32. As `u32` it would be coerced: −1 and NaN name items too.
pub(crate) fn position(value: f64, name: &'static str) -> Result<u32, Fault> {
    if value.fract() == 0.0 && (0.0..4_294_967_296.0).contains(&value) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked just above
        return Ok(value as u32);
    }
    Err(Fault::input(format!("{name} is not a position")))
}

/// Copies at most one byte more than a payload may have, so that the reader refuses what is longer. A reader
/// that looked at the caller's buffer twice could be shown two payloads: a worker may share it.
pub(crate) fn payload(bytes: &Uint8Array) -> Vec<u8> {
    bytes.iter().take(MAX_PAYLOAD + 1).copied().collect()
}

/// Copies first, so that the caller may change its buffers while a thread reads ours.
pub(crate) fn envelopes(envelopes: &[Uint8Array]) -> Result<Vec<Vec<u8>>, Fault> {
    check_size(envelopes.len(), envelopes.iter().map(|envelope| envelope.len()).sum())?;
    Ok(envelopes.iter().map(|envelope| envelope.to_vec()).collect())
}

/// A record as a store gave it back.
pub(crate) fn record(bytes: &Uint8Array) -> Result<Vec<u8>, Fault> {
    check_size(1, bytes.len())?;
    Ok(bytes.to_vec())
}

/// [`envelopes`] for a call that takes several byte arguments.
pub(crate) fn copies<const N: usize>(parts: [&[u8]; N]) -> Result<[Vec<u8>; N], Fault> {
    check_size(N, parts.iter().map(|part| part.len()).sum())?;
    Ok(parts.map(<[u8]>::to_vec))
}

/// One call is capped before anything is copied.
fn check_size(envelopes: usize, total: usize) -> Result<(), Fault> {
    if envelopes > MAX_ENVELOPES || total > MAX_BYTES {
        return Err(Fault::input("one call takes at most 64 envelopes and 4 MiB"));
    }
    Ok(())
}
