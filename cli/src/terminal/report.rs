//! The report of checks: one line each, ok, or the problem and its fix; or all as JSON.

use std::process::ExitCode;

use serde::Serialize;

use super::output::{say, say_json};
use crate::clients::{line_channel::NotAllowed, no_answer::NoAnswer};

/// The result of one check.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    says: String,
    /// The way to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// A program cannot check it, or it will be a problem later.
    Note,
    Broken,
}

/// The report so far.
pub struct Report {
    all: Vec<Finding>,
    json: bool,
}

impl Report {
    /// Makes an empty list. Results are printed as they come, or with `json` at the end.
    pub fn new(json: bool) -> Self {
        Self { all: vec![], json }
    }

    fn add(&mut self, what: &'static str, verdict: Verdict, says: impl Into<String>, fix: Option<String>) {
        let finding = Finding { what, verdict, says: says.into(), fix };
        if !self.json {
            let word = match verdict {
                Verdict::Ok => "ok",
                Verdict::Note => "note",
                Verdict::Broken => "BROKEN",
            };
            let fix = finding.fix.as_ref().map_or(String::new(), |fix| format!(" -> {fix}"));
            // An error is ignored: if the reader has closed the pipe, the exit code is still right.
            let _ = say(format_args!("{word:6}  {what}: {}{fix}", finding.says));
        }
        self.all.push(finding);
    }

    /// Adds a finding that is ok.
    pub fn ok(&mut self, what: &'static str, says: impl Into<String>) {
        self.add(what, Verdict::Ok, says, None);
    }

    /// Adds a finding that the operator should know.
    pub fn note(&mut self, what: &'static str, says: impl Into<String>, fix: impl Into<String>) {
        self.add(what, Verdict::Note, says, Some(fix.into()));
    }

    /// Adds a problem that `fix` fixes.
    pub fn broken(&mut self, what: &'static str, says: impl Into<String>, fix: impl Into<String>) {
        self.add(what, Verdict::Broken, says, Some(fix.into()));
    }

    /// Adds an error of a check. `fix` fixes it, unless a server gave no answer or LINE does not allow the call:
    /// these errors have their own advice.
    pub fn failed(&mut self, what: &'static str, error: &anyhow::Error, fix: impl Into<String>) {
        let of_server = error.downcast_ref().map(NoAnswer::fix);
        let fix =
            of_server.or_else(|| error.downcast_ref().map(NotAllowed::fix)).unwrap_or_else(|| fix.into());
        self.broken(what, format!("{error:#}"), fix);
    }

    /// Adds a finding that is ok, or [`Self::failed`].
    pub fn judge(&mut self, what: &'static str, found: anyhow::Result<String>, fix: impl Into<String>) {
        match found {
            Ok(says) => self.ok(what, says),
            Err(error) => self.failed(what, &error, fix),
        }
    }

    /// Ends the command, with exit code 1 if anything is broken.
    pub fn end(self) -> anyhow::Result<ExitCode> {
        if self.json {
            say_json(&self.all)?;
        }
        let is_broken = self.all.iter().any(|finding| finding.verdict == Verdict::Broken);
        Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
