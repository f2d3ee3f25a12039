//! The transcriptions of the offline model. It has no speech model: the transcript is the words that are written into
//! the audio file, as in every sample of the page and the tests. The rest is as OpenAI documents it ("Create
//! transcription"): the form's fields, the formats, the longest file.

use std::fmt::Write as _;

use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::error::{refusal, refuse};
use crate::{media_type::media_type, respond::respond};

/// The mark before the words in an audio file.
const MARK: &[u8] = b"henji:words=";
/// The size of the largest file that is accepted, in bytes.
const FILE_MAX: usize = 25 << 20;
/// The file extensions that are accepted.
const FORMATS: [&str; 10] = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"];
/// The sample rate of a sample, in samples (bytes) a second.
const RATE: u32 = 8_000;

/// A form as the server received it.
#[derive(Default)]
pub(super) struct Form {
    model: Option<String>,
    format: Option<String>,
    file: Option<(String, Bytes)>,
    parsed: bool,
}

impl Form {
    /// Returns the name of the model that is asked.
    pub(super) fn model(&self) -> &str {
        self.model.as_deref().unwrap_or_default()
    }
}

/// Makes a sample: a WAVE file of a tone of these seconds, with these words as its comment.
pub fn sample(words: &str, seconds: u32) -> Bytes {
    let mut comment = [MARK, words.as_bytes(), b"\0"].concat();
    comment.resize(comment.len().next_multiple_of(2), 0);
    let tone = |n: u32| if (n / 20).is_multiple_of(2) { 0x70 } else { 0x90 };
    let sound: Vec<u8> = (0..RATE * seconds).map(tone).collect();
    let format = [
        &1u16.to_le_bytes()[..],
        &1u16.to_le_bytes(),
        &RATE.to_le_bytes(),
        &RATE.to_le_bytes(),
        &1u16.to_le_bytes(),
        &8u16.to_le_bytes(),
    ]
    .concat();
    let list = [b"INFO", &chunk(*b"ICMT", &comment)[..]].concat();
    let chunks =
        [b"WAVE", &chunk(*b"fmt ", &format)[..], &chunk(*b"LIST", &list), &chunk(*b"data", &sound)].concat();
    chunk(*b"RIFF", &chunks).into()
}

fn chunk(name: [u8; 4], bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&name[..], &length.to_le_bytes()[..], bytes].concat()
}

/// Reads the form of a request.
pub(super) async fn form(headers: &HeaderMap, body: Bytes) -> Form {
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers.clone();
    DefaultBodyLimit::disable().apply(&mut request);
    let Ok(mut parts) = Multipart::from_request(request, &()).await else { return Form::default() };
    let mut form = Form { parsed: true, ..Form::default() };
    while let Ok(Some(part)) = parts.next_field().await {
        let (name, file) = (part.name().map(str::to_owned), part.file_name().map(str::to_owned));
        let Ok(bytes) = part.bytes().await else { break };
        let text = || Some(String::from_utf8_lossy(&bytes).into_owned());
        match name.as_deref() {
            Some("model") => form.model = text(),
            Some("response_format") => form.format = text(),
            Some("file") => form.file = Some((file.unwrap_or_default(), bytes)),
            _ => {}
        }
    }
    form
}

impl Form {
    /// Returns the form as it is logged: without the file's bytes.
    pub(super) fn shown(&self) -> Value {
        let file = self.file.as_ref().map(|(name, bytes)| json!({ "name": name, "bytes": bytes.len() }));
        json!({ "model": self.model, "response_format": self.format, "file": file })
    }
}

/// Makes the server's answer to a form.
pub(super) fn answer(form: &Form) -> Response {
    if !form.parsed {
        return refuse(400, "invalid_request_error", "Could not parse multipart form");
    }
    let (Some(_), Some((name, bytes))) = (&form.model, &form.file) else {
        return refusal(400, "invalid_request_error");
    };
    if bytes.len() > FILE_MAX {
        return refuse(413, "invalid_request_error", "Maximum content size limit (26214400) exceeded");
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    if extension.is_none_or(|extension| !FORMATS.contains(&&*extension)) {
        let mut why = "Invalid file format. Supported formats: ".to_owned();
        let _ = write!(why, "{FORMATS:?}");
        return refuse(400, "invalid_request_error", &why);
    }
    let Some(words) = words(bytes) else {
        return refuse(400, "invalid_value", "Audio file might be corrupted or unsupported");
    };
    let (asked, answered) = (bytes.len() / 1_000, words.len().div_ceil(3));
    let usage = json!({ "type": "tokens", "input_tokens": asked, "output_tokens": answered, "total_tokens": asked + answered });
    respond(200, &[], json!({ "text": words, "usage": usage }).to_string())
}

/// Returns the words in an audio file or, if it has none, its kind and size. `None` if it is not audio or video.
fn words(bytes: &[u8]) -> Option<String> {
    let kind = media_type(bytes).filter(|kind| kind.starts_with("audio/") || kind.starts_with("video/"))?;
    let Some(at) = bytes.windows(MARK.len()).position(|window| window == MARK) else {
        return Some(format!("({kind}, {} bytes)", bytes.len()));
    };
    let words = bytes[at + MARK.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
    Some(String::from_utf8_lossy(words).into_owned())
}
