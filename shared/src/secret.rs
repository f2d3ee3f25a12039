//! A secret that can be read again at its source, so that rotating it needs no deployment.

use std::{
    sync::{Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};

/// How often one environment may go back to the source. Strangers who send wrong signatures must not
/// be able to use up the account's Parameter Store quota.
const REREAD_EVERY: Duration = Duration::from_mins(1);

/// The value in use, and where it came from.
pub struct Secret {
    current: RwLock<SecretString>,
    source: Source,
    reread_at: Mutex<Option<Instant>>,
}

/// Where a secret comes from.
enum Source {
    /// The environment: it cannot change while the process lives.
    Fixed,
    /// A SecureString of the SSM Parameter Store.
    #[cfg(feature = "aws")]
    Ssm(crate::adapters::ssm::Parameter),
}

impl Secret {
    /// A value that never changes.
    pub fn fixed(value: SecretString) -> Self {
        Self::of(value, Source::Fixed)
    }

    /// The value of a parameter, read now. Where it cannot be read, which is logged, the value is empty,
    /// so that it is refused wherever it is used, and read again there.
    #[cfg(feature = "aws")]
    pub async fn of_parameter(parameter: crate::adapters::ssm::Parameter) -> Self {
        let value = read(&parameter).await.unwrap_or_else(|| String::new().into());
        Self::of(value, Source::Ssm(parameter))
    }

    fn of(value: SecretString, source: Source) -> Self {
        Self { current: RwLock::new(value), source, reread_at: Mutex::new(None) }
    }

    /// The value in use.
    pub fn current(&self) -> SecretString {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes back to the source, at most once a minute; true if the value is another one now. A failed
    /// read keeps the old value and is logged here.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only parameters are waited for"))]
    pub async fn reread(&self) -> bool {
        match &self.source {
            Source::Fixed => false,
            #[cfg(feature = "aws")]
            Source::Ssm(parameter) => {
                if !self.may_reread(Instant::now()) {
                    return false;
                }
                // Boxed: whoever may reread while they wait for something else shall not keep room for it.
                Box::pin(read(parameter)).await.is_some_and(|fresh| self.replace(fresh))
            }
        }
    }

    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only parameters are read again"))]
    fn may_reread(&self, now: Instant) -> bool {
        let mut last = self.reread_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|at| now.duration_since(at) >= REREAD_EVERY);
        if due {
            *last = Some(now);
        }
        due
    }

    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only parameters are read again"))]
    fn replace(&self, fresh: SecretString) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.expose_secret() != fresh.expose_secret();
        *current = fresh;
        changed
    }
}

#[cfg(feature = "aws")]
async fn read(parameter: &crate::adapters::ssm::Parameter) -> Option<SecretString> {
    let read = parameter.read().await;
    read.inspect_err(
        |error| tracing::error!(error = %crate::logging::chain(error), "a secret could not be read"),
    )
    .ok()
}
