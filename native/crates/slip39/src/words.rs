//! The 1024 words of the standard, sorted: each is ten bits.

use std::sync::LazyLock;

use zeroize::Zeroizing;

use crate::Error;

static WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("words.txt").lines().collect());

/// The words, a space between them.
pub(crate) fn join(indices: &[u16]) -> Zeroizing<String> {
    // Reserved whole, eight letters and a space each: a string that grew would leave words behind.
    let mut text = Zeroizing::new(String::with_capacity(9 * indices.len()));
    for index in indices {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(WORDS.get(usize::from(*index)).copied().unwrap_or_default());
    }
    text
}

/// The indices of words between white space, in whatever case.
pub(crate) fn parse(text: &str) -> Result<Zeroizing<Vec<u16>>, Error> {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let mut indices = Zeroizing::new(Vec::with_capacity(lower.split_whitespace().count()));
    for word in lower.split_whitespace() {
        let index = WORDS.binary_search(&word).map_err(|_| Error::Word)?;
        indices.push(u16::try_from(index).map_err(|_| Error::Word)?);
    }
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_1024_words_and_four_letters_tell_them_apart() {
        let prefixes: BTreeSet<_> = WORDS.iter().map(|word| &word[..4]).collect();

        assert_eq!((WORDS.len(), prefixes.len()), (1_024, 1_024));
        assert!(WORDS.is_sorted());
        assert!(WORDS.iter().all(|word| word.len() <= 8));
    }
}
