//! Converts the model's answer to the exact bodies that are pushed. Pure.
//!
//! LINE takes 1 to 5 messages in a push, each of at most 5,000 UTF-16 code units (LINE, "Send push message" and
//! "Character counting in a text"). A longer answer is cut at the end of a paragraph, else of a sentence, else of a
//! grapheme. It is not cut inside an address or a block of code that fits into one message. The joined pieces are the
//! answer.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{job::ConversationId, visible::shows_nothing};
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use crate::text::markdown::{Plain, urls};

/// The longest text message, in UTF-16 code units.
pub const TEXT_MAX: usize = 5_000;
/// The most messages of one push.
pub const MESSAGES_MAX: usize = 5;
/// The most push requests of one answer. Each request is metered, and Japan's free plan allows 200 a month.
pub const PUSHES_MAX: usize = 5;
/// The most quick replies of one message (LINE, "Use quick replies").
pub const BUTTONS_MAX: usize = 13;
/// The longest name of a sender, in UTF-16 code units (LINE, "Change icon and display name", "Character counting in a
/// text").
const NAME_MAX: usize = 20;

/// A reply of the bot: its words and its appearance.
#[derive(Clone, Debug, Default)]
pub struct Reply<'a> {
    /// The words that were heard in an audio message. They are a message of their own before the answer.
    pub heard: Option<String>,
    /// The words of the answer.
    pub words: Plain,
    /// The buttons below the last bubble, at most [`BUTTONS_MAX`].
    pub buttons: Vec<Button>,
    /// The sender, if it is not the bot itself.
    pub sender: Option<Sender<'a>>,
    /// The token of the message that the first bubble quotes.
    pub quote: Option<&'a str>,
    /// Words of the bot below the answer, as a message of their own. They are left out if the answer fills a request.
    pub note: Option<&'static str>,
}

impl From<&str> for Reply<'_> {
    fn from(text: &str) -> Self {
        Self { words: text.into(), ..Self::default() }
    }
}

/// A quick reply: a button below the last bubble.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "Item")]
pub struct Button {
    /// The text on the button.
    pub label: String,
    /// The effect of a tap.
    pub tap: Tap,
}

/// The effect of a tap on a button.
#[derive(Clone, Debug)]
pub enum Tap {
    /// It sends this text as if the person had typed it.
    Says(String),
    /// It sends data that only the bot sees. In a group only data reaches the bot.
    Sends {
        /// The data.
        data: String,
        /// The text that the chat shows as the person's.
        shown: String,
    },
    /// It opens the person's photos, from which they can send some (LINE, "Camera roll action").
    OpensPhotos,
}

#[derive(Serialize)]
struct Item {
    #[serde(rename = "type")]
    kind: &'static str,
    action: Action,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Action {
    Message { label: String, text: String },
    Postback { label: String, data: String, display_text: String },
    CameraRoll { label: String },
}

impl From<Button> for Item {
    fn from(Button { label, tap }: Button) -> Self {
        let action = match tap {
            Tap::Says(text) => Action::Message { label, text },
            Tap::Sends { data, shown } => Action::Postback { label, data, display_text: shown },
            Tap::OpensPhotos => Action::CameraRoll { label },
        };
        Self { kind: "action", action }
    }
}

/// The name and image beside a bubble, which replace the bot's own.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sender<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_url: Option<&'a str>,
}

impl<'a> Sender<'a> {
    /// Makes a sender. A name that is too long for LINE is cut after a whole character as people count them. A name
    /// that LINE refuses is left out: one that shows nothing, or one with "LINE" in it, because nobody may pretend to
    /// be LINE.
    pub fn new(name: &'a str, icon_url: Option<&'a str>) -> Self {
        let name = name.trim();
        let mut units = 0;
        let fits = name.grapheme_indices(true).map_while(|(at, grapheme)| {
            units += grapheme.encode_utf16().count();
            (units <= NAME_MAX).then_some(at + grapheme.len())
        });
        let name = name[..fits.last().unwrap_or(0)].trim_end();
        let may_be = !shows_nothing(name) && !name.to_lowercase().contains("line");
        Self { name: may_be.then_some(name), icon_url }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TextMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<Sender<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quick_reply: Option<QuickReply<'a>>,
}

#[derive(Serialize)]
struct QuickReply<'a> {
    items: &'a [Button],
}

/// Returns the push requests that deliver a reply, in order, as they are stored and sent.
pub fn pushes(to: &ConversationId, reply: &Reply<'_>) -> Vec<String> {
    #[derive(Serialize)]
    struct Push<'a> {
        to: &'a str,
        messages: &'a [TextMessage<'a>],
    }
    let Reply { heard, words, buttons, sender, quote, note } = reply;
    let pieces = split(&words.text, &words.code);
    let message =
        |text| TextMessage { kind: "text", text, quote_token: None, sender: *sender, quick_reply: None };
    let heard = heard.as_deref().map_or(vec![], |heard| split(heard, &[]));
    let mut messages: Vec<_> = heard.into_iter().chain(pieces).map(message).collect();
    messages.extend(note.filter(|_| messages.len() < MESSAGES_MAX).map(message));
    if let Some(first) = messages.first_mut() {
        first.quote_token = *quote;
    }
    if let Some(last) = messages.last_mut().filter(|_| !buttons.is_empty()) {
        last.quick_reply = Some(QuickReply { items: &buttons[..buttons.len().min(BUTTONS_MAX)] });
    }
    let body = |messages| serde_json::to_string(&Push { to: to.as_str(), messages }).unwrap_or_default();
    messages.chunks(MESSAGES_MAX).map(body).collect()
}

/// Returns the reply request with the same messages as this push.
pub fn by_token(token: &str, push: &str) -> String {
    #[derive(Deserialize)]
    struct Push<'a> {
        #[serde(borrow)]
        messages: &'a RawValue,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct ByToken<'a> {
        reply_token: &'a str,
        messages: &'a RawValue,
    }
    let body = serde_json::from_str::<Push<'_>>(push)
        .and_then(|Push { messages }| serde_json::to_string(&ByToken { reply_token: token, messages }));
    body.unwrap_or_default()
}

/// Cuts a text into messages. A message that would show nothing is left out.
fn split<'a>(text: &'a str, code: &[Range<usize>]) -> Vec<&'a str> {
    messages(text, code).into_iter().map(|part| &text[part]).collect()
}

/// Returns the places, in bytes, of the messages into which [`pushes`] cuts a text.
pub(crate) fn messages(text: &str, code: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut whole = urls(text);
    whole.extend_from_slice(code);
    whole.retain(|part| text.get(part.clone()).is_some_and(|part| part.encode_utf16().count() <= TEXT_MAX));
    let (mut parts, mut from) = (vec![], 0);
    while from < text.len() {
        let rest = &text[from..];
        let length = window(rest).map_or(rest.len(), |window| {
            cut(rest, window, |end| {
                let part = whole.iter().find(|part| part.start < from + end && from + end < part.end)?;
                Some(part.start.saturating_sub(from))
            })
        });
        parts.push(from..from + length);
        from += length;
    }
    parts.retain(|part| !shows_nothing(&text[part.clone()]));
    parts
}

/// Returns the beginning of a text, of at most `bytes` bytes. It is cut where a message would be cut.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    let window = boundary(text, text.floor_char_boundary(bytes));
    let from = text.floor_char_boundary(window.saturating_sub(TEXT_MAX));
    let tail = &text[from..];
    let urls = urls(tail);
    let end = cut(tail, window - from, |end| {
        urls.iter().find(|url| url.start < end && end < url.end).map(|url| url.start)
    });
    text[..from + end].trim_end()
}

/// Returns the end of the first piece of `text`, in bytes. It is within the window. If an end would cut a part that is
/// better left whole, `whole` returns the place where that part begins.
fn cut(text: &str, window: usize, whole: impl Fn(usize) -> Option<usize>) -> usize {
    // A cut in the first half would make many small bubbles.
    let good = |&end: &usize| end > window / 2 && end <= window && whole(end).is_none();
    let paragraph = text[..window].rmatch_indices("\n\n").map(|(at, gap)| at + gap.len()).find(good);
    // A look a little beyond the window shows whether the end of the window is a boundary of the whole text.
    let seen = text[window..].char_indices().nth(64).map_or(text.len(), |(at, _)| window + at);
    let sentence = || {
        let starts = text[..seen].split_sentence_bound_indices().map(|(at, _)| at);
        starts.take_while(|&at| at <= window).filter(good).last()
    };
    let before_part = || whole(window).filter(|&start| start > 0);
    paragraph.or_else(sentence).or_else(before_part).unwrap_or(window)
}

/// Returns the end of the last grapheme within a message's limit, or `None` if all of `text` is within it.
fn window(text: &str) -> Option<usize> {
    let mut units = 0;
    let (limit, _) = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > TEXT_MAX
    })?;
    Some(boundary(text, limit))
}

/// Returns the end of the last grapheme within the limit, which is between characters. A grapheme longer than a whole
/// message is cut at the limit, because the limit is LINE's, and nothing may be lost.
fn boundary(text: &str, limit: usize) -> usize {
    let mut cursor = GraphemeCursor::new(limit, text.len(), true);
    if cursor.is_boundary(text, 0) == Ok(true) {
        return limit;
    }
    let before = cursor.prev_boundary(text, 0).ok().flatten();
    before.filter(|&at| at > 0).unwrap_or(limit)
}

#[cfg(test)]
mod tests;
