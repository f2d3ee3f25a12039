//! The invariants, which hold whatever happens.
//!
//! "Taken back" means from here on: an unsend whose `History::forget` has returned, or a conversation that was
//! forgotten after the answer was stored. "The last look" of an attempt is its last call of the history that could
//! have reported the change before the attempt asks LINE to send something.

use std::fmt;

use ::worker::{
    failure::Reason,
    history::{PushProgress, PushState, SendMethod, Stage, key_is_alive},
};

use crate::{
    setting::Kind,
    worker::Worker,
    world::{Event, World},
};

/// An invariant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Invariant {
    /// No part of an answer is seen twice, and no question is answered twice. The operator may risk it.
    SaidOnce,
    /// No attempt that begins after an answer was stored calls the model, unless that answer was deleted again
    /// because a part of its questions was taken back.
    PaidOnce,
    /// Once the queue is empty and no worker is busy, each question was answered, has a dead letter, was taken back
    /// or forgotten, came in a pause, or was merged into one for which this is true.
    NothingLost,
    /// The bot sends no answer that was taken back before the last look of the attempt that sends it.
    NothingAfterTakenBack,
    /// No stored answer belongs to an older text of its message than the history keeps.
    AnsweredAsChanged,
    /// The person saw the same answer as the history keeps.
    SaidAsStored,
    /// An answer that was taken back does not stay stored.
    NothingKept,
    /// The question that the queue took first is answered first, unless it was given up, or taken back while an
    /// attempt whose lease had ended was sending the answer.
    InOrder,
    /// A dead letter does not contradict the person's view: no letter says that the model failed or LINE refused
    /// where the person saw the whole answer, or that the outcome is unknown where the row says that certainly
    /// nothing arrived. No state says "never answered" where a part was seen, or "delivered" where a part was not. An
    /// attempt whose lease has ended may write an outdated letter while another attempt delivers: the letter then
    /// belongs to a delivered turn, and is shown so.
    TruthfulLetters,
    /// A person with a part of an answer gets no apology, and after an apology no answer comes without a redrive.
    ToldTruthfully,
    /// A turn that was over when an attempt began neither asks the model nor sends anything.
    OverIsOver,
    /// After an attempt in which a worker died, the next one runs alone.
    DeathsAreIsolated,
    /// A run has no more attempts than its maximum.
    AttemptsAreLimited,
    /// An answer that goes by the free reply, because the month's messages are used up, is not pushed any more, except
    /// after an operator's redrive.
    RepliesOnly,
    /// While a chat is paused, no answer of the model is stored. No attempt sends an answer if at its last look the chat
    /// was paused, and certainly nothing of the answer had arrived, or an operator redrives it.
    NothingInPause,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Invariant {
    /// All invariants.
    pub const ALL: [Self; 15] = [
        Self::SaidOnce,
        Self::PaidOnce,
        Self::NothingLost,
        Self::NothingAfterTakenBack,
        Self::AnsweredAsChanged,
        Self::SaidAsStored,
        Self::NothingKept,
        Self::InOrder,
        Self::TruthfulLetters,
        Self::ToldTruthfully,
        Self::OverIsOver,
        Self::DeathsAreIsolated,
        Self::AttemptsAreLimited,
        Self::RepliesOnly,
        Self::NothingInPause,
    ];

    /// Returns its bit in a set.
    pub fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Returns the invariants that a state breaks.
pub fn broken(world: &World) -> u16 {
    let of = |invariant: Invariant, is_broken: bool| if is_broken { invariant.bit() } else { 0 };
    let events = || world.events.iter();
    let is_quiet = world.queue.is_empty()
        && world.workers.iter().all(Worker::is_idle)
        && !events().any(|event| event.is_unsend_under_way);
    let kept = of(Invariant::NothingKept, events().any(|event| is_kept(world, event)));
    if !is_quiet {
        return world.broken | kept;
    }
    let numbers = || 0..world.events.len();
    world.broken
        | kept
        | of(Invariant::NothingLost, numbers().any(|number| !is_well(world, number)))
        | of(Invariant::TruthfulLetters, numbers().any(|number| is_untruthful(world, number)))
        | of(Invariant::SaidAsStored, events().any(is_mistaken))
}

/// Whether an answer that was taken back is stored. One that says nothing has no words.
fn is_kept(world: &World, event: &Event) -> bool {
    matches!(event.stage(), Stage::Stored(_)) && event.answer.parts > 0 && world.is_taken_back(&event.answer)
}

/// Whether a question came to an end that its person, or the operator, knows of.
fn is_well(world: &World, number: usize) -> bool {
    let event = &world.events[number];
    event.kind == Kind::Unfollow
        || event.letter.is_some()
        || event.is_unsent
        || event.ghost_forgotten
        || event.ghost_silenced
        || is_answered(world, number)
        || event.ghost_merged.is_some_and(|with| {
            let with = world.event(with);
            with.letter.is_some() || with.ghost_silenced
        })
}

/// Whether the person has an answer to a question.
fn is_answered(world: &World, number: usize) -> bool {
    world.events.iter().any(|by| by.is_said() && by.ghost_seen.of & (1 << number) != 0)
}

/// The state of a letter as an operator sees it, equal to `local::dead_letter::State::of`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    /// No answer is stored.
    Unanswered,
    /// An answer is stored.
    Answered,
    /// The person has the answer.
    Delivered,
    /// The turn was unsent or forgotten.
    Forgotten,
    /// The answer may have arrived.
    DeliveryUnknown,
}

/// Returns the state of an event's letter as an operator sees it.
pub fn letter_state(world: &World, event: &Event) -> LetterState {
    match event.stage() {
        Stage::Open => LetterState::Unanswered,
        Stage::Delivered => LetterState::Delivered,
        Stage::Forgotten => LetterState::Forgotten,
        Stage::Stored(progress) if may_be_pushed(world, &progress) => LetterState::Answered,
        Stage::Stored(_) | Stage::InDoubt => LetterState::DeliveryUnknown,
    }
}

/// Models `Delivery::may_be_pushed`.
pub fn may_be_pushed(world: &World, progress: &PushProgress) -> bool {
    match progress.state {
        PushState::Refused => true,
        PushState::Untried { since } | PushState::Unknown { since } => {
            progress.method == SendMethod::Push && key_is_alive(since, world.now())
        }
    }
}

/// Whether the person saw another answer than the stored one.
fn is_mistaken(event: &Event) -> bool {
    event.ghost_said[0] > 0 && event.ghost_seen.version != event.answer.version
}

/// Whether the operator sees a wrong state of a letter while no attempt is under way.
fn is_untruthful(world: &World, number: usize) -> bool {
    let event = &world.events[number];
    let is_done = || {
        event.ghost_merged.is_some()
            || event.ghost_silenced
            || is_answered(world, number)
            || event.kind == Kind::Unfollow
    };
    event.letter.is_some()
        && match letter_state(world, event) {
            LetterState::Unanswered => event.ghost_said[0] > 0,
            LetterState::Delivered => !is_done(),
            LetterState::Answered | LetterState::Forgotten | LetterState::DeliveryUnknown => false,
        }
}

/// Whether a letter with this reason may be written.
pub fn may_be_written(event: &Event, reason: Reason) -> bool {
    match reason {
        Reason::ModelUnavailable | Reason::ModelRefused => event.ghost_said[0] == 0,
        Reason::LineRejected | Reason::LineQuota => !event.is_said(),
        Reason::DeliveryUnknown => match event.stage() {
            Stage::Stored(progress) => !progress.is_unsaid(),
            Stage::InDoubt | Stage::Delivered | Stage::Forgotten => true,
            Stage::Open => false,
        },
        _ => true,
    }
}
