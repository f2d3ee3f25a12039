//! `henji dlq redrive` puts the job of a letter back into the queue. A stored answer is then only pushed. A letter
//! whose answer may have been delivered is kept, unless `--resend` is set.

use local::{
    dead_letter::{DeadLetter, State},
    sqlite::dead_letters::Redriven,
};

use super::{done::Done, source::Source};

/// Redrives one letter whose turn is not over.
pub async fn one(source: &mut Source, letter: &DeadLetter, resend: bool) -> anyhow::Result<Done> {
    if letter.state == State::DeliveryUnknown {
        if !resend {
            return Ok(Done::Kept("its answer may have arrived (--resend pushes it all the same)"));
        }
        if !source.risk_resending(letter).await? {
            return Ok(Done::Kept(
                "its answer went with a message that was taken back (resolve --message says something)",
            ));
        }
    }
    Ok(match source.redrive(letter).await? {
        Redriven::Queued => Done::Changed,
        Redriven::Unknown => Done::Removed("it was gone before"),
        Redriven::Unreadable => Done::Kept("it is not a job that this henji can read"),
    })
}
