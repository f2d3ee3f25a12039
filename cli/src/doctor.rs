//! `henji doctor`: everything that must be right for the bot to answer, a line each; what is wrong comes
//! with the command that mends it. It changes nothing.

use std::process::ExitCode;

use reqwest::Url;
use serde::Serialize;
use shared::env::Env;
use worker::answer::wall_clock;

use crate::{
    deployment::{Place, Where},
    terminal::{say, say_json},
};

#[cfg(feature = "aws")]
mod aws;
mod bot;
mod serve;

/// Arguments of `henji doctor`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Where,
    /// Where `henji serve` listens
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// What was found out about one thing.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    says: String,
    /// What mends it.
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
struct Findings {
    all: Vec<Finding>,
    prints: bool,
}

impl Findings {
    fn add(&mut self, what: &'static str, verdict: Verdict, says: impl Into<String>, mend: Option<String>) {
        let finding = Finding { what, verdict, says: says.into(), mend };
        if self.prints {
            let word = match verdict {
                Verdict::Ok => "ok",
                Verdict::Note => "note",
                Verdict::Broken => "BROKEN",
            };
            let mend = finding.mend.as_ref().map_or(String::new(), |mend| format!(" -> {mend}"));
            // Who reads no further needs no further line.
            let _ = say(format_args!("{word:6}  {what}: {}{mend}", finding.says));
        }
        self.all.push(finding);
    }

    fn ok(&mut self, what: &'static str, says: impl Into<String>) {
        self.add(what, Verdict::Ok, says, None);
    }

    fn note(&mut self, what: &'static str, says: impl Into<String>, mend: impl Into<String>) {
        self.add(what, Verdict::Note, says, Some(mend.into()));
    }

    fn broken(&mut self, what: &'static str, says: impl Into<String>, mend: impl Into<String>) {
        self.add(what, Verdict::Broken, says, Some(mend.into()));
    }

    /// Good, or wrong and mended by `mend`.
    fn judge(&mut self, what: &'static str, found: anyhow::Result<String>, mend: impl Into<String>) {
        match found {
            Ok(says) => self.ok(what, says),
            Err(error) => self.broken(what, format!("{error:#}"), mend),
        }
    }
}

/// The command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let mut findings = Findings { all: vec![], prints: !args.json };
    match args.place.find(env).await {
        Ok(place) => {
            match &place {
                Place::Data(data) => serve::check(&mut findings, data, &args.url).await,
                #[cfg(feature = "aws")]
                Place::Aws(deployment) => aws::check(&mut findings, deployment).await,
            }
            bot::check(&mut findings, &place, env, (wall_clock())()).await;
        }
        Err(error) => {
            findings.broken("stack", format!("{error:#}"), "cdk/deploy, or name another --env or region");
        }
    }
    if args.json {
        say_json(&findings.all)?;
    }
    let is_broken = findings.all.iter().any(|finding| finding.verdict == Verdict::Broken);
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
