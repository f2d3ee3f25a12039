//! The SSM Parameter Store.

use crate::log;

use std::{error::Error, time::Duration};

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ssm::Client;
use secrecy::{SecretString, zeroize::Zeroizing};

/// How long the Parameter Store may take over one read, retries included: more must not hold up a
/// function's start, nor a request that needs a secret read again.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// How long it may take over one try: a connection may have died while Lambda froze the process.
const TRY_TIMEOUT: Duration = Duration::from_millis(500);
/// Tries of one read. With the pauses between them they take what there is of [`READ_TIMEOUT`]: the store
/// allows 40 a second in an account, and refuses the others (AWS: "Parameter Store throughput").
const TRIES: u32 = 6;
/// At most, before the second try, doubled before each further one. The SDK draws each pause from there down
/// to nothing, so that functions that start together do not come back together.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// The parameters under one prefix.
pub struct ParameterStore {
    client: Client,
    prefix: String,
}

/// One SecureString.
pub struct Parameter {
    client: Client,
    name: String,
}

/// A parameter that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SsmError {
    /// The service said no, or nothing.
    #[error("the parameter {name} could not be read")]
    Read {
        /// The parameter's full name, or several of them.
        name: String,
        /// What the SDK says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It is there and empty.
    #[error("the parameter {0} is empty")]
    Empty(String),
    /// There is none of this name.
    #[error("there is no parameter {0}")]
    Missing(String),
}

impl ParameterStore {
    /// The parameters whose names begin with `prefix`.
    pub fn new(config: &SdkConfig, prefix: &str) -> Self {
        let timeout = TimeoutConfig::builder()
            .operation_timeout(READ_TIMEOUT)
            .operation_attempt_timeout(TRY_TIMEOUT)
            .build();
        let retry = RetryConfig::standard()
            .with_max_attempts(TRIES)
            .with_initial_backoff(FIRST_PAUSE)
            .with_max_backoff(LONGEST_PAUSE);
        let config = aws_sdk_ssm::config::Builder::from(config).timeout_config(timeout).retry_config(retry);
        Self { client: Client::from_conf(config.build()), prefix: prefix.to_owned() }
    }

    /// The parameter `{prefix}{name}`.
    pub fn parameter(&self, name: &str) -> Parameter {
        Parameter { client: self.client.clone(), name: format!("{}{name}", self.prefix) }
    }

    /// The values of these parameters now, by one call, each with its full name. One that is missing or
    /// empty is logged and left out.
    pub async fn read(&self, parameters: &[Parameter]) -> Result<Vec<(String, SecretString)>, SsmError> {
        let names: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let request = self.client.get_parameters().set_names(Some(names.clone())).with_decryption(true);
        let got = request
            .send()
            .await
            .map_err(|source| SsmError::Read { name: names.join(", "), source: Box::new(source) })?;
        let mut values = vec![];
        for parameter in got.parameters.unwrap_or_default() {
            let name = parameter.name.unwrap_or_default();
            match value(&name, parameter.value) {
                Ok(value) => values.push((name, value)),
                Err(error) => log!(error, SecretNotRead, error = %error, "a secret could not be read"),
            }
        }
        for name in got.invalid_parameters.unwrap_or_default() {
            log!(error, SecretNotRead, error = %SsmError::Missing(name), "a secret could not be read");
        }
        Ok(values)
    }
}

impl Parameter {
    /// Its full name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value now, without white space around it.
    pub async fn read(&self) -> Result<SecretString, SsmError> {
        let request = self.client.get_parameter().name(&self.name).with_decryption(true);
        let got = request
            .send()
            .await
            .map_err(|source| SsmError::Read { name: self.name.clone(), source: Box::new(source) })?;
        value(&self.name, got.parameter.and_then(|parameter| parameter.value))
    }
}

fn value(name: &str, value: Option<String>) -> Result<SecretString, SsmError> {
    // The SDK's copy is wiped as well.
    let value = Zeroizing::new(value.unwrap_or_default());
    match value.trim() {
        "" => Err(SsmError::Empty(name.to_owned())),
        value => Ok(value.into()),
    }
}
