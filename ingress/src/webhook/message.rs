//! The things that a message asks for (LINE, "Message event"). Stickers and locations become text, because nothing has
//! to be fetched for them. Images, audio, videos and files are named by their ids, and *answer* fetches them. Pure.

use serde::Deserialize;
use shared::{
    job::{Content, ImageSet, JobKind},
    prefix::Prefix,
    visible::shows_nothing,
};

use super::{
    calling::{Mention, called},
    emoji::{self, Shown},
    lenient::{Lossy, lenient},
    verdict::Verdict,
};

/// A message, with only the fields that Henji reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    quote_token: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) mark_as_read_token: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    quoted_message_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    mention: Option<Mention>,
    #[serde(default, deserialize_with = "lenient")]
    emojis: Option<Vec<emoji::Entry>>,
    /// The text of a text message, or of a sticker that people write on.
    text: Option<Lossy>,
    #[serde(default, deserialize_with = "lenient")]
    keywords: Option<Vec<Lossy>>,
    #[serde(default, deserialize_with = "lenient")]
    package_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    sticker_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    title: Option<Lossy>,
    #[serde(default, deserialize_with = "lenient")]
    address: Option<Lossy>,
    #[serde(default, deserialize_with = "lenient")]
    latitude: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    longitude: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    duration: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    content_provider: Option<ContentProvider>,
    #[serde(default, deserialize_with = "lenient")]
    image_set: Option<Set>,
    #[serde(default, deserialize_with = "lenient")]
    file_name: Option<Lossy>,
    #[serde(default, deserialize_with = "lenient")]
    file_size: Option<u64>,
}

/// The longest name of a file, in characters. No file system that people use has longer names.
const NAME_MAX: usize = 255;

#[derive(Deserialize)]
struct ContentProvider {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// The set of images that a person sent together (LINE, "Image", `imageSet`).
#[derive(Deserialize)]
struct Set {
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    index: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    total: Option<u32>,
}

impl Message {
    /// Returns the thing that the message asks for in a private chat.
    pub(super) fn in_private(mut self, may_reply: bool) -> Result<JobKind, Verdict> {
        let not_understood = if may_reply {
            Ok(JobKind::NotUnderstood)
        } else {
            Err(Verdict::Skip("not understood, and no reply token to say so"))
        };
        if let Some(content) = self.content() {
            return Ok(self.question(String::new(), Some(content), false));
        }
        match self.words()? {
            Some(text) => Ok(self.question(text, None, false)),
            None => not_understood,
        }
    }

    /// Returns the thing that the message asks for in a group, where the bot only reads words that are said to it.
    pub(super) fn in_group(mut self, prefix: Option<&Prefix>) -> Result<JobKind, Verdict> {
        let Some(text) = self.words()? else { return Err(NOT_CALLED) };
        match self.called(&text, prefix) {
            Some(said) => Ok(self.question(said, None, false)),
            None if self.quoted_message_id.is_some() => Ok(self.question(text, None, true)),
            None => Err(NOT_CALLED),
        }
    }

    /// Returns the edit of a group's message, and the question that the message asks now; `None` for the question if
    /// the message does not call the bot any more.
    pub(super) fn edited(self, prefix: Option<&Prefix>) -> Result<(JobKind, Option<JobKind>), Verdict> {
        let message_id = self.id.clone().and_then(|id| id.try_into().ok());
        let message_id = message_id.ok_or(Verdict::Odd("the edit names no message"))?;
        let (text, quotes, second_question) = match self.in_group(prefix) {
            Ok(ask) => match &ask {
                JobKind::Question { text, quotes, only_if_quoting_bot, .. } => {
                    let quotes = quotes.clone().filter(|_| *only_if_quoting_bot);
                    (text.clone(), quotes, Some(ask))
                }
                _ => return Err(NOT_CALLED),
            },
            Err(odd @ Verdict::Odd(_)) => return Err(odd),
            Err(_) => (String::new(), None, None),
        };
        Ok((JobKind::Edited { message_id, text, quotes }, second_question))
    }

    fn called(&self, text: &str, prefix: Option<&Prefix>) -> Option<String> {
        // A sticker can call the bot only by a quote.
        if self.kind.as_deref() == Some("text") { called(text, self.mention.as_ref(), prefix) } else { None }
    }

    fn question(self, text: String, content: Option<Content>, only_if_quoting_bot: bool) -> JobKind {
        let id = |id: Option<String>| id.and_then(|id| id.try_into().ok());
        JobKind::Question {
            text,
            message_id: id(self.id),
            quote_token: self.quote_token,
            quotes: id(self.quoted_message_id),
            content,
            only_if_quoting_bot,
            by_button: false,
        }
    }

    /// Returns the content that must be fetched. Content that another server keeps is not fetched. Only LINE keeps
    /// files, so that they name no provider.
    fn content(&mut self) -> Option<Content> {
        self.id.as_ref()?;
        let kind = self.kind.as_deref()?;
        let provider = self.content_provider.as_ref().and_then(|provider| provider.kind.as_deref());
        if kind != "file" && provider != Some("line") {
            return None;
        }
        match kind {
            "image" => {
                let set = self.image_set.take();
                Some(Content::Image {
                    set: set.map(|Set { id, index, total }| ImageSet { id, index, total }),
                })
            }
            "audio" => Some(Content::Voice { duration_ms: self.duration }),
            "video" => Some(Content::Video),
            "file" => Some(Content::File { name: self.short_name(), size_bytes: self.file_size }),
            _ => None,
        }
    }

    /// Returns the name of a file. If it is too long, its end is kept, because the end says what kind of file it is.
    fn short_name(&self) -> String {
        let name = self.file_name.as_ref().map_or("", |Lossy(name)| name);
        let start = name.char_indices().rev().nth(NAME_MAX - 1).map_or(0, |(at, _)| at);
        name[start..].to_owned()
    }

    /// Returns the words of the message, if it has any. Moves its mentions to their places in these words.
    fn words(&mut self) -> Result<Option<String>, Verdict> {
        let text = self.text.as_ref().map(|Lossy(text)| text.as_str());
        match (self.kind.as_deref(), text) {
            (Some("text"), Some(text)) if shows_nothing(text) => Err(Verdict::Skip("the text is blank")),
            (Some("text"), Some(text)) => {
                let shown = Shown::of(text, self.emojis.as_deref().unwrap_or_default());
                if let Some(mention) = &mut self.mention {
                    mention.move_to(|unit| shown.moved(unit));
                }
                // Emojis alone are like a sticker: without names they say nothing.
                Ok((!shown.says_nothing).then_some(shown.text))
            }
            (Some("text"), None) => Err(Verdict::Odd("the text message has no text")),
            (Some("sticker"), text) => Ok(self.sticker(text)),
            (Some("location"), _) => Ok(self.location()),
            _ => Ok(None),
        }
    }

    fn sticker(&self, written: Option<&str>) -> Option<String> {
        let sticker = self.package_id.as_deref().zip(self.sticker_id.as_deref());
        let keywords = self.keywords.iter().flatten().filter(|_| sticker != Some(ARRANGED));
        let keywords: Vec<&str> = keywords.filter_map(trimmed_if_not_blank).collect();
        let shown = (!keywords.is_empty()).then(|| format!("[sticker: {}]", keywords.join(", ")));
        let written = written.map(str::trim).filter(|text| !shows_nothing(text));
        joined(written.map(ToOwned::to_owned).into_iter().chain(shown), " ")
    }

    fn location(&self) -> Option<String> {
        let parts = [&self.title, &self.address];
        let named = joined(parts.into_iter().flatten().filter_map(trimmed_if_not_blank), ", ");
        let place = self.latitude.zip(self.longitude).map(|(lat, lon)| format!("({lat}, {lon})"));
        joined(named.into_iter().chain(place), " ").map(|words| format!("[location: {words}]"))
    }
}

/// The package and the sticker that LINE names for every arrangement of stickers. Keywords of it do not say what the
/// person arranged (LINE, "Sticker", "The Sticker Arranging feature isn't supported").
const ARRANGED: (&str, &str) = ("30563", "651698630");

const NOT_CALLED: Verdict = Verdict::Skip("in a group, and not said to the bot");

fn trimmed_if_not_blank(Lossy(text): &Lossy) -> Option<&str> {
    Some(text.trim()).filter(|text| !shows_nothing(text))
}

/// Joins these texts with `between`; returns `None` if there are none.
fn joined<T: AsRef<str>>(parts: impl Iterator<Item = T>, between: &str) -> Option<String> {
    let mut joined = String::new();
    for part in parts {
        if !joined.is_empty() {
            joined.push_str(between);
        }
        joined.push_str(part.as_ref());
    }
    Some(joined).filter(|joined| !joined.is_empty())
}
