//! What people speak, as LINE says it of them. The page names it in words, so it has to be a language tag.

use serde::{Deserialize, Deserializer, de::Error};

/// The language of people of whom a saved conversation says nothing else.
pub(super) fn japanese() -> String {
    "ja".to_owned()
}

/// A language, which the page names in words: of BCP 47 what LINE says of people, as `en` or `zh-TW`.
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
