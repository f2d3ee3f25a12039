//! `henji doctor` for a deployment and for a bot on one machine.

use std::process::Stdio;

use emulator::{
    faults::Fault,
    line::{QUOTA, User, VALIDATE_PUSH},
};
use serde_json::{Value, json};
use worker::clock::wall_clock;

use crate::harness::lambda::{
    cloud::{CHANNEL_SECRET, Cloud},
    world::{SECRETS, World, has_redrive_policy, is_deployed},
};
use crate::harness::{
    operator::{Ended, Operator, ended},
    process::Serve,
};

/// Returns the names of the broken checks in a doctor's JSON.
fn broken(ended: &Ended) -> Vec<String> {
    let all: Vec<Value> =
        serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {}{}", ended.out, ended.err));
    for finding in all.iter().filter(|finding| finding["verdict"] == "broken") {
        assert!(finding["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{finding}");
    }
    let broken = all.iter().filter(|finding| finding["verdict"] == "broken");
    broken.map(|finding| finding["what"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_says_what_mends_it() {
    let (cloud, world) = (Cloud::start().await, World::with_bot(200).await);
    let operator = world.operator(&cloud);
    let doctor = ["doctor", "--env", "dev", "--json"];
    let nothing = operator.runs(&doctor).await;
    assert_eq!((nothing.code, broken(&nothing)), (1, vec!["stack".to_owned()]));

    is_deployed(&cloud, &world.endpoint()).await;
    let young = operator.runs(&doctor).await;
    assert_eq!(
        (young.code, broken(&young)),
        (
            1,
            ["queue", "LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    assert_eq!(operator.told(&["secrets", "put", "--env", "dev", "--yes"], SECRETS).await.code, 0);
    has_redrive_policy(&cloud, 1_000).await;
    let well = operator.runs(&doctor).await;
    assert_eq!((well.code, broken(&well)), (0, vec![]), "{}", well.out);
    let shown = operator.runs(&["doctor", "--env", "dev"]).await;
    assert!(
        shown.code == 0 && shown.out.lines().all(|line| line.starts_with("ok ") || line.starts_with("note ")),
        "{}",
        shown.out
    );
    let all = [
        "stack",
        "queue",
        "table",
        "webhook test",
        "quota",
        "personas",
        "HANDOFF_TO",
        "chat mode",
        "clock",
        "model",
        "console",
    ];
    for what in all {
        assert!(shown.out.contains(&format!("  {what}: ")), "{what}: {}", shown.out);
    }

    world.line.set_messages_left(0);
    let gone = Fault::Respond(404, vec![], json!({ "error": { "code": "model_not_found" } }).to_string());
    world.model.faults.plan_next("/v1/models/gpt-5.4-mini", gone);
    is_deployed(&cloud, "https://elsewhere.example.com/").await;
    let ill = operator.runs(&doctor).await;
    assert_eq!(
        (ill.code, broken(&ill)),
        (1, ["webhook", "quota", "model"].map(str::to_owned).to_vec()),
        "{}",
        ill.out
    );
    assert!(ill.out.contains("henji dlq redrive --reason line_quota --env dev"), "{}", ill.out);

    // The token is not wrong either where the account may not use a call.
    world.line.plan_error(QUOTA, 403, "Access to this API is not available for your account");
    let forbidden = operator.runs(&["doctor", "--env", "dev"]).await;
    let quota = forbidden.out.lines().find(|line| line.contains("quota: ")).unwrap();
    assert!(quota.contains("does not allow this account") && quota.contains("-> see the account"), "{quota}");
    assert!(!forbidden.out.contains("secrets put"), "{}", forbidden.out);

    // No secret is wrong where a server is down.
    world.model.faults.plan_next("/v1/models", Fault::Respond(503, vec![], String::new()));
    let model = (world.variables[1].0.as_str(), world.variables[1].1.as_str());
    let nowhere = [("LINE_API_BASE_URL", "http://127.0.0.1:9"), ("BASE_SECRET_PATH", ""), model];
    let away = Operator::of(&cloud, &nowhere).runs(&doctor).await;
    assert_eq!(
        (away.code, broken(&away)),
        (1, ["LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"].map(str::to_owned).to_vec()),
        "{}",
        away.out
    );
    assert!(!away.out.contains("secrets put"), "{}", away.out);
    for says in ["127.0.0.1:9: no connection", "LINE_API_BASE_URL; if", "status 503", "OPENAI_BASE_URL; if"] {
        assert!(away.out.contains(says), "{says}: {}", away.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_after_a_bot_on_one_machine_as_well() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data");
    let world = World::with_endpoint("http://127.0.0.1:9/").await;
    let mut variables = world.variables.to_vec();
    variables.extend(
        [
            ("LINE_CHANNEL_SECRET", CHANNEL_SECRET),
            ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
            ("OPEN_AI_API_KEY", "a-key"),
            ("GPT_MODEL", "gpt-5.4-mini"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let serve = Serve::start(&data, &variables).await;
    *world.webhooks.endpoint.lock().unwrap() = format!("{}{}", serve.origin, crate::harness::local::PATH);
    let ask = async |url: &str, variables: &[(String, String)]| {
        let mut command = tokio::process::Command::new(crate::harness::process::henji());
        command.args(["doctor", "--json", "--url", url, "--data"]).arg(&data);
        command.env_clear().envs(variables.iter().cloned()).stdin(Stdio::null());
        ended(command.output().await.unwrap())
    };
    let doctor = async |url: &str| ask(url, &variables).await;
    let well = doctor(&serve.admin).await;
    assert_eq!((well.code, broken(&well)), (0, vec![]), "{}", well.out);
    let of_data = format!("--data {}", data.display());
    // The model's server answers JSON, too.
    let model = world.variables[1].1.strip_suffix("/v1").unwrap();
    let without = ask(model, &variables[..2]).await;
    let all = ["serve", "LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"];
    assert_eq!((without.code, broken(&without)), (1, all.map(str::to_owned).to_vec()), "{}", without.out);
    assert!(
        without.out.contains("is not henji's") && !without.out.contains("secrets put"),
        "{}",
        without.out
    );
    assert!(without.out.matches(&of_data).count() >= 4, "{}", without.out);
    let admin = serve.admin.clone();
    serve.kill();
    // A webhook test that passed is not repeated within the hour: it would fail now.
    let known = doctor(&admin).await;
    assert_eq!((known.code, broken(&known)), (1, vec!["serve".to_owned()]), "{}", known.out);
    assert!(known.out.contains("LINE's test passed 0 minute(s) ago"), "{}", known.out);
    std::fs::remove_file(data.join("henji-webhook-test.json")).unwrap();
    let ill = doctor(&admin).await;
    assert_eq!(
        (ill.code, broken(&ill)),
        (1, ["serve", "webhook test"].map(str::to_owned).to_vec()),
        "{}",
        ill.out
    );
}

#[tokio::test]
async fn a_server_that_only_lists_its_models_is_not_called_broken() {
    let world = World::with_bot(200).await;
    let folder = tempfile::TempDir::new().unwrap();
    let llama_cpp = Fault::Respond(
        404,
        vec![],
        json!({ "error": { "code": 404, "message": "File Not Found", "type": "not_found_error" } })
            .to_string(),
    );
    world.model.faults.set_fault("/v1/models/llama3", Some(&llama_cpp), false);
    world.model.faults.set_fault("/v1/models/gpt-transcribe", Some(&llama_cpp), false);
    for (listed, verdict) in [("llama3", "ok"), ("/models/llama.gguf", "note")] {
        let list = Fault::Respond(200, vec![], json!({ "data": [{ "id": listed }] }).to_string());
        world.model.faults.set_fault("/v1/models", Some(&list), false);
        let mut command = tokio::process::Command::new(crate::harness::process::henji());
        command.args(["doctor", "--json", "--data"]).arg(folder.path());
        command.env_clear().envs(world.variables.iter().cloned()).stdin(Stdio::null());
        command.envs([("OPEN_AI_API_KEY", "a-key"), ("GPT_MODEL", "llama3")]);
        let ended = ended(command.output().await.unwrap());
        let all: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
        let of = |what: &str| all.iter().find(|finding| finding["what"] == what);
        assert_eq!(of("model").unwrap()["verdict"], verdict, "{}", ended.out);
        assert!(of("voice").is_none(), "a server without ears is no fault: {}", ended.out);
    }
}

#[tokio::test]
async fn the_doctor_tells_what_line_says_of_personas_and_what_follows_from_its_settings() {
    let world = World::with_bot(200).await;
    let folder = tempfile::TempDir::new().unwrap();
    world.line.set_chat(true);
    let refusal = json!({
        "message": "The request body has 1 error(s)",
        "details": [{ "property": "messages[0].sender.iconUrl", "message": "Must be a valid HTTPS URL" }],
    });
    world.line.faults.plan_next(VALIDATE_PUSH, Fault::Respond(400, vec![], refusal.to_string()));
    let personas =
        r#"[{"name":"Pirate","prompt":"p","icon":"https://example.com/海.png"},{"name":"海","prompt":"p"}]"#;
    let mut command = tokio::process::Command::new(crate::harness::process::henji());
    command.args(["doctor", "--json", "--data"]).arg(folder.path());
    command.env_clear().envs(world.variables.iter().cloned()).stdin(Stdio::null());
    command.envs([
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
        ("PERSONAS", personas),
        ("DELIVERY", "reply-first"),
    ]);
    let ended = ended(command.output().await.unwrap());
    let all: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    let of = |what: &str| all.iter().find(|finding| finding["what"] == what).unwrap();
    let says = |what: &str| of(what)["says"].as_str().unwrap();
    assert_eq!(of("personas")["verdict"], "broken");
    let words =
        "\"Pirate\": The request body has 1 error(s); messages[0].sender.iconUrl: Must be a valid HTTPS URL";
    assert!(says("personas").contains(words), "{}", ended.out);
    let asked = world.line.faults.seen(VALIDATE_PUSH);
    let sender = |at: usize| asked[at].body["messages"][0]["sender"].clone();
    assert_eq!(sender(0), json!({ "name": "Pirate", "iconUrl": "https://example.com/%E6%B5%B7.png" }));
    assert_eq!((sender(1), asked.len()), (json!({ "name": "海" }), 2));
    assert!(says("chat mode").starts_with("chat is on"), "{}", ended.out);
    assert!(
        says("quota").contains("slower than 50 seconds") || says("quota").contains("no limit"),
        "{}",
        ended.out
    );
}

#[tokio::test]
async fn the_doctor_says_whether_line_knows_the_staff() {
    let world = World::with_bot(200).await;
    let folder = tempfile::TempDir::new().unwrap();
    let (friend, stranger) = ("U5555555555555555555555555555aaaa", "U5555555555555555555555555555bbbb");
    let (group, left) = ("C5555555555555555555555555555aaaa", "C5555555555555555555555555555bbbb");
    world.line.add_user(User { id: friend.into(), name: "Aoi".into(), language: "ja".into(), follows: true });
    for group in [group, left] {
        world.line.add_group(group, &[friend]);
        world.line.add_bot(group, wall_clock()());
    }
    world.line.remove_bot(left, wall_clock()());
    for (staff, verdict, says, fix) in [
        ("", "ok", "not set", ""),
        (friend, "ok", "knows the user", ""),
        (group, "ok", "knows the group", ""),
        (stranger, "broken", "does not know the user", "friend of the bot"),
        (left, "broken", "does not know the group", "in this group"),
        ("@staff", "broken", "32 hexadecimal digits", "set HANDOFF_TO"),
    ] {
        let mut command = tokio::process::Command::new(crate::harness::process::henji());
        command.args(["doctor", "--json", "--data"]).arg(folder.path());
        command.env_clear().envs(world.variables.iter().cloned()).stdin(Stdio::null());
        command.envs([("LINE_CHANNEL_ACCESS_TOKEN", "a-token"), ("HANDOFF_TO", staff)]);
        let ended = ended(command.output().await.unwrap());
        let all: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
        let of = all.iter().find(|finding| finding["what"] == "HANDOFF_TO").unwrap();
        assert_eq!(of["verdict"], verdict, "{of}");
        assert!(of["says"].as_str().unwrap().contains(says), "{of}");
        assert!(of["fix"].as_str().unwrap_or_default().contains(fix), "{of}");
    }
}
