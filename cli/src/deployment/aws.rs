//! A deployment on AWS: its parameters in the Parameter Store, which have the addresses of its queues and the name of
//! its table.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_sdk_ssm::{
    Client, config::ProvideCredentials, operation::get_parameter::GetParameterError, types::ParameterType,
};
use secrecy::{ExposeSecret, SecretString};
use shared::{adapters::sdk::sdk_config, env::Env, logging::chain};
use worker::adapters::aws::AwsError;

/// The time-out of one call to AWS, with its retries.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The parameters of one environment in the Parameter Store.
pub struct Store {
    client: Client,
    /// The environment's name; empty if only `BASE_SECRET_PATH` selects it.
    name: String,
    /// The prefix of the names of all these parameters.
    pub prefix: String,
}

/// The settings that commands read: for checks of the model's server and the queue, and for the usage.
const SETTINGS: [&str; 10] = [
    "GPT_MODEL",
    "CONTEXT_TOKENS",
    "OPENAI_BASE_URL",
    "TRANSCRIBE_MODEL",
    "WORKER_TIMEOUT_SECONDS",
    "UTC_OFFSET",
    "PROMPT_USD_PER_MILLION",
    "CACHED_USD_PER_MILLION",
    "CACHE_WRITTEN_USD_PER_MILLION",
    "COMPLETION_USD_PER_MILLION",
];

/// The data of a deployment that commands need.
pub struct Deployment {
    /// The configuration of the AWS SDK: credentials, region, endpoints.
    pub sdk: SdkConfig,
    /// The option that selects it, with a leading space: ` --env dev`; empty if variables select it.
    pub option: String,
    /// The URL of the queue of jobs.
    pub queue_url: String,
    /// The URL of the dead-letter queue.
    pub dlq_url: String,
    /// The name of the table.
    pub table: String,
    /// Its parameters; `None` if neither a name nor `BASE_SECRET_PATH` gives their prefix.
    pub store: Option<Store>,
    /// The plain parameters: `WEBHOOK_URL` and the bot's settings.
    pub plain: HashMap<String, String>,
}

/// Loads the AWS SDK's configuration of the operator, and checks the region and the credentials.
async fn configuration(env: &Env) -> anyhow::Result<SdkConfig> {
    let sdk = sdk_config(env, CALL_TIMEOUT).await?;
    if sdk.region().is_none() {
        bail!("no region is set: export AWS_REGION=ap-northeast-1");
    }
    // Missing credentials are reported here, once and clearly. Otherwise each call would fail with its own error.
    if let Some(provider) = sdk.credentials_provider()
        && let Err(error) = provider.provide_credentials().await
    {
        let why = chain(&error);
        // henji has no sign-in clients of the SDK, because they would be compiled into the functions too.
        if why.contains("cargo feature") {
            bail!(
                "this AWS profile signs in by SSO or a program, which henji leaves to the AWS CLI; run: \
                 eval \"$(aws configure export-credentials --format env)\", and start henji again"
            );
        }
        bail!("there are no AWS credentials: run \"aws configure\", or set AWS_PROFILE ({why})");
    }
    Ok(sdk)
}

impl Store {
    /// Opens the parameters of the environment of this name, which need not be deployed yet.
    pub async fn open(name: &str, env: &Env) -> anyhow::Result<Self> {
        Self::of(&configuration(env).await?, name, env)
    }

    fn of(sdk: &SdkConfig, name: &str, env: &Env) -> anyhow::Result<Self> {
        let told = env.optional("BASE_SECRET_PATH")?;
        let prefix = told.map_or_else(|| format!("/henji/{name}/"), str::to_owned);
        Ok(Self { client: Client::new(sdk), name: name.to_owned(), prefix })
    }

    /// Reads a secret, if it exists.
    pub async fn secret(&self, name: &str) -> anyhow::Result<Option<SecretString>> {
        let full = format!("{}{name}", self.prefix);
        match self.client.get_parameter().name(&full).with_decryption(true).send().await {
            Ok(got) => Ok(got.parameter.and_then(|p| p.value).map(|value| value.trim().into())),
            Err(error) if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) => {
                Ok(None)
            }
            Err(error) => Err(AwsError::from(error)).with_context(|| format!("{full} cannot be read")),
        }
    }

    /// Reads a secret that must exist.
    pub async fn required(&self, name: &str) -> anyhow::Result<SecretString> {
        let found = self.secret(name).await?;
        found.with_context(|| format!("there is no {}{name}", self.prefix))
    }

    /// Reads a plain setting, if the environment is deployed and has it.
    pub async fn setting(&self, name: &str) -> Option<String> {
        self.plain(&[name]).await.ok()?.remove(name)
    }

    /// Returns the command that writes a secret.
    pub fn command(&self) -> String {
        format!("henji secrets put --env {}", if self.name.is_empty() { "…" } else { &self.name })
    }

    /// Writes a secret.
    pub async fn put(&self, name: &str, value: &SecretString) -> anyhow::Result<()> {
        let full = format!("{}{name}", self.prefix);
        let put = self.client.put_parameter().name(&full).r#type(ParameterType::SecureString).overwrite(true);
        let put = put.value(value.expose_secret()).send().await.map_err(AwsError::from);
        put.map(drop).with_context(|| format!("{full} cannot be written"))
    }

    /// Reads the plain parameters of these names, as far as they exist.
    async fn plain(&self, names: &[&str]) -> anyhow::Result<HashMap<String, String>> {
        let full = names.iter().map(|name| format!("{}{name}", self.prefix)).collect();
        let got = self.client.get_parameters().set_names(Some(full)).send().await.map_err(AwsError::from);
        let got = got.context("the Parameter Store cannot be read")?.parameters.unwrap_or_default();
        let pair = |p: aws_sdk_ssm::types::Parameter| {
            Some((p.name?.strip_prefix(&self.prefix)?.to_owned(), p.value?))
        };
        Ok(got.into_iter().filter_map(pair).collect())
    }
}

impl Deployment {
    /// Finds the environment of this name, or the one that the variables name.
    pub async fn find(name: Option<&str>, env: &Env) -> anyhow::Result<Self> {
        let sdk = configuration(env).await?;
        let Some(name) = name else {
            let postfix = env.optional("DB_TABLE_NAME_POSTFIX")?.unwrap_or("");
            let has_path = env.optional("BASE_SECRET_PATH")?.is_some();
            return Ok(Self {
                option: String::new(),
                queue_url: env.required_url("QUEUE_URL")?,
                dlq_url: env.required_url("DLQ_URL")?,
                table: format!("Messages{postfix}"),
                store: has_path.then(|| Store::of(&sdk, "", env)).transpose()?,
                plain: HashMap::new(),
                sdk,
            });
        };
        let store = Store::of(&sdk, name, env)?;
        let mut plain = store.plain(&["QUEUE_URL", "DLQ_URL", "TABLE_NAME", "WEBHOOK_URL"]).await?;
        plain.extend(store.plain(&SETTINGS).await?);
        let mut value = |name: &str| {
            let missing = || {
                format!(
                    "there is no parameter {}{name}: is it deployed in this account and region? (cdk/deploy)",
                    store.prefix
                )
            };
            plain.remove(name).with_context(missing)
        };
        Ok(Self {
            queue_url: value("QUEUE_URL")?,
            dlq_url: value("DLQ_URL")?,
            table: value("TABLE_NAME")?,
            option: format!(" --env {name}"),
            store: Some(store),
            plain,
            sdk,
        })
    }

    /// Returns the command that deploys it.
    pub fn deploy(&self) -> String {
        format!("cdk/deploy{}", self.option.strip_prefix(" --env").unwrap_or_default())
    }

    /// Reads one of its secrets; from the environment if the prefix of its parameters is not known.
    pub async fn secret(&self, name: &str, env: &Env) -> anyhow::Result<SecretString> {
        let Some(store) = &self.store else { return Ok(env.secret(name)?) };
        store.required(name).await
    }
}
