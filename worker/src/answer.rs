//! The story of stage two, in order: count the attempt, see where the turn stopped, remember, ask,
//! keep, tell. One function answers one job and returns an [`Outcome`]; acknowledging, handing back
//! and dead-lettering are the queue's side.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use shared::{
    job::{Ask, Job},
    logging,
};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    adapters::{line::Line, openai::OpenAi},
    ask::Asked,
    config::Config,
    history::{Delivery, Exchange, History, HistoryError, Stage, Step, Turn},
    notice::Notice,
    outcome::{Failure, Outcome, Reason, Remedy},
    prompt::{Budget, Prompt},
    reply,
};

/// The wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The longest time that is kept back from the model for storing, pushing and handing back.
const RESERVE_MAX: Duration = Duration::from_secs(20);
/// The longest `Retry-After` that is waited for within an attempt.
const WAIT_WITHIN_MAX: Duration = Duration::from_secs(5);
/// The longest `Retry-After` that is believed: SQS hides a message for at most twelve hours.
const WAIT_MAX: Duration = Duration::from_hours(12);

/// Stage two.
pub struct Worker {
    /// Its settings.
    pub config: Config,
    /// Past messages and turns.
    pub history: Arc<dyn History>,
    /// The model.
    pub model: OpenAi,
    /// LINE.
    pub line: Line,
    /// The wall clock.
    pub clock: Clock,
}

/// What an attempt must keep to.
pub struct Limits {
    /// When it must be over.
    pub deadline: Instant,
    /// Cancelled when the process stops: the attempt is then given back.
    pub stop: CancellationToken,
}

/// An attempt that did not end in an answer.
pub(crate) struct Setback {
    pub(crate) failure: Failure,
    /// What is known of the pushes, if that changed.
    pub(crate) delivery: Option<Delivery>,
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        Self { failure, delivery: None }
    }
}

impl From<HistoryError> for Setback {
    fn from(error: HistoryError) -> Self {
        storage_failed(&error).into()
    }
}

impl Worker {
    /// One attempt at one job, effectively once per event: an answer that is stored is never asked
    /// for again, one that is delivered is never pushed again.
    pub async fn answer(&self, job: &Job, limits: &Limits) -> Outcome {
        let Ask::Question { text } = &job.ask else { return self.give_notice(job).await };
        let turn = match timeout_at(limits.deadline, self.history.begin(job, self.now())).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(error)) => return self.later(1, storage_failed(&error)),
            Err(_) => return self.later(1, out_of_time()),
        };
        if turn.stage == Stage::Delivered {
            return Outcome::AlreadyAnswered;
        }
        if turn.attempts > self.config.max_attempts {
            return self.used_up(job, &turn).await;
        }
        let Turn { attempts, stage, told_at, .. } = turn;
        let Setback { failure, delivery } = tokio::select! {
            done = timeout_at(limits.deadline, self.attempt(job, text, stage, limits.deadline)) => match done {
                Ok(Ok(())) => return Outcome::Answered,
                Ok(Err(setback)) => setback,
                Err(_) => out_of_time().into(),
            },
            // Dropped wherever it stands, as by a crash: the next attempt resumes from what is stored.
            () = limits.stop.cancelled() => {
                self.record(job, Step::Withdrawn).await;
                return Outcome::GivenBack;
            }
        };
        self.record(job, Step::Failed { reason: failure.reason, delivery }).await;
        if failure.remedy == Remedy::None || attempts >= self.config.max_attempts {
            return Outcome::Dead { failure, attempts, told_at };
        }
        self.later(attempts, failure)
    }

    async fn attempt(
        &self,
        job: &Job,
        question: &str,
        stage: Stage,
        deadline: Instant,
    ) -> Result<(), Setback> {
        let stage = match stage {
            Stage::Open => self.think(job, question, deadline).await?,
            further => further,
        };
        let Stage::Stored(delivery) = stage else { return Ok(()) };
        self.deliver(job, delivery).await?;
        self.history.record(job, Step::Delivered, self.now()).await?;
        info!(event = %job.event_id, conversation = %job.conversation, "answered");
        Ok(())
    }

    /// From the question to the stored answer, with the loading animation shown meanwhile.
    async fn think(&self, job: &Job, question: &str, deadline: Instant) -> Result<Stage, Setback> {
        let now = Instant::now();
        let reserve = (deadline.saturating_duration_since(now) / 5).min(RESERVE_MAX);
        let asking = async {
            let past = self.history.load(&job.conversation, self.config.query_limit, self.now()).await?;
            let fit = |max_tokens| {
                let budget = Budget { max_tokens, ..self.config.budget };
                Prompt::fit(&self.config.system_prompt, past.clone(), question, budget)
            };
            Ok::<_, Setback>(self.ask(&fit, deadline - reserve).await?)
        };
        let asked = self.while_loading(&job.conversation, asking).await?;
        let (exchange, text) = match asked {
            Asked::TooLong => (None, Notice::TooLong.text(self.config.locale).to_owned()),
            Asked::Answer(answer) => {
                info!(
                    event = %job.event_id,
                    prompt_tokens = answer.prompt_tokens,
                    completion_tokens = answer.completion_tokens,
                    cut = answer.cut,
                    model_ms = u64::try_from(now.elapsed().as_millis()).unwrap_or(u64::MAX),
                    "the model answered"
                );
                let cut = Notice::Cut.text(self.config.locale);
                let text = if answer.cut { format!("{}\n\n{cut}", answer.text) } else { answer.text.clone() };
                (Some(Exchange { question: question.to_owned(), answer: answer.text }), text)
            }
        };
        let pushes = reply::pushes(&job.conversation, &text);
        Ok(self.history.store(job, exchange, pushes, self.now()).await?)
    }

    /// A job that comes back with its attempts used up: it was dead-lettered and not acknowledged, or
    /// the worker died each time.
    async fn used_up(&self, job: &Job, turn: &Turn) -> Outcome {
        let attempts = self.config.max_attempts;
        let (reason, detail) = match turn.failed {
            Some(reason) => (reason, format!("{attempts} attempts were begun before")),
            None => (Reason::WorkerDied, format!("the last of {attempts} attempts left no outcome")),
        };
        self.record(job, Step::Failed { reason, delivery: None }).await;
        Outcome::Dead { failure: Failure::lasting(reason, detail), attempts, told_at: turn.told_at }
    }

    /// What becomes of a job whose attempt panicked: the fault is that job's alone.
    pub async fn panicked(&self, job: &Job) -> Outcome {
        self.record(job, Step::Failed { reason: Reason::Internal, delivery: None }).await;
        self.later(1, Failure::passing(Reason::Internal, "the attempt panicked"))
    }

    fn later(&self, attempts: u32, failure: Failure) -> Outcome {
        let between = &self.config.pauses.between;
        let index = (attempts.saturating_sub(1) as usize).min(between.len() - 1);
        let after = match failure.remedy {
            Remedy::Retry(Some(after)) => after.min(WAIT_MAX),
            _ => jittered(between[index]),
        };
        Outcome::Later { after, failure }
    }

    /// How long to wait before another try within the attempt; `None` if there is to be none.
    pub(crate) fn pause_within(&self, tries: usize, failure: &Failure) -> Option<Duration> {
        let Remedy::Retry(asked_for) = failure.remedy else { return None };
        let pause = *self.config.pauses.within.get(tries)?;
        match asked_for {
            None => Some(jittered(pause)),
            Some(wait) => (wait <= WAIT_WITHIN_MAX).then_some(wait),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn record(&self, job: &Job, step: Step) {
        if let Err(error) = self.history.record(job, step, self.now()).await {
            error!(event = %job.event_id, error = %logging::chain(&error), "the attempt's end was not written down");
        }
    }
}

fn storage_failed(error: &HistoryError) -> Failure {
    let detail = logging::chain(error);
    if error.passing {
        Failure::passing(Reason::StorageFailed, detail)
    } else {
        Failure::lasting(Reason::StorageFailed, detail)
    }
}

fn out_of_time() -> Failure {
    Failure::passing(Reason::Internal, "the attempt ran out of time")
}

/// A tenth more or less, so that what failed together does not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * fastrand::f64())
}
