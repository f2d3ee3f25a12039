//! The uses of the free reply token, and the cases in which LINE does not take it.

use std::time::Duration;

use cli::commands::send::webhook_of;
use emulator::{
    faults::Fault,
    line::{LOADING, PUSH, REPLY, Sent},
};
use serde_json::Value;

use crate::harness::local::{Bot, USER};

async fn reply_first(more: &[(&str, &str)]) -> Bot {
    Bot::with(&[&[("DELIVERY", "reply-first")], more].concat(), |_| {}).await
}

/// Returns how many replies and pushes were tried.
fn tried(bot: &Bot) -> (usize, usize) {
    (bot.line.faults.seen(REPLY).len(), bot.line.faults.seen(PUSH).len())
}

fn is_free(sent: &Sent) -> bool {
    sent.retry_key.is_none()
}

#[tokio::test]
async fn a_young_token_carries_the_answer_and_the_months_messages_are_left_alone() {
    let mut bot = reply_first(&[]).await;
    bot.line.set_messages_left(0);
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(tried(&bot), (1, 0));
    assert_eq!(bot.delivered(), 1);
}

#[tokio::test]
async fn without_the_setting_answers_are_pushed_and_notices_are_still_free() {
    let mut bot = Bot::with(&[("CONTEXT_TOKENS", "200"), ("MAX_TOKENS", "100")], |_| {}).await;
    bot.hears("hi").await;
    bot.hears(&"word ".repeat(300)).await;
    let sent = bot.sends().await;
    assert_eq!(sent.iter().map(is_free).collect::<Vec<_>>(), [false, true]);
    assert!(sent[1].texts[0].contains("too long"), "{sent:?}");
}

#[tokio::test]
async fn a_token_that_is_no_longer_young_is_not_tried() {
    let mut bot = reply_first(&[]).await;
    bot.model.set_think_time(Duration::from_millis(300));
    bot.hears("first").await;
    bot.hears("second").await;
    bot.sql(
        "UPDATE jobs SET body = json_set(body, '$.acceptedAt', json_extract(body, '$.acceptedAt') - 50000) WHERE state = 0 RETURNING 1",
    );
    let sent = bot.sends().await;
    assert_eq!(sent.iter().map(is_free).collect::<Vec<_>>(), [true, false]);
    assert_eq!(tried(&bot), (1, 1));
}

#[tokio::test]
async fn a_reply_that_is_refused_at_its_first_try_is_pushed_once() {
    for status in [400, 401, 403, 413, 415] {
        let mut bot = reply_first(&[]).await;
        bot.line.plan_error(REPLY, status, "on purpose");
        bot.hears("hi").await;
        bot.answers(&["answer to hi"]).await;
        assert_eq!(tried(&bot), (1, 1), "{status}");
        assert_eq!(bot.model.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_rate_limit_of_replies_is_waited_for_a_moment_and_then_pushed_past() {
    for (refusals, expected) in [(1, (2, 0)), (3, (3, 1))] {
        let mut bot = reply_first(&[]).await;
        for _ in 0..refusals {
            bot.line.plan_error(REPLY, 429, "The API rate limit has been exceeded. Try again later.");
        }
        bot.hears("hi").await;
        bot.answers(&["answer to hi"]).await;
        assert_eq!(tried(&bot), expected);
    }
}

#[tokio::test]
async fn what_is_pushed_after_a_refused_reply_is_repeated_like_any_push() {
    let mut bot = reply_first(&[]).await;
    bot.line.plan_error(REPLY, 400, "Invalid reply token");
    bot.line.faults.plan_next(PUSH, Fault::Lose);
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(tried(&bot), (1, 2));
    let pushes = bot.pushes_tried();
    assert_eq!(pushes[0], pushes[1]);
}

#[tokio::test]
async fn a_reply_of_unknown_outcome_is_asked_again_and_never_pushed() {
    // LINE did nothing: the same token works, and its 200 is certain.
    for fault in [Fault::Reset, Fault::Respond(500, vec![], "{}".into())] {
        let mut bot = reply_first(&[]).await;
        bot.line.faults.plan_next(REPLY, fault);
        bot.hears("hi").await;
        bot.answers(&["answer to hi"]).await;
        assert_eq!(tried(&bot), (2, 0));
    }
    // LINE replied and its answer was lost: the token is used, and its 400 proves nothing.
    let mut bot = reply_first(&[]).await;
    bot.line.faults.plan_next(REPLY, Fault::Lose);
    bot.hears("hi").await;
    assert_eq!(bot.says().await, ["answer to hi"], "and neither a second one nor an apology");
    bot.gave_up("delivery_unknown", "delivery_unknown").await;
    assert_eq!(tried(&bot), (2, 0));
    bot.redrives().await;
    bot.answers(&[]).await;
    bot.gave_up("delivery_unknown", "delivery_unknown").await;
    assert_eq!(tried(&bot), (2, 0), "a redriven job has no token");
}

#[tokio::test]
async fn a_reply_that_fails_for_a_while_is_said_once_by_a_later_attempt() {
    let mut bot = reply_first(&[]).await;
    for _ in 0..4 {
        bot.line.plan_error(REPLY, 500, "on purpose");
    }
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!((tried(&bot), bot.model.asked().len()), ((5, 0), 1));
}

#[tokio::test]
async fn of_a_long_answer_the_first_part_is_free_and_the_rest_is_pushed() {
    let mut bot = reply_first(&[]).await;
    let long = "a".repeat(30_000);
    bot.model.plan_answer(&long);
    bot.line.faults.plan_next(PUSH, Fault::Lose);
    bot.hears("tell me all").await;
    let sent = bot.sends().await;
    assert_eq!(sent.iter().map(is_free).collect::<Vec<_>>(), [true, false]);
    assert_eq!(sent.iter().flat_map(|sent| sent.texts.clone()).collect::<String>(), long);
    assert_eq!(tried(&bot), (1, 2));
}

#[tokio::test]
async fn a_webhook_that_line_delivers_again_is_answered_once() {
    let mut bot = reply_first(&[]).await;
    let mut webhook = webhook_of("hi", USER);
    assert_eq!(bot.posts(webhook.to_string()).await, 200);
    bot.answers(&["answer to hi"]).await;
    webhook["events"][0]["deliveryContext"]["isRedelivery"] = true.into();
    assert_eq!(bot.posts(webhook.to_string()).await, 200);
    bot.answers(&[]).await;
    assert_eq!(tried(&bot), (1, 0));
}

#[tokio::test]
async fn who_waits_long_is_asked_for_patience_once_and_the_answer_is_pushed() {
    let change = |s: &mut local::serve::Settings| s.worker.patience = Some(Duration::from_millis(100));
    // By reply first, the notice would take the token from the answer.
    let mut bot = Bot::with(&[("DELIVERY", "reply-first")], change).await;
    bot.model.set_think_time(Duration::from_millis(400));
    bot.hears("hard one").await;
    bot.answers(&["answer to hard one"]).await;
    assert_eq!(tried(&bot), (1, 0));

    let mut bot = Bot::with(&[], change).await;
    bot.model.set_think_time(Duration::from_millis(400));
    bot.hears("hard one").await;
    let sent = bot.sends().await;
    assert!(sent[0].texts[0].starts_with("Still thinking") && is_free(&sent[0]), "{sent:?}");
    assert_eq!((sent.len(), &sent[1].texts[0][..]), (2, "answer to hard one"));
    assert_eq!(tried(&bot), (1, 1));
    assert_eq!(bot.line.faults.seen(LOADING).len(), 2, "shown anew, as a message ends it");
    let asked = bot.model.asked();
    assert_eq!(asked[0].body["messages"].as_array().unwrap().len(), 2);

    bot.model.set_think_time(Duration::ZERO);
    bot.hears("easy one").await;
    // On a busy machine this question may also get the notice that asks for patience.
    assert_eq!(bot.says().await.last().unwrap(), "answer to easy one");
    let asked = bot.model.asked();
    let said: Vec<&Value> = asked[1].body["messages"].as_array().unwrap().iter().collect();
    assert!(said.iter().all(|m| !m["content"].as_str().unwrap().contains("thinking")), "{said:?}");
}

#[tokio::test]
async fn patience_that_line_does_not_take_delays_nothing() {
    let change = |s: &mut local::serve::Settings| s.worker.patience = Some(Duration::from_millis(50));
    let mut bot = Bot::with(&[], change).await;
    bot.model.set_think_time(Duration::from_millis(200));
    bot.line.faults.plan_next(REPLY, Fault::Hang);
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(tried(&bot), (1, 1));
}
