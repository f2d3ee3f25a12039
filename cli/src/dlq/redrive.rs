//! `henji dlq redrive`: has a letter answered after all. A stored answer is only pushed, a delivered one
//! not even that; what may have been delivered is refused unless it is asked for.

use super::{
    action::Done,
    letter::{Letter, State},
    source::{Sent, Source},
};

/// Redrives one letter.
pub async fn one(source: &mut Source, letter: &Letter, resend: bool) -> anyhow::Result<Done> {
    match letter.state {
        State::Delivered => {
            source.remove(letter).await?;
            return Ok(Done::Removed("it was delivered"));
        }
        State::Forgotten => {
            source.remove(letter).await?;
            return Ok(Done::Removed("it was forgotten"));
        }
        State::DeliveryUnknown if !resend => {
            return Ok(Done::Kept("its answer may have arrived (--resend pushes it all the same)"));
        }
        State::DeliveryUnknown => source.risk_resending(letter).await?,
        State::Unanswered | State::Answered => {}
    }
    Ok(match source.redrive(letter).await? {
        Sent::Queued => Done::Changed,
        Sent::Gone => Done::Removed("it was gone before"),
        Sent::Unreadable => Done::Kept("it is not a job that this henji can read"),
    })
}
