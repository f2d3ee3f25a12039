//! The messages of a push or reply: text messages, the only kind that the emulator delivers, with their buttons,
//! sender and icon (LINE, "Text message", "Use quick replies", "Change icon and display name").

use serde::Serialize;
use serde_json::Value;

/// The longest text of one message, in UTF-16 code units (LINE, "Character counting in a text").
const TEXT_MAX: usize = 5_000;
/// The most messages of one request and, below, the most buttons of one message.
const MESSAGES_MAX: usize = 5;
const BUTTONS_MAX: usize = 13;
/// The longest label of a button and, in UTF-16 code units, the longest name of a sender; below, the longest text or
/// data that a button sends (LINE, "Message action", "Postback action").
const LABEL_MAX: usize = 20;
const SENDS_MAX: usize = 300;
/// The longest URL of an icon, in bytes.
const URL_MAX: usize = 2_000;

/// A text message that was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its text.
    pub text: String,
    /// The buttons below it. A button that opens the person's photos sends nothing.
    pub buttons: Vec<Button>,
    /// The name of the sender, if it is not the bot's own.
    pub sender: Option<String>,
    /// The URL of the sender's icon, if it is not the bot's own.
    pub icon: Option<String>,
    /// The quote token of the message that it quotes.
    pub quotes: Option<String>,
}

/// A quick reply with a message action or a postback action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Button {
    /// The text on it.
    pub label: String,
    /// The text that it sends, or that the chat shows as the person's if it sends data; may be empty then.
    pub text: String,
    /// The data that it sends: that of a postback.
    pub data: Option<String>,
}

/// Parses the messages of a request, or returns their errors by property.
pub(super) fn messages(messages: &[Value]) -> Result<Vec<Message>, Vec<(String, String)>> {
    let mut details = vec![];
    if !(1..=MESSAGES_MAX).contains(&messages.len()) {
        details.push(("messages".to_owned(), "Size must be between 1 and 5".to_owned()));
    }
    let parsed = messages.iter().enumerate().map(|(index, message)| {
        parse(message, &mut |field, why| details.push((format!("messages[{index}].{field}"), why.to_owned())))
    });
    let parsed = parsed.collect();
    if details.is_empty() { Ok(parsed) } else { Err(details) }
}

fn parse(message: &Value, wrong: &mut dyn FnMut(&str, &str)) -> Message {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let words = message["text"].as_str().unwrap_or_default();
    if message["type"] != "text" {
        wrong("type", "Must be one of the following values: [text]");
    } else if words.trim().is_empty() {
        wrong("text", "May not be empty");
    } else if words.encode_utf16().count() > TEXT_MAX {
        wrong("text", "Length must be between 0 and 5000");
    }
    let items = message["quickReply"]["items"].as_array().map_or(&[][..], Vec::as_slice);
    if !message["quickReply"].is_null() && !(1..=BUTTONS_MAX).contains(&items.len()) {
        wrong("quickReply.items", "Size must be between 1 and 13");
    }
    let buttons = items.iter().map(|item| button(item, wrong)).collect();
    let (sender, icon) = (text(&message["sender"]["name"]), text(&message["sender"]["iconUrl"]));
    if sender.as_ref().is_some_and(|name| name.encode_utf16().count() > LABEL_MAX || name.contains("LINE")) {
        wrong("sender.name", "May not be used");
    }
    // A URL is percent-encoded, so that it has only printable ASCII.
    let is_url = |url: &String| {
        url.starts_with("https://") && url.len() <= URL_MAX && url.bytes().all(|b| b.is_ascii_graphic())
    };
    if icon.as_ref().is_some_and(|url| !is_url(url)) {
        wrong("sender.iconUrl", "Must be a valid HTTPS URL");
    }
    Message { text: words.to_owned(), buttons, sender, icon, quotes: text(&message["quoteToken"]) }
}

fn button(item: &Value, wrong: &mut dyn FnMut(&str, &str)) -> Button {
    let action = &item["action"];
    let text = |name: &str| action[name].as_str().unwrap_or_default().to_owned();
    let (is_postback, opens_photos) = (action["type"] == "postback", action["type"] == "cameraRoll");
    if item["type"] != "action" || !(is_postback || opens_photos || action["type"] == "message") {
        wrong(
            "quickReply.items.action.type",
            "Must be one of the following values: [message, postback, cameraRoll]",
        );
    }
    // LINE counts graphemes. A label with at most so many characters cannot have more graphemes.
    let label = text("label");
    if label.is_empty() || label.chars().filter(|c| *c != '\u{fe0f}').count() > LABEL_MAX {
        wrong("quickReply.items.action.label", "Length must be between 1 and 20");
    }
    if opens_photos {
        return Button { label, text: String::new(), data: None };
    }
    let mut limited = |name: &str, least: usize| {
        let sends = text(name);
        if !(least..=SENDS_MAX).contains(&sends.encode_utf16().count()) {
            let why = format!("Length must be between {least} and {SENDS_MAX}");
            wrong(&format!("quickReply.items.action.{name}"), &why);
        }
        sends
    };
    if is_postback {
        return Button { data: Some(limited("data", 1)), text: limited("displayText", 0), label };
    }
    Button { text: limited("text", 1), data: None, label }
}
