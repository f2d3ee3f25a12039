//! Stories with real model servers: llama.cpp's, with a tiny model that `tests/servers/llama.py` makes, and LiteLLM's
//! proxy. `tests/long` installs them and runs these stories.

use emulator::{line::said::voice, model::hear};
use serde_json::json;

use crate::{
    harness::{chat::until, local::Bot},
    media::sends,
    real_servers::server::{Relay, Server},
};

mod server;

/// The tiny model's whole answer.
const ANSWER: &str = "Good day to you.";
/// The tiny model's answer to this word does not end.
const ENDLESS: &str = "endlessly";
/// The tokens of a slot. The model counts each byte, so it is full long before the bot thinks so.
const CONTEXT: usize = 8192;

/// Asserts that a question was asked once, became a dead letter for this reason, and got one apology.
async fn gave_up_at_once(relay: &Relay, bot: &mut Bot, reason: &str) {
    let asked = relay.asked().len();
    bot.hears("hi").await;
    let said = bot.says().await;
    assert!(said.len() == 1 && said[0].starts_with("Sorry"), "{said:?}");
    bot.gave_up(reason, "unanswered").await;
    assert_eq!(relay.asked().len(), asked + 1);
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn a_plain_answer_arrives() {
    let llama = Server::llama("plain", CONTEXT, 1);
    for server in [&llama, Server::litellm()] {
        let relay = Relay::before(server).await;
        let mut bot = relay.bot(&[]).await;
        bot.hears("hi").await;
        bot.hears("and you?").await;
        bot.answers(&[ANSWER; 2]).await;
        assert_eq!(relay.asked().len(), 2);
    }
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn older_turns_are_left_out_where_the_context_overflows() {
    let llama = Server::llama("plain", CONTEXT, 1);
    let relay = Relay::before(&llama).await;
    let mut bot = relay.bot(&[("MAX_TOKENS", "100")]).await;
    for n in 0..6 {
        bot.hears(&format!("{n} {}", "word ".repeat(500))).await;
        bot.answers(&[ANSWER]).await;
    }
    assert!(relay.asked().iter().any(|asked| asked.status == 400), "it never overflowed");
    assert_eq!(bot.health().await["dead_letters"], 0);
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn an_answer_that_a_full_context_cut_is_asked_for_again_without_the_oldest_turns() {
    let llama = Server::llama("plain", CONTEXT, 1);
    let relay = Relay::before(&llama).await;
    let mut bot = relay.bot(&[("MAX_TOKENS", "600")]).await;
    for n in 0..2 {
        bot.hears(&format!("{n} {}", "word ".repeat(500))).await;
        bot.answers(&[ANSWER]).await;
    }
    // The next question leaves about fifty tokens to its answer.
    let usage = &relay.asked()[1].answer["usage"];
    let before = usize::try_from(usage["prompt_tokens"].as_u64().unwrap()).unwrap() + ANSWER.len() + 2;
    let question = "a ".repeat((CONTEXT - before - 50 - ENDLESS.len()) / 2) + ENDLESS;
    bot.hears(&question).await;
    let said = bot.says().await.concat();
    let asked = relay.asked().split_off(2);
    assert_eq!(asked[0].answer["choices"][0]["finish_reason"], "length", "{}", asked[0].answer);
    assert!(asked[0].answer["usage"]["completion_tokens"].as_u64().unwrap() < 100);
    assert_eq!(asked.len(), 2);
    assert!(asked[1].messages().len() < asked[0].messages().len());
    assert!(said.matches(" and on").count() >= 290, "{said}");
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn two_people_use_two_slots_at_once() {
    let llama = Server::llama("plain", CONTEXT, 2);
    let relay = Relay::holding(&llama).await;
    let mut bot = relay.bot(&[("MAX_TOKENS", "600")]).await;
    let people = ["U1", "U2"];
    for user in people {
        bot.hears_from(user, &format!("{}{ENDLESS}", "word ".repeat(800))).await;
    }
    until("both are not asked", || relay.asked().len() == 2).await;
    relay.lets_pass();
    let sent = bot.sends().await;
    let mut to: Vec<_> = sent.iter().map(|sent| &sent.to).collect();
    to.sort();
    assert_eq!(to, people);
    for sent in &sent {
        assert!(sent.texts.concat().matches(" and on").count() >= 290, "{:?}", sent.texts);
    }
    assert_eq!(relay.asked().len(), 2);
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn a_model_that_the_gateway_does_not_know_is_gone() {
    let relay = Relay::before(Server::litellm()).await;
    let mut bot = relay.bot(&[("GPT_MODEL", "nothing")]).await;
    gave_up_at_once(&relay, &mut bot, "model_gone").await;
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn a_transcription_model_that_the_gateway_does_not_know_is_gone() {
    let relay = Relay::before(Server::litellm()).await;
    let mut bot = relay.bot(&[("TRANSCRIBE_MODEL", "nothing")]).await;
    sends(&bot, voice(&bot.line.holds("audio/x-m4a", hear::sample("hello", 1)), Some(1_000))).await;
    let said = bot.says().await;
    assert!(said.len() == 1 && said[0].starts_with("Sorry"), "{said:?}");
    bot.gave_up("model_gone", "unanswered").await;
    assert_eq!(relay.asked_at("/v1/audio/transcriptions").len(), 1);
    assert_eq!(relay.asked().len(), 0);
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn a_wrong_key_is_a_dead_letter() {
    let llama = Server::llama("plain", CONTEXT, 1);
    for server in [&llama, Server::litellm()] {
        let relay = Relay::before(server).await;
        let mut bot = relay.bot(&[("OPEN_AI_API_KEY", "a-wrong-key")]).await;
        gave_up_at_once(&relay, &mut bot, "model_auth").await;
    }
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn a_budget_that_is_used_up_is_a_dead_letter_after_one_call() {
    let relay = Relay::before(Server::litellm()).await;
    let key = "a-poor-key";
    // The proxy counts a call after its answer.
    while relay.status_under(key).await == 200 {}
    let mut bot = relay.bot(&[("OPEN_AI_API_KEY", key)]).await;
    gave_up_at_once(&relay, &mut bot, "model_quota").await;
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn a_template_without_a_system_role_gets_the_instruction_in_the_first_question() {
    let llama = Server::llama("gemma", CONTEXT, 1);
    let relay = Relay::before(&llama).await;
    let mut bot = relay.bot(&[]).await;
    for text in ["hi", "and you?"] {
        bot.hears(text).await;
        bot.answers(&[ANSWER]).await;
    }
    let asked = relay.asked();
    let statuses: Vec<_> = asked.iter().map(|asked| asked.status).collect();
    assert_eq!(statuses, [400, 200, 200], "it is learned once");
    for asked in &asked[1..] {
        let (role, first) = &asked.messages()[0];
        assert!(role == "user" && first.contains("Be kind.") && first.contains("hi"), "{role}: {first}");
    }
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn questions_that_are_answered_together_are_one_where_roles_must_alternate() {
    let llama = Server::llama("gemma", CONTEXT, 1);
    let relay = Relay::holding(&llama).await;
    let mut bot = relay.bot(&[("BURST", "merge")]).await;
    bot.hears("hold").await;
    until("it is not asked", || relay.asked().len() == 1).await;
    bot.hears("one").await;
    bot.hears("two").await;
    relay.lets_pass();
    bot.answers(&[ANSWER; 2]).await;
    let last = relay.asked().pop().unwrap().messages();
    let roles: Vec<_> = last.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert!(last[2].1.contains("one") && last[2].1.contains("two"), "{last:?}");
}

#[tokio::test]
#[ignore = "it needs the servers of tests/long"]
async fn thoughts_do_not_reach_people() {
    for template in ["thoughts", "unmarked-thoughts"] {
        let llama = Server::llama(template, CONTEXT, 1);
        let relay = Relay::before(&llama).await;
        let mut bot = relay.bot(&[]).await;
        bot.hears("hi").await;
        bot.hears("and you?").await;
        bot.answers(&[ANSWER; 2]).await;
        assert!(json!(relay.asked()[0].answer).to_string().contains("hidden thought"));
        assert!(!json!(bot.messages()).to_string().contains("hidden thought"));
    }
}
