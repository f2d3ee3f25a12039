//! The guarantees of a change of dead letters, also when it is interrupted: a record, a sum that adds up, and a
//! second run that completes it.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{dead_letters::bot_with_letters, harness::operator::Operator};

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_killed_again_and_again_answers_everybody_once_and_has_it_all_on_record() {
    const USERS: usize = 40;
    let mut bot = bot_with_letters(USERS).await;
    let operator = Operator::beside(&bot);
    for round in 1..4 {
        let args = ["dlq", "redrive", "--all", "--yes", "--rate", "25"];
        let mut killed = operator.command(&args).spawn().unwrap();
        bot.until("some are answered", async || bot.line.sent().len() >= USERS + 8 * round).await;
        killed.kill().await.unwrap();
    }
    let left = operator.lists(&[]).await.len();
    let ended = operator.runs(&["dlq", "redrive", "--all", "--yes", "--json"]).await;
    let sum: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(
        sum,
        json!({ "letters": left, "redriven": left, "removed": {}, "kept": {}, "failed": 0, "left": 0 })
    );
    assert!(left > 0 && left < USERS && ended.err.contains("model_refused"), "{left}: {}", ended.err);
    let sent = bot.sends().await;
    assert_eq!(sent.len(), USERS);
    assert_eq!(sent.iter().map(|sent| &sent.to).collect::<BTreeSet<_>>().len(), USERS);
    let begun = operator.audit().into_iter().filter(|line| line["outcome"] == "begun");
    assert_eq!(begun.map(|line| line["id"].to_string()).collect::<BTreeSet<_>>().len(), USERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_on_record_or_saved_in_private_is_not_done() {
    let bot = bot_with_letters(2).await;
    let operator = Operator::beside(&bot);
    let file = operator.folder.path().join("saved.jsonl");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let purge = ["dlq", "purge", "--all", "--yes", "--to", "saved.jsonl"];
    let ended = operator.runs(&purge).await;
    assert!(ended.code == 1 && ended.err.contains("chmod 600 saved.jsonl"), "{}", ended.err);

    let audit = bot.data.path().join("henji-audit.jsonl");
    std::fs::remove_file(&audit).unwrap();
    std::fs::create_dir(&audit).unwrap();
    let redrive = ["dlq", "redrive", "--all", "--yes"];
    let ended = operator.runs(&redrive).await;
    assert!(ended.code == 1 && ended.err.contains("henji-audit.jsonl cannot be written"), "{}", ended.err);
    std::fs::remove_dir(&audit).unwrap();
    // The disk is full.
    std::os::unix::fs::symlink("/dev/full", &audit).unwrap();
    let ended = operator.runs(&redrive).await;
    assert!(ended.code == 1 && ended.out.contains("0 letters: 0 redriven."), "{}", ended.out);
    assert!(ended.err.contains("henji-audit.jsonl cannot be written"), "{}", ended.err);
    assert_eq!(bot.health().await["dead_letters"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_comes_while_another_goes_is_watched_too() {
    let bot = bot_with_letters(1).await;
    let operator = Operator::beside(&bot);
    let mut watching =
        operator.command(&["dlq", "watch", "--every", "0.1", "--fail-on-letter"]).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().unwrap().ends_with("depth 1") {}
    bot.sql("UPDATE letters SET id = 'another', event_id = 'another', conversation = 'U-another'");
    let line = lines.next_line().await.unwrap().unwrap();
    assert!(line.contains("U-another"), "{line}");
    assert_eq!(lines.next_line().await.unwrap(), None, "the depth has not moved");
    assert_eq!(watching.wait().await.unwrap().code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_neither_makes_nor_upgrades_a_database_and_says_what_does() {
    let bot = bot_with_letters(1).await;
    let beside = |name: &str| {
        let mut name_of = bot.database().into_os_string();
        name_of.push(name);
        std::fs::metadata(name_of).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(["", "-wal", "-shm"].map(beside), [0o600; 3], "also in a directory that was there before");

    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    let run = |args: &[&str]| crate::harness::process::run(&[args, &["--data", data]].concat());
    for args in [&["dlq", "list"][..], &["forget", "U1", "--yes"]] {
        assert_eq!(run(args).status.code(), Some(1));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let db = rusqlite::Connection::open(folder.path().join("henji.db")).unwrap();
    db.execute_batch(include_str!("../../cli/local/src/sqlite/migrations/0001_initial.sql")).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    for args in [&["dlq", "list"][..], &["forget", "U1", "--yes"], &["doctor"]] {
        let output = run(args);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            output.status.code() == Some(1) && said.contains("henji serve brings it up to date"),
            "{said}"
        );
    }
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}
