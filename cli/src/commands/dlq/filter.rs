//! The filters by which a command selects dead letters. Pure.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};
use local::dead_letter::{DeadLetter, State};
use worker::failure::Reason;

/// The filters of a command. A letter is selected if it matches all of them.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Filter {
    /// Select only letters of this reason, e.g. `model_unavailable`
    #[arg(long, value_parser = reason)]
    pub reason: Vec<String>,
    /// Select only letters that were given up longer ago than this, e.g. `90m`, `2h`, `3d`
    #[arg(long, value_parser = age)]
    pub older_than: Option<SignedDuration>,
    /// Select only letters of this user, group or room
    #[arg(long)]
    pub conversation: Option<String>,
    /// Select only letters whose turn is in this state
    #[arg(long)]
    pub state: Option<State>,
}

impl Filter {
    /// Whether a letter matches all filters.
    pub fn takes(&self, letter: &DeadLetter, now: Timestamp) -> bool {
        (self.reason.is_empty() || self.reason.contains(&letter.reason))
            && self.older_than.is_none_or(|age| now.duration_since(letter.failed_at) > age)
            && self.conversation.as_ref().is_none_or(|conversation| letter.is_of(conversation))
            && self.state.is_none_or(|state| state == letter.state)
    }

    /// Whether any filter is set.
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
    // The parser reads `2h ago` as a negative span: every letter would be older than that.
    if age.is_negative() {
        Err("a time like 90m, 2h or 3d, without a sign or `ago`".to_owned())
    } else {
        Ok(age)
    }
}

/// Formats an age in its largest unit: `5s`, `12m`, `3h`, `2d`.
pub fn short(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}
