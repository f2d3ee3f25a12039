//! All calls that the LINE emulator accepts or refuses, checked with LINE's own specification, so that the emulator
//! does not drift from the real LINE.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use emulator::line::{
    Arrival, CONSUMPTION, LOADING, Line, MARK_AS_READ, PUSH, QUOTA, REPLY, VALIDATE_PUSH,
    phone::{self, BOT, User},
    said,
    webhook::Webhooks,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;
use worker::clock::wall_clock;

use crate::harness::{
    local::{SECRET, USER, host},
    spec,
};

mod contents;
mod groups;

const KEY: &str = "123e4567-e89b-12d3-a456-426614174000";
const ENDPOINT: &str = "/v2/bot/channel/webhook/endpoint";
const TEST: &str = "/v2/bot/channel/webhook/test";

struct Platform {
    line: Arc<Line>,
    webhooks: Arc<Webhooks>,
    origin: String,
    http: reqwest::Client,
    /// The webhooks that came, as the bot sees them; it answers with the next of `statuses`, or 200.
    came: Arc<Mutex<Vec<(String, Value)>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Platform {
    async fn start() -> Self {
        let (came, statuses): (Arc<Mutex<Vec<_>>>, Arc<Mutex<Vec<u16>>>) = Default::default();
        let (seen, answers) = (came.clone(), statuses.clone());
        let bot = Router::new().route(
            "/",
            post(async move |headers: HeaderMap, body: Bytes| {
                let signature = headers["x-line-signature"].to_str().unwrap().to_owned();
                assert_eq!(signature, ingress::signature::sign(&SECRET.into(), &body));
                seen.lock().unwrap().push((signature, serde_json::from_slice(&body).unwrap()));
                let status = answers.lock().unwrap().pop().unwrap_or(200);
                axum::http::StatusCode::from_u16(status).unwrap()
            }),
        );
        let line = Line::new();
        line.add_user(User { id: USER.into(), name: "Aoi".into(), language: "ja".into(), follows: true });
        let http = worker::adapters::http::client().unwrap();
        let webhooks = Arc::new(Webhooks {
            line: line.clone(),
            secret: SECRET.into(),
            endpoint: Mutex::new(host(bot).await + "/"),
            again: vec![Duration::ZERO; 4],
            http: http.clone(),
            clock: wall_clock(),
            on_delivery: Box::new(|_| {}),
        });
        let origin = host(line.clone().router().merge(webhooks.clone().router())).await;
        Self { line, webhooks, origin, http, came, statuses }
    }

    /// Calls as the bot does; checks the answer with the specification.
    async fn calls(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.calls_with(method, path, path, body, &[("authorization", "Bearer token")]).await
    }

    async fn calls_with(
        &self,
        method: &str,
        template: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let method_name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let mut request = self.http.request(method_name, format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert!(response.headers().contains_key("x-line-request-id"), "{path} {status}");
        let answer = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        spec::check_call(method, template, body, status, &answer);
        (status, answer)
    }

    async fn pushes(&self, body: &Value, key: Option<&str>) -> (u16, Value) {
        let mut headers = vec![("authorization", "Bearer token")];
        headers.extend(key.map(|key| ("x-line-retry-key", key)));
        self.calls_with("post", PUSH, PUSH, Some(body), &headers).await
    }
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

#[tokio::test]
async fn push_and_reply_accept_and_refuse_as_documented() {
    let platform = Platform::start().await;
    let longest = "🍎".repeat(2_500);
    let good = json!({ "to": USER, "messages": [text(&longest), text("b")] });
    assert_eq!(platform.pushes(&good, None).await.0, 200);
    let bodies = [
        json!({}),
        json!({ "to": USER }),
        json!({ "messages": [text("a")] }),
        json!({ "to": "", "messages": [text("a")] }),
        json!({ "to": 5, "messages": [text("a")] }),
        json!({ "to": USER, "messages": [] }),
        json!({ "to": USER, "messages": "a" }),
        json!({ "to": USER, "messages": vec![text("a"); 6] }),
        json!({ "to": USER, "messages": [{ "type": "text" }] }),
        json!({ "to": USER, "messages": [{ "type": "nope", "text": "a" }] }),
        json!({ "to": USER, "messages": [text("")] }),
        json!({ "to": USER, "messages": [text(&format!("{longest}a"))] }),
    ];
    for body in bodies {
        let (status, answer) = platform.pushes(&body, None).await;
        assert_eq!(status, 400, "{body} {answer}");
        let mut reply = body.clone();
        reply["replyToken"] = "unknown".into();
        assert_eq!(platform.calls("post", REPLY, Some(&reply)).await.0, 400, "{reply}");
    }
    assert_eq!(platform.pushes(&good, Some("no-uuid")).await.0, 400);
    let no_token = platform.calls_with("post", PUSH, PUSH, Some(&good), &[]).await;
    assert_eq!(no_token.0, 401);
    assert_eq!(platform.line.sent().len(), 1, "what is refused is not delivered");
}

#[tokio::test]
async fn what_goes_with_a_text_is_taken_and_refused_as_documented() {
    let platform = Platform::start().await;
    let button = |label: &str, text: &str| json!({ "type": "action", "action": { "type": "message", "label": label, "text": text } });
    let with = |field: &str, value: Value| {
        let mut message = text("hi");
        message[field] = value;
        json!({ "to": USER, "messages": [message] })
    };
    let buttons = |count| json!({ "items": vec![button("🔁 もう一度", "もう一度"); count] });
    let postback = |data: &str, shown: &str| {
        let action = json!({ "type": "postback", "label": "x", "data": data, "displayText": shown });
        json!({ "items": [{ "type": "action", "action": action }] })
    };
    let icon = "https://example.com/i.png";
    for good in [
        with("quickReply", postback(&"d".repeat(300), &"s".repeat(300))),
        with("quickReply", postback("d", "")),
        with("quickReply", buttons(13)),
        with("sender", json!({ "name": "先生", "iconUrl": icon })),
        with("quoteToken", "a token of a webhook that somebody else posted".into()),
    ] {
        assert_eq!(platform.pushes(&good, None).await.0, 200, "{good}");
    }
    let webhook = cli::commands::send::webhook_of("hi", "Uanother");
    platform.line.sends(&webhook, Instant::now());
    for bad in [
        with("quickReply", buttons(14)),
        with("quickReply", postback("", "x")),
        with("quickReply", postback(&"d".repeat(301), "x")),
        with("quickReply", postback("d", &"s".repeat(301))),
        with("quickReply", json!({ "items": [button("more than twenty letters", "x")] })),
        with("quickReply", json!({ "items": [button("x", &"x".repeat(301))] })),
        with("sender", json!({ "name": "more than twenty letters" })),
        with("sender", json!({ "name": "🍎".repeat(11) })),
        with("sender", json!({ "iconUrl": "https://example.com/海.png" })),
        with("sender", json!({ "name": "LINE shop" })),
        with("sender", json!({ "iconUrl": "http://example.com/i.png" })),
        with("quoteToken", webhook["events"][0]["message"]["quoteToken"].clone()),
    ] {
        assert_eq!(platform.pushes(&bad, None).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn messages_are_validated_without_being_sent() {
    let platform = Platform::start().await;
    let validates = async |message: Value| {
        platform.calls("post", VALIDATE_PUSH, Some(&json!({ "messages": [message] }))).await
    };
    assert_eq!(validates(text("hi")).await.0, 200);
    let (status, refusal) = validates(text(" ")).await;
    assert_eq!((status, &refusal["details"][0]["property"]), (400, &"messages[0].text".into()));
    assert!(platform.line.sent().is_empty());
}

#[tokio::test]
async fn a_retry_key_is_taken_once_and_then_answered_409_with_the_first_answer() {
    let platform = Platform::start().await;
    let body = json!({ "to": USER, "messages": [text("a"), text("b")] });
    let (status, first) = platform.pushes(&body, Some(KEY)).await;
    assert_eq!(status, 200);
    let (status, again) = platform.pushes(&body, Some(KEY)).await;
    assert_eq!((status, &again["sentMessages"]), (409, &first["sentMessages"]));
    assert!(again["message"].is_string());
    assert_eq!(platform.line.sent().len(), 1);
    platform.line.set_messages_left(0);
    assert_eq!(platform.pushes(&body, None).await.0, 429);
    let (_, quota) = platform.calls("get", "/v2/bot/message/quota", None).await;
    let (_, used) = platform.calls("get", "/v2/bot/message/quota/consumption", None).await;
    assert_eq!(
        (&quota["type"], &quota["value"], &used["totalUsage"]),
        (&"limited".into(), &1.into(), &1.into())
    );
}

#[tokio::test]
async fn what_a_broadcast_has_reserved_is_not_used_and_cannot_be_pushed() {
    let platform = Platform::start().await;
    let body = json!({ "to": USER, "messages": [text("a")] });
    platform.line.set_messages_left(5);
    platform.line.set_reserved(5);
    let (status, refusal) = platform.pushes(&body, None).await;
    assert_eq!((status, &refusal["message"]), (429, &"You have reached your monthly limit.".into()));
    let (_, used) = platform.calls("get", QUOTA, None).await;
    let (_, limit) = platform.calls("get", CONSUMPTION, None).await;
    assert_eq!((&used["value"], &limit["totalUsage"]), (&5.into(), &0.into()));
    platform.line.set_reserved(0);
    assert_eq!(platform.pushes(&body, None).await.0, 200);
}

#[test]
fn a_reply_token_is_good_once_and_for_a_minute() {
    let line = Line::new();
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let webhook = |token: &str| json!({ "events": [{ "replyToken": token, "source": { "userId": USER } }] });
    for token in ["a", "b", "c"] {
        line.sends(&webhook(token), start);
    }
    assert_eq!(line.spends("a", after(59)).as_deref(), Some(USER));
    assert_eq!((line.spends("a", after(59)), line.spends("never sent", start)), (None, None));
    assert_eq!(line.spends("b", after(61)), None);
    // A redelivery makes the token valid for another minute, until twenty minutes after the event.
    line.sends(&webhook("b"), after(100));
    assert_eq!(line.spends("b", after(159)).as_deref(), Some(USER));
    line.sends(&webhook("c"), after(1201));
    assert_eq!(line.spends("c", after(1202)), None);
}

#[tokio::test]
async fn the_loading_animation_takes_fives_up_to_a_minute_in_private_chats() {
    let platform = Platform::start().await;
    let shown = Arc::new(Mutex::new(vec![]));
    let seen = shown.clone();
    platform.line.shows(move |_, arrival| {
        if let Arrival::Loading { seconds } = arrival {
            seen.lock().unwrap().push(seconds);
        }
    });
    for (body, expected) in [
        (json!({ "chatId": USER }), 202),
        (json!({ "chatId": USER, "loadingSeconds": 60 }), 202),
        (json!({ "chatId": USER, "loadingSeconds": 61 }), 400),
        (json!({ "chatId": USER, "loadingSeconds": 0 }), 400),
        (json!({ "chatId": USER, "loadingSeconds": 7 }), 400),
        (json!({ "chatId": USER, "loadingSeconds": "5" }), 400),
        (json!({ "chatId": "C4af4980629000000000000000000000a" }), 400),
        (json!({}), 400),
    ] {
        assert_eq!(platform.calls("post", LOADING, Some(&body)).await.0, expected, "{body}");
    }
    assert_eq!(*shown.lock().unwrap(), [20, 60]);
}

#[tokio::test]
async fn a_read_token_that_came_with_a_message_marks_it_as_often_as_it_is_sent() {
    let platform = Platform::start().await;
    let mut webhook = cli::commands::send::webhook_of("hi", USER);
    webhook["events"][0]["message"]["markAsReadToken"] = "read".into();
    spec::check_message(&webhook["events"][0]["message"]);
    platform.line.sends(&webhook, Instant::now());
    for (body, expected) in [
        (json!({ "markAsReadToken": "read" }), 200),
        (json!({ "markAsReadToken": "read" }), 200),
        (json!({ "markAsReadToken": "another" }), 400),
        (json!({ "markAsReadToken": 7 }), 400),
        (json!({}), 400),
    ] {
        assert_eq!(platform.calls("post", MARK_AS_READ, Some(&body)).await.0, expected, "{body}");
    }
}

#[tokio::test]
async fn profiles_and_bot_info_are_told_until_they_are_gone() {
    let platform = Platform::start().await;
    let call = async |template: &str, path: &str| {
        platform.calls_with("get", template, path, None, &[("authorization", "Bearer token")]).await
    };
    let profile = "/v2/bot/profile/{userId}";
    let (_, aoi) = call(profile, &format!("/v2/bot/profile/{USER}")).await;
    assert_eq!((&aoi["displayName"], &aoi["language"]), (&"Aoi".into(), &"ja".into()));
    assert_eq!(call(profile, "/v2/bot/profile/U-nobody").await.0, 404);
    assert_eq!(call("/v2/bot/info", "/v2/bot/info").await.1["userId"], BOT);
    platform.line.follows(USER, false, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(call(profile, &format!("/v2/bot/profile/{USER}")).await.0, 404);
    let push = json!({ "to": USER, "messages": [text("a")] });
    assert_eq!(platform.pushes(&push, None).await.0, 200, "LINE does not tell who blocked the bot");

    assert!(platform.line.image(Bytes::from_static(b"<svg onload=alert(1)>")).is_none());
}

#[tokio::test]
async fn the_webhooks_address_is_set_and_tested_as_documented() {
    let platform = Platform::start().await;
    let (_, shown) = platform.calls("get", ENDPOINT, None).await;
    assert_eq!(shown["active"], true);
    let (_, tested) = platform.calls("post", TEST, Some(&json!({}))).await;
    assert_eq!((&tested["success"], &tested["statusCode"]), (&true.into(), &200.into()));
    assert_eq!(platform.came.lock().unwrap()[0].1, json!({ "destination": BOT, "events": [] }));
    platform.statuses.lock().unwrap().push(503);
    let (_, tested) = platform.calls("post", TEST, Some(&json!({}))).await;
    assert_eq!((&tested["reason"], &tested["statusCode"]), (&"ERROR_STATUS_CODE".into(), &503.into()));
    for (endpoint, expected) in [
        (json!("https://bot.example.com/v1/line/bot/message/reply"), 200),
        (json!("http://bot.example.com/"), 400),
        (json!("nonsense"), 400),
        (json!(format!("https://bot.example.com/{}", "a".repeat(500))), 400),
        (Value::Null, 400),
    ] {
        let body = json!({ "endpoint": endpoint });
        assert_eq!(platform.calls("put", ENDPOINT, Some(&body)).await.0, expected, "{body}");
    }
    assert_eq!(
        platform.calls("get", ENDPOINT, None).await.1["endpoint"],
        "https://bot.example.com/v1/line/bot/message/reply"
    );
}

#[tokio::test]
async fn events_are_delivered_again_until_they_are_taken_and_differ_only_in_saying_so() {
    let platform = Platform::start().await;
    *platform.statuses.lock().unwrap() = vec![500, 404];
    let event = |text| phone::message_event(said::text(text), USER, jiff::Timestamp::UNIX_EPOCH);
    let events = vec![event("hi"), event("there")];
    platform.webhooks.deliver(events.clone()).await;
    let came = platform.came.lock().unwrap().clone();
    assert_eq!(came.len(), 3);
    assert_eq!(came[0].1["events"], json!(events));
    for (_, again) in &came[1..] {
        let mut again = again["events"].clone();
        for event in again.as_array_mut().unwrap() {
            assert_eq!(event["deliveryContext"]["isRedelivery"].take(), true);
            event["deliveryContext"]["isRedelivery"] = false.into();
        }
        assert_eq!(again, json!(events));
    }
}
