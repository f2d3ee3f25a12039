//! Sums since the process began, in Prometheus' text format (Prometheus, "Exposition formats").

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::rules::{MetricValue, RULES, Rule};

/// The totals, by name and label.
static TOTALS: Mutex<BTreeMap<(&'static str, String), Total>> = Mutex::new(BTreeMap::new());

#[derive(Clone, Copy, Default)]
struct Total {
    count: u64,
    sum: f64,
    last: f64,
}

/// Adds one value to the totals.
pub(super) fn add(rule: &Rule, value: f64, by: Option<(&str, String)>) {
    // The label has only words of closed sets, in which nothing needs an escape.
    let label = by.map_or_else(String::new, |(field, word)| format!("{{{field}=\"{word}\"}}"));
    let mut totals = lock();
    let total = totals.entry((rule.name, label)).or_default();
    total.count += 1;
    total.sum += value;
    total.last = value;
}

/// Returns all totals so far, and these gauges and counters, which are made of no line.
pub fn prometheus(gauges: &[(&str, u64)], counters: &[(&str, u64)]) -> String {
    let mut text = String::new();
    for (name, value) in gauges {
        let _ = writeln!(text, "# TYPE henji_{name} gauge\nhenji_{name} {value}");
    }
    for (name, value) in counters {
        let _ = writeln!(text, "# TYPE henji_{name}_total counter\nhenji_{name}_total {value}");
    }
    let totals = lock().clone();
    let mut told = "";
    for ((name, label), total) in &totals {
        let Some(rule) = RULES.iter().find(|rule| rule.name == *name) else { continue };
        let snake = snake(name);
        let (kind, lines) = match rule.value {
            MetricValue::Millis(_) => {
                let lines = format!(
                    "henji_{snake}_sum{label} {}\nhenji_{snake}_count{label} {}",
                    total.sum, total.count
                );
                ("summary", lines)
            }
            MetricValue::Level(_) => ("gauge", format!("henji_{snake}{label} {}", total.last)),
            _ => ("counter", format!("henji_{snake}_total{label} {}", total.sum)),
        };
        if told != *name {
            told = name;
            let suffix = if kind == "counter" { "_total" } else { "" };
            let _ = writeln!(text, "# TYPE henji_{snake}{suffix} {kind}");
        }
        let _ = writeln!(text, "{lines}");
    }
    text
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn lock() -> MutexGuard<'static, BTreeMap<(&'static str, String), Total>> {
    TOTALS.lock().unwrap_or_else(PoisonError::into_inner)
}
