//! Asks the model within one attempt, and decides how to handle each behaviour of a model.

use std::{borrow::Cow, time::Duration};

use shared::{event::log, job::Job, traces};
use tokio::time::{Instant, sleep};

use super::{
    fallback, off_thread, prompt_input::PromptInput, time_budget::Attempt, unsend::is_known_forgotten, user,
};
use crate::{
    adapters::openai::{Completion, ModelClient, ModelError},
    clients::Clients,
    failure::{Failure, Reason, RetryPolicy},
    history::Tokens,
    rules::{
        conversation::Message,
        file::{File, Pdf},
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
    /// The model refused the image or the PDF of the question.
    ImageRefused,
}

/// Asks the model with the persona of the conversation, and the fallback if the model is unavailable.
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
    let (past, mut questions) = input.past_and_questions();
    if let (Some(newest), Some(_)) = (questions.last_mut(), &config.about_bot) {
        let (now, offset) = (storage.now(), config.quota.offset());
        newest.push_str(&instruction::note(now, offset, user::name(line, job).as_deref()));
    }
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let (images, file) = (&*input.images, input.file.as_ref());
    let needs_images = !images.is_empty() && !input.has_only_earlier_images();
    let parts =
        PromptParts { system: &system, past: &past, questions: &questions, job, images, needs_images, file };
    let has_pdf = parts.pdf().is_some();
    let fallback = model.fallback().filter(|fallback| !needs_images || fallback.settings.may_see());
    let fallback = fallback.filter(|fallback| !has_pdf || fallback.settings.may_read_pdfs());
    let call = Call { parts, storage, attempt, pauses: &config.pauses.within };
    let asked = match fallback {
        Some(fallback) => traces::step("model", call.ask_either(model, fallback, deadline)).await?,
        None => traces::step("model", call.ask(model, deadline, 0)).await?,
    };
    let Asked::Answer(mut answer, left_out) = asked else { return Ok(asked) };
    if let Cow::Owned(clear) = line.redacted(&answer.text) {
        answer.text = clear;
    }
    log!(
        info, ModelAnswered,
        event = %job.event_id,
        user = job.user(),
        model = answer.model,
        fallback = answer.model != config.model.name,
        prompt_tokens = answer.tokens.prompt,
        cached_tokens = answer.tokens.cached,
        // Few models have a price for them, and a metric without values costs nothing.
        cache_written_tokens = Some(answer.tokens.cache_written).filter(|tokens| *tokens > 0),
        completion_tokens = answer.tokens.completion,
        request = answer.request,
        cut = answer.cut,
        model_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "the model answered"
    );
    Ok(Asked::Answer(answer, left_out))
}

/// The parts of a prompt. Where the room is too small, the oldest past messages are left out.
struct PromptParts<'a> {
    system: &'a str,
    past: &'a [Message],
    questions: &'a [&'a str],
    job: &'a Job,
    images: &'a [Image],
    /// Whether a model that is known to read no images cannot be asked.
    needs_images: bool,
    file: Option<&'a File>,
}

impl PromptParts<'_> {
    /// Makes the prompt that fits into this room.
    async fn fit(&self, budget: Budget) -> Result<Prompt, TooLong> {
        let image_tokens = self.images.len() * image::TOKENS;
        let room = budget.context_tokens.saturating_sub(budget.max_tokens + image_tokens);
        let media_tokens = image_tokens + self.pdf().map_or(0, |pdf| pdf.tokens(room));
        let context_tokens = budget.context_tokens.saturating_sub(media_tokens);
        let budget = Budget { context_tokens, ..budget };
        let mut prompt = match self.file {
            Some(file) => {
                let block = off_thread::block(file, self.system, self.questions, budget).await;
                let (newest, before) = self.questions.split_last().unwrap_or((&"", &[]));
                let newest = block + newest;
                let questions: Vec<&str> = before.iter().copied().chain([newest.as_str()]).collect();
                off_thread::fit(self.system, self.past, &questions, budget).await?
            }
            None => off_thread::fit(self.system, self.past, self.questions, budget).await?,
        };
        (prompt.of, prompt.by) = (Some(self.job.conversation.pseudonym()), Some(self.job.user_pseudonym()));
        Ok(prompt)
    }

    /// Returns the images that this model gets.
    fn images_for(&self, model: &ModelClient) -> &[Image] {
        if self.needs_images || model.settings.may_see() { self.images } else { &[] }
    }

    fn pdf(&self) -> Option<&Pdf> {
        match self.file {
            Some(File::Pdf(pdf)) => Some(pdf),
            Some(File::Text(_)) | None => None,
        }
    }
}

/// An answer that may be unfinished because the context was full.
struct Unfinished {
    answer: Completion,
    /// The number of past messages that were not part of its prompt.
    left_out: usize,
    /// The tokens of this answer and of those before it to the same question.
    spent: Tokens,
    /// The length of its prompt.
    prompt_bytes: usize,
}

impl Unfinished {
    fn asked(mut self) -> Asked {
        self.answer.tokens = self.spent;
        Asked::Answer(self.answer, self.left_out)
    }
}

/// A question to a model, with its retries.
struct Call<'a> {
    parts: PromptParts<'a>,
    storage: &'a Storage,
    attempt: &'a Attempt<'a>,
    pauses: &'a [Duration],
}

impl Call<'_> {
    /// Asks the first model, and the fallback if the first one is unavailable; in the other order while the first one
    /// rests.
    async fn ask_either(
        &self,
        first: &ModelClient,
        fallback: &ModelClient,
        deadline: Instant,
    ) -> Result<Asked, Failure> {
        let rests = first.availability.rests(Instant::now());
        let [one, other] = if rests { [fallback, first] } else { [first, fallback] };
        let failure = match self.ask(one, fallback::deadline_of_first(deadline), 1).await {
            Err(failure) if fallback::is_unavailable(&failure) => failure,
            done => return done,
        };
        if self.attempt.ensure_call_left().is_err() || is_known_forgotten(self.storage, self.parts.job).await
        {
            return Err(failure);
        }
        log!(
            warn, FallbackAsked,
            event = %self.parts.job.event_id,
            detail = failure.detail,
            model = other.settings.name,
            "a model is unavailable: the other one is asked"
        );
        let is_lasting = |failure: &Failure| failure.retry == RetryPolicy::Never;
        match self.ask(other, deadline, 0).await {
            // The model that is only unavailable for now may answer in another attempt.
            Err(last) if is_lasting(&last) && !is_lasting(&failure) => Err(failure),
            done => done,
        }
    }

    /// Asks one model until there is an answer, a reason to stop, or no time left. `kept` paid calls are left over for
    /// another model.
    async fn ask(&self, model: &ModelClient, deadline: Instant, kept: u32) -> Result<Asked, Failure> {
        self.attempt.ensure_call_left()?;
        let mut unfinished = None;
        let asked = self.ask_until_finished(model, deadline, kept, &mut unfinished).await;
        match unfinished {
            // An unfinished answer is better than none.
            Some(unfinished) if !matches!(asked, Ok(Asked::Answer(..))) => Ok(unfinished.asked()),
            _ => asked,
        }
    }

    async fn ask_until_finished(
        &self,
        model: &ModelClient,
        deadline: Instant,
        kept: u32,
        unfinished: &mut Option<Unfinished>,
    ) -> Result<Asked, Failure> {
        let attempt = self.attempt;
        let room = || model.room(model.settings.budget.max_tokens);
        let mut fitting = self.parts.fit(room()).await;
        let is_short = fitting.as_ref().map_or(true, |prompt| prompt.left_out() > 0);
        if is_short && model.ask_context().await {
            fitting = self.parts.fit(room()).await;
        }
        let most = room().max_tokens;
        let mut max_tokens = most;
        let Ok(mut prompt) = fitting else { return Ok(Asked::TooLong) };
        let (mut tries, mut has_waited) = (0, false);
        loop {
            if Instant::now() >= deadline {
                return Err(Failure::retryable(Reason::ModelUnavailable, "no time was left to ask"));
            }
            attempt.count_call();
            let (images, pdf) = (self.parts.images_for(model), self.parts.pdf());
            let done = model.complete(&prompt, images, pdf, max_tokens, deadline).await;
            attempt.finish_call(done.as_ref().map_or_else(ModelError::is_paid, |_| true));
            let failure = done.as_ref().err().and_then(ModelError::failure);
            model.availability.count_call(!failure.is_some_and(fallback::is_unavailable), Instant::now());
            match done {
                Ok(answer) => {
                    let mut spent = answer.tokens;
                    if let Some(before) = unfinished.take() {
                        model.learned.compare(
                            &model.settings.name,
                            &before.answer,
                            &answer,
                            before.prompt_bytes,
                        );
                        spent = before.spent + spent;
                    }
                    let may_be_longer =
                        answer.is_below_limit && !model.learned.cuts_at(answer.tokens.completion);
                    let (left_out, prompt_bytes) = (prompt.left_out(), prompt.bytes());
                    let last = Unfinished { answer, left_out, spent, prompt_bytes };
                    if !may_be_longer || attempt.ensure_call_left().is_err() || !prompt.drop_oldest() {
                        return Ok(last.asked());
                    }
                    *unfinished = Some(last);
                }
                Err(ModelError::ImageRefused) => return Ok(Asked::ImageRefused),
                Err(ModelError::ContextLength(context)) => {
                    let known = model.room(max_tokens).context_tokens;
                    if let Some(context) = context.filter(|context| *context < known) {
                        model.learned.learn_context(&model.settings.name, context);
                        max_tokens = model.room(max_tokens).max_tokens;
                        let Ok(smaller) = self.parts.fit(model.room(max_tokens)).await else {
                            return Ok(Asked::TooLong);
                        };
                        prompt = smaller;
                    } else if !prompt.drop_oldest() {
                        return Ok(Asked::TooLong);
                    }
                }
                Err(ModelError::ContextFull(failure)) => {
                    // Another conversation may have filled the context: the same prompt is tried again first.
                    if has_waited && !prompt.drop_oldest() {
                        return Err(failure);
                    }
                    has_waited = true;
                    sleep(attempt.pause_before_call(self.pauses, 0, &failure, deadline, kept)?).await;
                }
                Err(ModelError::NothingWithinLimit) => {
                    let nothing = format!("nothing was written within {max_tokens} tokens");
                    let nothing = || Failure::permanent(Reason::ModelRefused, nothing.as_str());
                    if max_tokens > most {
                        return Err(nothing());
                    }
                    attempt.ensure_call_left().map_err(|_| paid_out(&nothing()))?;
                    // The new limit is four times the old one, or as much as the context leaves beside the question.
                    let more = model.room(MORE_TOKENS * max_tokens);
                    let more = match self.parts.fit(more).await {
                        Err(TooLong { tokens }) => {
                            Budget { max_tokens: more.max_tokens.saturating_sub(tokens), ..more }
                        }
                        Ok(_) => more,
                    };
                    if more.max_tokens <= max_tokens {
                        return Err(nothing());
                    }
                    prompt = self.parts.fit(more).await.map_err(|_| nothing())?;
                    max_tokens = more.max_tokens;
                }
                Err(ModelError::Unauthorized(failure)) => return Err(failure),
                Err(ModelError::Failed(failure) | ModelError::Unusable(failure)) => {
                    let pause = attempt.pause_before_call(self.pauses, tries, &failure, deadline, kept)?;
                    tries += 1;
                    sleep(pause).await;
                    if is_known_forgotten(self.storage, self.parts.job).await {
                        return Err(failure);
                    }
                }
            }
        }
    }
}
