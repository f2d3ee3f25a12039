//! The story of stage two, in order: count the attempt, see where the turn stopped, remember, ask,
//! keep, tell. One function answers one job and returns an [`Outcome`]; acknowledging, handing back
//! and dead-lettering are the queue's side.

use std::{pin::Pin, slice, sync::Arc};

use jiff::Timestamp;
use shared::{
    job::{Ask, Job},
    traces,
};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::{
    adapters::{line::LineClient, openai::ModelClient},
    clock::Clock,
    config::Config,
    failure::{Failure, Reason},
    history::{Delivery, History, LastAttempt, Stage, Step, StoreResult, Turn},
    outcome::Outcome,
    retry_pauses::storage_failed,
    turn::time_budget::Attempt,
    turn::unsend::is_forgotten,
};

pub(crate) mod ask_model;
pub(crate) mod broadcast_wait;
pub(crate) mod command;
pub mod deliver;
pub(crate) mod draft;
pub(crate) mod give_up;
pub mod media;
pub mod merge;
pub mod notice;
pub(crate) mod render;
pub mod reply_token;
pub(crate) mod time_budget;
pub mod unsend;

/// How often a message is thought about within one attempt, where it is changed meanwhile.
const THOUGHTS: usize = 3;

/// Stage two.
pub struct Worker {
    /// Its settings.
    pub config: Config,
    /// Snapshot messages and turns.
    pub history: Arc<dyn History>,
    /// The model.
    pub model: ModelClient,
    /// LINE.
    pub line: LineClient,
    /// The wall clock.
    pub clock: Clock,
}

/// What an attempt must keep to.
pub struct Limits {
    /// When it must be over.
    pub deadline: Instant,
    /// Cancelled when the process stops: the attempt is then given back.
    pub stop: CancellationToken,
    /// Whether a job that may have ended its last worker may be attempted now. False while jobs beside
    /// it would be lost with it.
    pub alone: bool,
    /// Asks whether a later message of the conversation is seen to wait.
    pub is_followed: IsFollowed,
}

/// See [`Limits::is_followed`].
pub type IsFollowed = Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// An attempt that did not end in an answer.
pub(crate) struct AttemptError {
    pub(crate) failure: Failure,
    /// What is known of the pushes, if that changed.
    pub(crate) delivery: Option<Delivery>,
}

impl From<Failure> for AttemptError {
    fn from(failure: Failure) -> Self {
        Self { failure, delivery: None }
    }
}

impl Worker {
    /// One attempt at one job, effectively once per event: an answer that is stored is never asked
    /// for again, one that is delivered is never pushed again.
    pub async fn answer(&self, job: &Job, limits: &Limits) -> Outcome {
        if matches!(job.ask, Ask::NotUnderstood | Ask::Follow | Ask::Join) {
            return self.give_notice(job).await;
        }
        let begun = traces::step("begin", self.history.begin(job, self.now()));
        let turn = match timeout_at(limits.deadline, begun).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(error)) => return self.not_begun(storage_failed(&error)),
            Err(_) => return self.not_begun(out_of_time()),
        };
        match turn.stage {
            Stage::Delivered => return Outcome::AlreadyAnswered,
            Stage::Forgotten => return Outcome::Forgotten,
            Stage::InDoubt => return Outcome::Dead { failure: in_doubt(), attempts: turn.attempts },
            Stage::Open | Stage::Stored(_) => {}
        }
        if matches!(turn.last, LastAttempt::GaveUp(_)) || turn.attempts > self.config.max_attempts {
            return self.used_up(job, &turn).await;
        }
        if turn.last == LastAttempt::Crashed && !limits.alone {
            self.record(job, Step::Withdrawn { cost: None }).await;
            return Outcome::Suspect { attempts: turn.attempts };
        }
        debug!(event = %job.event_id, attempts = turn.attempts, "began");
        let attempt = Attempt::at(slice::from_ref(&turn), limits, self.config.give_up_after);
        let work = self.attempt_one(job, &turn, &attempt);
        self.see_through(job, &turn, &attempt, work).await
    }

    async fn attempt_one(
        &self,
        job: &Job,
        turn: &Turn,
        attempt: &Attempt<'_>,
    ) -> Result<Outcome, AttemptError> {
        let deadline = attempt.deadline;
        let text = match &job.ask {
            Ask::Question { text, .. } => text,
            asks_to_forget => {
                return timeout_at(deadline, self.forget(job, asks_to_forget))
                    .await
                    .map_err(|_| out_of_time())?;
            }
        };
        let kept = match &turn.stage {
            Stage::Open => timeout_at(deadline, self.think_until_settled(job, turn, text, attempt))
                .await
                .map_err(|_| out_of_time())??,
            // An earlier attempt stored it: what was taken back since is read before it is pushed.
            further => match timeout_at(deadline, self.marks(job)).await.map_err(|_| out_of_time())?? {
                past if past.stage == Stage::InDoubt => StoreResult::Existing(Stage::InDoubt),
                past if is_forgotten(job, turn, &past) => StoreResult::Forgotten,
                _ => StoreResult::Existing(further.clone()),
            },
        };
        self.say_kept(job, turn, kept, attempt).await
    }

    /// From the stored answer to the delivered one.
    pub(crate) async fn say_kept(
        &self,
        job: &Job,
        turn: &Turn,
        kept: StoreResult,
        attempt: &Attempt<'_>,
    ) -> Result<Outcome, AttemptError> {
        let delivery = match kept {
            StoreResult::Stored(delivery) | StoreResult::Existing(Stage::Stored(delivery)) => delivery,
            StoreResult::Existing(Stage::InDoubt) => return Err(in_doubt().into()),
            StoreResult::Forgotten if self.marks(job).await?.others > 0 => return Err(owes().into()),
            StoreResult::Existing(Stage::Forgotten) | StoreResult::Forgotten => {
                self.persist(|| self.history.record(job, Step::Forgotten, self.now())).await?;
                info!(event = %job.event_id, conversation = %job.conversation, "forgotten");
                return Ok(Outcome::Forgotten);
            }
            StoreResult::Existing(Stage::Delivered) => {
                // Perhaps by another turn, of which nothing may be left when this job comes again.
                self.persist(|| self.history.record(job, Step::Delivered, self.now())).await?;
                return Ok(Outcome::AlreadyAnswered);
            }
            StoreResult::Existing(_) | StoreResult::Overtaken | StoreResult::Changed => {
                return Ok(Outcome::AlreadyAnswered);
            }
        };
        let is_silent = delivery.pushes.is_empty();
        let delivered = self.deliver(job, turn, delivery, attempt);
        let unknown =
            || Failure::passing(Reason::DeliveryUnknown, "the attempt ran out of time while pushing");
        if let Err(setback) = timeout_at(attempt.deadline, delivered).await.map_err(|_| unknown())? {
            if self.has_left(job, &setback.failure).await {
                self.persist(|| self.history.record(job, Step::Forgotten, self.now())).await?;
                return Ok(Outcome::Forgotten);
            }
            return Err(setback);
        }
        self.persist(|| self.history.record(job, Step::Delivered, self.now())).await?;
        if is_silent {
            info!(event = %job.event_id, conversation = %job.conversation, "left in silence");
            return Ok(Outcome::Noticed);
        }
        info!(event = %job.event_id, conversation = %job.conversation, "answered");
        Ok(Outcome::Answered)
    }

    /// Thinks, and again where the message was changed meanwhile.
    async fn think_until_settled(
        &self,
        job: &Job,
        turn: &Turn,
        text: &str,
        attempt: &Attempt<'_>,
    ) -> Result<StoreResult, AttemptError> {
        for _ in 0..THOUGHTS {
            let kept = self.think(job, turn, text, attempt).await?;
            if kept != StoreResult::Changed {
                return Ok(kept);
            }
            info!(event = %job.event_id, "the message was changed: it is thought about anew");
        }
        Err(Failure::passing(Reason::Internal, "the message was changed again and again").into())
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) async fn record(&self, job: &Job, step: Step) {
        let record = || self.history.record(job, step.clone(), self.now());
        if let Err(Failure { detail, .. }) = self.persist(record).await {
            error!(event = %job.event_id, detail, "the attempt's end was not written down");
        }
    }
}

/// An answer may have arrived before a part of what it answered was taken back: an operator is to know.
pub(crate) fn in_doubt() -> Failure {
    let detail = "a message that it answered was taken back, and nobody knows whether the answer had arrived";
    Failure::lasting(Reason::DeliveryUnknown, detail)
}

/// The message whose turn holds the answer to others was taken back before that arrived.
pub(crate) fn owes() -> Failure {
    let detail = "LINE did not take its answer to several messages, and then it was taken back";
    Failure::lasting(Reason::LineRejected, detail)
}

pub(crate) fn out_of_time() -> Failure {
    Failure::passing(Reason::Internal, "the attempt ran out of time")
}
