//! Images and recordings: the model sees or hears them, the bot repeats the words, and the user gets a notice where
//! that cannot be; no dead letter comes of a message that people send. All on one machine and on Lambda.

use axum::body::Bytes;
use emulator::{
    faults::Fault,
    line::{Preparation, content_path, said as messages},
    model::{TRANSCRIPTIONS, hear, see},
};
use serde_json::{Value, json};
use worker::locale::{Locale, MediaNotices};

use crate::harness::chat::{Chat, said, says, story};

mod faults;
mod files;
mod sets;

story!(a_picture_is_shown_with_its_question_and_the_next_and_kept_nowhere, "GPT_MODEL" = "gpt-4o");
story!(a_text_sees_the_picture_that_it_quotes, "GPT_MODEL" = "gpt-4o");
story!(who_cannot_see_or_hear_says_so_and_fetches_nothing, "GPT_MODEL" = "gpt-4", "TRANSCRIBE_MODEL" = "off");
story!(a_voice_is_said_back_and_answered, "TRANSCRIBE_MODEL" = "whisper-1");
story!(in_a_group_a_picture_is_seen_where_it_is_quoted, "GPT_MODEL" = "gpt-4o", "GROUP_PREFIX" = "henji");
story!(what_line_still_prepares_is_waited_for);
story!(what_line_has_no_more_is_told, "GPT_MODEL" = "gpt-4o");
story!(what_is_too_large_or_too_long_is_not_read, "GPT_MODEL" = "gpt-4o");
story!(what_is_no_picture_and_no_voice_is_told, "GPT_MODEL" = "gpt-4o");

/// Makes a JPEG that a model reads.
pub fn jpeg(size: usize) -> Bytes {
    [&[0xff, 0xd8, 0xff][..], &vec![7; size - 5], &[0xff, 0xd9]].concat().into()
}

pub fn media_notices() -> &'static MediaNotices {
    &Locale::En.words().media_notices
}

/// Posts this message of a user, and returns its webhook.
pub async fn sends(chat: &dyn Chat, message: Value) -> Value {
    let mut webhook = says("");
    webhook["events"][0]["message"] = message;
    chat.takes(webhook.clone()).await;
    webhook
}

/// Posts this message and waits until it is answered; returns all texts so far.
pub async fn answers(chat: &dyn Chat, message: Value) -> Vec<String> {
    sends(chat, message).await;
    chat.drains().await;
    assert_eq!(chat.letters().await, 0);
    said(chat)
}

pub fn picture(chat: &dyn Chat, bytes: Bytes) -> Value {
    messages::image(&chat.line().holds("image/jpeg", bytes))
}

pub fn voice(chat: &dyn Chat, words: &str) -> Value {
    messages::voice(&chat.line().holds("audio/x-m4a", hear::sample(words, 1)), Some(1_000))
}

/// Counts the requests to LINE for a message's content.
pub fn looks(chat: &dyn Chat, message: &Value) -> usize {
    chat.line().faults.seen(&content_path(message["id"].as_str().unwrap())).len()
}

/// Returns the contents of the last prompt's messages.
fn last_prompt(chat: &dyn Chat) -> Vec<Value> {
    let asked = chat.model().asked().pop().unwrap();
    asked.body["messages"].as_array().unwrap()[1..]
        .iter()
        .map(|m| match &m["content"] {
            Value::String(text) => see::without_note(text).into(),
            content => content.clone(),
        })
        .collect()
}

mod told {
    use super::*;

    pub(super) async fn a_picture_is_shown_with_its_question_and_the_next_and_kept_nowhere(chat: &dyn Chat) {
        let message = picture(chat, jpeg(300_000));
        let webhook = sends(chat, message.clone()).await;
        chat.drains().await;
        // LINE delivers it again.
        chat.takes(webhook).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to [image] [image/jpeg, 300000 bytes]"]);
        assert_eq!((looks(chat, &message), chat.letters().await), (1, 0));
        let kept = chat.kept().await;
        assert!(kept.contains("[image]") && !kept.contains("BwcHBwcH") && !kept.contains("base64"), "{kept}");
        for (words, shown) in [("and now?", " [image/jpeg, 300000 bytes]"), ("and then?", "")] {
            assert_eq!(
                answers(chat, messages::text(words)).await.pop().unwrap(),
                format!("answer to {words}{shown}")
            );
        }
        let answer = |words: &str| format!("answer to {words} [image/jpeg, 300000 bytes]");
        let prompt = ["[image]", &answer("[image]"), "and now?", &answer("and now?"), "and then?"];
        assert_eq!(last_prompt(chat), prompt.map(Value::from));
    }

    pub(super) async fn a_text_sees_the_picture_that_it_quotes(chat: &dyn Chat) {
        let id = chat.line().holds("image/jpeg", jpeg(100));
        let quoting = messages::quoting(messages::text("what is it?"), Some(&id));
        assert_eq!(answers(chat, quoting).await, ["answer to what is it? [image/jpeg, 100 bytes]"]);
        // A message that quotes no image, or a deleted one, is just a text.
        let voice = chat.line().holds("audio/x-m4a", hear::sample("hi", 1));
        for id in ["1234567890", &voice] {
            let said = answers(chat, messages::quoting(messages::text("and this?"), Some(id))).await;
            assert_eq!(said.last().unwrap(), "answer to [quotes a message that you cannot see]\nand this?");
        }
        chat.line().faults.set_fault(&content_path(&id), Some(&Fault::Reset), false);
        let said = answers(chat, messages::quoting(messages::text("this?"), Some(&id))).await;
        assert_eq!(said.last().unwrap(), "answer to [quotes a message that you cannot see]\nthis?");
    }

    pub(super) async fn who_cannot_see_or_hear_says_so_and_fetches_nothing(chat: &dyn Chat) {
        let (picture, voice) = (picture(chat, jpeg(100)), voice(chat, "hello"));
        answers(chat, picture.clone()).await;
        assert_eq!(
            answers(chat, voice.clone()).await,
            [media_notices().no_vision, media_notices().no_transcription]
        );
        let quoting = messages::quoting(messages::text("this?"), picture["id"].as_str());
        let unseen = "answer to [quotes a message that you cannot see]\nthis?";
        assert_eq!(answers(chat, quoting).await.last().unwrap(), unseen);
        assert_eq!((looks(chat, &picture), looks(chat, &voice)), (0, 0));
    }

    pub(super) async fn a_voice_is_said_back_and_answered(chat: &dyn Chat) {
        let said = answers(chat, voice(chat, "my secret\n is wisteria")).await;
        assert_eq!(said, ["🎤 “my secret is wisteria”", "answer to my secret\n is wisteria"]);
        assert_eq!(chat.line().sent().len(), 1, "in one push");
        let form = chat.model().faults.seen(TRANSCRIPTIONS).pop().unwrap().body;
        assert_eq!((&form["model"], &form["file"]["name"]), (&json!("whisper-1"), &json!("voice.wav")));
        // The recording is a question whatever its words are, and part of the conversation.
        let said = answers(chat, voice(chat, "forget")).await;
        assert_eq!(said[2..], ["🎤 “forget”", "answer to forget"]);
        assert_eq!(last_prompt(chat)[0], "my secret\n is wisteria");
        chat.takes(says("retry")).await;
        chat.drains().await;
        assert_eq!(super::said(chat).last().unwrap(), "answer to forget");
        assert_eq!(chat.model().faults.seen(TRANSCRIPTIONS).len(), 2, "what was heard is known");
    }

    pub(super) async fn in_a_group_a_picture_is_seen_where_it_is_quoted(chat: &dyn Chat) {
        let group = "C4af4980629000000000000000000000a";
        let image = picture(chat, jpeg(100));
        let quoting = messages::quoting(messages::text("henji what is it?"), image["id"].as_str());
        for message in [image.clone(), quoting] {
            let mut webhook = says("");
            webhook["events"][0]["message"] = message;
            webhook["events"][0]["source"] = json!({ "type": "group", "groupId": group });
            chat.takes(webhook).await;
            chat.drains().await;
        }
        // An image alone is not a call of the bot.
        assert_eq!(said(chat), ["answer to what is it? [image/jpeg, 100 bytes]"]);
        assert_eq!((looks(chat, &image), chat.letters().await), (1, 0));
    }

    pub(super) async fn what_line_still_prepares_is_waited_for(chat: &dyn Chat) {
        chat.line().prepares(Preparation::After(2));
        let message = voice(chat, "hello");
        sends(chat, message.clone()).await;
        chat.takes(says("second")).await;
        chat.drains().await;
        let answers = ["🎤 “hello”", "answer to hello", "answer to second"];
        assert_eq!((said(chat), looks(chat, &message)), (answers.map(ToOwned::to_owned).to_vec(), 3));
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn what_line_has_no_more_is_told(chat: &dyn Chat) {
        for message in [messages::image("123456"), messages::voice("123456", None)] {
            let said = answers(chat, message).await;
            assert_eq!(said.last().unwrap(), media_notices().content_unavailable);
        }
        chat.line().prepares(Preparation::Failed);
        assert_eq!(answers(chat, voice(chat, "hello")).await, [media_notices().content_unavailable; 3]);
        assert!(chat.model().asked().is_empty());
        assert!(!chat.kept().await.contains("[image]"), "a notice is no part of the conversation");
    }

    pub(super) async fn what_is_too_large_or_too_long_is_not_read(chat: &dyn Chat) {
        let (large, long) = (Bytes::from(vec![0xff; 50_000_000]), hear::sample("hello", 1));
        let long = messages::voice(&chat.line().holds("audio/x-m4a", long), Some(600_001));
        assert_eq!(answers(chat, picture(chat, large.clone())).await, [media_notices().image_too_large]);
        assert_eq!(answers(chat, long.clone()).await.last().unwrap(), media_notices().audio_too_long);
        assert_eq!(looks(chat, &long), 0);
        let longer = messages::voice(&chat.line().holds("audio/x-m4a", large.clone()), None);
        assert_eq!(answers(chat, longer).await.last().unwrap(), media_notices().audio_too_long);
        // The result is the same where LINE does not send the size.
        chat.line().hides_lengths();
        assert_eq!(
            answers(chat, picture(chat, large)).await.last().unwrap(),
            media_notices().image_too_large
        );
        let said = answers(chat, picture(chat, jpeg(100))).await;
        assert_eq!(said.last().unwrap(), "answer to [image] [image/jpeg, 100 bytes]");
    }

    pub(super) async fn what_is_no_picture_and_no_voice_is_told(chat: &dyn Chat) {
        let broken = jpeg(100).slice(..50);
        for bytes in [broken, Bytes::from_static(b"%PDF-1.7"), Bytes::new()] {
            let said = answers(chat, picture(chat, bytes)).await;
            assert_eq!(said.last().unwrap(), media_notices().image_unclear);
        }
        let silence =
            messages::voice(&chat.line().holds("audio/x-m4a", hear::sample("", 600)), Some(600_000));
        let noise = messages::voice(&chat.line().holds("audio/x-m4a", Bytes::from_static(b"?")), None);
        for message in [silence, noise] {
            assert_eq!(answers(chat, message).await.last().unwrap(), media_notices().no_words_heard);
        }
        assert_eq!(chat.model().asked().len(), 1, "only what begins as a picture is shown");
    }
}
