//! The setup of a bot: its secrets, and the webhook address at LINE.

use aws_sdk_ssm::types::ParameterType;
use emulator::faults::Fault;

use crate::harness::lambda::{
    cloud::Cloud,
    world::{SECRETS, World, is_deployed},
};
use crate::harness::operator::Operator;

#[tokio::test]
async fn secrets_are_checked_with_their_owners_written_and_never_shown() {
    let (cloud, world) = (Cloud::start().await, World::with_bot(200).await);
    let operator = world.operator(&cloud);
    let missing = operator.runs(&["secrets", "check", "--env", "dev"]).await;
    assert!(missing.code == 1 && missing.out.matches("BROKEN").count() == 3, "{}", missing.out);

    let put = ["secrets", "put", "--env", "dev"];
    let unasked = operator.told(&put, SECRETS).await;
    assert!(unasked.code == 2 && unasked.err.contains("--yes"), "{}{}", unasked.out, unasked.err);
    world.model.faults.plan_next("/v1/models", Fault::Respond(401, vec![], String::new()));
    let put = ["secrets", "put", "--env", "dev", "--yes"];
    let refused = operator.told(&put, SECRETS).await;
    assert!(
        refused.code == 1 && refused.err.contains("refuses the key: status 401"),
        "{}{}",
        refused.out,
        refused.err
    );
    let still = operator.runs(&["secrets", "check", "--env", "dev"]).await;
    assert_eq!(still.out.matches("BROKEN").count(), 3, "nothing was written: {}", still.out);

    let written = operator.told(&put, SECRETS).await;
    assert_eq!(written.code, 0, "{}{}", written.out, written.err);
    let checked = operator.runs(&["secrets", "check", "--env", "dev"]).await;
    assert!(
        checked.code == 0 && checked.out.contains("LINE takes it, for Henji (@henji)"),
        "{}",
        checked.out
    );
    let one = operator
        .told(&["secrets", "put", "OPEN_AI_API_KEY", "--env", "dev", "--yes"], "OPEN_AI_API_KEY=b-key")
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
    assert_eq!(operator.told(&["secrets", "put", "--env", "dev", "--yes"], SECRETS).await.code, 0);
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

#[tokio::test]
async fn a_profile_that_only_the_aws_cli_can_sign_in_is_told_how() {
    let cloud = Cloud::start().await;
    let keys =
        [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_EC2_METADATA_DISABLED", "true")];
    let files = [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
    let operator = Operator::of(&cloud, &[&keys[..], &files].concat());
    let nobody = operator.runs(&["dlq", "list"]).await;
    assert!(nobody.code == 1 && nobody.err.contains("there are no AWS credentials"), "{}", nobody.err);
    let by_sso =
        "sso_account_id = 1\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = https://x.example/\n";
    std::fs::write(operator.folder.path().join("config"), format!("[default]\n{by_sso}")).unwrap();
    for args in [&["dlq", "list"][..], &["secrets", "check", "--env", "dev"]] {
        let ended = operator.runs(args).await;
        assert!(ended.code == 1 && ended.err.contains("aws configure export-credentials"), "{}", ended.err);
    }
}

#[tokio::test]
async fn on_a_terminal_secrets_are_asked_for_and_never_shown() {
    let (cloud, world) = (Cloud::start().await, World::with_bot(200).await);
    let operator = world.operator(&cloud);
    let typed = [
        ("LINE_CHANNEL_SECRET (empty: leave as it is): ", "\n"),
        ("LINE_CHANNEL_ACCESS_TOKEN (empty: leave as it is): ", "a-token\n"),
        ("OPEN_AI_API_KEY (empty: leave as it is): ", "a-key\n"),
        ("Write? [y/N] ", "y\n"),
    ];
    let put = operator.types(&typed, &["secrets", "put", "--env", "dev"]).await;
    assert!(put.code == 0 && put.out.contains("OPEN_AI_API_KEY: written"), "{}", put.out);
    assert!(put.out.contains("LINE_CHANNEL_SECRET: not given"), "{}", put.out);
    assert!(!put.out.contains("a-token") && !put.out.contains("a-key"), "{}", put.out);
    let checked = operator.runs(&["secrets", "check", "--env", "dev"]).await;
    assert_eq!((checked.code, checked.out.matches("BROKEN").count()), (1, 1), "{}", checked.out);
}
