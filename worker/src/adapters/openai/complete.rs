//! The request that turns a prompt into a completion (`POST {base}/chat/completions`).

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use secrecy::SecretString;
use shared::event::log;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    client::{ModelClient, unavailable},
    completion::completion,
    error::ErrorBody,
    form::Form,
    refusal::{Asked, Refusal, refusal},
    request::{Messages, Request},
    response::{Completion, ModelError},
};
use crate::rules::{file::Pdf, image::Image, prompt::Prompt};

impl ModelClient {
    /// Asks the model, with the images and the PDF beside the question. Asks again in another form for as long as the
    /// server refuses the form of the request.
    pub async fn complete(
        &self,
        prompt: &Prompt,
        images: &[Image],
        pdf: Option<&Pdf>,
        max_tokens: usize,
        deadline: Instant,
    ) -> Result<Completion, ModelError> {
        let mut tried = vec![self.learned.form()];
        loop {
            let form = tried[tried.len() - 1];
            match self.post(prompt, images, pdf, max_tokens, form, deadline).await {
                Err(Refusal::Form(next)) if !tried.contains(&next) => tried.push(next),
                done => {
                    let done = done.map_err(Refusal::last);
                    if tried.len() > 1 && !matches!(done, Err(ModelError::Failed(_))) {
                        self.learned.learn_form(form);
                    }
                    return done;
                }
            }
        }
    }

    async fn post(
        &self,
        prompt: &Prompt,
        images: &[Image],
        pdf: Option<&Pdf>,
        max_tokens: usize,
        form: Form,
        deadline: Instant,
    ) -> Result<Completion, Refusal> {
        let max_tokens = form.limit(max_tokens);
        let pseudonym = |field: &str, of: Option<Uuid>, takes_it: bool| {
            let is_sent = takes_it && form.has_optional_fields && !self.options.contains_key(field);
            of.filter(|_| is_sent).map(|of| of.to_string())
        };
        let messages = form.shaped(prompt.messages());
        let request = Request {
            model: &self.settings.name,
            messages: Messages(&messages, images, pdf),
            max_tokens: (!form.completion_limit).then_some(max_tokens),
            max_completion_tokens: form.completion_limit.then_some(max_tokens),
            prompt_cache_key: pseudonym("prompt_cache_key", prompt.of, self.endpoint.is_openai()),
            safety_identifier: pseudonym("safety_identifier", prompt.by, self.endpoint.blocks_persons()),
            stream: false,
            options: &self.options,
        };
        let body: Bytes = serde_json::to_vec(&request)
            .map_err(|_| Refusal::Error(ModelError::Failed(unavailable("the request could not be written"))))?
            .into();
        let ask = |key: &SecretString| {
            let asked = self.endpoint.completions(&self.http, key);
            asked.header("content-type", "application/json").body(body.clone())
        };
        let answer = self.send(ask, deadline).await.map_err(Refusal::Error)?;
        let asked = Asked {
            model: &self.settings.name,
            form,
            max_tokens,
            has_picture: !images.is_empty() || pdf.is_some(),
            opens_thoughts: self.learned.opens_thoughts.load(Relaxed),
        };
        if answer.status.is_success() {
            let mut completed = completion(&answer, asked)?;
            self.learned.opens_thoughts.fetch_or(completed.opens_thoughts, Relaxed);
            completed.text = answer.told(completed.text);
            return Ok(completed);
        }
        let error = ErrorBody::of(&answer.body);
        let refusal = refusal(&answer, &error, Some(asked));
        if let Refusal::Error(ModelError::ImageRefused) = refusal {
            let [code, request] = [error.named(), &answer.request_id].map(|word| answer.shown(word));
            let status = answer.status.as_u16();
            log!(info, ImageRefused, status, code, request, "the model refused a picture or a file");
        }
        Err(refusal)
    }
}
