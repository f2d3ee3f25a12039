//! The limit of an answer's length: four times `MAX_TOKENS`, and five push requests. Servers that ignore the limit in
//! the request have written megabytes. Pure.
//!
//! The history keeps the answer as it was sent, so that the model sees the same end as the person.

use crate::{
    rules::prompt::Budget,
    rules::tokens,
    text::markdown::{self, Plain},
    text::messages::{MESSAGES_MAX, PUSHES_MAX, TEXT_MAX, beginning, messages},
};

/// The factor of the limit for a reasoning model that wrote nothing within its limit and is asked again. No answer is
/// longer than this many times the limit.
pub(crate) const MORE_TOKENS: usize = 4;
/// The most messages of an answer.
const MESSAGES: usize = PUSHES_MAX * MESSAGES_MAX;
/// The length, in bytes, up to which a text certainly needs at most [`MESSAGES`] messages. The messages of a longer
/// text are counted. Two messages that follow each other are together longer than half a message, and a text has at
/// least as many bytes as UTF-16 code units.
const MAY_BE_TOO_MANY: usize = MESSAGES * TEXT_MAX / 5;

/// An answer within the limit.
pub(crate) struct Limited {
    /// The text that the history keeps.
    pub(crate) text: String,
    /// The same answer as plain text, as it is sent.
    pub(crate) words: Plain,
    /// True if it is not all that the model wrote, or would have written.
    pub(crate) cut: bool,
}

/// Cuts an answer that is too long, at a paragraph, a sentence or a grapheme. `cut` is true if the model itself was cut
/// short; `heard` is sent before the answer.
pub(crate) fn limited(mut text: String, mut cut: bool, budget: Budget, heard: Option<&str>) -> Limited {
    if let Some(bytes) = too_long(&text, budget) {
        text.truncate(beginning(&text, bytes).len());
        cut = true;
    }
    let mut words = markdown::plain(&text);
    if words.text.len() > MAY_BE_TOO_MANY {
        let room = MESSAGES.saturating_sub(heard.map_or(0, |heard| messages(heard, &[]).len()));
        let parts = messages(&words.text, &words.code);
        if parts.len() + usize::from(cut) > room {
            // The last message is kept free for the remark that the answer is cut.
            let end = parts.get(room.saturating_sub(2)).map_or(0, |part| part.end);
            let end = words.text[..end].trim_end().len();
            words.text.truncate(end);
            words.code.retain(|block| block.start < end);
            words.code.iter_mut().for_each(|block| block.end = block.end.min(end));
            text.clone_from(&words.text);
            cut = true;
        }
    }
    Limited { text, words, cut }
}

/// Whether the text is certainly within the limit of tokens, so that nothing has to be counted: a token has at least one
/// byte.
pub(crate) fn is_uncounted(text: &str, budget: Budget) -> bool {
    text.len() <= budget.max_tokens.saturating_mul(MORE_TOKENS)
}

/// Returns the most bytes of an answer that are kept, or `None` if all of it is kept.
fn too_long(text: &str, budget: Budget) -> Option<usize> {
    let mut units = 0;
    // The first check removes text that five pushes could not carry, because it is faster than counting tokens.
    let beyond = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > MESSAGES * TEXT_MAX
    });
    let sent = beyond.map(|(at, _)| at);
    let rest = &text[..sent.unwrap_or(text.len())];
    if is_uncounted(rest, budget) {
        return sent;
    }
    tokens::beginning(budget.encoding, rest, budget.max_tokens.saturating_mul(MORE_TOKENS)).or(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::models::Encoding;

    fn within(text: &str, cut: bool, max_tokens: usize, heard: Option<&str>) -> Limited {
        let budget = Budget { context_tokens: 1_000_000, max_tokens, encoding: Encoding::O200k };
        limited(text.to_owned(), cut, budget, heard)
    }

    #[test]
    fn what_is_within_both_limits_is_left_as_it_is() {
        // Five pushes of five messages of 5,000 UTF-16 code units.
        let most = "あ".repeat(125_000);
        for (text, max_tokens) in [("**hi**", 1), ("a b c d", 1), (&most, 100_000)] {
            let answer = within(text, false, max_tokens, None);
            assert_eq!((answer.text.as_str(), answer.cut), (text, false));
        }
        assert_eq!(within("**hi**", true, 100, None).words.text, "hi");
    }

    #[test]
    fn four_times_the_tokens_are_kept_up_to_the_end_of_a_sentence() {
        let text = "One two three four. ".repeat(100);
        let answer = within(&text, false, 10, None);
        assert!(answer.cut && answer.text.len() < 200 && answer.text.ends_with("four."), "{}", answer.text);
        assert!(tokens::count(Encoding::O200k, &answer.text) <= 40);
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let answer = within(&family.repeat(100), false, 20, None);
        assert!(answer.cut && answer.text.len().is_multiple_of(family.len()) && !answer.text.is_empty());
        assert!(!within(&family.repeat(100), false, 1, None).text.is_empty());
    }

    #[test]
    fn five_pushes_are_said_with_the_remark_and_what_is_kept_is_what_is_said() {
        let remark = "\n\n(This got long, so it is cut off here)";
        for unit in
            ["a", "あ", "🍎", "\n\nWords. And more of them.", "**b** c\n\n", "https://example.com/a?b=c "]
        {
            for heard in [None, Some("🎤 “hello”")] {
                let answer = within(&unit.repeat(500_000 / unit.len()), false, 1_000_000, heard);
                let said = format!("{}{remark}", answer.words.text);
                let count = messages(&said, &answer.words.code).len() + heard.map_or(0, |_| 1);
                assert!(answer.cut && (10..=MESSAGES).contains(&count), "{unit:?} {count}");
                assert!(markdown::plain(&answer.text).text == answer.words.text, "{unit:?}");
            }
        }
        // All code that is kept is still known as code.
        let block = "──────────\nx\n──────────";
        let answer = format!("```\nx\n```\n\n{}\n\n", "a".repeat(4_000)).repeat(30);
        let Plain { text, code } = within(&answer, false, 1_000_000, None).words;
        let blocks: Vec<_> = code.into_iter().map(|part| text.get(part)).collect();
        assert_eq!(blocks, vec![Some(block); text.matches(block).count()]);
        assert!((20..30).contains(&blocks.len()));
        // An answer that fills all messages leaves no room for the remark that the model was cut short.
        let most = "a".repeat(MESSAGES * TEXT_MAX);
        assert!(within(&most, true, 1_000_000, None).text.len() < most.len());
    }
}
