//! The question before a change.

use std::{io::IsTerminal, process::ExitCode};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::output::{note, prompt};

/// Wrong usage, as clap has it.
const USAGE: u8 = 2;

/// Asks on a terminal, unless `yes` was said before. Returns how the command ends where it is not to go
/// on: scripts must say `--yes`.
pub async fn stops(question: &str, yes: bool, stop: &CancellationToken) -> anyhow::Result<Option<ExitCode>> {
    if yes {
        return Ok(None);
    }
    if !std::io::stdin().is_terminal() {
        note("henji: nothing was changed; --yes does it without asking");
        return Ok(Some(USAGE.into()));
    }
    prompt(format_args!("{question}? [y/N]"));
    // In a thread of its own, for which a process that ends does not wait.
    let (sender, answer) = oneshot::channel();
    std::thread::spawn(move || {
        let mut answer = String::new();
        let _ = sender.send(std::io::stdin().read_line(&mut answer).map(|_| answer));
    });
    let answer = tokio::select! {
        biased;
        () = stop.cancelled() => {
            note("");
            note("henji: nothing was changed");
            return Ok(Some(ExitCode::FAILURE));
        }
        answer = answer => answer??,
    };
    if answer.trim().eq_ignore_ascii_case("y") {
        return Ok(None);
    }
    note("Nothing was changed.");
    Ok(Some(ExitCode::SUCCESS))
}
