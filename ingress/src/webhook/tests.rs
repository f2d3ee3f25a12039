#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use shared::job::{Content, ImageSet};

use super::*;

const QUESTION: &str = r#"{"type":"message","mode":"active","webhookEventId":"01H","replyToken":"r","timestamp":1,
    "source":{"type":"user","userId":"U1"},"message":{"id":"5","type":"text","quoteToken":"q","text":"hello"},"new":{"field":[1]}}"#;

fn one(event: &str) -> Verdict {
    let mut verdicts =
        parse(format!(r#"{{"destination":"U0","events":[{event}]}}"#).as_bytes(), None, 7).unwrap();
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
    let JobKind::Question { text, message_id, quote_token, .. } = job.kind else { panic!() };
    assert_eq!((text.as_str(), message_id.unwrap().as_str()), ("hello", "5"));
    assert_eq!((quote_token.as_deref(), job.happened_at), (Some("q"), Some(1)));
    assert_eq!(job.accepted_at, Some(7), "by our own clock, not by LINE's timestamp");
    assert_eq!((job.reply_token.as_deref(), job.read_token), (Some("r"), None));
}

#[test]
fn a_message_can_be_marked_as_read_and_an_edit_cannot() {
    let with_token =
        |event: &str| event.replace(r#""type":"text""#, r#""type":"text","markAsReadToken":"m""#);
    assert_eq!(job(&with_token(QUESTION)).read_token.as_deref(), Some("m"));
    let in_group = |kind: &str| with_token(&in_group(kind, "@Henji hi", MENTION));
    assert_eq!(job(&in_group("message")).read_token.as_deref(), Some("m"));
    for verdict in
        parse(format!(r#"{{"events":[{}]}}"#, in_group("messageEdited")).as_bytes(), None, 7).unwrap()
    {
        assert!(matches!(verdict, Verdict::Job(job) if job.read_token.is_none()));
    }
    let odd = with_token(QUESTION).replace(r#""m""#, "7");
    assert_eq!(job(&odd).read_token, None);
}

#[test]
fn what_is_missing_does_not_matter_where_it_is_not_needed() {
    let bare =
        r#"{"type":"message","source":{"type":"user","userId":"U1"},"message":{"type":"text","text":"hi"}}"#;
    assert_eq!(job(bare).event_id, job(bare).event_id);
    let odd = bare.replace('{', r#"{"mode":7,"replyToken":null,"webhookEventId":[],"id":5,"#);
    assert!(matches!(job(&odd).kind, JobKind::Question { .. }));
    let with_id = bare.replace(r#""text":"hi""#, r#""text":"hi","id":"5""#);
    assert_ne!(job(bare).event_id, job(&with_id).event_id);
}

#[test]
fn half_an_emoji_is_still_a_question() {
    let event = QUESTION.replace("hello", r"a\ud83db");
    let JobKind::Question { text, .. } = job(&event).kind else { panic!() };
    assert!(text.starts_with('a') && text.ends_with('b') && text.contains('\u{fffd}'), "{text}");
}

#[test]
fn what_is_not_understood_gets_a_notice_only_with_a_reply_token() {
    for unknown in [
        r#""type":"video""#,
        r#""type":"newer""#,
        r#""type":"sticker","keywords":[" "]"#,
        r#""type":"sticker","packageId":"30563","stickerId":"651698630","keywords":["moon"]"#,
        r#""type":"location""#,
        r#""type":"image""#,
        r#""type":"image","contentProvider":{"type":"external","originalContentUrl":"https://example.com/i.png"}"#,
        r#""type":"audio","contentProvider":{"type":"external"}"#,
        r#""type":"image","contentProvider":7"#,
    ] {
        let event = QUESTION.replace(r#""type":"text""#, unknown).replace(r#","text":"hello""#, "");
        assert_eq!(job(&event).kind, JobKind::NotUnderstood, "{event}");
        let mute = event.replace(r#""replyToken":"r","#, "");
        assert!(matches!(one(&mute), Verdict::Skip(_)));
    }
}

#[test]
fn stickers_and_locations_say_in_text_what_they_show() {
    for (shown, text) in [
        (r#""type":"sticker","keywords":["love","heart"]"#, "[sticker: love, heart]"),
        (r#""type":"sticker","packageId":"30563","stickerId":"7","keywords":["a"]"#, "[sticker: a]"),
        (r#""type":"sticker","text":"おめでとう","keywords":["party"]"#, "おめでとう [sticker: party]"),
        (r#""type":"sticker","text":"hey\ud83d","keywords":7"#, "hey\u{fffd}"),
        (
            r#""type":"location","title":"home","address":"Tokyo","latitude":35.6,"longitude":139.7"#,
            "[location: home, Tokyo (35.6, 139.7)]",
        ),
        (r#""type":"location","latitude":-1,"longitude":2"#, "[location: (-1, 2)]"),
        (r#""type":"location","address":"Tokyo","latitude":"x""#, "[location: Tokyo]"),
    ] {
        let event = QUESTION.replace(r#""type":"text""#, shown).replace(r#","text":"hello""#, "");
        let JobKind::Question { text: asked, content, .. } = job(&event).kind else { panic!("{event}") };
        assert_eq!((asked.as_str(), content), (text, None));
    }
}

#[test]
fn line_emojis_are_words_and_alone_are_like_a_sticker() {
    let event =
        |text: &str, more: &str| QUESTION.replace(r#""text":"hello""#, &format!(r#""text":"{text}"{more}"#));
    let emojis = |places: &[(usize, usize)]| {
        let entry = |(index, length): &(usize, usize)| format!(r#"{{"index":{index},"length":{length}}}"#);
        format!(r#","emojis":[{}]"#, places.iter().map(entry).collect::<Vec<_>>().join(","))
    };
    for (text, more, words) in [
        ("() hello", emojis(&[(0, 2)]), "[emoji] hello"),
        (r"\ud83d() hello", emojis(&[(1, 2)]), "\u{fffd}[emoji] hello"),
        ("(happy)", emojis(&[(0, 7)]), "[emoji: happy]"),
        ("()", String::new(), "()"),
        ("()", r#","emojis":7"#.to_owned(), "()"),
        ("()", emojis(&[(0, 90), (usize::MAX, 2)]), "()"),
    ] {
        let JobKind::Question { text: asked, .. } = job(&event(text, &more)).kind else { panic!("{text}") };
        assert_eq!(asked, words);
    }
    let nameless = event("() ()", &emojis(&[(3, 2), (0, 2)]));
    assert_eq!(job(&nameless).kind, JobKind::NotUnderstood);
    assert!(matches!(one(&nameless.replace(r#""replyToken":"r","#, "")), Verdict::Skip(_)));
    // In a group both the mention and the emojis have their places in the text that LINE sent.
    let mention = |index: usize| {
        format!(r#","mention":{{"mentionees":[{{"isSelf":true,"index":{index},"length":6}}]}}"#)
    };
    for (text, places, index, words) in [
        ("𠮷()@Henji (a)hi", &[(2, 2), (11, 3)][..], 4, "𠮷[emoji] [emoji: a]hi"),
        ("@Henji() hi", &[(6, 2)], 0, "[emoji] hi"),
        ("()() hi @Henji", &[(0, 2), (2, 2)], 8, "[emoji][emoji] hi"),
        ("@Henji ()", &[(7, 2)], 0, "[emoji]"),
        ("@Henji hi()", &[(5, 4)], 0, "hi()"),
    ] {
        let event = in_group("message", text, &(emojis(places) + &mention(index)));
        let JobKind::Question { text: asked, .. } = job(&event).kind else { panic!("{text}") };
        assert_eq!(asked, words);
    }
}

#[test]
fn what_line_keeps_is_named_to_be_fetched() {
    for (kind, expected) in [
        (r#""type":"image""#, Content::IMAGE),
        (r#""type":"audio","duration":60000"#, Content::Voice { duration_ms: Some(60_000) }),
        (r#""type":"audio","duration":-1"#, Content::Voice { duration_ms: None }),
        (r#""type":"video","duration":60000"#, Content::Video),
    ] {
        let kept = format!(r#"{kind},"contentProvider":{{"type":"line"}}"#);
        let event = QUESTION.replace(r#""type":"text""#, &kept).replace(r#","text":"hello""#, "");
        let JobKind::Question { text, content, message_id, .. } = job(&event).kind else { panic!("{event}") };
        assert_eq!((text.as_str(), content, message_id.unwrap().as_str()), ("", Some(expected), "5"));
    }
}

#[test]
fn an_image_says_its_set_and_an_odd_set_hides_no_image() {
    let set = |index, total| Content::Image { set: Some(ImageSet { id: "E1".to_owned(), index, total }) };
    for (fields, expected) in [
        (r#"{"id":"E1","index":2,"total":3}"#, set(Some(2), Some(3))),
        (r#"{"id":"E1"}"#, set(None, None)),
        (r#"{"id":"E1","index":-1,"total":"3"}"#, set(None, None)),
        (r#"{"id":"E1","index":5000000000,"total":100}"#, set(None, Some(100))),
        (r#"{"id":7,"index":1,"total":1}"#, Content::IMAGE),
        (r#"{"index":1,"total":1}"#, Content::IMAGE),
        ("null", Content::IMAGE),
        ("[]", Content::IMAGE),
    ] {
        let kept = format!(r#""type":"image","contentProvider":{{"type":"line"}},"imageSet":{fields}"#);
        let event = QUESTION.replace(r#""type":"text""#, &kept).replace(r#","text":"hello""#, "");
        let JobKind::Question { content, .. } = job(&event).kind else { panic!("{event}") };
        assert_eq!(content, Some(expected), "{fields}");
    }
}

#[test]
fn a_file_says_its_name_and_size_and_an_odd_one_hides_no_message() {
    let of = |name: &str, size_bytes| Content::File { name: name.to_owned(), size_bytes };
    let long = "あ".repeat(300) + ".pdf";
    for (fields, expected) in [
        (r#""fileName":"a.pdf","fileSize":2138"#.to_owned(), of("a.pdf", Some(2_138))),
        (r#""fileName":"a.pdf","fileSize":3000000000"#.to_owned(), of("a.pdf", Some(3_000_000_000))),
        (r#""fileName":"a\u0000\n/\ud83d.md","fileSize":-1"#.to_owned(), of("a\0\n/\u{fffd}.md", None)),
        (r#""fileName":7,"fileSize":"x""#.to_owned(), of("", None)),
        (r#""contentProvider":{"type":"external"}"#.to_owned(), of("", None)),
        (format!(r#""fileName":"{long}""#), of(&long[3 * (300 - 251)..], None)),
    ] {
        let file = format!(r#""type":"file",{fields}"#);
        let event = QUESTION.replace(r#""type":"text""#, &file).replace(r#","text":"hello""#, "");
        let JobKind::Question { content, .. } = job(&event).kind else { panic!("{event}") };
        assert_eq!(content, Some(expected), "{event}");
    }
    let nameless = QUESTION.replace(r#""id":"5","type":"text""#, r#""type":"file""#);
    assert_eq!(job(&nameless).kind, JobKind::NotUnderstood);
}

#[test]
fn friends_come_and_go_and_take_back_what_they_said() {
    let event = |kind: &str, more: &str| {
        format!(r#"{{"type":"{kind}","mode":"active","source":{{"type":"user","userId":"U1"}}{more}}}"#)
    };
    assert_eq!(job(&event("follow", r#","replyToken":"r""#)).kind, JobKind::Follow { is_unblocked: false });
    for (follow, is_unblocked) in
        [(r#"{"isUnblocked":true}"#, true), (r#"{"isUnblocked":false}"#, false), ("{}", false), ("7", false)]
    {
        let follow = event("follow", &format!(r#","replyToken":"r","follow":{follow}"#));
        assert_eq!(job(&follow).kind, JobKind::Follow { is_unblocked }, "{follow}");
    }
    assert!(matches!(one(&event("follow", "")), Verdict::Skip(_)));
    assert_eq!(job(&event("unfollow", "")).kind, JobKind::Unfollow);
    let unsend = event("unsend", r#","unsend":{"messageId":"5"}"#);
    let message_id = "5".to_owned().try_into().unwrap();
    assert_eq!(job(&unsend).kind, JobKind::Unsend { message_id });
    let nameless = QUESTION.replace(r#""webhookEventId":"01H","#, "");
    assert_ne!(job(&unsend).event_id, job(&nameless).event_id, "it is not taken for the message itself");
}

#[test]
fn the_source_says_of_what_kind_a_conversation_is_whatever_letter_its_id_begins_with() {
    let event = |source: &str| job(&QUESTION.replace(r#""type":"user","userId":"U1""#, source)).conversation;
    for id in ["U1", "C1", "R1", "x1"] {
        let user = format!(r#""type":"user","userId":"{id}""#);
        assert_eq!(event(&user), ConversationId::User(id.to_owned().try_into().unwrap()));
        for kind in ["group", "room"] {
            let source = format!(r#""type":"{kind}","{kind}Id":"{id}""#);
            let quoted = QUESTION
                .replace(r#""type":"user","userId":"U1""#, &source)
                .replace(r#""text":"hello""#, r#""text":"hello","quotedMessageId":"7""#);
            let expected = match kind {
                "group" => ConversationId::Group(id.to_owned().try_into().unwrap()),
                _ => ConversationId::Room(id.to_owned().try_into().unwrap()),
            };
            let job = job(&quoted);
            assert_eq!(job.conversation, expected);
            assert_eq!(Job::decode(&job.encode()).unwrap(), job);
        }
    }
}

/// Returns an event with a text in a group.
fn in_group(kind: &str, text: &str, more: &str) -> String {
    format!(
        r#"{{"type":"{kind}","webhookEventId":"01H","replyToken":"r","timestamp":1,"source":{{"type":"group",
        "groupId":"C1","userId":"U1"}},"message":{{"id":"5","type":"text","text":"{text}"{more}}}}}"#
    )
}

const MENTION: &str = r#","mention":{"mentionees":[{"type":"user","isSelf":true,"index":0,"length":6}]}"#;

#[test]
fn in_a_group_only_what_is_said_to_the_bot_is_a_job() {
    let asked = |event: &str| match job(event) {
        Job { kind: JobKind::Question { text, only_if_quoting_bot, .. }, conversation, speaker, .. } => {
            assert_eq!((conversation.as_str(), speaker.unwrap().as_str()), ("C1", "U1"));
            (text, only_if_quoting_bot)
        }
        other => panic!("{other:?}"),
    };
    let message = |text: &str, more: &str| in_group("message", text, more);
    assert_eq!(asked(&message("@Henji hi", MENTION)), ("hi".to_owned(), false));
    let quote = r#","quotedMessageId":"7""#;
    assert_eq!(asked(&message("hi", quote)), ("hi".to_owned(), true));
    assert_eq!(asked(&message("@Henji hi", &format!("{MENTION}{quote}"))), ("hi".to_owned(), false));
    let sticker = message("hi", quote).replace(r#""type":"text""#, r#""type":"sticker","keywords":["love"]"#);
    assert_eq!(asked(&sticker), ("hi [sticker: love]".to_owned(), true));
    let silent = [
        message("hi", ""),
        message("hi", r#","mention":7"#),
        sticker.replace(quote, ""),
        message("hi", quote)
            .replace(r#""type":"text""#, r#""type":"image","contentProvider":{"type":"line"}"#),
        message("@Henji hi", MENTION).replace(r#""type":"text""#, r#""type":"image""#),
    ];
    for event in silent {
        assert!(matches!(one(&event), Verdict::Skip(_)), "{event}");
    }
    let in_room = message("@Henji hi", MENTION).replace("\"group\"", "\"room\"").replace("groupId", "roomId");
    assert_eq!(asked(&in_room).0, "hi");
    let nobody = message("@Henji hi", MENTION).replace(r#","userId":"U1""#, "");
    assert_eq!(job(&nobody).speaker, None);
    assert_eq!(job(QUESTION).speaker, None, "who speaks in a private chat is known by the chat");
}

#[test]
fn the_bot_comes_and_goes() {
    let event = |kind: &str| in_group(kind, "x", "");
    assert_eq!(job(&event("join")).kind, JobKind::Join);
    assert!(matches!(one(&event("join").replace(r#""replyToken":"r","#, "")), Verdict::Skip(_)));
    assert_eq!(job(&event("leave")).kind, JobKind::Unfollow);
    for kind in ["memberJoined", "memberLeft"] {
        assert!(matches!(one(&event(kind)), Verdict::Skip(_)));
    }
}

#[test]
fn a_change_overtakes_its_message_and_is_a_question_of_its_own_where_it_calls_the_bot() {
    let jobs = |event: &str| {
        let verdicts = parse(format!(r#"{{"events":[{event}]}}"#).as_bytes(), None, 7).unwrap();
        let job = |verdict| if let Verdict::Job(job) = verdict { *job } else { panic!("{verdict:?}") };
        verdicts.into_iter().map(job).collect::<Vec<_>>()
    };
    let id = |id: &str| MessageId::try_from(id.to_owned()).unwrap();
    let edited = |text: &str| JobKind::Edited { message_id: id("5"), text: text.into(), quotes: None };
    let both = jobs(&in_group("messageEdited", "@Henji hi", MENTION));
    assert_eq!((both.len(), &both[0].kind, both[0].group().as_str()), (2, &edited("hi"), "edit.5"));
    assert_eq!((both[0].event_id.as_str(), both[0].happened_at), ("01H", Some(1)));
    assert!(matches!(&both[1].kind, JobKind::Question { text, .. } if text == "hi"));
    assert_eq!((both[1].group().as_str(), both[1].reply_token.as_deref()), ("C1", Some("r")));
    assert_eq!(both[1].event_id, both[0].event_id.derived("question"));
    // A message that no longer calls the bot is not answered, and the words of a message that never called it are not
    // kept.
    let [uncalled] = &jobs(&in_group("messageEdited", "hi", ""))[..] else { panic!() };
    assert_eq!(uncalled.kind, edited(""));
    // If nothing else calls the bot, *answer* finds out whose message it quotes.
    let quote = r#","quotedMessageId":"7""#;
    let quoting = &jobs(&in_group("messageEdited", "hi", quote))[0];
    assert_eq!(
        quoting.kind,
        JobKind::Edited { message_id: id("5"), text: "hi".into(), quotes: Some(id("7")) }
    );
    let calling = &jobs(&in_group("messageEdited", "@Henji hi", &format!("{MENTION}{quote}")))[0];
    assert_eq!(calling.kind, edited("hi"));
}

#[test]
fn in_standby_nothing_is_answered_and_what_is_taken_back_or_left_is_forgotten() {
    let standby = |kind: &str, more: &str| {
        one(&format!(
            r#"{{"type":"{kind}","mode":"standby","webhookEventId":"01H","source":{{"type":"group","groupId":"C1","userId":"U1"}}{more}}}"#
        ))
    };
    let unsend = JobKind::Unsend { message_id: "5".to_owned().try_into().unwrap() };
    for (kind, more, ask) in [
        ("unsend", r#","unsend":{"messageId":"5"}"#, unsend),
        ("unfollow", "", JobKind::Unfollow),
        ("leave", "", JobKind::Unfollow),
    ] {
        let Verdict::Job(job) = standby(kind, more) else { panic!("{kind}") };
        assert_eq!((job.kind, job.reply_token), (ask, None), "{kind}");
    }
    let words = r#","replyToken":"r","message":{"type":"text","id":"5","text":"bot hi"}"#;
    for kind in ["message", "messageEdited", "follow", "join", "postback", "newer"] {
        assert!(matches!(standby(kind, words), Verdict::Skip(_)), "{kind}");
    }
    assert!(matches!(one(r#"{"mode":"standby"}"#), Verdict::Skip(_)));
    assert!(matches!(standby("unsend", ""), Verdict::Odd(_)));
}

#[test]
fn everything_else_is_skipped_with_a_reason() {
    for (from, to) in [
        (r#""mode":"active""#, r#""mode":"standby""#),
        (r#""type":"message""#, r#""type":"videoPlayComplete""#),
        (r#""type":"user","userId":"U1""#, r#""type":"group","groupId":"C1","userId":"U1""#),
        (r#""type":"user","userId":"U1""#, r#""type":"room","roomId":"R1""#),
        ("hello", " \\n\u{3000}"),
        ("hello", "\u{200b}\u{2060}\u{fe0f}\u{200e}"),
        (r#""type":"message""#, r#""type":"messageEdited""#),
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
        r#"{"type":"message","source":{"type":"group","userId":"U1"},"message":{"type":"text","text":"x"}}"#,
        r#"{"type":"messageEdited","source":{"type":"group","groupId":"C1"},"message":{"type":"text","text":"x"}}"#,
        r#"{"type":"message","source":{"type":"newer"},"message":{"type":"text","text":"x"}}"#,
    ];
    for event in odd {
        let verdicts = parse(format!(r#"{{"events":[{event},{QUESTION}]}}"#).as_bytes(), None, 7).unwrap();
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
        assert!(parse(body.as_bytes(), None, 7).is_err(), "{body:.60}");
    }
    assert!(parse(b"{\"events\":[],\"x\":\"\xff\"}", None, 7).is_err());
    assert!(parse(b"", None, 7).is_err());
    assert_eq!(parse(b" {\"events\":[]}", None, 7).unwrap(), []);
}

#[test]
fn a_tap_on_a_button_of_the_bot_is_a_question_by_button_wherever_it_is() {
    let tap = |source: &str, postback: &str| {
        format!(
            r#"{{"type":"postback","mode":"active","webhookEventId":"01H","replyToken":"r","timestamp":1,"source":{source},"postback":{postback}}}"#
        )
    };
    let retry = r#"{"data":"henji:retry","params":{"new":[1]}}"#;
    for (source, speaker) in [
        (r#"{"type":"user","userId":"U1"}"#, None),
        (r#"{"type":"group","groupId":"C1","userId":"U1"}"#, Some("U1")),
        (r#"{"type":"room","roomId":"R1"}"#, None),
    ] {
        let job = job(&tap(source, retry));
        let JobKind::Question { text, by_button, message_id, .. } = &job.kind else { panic!("{job:?}") };
        assert_eq!((text.as_str(), by_button, message_id), ("henji:retry", &true, &None));
        assert_eq!(job.speaker.as_ref().map(shared::job::UserId::as_str), speaker);
        assert_eq!(job.reply_token.as_deref(), Some("r"));
    }
    let user = r#"{"type":"user","userId":"U1"}"#;
    let long = format!(r#"{{"data":"henji:persona:{}"}}"#, "x".repeat(100_000));
    for others in
        [r#"{"data":"action=buy"}"#, r#"{"data":""}"#, r#"{"data":"forget"}"#, r#"{"data":"henji:"}"#, &long]
    {
        assert!(matches!(one(&tap(user, others)), Verdict::Skip(_)), "{others:.20}");
    }
    for odd in ["null", "7", "{}", r#"{"data":7}"#, "[]"] {
        assert!(matches!(one(&tap(user, odd)), Verdict::Skip(_)), "{odd}");
    }
    let standby = tap(user, retry).replace("active", "standby");
    assert!(matches!(one(&standby), Verdict::Skip(_)));
}
