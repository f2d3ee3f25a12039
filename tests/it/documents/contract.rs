//! docs/contract.md names the metrics, reasons, outcomes and versions of the code, and no others. The test compares
//! it with the text of the sources, so that no private item must become public for a test.

use std::collections::BTreeSet;

use shared::{
    event::Kind,
    job::{self, Job},
};

use super::files::{read, section, sources};

#[test]
fn the_contract_names_each_metric_as_both_forms_have_it() {
    let contract = read("docs/contract.md");
    let section = section(&contract, "Metrics");
    let rules = read("shared/src/metrics/rules.rs");
    let rules = rules.lines().filter_map(|line| line.trim().strip_prefix("rule(")?.split_once(", \""));
    let mut names = BTreeSet::new();
    for (_, rule) in rules {
        let (name, rest) = rule.split_once("\", MetricValue::").unwrap();
        let dimension = rest.split_once("Some(\"").map(|(_, by)| capital(by.split('"').next().unwrap()));
        let dimension = dimension.map_or_else(|| "| |".to_owned(), |by| format!("| `{by}` |"));
        let row = format!("\n| `{name}` | {} {dimension} ", prometheus(&snake(name), rest));
        assert!(section.contains(&row), "the contract has no row: {row}");
        names.insert(name.to_owned());
    }
    let rows = section.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, names.len(), "{names:?}");
}

#[test]
fn the_contract_names_each_kind_of_log_line() {
    let contract = read("docs/contract.md");
    let section = section(&contract, "Log");
    let row = |(kind, meaning): &(Kind, &str)| (kind.as_str().to_owned(), meaning.trim().to_owned());
    let rows = section.lines().filter_map(|line| {
        let (kind, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((kind.to_owned(), rest.split(" | ").nth(1)?.to_owned()))
    });
    let rows: Vec<_> = rows.filter(|(kind, _)| kind != "kind").collect();
    assert_eq!(rows, Kind::ALL.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn each_log_line_has_a_kind() {
    let folders = ["shared/src", "ingress/src", "worker/src", "cli/src", "cli/local/src", "cli/emulator/src"];
    let files = sources(&folders).into_iter().filter(|file| file != "shared/src/event.rs");
    for file in files {
        let source = read(&file).replace("compile_error!(", "");
        for level in ["error", "warn", "info", "debug", "trace"] {
            let macros = source.matches(&format!("{level}!(")).count();
            assert_eq!(macros, 0, "{file} writes a line by {level}!, not by log!");
        }
    }
}

#[test]
fn the_contract_names_each_gauge_of_the_operators_listener() {
    let contract = read("docs/contract.md");
    let (_, gauges) = contract.split_once("`GET /metrics` also has ").unwrap();
    let operator = read("cli/local/src/listeners/operator.rs");
    let (_, metrics) = operator.split_once("\nasync fn metrics(").unwrap();
    let metrics = metrics.split("\n}\n").next().unwrap();
    let names = metrics.split("(\"").skip(1).filter_map(|rest| Some(rest.split_once("\",")?.0));
    let shown = |name: &str| {
        let suffix = if metrics.contains(&format!("counters = [(\"{name}\"")) { "_total" } else { "" };
        format!("henji_{name}{suffix}")
    };
    assert_eq!(quoted(gauges, "henji_"), names.map(shown).collect());
}

#[test]
fn the_contract_names_each_reason_and_each_outcome() {
    let contract = read("docs/contract.md");
    for (file, begins, ends) in [
        ("worker/src/failure.rs", "The reasons:", "[operations.md]"),
        ("worker/src/outcome.rs", "`outcome` is one of ", "\n\n"),
    ] {
        let (_, named) = contract.split_once(begins).unwrap();
        let named = quoted(named.split(ends).next().unwrap(), "");
        assert_eq!(named, words(&read(file)), "the contract has the left ones, {file} the right ones");
    }
}

#[test]
fn the_contract_has_the_versions_and_a_job_of_this_build() {
    let contract = read("docs/contract.md");
    for (row, file, constant) in [
        ("| a job (`v`) |", "shared/src/job.rs", "pub const VERSION: u32 = "),
        ("`PRAGMA user_version`) |", "cli/local/src/sqlite/migrations.rs", "const SCHEMA: i64 = "),
        ("(`henji_conversation`) |", "cli/emulator/src/simulation/recording.rs", "const VERSION: u32 = "),
    ] {
        let source = read(file);
        let version = source.split_once(constant).unwrap().1.split(';').next().unwrap();
        assert!(contract.contains(&format!("{row} {version} |")), "{row} {version}");
    }
    let (_, example) = contract.split_once("```json\n").unwrap();
    let example = example.split('\n').next().unwrap();
    let job = Job::decode(example).unwrap();
    assert_eq!((job.v, job.encode().as_str()), (job::VERSION, example));
}

/// Returns the words between backticks that begin with this text.
fn quoted(text: &str, begins: &str) -> BTreeSet<String> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| word.starts_with(begins)).map(str::to_owned).collect()
}

/// Returns the words that `as_str` of a source returns.
fn words(source: &str) -> BTreeSet<String> {
    let (_, body) = source.split_once("pub fn as_str(").unwrap();
    let arms = body.split("\n    }\n").next().unwrap().split("=> \"").skip(1);
    arms.map(|arm| arm.split('"').next().unwrap().to_owned()).collect()
}

/// Returns the cell with a metric's names in Prometheus, by the kind of its value.
fn prometheus(name: &str, made: &str) -> String {
    match made.split(|c: char| !c.is_alphabetic()).next() {
        Some("Millis") => format!("`henji_{name}_sum`, `henji_{name}_count`"),
        Some("Level") => format!("`henji_{name}`"),
        _ => format!("`henji_{name}_total`"),
    }
}

/// Converts a name to small letters, with an underscore before each capital.
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

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}
