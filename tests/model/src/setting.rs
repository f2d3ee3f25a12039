//! The setting of a search: the rules of a turn, the participants, and the number of disturbances.

use worker::{
    history::PushState,
    rules::turn::{Conflict, TurnState, TurnStep, apply},
};

use crate::invariants::Invariant;

/// The object of a search.
#[derive(Clone)]
pub struct Model {
    /// The rules of a turn.
    pub rules: Rules,
    /// The participants and disturbances.
    pub setting: Setting,
}

/// The rules of a turn. They are parameters, so that tests can put broken ones in.
#[derive(Clone, Copy)]
pub struct Rules {
    /// The table.
    pub apply: fn(&TurnState, &TurnStep<'_>) -> Result<TurnState, Conflict>,
    /// The push state after a push that LINE accepted: it stays the same, because another attempt that may have made
    /// that push may have continued. The product knows more about the pushes of its own attempt.
    pub of_next_part: fn(PushState) -> PushState,
    /// Whether an answer to the first text of a message may be stored while the history keeps the second one.
    pub is_current: fn(u8, u8) -> bool,
    /// Whether an answer of the model may be stored, by whether the chat is paused.
    pub may_answer: fn(bool) -> bool,
    /// Whether a stored answer may be sent of which certainly nothing arrived, or that an operator redrives, by whether
    /// the chat is paused.
    pub may_send: fn(bool) -> bool,
}

impl Rules {
    /// The rules of the product.
    pub const REAL: Self = Self {
        apply,
        of_next_part: |state| state,
        is_current: |seen, kept| seen == kept,
        may_answer: |is_paused| !is_paused,
        may_send: |is_paused| !is_paused,
    };
}

/// An act of a person that becomes a job of the conversation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A question that the model answers.
    Question {
        /// The number of pushes of the answer.
        parts: u8,
    },
    /// The command to forget the conversation. It is answered by a notice.
    Forget,
    /// An unfollow. The bot sends nothing.
    Unfollow,
}

impl Kind {
    /// Returns the number of parts of its answer.
    pub fn parts(self) -> u8 {
        match self {
            Self::Question { parts } => parts,
            Self::Forget => 1,
            Self::Unfollow => 0,
        }
    }
}

/// A fault, or an event beside the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disturbance {
    /// A worker dies after any step.
    Crash,
    /// A worker's process stops in the regular way, in the middle of an attempt.
    Stop,
    /// A call of the history or the queue fails, or succeeds and its answer is lost.
    LostCall,
    /// LINE refuses a request, fails, or takes it and its answer is lost.
    Line,
    /// LINE refuses a push because the month's messages are used up.
    Month,
    /// The model fails.
    ModelFails,
    /// The lease of a job ends while its worker still runs.
    LeaseEnds,
    /// A webhook comes again and the queue does not recognise it.
    Duplicate,
    /// A message is unsent.
    Unsend,
    /// A message is edited before it is answered, in a group.
    Edit,
    /// The operator forgets the conversation.
    Forget,
    /// The operator redrives a dead letter.
    Redrive,
    /// The operator redrives a dead letter, although the answer may have arrived.
    Resend,
    /// Half a day passes. LINE knows a retry key for a day.
    HalfDay,
    /// The chat is paused, because a person of the staff talks with its user.
    Pause,
}

/// The number of kinds of disturbances.
pub const DISTURBANCES: usize = 15;

/// The participants of a search, and the most disturbances.
#[derive(Clone)]
pub struct Setting {
    /// The name of the setting.
    pub name: &'static str,
    /// The acts of people in the conversation, in order.
    pub said: Vec<Kind>,
    /// The number of workers.
    pub workers: usize,
    /// The most attempts of a run.
    pub max_attempts: u32,
    /// Whether the first part goes by the free reply token.
    pub replies: bool,
    /// Whether waiting messages are answered together.
    pub merges: bool,
    /// Whether they are images, which are answered together also after a crash.
    pub images: bool,
    /// The most times that each disturbance happens.
    pub most: [u8; DISTURBANCES],
    /// The most disturbances in all.
    pub total: u8,
    /// The only invariant that is checked, if any.
    pub only: Option<Invariant>,
}

impl Setting {
    /// Makes a setting of one message in one part and one worker, without disturbances.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            said: vec![Kind::Question { parts: 1 }],
            workers: 1,
            max_attempts: 2,
            replies: false,
            merges: false,
            images: false,
            most: [0; DISTURBANCES],
            total: u8::MAX,
            only: None,
        }
    }

    /// Whether any answer may go by the free reply token.
    pub fn has_replies(&self) -> bool {
        self.replies || self.most[Disturbance::Month as usize] > 0
    }

    /// Returns this setting with these disturbances, each at most this often.
    #[must_use]
    pub fn with(mut self, disturbances: &[(Disturbance, u8)]) -> Self {
        for (kind, most) in disturbances {
            self.most[*kind as usize] = *most;
        }
        self
    }
}
