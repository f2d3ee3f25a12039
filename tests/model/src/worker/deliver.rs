//! From the stored answer to the person's view of it.

use worker::{
    failure::Reason,
    history::{PushProgress, PushState, SendMethod, Stage},
    rules::turn::TurnStep,
};

use super::{At, Failure, Worker, deliver, fail, is_forgotten};
use crate::{
    history::{self, Changes},
    invariants, line,
    setting::{Disturbance, Kind, Model},
    steps::Steps,
    world::{Job, Progress, Why, World},
};

/// The number of retries of a request within an attempt.
const TRIES: u8 = 1;

/// Returns the step for the next part.
pub(super) fn next_push(progress: PushProgress, parts: u8) -> At {
    match progress.state {
        _ if progress.pushed >= parts.into() => At::RecordDelivered,
        PushState::Refused => At::RecordPushing,
        PushState::Untried { .. } | PushState::Unknown { .. } => At::Push,
    }
}

/// Makes the failure of an attempt that reached its deadline during the delivery.
fn out_of_time() -> Failure {
    Failure::retryable(Reason::DeliveryUnknown)
}

fn progress(worker: &Worker) -> PushProgress {
    let none = PushProgress { pushed: 0, state: PushState::Refused, method: SendMethod::Push };
    worker.delivery.map_or(none, |delivery| delivery.0)
}

/// Keeps the knowledge of the pushes, and continues with the next part.
fn go_on(world: &mut World, at: usize, progress: PushProgress) {
    let worker = &mut world.workers[at];
    worker.delivery = Some(Progress(progress));
    worker.at = next_push(progress, worker.ghost_answer.parts);
}

/// Looks for changes, because an earlier attempt stored the answer.
pub(super) fn look_before(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let (job, delivery) = (worker.job, progress(worker));
    let read = |world: &World| history::changes(world, job.event);
    steps.read("it looks what was taken back", read, |model, world, changes| {
        let Some(changes) = changes else {
            return fail(model, world, at, Failure::retryable(Reason::StorageFailed));
        };
        if changes.stage == Stage::InDoubt {
            return fail(model, world, at, Failure::permanent(Reason::DeliveryUnknown));
        }
        if changes.stage == Stage::Forgotten || is_forgotten(world, job, &changes) {
            let worker = &mut world.workers[at];
            (worker.delivery, worker.at) = (None, At::LookForOthers);
            return;
        }
        if is_stopped(model, world, job, &changes) {
            return stop_in_pause(model, world, at);
        }
        let answer = world.workers[at].ghost_answer;
        deliver(world, at, delivery);
        world.workers[at].ghost_answer = answer;
        looked(world, at);
        looked_at_pause(world, at);
    });
}

/// Adds requests with an unknown outcome. LINE took it or not; the attempt continues, or is out of time.
fn unknown_outcomes(
    steps: &mut Steps<'_>,
    at: usize,
    what: &'static str,
    take: impl Fn(&mut World),
    then: impl Fn(&mut World),
) {
    let line = Disturbance::Line;
    for (how, is_taken) in [("LINE took it", true), ("LINE did not take it", false)] {
        steps.disturb(line, what, how, |_, world| {
            if is_taken {
                take(world);
            }
            then(world);
        });
    }
    steps.disturb(line, what, "LINE took it, and the attempt is out of time", |model, world| {
        take(world);
        fail(model, world, at, out_of_time());
    });
}

/// Replies with the first part.
pub(super) fn reply(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let event = steps.before.event(worker.job.event);
    if progress(worker).state == PushState::Refused {
        steps.step("an attempt before it knows that it was not said", |model, world| {
            replied_in_vain(model, world, at, false);
        });
        return;
    }
    if worker.job.run > 0 || event.token_is_old {
        steps.step("the reply token is too old to ask again", |model, world| {
            world.workers[at].was_unknown = true;
            replied_in_vain(model, world, at, false);
        });
        return;
    }
    if event.token_is_used {
        steps.step("LINE refuses the reply, whose token was used", |model, world| {
            replied_in_vain(model, world, at, false);
        });
    } else {
        steps.step("LINE takes the reply", |_, world| {
            line::take_reply(world, at);
            go_on(world, at, PushProgress { pushed: 1, state: PushState::Refused, method: SendMethod::Push });
        });
        steps.disturb(Disturbance::Line, "LINE refuses the reply", "", |model, world| {
            replied_in_vain(model, world, at, false);
        });
    }
    let failed = |world: &mut World| world.workers[at].at = At::ReplyFailed;
    let take = |world: &mut World| _ = line::take_reply(world, at);
    unknown_outcomes(steps, at, "the reply has no answer", take, |world| {
        world.workers[at].was_unknown = true;
        failed(world);
    });
    steps.disturb(Disturbance::Line, "LINE is too busy for the reply", "", |_, world| failed(world));
}

/// Tries the reply again, or stops trying.
pub(super) fn reply_failed(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    if worker.tries < TRIES {
        steps.step("it waits before it replies again", |_, world| {
            world.workers[at].tries += 1;
            world.workers[at].at = At::LookBeforeReply;
        });
    }
    steps.step("it does not reply again", |model, world| replied_in_vain(model, world, at, true));
}

/// Ends a delivery for which no reply succeeded.
fn replied_in_vain(model: &Model, world: &mut World, at: usize, is_passing: bool) {
    let worker = &mut world.workers[at];
    let is_known = matches!(progress(worker).state, PushState::Untried { .. } | PushState::Refused);
    if !worker.was_unknown && is_known {
        if progress(worker).method == SendMethod::ReplyOnly {
            let refused = PushProgress { state: PushState::Refused, ..progress(worker) };
            worker.delivery = Some(Progress(refused));
            let failure = Failure { has_delivery: true, ..Failure::permanent(Reason::LineQuota) };
            return fail(model, world, at, failure);
        }
        worker.at = At::RecordNotReplied;
        return;
    }
    let is_alive = worker.job.run == 0 && !world.event(world.workers[at].job.event).token_is_old;
    let failure = Failure { has_delivery: true, ..Failure::retryable(Reason::DeliveryUnknown) };
    fail(model, world, at, Failure { is_passing: is_passing && is_alive, ..failure });
}

/// Records that LINE certainly did not take the reply; the part is then pushed.
pub(super) fn record_not_replied(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let (job, by, before) = (worker.job, Some(worker.turn.begun), progress(worker));
    let record = |model: &Model, world: &mut World| {
        let now = world.now();
        history::step(model, world, job, &TurnStep::NotReplied { by, now })
    };
    steps.call("it is recorded that LINE did not take the reply", true, record, |model, world, done| {
        match done {
            Some(Ok(())) => {
                looked(world, at);
                let state = PushState::Untried { since: world.now() };
                world.workers[at].tries = 0;
                go_on(world, at, PushProgress { state, method: SendMethod::Push, ..before });
            }
            Some(Err(_)) | None => fail(model, world, at, Failure::retryable(Reason::StorageFailed)),
        }
    });
}

/// Records that the answer goes by the free reply, because the month's messages are used up.
pub(super) fn record_replying(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let (job, by) = (worker.job, Some(worker.turn.begun));
    let record = |model: &Model, world: &mut World| {
        let now = world.now();
        history::step(model, world, job, &TurnStep::Replying { by, now })
    };
    steps.call("it is recorded that it replies", true, record, |model, world, done| match done {
        Some(Ok(())) => {
            looked(world, at);
            let state = PushState::Untried { since: world.now() };
            let worker = &mut world.workers[at];
            worker.delivery =
                Some(Progress(PushProgress { pushed: 0, state, method: SendMethod::ReplyOnly }));
            (worker.failure, worker.tries, worker.at) = (None, 0, At::Reply);
        }
        Some(Err(_)) | None => fail(model, world, at, Failure::retryable(Reason::StorageFailed)),
    });
}

/// Pushes the next part.
pub(super) fn push(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let delivery = progress(worker);
    if !invariants::may_be_pushed(steps.before, &delivery) {
        steps.step("LINE may have the push and knows its key no longer", |model, world| {
            let failure = Failure { has_delivery: true, ..Failure::permanent(Reason::DeliveryUnknown) };
            fail(model, world, at, failure);
        });
        return;
    }
    steps.step("LINE takes the push", |model, world| {
        line::get_push(world, at);
        line::take_push(world, at);
        let worker = &mut world.workers[at];
        let (pushed, state) = (delivery.pushed + 1, (model.rules.of_next_part)(delivery.state));
        worker.tries = 0;
        go_on(world, at, PushProgress { pushed, state, ..delivery });
        let worker = &mut world.workers[at];
        if pushed < worker.ghost_answer.parts.into() {
            worker.at = At::LookBeforePush;
        }
    });
    let take = |world: &mut World| line::take_push(world, at);
    unknown_outcomes(steps, at, "the push has no answer", take, |world| {
        let unknown = PushProgress { state: delivery.state.after_unknown_outcome(), ..delivery };
        push_failed_with(world, at, unknown, Failure::retryable(Reason::DeliveryUnknown));
    });
    for (kind, what, failure) in [
        (Disturbance::Line, "LINE is too busy for the push", Failure::retryable(Reason::LineRejected)),
        (Disturbance::Line, "LINE refuses the push", Failure::permanent(Reason::LineRejected)),
        (Disturbance::Month, "the month is used up", Failure::permanent(Reason::LineQuota)),
    ] {
        steps.disturb(kind, what, "", |_, world| push_failed_with(world, at, delivery, failure));
    }
}

/// Handles a push that failed: if LINE certainly has none of the tries, that is recorded first.
fn push_failed_with(world: &mut World, at: usize, delivery: PushProgress, failure: Failure) {
    line::get_push(world, at);
    let is_unknown = matches!(delivery.state, PushState::Unknown { .. });
    let (reason, state, next) = if is_unknown {
        (Why(Reason::DeliveryUnknown), delivery.state, At::PushFailed)
    } else {
        (failure.reason, PushState::Refused, At::RecordRefused)
    };
    let failure = Failure { reason, has_delivery: true, ..failure };
    let worker = &mut world.workers[at];
    worker.delivery = Some(Progress(PushProgress { state, ..delivery }));
    (worker.failure, worker.at) = (Some(failure), next);
}

/// Records the refusal before the pause, so that an answer that certainly nobody has is made again if a part of its
/// questions is taken back meanwhile.
pub(super) fn record_refused(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let Worker { job, failure: Some(failure), .. } = *worker else { return };
    let (by, reason, progress) = (Some(worker.turn.begun), failure.reason.0, Some(progress(worker)));
    let record = |model: &Model, world: &mut World| {
        let step = TurnStep::Failed { by, reason, progress, gave_up: false, cost: None };
        let _ = history::step(model, world, job, &step);
    };
    steps.call("it is recorded that LINE refused the push", true, record, |_, world, _| {
        world.workers[at].at = At::PushFailed;
    });
}

/// Tries the push again, or stops trying.
pub(super) fn push_failed(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let Some(failure) = worker.failure else { return };
    if failure.is_passing && worker.tries < TRIES {
        steps.step("it waits before it pushes again", |_, world| {
            let worker = &mut world.workers[at];
            worker.tries += 1;
            (worker.failure, worker.at) = (None, At::LookBeforePush);
        });
    }
    if may_reply(steps.before, worker, failure) {
        steps.step("it replies instead", |_, world| world.workers[at].at = At::RecordReplying);
        return;
    }
    steps.step("it does not push again", |model, world| fail(model, world, at, failure));
}

/// Models `reply_token::replaces_push`, but for a reply that was tried before, which LINE refuses again.
fn may_reply(world: &World, worker: &Worker, failure: Failure) -> bool {
    failure.reason.0 == Reason::LineQuota
        && progress(worker).is_unsaid()
        && worker.ghost_answer.parts == 1
        && worker.job.run == 0
        && !world.event(worker.job.event).token_is_old
}

/// Records that a refused push is tried again. From here on a crash leaves its outcome unknown.
pub(super) fn record_pushing(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let (job, by, before) = (worker.job, Some(worker.turn.begun), progress(worker));
    let record = |model: &Model, world: &mut World| {
        let now = world.now();
        history::step(model, world, job, &TurnStep::Pushing { by, pushed: before.pushed, now })
    };
    steps.call("it is recorded that a push is tried", true, record, |model, world, done| match done {
        Some(Ok(())) => {
            looked(world, at);
            let state = PushState::Untried { since: world.now() };
            go_on(world, at, PushProgress { state, method: SendMethod::Push, ..before });
        }
        Some(Err(_)) | None => fail(model, world, at, Failure::retryable(Reason::StorageFailed)),
    });
    out_of_time_instead(steps, at, worker);
}

/// Looks whether a part of the answer was taken back, before more of it is sent.
pub(super) fn look(steps: &mut Steps<'_>, at: usize, worker: &Worker, then: At) {
    let (job, delivery) = (worker.job, progress(worker));
    let read = |world: &World| history::changes(world, job.event);
    steps.read("it looks whether it was taken back", read, |model, world, changes| {
        let go_on = |world: &mut World| match then {
            At::Push => go_on(world, at, delivery),
            other => world.workers[at].at = other,
        };
        // A failed look does not stop the delivery.
        let Some(changes) = changes else { return go_on(world) };
        if let Some(failure) = refusal(world, job, &changes) {
            return fail(model, world, at, failure);
        }
        if is_stopped(model, world, job, &changes) {
            return stop_in_pause(model, world, at);
        }
        looked(world, at);
        looked_at_pause(world, at);
        go_on(world);
    });
    out_of_time_instead(steps, at, worker);
}

/// Returns the reason to send nothing more of an answer.
fn refusal(world: &World, job: Job, changes: &Changes) -> Option<Failure> {
    match changes.stage {
        Stage::InDoubt => Some(Failure::permanent(Reason::DeliveryUnknown)),
        Stage::Open => Some(Failure::retryable(Reason::LineRejected)),
        Stage::Stored(_) | Stage::Delivered if !is_forgotten(world, job, changes) => None,
        Stage::Stored(_) | Stage::Delivered | Stage::Forgotten => Some(Failure::permanent(Reason::Internal)),
    }
}

/// Models `handoff::ensure_not_paused`.
fn is_stopped(model: &Model, world: &World, job: Job, changes: &Changes) -> bool {
    is_held_by_pause(world, job, changes.stage) && !(model.rules.may_send)(changes.is_paused)
}

/// Whether a pause would hold an answer back: that of a question of which certainly nothing arrived, or that an operator
/// redrives. The command to forget acts in a pause.
fn is_held_by_pause(world: &World, job: Job, stage: Stage<PushProgress>) -> bool {
    let is_unsaid = matches!(stage, Stage::Stored(progress) if progress.is_unsaid());
    (job.run > 0 || is_unsaid) && matches!(world.event(job.event).kind, Kind::Question { .. })
}

/// Ends a turn in silence, because its chat is paused. The letter of a redriven one stays.
fn stop_in_pause(model: &Model, world: &mut World, at: usize) {
    let job = world.workers[at].job;
    fail(model, world, at, Failure::permanent(Reason::Paused));
    if job.run == 0 {
        world.event_mut(job.event).ghost_silenced = true;
        let worker = &mut world.workers[at];
        (worker.failure, worker.at) = (None, At::GiveUpForgotten);
    }
}

/// Notes whether the answer is clean after a look.
fn looked(world: &mut World, at: usize) {
    let is_clean = !world.is_taken_back(&world.workers[at].ghost_answer);
    world.workers[at].ghost_is_clean = is_clean;
}

/// Notes whether a pause forbids the answer after a look that tells of pauses.
fn looked_at_pause(world: &mut World, at: usize) {
    let job = world.workers[at].job;
    let is_held = is_held_by_pause(world, job, world.event(job.event).stage());
    world.workers[at].ghost_is_paused = world.is_paused && is_held;
}

/// Adds the end of the attempt's time while no request is under way.
fn out_of_time_instead(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let mut before = progress(worker);
    if worker.was_unknown {
        before.state = before.state.after_unknown_outcome();
    }
    steps.disturb(Disturbance::LostCall, "the attempt is out of time", "", |model, world| {
        let (reason, state) = match before.state {
            PushState::Unknown { .. } => (Reason::DeliveryUnknown, before.state),
            PushState::Untried { .. } | PushState::Refused => (Reason::Internal, PushState::Refused),
        };
        world.workers[at].delivery = Some(Progress(PushProgress { state, ..before }));
        fail(model, world, at, Failure { has_delivery: true, ..Failure::retryable(reason) });
    });
}
