//! Setting a bot up, and having it checked: `henji secrets`, `webhook`, `doctor`.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_sqs::types::QueueAttributeName;
use aws_sdk_ssm::types::ParameterType;
use axum::{Router, http::StatusCode, routing::post};
use cli::standin::{
    Act,
    line::{Line, webhook::Webhooks},
    model::Model,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use worker::answer::wall_clock;

use super::{
    bot::host,
    emulator::{CHANNEL_SECRET, Cloud, TABLE},
    letters::{Ended, Operator},
};
use crate::process::Serve;

const PREFIX: &str = "/henji/dev/";
const SECRETS: &str =
    "LINE_CHANNEL_SECRET=a-secret\nLINE_CHANNEL_ACCESS_TOKEN=a-token\nOPEN_AI_API_KEY=a-key\n";

/// LINE with its console, and a model.
pub struct World {
    line: Arc<Line>,
    model: Arc<Model>,
    webhooks: Arc<Webhooks>,
    /// The variables that lead there.
    variables: [(String, String); 2],
}

impl World {
    /// LINE posts to a bot that answers this.
    pub async fn with_bot(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        let bot = host(Router::new().route("/webhook", post(async move || status))).await;
        Self::with_endpoint(&format!("{bot}/webhook")).await
    }

    async fn with_endpoint(endpoint: &str) -> Self {
        let (line, model) = (Line::new(), Model::new(Duration::ZERO, |_| String::new()));
        let webhooks = Arc::new(Webhooks {
            line: line.clone(),
            secret: CHANNEL_SECRET.into(),
            endpoint: Mutex::new(endpoint.to_owned()),
            again: vec![],
            http: worker::adapters::http::client().unwrap(),
            clock: wall_clock(),
            on_delivery: Box::new(|_| {}),
        });
        let variables = [
            ("LINE_API_BASE_URL", host(line.clone().router().merge(webhooks.clone().router())).await),
            ("OPENAI_BASE_URL", host(model.clone().router()).await + "/v1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        Self { line, model, webhooks, variables }
    }

    pub fn endpoint(&self) -> String {
        self.webhooks.endpoint.lock().unwrap().clone()
    }

    pub fn operator(&self, cloud: &Cloud) -> Operator {
        let [line, model] = &self.variables;
        let further = [(line.0.as_str(), line.1.as_str()), (&model.0, &model.1), ("BASE_SECRET_PATH", "")];
        Operator::of(cloud, &further)
    }
}

/// Runs a command and writes this into it.
pub async fn told(operator: &Operator, args: &[&str], text: &str) -> Ended {
    let mut command = operator.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// What the deployment writes down.
pub async fn is_deployed(cloud: &Cloud, webhook: &str) {
    let ssm = aws_sdk_ssm::Client::new(&cloud.sdk);
    for (name, value) in [
        ("QUEUE_URL", cloud.queue_url.as_str()),
        ("DLQ_URL", &cloud.dlq_url),
        ("TABLE_NAME", TABLE),
        ("WEBHOOK_URL", webhook),
        ("GPT_MODEL", "gpt-5.4-mini"),
        ("WORKER_TIMEOUT_SECONDS", "60"),
    ] {
        let put = ssm.put_parameter().name(format!("{PREFIX}{name}")).value(value).overwrite(true);
        put.r#type(ParameterType::String).send().await.unwrap();
    }
}

/// SQS itself gives up what nobody does.
pub async fn has_redrive_policy(cloud: &Cloud) {
    let arn = format!("arn:aws:sqs:ap-northeast-1:{}:letters.fifo", cloud.account());
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 100 }).to_string();
    let set = cloud.sqs.set_queue_attributes().queue_url(&cloud.queue_url);
    set.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
}

#[tokio::test]
async fn secrets_are_checked_with_their_owners_written_and_never_shown() {
    let (cloud, world) = (Cloud::start().await, World::with_bot(200).await);
    let operator = world.operator(&cloud);
    let missing = operator.runs(&["secrets", "check", "--env", "dev"]).await;
    assert!(missing.code == 1 && missing.out.matches("BROKEN").count() == 3, "{}", missing.out);

    let put = ["secrets", "put", "--env", "dev"];
    let unasked = told(&operator, &put, SECRETS).await;
    assert!(unasked.code == 2 && unasked.err.contains("--yes"), "{}{}", unasked.out, unasked.err);
    world.model.script.will("/v1/models", Act::Respond(401, vec![], String::new()));
    let put = ["secrets", "put", "--env", "dev", "--yes"];
    let refused = told(&operator, &put, SECRETS).await;
    assert!(
        refused.code == 1 && refused.err.contains("refuses the key: status 401"),
        "{}{}",
        refused.out,
        refused.err
    );
    let still = operator.runs(&["secrets", "check", "--env", "dev"]).await;
    assert_eq!(still.out.matches("BROKEN").count(), 3, "nothing was written: {}", still.out);

    let written = told(&operator, &put, SECRETS).await;
    assert_eq!(written.code, 0, "{}{}", written.out, written.err);
    let checked = operator.runs(&["secrets", "check", "--env", "dev"]).await;
    assert!(
        checked.code == 0 && checked.out.contains("LINE takes it, for Henji (@henji)"),
        "{}",
        checked.out
    );
    let one = told(
        &operator,
        &["secrets", "put", "OPEN_AI_API_KEY", "--env", "dev", "--yes"],
        "OPEN_AI_API_KEY=b-key",
    )
    .await;
    assert!(
        one.code == 0 && one.out.contains("/henji/dev/OPEN_AI_API_KEY: written"),
        "{}{}",
        one.out,
        one.err
    );
    for ended in [unasked, refused, still, written, checked, one] {
        for value in ["a-secret", "a-token", "a-key", "b-key"] {
            assert!(!ended.out.contains(value) && !ended.err.contains(value));
        }
    }
    let ssm = aws_sdk_ssm::Client::new(&cloud.sdk);
    let got =
        ssm.get_parameter().name("/henji/dev/OPEN_AI_API_KEY").with_decryption(true).send().await.unwrap();
    let got = got.parameter.unwrap();
    assert_eq!((got.value(), got.r#type()), (Some("b-key"), Some(&ParameterType::SecureString)));
}

#[tokio::test]
async fn the_webhook_is_set_to_the_deployment_and_tested_by_line() {
    let (cloud, world) = (Cloud::start().await, World::with_bot(200).await);
    let operator = world.operator(&cloud);
    is_deployed(&cloud, "https://bot.example.com/v1/line/bot/message/reply").await;
    assert_eq!(told(&operator, &["secrets", "put", "--env", "dev", "--yes"], SECRETS).await.code, 0);
    let passed = operator.runs(&["webhook", "test", "--env", "dev"]).await;
    assert!(
        passed.code == 0 && passed.out.contains("LINE's test: OK, status 200"),
        "{}{}",
        passed.out,
        passed.err
    );

    let before = world.endpoint();
    let unasked = operator.runs(&["webhook", "set", "--env", "dev"]).await;
    assert!(
        unasked.code == 2 && unasked.out.contains(&before) && world.endpoint() == before,
        "{}",
        unasked.out
    );
    let set = operator.runs(&["webhook", "set", "--env", "dev", "--yes"]).await;
    assert_eq!(
        (set.code, world.endpoint().as_str()),
        (0, "https://bot.example.com/v1/line/bot/message/reply")
    );
    let again = operator.runs(&["webhook", "set", "--env", "dev"]).await;
    assert!(again.code == 0 && again.out.contains("so already"), "{}", again.out);
    let plain = operator.runs(&["webhook", "set", "http://bot.example.com/", "--env", "dev", "--yes"]).await;
    assert!(plain.code == 1 && plain.err.contains("https://"), "{}", plain.err);

    let world = World::with_bot(401).await;
    let failed = world.operator(&cloud).runs(&["webhook", "test", "--env", "dev"]).await;
    assert!(failed.code == 1 && failed.out.contains("henji secrets put"), "{}{}", failed.out, failed.err);
}

/// The verdicts of a doctor's JSON, by what they are about.
fn broken(ended: &Ended) -> Vec<String> {
    let all: Vec<Value> =
        serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {}{}", ended.out, ended.err));
    for finding in all.iter().filter(|finding| finding["verdict"] == "broken") {
        assert!(finding["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{finding}");
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
    assert_eq!(told(&operator, &["secrets", "put", "--env", "dev", "--yes"], SECRETS).await.code, 0);
    has_redrive_policy(&cloud).await;
    let well = operator.runs(&doctor).await;
    assert_eq!((well.code, broken(&well)), (0, vec![]), "{}", well.out);
    let shown = operator.runs(&["doctor", "--env", "dev"]).await;
    assert!(
        shown.code == 0 && shown.out.lines().all(|line| line.starts_with("ok ") || line.starts_with("note ")),
        "{}",
        shown.out
    );
    for what in ["stack", "queue", "table", "webhook test", "quota", "clock", "model", "console"] {
        assert!(shown.out.contains(&format!("  {what}: ")), "{what}: {}", shown.out);
    }

    world.line.has_left(0);
    let gone = Act::Respond(404, vec![], json!({ "error": { "code": "model_not_found" } }).to_string());
    world.model.script.will("/v1/models/gpt-5.4-mini", gone);
    is_deployed(&cloud, "https://elsewhere.example.com/").await;
    let ill = operator.runs(&doctor).await;
    assert_eq!(
        (ill.code, broken(&ill)),
        (1, ["webhook", "quota", "model"].map(str::to_owned).to_vec()),
        "{}",
        ill.out
    );
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
    *world.webhooks.endpoint.lock().unwrap() = format!("{}{}", serve.origin, crate::bot::PATH);
    let doctor = async |url: &str| {
        let mut command = tokio::process::Command::new(crate::process::henji());
        command.args(["doctor", "--json", "--url", url, "--data"]).arg(&data);
        command.env_clear().envs(variables.iter().cloned()).stdin(Stdio::null());
        let output = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    };
    let well = doctor(&serve.origin).await;
    assert_eq!((well.code, broken(&well)), (0, vec![]), "{}", well.out);
    let origin = serve.origin.clone();
    serve.kill();
    let ill = doctor(&origin).await;
    assert_eq!(
        (ill.code, broken(&ill)),
        (1, ["serve", "webhook test"].map(str::to_owned).to_vec()),
        "{}",
        ill.out
    );
}
