//! A deployment on AWS: the SDK's configuration, and the addresses of its queues and its table.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use secrecy::SecretString;
use shared::{adapters::sdk::sdk_config, env::Env};
use worker::adapters::aws::AwsError;

/// How long one call to AWS may take with its retries.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// What a command needs to know of it.
pub struct Deployment {
    /// Credentials, region, endpoints.
    pub sdk: SdkConfig,
    /// How people call it: the environment's name, or `AWS`.
    pub name: String,
    /// The queue of jobs.
    pub queue_url: String,
    /// The dead-letter queue.
    pub dlq_url: String,
    /// The table.
    pub table: String,
    /// What LINE is to call; unknown where the addresses came from variables.
    pub webhook_url: Option<String>,
    /// Where its secrets lie; unknown where neither a name nor `BASE_SECRET_PATH` says it.
    pub prefix: Option<String>,
}

impl Deployment {
    /// Finds the environment of this name, or the one that the variables name.
    pub async fn find(name: Option<&str>, env: &Env) -> anyhow::Result<Self> {
        let sdk = sdk_config(env, CALL_TIMEOUT).await?;
        if sdk.region().is_none() {
            bail!("no region is set: export AWS_REGION=ap-northeast-1");
        }
        let Some(name) = name else {
            let postfix = env.optional("DB_TABLE_NAME_POSTFIX")?.unwrap_or("");
            return Ok(Self {
                name: "AWS".to_owned(),
                queue_url: env.required_url("QUEUE_URL")?,
                dlq_url: env.required_url("DLQ_URL")?,
                table: format!("Messages{postfix}"),
                webhook_url: None,
                prefix: env.optional("BASE_SECRET_PATH")?.map(str::to_owned),
                sdk,
            });
        };
        let prefix = prefix(name, env)?;
        let names = ["QUEUE_URL", "DLQ_URL", "TABLE_NAME", "WEBHOOK_URL"];
        let mut found = read(&sdk, &prefix, &names).await?;
        let mut value = |name: &str| {
            let missing = || {
                format!(
                    "there is no parameter {prefix}{name}: is the environment deployed in this region? (cdk/deploy)"
                )
            };
            found.remove(name).with_context(missing)
        };
        Ok(Self {
            queue_url: value("QUEUE_URL")?,
            dlq_url: value("DLQ_URL")?,
            table: value("TABLE_NAME")?,
            webhook_url: value("WEBHOOK_URL").ok(),
            name: name.to_owned(),
            prefix: Some(prefix),
            sdk,
        })
    }

    /// One of its secrets; from the environment where it is not known where they lie.
    pub async fn secret(&self, name: &str, env: &Env) -> anyhow::Result<SecretString> {
        let Some(prefix) = &self.prefix else { return Ok(env.secret(name)?) };
        let request = aws_sdk_ssm::Client::new(&self.sdk).get_parameter().name(format!("{prefix}{name}"));
        let got = request.with_decryption(true).send().await.map_err(AwsError::from);
        let got = got.with_context(|| format!("{prefix}{name} cannot be read (henji secrets put)"))?;
        let value = got.parameter.and_then(|parameter| parameter.value).unwrap_or_default();
        Ok(value.trim().into())
    }
}

/// Where the parameters of an environment lie.
pub fn prefix(name: &str, env: &Env) -> anyhow::Result<String> {
    Ok(env.optional("BASE_SECRET_PATH")?.map_or_else(|| format!("/henji/{name}/"), str::to_owned))
}

/// The plain parameters of these names, as far as they are there.
async fn read(sdk: &SdkConfig, prefix: &str, names: &[&str]) -> anyhow::Result<HashMap<String, String>> {
    let full = names.iter().map(|name| format!("{prefix}{name}")).collect();
    let request = aws_sdk_ssm::Client::new(sdk).get_parameters().set_names(Some(full));
    let got = request.send().await.map_err(AwsError::from).context("the Parameter Store cannot be read")?;
    let pair = |p: aws_sdk_ssm::types::Parameter| Some((p.name?.strip_prefix(prefix)?.to_owned(), p.value?));
    Ok(got.parameters.unwrap_or_default().into_iter().filter_map(pair).collect())
}
