use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    bot::Bot,
    process::{henji, run},
};

async fn bot_with_letters(users: usize) -> Bot {
    let mut bot = Bot::start().await;
    for user in 0..users {
        bot.model.fails(400, "invalid_request_error");
        bot.hears_from(&format!("U{user}"), "PRIVATE question").await;
        bot.drain().await;
    }
    assert_eq!(bot.says().await.len(), users);
    bot
}

fn dlq(bot: &Bot, args: &[&str]) -> (i32, String, String) {
    let data = bot.data.path().to_str().unwrap();
    let output = Command::new(henji())
        .args([&["dlq"], args, &["--data", data]].concat())
        .env_clear()
        .envs([
            ("LINE_CHANNEL_ACCESS_TOKEN", "an-access-token"),
            ("LINE_API_BASE_URL", &bot.settings.worker.line_api_base_url),
            ("LOCALE", "en"),
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A table without what differs from time to time: ages and ids.
pub fn plain(table: &str) -> String {
    let row = |line: &str| {
        let (row, _id) = line.rsplit_once("  ").unwrap();
        let (_age, row) = row.split_once(' ').unwrap();
        format!("AGE  {}  ID\n", row.trim_start())
    };
    table.lines().enumerate().map(|(n, line)| if n == 0 { format!("{line}\n") } else { row(line) }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lists_and_redrives_while_the_bot_runs() {
    let mut bot = bot_with_letters(3).await;
    let (code, out, _) = dlq(&bot, &["list", "--json"]);
    assert_eq!(code, 0);
    let letters: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(letters.len(), 3);
    for (user, letter) in letters.iter().enumerate() {
        assert_eq!(letter["conversation"], format!("U{user}"));
        assert_eq!(
            (&letter["reason"], &letter["attempts"], &letter["state"]),
            (&"model_refused".into(), &1.into(), &"unanswered".into())
        );
        assert!(letter["failed_at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert!(letter["detail"].as_str().unwrap().contains("400"));
    }
    let (_, table, _) = dlq(&bot, &["list"]);
    assert!(!out.contains("PRIVATE") && !table.contains("PRIVATE"));
    assert_eq!(table.lines().count(), 4);

    let id = letters[1]["id"].as_str().unwrap();
    let (code, out, _) = dlq(&bot, &["redrive", id, "--yes"]);
    assert!(code == 0 && out.contains(id) && out.contains("1 redriven"), "{out}");
    bot.answers(&["answer to PRIVATE question"]).await;
    let (code, out, _) = dlq(&bot, &["redrive", "--all", "--yes"]);
    assert!(code == 0 && out.contains("2 redriven"), "{out}");
    assert_eq!(bot.says().await.len(), 2);
    let (code, out, _) = dlq(&bot, &["list", "--json"]);
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
    let (_, table, _) = dlq(&bot, &["list"]);
    assert_eq!(
        plain(&table),
        "age  conversation  reason         attempts  state: what a redrive would do                                        id
AGE  U0            model_gone     1         unanswered: asks the model                                            ID
AGE  U1            model_refused  1         delivery unknown, LINE no longer tells: would risk a second delivery  ID
AGE  U2            model_refused  1         unanswered: asks the model                                            ID
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
        let (_, out, _) = dlq(&bot, &[&["list", "--json"], filter].concat());
        let letters: Vec<Value> = serde_json::from_str(&out).unwrap();
        assert_eq!(letters.len(), shown, "{filter:?}");
    }

    let (code, out, err) = dlq(&bot, &["redrive", "--all", "--state", "delivery_unknown", "--yes"]);
    assert!(
        code == 1 && out.contains("1 letter: 0 redriven, 1 kept: its answer may have arrived"),
        "{out}{err}"
    );
    let (code, out, err) =
        dlq(&bot, &["redrive", "--all", "--state", "delivery_unknown", "--resend", "--yes"]);
    assert!(code == 0 && out.contains("1 letter: 1 redriven."), "{out}{err}");
    bot.answers(&["stored"]).await;

    let (_, out, err) =
        dlq(&bot, &["resolve", "--all", "--conversation", "U2", "--message", "Sorry!", "--yes"]);
    assert!(out.contains("1 letter: 1 resolved."), "{out}{err}");
    bot.answers(&["Sorry!"]).await;
    let file = bot.data.path().join("saved.jsonl");
    let (code, _, err) = dlq(&bot, &["purge", "--older-than", "2h ago", "--yes"]);
    assert!(code == 2 && err.contains("without a sign or `ago`"), "that is not everything: {err}");
    let (code, _, err) = dlq(&bot, &["purge", "--yes"]);
    assert!(code == 2 && err.contains("--all"), "{err}");
    let (code, out, err) = dlq(&bot, &["purge", "--all", "--yes", "--to", file.to_str().unwrap()]);
    assert!(code == 0 && out.contains("1 letter: 1 purged."), "{out}{err}");
    assert!(std::fs::read_to_string(file).unwrap().contains("PRIVATE question"));
    let (code, out, _) = dlq(&bot, &["watch", "--until-empty"]);
    assert!(code == 0 && out.ends_with("depth 0\n"), "{out}");
    let audit = std::fs::read_to_string(bot.data.path().join("henji-audit.jsonl")).unwrap();
    let outcomes: Vec<Value> =
        audit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["outcome"].clone()).collect();
    assert_eq!(outcomes, ["kept", "done", "done", "done"]);
    assert!(!audit.contains("PRIVATE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_failed_is_not_resolved_but_redriven() {
    let mut bot = bot_with_letters(1).await;
    bot.sql(
        "UPDATE letters SET body = json_object('v', 2, 'eventId', event_id, 'conversation', 'U0',
             'kind', 'unsend', 'messageId', 'm1'), conversation = 'unsend.m1'",
    );
    let (_, table, _) = dlq(&bot, &["list", "--conversation", "U0"]);
    assert!(table.contains("a deletion: carries it out"), "{table}");
    let (code, out, err) = dlq(&bot, &["resolve", "--all", "--yes"]);
    assert!(code == 1 && out.contains("1 kept: nobody waits for an answer to it"), "{out}{err}");
    let (code, out, err) = dlq(&bot, &["redrive", "--all", "--yes"]);
    assert!(code == 0 && out.contains("1 redriven"), "{out}{err}");
    bot.answers(&[]).await;
    assert_eq!(bot.sql("SELECT message_id FROM unsent"), ["Text(\"m1\")"]);
    assert_eq!(bot.letters().await, serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_asks_for_it_is_forgotten_while_the_bot_runs() {
    let mut bot = bot_with_letters(2).await;
    bot.hears_from("U0", "PRIVATE too").await;
    bot.answers(&["answer to PRIVATE too"]).await;
    let data = bot.data.path().to_str().unwrap();
    let forget = ["forget", "U0", "--yes", "--data", data];
    for letters in ["1 letter removed", "0 letters removed"] {
        let output = run(&forget);
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && out.contains(letters), "{out}");
    }
    assert_eq!(bot.sql("SELECT count(*) FROM messages WHERE conversation = 'U0'"), ["Integer(0)"]);
    assert_eq!(bot.letters().await.as_array().unwrap().len(), 1);
    let log = std::fs::read(bot.data.path().join("henji.db-wal")).unwrap_or_default();
    assert!(!log.windows(11).any(|words| words == b"PRIVATE too"), "{} bytes", log.len());
    assert_eq!(run(&["forget", "not an id", "--yes", "--data", data]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_without_a_yes_or_for_an_unknown_letter() {
    let bot = bot_with_letters(1).await;
    let (code, out, err) = dlq(&bot, &["redrive", "--all"]);
    assert!(code == 2 && err.contains("--yes") && out.contains("model_refused"), "{out} {err}");
    let (code, _, err) = dlq(&bot, &["redrive", "no-such-letter", "--yes"]);
    assert!(code == 1 && err.contains("no-such-letter"), "{err}");
    assert_eq!(bot.health().await["dead_letters"], 1);
    let output = run(&["dlq", "list", "--data", "/nowhere"]);
    assert!(output.status.code() == Some(1) && String::from_utf8_lossy(&output.stderr).contains("--data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_counts_attempts_anew_and_letters_of_one_event_are_one() {
    let mut bot = bot_with_letters(1).await;
    for _ in 0..2 {
        bot.model.fails(400, "invalid_request_error");
        bot.redrives().await;
        bot.answers(&[]).await;
        bot.gave_up("model_refused", "unanswered").await;
        assert_eq!(bot.sql("SELECT attempts FROM turns"), ["Integer(1)"]);
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

#[tokio::test(flavor = "multi_thread")]
async fn send_signs_as_line_does_and_prints_status_and_time() {
    let mut bot = Bot::start().await;
    let url = format!("{}{}", bot.origin, crate::bot::PATH);
    let secret = crate::bot::SECRET;
    let output = run(&["send", "--text", "hi", "--url", &url, "--secret", secret]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.starts_with("200") && out.contains("ms"), "{out}");
    bot.answers(&["answer to hi"]).await;
    assert_eq!(run(&["send", "--text", "hi", "--url", &url, "--secret", "wrong"]).status.code(), Some(1));

    // An API Gateway event, with its body as it is or in base64.
    let body = cli::send::webhook_of("from a file", "U9").to_string();
    for (body, is_base64) in [(body.clone(), false), (base64(body.as_bytes()), true)] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "{}", serde_json::json!({ "body": body, "isBase64Encoded": is_base64 })).unwrap();
        let path = file.path().to_str().unwrap();
        assert!(run(&["send", "--file", path, "--url", &url, "--secret", secret]).status.success());
    }
    bot.answers(&["answer to from a file"]).await;
}

fn base64(bytes: &[u8]) -> String {
    let mut child =
        Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn dev_answers_what_send_sends_without_an_account() {
    let folder = tempfile::TempDir::new().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut dev = Command::new(henji())
        .args(["dev", "--listen", &format!("127.0.0.1:{port}")])
        .env_clear()
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("http://127.0.0.1:{port}{}", crate::bot::PATH);
    let mut out = String::new();
    for _ in 0..100 {
        let output = run(&["send", "--text", "こんにちは", "--url", &url]);
        out = String::from_utf8(output.stdout).unwrap();
        if output.status.success() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    dev.kill().unwrap();
    dev.wait().unwrap();
    assert!(out.starts_with("200") && out.contains("「こんにちは」ですね"), "{out}");
}
