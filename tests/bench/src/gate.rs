//! The gate: no path may take notably more instructions than its record. There is a file of records for each kind of
//! processor, which a person changes on purpose.

use std::{fmt::Write, fs, path::PathBuf, process::ExitCode};

use crate::instructions::{Counted, count};

/// The allowed excess, in percent. Runs on one machine differ by a tenth of it, C libraries by more.
const TOLERANCE: f64 = 3.0;

/// Returns the path of `tests/bench/instructions-x86_64.txt`: a line for each path, its instructions first.
fn record() -> PathBuf {
    let name = format!("instructions-{}.txt", std::env::consts::ARCH);
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Counts, and fails where the count exceeds the record.
pub(crate) async fn check() -> ExitCode {
    let file = record();
    let Ok(recorded) = fs::read_to_string(&file) else {
        eprintln!("NOT CHECKED: nothing is recorded for this kind of processor in {}", file.display());
        return ExitCode::SUCCESS;
    };
    let recorded: Vec<(u64, &str)> = recorded.lines().filter_map(line).collect();
    let before = |path: &str| recorded.iter().find(|(_, name)| *name == path).map(|(before, _)| *before);
    let is_over = |it: &Counted| {
        let both = before(it.path).zip(it.instructions);
        both.is_some_and(|(before, now)| more_percent(before, now) > TOLERANCE)
    };
    let mut counted = count().await;
    if counted.iter().any(is_over) {
        eprintln!(
            "Counted again: where a machine is very busy, a call can run out of time and be made twice."
        );
        for (it, again) in counted.iter_mut().zip(count().await) {
            it.instructions = [it.instructions, again.instructions].into_iter().flatten().min();
        }
    }
    let mut is_well = recorded.len() == counted.len();
    println!("| path | instructions | recorded | |\n|---|---|---|---|");
    for Counted { path, instructions, .. } in counted {
        let Some(instructions) = instructions else {
            println!("| {path} | | | NOT CHECKED: under valgrind this machine is too slow for it |");
            continue;
        };
        let Some(before) = before(path) else {
            println!("| {path} | {instructions} | none | **not recorded** |");
            is_well = false;
            continue;
        };
        let more = more_percent(before, instructions);
        let verdict = match more {
            _ if more > TOLERANCE => "**too many**",
            _ if more < -TOLERANCE => "fewer: record it, so that it stays so",
            _ => "",
        };
        println!("| {path} | {instructions} | {before} | {more:+.2} % {verdict} |");
        is_well &= more <= TOLERANCE;
    }
    if is_well {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "The record is not kept. Where that is intended: tests/bench/gate record, and say why in the commit."
    );
    ExitCode::FAILURE
}

/// Counts, and writes the record.
pub(crate) async fn renew() -> ExitCode {
    let lines =
        count().await.into_iter().fold(String::new(), |mut lines, Counted { path, instructions, .. }| {
            let instructions =
                instructions.expect("under valgrind this machine is too slow to count a start");
            let _ = writeln!(lines, "{instructions} {path}");
            lines
        });
    print!("{lines}");
    match fs::write(record(), lines) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", record().display());
            ExitCode::FAILURE
        }
    }
}

fn line(line: &str) -> Option<(u64, &str)> {
    let (instructions, path) = line.split_once(' ')?;
    Some((instructions.parse().ok()?, path))
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn more_percent(before: u64, now: u64) -> f64 {
    100.0 * (now as f64 - before as f64) / before as f64
}
