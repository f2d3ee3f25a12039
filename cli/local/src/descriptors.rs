//! The division of the open files that the process may have. Webhooks keep their share, however many files
//! conversations use.

use anyhow::bail;
use shared::event::log;

use crate::listeners::connections::CONNECTIONS_MAX;

/// The open files of the process itself: the database's files, the log, two listeners, the operator's connections.
const OWN: u64 = 64;
/// The most connections of a conversation: one to the model, two to LINE, one for an image or a recording.
const EACH_CONVERSATION: u64 = 4;
/// The number of connections that webhooks have at least.
const WEBHOOKS_MIN: u64 = 16;

/// The shares of conversations and webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The number of conversations that are worked on at once.
    pub concurrency: u32,
    /// The number of connections for webhooks.
    pub connections: usize,
}

/// Divides `limit` open files for at most so many conversations. Webhooks have at least a quarter.
pub fn share(limit: u64, concurrency: u32) -> anyhow::Result<Share> {
    let least = OWN + WEBHOOKS_MIN + EACH_CONVERSATION;
    if limit < least {
        bail!("the limit of open files is {limit}, and henji needs {least} at least: raise it, {HOW}");
    }
    let shared = limit - OWN;
    let webhooks = (shared / 4).max(WEBHOOKS_MIN);
    let most = u32::try_from((shared - webhooks) / EACH_CONVERSATION).unwrap_or(u32::MAX);
    let concurrency = concurrency.min(most);
    let rest = shared - u64::from(concurrency) * EACH_CONVERSATION;
    Ok(Share { concurrency, connections: usize::try_from(rest).unwrap_or(usize::MAX).min(CONNECTIONS_MAX) })
}

/// Raises the limit of open files as far as the system allows, and returns the limit.
pub fn raise() -> u64 {
    let raised = rlimit::increase_nofile_limit(u64::MAX);
    raised.or_else(|_| rlimit::Resource::NOFILE.get_soft()).unwrap_or(USUAL)
}

/// Raises the limit and divides it. If `CONCURRENCY` does not fit, it is lowered and the log reports this, because a
/// bot that answers fewer conversations at once is better than none.
pub fn fit(concurrency: u32) -> anyhow::Result<Share> {
    let limit = raise();
    let share = share(limit, concurrency)?;
    if share.concurrency < concurrency {
        log!(
            warn,
            ConcurrencyLowered,
            limit,
            wanted = concurrency,
            concurrency = share.concurrency,
            "CONCURRENCY is lowered to what the limit of open files allows; to have it all raise the limit, {HOW}"
        );
    }
    Ok(share)
}

/// The limit that Linux gives a process by default.
const USUAL: u64 = 1024;
/// The way to raise the limit, for messages.
const HOW: &str = "by ulimit -n or systemd's LimitNOFILE=";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn webhooks_keep_their_own_whatever_conversations_are_wanted() {
        for (limit, wanted, concurrency, connections) in [
            (u64::MAX, 1_000, 1_000, CONNECTIONS_MAX),
            (1_048_576, 100_000, 100_000, CONNECTIONS_MAX),
            (20_000, 1_000, 1_000, 15_936),
            (4_096, 1_000, 756, 1_008),
            (1_024, 1_000, 180, 240),
            (1_024, 10, 10, 920),
            (256, 1_000, 36, 48),
            (84, 1_000, 1, 16),
            (84, 1, 1, 16),
        ] {
            assert_eq!(share(limit, wanted).unwrap(), Share { concurrency, connections }, "{limit} {wanted}");
        }
    }

    #[test]
    fn all_that_is_shared_out_is_within_the_limit_and_each_has_some() {
        for limit in 84..3_000 {
            for wanted in [1, 2, 17, 1_000, u32::MAX] {
                let Share { concurrency, connections } = share(limit, wanted).unwrap();
                let used = OWN + u64::from(concurrency) * EACH_CONVERSATION + connections as u64;
                assert!(used <= limit && concurrency >= 1 && connections >= 16, "{limit} {wanted}");
            }
        }
    }

    #[test]
    fn a_limit_that_is_too_low_is_refused_with_what_to_do() {
        let error = share(83, 1).unwrap_err().to_string();
        assert!(error.contains("83") && error.contains("84") && error.contains("ulimit -n"), "{error}");
    }
}
