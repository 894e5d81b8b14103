//! `cargo run --profile quick -p simulator -- --seeds 1000000`, or `--seed N` to see one.

use std::process::ExitCode;

use simulator::{Coverage, Pool, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let seeds = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--seeds", count] => count.parse().map(|count: u64| 0..count),
        ["--seeds", count, "--from", first] => count
            .parse()
            .and_then(|count: u64| first.parse().map(|first: u64| first..first + count)),
        ["--seed", seed] => seed.parse().map(|seed: u64| seed..seed + 1),
        _ => {
            eprintln!("usage: --seeds COUNT [--from FIRST] | --seed SEED");
            return ExitCode::FAILURE;
        }
    };
    let Ok(seeds) = seeds else {
        eprintln!("not a number");
        return ExitCode::FAILURE;
    };
    let (pool, mut coverage) = (Pool::default(), Coverage::new());
    for seed in seeds.clone() {
        match run(&pool, seed, None) {
            Ok(of_seed) => {
                of_seed.into_iter().for_each(|(what, n)| *coverage.entry(what).or_default() += n);
            }
            Err(failure) => {
                failure.trace.iter().for_each(|line| eprintln!("{line}"));
                eprintln!("seed {seed}: {}", failure.violation.invariant);
                eprintln!("{}", failure.violation.detail);
                return ExitCode::FAILURE;
            }
        }
    }
    for ((what, how), count) in coverage {
        println!("{count:>12} {what}: {how}");
    }
    println!("{} seeds, every invariant holds", seeds.end - seeds.start);
    ExitCode::SUCCESS
}
