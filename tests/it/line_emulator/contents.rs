//! Messages beside texts: LINE's contents, and how the emulator of the model sees images and hears audio.

use std::time::Duration;

use axum::body::Bytes;
use emulator::{
    line::{Preparation, content_path, preview_path, said},
    model::{COMPLETIONS, Model, TRANSCRIPTIONS, hear},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Platform;
use crate::harness::{
    local::{USER, host},
    spec,
};

const CONTENT: &str = "/v2/bot/message/{messageId}/content";

impl Platform {
    /// Gets a content as the bot does: status, media type, length by the header, bytes.
    async fn content(&self, id: &str) -> (u16, String, Option<u64>, Bytes) {
        let get = self.http.get(format!("{}{}", self.origin, content_path(id)));
        let response = get.header("authorization", "Bearer token").send().await.unwrap();
        let header = |name| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        let kind = header("content-type").unwrap_or_default();
        let length = header("content-length").map(|length| length.parse().unwrap());
        (response.status().as_u16(), kind, length, response.bytes().await.unwrap())
    }

    async fn transcoding(&self, id: &str) -> (u16, Value) {
        let (template, path) =
            (format!("{CONTENT}/transcoding"), format!("{}/transcoding", content_path(id)));
        self.calls_with("get", &template, &path, None, &[("authorization", "Bearer token")]).await
    }
}

#[tokio::test]
async fn a_content_is_had_until_it_is_unsent_or_deleted_with_or_without_its_length() {
    let platform = Platform::start().await;
    let png = Bytes::from_static(b"\x89PNG\r\n\x1a\nrest");
    let message = platform.line.image(png.clone()).unwrap();
    spec::check_message(&message);
    let id = message["id"].as_str().unwrap();
    assert_eq!(platform.content(id).await, (200, "image/png".into(), Some(12), png.clone()));
    platform.line.hides_lengths();
    assert_eq!(platform.content(id).await, (200, "image/png".into(), None, png));
    assert_eq!(platform.transcoding(id).await.0, 400);
    platform.line.unsends(USER, id, Timestamp::UNIX_EPOCH);
    assert_eq!((platform.content(id).await.0, platform.transcoding(id).await.0), (410, 410));
    let id = platform.line.holds("image/jpeg", Bytes::from_static(b"no picture"));
    assert_eq!(platform.content(&id).await.0, 200);
    platform.line.deletes_content(&id);
    assert_eq!((platform.content(&id).await.0, platform.transcoding(&id).await.0), (404, 404));
}

#[tokio::test]
async fn images_that_are_sent_at_once_are_one_set_in_order_and_an_image_alone_is_none() {
    let platform = Platform::start().await;
    let images = |count: usize| {
        let image = |_| platform.line.image(Bytes::from_static(b"\x89PNG\r\n\x1a\nrest")).unwrap();
        said::image_set((0..count).map(image).collect())
    };
    let (set, other) = (images(3), images(2));
    for (index, message) in (1..).zip(&set) {
        spec::check_message(message);
        let expected = json!({ "id": set[0]["imageSet"]["id"], "index": index, "total": 3 });
        assert_eq!(message["imageSet"], expected);
        assert_eq!(platform.content(message["id"].as_str().unwrap()).await.0, 200);
    }
    assert!(set[0]["id"] != set[1]["id"] && set[1]["id"] != set[2]["id"]);
    assert_ne!(set[0]["imageSet"]["id"], other[0]["imageSet"]["id"]);
    assert!(images(1)[0]["imageSet"].is_null() && images(0).is_empty());
}

#[tokio::test]
async fn a_voice_may_have_to_be_prepared_and_may_never_be() {
    let platform = Platform::start().await;
    platform.line.prepares(Preparation::After(2));
    let id = platform.line.holds("audio/wav", hear::sample("hello", 1));
    spec::check_message(&said::voice(&id, Some(1_000)));
    for _ in 0..2 {
        assert_eq!(platform.transcoding(&id).await.1["status"], "processing");
        assert_eq!(platform.content(&id).await.0, 202);
    }
    assert_eq!(platform.transcoding(&id).await.1["status"], "succeeded");
    assert_eq!(platform.content(&id).await.0, 200);
    platform.line.prepares(Preparation::Failed);
    let id = platform.line.holds("video/mp4", Bytes::from_static(b"....ftypisom"));
    assert_eq!(platform.transcoding(&id).await.1["status"], "failed");
    assert_eq!(platform.content(&id).await.0, 202);
    platform.line.prepares(Preparation::Done);
    let picture = platform.line.holds("image/png", Bytes::new());
    assert_eq!(platform.content(&picture).await.0, 200);
}

#[tokio::test]
async fn images_and_videos_have_a_preview_and_nothing_else_has() {
    let platform = Platform::start().await;
    let preview = async |id: &str| {
        let get = platform.http.get(format!("{}{}", platform.origin, preview_path(id)));
        get.header("authorization", "Bearer token").send().await.unwrap().status().as_u16()
    };
    let video = platform.line.holds("video/mp4", Bytes::from_static(b"....ftypisom"));
    spec::check_message(&said::video(&video, Some(1_000)));
    let file = platform.line.holds("application/pdf", Bytes::from_static(b"%PDF-1.7"));
    spec::check_message(&said::file(&file, "a.pdf", 8));
    let image = platform.line.holds("image/png", Bytes::from_static(b"\x89PNG"));
    for (id, status) in [(video.as_str(), 200), (&image, 200), (&file, 404), ("none", 404)] {
        assert_eq!(preview(id).await, status, "{id}");
    }
    platform.line.deletes_content(&video);
    assert_eq!(preview(&video).await, 404);
}

async fn transcribes(url: &str, kind: &str, name: &str, bytes: &[u8]) -> (u16, Value) {
    let head = format!(
        "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ngpt-4o-mini-transcribe\r\n--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: audio/wav\r\n\r\n"
    );
    let request = worker::adapters::http::client().unwrap().post(url).header("authorization", "Bearer key");
    let body = [head.as_bytes(), bytes, b"\r\n--b--\r\n"].concat();
    let response = request.header("content-type", kind).body(body).send().await.unwrap();
    (response.status().as_u16(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

#[tokio::test]
async fn the_emulator_hears_the_words_in_a_voice_and_refuses_what_is_none() {
    let model = Model::offline(Duration::ZERO);
    let url = host(model.clone().router()).await + TRANSCRIPTIONS;
    let form = "multipart/form-data; boundary=b";
    let voice = hear::sample("お腹すいた", 2);
    let (status, answer) = transcribes(&url, form, "voice.wav", &voice).await;
    assert_eq!((status, &answer["text"]), (200, &"お腹すいた".into()), "{answer}");
    assert_eq!(transcribes(&url, form, "silence.wav", &hear::sample("", 1)).await.1["text"], "");
    let (_, answer) = transcribes(&url, form, "own.m4a", b"....ftypM4A and so on").await;
    assert_eq!(answer["text"], "(audio/x-m4a, 21 bytes)");
    for (kind, name, bytes, status) in [
        (form, "voice.exe", &voice[..], 400),
        (form, "voice.wav", b"nonsense", 400),
        ("application/json", "voice.wav", &voice, 400),
        (form, "voice.wav", &vec![0; (25 << 20) + 1], 413),
    ] {
        let (got, answer) = transcribes(&url, kind, name, bytes).await;
        assert_eq!(got, status, "{kind} {name} {answer}");
        assert!(answer["error"]["message"].is_string());
    }
    let seen = &model.faults.seen(TRANSCRIPTIONS)[0].body;
    assert_eq!(
        *seen,
        json!({ "model": "gpt-4o-mini-transcribe", "response_format": null, "file": { "name": "voice.wav", "bytes": voice.len() } })
    );
}

#[tokio::test]
async fn the_emulator_says_what_it_sees() {
    let model = Model::offline(Duration::ZERO);
    let url = host(model.clone().router()).await + COMPLETIONS;
    let asks = async |picture: &str| {
        let part = json!({ "type": "image_url", "image_url": { "url": picture } });
        let content = json!([{ "type": "text", "text": "What is this?" }, part]);
        let body = json!({ "model": "gpt-5.4-mini", "messages": [{ "role": "user", "content": content }] });
        let post = worker::adapters::http::client().unwrap().post(&url).header("authorization", "Bearer key");
        let response = post.body(body.to_string()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let (status, answer) = asks(&format!("data:image/png;base64,{png}")).await;
    assert!(status == 200 && answer.contains("👀 image/png, 70 bytes"), "{answer}");
    let (status, answer) = asks(&format!("data:image/png;base64,{}", &png[..40])).await;
    assert!(status == 400 && answer.contains("invalid_image_format"), "{answer}");
    assert_eq!(asks("https://example.com/picture.png").await.0, 400);
}
