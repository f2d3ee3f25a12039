//! Tables, row by row: on a phone columns never stand below each other.

/// A table so far.
#[derive(Default)]
pub(super) struct Table {
    head: Vec<String>,
    row: Vec<String>,
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
    }

    pub(super) fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
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

    pub(super) fn text(self) -> String {
        if self.lines.is_empty() { self.head.join(" | ") } else { self.lines.join("\n") }
    }
}
