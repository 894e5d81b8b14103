//! What every decoder of a document and every record refuses.

use ed25519_dalek::Signer;
use policy::{Document, Refusal, Signed};
use tagged_hash::{Tag, hash};

use crate::persons::Person;

/// Any text, well signed by the owner.
pub fn well_signed<D: Document>(text: &str) -> Vec<u8> {
    let signature = Person::User.signing_key().sign(&hash(D::TAG, &[text.as_bytes()])).to_bytes();
    [&[1], &Person::User.key()[..], &signature, text.as_bytes()].concat()
}

pub fn text<D: Document>(document: &D) -> String {
    String::from_utf8(document.encode()).unwrap()
}

/// The names of the fields at the outermost level, in their order.
pub fn names(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut word, mut names) = (0, false, String::new(), Vec::new());
    for character in text.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                if quoted {
                    word.clear();
                }
            }
            _ if quoted => word.push(character),
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ':' if depth == 1 => names.push(word.clone()),
            _ => {}
        }
    }
    names
}

/// That a decoder reads a document and neither a changed one nor any of these, each a text and its replacement.
pub fn reads_only_canonical<D: Document + PartialEq + std::fmt::Debug>(
    document: &D,
    changes: &[(&str, &str)],
) {
    let text = text(document);
    let read = Signed::<D>::decode(&well_signed::<D>(&text)).unwrap();
    assert_eq!((read.document(), read.encode()), (document, well_signed::<D>(&text)));
    assert!(names(&text).is_sorted(), "{text}");
    let refuses = |changed: &str| {
        assert_ne!(changed, text);
        let result = Signed::<D>::decode(&well_signed::<D>(changed));
        assert_eq!(result.map(drop), Err(Refusal::Malformed), "{changed}");
    };
    for (from, to) in changes {
        refuses(&text.replacen(from, to, 1));
    }
    for (from, to) in [("}", ",\"zone\":1}"), ("\":", "\": "), ("{", "{ "), ("@1", "@2")] {
        refuses(&text.replacen(from, to, 1));
    }
    let end = text.rfind('}').unwrap();
    refuses(&format!("{},\"zone\":1}}", &text[..end]));
    refuses(&format!("{text} "));
    refuses(&format!("{text}{}", " ".repeat(D::MAX_BYTES)));
    refuses("");
    refuses("{}");
    for at in 0..text.len() {
        refuses(&text[..at]);
    }
}

/// A record as JSON, and JSON under a true checksum.
pub fn unsealed(record: &[u8]) -> String {
    String::from_utf8(record[32..].to_vec()).unwrap()
}

pub fn sealed(tag: Tag, json: &str) -> Vec<u8> {
    [&hash(tag, &[json.as_bytes()])[..], json.as_bytes()].concat()
}

/// That a record with a changed byte, cut off, or longer is damaged, and one with a changed field under a true
/// checksum is either damaged or written as it was read.
pub fn is_read_whole<T: std::fmt::Debug + PartialEq>(
    tag: Tag,
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, Refusal>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    assert_eq!(encode(&decode(bytes).unwrap()), bytes);
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        assert_eq!(decode(&changed).map(drop), Err(Refusal::Damaged));
        assert_eq!(decode(&bytes[..at]).map(drop), Err(Refusal::Damaged));
        if at >= 32 {
            let json = &changed[32..];
            let resealed = [&hash(tag, &[json])[..], json].concat();
            if let Ok(read) = decode(&resealed) {
                assert_eq!(encode(&read), resealed);
            }
        }
    }
    assert_eq!(decode(&[bytes, b" "].concat()).map(drop), Err(Refusal::Damaged));
}
