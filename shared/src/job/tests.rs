#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::command::Command;

fn known(id: &str) -> ConversationId {
    ConversationId::of_known_id(id.into()).unwrap()
}

fn job(text: &str) -> Job {
    let message_id = Some("325708".to_owned().try_into().unwrap());
    let kind = JobKind::Question {
        text: text.into(),
        message_id,
        quote_token: Some("quote".into()),
        quotes: None,
        content: None,
        only_if_quoting_bot: false,
        by_button: false,
    };
    let event = EventId::of_event(Some("01FZ74ASS536FW97EX38NKCZQK"), None, b"");
    Job {
        accepted_at: Some(1_767_225_600_000),
        happened_at: Some(1_767_225_599_000),
        reply_token: Some("token".into()),
        read_token: Some("read".into()),
        ..Job::new(event, known("U4af4980629"), kind)
    }
}

#[test]
fn the_json_in_the_queue_never_changes() {
    let of = |json: &str| {
        format!(r#"{{"v":5,"eventId":"01FZ74ASS536FW97EX38NKCZQK","conversation":"U4af4980629",{json}}}"#)
    };
    assert_eq!(
        job("hi").encode(),
        of(
            r#""kind":"question","text":"hi","messageId":"325708","quoteToken":"quote","acceptedAt":1767225600000,"happenedAt":1767225599000,"replyToken":"token","readToken":"read""#
        )
    );
    let bare = |kind| Job {
        kind,
        accepted_at: None,
        happened_at: None,
        reply_token: None,
        read_token: None,
        run: Some("letter".into()),
        ..job("")
    };
    let in_group = Job { speaker: Some("U1".to_owned().try_into().unwrap()), ..bare(JobKind::Join) };
    assert_eq!(in_group.encode(), of(r#""speaker":"U1","kind":"join","run":"letter""#));
    let message_id = MessageId::try_from("325708".to_owned()).unwrap();
    for (kind, json) in [
        (JobKind::question("hi", None), r#""kind":"question","text":"hi""#),
        (
            JobKind::Question {
                text: String::new(),
                message_id: None,
                quote_token: None,
                quotes: Some(message_id.clone()),
                content: Some(Content::IMAGE),
                only_if_quoting_bot: true,
                by_button: true,
            },
            r#""kind":"question","text":"","quotes":"325708","content":{"type":"image"},"onlyIfQuotingBot":true,"byButton":true"#,
        ),
        (JobKind::NotUnderstood, r#""kind":"notUnderstood""#),
        (JobKind::Follow { is_unblocked: false }, r#""kind":"follow""#),
        (JobKind::Follow { is_unblocked: true }, r#""kind":"follow","isUnblocked":true"#),
        (JobKind::Unfollow, r#""kind":"unfollow""#),
        (JobKind::Join, r#""kind":"join""#),
        (
            JobKind::Edited { message_id: message_id.clone(), text: "ho".into(), quotes: None },
            r#""kind":"edited","messageId":"325708","text":"ho""#,
        ),
        (
            JobKind::Edited {
                message_id: message_id.clone(),
                text: "ho".into(),
                quotes: Some(message_id.clone()),
            },
            r#""kind":"edited","messageId":"325708","text":"ho","quotes":"325708""#,
        ),
        (JobKind::Unsend { message_id }, r#""kind":"unsend","messageId":"325708""#),
    ] {
        let job = bare(kind);
        assert_eq!(job.encode(), of(&format!(r#"{json},"run":"letter""#)));
        assert_eq!(Job::decode(&job.encode()).unwrap(), job);
    }
}

#[test]
fn a_content_says_what_line_says_of_it() {
    for (content, json) in [
        (Content::Voice { duration_ms: Some(60_000) }, r#"{"type":"voice","durationMs":60000}"#),
        (Content::Voice { duration_ms: None }, r#"{"type":"voice"}"#),
        (
            Content::Image { set: Some(ImageSet { id: "E".into(), index: Some(1), total: Some(3) }) },
            r#"{"type":"image","set":{"id":"E","index":1,"total":3}}"#,
        ),
        (
            Content::Image { set: Some(ImageSet { id: "E".into(), index: None, total: None }) },
            r#"{"type":"image","set":{"id":"E"}}"#,
        ),
        (
            Content::File { name: "a.pdf".into(), size_bytes: Some(7) },
            r#"{"type":"file","name":"a.pdf","sizeBytes":7}"#,
        ),
        (Content::File { name: "a".into(), size_bytes: None }, r#"{"type":"file","name":"a"}"#),
        (Content::Video, r#"{"type":"video"}"#),
    ] {
        assert_eq!(serde_json::to_string(&content).unwrap(), json);
        assert_eq!(serde_json::from_str::<Content>(json).unwrap(), content);
    }
}

#[test]
fn a_job_without_words_names_no_file() {
    let content = Some(Content::File { name: "secret.pdf".into(), size_bytes: Some(7) });
    let JobKind::Question { text, message_id, .. } = job("secret").kind else { panic!("it is a question") };
    let kind = JobKind::Question {
        text,
        message_id,
        quote_token: None,
        quotes: None,
        content,
        only_if_quoting_bot: false,
        by_button: false,
    };
    let bare = Job { kind, ..job("") }.without_words().encode();
    assert!(!bare.contains("secret") && bare.contains(r#""sizeBytes":7"#), "{bare}");
}

#[test]
fn jobs_of_the_versions_before_are_read() {
    for v in 1..VERSION {
        let body = format!(
            r#"{{"v":{v},"eventId":"01H","conversation":"U1","kind":"question","text":"hi","replyToken":"token"}}"#
        );
        let job = Job::decode(&body).unwrap();
        assert_eq!(job.kind, JobKind::question("hi", None));
        assert_eq!(job.encode(), body, "a redrive changes nothing of it");
    }
}

#[test]
fn the_kind_of_a_conversation_is_named_from_version_4_on_and_was_the_first_letter_before() {
    let ids = ["U1", "C1", "R1", "c1", "r1", "x1"];
    let body = |v: u32, id: &str, chat: &str| {
        format!(r#"{{"v":{v},"eventId":"01H","conversation":"{id}"{chat},"kind":"join"}}"#)
    };
    let user = |id: &str| ConversationId::User(id.to_owned().try_into().unwrap());
    let group = |id: &str| ConversationId::Group(id.to_owned().try_into().unwrap());
    let room = |id: &str| ConversationId::Room(id.to_owned().try_into().unwrap());
    let check = |body: String, conversation: ConversationId| {
        let job = Job::decode(&body).unwrap();
        assert_eq!(job.conversation, conversation, "{body}");
        assert_eq!(job.encode(), body);
    };
    for v in 1..4 {
        for (id, kind) in
            ids.into_iter().zip([&user as &dyn Fn(&str) -> _, &group, &room, &group, &room, &user])
        {
            check(body(v, id, ""), kind(id));
        }
    }
    for id in ids {
        check(body(4, id, ""), user(id));
        check(body(4, id, r#","chat":"group""#), group(id));
        check(body(4, id, r#","chat":"room""#), room(id));
    }
    assert!(matches!(Job::decode(&body(4, "C1", r#","chat":"square""#)), Err(JobError::Unreadable(_))));
}

#[test]
fn a_conversation_is_known_by_its_bare_id_and_its_pseudonym_never_changes() {
    let group = ConversationId::Group("C1".to_owned().try_into().unwrap());
    assert_eq!((group.as_str(), group.to_string().as_str(), group.is_private()), ("C1", "C1", false));
    assert_eq!(serde_json::to_string(&group).unwrap(), r#""C1""#);
    assert!(known("U1").is_private());
    assert_eq!(known("U1").pseudonym().to_string(), "82efa4a4-a1b7-5962-ad57-d681374c51f2");
}

#[test]
fn only_to_take_a_message_back_or_to_change_it_has_a_group_of_its_own() {
    assert_eq!(job("hi").group(), "U4af4980629");
    let longest = MessageId::try_from("5".repeat(100)).unwrap();
    let group = |kind| Job { kind, ..job("") }.group();
    let unsend = group(JobKind::Unsend { message_id: longest.clone() });
    assert!(unsend.starts_with("unsend.5") && unsend.len() <= 128, "{unsend}");
    let edit = group(JobKind::Edited { message_id: longest, text: "t".into(), quotes: None });
    assert!(edit.starts_with("edit.5") && edit.len() <= 128, "{edit}");
}

#[test]
fn a_tap_is_a_command_by_its_data_and_never_by_its_words() {
    let tapped = |data: &str| Job { kind: JobKind::tap(data.to_owned()), ..job("") };
    for (data, command) in
        [("henji:forget", Some(Command::Forget)), ("henji:keep", Some(Command::Keep)), ("forget", None)]
    {
        let job = tapped(data);
        assert_eq!(job.kind.command(data), command);
        assert_eq!(job.forgets(), command == Some(Command::Forget));
        let overtakes = job.group() == format!("forget.{}", job.event_id);
        assert_eq!(overtakes, job.forgets(), "{data}");
    }
    let typed = job("henji:forget");
    assert!(typed.kind.command("henji:forget").is_none() && !typed.forgets());
    assert_eq!(typed.kind.command("忘れて！？"), Some(Command::AskForget));
}

#[test]
fn a_job_survives_the_queue_with_characters_that_sqs_refuses() {
    let job = job("a\u{fffe}b\u{ffff}c\u{0}\u{1f34e}\"\\");
    let body = job.encode();
    assert!(body.chars().all(|c| c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}'));
    assert_eq!(Job::decode(&body).unwrap(), job);
}

#[test]
fn a_newer_version_is_told_from_garbage_and_neither_error_quotes_the_content() {
    assert!(matches!(Job::decode(r#"{"v":6,"x":1}"#), Err(JobError::Newer(6))));
    for garbage in ["", "null", "[]", "{}", r#"{"v":"secret words"}"#, r#"{"v":1,"eventId":"secret words"}"#]
    {
        let error = Job::decode(garbage).unwrap_err();
        assert!(matches!(error, JobError::Unreadable(_)), "{garbage}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn an_event_without_an_id_gets_the_same_derived_one_each_time() {
    let of = EventId::of_event;
    assert_eq!(of(Some("01H"), Some("1"), b"x").as_str(), "01H");
    assert_eq!(of(None, Some("325708"), b"x"), of(None, Some("325708"), b"y"));
    assert_eq!(of(None, None, b"x"), of(None, Some(""), b"x"));
    assert_ne!(of(None, None, b"x"), of(None, None, b"y"));
    assert_eq!(of(Some(""), Some("1"), b"x"), of(None, Some("1"), b"y"));
    let odd = "\u{3042}".repeat(40);
    assert_eq!(of(Some(&odd), None, b"x"), of(Some(&odd), None, b"y"));
    // These values are fixed: another namespace would answer old events a second time.
    assert_eq!(of(None, Some("325708"), b"").as_str(), "cc0c8ab7-82fd-5d1c-b0a2-ba97038d740f");
    assert_eq!(of(Some("01H"), None, b"").derive("user").to_string(), "dd10a7ab-3848-5f37-a079-603101e1c680");
}

#[test]
fn an_id_is_one_segment_of_any_address_that_it_is_put_into() {
    for id in ["325708", "abc-DEF_1.2:3", "U4af4980629"] {
        assert!(MessageId::try_from(id.to_owned()).is_ok(), "{id}");
    }
    for id in ["", "../../x?y=1", "..", ".", "%2e%2e", "a/b", "a\\b", "a?b", "a#b", "a b", "あ"] {
        assert!(MessageId::try_from(id.to_owned()).is_err(), "{id}");
        assert!(ConversationId::of_known_id(id.to_owned()).is_err(), "{id}");
    }
}
