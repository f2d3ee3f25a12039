//! The settings of one model: what the operator sets of it, and what is known by its name.

use jiff::civil::Date;
use serde_json::{Map, Value};
use shared::env::{Env, EnvError, invalid};

use crate::{
    adapters::openai::endpoint::Endpoint,
    rules::models::{self, Ability, Model},
    rules::prompt::Budget,
};

/// The longest answer in tokens where `MAX_TOKENS` is not set. The thinking of a reasoning model counts.
pub const MAX_TOKENS: u32 = 4096;

/// The source of the size of a model's context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextSource {
    /// The operator sets it.
    Operator,
    /// The model is known.
    Table,
    /// Nobody says it, so that the server is asked.
    Guess,
}

/// The settings of one model.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// The model's name.
    pub name: String,
    /// The context, the longest answer and the encoding.
    pub budget: Budget,
    /// The source of the context's size.
    pub context_source: ContextSource,
    /// Whether the first request to the model uses `max_completion_tokens`.
    pub completion_limit: bool,
    /// Whether the model takes images.
    pub vision: Ability,
    /// Whether the model takes PDF files.
    pub files: Ability,
    /// The day on which the model's maker shuts it down, if that is announced.
    pub end: Option<Date>,
}

impl ModelSettings {
    /// Reads the variables of the first model.
    pub(super) fn from_env(env: &Env, openai: &Endpoint) -> Result<Self, EnvError> {
        let name = env.optional("GPT_MODEL")?.unwrap_or(models::DEFAULT);
        let known = models::named(name);
        let context = |default| env.number("CONTEXT_TOKENS", default, 1, 100_000_000);
        // Without `MAX_TOKENS`, half of a small context is left for the prompt.
        let half = context(known.context_tokens)? / 2;
        let default = MAX_TOKENS.min(known.output_tokens.unwrap_or(MAX_TOKENS)).min(half).max(1);
        let max_tokens = env.number("MAX_TOKENS", default, 1, 1_000_000)?;
        let context_tokens = context(known.context_with(max_tokens))?;
        if max_tokens >= context_tokens {
            let why = format!("the longest answer must leave room in the context of {context_tokens} tokens");
            return Err(invalid("MAX_TOKENS", &why));
        }
        let settings = Self::of(name, &known, (context_tokens, max_tokens), openai);
        Ok(match env.optional("CONTEXT_TOKENS")? {
            Some(_) => Self { context_source: ContextSource::Operator, ..settings },
            None => settings,
        })
    }

    /// Reads the variable of the model that is asked if the `first` one is unavailable.
    pub(super) fn fallback_from_env(
        env: &Env,
        first: &Self,
        openai: &Endpoint,
    ) -> Result<Option<Self>, EnvError> {
        let Some(name) = env.optional("FALLBACK_MODEL")? else { return Ok(None) };
        if name == first.name {
            return Err(invalid("FALLBACK_MODEL", "it must be another model than GPT_MODEL"));
        }
        let known = models::named(name);
        let most = known.output_tokens.unwrap_or(u32::MAX).min(known.context_tokens / 2);
        let max_tokens = u32::try_from(first.budget.max_tokens).unwrap_or(u32::MAX).min(most);
        Ok(Some(Self::of(name, &known, (known.context_with(max_tokens), max_tokens), openai)))
    }

    fn of(name: &str, known: &Model, (context_tokens, max_tokens): (u32, u32), openai: &Endpoint) -> Self {
        Self {
            name: name.to_owned(),
            budget: Budget {
                context_tokens: context_tokens as usize,
                max_tokens: max_tokens as usize,
                encoding: known.encoding,
            },
            context_source: if known.is_known { ContextSource::Table } else { ContextSource::Guess },
            completion_limit: known.completion_limit,
            vision: known.vision,
            files: known.files,
            // Deployments on Azure have other ends.
            end: known.end.filter(|_| openai.deployment(name).is_none()),
        }
    }

    /// Whether the model may be able to read images.
    pub(crate) fn may_see(&self) -> bool {
        self.vision != Ability::No
    }

    /// Whether the model may be able to read PDF files.
    pub(crate) fn may_read_pdfs(&self) -> bool {
        self.files != Ability::No
    }
}

/// Returns the environment with the prices of the model's maker, if the operator sets no price and they are known.
#[must_use]
pub fn with_prices(env: Env) -> Env {
    let model = env.optional("GPT_MODEL").ok().flatten().unwrap_or(models::DEFAULT);
    let Some(prices) = models::named(model).prices else { return env };
    let known = [
        ("PROMPT_USD_PER_MILLION", Some(prices.prompt)),
        ("CACHED_USD_PER_MILLION", prices.cached),
        ("CACHE_WRITTEN_USD_PER_MILLION", prices.written),
        ("COMPLETION_USD_PER_MILLION", Some(prices.completion)),
    ];
    if known.iter().any(|(name, _)| env.optional(name) != Ok(None)) {
        return env;
    }
    let set = known.into_iter().filter_map(|(name, price)| Some((name.to_owned(), price?.to_owned())));
    env.or(Env::of(set))
}

/// The fields of a request that options must not change.
const RESERVED_OPTIONS: [&str; 6] =
    ["model", "messages", "max_tokens", "max_completion_tokens", "stream", "stream_options"];

/// Reads the options that are merged into each request to a model.
pub(super) fn options(env: &Env) -> Result<Map<String, Value>, EnvError> {
    const NAME: &str = "MODEL_OPTIONS";
    let Some(text) = env.optional(NAME)? else { return Ok(Map::new()) };
    let options: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| invalid(NAME, r#"it must be a JSON object, such as {"reasoning_effort":"low"}"#))?;
    match RESERVED_OPTIONS.iter().find(|field| options.contains_key(**field)) {
        Some(field) => Err(invalid(NAME, &format!("it must not contain {field}, which Henji sets"))),
        None => Ok(options),
    }
}
