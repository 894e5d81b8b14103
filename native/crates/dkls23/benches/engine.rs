//! What the engine costs: `cargo bench -p dkls23 --bench engine`.
//!
//! First criterion over the primitives, then whole ceremonies in a loop of its own: every run also
//! times one constant-time variable-base multiplication and one single-key ECDSA signature of k256,
//! and the ratios are taken within the run, so that a busy or slow machine changes both sides.
//! Times are CPU per party (all rounds of all parties, divided by their number), one thread; bytes
//! are what one party sends, a broadcast counted once for each recipient.
//!
//! `BENCH_JSON=FILE` also writes the 2-of-3 results as JSON.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for developers: it prints, and stops where it cannot go on"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::Criterion;
use dkls23::derive::{self, DerivationPath};
use dkls23::keygen::{self, KeygenSetup};
use dkls23::reshare::{self, ReshareKind, ReshareSetup};
use dkls23::sign::{self, SignSetup};
use dkls23::{Cancel, Inbox, KeyShare, Outgoing, PartyIndex};
use k256::ecdsa::SigningKey;
use k256::ecdsa::signature::hazmat::PrehashSigner;
use k256::elliptic_curve::Field;
use k256::elliptic_curve::ops::MulByGenerator;
use k256::{ProjectivePoint, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use serde_json::json;
use tagged_hash::{Prf, tags};

#[allow(dead_code, reason = "every test program uses some of it")]
#[path = "../tests/support/committee.rs"]
mod committee;

use committee::{Each, committee, exchange, item, parties, party};

fn main() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut criterion = Criterion::default().configure_from_args();
    primitives(&mut criterion, &mut rng);
    criterion.final_summary();

    println!("\nmachine: {}", machine());
    println!("command: cargo bench -p dkls23 --bench engine");
    let mut results = Vec::new();
    for (quorum, n) in [(&[1, 2][..], 2), (&[1, 2], 3), (&[1, 2, 3], 5)] {
        let (keygens, name) = (if n < 5 { 100 } else { 20 }, format!("{}of{n}", quorum.len()));
        let ceremony = |rng: &mut ChaCha20Rng| keygen_once(quorum.len(), n, rng);
        results.push(measure(&format!("engine.keygen.{name}"), keygens, &mut rng, ceremony));
        let shares = committee("benchmark", quorum.len().try_into().unwrap(), n);
        let ceremony = |rng: &mut ChaCha20Rng| sign_once(&shares, &parties(quorum), rng);
        results.push(measure(&format!("engine.sign.{name}"), 400, &mut rng, ceremony));
        if n == 3 {
            let ceremony = |rng: &mut ChaCha20Rng| refresh_once(&shares, rng);
            results.push(measure(&format!("engine.refresh.{name}"), keygens, &mut rng, ceremony));
        }
    }
    if let Some(file) = std::env::var_os("BENCH_JSON") {
        let of_2_of_3 = results.iter().filter(|result| result.name.ends_with(".2of3"));
        let lines: Vec<_> = of_2_of_3.flat_map(Measured::json).collect();
        std::fs::write(file, json!(lines).to_string() + "\n").unwrap();
    }
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{}, {cpus} CPUs, {os} {architecture}", model.unwrap_or("unknown processor"))
}

fn primitives(criterion: &mut Criterion, rng: &mut ChaCha20Rng) {
    let (a, b) = (Scalar::random(&mut *rng), Scalar::random(&mut *rng));
    let point = ProjectivePoint::mul_by_generator(&a);
    let key = SigningKey::random(rng);
    let mut group = criterion.benchmark_group("k256");
    group.bench_function("variable-base multiplication", |bencher| {
        bencher.iter(|| black_box(point) * black_box(b));
    });
    group.bench_function("fixed-base multiplication", |bencher| {
        bencher.iter(|| ProjectivePoint::mul_by_generator(&black_box(b)));
    });
    group.bench_function("single-key signature", |bencher| {
        bencher.iter(|| single_key_signature(&key, &black_box([7; 32])));
    });
    group.finish();

    let shares = committee("benchmark", 2, 3);
    let share = &shares[&party(1)];
    let encoded = share.encode();
    let (public_key, chain_code) = (share.public_key(), share.epoch().chain_code());
    let path = DerivationPath::new(&[0, 7]).unwrap();
    let mut oracle = Prf::<18, 3, 16>::new(tags::RAND, &[3; 32]);
    let mut group = criterion.benchmark_group("dkls23");
    group.bench_function("keyed oracle, 16 times 96 bytes", |bencher| {
        let inputs = [[5; 18]; 16];
        bencher.iter(|| oracle.each(black_box(&inputs)).map(black_box).count());
    });
    group.bench_function("child key at 0/7", |bencher| {
        bencher.iter(|| derive::derive(&public_key, &chain_code, &path).unwrap());
    });
    group.bench_function("share of 2-of-3, encode", |bencher| bencher.iter(|| share.encode()));
    group.bench_function("share of 2-of-3, decode", |bencher| {
        bencher.iter(|| KeyShare::decode(black_box(&encoded)).unwrap());
    });
    group.finish();
}

fn single_key_signature(key: &SigningKey, digest: &[u8; 32]) -> k256::ecdsa::Signature {
    key.sign_prehash(digest).unwrap()
}

/// CPU time by round, summed over the parties, the bytes each party sends, and how long a cancelling
/// caller would have waited at worst.
#[derive(Default)]
struct Cost {
    parties: u32,
    rounds: Vec<Duration>,
    sent: usize,
    longest_wait: Duration,
}

impl Cost {
    /// Runs one round of every party.
    fn round<A, B>(
        &mut self,
        inputs: Each<A>,
        mut run: impl FnMut(PartyIndex, A, Cancel<'_>) -> B,
    ) -> Each<B> {
        let mut outputs = Each::new();
        let mut total = Duration::ZERO;
        for (party, input) in inputs {
            let polls = Polls::new();
            // The thread's processor clock: a busy machine preempts a long run and not a yardstick.
            let (spent, output) = measure::time(|| run(party, input, &|| polls.poll()));
            outputs.insert(party, output);
            total += spent;
            polls.poll();
            self.longest_wait = self.longest_wait.max(polls.longest());
        }
        self.rounds.push(total);
        outputs
    }

    fn deliver(&mut self, outgoing: &Each<Outgoing>) -> Each<Inbox> {
        let out = outgoing.values().next().unwrap();
        let private: usize = out.private.values().map(|body| body.len()).sum();
        self.sent += private + out.broadcast.len() * (outgoing.len() - 1);
        exchange(0, outgoing, &mut Vec::new())
    }
}

/// Measures the time between the polls of one call.
struct Polls(Mutex<(Instant, Duration)>);

impl Polls {
    fn new() -> Self {
        Self(Mutex::new((Instant::now(), Duration::ZERO)))
    }

    /// Never cancels.
    fn poll(&self) -> bool {
        let mut polls = self.0.lock().unwrap();
        let (last, longest) = *polls;
        *polls = (Instant::now(), longest.max(last.elapsed()));
        false
    }

    fn longest(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

fn both<A, B>(each: Each<(A, B)>) -> (Each<A>, Each<B>) {
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    for (party, (a, b)) in each {
        left.insert(party, a);
        right.insert(party, b);
    }
    (left, right)
}

fn joined<A, B>(left: Each<A>, mut right: Each<B>) -> Each<(A, B)> {
    left.into_iter().map(|(party, a)| (party, (a, right.remove(&party).unwrap()))).collect()
}

fn keygen_once(threshold: usize, n: u8, rng: &mut ChaCha20Rng) -> Cost {
    let mut session_id = [0; 32];
    rng.fill_bytes(&mut session_id);
    let t = threshold.try_into().unwrap();
    let setup = || KeygenSetup::new(session_id, "evm", t, n, [8; 32], 1).unwrap();
    let setups: Each<_> = (1..=n).map(|i| (party(i), setup())).collect();
    let mut cost = Cost { parties: n.into(), ..Cost::default() };
    let out = cost.round(setups, |i, setup, _| keygen::start(setup, i, rng).unwrap());
    deal(cost, out, rng)
}

fn refresh_once(old: &Each<Arc<KeyShare>>, rng: &mut ChaCha20Rng) -> Cost {
    let mut session_id = [0; 32];
    rng.fill_bytes(&mut session_id);
    let share = &old[&party(1)];
    let (t, n, id) = (share.threshold(), share.parties(), share.epoch().id());
    let dealers: Vec<_> = old.keys().copied().collect();
    let kind = ReshareKind::Refresh;
    let setup =
        || ReshareSetup::new(session_id, kind, "evm", t, n, [8; 32], id, 1, 2, &dealers).unwrap();
    let setups: Each<_> = dealers.iter().map(|&i| (i, setup())).collect();
    let mut cost = Cost { parties: n.into(), ..Cost::default() };
    let out = cost.round(setups, |i, setup, cancel| {
        reshare::start(setup, i, Some(&old[&i]), rng, cancel).unwrap()
    });
    deal(cost, out, rng)
}

/// What follows the start of a key generation or a refresh.
fn deal(mut cost: Cost, out: Each<(keygen::Round1, Outgoing)>, rng: &mut ChaCha20Rng) -> Cost {
    let (rounds, outgoing) = both(out);
    let inboxes = cost.deliver(&outgoing);
    let out = cost.round(
        joined(rounds, inboxes),
        |_, (round, inbox): (keygen::Round1, Inbox), cancel| {
            round.receive(inbox, rng, cancel).unwrap()
        },
    );
    let (rounds, outgoing) = both(out);
    let inboxes = cost.deliver(&outgoing);
    let out = cost.round(
        joined(rounds, inboxes),
        |_, (round, inbox): (keygen::Round2, Inbox), cancel| {
            round.receive(inbox, rng, cancel).unwrap()
        },
    );
    let (rounds, outgoing) = both(out);
    let inboxes = cost.deliver(&outgoing);
    cost.round(joined(rounds, inboxes), |_, (round, inbox): (keygen::Round3, Inbox), cancel| {
        round.receive(inbox, cancel).unwrap()
    });
    cost
}

fn sign_once(shares: &Each<Arc<KeyShare>>, quorum: &[PartyIndex], rng: &mut ChaCha20Rng) -> Cost {
    let (mut session_id, mut digest) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut session_id);
    rng.fill_bytes(&mut digest);
    let setup = || SignSetup::new(session_id, quorum, vec![item(digest)]).unwrap();
    let setups: Each<_> = quorum.iter().map(|&i| (i, setup())).collect();
    let mut cost = Cost { parties: quorum.len().try_into().unwrap(), ..Cost::default() };
    let out = cost.round(setups, |i, setup, cancel| {
        sign::start(Arc::clone(&shares[&i]), setup, rng, cancel).unwrap()
    });
    let (rounds, outgoing) = both(out);
    let inboxes = cost.deliver(&outgoing);
    let out =
        cost.round(joined(rounds, inboxes), |_, (round, inbox): (sign::Round1, Inbox), cancel| {
            round.receive(inbox, rng, cancel).unwrap()
        });
    let (rounds, outgoing) = both(out);
    let inboxes = cost.deliver(&outgoing);
    let out = cost
        .round(joined(rounds, inboxes), |_, (round, inbox): (sign::Round2, Inbox), cancel| {
            round.receive(inbox, cancel).unwrap()
        });
    let (rounds, outgoing) = both(out);
    let inboxes = cost.deliver(&outgoing);
    cost.round(joined(rounds, inboxes), |_, (round, inbox): (sign::Round3, Inbox), _| {
        round.receive(inbox).unwrap()
    });
    cost
}

struct Measured {
    name: String,
    microseconds: f64,
    ratio: f64,
    sent: usize,
}

impl Measured {
    fn json(&self) -> [serde_json::Value; 2] {
        let reference = "one constant-time k256 variable-base multiplication in the same run";
        [
            json!({
                "name": format!("{}.cpu", self.name),
                "value": self.microseconds,
                "unit": "µs",
                "ratio": self.ratio,
                "reference": reference,
            }),
            json!({
                "name": format!("{}.bytes", self.name),
                "value": self.sent,
                "unit": "bytes",
                "ratio": null,
                "reference": null,
            }),
        ]
    }
}

/// Runs a ceremony `runs` times, after a few to warm up, between the two yardsticks, and prints
/// medians.
fn measure(
    name: &str,
    runs: usize,
    rng: &mut ChaCha20Rng,
    mut ceremony: impl FnMut(&mut ChaCha20Rng) -> Cost,
) -> Measured {
    const YARDSTICKS: u32 = 16;
    let key = SigningKey::random(rng);
    let mut point = ProjectivePoint::GENERATOR;
    let mut scalar = Scalar::random(&mut *rng);
    let mut samples = Vec::with_capacity(runs);
    let mut sent = 0;
    for run in 0..runs + 3 {
        let (spent, ()) = measure::time(|| {
            for _ in 0..YARDSTICKS {
                point = black_box(point) * black_box(scalar);
                scalar += Scalar::ONE;
            }
        });
        let multiplication = micros(spent / YARDSTICKS);
        let (spent, ()) = measure::time(|| {
            for count in 0..YARDSTICKS {
                let mut digest = [7; 32];
                digest[..4].copy_from_slice(&count.to_be_bytes());
                black_box(single_key_signature(&key, &black_box(digest)));
            }
        });
        let signature = micros(spent / YARDSTICKS);
        let cost = ceremony(rng);
        let per_party = |time: &Duration| micros(*time / cost.parties);
        let rounds: Vec<f64> = cost.rounds.iter().map(per_party).collect();
        sent = cost.sent;
        if run >= 3 {
            let longest_wait = micros(cost.longest_wait);
            samples.push(Sample { multiplication, signature, rounds, longest_wait });
        }
    }
    let of = |value: &dyn Fn(&Sample) -> f64| median(samples.iter().map(value));
    let microseconds = of(&Sample::total);
    let ratio = of(&|sample| sample.total() / sample.multiplication);
    let by_round: Vec<String> =
        (0..4).map(|round| format!("{:.0}", of(&|sample| sample.rounds[round]))).collect();
    println!("{name}: {microseconds:.0} µs per party ({} by round)", by_round.join(" + "));
    println!(
        "    {ratio:.2} × variable-base multiplication ({:.1} µs), {:.2} × single-key signature",
        of(&|sample| sample.multiplication),
        of(&|sample| sample.total() / sample.signature),
    );
    println!(
        "    {sent} bytes sent; {:.0} µs between two polls at worst; median of {runs}",
        of(&|sample| sample.longest_wait),
    );
    Measured { name: name.to_owned(), microseconds, ratio, sent }
}

/// One run, in microseconds: the two yardsticks, each round per party, the longest wait.
struct Sample {
    multiplication: f64,
    signature: f64,
    rounds: Vec<f64>,
    longest_wait: f64,
}

impl Sample {
    fn total(&self) -> f64 {
        self.rounds.iter().sum()
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
