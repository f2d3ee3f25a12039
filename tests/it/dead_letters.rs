//! Dead letters on one machine, as `henji dlq` shows and changes them beside the bot.

use emulator::line::{PUSH, phone};
use serde_json::Value;
use worker::locale::Locale;

use crate::harness::{
    local::{Bot, USER},
    operator::{Ended, Operator, are_refused, plain},
    process::run,
};

pub async fn bot_with_letters(users: usize) -> Bot {
    let mut bot = Bot::start().await;
    for user in 0..users {
        bot.model.plan_error(400, "invalid_request_error");
        bot.hears_from(&format!("U{user}"), "PRIVATE question").await;
        bot.drain().await;
    }
    assert_eq!(bot.says().await.len(), users);
    bot
}

async fn dlq(bot: &Bot, args: &[&str]) -> (i32, String, String) {
    let Ended { code, out, err } = Operator::beside(bot).runs(&[&["dlq"], args].concat()).await;
    (code, out, err)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lists_and_redrives_while_the_bot_runs() {
    let mut bot = bot_with_letters(3).await;
    let (code, out, _) = dlq(&bot, &["list", "--json"]).await;
    assert_eq!(code, 0);
    let letters: Vec<Value> = serde_json::from_str(&out).unwrap();
    are_refused(&letters, 3);
    let (_, table, _) = dlq(&bot, &["list"]).await;
    assert!(!out.contains("PRIVATE") && !table.contains("PRIVATE"));
    assert_eq!(table.lines().count(), 4);

    let id = letters[1]["id"].as_str().unwrap();
    let (code, out, _) = dlq(&bot, &["redrive", id, "--yes"]).await;
    assert!(code == 0 && out.contains(id) && out.contains("1 redriven"), "{out}");
    bot.answers(&["answer to PRIVATE question"]).await;
    let (code, out, _) = dlq(&bot, &["redrive", "--all", "--yes"]).await;
    assert!(code == 0 && out.contains("2 redriven"), "{out}");
    assert_eq!(bot.says().await.len(), 2);
    let (code, out, _) = dlq(&bot, &["list", "--json"]).await;
    assert_eq!((code, out.trim()), (0, "[]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_filtered_resolved_purged_and_never_pushed_twice_unasked() {
    let mut bot = bot_with_letters(3).await;
    bot.sql(
        "UPDATE letters SET failed_at = failed_at - 7200000, reason = 'model_gone' WHERE conversation = 'U0'",
    );
    bot.sql(
        "UPDATE turns SET stage = 1, pushed = 0, unknown_since = 1, pushes = '[\"{\\\"to\\\":\\\"U1\\\",\\\"messages\\\":[{\\\"type\\\":\\\"text\\\",\\\"text\\\":\\\"stored\\\"}]}\"]'
         WHERE event_id = (SELECT event_id FROM letters WHERE conversation = 'U1')",
    );
    let (_, table, _) = dlq(&bot, &["list"]).await;
    assert_eq!(
        plain(&table),
        "age  conversation  reason         attempts  state: what a redrive would do                                                         id
AGE  U0            model_gone     1         unanswered: asks the model                                                             ID
AGE  U1            model_refused  1         delivery unknown, and LINE no longer remembers the push: would risk a second delivery  ID
AGE  U2            model_refused  1         unanswered: asks the model                                                             ID
"
    );
    for (filter, shown) in [
        (&["--reason", "model_gone"][..], 1),
        (&["--older-than", "1h"], 1),
        (&["--older-than", "3h"], 0),
        (&["--conversation", "U2"], 1),
        (&["--state", "unanswered"], 2),
        (&["--state", "unanswered", "--reason", "model_refused"], 1),
    ] {
        let (_, out, _) = dlq(&bot, &[&["list", "--json"], filter].concat()).await;
        let letters: Vec<Value> = serde_json::from_str(&out).unwrap();
        assert_eq!(letters.len(), shown, "{filter:?}");
    }

    let (code, out, err) = dlq(&bot, &["redrive", "--all", "--state", "delivery_unknown", "--yes"]).await;
    assert!(
        code == 1 && out.contains("1 letter: 0 redriven, 1 kept: its answer may have arrived"),
        "{out}{err}"
    );
    let (code, out, err) =
        dlq(&bot, &["redrive", "--all", "--state", "delivery_unknown", "--resend", "--yes"]).await;
    assert!(code == 0 && out.contains("1 letter: 1 redriven."), "{out}{err}");
    bot.answers(&["stored"]).await;

    let (_, out, err) =
        dlq(&bot, &["resolve", "--all", "--conversation", "U2", "--message", "Sorry!", "--yes"]).await;
    assert!(out.contains("1 letter: 1 resolved."), "{out}{err}");
    bot.answers(&["Sorry!"]).await;
    let file = bot.data.path().join("saved.jsonl");
    let (code, _, err) = dlq(&bot, &["purge", "--older-than", "2h ago", "--yes"]).await;
    assert!(code == 2 && err.contains("without a sign or `ago`"), "that is not everything: {err}");
    let (code, _, err) = dlq(&bot, &["purge", "--yes"]).await;
    assert!(code == 2 && err.contains("--all"), "{err}");
    let (code, out, err) = dlq(&bot, &["purge", "--all", "--yes", "--to", file.to_str().unwrap()]).await;
    assert!(code == 0 && out.contains("1 letter: 1 purged."), "{out}{err}");
    assert!(std::fs::read_to_string(file).unwrap().contains("PRIVATE question"));
    let (code, out, _) = dlq(&bot, &["watch", "--until-empty"]).await;
    assert!(code == 0 && out.ends_with("depth 0\n"), "{out}");
    let operator = Operator::beside(&bot);
    assert_eq!(operator.outcomes(), ["kept", "done", "done", "done"]);
    assert!(!format!("{:?}", operator.audit()).contains("PRIVATE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_be_told_is_told_by_resolving_and_once() {
    let mut bot = Bot::start().await;
    bot.model.plan_error(400, "invalid_request_error");
    bot.line.plan_error(PUSH, 400, "on purpose");
    bot.hears("hello").await;
    bot.drain().await;
    bot.gave_up("model_refused", "unanswered").await;
    bot.answers(&[]).await;
    bot.line.plan_error(PUSH, 400, "on purpose");
    let (code, _, err) = dlq(&bot, &["resolve", "--all", "--yes"]).await;
    assert!(code == 1 && err.contains("LINE answers 400"), "{err}");
    let (id, name, language) = (USER.to_owned(), "민준".to_owned(), "ko".to_owned());
    assert!(bot.line.add_user(phone::User { id, name, language, follows: true }));
    let (code, out, _) = dlq(&bot, &["resolve", "--all", "--yes"]).await;
    assert!(code == 0 && out.contains("1 letter: 1 resolved."), "{out}");
    bot.answers(&[Locale::Ko.words().no_answer_no_button]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_failed_is_not_resolved_but_redriven() {
    let mut bot = bot_with_letters(1).await;
    bot.sql(
        "UPDATE letters SET body = json_object('v', 2, 'eventId', event_id, 'conversation', 'U0',
             'kind', 'unsend', 'messageId', 'm1'), conversation = 'unsend.m1'",
    );
    let (_, table, _) = dlq(&bot, &["list", "--conversation", "U0"]).await;
    assert!(table.contains("a deletion: carries it out"), "{table}");
    let (code, out, err) = dlq(&bot, &["resolve", "--all", "--yes"]).await;
    assert!(code == 1 && out.contains("1 kept: nobody waits for an answer to it"), "{out}{err}");
    let (code, out, err) = dlq(&bot, &["redrive", "--all", "--yes"]).await;
    assert!(code == 0 && out.contains("1 redriven"), "{out}{err}");
    bot.answers(&[]).await;
    assert_eq!(bot.unsent(), ["m1"]);
    assert_eq!(bot.letters().await, serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_asks_for_it_is_forgotten_while_the_bot_runs() {
    let mut bot = bot_with_letters(2).await;
    bot.hears_from("U0", "PRIVATE too").await;
    bot.answers(&["answer to PRIVATE too"]).await;
    let operator = Operator::beside(&bot);
    for (user, found, letters) in [
        ("U0", "U0: 2 messages, no persona, no unanswered question, 1 letter\n", "1 letter removed"),
        ("U0", "U0: 0 messages, no persona, no unanswered question, 0 letters\n", "0 letters removed"),
        ("nope", "nope: 0 messages", "0 letters removed"),
    ] {
        let ended = operator.runs(&["forget", user, "--yes"]).await;
        assert!(ended.code == 0 && ended.out.starts_with(found), "{}{}", ended.out, ended.err);
        assert!(ended.out.contains(letters) && ended.out.contains("Now: 0 messages"), "{}", ended.out);
        assert!(ended.out.contains("in groups stays") && ended.out.contains("60 days"), "{}", ended.out);
        assert_eq!(ended.err.contains("nothing is found"), letters.starts_with('0'), "{}", ended.err);
    }
    let audit = operator.audit();
    assert_eq!((&audit[0]["outcome"], &audit[0]["who"]), (&"begun".into(), &"an operator".into()));
    assert_eq!((&audit[1]["outcome"], &audit[1]["letters"]), (&"done".into(), &1.into()));
    assert_eq!(bot.sql("SELECT count(*) FROM messages WHERE conversation = 'U0'"), ["Integer(0)"]);
    assert_eq!(bot.letters().await.as_array().unwrap().len(), 1);
    let log = std::fs::read(bot.data.path().join("henji.db-wal")).unwrap_or_default();
    assert!(!log.windows(11).any(|words| words == b"PRIVATE too"), "{} bytes", log.len());
    assert_eq!(operator.runs(&["forget", "not an id", "--yes"]).await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_without_a_yes_or_for_an_unknown_letter() {
    let bot = bot_with_letters(1).await;
    let (code, out, err) = dlq(&bot, &["redrive", "--all"]).await;
    assert!(code == 2 && err.contains("--yes") && out.contains("model_refused"), "{out} {err}");
    let (code, _, err) = dlq(&bot, &["redrive", "no-such-letter", "--yes"]).await;
    assert!(code == 1 && err.contains("no-such-letter"), "{err}");
    assert_eq!(bot.health().await["dead_letters"], 1);
    let output = run(&["dlq", "list", "--data", "/nowhere"]);
    assert!(output.status.code() == Some(1) && String::from_utf8_lossy(&output.stderr).contains("--data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_counts_attempts_anew_and_letters_of_one_event_are_one() {
    let mut bot = bot_with_letters(1).await;
    for _ in 0..2 {
        bot.model.plan_error(400, "invalid_request_error");
        bot.redrives().await;
        bot.answers(&[]).await;
        bot.gave_up("model_refused", "unanswered").await;
        assert_eq!(bot.attempts(), [1]);
    }
    bot.redrives().await;
    bot.answers(&["answer to PRIVATE question"]).await;
}

#[tokio::test]
async fn what_is_not_a_job_is_dead_lettered_and_what_is_newer_waits() {
    let mut bot = Bot::start().await;
    let insert = "INSERT INTO jobs (event_id, conversation, body, state, visible_at) VALUES";
    let newer = shared::job::VERSION + 1;
    bot.sql(&format!(
        "{insert} ('E1', 'U1', 'PRIVATE garbage', 1, 0), ('E2', 'U2', '{{\"v\":{newer}}}', 1, 0)"
    ));
    bot.until("one is given up and one waits", async || {
        let health = bot.health().await;
        health["dead_letters"] == 1 && health["queued"] == 1 && health["in_flight"] == 0
    })
    .await;
    let letters = bot.letters().await;
    assert_eq!(letters[0]["reason"], "job_unreadable");
    assert!(!letters.to_string().contains("PRIVATE"));
    bot.leaves_jobs = true;
    bot.hears("hi").await;
    bot.until("others are answered", async || bot.line.sent().len() == 1).await;
}
