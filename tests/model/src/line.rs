//! LINE, and the person behind it.

use crate::{
    invariants::Invariant,
    setting::Kind,
    worker::Worker,
    world::{Event, Job, World},
};

/// Gets a push of the worker's answer, whatever LINE makes of it.
pub fn get_push(world: &mut World, at: usize) {
    let Job { event, run } = world.workers[at].job;
    if world.event(event).ghost_replies_only.is_some_and(|redrives| run <= redrives) {
        world.breaks(Invariant::RepliesOnly);
    }
}

/// Takes a push of the worker's answer, unless LINE knows the retry key.
pub fn take_push(world: &mut World, at: usize) {
    let Worker { job, delivery: Some(delivery), .. } = world.workers[at] else { return };
    let part = delivery.0.pushed as usize;
    if !world.is_known(world.event(job.event).keys[part]) {
        world.event_mut(job.event).keys[part] = Some(world.half_days);
        see(world, at, part);
    }
}

/// Takes the free reply of the worker's answer; returns false if its token was used or is too old.
pub fn take_reply(world: &mut World, at: usize) -> bool {
    let event = world.event_mut(world.workers[at].job.event);
    if event.token_is_used || event.token_is_old {
        return false;
    }
    event.token_is_used = true;
    see(world, at, 0);
    true
}

/// Takes the apology, unless LINE knows the retry key.
pub fn take_apology(world: &mut World, number: u8) {
    if world.is_known(world.event(number).apology_key) {
        return;
    }
    let half_days = world.half_days;
    let event = world.event_mut(number);
    event.apology_key = Some(half_days);
    event.ghost_apologies += 1;
    let (times, has_answer) = (event.ghost_apologies, event.ghost_said[0] > 0);
    if times > 1 {
        world.breaks(Invariant::SaidOnce);
    }
    if has_answer {
        world.breaks(Invariant::ToldTruthfully);
    }
}

/// Shows the person a part of an answer.
fn see(world: &mut World, at: usize, part: usize) {
    let worker = &world.workers[at];
    let (job, answer, is_clean, was_over) =
        (worker.job, worker.ghost_answer, worker.ghost_is_clean, worker.ghost_was_over);
    let is_paused = worker.ghost_is_paused;
    let is_elsewhere = world.events.iter().enumerate().any(|(other, event)| {
        other != usize::from(job.event) && event.ghost_said[0] > 0 && event.ghost_seen.of & answer.of != 0
    });
    // Jobs that forget overtake other jobs, and may be overtaken.
    let is_question = |event: &Event| matches!(event.kind, Kind::Question { .. });
    let mut later = world.events.iter().skip(usize::from(job.event) + 1);
    let is_overtaken = is_question(world.event(job.event))
        && later.any(|later| is_question(later) && later.ghost_said[0] > 0);
    let event = world.event_mut(job.event);
    event.ghost_said[part] += 1;
    let times = event.ghost_said[part];
    if part == 0 {
        event.ghost_seen = answer;
    }
    let is_torn = event.ghost_seen != answer;
    let (risked, told) = (event.ghost_risked, event.ghost_apologies > 0 && event.redrives == 0);
    let is_exempt = event.ghost_had_letter || event.is_unsent || event.ghost_forgotten;
    if times > 1 && !risked || is_torn || is_elsewhere {
        world.breaks(Invariant::SaidOnce);
    }
    if !is_clean {
        world.breaks(Invariant::NothingAfterTakenBack);
    }
    if is_paused {
        world.breaks(Invariant::NothingInPause);
    }
    if was_over {
        world.breaks(Invariant::OverIsOver);
    }
    if told {
        world.breaks(Invariant::ToldTruthfully);
    }
    if is_overtaken && !is_exempt {
        world.breaks(Invariant::InOrder);
    }
}
