//! A text and the edits that are made to it. No edit touches a protected part.

use std::{collections::HashSet, iter::Peekable, ops::Range, vec};

use super::{
    marks::{Protected, stray_bold},
    table::Table,
};
use crate::text::latex::Formula;

/// The text that replaces a horizontal rule.
pub(super) const LINE: &str = "──────────";

/// A new text for a part of the source.
pub(super) struct Edit {
    pub(super) at: Range<usize>,
    pub(super) new: String,
}

/// A link or image whose end is not reached yet.
pub(super) struct OpenLink {
    pub(super) mark: usize,
    pub(super) words_end: usize,
}

/// A text that is edited.
pub(super) struct Editor<'a> {
    pub(super) source: &'a str,
    pub(super) protected: Protected,
    /// The edits so far; inside a table, those of the current cell.
    pub(super) edits: Vec<Edit>,
    pub(super) before_table: Vec<Edit>,
    pub(super) code: Vec<Range<usize>>,
    pub(super) links: Vec<OpenLink>,
    pub(super) table: Table,
    pub(super) cells_end: usize,
    /// The formulas that are not edited yet.
    formulas: Peekable<vec::IntoIter<Formula>>,
}

/// Returns a part of the source with its edits, which are in order.
pub(super) fn edited(source: &str, part: Range<usize>, edits: &[Edit]) -> String {
    let mut text = String::with_capacity(part.len());
    let mut at = part.start;
    for edit in edits.iter().filter(|edit| edit.at.start >= part.start && edit.at.end <= part.end) {
        if edit.at.start >= at {
            text.push_str(&source[at..edit.at.start]);
            text.push_str(&edit.new);
            at = edit.at.end;
        }
    }
    text.push_str(&source[at..part.end]);
    text
}

impl<'a> Editor<'a> {
    pub(super) fn of(source: &'a str, formulas: Vec<Formula>) -> Self {
        Self {
            source,
            protected: Protected::of(source, formulas.iter().map(|formula| formula.at.clone())),
            edits: vec![],
            before_table: vec![],
            code: vec![],
            links: vec![],
            table: Table::default(),
            cells_end: 0,
            formulas: formulas.into_iter().peekable(),
        }
    }

    pub(super) fn replace(&mut self, at: Range<usize>, new: impl Into<String>) {
        if !self.protected.touches(&at) {
            self.edits.push(Edit { at, new: new.into() });
        }
    }

    /// Makes the formulas within this part readable. A formula that begins before it and was left so far stays.
    pub(super) fn convert_formulas(&mut self, part: Range<usize>) {
        while let Some(Formula { at, text }) = self.formulas.next_if(|formula| formula.at.start < part.end) {
            if let Some(new) = text.filter(|_| at.start >= part.start && at.end <= part.end) {
                self.edits.push(Edit { at, new });
            }
        }
    }

    /// Removes the marks at both ends of `at`. Each mark has `mark` bytes.
    pub(super) fn unmark(&mut self, at: Range<usize>, mark: usize) {
        let (before, after) = (at.start..at.start + mark, at.end - mark..at.end);
        if !self.protected.touches(&before) && !self.protected.touches(&after) {
            self.replace(before, "");
            self.replace(after, "");
        }
    }

    /// Replaces a part that may have edits inside.
    pub(super) fn replace_whole(&mut self, at: Range<usize>, new: &str) {
        self.edits.retain(|edit| edit.at.start < at.start || edit.at.end > at.end);
        self.protected.add(at.clone());
        self.edits.push(Edit { at, new: new.to_owned() });
    }

    /// Removes marks of bold text that CommonMark does not find, as in `**「猫」**は`, because it has no rule for letters
    /// without spaces between words.
    pub(super) fn unmark_stray_bold(&mut self, part: Range<usize>) {
        let taken: HashSet<usize> = self.edits.iter().map(|edit| edit.at.start).collect();
        for (start, end) in
            stray_bold(self.source, part, |mark| taken.contains(&mark.start) || self.protected.touches(mark))
        {
            self.unmark(start..end, 2);
        }
    }
}
