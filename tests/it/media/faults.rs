//! Faults of LINE and the model while the bot fetches, shows or transcribes media, and the acts of people meanwhile.

use std::time::Duration;

use emulator::{
    faults::Fault,
    line::{Preparation, content_path},
    model::{COMPLETIONS, TRANSCRIPTIONS},
};
use serde_json::{Value, json};
use shared::job::{Content, ConversationId, EventId, Job, JobKind};
use worker::{clock::wall_clock, locale::Locale};

use super::{answers, jpeg, last_prompt, looks, media_notices, messages, picture, sends, voice};
use crate::harness::{
    chat::{Chat, does, said, says, story},
    lambda::bot::Bot as OnLambda,
    local::{Bot, USER},
};

story!(a_picture_is_looked_at_again, "GPT_MODEL" = "gpt-4o");
story!(what_found_no_answer_is_seen_and_heard_again, "GPT_MODEL" = "gpt-4o", "MAX_ATTEMPTS" = "1");
story!(
    a_text_that_somebody_types_as_image_is_a_text,
    "GPT_MODEL" = "gpt-4o",
    "TRANSCRIBE_MODEL" = "whisper-1",
    "MAX_ATTEMPTS" = "1"
);
story!(
    a_picture_and_a_voice_of_rows_without_a_kind_are_seen_and_heard_again,
    "GPT_MODEL" = "gpt-4o",
    "MAX_ATTEMPTS" = "1"
);
story!(short_faults_of_line_and_of_the_ears_are_outlived);
story!(what_line_refuses_is_a_letter_that_a_redrive_mends, "MAX_ATTEMPTS" = "1");
story!(what_line_calls_a_bad_request_is_asked_for_again);
story!(what_line_goes_on_calling_a_bad_request_is_told_as_gone, "MAX_ATTEMPTS" = "1", "GPT_MODEL" = "gpt-4o");
story!(ears_that_are_gone_are_a_letter_and_a_server_without_ears_a_notice);
story!(a_voice_that_nobody_pays_for_is_a_letter);
story!(ears_that_answer_nonsense_are_paid_for_three_times);
story!(a_server_that_does_not_know_pictures_is_a_notice, "GPT_MODEL" = "llama3");
story!(a_voice_taken_back_while_it_is_prepared_is_forgotten_in_silence);
story!(what_is_prepared_for_ten_minutes_is_told);
story!(
    limits_are_for_voices_and_pictures_too,
    "GPT_MODEL" = "gpt-4o",
    "ANSWERS_PER_DAY" = "1",
    "QUESTION_MAX_CHARACTERS" = "5"
);

fn no_answer() -> &'static str {
    Locale::En.words().no_answer
}

/// Posts this text and waits until it is answered; returns the last text of the bot.
async fn writes(chat: &dyn Chat, text: &str) -> String {
    chat.takes(says(text)).await;
    chat.drains().await;
    said(chat).pop().unwrap()
}

/// Posts this message and waits until it is answered; returns the last text of the bot.
async fn answers_by(chat: &dyn Chat, message: Value) -> String {
    sends(chat, message).await;
    chat.drains().await;
    said(chat).pop().unwrap()
}

fn content_of(message: &Value) -> String {
    content_path(message["id"].as_str().unwrap())
}

fn bad_request() -> Fault {
    Fault::Respond(400, vec![], json!({ "message": "The request body has 1 error(s)" }).to_string())
}

#[tokio::test]
async fn a_bad_request_for_content_is_tried_in_three_attempts() {
    let mut bot = Bot::start().await;
    let message = voice(&bot, "hello");
    bot.line.faults.set_fault(&content_of(&message), Some(&bad_request()), false);
    sends(&bot, message.clone()).await;
    bot.answers(&[media_notices().content_unavailable]).await;
    assert_eq!((looks(&bot, &message), bot.health().await["dead_letters"].as_u64()), (9, Some(0)));
}

#[tokio::test]
async fn an_account_that_may_not_have_content_is_no_matter_of_the_token() {
    let mut bot = Bot::start().await;
    let message = voice(&bot, "hello");
    bot.line.faults.plan_next(&content_of(&message), Fault::Respond(403, vec![], "{}".into()));
    sends(&bot, message.clone()).await;
    bot.answers(&[no_answer()]).await;
    bot.gave_up("line_rejected", "unanswered").await;
    assert_eq!(looks(&bot, &message), 1);
}

fn refusal(status: u16, code: &str) -> Fault {
    Fault::Respond(status, vec![], json!({ "error": { "code": code, "message": code } }).to_string())
}

#[tokio::test]
async fn killed_while_it_fetches_listens_or_shows_it_begins_again_and_answers_once() {
    for (hangs, message) in [
        ("content", voice as fn(&dyn Chat, &str) -> Value),
        (TRANSCRIPTIONS, voice),
        (COMPLETIONS, |chat, _| picture(chat, jpeg(100))),
    ] {
        let mut bot = OnLambda::with(&[("LEASE_SECONDS", "1"), ("GPT_MODEL", "gpt-4o")]).await;
        let message = message(&bot, "hello");
        let path = if hangs == "content" { content_of(&message) } else { hangs.to_owned() };
        let script = |bot: &OnLambda| match path.as_str() {
            TRANSCRIPTIONS | COMPLETIONS => bot.model.faults.seen(&path).len(),
            _ => bot.line.faults.seen(&path).len(),
        };
        bot.model.faults.plan_next(&path, Fault::Hang);
        bot.line.faults.plan_next(&path, Fault::Hang);
        let webhook = sends(&bot, message).await;
        while script(&bot) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bot.worker_is_killed().await;
        bot.says(1).await;
        bot.takes(webhook).await;
        bot.drains().await;
        assert_eq!((bot.line.sent().len(), script(&bot), bot.letters().await), (1, 2, 0), "{path}");
        bot.ends().await;
    }
}

mod told {
    use super::*;

    pub(super) async fn a_picture_is_looked_at_again(chat: &dyn Chat) {
        let message = picture(chat, jpeg(100));
        answers(chat, message.clone()).await;
        assert_eq!(writes(chat, "retry").await, "answer to [image] [image/jpeg, 100 bytes]");
        assert_eq!((looks(chat, &message), last_prompt(chat).len()), (2, 1), "in place of the first answer");
        // The image is deleted since: the first answer stays.
        chat.line().deletes_content(message["id"].as_str().unwrap());
        assert_eq!(writes(chat, "retry").await, media_notices().content_unavailable);
        writes(chat, "and?").await;
        assert_eq!(last_prompt(chat).len(), 3);
    }

    pub(super) async fn what_found_no_answer_is_seen_and_heard_again(chat: &dyn Chat) {
        for (message, heard) in [
            (picture(chat, jpeg(100)), "answer to [image] [image/jpeg, 100 bytes]"),
            // The picture is in view of the question after it.
            (voice(chat, "hello"), "answer to hello [image/jpeg, 100 bytes]"),
        ] {
            chat.model().faults.set_fault(COMPLETIONS, Some(&refusal(503, "overloaded")), false);
            sends(chat, message.clone()).await;
            chat.drains().await;
            assert_eq!(said(chat).pop().unwrap(), no_answer());
            chat.model().faults.behave();
            assert_eq!(writes(chat, "retry").await, heard);
        }
        assert_eq!(chat.letters().await, 2);
        // The letters need no more work.
        let told = said(chat);
        chat.redrives().await;
        chat.drains().await;
        assert_eq!(said(chat), told);
    }

    pub(super) async fn a_text_that_somebody_types_as_image_is_a_text(chat: &dyn Chat) {
        for text in ["[image]", "[voice]"] {
            let webhook = says(text);
            let message = webhook["events"][0]["message"].clone();
            let echo = format!("answer to {text}");
            // The first attempt ends without an answer, and each retry gives a new one.
            chat.model().faults.set_fault(COMPLETIONS, Some(&refusal(503, "overloaded")), false);
            chat.takes(webhook).await;
            chat.drains().await;
            assert_eq!(said(chat).pop().unwrap(), no_answer());
            chat.model().faults.behave();
            for _ in 0..2 {
                assert_eq!(writes(chat, "retry").await, echo);
                assert_eq!(last_prompt(chat).pop().unwrap(), text);
            }
            assert_eq!(looks(chat, &message), 0, "LINE has no content of a text");
        }
        // Words of a recording are treated alike.
        let spoken = voice(chat, "[image]");
        assert_eq!(answers_by(chat, spoken.clone()).await, "answer to [image]");
        assert_eq!(writes(chat, "retry").await, "answer to [image]");
        assert_eq!(looks(chat, &spoken), 1);
    }

    pub(super) async fn a_picture_and_a_voice_of_rows_without_a_kind_are_seen_and_heard_again(
        chat: &dyn Chat,
    ) {
        let (image, seen) = (picture(chat, jpeg(100)), "answer to [image] [image/jpeg, 100 bytes]");
        let heard = "answer to hello [image/jpeg, 100 bytes]";
        for (message, echo) in [(image.clone(), seen), (voice(chat, "hello"), heard)] {
            chat.model().faults.set_fault(COMPLETIONS, Some(&refusal(503, "overloaded")), false);
            sends(chat, message.clone()).await;
            chat.drains().await;
            chat.loses_kinds().await;
            chat.model().faults.behave();
            assert_eq!(writes(chat, "retry").await, echo);
        }
        answers_by(chat, image.clone()).await;
        chat.loses_kinds().await;
        assert_eq!(writes(chat, "retry").await, seen);
        assert_eq!(looks(chat, &image), 6);
    }

    pub(super) async fn short_faults_of_line_and_of_the_ears_are_outlived(chat: &dyn Chat) {
        let message = voice(chat, "hello");
        let server_error = Fault::Respond(500, vec![], "{}".into());
        for fault in [server_error.clone(), Fault::Reset] {
            chat.line().faults.plan_next(&content_of(&message), fault);
        }
        for fault in [refusal(429, "rate_limit_exceeded"), Fault::Reset] {
            chat.model().faults.plan_next(TRANSCRIPTIONS, fault);
        }
        assert_eq!(answers(chat, message).await, ["🎤 “hello”", "answer to hello"]);
        // A longer fault takes further attempts.
        let message = voice(chat, "again");
        for _ in 0..4 {
            chat.line().faults.plan_next(&content_of(&message), server_error.clone());
        }
        let said = answers(chat, message.clone()).await;
        assert_eq!((said.last().unwrap().as_str(), looks(chat, &message)), ("answer to again", 5));
    }

    pub(super) async fn what_line_refuses_is_a_letter_that_a_redrive_mends(chat: &dyn Chat) {
        let message = voice(chat, "hello");
        let refuses = Fault::Respond(401, vec![], "{}".into());
        chat.line().faults.set_fault(&content_of(&message), Some(&refuses), false);
        sends(chat, message.clone()).await;
        chat.drains().await;
        assert_eq!((said(chat).len(), chat.letters().await), (0, 1), "nothing can be said either");
        chat.line().faults.behave();
        chat.redrives().await;
        chat.drains().await;
        assert_eq!(said(chat), ["🎤 “hello”", "answer to hello"]);
    }

    pub(super) async fn what_line_calls_a_bad_request_is_asked_for_again(chat: &dyn Chat) {
        // The fault lasts as long as an attempt, and a little longer.
        let message = voice(chat, "hello");
        for _ in 0..4 {
            chat.line().faults.plan_next(&content_of(&message), bad_request());
        }
        assert_eq!(answers(chat, message.clone()).await, ["🎤 “hello”", "answer to hello"]);
        assert_eq!((looks(chat, &message), chat.letters().await), (5, 0));
    }

    pub(super) async fn what_line_goes_on_calling_a_bad_request_is_told_as_gone(chat: &dyn Chat) {
        for message in [voice(chat, "hello"), picture(chat, jpeg(100))] {
            chat.line().faults.set_fault(&content_of(&message), Some(&bad_request()), false);
            assert_eq!(
                answers(chat, message.clone()).await.last().unwrap(),
                media_notices().content_unavailable
            );
            assert_eq!(looks(chat, &message), 3);
        }
        // A text that quotes the image is answered all the same.
        let message = picture(chat, jpeg(100));
        chat.line().faults.set_fault(&content_of(&message), Some(&bad_request()), false);
        let quoting = messages::quoting(messages::text("this?"), message["id"].as_str());
        let unseen = "answer to [quotes a message that you cannot see]\nthis?";
        assert_eq!(answers(chat, quoting).await.last().unwrap(), unseen);
        // Deleted content is reported after one request.
        for status in [404, 410] {
            let message = voice(chat, "hello");
            chat.line().faults.plan_next(&content_of(&message), Fault::Respond(status, vec![], "{}".into()));
            assert_eq!(
                answers(chat, message.clone()).await.last().unwrap(),
                media_notices().content_unavailable
            );
            assert_eq!(looks(chat, &message), 1);
        }
    }

    pub(super) async fn ears_that_are_gone_are_a_letter_and_a_server_without_ears_a_notice(chat: &dyn Chat) {
        chat.model().faults.plan_next(TRANSCRIPTIONS, refusal(404, ""));
        assert_eq!(answers(chat, voice(chat, "hello")).await, [media_notices().no_transcription]);
        let deaf = json!({ "error": { "message": "model `x` does not support audio" } }).to_string();
        chat.model().faults.plan_next(TRANSCRIPTIONS, Fault::Respond(400, vec![], deaf));
        assert_eq!(answers(chat, voice(chat, "hello")).await, [media_notices().no_transcription; 2]);
        chat.model().faults.plan_next(TRANSCRIPTIONS, refusal(404, "model_not_found"));
        sends(chat, voice(chat, "hello")).await;
        chat.drains().await;
        assert_eq!((said(chat).pop().unwrap().as_str(), chat.letters().await), (no_answer(), 1));
        chat.redrives().await;
        chat.drains().await;
        assert_eq!(said(chat).pop().unwrap(), "answer to hello");
    }

    pub(super) async fn a_voice_that_nobody_pays_for_is_a_letter(chat: &dyn Chat) {
        for (status, code) in [(402, ""), (400, "billing_hard_limit_reached"), (429, "insufficient_quota")] {
            chat.model().faults.plan_next(TRANSCRIPTIONS, refusal(status, code));
            sends(chat, voice(chat, "hello")).await;
            chat.drains().await;
        }
        assert_eq!((said(chat), chat.letters().await), (vec![no_answer().to_owned(); 3], 3));
    }

    pub(super) async fn ears_that_answer_nonsense_are_paid_for_three_times(chat: &dyn Chat) {
        let nonsense = Fault::Respond(200, vec![], "<html>".into());
        chat.model().faults.set_fault(TRANSCRIPTIONS, Some(&nonsense), false);
        sends(chat, voice(chat, "hello")).await;
        chat.drains().await;
        let listened = || chat.model().faults.seen(TRANSCRIPTIONS).len();
        assert_eq!((said(chat), listened()), (vec![no_answer().to_owned()], 3));
        chat.model().faults.behave();
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat)[1..].join(" "), listened()), ("🎤 “hello” answer to hello".to_owned(), 4));
    }

    pub(super) async fn a_server_that_does_not_know_pictures_is_a_notice(chat: &dyn Chat) {
        let message = picture(chat, jpeg(100));
        for refusal in [refusal(400, "invalid_request_error"), refusal(422, "")] {
            chat.model().faults.plan_next(COMPLETIONS, refusal);
            assert_eq!(answers(chat, message.clone()).await.pop().unwrap(), media_notices().image_unclear);
        }
        // A refused quoted image does not keep the text from being answered. With the second code the model is asked
        // first without the past messages.
        for (code, times) in [("invalid_request_error", 1), ("context_length_exceeded", 2)] {
            (0..times).for_each(|_| chat.model().faults.plan_next(COMPLETIONS, refusal(400, code)));
            let quoting = messages::quoting(messages::text("this?"), message["id"].as_str());
            let unseen = "answer to [quotes a picture that you cannot see]\nthis?";
            assert_eq!(answers(chat, quoting).await.pop().unwrap(), unseen);
        }
        // A filter's refusal applies to the question itself.
        chat.model().faults.plan_next(COMPLETIONS, refusal(400, "content_policy_violation"));
        sends(chat, message).await;
        chat.drains().await;
        let refused = Locale::En.words().refused;
        assert_eq!((said(chat).pop().unwrap().as_str(), chat.letters().await), (refused, 1));
    }

    pub(super) async fn a_voice_taken_back_while_it_is_prepared_is_forgotten_in_silence(chat: &dyn Chat) {
        chat.line().prepares(Preparation::After(1_000));
        let message = voice(chat, "my secret is wisteria");
        sends(chat, message.clone()).await;
        while looks(chat, &message) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        chat.takes(does("unsend", &json!({ "replyToken": null, "unsend": { "messageId": message["id"] } })))
            .await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
    }

    pub(super) async fn what_is_prepared_for_ten_minutes_is_told(chat: &dyn Chat) {
        chat.line().prepares(Preparation::After(1_000));
        let message = voice(chat, "hello");
        // The message came a little more than ten minutes ago.
        let now = wall_clock()().as_millisecond();
        let content = Some(Content::Voice { duration_ms: None });
        let message_id = message["id"].as_str().unwrap().to_owned().try_into().ok();
        let ask = JobKind::Question {
            text: String::new(),
            message_id,
            quote_token: None,
            quotes: None,
            content,
            only_if_quoting_bot: false,
            by_button: false,
        };
        let event = EventId::try_from("01LATE".to_owned()).unwrap();
        let job = Job::new(event, ConversationId::of_known_id(USER.to_owned()).unwrap(), ask);
        chat.queues(Job { accepted_at: Some(now - 601_000), ..job }).await;
        chat.drains().await;
        assert_eq!(
            (said(chat), looks(chat, &message)),
            (vec![media_notices().content_unavailable.to_owned()], 1)
        );
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn limits_are_for_voices_and_pictures_too(chat: &dyn Chat) {
        let said = answers(chat, voice(chat, "こんにちは!")).await;
        assert!(said[0].starts_with("Sorry, I can read 5 characters"), "{said:?}");
        assert!(chat.model().asked().is_empty(), "a voice that is too long in words is not asked");
        answers(chat, voice(chat, "hi")).await;
        let message = picture(chat, jpeg(100));
        let said = answers(chat, message.clone()).await;
        assert!(said[3].starts_with("We have talked a lot"), "{said:?}");
        assert_eq!((said.len(), looks(chat, &message)), (4, 0), "nothing is fetched for nothing");
    }
}
