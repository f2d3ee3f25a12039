//! The chapter of telling: what the bot says of itself, when there is no answer to give.

use shared::job::{Ask, Job};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::{
    answer::Worker,
    command::Command,
    history::key_is_alive,
    obey::button,
    outcome::{Failure, Outcome, Reason},
    reply::{self, Reply},
};

impl Worker {
    /// Tells the user, once per event for ever, that there will be no answer. Called when the dead
    /// letter is safe, and again if it is called for again: the mark and the key make it once. Left out
    /// where nothing was asked, where the answer may have arrived, or where LINE takes nothing from this
    /// channel.
    pub async fn apologise(&self, job: &Job, reason: Reason) {
        let Ask::Question { text, .. } = &job.ask else { return };
        if matches!(reason, Reason::LineAuth | Reason::LineQuota) {
            return;
        }
        let now = self.now();
        // What a command asked for was asked before.
        let question = Command::of(text).is_none().then_some(text.as_str());
        match self.persist(|| self.history.tell(job, question, now)).await {
            Ok(Some(first)) if key_is_alive(first, now) => {}
            Ok(_) => return,
            Err(Failure { detail, .. }) => {
                error!(event = %job.event_id, detail, "the user was not told: no mark could be made");
                return;
            }
        }
        let words = self.config.locale.words();
        let text = if reason == Reason::ModelRefused { words.refused } else { words.no_answer };
        let retry = button(words.labels.retry, &Command::Retry, self.config.locale);
        let buttons = if reason == Reason::ModelRefused { vec![] } else { vec![retry] };
        for body in reply::pushes(&job.conversation, &Reply { buttons, ..text.into() }) {
            if let Err((Failure { detail, .. }, _)) = self.push(&body, job.event_id.derive("apology")).await {
                warn!(event = %job.event_id, detail, "the user could not be told");
            }
        }
    }

    /// One polite word by the free reply token, never by push. Nothing is lost if LINE does not take
    /// it, so it is never dead-lettered.
    pub(crate) async fn give_notice(&self, job: &Job) -> Outcome {
        let Some(token) = &job.reply_token else { return Outcome::Noticed };
        let text = self.config.locale.words().not_understood;
        let mut tries = 0;
        loop {
            let failure = match self.line.reply(token, text).await {
                Ok(said) => {
                    info!(event = %job.event_id, said, "noticed");
                    return Outcome::Noticed;
                }
                Err(failure) => failure,
            };
            let Some(pause) = self.pause_within(tries, &failure) else {
                warn!(event = %job.event_id, detail = failure.detail, "the notice could not be given");
                return Outcome::Noticed;
            };
            tries += 1;
            sleep(pause).await;
        }
    }
}
