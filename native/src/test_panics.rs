//! Exports that panic in every place where code of ours runs, for the tests of containment. No release has them.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::error::{Fault, guard};
use crate::pool::{self, Permit};

/// What a defect does. The text stands for a secret: it must never be seen again.
#[allow(clippy::panic)] // what this file is for
fn defect(text: &str) -> Fault {
    panic!("{text}")
}

/// Panics on a thread of the pool.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn panic_in_job(env: &Env, text: String) -> napi::Result<Object<'_>> {
    let permit = guard(env, Permit::take)?;
    let job = move || Err::<(), _>(defect(&text));
    pool::spawn(env, permit, job, |outcome| outcome)
}

/// Panics on the JavaScript thread, after the pool did its part.
#[napi(catch_unwind, ts_return_type = "Promise<void>")]
pub fn panic_in_finish(env: &Env, text: String) -> napi::Result<Object<'_>> {
    let permit = guard(env, Permit::take)?;
    let finish = move |_| Err::<(), _>(defect(&text));
    pool::spawn(env, permit, || Ok(()), finish)
}

/// Panics in a synchronous call.
#[napi(catch_unwind)]
pub fn panic_in_call(env: &Env, text: String) -> napi::Result<()> {
    guard(env, || Err(defect(&text)))
}

/// A class whose factory panics.
#[napi]
pub struct Panicking {}

#[napi]
impl Panicking {
    /// Panics.
    #[napi(catch_unwind)]
    pub fn create(env: &Env, text: String) -> napi::Result<Self> {
        guard(env, || Err(defect(&text)))
    }
}
