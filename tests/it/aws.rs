//! The pipeline on Lambda: the real functions on the real Runtime API protocol, with emulators of AWS, LINE and the
//! model over HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use cli::commands::send::webhook_of;
use emulator::{faults::Fault, model::see::without_note};
use serde_json::json;
use shared::job::{EventId, Job, VERSION};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};
use worker::{history::row_id, rules::conversation::Role, turn::deliver::retry_key};

use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment},
    bot::{Bot, USER, payload_1, payload_2, sign},
    cloud::{Row, TABLE, attribute},
    functions::Lambda,
};

// Requests from LINE, and the statuses that it gets.
mod accepting;
// Order, isolation, redelivery, batches, logs.
mod answering;
// The commands that people send.
mod commands;
// Workers that are killed.
mod crashes;
// Several messages with one answer, also when workers are killed.
mod bursts;
// Deleted data that must not come back.
mod forgetting;
// Realistic faults of the model and LINE.
mod faults;
// Secrets that are rotated, or cannot be read.
mod secrets;
// A table that refuses for long.
mod outage;
// A panic in one turn affects only that turn.
mod panics;
// The free reply on Lambda.
mod reply_first;
// Dead letters in `henji dlq`: few letters, many letters, and changes that take minutes.
pub mod letters;
mod long;
mod many_letters;
// The setup of a bot, and the checks of `henji doctor`.
mod doctor;
mod setup;
// The runbook.
mod runbook;
// The output of the functions: metrics, log lines, traces.
mod telemetry;
// The deployment as code, with the release binaries.
mod deployed;

/// A text message as LINE's Java SDK has it in its tests.
const FIXTURE: &str = include_str!("../fixtures/line-webhooks/java-webhook-redelivery.json");
const FIXTURE_EVENT: &str = "01G2KZKG2DS765NMRH3GZFD8AP";
const FIXTURE_USER: &str = "u206d25c2ea6bd87c17655609a1c37cb8";

fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row[name].as_s().unwrap()
}

#[tokio::test]
async fn two_turns_of_one_user_and_the_second_remembers_the_first() {
    let bot = Bot::start().await;
    assert_eq!(bot.status(payload_1(FIXTURE, &sign(FIXTURE))).await, 200);
    let sent = bot.says(1).await;
    assert_eq!(
        (sent[0].to.as_str(), &sent[0].texts[..]),
        (FIXTURE_USER, &["answer to Hello, world".to_owned()][..])
    );
    let event = EventId::try_from(FIXTURE_EVENT.to_owned()).unwrap();
    assert_eq!(sent[0].retry_key, Some(retry_key(&event, 0).to_string()));

    let second = webhook_of("こんにちは", FIXTURE_USER).to_string();
    assert_eq!(bot.status(payload_2(&second)).await, 200);
    assert_eq!(bot.says(2).await[1].texts, ["answer to こんにちは"]);
    let asked = bot.model.asked();
    let messages = asked[1].body["messages"].as_array().unwrap();
    let said: Vec<_> = messages[1..]
        .iter()
        .map(|m| (m["role"].as_str().unwrap(), without_note(m["content"].as_str().unwrap())))
        .collect();
    assert_eq!(
        said,
        [("user", "Hello, world"), ("assistant", "answer to Hello, world"), ("user", "こんにちは")]
    );

    bot.cloud.is_drained().await;
    let rows = bot.cloud.rows().await;
    let row = |id: String| rows.iter().find(|row| text(row, "id") == id).unwrap();
    let question = row(row_id(&event, Role::User).to_string());
    let answer = row(row_id(&event, Role::Assistant).to_string());
    for (row, role, content, model) in [
        (question, "user", "Hello, world", None),
        (answer, "assistant", "answer to Hello, world", Some("gpt-5.4-mini")),
    ] {
        let mut names: Vec<_> = row.keys().map(String::as_str).collect();
        names.sort_unstable();
        names.retain(|name| !["event", "model"].contains(name));
        assert_eq!(row.get("model").map(|model| model.as_s().unwrap().as_str()), model);
        assert_eq!(row.contains_key("event"), role == "assistant");
        assert_eq!(
            names,
            ["content", "createdAt", "id", "lineUserId", "messageId", "role", "saidAt", "updatedAt"]
        );
        assert_eq!(
            (text(row, "lineUserId"), text(row, "role"), text(row, "content")),
            (FIXTURE_USER, role, content)
        );
        assert!(text(row, "createdAt").len() == 27 && text(row, "createdAt").ends_with('Z'));
    }
    assert!(text(question, "createdAt") < text(answer, "createdAt"));
    let turn = row(format!("turn#{FIXTURE_EVENT}"));
    assert_eq!(text(turn, "stage"), "delivered");
    assert!(
        !turn.contains_key("lineUserId") && !turn.contains_key("pushes") && turn.contains_key("expiresAt")
    );
    let head = row(format!("head#{FIXTURE_USER}"));
    assert!(!head.contains_key("lineUserId"));
    assert_eq!(head["turns"].as_l().unwrap().len(), 2);
    assert_eq!(rows.len(), 8, "two turns of two rows, their states, one head, a day's usage");
    bot.ends().await;
}

#[tokio::test]
async fn an_index_that_lags_costs_one_more_round_trip_and_no_turn() {
    let lags = Arc::new(AtomicBool::new(true));
    let index = lags.clone();
    let table = AwsProxy::start(move |call, _| match call {
        "Query" if index.load(Relaxed) => Treatment::Answer(200, json!({ "Items": [], "Count": 0 })),
        _ => Treatment::Forward,
    })
    .await;
    let bot = Bot::with(&[("AWS_ENDPOINT_URL_DYNAMODB", &table.url)]).await;
    for turn in 0..4 {
        // The first turn has nothing to look up, and for the last one the index has caught up.
        lags.store(turn < 3, Relaxed);
        bot.hears(&format!("question {turn}")).await;
        bot.says(turn + 1).await;
        let asked = bot.model.asked()[turn].body["messages"].as_array().unwrap().len();
        assert_eq!(asked, 2 + 2 * turn, "the character, every earlier turn, the question");
        assert_eq!(
            table.calls("BatchGetItem"),
            turn + 1 + turn.min(2),
            "what it reads strongly, and the rest"
        );
        assert_eq!(table.calls("Query"), turn + 1);
    }
    bot.ends().await;
}

#[tokio::test]
async fn the_history_of_the_articles_own_bot_is_read_and_followed() {
    let bot = Bot::start().await;
    let tomorrow = "2099-01-01T09:00:00.000001";
    for (role, content, at) in
        [("user", "old question", "2099-01-01T09:00:00.000000"), ("assistant", "old answer", tomorrow)]
    {
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let put = bot.cloud.dynamodb.put_item().table_name(TABLE).item("id", s(content));
        let put = put.item("lineUserId", s(USER)).item("role", s(role)).item("content", s(content));
        put.item("createdAt", s(at)).send().await.unwrap();
    }
    bot.hears("new").await;
    bot.says(1).await;
    bot.hears("newer").await;
    bot.says(2).await;
    let asked = bot.model.asked();
    let said: Vec<_> = asked[1].body["messages"].as_array().unwrap()[1..]
        .iter()
        .map(|m| without_note(m["content"].as_str().unwrap()))
        .collect();
    assert_eq!(said, ["old question", "old answer", "new", "answer to new", "newer"]);
    bot.ends().await;
}

#[tokio::test]
async fn a_job_nobody_can_answer_is_a_letter_and_its_user_is_told_once() {
    let bot = Bot::start().await;
    bot.model.plan_error(400, "invalid_request_error");
    assert_eq!(bot.status(payload_1(FIXTURE, &sign(FIXTURE))).await, 200);
    let letter = bot.cloud.letter().await;
    let value = |name: &str| attribute(&letter, name);
    assert_eq!(value("Reason"), "model_refused");
    assert!(value("Detail").contains("status 400"), "{}", value("Detail"));
    assert_eq!(value("Attempts"), "1");
    assert_eq!(letter.message_attributes.as_ref().unwrap()["Attempts"].data_type, "Number");
    assert!(value("FailedAt").parse::<jiff::Timestamp>().is_ok());
    let job = Job::decode(letter.body.as_deref().unwrap()).unwrap();
    assert_eq!((job.event_id.as_str(), job.conversation.as_str()), (FIXTURE_EVENT, FIXTURE_USER));

    assert_eq!(bot.says(1).await[0].to, FIXTURE_USER);
    bot.cloud.is_drained().await;
    assert_eq!(bot.line.sent().len(), 1);
    assert!(bot.cloud.rows().await.iter().all(|row| !row.contains_key("lineUserId")));
    bot.ends().await;
}

/// Asks the programs themselves: each names one variable at a time. cdk/test/variables.txt holds the names that they
/// print, and the deployment sets the variables in it.
#[tokio::test]
async fn a_function_without_its_settings_says_in_one_line_what_is_missing() {
    let mut required = vec![];
    for name in ["ingress", "worker"] {
        // No server listens there, and the function may call no other.
        let nobody = "http://127.0.0.1:9";
        let set = [
            ("AWS_ENDPOINT_URL", nobody),
            ("AWS_REGION", "nowhere"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("LINE_API_BASE_URL", nobody),
        ];
        let mut set = set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        loop {
            let function = Lambda::start(name, &set).await;
            let Some(log) = function.ended().await else { break };
            assert_eq!(log.len(), 1, "{log:?}");
            let (_, rest) = log[0].split_once("\"error\":\"").unwrap();
            let (variable, _) = rest.split_once(" is not set").unwrap_or_else(|| panic!("{log:?}"));
            required.push(format!("{name} {variable}\n"));
            set.push((variable.to_owned(), nobody.to_owned()));
        }
    }
    assert_eq!(required.concat(), include_str!("../../cdk/test/variables.txt"));
}

#[tokio::test]
async fn a_fault_that_passes_is_tried_again_early_and_in_order() {
    let bot = Bot::start().await;
    // The wait is longer than an attempt allows, and much shorter than the queue's visibility timeout.
    bot.model.plan_fault(Fault::Respond(503, vec![("retry-after", "6".to_owned())], String::new()));
    bot.hears("first").await;
    bot.hears("second").await;
    let said: Vec<_> = bot.says(2).await.into_iter().flat_map(|sent| sent.texts).collect();
    assert_eq!(said, ["answer to first", "answer to second"]);
    assert_eq!(bot.model.asked().len(), 3);
    bot.ends().await;
}

#[tokio::test]
async fn a_slow_answer_stays_with_its_worker_however_short_the_lease() {
    let bot = Bot::with(&[("LEASE_SECONDS", "2")]).await;
    bot.model.plan_fault(Fault::After(Duration::from_secs(5)));
    bot.hears("hello").await;
    bot.asks(1).await;
    for _ in 0..4 {
        assert!(bot.cloud.receive(&bot.cloud.queue_url, Duration::from_secs(1)).await.is_empty());
    }
    bot.says(1).await;
    assert_eq!(bot.model.asked().len(), 1);
    bot.ends().await;
}

#[tokio::test]
async fn a_fast_user_does_not_wait_for_a_slow_stranger_in_the_same_batch() {
    let bot = Bot::start().await;
    // While the model works on this question, the other two come together in the next batch.
    bot.model.plan_fault(Fault::After(Duration::from_secs(1)));
    bot.hears_from("U-first", "first").await;
    bot.asks(1).await;
    bot.model.plan_fault(Fault::After(Duration::from_secs(4)));
    bot.hears_from("U-one", "one").await;
    bot.hears_from("U-other", "other").await;
    bot.says(2).await;
    let until = Instant::now() + Duration::from_secs(2);
    while bot.cloud.depth(&bot.cloud.queue_url).await > 1 {
        assert!(Instant::now() < until, "the fast one's message waits for the batch");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(bot.line.sent().len(), 2, "the slow one still thinks");
    bot.says(3).await;
    bot.ends().await;
}

#[tokio::test]
async fn the_worker_gives_up_before_lambda_kills_it_and_writes_down_why() {
    let bot = Bot::quiet(&[]).await;
    bot.model.plan_fault(Fault::Hang);
    bot.hears("hello").await;
    let (messages, failures) = bot.works_on_a_batch(1, Duration::from_secs(5)).await;
    assert_eq!(failures, json!([{ "itemIdentifier": messages[0].message_id }]));
    let rows = bot.cloud.rows().await;
    assert_eq!((rows.len(), text(&rows[0], "failed")), (1, "model_unavailable"));
}

#[tokio::test]
async fn a_job_of_a_newer_version_waits_and_its_conversation_with_it() {
    let bot = Bot::quiet(&[]).await;
    for (id, group, version) in [("a", "U-one", VERSION + 1), ("b", "U-one", VERSION), ("c", "U-other", 1)] {
        let job =
            json!({ "v": version, "eventId": id, "conversation": group, "kind": "question", "text": id });
        bot.is_sent(&job.to_string(), group, id).await;
    }
    let (_, failures) = bot.works_on_a_batch(3, Duration::from_secs(10)).await;
    assert_eq!(failures.as_array().unwrap().len(), 2);
    assert_eq!(bot.says(1).await[0].to, "U-other");
    assert_eq!(bot.model.asked().len(), 1);
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0);
}

#[tokio::test]
async fn a_table_that_hangs_is_no_reason_to_be_killed() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let bot = Bot::quiet(&[("AWS_ENDPOINT_URL_DYNAMODB", &silent)]).await;
    bot.hears("hello").await;
    let (messages, failures) = bot.works_on_a_batch(1, Duration::from_secs(4)).await;
    assert_eq!(failures, json!([{ "itemIdentifier": messages[0].message_id }]));
    assert!(bot.model.asked().is_empty());
}
