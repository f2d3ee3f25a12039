//! People forget a conversation, or block the bot, while a message waits or is being answered: both overtake the job,
//! and delete the messages before them.

use emulator::{faults::Fault, line::PUSH, model::COMPLETIONS};
use serde_json::{Value, json};
use worker::locale::Locale;

use crate::harness::chat::{Chat, busy, does, forgets, is_asked, prompts, said, says, story, until};

story!(forget_overtakes_a_question_that_waits, "MAX_ATTEMPTS" = "3");
story!(forget_ends_the_question_that_is_being_answered);
story!(forget_ends_an_answer_that_line_is_too_busy_for);
story!(forget_reaches_what_would_be_answered_together, "BURST" = "merge");
story!(forget_leaves_what_was_said_after_it, "MAX_ATTEMPTS" = "3");
story!(block_overtakes_a_question_that_waits_and_leaves_what_follows, "MAX_ATTEMPTS" = "3");
story!(two_forgets_are_both_confirmed);

/// The seconds after which a request is made again: longer than the stories wait.
const TOO_LONG: &str = "6";

fn forgotten() -> &'static str {
    Locale::En.words().forgotten
}

/// Waits, so that the next message has a later timestamp of LINE: the bot has no other time of it.
async fn a_moment() {
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
}

async fn hears_forgotten(chat: &dyn Chat, times: usize) {
    let heard = || said(chat).iter().filter(|text| *text == forgotten()).count();
    until("forgetting is not confirmed", || heard() == times).await;
}

mod told {
    use super::*;

    pub(super) async fn forget_overtakes_a_question_that_waits(chat: &dyn Chat) {
        chat.model().plan_fault(busy(TOO_LONG));
        chat.takes(says("my secret is wisteria")).await;
        is_asked(chat, 1).await;
        a_moment().await;
        chat.takes(says("forget")).await;
        hears_forgotten(chat, 1).await;
        assert_eq!(prompts(chat).len(), 1, "the question still waits");
        a_moment().await;
        chat.takes(says("hello")).await;
        chat.drains().await;
        assert_eq!(said(chat), [forgotten(), "answer to hello"]);
        assert_eq!(prompts(chat)[1..], [["hello"]]);
        assert_eq!(chat.letters().await, 0);
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
    }

    pub(super) async fn forget_ends_the_question_that_is_being_answered(chat: &dyn Chat) {
        chat.model().plan_fault(Fault::Hang);
        chat.takes(says("my secret is wisteria")).await;
        is_asked(chat, 1).await;
        a_moment().await;
        chat.takes(says("忘れて")).await;
        hears_forgotten(chat, 1).await;
        // The call is broken off, and no second one follows.
        chat.model().faults.set_fault(COMPLETIONS, None, false);
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len()), (vec![forgotten().to_owned()], 1));
        assert_eq!(chat.letters().await, 0);
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn forget_ends_an_answer_that_line_is_too_busy_for(chat: &dyn Chat) {
        chat.line().faults.plan_next(PUSH, busy("5"));
        chat.takes(says("my secret is wisteria")).await;
        until("LINE is not asked", || !chat.line().faults.seen(PUSH).is_empty()).await;
        a_moment().await;
        chat.takes(says("forget")).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![forgotten().to_owned()], 0));
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn forget_reaches_what_would_be_answered_together(chat: &dyn Chat) {
        chat.model().plan_fault(Fault::Hang);
        chat.takes(says("hold")).await;
        is_asked(chat, 1).await;
        for text in ["my secret is wisteria", "and hydrangea"] {
            chat.takes(says(text)).await;
        }
        a_moment().await;
        chat.takes(says("forget")).await;
        hears_forgotten(chat, 1).await;
        a_moment().await;
        for text in ["hello", "there"] {
            chat.takes(says(text)).await;
        }
        chat.model().faults.set_fault(COMPLETIONS, None, false);
        chat.drains().await;
        assert_eq!(said(chat).last().unwrap(), "answer to there");
        let asked: Vec<String> = prompts(chat)[1..].concat();
        assert!(
            !asked.iter().any(|text| text.contains("wisteria") || text.contains("hydrangea")),
            "{asked:?}"
        );
        assert!(asked.contains(&"hello".to_owned()));
        let kept = chat.kept().await;
        assert!(!kept.contains("wisteria") && !kept.contains("hydrangea"), "{kept}");
    }

    pub(super) async fn forget_leaves_what_was_said_after_it(chat: &dyn Chat) {
        // LINE delivers the command late: a message after it is answered already.
        chat.takes(says("my secret is wisteria")).await;
        chat.drains().await;
        a_moment().await;
        let forget = says("forget");
        a_moment().await;
        chat.takes(says("hello")).await;
        chat.drains().await;
        chat.takes(forget).await;
        chat.drains().await;
        chat.takes(says("and now?")).await;
        chat.drains().await;
        assert_eq!(prompts(chat).last().unwrap(), &["hello", "answer to hello", "and now?"]);
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn block_overtakes_a_question_that_waits_and_leaves_what_follows(chat: &dyn Chat) {
        chat.model().plan_fault(busy(TOO_LONG));
        chat.takes(says("my secret is wisteria")).await;
        is_asked(chat, 1).await;
        a_moment().await;
        chat.takes(does("unfollow", &json!({ "replyToken": Value::Null }))).await;
        until_forgotten(chat).await;
        a_moment().await;
        chat.takes(does("follow", &json!({}))).await;
        chat.takes(says("hello")).await;
        chat.drains().await;
        assert_eq!(said(chat).last().unwrap(), "answer to hello");
        assert!(!said(chat).iter().any(|text| text.contains("wisteria")));
        assert_eq!(prompts(chat)[1..], [["hello"]]);
        assert_eq!(chat.letters().await, 0);
        assert!(!chat.kept().await.contains("wisteria"));
    }

    /// Waits until the conversation has a forget marker.
    async fn until_forgotten(chat: &dyn Chat) {
        let (history, job) = (chat.history(), crate::harness::chat::job_of(&says("")));
        let now = worker::clock::wall_clock();
        for _ in 0..2_000 {
            if history.conversation_changes(&job, now()).await.unwrap().forgotten.is_some() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the conversation is not forgotten");
    }

    pub(super) async fn two_forgets_are_both_confirmed(chat: &dyn Chat) {
        chat.takes(says("my secret is wisteria")).await;
        chat.drains().await;
        for text in ["forget", "reset"] {
            chat.takes(says(text)).await;
        }
        chat.drains().await;
        hears_forgotten(chat, 2).await;
        forgets(chat).await;
        assert!(!chat.kept().await.contains("wisteria"));
    }
}
