//! A text and the edits that are made to it, of which none touches what is protected.

use std::{collections::HashSet, ops::Range};

use super::{
    marks::{Protected, stray_bold},
    table::Table,
};

/// What stands for a line drawn across.
pub(super) const LINE: &str = "──────────";

/// What takes the place of a part of the source.
pub(super) struct Edit {
    pub(super) at: Range<usize>,
    pub(super) new: String,
}

/// A link or picture whose end has not come yet.
pub(super) struct OpenLink {
    pub(super) mark: usize,
    pub(super) words_end: usize,
}

/// A text that is edited.
pub(super) struct Editor<'a> {
    pub(super) source: &'a str,
    pub(super) protected: Protected,
    /// Those of a cell, while there is one.
    pub(super) edits: Vec<Edit>,
    pub(super) before_table: Vec<Edit>,
    pub(super) code: Vec<Range<usize>>,
    pub(super) links: Vec<OpenLink>,
    pub(super) table: Table,
    pub(super) cells_end: usize,
}

/// A part of the source with its edits, which are in order.
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
    pub(super) fn of(source: &'a str) -> Self {
        Self {
            source,
            protected: Protected::of(source),
            edits: vec![],
            before_table: vec![],
            code: vec![],
            links: vec![],
            table: Table::default(),
            cells_end: 0,
        }
    }

    pub(super) fn replace(&mut self, at: Range<usize>, new: impl Into<String>) {
        if !self.protected.touches(&at) {
            self.edits.push(Edit { at, new: new.into() });
        }
    }

    /// Takes out what stands around `at`.
    pub(super) fn unmark(&mut self, at: Range<usize>, mark: usize) {
        let (before, after) = (at.start..at.start + mark, at.end - mark..at.end);
        if !self.protected.touches(&before) && !self.protected.touches(&after) {
            self.replace(before, "");
            self.replace(after, "");
        }
    }

    /// Replaces what may have edits inside.
    pub(super) fn replace_whole(&mut self, at: Range<usize>, new: &str) {
        self.edits.retain(|edit| edit.at.start < at.start || edit.at.end > at.end);
        self.protected.add(at.clone());
        self.edits.push(Edit { at, new: new.to_owned() });
    }

    /// Bold that CommonMark does not see, as in `**「猫」**は`, because it has no rule for letters without
    /// spaces between words.
    pub(super) fn unmark_stray_bold(&mut self, part: Range<usize>) {
        let taken: HashSet<usize> = self.edits.iter().map(|edit| edit.at.start).collect();
        for (start, end) in
            stray_bold(self.source, part, |mark| taken.contains(&mark.start) || self.protected.touches(mark))
        {
            self.unmark(start..end, 2);
        }
    }
}
