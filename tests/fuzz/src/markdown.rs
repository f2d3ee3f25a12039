//! Markdown: no letter of the model's answer is lost, and blocks of code are within the text.

use std::collections::HashSet;

use worker::text::markdown::plain;

/// Returns the letters beyond ASCII: some ASCII letters are Markdown's own (`[x]`, `<br>`).
fn letters(text: &str) -> HashSet<char> {
    text.chars().filter(|c| !c.is_ascii() && c.is_alphanumeric()).collect()
}

/// Checks an answer as the model writes it; returns whether the plain text differs from it.
pub fn holds(data: &[u8]) -> bool {
    let source = String::from_utf8_lossy(data);
    let shown = plain(&source);
    let lost: Vec<char> = letters(&source).difference(&letters(&shown.text)).copied().collect();
    assert!(lost.is_empty(), "{lost:?} of {source:?} are not in {:?}", shown.text);
    let mut end = 0;
    for block in &shown.code {
        assert!(block.start >= end && shown.text.get(block.clone()).is_some(), "{block:?} of {shown:?}");
        end = block.end;
    }
    shown.text != source
}
