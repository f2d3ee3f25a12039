//! The languages of people, as LINE gives them in profiles. The page shows their names, so they must be language tags.

use serde::{Deserialize, Deserializer, de::Error};

/// Returns the default language of people whose language a saved conversation does not give.
pub(super) fn japanese() -> String {
    "ja".to_owned()
}

/// Reads a language tag: the part of BCP 47 that LINE uses in profiles, as `en` or `zh-TW`.
pub(super) fn tag<'de, D: Deserializer<'de>>(tag: D) -> Result<String, D::Error> {
    let tag = String::deserialize(tag)?;
    let mut parts = tag.split('-');
    let is_word = |part: &str, long: &[usize]| {
        long.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let is_tag = parts.next().is_some_and(|first| is_word(first, &[2, 3]));
    let mut rest = parts.peekable();
    rest.next_if(|part| is_word(part, &[4]));
    rest.next_if(|part| is_word(part, &[2]));
    if is_tag && rest.next().is_none() {
        return Ok(tag);
    }
    Err(D::Error::custom(format!("{tag:?} is no language tag, as `en` or `zh-TW`")))
}

#[cfg(test)]
mod tests {
    use serde::de::{
        IntoDeserializer,
        value::{Error as Invalid, StrDeserializer},
    };

    use super::*;

    #[test]
    fn a_language_is_one_that_there_is_a_name_for() {
        let read = |text: &str| tag::<StrDeserializer<'_, Invalid>>(text.into_deserializer());
        for language in ["ja", "en", "zh-TW", "zh-Hant", "zh-Hant-TW", "fil"] {
            assert_eq!(read(language).as_deref(), Ok(language));
        }
        for other in ["", "not a tag!", "e", "en-", "-TW", "en-TW-Hant", "en_US", "日本"] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
