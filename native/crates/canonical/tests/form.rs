//! What is written is read back, and no other bytes are read as it.

use canonical::{Base64, decode, encode};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    data: Base64,
    items: Vec<u8>,
    text: String,
}

fn note() -> Note {
    Note {
        data: Base64(vec![0xfb, 0xff]),
        items: vec![1, 20],
        text: "\"\\/\u{8}\n\u{1f}\u{7f}é\u{1f600}".into(),
    }
}

const CANONICAL: &str =
    "{\"data\":\"-_8\",\"items\":[1,20],\"text\":\"\\\"\\\\/\\b\\n\\u001f\u{7f}é\u{1f600}\"}";

#[test]
fn a_document_is_written_after_rfc_8785_and_read_back() {
    assert_eq!(encode(&note()).unwrap(), CANONICAL.as_bytes());
    assert_eq!(decode::<Note>(CANONICAL.as_bytes()), Some(note()));
}

#[test]
fn another_form_of_the_same_document_is_refused() {
    let forms = [
        CANONICAL.replace("{\"data\"", "{ \"data\""),
        format!("{CANONICAL}\n"),
        format!("\u{feff}{CANONICAL}"),
        CANONICAL.replace("[1,20]", "[1,20.0]"),
        CANONICAL.replace("[1,20]", "[01,20]"),
        CANONICAL.replace("\\b", "\\u0008"),
        CANONICAL.replace("\\u001f", "\\u001F"),
        CANONICAL.replace('/', "\\/"),
        CANONICAL.replace('é', "\\u00e9"),
        CANONICAL.replace("\"data\":\"-_8\",\"items\":[1,20]", "\"items\":[1,20],\"data\":\"-_8\""),
    ];
    for form in forms {
        assert_ne!(form, CANONICAL);
        assert_eq!(decode::<Note>(form.as_bytes()), None, "{form}");
    }
}

#[test]
fn bytes_in_another_alphabet_with_padding_or_with_loose_bits_are_refused() {
    for data in ["+/8", "-_8=", "-_9", "-_8 ", "-"] {
        let form = CANONICAL.replace("-_8", data);
        assert_eq!(decode::<Note>(form.as_bytes()), None, "{data}");
    }
}

#[test]
fn fields_that_are_unknown_missing_doubled_or_of_another_type_are_refused() {
    let forms = [
        CANONICAL.replace("{\"data\"", "{\"also\":1,\"data\""),
        CANONICAL.replace("\"items\":[1,20],", ""),
        CANONICAL.replace("\"items\":[1,20]", "\"items\":[1,20],\"items\":[1,20]"),
        CANONICAL.replace("[1,20]", "null"),
        CANONICAL.replace("[1,20]", "[1,256]"),
        CANONICAL.replace("[1,20]", "[1,-1]"),
        String::new(),
        "null".into(),
        "[".repeat(100_000),
    ];
    for form in forms {
        assert_eq!(decode::<Note>(form.as_bytes()), None, "{form:.80}");
    }
}

#[test]
fn an_array_has_the_length_that_was_asked_for() {
    let bytes = Base64(vec![1, 2, 3]);
    assert_eq!(bytes.array(), Some([1, 2, 3]));
    assert_eq!(bytes.array::<2>(), None);
    assert_eq!(bytes.array::<4>(), None);
}
