//! Tables, row by row, because on a phone columns are never aligned below each other.

/// The part of a table that was read so far.
#[derive(Default)]
pub(super) struct Table {
    head: Vec<String>,
    row: Vec<String>,
    /// For each column of the head: whether a row has a cell for it.
    named: Vec<bool>,
    lines: Vec<String>,
}

impl Table {
    pub(super) fn end_cell(&mut self, text: &str) {
        // A cell can have a bar or a line break only in this form.
        let text = text.replace("\\|", "|").replace("<br>", "\n  ").replace("<br/>", "\n  ");
        self.row.push(text.trim().to_owned());
    }

    pub(super) fn end_head(&mut self) {
        self.head = std::mem::take(&mut self.row);
        self.named = self.head.iter().map(String::is_empty).collect();
    }

    pub(super) fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        for (named, cell) in self.named.iter_mut().zip(&row) {
            *named |= !cell.is_empty();
        }
        let heads = self.head.iter().map(String::as_str).chain(std::iter::repeat(""));
        let filled = row.iter().zip(heads).filter(|(cell, _)| !cell.is_empty());
        let fields = filled.map(|(cell, head)| match head {
            "" => cell.clone(),
            head => format!("{head}: {cell}"),
        });
        let row = fields.collect::<Vec<_>>().join("\n  ");
        if !row.is_empty() {
            self.lines.push(format!("• {row}"));
        }
    }

    pub(super) fn text(mut self) -> String {
        // If no row names a column of the head, the head is a line of its own, so that nothing is lost.
        if self.named.contains(&false) {
            self.lines.insert(0, self.head.join(" | "));
        }
        self.lines.join("\n")
    }
}
