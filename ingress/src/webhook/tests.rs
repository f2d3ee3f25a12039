#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

const QUESTION: &str = r#"{"type":"message","mode":"active","webhookEventId":"01H","replyToken":"r","timestamp":1,
    "source":{"type":"user","userId":"U1"},"message":{"id":"5","type":"text","quoteToken":"q","text":"hello"},"new":{"field":[1]}}"#;

fn one(event: &str) -> Verdict {
    let mut verdicts = parse(format!(r#"{{"destination":"U0","events":[{event}]}}"#).as_bytes(), 7).unwrap();
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
}

fn job(event: &str) -> Job {
    match one(event) {
        Verdict::Job(job) => *job,
        other => panic!("{event}: {other:?}"),
    }
}

#[test]
fn a_text_in_a_private_chat_is_a_question() {
    let job = job(QUESTION);
    assert_eq!(job.event_id.as_str(), "01H");
    assert_eq!(job.conversation.as_str(), "U1");
    let Ask::Question { text, message_id, quote_token, .. } = job.ask else { panic!() };
    assert_eq!((text.as_str(), message_id.unwrap().as_str()), ("hello", "5"));
    assert_eq!((quote_token.as_deref(), job.happened_at), (Some("q"), Some(1)));
    assert_eq!(job.accepted_at, Some(7), "by our own clock, not by LINE's timestamp");
    assert_eq!(job.reply_token.as_deref(), Some("r"));
}

#[test]
fn what_is_missing_does_not_matter_where_it_is_not_needed() {
    let bare =
        r#"{"type":"message","source":{"type":"user","userId":"U1"},"message":{"type":"text","text":"hi"}}"#;
    assert_eq!(job(bare).event_id, job(bare).event_id);
    let odd = bare.replace('{', r#"{"mode":7,"replyToken":null,"webhookEventId":[],"id":5,"#);
    assert!(matches!(job(&odd).ask, Ask::Question { .. }));
    let with_id = bare.replace(r#""text":"hi""#, r#""text":"hi","id":"5""#);
    assert_ne!(job(bare).event_id, job(&with_id).event_id);
}

#[test]
fn half_an_emoji_is_still_a_question() {
    let event = QUESTION.replace("hello", r"a\ud83db");
    let Ask::Question { text, .. } = job(&event).ask else { panic!() };
    assert!(text.starts_with('a') && text.ends_with('b') && text.contains('\u{fffd}'), "{text}");
}

#[test]
fn what_is_not_understood_gets_a_notice_only_with_a_reply_token() {
    let sticker = QUESTION.replace(r#""type":"text""#, r#""type":"sticker""#);
    assert_eq!(job(&sticker).ask, Ask::NotUnderstood);
    let mute = sticker.replace(r#""replyToken":"r","#, "");
    assert!(matches!(one(&mute), Verdict::Skip(_)));
}

#[test]
fn friends_come_and_go_and_take_back_what_they_said() {
    let event = |kind: &str, more: &str| {
        format!(r#"{{"type":"{kind}","mode":"active","source":{{"type":"user","userId":"U1"}}{more}}}"#)
    };
    assert_eq!(job(&event("follow", r#","replyToken":"r""#)).ask, Ask::Follow);
    assert!(matches!(one(&event("follow", "")), Verdict::Skip(_)));
    assert_eq!(job(&event("unfollow", "")).ask, Ask::Unfollow);
    let unsend = event("unsend", r#","unsend":{"messageId":"5"}"#);
    let message_id = "5".to_owned().try_into().unwrap();
    assert_eq!(job(&unsend).ask, Ask::Unsend { message_id });
    let in_group = unsend.replace(r#""type":"user","#, r#""type":"group","#);
    assert!(matches!(one(&in_group), Verdict::Skip(_)));
    let nameless = QUESTION.replace(r#""webhookEventId":"01H","#, "");
    assert_ne!(job(&unsend).event_id, job(&nameless).event_id, "it is not taken for the message itself");
}

#[test]
fn everything_else_is_skipped_with_a_reason() {
    for (from, to) in [
        (r#""mode":"active""#, r#""mode":"standby""#),
        (r#""type":"message""#, r#""type":"postback""#),
        (r#""type":"user","userId":"U1""#, r#""type":"group","groupId":"C1","userId":"U1""#),
        (r#""type":"user","userId":"U1""#, r#""type":"room","roomId":"R1""#),
        ("hello", " \\n\u{3000}"),
    ] {
        let event = QUESTION.replace(from, to);
        assert_ne!(event, QUESTION, "{from}");
        assert!(matches!(one(&event), Verdict::Skip(_)), "{event}");
    }
}

#[test]
fn an_odd_event_does_not_spoil_its_neighbours() {
    let deep = "[".repeat(20_000) + &"]".repeat(20_000);
    let odd = [
        "null",
        "1",
        "[]",
        "{}",
        r#"{"type":5}"#,
        r#"{"type":"message"}"#,
        &deep,
        r#"{"type":"message","source":{"type":"user"},"message":{"type":"text","text":"x"}}"#,
        r#"{"type":"message","source":{"type":"user","userId":"a b"},"message":{"type":"text","text":"x"}}"#,
        r#"{"type":"message","source":{"type":"user","userId":"U1"},"message":{"type":"text"}}"#,
        r#"{"type":"message","source":{"type":"user","userId":"U1"},"message":{"type":"text","text":7}}"#,
        r#"{"type":"message","source":{"type":"user","userId":"U1"}}"#,
        r#"{"type":"unsend","source":{"type":"user","userId":"U1"}}"#,
        r#"{"type":"unsend","source":{"type":"user","userId":"U1"},"unsend":{"messageId":"a b"}}"#,
        r#"{"type":"unfollow","source":{"type":"user"}}"#,
        r#"{"type":"message","source":{"type":"newer"},"message":{"type":"text","text":"x"}}"#,
    ];
    for event in odd {
        let verdicts = parse(format!(r#"{{"events":[{event},{QUESTION}]}}"#).as_bytes(), 7).unwrap();
        assert!(matches!(verdicts[0], Verdict::Odd(_)), "{event:.80}: {:?}", verdicts[0]);
        assert!(matches!(verdicts[1], Verdict::Job(_)), "{event:.80}");
    }
}

#[test]
fn what_is_no_webhook_is_refused() {
    let nested = "[".repeat(20_000);
    let nested_object = r#"{"a":"#.repeat(20_000);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "[[]]",
        "\"events\"",
        "{}",
        r#"{"events":null}"#,
        r#"{"events":{}}"#,
        r#"{"events":[}"#,
        r#"{"events":[]} x"#,
        &nested,
        &nested_object,
    ] {
        assert!(parse(body.as_bytes(), 7).is_err(), "{body:.60}");
    }
    assert!(parse(b"{\"events\":[],\"x\":\"\xff\"}", 7).is_err());
    assert!(parse(b"", 7).is_err());
    assert_eq!(parse(b" {\"events\":[]}", 7).unwrap(), []);
}
