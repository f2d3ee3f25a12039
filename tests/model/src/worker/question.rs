//! From a question to its stored answer.

use worker::{
    failure::Reason,
    history::{SendMethod, Stage},
};

use super::{At, Failure, Worker, deliver, fail, is_forgotten, merge};
use crate::{
    history::{self, Draft, StoreResult},
    invariants::Invariant,
    setting::{Disturbance, Kind, Model},
    steps::Steps,
    world::World,
};

/// Loads the conversation, and decides whether there is anything to answer.
pub(super) fn load(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let job = worker.job;
    let read = |world: &World| history::changes(world, job.event);
    steps.read("the conversation is loaded", read, |model, world, changes| {
        let Some(changes) = changes else {
            return fail(model, world, at, Failure::retryable(Reason::StorageFailed));
        };
        if is_forgotten(world, job, &changes) {
            return drafted_nothing(world, at, At::LookForOthers);
        }
        if changes.unsent {
            return fail(model, world, at, Failure::permanent(Reason::LineRejected));
        }
        let kind = world.event(job.event).kind;
        let is_silent = changes.is_paused && kind != Kind::Forget;
        if is_silent && world.workers[at].other.is_some() {
            return drafted_nothing(world, at, At::Load);
        }
        if is_silent && job.run > 0 {
            return fail(model, world, at, Failure::permanent(Reason::Paused));
        }
        let worker = &mut world.workers[at];
        (worker.marker, worker.edits, worker.others) = (changes.marker, changes.edits, changes.others);
        worker.is_silent = is_silent;
        worker.at = match kind {
            Kind::Forget => At::Obey,
            _ if is_silent => At::Store,
            Kind::Question { .. } | Kind::Unfollow => At::JobKind,
        };
    });
}

/// Ends a draft without an answer. Two jobs are then answered one by one.
fn drafted_nothing(world: &mut World, at: usize, alone: At) {
    let worker = &mut world.workers[at];
    (worker.marker, worker.edits, worker.others, worker.is_silent) = (None, 0, 0, false);
    if worker.other.is_some() {
        return merge::withdraw(world, at);
    }
    worker.at = alone;
}

/// Carries out a command or an unfollow.
pub(super) fn carry_out(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let (kind, until) = (steps.before.event(worker.job.event).kind, worker.job.event);
    let forget = |model: &Model, world: &mut World| history::forget_conversation(model, world, until);
    steps.call("the conversation is forgotten", true, forget, |model, world, done| match done {
        None if kind == Kind::Unfollow => world.workers[at].at = At::HandBack,
        None => fail(model, world, at, Failure::retryable(Reason::StorageFailed)),
        Some(()) => world.workers[at].at = if kind == Kind::Forget { At::Store } else { At::Acknowledge },
    });
}

/// Asks the model; the call is paid for.
pub(super) fn ask(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let Worker { job, turn, ghost_was_stored, ghost_was_over, .. } = *worker;
    let pay = move |model: &Model, world: &mut World| {
        if ghost_was_over {
            world.breaks(Invariant::OverIsOver);
        }
        if ghost_was_stored && world.event(job.event).ghost_stored {
            world.breaks(Invariant::PaidOnce);
        }
        if turn.attempts == 0 || turn.attempts > model.setting.max_attempts {
            world.breaks(Invariant::AttemptsAreLimited);
        }
    };
    steps.step("the model answers", |model, world| {
        pay(model, world);
        world.workers[at].at = At::Store;
    });
    for (how, failure) in [
        ("it is not available", Failure::retryable(Reason::ModelUnavailable)),
        ("it refuses", Failure::permanent(Reason::ModelRefused)),
    ] {
        steps.disturb(Disturbance::ModelFails, "the model fails", how, |model, world| {
            pay(model, world);
            fail(model, world, at, failure);
        });
    }
}

/// Stores the answer, as that of one turn.
pub(super) fn store(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    let Worker { job, turn, other, marker, edits, others, is_silent, .. } = *worker;
    let event = steps.before.event(job.event);
    let wants_reply = steps.model.setting.replies || event.kind == Kind::Forget;
    let is_good = job.run == 0 && !event.token_is_old;
    let method = if wants_reply && is_good { SendMethod::ReplyToken } else { SendMethod::Push };
    let draft = Draft { job, by: Some(turn.begun), other, marker, edits, others, is_silent, method };
    let effect = move |model: &Model, world: &mut World| history::store(model, world, draft);
    steps.call("the answer is stored", true, effect, |model, world, stored| {
        let Some(stored) = stored else {
            return fail(model, world, at, Failure::retryable(Reason::StorageFailed));
        };
        match (stored, other) {
            (StoreResult::Stored(progress), _) => deliver(world, at, progress),
            (_, Some(_)) => merge::withdraw(world, at),
            (StoreResult::Forgotten, None) => drafted_nothing(world, at, At::LookForOthers),
            (StoreResult::Changed, None) => drafted_nothing(world, at, At::Load),
            (StoreResult::Overtaken, None) => world.workers[at].at = At::Acknowledge,
            (StoreResult::BegunSince, None) => {
                fail(model, world, at, Failure::retryable(Reason::StorageFailed));
            }
            (StoreResult::Existing(stage), None) => exists(model, world, at, stage),
        }
    });
}

/// Continues at the stage of an answer that another attempt stored before.
fn exists(model: &Model, world: &mut World, at: usize, stage: Stage<worker::history::PushProgress>) {
    world.workers[at].at = match stage {
        Stage::Stored(progress) => return deliver(world, at, progress),
        Stage::InDoubt => return fail(model, world, at, Failure::permanent(Reason::DeliveryUnknown)),
        Stage::Forgotten => At::RecordForgotten,
        Stage::Delivered => At::RecordDelivered,
        Stage::Open => At::Acknowledge,
    };
}
