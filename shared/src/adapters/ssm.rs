//! The SSM Parameter Store, and the one SDK configuration that every AWS client is made from.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ssm::{Client, error::SdkError, operation::get_parameter::GetParameterError};
use aws_smithy_http_client::{
    Builder,
    tls::{self, rustls_provider::CryptoMode},
};
use secrecy::SecretString;

/// How long the Parameter Store may take over one parameter, retries included: more must not hold up a
/// function's start, nor a request that needs a secret read again.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// Before the second try of a call, doubled before the third. The SDK's own second is too long for calls
/// that somebody waits for.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The SDK's configuration: credentials, region and endpoints from its own variables, TLS by rustls
/// with ring, and `timeout` over each operation with its retries.
pub async fn sdk_config(timeout: Duration) -> SdkConfig {
    let http = Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(FIRST_PAUSE))
        .timeout_config(TimeoutConfig::builder().operation_timeout(timeout).build())
        .load()
        .await
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
        /// The parameter's full name.
        name: String,
        /// What the SDK says.
        source: Box<SdkError<GetParameterError>>,
    },
    /// It is there and empty.
    #[error("the parameter {0} is empty")]
    Empty(String),
}

impl Parameter {
    /// The parameter `{prefix}{name}`.
    pub fn new(config: &SdkConfig, prefix: &str, name: &str) -> Self {
        let timeout = TimeoutConfig::builder().operation_timeout(READ_TIMEOUT).build();
        let config = aws_sdk_ssm::config::Builder::from(config).timeout_config(timeout).build();
        Self { client: Client::from_conf(config), name: format!("{prefix}{name}") }
    }

    /// Its value now, without white space around it.
    pub async fn read(&self) -> Result<SecretString, SsmError> {
        let got = self
            .client
            .get_parameter()
            .name(&self.name)
            .with_decryption(true)
            .send()
            .await
            .map_err(|source| SsmError::Read { name: self.name.clone(), source: Box::new(source) })?;
        let value = got.parameter.and_then(|p| p.value).unwrap_or_default();
        match value.trim() {
            "" => Err(SsmError::Empty(self.name.clone())),
            value => Ok(value.into()),
        }
    }
}
