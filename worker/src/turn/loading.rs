//! Shows LINE's loading animation while the model works, and sends one notice if the answer takes longer.

use std::time::Duration;

use shared::{event::log, job::Job};
use tokio::time::{Instant, sleep_until, timeout};

use super::{handoff, line_request, reply_token::patience_left, unsend::is_forgotten, user};
use crate::clients::Clients;

/// The time after which the loading animation is shown again. LINE shows it for a minute at most.
const AGAIN: Duration = Duration::from_secs(50);
/// The longest time that an answer waits for an animation or a notice that is under way. If one arrived after the
/// answer, the bot would seem to be still thinking.
const GRACE: Duration = Duration::from_millis(300);

/// Runs `work` while LINE shows its loading animation, from the start until the work is done. Sends one notice that the
/// answer takes longer, if the settings ask for it. Returns the result of the work, and whether the reply token was
/// used for the notice. Groups have neither the animation nor the notice.
pub(crate) async fn while_showing_animation<T>(
    clients: &Clients,
    job: &Job,
    work: impl Future<Output = T>,
) -> (T, bool) {
    let Clients { config, storage, line, .. } = clients;
    if !job.is_private() {
        return (work.await, false);
    }
    let left = patience_left(config.patience, config.delivery, job, storage.now());
    let mut patience_ends = left.map(|left| Instant::now() + left);
    let mut token_is_spent = false;
    tokio::pin!(work);
    loop {
        let mut request = Box::pin(line.start_loading(job.conversation.as_str()));
        tokio::select! {
            done = &mut work => {
                let _ = timeout(GRACE, request).await;
                return (done, token_is_spent);
            }
            () = &mut request => drop(request),
        }
        let again = Instant::now() + config.pauses.of_steps.loading.unwrap_or(AGAIN);
        let wakes = patience_ends.map_or(again, |ends| ends.min(again));
        tokio::select! {
            done = &mut work => return (done, token_is_spent),
            () = sleep_until(wakes) => {}
        }
        if patience_ends.take_if(|ends| *ends <= Instant::now()).is_some() {
            token_is_spent = true;
            let mut notice = Box::pin(say_still_thinking(clients, job));
            tokio::select! {
                done = &mut work => {
                    let _ = timeout(GRACE, notice).await;
                    return (done, token_is_spent);
                }
                () = &mut notice => {}
            }
        }
    }
}

/// Sends the notice that the answer takes longer, once, unless the message was unsent or the chat is paused.
async fn say_still_thinking(Clients { config, storage, line, .. }: &Clients, job: &Job) {
    let is_silent = |it| is_forgotten(job, &it) || handoff::stops(job, &it, storage.now());
    if storage.conversation_changes(job).await.is_ok_and(is_silent) {
        return;
    }
    let text = user::locale(line, job, config.locale).words().still_thinking;
    let said = line_request::send_notice(line, storage, &config.pauses.within, job, &text.into()).await;
    log!(info, PatienceAsked, event = %job.event_id, said, "the person is told that the answer takes longer");
}
