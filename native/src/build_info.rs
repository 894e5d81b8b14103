//! What this binary is, and what it is doing.

use napi_derive::napi;

use crate::{pool, session};

/// Version, target and features of the binary.
#[napi(object)]
pub struct BuildInfo {
    /// Equal to the package's version.
    pub version: String,
    /// Architecture, operating system and environment it was built for.
    pub target: String,
    /// Cargo features that are on.
    pub features: Vec<String>,
}

/// What this binary is.
#[napi(catch_unwind)]
pub fn build_info() -> BuildInfo {
    let environment = if cfg!(target_env = "musl") {
        "-musl"
    } else if cfg!(target_env = "gnu") {
        "-gnu"
    } else if cfg!(target_env = "msvc") {
        "-msvc"
    } else {
        ""
    };
    let features =
        if cfg!(feature = "test-panics") { vec!["test-panics".to_owned()] } else { vec![] };
    BuildInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        target: format!("{}-{}{environment}", std::env::consts::OS, std::env::consts::ARCH),
        features,
    }
}

/// Numbers for operators and tests.
#[napi(object)]
pub struct Diagnostics {
    /// Sessions that hold state.
    pub live_sessions: u32,
    /// Rounds queued or running.
    pub rounds: u32,
    /// Rounds that may be queued or running at once.
    pub max_rounds: u32,
    /// Threads of the pool.
    pub threads: u32,
}

/// What this binary is doing, over all threads of the process.
#[napi(catch_unwind)]
pub fn diagnostics() -> Diagnostics {
    let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let (rounds, max_rounds) = pool::places();
    Diagnostics {
        live_sessions: count(session::live()),
        rounds: count(rounds),
        max_rounds: count(max_rounds),
        threads: count(pool::threads()),
    }
}
