//! This party's own clocks, for delays that nobody else may shorten.

use std::sync::LazyLock;

use policy::Clock;
use rand_core::RngCore;

use crate::error::Fault;
use crate::generator::Generator;

/// Names this process: two processes have no monotonic clock in common that could be trusted.
static RUN: LazyLock<Option<[u8; 16]>> = LazyLock::new(|| {
    let mut run = [0; 16];
    Generator::new(b"clock/run").ok()?.fill_bytes(&mut run);
    Some(run)
});

/// A reading, with the wall time that JavaScript gives.
pub(crate) fn read(wall_ms: u64) -> Result<Clock, Fault> {
    let run = RUN.ok_or_else(Fault::internal)?;
    Ok(Clock { wall_ms, monotonic_ms: monotonic_ms(), run })
}

/// Counts the time that the machine sleeps, where the system has such a clock.
#[cfg(target_os = "linux")]
fn monotonic_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec);
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000)
        + u64::try_from(nanoseconds / 1_000_000).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn monotonic_ms() -> u64 {
    static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}
