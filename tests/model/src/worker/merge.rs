//! Two waiting jobs that are answered together, after `worker/src/turn/merge.rs`: each begins a turn of its own, and
//! one transaction stores the answer as the last one's and ends the other. After any fault before that, both are
//! handed back, to be tried together again or one by one.

use worker::{
    failure::Reason,
    history::{LastAttempt, Stage},
    rules::turn::TurnStep,
};

use super::{At as Step, Failure, Turn, Worker, begun, is_forgotten};
use crate::{
    history,
    setting::Model,
    steps::Steps,
    world::{Job, Why, World},
};

/// The most attempts that are made together.
const ATTEMPTS: u32 = 2;

/// A step of an attempt at two jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// The worker begins the earlier job's turn.
    Begin,
    /// The worker begins the last job's turn.
    BeginLast,
    /// The worker looks for changes of the earlier job.
    LookAtOther,
    /// The worker ends the earlier job, an image that was taken back: the last one is answered without it.
    EndOther,
    /// The worker withdraws an attempt.
    Withdraw {
        /// Whether it is the earlier job's attempt.
        is_other: bool,
    },
    /// The worker records again how the attempt before a withdrawn one failed.
    FailAnew {
        /// Whether it is the earlier job's attempt.
        is_other: bool,
    },
    /// The worker records that an attempt failed.
    Fail {
        /// Whether it is the earlier job's attempt.
        is_other: bool,
    },
}

/// Returns a turn that an attempt has begun.
fn turn(worker: &Worker, is_other: bool) -> Option<Turn> {
    if is_other {
        worker.other_turn
    } else {
        Some(worker.turn).filter(|turn| turn.attempts > 0 || turn.is_over)
    }
}

fn job(worker: &Worker, is_other: bool) -> Job {
    worker.other.filter(|_| is_other).unwrap_or(worker.job)
}

/// Adds the steps of an attempt at two jobs, until their answer is stored.
pub(super) fn next(steps: &mut Steps<'_>, at: usize, worker: &Worker, step: At) {
    match step {
        At::Begin => begin(steps, at, worker, true),
        At::BeginLast => begin(steps, at, worker, false),
        At::LookAtOther => look_at_other(steps, at, worker),
        At::EndOther => end_other(steps, at, worker),
        At::Withdraw { is_other } => withdraw_one(steps, at, worker, is_other),
        At::FailAnew { is_other } => {
            let reason = turn(worker, is_other).and_then(|turn| turn.last.0.reason());
            let reason = reason.unwrap_or(Reason::Internal);
            record_failed(steps, at, worker, is_other, reason, false, |world, at| {
                after_withdrawal(world, at, is_other);
            });
        }
        At::Fail { is_other } => {
            let reason = worker.failure.map_or(Reason::Internal, |failure| failure.reason.0);
            let most = steps.model.setting.max_attempts;
            let is_last = turn(worker, is_other).is_some_and(|turn| turn.attempts >= most);
            let gives_up = is_last || worker.failure.is_some_and(|failure| !failure.is_passing);
            record_failed(steps, at, worker, is_other, reason, gives_up, |world, at| {
                let is_more = is_other && turn(&world.workers[at], false).is_some();
                world.workers[at].at =
                    if is_more { Step::Merge(At::Fail { is_other: false }) } else { Step::HandBack };
            });
        }
    }
}

fn begin(steps: &mut Steps<'_>, at: usize, worker: &Worker, is_other: bool) {
    let of = job(worker, is_other);
    let what =
        if is_other { "the attempt at the earlier one begins" } else { "the attempt at the last one begins" };
    let effect = |model: &Model, world: &mut World| begun(model, world, at, of);
    steps.call(what, false, effect, |model, world, told| {
        let Some((turn, stage)) = told else {
            if is_other {
                world.workers[at].at = Step::HandBack;
            } else {
                fail(model, world, at, Failure::retryable(Reason::StorageFailed));
            }
            return;
        };
        let worker = &mut world.workers[at];
        if is_other {
            worker.other_turn = Some(turn);
        } else {
            worker.turn = turn;
        }
        let is_clear = match turn.last.0 {
            LastAttempt::None => true,
            LastAttempt::Failed(reason) => reason != Reason::Internal,
            LastAttempt::Crashed => model.setting.images,
            LastAttempt::GaveUp(_) => false,
        };
        let max_attempts = model.setting.max_attempts;
        let has_attempts = if model.setting.images {
            turn.attempts <= max_attempts
        } else {
            turn.attempts < max_attempts && turn.attempts <= ATTEMPTS
        };
        let is_gone = model.setting.images && is_other && stage == Stage::Forgotten;
        let is_fit = stage == Stage::Open && is_clear && has_attempts;
        match (is_fit, is_other) {
            _ if is_gone => worker.at = Step::Merge(At::BeginLast),
            (false, _) => withdraw(world, at),
            (true, true) => worker.at = Step::Merge(At::BeginLast),
            (true, false) => worker.at = Step::Merge(At::LookAtOther),
        }
    });
}

fn look_at_other(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let Worker { other: Some(other), .. } = *worker else { return };
    let read = |world: &World| history::changes(world, other.event);
    steps.read("it looks what happened to the earlier one", read, |model, world, changes| match changes {
        None => fail(model, world, at, Failure::retryable(Reason::StorageFailed)),
        Some(changes) if model.setting.images && is_forgotten(world, other, &changes) => {
            world.workers[at].at = Step::Merge(At::EndOther);
        }
        Some(changes) if changes.edits + changes.others == 0 && !is_forgotten(world, other, &changes) => {
            world.workers[at].at = Step::Load;
        }
        Some(_) => withdraw(world, at),
    });
}

fn end_other(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let Worker { other: Some(other), .. } = *worker else { return };
    let record =
        |model: &Model, world: &mut World| history::step(model, world, other, &TurnStep::Forgotten).is_ok();
    steps.call("the earlier one ends, because it was taken back", false, record, |model, world, told| {
        if told != Some(true) {
            return fail(model, world, at, Failure::retryable(Reason::StorageFailed));
        }
        let worker = &mut world.workers[at];
        (worker.other, worker.other_turn, worker.at) = (None, None, Step::Load);
        // From here on the attempt is at the last one alone.
        worker.ghost_was_over = false;
    });
}

/// Fails an attempt at two jobs: they are tried together again, or one by one. Images are given up together.
pub(super) fn fail(model: &Model, world: &mut World, at: usize, failure: Failure) {
    let worker = &mut world.workers[at];
    (worker.marker, worker.edits, worker.others) = (None, 0, 0);
    if failure.is_passing || model.setting.images {
        worker.failure = Some(Failure { reason: Why(failure.reason.0), ..failure });
        worker.at = Step::Merge(At::Fail { is_other: true });
    } else {
        withdraw(world, at);
    }
}

/// Withdraws the attempts, so that they do not count: the jobs are answered one by one.
pub(super) fn withdraw(world: &mut World, at: usize) {
    let worker = &mut world.workers[at];
    (worker.marker, worker.edits, worker.others, worker.failure) = (None, 0, 0, None);
    withdraw_from(world, at, true);
}

fn withdraw_from(world: &mut World, at: usize, is_other: bool) {
    let worker = &mut world.workers[at];
    let is_begun = |is_other: bool| turn(worker, is_other).is_some_and(|turn| !turn.is_over);
    let next = [true, false].into_iter().find(|&next| (is_other || !next) && is_begun(next));
    worker.at = next.map_or(Step::HandBack, |is_other| Step::Merge(At::Withdraw { is_other }));
}

fn after_withdrawal(world: &mut World, at: usize, is_other: bool) {
    if is_other { withdraw_from(world, at, false) } else { world.workers[at].at = Step::HandBack }
}

fn withdraw_one(steps: &mut Steps<'_>, at: usize, worker: &Worker, is_other: bool) {
    let of = job(worker, is_other);
    let had_failed = turn(worker, is_other).is_some_and(|turn| matches!(turn.last.0, LastAttempt::Failed(_)));
    let record = |model: &Model, world: &mut World| {
        let _ = history::step(model, world, of, &TurnStep::Withdrawn { cost: None });
    };
    steps.call("the attempt at one of two is withdrawn", false, record, |_, world, _| {
        if had_failed {
            world.workers[at].at = Step::Merge(At::FailAnew { is_other });
        } else {
            after_withdrawal(world, at, is_other);
        }
    });
}

fn record_failed(
    steps: &mut Steps<'_>,
    at: usize,
    worker: &Worker,
    is_other: bool,
    reason: Reason,
    gives_up: bool,
    then: impl Fn(&mut World, usize),
) {
    let (of, by) = (job(worker, is_other), turn(worker, is_other).map(|turn| turn.begun));
    let record = |model: &Model, world: &mut World| {
        let step = TurnStep::Failed { by, reason, progress: None, gave_up: gives_up, cost: None };
        let _ = history::step(model, world, of, &step);
    };
    steps.call("it is recorded that the attempt at one of two failed", true, record, |_, world, _| {
        then(world, at);
    });
}
