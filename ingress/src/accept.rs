//! The story of stage one: authenticate, read, enqueue, answer.

use std::{sync::Arc, time::Duration};

use shared::{
    job::Job,
    logging,
    prefix::Prefix,
    secret::{NotRead, Secret},
    traces,
};
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

use crate::{queue::JobQueue, signature, webhook};

/// What *accept* may use of LINE's two seconds, after start-up.
pub const BUDGET: Duration = Duration::from_millis(1500);

/// Stage one.
pub struct Ingress {
    /// The channel secret.
    pub secret: Secret,
    /// Where the jobs go.
    pub queue: Arc<dyn JobQueue>,
    /// How long the whole of it may take: [`BUDGET`].
    pub budget: Duration,
    /// What calls the bot in groups, beside a mention.
    pub group_prefix: Option<Prefix>,
    /// The wall clock, in milliseconds since 1970.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// What LINE is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Every event worth answering is durably queued; perhaps there was none.
    Queued,
    /// The signature is missing or wrong. Nothing was read.
    Unauthorized,
    /// Signed by LINE's secret and yet not a webhook.
    NotAWebhook,
    /// The queue did not take it in time, or nobody can tell yet whether LINE signed it. LINE delivers again if
    /// its console says so.
    Unavailable,
}

impl Accepted {
    /// The HTTP status that says it.
    pub fn status(self) -> u16 {
        match self {
            Self::Queued => 200,
            Self::Unauthorized => 401,
            Self::NotAWebhook => 400,
            Self::Unavailable => 503,
        }
    }
}

impl Ingress {
    /// Takes one webhook: the bytes as they came, and the value of `x-line-signature`.
    pub async fn accept(&self, signature: Option<&[u8]>, body: &[u8]) -> Accepted {
        let began = Instant::now();
        let accepted = timeout(self.budget, self.accept_in_time(signature, body)).await;
        let accepted = accepted.unwrap_or_else(|_| {
            error!("the webhook was not taken in time: LINE is told 503");
            Accepted::Unavailable
        });
        let ack_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        info!(status = accepted.status(), ack_ms, "webhook");
        accepted
    }

    async fn accept_in_time(&self, signature: Option<&[u8]>, body: &[u8]) -> Accepted {
        match traces::step("verify", self.is_authentic(signature, body)).await {
            Ok(true) => {}
            Ok(false) => {
                warn!(signed = signature.is_some(), "refused a webhook: its signature is missing or wrong");
                return Accepted::Unauthorized;
            }
            Err(NotRead) => {
                error!("the channel secret could not be read yet: LINE is told 503");
                return Accepted::Unavailable;
            }
        }
        let Ok(verdicts) = webhook::parse(body, self.group_prefix.as_ref(), (self.clock)()) else {
            warn!(bytes = body.len(), "refused a signed body that is not a webhook");
            return Accepted::NotAWebhook;
        };
        let jobs: Vec<Job> = verdicts.into_iter().filter_map(job_of).collect();
        if jobs.is_empty() {
            return Accepted::Queued;
        }
        match self.queue.send(&jobs).await {
            Ok(()) => {
                for job in &jobs {
                    info!(event = %job.event_id, conversation = %job.conversation, "accepted");
                }
                Accepted::Queued
            }
            Err(failure) => {
                error!(error = %logging::chain(&failure), "the webhook was not taken: LINE is told 503");
                Accepted::Unavailable
            }
        }
    }

    async fn is_authentic(&self, signature: Option<&[u8]>, body: &[u8]) -> Result<bool, NotRead> {
        let Some(signature) = signature else { return Ok(false) };
        let secret = self.secret.value().await?;
        if signature::verify(&secret, body, signature) {
            return Ok(true);
        }
        // A read that fails keeps the secret.
        let newer = self.secret.other_than(&secret).await.unwrap_or_default();
        Ok(newer.is_some_and(|newer| signature::verify(&newer, body, signature)))
    }
}

fn job_of(verdict: webhook::Verdict) -> Option<Job> {
    match verdict {
        webhook::Verdict::Job(job) => return Some(*job),
        webhook::Verdict::Skip(reason) => info!(reason, "skipped an event"),
        webhook::Verdict::Odd(reason) => warn!(reason, "skipped an odd event"),
    }
    None
}
