//! `henji forget` deletes everything of a person who asks for that: the conversation, the chosen persona, undelivered
//! answers, and the dead letters. The states of turns stay: they have no words, and they prevent a second answer to
//! an event that LINE delivers again.

use std::{fmt, process::ExitCode, sync::Arc};

use anyhow::Context;
use local::{
    signals,
    sqlite::{Database, history::SqliteHistory},
};
use serde_json::json;
use shared::{
    env::Env,
    job::{ConversationId, Job, JobKind},
};
use tokio_util::sync::CancellationToken;
use worker::{
    clock::{Clock, wall_clock},
    history::{Forget, History, Period, SnapshotScope},
};

use crate::{
    commands::dlq::{
        audit::Audit,
        audit_of, list,
        source::{Source, database},
    },
    deployment::{Place, PlaceArgs},
    terminal::{confirm, note, say},
};

/// The most messages that are counted.
const MESSAGES_MAX: u32 = 10_000;

/// Arguments of `henji forget`.
#[derive(clap::Args)]
pub struct Args {
    /// The LINE id of the user, group or room, as the log names it: `U4af4980629…`
    user: String,
    /// Do not ask before the deletion
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// The data that the bot keeps of a person or a group.
struct Known {
    messages: usize,
    persona: bool,
    /// Whether there is an unanswered question, which *retry* would ask again.
    question: bool,
    letters: usize,
}

/// Runs the command. It can be run again.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let user = ConversationId::of_known_id(args.user).context("USER")?;
    let place = args.place.find(env).await?;
    // From here on, Ctrl-C ends the command between two steps.
    let (clock, stop) = (wall_clock(), signals::stop()?);
    let mut source = Source::open(&place, clock.clone())?;
    let (history, database) = history(&place)?;
    let mut audit = Audit::new(audit_of(&place), env, clock.clone())?;
    let known = Known::of(&user, &mut source, history.as_ref(), &clock, &stop).await?;
    say(format_args!("{user}: {known}"))?;
    if known.is_nothing() {
        note("henji: nothing is found for this id; is it the id that the log shows?");
    }
    if let Some(code) = confirm::stops("Delete all of it for ever", args.yes, &stop).await? {
        return Ok(code);
    }
    audit.add(json!({ "action": "forget", "outcome": "begun", "conversation": user }))?;
    // Letters are removed first, because forgetting deletes those of SQLite too, and then they could not be counted.
    let removed = remove(&mut source, &user).await;
    source.end().await?;
    let removed = removed?;
    let now = clock();
    history.forget(&user, Forget::Everything(now.as_millisecond()), now).await?;
    if let Some(database) = database {
        database.wait_for_wal_truncation().await?;
    }
    audit.add(json!({ "action": "forget", "outcome": "done", "conversation": user, "letters": removed }))?;
    let left = Known::of(&user, &mut source, history.as_ref(), &clock, &stop).await?;
    say(format_args!("Forgotten, and {} removed. Now: {left}", list::letters(removed)))?;
    if !left.is_nothing() {
        note("henji: something came meanwhile, or could not be seen before; run it again");
        return Ok(ExitCode::FAILURE);
    }
    say(
        "A message that still waits in the queue ends unanswered. On AWS its words stay there until its next attempt.",
    )?;
    if user.is_private() {
        say(
            "What this person said in groups stays there, with the name but without the id. To delete it, forget each \
             group by the group's id.",
        )?;
    }
    say("Each person's daily count of answers and tokens is kept for 60 days.")?;
    Ok(ExitCode::SUCCESS)
}

impl Known {
    async fn of(
        user: &ConversationId,
        source: &mut Source,
        history: &dyn History,
        clock: &Clock,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let seen = source.look(stop).await?;
        list::say_unseen(&seen);
        // The history is loaded as for a turn, but with all messages.
        let job = Job::new("forget".to_owned().try_into()?, user.clone(), JobKind::Unfollow);
        let scope = SnapshotScope { limit: MESSAGES_MAX, period: Period::Ever };
        let past = history.load(&job, scope, clock()).await?;
        Ok(Self {
            messages: past.messages.len(),
            persona: past.persona.is_some(),
            question: past.unanswered.is_some(),
            letters: seen.letters.iter().filter(|letter| letter.is_of(user.as_str())).count(),
        })
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self { messages: 0, persona: false, question: false, letters: 0 })
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.messages < MESSAGES_MAX as usize { "" } else { " or more" };
        let persona = if self.persona { "a persona" } else { "no persona" };
        let question = if self.question { "an unanswered question" } else { "no unanswered question" };
        let (messages, letters) = (self.messages, list::letters(self.letters));
        write!(f, "{messages}{more} messages, {persona}, {question}, {letters}")
    }
}

/// Opens the history, and the database that it is in if it is on SQLite.
pub(super) fn history(place: &Place) -> anyhow::Result<(Arc<dyn History>, Option<Database>)> {
    Ok(match place {
        Place::Data(data) => {
            let database = database(data)?;
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
