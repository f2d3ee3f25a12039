//! Markdown: no letter of what the model wrote is lost, and blocks of code lie within the text.

use std::collections::HashSet;

use worker::text::markdown::plain;

/// Letters beyond ASCII: of those within, some are Markdown's own (`[x]`, `<br>`).
fn letters(text: &str) -> HashSet<char> {
    text.chars().filter(|c| !c.is_ascii() && c.is_alphanumeric()).collect()
}

/// An answer as the model writes it.
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
