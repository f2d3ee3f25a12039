//! Marks a message as read while its answer is made. LINE does this itself only if nobody chats by hand (LINE, "Mark
//! messages as read").

use std::{pin::pin, time::Duration};

use shared::job::Job;
use tokio::time::timeout;

use crate::adapters::line::LineClient;

/// The longest time that a finished answer waits for the request. A message that was answered should not stay unread
/// because its answer was quick.
const GRACE: Duration = Duration::from_millis(300);

/// Runs `work` while the message of the job is marked as read, if LINE gave a token for it and `is_due`.
pub(crate) async fn while_marking_as_read<T>(
    line: &LineClient,
    job: &Job,
    is_due: bool,
    work: impl Future<Output = T>,
) -> T {
    let Some(token) = job.read_token.as_deref().filter(|_| is_due) else { return work.await };
    // Boxed, because nearly no message has a token, and each attempt would otherwise hold the request.
    let (mut request, mut work) = (Box::pin(line.mark_as_read(token)), pin!(work));
    tokio::select! {
        done = &mut work => {
            let _ = timeout(GRACE, request).await;
            done
        }
        () = &mut request => work.await,
    }
}
