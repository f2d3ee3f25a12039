//! docs/operations.md: the test runs every command in it.

use worker::clock::wall_clock;

use super::letters::{buried, of_one};
use crate::harness::lambda::{
    bot::{Bot, USER},
    world::{SECRETS, World, has_redrive_policy, is_deployed},
};

/// Returns the lines of its shell blocks, without comments.
fn commands() -> Vec<String> {
    let text = include_str!("../../../docs/operations.md");
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split("  #").next().unwrap().trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Splits a command as a shell does.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![];
    for (index, part) in command.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[tokio::test]
async fn every_command_of_the_runbook_does_what_it_is_for() {
    let bot = Bot::start().await;
    let world = World::with_bot(200).await;
    let operator = world.operator(&bot.cloud);
    is_deployed(&bot.cloud, &world.endpoint()).await;
    has_redrive_policy(&bot.cloud, 1_000).await;
    assert_eq!(operator.told(&["secrets", "put", "--env", "dev", "--yes"], SECRETS).await.code, 0);
    let all = commands();
    assert!(all.len() > 12 && all.iter().all(|command| command.starts_with("henji ")), "{all:?}");
    for (index, command) in all.iter().enumerate() {
        if command.contains("ID") && operator.lists(&[]).await.is_empty() {
            buried(&bot.cloud, &of_one(&format!("U-{index}"), 1), "model_unavailable", wall_clock()()).await;
        }
        let id = operator
            .lists(&[])
            .await
            .first()
            .map_or(String::new(), |letter| letter["id"].as_str().unwrap().to_owned());
        let mut args = words(command).split_off(1);
        for arg in &mut args {
            match arg.as_str() {
                "ID" => arg.clone_from(&id),
                "USER" => USER.clone_into(arg),
                _ => {}
            }
        }
        let changes = ["redrive", "resolve", "purge", "forget", "put"];
        if args.iter().take(2).any(|arg| changes.contains(&arg.as_str())) {
            args.push("--yes".to_owned());
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ended = operator.told(&args, SECRETS).await;
        assert_eq!(ended.code, 0, "{command}: {}{}", ended.out, ended.err);
    }
    bot.cloud.is_drained().await;
}
