//! What a check finds out: a line each, ok, or what is wrong and what mends it; or all as JSON.

use std::process::ExitCode;

use serde::Serialize;

use super::output::{say, say_json};
use crate::clients::{line_channel::NotAllowed, no_answer::NoAnswer};

/// What was found out about one thing.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    says: String,
    /// The mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Nobody can tell by a program, or it will matter some day.
    Note,
    Broken,
}

/// The findings so far.
pub struct Findings {
    all: Vec<Finding>,
    json: bool,
}

impl Findings {
    /// None yet; said as they come, or at the end as JSON.
    pub fn new(json: bool) -> Self {
        Self { all: vec![], json }
    }

    fn add(&mut self, what: &'static str, verdict: Verdict, says: impl Into<String>, mend: Option<String>) {
        let finding = Finding { what, verdict, says: says.into(), mend };
        if !self.json {
            let word = match verdict {
                Verdict::Ok => "ok",
                Verdict::Note => "note",
                Verdict::Broken => "BROKEN",
            };
            let mend = finding.mend.as_ref().map_or(String::new(), |mend| format!(" -> {mend}"));
            // Who reads no further needs no further line; the exit code is still true.
            let _ = say(format_args!("{word:6}  {what}: {}{mend}", finding.says));
        }
        self.all.push(finding);
    }

    /// It is as it should be.
    pub fn ok(&mut self, what: &'static str, says: impl Into<String>) {
        self.add(what, Verdict::Ok, says, None);
    }

    /// It is to be known.
    pub fn note(&mut self, what: &'static str, says: impl Into<String>, mend: impl Into<String>) {
        self.add(what, Verdict::Note, says, Some(mend.into()));
    }

    /// It is wrong, and `mend` mends it.
    pub fn broken(&mut self, what: &'static str, says: impl Into<String>, mend: impl Into<String>) {
        self.add(what, Verdict::Broken, says, Some(mend.into()));
    }

    /// It could not be found out, or is wrong: `mend` mends it, but where a server gave no answer.
    pub fn failed(&mut self, what: &'static str, error: &anyhow::Error, mend: impl Into<String>) {
        let of_server = error.downcast_ref().map(NoAnswer::mend);
        let mend =
            of_server.or_else(|| error.downcast_ref().map(NotAllowed::mend)).unwrap_or_else(|| mend.into());
        self.broken(what, format!("{error:#}"), mend);
    }

    /// Good, or [`Self::failed`].
    pub fn judge(&mut self, what: &'static str, found: anyhow::Result<String>, mend: impl Into<String>) {
        match found {
            Ok(says) => self.ok(what, says),
            Err(error) => self.failed(what, &error, mend),
        }
    }

    /// Ends the command: 1 where anything is broken.
    pub fn end(self) -> anyhow::Result<ExitCode> {
        if self.json {
            say_json(&self.all)?;
        }
        let is_broken = self.all.iter().any(|finding| finding.verdict == Verdict::Broken);
        Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
