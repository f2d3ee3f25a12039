//! Events beside the work of the workers: webhooks, people who unsend messages, the operator, time.

use crate::{
    history,
    invariants::{LetterState, letter_state},
    setting::{Disturbance, Kind},
    steps::Steps,
    worker::Worker,
    world::{Job, Queued},
};

/// Adds the steps of everybody except the workers.
pub fn next(steps: &mut Steps<'_>) {
    let (model, before) = (steps.model, steps.before);
    if let Some(kind) = model.setting.said.get(before.events.len()) {
        steps.step("a webhook comes", |_, world| world.hear(*kind));
    }
    for event in 0..before.events.len() {
        let event = u8::try_from(event).unwrap_or(u8::MAX);
        of_event(steps, event);
    }
    for (at, queued) in before.queue.iter().enumerate() {
        if queued.holder.is_some() {
            steps.disturb(Disturbance::LeaseEnds, "a lease ends", "", |_, world| {
                world.queue[at].holder = None;
            });
        }
    }
    if let Some(newest) = before.events.len().checked_sub(1) {
        steps.disturb(Disturbance::Forget, "the operator forgets the conversation", "", |model, world| {
            history::forget_conversation(model, world, u8::try_from(newest).unwrap_or(u8::MAX));
        });
    }
    if before.is_paused {
        steps.step("the pause ends", |_, world| world.is_paused = false);
    } else {
        steps.disturb(Disturbance::Pause, "the chat is paused", "", |_, world| world.is_paused = true);
    }
    // Time passes only between attempts, because no attempt lasts so long.
    if before.workers.iter().all(Worker::is_idle) && !before.events.is_empty() {
        steps.disturb(Disturbance::HalfDay, "half a day passes", "", |_, world| {
            world.half_days += 1;
            for event in &mut world.events {
                event.token_is_old = true;
            }
        });
    }
}

fn of_event(steps: &mut Steps<'_>, event: u8) {
    let (model, before) = (steps.model, steps.before);
    let of = before.event(event);
    steps.disturb(Disturbance::Duplicate, "a webhook comes again", "", |_, world| {
        world.queue.push(Queued { job: Job { event, run: 0 }, holder: None });
    });
    if model.setting.has_replies() && !of.token_is_old {
        steps.step("a reply token grows too old", |_, world| world.event_mut(event).token_is_old = true);
    }
    if matches!(of.kind, Kind::Question { .. }) && !of.is_unsent {
        steps.disturb(Disturbance::Unsend, "a message is taken back", "", |_, world| {
            history::take_back(world, event);
        });
    }
    if matches!(of.kind, Kind::Question { .. }) {
        steps.disturb(Disturbance::Edit, "a message is changed", "", |_, world| history::edit(world, event));
    }
    if of.is_unsend_under_way {
        steps.step("what is stored of the message is deleted", |model, world| {
            history::delete_message(model, world, event);
        });
    }
    // The operator acts only after the worker that wrote the letter has ended, because no operator is so fast.
    if of.letter.is_some()
        && !before.workers.iter().any(|worker| !worker.is_idle() && worker.job.event == event)
    {
        match letter_state(before, of) {
            LetterState::Delivered | LetterState::Forgotten => {
                steps.disturb(
                    Disturbance::Redrive,
                    "the operator redrives a letter",
                    "it is over",
                    |_, world| {
                        world.event_mut(event).letter = None;
                    },
                );
            }
            LetterState::DeliveryUnknown => {
                steps.disturb(
                    Disturbance::Resend,
                    "the operator redrives a letter",
                    "at the risk of saying it twice",
                    |model, world| {
                        if history::risk_resending(model, world, event) {
                            world.event_mut(event).ghost_risked = true;
                            redrive(world, event);
                        }
                    },
                );
            }
            LetterState::Unanswered | LetterState::Answered => {
                steps.disturb(Disturbance::Redrive, "the operator redrives a letter", "", |_, world| {
                    redrive(world, event);
                });
            }
        }
    }
}

fn redrive(world: &mut crate::world::World, event: u8) {
    let of = world.event_mut(event);
    (of.letter, of.redrives, of.ghost_died) = (None, of.redrives + 1, false);
    let job = Job { event, run: of.redrives };
    world.queue.push(Queued { job, holder: None });
}
