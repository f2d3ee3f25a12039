//! The state of a rotating secret: its value, and the time of the next read. The Parameter Store allows 40 reads a
//! second in a whole account, so the state keeps reads few. Pure.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::error::NotRead;

/// The pause after the first read that failed. Each further pause is longer by three tenths, and therefore a small part
/// of the time that has passed. So a store that throttles is soon asked again, and a store that never gives the secret
/// keeps its quota for others.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The party that can refuse a secret, and so cause a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refuser {
    /// Anybody, by a wrong signature. Until the next read is due, a refusal is believed without a read.
    Strangers,
    /// Only the server that the secret is for. A refusal is believed after a further read, and the caller waits until
    /// that read is due. Without it an answer would be lost although the new secret is there.
    Server,
}

impl Refuser {
    /// Returns the shortest time between two reads of a secret that has a value.
    fn every(self) -> Duration {
        match self {
            Self::Strangers => Duration::from_mins(1),
            Self::Server => Duration::from_secs(5),
        }
    }
}

pub(super) struct State {
    value: Value,
    /// The number of reads that ended, with or without success.
    pub(super) reads: u64,
    /// Whether the last read failed, so that nobody knows whether the value is still current.
    is_in_doubt: bool,
    /// The time before which no read begins.
    pub(super) next_read: Option<Instant>,
}

enum Value {
    /// No value was read yet. The field is the number of failed reads.
    NeverRead {
        failures: u32,
    },
    Read(SecretString),
}

impl State {
    pub(super) fn unread() -> Self {
        Self { value: Value::NeverRead { failures: 0 }, reads: 0, is_in_doubt: false, next_read: None }
    }

    /// Records the result of a read that ended at `ended`.
    pub(super) fn learn(&mut self, read: Option<SecretString>, ended: Instant, refuser: Refuser) {
        self.reads += 1;
        self.is_in_doubt = read.is_none();
        self.next_read = match (&mut self.value, &read) {
            // The first refusal of a new value causes a read at once.
            (Value::NeverRead { .. }, Some(_)) => None,
            (Value::NeverRead { failures }, None) => {
                *failures = failures.saturating_add(1);
                Some(ended + pause_after(*failures))
            }
            (Value::Read(_), _) => Some(ended + refuser.every()),
        };
        if let Some(value) = read {
            self.value = Value::Read(value);
        }
    }

    pub(super) fn value(&self) -> Option<SecretString> {
        match &self.value {
            Value::NeverRead { .. } => None,
            Value::Read(value) => Some(value.clone()),
        }
    }

    /// Returns the value if it is not `used`; an error if the last read failed, so that nobody knows.
    pub(super) fn replacement_of(&self, used: &SecretString) -> Result<Option<SecretString>, NotRead> {
        match self.value() {
            Some(value) if value.expose_secret() != used.expose_secret() => Ok(Some(value)),
            _ if self.is_in_doubt => Err(NotRead),
            _ => Ok(None),
        }
    }
}

/// Returns the pause after so many failed reads, while there is no value yet.
fn pause_after(failures: u32) -> Duration {
    let longer = 1.3_f64.powi(failures.saturating_sub(1).min(30).cast_signed());
    FIRST_PAUSE.mul_f64(longer).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(value: Option<&SecretString>, expected: Option<&str>) {
        assert_eq!(value.map(ExposeSecret::expose_secret), expected);
    }

    #[test]
    fn a_secret_that_was_never_read_is_read_soon_and_then_less_and_less_often() {
        let (mut state, ended, mut passed) = (State::unread(), Instant::now(), Duration::ZERO);
        for failures in 1..40 {
            state.learn(None, ended, Refuser::Strangers);
            is(state.value().as_ref(), None);
            let pause = state.next_read.unwrap_or(ended) - ended;
            let small = FIRST_PAUSE + passed.mul_f64(0.31);
            assert!(pause <= small && pause <= LONGEST_PAUSE, "{failures}: {pause:?}");
            passed += pause;
            // Within the first seconds each caller gets a read of its own.
            assert!(pause.as_secs() < 1 || passed.as_secs() > 3, "{failures}: {pause:?}");
        }
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
        state.learn(Some("new".into()), ended, Refuser::Strangers);
        assert_eq!(state.next_read, None, "the first refusal is worth a read");
        is(state.value().as_ref(), Some("new"));
    }

    #[test]
    fn a_read_that_fails_keeps_the_value_and_a_used_value_is_held_against_the_one_in_use() {
        let (mut state, ended) = (State::unread(), Instant::now());
        state.learn(Some("old".into()), ended, Refuser::Strangers);
        is(state.replacement_of(&"old".into()).ok().flatten().as_ref(), None);
        state.learn(None, ended, Refuser::Strangers);
        is(state.value().as_ref(), Some("old"));
        assert_eq!(state.replacement_of(&"old".into()).err(), Some(NotRead), "perhaps it is still current");
        assert_eq!(state.next_read, Some(ended + Duration::from_mins(1)));
        state.learn(Some("new".into()), ended, Refuser::Server);
        assert_eq!(state.next_read, Some(ended + Duration::from_secs(5)));
        is(state.replacement_of(&"old".into()).ok().flatten().as_ref(), Some("new"));
        assert!(state.replacement_of(&"new".into()).is_ok_and(|other| other.is_none()));
    }
}
