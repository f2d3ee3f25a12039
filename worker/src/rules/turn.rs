//! The table of a turn: what each step makes of each stage, and which steps are not allowed. Pure.
//!
//! A turn is one event on its way to its answer. SQLite carries the table out literally: it reads a row, applies a
//! step and writes the row. DynamoDB carries out a step as one conditional write, which is atomic there; its
//! conditions and changes are rows of this table. A stage or a step that is new does not compile until `next_stage`
//! decides each of its cells.
//!
//! The table knows no words. A store keeps the bodies of the pushes beside it, as long as the stage is
//! [`Stage::Stored`] and no longer.

use jiff::Timestamp;

use crate::{
    failure::Reason,
    history::{Step, Turn},
    rules::stage::{Delivery, LastAttempt, PushProgress, PushState, RunCost, SendMethod, Stage},
};

/// A turn as its row tells it. The default is a turn that has no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnState {
    /// The stage that it reached.
    pub stage: Stage<PushProgress>,
    /// When its user was first told that there will be no answer.
    pub notified_at: Option<Timestamp>,
    /// The run that all that follows is of; `None` is the first one.
    pub run: Option<String>,
    /// Attempts begun and not withdrawn.
    pub attempts: u32,
    /// Attempts begun in all runs, withdrawn ones too. It is the fencing token of the newest one: where a lease has ended
    /// under an attempt that lives, a step of that one has an older token and is refused.
    pub begun: u32,
    /// How the newest attempt ended; [`LastAttempt::Crashed`] until that is recorded.
    pub last: LastAttempt,
    /// When LINE first refused a push for the month's limit, though that is not reached.
    pub quota_since: Option<Timestamp>,
    /// The cost of the attempts.
    pub cost: RunCost,
}

/// A step of a turn.
#[derive(Clone, Copy, Debug)]
pub enum TurnStep<'a> {
    /// An operator's redrive of a dead letter begins another run, which counts anew.
    Redriven {
        /// The name of the run; `None` is the first one.
        run: Option<&'a str>,
    },
    /// An attempt begins.
    Begun,
    /// The answer is stored as this turn's. Its first push is about to be tried.
    Stored {
        /// The attempt that made it, by its fencing token; `None` for a notice that no attempt gives.
        by: Option<u32>,
        /// How the first push goes.
        method: SendMethod,
        /// When.
        now: Timestamp,
    },
    /// The answer to this turn's message and others is stored as another turn's.
    Merged,
    /// A push that was refused, or that follows the reply, is about to be tried.
    Pushing {
        /// The attempt that tries it.
        by: Option<u32>,
        /// Pushes certainly accepted.
        pushed: u32,
        /// When.
        now: Timestamp,
    },
    /// LINE certainly did not take the free reply: from now on it is pushed.
    NotReplied {
        /// The attempt that says so.
        by: Option<u32>,
        /// When.
        now: Timestamp,
    },
    /// LINE refused a push for the month's limit, though that is not reached.
    QuotaRefused {
        /// When.
        now: Timestamp,
    },
    /// Every push was accepted, or there was nothing to say.
    Delivered,
    /// The attempt failed.
    Failed {
        /// The attempt; `None` where it panicked.
        by: Option<u32>,
        /// With what.
        reason: Reason,
        /// The knowledge about the pushes, if that changed.
        progress: Option<PushProgress>,
        /// Whether it was the run's last.
        gave_up: bool,
        /// The run's cost with this attempt; `None` keeps the recorded one.
        cost: Option<RunCost>,
    },
    /// The attempt was given back and does not count.
    Withdrawn {
        /// The run's cost all the same; `None` keeps the recorded one.
        cost: Option<RunCost>,
    },
    /// An attempt found that what it was to answer was taken back or forgotten.
    Forgotten,
    /// Its message was taken back, whose answer is another turn's.
    Unsent,
    /// A message that its answer answers was taken back or forgotten: its own, or that of another turn.
    AnswerUnsent {
        /// Whether the answer answers others, too.
        is_owed: bool,
    },
    /// Its message was changed. The change is kept beside the turn and asked for as a turn of its own.
    Edited,
    /// Its conversation was forgotten, with all that its answer answers.
    ConversationForgotten,
    /// Its question was asked again, and another turn's answer takes the place of its own.
    Replaced,
    /// Its user is told that there will be no answer.
    Notified {
        /// When.
        now: Timestamp,
    },
    /// An operator lets a stored answer be pushed although LINE may have it.
    ResendRisked {
        /// When.
        now: Timestamp,
    },
}

/// Why a step is not allowed. Nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// No attempt begins at a turn that is over.
    #[error("the turn is over")]
    Over,
    /// An answer is stored only while the turn is open. It got this far.
    #[error("the turn is not open any more")]
    Existing(Stage<PushProgress>),
    /// There is no answer any more that could be pushed.
    #[error("the answer is not stored any more")]
    NotStored,
    /// Another attempt has begun since, and may be under way.
    #[error("another attempt has begun")]
    Overtaken,
    /// No attempt is left that could be withdrawn.
    #[error("no attempt has begun")]
    NotBegun,
    /// Nobody is told that there is no answer while it, or a part of it, may have arrived.
    #[error("the answer may have arrived")]
    MayHaveArrived,
}

/// The turn after a step.
pub fn apply(turn: &TurnState, step: &TurnStep<'_>) -> Result<TurnState, Conflict> {
    let stage = next_stage(turn, step)?;
    let (attempts, cost) = (turn.attempts, turn.cost);
    let before = TurnState { stage, ..turn.clone() };
    Ok(match *step {
        // The stage is the event's, all that is counted is the run's.
        TurnStep::Redriven { run } => TurnState {
            stage,
            notified_at: before.notified_at,
            begun: before.begun,
            run: run.map(ToOwned::to_owned),
            ..TurnState::default()
        },
        // Until it is recorded how the attempt ends, it counts as crashed. A run that was given up stays so.
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
        // A failure that was recorded before stays.
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
        // A failure that was recorded before a further try says nothing of it.
        TurnStep::Pushing { .. } | TurnStep::Delivered | TurnStep::Merged => {
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

/// The table itself: the stage after a step.
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
        // The first answer stays.
        TurnStep::Stored { method, now, .. } => match stage {
            Open => Stored(PushProgress { pushed: 0, state: PushState::Untried { since: now }, method }),
            Stored(_) | Delivered | Forgotten | InDoubt => return Err(Conflict::Existing(stage)),
        },
        TurnStep::Merged => match stage {
            Open => Delivered,
            Stored(_) | Delivered | Forgotten | InDoubt => return Err(Conflict::Existing(stage)),
        },
        TurnStep::Pushing { pushed, now, .. } => match stage {
            Stored(_) => about_to_be_pushed(pushed, now),
            Open | Delivered | Forgotten | InDoubt => return Err(Conflict::NotStored),
        },
        TurnStep::NotReplied { now, .. } => match stage {
            Stored(PushProgress { pushed, .. }) => about_to_be_pushed(pushed, now),
            Open | Delivered | Forgotten | InDoubt => return Err(Conflict::NotStored),
        },
        // How the next push goes is changed by the steps before it alone.
        TurnStep::Failed { progress, .. } => match stage {
            Stored(old) => Stored(progress.map_or(old, |new| PushProgress { method: old.method, ..new })),
            Open | Delivered | Forgotten | InDoubt => stage,
        },
        // The user has it, whatever happened meanwhile. A job that says nothing to anybody is done, too.
        TurnStep::Delivered => match stage {
            Open | Stored(_) | Delivered | Forgotten | InDoubt => Delivered,
        },
        // An operator has to know what is in doubt.
        TurnStep::Forgotten => match stage {
            Open | Stored(_) | Delivered | Forgotten => Forgotten,
            InDoubt => InDoubt,
        },
        TurnStep::Unsent | TurnStep::Replaced => match stage {
            Open | Stored(_) | Delivered | Forgotten | InDoubt => Forgotten,
        },
        // An answer that certainly did not arrive is made anew, for the others. If nobody knows, it is in doubt.
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
        // An open turn is held back by the forget marker, which its attempt compares with when it was said.
        TurnStep::ConversationForgotten => match stage {
            Stored(_) => Forgotten,
            Open | Delivered | Forgotten | InDoubt => stage,
        },
        TurnStep::Notified { .. } => match stage {
            Open => Open,
            Stored(progress) if progress.is_unsaid() => stage,
            Stored(_) | Delivered | Forgotten | InDoubt => return Err(Conflict::MayHaveArrived),
        },
        // Still nobody knows whether LINE has it. The risk is taken as if it were first tried now.
        TurnStep::ResendRisked { now } => match stage {
            Stored(PushProgress { pushed, .. }) => {
                let unknown = PushState::Unknown { since: now };
                Stored(PushProgress { pushed, state: unknown, method: SendMethod::Push })
            }
            Open | Delivered | Forgotten | InDoubt => return Err(Conflict::NotStored),
        },
        TurnStep::Withdrawn { .. } if turn.attempts == 0 => return Err(Conflict::NotBegun),
        // These change what is counted, or what is kept elsewhere.
        TurnStep::Redriven { .. }
        | TurnStep::Withdrawn { .. }
        | TurnStep::QuotaRefused { .. }
        | TurnStep::Edited => match stage {
            Open | Stored(_) | Delivered | Forgotten | InDoubt => stage,
        },
    })
}

/// A push under a retry key is about to be tried.
fn about_to_be_pushed(pushed: u32, now: Timestamp) -> Stage<PushProgress> {
    Stage::Stored(PushProgress { pushed, state: PushState::Untried { since: now }, method: SendMethod::Push })
}

/// How the newest of so many attempts ended where that is not recorded. A run that was given up stays so.
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
    /// The attempt that may take the step only as long as it is the newest.
    pub(crate) fn by(&self) -> Option<u32> {
        match *self {
            Self::Stored { by, .. }
            | Self::Pushing { by, .. }
            | Self::NotReplied { by, .. }
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

    /// The step that an attempt records.
    pub fn of_recorded(step: &Step, now: Timestamp) -> Self {
        match step {
            Step::Pushing { by, pushed } => Self::Pushing { by: *by, pushed: *pushed, now },
            Step::NotReplied { by } => Self::NotReplied { by: *by, now },
            Step::QuotaRefused => Self::QuotaRefused { now },
            Step::Delivered => Self::Delivered,
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
    /// The turn as a run sees it: what another run counted is not its own.
    #[must_use]
    pub fn of_run(self, run: Option<&str>) -> Self {
        if self.run.as_deref() == run {
            return self;
        }
        apply(&self, &TurnStep::Redriven { run }).unwrap_or(self)
    }

    /// The turn that `begin` returns to an attempt, which has begun this or found it over. `before` is the turn as it
    /// found it, and `stage` is the stage of this one with the bodies of its pushes.
    pub fn told(&self, before: &Self, stage: Stage) -> Turn {
        let Self { attempts, begun, quota_since, cost, .. } = *self;
        Turn { attempts, begun, last: before.last, quota_since, cost, stage }
    }
}

#[cfg(test)]
mod tests;
