//! Benchmarks that survive a noisy machine: every case runs in turn with two references on the thread's
//! processor clock, medians are compared, and what is reported is the ratio. Used by the benches of the other crates only.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use k256::ecdsa::SigningKey;
use k256::ecdsa::signature::hazmat::PrehashSigner;
use k256::elliptic_curve::Field;
use k256::{ProjectivePoint, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use rustix::time::{ClockId, clock_gettime};

/// One constant-time variable-base multiplication of k256.
pub const MULTIPLICATION: &str = "k256 constant-time variable-base multiplication";
/// One single-key ECDSA signature of k256 over a digest.
pub const ECDSA: &str = "k256 single-key ECDSA signature";

/// A case: runs once and says how long what is measured took, without its preparation.
pub struct Case<'a> {
    /// Name in the report.
    pub name: &'a str,
    /// Runs once.
    pub run: Box<dyn FnMut() -> Duration + 'a>,
}

/// A median with its references, all from one interleaved run.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Name of the case.
    pub name: String,
    /// Median of the case.
    pub median: Duration,
    /// Median of [`MULTIPLICATION`].
    pub multiplication: Duration,
    /// Median of [`ECDSA`].
    pub ecdsa: Duration,
    /// Runs that were counted.
    pub runs: usize,
}

impl Timing {
    /// The case in multiplications.
    pub fn ratio(&self) -> f64 {
        self.median.as_secs_f64() / self.multiplication.as_secs_f64()
    }
}

/// Times what a closure does on this thread's processor clock, which stands still while the machine does
/// something else; its result is kept from the optimiser.
pub fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = thread_time();
    let result = black_box(work());
    (thread_time().saturating_sub(start), result)
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (now.tv_sec.try_into(), now.tv_nsec.try_into());
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// Runs each case `runs` times, the references before every single run, and gives medians. The first tenth
/// warms up and is not counted.
pub fn interleave(runs: usize, cases: Vec<Case<'_>>) -> Vec<Timing> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let point = ProjectivePoint::GENERATOR * Scalar::random(&mut rng);
    let key = SigningKey::random(&mut rng);
    let mut cases: Vec<(Case<'_>, Vec<Duration>)> =
        cases.into_iter().map(|case| (case, Vec::new())).collect();
    let (mut multiplications, mut signatures) = (Vec::new(), Vec::new());
    let warm_up = runs.div_ceil(10);
    for round in 0..runs + warm_up {
        for (case, durations) in &mut cases {
            let scalar = Scalar::random(&mut rng);
            let multiplication = time(|| black_box(point) * black_box(scalar)).0;
            let mut digest = [0; 32];
            rng.fill_bytes(&mut digest);
            let signed: (_, k256::ecdsa::Signature) =
                time(|| key.sign_prehash(black_box(&digest)).unwrap_or_else(|_| unreachable!()));
            let duration = (case.run)();
            if round >= warm_up {
                multiplications.push(multiplication);
                signatures.push(signed.0);
                durations.push(duration);
            }
        }
    }
    let (multiplication, ecdsa) = (median(&mut multiplications), median(&mut signatures));
    cases
        .into_iter()
        .map(|(case, mut durations)| Timing {
            name: case.name.to_owned(),
            median: median(&mut durations),
            multiplication,
            ecdsa,
            runs,
        })
        .collect()
}

fn median(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied().unwrap_or_default()
}

/// A report that is printed and, if `BENCH_JSON` names a file, written as JSON.
#[derive(Default)]
pub struct Report {
    text: String,
    lines: Vec<serde_json::Value>,
}

impl Report {
    /// Starts with the machine and the command.
    pub fn new(title: &str, command: &str) -> Self {
        let mut report = Self::default();
        let _ = writeln!(report.text, "{title}\n  machine  {}\n  command  {command}", machine());
        report
    }

    /// A timing, in microseconds and in both references; `name` is its name in the JSON, if it has one.
    pub fn timing(&mut self, label: &str, name: Option<&str>, timing: &Timing) {
        let micros = timing.median.as_secs_f64() * 1e6;
        let in_signatures = timing.median.as_secs_f64() / timing.ecdsa.as_secs_f64();
        let _ = writeln!(
            self.text,
            "  {label:<44} {micros:>10.1} µs {:>9.1} mul {in_signatures:>9.1} ecdsa   median of {}",
            timing.ratio(),
            timing.runs,
        );
        if let Some(name) = name {
            self.lines.push(serde_json::json!({
                "name": name, "value": micros, "unit": "µs",
                "ratio": timing.ratio(), "reference": MULTIPLICATION,
            }));
        }
    }

    /// What the references took in a run.
    pub fn references(&mut self, timing: &Timing) {
        for (name, duration) in [(MULTIPLICATION, timing.multiplication), (ECDSA, timing.ecdsa)] {
            let micros = duration.as_secs_f64() * 1e6;
            let _ = writeln!(self.text, "  {name:<44} {micros:>10.1} µs");
        }
    }

    /// A number of bytes, against the bar it must stay below.
    pub fn bytes(&mut self, label: &str, name: Option<&str>, bytes: usize) {
        let _ = writeln!(self.text, "  {label:<44} {bytes:>10} bytes");
        if let Some(name) = name {
            self.lines.push(serde_json::json!({
                "name": name, "value": bytes, "unit": "bytes", "ratio": null, "reference": null,
            }));
        }
    }

    /// Prints, and writes the JSON where it was asked for.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> std::io::Result<()> {
        use std::io::Write as _;
        std::io::stdout().write_all(self.text.as_bytes())?;
        match std::env::var_os("BENCH_JSON") {
            Some(path) => std::fs::write(path, serde_json::Value::from(self.lines).to_string()),
            None => Ok(()),
        }
    }
}

/// Processor model and cores.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    format!(
        "{}, {cores} cores, {}",
        model.unwrap_or_else(|| "unknown".into()),
        std::env::consts::ARCH
    )
}
