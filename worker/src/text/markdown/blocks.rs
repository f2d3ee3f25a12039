//! Headings, lists, code and tables.

use std::ops::Range;

use pulldown_cmark::CodeBlockKind;

use super::editor::{Editor, LINE, edited};

impl Editor<'_> {
    pub(super) fn heading(&mut self, at: Range<usize>) {
        let text = self.source[at.clone()].trim_end();
        let words = text.trim_start_matches('#').trim_start();
        if text.starts_with('#') {
            if !words.is_empty() {
                self.replace(at.start..at.start + text.len() - words.len(), "■ ");
            }
        } else if let Some((_, line)) = text.rsplit_once('\n') {
            self.replace(at.start + text.len() - line.len()..at.start + text.len(), LINE);
        }
    }

    pub(super) fn bullet(&mut self, start: usize) {
        let item = &self.source[start..];
        let line = item.lines().next().unwrap_or_default();
        let rest = line.trim_start();
        let start = start + line.len() - rest.len();
        let Some(words) = rest.strip_prefix(['-', '*']).filter(|words| !words.trim().is_empty()) else {
            return;
        };
        let task = words.trim_start();
        let box_end = start + rest.len() - task.len() + 3;
        match task.get(..4) {
            Some("[ ] ") => self.replace(start..box_end, "☐"),
            Some("[x] " | "[X] ") => self.replace(start..box_end, "☑"),
            _ => self.replace(start..start + 1, "•"),
        }
    }

    pub(super) fn code_block(&mut self, at: Range<usize>, kind: &CodeBlockKind<'_>) {
        let block = self.source[at.clone()].trim_end();
        let CodeBlockKind::Fenced(language) = kind else { return self.protected.add(at) };
        if !block.starts_with("```") {
            return self.protected.add(at);
        }
        let opening = block.find('\n').unwrap_or(block.len());
        let title =
            if language.is_empty() { LINE.to_owned() } else { format!("─── {language} ───") };
        self.replace(at.start..at.start + opening, title);
        let end = at.start + block.len();
        let closing = block[opening..].rsplit('\n').next().unwrap_or_default();
        let fence = closing.trim_start_matches([' ', '\t', '>']);
        if fence.starts_with("```") && fence.bytes().all(|b| b == b'`') {
            self.replace(end - fence.len()..end, LINE);
        }
        self.protected.add(at.start + opening..end);
        self.code.push(at.start..end);
    }

    pub(super) fn cell(&mut self, at: Range<usize>) {
        self.cells_end = at.end;
        self.unmark_stray_bold(at.clone());
        self.convert_formulas(at.clone());
        let mut edits = std::mem::take(&mut self.edits);
        edits.sort_by_key(|edit| edit.at.start);
        self.table.end_cell(&edited(self.source, at, &edits));
    }

    /// Adds the cells of a row that has more cells than the table has columns. The parser does not report them.
    pub(super) fn further_cells(&mut self, end: usize) {
        for more in self.source[self.cells_end..end].split('|').filter(|more| !more.trim().is_empty()) {
            self.table.end_cell(more);
        }
    }

    pub(super) fn end_table(&mut self, at: Range<usize>) {
        let end = at.start + self.source[at.clone()].trim_end().len();
        let text = std::mem::take(&mut self.table).text();
        self.convert_formulas(at.clone());
        self.edits = std::mem::take(&mut self.before_table);
        self.replace_whole(at.start..end, &text);
    }
}
