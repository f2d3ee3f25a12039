//! People unsend messages, leave, and ask the bot to forget: each story runs on one machine and on Lambda.

use emulator::{
    faults::Fault,
    line::{PUSH, REPLY},
    model::COMPLETIONS,
};
use serde_json::{Value, json};
use shared::job::ConversationId;
use worker::{clock::wall_clock, history::Forget};

use crate::harness::{
    chat::{
        Chat, SLOW, busy, does, forgets, is_asked, is_unsent, prompts, said, says, story, takes_back, until,
    },
    local::USER,
};

story!(what_was_forgotten_is_in_no_later_prompt_and_no_row);
story!(an_answer_that_comes_after_forgetting_is_neither_stored_nor_said);
story!(what_is_redriven_after_forgetting_is_neither_asked_nor_said);
story!(a_message_taken_back_while_it_waits_is_never_asked);
story!(a_message_taken_back_while_it_is_answered_is_not_answered);
story!(a_message_taken_back_while_the_model_fails_is_not_spoken_of);
story!(a_message_taken_back_while_line_is_busy_is_not_answered);
story!(a_message_taken_back_while_line_takes_no_reply_is_not_answered, "DELIVERY" = "reply-first");
story!(a_conversation_forgotten_while_line_is_busy_leaves_no_dead_letter);
story!(a_message_taken_back_is_forgotten_with_its_answer);
story!(a_message_taken_back_before_it_arrives_is_not_answered);
story!(a_message_taken_back_that_nobody_knows_is_silence);
story!(an_answer_that_waits_for_a_redrive_goes_with_its_message);
story!(who_leaves_is_forgotten_and_who_comes_back_starts_anew);
story!(in_standby_nothing_is_said_and_what_is_taken_back_or_left_is_forgotten);

/// Marks the webhook as standby, while another service holds the chat.
fn in_standby(mut webhook: Value) -> Value {
    webhook["events"][0]["mode"] = "standby".into();
    webhook["events"][0].as_object_mut().unwrap().remove("replyToken");
    webhook
}

mod told {
    use super::*;

    pub(super) async fn in_standby_nothing_is_said_and_what_is_taken_back_or_left_is_forgotten(
        chat: &dyn Chat,
    ) {
        let (before, during) = (says("my secret is wisteria"), in_standby(says("another is hydrangea")));
        chat.takes(before.clone()).await;
        chat.drains().await;
        for webhook in [during.clone(), in_standby(takes_back(&during)), in_standby(takes_back(&before))] {
            chat.takes(webhook).await;
            chat.drains().await;
        }
        let kept = chat.kept().await;
        assert!(!kept.contains("wisteria") && !kept.contains("hydrangea"), "{kept}");
        chat.takes(says("hello")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1..], [["hello"]]);
        for webhook in [does("follow", &json!({})), does("unfollow", &json!({}))] {
            chat.takes(in_standby(webhook)).await;
            chat.drains().await;
        }
        assert!(!chat.kept().await.contains("hello"), "{}", chat.kept().await);
        assert_eq!(said(chat), ["answer to my secret is wisteria", "answer to hello"]);
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn what_was_forgotten_is_in_no_later_prompt_and_no_row(chat: &dyn Chat) {
        for text in ["my secret is wisteria", "do you know it?"] {
            chat.takes(says(text)).await;
            chat.drains().await;
        }
        assert_eq!(prompts(chat)[1].len(), 3);
        assert!(chat.kept().await.contains("wisteria"));
        forgets(chat).await;
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
        chat.takes(says("what was it?")).await;
        chat.drains().await;
        chat.takes(says("and now?")).await;
        chat.drains().await;
        assert_eq!(
            prompts(chat)[2..],
            [
                vec!["what was it?".to_owned()],
                ["what was it?", "answer to what was it?", "and now?"].map(ToOwned::to_owned).to_vec(),
            ]
        );
    }

    pub(super) async fn an_answer_that_comes_after_forgetting_is_neither_stored_nor_said(chat: &dyn Chat) {
        chat.model().plan_fault(SLOW);
        chat.takes(says("my secret is wisteria")).await;
        is_asked(chat, 1).await;
        forgets(chat).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert!(!chat.kept().await.contains("wisteria"));
        chat.takes(says("hello")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1], ["hello"]);
    }

    pub(super) async fn what_is_redriven_after_forgetting_is_neither_asked_nor_said(chat: &dyn Chat) {
        // The first message is never answered, and LINE refuses the answer to the second one.
        chat.model().plan_error(400, "invalid_request_error");
        chat.line().faults.plan_next(PUSH, Fault::Respond(400, vec![], "{}".into()));
        chat.takes(says("unanswered wisteria")).await;
        chat.drains().await;
        chat.line().plan_error(PUSH, 400, "on purpose");
        chat.takes(says("unpushed wisteria")).await;
        chat.drains().await;
        assert_eq!(chat.letters().await, 2);
        forgets(chat).await;
        let (told, asked) = (said(chat), prompts(chat).len());
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len()), (told, asked));
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
    }

    pub(super) async fn a_message_taken_back_while_it_waits_is_never_asked(chat: &dyn Chat) {
        chat.model().plan_fault(SLOW);
        let (first, second) = (says("first"), says("second"));
        chat.takes(first).await;
        is_asked(chat, 1).await;
        chat.takes(second.clone()).await;
        chat.takes(takes_back(&second)).await;
        // The unsend overtakes the conversation, which is busy.
        is_unsent(chat, &second).await;
        assert_eq!(said(chat), [""; 0]);
        chat.drains().await;
        assert_eq!(said(chat), ["answer to first"]);
        assert_eq!(prompts(chat), [["first"]]);
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_message_taken_back_while_it_is_answered_is_not_answered(chat: &dyn Chat) {
        chat.model().plan_fault(SLOW);
        let message = says("my secret is wisteria");
        chat.takes(message.clone()).await;
        is_asked(chat, 1).await;
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_while_the_model_fails_is_not_spoken_of(chat: &dyn Chat) {
        chat.model().plan_fault(Fault::Hang);
        let message = says("my secret is wisteria");
        chat.takes(message.clone()).await;
        is_asked(chat, 1).await;
        chat.takes(takes_back(&message)).await;
        is_unsent(chat, &message).await;
        let refusal = Fault::Respond(400, vec![], r#"{"error":{"code":"invalid_request_error"}}"#.into());
        chat.model().faults.set_fault(COMPLETIONS, Some(&refusal), false);
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert_eq!(prompts(chat).len(), 1, "it is not asked again");
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_while_line_is_busy_is_not_answered(chat: &dyn Chat) {
        is_taken_back_while_line_is_busy(chat, PUSH).await;
    }

    pub(super) async fn a_message_taken_back_while_line_takes_no_reply_is_not_answered(chat: &dyn Chat) {
        is_taken_back_while_line_is_busy(chat, REPLY).await;
    }

    async fn is_taken_back_while_line_is_busy(chat: &dyn Chat, path: &str) {
        // LINE asks for the longest wait that fits into the attempt.
        chat.line().faults.plan_next(path, busy("5"));
        let message = says("my secret is wisteria");
        chat.takes(message.clone()).await;
        until("LINE is not asked", || !chat.line().faults.seen(path).is_empty()).await;
        chat.takes(takes_back(&message)).await;
        is_unsent(chat, &message).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        let asked = [PUSH, REPLY].map(|path| chat.line().faults.seen(path).len());
        assert_eq!(asked.iter().sum::<usize>(), 1, "it is not tried again");
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_conversation_forgotten_while_line_is_busy_leaves_no_dead_letter(chat: &dyn Chat) {
        chat.line().faults.plan_next(PUSH, busy("5"));
        chat.takes(says("my secret is wisteria")).await;
        until("LINE is not asked", || !chat.line().faults.seen(PUSH).is_empty()).await;
        let user = ConversationId::of_known_id(USER.to_owned()).unwrap();
        let now = wall_clock()();
        chat.history().forget(&user, Forget::Everything(now.as_millisecond()), now).await.unwrap();
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_is_forgotten_with_its_answer(chat: &dyn Chat) {
        let message = says("my secret is wisteria");
        for message in [message.clone(), says("hello")] {
            chat.takes(message).await;
            chat.drains().await;
        }
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"));
        chat.takes(says("what was it?")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[2], ["hello", "answer to hello", "what was it?"]);
        assert_eq!(said(chat).len(), 3, "nothing is said of it");
    }

    pub(super) async fn a_message_taken_back_before_it_arrives_is_not_answered(chat: &dyn Chat) {
        let message = says("my secret is wisteria");
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        chat.takes(message).await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len(), chat.letters().await), (vec![], 0, 0));
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_that_nobody_knows_is_silence(chat: &dyn Chat) {
        chat.takes(says("hello")).await;
        chat.drains().await;
        let unknown = takes_back(&says("sticker"));
        for _ in 0..2 {
            chat.takes(unknown.clone()).await;
            chat.drains().await;
        }
        assert_eq!((said(chat), chat.letters().await), (vec!["answer to hello".to_owned()], 0));
        chat.takes(says("again")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1].len(), 3);
    }

    pub(super) async fn an_answer_that_waits_for_a_redrive_goes_with_its_message(chat: &dyn Chat) {
        let message = says("my secret is wisteria");
        chat.line().plan_error(PUSH, 400, "on purpose");
        chat.takes(message.clone()).await;
        chat.drains().await;
        assert_eq!(chat.letters().await, 1);
        let told = said(chat);
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len()), (told, 1));
    }

    pub(super) async fn who_leaves_is_forgotten_and_who_comes_back_starts_anew(chat: &dyn Chat) {
        chat.takes(says("my secret is wisteria")).await;
        chat.drains().await;
        let leaves = does("unfollow", &json!({ "replyToken": null }));
        chat.takes(leaves.clone()).await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"));
        chat.takes(does("follow", &json!({ "follow": { "isUnblocked": true } }))).await;
        chat.takes(says("hello")).await;
        chat.drains().await;
        // LINE delivers the old unfollow again, long after the person came back.
        chat.takes(leaves).await;
        chat.takes(says("again")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1..], [vec!["hello"], vec!["hello", "answer to hello", "again"]]);
        assert_eq!(chat.letters().await, 0);
    }
}
