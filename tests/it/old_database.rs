//! A database of an earlier version (`tests/fixtures/databases`) opens, and its jobs, conversations and letters
//! continue.

use std::{path::Path, process::Command, time::Duration};

use cli::commands::send::webhook_of;
use emulator::{
    line::Line,
    model::{Model, see},
};
use local::serve::DATABASE;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    local::{host, variables},
    process::{Serve, henji},
};

/// A user who told the bot a name, and described a persona.
const AOI: &str = "Uaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// A group that called the bot.
const GROUP: &str = "Ccccccccccccccccccccccccccccccccc";
/// A user with two waiting questions, because the model was down.
const WAITS: &str = "Ueeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
/// A user with a dead letter, because the model refused the question.
const REFUSED: &str = "Udddddddddddddddddddddddddddddddd";

fn dlq(data: &Path, args: &[&str]) -> String {
    let output =
        Command::new(henji()).arg("dlq").args(args).arg("--data").arg(data).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_schema_7_opens_and_its_jobs_history_and_letters_go_on() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join(DATABASE), include_bytes!("../fixtures/databases/schema-7.db")).unwrap();
    let line = Line::new();
    let model =
        Model::new(Duration::ZERO, |messages| format!("answer to {}", see::said(messages.last().unwrap())));
    let mut variables = variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
    variables.push(("GROUP_PREFIX".into(), "bot".into()));
    let (mut sent, serve) = (line.watch(), Serve::start(&data, &variables).await);
    let http = worker::adapters::http::client().unwrap();

    // The questions that waited are answered, in order.
    sent.wait_for(|sent| sent.len() == 2).await.unwrap();
    let told: Vec<_> = line.sent().into_iter().map(|sent| (sent.to, sent.texts.concat())).collect();
    let expected =
        ["please wait for it", "and then this"].map(|text| (WAITS.to_owned(), format!("answer to {text}")));
    assert_eq!(told, expected);

    // The conversation and the persona are remembered.
    assert_eq!(serve.posts(&http, &webhook_of("what is my name?", AOI).to_string()).await, Some(200));
    sent.wait_for(|sent| sent.len() == 3).await.unwrap();
    let prompt = model.asked().pop().unwrap().body["messages"].to_string();
    for remembered in ["a pirate who sails", "my name is Aoi", "an answer to: my name is Aoi"] {
        assert!(prompt.contains(remembered), "{prompt}");
    }

    // The messages of the group are remembered, too.
    let mut hello = webhook_of("bot what did I say?", AOI);
    hello["events"][0]["source"] = json!({ "type": "group", "groupId": GROUP, "userId": AOI });
    assert_eq!(serve.posts(&http, &hello.to_string()).await, Some(200));
    sent.wait_for(|sent| sent.len() == 4).await.unwrap();
    let prompt = model.asked().pop().unwrap().body["messages"].to_string();
    assert!(prompt.contains("hello from the group") && !prompt.contains("my name is Aoi"), "{prompt}");

    // The dead letter is listed, and answered once it is redriven.
    let letters: Vec<Value> = serde_json::from_str(&dlq(&data, &["list", "--json"])).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&letters[0]["conversation"], &letters[0]["reason"]),
        (&REFUSED.into(), &"model_refused".into())
    );
    dlq(&data, &["redrive", "--all", "--yes"]);
    sent.wait_for(|sent| sent.len() == 5).await.unwrap();
    let last = line.sent().pop().unwrap();
    assert_eq!((last.to.as_str(), last.texts.concat()), (REFUSED, "answer to please refuse this".to_owned()));
    assert_eq!(serve.terminate(), 0);
}
