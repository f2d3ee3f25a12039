//! The beginning of a person's words, which the bot repeats to the person. Pure.

use unicode_segmentation::UnicodeSegmentation;

/// Returns a person's words on one line, with at most `most` characters.
pub(crate) fn excerpt(words: &str, most: usize) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.grapheme_indices(true).nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_what_a_person_wrote_is_on_one_line_and_shows_that_it_goes_on() {
        for (words, shown) in [
            ("", ""),
            ("四文字だ", "四文字だ"),
            ("五つの文字", "五つの文…"),
            (" a\n\n b\t", "a b"),
            // An emoji of a family is one character.
            ("👨\u{200d}👩\u{200d}👧かぞく！", "👨\u{200d}👩\u{200d}👧かぞく…"),
        ] {
            assert_eq!(excerpt(words, 4), shown);
        }
    }
}
