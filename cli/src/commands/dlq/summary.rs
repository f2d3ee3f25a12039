//! The count of letters by result. The counts add up to the number of letters. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{done::Done, list};

/// The counts so far.
#[derive(Default)]
pub struct Summary {
    changed: usize,
    removed: BTreeMap<&'static str, usize>,
    kept: BTreeMap<&'static str, usize>,
    failed: usize,
}

impl Summary {
    /// Counts the result of one letter.
    pub fn count(&mut self, done: &Done) {
        *match done {
            Done::Changed => &mut self.changed,
            Done::Removed(why) => self.removed.entry(why).or_default(),
            Done::Kept(why) => self.kept.entry(why).or_default(),
            Done::Failed(_) => &mut self.failed,
        } += 1;
    }

    /// Returns the number of letters.
    pub fn all(&self) -> usize {
        self.changed + self.removed.values().chain(self.kept.values()).sum::<usize>() + self.failed
    }

    /// True if no letter was kept or failed.
    pub fn is_all_done(&self) -> bool {
        self.kept.is_empty() && self.failed == 0
    }

    /// Formats the counts as a sentence; `past` is the word for the changed letters.
    pub fn sentence(&self, past: &str) -> String {
        let mut parts = vec![format!("{} {past}", self.changed)];
        parts.extend(self.removed.iter().map(|(why, n)| format!("{n} removed: {why}")));
        parts.extend(self.kept.iter().map(|(why, n)| format!("{n} kept: {why}")));
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        format!("{}: {}.", list::letters(self.all()), parts.join(", "))
    }

    /// Returns the counts as JSON, for scripts; `left` is the queue's count now.
    pub fn json(&self, past: &str, left: u64) -> Value {
        json!({
            "letters": self.all(),
            past: self.changed,
            "removed": self.removed,
            "kept": self.kept,
            "failed": self.failed,
            "left": left,
        })
    }
}
