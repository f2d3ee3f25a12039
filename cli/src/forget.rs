//! `henji forget`: what a person asks for who wants everything deleted. The conversation, what was
//! chosen, answers that were not delivered, and the dead letters. States of turns stay: they hold no
//! words, and keep what LINE delivers again from being answered again.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use serde_json::json;
use shared::{env::Env, job::ConversationId};
use worker::{
    answer::wall_clock,
    history::{Forget, History},
};

use crate::{
    ask,
    deployment::{Place, Where},
    dlq::{audit_of, lines::Lines, list, source::Source},
    serve::{self, DATABASE},
    sqlite::{Database, history::SqliteHistory},
    terminal::say,
};

/// Arguments of `henji forget`.
#[derive(clap::Args)]
pub struct Args {
    /// The LINE id of the user, group or room, as the log names it: `U4af4980629…`
    user: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: Where,
}

/// The command. It can be run again.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let user = ConversationId::try_from(args.user).context("USER")?;
    let (clock, stop) = (wall_clock(), serve::on_signal()?);
    let place = args.place.find(env).await?;
    let mut source = Source::open(&place, clock.clone())?;
    let (history, database) = history(&place)?;
    let seen = source.look(&stop).await?;
    let count = seen.letters.iter().filter(|letter| letter.is_of(user.as_str())).count();
    say(format_args!(
        "{user}: the conversation, the persona, undelivered answers, and {}",
        list::letters(count)
    ))?;
    if let Some(code) = ask::stops("Delete all of it for ever", args.yes, &stop).await? {
        return Ok(code);
    }
    // First, as forgetting takes those of SQLite with it, and nobody would know how many there were.
    let removed = remove(&mut source, &user).await;
    source.end().await?;
    let removed = removed?;
    history.forget(&user, Forget::Everything, clock()).await?;
    if let Some(database) = database {
        database.traces_gone().await?;
    }
    let who = env.optional("USER")?.unwrap_or("unknown");
    let line =
        json!({ "at": clock(), "who": who, "action": "forget", "conversation": user, "letters": removed });
    Lines::to(audit_of(&place)).add(&line)?;
    say(format_args!("Forgotten, and {} removed.", list::letters(removed)))?;
    say("A message that still waits in the queue is answered yet: run it again after that.")?;
    Ok(ExitCode::SUCCESS)
}

/// The history, and the database that it lies in where it is one of our own.
fn history(place: &Place) -> anyhow::Result<(Arc<dyn History>, Option<Database>)> {
    Ok(match place {
        Place::Data(data) => {
            let database = Database::existing(&data.join(DATABASE))?;
            (Arc::new(SqliteHistory::new(database.clone(), None)), Some(database))
        }
        #[cfg(feature = "aws")]
        Place::Aws(deployment) => {
            let (sdk, table) = (&deployment.sdk, deployment.table.clone());
            (Arc::new(worker::adapters::dynamodb::DynamoHistory::new(sdk, table, None)), None)
        }
    })
}

async fn remove(source: &mut Source, user: &ConversationId) -> anyhow::Result<usize> {
    let mut removed = 0;
    loop {
        let letters = source.next().await?;
        if letters.is_empty() {
            return Ok(removed);
        }
        for letter in letters.iter().filter(|letter| letter.is_of(user.as_str())) {
            source.remove(letter).await?;
            removed += 1;
        }
    }
}
