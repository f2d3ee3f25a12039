//! The difference between marks and text that only looks like marks. CommonMark reads more text as Markdown than people
//! mean in a chat, and less in languages without spaces between words.

use std::ops::Range;

/// The parts of a text that stay unchanged, as a flag for each byte. An answer may have thousands of these parts, and
/// each mark is compared with them.
pub(super) struct Protected(Vec<bool>);

impl Protected {
    /// Protects addresses and these formulas.
    pub(super) fn of(source: &str, formulas: impl Iterator<Item = Range<usize>>) -> Self {
        let mut protected = Self(vec![false; source.len()]);
        for part in urls(source).into_iter().chain(formulas) {
            protected.add(part);
        }
        protected
    }

    pub(super) fn add(&mut self, part: Range<usize>) {
        self.0[part].fill(true);
    }

    pub(super) fn touches(&self, at: &Range<usize>) -> bool {
        self.0[at.clone()].contains(&true)
    }
}

/// Returns the places of the web addresses in a text. An address ends where ASCII ends, because Japanese follows
/// without a space.
pub fn urls(text: &str) -> Vec<Range<usize>> {
    let mut urls = vec![];
    let mut from = 0;
    while let Some(colon) = text[from..].find("://").map(|at| from + at) {
        from = colon + 3;
        let Some(scheme) = ["https", "http"].iter().find(|scheme| text[..colon].ends_with(**scheme)) else {
            continue;
        };
        let mut open = 0;
        let end = text[from..].find(|c: char| {
            open += i32::from(c == '(') - i32::from(c == ')');
            !c.is_ascii_graphic() || "<>\"`{}|\\^*[]".contains(c) || open < 0
        });
        let url = &text[from..end.map_or(text.len(), |end| from + end)];
        from += url.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '_', '~']).len();
        urls.push(colon - scheme.len()..from);
    }
    urls
}

/// Whether the emphasis that CommonMark finds is meant as emphasis, and not as arithmetic or a kaomoji (a face made of
/// characters, such as `(*_*)`).
pub(super) fn is_emphasis(source: &str, at: &Range<usize>, mark: usize) -> bool {
    let inside = &source[at.start + mark..at.end - mark];
    let (before, after) = (source[..at.start].chars().next_back(), source[at.end..].chars().next());
    let (Some(first), Some(last)) = (inside.chars().next(), inside.chars().next_back()) else { return false };
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_name = inside.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let starts = first.is_alphanumeric() || "「『（【《〈“‘[`*_$".contains(first) || is_emoji(first);
    let ends =
        last.is_alphanumeric() || "」』】》〉”’]）).!?。！？…,、:：%％`*_$".contains(last) || is_emoji(last);
    let is_face = |inside: &str| {
        let in_brackets =
            before.is_some_and(|c| "(（".contains(c)) && after.is_some_and(|c| ")）".contains(c));
        in_brackets && inside.chars().count() <= 5 && !inside.contains(|c: char| c.is_ascii_alphabetic())
    };
    match (&source[at.start..=at.start], mark) {
        ("*", 1) => !is_word(before) && !is_word(after) && starts && ends && !is_face(inside),
        ("*", _) => !(is_word(before) && is_word(after)),
        (_, 1) => starts && ends && !is_face(inside),
        (_, _) => starts && ends && !is_name,
    }
}

/// Whether the text between back-ticks is code. Some kaomoji have a back-tick as an arm, and two of them look like a
/// pair.
pub(super) fn is_code(source: &str, at: &Range<usize>) -> bool {
    let after_symbol =
        source[..at.start].chars().next_back().is_some_and(|c| !c.is_ascii() && !c.is_alphanumeric());
    let inside = source[at.clone()].trim_start_matches('`');
    !(after_symbol && inside.starts_with(['*', ')', '）', ';']))
}

fn is_emoji(c: char) -> bool {
    c >= '\u{1f000}'
}

/// Returns the pairs of `**` that CommonMark does not take as bold, as in `**「猫」**は`: the start of the first mark
/// and the end of the second. Both are on one line, with words between them.
pub(super) fn stray_bold(
    source: &str,
    part: Range<usize>,
    is_taken: impl Fn(&Range<usize>) -> bool,
) -> Vec<(usize, usize)> {
    let mut pairs = vec![];
    let mut line_start = part.start;
    for line in source[part].split_inclusive('\n') {
        let mut open: Option<usize> = None;
        for (at, _) in line.match_indices("**") {
            let mark = line_start + at..line_start + at + 2;
            let (before, after) =
                (source[..mark.start].chars().next_back(), source[mark.end..].chars().next());
            if before == Some('*') || after == Some('*') || is_taken(&mark) {
                continue;
            }
            let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
            match open {
                Some(start) if !is_space(before) => {
                    if is_emphasis(source, &(start..mark.end), 2) {
                        pairs.push((start, mark.end));
                    }
                    open = None;
                }
                _ => open = (!is_space(after)).then_some(mark.start),
            }
        }
        line_start += line.len();
    }
    pairs
}
