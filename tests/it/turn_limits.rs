//! The limits of one turn for its user and its operator: time, paid calls of the model, push requests. On one machine
//! and on Lambda.

use std::time::Duration;

use emulator::{
    faults::Fault,
    line::{PUSH, Preparation},
    model::COMPLETIONS,
};
use serde_json::json;
use worker::locale::Locale;

use crate::{
    harness::{
        chat::{Chat, busy, prompts, said, says, story},
        local::Bot,
    },
    media::{answers, voice},
};

story!(a_retry_after_of_a_day_is_an_apology_at_once);
story!(a_server_that_hangs_is_given_up_in_time, "GIVE_UP_AFTER_SECONDS" = "5");
story!(a_200_without_an_answer_is_paid_for_three_times_a_run);
story!(asking_for_more_room_is_paid_for_too);
story!(a_retry_after_of_line_that_is_too_long_keeps_the_answer_for_a_redrive);
story!(an_answer_of_megabytes_is_four_times_the_limit, "MAX_TOKENS" = "1000");
story!(
    an_answer_of_megabytes_is_five_pushes,
    "MAX_TOKENS" = "500000",
    "CONTEXT_TOKENS" = "1000000",
    "DELIVERY" = "reply-first"
);

const TOMORROW: &str = "86400";

fn body(body: &str) -> Fault {
    Fault::Respond(200, vec![], body.to_owned())
}

/// Asks, and asserts that the user gets an apology and nothing else.
async fn is_told(chat: &dyn Chat, text: &str) {
    let so_far = said(chat);
    chat.takes(says(text)).await;
    chat.drains().await;
    assert_eq!(said(chat)[so_far.len()..], [Locale::En.words().no_answer]);
}

/// A server that hangs is paid for three times, however many attempts there are.
#[tokio::test]
async fn a_call_that_times_out_is_paid_for_three_times_a_run() {
    let bot = Bot::with(&[], |s| s.job_timeout = Duration::from_millis(500)).await;
    bot.model.faults.set_fault(COMPLETIONS, Some(&Fault::Hang), false);
    is_told(&bot, "hi").await;
    assert_eq!(bot.model.asked().len(), 3);
    bot.gave_up("model_unavailable", "unanswered").await;
    let letters = bot.letters().await;
    assert!(letters[0]["detail"].as_str().unwrap().ends_with("3 calls were paid for"), "{letters}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_costs_nothing_and_has_all_attempts() {
    let change = |s: &mut local::serve::Settings| s.worker.pauses.between = [Duration::from_millis(10); 4];
    let bot = Bot::with(&[("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")], change).await;
    is_told(&bot, "hi").await;
    assert_eq!(bot.letters().await[0]["attempts"], 5);
}

#[tokio::test]
async fn attempts_and_pauses_count_together_and_time_in_the_queue_does_not() {
    let scale = |s: &mut local::serve::Settings| s.worker.give_up_after = Duration::from_secs(5);
    let mut bot = Bot::with(&[], scale).await;
    bot.model.set_think_time(Duration::from_secs(3));
    for text in ["one", "two"] {
        bot.hears(text).await;
    }
    bot.answers(&["answer to one", "answer to two"]).await;
    bot.model.set_think_time(Duration::ZERO);
    // Each pause alone is shorter than the limit.
    bot.settings.worker.give_up_after = Duration::from_secs(6);
    bot.settings.worker.pauses.between = [Duration::from_millis(3_600); 4];
    bot.restarts().await;
    bot.model.faults.set_fault(COMPLETIONS, Some(&Fault::Respond(500, vec![], String::new())), false);
    is_told(&bot, "three").await;
    assert_eq!(bot.letters().await[0]["attempts"], 2);
    bot.redrives().await;
    bot.drain().await;
    assert_eq!(bot.letters().await[0]["attempts"], 2, "a redrive has as much time");
}

#[tokio::test]
async fn a_call_that_a_restart_interrupts_is_paid_for() {
    let mut bot = Bot::start().await;
    bot.model.faults.set_fault(COMPLETIONS, Some(&Fault::Hang), false);
    bot.hears("hi").await;
    for times in 1..=3 {
        bot.until("the model is asked", async || bot.model.asked().len() == times).await;
        bot.restarts().await;
    }
    bot.drain().await;
    assert_eq!(
        (bot.model.asked().len(), bot.says().await.as_slice()),
        (3, &[Locale::En.words().no_answer.to_owned()][..])
    );
    assert_eq!(bot.letters().await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_line_still_prepares_takes_no_time_from_the_answer() {
    let scale = |s: &mut local::serve::Settings| {
        s.worker.give_up_after = Duration::from_secs(2);
        s.worker.pauses.of_steps.preparing = Some(Duration::from_millis(500));
    };
    let bot = Bot::with(&[], scale).await;
    bot.line.prepares(Preparation::After(6));
    assert_eq!(answers(&bot, voice(&bot, "hello")).await.last().unwrap(), "answer to hello");
}

mod told {
    use super::*;

    pub(super) async fn a_retry_after_of_a_day_is_an_apology_at_once(chat: &dyn Chat) {
        chat.model().plan_fault(busy(TOMORROW));
        is_told(chat, "hi").await;
        assert_eq!((prompts(chat).len(), chat.letters().await), (1, 1));
        chat.redrives().await;
        chat.drains().await;
        assert_eq!(said(chat)[1..], ["answer to hi"]);
    }

    pub(super) async fn a_server_that_hangs_is_given_up_in_time(chat: &dyn Chat) {
        chat.model().faults.set_fault(COMPLETIONS, Some(&Fault::Hang), false);
        is_told(chat, "hi").await;
        let (asked, told) = (chat.model().asked(), chat.line().faults.seen(PUSH));
        // The bound is twice the setting, for machines with much other work.
        assert!(told[0].at - asked[0].at <= Duration::from_secs(10), "the setting's own promise");
        assert!(asked.len() <= 3 && chat.letters().await == 1, "{}", asked.len());
    }

    pub(super) async fn a_200_without_an_answer_is_paid_for_three_times_a_run(chat: &dyn Chat) {
        let broken_off = r#"{"choices":[{"message":{"content":"half an ans"},"finish_reason":"error"}]}"#;
        let empty = r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#;
        let nonsense = ["<html>", r#"{"choices":[]}"#, broken_off, empty].map(body);
        let mut calls = 0;
        // The last fault breaks off in the middle of a 200.
        for fault in nonsense.into_iter().chain([Fault::Reset]) {
            chat.model().faults.set_fault(COMPLETIONS, Some(&fault), false);
            is_told(chat, "hi").await;
            calls += 3;
            assert_eq!(prompts(chat).len(), calls, "{fault:?}");
        }
        assert_eq!(chat.letters().await, 5);
        // A redrive counts anew, and a call that certainly costs nothing does not count.
        chat.model().faults.set_fault(COMPLETIONS, None, false);
        for fault in [Fault::Respond(503, vec![], String::new()), body("<html>")] {
            chat.model().plan_fault(fault);
        }
        chat.redrives().await;
        chat.drains().await;
        assert_eq!(said(chat)[5..], ["answer to hi"; 5]);
    }

    pub(super) async fn asking_for_more_room_is_paid_for_too(chat: &dyn Chat) {
        chat.model().plan_fault(body("<html>"));
        chat.model().plan_completion(json!({ "content": "" }), "length");
        chat.model().plan_fault(body("<html>"));
        is_told(chat, "hi").await;
        let limit = "max_completion_tokens";
        let limits: Vec<_> = chat.model().asked().iter().map(|seen| seen.body[limit].clone()).collect();
        assert_eq!(limits, [4096, 4096, 16_384]);
    }

    pub(super) async fn a_retry_after_of_line_that_is_too_long_keeps_the_answer_for_a_redrive(
        chat: &dyn Chat,
    ) {
        chat.line().faults.plan_next(PUSH, busy(TOMORROW));
        is_told(chat, "hi").await;
        assert_eq!((chat.line().faults.seen(PUSH).len(), chat.letters().await), (2, 1));
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat)[1..].join(" "), prompts(chat).len()), ("answer to hi".to_owned(), 1));
    }

    /// Runs a turn with an answer of seven megabytes; returns the texts, and the answer as the next prompt has it.
    async fn comes_of_megabytes(chat: &dyn Chat) -> (Vec<String>, String) {
        let unit = "長い話です。とても長い話です。\n\n";
        chat.model().plan_answer(&unit.repeat(7_000_000 / unit.len()));
        chat.takes(says("all you know")).await;
        chat.drains().await;
        let texts = said(chat);
        let remark = Locale::En.words().cut;
        assert_eq!(texts.concat().matches(remark).count(), 1);
        assert!(texts.last().unwrap().ends_with(remark), "marked at its end");
        chat.takes(says("and?")).await;
        chat.drains().await;
        let kept = prompts(chat)[1][1].clone();
        assert_eq!(texts.concat(), format!("{kept}\n\n{remark}"), "what is kept is what was said");
        assert_eq!(chat.letters().await, 0);
        (texts, kept)
    }

    pub(super) async fn an_answer_of_megabytes_is_four_times_the_limit(chat: &dyn Chat) {
        let (_, kept) = comes_of_megabytes(chat).await;
        let tokens = worker::rules::tokens::count(worker::rules::models::Encoding::O200k, &kept);
        assert!((3_000..=4_000).contains(&tokens) && kept.ends_with("話です。"), "{tokens}");
    }

    pub(super) async fn an_answer_of_megabytes_is_five_pushes(chat: &dyn Chat) {
        let (texts, _) = comes_of_megabytes(chat).await;
        assert!((24..=25).contains(&texts.len()), "{}", texts.len());
        let requests = chat.line().sent().len() - 1;
        assert_eq!(requests, 5, "the free reply is one of them");
    }
}
