//! The settings of a bot that runs a schedule.

use jiff::{Timestamp, Zoned, tz::Offset};
use worker::clock::wall_clock;

use super::{chat::BUDGET, schedule::Schedule};

/// Returns the settings of a bot that runs this schedule.
pub fn settings(schedule: &Schedule) -> Vec<(String, String)> {
    let own = [
        ("SYSTEM_PROMPT", "You are a friend.".to_owned()),
        ("CONTEXT_TOKENS", BUDGET.context_tokens.to_string()),
        ("MAX_TOKENS", BUDGET.max_tokens.to_string()),
        // No day ends during the run, because it would end a limit.
        ("UTC_OFFSET", offset_of_noon(wall_clock()())),
    ];
    let all = own.into_iter().chain(schedule.variables.iter().cloned());
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns a UTC offset at which it is noon.
fn offset_of_noon(now: Timestamp) -> String {
    let hour = Zoned::new(now, Offset::UTC.to_time_zone()).hour();
    let offset = 12 - hour;
    format!("{}{:02}:00", if offset < 0 { '-' } else { '+' }, offset.abs())
}
