use std::time::Duration;

use emulator::{
    faults::Fault,
    line::{CONSUMPTION, PUSH, QUOTA, REPLY},
};
use jiff::SignedDuration;
use serde_json::json;

use crate::harness::local::Bot;

#[tokio::test]
async fn a_push_whose_outcome_is_unknown_is_repeated_under_its_key_and_arrives_once() {
    for fault in [
        Fault::Lose,
        Fault::Reset,
        Fault::Respond(500, vec![], "{}".into()),
        Fault::Respond(503, vec![], String::new()),
    ] {
        let mut bot = Bot::start().await;
        let shown = format!("{fault:?}");
        bot.line.faults.plan_next(PUSH, fault);
        bot.hears("hi").await;
        bot.answers(&["answer to hi"]).await;
        let tried = bot.pushes_tried();
        assert_eq!(tried.len(), 2, "{shown}");
        assert_eq!(tried[0], tried[1], "the same key and body: {shown}");
        assert_eq!(bot.model.asked().len(), 1, "{shown}");
    }
}

#[tokio::test]
async fn an_answer_that_line_does_not_take_is_kept_and_never_paid_for_again() {
    let mut bot = Bot::start().await;
    for _ in 0..7 {
        bot.line.plan_error(PUSH, 500, "on purpose");
    }
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!((bot.pushes_tried().len(), bot.model.asked().len()), (8, 1));
    bot.hears("again").await;
    bot.answers(&["answer to again"]).await;
}

#[tokio::test]
async fn a_rate_limit_passes_and_the_monthly_limit_does_not() {
    let mut bot = Bot::start().await;
    bot.line.plan_error(PUSH, 429, "The API rate limit has been exceeded. Try again later.");
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;

    bot.line.set_messages_left(0);
    bot.line.plan_error(REPLY, 400, "Invalid reply token");
    bot.hears("more").await;
    bot.answers(&[]).await;
    assert_eq!(bot.pushes_tried().len(), 3, "no retry mends it");
    bot.gave_up("line_quota", "answered").await;
    let detail = bot.letters().await[0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("push: status 429") && detail.contains("reply: status 400"), "{detail}");

    // In a new month the redrive only pushes.
    bot.line.set_messages_left(100);
    bot.redrives().await;
    bot.answers(&["answer to more"]).await;
    assert_eq!(bot.model.asked().len(), 2);
}

#[tokio::test]
async fn the_monthly_limit_is_known_by_the_numbers_whatever_lines_words() {
    let mut bot = Bot::start().await;
    bot.line.set_messages_left(0);
    bot.line.plan_error(PUSH, 429, "words of another year");
    bot.line.plan_error(REPLY, 400, "Invalid reply token");
    bot.hears("hi").await;
    bot.answers(&[]).await;
    bot.gave_up("line_quota", "answered").await;
}

/// Starts a bot with short pauses.
async fn beside_a_broadcast(max: SignedDuration) -> Bot {
    let bot = Bot::with(&[("MAX_ATTEMPTS", "1")], |settings| {
        settings.worker.pauses.of_steps.broadcast = Some(Duration::from_millis(50));
        settings.worker.pauses.of_steps.broadcast_max = Some(max);
    })
    .await;
    bot.line.set_messages_left(10);
    bot.line.set_reserved(10);
    bot
}

#[tokio::test]
async fn a_limit_that_is_not_reached_is_waited_for_while_a_broadcast_has_messages_reserved() {
    let mut bot = beside_a_broadcast(SignedDuration::from_mins(5)).await;
    bot.hears("hi").await;
    bot.until("it is tried again and again", async || bot.pushes_tried().len() >= 4).await;
    assert_eq!(bot.letters().await, json!([]));
    bot.line.set_reserved(0);
    bot.answers(&["answer to hi"]).await;
    let tried = bot.pushes_tried();
    assert!(tried.iter().all(|push| *push == tried[0]), "the same key and body");
    assert_eq!(bot.attempts(), [1], "waiting is no attempt");
    assert_eq!(bot.model.asked().len(), 1);
}

#[tokio::test]
async fn a_limit_that_is_not_reached_is_a_letter_after_a_while_and_a_redrive_waits_anew() {
    let mut bot = beside_a_broadcast(SignedDuration::from_millis(300)).await;
    bot.line.plan_error(REPLY, 400, "Invalid reply token");
    bot.hears("hi").await;
    bot.gave_up("line_quota", "answered").await;
    let detail = bot.letters().await[0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("0 of 10 messages are used"), "{detail}");
    let tried = bot.pushes_tried().len();
    assert!((2..=8).contains(&tried), "{tried}");
    bot.answers(&[]).await;

    bot.redrives().await;
    bot.gave_up("line_quota", "answered").await;
    assert!(bot.pushes_tried().len() > tried + 1, "{tried}");
    bot.line.set_reserved(0);
    bot.redrives().await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(bot.model.asked().len(), 1);
}

#[tokio::test]
async fn what_line_says_of_the_months_limit_holds_where_its_numbers_do_not_contradict_it() {
    let monthly = "You have reached your monthly limit.";
    let cases: [fn(&Bot); 4] = [
        |bot| bot.line.set_messages_left(0),
        |bot| bot.line.set_month_quota(None),
        |bot| {
            bot.line.set_messages_left(10);
            bot.line.plan_error(QUOTA, 500, "on purpose");
        },
        |bot| {
            bot.line.set_messages_left(10);
            bot.line.plan_error(CONSUMPTION, 403, "on purpose");
        },
    ];
    for case in cases {
        let mut bot = Bot::start().await;
        case(&bot);
        bot.line.plan_error(PUSH, 429, monthly);
        bot.line.plan_error(REPLY, 400, "Invalid reply token");
        bot.hears("hi").await;
        bot.answers(&[]).await;
        bot.gave_up("line_quota", "answered").await;
        assert_eq!(bot.pushes_tried().len(), 1);
    }
}

#[tokio::test]
async fn what_line_refuses_for_good_is_a_dead_letter_that_a_redrive_only_pushes() {
    for (status, reason) in [(400, "line_rejected"), (401, "line_auth"), (403, "line_rejected")] {
        let mut bot = Bot::start().await;
        bot.line.plan_error(PUSH, status, "on purpose");
        bot.hears("hi").await;
        let told = bot.says().await;
        assert_eq!(told.len(), usize::from(reason == "line_rejected"), "{told:?}");
        bot.gave_up(reason, "answered").await;
        let detail = bot.letters().await[0]["detail"].as_str().unwrap().to_owned();
        assert_eq!(detail.contains("does not allow this account or its plan"), status == 403, "{detail}");
        bot.redrives().await;
        bot.answers(&["answer to hi"]).await;
        assert_eq!(bot.model.asked().len(), 1);
        assert_eq!(bot.health().await["dead_letters"], 0);
    }
}

#[tokio::test]
async fn a_push_of_unknown_outcome_is_not_repeated_when_its_key_is_forgotten() {
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "1")], |_| {}).await;
    for _ in 0..2 {
        bot.line.faults.plan_next(PUSH, Fault::Respond(500, vec![], "{}".into()));
    }
    bot.line.faults.plan_next(PUSH, Fault::Lose);
    bot.hears("hi").await;
    assert_eq!(bot.says().await, ["answer to hi"], "LINE has it, and nobody here knows");
    bot.gave_up("delivery_unknown", "answered").await;

    // Within a day a redrive is safe.
    bot.redrives().await;
    bot.answers(&[]).await;
    assert_eq!((bot.pushes_tried().len(), bot.health().await["dead_letters"].as_u64()), (4, Some(0)));

    // After a day the push would be a second delivery.
    for _ in 0..3 {
        bot.line.faults.plan_next(PUSH, Fault::Respond(500, vec![], "{}".into()));
    }
    bot.hears("later").await;
    bot.gave_up("delivery_unknown", "answered").await;
    bot.time_passes(Duration::from_hours(25));
    bot.gave_up("delivery_unknown", "delivery_unknown").await;
    bot.redrives().await;
    bot.answers(&[]).await;
    assert_eq!(bot.pushes_tried().len(), 7, "nothing more was pushed");
    bot.gave_up("delivery_unknown", "delivery_unknown").await;
}

#[tokio::test]
async fn a_push_that_was_refused_may_always_be_tried_again() {
    let mut bot = Bot::start().await;
    bot.line.set_messages_left(1);
    bot.model.plan_answer(&"a".repeat(30_000));
    bot.hears("much").await;
    assert_eq!(bot.says().await.concat().len(), 25_000);
    bot.gave_up("line_quota", "answered").await;

    bot.time_passes(Duration::from_hours(48));
    bot.line.set_messages_left(100);
    bot.redrives().await;
    assert_eq!(bot.says().await.concat().len(), 5_000, "only the part that was refused");
}

#[tokio::test]
async fn the_apology_is_made_once_for_ever_and_the_answer_may_still_come() {
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "1")], |_| {}).await;
    let fails = |bot: &Bot| (0..3).for_each(|_| bot.model.plan_error(500, "server_error"));
    fails(&bot);
    bot.line.faults.plan_next(PUSH, Fault::Lose);
    bot.hears("hi").await;
    let said = bot.says().await;
    assert!(said.len() == 1 && said[0].starts_with("Sorry"), "{said:?}");
    bot.gave_up("model_unavailable", "unanswered").await;

    for days in [0, 2] {
        bot.time_passes(Duration::from_hours(24 * days));
        fails(&bot);
        bot.redrives().await;
        bot.answers(&[]).await;
        bot.gave_up("model_unavailable", "unanswered").await;
    }
    bot.redrives().await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(bot.letters().await.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_refusal_does_not_tell_what_became_of_the_attempt_before_it() {
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "2")], |_| {}).await;
    bot.line.faults.plan_next(PUSH, Fault::Lose);
    for _ in 0..2 {
        bot.line.plan_error(PUSH, 500, "on purpose");
    }
    for _ in 0..3 {
        bot.line.plan_error(PUSH, 429, "The API rate limit has been exceeded. Try again later.");
    }
    bot.hears("hi").await;
    assert_eq!(bot.says().await, ["answer to hi"], "and no apology");
    bot.gave_up("delivery_unknown", "answered").await;
    bot.time_passes(Duration::from_hours(25));
    bot.redrives().await;
    bot.answers(&[]).await;
    bot.gave_up("delivery_unknown", "delivery_unknown").await;
}

#[tokio::test]
async fn a_refusal_for_good_does_not_tell_what_became_of_the_try_before_it() {
    let mut bot = Bot::start().await;
    bot.line.faults.plan_next(PUSH, Fault::Lose);
    bot.line.plan_error(PUSH, 400, "on purpose");
    bot.hears("hi").await;
    assert_eq!(bot.says().await, ["answer to hi"], "and no apology");
    bot.gave_up("delivery_unknown", "answered").await;
    assert!(bot.letters().await[0]["detail"].as_str().unwrap().contains("400"));
    bot.redrives().await;
    bot.answers(&[]).await;
    assert_eq!(bot.health().await["dead_letters"], 0);
}

#[tokio::test]
async fn who_may_have_the_answer_is_not_told_that_there_is_none() {
    // LINE takes the push, and its answer takes longer than the attempt may last.
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "1")], |s| s.job_timeout = Duration::from_secs(1)).await;
    bot.line.faults.plan_next(PUSH, Fault::Late(Duration::from_secs(2)));
    bot.hears("hi").await;
    bot.gave_up("delivery_unknown", "answered").await;
    bot.answers(&["answer to hi"]).await;
}

#[tokio::test]
async fn a_refusal_of_a_part_does_not_tell_what_became_of_the_attempt_before_it() {
    // The first attempt pushes both parts and gets no answer to the second.
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "2")], |s| s.job_timeout = Duration::from_secs(4)).await;
    bot.model.plan_answer(&"a".repeat(30_000));
    bot.line.faults.plan_next(PUSH, Fault::After(Duration::ZERO));
    bot.line.faults.plan_next(PUSH, Fault::Late(Duration::from_secs(6)));
    for _ in 0..3 {
        bot.line.plan_error(PUSH, 429, "The API rate limit has been exceeded. Try again later.");
    }
    bot.hears("much").await;
    bot.gave_up("delivery_unknown", "answered").await;
    assert_eq!(bot.says().await.concat().len(), 30_000, "and no apology");
}
