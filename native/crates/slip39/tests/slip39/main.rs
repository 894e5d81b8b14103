//! Lists of words: our own, those of another implementation, and wrong ones.

// Marked as test code, so that the lints for it apply to the helpers too.
#[cfg(test)]
mod public_vectors;
#[cfg(test)]
mod two_of_three;
