//! The vectors of the standard. They are not part of this repository; without them the test says so.

use std::io::Write;
use std::path::Path;

use serde_json::Value;
use slip39::{Error, combine};

/// The vectors, or a line that names them. Written past the capture of test output.
fn public() -> Option<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/vectors/slip39.json");
    match std::fs::read(Path::new(file)) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            let line = b"skipped: public vectors slip39.json are not beside this repository\n";
            std::io::stderr().write_all(line).unwrap();
            None
        }
    }
}

/// Why a vector is refused, by its number; the others give their secret.
fn refusal(number: &str) -> Option<Error> {
    match number {
        "2" | "21" => Some(Error::Checksum),
        "3" | "22" => Some(Error::Length),
        "6" | "7" | "8" | "9" | "12" => Some(Error::OtherSet),
        "10" => Some(Error::Threshold),
        "11" => Some(Error::Duplicate),
        "13" => Some(Error::Digest),
        "5" | "14" | "15" | "16" => Some(Error::Count),
        _ => None,
    }
}

#[test]
fn every_public_vector_gives_its_secret_or_is_refused() {
    let Some(vectors) = public() else { return };
    let vectors = vectors.as_array().unwrap();
    for vector in vectors {
        let lists = vector[1].as_array().unwrap();
        let lists: Vec<_> = lists.iter().map(|list| list.as_str().unwrap()).collect();
        let name = vector[0].as_str().unwrap();

        let combined = combine(&lists, "TREZOR");

        let expected = match refusal(name.split('.').next().unwrap()) {
            Some(error) => Err(error),
            None => Ok(hex::decode(vector[2].as_str().unwrap()).unwrap()),
        };
        assert_eq!(combined.map(|secret| secret.to_vec()), expected, "{name}");
    }
    assert!(vectors.len() >= 22);
}
