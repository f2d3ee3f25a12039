//! The context of a model in the words of its server. Servers that people run themselves, and gateways, give it; makers
//! do not. A worker asks for it once, when a prompt does not fit into a context that is a guess.
//!
//! vLLM gives `max_model_len` and OpenRouter `context_length` for each model of `GET /models`. LiteLLM's proxy gives the
//! longest prompt of each model in `GET /model/info` (`max_input_tokens`), and llama.cpp's server the context of a slot
//! in `GET /props`.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use secrecy::SecretString;
use serde_json::Value;

use super::{
    client::{BODY_MAX, ModelClient},
    endpoint::Endpoint,
};
use crate::{adapters::http, config::ContextSource, rules::models};

/// The time-out of one request.
const TIMEOUT: Duration = Duration::from_secs(5);

impl ModelClient {
    /// Asks the server once for the context of a model whose context is a guess, and remembers it. Returns whether the
    /// server gives it now. If it does not answer, it is asked again another time.
    pub(crate) async fn ask_context(&self) -> bool {
        if self.settings.context_source != ContextSource::Guess || self.given_context.initialized() {
            return false;
        }
        let Ok(key) = self.key.value().await else { return false };
        let asked = || context_of(&self.endpoint, &self.http, &key, &self.settings.name);
        self.given_context.get_or_try_init(asked).await.is_ok_and(Option::is_some)
    }
}

/// Asks the server for the context of this model, in tokens; `None` if it does not give it, and an error if it does not
/// answer.
pub async fn context_of(
    endpoint: &Endpoint,
    http: &Client,
    key: &SecretString,
    model: &str,
) -> Result<Option<u32>, reqwest::Error> {
    if endpoint.is_openai() || endpoint.deployment(model).is_some() {
        return Ok(None);
    }
    if let Some(found) = listed(&read(endpoint.models(http, key)).await?, model) {
        return Ok(Some(found));
    }
    if let Some(prompt) = of_litellm(&read(endpoint.model_info(http, key)).await?, model) {
        let known = models::named(model);
        return Ok(Some(prompt.saturating_add(known.context_tokens - known.input_tokens)));
    }
    Ok(of_llama_cpp(&read(endpoint.props(http, key)).await?))
}

/// Returns the body of a success as JSON, else null.
async fn read(request: RequestBuilder) -> Result<Value, reqwest::Error> {
    let response = request.timeout(TIMEOUT).send().await?;
    if !response.status().is_success() {
        return Ok(Value::Null);
    }
    let body = http::body(response, BODY_MAX).await?.unwrap_or_default();
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// Returns the smallest of these numbers of tokens.
fn smallest<'a>(numbers: impl IntoIterator<Item = &'a Value>) -> Option<u32> {
    let tokens = |number: &Value| u32::try_from(number.as_u64()?).ok().filter(|tokens| *tokens > 0);
    numbers.into_iter().filter_map(tokens).min()
}

fn listed(list: &Value, model: &str) -> Option<u32> {
    let entry = list["data"].as_array()?.iter().find(|entry| entry["id"] == model)?;
    smallest([&entry["max_model_len"], &entry["context_length"], &entry["top_provider"]["context_length"]])
}

/// Returns the longest prompt that each deployment of this name takes. It is the whole context, but for models that have
/// a limit of their own for prompts.
fn of_litellm(info: &Value, model: &str) -> Option<u32> {
    let entries = info["data"].as_array()?.iter().filter(|entry| entry["model_name"] == model);
    smallest(entries.map(|entry| &entry["model_info"]["max_input_tokens"]))
}

fn of_llama_cpp(props: &Value) -> Option<u32> {
    smallest([&props["default_generation_settings"]["n_ctx"]])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_servers_word_is_read_in_its_own_form() {
        let vllm = json!({ "object": "list", "data": [
            { "id": "other", "max_model_len": 1_024 },
            { "id": "m", "object": "model", "owned_by": "vllm", "root": "m", "max_model_len": 8_096 },
        ] });
        assert_eq!(listed(&vllm, "m"), Some(8_096));
        let openrouter = json!({ "data": [
            { "id": "z-ai/m", "context_length": 1_048_576, "top_provider": { "context_length": 202_752, "max_completion_tokens": null } },
            { "id": "z-ai/n", "context_length": 1_048_576, "top_provider": { "context_length": null } },
        ] });
        assert_eq!(listed(&openrouter, "z-ai/m"), Some(202_752));
        assert_eq!(listed(&openrouter, "z-ai/n"), Some(1_048_576));
        let litellm = json!({ "data": [
            { "model_name": "m", "litellm_params": {}, "model_info": { "max_tokens": 4_096, "max_input_tokens": 16_385.0 } },
            { "model_name": "m", "model_info": { "max_tokens": 4_096, "max_input_tokens": 16_385 } },
            { "model_name": "m", "model_info": { "max_input_tokens": 128_000 } },
            { "model_name": "n", "model_info": { "max_input_tokens": null } },
        ] });
        assert_eq!(of_litellm(&litellm, "m"), Some(16_385));
        assert_eq!(of_litellm(&litellm, "n"), None);
        let llama_cpp =
            json!({ "default_generation_settings": { "id": 0, "n_ctx": 4_096 }, "total_slots": 4 });
        assert_eq!(of_llama_cpp(&llama_cpp), Some(4_096));
        for nothing in [
            json!(null),
            json!([]),
            json!({ "data": {} }),
            json!({ "data": [{ "id": "m", "max_model_len": 0 }] }),
        ] {
            assert_eq!(
                (listed(&nothing, "m"), of_litellm(&nothing, "m"), of_llama_cpp(&nothing)),
                (None, None, None)
            );
        }
    }
}
