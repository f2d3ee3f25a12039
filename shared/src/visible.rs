//! Characters that show nothing. *Accept* skips texts of them, and *answer* takes them out of names. Pure.

/// Whether a character is invisible, or only turns the direction of the text beside it. The list is Unicode's
/// `Default_Ignorable_Code_Point` with the blank of Braille, but without the joiners and selectors that words and
/// emoji need.
pub fn is_hidden(c: char) -> bool {
    // First come characters that turn the direction of text, then invisible ones: a soft hyphen, spaces of no width,
    // fillers, format controls, tags, and variation selectors beyond those of emoji.
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character only joins, parts or varies the characters beside it.
fn is_joining(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether nobody can see anything of a text.
pub fn shows_nothing(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_hidden(c) || is_joining(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_shows_nothing_if_none_of_its_characters_can_be_seen() {
        for text in [
            "",
            " \n\u{3000}",
            "\u{200b}\u{2060}",
            "\u{feff}\u{ad}\u{3164}\u{2800}",
            "\u{fe0f}\u{200d}\u{e0041}",
            "\u{200e}\u{202e}\u{2066}\u{2069}",
            "\u{7}\u{180e}\u{115f}",
        ] {
            assert!(shows_nothing(text), "{text:?}");
        }
        for text in ["a", "\u{200b}。", "❤\u{fe0f}", "می\u{200c}خواهم", "\u{301}", "()"] {
            assert!(!shows_nothing(text), "{text:?}");
        }
    }
}
