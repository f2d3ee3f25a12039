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

/// A value that authenticates, and where it comes from.
pub struct Secret(Source);

/// Where a secret comes from.
enum Source {
    /// The environment: it cannot change while the process lives.
    Fixed(SecretString),
    /// A SecureString of the SSM Parameter Store.
    #[cfg(feature = "aws")]
    Parameter(Box<Rotating>),
}

impl Secret {
    /// A value that never changes.
    pub fn fixed(value: SecretString) -> Self {
        Self(Source::Fixed(value))
    }

    /// The value of a parameter that strangers can have refused, by signatures of their own: it is read again
    /// at most once a minute. It is read now; where that fails, which is logged, it is read when it is used.
    #[cfg(feature = "aws")]
    pub async fn of_parameter(parameter: crate::adapters::ssm::Parameter) -> Self {
        Self(Source::Parameter(Box::new(Rotating::read_now(parameter, Refuser::Strangers).await)))
    }

    /// The values of several parameters that only LINE and the model refuse, read now by one call. Each is
    /// read again by itself, at most every five seconds.
    #[cfg(feature = "aws")]
    pub async fn of_parameters<const N: usize>(
        store: &crate::adapters::ssm::ParameterStore,
        names: [&str; N],
    ) -> [Self; N] {
        let secrets = Rotating::read_together(store, names).await;
        secrets.map(|secret| Self(Source::Parameter(Box::new(secret))))
    }

    /// The value in use. A value that was never read is waited for, for up to a second.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only parameters are waited for"))]
    pub async fn value(&self) -> Result<SecretString, NotRead> {
        match &self.0 {
            Source::Fixed(value) => Ok(value.clone()),
            #[cfg(feature = "aws")]
            Source::Parameter(parameter) => parameter.value().await,
        }
    }

    /// The value in use; `None` where it was never read.
    pub fn known(&self) -> Option<SecretString> {
        match &self.0 {
            Source::Fixed(value) => Some(value.clone()),
            #[cfg(feature = "aws")]
            Source::Parameter(parameter) => parameter.known(),
        }
    }

    /// The value that has taken the place of `used`, which was refused; `None` where that is still current. Callers
    /// that wait for a read share it.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, clippy::unused_async, reason = "only parameters are read again")
    )]
    pub async fn other_than(&self, used: &SecretString) -> Result<Option<SecretString>, NotRead> {
        match &self.0 {
            Source::Fixed(_) => Ok(None),
            #[cfg(feature = "aws")]
            Source::Parameter(parameter) => parameter.other_than(used).await,
        }
    }
}
