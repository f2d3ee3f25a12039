//! Asks the model within one attempt, and decides how to handle each behaviour of a model.

use std::{borrow::Cow, time::Duration};

use shared::{event::log, job::Job, traces};
use tokio::time::{Instant, sleep};

use super::{prompt_input::PromptInput, time_budget::Attempt, unsend::is_known_forgotten, user};
use crate::{
    adapters::openai::{Completion, ModelClient, ModelError},
    clients::Clients,
    failure::{Failure, Reason},
    rules::{
        conversation::Message,
        image::{self, Image},
        instruction,
        persona::Chosen,
        prompt::{Budget, Prompt, TooLong},
        run_budget::paid_out,
    },
    storage::Storage,
    text::answer_limit::MORE_TOKENS,
};

/// The model's answer to a question.
pub(crate) enum Asked {
    /// The model answered. The number says how many past messages, from the oldest on, were not part of the prompt.
    Answer(Completion, usize),
    /// The question alone does not fit into the context, and the user is notified.
    TooLong,
    /// The model refused the image of the question.
    ImageRefused,
}

/// Asks the model with the persona of the conversation.
pub(crate) async fn ask_model(
    clients: &Clients,
    job: &Job,
    input: &PromptInput,
    persona: Option<&Chosen>,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<Asked, Failure> {
    let Clients { config, storage, model, line } = clients;
    let started = Instant::now();
    let system = config.system_message(persona, job.is_private());
    let past: Vec<_> = input.past.iter().cloned().map(Message::named).collect();
    let mut questions = input.questions();
    if let (Some(newest), Some(_)) = (questions.last_mut(), &config.about_bot) {
        let (now, offset) = (storage.now(), config.quota.offset());
        newest.push_str(&instruction::note(now, offset, user::name(line, job).as_deref()));
    }
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let image_tokens = input.image.as_ref().map_or(0, |_| image::TOKENS);
    let context_tokens = config.budget.context_tokens.saturating_sub(image_tokens);
    let fit = |max_tokens| {
        let budget = Budget { context_tokens, max_tokens, ..config.budget };
        let mut prompt = Prompt::fit(&system, past.clone(), &questions, budget)?;
        prompt.of = Some(job.conversation.pseudonym());
        Ok(prompt)
    };
    let call = Call { model, storage, job, image: input.image.as_ref(), attempt, deadline };
    let max_tokens = config.budget.max_tokens;
    let mut asked = traces::step("model", call.ask(&fit, max_tokens, &config.pauses.within)).await?;
    if let Asked::Answer(answer, _) = &mut asked {
        if let Cow::Owned(clear) = line.redacted(&answer.text) {
            answer.text = clear;
        }
        log!(
            info, ModelAnswered,
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

/// A call of the model with its retries.
struct Call<'a> {
    model: &'a ModelClient,
    storage: &'a Storage,
    job: &'a Job,
    image: Option<&'a Image>,
    attempt: &'a Attempt<'a>,
    deadline: Instant,
}

impl Call<'_> {
    /// Asks until there is an answer, a reason to stop, or no time left. `fit` makes the prompt for the given longest
    /// answer in tokens.
    async fn ask(
        &self,
        fit: &(dyn Fn(usize) -> Result<Prompt, TooLong> + Sync),
        most: usize,
        pauses: &[Duration],
    ) -> Result<Asked, Failure> {
        let Self { attempt, deadline, .. } = *self;
        attempt.ensure_call_left()?;
        let mut max_tokens = most;
        let Ok(mut prompt) = fit(max_tokens) else { return Ok(Asked::TooLong) };
        let mut left_out = prompt.left_out();
        let mut tries = 0;
        loop {
            let time_left = deadline.saturating_duration_since(Instant::now());
            if time_left.is_zero() {
                return Err(Failure::retryable(Reason::ModelUnavailable, "no time was left to ask"));
            }
            attempt.count_call();
            let done = self.model.complete(&prompt, self.image, max_tokens, time_left).await;
            attempt.finish_call(done.as_ref().map_or_else(ModelError::is_paid, |_| true));
            match done {
                Ok(answer) => return Ok(Asked::Answer(answer, left_out)),
                Err(ModelError::ImageRefused) => return Ok(Asked::ImageRefused),
                Err(ModelError::ContextLength) => {
                    if !prompt.drop_oldest() {
                        return Ok(Asked::TooLong);
                    }
                    left_out = prompt.left_out();
                }
                Err(ModelError::NothingWithinLimit) => {
                    let nothing = format!("nothing was written within {max_tokens} tokens");
                    let nothing = || Failure::permanent(Reason::ModelRefused, nothing.as_str());
                    if max_tokens > most {
                        return Err(nothing());
                    }
                    attempt.ensure_call_left().map_err(|_| paid_out(&nothing()))?;
                    // The new limit is four times the old one, or as much as the context leaves beside the question.
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
                    let pause = attempt.pause_before_call(pauses, tries, &failure, deadline)?;
                    tries += 1;
                    sleep(pause).await;
                    if is_known_forgotten(self.storage, self.job).await {
                        return Err(failure);
                    }
                }
            }
        }
    }
}
