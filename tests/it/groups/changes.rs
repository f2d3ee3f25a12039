//! Edits of messages in a group: before the answer, while the model works, and later.

use serde_json::Value;

use super::{AOI, REN, changes, gathers, hears, webhook, writes};
use crate::harness::chat::{Chat, SLOW, is_asked, prompts, said, story};

story!(a_change_before_the_answer_counts);
story!(a_change_while_the_model_thinks_is_thought_about_anew);
story!(a_change_after_the_answer_is_remembered_and_one_that_calls_the_bot_first_is_a_question);
story!(a_call_that_is_taken_out_is_left_in_silence);
story!(a_change_that_quotes_somebody_else_takes_the_call_out);
story!(what_is_changed_behind_a_wish_to_forget_is_as_it_was_changed);
story!(of_two_changes_that_wait_one_is_answered_once, "BURST" = "merge");
story!(of_a_message_that_was_changed_and_found_no_answer_its_group_is_told_once);
story!(a_change_overtakes_where_all_places_are_taken, "CONCURRENCY" = "1");

mod told {
    use super::*;

    pub(super) async fn a_change_before_the_answer_counts(chat: &dyn Chat) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        chat.takes(webhook(writes(REN, "@Henji first"))).await;
        is_asked(chat, 1).await;
        let waiting = writes(AOI, "@Henji waht");
        chat.takes(webhook(waiting.clone())).await;
        let (first, last) = (changes(&waiting, "@Henji wha"), changes(&waiting, "@Henji what is soba?"));
        let older = first["timestamp"].as_i64().unwrap() - 1;
        let first = {
            let mut first = first;
            first["timestamp"] = older.into();
            first
        };
        // LINE may deliver them out of order.
        chat.takes(webhook(last)).await;
        chat.takes(webhook(first)).await;
        chat.drains().await;
        let asked: Vec<_> = prompts(chat).into_iter().map(|mut prompt| prompt.pop().unwrap()).collect();
        assert_eq!(asked, ["Ren x: first", "Aoi: what is soba?"]);
        assert_eq!(said(chat).len(), 2);
        assert!(!chat.kept().await.contains("waht"));
    }

    pub(super) async fn a_change_while_the_model_thinks_is_thought_about_anew(chat: &dyn Chat) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        let message = writes(AOI, "@Henji waht");
        chat.takes(webhook(message.clone())).await;
        is_asked(chat, 1).await;
        chat.takes(webhook(changes(&message, "@Henji what?"))).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to Aoi: what?"]);
        assert!(!chat.kept().await.contains("waht"));
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_change_after_the_answer_is_remembered_and_one_that_calls_the_bot_first_is_a_question(
        chat: &dyn Chat,
    ) {
        gathers(chat);
        let message = writes(AOI, "@Henji one");
        hears(chat, message.clone()).await;
        hears(chat, changes(&message, "@Henji LATER")).await;
        for _ in 0..4 {
            let uncalled = writes(AOI, "two");
            hears(chat, uncalled.clone()).await;
            assert!(chat.kept().await.contains("LATER"));
            for _ in 0..2 {
                hears(chat, changes(&uncalled, "@Henji two")).await;
            }
        }
        assert_eq!(said(chat), [vec!["answer to Aoi: one"], vec!["answer to Aoi: two"; 4]].concat());
        assert_eq!(chat.model().asked().len(), 5, "each was thought about once");
    }

    pub(super) async fn a_change_overtakes_where_all_places_are_taken(chat: &dyn Chat) {
        a_change_while_the_model_thinks_is_thought_about_anew(chat).await;
    }

    pub(super) async fn a_call_that_is_taken_out_is_left_in_silence(chat: &dyn Chat) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        let message = writes(AOI, "@Henji SECRET");
        chat.takes(webhook(message.clone())).await;
        is_asked(chat, 1).await;
        chat.takes(webhook(changes(&message, "never mind, PRIVATE"))).await;
        chat.drains().await;
        assert!(said(chat).is_empty());
        let kept = chat.kept().await;
        assert!(!kept.contains("SECRET") && !kept.contains("PRIVATE"), "{kept}");
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_change_that_quotes_somebody_else_takes_the_call_out(chat: &dyn Chat) {
        gathers(chat);
        let strangers = writes(REN, "somebody else");
        let quoted = strangers["message"]["id"].as_str().unwrap().to_owned();
        let quoting = |mut event: Value| {
            event["message"]["quotedMessageId"] = quoted.clone().into();
            event
        };
        hears(chat, quoting(changes(&strangers, "PRIVATE"))).await;
        chat.model().plan_fault(SLOW);
        let message = quoting(writes(AOI, "@Henji SECRET"));
        chat.takes(webhook(message.clone())).await;
        is_asked(chat, 1).await;
        chat.takes(webhook(quoting(changes(&message, "never mind, PRIVATE")))).await;
        chat.drains().await;
        assert!(said(chat).is_empty(), "{:?}", said(chat));
        let kept = chat.kept().await;
        assert!(!kept.contains("SECRET") && !kept.contains("PRIVATE"), "{kept}");
    }

    pub(super) async fn what_is_changed_behind_a_wish_to_forget_is_as_it_was_changed(chat: &dyn Chat) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        chat.takes(webhook(writes(REN, "@Henji hold"))).await;
        is_asked(chat, 1).await;
        chat.takes(webhook(writes(REN, "@Henji forget"))).await;
        for (words, later) in [
            ("@Henji PRIVATE?", &["PRIVATE, Ren"][..]),
            ("@Henji waht?", &["@Henji what?"]),
            ("chatter", &["@Henji first", "@Henji last"]),
        ] {
            let message = writes(AOI, words);
            chat.takes(webhook(message.clone())).await;
            for words in later {
                chat.takes(webhook(changes(&message, words))).await;
            }
        }
        chat.drains().await;
        let asked: Vec<_> = prompts(chat).into_iter().map(|mut prompt| prompt.pop().unwrap()).collect();
        assert_eq!(asked, ["Ren x: hold", "Aoi: what?", "Aoi: last"]);
        let kept = chat.kept().await;
        assert!(!["PRIVATE", "waht", "first"].iter().any(|gone| kept.contains(gone)), "{kept}");
    }

    pub(super) async fn of_two_changes_that_wait_one_is_answered_once(chat: &dyn Chat) {
        what_is_changed_behind_a_wish_to_forget_is_as_it_was_changed(chat).await;
    }

    pub(super) async fn of_a_message_that_was_changed_and_found_no_answer_its_group_is_told_once(
        chat: &dyn Chat,
    ) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        chat.takes(webhook(writes(REN, "@Henji hold"))).await;
        is_asked(chat, 1).await;
        let message = writes(AOI, "@Henji one");
        chat.takes(webhook(message.clone())).await;
        for words in ["@Henji two", "@Henji three"] {
            chat.takes(webhook(changes(&message, words))).await;
        }
        for _ in 0..3 {
            chat.model().plan_error(400, "invalid_request_error");
        }
        chat.drains().await;
        assert_eq!((chat.letters().await, said(chat).len()), (3, 2), "{:?}", said(chat));
        hears(chat, writes(REN, "@Henji retry")).await;
        let asked = prompts(chat).pop().unwrap();
        assert_eq!(asked.last().unwrap(), "Aoi: three", "it is Aoi's question yet");
    }
}
