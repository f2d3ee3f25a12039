use std::time::Duration;

use cli::commands::send::webhook_of;
use serde_json::json;

use crate::harness::lambda::bot::{Bot, payload_2};
use crate::harness::log_lines::{Kind, lines_of};

const TIME: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_panic_in_one_turn_fails_that_record_and_not_its_batch() {
    let mut poisoned = webhook_of("boo", "U-poisoned");
    // A debug build panics at the event of this id. The release build survives a panic, too: the worker compiles only
    // with `panic = "unwind"`.
    poisoned["events"][0]["webhookEventId"] = "henji-panics".into();
    let bot = Bot::quiet(&[]).await;
    bot.hears_from("U-before", "before").await;
    assert_eq!(bot.status(payload_2(&poisoned.to_string())).await, 200);
    bot.hears_from("U-after", "after").await;

    let (messages, failures) = bot.works_on_a_batch(3, TIME).await;
    let handed_back = messages.iter().find(|message| message.body().unwrap().contains("boo")).unwrap();
    assert_eq!(failures, json!([{ "itemIdentifier": handed_back.message_id }]));
    let mut said: Vec<_> = bot.line.sent().into_iter().flat_map(|sent| sent.texts).collect();
    said.sort();
    assert_eq!(said, ["answer to after", "answer to before"]);

    bot.hears_from("U-later", "the process lives on").await;
    let (_, failures) = bot.works_on_a_batch(1, TIME).await;
    assert_eq!(failures, json!([]));

    let panics = lines_of(&bot.worker.log().join("\n"), Kind::Panicked);
    assert_eq!(panics.len(), 1);
    assert!(panics[0]["at"].as_str().unwrap().contains("turn.rs"), "{}", panics[0]);
}
