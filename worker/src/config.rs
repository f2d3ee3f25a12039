//! The settings of stage two from its environment, and the settings that only tests change.

use std::{str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use reqwest::Url;
use serde_json::{Map, Value};
use shared::{
    env::{Env, EnvError, invalid},
    event::log,
    job::ConversationId,
    prefix::Prefix,
};

use crate::{
    adapters::openai::endpoint::Endpoint,
    locale::Locale,
    retry_pauses::Pauses,
    rules::instruction::{Abilities, about_bot, system_message},
    rules::models,
    rules::persona::{Chosen, Persona, Personas},
    rules::prompt::Budget,
    rules::user_quota::{GroupPersona, UserQuota},
};

pub mod handoff;
mod model;

pub use self::model::{ContextSource, MAX_TOKENS, ModelSettings, with_prices};

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

/// The settings of *answer*.
#[derive(Clone, Debug)]
pub struct Config {
    /// The model that is asked.
    pub model: ModelSettings,
    /// The model that is asked if the first one is unavailable.
    pub fallback: Option<ModelSettings>,
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
    /// The user or group of the staff, who are told when a person wants to talk to them; `None` if there are none.
    pub handoff_to: Option<ConversationId>,
    /// Whether requests to LINE and the model name the event that they belong to. Only `henji dev` sets it, for its page.
    pub sends_event_header: bool,
}

impl Config {
    /// Reads the variables, or returns an error that names the wrong one.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let openai = Endpoint::from_env(env)?;
        let model = ModelSettings::from_env(env, &openai)?;
        let budget = model.budget;
        let locale = env.parsed("LOCALE", Locale::Ja)?;
        let (variable, system_prompt) = system_prompt(env)?;
        let system_prompt = system_prompt.as_deref();
        let transcribe_model = Some(env.optional("TRANSCRIBE_MODEL")?.unwrap_or(TRANSCRIBE_MODEL))
            .filter(|name| *name != "off")
            .map(str::to_owned);
        let handoff_to = handoff::from_env(env)?;
        let about_bot = |has_personas| {
            let tells = budget.context_tokens - budget.max_tokens >= ROOM_TO_TELL;
            let abilities = Abilities {
                sees: model.may_see(),
                reads_pdfs: model.may_read_pdfs(),
                hears: transcribe_model.is_some(),
                has_personas,
                has_staff: handoff_to.is_some(),
            };
            tells.then(|| about_bot(locale, abilities))
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
        Ok(Self {
            fallback: ModelSettings::fallback_from_env(env, &model, &openai)?,
            model_options: model::options(env)?,
            model,
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
            handoff_to,
            sends_event_header: false,
        })
    }
}

impl Config {
    /// Logs a warning for each model that ends soon.
    pub fn warn_of_ends(&self, now: Timestamp) {
        for ModelSettings { name, end, .. } in [&self.model].into_iter().chain(&self.fallback) {
            let Some(end) = end else { continue };
            if models::ends_soon(*end, now.to_zoned(TimeZone::UTC).date()) {
                log!(warn, ModelEnds, model = name, %end, "the model ends: set a newer one before that day");
            }
        }
    }

    /// Returns the system message of a conversation that has chosen this persona.
    pub(crate) fn system_message(&self, persona: Option<&Chosen>, is_private: bool) -> String {
        let (own, about) = (self.system_prompt.as_deref(), self.about_bot.as_deref());
        system_message(own, self.personas.as_ref(), persona, about, is_private)
    }

    /// Returns the room of the window, as the text that is stored with its start.
    pub(crate) fn window_room(&self) -> String {
        let Budget { context_tokens, max_tokens, .. } = self.model.budget;
        format!("{context_tokens}-{max_tokens}/{}", self.query_limit)
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
