//! What a chat-completions server is asked.

use serde::{Serialize, Serializer, ser::SerializeSeq};

use crate::{
    rules::conversation::{Message, Role},
    rules::image::Image,
};

#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) messages: Messages<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<usize>,
    /// Leads prompts that begin alike to where the beginning is cached (OpenAI, "Prompt caching"). Azure's
    /// older versions, Groq, Cerebras, Mistral and Gemini refuse a request with a field that they do not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<String>,
}

/// Messages, with a picture shown beside the last one's words. Without a picture all contents are plain
/// strings, which every server takes.
pub(super) struct Messages<'a>(pub(super) &'a [Message], pub(super) Option<&'a Image>);

#[derive(Serialize)]
struct Shown<'a> {
    role: Role,
    content: [Part<'a>; 2],
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(messages, picture) = self;
        let (Some(picture), Some((last, before))) = (picture, messages.split_last()) else {
            return messages.serialize(serializer);
        };
        let image_url = ImageUrl { url: picture.url() };
        let content = [Part::Text { text: &last.content }, Part::ImageUrl { image_url }];
        let mut sequence = serializer.serialize_seq(Some(messages.len()))?;
        before.iter().try_for_each(|message| sequence.serialize_element(message))?;
        sequence.serialize_element(&Shown { role: last.role, content })?;
        sequence.end()
    }
}
