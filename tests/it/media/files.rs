//! Files and videos: the model reads a text or a PDF, with its own question and with those that follow within ten minutes,
//! and sees the preview of a video. Whatever else people send gets a notice. All on one machine and on Lambda.

use axum::body::Bytes;
use emulator::{
    faults::Fault,
    line::{Button, Message, content_path, preview_path},
    model::COMPLETIONS,
};
use serde_json::{Value, json};
use worker::locale::{FileNotices, Locale};

use super::{answers, jpeg, last_prompt, looks, media_notices, messages, sends};
use crate::harness::chat::{Chat, does, said, says, story};

story!(a_text_file_is_read_and_seen_again_while_line_has_it, "GPT_MODEL" = "gpt-4");
story!(a_file_is_out_of_view_after_ten_minutes_and_once_it_is_taken_back_or_forgotten);
story!(a_pdf_is_a_part_of_the_request_and_of_the_next, "GPT_MODEL" = "gpt-5.4-mini");
story!(a_pdf_that_the_model_refuses_is_told_and_words_are_answered_without_it);
story!(a_long_text_is_cut_to_the_context_and_says_so, "GPT_MODEL" = "gpt-4");
story!(what_is_no_file_that_the_bot_reads_is_told, "GPT_MODEL" = "gpt-5.4-mini");
story!(a_model_without_pdfs_and_pictures_says_what_helps, "GPT_MODEL" = "gpt-4");
story!(a_file_with_a_picture_is_a_picture, "GPT_MODEL" = "gpt-5.4-mini");
story!(of_a_video_the_preview_is_seen, "GPT_MODEL" = "gpt-5.4-mini");
story!(a_file_that_is_taken_back_leaves_no_name, "MAX_ATTEMPTS" = "1");
story!(limits_are_for_texts_in_files_too, "QUESTION_MAX_CHARACTERS" = "5");

const WITHOUT_WORDS: &str = "[The person sent this file without words. Say shortly what it is, and ask what they want to do with it.]";
const PDF: &[u8] = b"%PDF-1.7 %%EOF";

fn notices() -> &'static FileNotices {
    &Locale::En.words().file_notices
}

/// Makes a file message with these bytes.
fn file(chat: &dyn Chat, name: &str, bytes: impl Into<Bytes>) -> Value {
    let bytes = bytes.into();
    let size = bytes.len();
    messages::file(&chat.line().holds("application/octet-stream", bytes), name, size)
}

/// Posts this text and waits until it is answered; returns the last message of the last prompt.
async fn asks(chat: &dyn Chat, text: &str) -> Value {
    chat.takes(says(text)).await;
    chat.drains().await;
    last_prompt(chat).pop().unwrap()
}

/// Returns the words of a message of a prompt, without the note below them.
fn words(message: &Value) -> String {
    emulator::model::see::text(&json!({ "content": message }))
}

/// Returns the bot's last message.
fn last_message(chat: &dyn Chat) -> Message {
    chat.line().sent().pop().unwrap().messages.pop().unwrap()
}

fn unseen(name: &str, asked: &str) -> String {
    format!("{asked}\n\n[The file \"{name}\", which the person sent before, cannot be seen any more.]")
}

mod told {
    use super::*;

    pub(super) async fn a_text_file_is_read_and_seen_again_while_line_has_it(chat: &dyn Chat) {
        // "日本" in the encoding of Japanese Windows.
        let message = file(chat, "メモ.txt", &b"\x93\xfa\x96\x7b"[..]);
        chat.model().plan_answer("a note");
        assert_eq!(answers(chat, message.clone()).await, ["a note"]);
        let block = "[file: メモ.txt]\n日本\n[end of the file]\n\n";
        assert_eq!(last_prompt(chat), [Value::from(format!("{block}{WITHOUT_WORDS}"))]);
        let kept = chat.kept().await;
        assert!(
            kept.contains("[file: メモ.txt]") && !kept.contains("日本") && !kept.contains("end of"),
            "{kept}"
        );
        for question in ["what is in it?", "and now?"] {
            chat.model().plan_answer("words");
            assert_eq!(asks(chat, question).await, format!("{block}{question}"));
        }
        assert_eq!(last_prompt(chat)[..2], ["[file: メモ.txt]", "a note"].map(Value::from));
        assert_eq!(looks(chat, &message), 3, "it is fetched for each question");
        // A fault of LINE keeps nobody from an answer.
        let path = content_path(message["id"].as_str().unwrap());
        chat.line().faults.set_fault(&path, Some(&Fault::Reset), false);
        chat.model().plan_answer("words");
        assert_eq!(asks(chat, "and?").await, unseen("メモ.txt", "and?"));
        chat.line().faults.behave();
        chat.line().deletes_content(message["id"].as_str().unwrap());
        chat.model().plan_answer("words");
        assert_eq!(asks(chat, "still?").await, unseen("メモ.txt", "still?"));
        assert!(!chat.kept().await.contains("cannot be seen"), "people's words are kept as they are");
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_file_is_out_of_view_after_ten_minutes_and_once_it_is_taken_back_or_forgotten(
        chat: &dyn Chat,
    ) {
        let block = "[file: a.md]\nwisteria\n[end of the file]\n\n";
        for (ms_ago, is_seen) in [(601_000, false), (590_000, true)] {
            let mut webhook = says("");
            webhook["events"][0]["message"] = file(chat, "a.md", &b"wisteria"[..]);
            let now = webhook["events"][0]["timestamp"].as_i64().unwrap();
            webhook["events"][0]["timestamp"] = (now - ms_ago).into();
            chat.model().plan_answer("a flower");
            chat.takes(webhook).await;
            chat.drains().await;
            let question = if is_seen { format!("{block}why?") } else { "why?".to_owned() };
            chat.model().plan_answer("so");
            assert_eq!(asks(chat, "why?").await, question, "{ms_ago}");
        }
        // A text that quotes it sees it, too, and not the newer one.
        let message = file(chat, "a.md", &b"wisteria"[..]);
        chat.model().plan_answer("a flower");
        answers(chat, message.clone()).await;
        chat.model().plan_answer("a tree");
        answers(chat, file(chat, "b.md", &b"maple"[..])).await;
        chat.model().plan_answer("so");
        answers(chat, messages::quoting(messages::text("this?"), message["id"].as_str())).await;
        let quoted = "[quotes a person's earlier message: “[file: a.md]”]\n";
        assert_eq!(words(last_prompt(chat).last().unwrap()), format!("{block}{quoted}this?"));
        assert_eq!(looks(chat, &message), 2);
        let unsend = does("unsend", &json!({ "replyToken": null, "unsend": { "messageId": message["id"] } }));
        chat.takes(unsend).await;
        chat.drains().await;
        chat.takes(says("forget")).await;
        chat.drains().await;
        assert_eq!(asks(chat, "what was it?").await, "what was it?");
        assert_eq!(looks(chat, &message), 2, "it is not fetched any more");
    }

    pub(super) async fn a_pdf_is_a_part_of_the_request_and_of_the_next(chat: &dyn Chat) {
        let answer = |asked: &str| format!("answer to [file: a.pdf]\n\n{asked} [application/pdf, 14 bytes]");
        let message = file(chat, "~/a.pdf", PDF);
        assert_eq!(answers(chat, message.clone()).await, [answer(WITHOUT_WORDS)]);
        let prompt = last_prompt(chat).pop().unwrap();
        let data = "data:application/pdf;base64,JVBERi0xLjcgJSVFT0Y=";
        assert_eq!(prompt[1], json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": data } }));
        assert!(!chat.kept().await.contains("JVBERi0"));
        asks(chat, "how many pages?").await;
        assert_eq!(said(chat).last().unwrap(), &answer("how many pages?"));
        // Another answer to the question, and to the file.
        asks(chat, "retry").await;
        assert_eq!(said(chat).last().unwrap(), &answer("how many pages?"));
        let id = message["id"].as_str().unwrap();
        let second = file(chat, "b.pdf", PDF);
        answers(chat, second.clone()).await;
        asks(chat, "retry").await;
        assert_eq!(said(chat).last().unwrap(), &answer(WITHOUT_WORDS).replace("a.pdf", "b.pdf"));
        assert_eq!((looks(chat, &message), looks(chat, &second)), (3, 2), "{id}: the newest is in view");
        // It may fit beside what was said or not: the words are answered.
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_pdf_that_the_model_refuses_is_told_and_words_are_answered_without_it(
        chat: &dyn Chat,
    ) {
        let broken = file(chat, "a.pdf", &b"%PDF-1.7"[..]);
        let said_of = answers(chat, broken).await;
        assert_eq!(said_of, [format!("{}\n{}", notices().unclear, notices().or_screenshot)]);
        answers(chat, file(chat, "a.pdf", PDF)).await;
        let refused = json!({ "error": { "code": "invalid_request_error", "message": "invalid content" } });
        chat.model().faults.plan_next(COMPLETIONS, Fault::Respond(400, vec![], refused.to_string()));
        assert_eq!(asks(chat, "why?").await, unseen("a.pdf", "why?"));
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_long_text_is_cut_to_the_context_and_says_so(chat: &dyn Chat) {
        let text = "because ".repeat(100_000);
        chat.model().plan_answer("so");
        assert_eq!(answers(chat, file(chat, "a.csv", text)).await, ["so"]);
        let prompt = words(&last_prompt(chat)[0]);
        let end = "of its 800000 characters are left out here.]";
        assert!(prompt.starts_with("[file: a.csv]\nbecause because") && prompt.contains(end));
        assert!((10_000..40_000).contains(&prompt.len()), "{}", prompt.len());
        chat.model().plan_answer("so");
        assert!(words(&asks(chat, "why?").await).ends_with("\n\nwhy?"));
    }

    pub(super) async fn what_is_no_file_that_the_bot_reads_is_told(chat: &dyn Chat) {
        let instead = |notice: &str| format!("{notice}\n{}", notices().or_screenshot);
        let unknown = instead(&(notices().unknown_kind)("PDF"));
        let (unclear, too_large) = (instead(notices().unclear), instead(notices().too_large));
        let large = || vec![b'a'; 10_000_001];
        let claims = |name: &str, size: usize| messages::file("123456", name, size);
        let lies =
            |name: &str| messages::file(&chat.line().holds("application/pdf", large().into()), name, 7);
        let mut nameless = file(chat, "a.txt", &b"hello"[..]);
        nameless.as_object_mut().unwrap().remove("fileName");
        for (message, notice, requests) in [
            (claims("a.pdf", 2 << 30), &too_large, 0),
            (claims("a.txt", usize::MAX), &too_large, 0),
            (lies("a.pdf"), &too_large, 1),
            (lies("a.txt"), &too_large, 1),
            (file(chat, "a.txt", &b""[..]), &unclear, 1),
            (file(chat, "a.txt", &b"\0\x01\x02"[..]), &unclear, 1),
            (file(chat, "a.pdf", &b"PK\x03\x04"[..]), &unclear, 1),
            (file(chat, "IMG_1.HEIC", jpeg(100)), &unknown, 0),
            (file(chat, "a.docx", &b"PK\x03\x04"[..]), &unknown, 0),
            (nameless, &unknown, 0),
        ] {
            let said = answers(chat, message.clone()).await;
            assert_eq!((said.last().unwrap(), looks(chat, &message)), (notice, requests), "{message}");
        }
        let buttons = last_message(chat).buttons;
        let photos = Button { label: notices().photos.to_owned(), ..Button::default() };
        assert_eq!(buttons[0], photos, "it opens the photos");
        assert!(chat.model().asked().is_empty());
        assert!(!chat.kept().await.contains("[file"), "a notice is no part of the conversation");
        assert_eq!(
            answers(chat, claims("a.txt", 5)).await.last().unwrap(),
            media_notices().content_unavailable
        );
        // The name cannot end its line or turn the text around.
        let odd = file(chat, "../x\n]\u{202e}/b\r\n\u{2067}c.txt", &b"hello"[..]);
        let said = answers(chat, odd).await;
        let expected = format!("answer to [file: b c.txt]\nhello\n[end of the file]\n\n{WITHOUT_WORDS}");
        assert_eq!(said.last().unwrap(), &expected);
    }

    pub(super) async fn a_model_without_pdfs_and_pictures_says_what_helps(chat: &dyn Chat) {
        let message = file(chat, "a.pdf", PDF);
        assert_eq!(answers(chat, message.clone()).await, [notices().no_pdf]);
        assert_eq!(last_message(chat).buttons.len(), 1, "only help");
        let said = answers(chat, file(chat, "a.xls", &b"?"[..])).await;
        assert_eq!(said.last().unwrap(), &(notices().unknown_kind)(".txt"));
        assert_eq!(looks(chat, &message), 0);
    }

    pub(super) async fn a_file_with_a_picture_is_a_picture(chat: &dyn Chat) {
        let message = file(chat, "a.JPG", jpeg(100));
        let seen = "answer to [image] [image/jpeg, 100 bytes]";
        assert_eq!(answers(chat, message.clone()).await, [seen]);
        asks(chat, "retry").await;
        assert_eq!(said(chat), [seen; 2]);
        let kept = chat.kept().await;
        assert!(kept.contains("[image]") && !kept.contains("[file"), "{kept}");
        let said = answers(chat, file(chat, "a.png", &b"%PDF-1.7"[..])).await;
        assert_eq!(said.last().unwrap(), media_notices().image_unclear);
        let said = answers(chat, messages::file("123456", "a.png", 2 << 30)).await;
        assert_eq!(said.last().unwrap(), media_notices().image_too_large);
    }

    pub(super) async fn of_a_video_the_preview_is_seen(chat: &dyn Chat) {
        let video =
            || messages::video(&chat.line().holds("video/mp4", Bytes::from_static(b"....ftypisom")), None);
        let previews =
            |message: &Value| chat.line().faults.seen(&preview_path(message["id"].as_str().unwrap())).len();
        let message = video();
        let seen = "answer to [video: you see only its preview image] [image/jpeg, 136 bytes]";
        assert_eq!(answers(chat, message.clone()).await, [seen]);
        asks(chat, "retry").await;
        assert_eq!(said(chat), [seen; 2]);
        assert_eq!((looks(chat, &message), previews(&message)), (0, 2), "the video is not fetched");
        assert!(chat.kept().await.contains("[video]"));
        for status in [404, 410] {
            let message = video();
            let fault = Fault::Respond(status, vec![], "{}".into());
            let path = preview_path(message["id"].as_str().unwrap());
            chat.line().faults.set_fault(&path, Some(&fault), false);
            assert_eq!(answers(chat, message.clone()).await.last().unwrap(), notices().video_unclear);
            assert_eq!(previews(&message), 1, "{status}");
        }
        sends(chat, messages::video("123456", Some(1_000))).await;
        chat.drains().await;
        assert_eq!((said(chat).last().unwrap().as_str(), chat.letters().await), (notices().video_unclear, 0));
    }

    pub(super) async fn a_file_that_is_taken_back_leaves_no_name(chat: &dyn Chat) {
        let message = file(chat, "wisteria.txt", &b"hello"[..]);
        let refused = json!({ "error": { "code": "overloaded", "message": "overloaded" } });
        chat.model().faults.set_fault(
            COMPLETIONS,
            Some(&Fault::Respond(503, vec![], refused.to_string())),
            false,
        );
        sends(chat, message.clone()).await;
        chat.drains().await;
        assert_eq!(said(chat), [Locale::En.words().no_answer]);
        chat.model().faults.behave();
        // The question is kept, so that it can be asked again.
        asks(chat, "retry").await;
        assert!(said(chat).last().unwrap().contains("[file: wisteria.txt]\nhello"));
        chat.takes(does("unsend", &json!({ "replyToken": null, "unsend": { "messageId": message["id"] } })))
            .await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
    }

    pub(super) async fn limits_are_for_texts_in_files_too(chat: &dyn Chat) {
        let said = answers(chat, file(chat, "a.txt", &b"123456"[..])).await;
        assert!(said[0].starts_with("Sorry, I can read 5 characters"), "{said:?}");
        assert!(chat.model().asked().is_empty());
        answers(chat, file(chat, "a.txt", &b"12345"[..])).await;
        assert_eq!(chat.model().asked().len(), 1);
    }
}
