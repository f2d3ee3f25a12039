use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use cli::commands::send::webhook_of;
use emulator::line::REPLY;
use ingress::signature::sign;
use serde_json::json;

use crate::harness::local::{Bot, PATH, SECRET, USER};

#[tokio::test]
async fn every_body_of_lines_own_sdks_gets_200_and_nothing_is_left_over() {
    let mut bot = Bot::start().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/line-webhooks");
    let mut bodies = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|e| e == "json") {
            assert_eq!(bot.posts(std::fs::read(&file).unwrap()).await, 200, "{}", file.display());
            bodies += 1;
        }
    }
    assert!(bodies > 60);
    assert!(bot.says().await.contains(&"answer to Hello, world".to_owned()));
    assert_eq!(bot.health().await["dead_letters"], 0);
}

#[tokio::test]
async fn a_webhook_that_line_did_not_sign_is_refused_before_it_is_read() {
    let mut bot = Bot::start().await;
    let body = webhook_of("hi", USER).to_string();
    let good = sign(&SECRET.into(), body.as_bytes());
    let other_secret = sign(&"another secret".into(), body.as_bytes());
    let bad: [Option<&[u8]>; 7] = [
        None,
        Some(b""),
        Some(b"AAAA"),
        Some(&good.as_bytes()[..20]),
        Some(other_secret.as_bytes()),
        Some(b"\xff\xfe not ascii"),
        Some("署名".as_bytes()),
    ];
    for signature in bad {
        assert_eq!(bot.posts_signed(body.clone(), signature).await, 401, "{signature:?}");
        assert_eq!(bot.posts_signed("not json", signature).await, 401, "{signature:?}");
    }
    assert_eq!(bot.posts_signed(body.replace("hi", "ho"), Some(good.as_bytes())).await, 401);
    bot.answers(&[]).await;
}

#[tokio::test]
async fn a_signed_body_that_is_no_webhook_is_400_and_the_next_one_is_served() {
    let mut bot = Bot::start().await;
    let nested = "[".repeat(20_000);
    let bad: [&[u8]; 8] = [
        b"",
        b"garbage",
        b"null",
        b"[]",
        b"{}",
        b"{\"events\":{}}",
        nested.as_bytes(),
        b"{\"events\":[],\"x\":\"\xff\"}",
    ];
    for body in bad {
        assert_eq!(bot.posts(body).await, 400, "{:.40}", String::from_utf8_lossy(body));
    }
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
}

#[tokio::test]
async fn one_odd_event_does_not_spoil_its_neighbours_and_all_events_are_taken() {
    let mut bot = Bot::start().await;
    let event = |text: &str, user: &str| webhook_of(text, user)["events"][0].clone();
    let body = json!({ "events": [null, event("one", "U1"), { "type": 5 }, event("two", "U2"), [], event("three", "U3")] });
    assert_eq!(bot.posts(body.to_string()).await, 200);
    let mut said = bot.says().await;
    said.sort();
    assert_eq!(said, ["answer to one", "answer to three", "answer to two"]);
}

#[tokio::test]
async fn lines_verify_button_is_answered_200() {
    let mut bot = Bot::start().await;
    assert_eq!(bot.posts(r#"{"destination":"U0","events":[]}"#).await, 200);
    bot.answers(&[]).await;
}

#[tokio::test]
async fn an_event_that_is_delivered_again_is_answered_once() {
    let mut bot = Bot::start().await;
    let mut body = webhook_of("hi", USER);
    for _ in 0..3 {
        assert_eq!(bot.posts(body.to_string()).await, 200);
        body["events"][0]["deliveryContext"]["isRedelivery"] = true.into();
    }
    bot.answers(&["answer to hi"]).await;
    assert_eq!(bot.posts(body.to_string()).await, 200);
    bot.answers(&[]).await;
    // The bot knows an event without an id by its message.
    body["events"][0].as_object_mut().unwrap().remove("webhookEventId");
    for _ in 0..2 {
        assert_eq!(bot.posts(body.to_string()).await, 200);
    }
    bot.answers(&["answer to hi"]).await;
    assert_eq!(bot.model.asked().len(), 2);
}

#[tokio::test]
async fn what_needs_no_answer_gets_none() {
    let mut bot = Bot::start().await;
    let body = |pointer: &str, value: serde_json::Value| {
        let mut body = webhook_of("hi", USER);
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    let group = json!({ "type": "group", "groupId": "C1", "userId": USER });
    for body in [
        body("/events/0/mode", "standby".into()),
        body("/events/0/type", "unfollow".into()),
        body("/events/0/source", group),
        body("/events/0/source/type", "room".into()),
    ] {
        assert_eq!(bot.posts(body).await, 200);
    }
    bot.answers(&[]).await;
    assert_eq!(bot.model.asked().len(), 0);
}

#[tokio::test]
async fn a_message_that_is_not_understood_gets_one_notice_by_the_free_reply() {
    let mut bot = Bot::start().await;
    let mut body = webhook_of("hi", USER);
    body["events"][0]["message"] =
        json!({ "type": "sticker", "id": "5", "packageId": "1", "stickerId": "1" });
    bot.line.plan_error(REPLY, 500, "on purpose");
    for _ in 0..2 {
        assert_eq!(bot.posts(body.to_string()).await, 200);
    }
    let sent = bot.sends().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].to, body["events"][0]["replyToken"].as_str().unwrap());
    assert_eq!(sent[0].retry_key, None);
    assert_eq!(bot.model.asked().len(), 0);
    // A reply token that LINE refuses is no failure: the notice is dropped.
    body["events"][0]["webhookEventId"] = "01HSPENT".into();
    assert_eq!(bot.posts(body.to_string()).await, 200);
    bot.answers(&[]).await;
    assert_eq!(bot.health().await["dead_letters"], 0);
}

#[tokio::test]
async fn other_paths_methods_and_sizes_have_their_statuses() {
    let bot = Bot::start().await;
    let url = |path: &str| format!("{}{path}", bot.origin);
    for path in ["/", "/v1", "/v1/line/bot/message/reply/", "/v1/line/bot/message/push"] {
        assert_eq!(bot.http.post(url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let method = method.parse().unwrap();
        assert_eq!(bot.http.request(method, url(PATH)).send().await.unwrap().status(), 405);
    }
    assert_eq!(bot.posts(vec![b' '; 10_000_000]).await, 413);
    assert_eq!(bot.posts(vec![b' '; 2_000_001]).await, 413);
    let mut body = br#"{"events":[]}"#.to_vec();
    body.resize(2_000_000, b' ');
    assert_eq!(bot.posts(body).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body_is_413_and_slow_clients_hold_nobody_up() {
    let mut bot = Bot::start().await;
    let connect = || TcpStream::connect(bot.origin.strip_prefix("http://").unwrap()).unwrap();
    // Two hundred clients that never finish their headers or their bodies.
    let mut slow: Vec<TcpStream> = (0..200).map(|_| connect()).collect();
    for (index, client) in slow.iter_mut().enumerate() {
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n");
        client.write_all(head.as_bytes()).unwrap();
        if index % 2 == 0 {
            client.write_all(b"Content-Length: 100\r\n\r\n{").unwrap();
        }
    }
    let mut endless = connect();
    write!(endless, "POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    for _ in 0..32 {
        let _ = endless.write_all(&chunk);
    }
    endless.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut status = [0; 12];
    endless.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
}
