//! The cost of a long conversation: how much of each prompt is at the same place as in the turn before, so that the
//! model's prompt cache has it.

use serde_json::Value;
use worker::rules::{models::Encoding, tokens::count};

use crate::harness::local::Bot;

/// The tokens of a message beside its content, as `worker/src/rules/prompt.rs` counts.
const PER_MESSAGE: usize = 4;

/// Makes a question of about 70 tokens, with an answer that repeats them.
fn question(n: usize) -> String {
    format!("{n}: {}", "きょうは良い天気ですね。散歩に行きましょうか。".repeat(3))
}

fn tokens(messages: &[Value]) -> usize {
    let of = |message: &Value| count(Encoding::O200k, message["content"].as_str().unwrap()) + PER_MESSAGE;
    messages.iter().map(of).sum()
}

fn prompts(bot: &Bot) -> Vec<Vec<Value>> {
    bot.model.asked().iter().map(|seen| seen.body["messages"].as_array().unwrap().clone()).collect()
}

/// Returns the number of bytes with which two texts begin alike.
fn alike_bytes(before: &str, now: &str) -> usize {
    let pairs = before.chars().zip(now.chars());
    pairs.take_while(|(before, now)| before == now).map(|(_, now)| now.len_utf8()).sum()
}

/// Returns the share of all prompts' tokens up to the first difference from the turn before, in percent. The first
/// difference is within a message: the note below the question of the turn before.
fn share(prompts: &[Vec<Value>]) -> f64 {
    let (mut same, mut all) = (0, 0);
    for pair in prompts.windows(2) {
        let alike = pair[0].iter().zip(&pair[1]).take_while(|(before, now)| before == now).count();
        same += tokens(&pair[1][..alike]);
        let [before, now] = [0, 1].map(|n| pair[n][alike]["content"].as_str().unwrap());
        same += count(Encoding::O200k, &now[..alike_bytes(before, now)]);
        all += tokens(&pair[1]);
    }
    100.0 * f64::from(u32::try_from(same).unwrap()) / f64::from(u32::try_from(all).unwrap())
}

/// Runs a conversation of this number of turns in a bot with these settings.
async fn talk(env: &[(&str, &str)], turns: usize) -> Bot {
    let bot = Bot::with(env, |_| {}).await;
    for n in 0..turns {
        bot.hears(&question(n)).await;
        bot.drain().await;
    }
    bot
}

#[tokio::test]
async fn prompts_of_a_long_conversation_share_their_beginning() {
    let eight = [("QUERY_LIMIT", "1000"), ("CONTEXT_TOKENS", "8192"), ("MAX_TOKENS", "1024")];
    let two = [("QUERY_LIMIT", "1000"), ("CONTEXT_TOKENS", "2048"), ("MAX_TOKENS", "256")];
    let fifty = [("CONTEXT_TOKENS", "1000000")];
    let eight_name = "a context of 8,192 tokens, 1,024 for the answer";
    let two_name = "a context of 2,048 tokens, 256 for the answer";
    for (what, env, turns, least) in [
        (eight_name, &eight[..], 150, 85.0),
        (two_name, &two, 60, 60.0),
        ("50 messages (`QUERY_LIMIT`)", &fifty, 100, 80.0),
    ] {
        let bot = talk(env, turns).await;
        let prompts = prompts(&bot);
        let full = turns / 2;
        let share = share(&prompts[full..]);
        let sum: usize = prompts[full..].iter().map(|prompt| tokens(prompt)).sum();
        println!("| {what} | {turns} | {share:.1} % | {} |", sum / (turns - full));
        assert!(share > least, "{share} {env:?}");
        let most =
            |name| env.iter().find(|(it, _)| *it == name).map(|(_, most)| most.parse::<usize>().unwrap());
        let room = most("CONTEXT_TOKENS").unwrap() - most("MAX_TOKENS").unwrap_or(1024);
        for prompt in &prompts {
            assert!(tokens(prompt) + 3 <= room);
            assert!(prompt.len() <= 2 + most("QUERY_LIMIT").unwrap_or(50));
            assert_eq!(prompt.len() % 2, 0, "whole turns");
        }
        let n = turns - 2;
        assert_eq!(
            prompts.last().unwrap()[prompts[turns - 1].len() - 3]["content"],
            question(n),
            "the newest is there"
        );
    }
}

/// Returns the numbers of the past questions in a prompt.
fn remembered(prompt: &[Value]) -> Vec<usize> {
    let number = |message: &Value| message["content"].as_str()?.split_once(':')?.0.parse().ok();
    let mut numbers: Vec<usize> = prompt.iter().filter_map(number).collect();
    numbers.pop();
    numbers
}

#[tokio::test]
async fn what_is_taken_back_retried_or_forgotten_is_so_in_a_long_conversation_too() {
    let mut bot = talk(&[("QUERY_LIMIT", "24")], 13).await;
    let last = async |bot: &Bot| remembered(prompts(bot).last().unwrap());
    assert_eq!(last(&bot).await, (0..12).collect::<Vec<_>>());
    bot.hears(&question(13)).await;
    bot.drain().await;
    assert_eq!(last(&bot).await, (4..13).collect::<Vec<_>>(), "a third went at once");

    bot.hears("retry").await;
    bot.drain().await;
    assert_eq!(last(&bot).await, (4..13).collect::<Vec<_>>(), "the same question over the same past");
    bot.hears(&question(14)).await;
    bot.drain().await;
    assert_eq!(last(&bot).await, (4..14).collect::<Vec<_>>());

    // A larger window has the whole past again: nothing was deleted.
    bot.settings.worker.query_limit = 100;
    bot.restarts().await;
    bot.hears(&question(15)).await;
    bot.drain().await;
    assert_eq!(last(&bot).await, (0..15).collect::<Vec<_>>());

    bot.hears("forget").await;
    bot.hears(&question(16)).await;
    bot.drain().await;
    assert_eq!(last(&bot).await, Vec::<usize>::new());
}
