//! Tables, row by row: on a phone columns never stand below each other.

/// A table so far.
#[derive(Default)]
pub(super) struct Table {
    head: Vec<String>,
    row: Vec<String>,
    /// Whether a row has named this column of the head.
    named: Vec<bool>,
    lines: Vec<String>,
}

impl Table {
    pub(super) fn end_cell(&mut self, text: &str) {
        // The only way to write either in a cell.
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
        // Nothing is lost of a head that no row names.
        if self.named.contains(&false) {
            self.lines.insert(0, self.head.join(" | "));
        }
        self.lines.join("\n")
    }
}
