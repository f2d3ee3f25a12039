//! The deployment itself: `cdk/deploy` puts the stack into the emulator with the release binaries, which the emulator
//! runs as Lambda does. cdk/README.md lists the limits of this test.

use std::{process::Stdio, time::Duration};

use aws_sdk_ssm::types::ParameterType;
use cli::commands::send::webhook_of;
use emulator::{line::Line, model::Model};
use serde_json::Value;
use tokio::{process::Command, time::timeout};
use uuid::Uuid;

use crate::harness::lambda::{
    bot::{USER, host, sign},
    cloud::{Cloud, PATIENCE, VALUES, attribute, endpoint},
};

/// The account of unsigned requests, such as those to a deployed API (tests/aws/start).
const ACCOUNT: &str = "123456789012";
const SECRETS: &str = "/henji/dev/";
/// The time that a command may take beside other load.
const COMMAND_TIME: Duration = Duration::from_mins(3);

/// Runs a command at the root of the repository and returns its output.
async fn run(program: &str, arguments: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    // tests/all has installed the AWS command line there.
    let command = Command::new("sh")
        .args(["-c", r#"PATH="$PWD/target/tools/bin:$PATH" exec "$0" "$@""#, program])
        .args(arguments)
        .current_dir(root)
        .env("AWS_ENDPOINT_URL", endpoint().replace("127.0.0.1", "localhost"))
        .env("AWS_REGION", "ap-northeast-1")
        .env("AWS_ACCESS_KEY_ID", ACCOUNT)
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(COMMAND_TIME, command).await.expect("it does not end").unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    said
}

#[tokio::test]
async fn what_is_deployed_answers_and_buries_what_is_no_job() {
    let (line, model) = (Line::new(), Model::new(Duration::ZERO, |_| "the deployed answer".to_owned()));
    let (line_url, model_url) =
        (host(line.clone().router()).await, host(model.clone().router()).await + "/v1");
    let settings = serde_json::json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" },
        "lineApiBaseUrl": line_url,
        "openaiBaseUrl": model_url,
    });
    let bootstrap = format!("aws://{ACCOUNT}/ap-northeast-1");
    run("npm", &["--prefix", "cdk", "exec", "cdk", "--", "bootstrap", &bootstrap]).await;
    let context = format!("settings={settings}");
    run("cdk/deploy", &["dev", "--built", "--require-approval", "never", "-c", &context]).await;

    let mut cloud = Cloud::of(ACCOUNT);
    let ssm = aws_sdk_ssm::Client::new(&cloud.sdk);
    for (name, value) in VALUES {
        let put = ssm.put_parameter().name(format!("{SECRETS}{name}")).value(value).overwrite(true);
        put.r#type(ParameterType::SecureString).send().await.unwrap();
    }
    let parameter = async |name: &str| {
        let got = ssm.get_parameter().name(format!("{SECRETS}{name}")).send().await.unwrap();
        got.parameter.unwrap().value.unwrap()
    };
    (cloud.queue_url, cloud.dlq_url) = (parameter("QUEUE_URL").await, parameter("DLQ_URL").await);
    assert_eq!(parameter("TABLE_NAME").await, "Messages-dev");

    // The emulator serves an API under a name of its own and without TLS; only curl resolves `*.localhost`.
    let webhook: reqwest::Url = parameter("WEBHOOK_URL").await.parse().unwrap();
    let endpoint = endpoint();
    let port = endpoint.rsplit(':').next().unwrap();
    let api = webhook.host_str().unwrap().split('.').next().unwrap();
    let host = format!("{api}.execute-api.localhost:{port}");
    run("cdk/smoke", &["dev", &format!("http://{host}{}", webhook.path())]).await;

    let body = webhook_of("こんにちは", USER).to_string();
    let http = worker::adapters::http::client().unwrap();
    let request = http.post(format!("{endpoint}{}", webhook.path())).header("host", &host);
    let request = request.header("x-line-signature", sign(&body)).body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let mut sent = line.watch();
    let answered = timeout(PATIENCE, sent.wait_for(|all| !all.is_empty())).await;
    let answered = answered.expect("no answer is pushed").unwrap().clone();
    assert_eq!((answered[0].to.as_str(), &answered[0].texts[0][..]), (USER, "the deployed answer"));

    // The doctor checks the real deployment. Here the webhook's address is not the one that LINE has.
    let doctor = Command::new(crate::harness::process::henji())
        .args(["doctor", "--env", "dev", "--json"])
        .env_clear()
        .envs(cloud.variables().into_iter().filter(|(name, _)| name.starts_with("AWS_")))
        .envs([("LINE_API_BASE_URL", &line_url), ("OPENAI_BASE_URL", &model_url)])
        .output();
    let findings: Vec<Value> = serde_json::from_slice(&doctor.await.unwrap().stdout).unwrap();
    for what in ["stack", "queue", "dead letters", "table", "model", "LINE_CHANNEL_ACCESS_TOKEN"] {
        let found = findings.iter().find(|finding| finding["what"] == what).unwrap();
        assert_ne!(found["verdict"], "broken", "{found}");
    }

    let poison = cloud.sqs.send_message().queue_url(&cloud.queue_url).message_body("not a job");
    poison.message_group_id(USER).message_deduplication_id(Uuid::new_v4()).send().await.unwrap();
    let letter = cloud.letter().await;
    assert_eq!(
        (attribute(&letter, "Reason"), letter.body()),
        ("job_unreadable".to_owned(), Some("not a job"))
    );
    cloud.is_drained().await;
}
