//! A dead letter as operators see it, wherever it is kept, and which of them a command is about. Pure.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};
use serde::Serialize;
use shared::job::{Ask, Job, JobError};
use worker::{history::Stage, outcome::Reason};

/// What became of an event that has a letter, and so what a redrive would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum State {
    /// No answer is stored: a redrive asks the model
    Unanswered,
    /// An answer is stored: a redrive only pushes it
    Answered,
    /// The user has it: there is nothing to do
    Delivered,
    /// Its message was taken back, or its conversation forgotten: there is nothing to do
    Forgotten,
    /// An answer is stored, and LINE's memory of its pushes is over: pushing risks a second delivery
    DeliveryUnknown,
}

impl State {
    /// What a turn's stage means now.
    pub fn of(stage: &Stage, now: Timestamp) -> Self {
        match stage {
            Stage::Open => Self::Unanswered,
            Stage::Delivered => Self::Delivered,
            Stage::Forgotten => Self::Forgotten,
            Stage::Stored(delivery) if delivery.may_be_pushed(now) => Self::Answered,
            Stage::Stored(_) | Stage::InDoubt => Self::DeliveryUnknown,
        }
    }

    /// Why there is nothing to do any more, if so.
    pub fn over(self) -> Option<&'static str> {
        match self {
            Self::Delivered => Some("it was delivered"),
            Self::Forgotten => Some("it was forgotten"),
            Self::Unanswered | Self::Answered | Self::DeliveryUnknown => None,
        }
    }
}

/// One event that was given up; its letters, if it has several, as one. What it shows holds nothing
/// that people wrote.
#[derive(Clone, Debug, Serialize)]
pub struct Letter {
    /// The name of its newest letter.
    pub id: String,
    /// The key of its turn.
    pub event: String,
    /// The group in the queue.
    pub conversation: String,
    /// Why it was given up.
    pub reason: String,
    /// One line more.
    pub detail: String,
    /// Attempts begun.
    pub attempts: u32,
    /// When it was given up, RFC 3339.
    pub failed_at: Timestamp,
    /// How far its turn got.
    pub state: State,
    /// The job, in people's own words.
    #[serde(skip)]
    pub body: String,
    /// By what SQS knows the letters of this event that are held now.
    #[serde(skip)]
    pub held: Vec<Held>,
}

/// A letter that SQS shows to nobody else for a moment.
#[derive(Clone, Debug)]
pub struct Held {
    /// `MessageId`.
    pub message_id: String,
    /// What deletes it.
    pub receipt: String,
}

impl Letter {
    /// Whether this names it: its id, or its event's.
    pub fn is(&self, name: &str) -> bool {
        self.id == name || self.event == name
    }

    /// The job, or why it is none for this build.
    pub fn job(&self) -> Result<Job, JobError> {
        Job::decode(&self.body)
    }

    /// Whether it is about this user, group or room. What cannot be read is known by its group alone.
    pub fn is_of(&self, conversation: &str) -> bool {
        self.conversation == conversation
            || self.job().is_ok_and(|job| job.conversation.as_str() == conversation)
    }

    /// What a redrive would do, for people.
    pub fn redrive_would(&self) -> &'static str {
        match (self.job(), self.state) {
            (_, State::Delivered) => "delivered: nothing to do",
            (_, State::Forgotten) => "forgotten: nothing to do",
            (Err(_), _) => "not a job that this henji can read",
            (Ok(Job { ask: Ask::Unsend { .. } | Ask::Unfollow, .. }), _) => "a deletion: carries it out",
            (Ok(Job { ask: Ask::Follow | Ask::Join | Ask::NotUnderstood, .. }), _) => {
                "no question: asks no model"
            }
            (Ok(Job { ask: Ask::Edited { .. }, .. }), _) => "a change of a message: keeps the new words",
            (_, State::Unanswered) => "unanswered: asks the model",
            (_, State::Answered) => "answered, not delivered: only pushes",
            (_, State::DeliveryUnknown) => {
                "delivery unknown, LINE no longer tells: would risk a second delivery"
            }
        }
    }
}

/// Which letters a command is about: those to which all of it applies.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Filter {
    /// Only letters of this reason, e.g. `model_unavailable`
    #[arg(long, value_parser = reason)]
    pub reason: Vec<String>,
    /// Only letters that were given up longer ago than this, e.g. `90m`, `2h`, `3d`
    #[arg(long, value_parser = age)]
    pub older_than: Option<SignedDuration>,
    /// Only letters of this user, group or room
    #[arg(long)]
    pub conversation: Option<String>,
    /// Only letters whose turn is in this state
    #[arg(long)]
    pub state: Option<State>,
}

impl Filter {
    /// Whether it is about this letter.
    pub fn takes(&self, letter: &Letter, now: Timestamp) -> bool {
        (self.reason.is_empty() || self.reason.contains(&letter.reason))
            && self.older_than.is_none_or(|age| now.duration_since(letter.failed_at) > age)
            && self.conversation.as_ref().is_none_or(|conversation| letter.is_of(conversation))
            && self.state.is_none_or(|state| state == letter.state)
    }

    /// Whether it leaves anything out.
    pub fn is_narrow(&self) -> bool {
        !self.reason.is_empty()
            || self.older_than.is_some()
            || self.conversation.is_some()
            || self.state.is_some()
    }
}

fn reason(word: &str) -> Result<String, String> {
    let known: Result<Reason, _> = serde_json::from_value(word.into());
    known.map(|reason| reason.as_str().to_owned()).map_err(|error| error.to_string())
}

fn age(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| "a time like 90m, 2h or 3d".to_owned())?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours()));
    let age = seconds.ok().and_then(|s| SignedDuration::try_from_secs_f64(s).ok());
    let age = age.ok_or_else(|| "no months or years: a time like 90m, 2h or 3d".to_owned())?;
    // `2h ago` is read as a time before now: every letter would be older.
    if age.is_negative() {
        Err("a time like 90m, 2h or 3d, without a sign or `ago`".to_owned())
    } else {
        Ok(age)
    }
}

/// An age in its largest unit: `5s`, `12m`, `3h`, `2d`.
pub fn short(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}
