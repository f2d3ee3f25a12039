//! The chapter of bursts: people send three short messages where one was meant. With `BURST=merge` those that
//! wait together are answered together, once, in one prompt.
//!
//! Each begins a turn of its own, and what they share is one transaction: the answer is stored as the last
//! one's, and with it the turns of the others are over. From then on the answer is that one job's alone, as
//! if the others had never waited. Whatever is not as plain as that is left to [`Worker::answer`], one by
//! one, so that giving up, suspicion and dead letters exist there only.

use std::ops::ControlFlow::{Break, Continue};

use jiff::Timestamp;
use shared::job::{Ask, Job};
use tokio::time::timeout_at;
use tracing::{debug, info};

use crate::{
    answer::{Limits, Setback, Worker, out_of_time},
    command::Command,
    forget::is_forgotten,
    history::{Kept, Said, Stage, Step, Turn},
    outcome::{Failure, Outcome, Reason, Remedy},
    retry::storage_failed,
    think::Question,
};

/// How many are answered together at most: what SQS hands over at once.
pub const MOST: u32 = 10;
/// How many attempts there are together at most. What fails only together, as with a model that wants roles to
/// alternate, has to be asked one by one; and for a failure that passes, two attempts are paid for already.
const ATTEMPTS: u32 = 2;

/// What became of jobs that wait together.
#[derive(Debug)]
pub enum Together {
    /// So many at the front are to be answered one by one.
    Apart(usize),
    /// So many at the front are over, and this became of the one behind them.
    Ended {
        /// How many.
        over: usize,
        /// What became of the next.
        outcome: Outcome,
    },
}

/// Why jobs are not answered together, if not for a failure that passes.
enum Parted {
    /// For something that a single attempt will deal with.
    Apart,
    /// The attempt failed.
    Failed(Failure),
    /// The process stops.
    Stopped,
}

impl Together {
    /// Leaves the one line that every attempt at these jobs leaves; none where none was made.
    pub fn log(&self, jobs: &[Job], began: Timestamp, ended: Timestamp) {
        let Self::Ended { over, outcome } = self else { return };
        for (index, job) in jobs.iter().enumerate() {
            let outcome = if index < *over { &Outcome::Merged } else { outcome };
            outcome.log(job, began, ended);
        }
    }
}

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
    pub async fn attempt(&self, jobs: &[Job], limits: &Limits) -> Together {
        match jobs {
            [job] => Together::Ended { over: 0, outcome: Box::pin(self.answer(job, limits)).await },
            several => Box::pin(self.answer_together(several, limits)).await,
        }
    }

    async fn answer_together(&self, jobs: &[Job], limits: &Limits) -> Together {
        let mut turns = vec![];
        let parted = tokio::select! {
            kept = timeout_at(limits.deadline, self.think_together(jobs, &mut turns, limits)) => match kept {
                Ok(Ok(kept)) => return Box::pin(self.say_together(jobs, &turns, kept, limits)).await,
                Ok(Err(parted)) => parted,
                Err(_) => Parted::Failed(out_of_time()),
            },
            () = limits.stop.cancelled() => Parted::Stopped,
        };
        let begun = turns.len();
        let attempts = turns.iter().map(|turn| turn.attempts).max().unwrap_or(1);
        match parted {
            Parted::Failed(failure) if begun == 0 => {
                Together::Ended { over: 0, outcome: self.not_begun(failure) }
            }
            Parted::Failed(failure) if matches!(failure.remedy, Remedy::Retry(_)) => {
                for job in &jobs[..begun] {
                    let failed = Step::Failed { reason: failure.reason, delivery: None, gave_up: false, cost: None };
                    self.record(job, failed).await;
                }
                Together::Ended { over: 0, outcome: self.later(attempts, failure) }
            }
            parted => {
                for (job, turn) in jobs.iter().zip(&turns) {
                    self.withdraw(job, turn).await;
                }
                info!(event = %jobs[0].event_id, begun, "they are answered one by one");
                match parted {
                    Parted::Stopped => Together::Ended { over: 0, outcome: Outcome::GivenBack },
                    _ => Together::Apart(begun.max(1)),
                }
            }
        }
    }

    /// What becomes of jobs whose attempt panicked: of several, whose fault it was is seen one by one.
    pub async fn panicked(&self, jobs: &[Job]) -> Together {
        for job in jobs {
            let failed = Step::Failed { reason: Reason::Internal, delivery: None, gave_up: false, cost: None };
            self.record(job, failed).await;
        }
        if jobs.len() > 1 {
            return Together::Apart(jobs.len());
        }
        let panicked = Failure::passing(Reason::Internal, "the attempt panicked");
        Together::Ended { over: 0, outcome: self.later(1, panicked) }
    }

    /// From the messages to the one stored answer, with the turns that have begun.
    async fn think_together(
        &self,
        jobs: &[Job],
        turns: &mut Vec<Turn>,
        limits: &Limits,
    ) -> Result<Kept, Parted> {
        for job in jobs {
            let turn = self.history.begin(job, self.now()).await;
            turns.push(turn.map_err(|error| Parted::Failed(storage_failed(&error)))?);
            if !turns.last().is_some_and(|turn| self.is_fit(turn)) {
                return Err(Parted::Apart);
            }
            debug!(event = %job.event_id, attempts = turns.last().map(|turn| turn.attempts), "began");
        }
        let Some((job, others)) = jobs.split_last() else { return Err(Parted::Apart) };
        self.learn_speaker(job).await;
        let mut before = vec![];
        for (other, turn) in others.iter().zip(&*turns) {
            let marks = self.marks(other).await.map_err(Parted::Failed)?;
            // What was changed or answered since is not plain any more.
            let is_settled = marks.edit.is_none() && marks.answered_by.is_none() && marks.others == 0;
            if !is_settled || is_forgotten(other, turn, &marks) {
                return Err(Parted::Apart);
            }
            let (event, message_id) = (other.event_id.clone(), other.message_id().cloned());
            let speaker = self.speaker(other);
            before.push(Said { event, text: text(other).to_owned(), message_id, speaker });
        }
        let failed = |setback: Setback| Parted::Failed(setback.failure);
        let turn = turns.last().ok_or(Parted::Apart)?;
        let question = Question { text: text(job), before, attempts: turn.attempts };
        let kept = match self.thought(job, turn, question, limits).await.map_err(failed)? {
            Continue((thought, token_is_spent)) if thought.exchange.is_some() => {
                Box::pin(self.keep_thought(job, *thought, token_is_spent)).await.map_err(failed)?
            }
            Continue(_) => return Err(Parted::Apart),
            Break(kept) => kept,
        };
        if kept == Kept::Forgotten {
            self.leave_forgotten(jobs, turns).await.map_err(Parted::Failed)?;
        }
        if matches!(kept, Kept::Mine(_)) { Ok(kept) } else { Err(Parted::Apart) }
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
        let is_clear = match turn.failed {
            None => turn.attempts == 1,
            Some(reason) => reason != Reason::Internal,
        };
        let has_more = turn.gave_up.is_none() && turn.attempts < self.config.max_attempts;
        let is_new = turn.attempts <= ATTEMPTS;
        turn.stage == Stage::Open && is_clear && has_more && is_new
    }

    /// The answer is stored: the turns of all but the last are over, and that one goes its way.
    async fn say_together(&self, jobs: &[Job], turns: &[Turn], kept: Kept, limits: &Limits) -> Together {
        let over = jobs.len() - 1;
        let (job, turn) = (&jobs[over], &turns[over]);
        for other in &jobs[..over] {
            info!(event = %other.event_id, with = %job.event_id, "answered with a later one");
        }
        let said = self.say_kept(job, turn, kept, limits.deadline);
        Together::Ended { over, outcome: self.see_through(job, turn, limits, said).await }
    }

    /// Takes an attempt back as if it had not begun.
    pub(crate) async fn withdraw(&self, job: &Job, turn: &Turn) {
        if turn.stage.is_over() {
            return;
        }
        self.record(job, Step::Withdrawn { cost: None }).await;
        if let Some(reason) = turn.failed {
            self.record(job, Step::Failed { reason, delivery: None, gave_up: false, cost: None }).await;
        }
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
