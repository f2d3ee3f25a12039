use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use cli::commands::send::webhook_of;
use ingress::{adapters::sqs::SqsQueue, queue::JobQueue, signature};
use serde_json::{Value, json};
use shared::job::{ConversationId, Job, JobKind};
use tokio::{net::TcpListener, time::Instant};

use super::FIXTURE;
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment, error},
    bot::{Bot, INGRESS_TIME, USER, payload_1, payload_2, sign},
    cloud::Cloud,
    functions::Lambda,
};

#[tokio::test]
async fn every_body_of_lines_own_sdks_gets_200_and_nothing_is_left_over() {
    let bot = Bot::start().await;
    // This one is first, because some of the others unsend this message, or leave.
    assert_eq!(bot.status(payload_2(FIXTURE)).await, 200);
    assert!(bot.said().await.iter().any(|(_, text)| text == "answer to Hello, world"));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/line-webhooks");
    let mut bodies = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|e| e == "json") {
            let body = std::fs::read_to_string(&file).unwrap();
            let event = if bodies % 2 == 0 { payload_1(&body, &sign(&body)) } else { payload_2(&body) };
            assert_eq!(bot.status(event).await, 200, "{}", file.display());
            bodies += 1;
        }
    }
    assert!(bodies > 60);
    bot.said().await;
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0);
    bot.ends().await;
}

#[tokio::test]
async fn what_line_did_not_sign_or_is_no_webhook_is_refused_and_its_verify_button_is_not() {
    let bot = Bot::quiet(&[]).await;
    let forged = signature::sign(&"another secret".into(), FIXTURE.as_bytes());
    for signature in [&forged, "", "AAAA", &sign("another body")] {
        assert_eq!(bot.status(payload_1(FIXTURE, signature)).await, 401, "{signature:?}");
    }
    let mut unsigned = payload_2(FIXTURE);
    unsigned["headers"].as_object_mut().unwrap().remove("x-line-signature");
    assert_eq!(bot.status(unsigned).await, 401);
    for body in ["", "garbage", "[]", r#"{"events":{}}"#] {
        assert_eq!(bot.status(payload_2(body)).await, 400, "{body}");
    }
    let verify = r#"{"destination":"U0","events":[]}"#;
    assert_eq!(bot.status(payload_1(verify, &sign(verify))).await, 200);
    assert_eq!(bot.cloud.depth(&bot.cloud.queue_url).await, 0);
    bot.ends().await;
}

#[tokio::test]
async fn a_rotated_channel_secret_needs_no_deployment_and_strangers_cost_no_reads() {
    let cloud = Cloud::start().await;
    let store = AwsProxy::start(|_, _| Treatment::Forward).await;
    let mut variables = cloud.variables();
    variables.push(("AWS_ENDPOINT_URL_SSM".to_owned(), store.url.clone()));
    let ingress = Lambda::start("ingress", &variables).await;
    let status = async |secret: &str| {
        let event = payload_1(FIXTURE, &signature::sign(&secret.into(), FIXTURE.as_bytes()));
        ingress.invoke(event, INGRESS_TIME).await.unwrap()["statusCode"].as_u64().unwrap()
    };
    assert_eq!(status("a channel secret").await, 200);
    cloud.rotates("LINE_CHANNEL_SECRET", "a newer secret").await;
    assert_eq!(status("a newer secret").await, 200, "the same request is checked again");
    for _ in 0..10 {
        assert_eq!(status("a stranger's guess").await, 401);
    }
    assert_eq!(status("a channel secret").await, 401);
    assert_eq!(store.calls("GetParameter"), 2, "at the start, and once within the minute");
}

#[tokio::test]
async fn a_parameter_store_that_fails_costs_a_401_and_no_secret() {
    let cloud = Cloud::start().await;
    let is_ill = Arc::new(AtomicBool::new(false));
    let falling_ill = is_ill.clone();
    let store = AwsProxy::start(move |_, _| {
        if falling_ill.load(Relaxed) { error(500, "InternalServerError") } else { Treatment::Forward }
    })
    .await;
    let mut variables = cloud.variables();
    variables.push(("AWS_ENDPOINT_URL_SSM".to_owned(), store.url.clone()));
    let ingress = Lambda::start("ingress", &variables).await;
    let status = async |signature: &str| {
        let response = ingress.invoke(payload_1(FIXTURE, signature), INGRESS_TIME).await.unwrap();
        response["statusCode"].as_u64().unwrap()
    };
    assert_eq!(status(&sign(FIXTURE)).await, 200);
    is_ill.store(true, Relaxed);
    let started = Instant::now();
    assert_eq!(status("a stranger's guess").await, 401);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(status(&sign(FIXTURE)).await, 200);
}

#[tokio::test]
async fn a_queue_that_refuses_costs_line_a_503_and_the_next_delivery_is_taken() {
    let cloud = Cloud::start().await;
    let is_well = Arc::new(AtomicBool::new(false));
    let healing = is_well.clone();
    let queue = AwsProxy::start(move |call, _| {
        let refuses = call == "SendMessageBatch" && !healing.load(Relaxed);
        if refuses { error(500, "com.amazonaws.sqs#InternalError") } else { Treatment::Forward }
    })
    .await;
    let mut variables = cloud.variables();
    variables.push(("AWS_ENDPOINT_URL_SQS".to_owned(), queue.url.clone()));
    let ingress = Lambda::start("ingress", &variables).await;
    let status = async || {
        let event = payload_1(FIXTURE, &sign(FIXTURE));
        ingress.invoke(event, INGRESS_TIME).await.unwrap()["statusCode"].as_u64().unwrap()
    };
    assert_eq!(status().await, 503);
    assert!(queue.calls("SendMessageBatch") > 1, "it is tried again within the budget");
    is_well.store(true, Relaxed);
    assert_eq!((status().await, status().await), (200, 200));
    assert_eq!(cloud.depth(&cloud.queue_url).await, 1, "a redelivery is the same job");
}

#[tokio::test]
async fn a_batch_that_sqs_takes_in_part_keeps_the_order_of_each_conversation() {
    type Taken = Vec<(String, String)>;
    let job = |(user, text): (&str, &str)| {
        let event = format!("{user}-{text}").try_into().unwrap();
        Job::new(event, ConversationId::of_known_id(user.to_owned()).unwrap(), JobKind::question(text, None))
    };
    let jobs: Vec<_> =
        [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("a", "3"), ("b", "2")].map(job).to_vec();
    let cloud = Cloud::start().await;
    let send = async |refuses_for_ever: &'static str| {
        let taken: Arc<Mutex<Taken>> = Arc::default();
        let (noted, refused) = (taken.clone(), Mutex::new(HashSet::new()));
        // The queue refuses the first job of each conversation once, and one job always.
        let queue = AwsProxy::start(move |call, request| {
            let (mut successful, mut failed) = (vec![], vec![]);
            assert_eq!(call, "SendMessageBatch");
            for entry in request["Entries"].as_array().unwrap() {
                let field = |name: &str| entry[name].as_str().unwrap().to_owned();
                let (group, event) = (field("MessageGroupId"), field("MessageDeduplicationId"));
                if refused.lock().unwrap().insert(group.clone()) || event == refuses_for_ever {
                    failed.push(json!({ "Id": field("Id"), "Code": "Throttled", "SenderFault": false }));
                } else {
                    noted.lock().unwrap().push((group, event));
                    successful.push(json!({ "Id": field("Id"), "MessageId": "m", "MD5OfMessageBody": "x" }));
                }
            }
            Treatment::Answer(200, json!({ "Successful": successful, "Failed": failed }))
        })
        .await;
        let sdk = cloud.sdk.clone().into_builder().endpoint_url(&queue.url).build();
        let sent = SqsQueue::new(&sdk, &cloud.queue_url).send(&jobs).await;
        let taken = taken.lock().unwrap();
        let of = |user: &str| -> Vec<String> {
            taken.iter().filter(|(group, _)| group == user).map(|(_, event)| event.clone()).collect()
        };
        (sent.is_ok(), of("a"), of("b"), of("c"))
    };
    let (is_taken, a, b, c) = send("").await;
    assert!(is_taken);
    assert_eq!((a, b, c), (strings(&["a-1", "a-2", "a-3"]), strings(&["b-1", "b-2"]), strings(&["c-1"])));
    let (is_taken, a, _, c) = send("a-2").await;
    assert!(!is_taken, "LINE is told 503");
    assert_eq!((a, c), (strings(&["a-1"]), strings(&["c-1"])), "nothing overtakes what was refused");
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn what_is_delivered_again_at_once_or_days_later_is_answered_once() {
    let bot = Bot::start().await;
    let mut body = webhook_of("hi", USER);
    for _ in 0..2 {
        assert_eq!(bot.status(payload_2(&body.to_string())).await, 200);
        body["events"][0]["deliveryContext"]["isRedelivery"] = true.into();
    }
    assert_eq!(bot.said().await.len(), 1);
    // SQS no longer knows the event: the same job comes as new messages, two of them together.
    let event = body["events"][0]["webhookEventId"].clone();
    let job = json!({ "v": 1, "eventId": event, "conversation": USER, "kind": "question", "text": "hi" });
    for copy in ["a", "b"] {
        bot.is_sent(&job.to_string(), USER, copy).await;
    }
    assert_eq!(bot.said().await.len(), 1);
    assert_eq!((bot.model.asked().len(), bot.pushes_tried().len()), (1, 1));
    bot.ends().await;
}

#[tokio::test]
async fn a_message_that_is_not_understood_gets_one_notice_by_the_free_reply() {
    let bot = Bot::start().await;
    let mut body: Value = webhook_of("hi", USER);
    body["events"][0]["message"] =
        json!({ "type": "sticker", "id": "5", "packageId": "1", "stickerId": "1" });
    for _ in 0..2 {
        assert_eq!(bot.status(payload_2(&body.to_string())).await, 200);
    }
    let said = bot.said().await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0, body["events"][0]["replyToken"].as_str().unwrap());
    assert_eq!((bot.model.asked().len(), bot.pushes_tried().len()), (0, 0));
    bot.ends().await;
}

#[tokio::test]
async fn a_queue_that_hangs_costs_line_a_503_within_its_two_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let cloud = Cloud::start().await;
    let mut variables = cloud.variables();
    variables.push(("AWS_ENDPOINT_URL_SQS".to_owned(), silent_url.clone()));
    let ingress = Lambda::start("ingress", &variables).await;
    let status = async || {
        let started = Instant::now();
        let response = ingress.invoke(payload_1(FIXTURE, &sign(FIXTURE)), INGRESS_TIME).await.unwrap();
        (response["statusCode"].as_u64(), started.elapsed())
    };
    let (_, with_start) = status().await;
    assert!(with_start < Duration::from_secs(3), "{with_start:?}");
    let (code, warm) = status().await;
    assert_eq!(code, Some(503));
    assert!(warm < Duration::from_secs(2), "{warm:?}");

    variables.push(("AWS_ENDPOINT_URL_SSM".to_owned(), silent_url));
    let started = Instant::now();
    let ingress = Lambda::start("ingress", &variables).await;
    let response = ingress.invoke(payload_1(FIXTURE, &sign(FIXTURE)), INGRESS_TIME).await.unwrap();
    assert_eq!(response["statusCode"], 503, "no secret yet, no trust, and LINE may deliver again");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}
