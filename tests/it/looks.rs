//! The looks of answers: their language, buttons, sender and quotes.

use std::time::Duration;

use cli::commands::send::webhook_of;
use emulator::line::{Message, Sent, phone, said};
use serde_json::{Value, json};

use crate::harness::local::{Bot, USER};

fn is_here(bot: &Bot, user: &str, name: &str, language: &str) {
    let (id, name, language) = (user.to_owned(), name.to_owned(), language.to_owned());
    assert!(bot.line.add_user(phone::User { id, name, language, follows: true }));
}

fn labels(message: &Message) -> Vec<&str> {
    message.buttons.iter().map(|button| button.label.as_str()).collect()
}

fn follow(user: &str) -> Value {
    let mut event = webhook_of("", user);
    event["events"][0]["type"] = "follow".into();
    event["events"][0]["follow"] = json!({ "isUnblocked": false });
    event["events"][0].as_object_mut().unwrap().remove("message");
    event
}

async fn says_one(bot: &mut Bot) -> Message {
    let sent = bot.sends().await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].messages[0].clone()
}

#[tokio::test]
async fn each_is_spoken_to_in_the_language_of_their_profile() {
    let mut bot = Bot::start().await;
    for (user, language, label) in [
        ("Uja", "ja", "🔁 もう一度"),
        ("Uen", "en-GB", "🔁 Retry"),
        ("Uzh", "zh-TW", "🔁 重試"),
        ("Uko", "ko", "🔁 다시"),
        ("Uth", "th", "🔁 ลองใหม่"),
        // For an unsupported language, or without a profile, the bot uses its own language.
        ("Ufr", "fr", "🔁 Retry"),
    ] {
        is_here(&bot, user, "Aoi", language);
        bot.model.set_think_time(Duration::from_millis(100));
        bot.hears_from(user, "hi").await;
        let message = says_one(&mut bot).await;
        assert_eq!((&message.text[..], labels(&message)[0]), ("answer to hi", label));
    }
    bot.hears_from("Unobody", "hi").await;
    assert_eq!(labels(&says_one(&mut bot).await)[0], "🔁 Retry");
}

#[tokio::test]
async fn buttons_are_below_the_last_bubble_only_and_send_what_the_bot_understands() {
    let mut bot = Bot::start().await;
    bot.model.plan_answer(&"a".repeat(6_000));
    bot.hears("tell me all").await;
    let Sent { messages, .. } = bot.sends().await.remove(0);
    assert!(messages.len() == 2 && messages[0].buttons.is_empty(), "{messages:?}");
    assert_eq!(messages[1].buttons.len(), 2);
    for button in &messages[1].buttons {
        assert!(shared::command::Command::of(&button.text).is_some(), "{button:?}");
    }

    let mut bot = Bot::with(&[("PERSONAS", "off")], |_| {}).await;
    bot.hears("help").await;
    assert_eq!(labels(&says_one(&mut bot).await), ["🔁 Retry", "🧹 Forget our chat"]);
}

#[tokio::test]
async fn a_new_friend_is_greeted_by_name_for_free() {
    let mut bot = Bot::start().await;
    is_here(&bot, USER, "葵 <b>*x*</b>", "ja");
    assert_eq!(bot.posts(follow(USER).to_string()).await, 200);
    let sent = bot.sends().await;
    assert!(sent.len() == 1 && sent[0].retry_key.is_none());
    let message = &sent[0].messages[0];
    assert!(message.text.starts_with("葵 <b>*x*</b>さん、はじめまして！"), "{}", message.text);
    assert_eq!(labels(message), ["🎭 キャラを変える", "❓ 使い方"]);

    // A user without a profile is greeted without a name, and a refused greeting is no failure.
    assert_eq!(bot.posts(follow("Unobody").to_string()).await, 200);
    assert!(says_one(&mut bot).await.text.starts_with("Hi! Thanks"));
    bot.line.plan_error(emulator::line::REPLY, 400, "Invalid reply token");
    assert_eq!(bot.posts(follow("Uanother").to_string()).await, 200);
    bot.answers(&[]).await;
    assert_eq!(bot.health().await["dead_letters"], 0);
}

#[tokio::test]
async fn who_comes_back_is_welcomed_back_by_name() {
    let mut bot = Bot::start().await;
    is_here(&bot, USER, "葵", "ja");
    let now = (worker::clock::wall_clock())();
    bot.line.follows(USER, false, now);
    // LINE shows no profile of a user who blocked the bot; the bot sees this with a message from before the block.
    let before = phone::message_event(said::sticker(7).unwrap(), USER, now);
    assert_eq!(bot.posts(json!({ "events": [before] }).to_string()).await, 200);
    assert!(says_one(&mut bot).await.text.starts_with("Sorry"));
    let back = bot.line.follows(USER, true, now);
    assert_eq!(bot.posts(json!({ "events": [back] }).to_string()).await, 200);
    assert!(says_one(&mut bot).await.text.starts_with("葵さん、おかえりなさい！"));
}

#[tokio::test]
async fn an_answer_quotes_its_question_when_others_came_in_between() {
    let mut bot = Bot::start().await;
    bot.hears("alone").await;
    assert_eq!(says_one(&mut bot).await.quotes, None);

    bot.model.set_think_time(Duration::from_millis(200));
    let mut tokens = vec![];
    for text in ["one", "two"] {
        let webhook = webhook_of(text, USER);
        tokens.push(webhook["events"][0]["message"]["quoteToken"].as_str().map(str::to_owned));
        assert_eq!(bot.posts(webhook.to_string()).await, 200);
    }
    let sent = bot.sends().await;
    let quoted: Vec<_> = sent.iter().map(|sent| sent.messages[0].quotes.clone()).collect();
    assert!(quoted == tokens && tokens[0].is_some(), "{quoted:?}");

    // An answer after a redrive also quotes its question.
    bot.model.plan_error(400, "invalid_request_error");
    bot.hears("refused").await;
    assert!(bot.says().await[0].starts_with("Sorry"));
    bot.redrives().await;
    assert!(says_one(&mut bot).await.quotes.is_some());
}

#[tokio::test]
async fn a_persona_on_offer_answers_with_its_own_name_and_face() {
    let (long, shown) = ("🍎".repeat(11), "🍎".repeat(10));
    let personas = json!([
        { "name": "Online shop", "prompt": "p" },
        { "name": "海", "prompt": "p", "icon": "https://example.com/i.png" },
        { "name": long, "prompt": "p", "icon": "https://example.com/海 賊.png" },
    ])
    .to_string();
    let encoded = "https://example.com/%E6%B5%B7%20%E8%B3%8A.png";
    let mut bot = Bot::with(&[("PERSONAS", &personas)], |_| {}).await;
    bot.hears("hi").await;
    assert_eq!(says_one(&mut bot).await.sender, None);
    for (name, sender, icon) in [
        ("海", Some("海"), Some("https://example.com/i.png")),
        (&long, Some(shown.as_str()), Some(encoded)),
        ("Online shop", None, None),
    ] {
        bot.hears(&format!("persona: {name}")).await;
        bot.drain().await;
        bot.sends().await;
        bot.hears("hi").await;
        let message = says_one(&mut bot).await;
        assert_eq!((message.sender.as_deref(), message.icon.as_deref()), (sender, icon));
    }
}
