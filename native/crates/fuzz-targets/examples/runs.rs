//! Runs a target over mutations of its seeds: `cargo run --profile quick -p fuzz-targets --example runs -- calldata 1000000`.
//! A third argument is the seed of the stream.

use std::io::{Error, Write};
use std::time::Instant;

use fuzz_targets::{TARGETS, mutate};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(name), Some(runs)) = (arguments.first(), arguments.get(1)) else {
        return Err(Error::other("a target and a number of runs"));
    };
    let runs: u64 = runs.parse().map_err(Error::other)?;
    let stream: u64 =
        arguments.get(2).map_or(Ok(2), |stream| stream.parse()).map_err(Error::other)?;
    let target = TARGETS
        .iter()
        .find(|target| target.name == name)
        .ok_or_else(|| Error::other("no such target"))?;
    let (seeds, mut rng) = ((target.seeds)(), ChaCha20Rng::seed_from_u64(stream));
    let start = Instant::now();
    for number in 0..runs {
        let input = mutate(&seeds, &mut rng);
        if std::panic::catch_unwind(|| (target.run)(&input)).is_err() {
            return Err(Error::other(format!("input {number} of stream {stream}: {input:02x?}")));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{name}: {runs} inputs of stream {stream} in {seconds:.1} s")
}
