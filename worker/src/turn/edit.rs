//! The edit of a message in a group: the history keeps the new text until the message is answered.

use shared::job::{Job, MessageId};

use crate::{failure::Failure, history::Edit, storage::Storage};

/// Keeps the new text of a message. Keeps no words in two cases: the message calls the bot only by quoting a message
/// that is not the bot's, or the words are forgotten.
pub(crate) async fn keep(
    storage: &Storage,
    job: &Job,
    message_id: &MessageId,
    text: &str,
    quotes: Option<&MessageId>,
) -> Result<(), Failure> {
    let changes = storage.conversation_changes(job).await?;
    let is_said = (quotes.is_none() || changes.quotes_own) && !changes.is_forgotten(job);
    let text = if is_said { text.to_owned() } else { String::new() };
    storage.edit(&job.conversation, message_id, Edit { text, at: job.at().unwrap_or(0) }).await
}
