//! A secret that can be read again at its source, so that rotating it needs no deployment.

use secrecy::SecretString;

#[cfg(feature = "aws")]
use self::{rotating::Rotating, state::Refuser};

mod error;
#[cfg(feature = "aws")]
mod rotating;
#[cfg(feature = "aws")]
mod state;

pub use self::error::NotRead;

/// A value that authenticates, and its source.
pub struct Secret(Source);

/// The source of a secret.
enum Source {
    /// The environment. It cannot change while the process runs.
    Fixed(SecretString),
    /// A SecureString of the SSM Parameter Store.
    #[cfg(feature = "aws")]
    Parameter(Box<Rotating>),
}

impl Secret {
    /// Makes a secret that never changes.
    pub fn fixed(value: SecretString) -> Self {
        Self(Source::Fixed(value))
    }

    /// Reads a parameter now. Strangers can cause its refusal by signatures of their own, so it is read again at most
    /// once a minute. If it cannot be read now, the failure is logged, and it is read when it is used.
    #[cfg(feature = "aws")]
    pub async fn of_parameter(parameter: crate::adapters::ssm::Parameter) -> Self {
        Self(Source::Parameter(Box::new(Rotating::read_now(parameter, Refuser::Strangers).await)))
    }

    /// Reads several parameters now, by one call. Only LINE and the model refuse their values. Each is read again by
    /// itself, at most every five seconds.
    #[cfg(feature = "aws")]
    pub async fn of_parameters<const N: usize>(
        store: &crate::adapters::ssm::ParameterStore,
        names: [&str; N],
    ) -> [Self; N] {
        let secrets = Rotating::read_together(store, names).await;
        secrets.map(|secret| Self(Source::Parameter(Box::new(secret))))
    }

    /// Returns the value in use. If the value was never read, it waits for the value for up to a second.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only parameters are waited for"))]
    pub async fn value(&self) -> Result<SecretString, NotRead> {
        match &self.0 {
            Source::Fixed(value) => Ok(value.clone()),
            #[cfg(feature = "aws")]
            Source::Parameter(parameter) => parameter.value().await,
        }
    }

    /// Returns the value in use; `None` if it was never read.
    pub fn known(&self) -> Option<SecretString> {
        match &self.0 {
            Source::Fixed(value) => Some(value.clone()),
            #[cfg(feature = "aws")]
            Source::Parameter(parameter) => parameter.known(),
        }
    }

    /// Returns the value that has replaced `used`, which was refused; `None` if `used` is still current. Callers that
    /// wait for the same read share its result.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, clippy::unused_async, reason = "only parameters are read again")
    )]
    pub async fn replacement_of(&self, used: &SecretString) -> Result<Option<SecretString>, NotRead> {
        match &self.0 {
            Source::Fixed(_) => Ok(None),
            #[cfg(feature = "aws")]
            Source::Parameter(parameter) => parameter.replacement_of(used).await,
        }
    }
}
