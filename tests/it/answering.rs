use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use cli::commands::send::webhook_of;
use emulator::line::{LOADING, PUSH};
use serde_json::json;
use worker::rules::models;

use crate::harness::{
    chat::contents,
    local::{Bot, USER},
};

#[tokio::test]
async fn a_real_webhook_is_answered_twice_and_the_second_prompt_holds_the_first_turn() {
    let mut bot = Bot::start().await;
    let body = include_str!("../fixtures/line-webhooks/java-webhook-redelivery.json");
    assert_eq!(bot.posts(body).await, 200);
    let sent = bot.sends().await;
    assert_eq!(
        (sent[0].to.as_str(), sent[0].texts.as_slice()),
        ("u206d25c2ea6bd87c17655609a1c37cb8", &["answer to Hello, world".to_owned()][..])
    );

    let second = body
        .replace("01G2KZKG2DS765NMRH3GZFD8AP", "01G2KZKG2DS765NMRH3GZFD8AQ")
        .replace("Hello, world", "And now?");
    assert_eq!(bot.posts(second).await, 200);
    bot.answers(&["answer to And now?"]).await;
    let asked = bot.model.asked();
    assert_eq!(contents(&asked[1].body)[1..], ["Hello, world", "answer to Hello, world", "And now?"]);
    let body = &asked[1].body;
    assert_eq!((&body["model"], &body["max_completion_tokens"]), (&json!(models::DEFAULT), &json!(4096)));

    let roles: Vec<_> = bot.messages().into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    let times = bot.message_times();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    assert_eq!(bot.delivered(), 2);
}

#[tokio::test]
async fn one_conversation_is_answered_in_order_and_never_two_at_once() {
    let mut bot = Bot::start().await;
    bot.model.set_think_time(Duration::from_millis(30));
    let texts: Vec<String> = (0..6).map(|i| format!("message {i}")).collect();
    for text in &texts {
        bot.hears(text).await;
    }
    let answers: Vec<String> = texts.iter().map(|text| format!("answer to {text}")).collect();
    assert_eq!(bot.says().await, answers);
    // Each prompt holds all earlier turns, so no two turns were in work at once.
    let lengths: Vec<usize> = bot.model.asked().iter().map(|seen| contents(&seen.body).len()).collect();
    assert_eq!(lengths, [2, 4, 6, 8, 10, 12]);
}

#[tokio::test]
async fn different_conversations_run_together_and_never_see_each_other() {
    let mut bot = Bot::start().await;
    bot.model.set_think_time(Duration::from_millis(300));
    let started = std::time::Instant::now();
    for round in 0..2 {
        for user in 0..20 {
            bot.hears_from(&format!("U{user}"), &format!("secret of {user} in round {round}")).await;
        }
    }
    assert_eq!(bot.says().await.len(), 40);
    // One after another they would take twelve seconds.
    assert!(started.elapsed() < Duration::from_secs(6));
    for seen in bot.model.asked() {
        let contents = contents(&seen.body);
        let of = contents.last().unwrap().split(" in ").next().unwrap();
        assert!(contents[1..].iter().all(|c| c.contains(of)), "{contents:?}");
    }
}

#[tokio::test]
async fn the_number_of_conversations_under_way_has_a_limit() {
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let mut bot = Bot::with(&[("CONCURRENCY", "3")], |_| {}).await;
    bot.model.set_think_time(Duration::from_millis(50));
    for user in 0..12 {
        bot.hears_from(&format!("U{user}"), "hi").await;
    }
    bot.until("all are answered", async || {
        let in_flight = bot.health().await["in_flight"].as_u64().unwrap();
        MOST.fetch_max(usize::try_from(in_flight).unwrap(), Ordering::Relaxed);
        bot.line.sent().len() == 12
    })
    .await;
    assert_eq!(bot.says().await.len(), 12);
    assert_eq!(MOST.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_long_answer_comes_in_order_in_as_many_messages_as_it_needs() {
    let mut bot = Bot::with(&[("MAX_TOKENS", "20000"), ("CONTEXT_TOKENS", "100000")], |_| {}).await;
    let long = (0..9_000).map(|i| format!("文{i}。")).collect::<Vec<_>>().concat();
    bot.model.plan_answer(&long);
    bot.hears("tell me all").await;
    let sent = bot.sends().await;
    assert_eq!(sent.len(), 3);
    assert_eq!(sent.iter().flat_map(|s| s.texts.clone()).collect::<String>(), long);
    assert_ne!(sent[0].retry_key, sent[1].retry_key);
}

#[tokio::test]
async fn markdown_is_read_as_plain_text_and_remembered_as_it_was() {
    let mut bot = Bot::start().await;
    let markdown = "## 手順\n- **「保存」**を押す\n- [説明](https://example.com/a_b)\n\n(*´▽`*) 2*3*4";
    bot.model.plan_answer(markdown);
    bot.hears("how?").await;
    bot.answers(&["■ 手順\n• 「保存」を押す\n• 説明 (https://example.com/a_b)\n\n(*´▽`*) 2*3*4"]).await;
    bot.hears("and then?").await;
    bot.drain().await;
    assert_eq!(contents(&bot.model.asked()[1].body)[2], markdown);
}

#[tokio::test]
async fn an_answer_is_stored_said_and_remembered_without_control_characters_and_open_directions() {
    let mut bot = Bot::start().await;
    let written = "\u{feff}a\0b\u{1b}[1m\u{9b}c\r\nd\te\u{7f} \u{202e}txt.exe \u{2067}שלום\u{2069} 👨\u{200d}👩 می\u{200c}خواهم\u{202c}\u{2069}\u{2066}";
    let clean =
        "\u{feff}ab[1mc\nd\te \u{202e}txt.exe \u{2067}שלום\u{2069} 👨\u{200d}👩 می\u{200c}خواهم\u{202c}";
    bot.model.plan_answer(written);
    bot.hears("hi").await;
    bot.answers(&[clean]).await;
    bot.hears("again").await;
    bot.answers(&["answer to again"]).await;
    assert_eq!(contents(&bot.model.asked()[1].body)[2], clean);
    // An answer of control characters alone counts as no answer.
    bot.model.plan_answer("\u{7}\u{202e} \u{1b}");
    bot.hears("and on").await;
    bot.answers(&["answer to and on"]).await;
    assert_eq!(bot.model.asked().len(), 4);
}

#[tokio::test]
async fn the_prompt_never_exceeds_the_context_and_the_newest_turns_are_kept() {
    let env = [("CONTEXT_TOKENS", "300"), ("MAX_TOKENS", "100"), ("SYSTEM_PROMPT", "Be brief.")];
    let mut bot = Bot::with(&env, |_| {}).await;
    for i in 0..8 {
        bot.hears(&format!("{i}: {}", "word ".repeat(15))).await;
        bot.drain().await;
    }
    assert_eq!(bot.says().await.len(), 8);
    let asked = bot.model.asked();
    let last = contents(&asked[7].body);
    // The budget counts four tokens a message and three for the start of the answer: two turns of 44 tokens fit
    // beside the question.
    assert_eq!(last.len(), 2 + 2 * 3, "{last:?}");
    assert!(last[1].starts_with("4: ") && last[2].starts_with("answer to 4: "), "{last:?}");
}

#[tokio::test]
async fn a_question_that_cannot_fit_is_told_so_and_is_no_dead_letter() {
    let mut bot = Bot::with(&[("CONTEXT_TOKENS", "300"), ("MAX_TOKENS", "100")], |_| {}).await;
    bot.hears(&"too long ".repeat(300)).await;
    let said = bot.says().await;
    assert!(said.len() == 1 && said[0].contains("too long"), "{said:?}");
    assert_eq!(bot.model.asked().len(), 0);
    assert_eq!(bot.health().await["dead_letters"], 0);
    bot.hears("short").await;
    bot.answers(&["answer to short"]).await;
    assert_eq!(contents(&bot.model.asked()[0].body).len(), 2);
}

#[tokio::test]
async fn only_so_many_past_messages_are_looked_up_and_expired_ones_not_at_all() {
    let mut bot = Bot::with(&[("QUERY_LIMIT", "4"), ("HISTORY_TTL_DAYS", "1")], |_| {}).await;
    for text in ["one", "two", "three", "four"] {
        bot.hears(text).await;
        bot.drain().await;
    }
    assert_eq!(
        contents(&bot.model.asked()[3].body)[1..],
        ["two", "answer to two", "three", "answer to three", "four"]
    );
    bot.expires_all_but("four");
    bot.hears("five").await;
    assert_eq!(bot.says().await.len(), 5);
    assert_eq!(contents(&bot.model.asked()[4].body)[1..], ["four", "answer to four", "five"]);
}

#[tokio::test]
async fn the_loading_animation_is_renewed_until_the_answer_is_there() {
    let mut bot =
        Bot::with(&[], |s| s.worker.pauses.of_steps.loading = Some(Duration::from_millis(50))).await;
    bot.model.set_think_time(Duration::from_millis(500));
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    let shown = bot.line.faults.seen(LOADING);
    assert!((4..=10).contains(&shown.len()), "{}", shown.len());
    let pushed = &bot.line.faults.seen(PUSH)[0];
    assert!(shown.iter().all(|seen| seen.at < pushed.at), "none after the answer");
}

#[tokio::test]
async fn the_loading_animation_is_shown_at_once_and_its_failure_never_hurts() {
    let mut bot = Bot::start().await;
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    let shown = bot.line.faults.seen(LOADING);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].body, json!({ "chatId": USER, "loadingSeconds": 60 }));
    for fault in [emulator::faults::Fault::Hang, emulator::faults::Fault::Reset] {
        bot.line.faults.plan_next(LOADING, fault);
        bot.hears("again").await;
        bot.answers(&["answer to again"]).await;
    }
    bot.line.plan_error(LOADING, 400, "on purpose");
    bot.hears("once more").await;
    bot.answers(&["answer to once more"]).await;
}

#[tokio::test]
async fn strange_characters_pass_through_unharmed() {
    let mut bot = Bot::start().await;
    let text = "\u{fffe}\u{ffff}\u{0}\"\\ 日本語 👨‍👩‍👧 <|endoftext|> \u{202e}";
    bot.hears(text).await;
    // An answer never contains these two characters.
    let said = text.replace(['\0', '\u{202e}'], "");
    bot.answers(&[&format!("answer to {}", said.trim_end())]).await;
    let half = webhook_of("HALF", USER).to_string().replace("HALF", r"a\ud83d");
    assert_eq!(bot.posts(half).await, 200);
    assert!(bot.says().await[0].starts_with("answer to a\u{fffd}"));
}

#[tokio::test]
async fn a_lease_that_ends_under_a_live_attempt_starts_no_second_one() {
    let mut bot = Bot::start().await;
    bot.model.set_think_time(Duration::from_millis(1_500));
    bot.hears("hi").await;
    bot.until("the model is asked", async || !bot.model.asked().is_empty()).await;
    // The time is in the past, as after a change of the clock.
    bot.all_jobs_are_due();
    bot.answers(&["answer to hi"]).await;
    assert_eq!(bot.model.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_paid_for_survives_a_database_that_is_locked_for_a_moment() {
    let mut bot = Bot::start().await;
    bot.model.set_think_time(Duration::from_millis(300));
    bot.hears("hi").await;
    bot.until("the model is asked", async || !bot.model.asked().is_empty()).await;
    let other = rusqlite::Connection::open(bot.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    other.execute_batch("COMMIT").unwrap();
    bot.answers(&["answer to hi"]).await;
    assert_eq!(bot.model.asked().len(), 1);
}
