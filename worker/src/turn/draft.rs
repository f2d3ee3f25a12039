//! The chapter of thinking: from a message to what is said, which is stored before it is sent.

use std::{
    mem,
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use shared::{job::Job, traces};
use tokio::time::Instant;
use tracing::{debug, info};

use crate::{
    adapters::openai::Completion,
    history::{
        Answer, Exchange, Period, Question, Seen, Snapshot, SnapshotScope, Stage, StoreResult, Turn,
        UsageDelta, WindowStart,
    },
    rules::attachment::Attachment,
    rules::command::Command,
    rules::group::{is_answered, said_to_bot},
    rules::persona::Chosen,
    rules::window,
    text::answer_limit::{Limited, limited},
    text::messages::{self, Reply},
    turn::ask_model::Asked,
    turn::command::{Plan, PromptInput},
    turn::media::MediaOutcome,
    turn::render::came_between,
    turn::time_budget::Attempt,
    turn::unsend::is_forgotten,
    turn::{AttemptError, Worker, owes},
};

/// The longest time that is kept back from the model for storing, pushing and handing back.
const RESERVE_MAX: Duration = Duration::from_secs(20);

/// What is to be answered.
pub(crate) struct DraftInput<'a> {
    /// The words of the turn's own message.
    pub(crate) text: &'a str,
    /// What was said just before it, and is answered with it.
    pub(crate) before: Vec<Question>,
}

/// What a turn comes to.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    /// What becomes part of the conversation.
    pub(crate) exchange: Option<Exchange>,
    /// Where memory begins with it, if it moves.
    pub(crate) memory: Option<WindowStart>,
    /// What is said, if anything.
    pub(crate) reply: Option<Reply<'a>>,
    /// What the user used up by it.
    pub(crate) spent: Option<UsageDelta>,
    /// What was known of it when it was looked up.
    pub(crate) seen: Seen,
}

impl Worker {
    /// From the message to the stored answer.
    pub(crate) async fn think(
        &self,
        job: &Job,
        turn: &Turn,
        text: &str,
        attempt: &Attempt<'_>,
    ) -> Result<StoreResult, AttemptError> {
        let question = DraftInput { text, before: vec![] };
        match self.thought(job, turn, question, attempt).await? {
            Continue((thought, token_is_spent)) => self.keep_thought(job, *thought, token_is_spent).await,
            Break(kept) => Ok(kept),
        }
    }

    /// What a message comes to, and whether its reply token was used meanwhile; or why it shall not be
    /// answered. The loading animation is shown while the model is asked.
    pub(crate) async fn thought<'a>(
        &'a self,
        job: &'a Job,
        turn: &Turn,
        DraftInput { text, before }: DraftInput<'_>,
        attempt: &Attempt<'_>,
    ) -> Result<ControlFlow<StoreResult, (Box<Draft<'a>>, bool)>, AttemptError> {
        let (user, quota) = (job.user(), &self.config.quota);
        let period = quota.period(user, self.now());
        let scope = SnapshotScope { limit: self.config.query_limit, period };
        let period = Some(period);
        let load = self.persist(|| self.history.load(job, scope, self.now()));
        let loading = async { tokio::join!(traces::step("load", load), self.learn_speaker(job)) };
        let (past, ()) = loading.await;
        let past = Box::new(past?);
        if is_forgotten(job, turn, &past.changes) {
            return Ok(Break(StoreResult::Forgotten));
        }
        if past.changes.unsent {
            return Err(owes().into());
        }
        if is_answered(job, &past.changes) {
            return Ok(Break(StoreResult::Existing(Stage::Delivered)));
        }
        let Some(text) = said_to_bot(job, text, &past.changes).map(ToOwned::to_owned) else {
            let silence = Draft { seen: past.changes.seen(), ..Draft::default() };
            return Ok(Continue((Box::new(silence), false)));
        };
        let personas = &self.config.personas;
        let command =
            Command::of(&text).filter(|it| personas.is_some() || !matches!(it, Command::Persona(_)));
        if command.is_some() && !before.is_empty() {
            // A message was changed into it: nothing is obeyed before what was said before it is answered.
            return Ok(Break(StoreResult::Changed));
        }
        let is_quick = command.as_ref().is_some_and(|command| !command.asks());
        debug!(event = %job.event_id, messages = past.messages.len(), "remembered");
        // Some commands cost nothing, and to be forgotten is everybody's right.
        let is_free = is_quick && (command == Some(Command::Forget) || !quota.is_closed_to(user));
        let limit = [&text].into_iter().chain(before.iter().map(|said| &said.text));
        let limit = { limit }.find_map(|text| quota.reached(user, text, &past.used));
        // What is asked anew for others was counted.
        let limit = limit.filter(|_| !is_free && past.changes.others == 0);
        if let Some(limit) = limit.or_else(|| self.may_not_change(job, command.as_ref())) {
            let refusal = self.refuse(job, limit, period, &past).await;
            return Ok(Continue((Box::new(refusal), false)));
        }
        let question = DraftInput { text: &text, before };
        // Boxed, because each future that it is moved into would hold it again.
        let thinking = Box::pin(self.consider(job, question, command, past, period, attempt));
        if is_quick {
            // What is said is in the user's language, and there is no time to learn it meanwhile.
            self.profile(job).await;
            return Ok(Continue((thinking.await?, false)));
        }
        let thinking = self.while_asking_who(job, thinking);
        let (thought, token_is_spent) = self.while_loading(job, thinking).await;
        Ok(Continue((thought?, token_is_spent)))
    }

    /// Stores what a message comes to.
    pub(crate) async fn keep_thought(
        &self,
        job: &Job,
        thought: Draft<'_>,
        token_is_spent: bool,
    ) -> Result<StoreResult, AttemptError> {
        let Draft { exchange, memory, reply, spent, seen } = thought;
        let pushes = reply.map(|reply| messages::pushes(&job.conversation, &reply)).unwrap_or_default();
        // The change that the job itself is of may be kept only after it was looked up.
        let edit = seen.edit.max(job.at());
        let answer =
            Answer { exchange, memory, pushes, spent, edit, others: seen.others, ..Answer::default() };
        Ok(self.keep(job, answer, seen.forgotten, token_is_spent).await?)
    }

    /// What a message comes to, now that what was said before it is known.
    async fn consider<'a>(
        &'a self,
        job: &'a Job,
        DraftInput { text, before }: DraftInput<'_>,
        command: Option<Command>,
        mut past: Box<Snapshot>,
        period: Option<Period>,
        attempt: &Attempt<'_>,
    ) -> Result<Box<Draft<'a>>, AttemptError> {
        let reserve = (attempt.deadline.saturating_duration_since(Instant::now()) / 5).min(RESERVE_MAX);
        past.recall(&self.config);
        let (seen, persona, times) = (past.changes.seen(), chosen(&past), mem::take(&mut past.times));
        let came_between = came_between(job, past.last, self.now());
        let says = |reply| Box::new(Draft { reply, seen, ..Draft::default() });
        let mut asking = match self.obey(job, text, command, *past, self.locale(job)).await? {
            Plan::Say(reply) => return Ok(says(Some(reply))),
            Plan::AskModel(asking) => PromptInput { before, ..asking },
        };
        let deadline = attempt.deadline - reserve;
        match self.see_and_hear(job, &mut asking, attempt, deadline).await? {
            MediaOutcome::Ready => {}
            MediaOutcome::Reply(text) => return Ok(says(Some(text.as_str().into()))),
            MediaOutcome::Silence => return Ok(says(None)),
        }
        let mut asked = self.ask_as(job, &asking, persona.as_ref(), attempt, deadline).await?;
        if matches!(
            (&asked, &asking.attached),
            (Asked::NotSeen | Asked::TooLong, Some(Attachment::Quoted(_)))
        ) {
            // What was quoted shall not keep the words from being answered.
            (asking.picture, asking.attached) = (None, None);
            asked = self.ask_as(job, &asking, persona.as_ref(), attempt, deadline).await?;
        }
        let words = self.locale(job).words();
        match asked {
            Asked::TooLong => Ok(says(Some(words.too_long.into()))),
            Asked::NotSeen => Ok(says(Some(words.senses.picture_unclear.into()))),
            Asked::Answer(answer, left_out) => {
                // In a group others speak in between, and nobody tells the bot.
                let is_unclear = !job.is_private() || came_between || (attempt.limits.is_followed)().await;
                let Completion { text, cut, tokens, .. } = answer;
                let limited = limited(text, cut, self.config.budget, asking.heard.as_deref());
                if limited.cut && !cut {
                    info!(event = %job.event_id, "the answer is cut: the model wrote more than the limit");
                }
                let Limited { text, words, cut } = limited;
                let reply = self.compose(job, words, cut, persona.as_ref(), is_unclear);
                let reply = Reply { heard: asking.heard.take(), ..reply };
                let spent = period.map(|period| UsageDelta { period, answers: 1, tokens, told: None });
                let added = asking.before.len() + 2;
                let memory = window::moved(&self.config, &asking.past, &times, left_out, added);
                let exchange = Some(asking.exchange(&job.event_id, text));
                Ok(Box::new(Draft { exchange, memory, reply: Some(reply), spent, seen }))
            }
        }
    }
}

/// The persona that the conversation has chosen.
fn chosen(past: &Snapshot) -> Option<Chosen> {
    serde_json::from_str(past.persona.as_deref()?).ok()
}
