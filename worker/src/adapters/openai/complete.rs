//! The request that turns a prompt into a completion (`POST {base}/chat/completions`).

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use bytes::Bytes;
use secrecy::SecretString;
use shared::event::log;

use super::{
    client::{ModelClient, unavailable},
    error::ErrorBody,
    request::{Messages, Request},
    response::{self, Completion, ModelError, Refusal, Sent},
};
use crate::rules::{image::Image, prompt::Prompt};

impl ModelClient {
    /// Asks the model once, with the image beside the question if there is one. Asks once more if the server wants the
    /// token limit under its other name.
    pub async fn complete(
        &self,
        prompt: &Prompt,
        picture: Option<&Image>,
        max_tokens: usize,
        timeout: Duration,
    ) -> Result<Completion, ModelError> {
        let newer = self.completion_limit.load(Relaxed);
        match self.post(prompt, picture, max_tokens, newer, timeout).await {
            Err(Refusal::OtherLimit) => {
                let other = self.post(prompt, picture, max_tokens, !newer, timeout).await;
                if other.is_ok() {
                    self.completion_limit.store(!newer, Relaxed);
                }
                other.map_err(Refusal::last)
            }
            other => other.map_err(Refusal::last),
        }
    }

    async fn post(
        &self,
        prompt: &Prompt,
        picture: Option<&Image>,
        max_tokens: usize,
        newer: bool,
        timeout: Duration,
    ) -> Result<Completion, Refusal> {
        let request = Request {
            model: &self.model,
            messages: Messages(prompt.messages(), picture),
            max_tokens: (!newer).then_some(max_tokens),
            max_completion_tokens: newer.then_some(max_tokens),
            prompt_cache_key: prompt.of.filter(|_| self.endpoint.is_openai()).map(|of| of.to_string()),
        };
        let body: Bytes = serde_json::to_vec(&request)
            .map_err(|_| Refusal::Error(ModelError::Failed(unavailable("the request could not be written"))))?
            .into();
        let ask = |key: &SecretString| {
            let asked = self.endpoint.completions(&self.http, key);
            asked.header("content-type", "application/json").body(body.clone())
        };
        let answer = self.send(ask, timeout).await.map_err(Refusal::Error)?;
        let Sent { status, body, .. } = &answer;
        let request = answer.shown(&answer.request_id);
        if status.is_success() {
            let mut completion = response::completion(body, request).map_err(Refusal::Error)?;
            completion.text = answer.told(completion.text);
            return Ok(completion);
        }
        let error = ErrorBody::of(body);
        if picture.is_some() && error.refuses_picture(*status) {
            let code = answer.shown(error.named());
            log!(info, ImageRefused, status = status.as_u16(), code, request, "the model refused a picture");
            return Err(Refusal::Error(ModelError::ImageRefused));
        }
        Err(response::refusal(&answer, &error, newer))
    }
}
