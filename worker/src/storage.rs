//! The history as the steps of an attempt use it: with the clock, and with short retries, because the answer of a model
//! is already paid for.

use std::{pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use shared::{
    event::log,
    job::{ConversationId, Job, MessageId},
    logging,
};

use crate::{
    clock::Clock,
    config::Config,
    failure::{Failure, Reason},
    history::{
        Answer, ConversationChanges, Edit, Forget, ForgetMarker, History, HistoryError, Pause, PauseChange,
        Question, Quote, Quoted, Snapshot, SnapshotScope, Step, StoreResult, Turn,
    },
    retry_loop::retry,
    retry_pauses,
};

/// The future of a method of [`History`].
type Attempted<'a, T> = Pin<Box<dyn Future<Output = Result<T, HistoryError>> + Send + 'a>>;

/// A history, its clock, and the pauses between tries.
pub struct Storage {
    history: Arc<dyn History>,
    clock: Clock,
    pauses: [Duration; 2],
}

impl Storage {
    /// Creates the storage with this history and this clock.
    pub fn new(history: Arc<dyn History>, clock: Clock, config: &Config) -> Self {
        Self { history, clock, pauses: config.pauses.within }
    }

    /// Returns the time by the clock.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Calls [`History::begin`]. It is not retried, because each try counts an attempt.
    pub(crate) async fn begin(&self, job: &Job) -> Result<Turn, Failure> {
        self.history.begin(job, self.now()).await.map_err(|error| failed(&error))
    }

    /// Calls [`History::load`], with retries.
    pub(crate) async fn load(&self, job: &Job, scope: SnapshotScope) -> Result<Snapshot, Failure> {
        self.retried(|| self.history.load(job, scope, self.now())).await
    }

    /// Calls [`History::conversation_changes`], with retries.
    pub(crate) async fn conversation_changes(&self, job: &Job) -> Result<ConversationChanges, Failure> {
        self.retried(|| self.history.conversation_changes(job, self.now())).await
    }

    /// Calls [`History::store`], with retries.
    pub(crate) async fn store(
        &self,
        job: &Job,
        answer: &Answer,
        seen: Option<ForgetMarker>,
    ) -> Result<StoreResult, Failure> {
        self.retried(|| self.history.store(job, answer.clone(), seen, self.now())).await
    }

    /// Calls [`History::record`] for a step that is taken now.
    pub(crate) async fn record(&self, job: &Job, step: Step) -> Result<(), Failure> {
        self.record_at(job, step, self.now()).await
    }

    /// Calls [`History::record`] for a step that was taken at `now`.
    pub(crate) async fn record_at(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), Failure> {
        if matches!(step, Step::Withdrawn { .. }) {
            // This step is not retried: if it is written twice, it withdraws two attempts.
            return self.history.record(job, step, now).await.map_err(|error| failed(&error));
        }
        self.retried(|| self.history.record(job, step.clone(), now)).await
    }

    /// Records a step and only logs a failure, because the attempt can end without the step.
    pub(crate) async fn record_or_log(&self, job: &Job, step: Step) {
        if let Err(Failure { detail, .. }) = self.record(job, step).await {
            log!(error, StepNotRecorded, event = %job.event_id, detail, "the storage did not record a step of the turn");
        }
    }

    /// Returns the time in milliseconds up to which a job forgets: the time of its event, or now if it has none.
    pub(crate) fn forgets_until(&self, job: &Job) -> i64 {
        job.at().unwrap_or_else(|| self.now().as_millisecond())
    }

    /// Calls [`History::forget`], with retries.
    pub(crate) async fn forget(&self, of: &ConversationId, what: Forget) -> Result<(), Failure> {
        self.retried(|| self.history.forget(of, what.clone(), self.now())).await
    }

    /// Calls [`History::choose`], with retries.
    pub(crate) async fn choose(&self, job: &Job, persona: Option<String>) -> Result<(), Failure> {
        self.retried(|| self.history.choose(&job.conversation, persona.clone(), job.at())).await
    }

    /// Calls [`History::pause`], with retries.
    pub(crate) async fn pause(
        &self,
        of: &ConversationId,
        change: PauseChange,
    ) -> Result<Option<Pause>, Failure> {
        self.retried(|| self.history.pause(of, change, self.now())).await
    }

    /// Calls [`History::edit`], with retries.
    pub(crate) async fn edit(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: Edit,
    ) -> Result<(), Failure> {
        self.retried(|| self.history.edit(of, message, edit.clone(), self.now())).await
    }

    /// Calls [`History::quoted`], with retries.
    pub(crate) async fn quoted(&self, of: &ConversationId, quote: &Quote) -> Result<Option<Quoted>, Failure> {
        self.retried(|| self.history.quoted(of, quote, self.now())).await
    }

    /// Calls [`History::remember_own`], with retries.
    pub(crate) async fn remember_own(&self, messages: &[MessageId]) -> Result<(), Failure> {
        self.retried(|| self.history.remember_own(messages, self.now())).await
    }

    /// Calls [`History::note_waiting`], with retries.
    pub(crate) async fn note_waiting(&self, job: &Job) -> Result<(), Failure> {
        self.retried(|| self.history.note_waiting(job, self.now())).await
    }

    /// Calls [`History::mark_notified`], with retries.
    pub(crate) async fn mark_notified(
        &self,
        job: &Job,
        question: Option<&Question>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Failure> {
        self.retried(|| self.history.mark_notified(job, question, now)).await
    }

    async fn retried<'a, T>(&self, work: impl Fn() -> Attempted<'a, T>) -> Result<T, Failure> {
        let work = || async { work().await.map_err(|error| failed(&error)) };
        retry(work, |tries, failure| retry_pauses::after(&self.pauses, tries, failure)).await
    }
}

/// Returns the failure of an attempt whose history was not read or written.
fn failed(error: &HistoryError) -> Failure {
    let detail = logging::chain(error);
    if error.passing {
        Failure::retryable(Reason::StorageFailed, detail)
    } else {
        Failure::permanent(Reason::StorageFailed, detail)
    }
}
