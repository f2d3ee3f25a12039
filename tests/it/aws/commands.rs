//! The commands that people send to the bot, on the functions and the table.

use worker::locale::Locale;

use super::text;
use crate::harness::{chat::contents, lambda::bot::Bot};

fn last_prompt(bot: &Bot) -> Vec<String> {
    let asked = bot.model.asked();
    contents(&asked.last().unwrap().body).into_iter().map(str::to_owned).collect()
}

/// Sends a message, and waits for the next message of the bot.
async fn tells(bot: &Bot, said: &mut usize, message: &str) -> String {
    bot.hears(message).await;
    *said += 1;
    bot.says(*said).await.last().unwrap().texts.concat()
}

#[tokio::test]
async fn a_conversation_is_asked_again_given_a_persona_and_forgotten() {
    let words = Locale::En.words();
    let offer = r#"[{"name":"先生","prompt":"You are a teacher."}]"#;
    let bot = Bot::with(&[("LOCALE", "en"), ("SYSTEM_PROMPT", "be kind"), ("PERSONAS", offer)]).await;
    let mut said = 0;
    let mut tell = async |message: &str| tells(&bot, &mut said, message).await;
    assert_eq!(tell("one").await, "answer to one");
    assert_eq!(tell("two").await, "answer to two");
    assert_eq!(tell("ＲＥＴＲＹ").await, "answer to two");
    assert_eq!(last_prompt(&bot), ["be kind", "one", "answer to one", "two"]);

    assert_eq!(tell("ペルソナ：先生").await, (words.persona_set)("先生"));
    assert_eq!(tell("three").await, "answer to three");
    let prompt = last_prompt(&bot);
    assert!(prompt[0].starts_with("be kind\n") && prompt[0].ends_with("You are a teacher."), "{prompt:?}");
    assert_eq!(prompt[1..], ["one", "answer to one", "two", "answer to two", "three"]);

    assert_eq!(tell("forget").await, words.forgotten);
    assert_eq!(tell("retry").await, words.nothing_to_retry);
    assert_eq!(tell("four").await, "answer to four");
    assert_eq!(last_prompt(&bot)[1..], ["four"]);
    let rows = bot.cloud.rows().await;
    let kept: Vec<&str> =
        rows.iter().filter(|row| row.contains_key("lineUserId")).map(|row| text(row, "content")).collect();
    assert!(kept.len() == 2 && kept.iter().all(|content| content.ends_with("four")), "{kept:?}");
    bot.ends().await;
}

#[tokio::test]
async fn a_question_that_found_no_answer_is_asked_again() {
    let words = Locale::En.words();
    let bot = Bot::with(&[("LOCALE", "en"), ("MAX_ATTEMPTS", "1")]).await;
    let mut said = 0;
    let mut tell = async |message: &str| tells(&bot, &mut said, message).await;
    assert_eq!(tell("one").await, "answer to one");
    for _ in 0..3 {
        bot.model.plan_error(500, "server_error");
    }
    assert_eq!(tell("two").await, words.no_answer);
    assert_eq!(tell("retry").await, "answer to two");
    assert_eq!(last_prompt(&bot)[1..], ["one", "answer to one", "two"]);
    assert_eq!(tell("three").await, "answer to three");
    assert_eq!(last_prompt(&bot)[1..], ["one", "answer to one", "two", "answer to two", "three"]);
}
