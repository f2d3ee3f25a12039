//! Forgetting under difficult conditions of the table: an index that lags, rows of the article's bot, workers that
//! are killed halfway.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::model::see;
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};
use shared::job::{ConversationId, MessageId};
use worker::{
    adapters::dynamodb::DynamoHistory,
    clock::wall_clock,
    history::{Forget, History},
};

use super::text;
use crate::harness::chat::{does, says};
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment},
    bot::{Bot, USER, payload_2},
    cloud::{Row, TABLE},
};

fn user() -> ConversationId {
    ConversationId::of_known_id(USER.to_owned()).unwrap()
}

/// Opens the history as another process does that calls AWS at this address.
fn history(bot: &Bot, url: &str) -> DynamoHistory {
    let sdk = bot.cloud.sdk.clone().into_builder().endpoint_url(url).build();
    DynamoHistory::new(&sdk, TABLE.to_owned(), None)
}

async fn message_rows(bot: &Bot) -> Vec<Row> {
    let rows = bot.cloud.rows().await;
    rows.into_iter().filter(|row| row.contains_key("lineUserId")).collect()
}

/// Makes the answer of the index with these rows.
fn shown(mut rows: Vec<Row>) -> Value {
    rows.sort_by_key(|row| std::cmp::Reverse(text(row, "createdAt").to_owned()));
    let item = |row: &Row| -> Map<String, Value> {
        let value = |value: &AttributeValue| match value {
            AttributeValue::N(number) => json!({ "N": number }),
            other => json!({ "S": other.as_s().unwrap() }),
        };
        row.iter().map(|(name, it)| (name.clone(), value(it))).collect()
    };
    json!({ "Items": rows.iter().map(item).collect::<Vec<_>>(), "Count": rows.len() })
}

/// Returns the last prompt without the persona.
fn asked(bot: &Bot) -> Vec<String> {
    let asked = bot.model.asked();
    let messages = asked.last().unwrap().body["messages"].as_array().unwrap()[1..].to_vec();
    messages.iter().map(see::text).collect()
}

#[tokio::test]
async fn an_index_that_still_shows_what_is_gone_brings_nothing_back() {
    let stale: Arc<Mutex<Option<Value>>> = Arc::default();
    let index = stale.clone();
    let table = AwsProxy::start(move |call, _| match (call, &*index.lock().unwrap()) {
        ("Query", Some(shown)) => Treatment::Answer(200, shown.clone()),
        _ => Treatment::Forward,
    })
    .await;
    let bot = Bot::with(&[("AWS_ENDPOINT_URL_DYNAMODB", &table.url)]).await;
    let second = says("second");
    for (turn, webhook) in [says("first"), second.clone(), says("third")].iter().enumerate() {
        assert_eq!(bot.status(payload_2(&webhook.to_string())).await, 200);
        bot.says(turn + 1).await;
    }
    bot.cloud.is_drained().await;
    let before = shown(message_rows(&bot).await);
    let id = second["events"][0]["message"]["id"].as_str().unwrap().to_owned();
    let what = Forget::Message(MessageId::try_from(id).unwrap());
    history(&bot, &table.url).forget(&user(), what, (wall_clock())()).await.unwrap();
    *stale.lock().unwrap() = Some(before.clone());
    bot.hears("fourth").await;
    bot.says(4).await;
    let rest = ["first", "answer to first", "third", "answer to third", "fourth"];
    assert_eq!(asked(&bot), rest);

    // The index shows nothing yet when the conversation is forgotten, and afterwards still shows everything.
    bot.cloud.is_drained().await;
    let before = shown(message_rows(&bot).await);
    *stale.lock().unwrap() = Some(shown(vec![]));
    let now = wall_clock()();
    history(&bot, &table.url).forget(&user(), Forget::Messages(now.as_millisecond()), now).await.unwrap();
    assert!(message_rows(&bot).await.is_empty(), "the head names them");
    *stale.lock().unwrap() = Some(before);
    for (turn, prompt) in [vec!["fifth"], vec!["fifth", "answer to fifth", "sixth"]].into_iter().enumerate() {
        bot.hears(prompt.last().unwrap()).await;
        bot.says(5 + turn).await;
        assert_eq!(asked(&bot), prompt);
    }

    // Messages after the forget stay, whether the index shows them or not.
    bot.cloud.is_drained().await;
    let all = shown(message_rows(&bot).await);
    let said_at = |row: &Value| row["saidAt"]["N"].as_str().unwrap().parse::<i64>().unwrap();
    let fifth = all["Items"].as_array().unwrap().iter().map(said_at).min().unwrap();
    history(&bot, &table.url).forget(&user(), Forget::Messages(fifth), wall_clock()()).await.unwrap();
    let rest = ["sixth", "answer to sixth", "seventh", "answer to seventh", "eighth"];
    for (turn, (shows, prompt)) in [(all, &rest[..3]), (shown(vec![]), &rest[..])].into_iter().enumerate() {
        *stale.lock().unwrap() = Some(shows);
        bot.hears(prompt.last().unwrap()).await;
        bot.says(7 + turn).await;
        assert_eq!(asked(&bot), prompt);
    }
    bot.ends().await;
}

#[tokio::test]
async fn the_rows_of_the_articles_own_bot_are_forgotten_though_no_head_names_them() {
    let bot = Bot::start().await;
    for turn in 0..40 {
        // The times of that bot are local ones, and later than ours.
        let at = format!("2099-01-01T09:00:{turn:02}.000000");
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let put = bot.cloud.dynamodb.put_item().table_name(TABLE).item("id", s(&format!("old-{turn}")));
        let put = put.item("lineUserId", s(USER)).item("role", s("user")).item("content", s("old secret"));
        put.item("createdAt", s(&at)).send().await.unwrap();
    }
    let history = DynamoHistory::new(&bot.cloud.sdk, TABLE.to_owned(), None);
    let now = wall_clock()();
    history.forget(&user(), Forget::Messages(now.as_millisecond()), now).await.unwrap();
    assert!(message_rows(&bot).await.is_empty());
    for (turn, prompt) in [vec!["new"], vec!["new", "answer to new", "newer"]].into_iter().enumerate() {
        bot.hears(prompt.last().unwrap()).await;
        bot.says(1 + turn).await;
        assert_eq!(asked(&bot), prompt);
    }
    bot.ends().await;
}

/// Kills a worker during its `nth` call of this kind in this turn.
async fn killed_at(call: &'static str, nth: usize, play: Treatment) {
    let shown = format!("{call} {nth} {play:?}");
    // No call is counted before the person leaves.
    let count = Arc::new(AtomicUsize::new(usize::MAX / 2));
    let counted = count.clone();
    let aws = AwsProxy::start(move |made, _| {
        let is_it = made == call && counted.fetch_add(1, Relaxed) + 1 == nth;
        if is_it { play.clone() } else { Treatment::Forward }
    })
    .await;
    let urls = [("AWS_ENDPOINT_URL_DYNAMODB", aws.url.as_str()), ("LEASE_SECONDS", "1")];
    let mut bot = Bot::with(&urls).await;
    bot.hears("my secret is wisteria").await;
    bot.says(1).await;
    bot.cloud.is_drained().await;
    let history = history(&bot, bot.cloud.sdk.endpoint_url().unwrap());
    history.choose(&user(), Some("a pirate".into()), None).await.unwrap();
    let calls = aws.calls(call);
    count.store(0, Relaxed);
    let leaves = does("unfollow", &json!({ "replyToken": null }));
    assert_eq!(bot.status(payload_2(&leaves.to_string())).await, 200);
    aws.is_called(call, calls + nth).await;
    bot.worker_is_killed().await;
    bot.cloud.is_drained().await;
    let rows = format!("{:?}", bot.cloud.rows().await);
    assert!(!rows.contains("wisteria") && !rows.contains("pirate"), "{shown}: {rows}");
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0, "{shown}");
    bot.hears("hello").await;
    bot.says(2).await;
    assert_eq!(asked(&bot), ["hello"], "{shown}");
    bot.ends().await;
}

#[tokio::test]
async fn killed_at_each_call_to_aws_a_conversation_is_forgotten_all_the_same() {
    let mut stories = vec![];
    for play in [Treatment::Hang, Treatment::Lose] {
        for (call, nth) in [
            ("GetItem", 1),
            ("Query", 1),
            ("BatchWriteItem", 1),
            ("BatchGetItem", 1),
            ("TransactWriteItems", 1),
            ("DeleteItem", 1),
            ("DeleteItem", 2),
        ] {
            stories.push(killed_at(call, nth, play.clone()));
        }
    }
    stream::iter(stories).buffer_unordered(4).collect::<Vec<_>>().await;
}
