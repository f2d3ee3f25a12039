//! The text that a model wrote, in each form that servers send: a string, or parts. Only the parts of type text count;
//! Mistral puts its thoughts beside them. Half of a surrogate pair, which JSON can write and UTF-8 cannot, becomes
//! U+FFFD, because the answer is paid for.

use std::fmt::{Formatter, Result as FmtResult};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

#[derive(Default)]
pub(super) struct Written(pub(super) String);

#[derive(Deserialize)]
struct Part {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    text: Option<Written>,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Written;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("a string, or parts")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Written, E> {
        Ok(Written(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Written, A::Error> {
        let mut text = String::new();
        while let Some(part) = parts.next_element::<Part>()? {
            if part.kind.is_none_or(|kind| ["text", "output_text"].contains(&kind.as_str())) {
                text.extend(part.text.map(|Written(text)| text));
            }
        }
        Ok(Written(text))
    }
}
