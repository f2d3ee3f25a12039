//! The chapter of bursts: people send three short messages where one was meant. With `BURST=merge` those that
//! wait together are answered together, once, in one prompt.
//!
//! Each begins a turn of its own, and what they share is one transaction: the answer is stored as the last
//! one's, and with it the turns of the others are over. From then on the answer is that one job's alone, as
//! if the others had never waited. Whatever is not as plain as that is left to [`Worker::answer`], one by
//! one, so that giving up, suspicion and dead letters exist there only.

use std::ops::ControlFlow::{Break, Continue};

use shared::job::{Ask, Job};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info};

use crate::{
    failure::{Failure, Reason},
    history::{LastAttempt, Question, Stage, Step, StoreResult, Turn},
    retry_pauses::storage_failed,
    rules::command::Command,
    turn::draft::DraftInput,
    turn::time_budget::Attempt,
    turn::unsend::is_forgotten,
    turn::{AttemptError, Limits, Worker, out_of_time},
};

mod split;

pub use self::split::MergeResult;
use self::split::NotMerged;

/// How many are answered together at most: what SQS hands over at once.
pub const MOST: u32 = 10;
/// How many attempts there are together at most. What fails only together, as with a model that wants roles to
/// alternate, has to be asked one by one; and for a failure that passes, two attempts are paid for already.
const ATTEMPTS: u32 = 2;
/// The id of the event whose attempts panic in a debug build, so that stories can see whom a panic harms.
const PANICS: &str = "henji-panics";

impl Worker {
    /// The jobs of these bodies, the first of a conversation that wait behind each other, that may be
    /// answered together; none where there are not several.
    pub fn burst<'a>(&self, bodies: impl Iterator<Item = &'a str>) -> Vec<Job> {
        let most = if self.config.merges { MOST } else { 0 };
        let questions = bodies.take(most as usize).map_while(|body| Job::decode(body).ok().filter(is_plain));
        let mut jobs: Vec<Job> = vec![];
        for job in questions {
            let is_same =
                |other: &Job| other.message_id().is_some() && other.message_id() == job.message_id();
            // Who did not say who they are may be two people.
            let is_ones =
                |first: &Job| first.speaker == job.speaker && (job.speaker.is_some() || job.is_private());
            if !jobs.first().is_none_or(is_ones) || jobs.iter().any(is_same) {
                break;
            }
            jobs.push(job);
        }
        if jobs.len() > 1 { jobs } else { vec![] }
    }

    /// One attempt at one job, or at several of one conversation that wait behind each other.
    pub async fn attempt(&self, jobs: &[Job], limits: &Limits) -> MergeResult {
        debug_assert!(!jobs.iter().any(|job| job.event_id.as_str() == PANICS), "the event of this id panics");
        match jobs {
            [job] => MergeResult::Ended { over: 0, outcome: self.answer(job, limits).await },
            several => self.answer_together(several, limits).await,
        }
    }

    async fn answer_together(&self, jobs: &[Job], limits: &Limits) -> MergeResult {
        let mut turns = vec![];
        let begun = within(limits, limits.deadline, self.begin_together(jobs, &mut turns)).await;
        let attempt = Attempt::at(&turns, limits, self.config.give_up_after);
        let kept = match begun {
            Ok(()) => within(limits, attempt.deadline, self.think_together(jobs, &mut turns, &attempt)).await,
            Err(parted) => Err(parted),
        };
        match kept {
            Ok(kept) => self.say_together(jobs, &turns, kept, &attempt).await,
            Err(parted) => self.part(jobs, &turns, parted, &attempt).await,
        }
    }

    /// Begins the turns.
    async fn begin_together(&self, jobs: &[Job], turns: &mut Vec<Turn>) -> Result<(), NotMerged> {
        for job in jobs {
            let turn = self.history.begin(job, self.now()).await;
            turns.push(turn.map_err(|error| NotMerged::Failed(storage_failed(&error)))?);
            if !turns.last().is_some_and(|turn| self.is_fit(turn)) {
                return Err(NotMerged::Apart);
            }
            debug!(event = %job.event_id, attempts = turns.last().map(|turn| turn.attempts), "began");
        }
        Ok(())
    }

    /// From the messages to the one stored answer.
    async fn think_together(
        &self,
        jobs: &[Job],
        turns: &mut [Turn],
        attempt: &Attempt<'_>,
    ) -> Result<StoreResult, NotMerged> {
        let Some((job, others)) = jobs.split_last() else { return Err(NotMerged::Apart) };
        self.learn_speaker(job).await;
        let mut before = vec![];
        for (other, turn) in others.iter().zip(&*turns) {
            let marks = self.marks(other).await.map_err(NotMerged::Failed)?;
            // What was changed or answered since is not plain any more.
            let is_settled = marks.edit.is_none() && marks.answered_by.is_none() && marks.others == 0;
            if !is_settled || is_forgotten(other, turn, &marks) {
                return Err(NotMerged::Apart);
            }
            let (event, message_id) = (other.event_id.clone(), other.message_id().cloned());
            let speaker = self.speaker(other);
            before.push(Question { event, text: text(other).to_owned(), message_id, speaker });
        }
        let failed = |setback: AttemptError| NotMerged::Failed(setback.failure);
        let turn = turns.last().ok_or(NotMerged::Apart)?;
        let question = DraftInput { text: text(job), before };
        let kept = match self.thought(job, turn, question, attempt).await.map_err(failed)? {
            Continue((thought, token_is_spent)) if thought.exchange.is_some() => {
                self.keep_thought(job, *thought, token_is_spent).await.map_err(failed)?
            }
            Continue(_) => return Err(NotMerged::Apart),
            Break(kept) => kept,
        };
        if kept == StoreResult::Forgotten {
            self.leave_forgotten(jobs, turns).await.map_err(NotMerged::Failed)?;
        }
        if matches!(kept, StoreResult::Stored(_)) { Ok(kept) } else { Err(NotMerged::Apart) }
    }

    /// Where the conversation was forgotten since, nothing that began before is asked again.
    async fn leave_forgotten(&self, jobs: &[Job], turns: &mut [Turn]) -> Result<(), Failure> {
        let Some(mark) = self.marks(&jobs[0]).await?.forgotten else { return Ok(()) };
        for (job, turn) in jobs.iter().zip(turns).filter(|(_, turn)| turn.begun_at <= mark.at) {
            self.persist(|| self.history.record(job, Step::Forgotten, self.now())).await?;
            turn.stage = Stage::Forgotten;
        }
        Ok(())
    }

    /// Whether a turn is as plain as can be. One that failed within Henji may have done so for another
    /// question's sake.
    fn is_fit(&self, turn: &Turn) -> bool {
        let is_clear = match turn.last {
            LastAttempt::None => true,
            LastAttempt::Failed(reason) => reason != Reason::Internal,
            LastAttempt::Crashed | LastAttempt::GaveUp(_) => false,
        };
        let has_more = turn.attempts < self.config.max_attempts;
        let is_new = turn.attempts <= ATTEMPTS;
        turn.stage == Stage::Open && is_clear && has_more && is_new
    }

    /// The answer is stored: the turns of all but the last are over, and that one goes its way.
    async fn say_together(
        &self,
        jobs: &[Job],
        turns: &[Turn],
        kept: StoreResult,
        attempt: &Attempt<'_>,
    ) -> MergeResult {
        let over = jobs.len() - 1;
        let (job, turn) = (&jobs[over], &turns[over]);
        for other in &jobs[..over] {
            info!(event = %other.event_id, with = %job.event_id, "answered with a later one");
        }
        let said = self.say_kept(job, turn, kept, attempt);
        MergeResult::Ended { over, outcome: self.see_through(job, turn, attempt, said).await }
    }
}

/// Does the work before the deadline, unless the process stops.
async fn within<T>(
    limits: &Limits,
    deadline: Instant,
    work: impl Future<Output = Result<T, NotMerged>>,
) -> Result<T, NotMerged> {
    tokio::select! {
        done = timeout_at(deadline, work) => done.unwrap_or_else(|_| Err(NotMerged::Failed(out_of_time()))),
        () = limits.stop.cancelled() => Err(NotMerged::Stopped),
    }
}

/// Whether a job asks the model in words, and nothing else.
fn is_plain(job: &Job) -> bool {
    let Ask::Question { text, quotes: None, content: None, only_if_quoting_bot: false, .. } = &job.ask else {
        return false;
    };
    Command::of(text).is_none()
}

fn text(job: &Job) -> &str {
    match &job.ask {
        Ask::Question { text, .. } => text,
        _ => "",
    }
}
