//! One turn, whose steps go through the port. Each result is compared with the table.

use async_trait::async_trait;
use jiff::Timestamp;
use local::sqlite::dead_letters::DeadLetters;
use shared::job::{EventId, Job};
use worker::{
    adapters::dynamodb::DynamoHistory,
    history::{
        Answer, Edit, Exchange, Forget, History, PushProgress, Question, Seen, SendMethod, Stage, Step,
        StoreResult,
    },
    rules::{
        message_kind::MessageKind,
        turn::{Conflict, TurnState, TurnStep, apply},
    },
};

use super::super::{
    MODEL, as_read,
    forgetting::{question, said_after},
    later,
};

/// The view and the actions of operators on a turn, beside the port.
#[async_trait]
pub(in super::super) trait Operator: Sync {
    async fn notified_at(&self, event: &EventId) -> Option<Timestamp>;
    async fn risk_resending(&self, event: &EventId, now: Timestamp) -> bool;
}

#[async_trait]
impl Operator for DeadLetters {
    async fn notified_at(&self, event: &EventId) -> Option<Timestamp> {
        self.told_at(event.as_str()).await.unwrap()
    }

    async fn risk_resending(&self, event: &EventId, _: Timestamp) -> bool {
        self.risk_resending(event.as_str()).await.unwrap()
    }
}

#[async_trait]
impl Operator for DynamoHistory {
    async fn notified_at(&self, event: &EventId) -> Option<Timestamp> {
        self.turn_views(std::slice::from_ref(event)).await.unwrap().get(event)?.told_at
    }

    async fn risk_resending(&self, event: &EventId, now: Timestamp) -> bool {
        self.risk_resending(event, now).await.unwrap()
    }
}

/// A turn in a conversation of its own.
pub(super) struct Story<'a> {
    history: &'a dyn History,
    operator: &'a dyn Operator,
    /// The title for messages of failed assertions.
    title: String,
    job: Job,
    /// The turns whose messages its answer answers, too.
    others: Vec<Job>,
    /// The number of later turns so far.
    later_turns: usize,
    /// Whether the next unsend is that of its own message.
    pub(super) takes_back_own: bool,
    /// The turn according to the table.
    expected: TurnState,
}

impl<'a> Story<'a> {
    pub(super) async fn begin(
        history: &'a dyn History,
        operator: &'a dyn Operator,
        number: usize,
        title: String,
        others: usize,
    ) -> Self {
        let asked = |which| question(&format!("U-table-{number}"), &format!("table-{number}-{which}"));
        let others: Vec<Job> = (0..others).map(asked).collect();
        for other in &others {
            history.begin(other, later(0)).await.unwrap();
        }
        let (job, takes_back_own) = (asked(9), others.is_empty());
        Self {
            history,
            operator,
            title,
            job,
            others,
            later_turns: 0,
            takes_back_own,
            expected: TurnState::default(),
        }
    }

    /// Takes a step. The port must return the result of the table.
    pub(super) async fn take(&mut self, step: &TurnStep<'static>) {
        let after = apply(&self.expected, step);
        match *step {
            // The run's first attempt begins with the next step.
            TurnStep::Redriven { run } => self.job.run = run.map(ToOwned::to_owned),
            TurnStep::Begun => self.begins(&after).await,
            TurnStep::Stored { by, method, now } => self.stores(&after, by, method, now).await,
            TurnStep::Merged => self.is_merged(&after).await,
            TurnStep::Pushing { by, pushed, now } => {
                self.records(&after, Step::Pushing { by, pushed }, now).await;
            }
            TurnStep::NotReplied { by, now } => {
                self.records(&after, Step::NotReplied { by }, now).await;
            }
            TurnStep::Replying { by, now } => self.records(&after, Step::Replying { by }, now).await,
            TurnStep::QuotaRefused { now } => self.records(&after, Step::QuotaRefused, now).await,
            TurnStep::Delivered => self.records(&after, Step::Delivered { own: vec![] }, later(41)).await,
            TurnStep::Failed { by, reason, progress, gave_up, cost } => {
                let delivery = progress.map(|progress| progress.of(pushes()));
                self.records(&after, Step::Failed { by, reason, delivery, gave_up, cost }, later(41)).await;
            }
            TurnStep::Withdrawn { cost } => self.records(&after, Step::Withdrawn { cost }, later(41)).await,
            TurnStep::Forgotten => self.records(&after, Step::Forgotten, later(41)).await,
            TurnStep::Unsent | TurnStep::AnswerUnsent { .. } => self.is_taken_back().await,
            TurnStep::Edited => {
                let edit = Edit { text: "other words".to_owned(), at: 1 };
                let message = self.job.message_id().unwrap();
                self.history.edit(&self.job.conversation, message, edit, later(41)).await.unwrap();
            }
            TurnStep::ConversationForgotten => {
                let all = Forget::Messages(self.job.at().unwrap() + 1);
                self.history.forget(&self.job.conversation, all, later(41)).await.unwrap();
            }
            TurnStep::Replaced => self.is_replaced().await,
            TurnStep::Notified { now } => {
                let told = self.history.mark_notified(&self.job, None, now).await.unwrap();
                assert_eq!(told, after.as_ref().ok().and_then(|after| after.notified_at), "{}", self.title);
            }
            TurnStep::ResendRisked { now } => {
                let is_done = self.operator.risk_resending(&self.job.event_id, now).await;
                assert_eq!(is_done, after.is_ok(), "{}", self.title);
            }
        }
        if let Ok(after) = after {
            self.expected = after;
        }
    }

    /// Checks the stage that the port shows without another attempt.
    pub(super) async fn check_stage(&self) {
        let changes = self.history.conversation_changes(&self.job, later(50)).await.unwrap();
        assert_eq!(changes.stage, self.stage(), "{}", self.title);
    }

    /// Checks the time of the apology. The port shows it only where it can still be marked.
    pub(super) async fn check_notified(&self) {
        let notified_at = self.operator.notified_at(&self.job.event_id).await;
        assert_eq!(notified_at, self.expected.notified_at, "{}", self.title);
    }

    /// Returns the stage as a row keeps it: no store says whether a push of unknown outcome was tried.
    fn stage(&self) -> Stage {
        self.expected.stage.map(|progress: PushProgress| as_read(&progress.of(pushes())))
    }

    /// Begins an attempt: it gets the counts of its run, or, when the turn is over, the counts so far.
    async fn begins(&self, after: &Result<TurnState, Conflict>) {
        let turn = self.history.begin(&self.job, later(41)).await.unwrap();
        let counted = match after {
            Ok(after) => after,
            Err(conflict) => {
                assert_eq!(*conflict, Conflict::Over, "{}", self.title);
                &self.expected
            }
        };
        assert_eq!(turn, counted.told(&self.expected, self.stage()), "{}", self.title);
    }

    async fn stores(
        &self,
        after: &Result<TurnState, Conflict>,
        by: Option<u32>,
        method: SendMethod,
        now: Timestamp,
    ) {
        let seen = self.seen(&self.job).await;
        // The questions that wait for this turn's answer already have their rows.
        let others = self.others.iter().filter(|_| seen.others == 0);
        let answer = Answer { by, method, others: seen.others, ..answer(others.chain([&self.job])) };
        let stored = self.history.store(&self.job, answer, seen.forgotten, now).await;
        if *after == Err(Conflict::Overtaken) {
            assert!(stored.is_err_and(|error| error.passing), "{}", self.title);
            return;
        }
        let stored = stored.unwrap();
        let expected = match after {
            Ok(TurnState { stage: Stage::Stored(progress), .. }) => {
                StoreResult::Stored(progress.of(pushes()))
            }
            _ => StoreResult::Existing(self.stage()),
        };
        assert_eq!(stored, expected, "{}", self.title);
    }

    /// Stores an answer of another turn that answers this message, too.
    async fn is_merged(&mut self, after: &Result<TurnState, Conflict>) {
        let other = self.another().await;
        let stored = self.store_for(&other, answer([&self.job, &other])).await;
        let is_expected = match after {
            Ok(_) => matches!(stored, StoreResult::Stored(_)),
            // If its question is forgotten, the answer was made of a forgotten message.
            Err(_) => matches!(stored, StoreResult::Overtaken | StoreResult::Changed),
        };
        assert!(is_expected, "{stored:?} {}", self.title);
    }

    /// Stores an answer of another turn, which asks this question again.
    async fn is_replaced(&mut self) {
        let other = self.another().await;
        let (event, said_at) = (other.event_id.clone(), other.at());
        let again = Question { event, said_at, ..said(&self.job) };
        let exchange = Exchange {
            questions: vec![again],
            answer: "answer".to_owned(),
            model: MODEL.to_owned(),
            replaces: Some(self.job.event_id.clone()),
        };
        let stored = self.store_for(&other, Answer { exchange: Some(exchange), ..answer([]) }).await;
        assert!(matches!(stored, StoreResult::Stored(_)), "{stored:?} {}", self.title);
    }

    async fn is_taken_back(&mut self) {
        let other = if self.takes_back_own { None } else { self.others.pop() };
        let message = other.as_ref().unwrap_or(&self.job).message_id().unwrap().clone();
        self.history.forget(&self.job.conversation, Forget::Message(message), later(41)).await.unwrap();
    }

    /// Records a step: it is an error only where the port says so.
    async fn records(&self, after: &Result<TurnState, Conflict>, step: Step, now: Timestamp) {
        let recorded = self.history.record(&self.job, step, now).await;
        match after {
            Ok(_) | Err(Conflict::NotBegun) => recorded.unwrap(),
            Err(
                Conflict::NotStored | Conflict::Overtaken | Conflict::ReplyOnly | Conflict::MayHaveBeenSent,
            ) => {
                assert!(recorded.is_err_and(|error| error.passing), "{}", self.title);
            }
            Err(other @ (Conflict::Over | Conflict::Existing(_) | Conflict::MayHaveArrived)) => {
                panic!("no step that is recorded has this conflict: {other:?} {}", self.title)
            }
        }
    }

    /// Begins a later question of the conversation.
    async fn another(&mut self) -> Job {
        self.later_turns += 1;
        let event = format!("{}-{}", self.job.event_id, self.later_turns);
        let job = said_after(1, self.job.conversation.as_str(), &event);
        self.history.begin(&job, later(41)).await.unwrap();
        job
    }

    async fn seen(&self, job: &Job) -> Seen {
        self.history.conversation_changes(job, later(41)).await.unwrap().seen()
    }

    async fn store_for(&self, job: &Job, answer: Answer) -> StoreResult {
        let seen = self.seen(job).await.forgotten;
        self.history.store(job, answer, seen, later(41)).await.unwrap()
    }
}

fn pushes() -> Vec<String> {
    vec!["one".to_owned(), "two".to_owned()]
}

fn said(job: &Job) -> Question {
    Question {
        event: job.event_id.clone(),
        text: "q".to_owned(),
        kind: MessageKind::Text,
        speaker: None,
        message_id: job.message_id().cloned(),
        said_at: job.at(),
        image_set: None,
        asked_with: vec![],
    }
}

/// Makes one answer to all of them.
fn answer<'j>(jobs: impl IntoIterator<Item = &'j Job>) -> Answer {
    let questions: Vec<_> = jobs.into_iter().map(said).collect();
    let merged = questions.iter().rev().skip(1).map(|said| said.event.clone()).collect();
    let exchange =
        Exchange { questions, answer: "answer".to_owned(), model: MODEL.to_owned(), replaces: None };
    Answer { exchange: Some(exchange), merged, pushes: pushes(), ..Answer::default() }
}
