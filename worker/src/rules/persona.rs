//! The bot's character in a conversation: the operator's `SYSTEM_PROMPT` or the built-in character, with a persona on
//! offer or a person's own description. Nothing replaces the operator's words. Pure.

use serde::{Deserialize, Serialize};
use shared::prefix::folded;
use url::Url;

use crate::locale::Locale;

/// The character of the bot if `SYSTEM_PROMPT` is not set.
pub const BUILT_IN: &str =
    "あなたは絵文字をたくさん使って、気さくに話す友達です。相手が書いた言語で答えてください。";
/// The longest description, in characters. It has a limit because it is sent with every question.
pub const DESCRIPTION_MAX: usize = 500;
/// The most personas on offer. LINE limits the number of quick replies, and two of them are for the default and for
/// help.
const OFFER_MAX: usize = 11;
/// The longest name, in characters, because it is also the label of a quick reply (LINE).
const NAME_MAX: usize = 20;
/// The longest URL of an icon, percent-encoded, in characters (LINE, "Change icon and display name").
const ICON_MAX: usize = 2_000;
/// The words by which people choose the default character of the bot, as [`folded`] returns them.
const DEFAULT: [&str; 8] = ["いつもの", "default", "預設", "기본", "ปกติ", "既定", "元に戻す", "reset"];

/// A persona on offer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// The name by which people pick it. It is also the name above its answers.
    pub name: String,
    /// The character. It is added to `SYSTEM_PROMPT`, or replaces the built-in character if `SYSTEM_PROMPT` is not set.
    pub prompt: String,
    /// The image beside its answers: the `https` address of a PNG of at most 1 MB, percent-encoded.
    #[serde(default)]
    pub icon: Option<String>,
}

/// The persona that a conversation has chosen, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Chosen {
    /// A persona on offer, by its name.
    Named(String),
    /// The description that the person wrote. It is never logged.
    Described(String),
}

/// The choice that a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The default character: the operator's own, or the built-in one.
    Default,
    /// This persona.
    Chosen(Chosen),
    /// A description that is too long.
    TooLong,
}

/// The personas on offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Personas(pub Vec<Persona>);

/// The error for a value of `PERSONAS` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "it must be `off`, or a JSON array of at most {OFFER_MAX} objects with name (1 to {NAME_MAX} characters, none twice), prompt and, if wanted, icon (an https URL)"
)]
pub struct BadPersonas;

impl Personas {
    /// Returns the personas on offer if neither `PERSONAS` nor `SYSTEM_PROMPT` is set. Their names are in the bot's
    /// language.
    pub fn built_in(locale: Locale) -> Self {
        let [friend, teacher, butler, comedian] = locale.words().personas;
        let persona = |name: &str, who: &str| Persona {
            name: name.to_owned(),
            prompt: format!("You are {who}. Always answer in the language that the other person writes in."),
            icon: None,
        };
        Self(vec![
            persona(friend, "the other person's best friend: warm, casual, honest, fond of emojis"),
            persona(
                teacher,
                "a patient teacher who explains step by step, with small examples, and asks back",
            ),
            persona(
                butler,
                "a discreet, very polite and slightly dry-humoured butler, short and to the point",
            ),
            persona(comedian, "a comedian who answers correctly, and always with a joke or a pun"),
        ])
    }

    /// Reads `PERSONAS`.
    pub fn read(text: &str) -> Result<Option<Self>, BadPersonas> {
        if folded(text) == "off" {
            return Ok(None);
        }
        let mut personas: Vec<Persona> = serde_json::from_str(text).map_err(|_| BadPersonas)?;
        for icon in personas.iter_mut().filter_map(|persona| persona.icon.as_mut()) {
            *icon = encoded(icon).ok_or(BadPersonas)?;
        }
        let fits = |p: &Persona| {
            (1..=NAME_MAX).contains(&p.name.trim().chars().count()) && !p.prompt.trim().is_empty()
        };
        let names: std::collections::HashSet<String> = personas.iter().map(|p| folded(&p.name)).collect();
        let good = personas.len() <= OFFER_MAX && names.len() == personas.len() && personas.iter().all(fits);
        good.then_some(Some(Self(personas))).ok_or(BadPersonas)
    }

    /// Returns the choice for the words `who`: a name on offer, the default, or else a description.
    pub fn choose(&self, who: &str) -> Choice {
        let wanted = folded(who);
        if DEFAULT.contains(&wanted.as_str()) {
            return Choice::Default;
        }
        match self.0.iter().find(|persona| folded(&persona.name) == wanted) {
            Some(persona) => Choice::Chosen(Chosen::Named(persona.name.clone())),
            None if who.chars().count() > DESCRIPTION_MAX => Choice::TooLong,
            None => Choice::Chosen(Chosen::Described(who.to_owned())),
        }
    }

    /// Returns the persona of this name, if it is still on offer.
    pub fn named(&self, name: &str) -> Option<&Persona> {
        self.0.iter().find(|persona| persona.name == name)
    }
}

/// Returns the address of an icon in the form that LINE takes: `https`, percent-encoded, and not too long.
fn encoded(icon: &str) -> Option<String> {
    let url = Url::parse(icon).ok().filter(|url| url.scheme() == "https")?;
    Some(String::from(url)).filter(|url| url.len() <= ICON_MAX)
}

/// Returns the system prompt of a conversation. A persona is added to the operator's own words (`SYSTEM_PROMPT`) and
/// never replaces them. A persona on offer replaces the built-in character. If nothing is on offer, people may not
/// change the character, and an earlier choice has no effect.
pub fn system_prompt(operators: Option<&str>, offer: Option<&Personas>, chosen: Option<&Chosen>) -> String {
    let own = operators.unwrap_or(BUILT_IN);
    let with = |how, who: &str| {
        format!(
            "{own}\n\nIn this conversation, play this character{how}, as far as the words above allow it: {who}"
        )
    };
    let Some((offer, chosen)) = offer.zip(chosen) else { return own.to_owned() };
    match chosen {
        Chosen::Named(name) => match offer.named(name) {
            Some(persona) if operators.is_some() => with("", &persona.prompt),
            Some(persona) => persona.prompt.clone(),
            None => own.to_owned(),
        },
        Chosen::Described(who) => with(" as the other person described it", who),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_name_on_offer_is_picked_and_anything_else_describes() {
        let offer = Personas::built_in(Locale::Ja);
        let named = |name: &str| Choice::Chosen(Chosen::Named(name.to_owned()));
        assert_eq!(offer.choose(" 先生 "), named("先生"));
        assert_eq!(Personas::built_in(Locale::En).choose("ＴＥＡＣＨＥＲ"), named("Teacher"));
        assert_eq!(offer.choose("Default"), Choice::Default);
        let pirate = Chosen::Described("a pirate".to_owned());
        assert_eq!(offer.choose("a pirate"), Choice::Chosen(pirate.clone()));
        assert_eq!(offer.choose(&"海".repeat(501)), Choice::TooLong);
        assert!(matches!(offer.choose(&"海".repeat(500)), Choice::Chosen(Chosen::Described(_))));
    }

    #[test]
    fn a_persona_is_added_to_the_operators_words_and_replaces_only_the_built_in_character() {
        let offer = Personas::read(r#"[{"name":"Pirate","prompt":"You are a pirate."}]"#).unwrap().unwrap();
        let named = |name: &str| Some(Chosen::Named(name.to_owned()));
        let described = Some(Chosen::Described("a duke".to_owned()));
        for (operators, chosen, begins, ends) in [
            (Some("be kind"), None, "be kind", "be kind"),
            (Some("be kind"), named("Pirate"), "be kind\n", "You are a pirate."),
            (Some("be kind"), named("gone"), "be kind", "be kind"),
            (Some("be kind"), described.clone(), "be kind\n", "a duke"),
            (None, None, BUILT_IN, BUILT_IN),
            (None, named("Pirate"), "You are a pirate.", "You are a pirate."),
            (None, named("gone"), BUILT_IN, BUILT_IN),
            (None, described, BUILT_IN, "a duke"),
        ] {
            let prompt = system_prompt(operators, Some(&offer), chosen.as_ref());
            assert!(
                prompt.starts_with(begins) && prompt.ends_with(ends),
                "{operators:?} {chosen:?}: {prompt}"
            );
            assert_eq!(system_prompt(operators, None, chosen.as_ref()), operators.unwrap_or(BUILT_IN));
        }
    }

    #[test]
    fn what_an_operator_offers_is_checked() {
        let read = |text: &str| Personas::read(text).map(|p| p.map(|p| p.0.len()));
        assert_eq!(read("OFF").unwrap(), None);
        assert_eq!(read("[]").unwrap(), Some(0));
        assert_eq!(
            read(r#"[{"name":"海","prompt":"p","icon":"https://example.com/i.png"}]"#).unwrap(),
            Some(1)
        );
        let icon = |url: &str| {
            let personas = Personas::read(&format!(r#"[{{"name":"n","prompt":"p","icon":"{url}"}}]"#));
            personas.ok().flatten().and_then(|mut personas| personas.0.remove(0).icon)
        };
        for (url, encoded) in [
            ("https://example.com/i.png?v=1&w=%20", Some("https://example.com/i.png?v=1&w=%20")),
            (
                "https://例え.jp/海 賊.png?名=海",
                Some("https://xn--r8jz45g.jp/%E6%B5%B7%20%E8%B3%8A.png?%E5%90%8D=%E6%B5%B7"),
            ),
            ("HTTPS://EXAMPLE.com/i.png", Some("https://example.com/i.png")),
            ("http://example.com/i.png", None),
            ("https://", None),
            ("/i.png", None),
        ] {
            assert_eq!(icon(url).as_deref(), encoded, "{url}");
        }
        let long = |chars: &str, times| format!("https://example.com/{}", chars.repeat(times));
        assert_eq!(icon(&long("a", 1_980)).map(|url| url.len()), Some(2_000));
        for too_long in [long("a", 1_981), long("海", 221)] {
            assert_eq!(icon(&too_long), None);
        }
        for wrong in [
            "on",
            "{}",
            r#"[{"name":"","prompt":"p"}]"#,
            r#"[{"name":"a name of more than 20","prompt":"p"}]"#,
            r#"[{"name":"n","prompt":" "}]"#,
            r#"[{"name":"n","prompt":"p","icon":"http://example.com/i.png"}]"#,
            r#"[{"name":"n","prompt":"p","colour":"red"}]"#,
            r#"[{"name":"n","prompt":"p"},{"name":"Ｎ","prompt":"p"}]"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
