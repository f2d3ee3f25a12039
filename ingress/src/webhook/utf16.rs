//! Places in a text that LINE counts in UTF-16 code units. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Converts places in UTF-16 code units to places in bytes. It leaves out a place in the middle of a character, or
/// beyond the end. It reads the text once for any number of places.
pub(super) fn bytes(text: &str, wanted: BTreeSet<usize>) -> BTreeMap<usize, usize> {
    let (mut wanted, mut found, mut unit) = (wanted.into_iter().peekable(), BTreeMap::new(), 0);
    for (at, char) in text.char_indices().chain([(text.len(), '\0')]) {
        while wanted.next_if(|&it| it < unit).is_some() {}
        if wanted.next_if_eq(&unit).is_some() {
            found.insert(unit, at);
        }
        if wanted.peek().is_none() {
            break;
        }
        unit += char.len_utf16();
    }
    found
}
