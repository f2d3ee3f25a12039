//! The request that turns a recording into words (`POST {base}/audio/transcriptions`; OpenAI, "Speech to text").

use bytes::Bytes;
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use secrecy::SecretString;
use serde::Deserialize;
use shared::visible::shows_nothing;
use tokio::time::Instant;

use super::{
    client::{ModelClient, unavailable},
    error::ErrorBody,
    refusal::refusal,
    response::ModelError,
};
use crate::text::clean::clean;

/// The largest recording that is accepted, in bytes. The limit of 25 MB counts the whole request.
pub const BYTES_MAX: usize = 25_000_000;

/// The result of a transcription.
#[derive(Debug)]
pub enum Heard {
    /// The words that were said. They are not blank and never logged.
    Words(String),
    /// There are no words in the recording, or it cannot be read.
    Nothing,
    /// The server does not transcribe any audio.
    Unsupported,
}

impl ModelClient {
    /// Transcribes a recording with one request.
    pub async fn transcribe(
        &self,
        model: &str,
        recording: Bytes,
        deadline: Instant,
    ) -> Result<Heard, ModelError> {
        let (length, name) = (recording.len() as u64, file_name(&recording));
        let ask = |key: &SecretString| {
            let file = Part::stream_with_length(Body::from(recording.clone()), length).file_name(name);
            let form = Form::new().text("model", model.to_owned()).text("response_format", "json");
            let asked = self.endpoint.transcriptions(&self.http, key, model);
            asked.multipart(form.part("file", file))
        };
        let answer = self.send(ask, deadline).await?;
        if answer.status.is_success() {
            return words(&answer.body)
                .map(|heard| match heard {
                    Heard::Words(words) => Heard::Words(answer.told(words)),
                    other => other,
                })
                .ok_or_else(|| {
                    ModelError::Unusable(unavailable("status 200, but the body is no transcription"))
                });
        }
        let error = ErrorBody::of(&answer.body);
        match error.status(answer.status).as_u16() {
            _ if error.refuses_key() || error.is_overloaded() => {}
            _ if error.says_model_not_found()
                || error.is_unpaid(answer.status, answer.retry_after.is_some()) => {}
            404 | 405 | 501 => return Ok(Heard::Unsupported),
            400 | 415 | 422 if error.says(&["not support audio"]) => return Ok(Heard::Unsupported),
            400 | 413 | 415 | 422 if !error.is_about("model") => return Ok(Heard::Nothing),
            _ => {}
        }
        Err(refusal(&answer, &error, None).last())
    }
}

fn words(body: &[u8]) -> Option<Heard> {
    #[derive(Deserialize)]
    struct Response {
        text: String,
    }
    let first = serde_json::Deserializer::from_slice(body).into_iter().next();
    let Response { text } = first?.ok()?;
    let text = clean(&text);
    let text = text.trim();
    Some(if shows_nothing(text) { Heard::Nothing } else { Heard::Words(text.to_owned()) })
}

/// Returns a file name that shows the server the format: the server reads its ending, not the bytes. LINE's own
/// recordings are M4A.
fn file_name(recording: &[u8]) -> &'static str {
    match recording {
        [b'I', b'D', b'3', ..] | [0xff, 0xfb | 0xf3 | 0xf2, ..] => "voice.mp3",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => "voice.wav",
        [b'O', b'g', b'g', b'S', ..] => "voice.ogg",
        [b'f', b'L', b'a', b'C', ..] => "voice.flac",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "voice.webm",
        _ => "voice.m4a",
    }
}
