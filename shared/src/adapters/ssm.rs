//! The client of the SSM Parameter Store.

use std::{error::Error, time::Duration};

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ssm::Client;
use secrecy::{SecretString, zeroize::Zeroizing};

use crate::event::log;

/// The longest time of one read of the Parameter Store, retries included. A longer read would delay a function's start,
/// or a request that needs a secret to be read again.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest time of one try. It is short: if the connection broke while Lambda had frozen the process, no answer
/// comes.
const TRY_TIMEOUT: Duration = Duration::from_millis(500);
/// The tries of one read. There are enough to fill [`READ_TIMEOUT`]: the store refuses more than 40 reads a second in
/// an account (AWS: "Parameter Store throughput"), and a later try may succeed.
const TRIES: u32 = 6;
/// The longest pause before the second try; it is doubled before each further try. The SDK draws each pause between
/// zero and this length, so that functions that start together do not try again together.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// The parameters under one prefix.
pub struct ParameterStore {
    client: Client,
    prefix: String,
}

/// One parameter, which is a SecureString.
pub struct Parameter {
    client: Client,
    name: String,
}

/// The error if a parameter could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SsmError {
    /// The service refused the read, or did not answer.
    #[error("the parameter {name} could not be read")]
    Read {
        /// The parameter's full name, or several of them.
        name: String,
        /// The error of the SDK.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The parameter exists and is empty.
    #[error("the parameter {0} is empty")]
    Empty(String),
    /// There is no parameter of this name.
    #[error("there is no parameter {0}")]
    Missing(String),
}

impl ParameterStore {
    /// Returns the store with the parameters whose names begin with `prefix`.
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

    /// Returns the parameter `{prefix}{name}`.
    pub fn parameter(&self, name: &str) -> Parameter {
        Parameter { client: self.client.clone(), name: format!("{}{name}", self.prefix) }
    }

    /// Reads the current values of these parameters by one call, and returns each with its full name. A parameter that
    /// is missing or empty is logged and left out.
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
    /// Returns its full name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads its current value, and removes the white space around it.
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
    // The SDK's copy is erased, too.
    let value = Zeroizing::new(value.unwrap_or_default());
    match value.trim() {
        "" => Err(SsmError::Empty(name.to_owned())),
        value => Ok(value.into()),
    }
}
