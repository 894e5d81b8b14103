//! Unsigned bytes, as this party reads them.

use ::intent::{Address, Own, Payload, PayloadKind, Refusal, Registry};
use ceremony::ParsedPayload;
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
    /// Parses or refuses.
    #[napi(catch_unwind)]
    pub fn parse(env: &Env, payload: PayloadInput) -> napi::Result<Self> {
        guard(env, || {
            let bytes = convert::payload(&payload.bytes);
            Self::read(&payload.kind, &payload.chain, &bytes)
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
        guard(env, || Ok(self.description()))
    }
}

impl Intent {
    pub(crate) fn description(&self) -> String {
        self.parsed.describe()
    }

    pub(crate) fn read(kind: &str, chain: &str, bytes: &[u8]) -> Result<Self, Fault> {
        // Until a request names its account, only what needs none is read: a transaction without calldata
        // that anybody could explain. Its effects name the zero address as their sender.
        if kind != PayloadKind::EvmTransaction.name() {
            return Err(Refusal::KindUnknown.into());
        }
        let own = Own::new(Address::ZERO);
        let parsed = ::intent::parse(&Payload { kind, chain, bytes }, &own, &Registry::new())?;
        Ok(Self { parsed })
    }

    /// The only way from parsed bytes to something that can be authorised.
    pub(crate) fn payload(&self) -> ParsedPayload {
        ParsedPayload {
            kind: self.parsed.kind().name().to_owned(),
            chain: self.parsed.chain().to_owned(),
            bytes: self.parsed.bytes().to_vec(),
            digest: self.parsed.digest(),
            digest_kind: self.parsed.kind().digest_kind(),
            payload_hash: self.parsed.payload_hash(),
            resolved_hash: self.parsed.resolved_hash(),
        }
    }
}
