//! Reads the body of a response: one JSON value, or the events of a stream. Pure.
//!
//! A server may stream although it was asked not to, compress although it was asked not to, write a byte order mark,
//! blanks or comments before its answer, or anything after it. All of that is read (the WHATWG's HTML standard,
//! "Server-sent events"; RFC 8259, 8.1; OpenRouter, "Streaming", for comments).

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::{Value, error::Category, json};

use super::written::Written;

/// The bytes with which compressed data begins (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The byte order mark in UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The content of a response's body.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The text that the model wrote.
    pub(super) text: String,
    /// Whether the model wrote a refusal.
    pub(super) is_refused: bool,
    /// The server's word for how the text ended; empty if it has none.
    pub(super) finish: String,
    /// Whether the text may go on: the stream broke off before its end.
    pub(super) breaks_off: bool,
    /// The server's account of the tokens. The answer is valid, whatever this contains.
    pub(super) usage: Value,
    /// Whether there was a choice at all.
    pub(super) has_choice: bool,
}

/// The reason why a body has no answer.
#[derive(Debug, PartialEq)]
pub(super) enum Unread {
    /// It is an error, although the status may be one of success.
    Error(Value),
    /// It is an HTML page.
    Html,
    /// It is not JSON; or it is ambiguous JSON, because a name is there twice.
    NoJson,
    /// It is JSON, but no completion.
    NoCompletion,
}

/// Returns a body as it was before it was compressed and marked. At most `max` bytes are unpacked.
pub(super) fn unpacked(body: Vec<u8>, max: usize) -> Vec<u8> {
    let mut body = if body.starts_with(&GZIP) {
        let mut unpacked = Vec::new();
        // The text before the place at which the data is damaged is kept.
        let _ = MultiGzDecoder::new(body.as_slice()).take(max as u64).read_to_end(&mut unpacked);
        unpacked
    } else {
        body
    };
    let begins = beginning(&body);
    body.drain(..begins);
    body
}

/// Returns the place at which the content of a body begins: after a byte order mark, blanks and comments.
fn beginning(body: &[u8]) -> usize {
    let mut at = if body.starts_with(&BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    loop {
        match body.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(b':') => at += body[at..].iter().take_while(|b| !matches!(b, b'\r' | b'\n')).count(),
            _ => return at,
        }
    }
}

/// Whether an unpacked body is a page for people.
pub(super) fn is_html(body: &[u8]) -> bool {
    body.first() == Some(&b'<')
}

/// Reads an unpacked body.
pub(super) fn read(body: &[u8]) -> Result<Answer, Unread> {
    let mut answer = Answer::default();
    if is_html(body) {
        return Err(Unread::Html);
    }
    if body.starts_with(b"[") {
        // Gemini sends a list of one error.
        let list: Value = serde_json::from_slice(body).map_err(|error| Unread::of(&error))?;
        return Err(if list[0]["error"].is_null() { Unread::NoCompletion } else { Unread::Error(list) });
    }
    if !is_stream(body) {
        let first = serde_json::Deserializer::from_slice(body).into_iter().next();
        answer.add(first.ok_or(Unread::NoJson)?.map_err(|error| Unread::of(&error))?)?;
        return Ok(answer);
    }
    answer.breaks_off = true;
    let text = String::from_utf8_lossy(body);
    for event in events(&text) {
        // Some servers leave out the blank line between two events.
        let mut chunks = serde_json::Deserializer::from_str(&event).into_iter();
        loop {
            // The mark of the end is no JSON.
            if event[chunks.byte_offset()..].trim_start().starts_with("[DONE]") {
                answer.breaks_off = false;
                return Ok(answer);
            }
            match chunks.next() {
                Some(Ok(chunk)) => answer.add(chunk)?,
                // The connection ended within the last chunk.
                Some(Err(error)) if error.is_eof() => return Ok(answer),
                Some(Err(error)) => return Err(Unread::of(&error)),
                None => break,
            }
        }
    }
    Ok(answer)
}

/// Whether a body is a stream of events.
fn is_stream(body: &[u8]) -> bool {
    ["data:", "event:", "id:", "retry:"].iter().any(|field| body.starts_with(field.as_bytes()))
}

/// Returns the data of each event.
fn events(text: &str) -> Vec<String> {
    let mut events = vec![];
    let mut data = String::new();
    for line in text.lines().chain([""]) {
        match line.strip_prefix("data:") {
            Some(more) if data.is_empty() => more.clone_into(&mut data),
            Some(more) => data.extend(["\n", more]),
            None if line.is_empty() && !data.is_empty() => events.push(std::mem::take(&mut data)),
            None => {}
        }
    }
    events
}

impl Unread {
    fn of(error: &serde_json::Error) -> Self {
        let is_twice = || error.to_string().starts_with("duplicate field");
        if error.classify() == Category::Data && !is_twice() { Self::NoCompletion } else { Self::NoJson }
    }
}

impl Answer {
    /// Adds a response, or a chunk of one.
    fn add(&mut self, response: Response) -> Result<(), Unread> {
        let Response { choices, usage, error, message, code, kind } = response;
        let is_error =
            |error: &Value| error.as_str().is_some_and(|text| !text.is_empty()) || error.is_object();
        if let Some(error) = error.filter(is_error) {
            return Err(Unread::Error(json!({ "error": error, "code": code, "type": kind })));
        }
        if choices.is_none() && message.is_string() {
            return Err(Unread::Error(json!({ "message": message, "code": code, "type": kind })));
        }
        if !usage.is_null() {
            self.usage = usage;
        }
        let Some(choice) = choices.into_iter().flatten().next() else { return Ok(()) };
        if let Some(error) = choice.error.filter(is_error) {
            return Err(Unread::Error(json!({ "error": error })));
        }
        self.has_choice = true;
        if let Some(word) = choice.finish_reason.as_str().filter(|word| !word.is_empty()) {
            word.clone_into(&mut self.finish);
            self.breaks_off = false;
        }
        // Some servers end a stream with the whole message.
        let delta = choice.delta.filter(|delta| delta.content.is_some() || delta.refusal.is_some());
        let part = delta.or(choice.message.filter(|_| self.text.is_empty())).unwrap_or_default();
        if let Some(Written(text)) = part.content {
            if self.text.is_empty() { self.text = text } else { self.text.push_str(&text) }
        }
        self.is_refused |= part.refusal.is_some_and(|Written(words)| !words.is_empty());
        Ok(())
    }
}

#[derive(Deserialize)]
struct Response {
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Value,
    error: Option<Value>,
    /// The message of an error that some servers write at the top.
    #[serde(default)]
    message: Value,
    #[serde(default)]
    code: Value,
    #[serde(default, rename = "type")]
    kind: Value,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<Part>,
    delta: Option<Part>,
    #[serde(default)]
    finish_reason: Value,
    error: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Part {
    content: Option<Written>,
    refusal: Option<Written>,
}
