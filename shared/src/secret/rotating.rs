//! A secret of the Parameter Store. One read at a time serves all callers that wait for it; `state` decides when the
//! next read may begin.

use std::{
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::{
    error::NotRead,
    state::{Refuser, State},
};
use crate::{
    adapters::ssm::{Parameter, ParameterStore},
    event::log,
    logging,
};

/// The longest time of one read. A longer read would delay a function's start, or a webhook.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Rotating {
    parameter: Parameter,
    refuser: Refuser,
    state: Mutex<State>,
    /// The lock of the one caller that reads. Callers that wait for it share the result. If the caller that reads is
    /// dropped, the next one reads.
    reading: tokio::sync::Mutex<()>,
}

impl Rotating {
    pub(super) async fn read_now(parameter: Parameter, refuser: Refuser) -> Self {
        let secret = Self::new(parameter, refuser);
        secret.read(Instant::now() + READ_TIMEOUT).await;
        secret
    }

    /// Reads several secrets by one call. Only the servers that they are for can refuse them.
    pub(super) async fn read_together<const N: usize>(store: &ParameterStore, names: [&str; N]) -> [Self; N] {
        let parameters = names.map(|name| store.parameter(name));
        let read = timeout(READ_TIMEOUT, store.read(&parameters)).await;
        let mut values = match read {
            Ok(Ok(values)) => values,
            Ok(Err(error)) => {
                log!(error, SecretNotRead, error = %logging::chain(&error), "the secrets could not be read");
                vec![]
            }
            Err(_) => {
                log!(error, SecretNotRead, "the secrets were not read in time");
                vec![]
            }
        };
        parameters.map(|parameter| {
            let own = values.iter().position(|(name, _)| name == parameter.name());
            let value = own.map(|own| values.swap_remove(own).1);
            let secret = Self::new(parameter, Refuser::Server);
            secret.state().learn(value, Instant::now(), Refuser::Server);
            secret
        })
    }

    fn new(parameter: Parameter, refuser: Refuser) -> Self {
        let state = State::unread().into();
        Self { parameter, refuser, state, reading: tokio::sync::Mutex::default() }
    }

    pub(super) fn known(&self) -> Option<SecretString> {
        self.state().value()
    }

    pub(super) async fn value(&self) -> Result<SecretString, NotRead> {
        match self.known() {
            Some(value) => Ok(value),
            None => self.first_value().await.ok_or(NotRead),
        }
    }

    async fn first_value(&self) -> Option<SecretString> {
        let deadline = Instant::now() + READ_TIMEOUT;
        let _reading = timeout_at(deadline, self.reading.lock()).await.ok()?;
        let next_read = {
            let state = self.state();
            if let Some(value) = state.value() {
                return Some(value);
            }
            state.next_read
        };
        if let Some(next_read) = next_read {
            if next_read >= deadline {
                return None;
            }
            sleep_until(next_read).await;
        }
        self.read(deadline).await;
        self.state().value()
    }

    pub(super) async fn replacement_of(&self, used: &SecretString) -> Result<Option<SecretString>, NotRead> {
        let reads = {
            let state = self.state();
            if let Ok(Some(other)) = state.replacement_of(used) {
                return Ok(Some(other));
            }
            state.reads
        };
        let _reading = self.reading.lock().await;
        let next_read = {
            let state = self.state();
            if state.reads > reads {
                return state.replacement_of(used);
            }
            state.next_read.filter(|at| *at > Instant::now())
        };
        match (next_read, self.refuser) {
            (Some(_), Refuser::Strangers) => return self.state().replacement_of(used),
            (Some(next_read), Refuser::Server) => sleep_until(next_read).await,
            (None, _) => {}
        }
        self.read(Instant::now() + READ_TIMEOUT).await;
        self.state().replacement_of(used)
    }

    /// Reads the secret until `deadline`. The caller holds `reading`. A failure keeps the value and is logged here.
    async fn read(&self, deadline: Instant) {
        // The type of the future is erased: the SDK's type is so deep that, with all callers that wait for it, the
        // compiler gives up.
        let read: Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(self.parameter.read());
        let value = match timeout_at(deadline, read).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                log!(error, SecretNotRead, error = %logging::chain(&error), "a secret could not be read");
                None
            }
            Err(_) => {
                log!(error, SecretNotRead, name = self.parameter.name(), "a secret was not read in time");
                None
            }
        };
        self.state().learn(value, Instant::now(), self.refuser);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
