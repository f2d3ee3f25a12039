//! The chapter of telling: what the bot says of itself, when there is no answer to give.

use shared::job::{Ask, Job};
use tracing::{error, info, warn};

use crate::{
    failure::{Failure, Reason},
    history::{
        Answer, Limit, Period, Question, Snapshot, Step, StoreResult, Tokens, UsageDelta, key_is_alive,
    },
    outcome::Outcome,
    rules::attachment::kept,
    rules::command::Command,
    rules::group::{is_answered, is_asked_anew, said_to_bot},
    text::messages::{self, Reply},
    turn::Worker,
    turn::draft::Draft,
};

/// What the retry key is derived from by which a user is told that there will be no answer.
pub const APOLOGY: &str = "apology";

impl Worker {
    /// Tells the user, once per event for ever, that there will be no answer. Called when the dead
    /// letter is safe, and again if it is called for again: the mark and the key make it once. Left out
    /// where nothing was asked, where the answer may have arrived, or where LINE takes nothing from this
    /// channel.
    pub async fn apologise(&self, job: &Job, reason: Reason) {
        let Some(asked) = kept(&job.ask) else { return };
        if matches!(reason, Reason::LineAuth | Reason::LineQuota) {
            return;
        }
        // First, as LINE may take its time: it may be taken back meanwhile.
        self.learn_speaker(job).await;
        self.profile(job).await;
        let now = self.now();
        // Who took the message back wants no word about it, and none of its words kept; nor does who did not
        // speak to the bot.
        let marks = self.marks(job).await;
        let asked = match &marks {
            Ok(past) if past.is_taken_back() || is_answered(job, past) => return,
            // The change is a question of its own, behind this one.
            Ok(past) if is_asked_anew(job, past) => return,
            Ok(past) => match said_to_bot(job, asked, past) {
                Some(asked) => asked,
                None => return,
            },
            Err(_) if matches!(job.ask, Ask::Question { only_if_quoting_bot: true, .. }) => return,
            Err(_) => asked,
        };
        // What a command asked for was asked before, and what was taken back is not kept.
        let was_unsent = marks.as_ref().is_ok_and(|past| past.unsent);
        let question = (Command::of(asked).is_none() && !was_unsent).then(|| Question {
            event: job.event_id.clone(),
            text: asked.to_owned(),
            message_id: job.message_id().cloned(),
            speaker: self.speaker(job),
        });
        match self.persist(|| self.history.mark_notified(job, question.as_ref(), now)).await {
            Ok(Some(first)) if key_is_alive(first, now) => {}
            Ok(_) => return,
            Err(Failure { detail, .. }) => {
                error!(event = %job.event_id, detail, "the user was not told: no mark could be made");
                return;
            }
        }
        let locale = self.locale(job);
        let words = locale.words();
        let (text, buttons) = match reason {
            Reason::ModelRefused => (words.refused, vec![]),
            _ => (words.no_answer, self.buttons(job, locale, &[Command::Retry])),
        };
        for body in messages::pushes(&job.conversation, &Reply { buttons, ..text.into() }) {
            let key = job.event_id.derive(APOLOGY);
            if let Err(Failure { detail, .. }) = self.again(|| self.push(job, &body, key)).await {
                warn!(event = %job.event_id, detail, "the user could not be told");
            }
        }
    }

    /// What is said to who may not ask this: of each limit once a period, and then nothing.
    pub(crate) async fn refuse(
        &self,
        job: &Job,
        limit: Limit,
        period: Option<Period>,
        past: &Snapshot,
    ) -> Draft<'_> {
        info!(event = %job.event_id, conversation = %job.conversation, limit = limit.as_str(), "not asked");
        let thought = Draft { seen: past.changes.seen(), ..Draft::default() };
        if past.used.told.contains(&limit) {
            return thought;
        }
        self.profile(job).await;
        let said = self.config.quota.says(limit, self.locale(job).words());
        let spent = period.map(|period| UsageDelta {
            period,
            answers: 0,
            tokens: Tokens::default(),
            told: Some(limit),
        });
        Draft { reply: Some(said.as_str().into()), spent, ..thought }
    }

    /// One polite word by the free reply token, never by push. Nothing is lost if LINE does not take
    /// it, so it is never dead-lettered.
    pub(crate) async fn give_notice(&self, job: &Job) -> Outcome {
        if job.ask == Ask::Follow {
            // While they blocked the bot, LINE did not say who they are.
            self.line.forget_profile(job.conversation.as_str());
        }
        if self.config.quota.is_closed_to(job.user()) {
            return self.turn_away(job).await;
        }
        let profile = self.profile(job).await;
        let locale = self.locale(job);
        let words = locale.words();
        let reply = match job.ask {
            Ask::Follow => Reply {
                words: (words.greeting)(profile.name.as_deref()).as_str().into(),
                buttons: self.buttons(job, locale, &[Command::Persona(None), Command::Help]),
                ..Reply::default()
            },
            Ask::Join => {
                let prefix = self.config.group_prefix.as_ref().map(|prefix| prefix.written.as_str());
                (words.group_greeting)(prefix, Command::Forget.word(locale)).as_str().into()
            }
            _ => words.not_understood.into(),
        };
        let said = self.say_free(job, &reply).await;
        info!(event = %job.event_id, said, "noticed");
        Outcome::Noticed
    }

    /// Nobody is invited who will be refused: a person hears once a period that the bot is not for them, as for a
    /// question, and a group, of whom nobody in particular spoke, hears nothing.
    async fn turn_away(&self, job: &Job) -> Outcome {
        let said = job.ask != Ask::Join
            && self.refuse_free(job).await.unwrap_or_else(|Failure { detail, .. }| {
                warn!(event = %job.event_id, detail, "who is not on the list was not told");
                false
            });
        info!(event = %job.event_id, said, limit = Limit::NotAllowed.as_str(), "noticed");
        Outcome::Noticed
    }

    /// The refusal by the free reply token, if it was not heard before; true if LINE took it.
    async fn refuse_free(&self, job: &Job) -> Result<bool, Failure> {
        self.profile(job).await;
        let (quota, now) = (&self.config.quota, self.now());
        let words = quota.says(Limit::NotAllowed, self.locale(job).words());
        let reply = words.as_str().into();
        let (period, told) = (quota.period(job.user(), now), Some(Limit::NotAllowed));
        let spent = Some(UsageDelta { period, answers: 0, tokens: Tokens::default(), told });
        let pushes = messages::pushes(&job.conversation, &reply);
        let answer = Answer { pushes, spent, ..Answer::default() };
        // Remembered first: to be silent is better than to say it again.
        let kept = self.persist(|| self.history.store(job, answer.clone(), None, now)).await?;
        self.persist(|| self.history.record(job, Step::Delivered, now)).await?;
        let is_new = matches!(kept, StoreResult::Stored(delivery) if !delivery.pushes.is_empty());
        Ok(is_new && self.say_free(job, &reply).await)
    }
}
