//! `henji dlq resolve`: ends a letter by telling its user that it could not be answered.

use jiff::Timestamp;
use local::dead_letter::{Letter, State};
use shared::job::{Ask, ConversationId};
use worker::{history::key_is_alive, locale::Locale, turn::apology::APOLOGY};

use super::{done::Done, source::Source};
use crate::clients::line_channel::Channel;

/// Who tells, and what.
pub struct Resolve {
    /// LINE.
    pub channel: Channel,
    /// The operator's own words.
    pub message: Option<String>,
    /// Without them, the language of a person who has told LINE none, and of a group.
    pub locale: Locale,
    /// The time.
    pub now: Timestamp,
}

impl Resolve {
    /// Tells the user of one letter whose turn is not over, and then removes it.
    pub async fn one(&self, source: &mut Source, letter: &Letter) -> anyhow::Result<Done> {
        let Ok(job) = letter.job() else {
            return Ok(Done::Kept("it is not a job that this henji can read (purge removes it)"));
        };
        match (letter.state, &self.message) {
            _ if !matches!(job.ask, Ask::Question { .. }) => {
                return Ok(Done::Kept("nobody waits for an answer to it (redrive does what it asks)"));
            }
            (State::DeliveryUnknown, None) => {
                return Ok(Done::Kept("its answer may have arrived (--message says something all the same)"));
            }
            _ => {}
        }
        // Run again, LINE takes the same words once.
        let words = self.message.as_deref().unwrap_or_default();
        let mut key = job.event_id.derive(&format!("resolve/{words}"));
        if self.message.is_none()
            && let Some(first) = source.told_at(letter).await?
        {
            if !key_is_alive(first, self.now) {
                source.remove(letter).await?;
                return Ok(Done::Removed("its user was told before (--message says more)"));
            }
            // It is marked before it is said, and LINE may not have taken it: under its key it takes it once.
            key = job.event_id.derive(APOLOGY);
        }
        let text = match &self.message {
            Some(message) => message,
            None => self.locale_of(&job.conversation).await.words().no_answer_no_button,
        };
        self.channel.say(job.conversation.as_str(), text, key).await?;
        // Its user was told, whoever removed the letter meanwhile.
        source.remove(letter).await?;
        Ok(Done::Changed)
    }

    /// The language of a person, where LINE tells it.
    async fn locale_of(&self, conversation: &ConversationId) -> Locale {
        let ConversationId::User(user) = conversation else { return self.locale };
        let language = self.channel.language(user.as_str()).await;
        language.as_deref().and_then(Locale::of_tag).unwrap_or(self.locale)
    }
}
