//! Removes control characters from a model's text, and direction marks that would change the text after them. Pure.
//!
//! Line feeds and tabs stay. All characters that scripts need stay, too: joiners, variation selectors, direction marks
//! that end by themselves, and embeddings and isolates that are closed within the text.

use std::borrow::Cow;

/// The characters that open and close a direction (Unicode Bidirectional Algorithm, 2.1 to 2.4).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Embedding,
    Isolate,
    EndOfEmbedding,
    EndOfIsolate,
}

impl Direction {
    fn of(c: char) -> Option<Self> {
        Some(match c {
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' => Self::Embedding,
            '\u{2066}'..='\u{2068}' => Self::Isolate,
            '\u{202c}' => Self::EndOfEmbedding,
            '\u{2069}' => Self::EndOfIsolate,
            _ => return None,
        })
    }
}

/// Returns the text as it is stored and shown. Each kind of line end becomes a line feed.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !has_odd(text) {
        return text.into();
    }
    let unpaired = unpaired(text);
    let mut unpaired = unpaired.iter().copied().peekable();
    let mut clean = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '\r' if text[at + 1..].starts_with('\n') => {}
            '\r' => clean.push('\n'),
            '\n' | '\t' => clean.push(c),
            _ if c.is_control() || unpaired.next_if_eq(&at).is_some() => {}
            _ => clean.push(c),
        }
    }
    clean.into()
}

/// Whether a text shows nothing: it has only white space, invisible characters, and joiners of other characters.
pub fn is_blank(text: &str) -> bool {
    let joins = |c: char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    text.chars().all(|c| c.is_whitespace() || c.is_control() || joins(c) || is_invisible(c))
}

/// Whether a character is never seen and no script needs it: a character that turns the direction of text, a soft
/// hyphen, a space of no width, a filler, a tag, or a variation selector beyond those of emoji. The joiners of emoji
/// are not among them.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether there may be characters to remove. Texts are searched fast, in blocks, for the bytes with which these
/// characters begin.
fn has_odd(text: &str) -> bool {
    const BLOCK: usize = 32;
    let begins = |b: u8| matches!(b, 0..=0x08 | 0x0b..=0x1f | 0x7f | 0xc2 | 0xe2);
    let is_odd = |c: char| c.is_control() || Direction::of(c).is_some();
    text.as_bytes().chunks(BLOCK).enumerate().any(|(n, block)| {
        let places = || (n * BLOCK..).zip(block).filter(|(_, b)| begins(**b));
        block.iter().fold(false, |any, b| any | begins(*b))
            && places().any(|(at, _)| text[at..].chars().next().is_some_and(is_odd))
    })
}

/// Returns the places of direction marks without a partner, in order. The end of an isolate ends everything that was
/// opened within it (BD9). The end of an embedding has an effect only inside the isolate that it is in.
fn unpaired(text: &str) -> Vec<usize> {
    let (mut open, mut isolates, mut unpaired) = (vec![], 0_usize, vec![]);
    for (at, c) in text.char_indices() {
        match Direction::of(c) {
            None => {}
            Some(opens @ (Direction::Embedding | Direction::Isolate)) => {
                isolates += usize::from(opens == Direction::Isolate);
                open.push((at, opens));
            }
            Some(Direction::EndOfEmbedding) => {
                let opened = open.pop_if(|(_, opened)| *opened == Direction::Embedding);
                unpaired.extend(opened.is_none().then_some(at));
            }
            // The list is not searched here, because a text of megabytes may consist of ends only.
            Some(Direction::EndOfIsolate) if isolates == 0 => unpaired.push(at),
            Some(Direction::EndOfIsolate) => {
                isolates -= 1;
                while let Some((within, Direction::Embedding)) = open.pop() {
                    unpaired.push(within);
                }
            }
        }
    }
    unpaired.extend(open.into_iter().map(|(at, _)| at));
    unpaired.sort_unstable();
    unpaired
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_go_and_what_scripts_need_stays() {
        for (text, clean_text) in [
            ("", ""),
            ("a\tb\nc", "a\tb\nc"),
            ("a\r\nb\rc\r\r\nd", "a\nb\nc\n\nd"),
            ("\0a\u{7}\u{8}b\u{b}\u{c}\u{1b}[31mred\u{7f}", "ab[31mred"),
            ("a\u{80}b\u{85}c\u{9b}d\u{9f}", "abcd"),
            ("20 °C… “quoted” — déjà", "20 °C… “quoted” — déjà"),
            ("\u{a0}¿\u{2028}\u{2029}\u{feff}", "\u{a0}¿\u{2028}\u{2029}\u{feff}"),
            (
                "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} 🏴\u{e0067}\u{e007f}",
                "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} 🏴\u{e0067}\u{e007f}",
            ),
            ("می\u{200c}خواهم क्\u{200d}ष", "می\u{200c}خواهم क्\u{200d}ष"),
            ("שלום\u{200f}! \u{200e}abc\u{61c}", "שלום\u{200f}! \u{200e}abc\u{61c}"),
        ] {
            assert_eq!(clean(text), clean_text, "{text:?}");
            assert_eq!(clean(clean_text), clean_text);
        }
    }

    #[test]
    fn a_text_that_shows_nothing_is_blank() {
        for blank in
            ["", " \n\t\u{3000}", "\u{200b}\u{feff}", "\u{200d}\u{fe0f}", "\u{2800} \u{3164}\u{202e}", "\0"]
        {
            assert!(is_blank(blank), "{blank:?}");
        }
        for text in ["a", " あ ", "🏴\u{e0067}\u{e007f}", "\u{200b}.", "❤\u{fe0f}", "─"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn directions_stay_where_they_are_closed() {
        // `E` embeds, `I` isolates, and `e` and `i` end them.
        let marks = |text: &str| {
            text.replace('E', "\u{202e}")
                .replace('e', "\u{202c}")
                .replace('I', "\u{2067}")
                .replace('i', "\u{2069}")
        };
        for (text, clean_text) in [
            ("a E b e c", "a E b e c"),
            ("a I b i c", "a I b i c"),
            ("E I E x e i e", "E I E x e i e"),
            ("a E b", "a  b"),
            ("a I b", "a  b"),
            ("a e b i c", "a  b  c"),
            ("E E x e", " E x e"),
            ("I E x i y", "I  x i y"),
            ("E I x e i y", " I x  i y"),
            ("I x e i", "I x  i"),
            ("E x i e", "E x  e"),
            ("I\nx i", "I\nx i"),
            ("I x i y i z", "I x i y  z"),
            ("I x i E y i z e", "I x i E y  z e"),
        ] {
            // If two marks open and one ends, the first has no partner, because the end belongs to the second.
            assert_eq!(clean(&marks(text)), marks(clean_text), "{text}");
        }
        for opens in ['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}'] {
            assert_eq!(clean(&format!("{opens}x\u{202c}{opens}y")), format!("{opens}x\u{202c}y"));
        }
        for opens in ['\u{2066}', '\u{2067}', '\u{2068}'] {
            assert_eq!(clean(&format!("{opens}x\u{2069}{opens}y")), format!("{opens}x\u{2069}y"));
        }
    }

    proptest! {
        #[test]
        fn nothing_else_is_lost_and_once_is_enough(
            text in "([a-zא-ת あ🍎\r\n\t\u{0}-\u{1f}\u{7f}-\u{9f}\u{200c}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]|\\PC){0,80}"
        ) {
            let once = clean(&text).into_owned();
            let is_plain = |c: &char| !c.is_control() && Direction::of(*c).is_none();
            let plain = |text: &str| text.chars().filter(is_plain).collect::<String>();
            prop_assert_eq!(plain(&once), plain(&text));
            prop_assert!(once.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            prop_assert!(unpaired(&once).is_empty());
            prop_assert_eq!(clean(&once), once.as_str());
        }
    }
}
