//! Faults that reach JavaScript: `code`, a message of ours, culprits. No panic text ever does.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use ::authority::Refused;
use ceremony::{Class, Failure};
use napi::bindgen_prelude::Object;
use napi::{Env, Error, JsValue, Status};

use crate::convert::Bytes;

/// What a call throws or rejects with.
#[derive(Debug)]
pub(crate) struct Fault {
    code: &'static str,
    message: String,
    culprits: Vec<&'static str>,
    /// Signed envelopes that tell a peer.
    outgoing: Vec<Vec<u8>>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), culprits: Vec::new(), outgoing: Vec::new() }
    }

    /// The caller's argument is wrong.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new("INVALID_INPUT", message)
    }

    /// A failure before anything was sent: the caller's argument, unless it is the wallet that cannot.
    pub(crate) fn input_from(failure: Failure) -> Self {
        match failure.class {
            Class::ShareStale | Class::RefreshNeeded | Class::PolicyStale => Self::from(failure),
            _ => Self::input(failure.reason),
        }
    }

    /// A record of this party's own store.
    pub(crate) fn stored(refused: Refused) -> Self {
        match refused {
            Refused::Policy(reason) => Self::new("SHARE_UNREADABLE", reason),
            other => Self::from(other),
        }
    }

    pub(crate) fn internal() -> Self {
        let place = LAST_PANIC.take();
        Self::new("INTERNAL", place.unwrap_or_else(|| "internal error".to_owned()))
    }

    /// The JavaScript `Error` with `code` and `culprits`.
    pub(crate) fn into_js(self, env: &Env) -> Error {
        let fallback = Error::new(Status::GenericFailure, self.message.clone());
        let build = || -> napi::Result<Object<'_>> {
            let mut object = env.create_error(Error::new(Status::GenericFailure, self.message))?;
            object.set("code", self.code)?;
            object.set("culprits", self.culprits)?;
            if !self.outgoing.is_empty() {
                let outgoing: Vec<Bytes> = self.outgoing.into_iter().map(Bytes::from).collect();
                object.set("outgoing", outgoing)?;
            }
            Ok(object)
        };
        match build() {
            Ok(object) => Error::from(object.to_unknown()),
            Err(_) => fallback,
        }
    }
}

/// The code of a class, as in the table of `src/errors.ts`.
pub(crate) fn code(class: Class) -> &'static str {
    match class {
        Class::Config => "PROTOCOL_CONFIG",
        Class::Equivocation => "PROTOCOL_EQUIVOCATION",
        Class::Stopped => "PROTOCOL_TIMEOUT",
        Class::Malformed => "PROTOCOL_MALFORMED",
        Class::Cheat => "PROTOCOL_CHEAT",
        Class::OtPoisoned => "PROTOCOL_OT_POISONED",
        Class::Unattributed => "PROTOCOL_UNATTRIBUTED",
        Class::Refused => "CEREMONY_REFUSED",
        Class::Cancelled => "ABORTED",
        Class::Storage => "STORE_UNAVAILABLE",
        Class::EpochBehind => "EPOCH_BEHIND",
        Class::ShareStale => "SHARE_STALE",
        Class::RefreshNeeded => "REFRESH_NEEDED",
        Class::PolicyStale => "POLICY_STALE",
        // `Class` may grow in its crate; an unmapped class is a bug of the addon and says so.
        _ => "INTERNAL",
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let culprits = failure.culprits.iter().filter_map(|party| ceremony::Role::of(*party));
        Self {
            code: code(failure.class),
            message: failure.reason.to_owned(),
            culprits: culprits.map(ceremony::Role::name).collect(),
            outgoing: Vec::new(),
        }
    }
}

impl From<ceremony::Refusal> for Fault {
    fn from(ceremony::Refusal { failure, outgoing }: ceremony::Refusal) -> Self {
        Self { outgoing, ..Self::from(failure) }
    }
}

impl From<::intent::Refusal> for Fault {
    fn from(refusal: ::intent::Refusal) -> Self {
        Self::new("PAYLOAD_REFUSED", format!("{refusal} ({})", refusal.code()))
    }
}

thread_local! {
    static LAST_PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Remembers where a panic was, prints nothing, and drops its text: it could hold a value.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "internal error".to_owned(), describe);
        LAST_PANIC.set(Some(place));
    }));
}

fn describe(location: &Location<'_>) -> String {
    let file = location.file();
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    format!("internal error at {name}:{}", location.line())
}

/// Runs what may panic; a panic becomes `INTERNAL`.
pub(crate) fn contain<T>(job: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(job)) {
        Ok(outcome) => outcome,
        Err(payload) => {
            drop(payload);
            Err(Fault::internal())
        }
    }
}

/// [`contain`] for a synchronous export.
pub(crate) fn guard<T>(env: &Env, job: impl FnOnce() -> Result<T, Fault>) -> napi::Result<T> {
    contain(job).map_err(|fault| fault.into_js(env))
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Payload { refusal, .. } => Self { message, ..Self::from(refusal) },
            Refused::Document(refusal) => Self::from(refusal),
            Refused::Policy(_) => Self::new("POLICY_INVALID", message),
            Refused::Ceremony(failure) => Self::input_from(failure),
            _ => Self::input(message),
        }
    }
}
