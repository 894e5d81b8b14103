//! Unsigned bytes, as this party reads them.

use ::intent::{Address, Own, Payload, Registry};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::convert::{self, Bytes, bytes};
use crate::error::{Fault, guard};

/// Unsigned bytes to be read.
#[napi(object)]
pub struct PayloadInput {
    /// Such as `evm.transaction`.
    pub kind: String,
    /// CAIP-2, such as `eip155:1`.
    pub chain: String,
    /// The unsigned bytes.
    pub bytes: Uint8Array,
}

/// A payload that was parsed completely. Has no constructor but [`Intent::parse`].
#[napi]
pub struct Intent {
    parsed: ::intent::Intent,
}

#[napi]
impl Intent {
    /// Parses or refuses, without a wallet: to look at, nothing can be authorised with it. `account` is the EVM
    /// address whose payload it is, 20 bytes; the zero address if it does not matter.
    #[napi(catch_unwind)]
    pub fn parse(
        env: &Env,
        payload: PayloadInput,
        account: Option<Uint8Array>,
    ) -> napi::Result<Self> {
        guard(env, || {
            let bytes = convert::payload(&payload.bytes);
            let account = match account {
                Some(account) => Address::try_from(account.as_ref())
                    .map_err(|_| Fault::input("an account has 20 bytes"))?,
                None => Address::ZERO,
            };
            let read = Payload { kind: &payload.kind, chain: &payload.chain, bytes: &bytes };
            let parsed = ::intent::parse(&read, &Own::new(account), &Registry::new())?;
            Ok(Self { parsed })
        })
    }

    /// Payload kind.
    #[napi(getter, catch_unwind)]
    pub fn kind(&self) -> String {
        self.parsed.kind().name().to_owned()
    }

    /// CAIP-2 chain.
    #[napi(getter, catch_unwind)]
    pub fn chain(&self) -> String {
        self.parsed.chain().to_owned()
    }

    /// The unsigned bytes.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> Bytes {
        bytes(self.parsed.bytes())
    }

    /// What will be signed, 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn digest(&self) -> Bytes {
        bytes(&self.parsed.digest())
    }

    /// Hash over kind, chain and bytes, 32 bytes.
    #[napi(getter, catch_unwind)]
    pub fn payload_hash(&self, env: &Env) -> napi::Result<Bytes> {
        guard(env, || Ok(bytes(&self.parsed.payload_hash())))
    }

    /// The decoded transaction and its effects as JSON; integers are decimal strings.
    #[napi(catch_unwind)]
    pub fn describe(&self, env: &Env) -> napi::Result<String> {
        guard(env, || Ok(self.parsed.describe()))
    }
}
