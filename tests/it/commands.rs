use cli::commands::send::webhook_of;
use emulator::{faults::Fault, line::PUSH};
use serde_json::{Value, json};
use shared::job::ConversationId;
use worker::{
    locale::{Locale, Words},
    rules::persona::Chosen,
};

use crate::harness::{
    chat::{Chat, SLOW, contents, says, story, takes_back, without_additions},
    local::{Bot, USER},
};

mod loose;

story!(an_operators_character_is_nobodys_to_change_where_no_personas_are_set, "SYSTEM_PROMPT" = "be kind");

mod told {
    use super::*;

    pub(super) async fn an_operators_character_is_nobodys_to_change_where_no_personas_are_set(
        chat: &dyn Chat,
    ) {
        let character = || {
            let asked = chat.model().asked().pop().unwrap().body;
            without_additions(asked["messages"][0]["content"].as_str().unwrap()).to_owned()
        };
        // A person chose one of these while the bot still offered personas.
        for chosen in [Chosen::Named("Teacher".to_owned()), Chosen::Described("a pirate".to_owned())] {
            let chosen = serde_json::to_string(&chosen).unwrap();
            chat.history()
                .choose(&ConversationId::of_known_id(USER.to_owned()).unwrap(), Some(chosen), None)
                .await
                .unwrap();
            for text in ["who are you?", "persona", "persona: a pirate", "ペルソナ：先生"] {
                chat.takes(says(text)).await;
                chat.drains().await;
                let sent = chat.line().sent().pop().unwrap();
                assert_eq!(sent.texts, [format!("answer to {text}")]);
                assert_eq!((character().as_str(), &sent.messages[0].sender), ("be kind", &None));
            }
        }
        chat.takes(says("help")).await;
        chat.drains().await;
        let help = chat.line().sent().pop().unwrap();
        assert!(!help.texts[0].contains("persona"), "{help:?}");
        assert!(help.messages[0].buttons.iter().all(|button| button.text != "persona"), "{help:?}");
    }
}

fn english() -> &'static Words {
    Locale::En.words()
}

/// Returns the messages of the last prompt.
fn last_prompt(bot: &Bot) -> Vec<String> {
    contents(&bot.model.asked().last().unwrap().body).into_iter().map(str::to_owned).collect()
}

/// Returns the labels and texts of the buttons below the last bubble that was sent.
fn buttons(bot: &Bot) -> Vec<(String, String)> {
    let sent = bot.line.faults.all_seen().into_iter().rfind(|seen| seen.body["messages"].is_array()).unwrap();
    let items = sent.body["messages"].as_array().unwrap().last().unwrap()["quickReply"]["items"].clone();
    let button = |item: &Value| {
        let word = |name: &str| item["action"][name].as_str().unwrap().to_owned();
        (word("label"), word("text"))
    };
    items.as_array().into_iter().flatten().map(button).collect()
}

#[tokio::test]
async fn what_is_forgotten_is_in_no_later_prompt_and_in_no_file() {
    let mut bot = Bot::start().await;
    for text in ["my name is Momotaro-five", "忘れて", "what is my name?"] {
        bot.hears(text).await;
        bot.drain().await;
    }
    bot.answers(&["answer to my name is Momotaro-five", english().forgotten, "answer to what is my name?"])
        .await;
    assert_eq!(last_prompt(&bot)[1..], ["what is my name?"]);
    assert_eq!(bot.model.asked().len(), 2);
    let kept = Chat::kept(&bot).await;
    assert!(!kept.contains("Momotaro"), "{kept}");
}

#[tokio::test]
async fn what_is_forgotten_is_not_left_in_the_databases_files_either() {
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "1")], |_| {}).await;
    bot.hears("my name is Momotaro-five").await;
    bot.drain().await;
    // The word is in the file itself, and once more in its write-ahead log and in a letter.
    bot.truncates_log();
    bot.model.plan_error(400, "content_filter");
    bot.hears("Momotaro-five again").await;
    bot.drain().await;
    assert_eq!(files_that_hold(&bot, b"Momotaro-five"), 2);
    bot.hears("forget").await;
    bot.until("no file holds it", async || files_that_hold(&bot, b"Momotaro-five") == 0).await;
    bot.drain().await;
    assert_eq!((bot.letters().await, bot.says().await.pop()), (json!([]), Some(english().forgotten.into())));
}

#[tokio::test]
async fn what_is_taken_back_while_it_waits_is_not_left_in_the_databases_files_either() {
    let bot = Bot::start().await;
    bot.model.plan_fault(SLOW);
    let message = says("Momotaro-five");
    for webhook in [says("hold"), message.clone(), takes_back(&message)] {
        assert_eq!(bot.posts(webhook.to_string()).await, 200);
    }
    bot.until("no file holds it", async || files_that_hold(&bot, b"Momotaro-five") == 0).await;
    assert_eq!(bot.line.sent().len(), 0, "it waits still");
    bot.drain().await;
    bot.until("no file holds it", async || files_that_hold(&bot, b"Momotaro-five") == 0).await;
}

#[tokio::test]
async fn what_is_taken_back_while_line_asks_for_ten_minutes_patience_is_gone_at_once() {
    let bot = Bot::start().await;
    let patience = vec![("retry-after", "600".to_owned())];
    bot.line.faults.plan_next(PUSH, Fault::Respond(429, patience, "{}".into()));
    let message = says("Momotaro-six");
    assert_eq!(bot.posts(message.to_string()).await, 200);
    bot.until("it waits", async || {
        bot.health().await == json!({ "queued": 1, "in_flight": 0, "dead_letters": 0 })
    })
    .await;
    assert_eq!(bot.posts(takes_back(&message).to_string()).await, 200);
    bot.drain().await;
    bot.until("no file holds it", async || files_that_hold(&bot, b"Momotaro-six") == 0).await;
    assert_eq!(bot.line.sent().len(), 0);
}

fn files_that_hold(bot: &Bot, words: &[u8]) -> usize {
    let files = std::fs::read_dir(bot.database().parent().unwrap()).unwrap();
    let files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.filter(|bytes| bytes.windows(words.len()).any(|part| part == words)).count()
}

#[tokio::test]
async fn forgetting_in_mid_answer_ends_it_in_silence() {
    let mut bot = Bot::start().await;
    bot.model.set_think_time(std::time::Duration::from_secs(1));
    bot.hears("a secret").await;
    bot.hears("／ＦＯＲＧＥＴ").await;
    bot.hears("hi").await;
    bot.answers(&[english().forgotten, "answer to hi"]).await;
    assert_eq!(last_prompt(&bot)[1..], ["hi"]);
}

#[tokio::test]
async fn a_dead_letter_from_before_goes_too() {
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "1")], |_| {}).await;
    bot.model.plan_error(400, "content_filter");
    bot.hears("a secret").await;
    bot.answers(&[english().refused]).await;
    bot.hears("forget").await;
    bot.answers(&[english().forgotten]).await;
    assert_eq!(bot.letters().await, json!([]), "nobody would answer it any more");
    assert_eq!(bot.model.asked().len(), 1);
}

#[tokio::test]
async fn a_sentence_with_a_command_in_it_is_answered_like_any_other() {
    let mut bot = Bot::start().await;
    for text in ["please help me", "昨日のことは忘れてください", "ペルソナとは何ですか", "続けて走る"]
    {
        bot.hears(text).await;
        bot.answers(&[&format!("answer to {text}")]).await;
    }
}

#[tokio::test]
async fn help_names_the_commands_asks_no_model_and_is_no_part_of_the_conversation() {
    let mut bot = Bot::start().await;
    bot.hears("ヘルプ").await;
    bot.answers(&[english().help]).await;
    let texts: Vec<String> = buttons(&bot).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["retry", "persona", "forget"]);
    assert!(bot.model.asked().is_empty());
    assert!(bot.messages().is_empty());
}

#[tokio::test]
async fn a_persona_is_picked_described_and_put_off_again() {
    let offer = r#"[{"name":"Pirate","prompt":"You are a pirate.","icon":"https://example.com/p.png"}]"#;
    let mut bot = Bot::with(&[("SYSTEM_PROMPT", "be kind"), ("PERSONAS", offer)], |_| {}).await;
    bot.hears("persona").await;
    bot.answers(&[english().persona_ask]).await;
    let offered = [("Pirate", "persona: Pirate"), ("default", "persona: default")];
    assert_eq!(buttons(&bot), offered.map(|(label, text)| (label.to_owned(), text.to_owned())));

    bot.hears("persona: Pirate").await;
    bot.hears("ahoy").await;
    bot.answers(&[&(english().persona_set)("Pirate"), "answer to ahoy"]).await;
    let prompt = last_prompt(&bot);
    assert!(prompt[0].starts_with("be kind\n") && prompt[0].ends_with("You are a pirate."), "{prompt:?}");
    assert_eq!(prompt[1..], ["ahoy"]);
    let sender = json!({ "name": "Pirate", "iconUrl": "https://example.com/p.png" });
    assert_eq!(bot.pushes_tried().pop().unwrap().1["messages"][0]["sender"], sender);

    // The persona is this conversation's own, and it stays when the messages are forgotten.
    bot.hears_from("U-another", "hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(last_prompt(&bot)[0], "be kind");
    bot.hears("forget").await;
    bot.answers(&[english().forgotten]).await;
    bot.hears("ペルソナ：優しい先生").await;
    bot.answers(&[&(english().persona_set)("優しい先生")]).await;
    bot.hears("hello").await;
    bot.answers(&["answer to hello"]).await;
    let system = &last_prompt(&bot)[0];
    assert!(system.starts_with("be kind\n") && system.ends_with("優しい先生"), "{system}");

    // The bot repeats it in one line, and cut to a limit.
    let who = format!("Captain Ⅳ\nof NASA{}", "👨‍👩‍👧".repeat(40));
    bot.hears(&format!("ペルソナ：{who}")).await;
    let back = format!("Captain Ⅳ of NASA{}…", "👨‍👩‍👧".repeat(23));
    bot.hears("hello").await;
    bot.answers(&[&(english().persona_set)(&back), "answer to hello"]).await;
    assert!(last_prompt(&bot)[0].ends_with(&who));

    bot.hears(&format!("persona: {}", "x".repeat(501))).await;
    bot.hears("persona: default").await;
    bot.hears("and now?").await;
    bot.answers(&[english().persona_too_long, english().persona_reset, "answer to and now?"]).await;
    assert_eq!(last_prompt(&bot)[0], "be kind");
}

#[tokio::test]
async fn where_nobody_may_change_it_the_word_is_a_question() {
    let mut bot = Bot::with(&[("PERSONAS", "off")], |_| {}).await;
    bot.hears("persona: pirate").await;
    bot.answers(&["answer to persona: pirate"]).await;
}

#[tokio::test]
async fn a_persona_takes_the_place_of_the_built_in_character_only() {
    let mut bot = Bot::start().await;
    bot.hears("persona: Butler").await;
    bot.hears("hi").await;
    bot.answers(&[&(english().persona_set)("Butler"), "answer to hi"]).await;
    assert!(last_prompt(&bot)[0].starts_with("You are a discreet"), "{:?}", last_prompt(&bot));
}

#[tokio::test]
async fn a_persona_that_leaves_no_room_for_questions_is_too_long() {
    let mut bot = Bot::with(&[("CONTEXT_TOKENS", "250"), ("MAX_TOKENS", "100")], |_| {}).await;
    let told = (english().persona_set)("a pirate");
    bot.hears("persona: a pirate").await;
    bot.hears(&format!("persona: {}", "word ".repeat(99))).await;
    bot.hears("hi").await;
    bot.answers(&[&told, english().persona_too_long, "answer to hi"]).await;
    assert!(last_prompt(&bot)[0].ends_with("a pirate"), "{:?}", last_prompt(&bot));
}

#[tokio::test]
async fn the_last_question_is_answered_again_in_place_of_its_answer() {
    let mut bot = Bot::start().await;
    bot.hears("retry").await;
    bot.answers(&[english().nothing_to_retry]).await;
    bot.hears("one").await;
    bot.hears("two").await;
    bot.hears("もう一度").await;
    bot.answers(&["answer to one", "answer to two", "answer to two"]).await;
    assert_eq!(last_prompt(&bot)[1..], ["one", "answer to one", "two"]);
    bot.hears("three").await;
    bot.answers(&["answer to three"]).await;
    assert_eq!(last_prompt(&bot)[1..], ["one", "answer to one", "two", "answer to two", "three"]);
}

#[tokio::test]
async fn a_question_that_found_no_answer_is_asked_again_and_its_letter_has_nothing_left_to_do() {
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "1")], |_| {}).await;
    bot.hears("one").await;
    bot.answers(&["answer to one"]).await;
    for _ in 0..3 {
        bot.model.plan_error(500, "server_error");
    }
    bot.hears("two").await;
    bot.answers(&[english().no_answer]).await;
    assert_eq!(buttons(&bot), [(english().labels.retry.to_owned(), "retry".to_owned())]);
    bot.hears("retry").await;
    bot.answers(&["answer to two"]).await;
    assert_eq!(last_prompt(&bot)[1..], ["one", "answer to one", "two"]);
    bot.redrives().await;
    bot.answers(&[]).await;
    assert_eq!(bot.letters().await, json!([]));
    // The exchange is part of the conversation as if it had been answered at once.
    bot.hears("three").await;
    bot.answers(&["answer to three"]).await;
    assert_eq!(last_prompt(&bot)[1..], ["one", "answer to one", "two", "answer to two", "three"]);
}

#[tokio::test]
async fn a_cut_answer_offers_to_go_on_and_does() {
    let mut bot = Bot::start().await;
    bot.hears("続けて").await;
    bot.answers(&[english().nothing_to_continue]).await;
    bot.model.plan_completion(json!({ "role": "assistant", "content": "Once upon a" }), "length");
    bot.hears("a story").await;
    bot.answers(&[&format!("Once upon a\n\n{}", english().cut)]).await;
    assert_eq!(buttons(&bot)[0], (english().labels.go_on.to_owned(), "continue".to_owned()));
    bot.hears("continue").await;
    assert_eq!(bot.says().await.len(), 1);
    let prompt = last_prompt(&bot);
    assert_eq!(prompt[1..3], ["a story", "Once upon a"]);
    assert!(prompt[3].starts_with("Continue your last answer"), "{prompt:?}");
    bot.hears("retry").await;
    assert_eq!(bot.says().await.len(), 1);
    assert_eq!(last_prompt(&bot), prompt, "to go on again is to go on from the same place");
    let kept = bot.messages();
    assert!(kept[2].1.contains("continue") && !kept[2].1.contains("last answer"), "{kept:?}");
}

#[tokio::test]
async fn a_command_that_comes_twice_is_obeyed_once() {
    let mut bot = Bot::start().await;
    let webhook = webhook_of("help", USER).to_string();
    for _ in 0..2 {
        assert_eq!(bot.posts(webhook.clone()).await, 200);
    }
    bot.answers(&[english().help]).await;
}
