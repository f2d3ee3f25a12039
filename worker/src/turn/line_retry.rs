//! Decides whether LINE is asked once more, within this attempt, to accept a part of a stored answer.

use shared::job::Job;
use tokio::time::{Instant, sleep};

use super::unsend::ensure_may_be_sent;
use crate::{clients::Clients, failure::Failure, retry_pauses};

/// Waits until the part is to be tried again. Returns false if this attempt does not try it again, and an error if
/// nothing more of the answer may be sent.
pub(crate) async fn wait(
    clients: &Clients,
    job: &Job,
    tries: &mut u32,
    failure: &Failure,
    deadline: Instant,
) -> Result<bool, Failure> {
    let pause = retry_pauses::within(&clients.config.pauses.within, *tries, failure);
    let Some(pause) = pause.filter(|pause| Instant::now() + *pause < deadline) else { return Ok(false) };
    *tries += 1;
    sleep(pause).await;
    ensure_may_be_sent(clients, job).await?;
    Ok(true)
}
