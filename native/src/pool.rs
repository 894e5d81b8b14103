//! A fixed pool of threads for rounds. libuv's pool stays free for files and name look-ups.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::thread;

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};

use crate::error::{Fault, contain};

type Job = Box<dyn FnOnce() + Send>;

/// Rounds that may be queued or running at once, over all sessions of the process.
const MAX_JOBS: usize = 256;

/// Half of the range: enough that a waking JavaScript thread preempts, and rounds still outrank idle work.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

static JOBS: AtomicUsize = AtomicUsize::new(0);
static POOL: LazyLock<Pool> = LazyLock::new(Pool::start);

struct Pool {
    threads: usize,
    queue: Mutex<VecDeque<Job>>,
    arrived: Condvar,
}

impl Pool {
    fn start() -> Self {
        let wanted = std::env::var("MPC_WALLET_THREADS").ok().and_then(|text| text.parse().ok());
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = wanted.filter(|threads| (1..=64).contains(threads)).unwrap_or_else(cores);
        for number in 0..threads {
            let name = format!("mpc-wallet-{number}");
            // A thread that cannot be started leaves the others to do the work.
            drop(thread::Builder::new().name(name).spawn(work));
        }
        Self { threads, queue: Mutex::new(VecDeque::new()), arrived: Condvar::new() }
    }

    fn submit(&self, job: Job) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(job);
        self.arrived.notify_one();
    }

    fn next(&self) -> Job {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match queue.pop_front() {
                Some(job) => return job,
                None => {
                    queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

fn work() {
    yield_to_javascript();
    loop {
        (POOL.next())();
    }
}

/// Lets the thread that runs timers and callbacks go first where all cores are busy with rounds.
fn yield_to_javascript() {
    // Linux has a priority for each thread. Elsewhere it is one for the process, and none of our business.
    // Where a sandbox forbids it, timers are late under load and nothing else is wrong.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
}

/// A counted place in the pool, taken before a session gives up its state: `NATIVE_BUSY` costs nothing.
pub(crate) struct Permit(());

impl Permit {
    pub(crate) fn take() -> std::result::Result<Self, Fault> {
        let places = JOBS.fetch_update(Ordering::AcqRel, Ordering::Acquire, |jobs| {
            (jobs < MAX_JOBS).then_some(jobs + 1)
        });
        match places {
            Ok(_) => Ok(Self(())),
            Err(_) => Err(Fault::new("NATIVE_BUSY", "256 rounds are queued or running")),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        JOBS.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Threads of the pool, started or not.
pub(crate) fn threads() -> usize {
    POOL.threads
}

/// Places taken, and places that there are.
pub(crate) fn places() -> (usize, usize) {
    (JOBS.load(Ordering::Acquire), MAX_JOBS)
}

/// Runs `job` on the pool and `finish` on the JavaScript thread; the promise settles with what it returns.
pub(crate) fn spawn<'env, O, T>(
    env: &'env Env,
    permit: Permit,
    job: impl FnOnce() -> std::result::Result<O, Fault> + Send + 'static,
    finish: impl FnOnce(std::result::Result<O, Fault>) -> std::result::Result<T, Fault> + Send + 'static,
) -> Result<Object<'env>>
where
    O: Send + 'static,
    T: ToNapiValue + 'static,
{
    type Resolver<T> = Box<dyn FnOnce(Env) -> Result<T> + Send>;
    let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
    POOL.submit(Box::new(move || {
        let outcome = contain(job);
        drop(permit);
        deferred.resolve(Box::new(move |env| {
            contain(|| finish(outcome)).map_err(|fault| fault.into_js(&env))
        }));
    }));
    Ok(promise)
}
