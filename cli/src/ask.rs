//! The question before a change.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

/// Wrong usage, as clap has it.
const USAGE: u8 = 2;

/// Asks on a terminal, unless `yes` was said before. Returns how the command ends where it is not to go
/// on: scripts must say `--yes`.
pub fn stops(question: &str, yes: bool) -> anyhow::Result<Option<ExitCode>> {
    if yes {
        return Ok(None);
    }
    if !std::io::stdin().is_terminal() {
        eprintln!("henji: nothing was changed; --yes does it without asking");
        return Ok(Some(USAGE.into()));
    }
    print!("{question}? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("y") {
        return Ok(None);
    }
    println!("Nothing was changed.");
    Ok(Some(ExitCode::SUCCESS))
}
