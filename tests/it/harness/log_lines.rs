//! Reads the lines of a program's log by their kinds.

use serde_json::Value;
pub use shared::event::Kind;

/// Returns the lines of this kind. A line that is still being written is left out.
pub fn lines_of(log: &str, kind: Kind) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.filter(|line| is_of(line, kind)).collect()
}

/// Whether a line is of this kind.
pub fn is_of(line: &Value, kind: Kind) -> bool {
    line["kind"] == kind.as_str()
}
