//! The settings of stage two from its environment, and the settings that only tests change.

use std::{str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use reqwest::Url;
use serde_json::{Map, Value};
use shared::{
    env::{Env, EnvError, invalid},
    event::log,
    prefix::Prefix,
};

use crate::{
    adapters::openai::endpoint::Endpoint,
    locale::Locale,
    retry_pauses::Pauses,
    rules::instruction::{Abilities, about_bot, system_message},
    rules::models::{self, Ability},
    rules::persona::{Chosen, Persona, Personas},
    rules::prompt::Budget,
    rules::user_quota::{GroupPersona, UserQuota},
};

/// The longest answer in tokens where `MAX_TOKENS` is not set. The thinking of a reasoning model counts.
pub const MAX_TOKENS: u32 = 4096;

/// The least room for prompts, in tokens, in which the model is told about the bot. A smaller one is all for the
/// conversation.
const ROOM_TO_TELL: usize = 1_000;

/// The longest instruction in a file, in bytes.
const PROMPT_FILE_MAX: u32 = 200_000;

/// The model that transcribes recordings where `TRANSCRIBE_MODEL` is not set (OpenAI, "Speech to text": the older ones
/// shut down on 2027-02-26).
pub const TRANSCRIBE_MODEL: &str = "gpt-transcribe";

/// The way in which answers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryMode {
    /// Answers are sent by push, which is metered.
    Push,
    /// An answer begins with the free reply while its token is young; else it is pushed.
    ReplyFirst,
}

/// The error for a text that is no delivery mode.
#[derive(Debug, thiserror::Error)]
#[error("it must be push or reply-first")]
pub struct UnknownDeliveryMode;

impl FromStr for DeliveryMode {
    type Err = UnknownDeliveryMode;
    fn from_str(text: &str) -> Result<Self, UnknownDeliveryMode> {
        match text {
            "push" => Ok(Self::Push),
            "reply-first" => Ok(Self::ReplyFirst),
            _ => Err(UnknownDeliveryMode),
        }
    }
}

/// The handling of messages of a conversation that wait together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Burst {
    /// Each message is answered.
    Off,
    /// The messages are answered together.
    Merge,
}

/// The error for a text that is no value of `BURST`.
#[derive(Debug, thiserror::Error)]
#[error("it must be off or merge")]
struct UnknownBurst;

impl FromStr for Burst {
    type Err = UnknownBurst;
    fn from_str(text: &str) -> Result<Self, UnknownBurst> {
        match text {
            "off" => Ok(Self::Off),
            "merge" => Ok(Self::Merge),
            _ => Err(UnknownBurst),
        }
    }
}

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

impl ContextSource {
    fn of(model: &models::Model) -> Self {
        if model.is_known { Self::Table } else { Self::Guess }
    }
}

/// The settings of *answer*.
#[derive(Clone, Debug)]
pub struct Config {
    /// The model's name.
    pub model: String,
    /// The context, the longest answer and the encoding.
    pub budget: Budget,
    /// The source of the context's size.
    pub context_source: ContextSource,
    /// Whether the first request to the model uses `max_completion_tokens`.
    pub completion_limit: bool,
    /// The day on which the model's maker shuts it down, if that is announced.
    pub model_end: Option<Date>,
    /// The model that is asked if the first one is unavailable.
    pub fallback: Option<Fallback>,
    /// The options that are merged into each request to a model.
    pub model_options: Map<String, Value>,
    /// The most past messages that are loaded.
    pub query_limit: u32,
    /// The operator's own instruction, from `SYSTEM_PROMPT` or a file; `None` for the built-in character.
    pub system_prompt: Option<String>,
    /// The text that tells the model about LINE and the bot; `None` if the context is too small for it.
    pub about_bot: Option<String>,
    /// The personas that people can choose; `None` if they may not change the character.
    pub personas: Option<Personas>,
    /// The time for which message rows are kept; `None` for ever.
    pub history_ttl: Option<SignedDuration>,
    /// The language of the bot's own words if the user's profile names no language that the bot has.
    pub locale: Locale,
    /// The way in which answers are sent.
    pub delivery: DeliveryMode,
    /// Whether messages that wait together are answered together.
    pub merges: bool,
    /// The time after its webhook when a user is notified that the answer takes longer; `None` for never.
    pub patience: Option<Duration>,
    /// The prefix that calls the bot in groups, in addition to a mention.
    pub group_prefix: Option<Prefix>,
    /// The people who may change a group's persona.
    pub group_persona: GroupPersona,
    /// The user quota: who may ask, and how much.
    pub quota: UserQuota,
    /// The number of attempts that begin at one job before it is dead-lettered.
    pub max_attempts: u32,
    /// The longest time that a user waits for attempts and the pauses between them, from the first attempt of a run to
    /// the apology.
    pub give_up_after: Duration,
    /// The pauses between attempts and within one.
    pub pauses: Pauses,
    /// The endpoint of the chat-completions API.
    pub openai: Endpoint,
    /// The base URL of the Messaging API.
    pub line_api_base_url: Url,
    /// The base URL of LINE's server for the content of messages: images and audio.
    pub line_data_api_base_url: Url,
    /// The model that transcribes recordings; `None` if recordings are not transcribed.
    pub transcribe_model: Option<String>,
    /// Whether requests to LINE and the model name the event that they belong to. Only `henji dev` sets it, for its page.
    pub sends_event_header: bool,
}

impl Config {
    /// Reads the variables, or returns an error that names the wrong one.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let name = env.optional("GPT_MODEL")?.unwrap_or(models::DEFAULT).to_owned();
        let known = models::named(&name);
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
        let budget = Budget {
            context_tokens: context_tokens as usize,
            max_tokens: max_tokens as usize,
            encoding: known.encoding,
        };
        let locale = env.parsed("LOCALE", Locale::Ja)?;
        let (variable, system_prompt) = system_prompt(env)?;
        let system_prompt = system_prompt.as_deref();
        let transcribe_model = Some(env.optional("TRANSCRIBE_MODEL")?.unwrap_or(TRANSCRIBE_MODEL))
            .filter(|name| *name != "off")
            .map(str::to_owned);
        let about_bot = |has_personas| {
            let (sees, hears) = (known.vision != Ability::No, transcribe_model.is_some());
            let tells = budget.context_tokens - budget.max_tokens >= ROOM_TO_TELL;
            tells.then(|| about_bot(locale, Abilities { sees, hears, has_personas }))
        };
        // The text is longest if there are personas.
        let longest = about_bot(true);
        if !budget.has_room_beside(&system_message(system_prompt, None, None, longest.as_deref(), true)) {
            return Err(no_room(variable));
        }
        let personas = personas(env, system_prompt, locale, longest.as_deref(), budget)?;
        let about_bot = if personas.is_some() { longest } else { about_bot(false) };
        // The limit is 45 s, because the reply token is not used after 50 s.
        let patience = env.number("PATIENCE_SECONDS", 0, 0, 45)?;
        let days = env.number("HISTORY_TTL_DAYS", 0, 0, 36_500)?;
        let openai = Endpoint::from_env(env)?;
        Ok(Self {
            context_source: match env.optional("CONTEXT_TOKENS")? {
                Some(_) => ContextSource::Operator,
                None => ContextSource::of(&known),
            },
            completion_limit: known.completion_limit,
            // Deployments on Azure have other ends.
            model_end: known.end.filter(|_| openai.deployment(&name).is_none()),
            fallback: Fallback::from_env(env, &name, max_tokens, &openai)?,
            model_options: model_options(env)?,
            model: name,
            budget,
            query_limit: env.number("QUERY_LIMIT", 50, 0, 1_000)?,
            system_prompt: system_prompt.map(str::to_owned),
            about_bot,
            personas,
            history_ttl: (days > 0).then(|| SignedDuration::from_hours(24 * i64::from(days))),
            locale,
            delivery: env.parsed("DELIVERY", DeliveryMode::Push)?,
            merges: env.parsed("BURST", Burst::Off)? == Burst::Merge,
            patience: (patience > 0).then(|| Duration::from_secs(patience.into())),
            group_prefix: Prefix::from_env(env)?,
            group_persona: env.parsed("GROUP_PERSONA", GroupPersona::Off)?,
            quota: UserQuota::from_env(env)?,
            max_attempts: env.number("MAX_ATTEMPTS", 5, 1, 100)?,
            give_up_after: Duration::from_secs(env.number("GIVE_UP_AFTER_SECONDS", 900, 5, 3_600)?.into()),
            pauses: Pauses::default(),
            openai,
            line_api_base_url: env.base_url("LINE_API_BASE_URL", "https://api.line.me")?,
            line_data_api_base_url: env.base_url("LINE_DATA_API_BASE_URL", "https://api-data.line.me")?,
            transcribe_model,
            sends_event_header: false,
        })
    }
}

impl Config {
    /// Logs a warning for each model that ends soon.
    pub fn warn_of_ends(&self, now: Timestamp) {
        let fallback = self.fallback.as_ref().map(|fallback| (&fallback.model, fallback.end));
        for (model, end) in [(&self.model, self.model_end)].into_iter().chain(fallback) {
            let Some(end) = end else { continue };
            if models::ends_soon(end, now.to_zoned(TimeZone::UTC).date()) {
                log!(warn, ModelEnds, model, %end, "the model ends: set a newer one before that day");
            }
        }
    }

    /// Whether an attempt of this length is too short to ask the first model and then the fallback.
    pub fn is_too_short_for_fallback(&self, attempt: Duration) -> bool {
        self.fallback.is_some() && attempt < TIME_FOR_BOTH
    }

    /// Logs a warning if an attempt of this length is too short to ask two models.
    pub fn warn_of_short_time(&self, attempt: Duration) {
        if self.is_too_short_for_fallback(attempt) {
            log!(
                warn,
                FallbackTimeShort,
                seconds = attempt.as_secs(),
                "an attempt is too short for two models: FALLBACK_MODEL needs 140 s"
            );
        }
    }

    /// Whether there is a fallback that may be able to read images.
    pub(crate) fn fallback_may_see(&self) -> bool {
        self.fallback.as_ref().is_some_and(|fallback| fallback.vision != Ability::No)
    }

    /// Returns the system message of a conversation that has chosen this persona.
    pub(crate) fn system_message(&self, persona: Option<&Chosen>, is_private: bool) -> String {
        let (own, about) = (self.system_prompt.as_deref(), self.about_bot.as_deref());
        system_message(own, self.personas.as_ref(), persona, about, is_private)
    }

    /// Returns the room of the window, as the text that is stored with its start.
    pub(crate) fn window_room(&self) -> String {
        format!("{}-{}/{}", self.budget.context_tokens, self.budget.max_tokens, self.query_limit)
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

/// The second model, on the same server.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The model's name.
    pub model: String,
    /// Its context, the longest answer and the encoding.
    pub budget: Budget,
    /// The source of the context's size.
    pub context_source: ContextSource,
    /// Whether the first request to it uses `max_completion_tokens`.
    pub completion_limit: bool,
    /// Whether it takes images.
    pub vision: Ability,
    /// The day on which its maker shuts it down, if that is announced.
    pub end: Option<Date>,
}

impl Fallback {
    fn from_env(
        env: &Env,
        first: &str,
        max_tokens: u32,
        openai: &Endpoint,
    ) -> Result<Option<Self>, EnvError> {
        let Some(model) = env.optional("FALLBACK_MODEL")? else { return Ok(None) };
        if model == first {
            return Err(invalid("FALLBACK_MODEL", "it must be another model than GPT_MODEL"));
        }
        let known = models::named(model);
        let most = known.output_tokens.unwrap_or(max_tokens).min(known.context_tokens / 2);
        let max_tokens = max_tokens.min(most);
        let budget = Budget {
            context_tokens: known.context_with(max_tokens) as usize,
            max_tokens: max_tokens as usize,
            encoding: known.encoding,
        };
        Ok(Some(Self {
            model: model.to_owned(),
            budget,
            context_source: ContextSource::of(&known),
            completion_limit: known.completion_limit,
            vision: known.vision,
            end: known.end.filter(|_| openai.deployment(model).is_none()),
        }))
    }
}

/// The least time of an attempt in which the fallback is asked; half of the model's time if that is shorter than two of
/// these.
pub(crate) const FALLBACK_TIME: Duration = Duration::from_mins(1);
/// The time of an attempt that gives each of two models its time, beside what is reserved for storing and sending.
const TIME_FOR_BOTH: Duration = Duration::from_secs(140);

/// The fields of a request that options must not change.
const RESERVED_OPTIONS: [&str; 6] =
    ["model", "messages", "max_tokens", "max_completion_tokens", "stream", "stream_options"];

fn model_options(env: &Env) -> Result<Map<String, Value>, EnvError> {
    const NAME: &str = "MODEL_OPTIONS";
    let Some(text) = env.optional(NAME)? else { return Ok(Map::new()) };
    let options: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| invalid(NAME, r#"it must be a JSON object, such as {"reasoning_effort":"low"}"#))?;
    match RESERVED_OPTIONS.iter().find(|field| options.contains_key(**field)) {
        Some(field) => Err(invalid(NAME, &format!("it must not contain {field}, which Henji sets"))),
        None => Ok(options),
    }
}

/// Returns the operator's instruction, and the variable that gives it.
fn system_prompt(env: &Env) -> Result<(&'static str, Option<String>), EnvError> {
    const FILE: &str = "SYSTEM_PROMPT_FILE";
    match (env.optional("SYSTEM_PROMPT")?, env.optional(FILE)?) {
        (Some(_), Some(_)) => Err(invalid(FILE, "SYSTEM_PROMPT is set, too: unset one of them")),
        (text, None) => Ok(("SYSTEM_PROMPT", text.map(str::to_owned))),
        (None, Some(_)) => Ok((FILE, env.text_file(FILE, PROMPT_FILE_MAX)?)),
    }
}

/// Returns the personas on offer; none if an operator has set a character and no personas. Of the built-in personas it
/// keeps those that fit into the context, because the operator did not ask for them.
fn personas(
    env: &Env,
    operators: Option<&str>,
    locale: Locale,
    about_bot: Option<&str>,
    budget: Budget,
) -> Result<Option<Personas>, EnvError> {
    let fits = |all: &Personas, Persona { name, .. }: &Persona| {
        let chosen = Chosen::Named(name.clone());
        budget.has_room_beside(&system_message(operators, Some(all), Some(&chosen), about_bot, true))
    };
    let Some(text) = env.optional("PERSONAS")? else {
        let built_in = Personas::built_in(locale);
        let fitting = built_in.0.iter().filter(|persona| fits(&built_in, persona)).cloned().collect();
        return Ok(operators.is_none().then_some(Personas(fitting)));
    };
    let personas = Personas::read(text).map_err(|e| invalid("PERSONAS", &e.to_string()))?;
    match &personas {
        Some(all) if !all.0.iter().all(|persona| fits(all, persona)) => Err(no_room("PERSONAS")),
        _ => Ok(personas),
    }
}

fn no_room(name: &str) -> EnvError {
    let why = "it leaves too little room for a conversation in CONTEXT_TOKENS - MAX_TOKENS: shorten it, or use a model with a larger context";
    invalid(name, why)
}

#[cfg(test)]
mod tests;
