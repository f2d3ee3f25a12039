//! Dead letters on AWS, as `henji dlq` shows and changes them.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use emulator::line::PUSH;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use worker::clock::wall_clock;

use crate::harness::lambda::{
    bot::{Bot, USER},
    cloud::{Cloud, TABLE},
};
use crate::harness::operator::{Operator, are_refused, plain};

/// Puts letters into the dead-letter queue as a worker does; each has a conversation and an event.
pub async fn buried(cloud: &Cloud, letters: &[(String, String)], reason: &str, at: Timestamp) {
    let text = |kind: &str, value: &str| {
        MessageAttributeValue::builder().data_type(kind).string_value(value).build().unwrap()
    };
    // A batch holds one letter of a conversation, because SQS may take a batch in part.
    for chunk in letters.chunks(10) {
        let mut request = cloud.sqs.send_message_batch().queue_url(&cloud.dlq_url);
        for (index, (conversation, event)) in chunk.iter().enumerate() {
            let job = json!({ "v": 1, "eventId": event, "conversation": conversation, "kind": "question", "text": format!("PRIVATE {event}") });
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(job.to_string())
                .message_group_id(conversation)
                .message_deduplication_id(format!("{event}:a-message"))
                .message_attributes("Reason", text("String", reason))
                .message_attributes("Detail", text("String", "status 503, request req_1"))
                .message_attributes("Attempts", text("Number", "5"))
                .message_attributes("FailedAt", text("String", &at.to_string()));
            request = request.entries(entry.build().unwrap());
        }
        assert!(request.send().await.unwrap().failed().is_empty());
    }
}

pub fn of_one(conversation: &str, events: usize) -> Vec<(String, String)> {
    (0..events).map(|n| (conversation.to_owned(), format!("E-{conversation}-{n}"))).collect()
}

/// Stores a turn whose answer may have arrived this long ago.
async fn is_stored(cloud: &Cloud, event: &str, pushed_ago: SignedDuration, by_reply: bool) {
    let s = |text: String| AttributeValue::S(text);
    let push = json!({ "to": USER, "messages": [{ "type": "text", "text": format!("stored for {event}") }] });
    let put = cloud.dynamodb.put_item().table_name(TABLE).item("id", s(format!("turn#{event}")));
    let put = put.item("stage", s("stored".to_owned())).item("pushed", AttributeValue::N("0".to_owned()));
    let since = wall_clock()().checked_sub(pushed_ago).unwrap().to_string();
    let put = put.item("pushes", AttributeValue::L(vec![s(push.to_string())])).item("unknownSince", s(since));
    put.item("byReply", AttributeValue::Bool(by_reply)).send().await.unwrap();
}

#[tokio::test]
async fn an_operator_sees_why_and_how_far_and_has_them_answered_after_all() {
    let bot = Bot::start().await;
    for user in 0..3 {
        bot.model.plan_error(400, "invalid_request_error");
        bot.hears_from(&format!("U{user}"), "PRIVATE question").await;
        bot.says(user + 1).await;
    }
    bot.cloud.is_drained().await;
    let operator = Operator::of(&bot.cloud, &[]);
    let letters = operator.lists(&[]).await;
    are_refused(&letters, 3);
    let table = operator.runs(&["dlq", "list"]).await.out;
    assert_eq!(
        plain(&table),
        "age  conversation  reason         attempts  state: what a redrive would do  id
AGE  U0            model_refused  1         unanswered: asks the model      ID
AGE  U1            model_refused  1         unanswered: asks the model      ID
AGE  U2            model_refused  1         unanswered: asks the model      ID
"
    );

    let id = letters[1]["id"].as_str().unwrap();
    let shown = operator.runs(&["dlq", "show", id]).await.out;
    assert!(
        shown.contains("status 400") && shown.contains("told_at") && !shown.contains("PRIVATE"),
        "{shown}"
    );
    let shown = operator.runs(&["dlq", "show", id, "--reveal"]).await.out;
    assert!(shown.contains("PRIVATE question"), "{shown}");

    let refused = operator.runs(&["dlq", "redrive", "--all"]).await;
    assert!(refused.code == 2 && refused.err.contains("--yes"), "{}", refused.err);
    let ended = operator.runs(&["dlq", "redrive", id, "--yes"]).await;
    assert!(ended.code == 0 && ended.out.contains("1 letter: 1 redriven."), "{}{}", ended.out, ended.err);
    assert_eq!(bot.says(4).await[3].texts, ["answer to PRIVATE question"]);
    let ended = operator.runs(&["dlq", "redrive", "--all", "--yes"]).await;
    assert!(ended.out.contains("2 letters: 2 redriven."), "{}{}", ended.out, ended.err);
    let said = bot.says(6).await;
    let mut to: Vec<_> = said[3..].iter().map(|sent| sent.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["U0", "U1", "U2"]);
    assert!(operator.lists(&[]).await.is_empty());
    assert_eq!(operator.outcomes(), ["done"; 3]);
    let audit = operator.audit();
    assert_eq!(
        (&audit[1]["who"], &audit[1]["action"], &audit[1]["outcome"], &audit[1]["id"]),
        (&"an operator".into(), &"redrive".into(), &"done".into(), &id.into())
    );
    bot.ends().await;
}

#[tokio::test]
async fn a_redriven_job_that_fails_again_is_a_new_letter_with_attempts_counted_anew() {
    let bot = Bot::start().await;
    bot.model.plan_error(400, "invalid_request_error");
    bot.hears("hello").await;
    bot.says(1).await;
    bot.cloud.is_drained().await;
    let operator = Operator::of(&bot.cloud, &[]);
    for _ in 0..2 {
        bot.model.plan_error(400, "invalid_request_error");
        assert_eq!(operator.runs(&["dlq", "redrive", "--all", "--yes"]).await.code, 0);
        bot.cloud.is_drained().await;
        let letters = operator.lists(&[]).await;
        assert_eq!((letters.len(), &letters[0]["attempts"]), (1, &json!(1)), "{letters:?}");
    }
    assert_eq!(operator.runs(&["dlq", "redrive", "--all", "--yes"]).await.code, 0);
    assert_eq!(bot.says(2).await[1].texts, ["answer to hello"]);
    bot.ends().await;
}

#[tokio::test]
async fn what_may_have_arrived_long_ago_is_pushed_again_only_if_asked_for() {
    let bot = Bot::start().await;
    // A reply has no key by which LINE could recognise it.
    for (event, hours, by_reply) in [("E-lately", 1, false), ("E-long-ago", 25, false), ("E-reply", 1, true)]
    {
        is_stored(&bot.cloud, event, SignedDuration::from_hours(hours), by_reply).await;
        buried(&bot.cloud, &[(USER.to_owned(), event.to_owned())], "delivery_unknown", wall_clock()()).await;
    }
    let operator = Operator::of(&bot.cloud, &[]);
    let table = operator.runs(&["dlq", "list"]).await.out;
    assert!(table.contains("answered, not delivered: only pushes"), "{table}");
    assert!(
        table.contains(
            "delivery unknown, and LINE no longer remembers the push: would risk a second delivery"
        ),
        "{table}"
    );
    let ended = operator.runs(&["dlq", "redrive", "--all", "--yes"]).await;
    assert!(
        ended.code == 1 && ended.out.contains("3 letters: 1 redriven, 2 kept: its answer may have arrived")
    );
    assert_eq!(bot.says(1).await[0].texts, ["stored for E-lately"]);
    assert_eq!(operator.lists(&["--state", "delivery_unknown"]).await.len(), 2);
    let ended = operator.runs(&["dlq", "redrive", "--all", "--resend", "--yes"]).await;
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let said = bot.says(3).await;
    assert_eq!(
        (&said[1].texts[0][..], &said[2].texts[0][..]),
        ("stored for E-long-ago", "stored for E-reply")
    );
    assert!(bot.model.asked().is_empty());
    assert!(operator.lists(&[]).await.is_empty());
    bot.ends().await;
}

#[tokio::test]
async fn a_person_who_asks_for_it_is_forgotten_with_letters_and_all() {
    let bot = Bot::start().await;
    bot.hears("PRIVATE first").await;
    bot.hears_from("U-other", "hello").await;
    bot.says(2).await;
    bot.cloud.is_drained().await;
    let letters = [of_one(USER, 12), of_one("U-other", 1)].concat();
    buried(&bot.cloud, &letters, "model_unavailable", wall_clock()()).await;
    let operator = Operator::of(&bot.cloud, &[]);
    let unasked = operator.runs(&["forget", USER]).await;
    assert!(
        unasked.code == 2
            && unasked.out.contains("2 messages, no persona, no unanswered question, 10 letters"),
        "{}{}",
        unasked.out,
        unasked.err
    );
    let ended = operator.runs(&["forget", USER, "--yes"]).await;
    assert!(
        ended.code == 0 && ended.out.contains("12 letters removed. Now: 0 messages,"),
        "{}{}",
        ended.out,
        ended.err
    );
    let left = operator.lists(&[]).await;
    assert_eq!((left.len(), &left[0]["conversation"]), (1, &json!("U-other")));
    assert!(!format!("{:?}", bot.cloud.rows().await).contains("PRIVATE"));
    bot.hears("second").await;
    bot.says(3).await;
    let asked = bot.model.asked();
    let last = asked.last().unwrap().body["messages"].to_string();
    assert!(last.contains("second") && !last.contains("PRIVATE"), "{last}");
    bot.ends().await;
}

#[tokio::test]
async fn resolving_tells_the_user_once_and_watching_sees_the_queue_get_empty() {
    let bot = Bot::start().await;
    bot.model.plan_error(400, "invalid_request_error");
    bot.hears("hello").await;
    bot.says(1).await;
    bot.cloud.is_drained().await;
    buried(&bot.cloud, &of_one("U-other", 1), "model_unavailable", wall_clock()()).await;
    let line = &bot.variable("LINE_API_BASE_URL");
    let operator = Operator::of(&bot.cloud, &[("LINE_API_BASE_URL", line), ("LOCALE", "en")]);

    let mut watch = operator.command(&["dlq", "watch", "--until-empty", "--every", "0.1"]);
    let mut watching = watch.spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().unwrap().ends_with("depth 2") {}
    let ended = operator.runs(&["dlq", "resolve", "--all", "--yes"]).await;
    assert!(ended.out.contains("2 letters: 2 resolved"), "{}{}", ended.out, ended.err);
    // The worker sent the first user an apology when it gave up, and there is no second one.
    let said = bot.says(2).await;
    assert!(said[1].to == "U-other" && said[1].texts[0].starts_with("Sorry"), "{said:?}");
    let mut last = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        last = line;
    }
    assert!(watching.wait().await.unwrap().success() && last.ends_with("depth 0"), "{last}");

    buried(&bot.cloud, &of_one("U-third", 1), "model_unavailable", wall_clock()()).await;
    bot.line.plan_error(PUSH, 400, "on purpose");
    let args = ["dlq", "resolve", "--all", "--message", "We are back: ask again", "--yes"];
    let ended = operator.runs(&args).await;
    assert!(ended.code == 1 && ended.err.contains("LINE answers 400"), "{}{}", ended.out, ended.err);
    let ended = operator.runs(&args).await;
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(bot.says(3).await[2].texts, ["We are back: ask again"]);
    assert!(operator.lists(&[]).await.is_empty());
    assert_eq!(operator.outcomes(), ["done", "done", "failed", "done"]);
    tokio::time::timeout(Duration::from_secs(20), bot.ends()).await.unwrap();
}
