//! The SSM Parameter Store.

use std::time::Duration;

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_ssm::{Client, error::SdkError, operation::get_parameter::GetParameterError};
use secrecy::{SecretString, zeroize::Zeroizing};

/// How long the Parameter Store may take over one parameter, retries included: more must not hold up a
/// function's start, nor a request that needs a secret read again.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
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
        /// The parameter's full name.
        name: String,
        /// What the SDK says.
        source: Box<SdkError<GetParameterError>>,
    },
    /// It is there and empty.
    #[error("the parameter {0} is empty")]
    Empty(String),
}

impl ParameterStore {
    /// The parameters whose names begin with `prefix`.
    pub fn new(config: &SdkConfig, prefix: &str) -> Self {
        let timeout = TimeoutConfig::builder().operation_timeout(READ_TIMEOUT).build();
        let config = aws_sdk_ssm::config::Builder::from(config).timeout_config(timeout).build();
        Self { client: Client::from_conf(config), prefix: prefix.to_owned() }
    }

    /// The parameter `{prefix}{name}`.
    pub fn parameter(&self, name: &str) -> Parameter {
        Parameter { client: self.client.clone(), name: format!("{}{name}", self.prefix) }
    }
}

impl Parameter {
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
        // The SDK's copy is wiped as well.
        let value = Zeroizing::new(got.parameter.and_then(|p| p.value).unwrap_or_default());
        match value.trim() {
            "" => Err(SsmError::Empty(self.name.clone())),
            value => Ok(value.into()),
        }
    }
}
