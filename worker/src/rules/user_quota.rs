//! The user quota: the people who may ask, how much they may ask a day, and how long a question may be. Pure.

use std::str::FromStr;

use jiff::{Timestamp, civil::Date, tz::Offset};
use shared::{
    env::{Env, EnvError, invalid},
    job::{Job, UserId},
};

use crate::{
    history::{Limit, Period, Tokens, Usage, UsageDelta},
    locale::Words,
};

/// The longest offset from UTC that clocks show anywhere, in minutes.
const OFFSET_MAX: i32 = 14 * 60;

/// The limits of each user. Zero means no limit.
#[derive(Clone, Debug)]
pub struct UserQuota {
    /// The users who may ask at all; everybody if it is not set.
    allowed: Option<Vec<UserId>>,
    /// The users for whom no limit counts.
    exempt: Vec<UserId>,
    /// The most answers a day.
    answers: u32,
    /// The most tokens a day, of prompts and answers together.
    tokens: u32,
    /// The most characters of a question.
    characters: u32,
    /// The offset from UTC by which the users' day begins.
    offset: Offset,
}

impl UserQuota {
    /// Reads the variables. An error names the variable that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let number = |name| env.number(name, 0, 0, 1_000_000_000);
        let offset = env.optional("UTC_OFFSET")?.unwrap_or("+09:00");
        let offset = self::offset(offset)
            .ok_or_else(|| invalid("UTC_OFFSET", "it must be a time difference such as +09:00 or -05:00"))?;
        Ok(Self {
            allowed: users(env, "ALLOWED_USERS")?,
            exempt: users(env, "EXEMPT_USERS")?.unwrap_or_default(),
            answers: number("ANSWERS_PER_DAY")?,
            tokens: number("TOKENS_PER_DAY")?,
            characters: number("QUESTION_MAX_CHARACTERS")?,
            offset,
        })
    }

    /// Returns the period over which a user's usage is counted now.
    pub fn period(&self, user: &str, now: Timestamp) -> Period {
        if self.is_not_allowed(user) { Period::Ever } else { Period::Day(self.day(now)) }
    }

    /// Returns the offset from UTC of the operator's zone.
    pub(crate) fn offset(&self) -> Offset {
        self.offset
    }

    /// Returns the users' day.
    pub fn day(&self, now: Timestamp) -> Date {
        self.offset.to_datetime(now).date()
    }

    /// Whether the bot does not talk with this user.
    pub fn is_not_allowed(&self, user: &str) -> bool {
        !holds(&self.exempt, user) && self.allowed.as_ref().is_some_and(|allowed| !holds(allowed, user))
    }

    /// Returns the limit that prevents this question.
    pub fn reached(&self, user: &str, question: &str, so_far: &Usage) -> Option<Limit> {
        let is_over = |limit: u32, value: u64| limit > 0 && value >= u64::from(limit);
        let is_longer = || self.characters > 0 && question.chars().count() > self.characters as usize;
        match () {
            () if holds(&self.exempt, user) => None,
            () if self.is_not_allowed(user) => Some(Limit::NotAllowed),
            () if is_over(self.answers, so_far.answers.into()) => Some(Limit::Answers),
            () if is_over(self.tokens, so_far.tokens) => Some(Limit::Tokens),
            () if is_longer() => Some(Limit::Length),
            () => None,
        }
    }

    /// Returns the notice for a user about a limit.
    pub fn says(&self, limit: Limit, words: &Words) -> String {
        match limit {
            Limit::NotAllowed => words.not_allowed.to_owned(),
            Limit::Answers => words.limit_answers.to_owned(),
            Limit::Tokens => words.limit_tokens.to_owned(),
            Limit::Persona => words.group_persona.to_owned(),
            Limit::Length => (words.question_too_long)(self.characters),
        }
    }
}

/// Reads a list of users, separated by commas or white space.
fn users(env: &Env, name: &str) -> Result<Option<Vec<UserId>>, EnvError> {
    let Some(list) = env.optional(name)? else { return Ok(None) };
    let users = user_ids(list).map(Some);
    users.ok_or_else(|| {
        invalid(name, "it must be LINE user ids (U and 32 hexadecimal digits) with commas between them")
    })
}

/// Reads at least one user; returns `None` if there is none, or if the list contains anything else.
fn user_ids(list: &str) -> Option<Vec<UserId>> {
    let user = |id: &str| {
        let digits = id.strip_prefix('U')?;
        let is_id = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then(|| id.to_owned().try_into().ok())?
    };
    let ids = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|id| !id.is_empty());
    let users: Option<Vec<_>> = ids.map(user).collect();
    users.filter(|users| !users.is_empty())
}

fn holds(users: &[UserId], user: &str) -> bool {
    users.iter().any(|known| known.as_str() == user)
}

/// The people who may change a group's persona: `GROUP_PERSONA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupPersona {
    /// Nobody.
    Off,
    /// Everybody in the group.
    On,
    /// These users.
    Only(Vec<UserId>),
}

/// The error for a value of `GROUP_PERSONA` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("it must be off, on, or LINE user ids (U and 32 hexadecimal digits) with commas between them")]
pub struct BadGroupPersona;

impl FromStr for GroupPersona {
    type Err = BadGroupPersona;
    fn from_str(text: &str) -> Result<Self, BadGroupPersona> {
        match text {
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            list => user_ids(list).map(Self::Only).ok_or(BadGroupPersona),
        }
    }
}

impl GroupPersona {
    /// Whether this person may change the persona. `speaker` is the person, if it is known who it is.
    pub fn allows(&self, speaker: Option<&UserId>) -> bool {
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Only(users) => speaker.is_some_and(|speaker| users.contains(speaker)),
        }
    }
}

/// Whether a person may change the persona of this chat. The persona of a group belongs to everybody, so only the
/// allowed people change it there.
pub(crate) fn may_change_persona(group_persona: &GroupPersona, job: &Job) -> bool {
    job.is_private() || group_persona.allows(job.speaker.as_ref())
}

impl UsageDelta {
    /// Returns the usage that an answer of a model adds. `fallback` is the model's name if it is the fallback model.
    pub(crate) fn of_answer(period: Period, tokens: Tokens, fallback: Option<String>) -> Self {
        Self { period, answers: 1, tokens, fallback, told: None }
    }

    /// Returns the usage that the notice of a limit adds: its user was notified of the limit.
    pub(crate) fn of_notice(period: Period, limit: Limit) -> Self {
        Self { period, answers: 0, tokens: Tokens::default(), fallback: None, told: Some(limit) }
    }
}

/// Reads an offset such as `+09:00`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |digits: &str| (digits.len() == 2).then(|| digits.parse::<i32>().ok())?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let all = 60 * hours + minutes;
    (minutes < 60 && (0..=OFFSET_MAX).contains(&all)).then(|| Offset::from_seconds(sign * 60 * all).ok())?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::{ConversationId, JobKind};

    use super::*;
    use crate::locale::Locale;

    const ONE: &str = "U4af4980629000000000000000000000a";
    const OTHER: &str = "U4af4980629000000000000000000000b";

    fn of(pairs: &[(&str, &str)]) -> Result<UserQuota, EnvError> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        UserQuota::from_env(&Env::of(pairs))
    }

    fn day(offset: &str, now: &str) -> String {
        let quota = of(&[("ANSWERS_PER_DAY", "3"), ("UTC_OFFSET", offset)]).unwrap();
        quota.period(ONE, now.parse().unwrap()).to_string()
    }

    #[test]
    fn nothing_is_reached_where_nothing_is_limited() {
        let free = of(&[]).unwrap();
        assert_eq!(free.period(ONE, Timestamp::UNIX_EPOCH).to_string(), "1970-01-01");
        let used = Usage { answers: u32::MAX, tokens: u64::MAX, told: vec![] };
        assert_eq!(free.reached(ONE, &"x".repeat(100_000), &used), None);
    }

    #[test]
    fn the_day_begins_where_the_users_are() {
        assert_eq!(day("+09:00", "2026-03-01T14:59:59Z"), "2026-03-01");
        assert_eq!(day("+09:00", "2026-03-01T15:00:00Z"), "2026-03-02");
        assert_eq!(day("-05:30", "2026-03-01T05:29:59Z"), "2026-02-28");
    }

    #[test]
    fn each_limit_is_reached_where_it_says() {
        let all = [("ANSWERS_PER_DAY", "3"), ("TOKENS_PER_DAY", "100"), ("QUESTION_MAX_CHARACTERS", "5")];
        let all = of(&all).unwrap();
        let reached = |answers, tokens, question: &str| {
            all.reached(ONE, question, &Usage { answers, tokens, told: vec![] })
        };
        assert_eq!(reached(2, 99, "こんにちは"), None, "characters, not bytes");
        assert_eq!(reached(3, 99, "hi"), Some(Limit::Answers));
        assert_eq!(reached(2, 100, "hi"), Some(Limit::Tokens));
        assert_eq!(reached(0, 0, "こんにちは!"), Some(Limit::Length));
    }

    #[test]
    fn a_user_is_told_which_limit_it_is() {
        let quota = of(&[("QUESTION_MAX_CHARACTERS", "70")]).unwrap();
        let words = Locale::En.words();
        for (limit, part) in [
            (Limit::NotAllowed, "on my list"),
            (Limit::Answers, "a lot today"),
            (Limit::Tokens, "for today"),
            (Limit::Length, "70 characters"),
            (Limit::Persona, "my persona"),
        ] {
            let said = quota.says(limit, words);
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn the_operators_own_list_passes_everything() {
        let both = of(&[("ALLOWED_USERS", ONE), ("EXEMPT_USERS", OTHER), ("ANSWERS_PER_DAY", "1")]).unwrap();
        let used = Usage { answers: 1, ..Usage::default() };
        let stranger = "U4af4980629000000000000000000000c";
        assert_eq!(both.reached(ONE, "hi", &used), Some(Limit::Answers));
        assert_eq!(both.reached(OTHER, "hi", &used), None);
        assert_eq!(both.period(OTHER, Timestamp::UNIX_EPOCH).to_string(), "1970-01-01");
        assert_eq!(both.reached(stranger, "hi", &Usage::default()), Some(Limit::NotAllowed));
        assert_eq!(both.period(stranger, Timestamp::UNIX_EPOCH), Period::Ever);
    }

    #[test]
    fn a_groups_persona_is_nobodys_everybodys_or_of_some() {
        let one: UserId = ONE.to_owned().try_into().unwrap();
        let allows = |text: &str| text.parse::<GroupPersona>().unwrap().allows(Some(&one));
        assert!(!allows("off") && allows("on") && allows(ONE) && !allows(OTHER));
        assert!(allows(&format!("{OTHER}, {ONE}")));
        assert!(!ONE.parse::<GroupPersona>().unwrap().allows(None));
        assert!("everybody".parse::<GroupPersona>().is_err());
    }

    #[test]
    fn a_persona_is_ones_own_in_private_and_of_those_who_may_in_a_group() {
        for (chat, speaker, group_persona, may) in [
            (ONE, None, "off", true),
            ("C1", Some(ONE), "off", false),
            ("C1", Some(ONE), "on", true),
            ("C1", Some(ONE), ONE, true),
            ("C1", Some(OTHER), ONE, false),
        ] {
            let chat = ConversationId::of_known_id(chat.to_owned()).unwrap();
            let speaker = speaker.map(|id| id.to_owned().try_into().unwrap());
            let job = Job {
                speaker,
                ..Job::new("e1".to_owned().try_into().unwrap(), chat, JobKind::Follow { is_unblocked: false })
            };
            assert_eq!(
                may_change_persona(&group_persona.parse().unwrap(), &job),
                may,
                "{job:?} {group_persona}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_shown() {
        let list = format!("{ONE},\n {OTHER} ,");
        assert!(of(&[("ALLOWED_USERS", &list)]).is_ok());
        for (name, value) in [
            ("ALLOWED_USERS", "everybody"),
            ("ALLOWED_USERS", " , "),
            ("EXEMPT_USERS", "U123"),
            ("ANSWERS_PER_DAY", "-1"),
            ("TOKENS_PER_DAY", "many"),
            ("QUESTION_MAX_CHARACTERS", "1.5"),
            ("UTC_OFFSET", "JST"),
            ("UTC_OFFSET", "+9:00"),
            ("UTC_OFFSET", "+15:00"),
            ("UTC_OFFSET", "+-1:00"),
            ("UTC_OFFSET", "+09:60"),
        ] {
            let error = of(&[(name, value)]).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{name} cannot be read")) && !error.contains(value),
                "{error}"
            );
        }
    }
}
