//! The webhooks of `fixtures/line-events`, which people cause on LINE, on one machine and on Lambda.

use emulator::{faults::Fault, line::MARK_AS_READ, model::COMPLETIONS};
use serde_json::{Value, json};
use worker::clock::wall_clock;

use crate::harness::{
    chat::{Chat, prompts, said, says, story, takes_back},
    local::USER,
};

story!(an_emoji_of_line_is_read_as_an_emoji);
story!(emojis_of_line_alone_are_like_a_sticker_that_says_nothing);
story!(who_unblocks_the_bot_is_welcomed_back);
story!(a_message_is_marked_as_read_once_when_its_answer_begins);
story!(a_message_that_line_does_not_mark_as_read_is_answered_all_the_same);
story!(an_edit_after_the_answer_replaces_the_question_and_the_answer_stays);
story!(a_call_that_is_edited_away_is_forgotten_with_its_answer);
story!(a_question_that_comes_late_is_quoted_by_its_answer);
story!(a_question_that_comes_late_stays_forgotten);
story!(a_text_that_nobody_can_see_is_silence);
story!(what_is_taken_back_in_standby_is_forgotten);
story!(a_group_of_strangers_is_not_invited_to_talk, "ALLOWED_USERS" = "Uaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");

/// Returns the webhooks of a fixture, in their order.
fn webhooks(fixture: &str) -> Vec<Value> {
    let path = format!("{}/fixtures/line-events/{fixture}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Posts the webhooks of a fixture, and waits until no job is left after each.
async fn happens(chat: &dyn Chat, fixture: &str) {
    for webhook in webhooks(fixture) {
        chat.takes(webhook).await;
        chat.drains().await;
    }
    assert_eq!(chat.letters().await, 0);
}

mod told {
    use super::*;

    pub(super) async fn an_emoji_of_line_is_read_as_an_emoji(chat: &dyn Chat) {
        for fixture in ["line-emoji", "line-emoji-after-astral"] {
            happens(chat, fixture).await;
        }
        let asked: Vec<_> = prompts(chat).into_iter().map(|mut prompt| prompt.pop().unwrap()).collect();
        assert_eq!(asked, ["[emoji] こんにちは", "𠮷野家に行く[emoji]ね"]);
    }

    pub(super) async fn emojis_of_line_alone_are_like_a_sticker_that_says_nothing(chat: &dyn Chat) {
        happens(chat, "line-emoji-alone").await;
        assert!(prompts(chat).is_empty());
        assert!(matches!(&said(chat)[..], [notice] if notice.starts_with("Sorry")), "{:?}", said(chat));
    }

    pub(super) async fn who_unblocks_the_bot_is_welcomed_back(chat: &dyn Chat) {
        happens(chat, "unblocked").await;
        assert!(matches!(&said(chat)[..], [it] if it.starts_with("Welcome back!")), "{:?}", said(chat));
    }

    pub(super) async fn a_message_is_marked_as_read_once_when_its_answer_begins(chat: &dyn Chat) {
        // The first attempt fails, and the second one marks nothing again.
        for _ in 0..3 {
            chat.model().faults.plan_next(COMPLETIONS, Fault::Respond(503, vec![], "{}".into()));
        }
        happens(chat, "read-token").await;
        assert_eq!(said(chat), ["answer to 読んだ？"]);
        let marked = || chat.line().faults.seen(MARK_AS_READ);
        assert_eq!(marked()[0].body, json!({ "markAsReadToken": "30yhdy232-read" }));
        // Commands and what is not understood are read, too. Only a message with a token can be marked.
        for (message, times) in [
            (json!({ "type": "text", "text": "help", "markAsReadToken": "of a command" }), 2),
            (json!({ "type": "video", "markAsReadToken": "of a video" }), 3),
            (json!({ "type": "text", "text": "hello" }), 3),
        ] {
            let mut webhook = says("");
            let id = webhook["events"][0]["message"]["id"].take();
            webhook["events"][0]["message"] = message;
            webhook["events"][0]["message"]["id"] = id;
            chat.takes(webhook).await;
            chat.drains().await;
            assert_eq!(marked().len(), times);
        }
    }

    pub(super) async fn a_message_that_line_does_not_mark_as_read_is_answered_all_the_same(chat: &dyn Chat) {
        for fault in
            [Fault::Hang, Fault::Respond(400, vec![], "{}".into()), Fault::Respond(500, vec![], "{}".into())]
        {
            chat.line().faults.plan_next(MARK_AS_READ, fault);
            let mut webhook = says("hello");
            webhook["events"][0]["message"]["markAsReadToken"] = "a token for reading".into();
            chat.takes(webhook).await;
            chat.drains().await;
        }
        assert_eq!(said(chat), ["answer to hello"; 3]);
        assert_eq!(chat.line().faults.seen(MARK_AS_READ).len(), 3, "none is repeated");
        assert_eq!(chat.letters().await, 0);
    }

    /// Makes the fixture's group, with its person and the bot.
    fn gathers(chat: &dyn Chat) {
        let group = "C4af4980629000000000000000000000c";
        chat.line().add_group(group, &[USER]);
        chat.line().add_bot(group, wall_clock()());
    }

    /// Returns the last prompt, after a further question to the bot in the fixture's group.
    async fn asks_further(chat: &dyn Chat, event: &str) -> Vec<String> {
        let mut further = webhooks("edit-after-the-answer").remove(0);
        let it = &mut further["events"][0];
        it["webhookEventId"] = event.into();
        it["message"]["id"] = event.into();
        it["message"]["text"] = "@Henji ほかには？".into();
        chat.takes(further).await;
        chat.drains().await;
        prompts(chat).pop().unwrap()
    }

    pub(super) async fn an_edit_after_the_answer_replaces_the_question_and_the_answer_stays(chat: &dyn Chat) {
        gathers(chat);
        happens(chat, "edit-after-the-answer").await;
        assert_eq!(said(chat), ["answer to 月曜の予定は？"]);
        let asked = asks_further(chat, "further").await;
        assert_eq!(asked, ["日曜の予定は？", "answer to 月曜の予定は？", "ほかには？"]);
        // A message that is unsent later is gone, whatever it said.
        let mut unsend = takes_back(&webhooks("edit-after-the-answer")[0]);
        unsend["events"][0]["source"] = webhooks("edit-after-the-answer")[0]["events"][0]["source"].clone();
        chat.takes(unsend).await;
        chat.drains().await;
        for edit in webhooks("edit-after-the-answer").iter_mut().skip(1) {
            edit["events"][0]["webhookEventId"] = "again".into();
            chat.takes(edit.clone()).await;
            chat.drains().await;
        }
        let kept = chat.kept().await;
        assert!(!kept.contains("日曜") && !kept.contains("月曜"), "{kept}");
        assert_eq!(said(chat).len(), 2);
    }

    pub(super) async fn a_call_that_is_edited_away_is_forgotten_with_its_answer(chat: &dyn Chat) {
        gathers(chat);
        let [asked, mut edited] = webhooks("edit-after-the-answer").try_into().unwrap();
        chat.takes(asked).await;
        chat.drains().await;
        let message = &mut edited["events"][0]["message"];
        message["text"] = "日曜の予定は？".into();
        message.as_object_mut().unwrap().remove("mention");
        chat.takes(edited).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to 月曜の予定は？"]);
        assert_eq!(asks_further(chat, "further").await, ["ほかには？"]);
        let kept = chat.kept().await;
        assert!(!kept.contains("日曜") && !kept.contains("月曜"), "{kept}");
    }

    pub(super) async fn a_question_that_comes_late_is_quoted_by_its_answer(chat: &dyn Chat) {
        chat.takes(says("newer")).await;
        chat.drains().await;
        happens(chat, "late-redelivery").await;
        chat.takes(says("newest")).await;
        chat.drains().await;
        let quotes: Vec<_> =
            chat.line().sent().into_iter().map(|sent| sent.messages[0].quotes.clone()).collect();
        assert_eq!(quotes, [None, Some("quote23".to_owned()), None]);
        // It is part of the conversation where it was answered, as the person has seen it.
        let order =
            ["newer", "answer to newer", "さっきの続きだけど", "answer to さっきの続きだけど", "newest"];
        assert_eq!(prompts(chat).pop().unwrap(), order);
    }

    pub(super) async fn a_question_that_comes_late_stays_forgotten(chat: &dyn Chat) {
        chat.takes(says("forget")).await;
        chat.drains().await;
        let told = said(chat);
        happens(chat, "late-redelivery").await;
        assert_eq!((said(chat), prompts(chat).len()), (told, 0));
        assert!(!chat.kept().await.contains("さっきの続きだけど"), "{}", chat.kept().await);
    }

    pub(super) async fn a_text_that_nobody_can_see_is_silence(chat: &dyn Chat) {
        happens(chat, "zero-width-only").await;
        assert_eq!((prompts(chat).len(), said(chat).len()), (0, 0));
    }

    pub(super) async fn what_is_taken_back_in_standby_is_forgotten(chat: &dyn Chat) {
        // It is also forgotten if it was said before the standby.
        let mut before = webhooks("standby-unsend").remove(0);
        before["events"][0]["mode"] = "active".into();
        chat.takes(before).await;
        chat.drains().await;
        assert!(chat.kept().await.contains("住所は東京"));
        let answers = said(chat);
        happens(chat, "standby-unsend").await;
        assert_eq!((said(chat), prompts(chat).len()), (answers, 1));
        assert!(!chat.kept().await.contains("住所は東京"), "{}", chat.kept().await);
    }

    pub(super) async fn a_group_of_strangers_is_not_invited_to_talk(chat: &dyn Chat) {
        happens(chat, "join-by-strangers").await;
        assert_eq!((prompts(chat).len(), said(chat).len()), (0, 0));
    }
}
