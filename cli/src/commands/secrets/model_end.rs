//! The warning before the model's end, for the checks of the key and of the whole bot.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use worker::rules::models::ends_soon;

use crate::terminal::report::Report;

/// Reports the end of a model if it is near or past, with the advice how to change the model. Returns whether it did.
pub fn warn(report: &mut Report, name: &str, end: Option<Date>, now: Timestamp, change: &str) -> bool {
    let today = now.to_zoned(TimeZone::UTC).date();
    let Some(end) = end.filter(|end| ends_soon(*end, today)) else { return false };
    if today < end {
        report.note("model", format!("{name} ends on {end}, says its maker"), change);
    } else {
        report.broken("model", format!("{name} ended on {end}, says its maker"), change);
    }
    true
}
