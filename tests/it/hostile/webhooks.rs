//! Webhooks that could take a thread for minutes or fill the disk by the log, signed or not.

use ingress::signature::sign;

use super::*;
use crate::harness::{
    local::SECRET,
    log_lines::{Kind, lines_of},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_mentions_the_bot_twenty_thousand_times_is_taken_at_once_and_answered() {
    const TIMES: usize = 20_000;
    let mut bot = Bot::start().await;
    // The bot has to find each mention behind all the text before it.
    let before = "\n".repeat(200_000);
    let text = format!("{before}{}hi", "@H ".repeat(TIMES));
    let places = (0..TIMES).map(|n| json!({ "index": before.len() + 3 * n, "length": 2, "isSelf": true }));
    let mut webhook = webhook_of(&text, USER);
    let event = &mut webhook["events"][0];
    event["source"] = json!({ "type": "group", "groupId": "C1", "userId": USER });
    event["message"]["mention"] = json!({ "mentionees": places.collect::<Vec<_>>() });
    let taken = tokio::time::timeout(PATIENCE, bot.posts(webhook.to_string())).await;
    assert_eq!(taken.ok(), Some(200), "within LINE's patience");
    let said = bot.says().await;
    assert!(said.len() == 1 && said[0].ends_with("hi") && !said[0].contains("@H"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_skipped_of_a_webhook_is_one_line_for_each_reason_however_much_it_is() {
    const TIMES: usize = 50_000;
    let folder = TempDir::new().unwrap();
    let nobody = "http://127.0.0.1:1";
    let serve = Serve::start(&folder.path().join("data"), &variables(nobody, nobody)).await;
    let http = worker::adapters::http::client().unwrap();
    let before = serve.log().len();
    let webhook = format!(r#"{{"events":[{}{{"type":"postback"}}]}}"#, "1,{},".repeat(TIMES));
    assert_eq!(serve.posts(&http, &webhook).await, Some(200));
    let log = serve.logged(before, Kind::Webhook).await;
    let counts = |kind| lines_of(&log, kind).iter().map(|line| line["events"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (counts(Kind::OddEventsSkipped), counts(Kind::EventsSkipped)),
        (vec![json!(TIMES); 2], vec![json!(1)])
    );
    assert!(log.len() < 2_000, "{log}");
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thousands_of_questions_in_one_webhook_each_is_counted_and_the_first_thousand_are_logged() {
    const TIMES: usize = 1_200;
    let folder = TempDir::new().unwrap();
    let nobody = "http://127.0.0.1:1";
    let serve = Serve::start(&folder.path().join("data"), &variables(nobody, nobody)).await;
    let http = worker::adapters::http::client().unwrap();
    let event = |n: usize| {
        let mut event = webhook_of("hi", USER)["events"][0].take();
        event["webhookEventId"] = format!("01H{n}").into();
        event
    };
    let webhook = json!({ "events": (0..TIMES).map(event).collect::<Vec<_>>() }).to_string();
    // LINE delivers a webhook again that a slow machine did not take in time.
    while serve.posts(&http, &webhook).await != Some(200) {}
    let log = serve.logged(0, Kind::Webhook).await;
    assert_eq!(lines_of(&log, Kind::Accepted).len(), 1_000);
    assert_eq!(lines_of(&log, Kind::AcceptedMore)[0]["jobs"], TIMES - 1_000);
    let metrics = http.get(format!("{}/metrics", serve.admin)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.lines().any(|line| line == format!("henji_accepted_total {TIMES}")), "{metrics}");
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_whom_nobody_signed_each_is_counted_and_one_is_logged() {
    const TIMES: usize = 300;
    let folder = TempDir::new().unwrap();
    let nobody = "http://127.0.0.1:1";
    let serve = Serve::start(&folder.path().join("data"), &variables(nobody, nobody)).await;
    let http = worker::adapters::http::client().unwrap();
    let forged = sign(&format!("not {SECRET}").as_str().into(), b"{}");
    let before = serve.log().len();
    for n in 0..TIMES {
        let mut request = http.post(format!("{}{PATH}", serve.origin)).body("{}");
        if n % 2 == 0 {
            request = request.header("x-line-signature", &forged);
        }
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    let log = serve.log()[before..].to_owned();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert_eq!(lines_of(&log, Kind::SignaturesRefused)[0]["times"], 1);
    let metrics = http.get(format!("{}/metrics", serve.admin)).send().await.unwrap().text().await.unwrap();
    for line in [
        format!("henji_refused_signatures_total {TIMES}"),
        format!("henji_webhooks_total{{status=\"401\"}} {TIMES}"),
        format!("henji_ack_ms_count {TIMES}"),
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line}: {metrics}");
    }
    assert_eq!(serve.terminate(), 0);
}
