//! The images and PDFs of the offline model's prompts. It recognises each by its bytes, names its kind and size, and
//! refuses anything else with the error of OpenAI's server.

use axum::response::Response;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::error::refuse;
use crate::media_type::media_type;

/// The models of OpenAI that cannot read images; every other name is taken for a model that can.
const BLIND: [&str; 2] = ["gpt-4", "gpt-3.5-turbo"];

/// The media type of a PDF.
const PDF: &str = "application/pdf";

/// Formats a message of a prompt with its images and PDFs: `What is this? [image/png, 68 bytes]`.
pub fn said(message: &Value) -> String {
    let pictures = pictures(message).into_iter().map(|picture| format!("[{picture}]"));
    let parts = [text(message)].into_iter().filter(|text| !text.is_empty()).chain(pictures);
    parts.collect::<Vec<_>>().join(" ")
}

/// Returns the words of a message, as the person wrote them.
pub fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => without_note(text).to_owned(),
        content => {
            let texts = content.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
            texts.map(without_note).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Returns a text without the note below it, in which the bot says the time and the person's name.
pub fn without_note(text: &str) -> &str {
    let noted = text.strip_suffix(']').and_then(|text| text.rsplit_once("\n\n["));
    noted.filter(|(_, note)| note.contains(" UTC")).map_or(text, |(words, _)| words)
}

/// Returns the kind and size of each image and PDF of a message.
pub(super) fn pictures(message: &Value) -> Vec<String> {
    let parts = message["content"].as_array().into_iter().flatten();
    let urls = parts.filter_map(|part| url(part).as_str());
    urls.map(|url| match picture(url) {
        Some((kind, bytes)) => format!("{kind}, {} bytes", bytes.len()),
        None => "no picture".to_owned(),
    })
    .collect()
}

/// Returns the data URL of an image or a file among the parts of a message.
fn url(part: &Value) -> &Value {
    if part["type"] == "file" { &part["file"]["file_data"] } else { &part["image_url"]["url"] }
}

/// Returns the error of a server that refuses the images and files of a request, if it would refuse them.
pub(super) fn refusal(request: &Value) -> Option<Response> {
    let messages = request["messages"].as_array()?.iter();
    let parts = messages.filter_map(|message| message["content"].as_array()).flatten();
    let mut media = parts.filter(|part| part["type"] == "image_url" || part["type"] == "file").peekable();
    media.peek()?;
    if BLIND.iter().any(|name| request["model"] == *name) {
        let why = "Invalid content type. image_url is only supported by certain models.";
        return Some(refuse(400, "invalid_request_error", why));
    }
    let bad = media.find(|part| {
        let known = url(part).as_str().and_then(picture);
        let is_of_its_part = |kind: &str| (kind == PDF) == (part["type"] == "file");
        known.is_none_or(|(kind, bytes)| !is_of_its_part(&kind) || !is_complete(&kind, &bytes))
    })?;
    Some(if bad["type"] == "file" {
        refuse(400, "invalid_file_data", "The file could not be read. Please make sure it is a valid PDF.")
    } else {
        let why = "You uploaded an unsupported image. Please make sure your image is valid.";
        refuse(400, "invalid_image_format", why)
    })
}

/// Returns the declared media type and the bytes of a data URL, if the bytes are of that type.
fn picture(url: &str) -> Option<(String, Vec<u8>)> {
    let (kind, base64) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let bytes = STANDARD.decode(base64).ok()?;
    let is_pdf = bytes.starts_with(b"%PDF-").then_some(PDF);
    (is_pdf.or(media_type(&bytes)) == Some(kind)).then(|| (kind.to_owned(), bytes))
}

/// Whether an image or a PDF has its end. One that was cut does not have it.
fn is_complete(kind: &str, bytes: &[u8]) -> bool {
    match kind {
        "image/png" => bytes.windows(4).rev().take(64).any(|four| four == b"IEND"),
        "image/jpeg" => bytes.windows(2).rev().take(64).any(|two| two == [0xff, 0xd9]),
        PDF => bytes.windows(5).rev().take(64).any(|five| five == b"%%EOF"),
        "image/gif" => bytes.ends_with(b";"),
        "image/webp" => bytes.get(4..8).is_some_and(|size| {
            let size = size.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            bytes.len() >= size + 8
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(model: &str, kind: &str, bytes: &[u8]) -> Value {
        let url = format!("data:{kind};base64,{}", STANDARD.encode(bytes));
        let content = json!([{ "type": "text", "text": "this?" }, { "type": "image_url", "image_url": { "url": url } }]);
        json!({ "model": model, "messages": [{ "role": "user", "content": content }] })
    }

    #[test]
    fn a_whole_picture_is_seen_and_a_broken_one_or_one_for_the_blind_refused() {
        let jpeg = [&[0xff, 0xd8, 0xff][..], &[0; 9], &[0xff, 0xd9]].concat();
        let good = request("gpt-5.4-mini", "image/jpeg", &jpeg);
        assert!(refusal(&good).is_none());
        assert_eq!(said(&good["messages"][0]), "this? [image/jpeg, 14 bytes]");
        for (text, words) in
            [("hi\n\n[Mon 2026-11-30 08:05 UTC+09; name: Aoi]", "hi"), ("a\n\n[b]", "a\n\n[b]")]
        {
            assert_eq!(said(&json!({ "role": "user", "content": text })), words);
        }
        let pdf = |bytes: &[u8]| {
            let url = format!("data:{PDF};base64,{}", STANDARD.encode(bytes));
            let part = json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": url } });
            json!({ "model": "gpt-5.4-mini", "messages": [{ "role": "user", "content": [part] }] })
        };
        let good = pdf(b"%PDF-1.7 %%EOF");
        assert!(refusal(&good).is_none());
        assert_eq!(said(&good["messages"][0]), "[application/pdf, 14 bytes]");
        for bad in [
            pdf(b"%PDF-1.7"),
            pdf(&jpeg),
            request("gpt-5.4-mini", "image/jpeg", &jpeg[..10]),
            request("gpt-5.4-mini", "image/png", &jpeg),
            request("gpt-5.4-mini", "image/jpeg", b"<svg/>"),
            request("gpt-4", "image/jpeg", &jpeg),
        ] {
            assert_eq!(refusal(&bad).map(|response| response.status().as_u16()), Some(400), "{bad}");
        }
    }
}
