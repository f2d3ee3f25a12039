//! The question that a command asks before a change.

use std::{io::IsTerminal, process::ExitCode};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::output::{note, prompt};

/// The exit code of wrong usage, the same as clap's.
const USAGE: u8 = 2;

/// Asks on a terminal, unless `yes` is set. Returns the exit code if the command must not go on. Without a terminal,
/// as in scripts, `--yes` is required.
pub async fn stops(question: &str, yes: bool, stop: &CancellationToken) -> anyhow::Result<Option<ExitCode>> {
    if yes {
        return Ok(None);
    }
    if !std::io::stdin().is_terminal() {
        note("henji: nothing was changed; --yes does it without asking");
        return Ok(Some(USAGE.into()));
    }
    prompt(format_args!("{question}? [y/N]"));
    // The answer is read in a separate thread, because a process that ends does not wait for it.
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
