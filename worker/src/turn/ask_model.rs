//! The chapter of asking: what to do about each way in which a model behaves, within one attempt.

use std::{borrow::Cow, time::Duration};

use shared::{job::Job, traces};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::info;

use crate::{
    adapters::openai::{Completion, ModelError},
    failure::{Failure, Reason},
    rules::conversation::Message,
    rules::group,
    rules::image::{self, Picture},
    rules::persona::Chosen,
    rules::prompt::{Budget, Prompt, TooLong},
    rules::run_budget::paid_out,
    text::answer_limit::MORE_TOKENS,
    turn::Worker,
    turn::command::PromptInput,
    turn::time_budget::Attempt,
};

/// How long an answer waits for an animation or a notice under way: one that arrives after the answer
/// would show a bot that thinks on.
const GRACE: Duration = Duration::from_millis(300);

/// What came of asking.
pub(crate) enum Asked {
    /// The model answered; so many messages of the past were not part of the prompt, from the oldest on.
    Answer(Completion, usize),
    /// The question alone does not fit: the user is told.
    TooLong,
    /// The picture beside it was refused.
    NotSeen,
}

impl Worker {
    /// Asks the model in the conversation's persona.
    pub(crate) async fn ask_as(
        &self,
        job: &Job,
        asking: &PromptInput,
        persona: Option<&Chosen>,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<Asked, Failure> {
        let started = Instant::now();
        let system = self.system_prompt(persona);
        let system = if job.is_private() { system } else { format!("{system}\n\n{}", group::PROMPT) };
        let past: Vec<_> = asking.past.iter().cloned().map(Message::named).collect();
        let questions = asking.questions();
        let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
        let picture = asking.picture.as_ref();
        let shown = picture.map_or(0, |_| image::TOKENS);
        let context_tokens = self.config.budget.context_tokens.saturating_sub(shown);
        let fit = |max_tokens| {
            let budget = Budget { context_tokens, max_tokens, ..self.config.budget };
            let mut prompt = Prompt::fit(&system, past.clone(), &questions, budget)?;
            prompt.of = Some(job.conversation.pseudonym());
            Ok(prompt)
        };
        let mut asked = traces::step("model", self.ask(job, &fit, picture, attempt, deadline)).await?;
        if let Asked::Answer(answer, _) = &mut asked {
            if let Cow::Owned(clear) = self.line.redacted(&answer.text) {
                answer.text = clear;
            }
            info!(
                event = %job.event_id,
                user = job.user(),
                prompt_tokens = answer.tokens.prompt,
                cached_tokens = answer.tokens.cached,
                completion_tokens = answer.tokens.completion,
                request = answer.request,
                cut = answer.cut,
                model_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                "the model answered"
            );
        }
        Ok(asked)
    }

    /// Asks until there is an answer, a reason to stop, or no time left. `fit` makes the prompt for a
    /// longest answer of so many tokens.
    async fn ask(
        &self,
        job: &Job,
        fit: &(dyn Fn(usize) -> Result<Prompt, TooLong> + Sync),
        picture: Option<&Picture>,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<Asked, Failure> {
        attempt.may_pay()?;
        let mut max_tokens = self.config.budget.max_tokens;
        let Ok(mut prompt) = fit(max_tokens) else { return Ok(Asked::TooLong) };
        let mut left_out = prompt.left_out();
        let mut tries = 0;
        loop {
            let time_left = deadline.saturating_duration_since(Instant::now());
            if time_left.is_zero() {
                return Err(Failure::passing(Reason::ModelUnavailable, "no time was left to ask"));
            }
            attempt.pay();
            let done = self.model.complete(&prompt, picture, max_tokens, time_left).await;
            attempt.settle(done.as_ref().map_or_else(ModelError::is_paid, |_| true));
            match done {
                Ok(answer) => return Ok(Asked::Answer(answer, left_out)),
                Err(ModelError::NotSeen) => return Ok(Asked::NotSeen),
                Err(ModelError::ContextLength) => {
                    if !prompt.drop_oldest() {
                        return Ok(Asked::TooLong);
                    }
                    left_out = prompt.left_out();
                }
                Err(ModelError::NothingWithinLimit) => {
                    let nothing = format!("nothing was written within {max_tokens} tokens");
                    let nothing = || Failure::lasting(Reason::ModelRefused, nothing.as_str());
                    if max_tokens > self.config.budget.max_tokens {
                        return Err(nothing());
                    }
                    attempt.may_pay().map_err(|_| paid_out(&nothing()))?;
                    // Four times, or as much as the context leaves beside the question.
                    let more = MORE_TOKENS * max_tokens;
                    let more = fit(more).map_or_else(|TooLong { tokens }| more - tokens, |_| more);
                    if more <= max_tokens {
                        return Err(nothing());
                    }
                    prompt = fit(more).map_err(|_| nothing())?;
                    max_tokens = more;
                }
                Err(ModelError::Unauthorized(failure)) => return Err(failure),
                Err(ModelError::Failed(failure) | ModelError::Unusable(failure)) => {
                    let pause = self.pause_before_call(tries, &failure, attempt, deadline)?;
                    tries += 1;
                    sleep(pause).await;
                    if self.is_taken_back(job).await {
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// Runs `work` while LINE shows its loading animation, from at once until the work is done, and says
    /// once that it takes longer where that was asked for. The second of what it returns is whether the
    /// reply token was used for that. Groups have neither.
    pub(crate) async fn while_loading<T>(&self, job: &Job, work: impl Future<Output = T>) -> (T, bool) {
        if !job.is_private() {
            return (work.await, false);
        }
        let mut patience_ends = self.patience_ends(job);
        let mut token_is_spent = false;
        tokio::pin!(work);
        loop {
            let mut request = Box::pin(self.line.start_loading(job.conversation.as_str()));
            tokio::select! {
                done = &mut work => {
                    let _ = timeout(GRACE, request).await;
                    return (done, token_is_spent);
                }
                () = &mut request => drop(request),
            }
            let again = Instant::now() + self.config.pauses.loading;
            let wakes = patience_ends.map_or(again, |ends| ends.min(again));
            tokio::select! {
                done = &mut work => return (done, token_is_spent),
                () = sleep_until(wakes) => {}
            }
            if patience_ends.take_if(|ends| *ends <= Instant::now()).is_some() {
                token_is_spent = true;
                let mut notice = Box::pin(self.say_still_thinking(job));
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
}
