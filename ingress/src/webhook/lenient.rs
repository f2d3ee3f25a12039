//! Reads fields tolerantly: an odd field does not affect the fields beside it. Pure.

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use serde_json::value::RawValue;

/// Reads an optional field. A field of another type counts as missing.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// The first byte of half a surrogate pair, as JSON's escape of it is read.
const HALF: &[u8] = b"\xed";

/// A JSON string that may have half of a surrogate pair, which JSON can write and UTF-8 cannot. The half becomes U+FFFD
/// instead of an error.
pub(super) struct Lossy(pub(super) String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Lossy;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Lossy, E> {
                let mut text = String::with_capacity(bytes.len());
                for chunk in bytes.utf8_chunks() {
                    text.push_str(chunk.valid());
                    // The three bytes of a half count as one UTF-16 unit, so that places behind it stay right.
                    if chunk.invalid().starts_with(HALF) {
                        text.push(char::REPLACEMENT_CHARACTER);
                    }
                }
                Ok(Lossy(text))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}
