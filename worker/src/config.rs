//! What stage two is told by its environment, and the settings that only tests change.

use std::{str::FromStr, time::Duration};

use jiff::SignedDuration;
use reqwest::Url;
use shared::{
    env::{Env, EnvError, unreadable},
    prefix::Prefix,
};

use crate::{
    adapters::openai::endpoint::Endpoint,
    locale::Locale,
    rules::models,
    rules::persona::{self, Chosen, Persona, Personas},
    rules::prompt::Budget,
    rules::quota::{GroupPersona, UserQuota},
};

/// The longest answer where `MAX_TOKENS` is not set. A reasoning model's thinking counts.
const MAX_TOKENS: u32 = 4096;

/// The model that hears where `TRANSCRIBE_MODEL` is not set (OpenAI, "Speech to text": the older ones
/// shut down on 2027-02-26).
pub const TRANSCRIBE_MODEL: &str = "gpt-transcribe";

/// How answers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryMode {
    /// By push, which is metered.
    Push,
    /// By the free reply while its token is young, else by push.
    ReplyFirst,
}

/// The text names no way.
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

/// What is done with messages of a conversation that wait together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Burst {
    /// Each is answered.
    Off,
    /// They are answered together.
    Merge,
}

/// The text names nothing that can be done.
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

/// Settings of *answer*.
#[derive(Clone, Debug)]
pub struct Config {
    /// The model's name.
    pub model: String,
    /// Context, longest answer, encoding.
    pub budget: Budget,
    /// Whether the model is asked with `max_completion_tokens` at first.
    pub completion_limit: bool,
    /// How many past messages are looked up at most.
    pub query_limit: u32,
    /// The operator's own character; the built-in one where it is `None`.
    pub system_prompt: Option<String>,
    /// The personas that people can choose; `None` where they may not change the character.
    pub personas: Option<Personas>,
    /// How long message rows are kept; `None` for ever.
    pub history_ttl: Option<SignedDuration>,
    /// Language of the bot's own words where a profile names none of them.
    pub locale: Locale,
    /// How answers are sent.
    pub delivery: DeliveryMode,
    /// Whether messages that wait together are answered together.
    pub merges: bool,
    /// How long after its webhook a user is told that it takes longer; `None` for never.
    pub patience: Option<Duration>,
    /// What calls the bot in groups, beside a mention.
    pub group_prefix: Option<Prefix>,
    /// Who may change a group's persona.
    pub group_persona: GroupPersona,
    /// Who may ask, and how much.
    pub quota: UserQuota,
    /// Attempts begun at one job before it is dead-lettered.
    pub max_attempts: u32,
    /// How long a user waits for attempts and the pauses between them, from the first attempt of a run to the
    /// apology.
    pub give_up_after: Duration,
    /// Pauses between attempts and within one.
    pub pauses: Pauses,
    /// The chat-completions API.
    pub openai: Endpoint,
    /// The Messaging API.
    pub line_api_base_url: Url,
    /// Where it keeps what messages carry: pictures, voice.
    pub line_data_api_base_url: Url,
    /// The model that hears; `None` where nobody listens.
    pub transcribe_model: Option<String>,
}

/// How long to wait before trying again.
#[derive(Clone, Debug)]
pub struct Pauses {
    /// After the first, second, third and every further failed attempt.
    pub between: [Duration; 4],
    /// Before the second and the third try of one call within an attempt.
    pub within: [Duration; 2],
    /// Before the loading animation, which LINE shows for a minute at most, is shown anew.
    pub loading: Duration,
    /// At least, before LINE is asked again for what it still prepares.
    pub preparing: Duration,
    /// Before a push is tried again that LINE refused for a limit of the month that is not reached.
    pub quota: Duration,
    /// How long it is tried from the first such refusal on.
    pub quota_max: SignedDuration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            between: [10, 30, 120, 300].map(Duration::from_secs),
            within: [500, 1_500].map(Duration::from_millis),
            loading: Duration::from_secs(50),
            preparing: Duration::from_secs(2),
            quota: Duration::from_secs(15),
            quota_max: SignedDuration::from_mins(5),
        }
    }
}

impl Config {
    /// Reads the variables, or names the one that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let name = env.optional("GPT_MODEL")?.unwrap_or(models::DEFAULT).to_owned();
        let known = models::named(&name);
        let context_tokens = env.number("CONTEXT_TOKENS", known.context_tokens, 1, 100_000_000)?;
        // Half of a small context is left for the prompt where nobody says otherwise.
        let default = MAX_TOKENS.min(context_tokens / 2).max(1);
        let max_tokens = env.number("MAX_TOKENS", default, 1, 1_000_000)?;
        if max_tokens >= context_tokens {
            let why = format!("the longest answer must leave room in the context of {context_tokens} tokens");
            return Err(unreadable("MAX_TOKENS", &why));
        }
        let budget = Budget {
            context_tokens: context_tokens as usize,
            max_tokens: max_tokens as usize,
            encoding: known.encoding,
        };
        let system_prompt = env.optional("SYSTEM_PROMPT")?;
        let locale = env.parsed("LOCALE", Locale::Ja)?;
        if !budget.has_room_beside(system_prompt.unwrap_or(persona::BUILT_IN)) {
            return Err(no_room("SYSTEM_PROMPT"));
        }
        let personas = personas(env, system_prompt, locale, budget)?;
        // By 50 s the reply token is no longer used.
        let patience = env.number("PATIENCE_SECONDS", 0, 0, 45)?;
        let days = env.number("HISTORY_TTL_DAYS", 0, 0, 36_500)?;
        Ok(Self {
            completion_limit: known.completion_limit,
            model: name,
            budget,
            query_limit: env.number("QUERY_LIMIT", 50, 0, 1_000)?,
            system_prompt: system_prompt.map(str::to_owned),
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
            openai: Endpoint::from_env(env)?,
            line_api_base_url: env.base_url("LINE_API_BASE_URL", "https://api.line.me")?,
            line_data_api_base_url: env.base_url("LINE_DATA_API_BASE_URL", "https://api-data.line.me")?,
            transcribe_model: Some(env.optional("TRANSCRIBE_MODEL")?.unwrap_or(TRANSCRIBE_MODEL))
                .filter(|name| *name != "off")
                .map(str::to_owned),
        })
    }
}

/// The personas on offer; none where an operator has set a character and no personas. Of the built-in ones
/// those that the context has room for: nobody asked for them.
fn personas(
    env: &Env,
    operators: Option<&str>,
    locale: Locale,
    budget: Budget,
) -> Result<Option<Personas>, EnvError> {
    let fits = |all: &Personas, Persona { name, .. }: &Persona| {
        let chosen = Chosen::Named(name.clone());
        budget.has_room_beside(&persona::system_prompt(operators, Some(all), Some(&chosen)))
    };
    let Some(text) = env.optional("PERSONAS")? else {
        let built_in = Personas::built_in(locale);
        let fitting = built_in.0.iter().filter(|persona| fits(&built_in, persona)).cloned().collect();
        return Ok(operators.is_none().then_some(Personas(fitting)));
    };
    let personas = Personas::read(text).map_err(|e| unreadable("PERSONAS", &e.to_string()))?;
    match &personas {
        Some(all) if !all.0.iter().all(|persona| fits(all, persona)) => Err(no_room("PERSONAS")),
        _ => Ok(personas),
    }
}

fn no_room(name: &str) -> EnvError {
    unreadable(name, "it leaves no room for a question in CONTEXT_TOKENS - MAX_TOKENS")
}

#[cfg(test)]
mod tests;
