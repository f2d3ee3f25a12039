//! `henji pause` and `henji resume`: an operator or the staff take over the chat of a person, and give it back. The
//! person can do the same with words, if `HANDOFF_TO` is set. These commands need no `HANDOFF_TO` and tell nobody.

use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::json;
use shared::{env::Env, job::ConversationId};
use worker::{clock::wall_clock, history::PauseChange, rules::pause::pause_from};

use super::forget;
use crate::{
    commands::dlq::{audit::Audit, audit_of},
    deployment::PlaceArgs,
    terminal::say,
};

/// Arguments of `henji pause` and `henji resume`.
#[derive(clap::Args)]
pub struct Args {
    /// The LINE id of the person, as the log names it: `U4af4980629…`
    user: String,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Runs `henji pause`. It can be run again, and then the two hours begin anew.
pub async fn pause(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let at = wall_clock()().as_millisecond();
    change(args, env, "pause", PauseChange::Begins { at, until: pause_from(at), tells_staff: false }).await
}

/// Runs `henji resume`. It can be run again.
pub async fn resume(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    change(args, env, "resume", PauseChange::Ends { at: None }).await
}

async fn change(args: Args, env: &Env, action: &str, change: PauseChange) -> anyhow::Result<ExitCode> {
    let user = ConversationId::of_known_id(args.user).context("USER")?;
    if !user.is_private() {
        bail!("USER: {user} is a group or a room, and only the chat of one person can be paused");
    }
    let place = args.place.find(env).await?;
    let clock = wall_clock();
    let (history, _) = forget::history(&place)?;
    let mut audit = Audit::new(audit_of(&place), env, clock.clone())?;
    audit.add(json!({ "action": action, "outcome": "begun", "conversation": user }))?;
    let pause = history.pause(&user, change, clock()).await?;
    audit.add(json!({ "action": action, "outcome": "done", "conversation": user }))?;
    let now = clock();
    match pause.filter(|pause| pause.is_running(now)) {
        Some(pause) => {
            let until = Timestamp::from_millisecond(pause.until)?.strftime("%Y-%m-%dT%H:%MZ");
            say(format_args!("{user}: paused until {until}. Staff answer at https://chat.line.biz/"))?;
        }
        None => say(format_args!("{user}: not paused. The bot answers."))?,
    }
    Ok(ExitCode::SUCCESS)
}
