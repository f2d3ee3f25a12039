//! `henji dlq list` shows the events that were given up, the reasons, and what a redrive would do.

use jiff::Timestamp;
use local::dead_letter::DeadLetter;
use tokio_util::sync::CancellationToken;

use super::{
    filter::{Filter, short},
    source::{Seen, Source},
};
use crate::terminal::{note, say, say_json};

/// Runs the command.
pub async fn command(
    source: &mut Source,
    filter: &Filter,
    json: bool,
    now: Timestamp,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut seen = source.look(stop).await?;
    let events = seen.letters.len();
    seen.letters.retain(|letter| filter.takes(letter, now));
    if json {
        say_json(&seen.letters)?;
    } else {
        table(&seen.letters, now).iter().try_for_each(say)?;
    }
    if filter.is_narrow() && events > seen.letters.len() {
        note(format_args!("{} of {events} are shown.", letters(seen.letters.len())));
    }
    say_unseen(&seen);
    Ok(())
}

/// Prints a note if the queue holds more messages than could be seen.
pub fn say_unseen(seen: &Seen) {
    if seen.total > seen.messages {
        note(format_args!(
            "The queue counts {} messages, and {} of them could be seen. SQS shows at most ten of one conversation, \
             and none while one of them is hidden for somebody else. Redrive or remove these to see the next.",
            seen.total, seen.messages
        ));
    }
}

/// Formats a count of letters in words.
pub fn letters(count: usize) -> String {
    if count == 1 { "1 letter".to_owned() } else { format!("{count} letters") }
}

/// Returns the lines of the table of letters.
pub fn table(letters: &[DeadLetter], now: Timestamp) -> Vec<String> {
    if letters.is_empty() {
        return vec!["No dead letters.".to_owned()];
    }
    let heads = ["age", "conversation", "reason", "attempts", "state: what a redrive would do", "id"];
    let rows = letters.iter().map(|letter| {
        [
            short(now.duration_since(letter.failed_at)),
            letter.conversation.clone(),
            letter.reason.clone(),
            letter.attempts.to_string(),
            letter.redrive_would().to_owned(),
            letter.id.clone(),
        ]
    });
    let rows: Vec<_> = std::iter::once(heads.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let line = |row: &[String; 6]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
