//! Converts the Markdown that models write to plain text, which LINE shows as it is. Pure.
//!
//! The text is edited and never written anew. Marks that are certainly Markdown are removed or replaced, and everything
//! else stays unchanged, such as arithmetic, kaomoji, `snake_case`, hashtags and HTML. Numbered lists, quotes (`>`) and
//! struck out words (`~~`) stay, because they are easy to read. Formulas in LaTeX become readable where they are simple
//! (`text/latex.rs`). They are found before the marks, because Markdown has another meaning for `\(`, `_` and `*`.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

mod blocks;
mod editor;
mod marks;
mod table;

use editor::{Edit, Editor, LINE, OpenLink, edited};
use marks::{is_code, is_emphasis};

use crate::text::latex::{formulas, may_contain_formula};

pub use marks::urls;

/// A text as LINE shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// The text.
    pub text: String,
    /// The places of its blocks of code, in bytes. It is better not to cut a block.
    pub code: Vec<Range<usize>>,
}

impl From<&str> for Plain {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), code: vec![] }
    }
}

/// Returns the plain text of `source`.
pub fn plain(source: &str) -> Plain {
    // The parser reads a carriage return as the end of a line in some places and not in others.
    let source = &source.replace("\r\n", "\n").replace('\r', "\n");
    let formulas =
        if may_contain_formula(source) { formulas(source, &without_formulas(source)) } else { vec![] };
    let mut editor = Editor::of(source, formulas);
    for (event, at) in Parser::new_ext(source, Options::ENABLE_TABLES).into_offset_iter() {
        editor.see(event, at);
    }
    editor.unmark_stray_bold(0..source.len());
    editor.convert_formulas(0..source.len());
    let Editor { mut edits, code, .. } = editor;
    edits.sort_by_key(|edit| edit.at.start);
    // If two edits overlap, the first one counts.
    let mut end = 0;
    edits.retain(|edit| {
        let is_clear = edit.at.start >= end;
        if is_clear {
            end = edit.at.end;
        }
        is_clear
    });
    let (mut ends, mut passed) = (edits.iter().peekable(), (0, 0));
    // The function is called with places in ascending order.
    let mut moved = |place: usize| {
        while let Some(edit) = ends.next_if(|edit| edit.at.end <= place) {
            passed = (passed.0 + edit.new.len(), passed.1 + edit.at.len());
        }
        place + passed.0 - passed.1
    };
    let code = code.iter().map(|block| moved(block.start)..moved(block.end)).collect();
    Plain { text: edited(source, 0..source.len(), &edits), code }
}

/// Returns the places of code and addresses, in which nothing is a formula.
fn without_formulas(source: &str) -> Vec<Range<usize>> {
    let is_code = |event: &Event<'_>, at: &Range<usize>| match event {
        Event::Start(Tag::CodeBlock(_)) => true,
        Event::Code(_) => is_code(source, at),
        _ => false,
    };
    let events = Parser::new_ext(source, Options::ENABLE_TABLES).into_offset_iter();
    let code = events.filter(|(event, at)| is_code(event, at)).map(|(_, at)| at);
    let mut parts: Vec<_> = code.chain(urls(source)).collect();
    parts.sort_by_key(|part| part.start);
    parts
}

impl Editor<'_> {
    fn see(&mut self, event: Event<'_>, at: Range<usize>) {
        if !matches!(event, Event::End(TagEnd::Link | TagEnd::Image)) {
            self.links.iter_mut().for_each(|link| link.words_end = link.words_end.max(at.end));
        }
        match event {
            Event::Start(Tag::Emphasis) if is_emphasis(self.source, &at, 1) => self.unmark(at, 1),
            Event::Start(Tag::Strong) if is_emphasis(self.source, &at, 2) => self.unmark(at, 2),
            Event::Start(Tag::Heading { .. }) => self.heading(at),
            Event::Start(Tag::Item) => self.bullet(at.start),
            Event::Start(Tag::CodeBlock(kind)) => self.code_block(at, &kind),
            Event::Start(Tag::Link { .. }) => {
                self.links.push(OpenLink { mark: 1, words_end: at.start + 1 });
            }
            Event::Start(Tag::Image { .. }) => {
                self.links.push(OpenLink { mark: 2, words_end: at.start + 2 });
            }
            Event::End(TagEnd::Link | TagEnd::Image) => self.link(at),
            Event::Start(Tag::Table(_)) => {
                self.convert_formulas(0..at.start);
                self.before_table = std::mem::take(&mut self.edits);
            }
            Event::End(TagEnd::TableCell) => self.cell(at),
            Event::End(TagEnd::TableHead) => {
                self.further_cells(at.end);
                self.table.end_head();
            }
            Event::End(TagEnd::TableRow) => {
                self.further_cells(at.end);
                self.table.end_row();
            }
            Event::End(TagEnd::Table) => self.end_table(at),
            Event::Code(_) => self.code_span(at),
            Event::Html(_) | Event::InlineHtml(_) => self.protected.add(at),
            Event::Rule if !self.source[at.clone()].contains('_') => {
                let end = at.start + self.source[at.clone()].trim_end().len();
                self.replace(at.start..end, LINE);
            }
            _ => {}
        }
    }

    fn code_span(&mut self, at: Range<usize>) {
        let span = &self.source[at.clone()];
        let ticks = span.len() - span.trim_start_matches('`').len();
        if is_code(self.source, &at) {
            self.unmark(at.clone(), ticks);
        }
        self.protected.add(at);
    }

    fn link(&mut self, at: Range<usize>) {
        let Some(OpenLink { mark, words_end }) = self.links.pop() else { return };
        if self.source[at.clone()].starts_with('<') {
            return self.unmark(at, 1);
        }
        let target = self.source[words_end..at.end].strip_prefix("](").and_then(|t| t.strip_suffix(')'));
        let Some(target) = target.map(|t| t.trim().trim_matches(['<', '>'])).filter(|t| is_address(t)) else {
            return;
        };
        let words = self.source[at.start + mark..words_end].trim();
        let bare = |url: &str| url.trim_start_matches("https://").trim_end_matches('/').to_owned();
        if words.is_empty() || bare(words) == bare(target) {
            return self.replace_whole(at, target);
        }
        self.edits.push(Edit { at: at.start..at.start + mark, new: String::new() });
        self.edits.push(Edit { at: words_end..at.end, new: format!(" ({target})") });
    }
}

/// Whether a link has an address; `f[x](y)` is not a link.
fn is_address(target: &str) -> bool {
    target.contains("://") || ["mailto:", "tel:"].iter().any(|scheme| target.starts_with(scheme))
}

#[cfg(test)]
mod tests;
