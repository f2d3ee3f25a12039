//! The end of an attempt: its record, the dead letter, the apology, and the answer to the queue.

use worker::{
    failure::Reason,
    history::{Stage, key_is_alive},
    rules::turn::TurnStep,
};

use super::{At, Failure, Worker, fail, is_forgotten, release};
use crate::{
    history,
    invariants::{self, Invariant},
    line,
    setting::{Disturbance, Kind, Model},
    steps::Steps,
    world::{DeadLetter, Queued, World},
};

/// Records the last step of a turn.
pub(super) fn record(
    steps: &mut Steps<'_>,
    at: usize,
    worker: &Worker,
    what: &'static str,
    step: TurnStep<'static>,
) {
    let job = worker.job;
    let record = move |model: &Model, world: &mut World| {
        let _ = history::step(model, world, job, &step);
    };
    steps.call(what, true, record, |model, world, done| match done {
        Some(()) => world.workers[at].at = At::Acknowledge,
        None => fail(model, world, at, Failure::retryable(Reason::StorageFailed)),
    });
}

/// Looks whether other questions wait for an answer that is cancelled.
pub(super) fn look_for_others(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let job = worker.job;
    let read = |world: &World| history::changes(world, job.event).others;
    steps.read("it looks whether others wait for the answer", read, |model, world, others| match others {
        None => fail(model, world, at, Failure::retryable(Reason::StorageFailed)),
        Some(0) => world.workers[at].at = At::RecordForgotten,
        Some(_) => fail(model, world, at, Failure::permanent(Reason::LineRejected)),
    });
}

/// Records that the attempt failed, or that its run is given up.
pub(super) fn record_failed(steps: &mut Steps<'_>, at: usize, worker: &Worker, gave_up: bool, then: At) {
    let Worker { job, turn, delivery, failure: Some(failure), .. } = *worker else { return };
    let by = Some(turn.begun);
    let record = move |model: &Model, world: &mut World| {
        let progress = delivery.filter(|_| failure.has_delivery).map(|delivery| delivery.0);
        let step = TurnStep::Failed { by, reason: failure.reason.0, progress, gave_up, cost: None };
        history::step(model, world, job, &step)
    };
    let what = if gave_up {
        "it is recorded that the run is given up"
    } else {
        "it is recorded that the attempt failed"
    };
    steps.call(what, true, record, |_, world, done| {
        let is_recorded = matches!(done, Some(Ok(())));
        let worker = &mut world.workers[at];
        // There is no letter and no apology for the end of a run that is not recorded.
        worker.at = if gave_up && !is_recorded { At::HandBack } else { then };
        worker.delivery = None;
    });
}

/// Looks for changes, because a message that was unsent meanwhile gets no dead letter and no further attempt.
pub(super) fn look_after_failure(steps: &mut Steps<'_>, at: usize, worker: &Worker, ends_run: bool) {
    let job = worker.job;
    let read = |world: &World| history::changes(world, job.event);
    steps.read("it looks for changes after its failure", read, |_, world, changes| {
        let is_over = changes
            .is_some_and(|changes| changes.stage == Stage::Forgotten || is_forgotten(world, job, &changes));
        let worker = &mut world.workers[at];
        worker.at = match changes {
            Some(changes) if changes.stage == Stage::InDoubt => {
                (worker.failure, worker.delivery) = (Some(Failure::permanent(Reason::DeliveryUnknown)), None);
                At::WriteLetter
            }
            Some(_) if is_over => {
                (worker.failure, worker.delivery) = (None, None);
                At::GiveUpForgotten
            }
            Some(_) | None if ends_run => At::RecordGivenUp,
            Some(_) | None => At::RecordFailed,
        };
    });
}

/// Ends the turn silently.
pub(super) fn give_up_forgotten(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let job = worker.job;
    let record = move |model: &Model, world: &mut World| {
        let _ = history::step(model, world, job, &TurnStep::Forgotten);
    };
    steps.call("forgotten is recorded at last", true, record, |_, world, _| {
        world.workers[at].at = At::Acknowledge;
    });
}

/// Writes the dead letter. Without it the job comes again.
pub(super) fn write_letter(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let Worker { job, failure: Some(failure), .. } = *worker else { return };
    let write = move |_: &Model, world: &mut World| {
        let overlaps = world.workers[at].ghost_overlaps;
        let event = world.event_mut(job.event);
        let is_known = overlaps || failure.is_recalled;
        let is_true = is_known || invariants::may_be_written(event, failure.reason.0);
        event.letter = Some(DeadLetter { reason: failure.reason });
        event.ghost_had_letter = true;
        if !is_true {
            world.breaks(Invariant::TruthfulLetters);
        }
    };
    steps.call("the dead letter is written", false, write, |_, world, done| {
        let worker = &mut world.workers[at];
        (worker.failure, worker.delivery) = (None, None);
        // A person who talks with the staff gets no apology.
        let is_told = failure.reason.0 != Reason::Paused;
        worker.at = match done {
            Some(()) if is_told => At::LookBeforeApology,
            Some(()) => At::Acknowledge,
            None => At::HandBack,
        };
    });
}

/// Looks for changes, because a person who unsent the message gets no apology.
pub(super) fn look_before_apology(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let job = worker.job;
    if steps.before.event(job.event).kind == Kind::Unfollow {
        steps.step("nobody is told", |_, world| world.workers[at].at = At::Acknowledge);
        return;
    }
    let read = |world: &World| history::changes(world, job.event);
    steps.read("it looks before it apologises", read, |_, world, changes| {
        let is_silent = changes.is_some_and(|changes| is_forgotten(world, job, &changes));
        world.workers[at].at = if is_silent { At::Acknowledge } else { At::MarkNotified };
    });
}

/// Records the apology, which is refused where the answer may have arrived.
pub(super) fn mark_notified(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let job = worker.job;
    let mark = move |model: &Model, world: &mut World| {
        let now = world.now();
        let is_due = history::step(model, world, job, &TurnStep::Notified { now }).is_ok();
        let first = world.event(job.event).rows[0].0.notified_at;
        is_due && first.is_some_and(|first| key_is_alive(first, now))
    };
    steps.call("it is marked that the person is told", true, mark, |_, world, due| {
        world.workers[at].at = if due == Some(true) { At::Apologise } else { At::Acknowledge };
    });
}

/// Sends the apology.
pub(super) fn apologise(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let event = worker.job.event;
    let done = |world: &mut World| world.workers[at].at = At::Acknowledge;
    steps.step("LINE takes the apology", |_, world| {
        line::take_apology(world, event);
        done(world);
    });
    steps.disturb(Disturbance::Line, "the apology has no answer", "LINE took it", |_, world| {
        line::take_apology(world, event);
    });
    steps.disturb(Disturbance::Line, "the apology has no answer", "LINE did not take it", |_, world| {
        done(world);
    });
}

/// Acknowledges the jobs. If the lease is lost the queue refuses that, at the latest once another worker has the job.
pub(super) fn acknowledge(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let (queue, holder) = (&steps.before.queue, u8::try_from(at).ok());
    let jobs = [Some(worker.job), worker.other];
    let is_one = |queued: &Queued| jobs.contains(&Some(queued.job));
    let is_lost = queue.iter().any(|queued| is_one(queued) && queued.holder.is_none());
    steps.step("the job is acknowledged", |_, world| {
        world.queue.retain(|queued| !is_one(queued) || queued.holder != holder);
        release(world, at);
    });
    if is_lost {
        steps.step("the job is acknowledged late", |_, world| {
            world
                .queue
                .retain(|queued| !is_one(queued) || queued.holder.is_some_and(|it| Some(it) != holder));
            release(world, at);
        });
    }
}

/// Hands the jobs back. Of two that were answered together the earlier one is done.
pub(super) fn hand_back(steps: &mut Steps<'_>, at: usize) {
    let worker = steps.before.workers[at];
    steps.step("the job is handed back", |_, world| {
        let holder = u8::try_from(at).ok();
        if worker.is_merged
            && let Some(other) = worker.other
        {
            world.queue.retain(|queued| queued.job != other || queued.holder != holder);
        }
        release(world, at);
    });
}
