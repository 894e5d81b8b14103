use rand_chacha::ChaCha20Rng;
use rand_core::RngCore;

/// Another input near the seeds.
pub fn mutate(seeds: &[Vec<u8>], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut draw = |below: usize| usize::try_from(rng.next_u32()).unwrap() % below.max(1);
    let mut input = seeds[draw(seeds.len())].clone();
    for _ in 0..=draw(4) {
        let at = draw(input.len() + 1);
        match draw(7) {
            0 | 1 if at < input.len() => input[at] ^= 1 << draw(8),
            2 if at < input.len() => input[at] = u8::try_from(draw(256)).unwrap(),
            3 => input.truncate(at),
            4 => input.insert(at, u8::try_from(draw(256)).unwrap()),
            5 => {
                let end = (at + draw(40)).min(input.len());
                input.drain(at..end);
            }
            _ => {
                let other = &seeds[draw(seeds.len())];
                let from = draw(other.len() + 1);
                input.truncate(at);
                input.extend(&other[from..]);
            }
        }
    }
    input
}
