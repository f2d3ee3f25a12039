//! Stage one: authenticates a webhook, reads it, puts its jobs into the queue and answers LINE.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use shared::{
    event::log,
    job::Job,
    logging::{self, LimitedLog},
    prefix::Prefix,
    secret::{NotRead, Secret},
    traces,
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};

use crate::{
    queue::JobQueue,
    signature,
    webhook::{self, Verdict},
};

/// The time that *accept* may use of LINE's two seconds, after start-up.
pub const BUDGET: Duration = Duration::from_millis(1500);
/// The largest body, in bytes, that is read on the same thread. A larger one is read on a thread of its own, so that
/// other webhooks do not wait for it.
const LARGE: usize = 64 << 10;
/// The most jobs of a webhook that have a log line each. It is far more than LINE ever posts at once.
const LOGGED_MAX: usize = 1_000;

/// Stage one.
pub struct Ingress {
    /// The channel secret.
    pub secret: Secret,
    /// The queue for the jobs.
    pub queue: Arc<dyn JobQueue>,
    /// The longest time that all steps together may take: [`BUDGET`].
    pub budget: Duration,
    /// The prefix that calls the bot in groups, in addition to a mention.
    pub group_prefix: Option<Prefix>,
    /// The wall clock, in milliseconds since 1970.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// The counter of webhooks whose signature is missing or wrong.
    pub refused: LimitedLog,
}

/// The answer to LINE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Every event that needs a job is durably queued. Perhaps there was none.
    Queued,
    /// The signature is missing or wrong. Nothing was read.
    Unauthorized,
    /// The body is signed with LINE's secret, but it is not a webhook.
    NotAWebhook,
    /// The queue did not take the jobs in time, or nobody knows yet whether LINE signed the body. LINE delivers the
    /// webhook again if redelivery is switched on in the LINE Developers Console.
    Unavailable,
}

impl Accepted {
    /// Returns the HTTP status of the answer.
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
    /// Accepts one webhook: the bytes of the body as they came, and the value of `x-line-signature`.
    pub async fn accept(&self, signature: Option<&[u8]>, body: &[u8]) -> Accepted {
        let began = Instant::now();
        let accepted = timeout(self.budget, self.accept_in_time(signature, body)).await;
        let accepted = accepted.unwrap_or_else(|_| {
            log!(error, WebhookTimedOut, "the webhook was not taken in time: LINE is told 503");
            Accepted::Unavailable
        });
        let ack_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = accepted.status();
        if accepted == Accepted::Unauthorized {
            log!(counted, Webhook, status, ack_ms, "the webhook is answered");
        } else {
            log!(info, Webhook, status, ack_ms, "the webhook is answered");
        }
        accepted
    }

    async fn accept_in_time(&self, signature: Option<&[u8]>, body: &[u8]) -> Accepted {
        match traces::step("verify", self.is_authentic(signature, body)).await {
            Ok(true) => {}
            Ok(false) => {
                self.log_refusal(signature.is_some());
                return Accepted::Unauthorized;
            }
            Err(NotRead) => {
                log!(error, SecretMissing, "the channel secret could not be read yet: LINE is told 503");
                return Accepted::Unavailable;
            }
        }
        let jobs = match self.read(body).await {
            Ok(verdicts) => jobs_of(verdicts),
            Err(refused) => return refused,
        };
        if jobs.is_empty() {
            return Accepted::Queued;
        }
        match self.queue.send(&jobs).await {
            Ok(()) => {
                log_accepted(&jobs);
                Accepted::Queued
            }
            Err(failure) => {
                log!(error, WebhookFailed, error = %logging::chain(&failure), "the queue did not take the webhook: LINE is told 503");
                Accepted::Unavailable
            }
        }
    }

    /// Returns the verdicts on the events of this body.
    async fn read(&self, body: &[u8]) -> Result<Vec<Verdict>, Accepted> {
        let now = (self.clock)();
        let read = if body.len() <= LARGE {
            webhook::parse(body, self.group_prefix.as_ref(), now)
        } else {
            let (body, prefix) = (body.to_vec(), self.group_prefix.clone());
            let reading = spawn_blocking(move || webhook::parse(&body, prefix.as_ref(), now));
            // The task panicked, which is logged.
            reading.await.map_err(|_| Accepted::Unavailable)?
        };
        read.map_err(|_| {
            log!(warn, BodyInvalid, bytes = body.len(), "a signed body is not a webhook: LINE is told 400");
            Accepted::NotAWebhook
        })
    }

    /// Counts each webhook that was refused, and logs only one in each period, because strangers send as many as they
    /// like.
    fn log_refusal(&self, signed: bool) {
        log!(counted, SignatureRefused, "a webhook is refused: its signature is missing or wrong");
        if let Some(times) = self.refused.count(Instant::now()) {
            log!(
                warn,
                SignaturesRefused,
                signed,
                times,
                "webhooks were refused: their signature is missing or wrong"
            );
        }
    }

    async fn is_authentic(&self, signature: Option<&[u8]>, body: &[u8]) -> Result<bool, NotRead> {
        let Some(signature) = signature else { return Ok(false) };
        let secret = self.secret.value().await?;
        if signature::verify(&secret, body, signature) {
            return Ok(true);
        }
        // If the secret cannot be read again, the result with the known secret stands.
        let newer = self.secret.replacement_of(&secret).await.unwrap_or_default();
        Ok(newer.is_some_and(|newer| signature::verify(&newer, body, signature)))
    }
}

/// Logs a line for each job, up to [`LOGGED_MAX`] lines.
fn log_accepted(jobs: &[Job]) {
    let (logged, more) = jobs.split_at(jobs.len().min(LOGGED_MAX));
    for job in logged {
        log!(info, Accepted, event = %job.event_id, conversation = %job.conversation, "the event is accepted");
    }
    for _ in more {
        log!(counted, Accepted, "the event is accepted");
    }
    if !more.is_empty() {
        log!(info, AcceptedMore, jobs = more.len(), "more events are accepted than lines are written");
    }
}

/// Returns the jobs. The other verdicts are logged: one line for each reason, for any number of events.
fn jobs_of(verdicts: Vec<Verdict>) -> Vec<Job> {
    let (mut skipped, mut odd) = (BTreeMap::new(), BTreeMap::new());
    let mut jobs = vec![];
    for verdict in verdicts {
        match verdict {
            Verdict::Job(job) => jobs.push(*job),
            Verdict::Skip(reason) => *skipped.entry(reason).or_insert(0_usize) += 1,
            Verdict::Odd(reason) => *odd.entry(reason).or_insert(0_usize) += 1,
        }
    }
    for (reason, events) in skipped {
        log!(info, EventsSkipped, reason, events, "events need no job");
    }
    for (reason, events) in odd {
        log!(warn, OddEventsSkipped, reason, events, "events are not as LINE documents them");
    }
    jobs
}

#[cfg(test)]
mod tests;
