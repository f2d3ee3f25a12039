//! `henji dlq resolve` notifies the user that there will be no answer, and removes the letter.

use jiff::Timestamp;
use local::dead_letter::{DeadLetter, State};
use shared::job::{ConversationId, JobKind};
use worker::{history::key_is_alive, locale::Locale, turn::apology::APOLOGY};

use super::{done::Done, source::Source};
use crate::clients::line_channel::Channel;

/// The channel and the words with which users are notified.
pub struct Resolve {
    /// The client of the LINE channel.
    pub channel: Channel,
    /// The operator's own text; `None` for the bot's apology.
    pub message: Option<String>,
    /// The language of the apology to a group, and to a person whose language LINE does not give.
    pub locale: Locale,
    /// The time when the command began.
    pub now: Timestamp,
}

impl Resolve {
    /// Notifies the user of one letter whose turn is not over, and then removes the letter.
    pub async fn one(&self, source: &mut Source, letter: &DeadLetter) -> anyhow::Result<Done> {
        let Ok(job) = letter.job() else {
            return Ok(Done::Kept("it is not a job that this henji can read (purge removes it)"));
        };
        match (letter.state, &self.message) {
            _ if !matches!(job.kind, JobKind::Question { .. }) => {
                return Ok(Done::Kept("nobody waits for an answer to it (redrive does what it asks)"));
            }
            (State::DeliveryUnknown, None) => {
                return Ok(Done::Kept("its answer may have arrived (--message says something all the same)"));
            }
            _ => {}
        }
        // The key is derived from the text: if the command is run again, LINE sends the same text only once.
        let words = self.message.as_deref().unwrap_or_default();
        let mut key = job.event_id.derive(&format!("resolve/{words}"));
        if self.message.is_none()
            && let Some(first) = source.told_at(letter).await?
        {
            if !key_is_alive(first, self.now) {
                source.remove(letter).await?;
                return Ok(Done::Removed("its user was told before (--message says more)"));
            }
            // The apology is marked before it is pushed, so LINE may not have it yet. Its key lets LINE send it once.
            key = job.event_id.derive(APOLOGY);
        }
        let text = match &self.message {
            Some(message) => message,
            None => self.locale_of(&job.conversation).await.words().no_answer_no_button,
        };
        self.channel.say(job.conversation.as_str(), text, key).await?;
        // The user was notified, so the result is the same if somebody else has removed the letter in the meantime.
        source.remove(letter).await?;
        Ok(Done::Changed)
    }

    /// Returns the language of a person if LINE gives it, else the default language.
    async fn locale_of(&self, conversation: &ConversationId) -> Locale {
        let ConversationId::User(user) = conversation else { return self.locale };
        let language = self.channel.language(user.as_str()).await;
        language.as_deref().and_then(Locale::of_tag).unwrap_or(self.locale)
    }
}
