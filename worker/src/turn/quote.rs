//! The message that a question quotes: its words are looked up when they are needed, and only the message's id is kept
//! with the question. So an unsend or a forget of the quoted message reaches the quote, too.

use shared::{job::Job, traces};

use super::prompt_input::PromptInput;
use crate::{
    failure::Failure,
    history::{Quote, Quoted, QuotedWords},
    rules::{
        file::SentFile,
        message_kind::{Attachment, MessageKind},
        quote::line,
    },
    storage::Storage,
};

/// Looks up the message that a question quotes, and puts its words into the question. A question that is asked again
/// quotes what it quoted before. A message whose words are not known may be an image, which is fetched later. Returns the
/// quoted file, if the message is one. `is_forgotten` tells whether something of the conversation was forgotten.
pub(crate) async fn look_up(
    storage: &Storage,
    job: &Job,
    input: &mut PromptInput,
    is_forgotten: bool,
) -> Result<Option<SentFile>, Failure> {
    let quote = match (&input.quotes, &input.replaces) {
        (Some(message_id), _) => Quote::Of(message_id.clone()),
        (None, Some(event)) => Quote::In(event.clone()),
        (None, None) => return Ok(None),
    };
    let Some(Quoted { message_id, words }) =
        traces::step("quote", storage.quoted(&job.conversation, &quote)).await?
    else {
        return Ok(None);
    };
    // In a private chat each image is known, until it is forgotten.
    let may_be_unknown = !(job.is_private() && is_forgotten);
    let may_be_image =
        words.as_ref().map_or(may_be_unknown, |words| words.message.kind == MessageKind::Image);
    if !may_be_image {
        input.attachment.take_if(|attachment| matches!(attachment, Attachment::Quoted(_)));
    } else if matches!(quote, Quote::In(_)) && input.attachment.is_none() {
        input.attachment = Some(Attachment::Quoted(message_id.clone()));
    }
    let quoted_file =
        |words: &QuotedWords| SentFile::of(&words.message, || Some(message_id.clone()), Some(0));
    let quoted_file = words.as_ref().and_then(quoted_file);
    input.quote_line = Some(line(words.as_ref()));
    input.quoted_from = words.and_then(|words| words.said_in);
    input.quotes = Some(message_id);
    Ok(quoted_file)
}
