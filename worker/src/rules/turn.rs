//! The table of a turn: how each step changes each stage, and which steps are not allowed. Pure.
//!
//! A turn is one event on its way to its answer. SQLite executes the table literally: it reads a row, applies a step
//! and writes the row. DynamoDB executes a step as one conditional write, which is atomic there; its conditions and
//! changes are rows of this table. A new stage or a new step does not compile until `next_stage` decides each of its
//! cells.
//!
//! The table contains no words. A store keeps the bodies of the pushes beside it, only as long as the stage is
//! [`Stage::Stored`].

use jiff::Timestamp;

use crate::{
    failure::Reason,
    history::{Step, Turn},
    rules::stage::{Delivery, LastAttempt, PushProgress, PushState, RunCost, SendMethod, Stage},
};

/// A turn as its row records it. The default is a turn that has no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnState {
    /// The stage that the turn reached.
    pub stage: Stage<PushProgress>,
    /// The time when its user was first notified that there will be no answer.
    pub notified_at: Option<Timestamp>,
    /// The run to which the fields below belong, except `begun`; `None` is the first run.
    pub run: Option<String>,
    /// The number of attempts that were begun and not withdrawn.
    pub attempts: u32,
    /// The number of attempts begun in all runs, withdrawn ones too. It is the fencing token of the newest attempt. If
    /// a lease has ended while its attempt still runs, a step of that attempt has an older token and is refused.
    pub begun: u32,
    /// The end of the newest attempt. It is [`LastAttempt::Crashed`] until the end is recorded.
    pub last: LastAttempt,
    /// The time when LINE first refused a push because of the month's limit, although that is not reached.
    pub quota_since: Option<Timestamp>,
    /// The cost of the run's attempts.
    pub cost: RunCost,
}

/// A step of a turn.
#[derive(Clone, Copy, Debug)]
pub enum TurnStep<'a> {
    /// An operator's redrive of a dead letter begins another run, which counts anew.
    Redriven {
        /// The name of the run; `None` is the first run.
        run: Option<&'a str>,
    },
    /// An attempt begins.
    Begun,
    /// The answer is stored as the answer of this turn. Its first push is about to be tried.
    Stored {
        /// The attempt that made it, by its fencing token; `None` for a notice that no attempt sends.
        by: Option<u32>,
        /// The send method of the first push.
        method: SendMethod,
        /// The time of the step.
        now: Timestamp,
    },
    /// The answer to this turn's message and to others is stored as the answer of another turn.
    Merged,
    /// A push that was refused, or that follows the reply, is about to be tried.
    Pushing {
        /// The attempt that tries it.
        by: Option<u32>,
        /// The number of pushes that LINE certainly accepted.
        pushed: u32,
        /// The time of the step.
        now: Timestamp,
    },
    /// LINE certainly did not accept the free reply. From now on the answer is pushed.
    NotReplied {
        /// The attempt that records this.
        by: Option<u32>,
        /// The time of the step.
        now: Timestamp,
    },
    /// LINE certainly refused the first push because the month's messages are used up. The free reply is about to be
    /// tried, and the run does not push the answer any more.
    Replying {
        /// The attempt that replies.
        by: Option<u32>,
        /// The time of the step.
        now: Timestamp,
    },
    /// LINE refused a push because of the month's limit, although that is not reached.
    QuotaRefused {
        /// The time of the step.
        now: Timestamp,
    },
    /// LINE accepted every push, or there was nothing to send.
    Delivered,
    /// The attempt failed.
    Failed {
        /// The attempt; `None` if it panicked.
        by: Option<u32>,
        /// The reason of the failure.
        reason: Reason,
        /// The knowledge about the pushes, if it changed.
        progress: Option<PushProgress>,
        /// Whether it was the last attempt of the run.
        gave_up: bool,
        /// The run's cost with this attempt; `None` keeps the recorded cost.
        cost: Option<RunCost>,
    },
    /// The attempt was handed back and does not count.
    Withdrawn {
        /// The run's cost, which counts although the attempt does not; `None` keeps the recorded cost.
        cost: Option<RunCost>,
    },
    /// An attempt found that its message was unsent or forgotten, or that a pause stops its stored answer.
    Forgotten,
    /// The turn's message was unsent, and its answer belongs to another turn.
    Unsent,
    /// A message that the turn's answer answers was unsent or forgotten: the turn's own, or that of another turn.
    AnswerUnsent {
        /// Whether the answer answers other messages, too.
        is_owed: bool,
    },
    /// The turn's message was edited. The edit is kept beside the turn, and is asked as a turn of its own.
    Edited,
    /// The conversation was forgotten, with all messages that the turn's answer answers.
    ConversationForgotten,
    /// The turn's question was asked again, and another turn's answer replaces its own.
    Replaced,
    /// The user is notified that there will be no answer.
    Notified {
        /// The time of the step.
        now: Timestamp,
    },
    /// An operator allows that a stored answer is pushed although LINE may have it.
    ResendRisked {
        /// The time of the step.
        now: Timestamp,
    },
}

/// The reason why a step is not allowed. Nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// No attempt begins, because the turn is over.
    #[error("the turn is over")]
    Over,
    /// An answer is stored only while the turn is open. The field is the stage that the turn has reached.
    #[error("the turn is not open any more")]
    Existing(Stage<PushProgress>),
    /// There is no stored answer any more that could be pushed.
    #[error("the answer is not stored any more")]
    NotStored,
    /// Another attempt has begun since, and may still run.
    #[error("another attempt has begun")]
    Overtaken,
    /// The answer goes by the free reply and is not pushed.
    #[error("the answer is not pushed any more")]
    ReplyOnly,
    /// A reply would not be the first try of the answer, or LINE may have the answer.
    #[error("the answer may have been sent")]
    MayHaveBeenSent,
    /// No attempt is left that could be withdrawn.
    #[error("no attempt has begun")]
    NotBegun,
    /// The user is not notified that there is no answer, because the answer, or a part of it, may have arrived.
    #[error("the answer may have arrived")]
    MayHaveArrived,
}

/// Returns the turn after a step.
pub fn apply(turn: &TurnState, step: &TurnStep<'_>) -> Result<TurnState, Conflict> {
    let stage = next_stage(turn, step)?;
    let (attempts, cost) = (turn.attempts, turn.cost);
    let before = TurnState { stage, ..turn.clone() };
    Ok(match *step {
        // The stage belongs to the event, and all counts belong to the run.
        TurnStep::Redriven { run } => TurnState {
            stage,
            notified_at: before.notified_at,
            begun: before.begun,
            run: run.map(ToOwned::to_owned),
            ..TurnState::default()
        },
        // An attempt counts as crashed until its end is recorded. A run that was given up stays given up.
        TurnStep::Begun => {
            let (attempts, begun) = (attempts.saturating_add(1), before.begun.saturating_add(1));
            TurnState { attempts, begun, last: unrecorded(attempts, before.last), ..before }
        }
        TurnStep::Failed { reason, gave_up, cost: new, .. } => {
            let last = match before.last {
                _ if gave_up => LastAttempt::GaveUp(reason),
                LastAttempt::GaveUp(first) => LastAttempt::GaveUp(first),
                LastAttempt::None | LastAttempt::Failed(_) | LastAttempt::Crashed => {
                    LastAttempt::Failed(reason)
                }
            };
            TurnState { last, cost: new.unwrap_or(cost), ..before }
        }
        // A failure that was recorded before stays recorded.
        TurnStep::Withdrawn { cost: new } => {
            let attempts = attempts.saturating_sub(1);
            let last = match before.last {
                LastAttempt::Crashed => unrecorded(attempts, before.last),
                last @ (LastAttempt::None | LastAttempt::Failed(_) | LastAttempt::GaveUp(_)) => last,
            };
            TurnState { attempts, last, cost: new.unwrap_or(cost), ..before }
        }
        TurnStep::QuotaRefused { now } => {
            TurnState { quota_since: before.quota_since.or(Some(now)), ..before }
        }
        TurnStep::Notified { now } => TurnState { notified_at: before.notified_at.or(Some(now)), ..before },
        // A failure that was recorded before a further try is not the outcome of that try.
        TurnStep::Pushing { .. } | TurnStep::Replying { .. } | TurnStep::Delivered | TurnStep::Merged => {
            TurnState { last: unrecorded(attempts, before.last), ..before }
        }
        TurnStep::Stored { .. }
        | TurnStep::NotReplied { .. }
        | TurnStep::Forgotten
        | TurnStep::Unsent
        | TurnStep::AnswerUnsent { .. }
        | TurnStep::Edited
        | TurnStep::ConversationForgotten
        | TurnStep::Replaced
        | TurnStep::ResendRisked { .. } => before,
    })
}

/// Returns the stage after a step. This is the table itself.
fn next_stage(turn: &TurnState, step: &TurnStep<'_>) -> Result<Stage<PushProgress>, Conflict> {
    use Stage::{Delivered, Forgotten, InDoubt, Open, Stored};
    let stage = turn.stage;
    if step.by().is_some_and(|by| by != turn.begun) {
        return Err(Conflict::Overtaken);
    }
    Ok(match *step {
        TurnStep::Begun => match stage {
            Open | Stored(_) => stage,
            Delivered | Forgotten | InDoubt => return Err(Conflict::Over),
        },
        // The first answer stays stored.
        TurnStep::Stored { method, now, .. } => match stage {
            Open => Stored(PushProgress { pushed: 0, state: PushState::Untried { since: now }, method }),
            Stored(_) | Delivered | Forgotten | InDoubt => return Err(Conflict::Existing(stage)),
        },
        TurnStep::Merged => match stage {
            Open => Delivered,
            Stored(_) | Delivered | Forgotten | InDoubt => return Err(Conflict::Existing(stage)),
        },
        // An operator's redrive is another run, and pushes an answer whose reply was certainly refused.
        TurnStep::Pushing { pushed, now, .. } => match stage {
            Stored(PushProgress { method: SendMethod::ReplyOnly, state, .. })
                if turn.run.is_none() || state != PushState::Refused =>
            {
                return Err(Conflict::ReplyOnly);
            }
            Stored(_) => about_to_be_pushed(pushed, now),
            Open | Delivered | Forgotten | InDoubt => return Err(Conflict::NotStored),
        },
        TurnStep::NotReplied { now, .. } => match stage {
            Stored(PushProgress { method: SendMethod::ReplyOnly, .. }) => return Err(Conflict::ReplyOnly),
            Stored(PushProgress { pushed, .. }) => about_to_be_pushed(pushed, now),
            Open | Delivered | Forgotten | InDoubt => return Err(Conflict::NotStored),
        },
        TurnStep::Replying { now, .. } => match stage {
            Stored(
                PushProgress { method: SendMethod::ReplyOnly, .. }
                | PushProgress { pushed: 0, state: PushState::Refused, method: SendMethod::Push },
            ) => {
                let untried = PushState::Untried { since: now };
                Stored(PushProgress { pushed: 0, state: untried, method: SendMethod::ReplyOnly })
            }
            Stored(_) => return Err(Conflict::MayHaveBeenSent),
            Open | Delivered | Forgotten | InDoubt => return Err(Conflict::NotStored),
        },
        // Only the steps that come before a push change its send method.
        TurnStep::Failed { progress, .. } => match stage {
            Stored(old) => Stored(progress.map_or(old, |new| PushProgress { method: old.method, ..new })),
            Open | Delivered | Forgotten | InDoubt => stage,
        },
        // The user has the answer, whatever happened meanwhile. A job that sends nothing to anybody is done, too.
        TurnStep::Delivered => match stage {
            Open | Stored(_) | Delivered | Forgotten | InDoubt => Delivered,
        },
        // A turn in doubt stays in doubt, because an operator has to know of it.
        TurnStep::Forgotten => match stage {
            Open | Stored(_) | Delivered | Forgotten => Forgotten,
            InDoubt => InDoubt,
        },
        TurnStep::Unsent | TurnStep::Replaced => match stage {
            Open | Stored(_) | Delivered | Forgotten | InDoubt => Forgotten,
        },
        // If the answer certainly did not arrive, it is made anew for the other messages. If nobody knows whether it
        // arrived, the turn is in doubt.
        TurnStep::AnswerUnsent { is_owed } => match stage {
            Open => Open,
            Stored(progress) if is_owed => {
                if progress.is_unsaid() {
                    Open
                } else {
                    InDoubt
                }
            }
            Stored(_) | Delivered | Forgotten | InDoubt => Forgotten,
        },
        // The forget marker stops an open turn: the turn's attempt compares the marker with the time of its message.
        TurnStep::ConversationForgotten => match stage {
            Stored(_) => Forgotten,
            Open | Delivered | Forgotten | InDoubt => stage,
        },
        TurnStep::Notified { .. } => match stage {
            Open => Open,
            Stored(progress) if progress.is_unsaid() => stage,
            Stored(_) | Delivered | Forgotten | InDoubt => return Err(Conflict::MayHaveArrived),
        },
        // Nobody knows yet whether LINE has the answer. The risk is taken as if the push were first tried now.
        TurnStep::ResendRisked { now } => match stage {
            Stored(PushProgress { pushed, .. }) => {
                let unknown = PushState::Unknown { since: now };
                Stored(PushProgress { pushed, state: unknown, method: SendMethod::Push })
            }
            Open | Delivered | Forgotten | InDoubt => return Err(Conflict::NotStored),
        },
        TurnStep::Withdrawn { .. } if turn.attempts == 0 => return Err(Conflict::NotBegun),
        // These steps change counts, or data that is kept elsewhere.
        TurnStep::Redriven { .. }
        | TurnStep::Withdrawn { .. }
        | TurnStep::QuotaRefused { .. }
        | TurnStep::Edited => match stage {
            Open | Stored(_) | Delivered | Forgotten | InDoubt => stage,
        },
    })
}

/// Returns the stage of an answer whose next push, with a retry key, is about to be tried.
fn about_to_be_pushed(pushed: u32, now: Timestamp) -> Stage<PushProgress> {
    Stage::Stored(PushProgress { pushed, state: PushState::Untried { since: now }, method: SendMethod::Push })
}

/// Returns the end of the newest of so many attempts if it is not recorded. A run that was given up stays given up.
fn unrecorded(attempts: u32, before: LastAttempt) -> LastAttempt {
    match before {
        LastAttempt::GaveUp(reason) => LastAttempt::GaveUp(reason),
        LastAttempt::None | LastAttempt::Failed(_) | LastAttempt::Crashed if attempts == 0 => {
            LastAttempt::None
        }
        LastAttempt::None | LastAttempt::Failed(_) | LastAttempt::Crashed => LastAttempt::Crashed,
    }
}

impl TurnStep<'_> {
    /// Returns the attempt that may take the step only as long as it is the newest one.
    pub(crate) fn by(&self) -> Option<u32> {
        match *self {
            Self::Stored { by, .. }
            | Self::Pushing { by, .. }
            | Self::NotReplied { by, .. }
            | Self::Replying { by, .. }
            | Self::Failed { by, .. } => by,
            Self::Redriven { .. }
            | Self::Begun
            | Self::Merged
            | Self::QuotaRefused { .. }
            | Self::Delivered
            | Self::Withdrawn { .. }
            | Self::Forgotten
            | Self::Unsent
            | Self::AnswerUnsent { .. }
            | Self::Edited
            | Self::ConversationForgotten
            | Self::Replaced
            | Self::Notified { .. }
            | Self::ResendRisked { .. } => None,
        }
    }

    /// Returns the step of the table for a step that an attempt records.
    pub fn of_recorded(step: &Step, now: Timestamp) -> Self {
        match step {
            Step::Pushing { by, pushed } => Self::Pushing { by: *by, pushed: *pushed, now },
            Step::NotReplied { by } => Self::NotReplied { by: *by, now },
            Step::Replying { by } => Self::Replying { by: *by, now },
            Step::QuotaRefused => Self::QuotaRefused { now },
            Step::Delivered { .. } => Self::Delivered,
            Step::Forgotten => Self::Forgotten,
            Step::Failed { by, reason, delivery, gave_up, cost } => Self::Failed {
                by: *by,
                reason: *reason,
                progress: delivery.as_ref().map(Delivery::progress),
                gave_up: *gave_up,
                cost: *cost,
            },
            Step::Withdrawn { cost } => Self::Withdrawn { cost: *cost },
        }
    }
}

impl TurnState {
    /// Returns the turn as a run sees it. The counts of another run are not its own.
    #[must_use]
    pub fn of_run(self, run: Option<&str>) -> Self {
        if self.run.as_deref() == run {
            return self;
        }
        apply(&self, &TurnStep::Redriven { run }).unwrap_or(self)
    }

    /// Returns the turn that `begin` gives to an attempt, which has begun this turn or found it over. `before` is the
    /// turn as the attempt found it, and `stage` is the stage of this turn with the bodies of its pushes.
    pub fn told(&self, before: &Self, stage: Stage) -> Turn {
        let Self { attempts, begun, quota_since, cost, .. } = *self;
        Turn { attempts, begun, last: before.last, quota_since, cost, stage }
    }
}

#[cfg(test)]
mod tests;
