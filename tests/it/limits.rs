//! Limits against abuse: each is notified once and politely, and later messages get silence; never a dead letter.

use cli::commands::send::webhook_of;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    chat::{Chat, does, prompts, said, says, story},
    local::USER,
};

story!(a_limit_reached_in_the_middle_of_a_burst_is_told_once, "ANSWERS_PER_DAY" = "2");
story!(what_line_delivers_twice_at_the_limit_is_counted_and_told_once, "ANSWERS_PER_DAY" = "1");
story!(tokens_are_counted_with_what_came_before, "TOKENS_PER_DAY" = "1");
story!(a_question_of_too_many_characters_is_not_asked, "QUESTION_MAX_CHARACTERS" = "5");
story!(
    who_is_not_on_the_list_is_told_once,
    "ALLOWED_USERS" = "U4af4980629000000000000000000000a",
    "EXEMPT_USERS" = "U4af4980629000000000000000000000b",
    "ANSWERS_PER_DAY" = "1"
);

story!(
    nobody_is_invited_who_will_be_refused,
    "ALLOWED_USERS" = "U4af4980629000000000000000000000a",
    "EXEMPT_USERS" = "U4af4980629000000000000000000000b"
);

const EXEMPT: &str = "U4af4980629000000000000000000000b";
const STRANGER: &str = "U4af4980629000000000000000000000c";
const ENOUGH: &str = "We have talked a lot today";

/// Posts all texts in order without a wait between them.
async fn bursts(chat: &dyn Chat, user: &str, texts: &[&str]) {
    for text in texts {
        chat.takes(webhook_of(text, user)).await;
    }
    chat.drains().await;
}

/// Makes another event of this source.
fn happens(kind: &str, source: &Value) -> Value {
    let mut webhook = does(kind, &json!({}));
    webhook["events"][0]["source"] = source.clone();
    webhook["events"][0]["replyToken"] = Uuid::new_v4().simple().to_string().into();
    webhook
}

/// Asserts that the messages begin with these texts and that there is no dead letter.
async fn hears(chat: &dyn Chat, beginnings: &[&str]) {
    let said = said(chat);
    assert_eq!(said.len(), beginnings.len(), "{said:?}");
    for (text, beginning) in said.iter().zip(beginnings) {
        assert!(text.starts_with(beginning), "{text} is not {beginning}");
    }
    assert_eq!(chat.letters().await, 0);
}

mod told {
    use super::*;

    pub(super) async fn a_limit_reached_in_the_middle_of_a_burst_is_told_once(chat: &dyn Chat) {
        bursts(chat, USER, &["1", "2", "3", "4", "5"]).await;
        hears(chat, &["answer to 1", "answer to 2", ENOUGH]).await;
        assert_eq!(prompts(chat).len(), 2);
        // Free actions still work, and a forget does not reset the limit.
        bursts(chat, USER, &["forget", "6"]).await;
        hears(chat, &["answer to 1", "answer to 2", ENOUGH, "All forgotten"]).await;
        bursts(chat, STRANGER, &["7"]).await;
        assert_eq!(said(chat).last().unwrap(), "answer to 7", "each user has a day of one's own");
    }

    pub(super) async fn what_line_delivers_twice_at_the_limit_is_counted_and_told_once(chat: &dyn Chat) {
        for message in [says("1"), says("2"), says("3")] {
            for _ in 0..2 {
                chat.takes(message.clone()).await;
            }
            chat.drains().await;
        }
        hears(chat, &["answer to 1", ENOUGH]).await;
    }

    pub(super) async fn tokens_are_counted_with_what_came_before(chat: &dyn Chat) {
        bursts(chat, USER, &["1", "2", "3"]).await;
        hears(chat, &["answer to 1", "That's all I can do for today"]).await;
    }

    pub(super) async fn a_question_of_too_many_characters_is_not_asked(chat: &dyn Chat) {
        bursts(chat, USER, &["こんにちは", "こんにちは!", "こんにちは!!"]).await;
        hears(chat, &["answer to こんにちは", "Sorry, I can read 5 characters"]).await;
        assert_eq!(prompts(chat).len(), 1);
    }

    pub(super) async fn who_is_not_on_the_list_is_told_once(chat: &dyn Chat) {
        bursts(chat, STRANGER, &["1", "help", "3"]).await;
        let refusal = "Sorry, I only chat with people on my list";
        hears(chat, &[refusal]).await;
        bursts(chat, USER, &["4", "5", "6"]).await;
        bursts(chat, EXEMPT, &["7", "8"]).await;
        hears(chat, &[refusal, "answer to 4", ENOUGH, "answer to 7", "answer to 8"]).await;
    }

    pub(super) async fn nobody_is_invited_who_will_be_refused(chat: &dyn Chat) {
        let refusal = "Sorry, I only chat with people on my list";
        let user = |id: &str| json!({ "type": "user", "userId": id });
        let mut video = webhook_of("", STRANGER);
        video["events"][0]["message"]["type"] = "video".into();
        let others = [
            video,
            happens("follow", &user(STRANGER)),
            webhook_of("hi", STRANGER),
            happens("join", &json!({ "type": "group", "groupId": "C4af4980629000000000000000000000c" })),
            happens("join", &json!({ "type": "room", "roomId": "R4af4980629000000000000000000000c" })),
        ];
        let follows = happens("follow", &user(STRANGER));
        // LINE delivers it twice.
        for webhook in [follows.clone(), follows].into_iter().chain(others) {
            chat.takes(webhook).await;
            chat.drains().await;
            hears(chat, &[refusal]).await;
        }
        assert_eq!(chat.line().sent()[0].retry_key, None, "for free");
        for id in [USER, EXEMPT] {
            chat.takes(happens("follow", &user(id))).await;
            chat.drains().await;
        }
        hears(chat, &[refusal, "Hi! Thanks for adding me", "Hi! Thanks for adding me"]).await;
        assert!(chat.model().asked().is_empty());
    }
}
