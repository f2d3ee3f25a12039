//! The beginning of a person's words, to be said back to them. Pure.

use unicode_segmentation::UnicodeSegmentation;

/// A person's words on one line, of at most so many characters.
pub(crate) fn excerpt(words: &str, most: usize) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.grapheme_indices(true).nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
