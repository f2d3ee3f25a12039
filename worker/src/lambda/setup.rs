//! The settings of the Lambda function in addition to those of *answer*, and its clients.

use std::{sync::Arc, time::Duration};

use shared::{
    adapters::{sdk::sdk_config, ssm::ParameterStore},
    env::{Env, EnvError, invalid},
    roots::Roots,
    secret::Secret,
};

use super::month_quota::QuotaWatch;
use crate::{
    adapters::{
        dynamodb::DynamoHistory, http::client_trusting, line::LineClient, openai::ModelClient, sqs::Queue,
    },
    clients::Clients,
    clock::wall_clock,
    config::Config,
    storage::Storage,
};

/// The longest time of one call to AWS, with its retries.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The clients, queues and settings that the function uses.
pub struct Setup {
    /// The clients of an attempt.
    pub clients: Clients,
    /// The queue of jobs and its dead-letter queue.
    pub queue: Queue,
    /// The time for which a job stays invisible after the last heartbeat.
    pub lease: Duration,
    /// The reader of the month's LINE messages.
    pub quota: QuotaWatch,
}

/// The variables that the function reads.
pub struct LambdaConfig {
    /// The settings of *answer*.
    pub worker: Config,
    /// `BASE_SECRET_PATH`: the prefix of the secrets in the SSM Parameter Store.
    pub base_secret_path: String,
    /// `QUEUE_URL`: the FIFO queue of jobs.
    pub queue_url: String,
    /// `DLQ_URL`: its dead-letter queue.
    pub dlq_url: String,
    /// `LEASE_SECONDS`: the time for which a job stays invisible after the last heartbeat.
    pub lease: Duration,
    /// The name of the table: `Messages{DB_TABLE_NAME_POSTFIX}`.
    pub table: String,
}

impl LambdaConfig {
    /// Reads the variables, or returns an error that names the wrong one.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const POSTFIX: &str = "DB_TABLE_NAME_POSTFIX";
        let postfix = env.optional(POSTFIX)?.unwrap_or("");
        if !postfix.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
            return Err(invalid(POSTFIX, "a table's name has only letters, digits and _ - ."));
        }
        Ok(Self {
            worker: Config::from_env(env)?,
            base_secret_path: env.required("BASE_SECRET_PATH")?.to_owned(),
            queue_url: env.required_url("QUEUE_URL")?,
            dlq_url: env.required_url("DLQ_URL")?,
            lease: Duration::from_secs(env.number("LEASE_SECONDS", 60, 1, 3600)?.into()),
            table: format!("Messages{postfix}"),
        })
    }
}

impl Setup {
    /// Reads the settings, makes the clients and reads the secrets.
    pub async fn start(env: &Env) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let config = LambdaConfig::from_env(env)?;
        let sdk = sdk_config(env, CALL_TIMEOUT).await?;
        let secrets = ParameterStore::new(&sdk, &config.base_secret_path);
        let names = ["LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"];
        let [token, key] = Secret::of_parameters(&secrets, names).await;
        let http = client_trusting(Roots::for_servers(env, &["LINE_", "OPENAI_"]))?;
        let clock = wall_clock();
        let history = Arc::new(DynamoHistory::new(&sdk, config.table, config.worker.history_ttl));
        Ok(Self {
            queue: Queue::new(&sdk, &config.queue_url, &config.dlq_url),
            lease: config.lease,
            quota: QuotaWatch::default(),
            clients: Clients {
                model: ModelClient::new(&config.worker, &http, key, &clock),
                line: LineClient::new(&config.worker, http, token, clock.clone()),
                storage: Storage::new(history, clock, &config.worker),
                config: config.worker,
            },
        })
    }
}
