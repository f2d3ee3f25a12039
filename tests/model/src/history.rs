//! The history as both stores keep it: each step of a turn by the table, and beside it the message rows, the unsent
//! messages, and the forget marker of a conversation. Each function is atomic.

use worker::{
    history::{LastAttempt, PushProgress, PushState, SendMethod, Stage},
    rules::turn::{Conflict, TurnState, TurnStep},
};

use crate::{
    invariants::Invariant,
    setting::{Kind, Model},
    world::{Answer, Events, Job, Marker, Row, World},
};

/// The turn as an attempt gets it when it begins.
pub struct Begun {
    /// The attempts begun in this run.
    pub attempts: u32,
    /// The fencing token of this attempt.
    pub begun: u32,
    /// The end of the attempt before.
    pub last: LastAttempt,
    /// The stage of the turn.
    pub stage: Stage<PushProgress>,
}

/// The changes to a message, its turn and its conversation.
#[derive(Clone, Copy)]
pub struct Changes {
    /// The stage of the turn.
    pub stage: Stage<PushProgress>,
    /// The number of edits of the message.
    pub edits: u8,
    /// Whether the message was unsent.
    pub unsent: bool,
    /// The number of other questions that have the turn's answer.
    pub others: u8,
    /// The forget marker of the conversation.
    pub marker: Option<Marker>,
    /// Whether the chat is paused.
    pub is_paused: bool,
}

impl Changes {
    /// Whether the message was unsent, and no other question waits for its answer.
    pub fn is_taken_back(&self) -> bool {
        self.unsent && self.others == 0
    }
}

/// The result of storing an answer.
pub enum StoreResult {
    /// The answer is stored.
    Stored(PushProgress),
    /// Another answer was stored before.
    Existing(Stage<PushProgress>),
    /// Another of the draft's questions has an answer.
    Overtaken,
    /// The stored answer would be for other questions than it was made for.
    Changed,
    /// A question of the answer was unsent or forgotten.
    Forgotten,
    /// Another attempt has begun since.
    BegunSince,
}

/// Returns the turn as a run sees it.
fn row(model: &Model, world: &World, Job { event, run }: Job) -> TurnState {
    let rows = &world.event(event).rows;
    rows.get(usize::from(run)).map_or_else(
        || {
            let newest = &rows[rows.len() - 1].0;
            let redriven = TurnStep::Redriven { run: Some("run") };
            (model.rules.apply)(newest, &redriven).unwrap_or_else(|_| newest.clone())
        },
        |row| row.0.clone(),
    )
}

/// Writes a row. Of the push state it keeps only the time since which the outcome is unknown.
fn write(world: &mut World, Job { event, run }: Job, mut new: TurnState) {
    if let Stage::Stored(progress) = &mut new.stage {
        progress.state = PushState::of_row(progress.state.unknown_since());
    }
    let event = world.event_mut(event);
    if event.rows.len() <= run.into() {
        event.rows.resize(usize::from(run) + 1, Row(new.clone()));
    }
    event.rows[usize::from(run)] = Row(new.clone());
    for Row(row) in &mut event.rows {
        (row.stage, row.begun, row.notified_at) = (new.stage, new.begun, new.notified_at);
    }
}

/// Applies one step to a turn.
pub fn step(model: &Model, world: &mut World, job: Job, step: &TurnStep<'_>) -> Result<(), Conflict> {
    let before = row(model, world, job);
    let after = (model.rules.apply)(&before, step)?;
    if matches!(step, TurnStep::Failed { .. } | TurnStep::Delivered | TurnStep::Forgotten) {
        world.event_mut(job.event).ghost_died = false;
    }
    if matches!(step, TurnStep::Replying { .. }) {
        let event = world.event_mut(job.event);
        event.ghost_replies_only = Some(event.redrives);
    }
    write(world, job, after);
    Ok(())
}

/// Models `History::begin`.
pub fn begin(model: &Model, world: &mut World, job: Job) -> Begun {
    let before = row(model, world, job);
    let after = match (model.rules.apply)(&before, &TurnStep::Begun) {
        Ok(after) => {
            write(world, job, after.clone());
            after
        }
        Err(_) => before.clone(),
    };
    // The stage is read from the row, which cannot say that a push is untried.
    let stage = world.event(job.event).stage();
    Begun { attempts: after.attempts, begun: after.begun, last: before.last, stage }
}

/// Models `History::conversation_changes`.
pub fn changes(world: &World, event: u8) -> Changes {
    let of = world.event(event);
    Changes {
        stage: of.stage(),
        edits: of.edits,
        unsent: of.is_unsent,
        others: others(world, event),
        marker: world.marker,
        is_paused: world.is_paused,
    }
}

fn others(world: &World, event: u8) -> u8 {
    linked(world, event).count_ones().try_into().unwrap_or(u8::MAX)
}

/// Returns the other questions that have the answer of this turn.
fn linked(world: &World, event: u8) -> Events {
    let linked = world.events.iter().enumerate().filter(|(_, other)| other.asked == Some(Some(event)));
    linked.fold(0, |all, (other, _)| all | 1 << other)
}

/// An answer to a job, and to another job that is merged with it, with the history as it was seen.
#[derive(Clone, Copy)]
pub struct Draft {
    /// The job.
    pub job: Job,
    /// The fencing token of the attempt.
    pub by: Option<u32>,
    /// The job that is merged with it.
    pub other: Option<Job>,
    /// The marker that was seen.
    pub marker: Option<Marker>,
    /// The number of edits of its message that was seen.
    pub edits: u8,
    /// The number of other questions that was seen.
    pub others: u8,
    /// Whether nothing is said, because the chat is paused.
    pub is_silent: bool,
    /// The send method of the first part.
    pub method: SendMethod,
}

/// Models `History::store`.
pub fn store(model: &Model, world: &mut World, draft: Draft) -> StoreResult {
    let Draft { job, by, edits, other, marker: seen_marker, others: seen, is_silent, method } = draft;
    let now = world.now();
    let before = row(model, world, job);
    let own = match (model.rules.apply)(&before, &TurnStep::Stored { by, method, now }) {
        Ok(own) => own,
        Err(Conflict::Existing(stage)) => return StoreResult::Existing(stage),
        Err(_) => return StoreResult::BegunSince,
    };
    let kind = world.event(job.event).kind;
    let is_exchange = matches!(kind, Kind::Question { .. }) && !is_silent;
    let others = linked(world, job.event);
    let mut of = others | 1 << job.event;
    if is_exchange {
        if let Some(marker) = world.marker {
            if covers(world, marker, job.event) {
                return StoreResult::Forgotten;
            }
            let is_of_forgotten = other.is_some_and(|other| covers(world, marker, other.event));
            if is_of_forgotten || world.marker != seen_marker {
                return StoreResult::Changed;
            }
        }
        if !(model.rules.may_answer)(world.is_paused) {
            return StoreResult::Changed;
        }
        let is_current = |event: u8, seen: u8| (model.rules.is_current)(seen, world.event(event).edits);
        // No edit of the earlier question is known: it is merged only if it has none.
        if !is_current(job.event, edits) || other.is_some_and(|other| !is_current(other.event, 0)) {
            return StoreResult::Changed;
        }
        if others.count_ones() != u32::from(seen) {
            return StoreResult::Changed;
        }
        for Job { event, .. } in other.into_iter().chain([job]) {
            if world.event(event).is_unsent {
                return StoreResult::Forgotten;
            }
        }
        if let Some(other) = other {
            let Ok(over) = (model.rules.apply)(&row(model, world, other), &TurnStep::Merged) else {
                return StoreResult::Overtaken;
            };
            of |= 1 << other.event;
            write(world, other, over);
            let other = world.event_mut(other.event);
            (other.asked, other.ghost_merged) = (Some(Some(job.event)), Some(job.event));
        }
        if world.is_paused {
            world.breaks(Invariant::NothingInPause);
        }
        if world.event(job.event).edits > edits {
            world.breaks(Invariant::AnsweredAsChanged);
        }
        world.event_mut(job.event).asked = Some(None);
    }
    write(world, job, own);
    let event = world.event_mut(job.event);
    let version = event.answer.version + 1;
    let parts = if is_silent { 0 } else { kind.parts() };
    event.answer = Answer { parts, of, is_exchange, version };
    event.ghost_silenced |= is_silent;
    event.ghost_stored = true;
    StoreResult::Stored(PushProgress { pushed: 0, state: PushState::Untried { since: now }, method })
}

/// Models `ForgetMarker::covers`: whether an event came no later than the forgotten ones.
pub fn covers(world: &World, marker: Marker, event: u8) -> bool {
    matches!(world.event(event).kind, Kind::Question { .. }) && event <= marker.until
}

/// Models `History::edit`: changes a message, unless it was answered or unsent.
pub fn edit(world: &mut World, event: u8) {
    let of = world.event_mut(event);
    if of.asked.is_none() && !of.is_unsent {
        of.edits += 1;
    }
}

/// Models `History::forget` of a conversation up to this event.
pub fn forget_conversation(model: &Model, world: &mut World, until: u8) {
    let mut answers: Events = 0;
    for event in 0..=until {
        let of = world.event_mut(event);
        of.ghost_forgotten |= matches!(of.kind, Kind::Question { .. });
        if let Some(answered_by) = of.asked.take() {
            answers |= 1 << answered_by.unwrap_or(event);
        }
    }
    for event in (0..u8::MAX).take(world.events.len()).filter(|event| answers & (1 << event) != 0) {
        if is_owed(world, event) {
            delete_answer(model, world, event);
        } else {
            let _ = step_of_event(model, world, event, &TurnStep::ConversationForgotten);
        }
    }
    let until = world.marker.map_or(until, |before| before.until.max(until));
    world.marker = Some(Marker { number: world.forgets, until });
    world.forgets += 1;
}

/// Whether a question waits for the answer of a turn.
fn is_owed(world: &World, event: u8) -> bool {
    world.event(event).asked.is_some() || linked(world, event) != 0
}

/// Models the first half of `History::forget` of a message: from now on nobody stores it.
pub fn take_back(world: &mut World, event: u8) {
    let event = world.event_mut(event);
    (event.is_unsent, event.is_unsend_under_way) = (true, true);
}

/// Models the second half: deletes the stored rows. On SQLite both halves are one step.
pub fn delete_message(model: &Model, world: &mut World, event: u8) {
    world.event_mut(event).is_unsend_under_way = false;
    match world.event_mut(event).asked.take() {
        None => {}
        Some(None) => delete_answer(model, world, event),
        Some(Some(other)) => {
            let _ = step_of_event(model, world, event, &TurnStep::Unsent);
            delete_answer(model, world, other);
        }
    }
}

/// Deletes the answer of a turn after one of its questions was deleted.
fn delete_answer(model: &Model, world: &mut World, event: u8) {
    let before = world.event(event).stage();
    if before == Stage::Open {
        return;
    }
    let is_owed = is_owed(world, event);
    let _ = step_of_event(model, world, event, &TurnStep::AnswerUnsent { is_owed });
    if world.event(event).stage() == Stage::Open {
        let event = world.event_mut(event);
        (event.asked, event.ghost_stored) = (None, false);
        event.ghost_replies_only = None;
        return;
    }
    for other in &mut world.events {
        if other.asked == Some(Some(event)) {
            other.asked = Some(None);
        }
    }
}

/// Applies a step that belongs to no run.
fn step_of_event(model: &Model, world: &mut World, event: u8, of: &TurnStep<'_>) -> Result<(), Conflict> {
    let newest = u8::try_from(world.event(event).rows.len() - 1).unwrap_or(u8::MAX);
    step(model, world, Job { event, run: newest }, of)
}

/// Permits a push of an answer that may have arrived, as an operator does; returns false if no answer is stored.
pub fn risk_resending(model: &Model, world: &mut World, event: u8) -> bool {
    let now = world.now();
    step_of_event(model, world, event, &TurnStep::ResendRisked { now }).is_ok()
}
