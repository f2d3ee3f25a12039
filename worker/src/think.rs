//! The chapter of thinking: from a message to what is said, which is stored before it is sent.

use std::time::Duration;

use jiff::Timestamp;
use shared::{job::Job, traces};
use tokio::time::Instant;
use tracing::{debug, info};

use crate::{
    answer::{Limits, Setback, Worker},
    ask::Asked,
    command::Command,
    forget::is_forgotten,
    history::{Answer, Exchange, Kept, Limit, Mark, Past, Period, Spent, Turn, Wanted},
    markdown,
    obey::{Asking, Todo},
    persona::Chosen,
    prompt::{Budget, Prompt},
    reply::{self, Reply, Sender},
};

/// The longest time that is kept back from the model for storing, pushing and handing back.
const RESERVE_MAX: Duration = Duration::from_secs(20);

/// What a turn comes to.
struct Thought<'a> {
    /// What becomes part of the conversation.
    exchange: Option<Exchange>,
    /// What is said, if anything.
    reply: Option<Reply<'a>>,
    /// What the user used up by it.
    spent: Option<Spent>,
    /// Up to where the conversation was forgotten when it was looked up.
    seen: Option<Mark>,
}

impl Worker {
    /// From the message to the stored answer, with the loading animation shown while the model is asked.
    pub(crate) async fn think(
        &self,
        job: &Job,
        turn: &Turn,
        text: &str,
        limits: &Limits,
    ) -> Result<Kept, Setback> {
        let personas = &self.config.personas;
        let command = Command::of(text).filter(|it| personas.is_some() || !matches!(it, Command::Persona(_)));
        let is_quick = command.as_ref().is_some_and(|command| !command.asks());
        let (user, allowance) = (&job.conversation, &self.config.allowance);
        let period = allowance.period(user, self.now());
        let wanted = Wanted { limit: self.config.query_limit, period };
        let load = self.persist(|| self.history.load(job, wanted, self.now()));
        let past = traces::step("load", load).await?;
        if is_forgotten(job, turn, &past) {
            return Ok(Kept::Forgotten);
        }
        debug!(event = %job.event_id, messages = past.messages.len(), "remembered");
        // Some commands cost nothing, and to be forgotten is everybody's right.
        let is_free = is_quick && (command == Some(Command::Forget) || !allowance.is_closed_to(user));
        let limit = if is_free { None } else { allowance.reached(user, text, &past.used) };
        let (thought, token_is_spent) = if let Some(limit) = limit {
            (self.refuse(job, limit, period, &past).await, false)
        } else {
            // Boxed, because what waits beside it would otherwise hold it several times.
            let thinking = Box::pin(self.consider(job, text, command, past, period, limits));
            if is_quick {
                // What is said is in the user's language, and there is no time to learn it meanwhile.
                self.profile(job).await;
                (thinking.await?, false)
            } else {
                let (thought, token_is_spent) =
                    self.while_loading(job, self.while_asking_who(job, thinking)).await;
                (thought?, token_is_spent)
            }
        };
        let Thought { exchange, reply, spent, seen } = thought;
        let pushes = reply.map(|reply| reply::pushes(&job.conversation, &reply)).unwrap_or_default();
        let answer = Answer { exchange, pushes, spent, ..Answer::default() };
        Ok(self.keep(job, answer, seen, token_is_spent).await?)
    }

    /// What is said to who may not ask this: of each limit once a period, and then nothing.
    async fn refuse(&self, job: &Job, limit: Limit, period: Option<Period>, past: &Past) -> Thought<'_> {
        info!(event = %job.event_id, conversation = %job.conversation, limit = limit.as_str(), "not asked");
        let thought = Thought { exchange: None, reply: None, spent: None, seen: past.forgotten };
        if past.used.told.contains(&limit) {
            return thought;
        }
        self.profile(job).await;
        let said = self.config.allowance.says(limit, self.locale(job).words());
        let spent = period.map(|period| Spent { period, answers: 0, tokens: 0, told: Some(limit) });
        Thought { reply: Some(said.as_str().into()), spent, ..thought }
    }

    /// What a message comes to, now that what was said before it is known.
    async fn consider<'a>(
        &'a self,
        job: &'a Job,
        text: &'a str,
        command: Option<Command>,
        past: Past,
        period: Option<Period>,
        limits: &Limits,
    ) -> Result<Thought<'a>, Setback> {
        let reserve = (limits.deadline.saturating_duration_since(Instant::now()) / 5).min(RESERVE_MAX);
        let (seen, persona) = (past.forgotten, chosen(&past));
        let came_between = came_between(job, past.last, self.now());
        let asking = match self.obey(job, text, command, past, self.locale(job)).await? {
            Todo::Say(reply) => {
                return Ok(Thought { exchange: None, reply: Some(reply), spent: None, seen });
            }
            Todo::Ask(asking) => asking,
        };
        let asked = self.ask_as(job, &asking, persona.as_ref(), limits.deadline - reserve).await?;
        let locale = self.locale(job);
        let words = locale.words();
        let (exchange, reply, spent) = match asked {
            Asked::TooLong => (None, words.too_long.into(), None),
            Asked::Answer(answer) => {
                let mut said = markdown::plain(&answer.text);
                if answer.cut {
                    said.text.extend(["\n\n", words.cut]);
                }
                let tokens = answer.prompt_tokens + answer.completion_tokens;
                let spent = period.map(|period| Spent { period, answers: 1, tokens, told: None });
                let Asking { kept, message_id, replaces, .. } = asking;
                let exchange = Exchange { question: kept, answer: answer.text, message_id, replaces };
                let sender = self.sender(persona.as_ref());
                let go_on = answer.cut.then_some(Command::Continue);
                let commands: Vec<_> = go_on.into_iter().chain([Command::Retry, Command::Help]).collect();
                let buttons = self.buttons(locale, &commands);
                let is_unclear = came_between || (limits.is_followed)().await;
                let quote = job.quote_token().filter(|_| is_unclear);
                (Some(exchange), Reply { words: said, buttons, sender, quote }, spent)
            }
        };
        Ok(Thought { exchange, reply: Some(reply), spent, seen })
    }

    /// Asks the model in the conversation's persona.
    async fn ask_as(
        &self,
        job: &Job,
        asking: &Asking,
        persona: Option<&Chosen>,
        deadline: Instant,
    ) -> Result<Asked, Setback> {
        let started = Instant::now();
        let own = &self.config.system_prompt;
        let personas = self.config.personas.as_ref();
        let system = personas.map_or_else(|| own.clone(), |personas| personas.system_prompt(own, persona));
        let fit = |max_tokens| {
            let budget = Budget { max_tokens, ..self.config.budget };
            Prompt::fit(&system, asking.past.clone(), &asking.question, budget)
        };
        let asked = traces::step("model", self.ask(&fit, deadline)).await?;
        if let Asked::Answer(answer) = &asked {
            info!(
                event = %job.event_id,
                prompt_tokens = answer.prompt_tokens,
                completion_tokens = answer.completion_tokens,
                request = answer.request,
                cut = answer.cut,
                model_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                "the model answered"
            );
        }
        Ok(asked)
    }

    /// Who is shown as speaking: a persona on offer has a name.
    fn sender(&self, persona: Option<&Chosen>) -> Option<Sender<'_>> {
        let Some(Chosen::Named(name)) = persona else { return None };
        let persona = self.config.personas.as_ref()?.named(name)?;
        Some(Sender::new(&persona.name, persona.icon.as_deref()))
    }
}

/// The persona that the conversation has chosen.
fn chosen(past: &Past) -> Option<Chosen> {
    serde_json::from_str(past.persona.as_deref()?).ok()
}

/// Whether something was said since the message came, so that its answer had better name it. A row of
/// the article's bot, which wrote local times, may be ahead of the clock: that one says nothing.
fn came_between(job: &Job, last: Option<Timestamp>, now: Timestamp) -> bool {
    let accepted_at = job.accepted_at.and_then(|at| Timestamp::from_millisecond(at).ok());
    let is_between = |(accepted_at, last)| accepted_at < last && last <= now;
    job.run.is_some() || accepted_at.zip(last).is_some_and(is_between)
}
