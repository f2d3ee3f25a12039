//! What is explored: the rules of a turn, who takes part, and how much goes wrong.

use worker::{
    history::PushState,
    rules::turn::{Conflict, TurnState, TurnStep, apply},
};

use crate::invariants::Invariant;

/// What is explored.
#[derive(Clone)]
pub struct Model {
    /// The rules of a turn.
    pub rules: Rules,
    /// Who takes part.
    pub setting: Setting,
}

/// The rules of a turn. They are parameters, so that broken ones can be put in.
#[derive(Clone, Copy)]
pub struct Rules {
    /// The table.
    pub apply: fn(&TurnState, &TurnStep<'_>) -> Result<TurnState, Conflict>,
    /// The state of the push after one that LINE accepted: the same, as an attempt that may have made that push may have
    /// gone on. The product knows better what its own attempt has tried.
    pub of_next_part: fn(PushState) -> PushState,
    /// Whether an answer to this text of a message may be stored, where the history keeps that one.
    pub is_current: fn(u8, u8) -> bool,
}

impl Rules {
    /// Those of the product.
    pub const REAL: Self = Self { apply, of_next_part: |state| state, is_current: |seen, kept| seen == kept };
}

/// What a person does that becomes a job of the conversation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A question that the model answers in so many parts.
    Question {
        /// How many pushes the answer takes.
        parts: u8,
    },
    /// The command to forget the conversation. It is answered by a notice.
    Forget,
    /// They leave. Nothing is said.
    Unfollow,
}

impl Kind {
    /// How many parts its answer has.
    pub fn parts(self) -> u8 {
        match self {
            Self::Question { parts } => parts,
            Self::Forget => 1,
            Self::Unfollow => 0,
        }
    }
}

/// What goes wrong, or happens beside the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disturbance {
    /// A worker dies after any step.
    Crash,
    /// A worker's process stops as it should, in the middle of an attempt.
    Stop,
    /// A call of the history or the queue fails, or succeeds and its answer is lost.
    LostCall,
    /// LINE refuses a request, fails, or takes it and its answer is lost.
    Line,
    /// The model fails.
    ModelFails,
    /// The lease of a job ends while its worker lives.
    LeaseEnds,
    /// A webhook comes again and is not recognised by the queue.
    Duplicate,
    /// A message is taken back.
    Unsend,
    /// A message is changed before it is answered, in a group.
    Edit,
    /// The operator forgets the conversation.
    Forget,
    /// The operator redrives a dead letter.
    Redrive,
    /// The same, though the answer may have arrived.
    Resend,
    /// Half a day passes. LINE knows a retry key for a day.
    HalfDay,
}

/// How many kinds of disturbances there are.
pub const DISTURBANCES: usize = 13;

/// Who takes part, and how much goes wrong at most.
#[derive(Clone)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What is said in the conversation, in order.
    pub said: Vec<Kind>,
    /// How many workers there are.
    pub workers: usize,
    /// Attempts of a run at most.
    pub max_attempts: u32,
    /// Whether the first part goes by the free reply token.
    pub replies: bool,
    /// Whether messages that wait behind each other are answered together.
    pub merges: bool,
    /// How often each disturbance happens at most.
    pub most: [u8; DISTURBANCES],
    /// How many happen at most in all.
    pub total: u8,
    /// The only promise that is looked at.
    pub only: Option<Invariant>,
}

impl Setting {
    /// One message in one part, one worker, nothing goes wrong.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            said: vec![Kind::Question { parts: 1 }],
            workers: 1,
            max_attempts: 2,
            replies: false,
            merges: false,
            most: [0; DISTURBANCES],
            total: u8::MAX,
            only: None,
        }
    }

    /// The same, in which these happen so often at most.
    #[must_use]
    pub fn with(mut self, disturbances: &[(Disturbance, u8)]) -> Self {
        for (kind, most) in disturbances {
            self.most[*kind as usize] = *most;
        }
        self
    }
}
