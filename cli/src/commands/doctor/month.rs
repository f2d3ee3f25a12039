//! The check of the month's messages: how many are left, how long they last, and which way of sending fits.

use jiff::{Timestamp, ToSpan, civil::Date};
use shared::env::Env;
use worker::rules::user_quota::UserQuota;

use crate::{clients::line_channel::Channel, commands::usage, deployment::Place, terminal::report::Report};

/// The number of days before today whose answers are counted.
const DAYS: i64 = 7;

/// Checks the month's messages.
pub(super) async fn check(report: &mut Report, place: &Place, env: &Env, channel: &Channel, now: Timestamp) {
    let (limit, used) = match channel.quota().await {
        Err(error) => return report.failed("quota", &error, "try again"),
        Ok((None, used)) => return report.ok("quota", format!("no limit; {used} messages this month")),
        Ok((Some(limit), used)) => (limit, used),
    };
    let today = UserQuota::from_env(env).map(|quota| quota.day(now)).ok();
    let is_free = place.setting("DELIVERY", env).is_some_and(|how| how.trim() == "reply-first");
    let rate = match today {
        Some(today) if !is_free => Rate::find(place, today, used).await,
        _ => None,
    };
    let left = limit.saturating_sub(used);
    let days_left = today.map_or(0, |today| {
        u64::from(today.days_in_month().unsigned_abs()) + 1 - u64::from(today.day().unsigned_abs())
    });
    let (says, is_enough) = says(left, limit, days_left, is_free, rate);
    let change = place.change("DELIVERY", "delivery");
    let free = if is_free { String::new() } else { format!("for DELIVERY=reply-first {change}; else ") };
    match left {
        0 => {
            let option = place.option();
            let redrive = format!("then henji dlq redrive --reason line_quota{option}");
            report.broken("quota", says, format!("{free}a larger plan, {redrive}"));
        }
        _ if !is_enough || left * 10 < limit => {
            report.note("quota", says, format!("{free}think of a larger plan"));
        }
        _ => report.ok("quota", says),
    }
}

/// The use of a day, on average.
#[derive(Clone, Copy)]
struct Rate {
    /// The count of a day.
    a_day: u64,
    /// The unit of the count.
    of: &'static str,
}

impl Rate {
    /// Returns the answers of a day, as `henji usage` shows them, or on AWS the messages of a day of this month, as LINE
    /// counts them: there the whole table would have to be read for the answers.
    #[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "one machine counts its answers"))]
    async fn find(place: &Place, today: Date, used: u64) -> Option<Self> {
        match place {
            Place::Data(_) => {
                let since = today.checked_sub(DAYS.days()).ok()?;
                let used = usage::used(place, &since.to_string()).await.ok()?;
                let before = used.iter().filter_map(|it| Some((it.day.parse::<Date>().ok()?, it.answers)));
                let before: Vec<_> = before.filter(|(day, _)| *day < today).collect();
                let first = before.iter().map(|(day, _)| *day).min()?;
                let days = u64::from((today - first).get_days().unsigned_abs());
                Self::of_sum(before.iter().map(|(_, answers)| answers).sum(), days, "answers")
            }
            #[cfg(feature = "aws")]
            Place::Aws(_) => Self::of_sum(used, u64::from(today.day().unsigned_abs()) - 1, "messages"),
        }
    }

    fn of_sum(sum: u64, days: u64, of: &'static str) -> Option<Self> {
        let a_day = sum.checked_div(days)?;
        (sum > 0).then(|| Self { a_day: a_day.max(1), of })
    }
}

/// Returns the report, and whether the messages last to the end of the month, as far as is known.
fn says(left: u64, limit: u64, days_left: u64, is_free: bool, rate: Option<Rate>) -> (String, bool) {
    let left_says = format!("{left} of {limit} messages are left this month");
    match rate {
        _ if is_free => {
            (format!("{left_says}; only answers slower than 50 seconds and apologies need them"), true)
        }
        Some(Rate { a_day, of }) => {
            let days = left / a_day;
            let free = "DELIVERY=reply-first is free for answers within 50 seconds";
            let says = format!("{left_says}; {a_day} {of} a day: {left} pushes last {days} day(s)");
            if days < days_left { (format!("{says}; {free}"), false) } else { (says, true) }
        }
        None => (left_says, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_that_are_left_are_compared_with_the_answers_of_a_day() {
        let answers = |sum, days| Rate::of_sum(sum, days, "answers");
        let free = "; DELIVERY=reply-first is free for answers within 50 seconds";
        for (left, days_left, is_free, rate, more, is_enough) in [
            (
                200,
                20,
                false,
                answers(280, 7),
                &*format!("; 40 answers a day: 200 pushes last 5 day(s){free}"),
                false,
            ),
            (200, 5, false, answers(280, 7), "; 40 answers a day: 200 pushes last 5 day(s)", true),
            (200, 20, false, answers(3, 7), "; 1 answers a day: 200 pushes last 200 day(s)", true),
            (
                0,
                1,
                false,
                answers(40, 1),
                &*format!("; 40 answers a day: 0 pushes last 0 day(s){free}"),
                false,
            ),
            (200, 20, false, answers(0, 7), "", true),
            (200, 20, false, answers(7, 0), "", true),
            (200, 20, true, None, "; only answers slower than 50 seconds and apologies need them", true),
        ] {
            let (says, enough) = says(left, 200, days_left, is_free, rate);
            assert_eq!(says, format!("{left} of 200 messages are left this month{more}"));
            assert_eq!(enough, is_enough, "{says}");
        }
    }
}
