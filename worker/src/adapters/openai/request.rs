//! The request to a chat-completions server.

use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::{Map, Value};

use crate::{
    rules::conversation::{Message, Role},
    rules::file::Pdf,
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
    /// The key that leads prompts with the same beginning to the place of its cache (OpenAI, "Prompt caching"). Azure's
    /// older versions, Groq, Cerebras, Mistral and Gemini refuse a request with a field that they do not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<String>,
    /// The pseudonym of the person who asks, so that OpenAI can block one person instead of the whole account (OpenAI,
    /// "Safety best practices").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) safety_identifier: Option<String>,
    /// Some gateways stream unless they are told not to.
    pub(super) stream: bool,
    /// The operator's options.
    #[serde(flatten)]
    pub(super) options: &'a Map<String, Value>,
}

/// The messages, with the images and the PDF beside the last one's words. Without them all contents are plain strings,
/// which every server accepts.
pub(super) struct Messages<'a>(pub(super) &'a [Message], pub(super) &'a [Image], pub(super) Option<&'a Pdf>);

#[derive(Serialize)]
struct Shown<'a> {
    role: Role,
    content: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
    File { file: FilePart<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
}

#[derive(Serialize)]
struct FilePart<'a> {
    filename: &'a str,
    file_data: &'a str,
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(messages, images, pdf) = self;
        let (false, Some((last, before))) = (images.is_empty() && pdf.is_none(), messages.split_last())
        else {
            return messages.serialize(serializer);
        };
        let shown = images.iter().map(|image| Part::ImageUrl { image_url: ImageUrl { url: image.url() } });
        let file = pdf.map(|pdf| Part::File { file: FilePart { filename: &pdf.name, file_data: pdf.url() } });
        let content = [Part::Text { text: &last.content }].into_iter().chain(shown).chain(file).collect();
        let mut sequence = serializer.serialize_seq(Some(messages.len()))?;
        before.iter().try_for_each(|message| sequence.serialize_element(message))?;
        sequence.serialize_element(&Shown { role: last.role, content })?;
        sequence.end()
    }
}
