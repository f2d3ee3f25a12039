#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn check(text: &str, sizes: &[usize]) {
    let pieces = split(text, &[]);
    assert_eq!(pieces.concat(), text);
    assert_eq!(pieces.iter().map(|p| units(p)).collect::<Vec<_>>(), sizes);
}

#[test]
fn what_fits_is_one_message() {
    check("hello", &[5]);
    check(&"\u{3042}".repeat(5_000), &[5_000]);
    check(&"\u{1f34e}".repeat(2_500), &[5_000]);
}

#[test]
fn a_long_text_is_cut_at_a_paragraph_then_a_sentence_then_a_grapheme() {
    let a = |n| "a".repeat(n);
    check(&format!("{}.\n\n{}. {}", a(3_000), a(1_000), a(3_000)), &[3_003, 4_002]);
    check(&format!("{}。{}", "\u{3042}".repeat(4_000), "\u{3044}".repeat(3_000)), &[4_001, 3_000]);
    check(&format!("{}. {}", a(4_998), a(10)), &[5_000, 10]);
    check(&a(10_001), &[5_000, 5_000, 1]);
    // A paragraph that ends in the first half would leave a small bubble.
    check(&format!("{}\n\n{}", a(2_498), a(5_000)), &[5_000, 2_500]);
    check(&format!("{}\n\n{}", a(2_499), a(5_000)), &[2_501, 5_000]);
}

#[test]
fn no_grapheme_is_broken_unless_it_is_longer_than_a_message() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let pieces: Vec<_> = split(&family.repeat(1_000), &[]).into_iter().map(str::to_owned).collect();
    assert!(pieces.iter().all(|p| p.len() % family.len() == 0));
    check(&format!("e{}", "\u{301}".repeat(7_000)), &[5_000, 2_001]);
}

#[test]
fn an_address_and_a_block_of_code_stay_in_one_piece() {
    let url = "https://example.com/a?b=c.d#e";
    check(&format!("{} {url} end", "a".repeat(4_990)), &[4_991, 33]);
    // The address does not have to move to the next message if it ends with this one.
    check(&format!("{} https://example.com{}", "a".repeat(4_980), " b".repeat(20)), &[5_000, 40]);
    // An address elsewhere does not prevent that a message ends with a sentence.
    check(&format!("https://example.com/ {}! {}", "a".repeat(3_000), "a".repeat(3_000)), &[3_023, 3_000]);
    check(&format!("{}! https://example.com/ {}", "a".repeat(3_000), "a".repeat(3_000)), &[3_002, 3_021]);
    // The end of a sentence before the address is the better place.
    check(&format!("{}. {} {url}", "a".repeat(3_000), "B".repeat(1_990)), &[3_002, 2_020]);

    let code = "x. Y\n\n".repeat(500);
    let text = format!("See:\n{}\n{code}", "あ".repeat(2_400));
    let block = text.len() - code.len()..text.len();
    let pieces = split(&text, std::slice::from_ref(&block));
    assert_eq!(pieces.iter().map(|p| units(p)).collect::<Vec<_>>(), [2_406, 3_000]);
    // A block that does not fit into one message is cut like all other text.
    let code = code.repeat(3);
    let block = 0..code.len();
    assert_eq!(split(&code, std::slice::from_ref(&block)).concat(), code);
}

#[test]
fn the_beginning_of_a_text_ends_where_a_message_would() {
    let a = |n| "a".repeat(n);
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    for (text, bytes, begins) in [
        ("abc", 2, "ab"),
        ("あい", 4, "あ"),
        ("Words. More of them.", 10, "Words."),
        ("W. More of them.", 10, "W. More of"),
        (&family.repeat(3), 40, &family.repeat(2)),
        ("see https://example.com/abc", 20, "see"),
        ("https://example.com/abc", 10, "https://ex"),
        ("see https://example.com/ and", 24, "see https://example.com/"),
        ("see! https://example.com/ and", 26, "see! https://example.com/"),
        ("so it is! https://example.com more", 17, "so it is!"),
        ("so it is! http://a b", 19, "so it is!"),
        // Only the last part, as long as one message, is searched for an end.
        (&format!("{}! {}", a(6_000), a(2_000)), 7_000, &format!("{}!", a(6_000))),
        (&format!("{} https://example.com/{}", a(6_000), a(2_000)), 7_000, &a(6_000)),
    ] {
        assert_eq!(beginning(text, bytes), begins, "{bytes}");
    }
}

#[test]
fn five_messages_a_push_and_white_space_is_never_a_message() {
    let to = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let pushes = |text: &str| pushes(&to, &text.into());
    assert_eq!(pushes("hi"), [r#"{"to":"U1","messages":[{"type":"text","text":"hi"}]}"#]);
    assert_eq!(pushes(&"a".repeat(25_000)).len(), 1);
    assert_eq!(pushes(&"a".repeat(25_001)).len(), 2);
    let gap = format!("a{}b", "\n".repeat(20_000));
    assert!(split(&gap, &[]).iter().all(|p| !p.trim().is_empty()));
}

#[test]
fn the_first_bubble_quotes_the_last_has_buttons_and_all_have_the_sender() {
    let to = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let button = |label: &str| Button { label: label.to_owned(), tap: Tap::Says("retry".to_owned()) };
    let reply = Reply {
        heard: None,
        words: "a".repeat(30_000).as_str().into(),
        buttons: (0..14).map(|i| button(&format!("button {i}"))).collect(),
        sender: Some(Sender::new("先生", Some("https://example.com/i.png"))),
        quote: Some("q1"),
        note: None,
    };
    let pushes = pushes(&to, &reply);
    let bodies: Vec<Value> = pushes.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    let messages: Vec<&Value> = bodies.iter().flat_map(|b| b["messages"].as_array().unwrap()).collect();
    assert_eq!((bodies.len(), messages.len()), (2, 6));
    for (index, message) in messages.iter().enumerate() {
        assert_eq!(message["quoteToken"], if index == 0 { json!("q1") } else { Value::Null });
        assert_eq!(message["sender"], json!({ "name": "先生", "iconUrl": "https://example.com/i.png" }));
        assert_eq!(message["quickReply"].is_object(), index == 5);
    }
    let items = messages[5]["quickReply"]["items"].as_array().unwrap();
    let action = json!({ "type": "message", "label": "button 0", "text": "retry" });
    assert_eq!((items.len(), &items[0]), (13, &json!({ "type": "action", "action": action })));

    let photos = Button { label: "photos".to_owned(), tap: Tap::OpensPhotos };
    let photos = serde_json::to_value(photos).unwrap();
    assert_eq!(photos, json!({ "type": "action", "action": { "type": "cameraRoll", "label": "photos" } }));

    let by_token: Value = serde_json::from_str(&by_token("t1", &pushes[1])).unwrap();
    assert_eq!(by_token, json!({ "replyToken": "t1", "messages": bodies[1]["messages"] }));
}

#[test]
fn a_button_sends_its_text_or_its_data() {
    let button = |tap: Tap| json!(Button { label: "🔁 Retry".to_owned(), tap });
    let message = json!({ "type": "message", "label": "🔁 Retry", "text": "retry" });
    assert_eq!(button(Tap::Says("retry".to_owned())), json!({ "type": "action", "action": message }));
    let postback = json!({
        "type": "postback", "label": "🔁 Retry", "data": "henji:retry", "displayText": "retry",
    });
    let sends = Tap::Sends { data: "henji:retry".to_owned(), shown: "retry".to_owned() };
    assert_eq!(button(sends), json!({ "type": "action", "action": postback }));
    let photos = json!({ "type": "cameraRoll", "label": "🔁 Retry" });
    assert_eq!(button(Tap::OpensPhotos), json!({ "type": "action", "action": photos }));
}

#[test]
fn a_sender_has_no_name_that_line_refuses() {
    for name in ["", " ", "\u{200b}", "Online friend", &format!("e{}", "\u{301}".repeat(20))] {
        assert_eq!(json!(Sender::new(name, None)), json!({}), "{name}");
    }
    let family = "👨\u{200d}👩\u{200d}👧";
    for (name, shown) in [
        (" Teacher ", "Teacher"),
        ("twenty letters long!", "twenty letters long!"),
        ("more than twenty letters", "more than twenty let"),
        ("nineteen letters... more", "nineteen letters..."),
        ("先生先生先生先生先生先生先生先生先生先生", "先生先生先生先生先生先生先生先生先生先生"),
        (&"🏴\u{200d}☠\u{fe0f}".repeat(5), &"🏴\u{200d}☠\u{fe0f}".repeat(4)),
        (&"🍎".repeat(11), &"🍎".repeat(10)),
        (&format!("{family}{family}{family}"), &family.repeat(2)),
    ] {
        assert_eq!(json!(Sender::new(name, None)), json!({ "name": shown }), "{name}");
    }
}

#[test]
fn a_note_is_the_last_bubble_of_a_request_that_has_room() {
    let to = ConversationId::of_known_id("U1".to_owned()).unwrap();
    for (bubbles, sent, pushes_sent) in [(1, 2, 1), (4, 5, 1), (5, 5, 1), (6, 6, 2)] {
        let words = "a".repeat(5_000 * bubbles);
        let bodies = pushes(&to, &Reply { note: Some("note"), ..Reply::from(&words[..]) });
        let bodies: Vec<Value> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
        let texts: Vec<&Value> =
            bodies.iter().flat_map(|body| body["messages"].as_array().unwrap()).collect();
        assert_eq!((texts.len(), bodies.len()), (sent, pushes_sent), "{bubbles}");
        assert_eq!(texts[sent - 1]["text"] == "note", sent > bubbles, "{bubbles}");
    }
}

#[test]
fn a_message_that_shows_nothing_is_not_sent() {
    let to = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let reply = Reply { heard: Some("\u{200b}".to_owned()), ..Reply::from("hello") };
    assert_eq!(pushes(&to, &reply), [r#"{"to":"U1","messages":[{"type":"text","text":"hello"}]}"#]);
    let none = pushes(&to, &"\u{200b}\n\u{feff}\u{3164}".into());
    assert!(none.is_empty(), "{none:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn rejoined_text_equals_the_answer(text in "([a-z]{0,9}|[あ-ん。]{1,9}|🍎|👨‍👩‍👧|e\u{301}|\\. |\n\n|\n){0,2500}") {
        let pieces = split(&text, &[]);
        prop_assert!(pieces.iter().all(|p| units(p) <= TEXT_MAX && !p.is_empty()));
        if !text.trim().is_empty() {
            // White space at the end is missing if it would be a message of its own.
            let rejoined = pieces.concat();
            prop_assert_eq!(rejoined.trim_end(), text.trim_end());
        }
        // No boundary is inside a grapheme of the whole text.
        let bounds: std::collections::HashSet<usize> = text.grapheme_indices(true).map(|(i, _)| i).collect();
        let mut at = 0;
        for piece in &pieces {
            prop_assert!(bounds.contains(&at));
            at += piece.len();
        }
    }
}

#[test]
fn what_was_heard_is_a_bubble_of_its_own_before_the_answer_in_the_same_push() {
    let to = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let reply = Reply { heard: Some("🎤 “hi”".to_owned()), quote: Some("q1"), ..Reply::from("hello") };
    let [push] = &pushes(&to, &reply)[..] else { unreachable!("one push") };
    let push: Value = serde_json::from_str(push).unwrap();
    let text = |index: usize| push["messages"][index]["text"].clone();
    assert_eq!((text(0), text(1), text(2)), ("🎤 “hi”".into(), "hello".into(), Value::Null));
    assert_eq!(push["messages"][0]["quoteToken"], "q1");
}

#[test]
fn what_was_heard_is_cut_like_all_else() {
    let to = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let heard = format!("🎤 “e{}”", "\u{301}".repeat(6_000));
    let reply = Reply { heard: Some(heard.clone()), ..Reply::from("hello") };
    let push: Value = serde_json::from_str(&pushes(&to, &reply)[0]).unwrap();
    let texts: Vec<&str> =
        push["messages"].as_array().unwrap().iter().filter_map(|it| it["text"].as_str()).collect();
    assert!(texts.iter().all(|text| text.encode_utf16().count() <= 5_000));
    assert_eq!(texts.concat(), heard + "hello");
}
