//! The vectors of the standard. They are not part of this repository; without them the test says so.

use std::io::Write;
use std::path::Path;

use serde_json::Value;
use slip39::combine;

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

#[test]
fn every_public_vector_gives_its_secret_or_is_refused() {
    let Some(vectors) = public() else { return };
    let vectors = vectors.as_array().unwrap();
    for vector in vectors {
        let lists = vector[1].as_array().unwrap();
        let lists: Vec<_> = lists.iter().map(|list| list.as_str().unwrap()).collect();
        let secret = hex::decode(vector[2].as_str().unwrap()).unwrap();

        let combined = combine(&lists, "TREZOR");

        let expected = (!secret.is_empty()).then_some(secret);
        assert_eq!(combined.ok().map(|secret| secret.to_vec()), expected, "{}", vector[0]);
    }
    assert!(vectors.len() >= 22);
}
